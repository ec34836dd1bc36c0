"""A tablet without a network, in a real Chromium: signed where it was said, sent once each, explained if refused."""

from __future__ import annotations

import json
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import rfc8785
from playwright.sync_api import Browser, Page, expect

from ledger import canonical, disclosure, dsse
from tests.browser import NO_ED25519, needs_chromium, needs_library
from tests.build import uuid
from tests.counter import Counter, at_tablet, come_in, open_counter, ready
from tests.offline import (
    by_pin,
    check_signed,
    entries,
    key_in_force,
    leave,
    new_thing,
    pair,
    record,
    restart,
    send,
    to_flow,
    waiting,
    without_network,
)

pytestmark = needs_chromium

NO_LOCKS = 'Object.defineProperty(Navigator.prototype, "locks", { value: undefined });'
HARD: dict[str, Any] = {
    "zulu": '</script>\n"\\ é 指環 \U0001f48d \u2028',
    "Alpha": [1, -9007199254740991, True, None, {"b": {}, "a": []}],
    "_sd": ["x"],
    "a1": "0.00",
}
"""What JSON writers differ about: order, escapes, characters beyond the plane, empty containers."""
SIGNS = """async (value) => {
    const at = JSON.parse(document.getElementById("told").content.textContent).modules;
    const { message } = await import(`${at}owner_says.js`);
    return [...message(value)];
}"""


@dataclass
class Day:
    """What was recorded on a tablet without a network, and sent to a service that was killed and started again."""

    did: str
    card: dict[str, Any]
    spare: dict[str, Any]
    brought: str
    case: str
    began: datetime
    kept: list[dict[str, Any]]
    message: bytes

    @property
    def said(self) -> list[dict[str, Any]]:
        """What was signed, in order."""
        return [value for one in self.kept for value in one["statements"]]


@pytest.fixture(scope="module")
def port() -> int:
    """A port for servers one after the other: what a browser keeps, it keeps for one address."""
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


@pytest.fixture(scope="module")
def counter(tmp_path_factory: pytest.TempPathFactory, port: int) -> Iterator[Counter]:
    with open_counter(tmp_path_factory.mktemp("counter"), more=("--port", str(port))) as opened:
        yield opened


@pytest.fixture(scope="module")
def day(counter: Counter, browser: Browser, port: int) -> Day:
    card, spare = counter.ask("POST", "/v1/codes", {"count": 2})["cards"]
    brought = counter.item("Brought before")
    case = counter.taken_in(brought, "J-7")
    with at_tablet(browser, counter, None) as page:
        did = pair(page, counter, "Day")
        by_pin(page, counter)
        without_network(page)
        counter.server.running.send_signal(signal.SIGKILL)
        counter.server.wait()
        try:
            began = datetime.now(UTC)
            record_day(page, counter, card)
            kept = waiting(page)
        finally:
            restart(counter, port)
        send(page, counter)
        message = bytes(page.evaluate(SIGNS, HARD))
    return Day(did, card, spare, brought, case, began, kept, message)


def record_day(page: Page, counter: Counter, card: dict[str, Any]) -> None:
    """A sale with a card, an intake, its hand-over, and that of a thing taken in before."""
    new_thing(page, counter, "sell", name="Watch", category="watches", price="1250.00", customer="Bea")
    expect(page.locator("[data-offline]")).to_contain_text("signed on this tablet")
    page.fill("#sell-card", card["page"])
    record(page)
    new_thing(page, counter, "sell", name="Second watch", category="watches", card=card["page"])
    page.click("form.flow button:not([type=button])")
    expect(page.locator("[data-field=card] .wrong")).to_contain_text("given out with another sale")
    expect(page.locator("#sell-card")).to_be_focused()
    new_thing(page, counter, "intake", name="Silver ring", category="jewellery", weight_g="3.62", job_no="J-9")
    record(page)
    # The same thing goes out again: its case is known from what waits, with what was seen when it came in.
    to_flow(page, counter, "handover", thing="J-9")
    expect(page.locator("[data-sides] .side")).to_have_count(2)
    page.fill("#handover-weight_g", "3.62")
    record(page)
    # The case of one that was taken in days before was laid in, and leads there from the work lists.
    page.goto(counter.address("/console"))
    ready(page)
    expect(page.locator("[data-list]:visible")).to_have_count(1)
    page.click("[data-list=open] li:has-text('J-7') a")
    page.wait_for_url("**/console/handover?item=*")
    ready(page)
    page.fill("#handover-weight_g", "3.62")
    expect(page.locator("[data-found=thing] strong")).to_have_text("Brought before")
    expect(page.locator("[data-message]")).to_contain_text("compare it with the slip")
    record(page)
    page.goto(counter.address("/console/queue"))
    ready(page)
    expect(page.locator("[data-rows] li:has-text('signed on this tablet')")).to_have_count(4)


def test_everything_was_signed_at_the_counter(day: Day) -> None:
    assert [one["form"] for one in day.kept] == ["sell", "intake", "handover", "handover"]
    assert len(day.said) == 2 + 3 + 3 + 3
    assert all([one["key"] for one in value["signatures"]] == [day.did] for value in day.said)
    assert "Bea" not in json.dumps([value["statement"] for value in day.said])


def test_each_was_sent_once_and_stands_as_it_was_signed(counter: Counter, day: Day) -> None:
    watch, ring = (day.said[number]["statement"]["subjects"][0] for number in (0, 2))
    handed_over = ["case.opened", "case.received", "case.inspected", "case.handed_over", "case.closed"]
    stood: dict[str, dict[str, Any]] = {}
    for subject, types in ((watch, ["item.sold"]), (ring, handed_over), (day.brought, handed_over)):
        found = entries(counter, subject)
        assert [one["statement"]["type"] for one in found] == ["item.registered", *types]
        stood |= {one["statement"]["id"]: one for one in found}
    for value in day.said:
        entry = stood[value["statement"]["id"]]
        assert entry["statement"] == value["statement"]
        check_signed(entry, day.did)
        happened = datetime.fromisoformat(entry["statement"]["occurred_at"])
        assert timedelta(seconds=-1) < happened - day.began < timedelta(minutes=10)
        assert happened < datetime.fromisoformat(entry["recorded_at"])
    assert day.said[-1]["statement"]["case"] == day.case


def test_a_sale_without_a_network_names_the_card_and_hides_what_is_private(counter: Counter, day: Day) -> None:
    sold = day.said[1]
    assert sold["statement"]["subjects"] == [day.card["owner"]["keys"][0]["item"]]
    assert sold["statement"]["details"]["holder_key"] == day.card["owner"]["holder_key"]
    members = {one.name: one.value for one in map(disclosure.parse_disclosure, sold["disclosures"])}
    assert members == {"price": {"amount": "1250.00", "currency": "EUR"}, "customer": {"name": "Bea"}}
    # price, customer, order_no, receipt_no, note and attachments: as many digests, whatever was given.
    assert len(sold["statement"]["_sd"]) == 6
    assert set(map(disclosure.digest, sold["disclosures"])) < set(sold["statement"]["_sd"])
    left = {one["code_id"] for one in counter.ask("GET", "/v1/codes")["cards"]}
    assert day.card["code_id"] not in left
    assert day.spare["code_id"] in left


def test_the_whole_log_is_proved(counter: Counter, day: Day) -> None:
    vkey = counter.ask("GET", "/v1/log/keys")["keys"][0]["vkey"]
    audit = [sys.executable, "-m", "ledger.command", "audit", counter.address(""), "--vkey", vkey]
    answer = subprocess.run(audit, capture_output=True, text=True, check=False, cwd=Path(__file__).parents[1])
    assert answer.returncode == 0, answer.stdout + answer.stderr
    custody = [one["custody"] for one in counter.ask("GET", "/v1/signing-keys")["keys"] if one["key"] == day.did]
    assert custody == ["self"]


def test_the_page_signs_the_bytes_that_python_signs(day: Day) -> None:
    assert day.message == dsse.pae(canonical.encode(HARD)) == dsse.pae(rfc8785.dumps(HARD))


def test_what_is_refused_stays_and_is_explained_with_what_to_do(counter: Counter, browser: Browser) -> None:
    card = counter.ask("POST", "/v1/codes", {"count": 1})["cards"][0]
    contested = counter.item("Contested")
    case = counter.taken_in(contested)
    with at_tablet(browser, counter, None) as page:
        pair(page, counter, "Contested")
        by_pin(page, counter)
        without_network(page)
        new_thing(page, counter, "sell", name="Chain", category="jewellery", card=card["page"])
        record(page)
        to_flow(page, counter, "handover", thing=contested, weight_g="3.62")
        record(page)
        to_flow(page, counter, "wait", thing=uuid("nobody's"), work="polished")
        record(page)
        # Meanwhile, with a network: another till sold with a copy of the card, and somebody closed the case.
        sold = card["owner"]["keys"][0]["item"]
        counter.say("item.registered", sold, {"name": "Bangle", "category": "jewellery"})
        named = {name: card["owner"][name] for name in ("holder_key", "holder_custody")}
        counter.say("item.sold", sold, {"channel": "store", **named})
        counter.say("case.closed", contested, {"outcome": "withdrawn"}, case=case)
        send(page, counter, left=3)
        rows = page.locator("[data-rows] li")
        for number, (why, what) in enumerate(
            (
                ("The owner code or card of this sale was used", "Record the sale once more with another card"),
                ("The case was closed meanwhile", "open the case again on its page"),
                ("The ledger does not know this thing", "try that first"),
            )
        ):
            expect(rows.nth(number)).to_contain_text(why)
            expect(rows.nth(number)).to_contain_text(what)
        assert counter.said(sold) == ["item.registered", "item.sold"]
        assert counter.said(contested)[-1] == "case.closed"
        page.once("dialog", lambda dialog: dialog.accept())
        rows.first.locator("button:has-text('Take away')").click()
        expect(rows).to_have_count(2)


REASON = """async ([type, pointer, statement]) => {
    const at = document.querySelector("script[type=module]").src;
    const { reason } = await import(at.replace("main.js", "conflict.js"));
    const problem = { type: `/docs/problems#${type}`, errors: [{ pointer }] };
    return (await reason({ problem, statements: [{ statement }] })).why;
}"""


def test_each_place_of_a_problem_has_its_reason(counter: Counter, browser: Browser) -> None:
    free, held, retired = (counter.item(name) for name in ("Free", "Held", "Retired"))
    case, key = counter.taken_in(free), "did:key:z6MkothersKey"
    owner = counter.ask("POST", f"/v1/items/{held}/codes", {"kind": "owner"})["owner"]
    named = {name: owner[name] for name in ("holder_key", "holder_custody")}
    counter.say("item.sold", held, {"channel": "store", **named})
    counter.say("item.retired", retired, {"reason": "scrapped"})
    with at_tablet(browser, counter) as page:
        for want, kind, pointer, subject, more in (
            ("key", "forbidden", "/0/signatures/0/key", free, {}),
            ("clock", "invalid", "/0/statement/occurred_at", free, {}),
            ("person", "forbidden", "/0/statement/agent", free, {}),
            ("photo", "invalid", "/0/statement/attachments/0", free, {}),
            ("not_ours", "forbidden", "/0/statement/subjects/0", free, {}),
            ("other", "invalid", "/0/statement/details/work", free, {}),
            ("other", "internal", "", free, {}),
            ("unknown", "conflict", "/0/statement/subjects/0", uuid("no thing"), {}),
            ("retired", "conflict", "/0/statement/subjects/0", retired, {}),
            ("held", "conflict", "/0/statement/details/holder_key", held, {"details": {"holder_key": key}}),
            ("code", "conflict", "/0/statement/details/holder_key", held, {"details": named}),
            ("code", "conflict", "/0/statement/details/holder_key", free, {"details": {"holder_key": key}}),
            ("no_case", "conflict", "/0/statement/case", free, {"case": uuid("no case")}),
            ("custody", "conflict", "/0/statement/type", free, {"case": case}),
            ("faster", "conflict", "/0/statement/details/quote", free, {"case": case}),
        ):
            statement = {"subjects": [subject], "details": {}, **more}
            assert page.evaluate(REASON, [kind, pointer, statement]) == f"why_{want}", (want, pointer)


def test_a_key_that_was_revoked_meanwhile_is_refused_and_the_words_are_signed_anew(
    counter: Counter, browser: Browser
) -> None:
    subject = counter.item("Key lost")
    with at_tablet(browser, counter, None) as page:
        did = pair(page, counter, "Lost")
        by_pin(page, counter)
        without_network(page)
        to_flow(page, counter, "wait", thing=subject, work="engraved", note="left-handed")
        record(page)
        counter.ask("POST", "/v1/signing-keys/revoke", {"key": did, "reason": "lost"})
        send(page, counter, left=1)
        row = page.locator("[data-rows] li")
        expect(row).to_contain_text("The key of this tablet does not count any more")
        expect(row).to_contain_text("An owner or manager lets the tablet sign again")
        assert counter.said(subject) == ["item.registered"]
        (kept,) = waiting(page)
        leave(page)
        come_in(page, counter, "owner olga")
        page.click("[data-tablets] summary")
        page.click("[data-let-sign]")
        expect(page.locator("[data-message]")).to_contain_text("This tablet signs")
        new = key_in_force(counter, "Lost")
        assert new not in {None, did}
        by_pin(page, counter)
        page.goto(counter.address("/console/queue"))
        ready(page)
        page.click("button:has-text('Try again')")
        expect(row).to_have_count(0)
        entry = entries(counter, subject)[-1]
        assert entry["statement"] == kept["statements"][0]["statement"]
        check_signed(entry, str(new))


@needs_library
def test_two_pages_send_it_once_also_without_ed25519_in_the_browser(counter: Counter, browser: Browser) -> None:
    subject = counter.item("Raced ring")
    with at_tablet(browser, counter, None) as page:
        page.context.add_init_script(NO_ED25519 + NO_LOCKS)
        did = pair(page, counter, "Raced")
        by_pin(page, counter)
        other = page.context.new_page()
        without_network(page)
        to_flow(page, counter, "wait", thing=subject, work="cleaned", note="twice")
        record(page)
        for one in (page, other):
            one.goto(counter.address("/console/queue"))
            ready(one)
        posted: list[int] = []
        page.context.on("response", lambda one: posted.append(one.status) if "/batch" in one.url else None)
        page.context.set_offline(False)
        for one in (page, other):
            one.evaluate("document.querySelector('[data-send]').click()")
        for one in (page, other):
            expect(one.locator("[data-rows] li")).to_have_count(0)
        assert set(posted) == {200}
        registered, done = entries(counter, subject)
        assert registered["statement"]["type"] == "item.registered"
        check_signed(done, did)


def test_a_browser_that_is_no_tablet_says_that_the_service_signs(counter: Counter, browser: Browser) -> None:
    subject = counter.item("Unsigned ring")
    with at_tablet(browser, counter) as page:
        without_network(page)
        to_flow(page, counter, "wait", thing=subject, work="cleaned")
        expect(page.locator("[data-offline]")).to_contain_text("the service signs it then")
        record(page, "Kept here. It is sent once")
        page.goto(counter.address("/console/queue"))
        ready(page)
        expect(page.locator("[data-rows] li")).to_contain_text("the service signs it")
        send(page, counter)
        custody = next(one["key"] for one in counter.ask("GET", "/v1/signing-keys")["keys"] if one["held_here"])
        check_signed(entries(counter, subject)[-1], custody)
