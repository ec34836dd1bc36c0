"""A served ledger that auditors and operators look at, and browsers at which they came in."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from urllib.request import Request, urlopen

import pytest
from playwright.sync_api import Browser, Page

from api.cli import folder, init, parties
from api.rights import WRITE
from tests.build import uuid
from tests.console import HASHED, PASSWORD, login_of
from tests.served import Server

SHOP = uuid("shop that is audited")
THINGS = 300
"""So many entries that there are a full tile, a partial one, and one of the level above."""


@dataclass
class Audited:
    """A running server and the vkey of its ledger, as ``patina init`` printed it."""

    place: str
    vkey: str
    key: str

    def address(self, path: str = "") -> str:
        return f"http://{self.place}/console/ledger{path}"


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Audited]:
    directory = tmp_path_factory.mktemp("audited") / "ledger"
    init.create(directory, "audited.example/log")
    with folder.opened(directory) as ledger:
        details = {"name": "Audited Shop", "roles": ["retailer", "repairer"], "country": "DE"}
        parties.register(ledger, SHOP, details, None)
        for party, role in ((SHOP, "auditor"), (SHOP, "staff"), (SHOP, "owner"), (ledger.operator, "owner")):
            name = f"{role} {'operator' if party == ledger.operator else 'shop'}"
            made = ledger.access.people.add(party, role, name.title(), login_of(name))
            ledger.access.people.set_password(made.id, HASHED)
        key = ledger.access.create_api_key(SHOP, [WRITE], "audited")
        vkey = ledger.reader.ledger_keys()[0].vkey
    with pytest.MonkeyPatch.context() as patch:
        # A mail server that takes nothing: enough for an address to be asked for.
        patch.setenv("PATINA_SMTP_URL", "smtp://127.0.0.1:1")
        patch.setenv("PATINA_MAIL_FROM", "care@shop.example")
        server = Server(directory, key)
    with server:
        fill(server.place, key)
        yield Audited(server.place, vkey, key)
        assert server.stop() == 0


def fill(place: str, key: str) -> None:
    headers = {"Authorization": f"Bearer {key}", "Content-Type": "application/json"}
    statements = [
        {"statement": {"type": "item.registered", "party": SHOP, "subjects": [uuid(f"thing {n}")],
         "details": {"name": f"Thing {n}", "category": "jewellery"}}}
        for n in range(THINGS)
    ]  # fmt: skip
    for start in range(0, THINGS, 100):
        raw = json.dumps(statements[start : start + 100]).encode()
        with urlopen(Request(f"http://{place}/v1/statements/batch?atomic=true", raw, headers), timeout=60) as answer:
            assert answer.status == 200


@contextmanager
def somebody(browser: Browser, site: Audited, who: str, **more: Any) -> Iterator[Page]:
    """A browser at which somebody came in; no page may break its policy, throw, or ask any other host."""
    context = browser.new_context(viewport={"width": 1280, "height": 800}, locale="en-GB", **more)
    context.set_default_timeout(60_000)
    page = context.new_page()
    said: list[str] = []
    page.on("pageerror", lambda error: said.append(str(error)))
    page.on("console", lambda message: said.append(message.text) if "Content Security" in message.text else None)
    page.goto(f"http://{site.place}/console/door")
    body = {"login": login_of(who), "password": PASSWORD}
    answer = page.request.post(f"http://{site.place}/v1/session", data=body)
    assert answer.ok, answer.text()
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    yield page
    assert said == []
    assert [one for one in asked if not one.startswith(f"http://{site.place}/")] == []
    context.close()


def visit(page: Page, address: str) -> None:
    page.goto(address)
    page.wait_for_selector("body[data-ready]", state="attached", timeout=60_000)
