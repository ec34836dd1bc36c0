"""A ledger in a database without HTTP: an operator, a shop that signs itself, a clock that a test moves."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import sha256, shake_256
from pathlib import Path
from typing import Any

from ledger import leaf, times
from ledger.db.draft import Accepted, Draft, Outcome
from ledger.db.ledger import Ledger, create_ledger, open_ledger
from ledger.db.secret import MasterKey
from ledger.dsse import SigningKey, sign_statement
from ledger.leaf import Signature, Statement
from tests.tables import put_tables

MASTER = MasterKey(bytes(range(32)))
ORIGIN = "ledger.example/stall"
START = times.parse_recorded("2026-11-01T08:00:00.000Z")
MAP_BITS = 6


class Clock:
    """Microseconds since 1970, moved by hand."""

    def __init__(self, now: int = START) -> None:
        self.now = now

    def __call__(self) -> int:
        return self.now


class Rand:
    """Random bytes that are the same in every run."""

    def __init__(self, seed: str) -> None:
        self.seed, self.count = seed, 0

    def __call__(self, count: int) -> bytes:
        self.count += 1
        return shake_256(f"{self.seed} {self.count}".encode()).digest(count)


def urn(name: str) -> str:
    """A uuid of a name."""
    digits = sha256(name.encode()).hexdigest()
    return f"urn:uuid:{digits[:8]}-{digits[8:12]}-7{digits[13:16]}-8{digits[17:20]}-{digits[20:32]}"


def key_of(name: str) -> SigningKey:
    """The key whose seed a name hashes to."""
    return SigningKey.from_seed(sha256(name.encode()).digest())


class Stall:
    """An open ledger and who speaks in it; every party's key is the one of its name, but the operator's."""

    def __init__(self, url: str, directory: Path, clock: Clock, ledger: Ledger) -> None:
        self.url, self.directory, self.clock, self.ledger = url, directory, clock, ledger
        self.count = 0

    def draft(self, kind: str, subject: str, details: dict[str, Any] | None = None, **more: Any) -> Draft:
        """A signed and verified draft. ``by`` names who says it ("shop"); ``also`` a second key; ``id`` its id."""
        by = more.pop("by", "shop")
        party = self.ledger.operator if by == "operator" else urn(by)
        key = self.ledger.access.party_signer(party) if by == "operator" else key_of(by)
        also, rows = more.pop("also", None), more.pop("rows", ())
        assert key is not None
        self.count += 1
        statement = Statement(
            id=more.pop("id", None) or urn(f"{kind} {subject} {self.count}"),
            type=kind,
            subjects=(subject, *more.pop("others", ())),
            party=more.pop("party", party),
            occurred_at=times.format_recorded(self.clock.now),
            details=details or {},
            ledger=self.ledger.id,
            **more,
        )
        assert leaf.check_details(statement) == ()
        body = leaf.statement_bytes(statement)
        signatures = [Signature(**sign_statement(body, one)) for one in [key, *([also] if also else [])]]
        return Draft(statement, body, tuple(signatures), rows=rows, verified=True)

    def register(self, name: str, **more: Any) -> Draft:
        """A draft that registers the item of this name."""
        details = {"name": f"Ring {name}", "category": "jewellery", **more.pop("details", {})}
        return self.draft("item.registered", urn(name), details, **more)

    def maintain(self, name: str, **more: Any) -> Draft:
        """A draft of a maintenance of the item of this name."""
        return self.draft("maintenance.performed", urn(name), {"work": ["cleaned"]}, **more)

    def party(self, name: str, *roles: str) -> list[Draft]:
        """The drafts that register a party and give it its key."""
        authority = f"{urn(name)}#authority"
        key = key_of(name)
        return [
            self.draft("party.registered", authority, {"name": name, "roles": list(roles)}, by="operator"),
            self.draft("key.added", authority, {"key": key.did, "custody": "self"}, by="operator", also=key),
        ]

    def append(self, *drafts: Draft) -> list[Outcome]:
        """What became of each draft, in one commit."""
        return [outcome for (outcome,) in self.ledger.writer.append([[draft] for draft in drafts])]

    def accept(self, *drafts: Draft) -> list[Accepted]:
        """The same, where all must be accepted."""
        outcomes = self.append(*drafts)
        accepted = [outcome for outcome in outcomes if isinstance(outcome, Accepted)]
        assert len(accepted) == len(outcomes), outcomes
        return accepted

    def again(self, **more: Any) -> Ledger:
        """The same ledger, opened once more; the caller closes it."""
        return open_ledger(self.url, directory=self.directory, master=MASTER, clock=self.clock, **more)

    def reopen(self, **more: Any) -> None:
        """Close and open the ledger."""
        self.ledger.close()
        self.ledger = self.again(**more)


@contextmanager
def stall(url: str, directory: Path, *, map_bits: int = MAP_BITS) -> Iterator[Stall]:
    """A new ledger with a shop in it."""
    clock = Clock()
    put_tables(url)
    create_ledger(
        url,
        directory=directory,
        origin=ORIGIN,
        name="Stall",
        now=clock.now,
        rand=Rand(url),
        master=MASTER,
        operator_name="Operator",
        map_bits=map_bits,
    )
    opened = Stall(url, directory, clock, open_ledger(url, directory=directory, master=MASTER, clock=clock))
    try:
        opened.accept(*opened.party("shop", "retailer", "repairer"))
        yield opened
    finally:
        opened.ledger.close()
