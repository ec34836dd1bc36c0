"""A code into the console by camera and from a picture, in a real Chromium whose camera is a film of our own code."""

from __future__ import annotations

import io
import re
import struct
import zlib
from base64 import b64encode
from collections.abc import Iterator
from pathlib import Path

import pytest
from PIL import Image
from playwright.sync_api import Browser, FilePayload, Page, Playwright, expect, sync_playwright

from api.pages import qr
from api.pages.modules import Modules
from tests.browser import CHROMIUM
from tests.counter import Counter, at_tablet, kept, open_counter, ready
from tests.filmed import film, photograph
from tests.test_console_flows import record
from tests.test_console_pages import INSECURE
from tests.test_pages_axe import violations

pytestmark = [
    pytest.mark.skipif(CHROMIUM is None, reason="no Chromium on this machine"),
    pytest.mark.skipif(not Modules().codes, reason="no JavaScript packages here: no npm at set-up"),
]
PATIENCE = 60_000
"""Milliseconds: a busy machine gives a camera few frames."""
OWNER = "https://counter.example/o#AAECAwQFBgcICQoLDA0ODw"
BLIND = """HTMLCanvasElement.prototype.getContext =
    () => ({ fillRect() {}, translate() {}, rotate() {}, drawImage() {} });"""
NEVER_ANSWERS = """window.BarcodeDetector = class {
    static getSupportedFormats() { return Promise.resolve(["qr_code"]); }
    detect() { window.asked = true; return Promise.reject(new DOMException("", "NotSupportedError")); }
};"""
READS_EAN = """window.BarcodeDetector = class {
    constructor({ formats }) { window.formats = formats; }
    static getSupportedFormats() { return Promise.resolve(["ean_13", "qr_code", "aztec"]); }
    detect() { return Promise.resolve([{ rawValue: "9520123456788" }]); }
};"""


@pytest.fixture(scope="module")
def counter(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Counter]:
    with open_counter(tmp_path_factory.mktemp("counter")) as made:
        made.ring = made.item("Filmed ring")
        yield made


@pytest.fixture(scope="module")
def address(counter: Counter) -> str:
    """Of the ring's page, as its label has it."""
    return str(counter.ask("POST", f"/v1/items/{counter.ring}/codes", {"kind": "view"})["page"])


@pytest.fixture(scope="module")
def engine() -> Iterator[Playwright]:
    with sync_playwright() as playwright:
        yield playwright


def launched(engine: Playwright, *flags: str) -> Iterator[Browser]:
    rule = f"--host-resolver-rules=MAP {INSECURE} 127.0.0.1"
    found = engine.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox", rule, *flags])
    yield found
    found.close()


@pytest.fixture(scope="module")
def camera(engine: Playwright, address: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    """A browser whose camera sees the ring's code, and whose person lets pages use it."""
    seen = film(tmp_path_factory.mktemp("film") / "ring.y4m", address)
    fake = f"--use-file-for-fake-video-capture={seen}"
    yield from launched(engine, fake, "--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream")


@pytest.fixture(scope="module")
def browser(engine: Playwright) -> Iterator[Browser]:
    """A browser whose person lets no page use a camera."""
    yield from launched(engine)


def opened(page: Page, counter: Counter, path: str) -> None:
    page.goto(counter.address(path))
    ready(page)


def jpeg(picture: Image.Image) -> bytes:
    out = io.BytesIO()
    picture.convert("L").save(out, "JPEG", quality=80)
    return out.getvalue()


def bomb(side: int) -> bytes:
    """A PNG of so many white pixels a side, in a few kilobytes: their size is in its head."""
    packed = zlib.compressobj(9)
    body = b"".join(packed.compress(bytes([0]) + b"\xff" * (side // 8)) for _ in range(side)) + packed.flush()
    parts = ((b"IHDR", struct.pack(">IIBBBBB", side, side, 1, 0, 0, 0, 0)), (b"IDAT", body), (b"IEND", b""))
    chunks = [
        struct.pack(">I", len(raw)) + kind + raw + struct.pack(">I", zlib.crc32(kind + raw)) for kind, raw in parts
    ]
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunks)


def pictured(page: Page, raw: bytes | Path) -> None:
    """Choose a picture for the field."""
    with page.expect_file_chooser() as chosen:
        page.click("[data-picture]:visible")
    given: FilePayload = {"name": "code.jpg", "mimeType": "image/jpeg", "buffer": b"" if isinstance(raw, Path) else raw}
    chosen.value.set_files(raw if isinstance(raw, Path) else given)


def test_the_camera_finds_the_thing_and_is_let_go(counter: Counter, camera: Browser, address: str) -> None:
    with at_tablet(camera, counter) as page:
        opened(page, counter, "/console/wait")
        assert page.evaluate("'BarcodeDetector' in window") is False, "this browser has no reader of its own"
        page.click("[data-scan=wait-thing]")
        expect(page.locator("[data-found=thing] strong")).to_have_text("Filmed ring", timeout=PATIENCE)
        assert page.input_value("#wait-thing") == address
        expect(page.locator("video")).to_have_count(0)
        expect(page.locator("#wait-thing")).to_be_focused()
        expect(page.locator("[data-scan=wait-thing]")).to_be_enabled()
        page.fill("#wait-work", "cleaned")
        assert record(page) == counter.ring
        assert counter.said(counter.ring)[-1] == "maintenance.performed"


def test_scanning_goes_on_without_a_network(counter: Counter, camera: Browser, address: str) -> None:
    with at_tablet(camera, counter) as page:
        kept(page)
        page.context.set_offline(True)
        opened(page, counter, "/console/intake")
        page.click("[data-scan=intake-thing]")
        expect(page.locator("#intake-thing")).to_have_value(address, timeout=PATIENCE)


def test_the_camera_is_ended_by_its_button_or_a_key_and_is_for_everybody(
    counter: Counter, camera: Browser, browser: Browser
) -> None:
    with at_tablet(camera, counter) as page:
        # Nothing is found as long as no frame is read.
        page.add_init_script(BLIND)
        opened(page, counter, "/console/find")
        for key in ("Enter", "Escape"):
            page.click("[data-scan=text]")
            expect(page.locator("video")).to_be_visible()
            expect(page.locator(".camera button")).to_be_focused()
            for width in (360, 1280):
                page.set_viewport_size({"width": width, "height": 800})
                assert page.evaluate("document.documentElement.scrollWidth") <= width
            assert violations(page) == []
            page.keyboard.press(key)
            expect(page.locator("video")).to_have_count(0)
            expect(page.locator("#text")).to_be_focused()
    with at_tablet(browser, counter) as page:
        opened(page, counter, "/console/find")
        page.click("[data-scan=text]")
        expect(page.locator("[data-message]")).to_contain_text("The camera could not be used")
        expect(page.locator("[data-scan=text]")).to_be_enabled()


def test_a_code_is_read_from_a_picture_and_what_is_none_is_said(
    counter: Counter, browser: Browser, address: str, tmp_path: Path
) -> None:
    large = tmp_path / "large.jpg"
    with large.open("wb") as file:
        file.truncate(32 * 1024 * 1024 + 1)
    with at_tablet(browser, counter) as page:
        opened(page, counter, "/console/intake")
        photo = photograph(address)
        pictured(page, jpeg(photo))
        expect(page.locator("[data-found=thing] strong")).to_have_text("Filmed ring", timeout=PATIENCE)
        # Small, in a corner of what a telephone takes in: found at the second look.
        photo.thumbnail((300, 300))
        table = Image.new("L", (4000, 3000), 120)
        table.paste(photo, (3500, 2600))
        page.fill("#intake-thing", "")
        pictured(page, jpeg(table))
        expect(page.locator("#intake-thing")).to_have_value(address, timeout=PATIENCE)
        for raw, why in (
            (b"no picture at all", "no picture that this browser can open"),
            (jpeg(photo)[:200], "no picture that this browser can open"),
            (b"", "no picture that this browser can open"),
            (jpeg(Image.new("L", (900, 600), 200)), "No code could be read"),
            (bomb(20_000), "too large"),
            (large, "too large"),
        ):
            page.fill("#intake-thing", "as it was")
            pictured(page, raw)
            expect(page.locator("[data-message]")).to_contain_text(why, timeout=PATIENCE)
            expect(page.locator("[data-message]")).to_be_focused()
            assert page.input_value("#intake-thing") == "as it was"
            page.evaluate("document.querySelector('[data-message]').hidden = true")
            page.evaluate("document.querySelector('[data-message]').textContent = ''")


def test_a_browsers_own_reader_is_asked_first_and_not_trusted_to_answer(
    counter: Counter, browser: Browser, address: str
) -> None:
    with at_tablet(browser, counter) as page:
        page.add_init_script(NEVER_ANSWERS)
        opened(page, counter, "/console/wait")
        pictured(page, jpeg(photograph(address)))
        expect(page.locator("#wait-thing")).to_have_value(address, timeout=PATIENCE)
        assert page.evaluate("window.asked") is True
    with at_tablet(browser, counter) as page:
        page.add_init_script(READS_EAN)
        opened(page, counter, "/console/wait")
        pictured(page, jpeg(photograph(address)))
        expect(page.locator("#wait-thing")).to_have_value("9520123456788", timeout=PATIENCE)
        assert page.evaluate("window.formats") == ["qr_code", "ean_13"]


def test_an_owners_code_leads_to_nothing_and_goes_nowhere(counter: Counter, browser: Browser) -> None:
    with at_tablet(browser, counter) as page:
        asked: list[str] = []
        page.on("request", lambda request: asked.append(f"{request.url} {request.post_data or ''}"))
        opened(page, counter, "/console/wait")
        with Image.open(io.BytesIO(qr.png(OWNER))) as picture:
            pictured(page, jpeg(picture))
        expect(page.locator("[data-found=thing]")).to_contain_text("Not found", timeout=PATIENCE)
        assert page.input_value("#wait-thing") == OWNER
        assert not [one for one in asked if OWNER.partition("#")[2] in one]


def test_a_code_that_is_too_long_is_cut_as_typing_is(counter: Counter, browser: Browser) -> None:
    with at_tablet(browser, counter) as page:
        opened(page, counter, "/console/wait")
        with Image.open(io.BytesIO(qr.png("x" * 2000, 4))) as picture:
            pictured(page, jpeg(picture))
        expect(page.locator("#wait-thing")).to_have_value("x" * 300, timeout=PATIENCE)
        expect(page.locator("[data-found=thing]")).to_contain_text("Not found")


def test_over_plain_http_there_is_no_camera_but_a_picture_is_read(
    counter: Counter, browser: Browser, address: str
) -> None:
    """Nobody comes in there, so the page itself is asked for what its buttons would do."""
    context = browser.new_context(locale="en-GB")
    page = context.new_page()
    page.goto(f"http://{INSECURE}:{counter.server.place.rpartition(':')[2]}/console/door")
    ready(page)
    folder = str(page.get_attribute("script[src]", "src")).rpartition("/")[0]
    camera, text = page.evaluate(
        """async ([folder, raw]) => {
            const { canScan } = await import(`${folder}/scan.js`);
            const { readFile } = await import(`${folder}/reader.js`);
            const bytes = Uint8Array.from(atob(raw), (one) => one.charCodeAt(0));
            return [canScan(), await readFile(new File([bytes], "code.jpg"))];
        }""",
        [folder, b64encode(jpeg(photograph(address))).decode()],
    )
    assert (camera, text) == (False, address)
    expect(page.locator("[data-limits]")).to_contain_text("take a picture of the code")
    context.close()


def test_the_reader_is_fetched_when_it_is_wanted_and_not_before(
    counter: Counter, browser: Browser, address: str
) -> None:
    with at_tablet(browser, counter, service_workers="block") as page:
        fetched: list[str] = []
        page.on("request", lambda request: fetched.append(request.url.rpartition("/")[2]))
        opened(page, counter, "/console/find")
        assert "reader.js" in fetched
        assert not {"decode.js", "index.js"} & set(fetched)
        pictured(page, jpeg(photograph(address)))
        page.wait_for_url(re.compile("/console/item"))
        assert {"decode.js", "index.js"} <= set(fetched)


def test_without_the_packages_nothing_is_offered_that_would_not_work(tmp_path: Path) -> None:
    bare = Modules(tmp_path)
    assert (bare.codes, bare.reader, bare.drawer) == (False, "", "")
    assert bare.read(bare.mark, "decode.js", zipped=False) is None
    served = Modules()
    for name in ("decode.js", "index.js"):
        assert (served.read(served.mark, name, zipped=False) or b"").startswith(b"/*! qr (c) Paul Miller")
