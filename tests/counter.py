"""A shop's counter in a real Chromium: a served ledger with people, and a tablet at which one of them works."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit
from urllib.request import Request as Question
from urllib.request import urlopen

from playwright.sync_api import Browser, BrowserContext, Page, Request, expect

from api.cli import folder, init, parties
from api.rights import SIGNING
from tests.build import uuid
from tests.console import HASHED, HASHED_PIN, PASSWORD, login_of
from tests.served import Server

# A busy machine takes longer than five seconds for a page.
expect.set_options(timeout=20_000)
SHOP, OTHER = uuid("shop of the counter"), uuid("other shop")
PEOPLE = ("owner olga", "staff stella", "technician tess", "auditor aude")


@dataclass
class Counter:
    """A running server, the shop's API key, and the ledger's folder."""

    server: Server
    directory: Path
    key: str
    device_key: str
    people: dict[str, str] = field(default_factory=dict)
    shop: str = SHOP
    ring: str = ""
    case: str = ""

    def address(self, path: str) -> str:
        return f"http://{self.server.place}{path}"

    def ask(self, method: str, path: str, body: Any = None) -> Any:
        """The JSON that the API answers to the shop's program."""
        headers = {"Authorization": f"Bearer {self.key}", "Content-Type": "application/json"}
        raw = None if body is None else json.dumps(body).encode()
        with urlopen(Question(self.address(path), raw, headers, method=method), timeout=60) as answer:
            return json.load(answer)

    def item(self, name: str) -> str:
        """A new thing of the shop, by its name."""
        made = self.ask("POST", "/v1/items", {"name": name, "category": "jewellery"})
        return str(made["id"])

    def say(self, kind: str, subject: str, details: dict[str, Any], **more: Any) -> None:
        """Record a statement by the shop's program."""
        statement = {"type": kind, "party": self.shop, "subjects": [subject], "details": details, **more}
        self.ask("POST", "/v1/statements", {"statement": statement})

    def taken_in(self, subject: str, job_no: str = "J-1") -> str:
        """A new repair of a thing of the shop; the case."""
        case = uuid(f"case of {subject}")
        opened = {"kind": "repair", "channel": "store", "issue": "quality", "job_no": job_no, "promised": "2030-01-31"}
        self.say("case.opened", subject, opened, case=case)
        self.say("case.received", subject, {"evidence": {"weight_g": "3.62", "hallmark": "750"}}, case=case)
        return case

    def said(self, subject: str) -> list[str]:
        """The types of the statements about a subject, oldest first, from the log itself."""
        return [one["type"] for one in self.statements(subject)]

    def statements(self, subject: str) -> list[dict[str, Any]]:
        state = self.ask("GET", f"/v1/items/{quote(subject, safe='')}")
        return [self.ask("GET", f"/v1/statements/{one['statement']}")["statement"] for one in state["entries"]]


@contextmanager
def open_counter(place: Path, **more: Any) -> Iterator[Counter]:
    """A new ledger with a shop, its people and an enrolled tablet, served while the block runs."""
    directory = place / "ledger"
    init.create(directory, "counter.example/log")
    with folder.opened(directory) as ledger:
        for party, name in ((SHOP, "Corner Shop"), (OTHER, "Other Shop")):
            parties.register(ledger, party, {"name": name, "roles": ["retailer", "repairer"], "country": "DE"}, None)
        people = {}
        for one in PEOPLE:
            made = ledger.access.people.add(SHOP, one.split()[0], one.title(), login_of(one))
            ledger.access.people.set_password(made.id, HASHED)
            ledger.access.people.set_pin(made.id, HASHED_PIN)
            people[one] = made.id
        key = ledger.access.create_api_key(SHOP, [SIGNING], "counter")
        device_key = ledger.access.visits.enrol(SHOP, "Counter 1")[1]
    with Server(directory, key, **more) as server:
        counter = Counter(server, directory, key, device_key, people)
        yield counter
        # A test may have killed the first and started another in its place.
        assert counter.server.stop() == 0


@contextmanager
def at_tablet(browser: Browser, counter: Counter, who: str | None = "staff stella", **more: Any) -> Iterator[Page]:
    """A page of a tablet's own browser, somebody in; what Chromium complains of fails the test."""
    context: BrowserContext = browser.new_context(viewport={"width": 1024, "height": 768}, locale="en-GB", **more)
    context.set_default_timeout(30_000)
    page = context.new_page()
    said: list[str] = []
    page.on("pageerror", lambda error: said.append(str(error)))
    page.on("console", lambda message: said.append(message.text) if "Content Security" in message.text else None)
    asked: list[Request] = []
    context.on("request", lambda request: asked.append(request))  # noqa: PLW0108 -- Playwright wants a function of Python
    if who is not None:
        come_in(page, counter, who)
    yield page
    assert said == []
    # No page asks any other host, whatever was done; blob:, data: and its reader of PDFs are of the browser itself.
    urls = [urlsplit(one.url) for one in asked if not one.is_navigation_request()]
    assert {one.netloc for one in urls if one.scheme.startswith(("http", "ws"))} <= {counter.server.place}
    context.close()


def come_in(page: Page, counter: Counter, who: str) -> None:
    """By login and password; the work lists open."""
    page.goto(counter.address("/console/door"))
    ready(page)
    page.fill("#login", login_of(who))
    page.fill("#password", PASSWORD)
    page.press("#password", "Enter")
    page.wait_for_url(counter.address("/console"))
    ready(page)


def ready(page: Page) -> None:
    expect(page.locator("body[data-ready]")).to_be_attached()


def kept(page: Page) -> None:
    """Wait until the browser has what it needs without a network; what never comes does not hold up the tests."""
    waited = "new Promise((resolve) => setTimeout(() => resolve(false), 30_000))"
    assert page.evaluate(f"Promise.race([navigator.serviceWorker.ready.then(() => true), {waited}])")
