"""A ledger behind its HTTP interface, in this process: for tests of routes and pages.

``Shop`` has a clock that stands still until a test moves it, the operator's API key, and parties with keys in custody.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import quote

from fastapi import FastAPI
from starlette.testclient import TestClient

from api.app import create_app
from api.settings import Settings
from ledger import times
from ledger.db.ledger import Ledger, create_ledger, open_ledger
from ledger.db.secret import MasterKey
from ledger.dsse import SigningKey, sign_statement
from ledger.leaf import statement_bytes, statement_from
from tests.build import uuid
from tests.tables import put_tables

START = times.parse_recorded("2026-05-04T09:00:00.000Z")
PUBLIC_URL = "http://shop.example:8000"
RING = "https://id.gs1.org/01/09520123456788/21/R%2F001"
JSON = {"Content-Type": "application/json"}


def segment(uri: str) -> str:
    """An id as one segment of a path."""
    return quote(uri, safe="")


@dataclass
class Clock:
    """Microseconds since 1970, moved by hand."""

    now: int = START

    def __call__(self) -> int:
        return self.now

    def pass_hours(self, hours: float) -> None:
        self.now += int(hours * times.HOUR)


@dataclass
class Party:
    """A registered party with an API key; ``own`` is its signing key where it keeps that itself."""

    id: str
    key: str
    own: SigningKey | None = None

    @property
    def headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.key}"}


@dataclass
class Shop:
    """A running interface; ``ledger`` is the open ledger behind it."""

    app: FastAPI
    client: TestClient
    ledger: Ledger
    clock: Clock
    operator: Party
    parties: dict[str, Party] = field(default_factory=dict)
    count: int = 0

    def post(self, path: str, body: Any, who: Party | None = None, **headers: str) -> Any:
        """The response to a JSON body."""
        return self.client.post(path, json=body, headers={**(who.headers if who else {}), **headers})

    def get(self, path: str, who: Party | None = None, **headers: str) -> Any:
        """The response to a GET; underscores in names of headers are hyphens."""
        more = {name.replace("_", "-"): value for name, value in headers.items()}
        return self.client.get(path, headers={**(who.headers if who else {}), **more})

    def party(self, name: str, *roles: str, scopes: tuple[str, ...] = ("write",)) -> Party:
        """A party with its key in custody, registered on first use."""
        if name not in self.parties:
            body = {"name": name, "roles": list(roles), "id": uuid(name)}
            made = self.post("/v1/parties", body, self.operator)
            assert made.status_code == 201, made.text
            self.parties[name] = Party(uuid(name), self.api_key(uuid(name), *scopes))
        return self.parties[name]

    def api_key(self, party: str, *scopes: str) -> str:
        """A new API key."""
        made = self.post("/v1/keys", {"kind": "api", "party": party, "scopes": list(scopes)}, self.operator)
        assert made.status_code == 201, made.text
        return str(made.json()["api_key"])

    def statement(self, party: Party, kind: str, subject: str, details: dict[str, Any], **more: Any) -> dict[str, Any]:
        """A whole statement of now, with an id of its own."""
        self.count += 1
        return {
            "id": uuid(f"statement {self.count}"),
            "ledger": self.ledger.id,
            "type": kind,
            "subjects": [subject],
            "party": party.id,
            "occurred_at": times.format_recorded(self.clock()),
            "details": details,
            **more,
        }

    def registered(self, party: Party, subject: str = RING, **more: Any) -> dict[str, Any]:
        """A registration of an item."""
        return self.statement(party, "item.registered", subject, {"name": "Ring", "category": "jewellery"}, **more)

    def say(self, party: Party, kind: str, subject: str, details: dict[str, Any], **more: Any) -> Any:
        """The receipt of a statement signed by the party's key in custody; the operator's key posts it."""
        answer = self.post(
            "/v1/statements", {"statement": self.statement(party, kind, subject, details, **more)}, party
        )
        assert answer.status_code == 201, answer.text
        return answer.json()

    def code(self, party: Party, subject: str = RING) -> str:
        """A view code of an item."""
        made = self.post(f"/v1/items/{segment(subject)}/codes", {}, party)
        assert made.status_code == 201, made.text
        return str(made.json()["token"])

    def size(self) -> int:
        """The number of leaves."""
        return self.ledger.reader.size()


def signed(statement: dict[str, Any], *keys: SigningKey) -> dict[str, Any]:
    """A statement with its signatures, as callers post it."""
    body = statement_bytes(statement_from(statement))
    return {"statement": statement, "signatures": [sign_statement(body, key) for key in keys]}


@contextmanager
def open_shop(
    directory: Path,
    url: str | None = None,
    *,
    client: tuple[str, int] = ("phone", 1),
    public_url: str = PUBLIC_URL,
    **more: Any,
) -> Iterator[Shop]:
    """A new ledger and its interface while the block runs; ``more`` are settings."""
    clock = Clock()
    master = MasterKey(bytes(range(32)))
    settings = Settings(directory, public_url, url, **({"jobs": False} | more))
    put_tables(settings.url)
    create_ledger(
        settings.url,
        directory=directory,
        origin="shop.example/log",
        name="Shop ledger",
        now=clock(),
        rand=os.urandom,
        master=master,
        operator_name="Operator",
        map_bits=8,
    )
    opened: list[Ledger] = []

    def open_it() -> Ledger:
        opened.append(open_ledger(settings.url, directory=directory, master=master, clock=clock))
        return opened[-1]

    app = create_app(settings, open_it, clock)
    with TestClient(app, base_url=public_url, client=client) as http:
        ledger = opened[-1]
        key = ledger.access.create_api_key(ledger.operator, ["admin"], "tests")
        yield Shop(app, http, ledger, clock, Party(ledger.operator, key))
