"""Photographs at a counter, in a real Chromium: drawn anew, named and signed at once, kept as they were drawn.

That the service leaves a drawn photograph as it is, is tried with what this Chromium's canvas makes, washed by the
service's own sandbox and hashed by Python.
"""

from __future__ import annotations

import base64
import io
import json
import random
from hashlib import sha256
from typing import Any
from urllib.request import Request, urlopen

import pytest
from PIL import Image
from playwright.sync_api import Browser, Page, Route, expect
from playwright.sync_api import Request as Sent

from tests import files
from tests.browser import needs_chromium
from tests.build import uuid
from tests.counter import Counter, at_tablet, come_in, ready
from tests.offline import (
    by_pin,
    check_signed,
    entries,
    key_in_force,
    leave,
    pair,
    record,
    send,
    to_flow,
    waiting,
    without_network,
)
from tests.pictured import drawing
from tests.test_files_washed import washed

pytestmark = needs_chromium

DRAWN = """async (given) => {
    const at = JSON.parse(document.getElementById("told").content.textContent).modules;
    const { photoOf } = await import(`${at}photo.js`);
    const raw = Uint8Array.from(atob(given), (one) => one.charCodeAt(0));
    const made = await photoOf(new File([raw], "IMG 1.JPG"), "photo-1.jpg");
    if (!made) return null;
    const bytes = new Uint8Array(await made.file.arrayBuffer());
    const text = Array.from(bytes, (one) => String.fromCharCode(one)).join("");
    return { ...made.attachment, type: made.file.type, raw: btoa(text) };
}"""
NOISE = """
const read = CanvasRenderingContext2D.prototype.getImageData;
CanvasRenderingContext2D.prototype.getImageData = function (...given) {
  const found = read.apply(this, given);
  found.data.forEach((one, at) => { found.data[at] = at * 41; });
  return found;
};
"""
"""A browser that gives pages noise for what they drew, lest they know it again by that."""
WRONG = (
    "HTMLCanvasElement.prototype.toBlob = (then) => then(new Blob([]));",
    # A progressive JPEG, and one with restarts: of other forms than the one that stays.
    "HTMLCanvasElement.prototype.toBlob = (then) => then(new Blob([Uint8Array.of(255, 216, 255, 194, 0, 2)]));",
    "HTMLCanvasElement.prototype.toBlob = (then) => then(new Blob([Uint8Array.of(255, 216, 255, 221, 0, 4, 0, 1)]));",
    "Image.prototype.decode = () => Promise.reject(new DOMException('', 'EncodingError'));",
)


def noise(width: int, height: int, mode: str = "RGB") -> bytes:
    """A picture of dice: what no encoder makes small."""
    dice = random.Random(width)
    made = Image.frombytes(mode, (width, height), dice.randbytes(width * height * len(mode)))
    return files.save(made, "PNG")


def flat(size: tuple[int, int], colour: str) -> bytes:
    return files.save(Image.new("RGB", size, colour), "PNG")


PICTURES: dict[str, tuple[bytes, tuple[int, int]]] = {
    "a drawing": (drawing(), (640, 640)),
    "a camera's, turned": (files.jpeg(60, 40, orientation=6), (40, 60)),
    "one pixel": (flat((1, 1), "red"), (1, 1)),
    "black": (flat((401, 301), "black"), (401, 301)),
    "white": (flat((800, 600), "white"), (800, 600)),
    "noise": (noise(333, 222), (333, 222)),
    "transparent": (noise(120, 90, "RGBA"), (120, 90)),
    "grey": (noise(64, 64, "L"), (64, 64)),
    "wider than is kept": (flat((5120, 7), "green"), (2560, 4)),
    "webp": (files.webp(), (60, 40)),
}


def test_what_a_canvas_makes_is_kept_byte_for_byte(counter: Counter, browser: Browser) -> None:
    with at_tablet(browser, counter) as page:
        for name, (raw, size) in PICTURES.items():
            made = page.evaluate(DRAWN, base64.b64encode(raw).decode())
            drawn = base64.b64decode(made["raw"])
            assert made["sha256"] == sha256(drawn).hexdigest(), name
            assert (made["name"], made["media_type"], made["type"]) == ("photo-1.jpg", "image/jpeg", "image/jpeg")
            assert made["size"] == len(drawn), name
            found, kept, _ = washed(drawn)
            assert kept == drawn, name
            assert (found.width, found.height) == size, name
            assert not any(secret in drawn for secret in files.SECRETS)
            opened = Image.open(io.BytesIO(drawn))
            assert set(opened.info) == {"jfif", "jfif_version", "jfif_unit", "jfif_density"}, name
        # A turned picture shows above what was on its left, and what is seen through is white.
        turned = Image.open(io.BytesIO(base64.b64decode(drawn_of(page, PICTURES["a camera's, turned"][0]))))
        red, _, blue = turned.convert("RGB").getpixel((35, 30))  # type: ignore[misc]
        assert red > blue
        clear = files.save(Image.new("RGBA", (30, 30), (0, 0, 0, 0)), "PNG")
        through = Image.open(io.BytesIO(base64.b64decode(drawn_of(page, clear))))
        assert through.getpixel((15, 15)) == (255, 255, 255)
        assert page.evaluate(DRAWN, base64.b64encode(b"no picture").decode()) is None


def drawn_of(page: Page, raw: bytes) -> str:
    return str(page.evaluate(DRAWN, base64.b64encode(raw).decode())["raw"])


def test_what_cannot_be_drawn_here_is_left_to_the_service(counter: Counter, browser: Browser) -> None:
    with at_tablet(browser, counter) as page:
        for script in (NOISE, *WRONG):
            page.goto(counter.address("/console/find"))
            ready(page)
            page.evaluate(f"() => {{ {script} }}")
            assert page.evaluate(DRAWN, base64.b64encode(drawing()).decode()) is None, script


def take_in(page: Page, counter: Counter, subject: str, said: str, raw: bytes) -> dict[str, Any]:
    """Take a thing in with a photograph, without a network; what waits of it."""
    to_flow(page, counter, "intake", thing=subject, description="a scratch")
    page.set_input_files("#intake-photo", {"name": "IMG 1.JPG", "mimeType": "image/jpeg", "buffer": raw})
    record(page, said)
    return waiting(page)[-1]


def taken_in_without_network(
    page: Page, counter: Counter, subject: str, raw: bytes, tablet: str | None
) -> tuple[dict[str, Any], str | None]:
    """The same on a ``tablet`` of this name that signs, with its key, or on one that does not."""
    did = None
    if tablet is not None:
        did = pair(page, counter, tablet)
        by_pin(page, counter)
    without_network(page)
    return take_in(page, counter, subject, "Kept here" if tablet is None else "kept here", raw), did


def asked(page: Page) -> list[str]:
    """What the browser sends from now on, in order."""
    found: list[str] = []

    def note(request: Sent) -> None:
        if request.method == "POST":
            found.append(request.url.rpartition("/v1/")[2].partition("?")[0])

    page.context.on("request", note)
    return found


def file_of(counter: Counter, digest: str) -> bytes:
    """The file as the service gives it to the shop's program."""
    request = Request(counter.address(f"/v1/attachments/{digest}"), headers={"Authorization": f"Bearer {counter.key}"})
    with urlopen(request, timeout=60) as answer:
        return bytes(answer.read())


@pytest.mark.parametrize("signs", [True, False], ids=["a tablet that signs", "any browser"])
def test_a_photograph_waits_with_its_statement_and_each_is_sent_once(
    counter: Counter, browser: Browser, signs: bool
) -> None:
    subject = counter.item(f"Pictured, signed here: {signs}")
    with at_tablet(browser, counter, None if signs else "staff stella") as page:
        kept, did = taken_in_without_network(
            page, counter, subject, files.jpeg(600, 400, 6), "Pictured" if signs else None
        )
        said = [value["statement"] for value in kept["statements"]]
        (named,) = said[1]["attachments"]
        assert said[1]["details"]["evidence"]["photos"] == [named["name"]]
        assert [len(value.get("signatures", [])) for value in kept["statements"]] == [int(signs)] * 2
        page.goto(counter.address("/console/queue"))
        ready(page)
        picture = page.locator("[data-rows] li img")
        expect(picture).to_have_js_property("naturalWidth", 400)
        posted = asked(page)
        page.context.set_offline(False)
        expect(page.locator("[data-rows] li")).to_have_count(0)
        assert posted == ["attachments", "statements/batch"]
        stood = entries(counter, subject)[1:]
        assert [one["statement"] for one in stood] == [
            {**one, "ledger": stood[0]["statement"]["ledger"]} | _hidden(two["statement"])
            for one, two in zip(said, stood, strict=True)
        ]
        custody = next(one["key"] for one in counter.ask("GET", "/v1/signing-keys")["keys"] if one["held_here"])
        for one in stood:
            check_signed(one, did or custody)
        raw = file_of(counter, named["sha256"])
        assert sha256(raw).hexdigest() == named["sha256"]
        assert Image.open(io.BytesIO(raw)).size == (400, 600)
        assert not any(secret in raw for secret in files.SECRETS)


def _hidden(statement: dict[str, Any]) -> dict[str, Any]:
    """What the service adds where it signs: the digests of what is private."""
    return {name: statement[name] for name in ("_sd", "_sd_alg") if name in statement}


def naming(page: Page, instead: str | None) -> None:
    """From now on a batch reaches the service with another digest of its photograph; not at all without one."""
    page.context.unroute("**/v1/statements/batch*")
    (named,) = [one for value in waiting(page)[-1]["statements"] for one in value["statement"].get("attachments", [])]

    def answer(route: Route) -> None:
        if instead is None:
            route.abort()
        else:
            route.continue_(post_data=(route.request.post_data or "").replace(named["sha256"], instead))

    page.context.route("**/v1/statements/batch*", answer)


def test_a_lost_answer_sends_no_photograph_twice_and_one_that_was_swept_goes_again(
    counter: Counter, browser: Browser
) -> None:
    subject = counter.item("Swept")
    with at_tablet(browser, counter) as page:
        without_network(page)
        take_in(page, counter, subject, "Kept here", drawing())
        posted = asked(page)
        naming(page, None)
        page.goto(counter.address("/console/queue"))
        ready(page)
        with page.context.expect_event("requestfailed", lambda one: "batch" in one.url):
            page.context.set_offline(False)
        # What no statement named for a day the service has thrown away: to it, it is a file that nobody sent.
        naming(page, "0" * 64)
        page.click("[data-send]")
        rows = page.locator("[data-rows] li")
        expect(rows).to_contain_text("A photograph that it names is not with the service")
        expect(rows).to_contain_text("the photograph is sent once more")
        assert posted.count("attachments") == 1
        assert counter.said(subject) == ["item.registered"]
        page.context.unroute("**/v1/statements/batch*")
        page.click("button:has-text('Try again')")
        expect(rows).to_have_count(0)
        assert posted.count("attachments") == 2
        assert counter.said(subject) == ["item.registered", "case.opened", "case.received"]


@pytest.mark.parametrize("signs", [True, False], ids=["a tablet that signs", "any browser"])
def test_a_photograph_that_the_service_keeps_otherwise_is_explained_and_signed_anew(
    counter: Counter, browser: Browser, signs: bool
) -> None:
    subject = counter.item(f"Kept otherwise, signed here: {signs}")
    with at_tablet(browser, counter, None if signs else "staff stella") as page:
        kept, did = taken_in_without_network(page, counter, subject, drawing(), "Otherwise" if signs else None)
        first = kept["statements"][1]["statement"]
        page.context.route(
            "**/v1/attachments?*", lambda route: route.continue_(post_data=files.save(files.picture(), "JPEG"))
        )
        send(page, counter, left=1)
        row = page.locator("[data-rows] li")
        expect(row).to_contain_text("keeps another picture than the one that was recorded here")
        expect(row).to_contain_text("Look at the photograph")
        assert counter.said(subject) == ["item.registered"]
        page.click("button:has-text('Try again')")
        expect(row).to_have_count(0)
        received = entries(counter, subject)[-1]
        (photo,) = received["statement"]["attachments"]
        assert photo["sha256"] != first["attachments"][0]["sha256"]
        assert Image.open(io.BytesIO(file_of(counter, photo["sha256"]))).size == (60, 40)
        assert {**received["statement"], "attachments": []} == {
            **first, "attachments": [], "ledger": received["statement"]["ledger"],
        }  # fmt: skip
        if did:
            check_signed(received, did)


def test_where_it_cannot_be_drawn_it_is_named_by_what_the_service_kept_and_signed_then(
    counter: Counter, browser: Browser
) -> None:
    subject = counter.item("Not drawn")
    with at_tablet(browser, counter, None) as page:
        page.context.add_init_script(NOISE)
        did = pair(page, counter, "Noisy")
        by_pin(page, counter)
        without_network(page)
        kept = take_in(page, counter, subject, "kept here", drawing())
        assert ["signatures" in value for value in kept["statements"]] == [True, False]
        send(page, counter)
        stood = entries(counter, subject)[1:]
        for one in stood:
            check_signed(one, did)
            assert one["statement"]["occurred_at"] == kept["statements"][0]["statement"]["occurred_at"]
        (photo,) = stood[1]["statement"]["attachments"]
        assert stood[1]["statement"]["details"]["evidence"]["photos"] == [photo["name"]]
        # The tablet is given up: its owner revokes it on its own page, and its key goes with it.
        leave(page)
        come_in(page, counter, "owner olga")
        page.click("[data-tablets] summary")
        page.on("dialog", lambda dialog: dialog.accept())
        page.click("[data-devices] li:has-text('Noisy') button")
        expect(page.locator("[data-tablet-state]")).to_contain_text("no shared tablet")
        assert key_in_force(counter, "Noisy") is None


SIDES = """() => {
    const box = (node) => node.getBoundingClientRect();
    const [then, now] = document.querySelectorAll("[data-sides] .side");
    const parts = [...then.children].map((part, at) => [box(part), box(now.children[at])]);
    const pictures = [then, now].map((side) => box(side.querySelector(".pictures img")));
    return {
        tops: parts.map(([one, other]) => Math.abs(one.top - other.top)),
        beside: parts.every(([one, other]) => one.right <= other.left),
        pictures: pictures.map(({ width, height }) => [Math.round(width), Math.round(height)]),
        seen: [...document.querySelectorAll("[data-sides] img")].every((one) => one.naturalWidth > 0),
        within: [...document.querySelectorAll("[data-sides] *")]
            .every((one) => box(one).right <= box(one.closest(".card")).right),
        wide: document.documentElement.scrollWidth,
    };
}"""


def test_photographs_of_then_and_now_stand_side_by_side_on_every_screen(counter: Counter, browser: Browser) -> None:
    """Several, upright and across, with what else was stated: each part of one side begins where the other's does."""
    subject, case = counter.item("Compared"), uuid("compared")
    opened = {"kind": "repair", "channel": "store", "issue": "quality"}
    counter.say("case.opened", subject, opened, case=case)
    sizes = ((640, 400), (400, 640), (500, 500), (900, 300))
    listed = [uploaded(counter, f"then-{number}.jpg", files.jpeg(*size)) for number, size in enumerate(sizes)]
    loose = [{"what": "stone", "count": 2, "weight_g": "0.3"}]
    evidence = {"weight_g": "3.62", "hallmark": "750", "loose": loose, "photos": [one["name"] for one in listed]}
    counter.say("case.received", subject, {"evidence": evidence}, case=case, attachments=listed)
    with at_tablet(browser, counter) as page:
        for language, weights in (
            ("en", ["Weight 3.62 g", "Weight 3.42 g"]),
            ("zh-Hans", ["重量 3.62 克", "重量 3.42 克"]),
        ):
            page.goto(counter.address(f"/console/handover?item={subject}&lang={language}"))
            ready(page)
            page.set_input_files(
                "#handover-photo", {"name": "now.jpg", "mimeType": "image/jpeg", "buffer": files.jpeg(300, 700)}
            )
            page.fill("#handover-weight_g", "3.42")
            page.wait_for_function(f"({SIDES})().seen")
            first = page.locator("[data-sides] .facts div:first-child").all_inner_texts()
            assert [one.replace("\n", " ") for one in first] == weights
            expect(page.locator("[data-sides]")).to_contain_text(
                {"en": "stone 2 0.3 g", "zh-Hans": "stone 2 0.3 克"}[language]
            )
            for width in (320, 360, 768, 1280):
                page.set_viewport_size({"width": width, "height": 800})
                found = page.evaluate(SIDES)
                assert found["tops"] == [0, 0, 0], (language, width)
                assert found["beside"], (language, width)
                assert found["within"], (language, width)
                assert found["pictures"][0] == found["pictures"][1], (language, width)
                assert found["wide"] <= width, (language, width)
        # A photograph opens beside the form, which stays as it is.
        assert set(page.locator("[data-sides] a").evaluate_all("all => all.map((one) => one.target)")) == {"_blank"}


def uploaded(counter: Counter, name: str, raw: bytes) -> dict[str, Any]:
    """What a statement lists of a photograph."""
    headers = {"Authorization": f"Bearer {counter.key}", "Content-Type": "image/jpeg"}
    request = Request(counter.address(f"/v1/attachments?name={name}"), raw, headers, method="POST")
    with urlopen(request, timeout=60) as answer:
        return dict(json.load(answer)["attachment"])
