"""A small world for tests of the rules: parties that speak about items, without signatures' bytes or a log.

``World.say`` makes an entry of its words, asks ``rule.judge`` and folds it in with ``rule.follow``.
"""

from __future__ import annotations

import hashlib
from typing import Any

from ledger import leaf, party, rule, times
from ledger.dsse import SigningKey
from ledger.leaf import Entry, Signature
from ledger.note import format_vkey
from ledger.state import State

LEDGER = "urn:uuid:00000000-0000-7000-8000-00000000001e"
CASE = "urn:uuid:00000000-0000-7000-8000-0000000000ca"
RING = "https://id.gs1.org/01/09520123456788/21/R1"
CHAIN = "urn:uuid:00000000-0000-7000-8000-0000000000c4"
START = times.parse_recorded("2026-11-01T00:00:00.000Z")


def uuid(name: str) -> str:
    """A uuid of a name."""
    digits = hashlib.sha256(name.encode()).hexdigest()
    return f"urn:uuid:{digits[:8]}-{digits[8:12]}-7{digits[13:16]}-8{digits[17:20]}-{digits[20:32]}"


def did(name: str) -> str:
    """The did:key of the seed that a name hashes to."""
    return SigningKey.from_seed(hashlib.sha256(name.encode()).digest()).did


class World:
    """A ledger of rules alone. Parties are called by name, and sign with the key of that name."""

    def __init__(self) -> None:
        self.now = START
        self.index = 0
        self.states: dict[str, State] = {}
        self.entries: dict[str, Entry] = {}
        self.hashes: dict[str, str] = {}
        self.holder_keys: set[str] = set()
        public = SigningKey.from_seed(hashlib.sha256(b"log").digest()).public
        self.vkey = format_vkey("ledger.example/test", public)
        self.parties = party.Parties()
        details = {"origin": "ledger.example/test", "name": "Test", "vkey": self.vkey, "key": did("operator")}
        entry = self._entry("ledger.created", "operator", [LEDGER], details, [did("operator")], ledger=None)
        self.parties = party.start(entry, self._hash(entry))
        self._fold(entry, [None])
        for name, roles in {
            "shop": "retailer repairer",
            "maker": "manufacturer",
            "lab": "certifier",
            "rival": "retailer",
        }.items():
            self.register(name, *roles.split())

    def register(self, name: str, *roles: str) -> None:
        """Register a party and give it a key."""
        authority = uuid(name) + "#authority"
        self.say("party.registered", "operator", authority, {"name": name, "roles": list(roles)})
        self.say(
            "key.added", "operator", authority, {"key": did(name), "custody": "self"}, keys=[did("operator"), did(name)]
        )

    def say(
        self, kind: str, who: str, subjects: str | list[str], details: dict[str, Any] | None = None, **more: Any
    ) -> Entry:
        """Make, judge and fold one entry. ``keys`` are who signs; ``holder`` (a grant) makes it the holder's."""
        keys = more.pop("keys", None) or [did(who)]
        subjects = [subjects] if isinstance(subjects, str) else subjects
        entry = self._entry(kind, who, subjects, details or {}, keys, **more)
        assert leaf.check_details(entry.statement) == ()
        before = [self.states.get(subject) for subject in subjects]
        rule.judge(entry, self.parties, before, self)
        self._fold(entry, before)
        return entry

    def hold(self, kind: str, who: str, subject: str, details: dict[str, Any], grant: str, **more: Any) -> Entry:
        """The holder says something, signed by the key called ``who``; ``grant`` is an entry's hash."""
        return self.say(kind, who, subject, details, grant=grant, party=subject, **more)

    def hash_of(self, entry: Entry) -> str:
        """The leaf hash of an entry, in hex."""
        return self.hashes[entry.statement.id]

    def later(self, hours: float) -> None:
        """Let time pass."""
        self.now += int(hours * times.HOUR)

    def entry(self, statement_id: str, subject: str) -> Entry | None:
        return self.entries.get(statement_id)

    def state(self, subject: str) -> State | None:
        return self.states.get(subject)

    def holder_key(self, key: str) -> bool:
        return key in self.holder_keys

    def _entry(
        self, kind: str, who: str, subjects: list[str], details: dict[str, Any], keys: list[str], **more: Any
    ) -> Entry:
        at = times.format_recorded(self.now)
        statement = leaf.statement_from(
            {
                "id": more.pop("id", uuid(f"statement {self.index} {len(self.entries)}")),
                "type": kind,
                "subjects": subjects,
                "party": more.pop("party", uuid(who)),
                "occurred_at": more.pop("occurred_at", at),
                "details": details,
                **{name: value for name, value in {"ledger": self.parties.ledger, **more}.items() if value is not None},
            }
        )
        signatures = tuple(Signature(key, "") for key in keys)
        return Entry(
            index=self.index, prev="0" * 64, recorded_at=at, links=(), statement=statement, signatures=signatures, v=1
        )

    def _hash(self, entry: Entry) -> str:
        return hashlib.sha256(leaf.format_entry(entry)).hexdigest()

    def _fold(self, entry: Entry, before: list[State | None]) -> None:
        digest = self._hash(entry)
        after = rule.follow(entry, digest, self.parties, before)
        self.states.update(zip(entry.statement.subjects, after, strict=True))
        self.entries[entry.statement.id] = entry
        self.hashes[entry.statement.id] = digest
        if "holder_key" in entry.statement.details:
            self.holder_keys.add(entry.statement.details["holder_key"])
        self.index += 1
        self.now += times.SECOND


__all__ = ["CASE", "CHAIN", "LEDGER", "RING", "World", "did", "uuid"]
