"""A till beside a server that may fail: it posts statements, keeps every receipt, and sends again what got no answer.

At the end, or after each fault, ``proved`` holds the log against the receipts: the verifier audits it and finds
nothing, every receipt that was handed out verifies, and each statement stands once, where its receipts say.
"""

from __future__ import annotations

import http.client
import itertools
import json
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from api.cli import folder, init, parties
from ledger.note import parse_vkey
from tests.build import uuid
from verifier.audit import Options, audit
from verifier.fetch import Address
from verifier.memory import Memory
from verifier.reader import Reader, verify
from verifier.source import Source

ORIGIN = "till.example/log"
PATIENCE = 60.0
"""Seconds in which a server that was cut off must answer again; a test that waits so long has failed."""
Answer = tuple[int, dict[str, Any]]


@dataclass
class Till:
    """A shop's till; ``place`` is the host and port that it posts to now."""

    vkey: str
    party: str
    api_key: str
    operator_key: str = ""
    place: str = ""
    receipts: list[dict[str, Any]] = field(default_factory=list)
    _names: Iterable[int] = field(default_factory=itertools.count)

    def statement(self, name: str | None = None) -> dict[str, Any]:
        """A registration of an item of its own; whole, so that it is the same when it is sent again."""
        name = name or f"item {next(iter(self._names))}"
        return {
            "id": uuid(f"statement of {name}"),
            "type": "item.registered",
            "party": self.party,
            "subjects": [uuid(name)],
            "occurred_at": "2025-01-01T00:00:00Z",
            "details": {"name": name, "category": "jewellery"},
        }

    def post(self, statement: dict[str, Any], *, listen: bool = True) -> Answer | None:
        """Status and document of the answer; ``None`` if there is none. A receipt is kept."""
        connection = http.client.HTTPConnection(self.place, timeout=PATIENCE)
        headers = {"Authorization": f"Bearer {self.api_key}", "Content-Type": "application/json"}
        try:
            connection.request("POST", "/v1/statements", json.dumps({"statement": statement}), headers)
            if not listen:
                return None
            answer = connection.getresponse()
            document = json.loads(answer.read())
        except (OSError, http.client.HTTPException):
            return None
        finally:
            connection.close()
        if answer.status in {200, 201}:
            self.receipts.append(document)
        return answer.status, document

    def sell(self, statement: dict[str, Any]) -> Answer:
        """The receipt, however often the statement must be sent; any refusal but "not now" fails the test."""
        until = time.monotonic() + PATIENCE
        while time.monotonic() < until:
            got = self.post(statement)
            if got is not None and got[0] != 503:
                assert got[0] in {200, 201}, got
                return got
            time.sleep(0.2)
        raise AssertionError("no receipt, however often the statement was sent")


def opened_till(directory: Path, url: str) -> Till:
    """A new ledger in a folder and a database, with a shop whose key the service keeps; nothing serves it yet."""
    made = init.create(directory, ORIGIN, name="Till", database_url=url)
    party = uuid("till")
    with folder.opened(directory, url=url) as ledger:
        parties.register(ledger, party, {"name": "Till", "roles": ["retailer"]})
        api_key = ledger.access.create_api_key(party, ["write"], "till")
    return Till(made["vkey"], party, api_key, made["operator"]["api_key"])


def proved(source: Source, vkey: str, receipts: Sequence[dict[str, Any]]) -> dict[str, int]:
    """Where each statement stands, after the verifier has audited the log and checked every receipt against it."""
    vkeys = (parse_vkey(vkey),)
    verdict = audit(source, Options(vkeys, workers=0))
    assert (verdict.outcome, verdict.findings) == ("proven", ()), verdict.text()
    leaves = list(source.leaves(0, verdict.facts["size"]))
    stands: dict[str, int] = {}
    for index, raw in enumerate(leaves):
        statement = json.loads(raw).get("statement")
        if statement is not None:
            assert stands.setdefault(statement["id"], index) == index
    reader = Reader(vkeys, time.time_ns() // 1000, Memory(None), log=source)
    for receipt in receipts:
        one = verify(json.dumps(receipt).encode(), "receipt", reader)
        assert one.outcome == "proven", one.text()
        assert stands[receipt["id"]] == receipt["index"]
        assert leaves[receipt["index"]] == receipt["entry"].encode()
    return stands


def proved_at(till: Till) -> dict[str, int]:
    """The same, of the log that is served at the till's place."""
    source = Address(f"http://{till.place}", {})
    try:
        return proved(source, till.vkey, till.receipts)
    finally:
        source.close()
