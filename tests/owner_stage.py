"""A server with things that are sold and served, for tests of what their holder does on a phone, and what it proves."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from playwright.sync_api import BrowserContext, Page, expect

from api.cli import folder, init, parties
from ledger import holderkey
from ledger.db.codes import Card
from ledger.db.ledger import Ledger
from ledger.dsse import SigningKey
from tests.build import ring, uuid
from tests.served import Server

Step = tuple[str, dict[str, Any], dict[str, Any]]
"""A type, its details, its private members."""
KEY: Final = SigningKey.from_seed(bytes(range(12, 44)))
SHOP: Final = uuid("the stage's shop")
EVIDENCE: Final = {"weight_g": "3.62"}
OPENED: Final[Step] = ("case.opened", {"kind": "repair", "channel": "store", "issue": "quality"}, {})
RECEIVED: Final[Step] = ("case.received", {"evidence": EVIDENCE}, {})
QUOTED: Final[Step] = ("case.quoted", {"free": False, "currency": "EUR", "due": "2031-03-01"}, {"amount": "86.40"})
WORKED: Final[Step] = ("repair.completed", {"work": ["polish"], "tests": [{"name": "tight", "result": "pass"}]}, {})
HANDED: Final[Step] = ("case.handed_over", {"check": "id", "evidence": EVIDENCE}, {})


@dataclass
class Stage:
    """A server, its ledger's folder, and by name the card of a sold thing."""

    server: Server
    directory: Path
    cards: dict[str, Card]
    tokens: dict[str, str]
    """By name, the code of the thing's case."""

    def address(self, path: str) -> str:
        return f"http://{self.server.place}{path}"

    def owner_url(self, name: str) -> str:
        return self.address(f"/o#{holderkey.format_code(self.cards[name].secret)}")

    def subject(self, name: str) -> str:
        return next(iter(self.cards[name].keys))

    def item(self, name: str) -> dict[str, Any]:
        return dict(json.loads(self.server.get(f"/i/{self.cards[name].token}")[1]))

    def entries(self, name: str, token: str | None = None) -> list[dict[str, Any]]:
        """The statements of a thing, out of a history bundle that `patina verify` found to be whole."""
        token = token or self.cards[name].token
        status, raw = self.server.get(f"/i/{token}/history")
        assert status == 200, raw
        path = self.directory.parent / f"{name}.json"
        path.write_text(raw)
        vkey = json.loads(self.server.get(f"/i/{token}")[1])["vkeys"][0]
        words = ["verify", str(path), "--subject", self.subject(name), "--vkey", vkey]
        program = [sys.executable, "-m", "ledger.command", *words]
        ran = subprocess.run(program, capture_output=True, text=True, check=False)
        assert ran.returncode == 0, ran.stdout + ran.stderr
        histories = json.loads(raw)["histories"]
        texts = next(one["entries"] for one in histories if one["subject"] == self.subject(name))
        return [json.loads(text)["statement"] for text in texts]


@contextmanager
def staged(directory: Path, scenes: Mapping[str, Sequence[Step]]) -> Iterator[Stage]:
    """A stage on which each named thing was sold, and its scene has been said by the shop."""
    init.create(directory, "stage.example/log")
    tokens = {}
    with folder.opened(directory) as ledger:
        parties.register(ledger, SHOP, {"name": "Corner Shop", "roles": ["retailer", "repairer", "carrier"]}, KEY)
        drawn = ledger.codes.draw([[ring(at)] for at in range(len(scenes))], kind="card", custody="receipt", party=SHOP)
        cards = dict(zip(scenes, drawn, strict=True))
        for name, scene in scenes.items():
            _play(ledger, cards[name], uuid(f"case of {name}"), scene)
            if scene and scene[0][0] == "case.opened":
                tokens[name] = ledger.codes.create(next(iter(cards[name].keys)), "case", case=uuid(f"case of {name}"))
    running = Server(directory, "pk_none")
    yield Stage(running, directory, cards, tokens)
    assert running.stop() == 0


def _play(ledger: Ledger, card: Card, case: str, scene: Sequence[Step]) -> None:
    (item,) = card.keys
    sale = {"channel": "store", "holder_key": card.keys[item], "holder_custody": "receipt"}
    about = {"name": "Solitaire ring", "category": "jewellery"}
    for kind, details, private in (("item.registered", about, {}), ("item.sold", sale, {}), *scene):
        value = folder.value_of(ledger, SHOP, kind, [item], details)
        if kind.startswith(("case.", "repair.")):
            value["case"] = case
        if private:
            folder.say(ledger, folder.draft_private(ledger, value, [KEY], private))
        else:
            folder.say(ledger, folder.draft(value, [KEY]))


def claimed(phone: BrowserContext, stage: Stage, name: str) -> tuple[Page, list[str]]:
    """A phone whose key became the owner's of a thing, and what Chromium complained of."""
    page = phone.new_page()
    said: list[str] = []
    page.on("console", lambda message: said.append(message.text))
    page.on("pageerror", lambda error: said.append(str(error)))
    page.goto(stage.owner_url(name))
    page.get_by_role("button", name="Make this device the owner's").click()
    expect(page.get_by_role("heading", name="This device is the owner's")).to_be_visible()
    return page, said


def recorded(page: Page) -> None:
    """What the page says when the ledger took a statement."""
    expect(page.get_by_role("status")).to_contain_text("Recorded.")
