"""Who may speak, and whose word is doubtful, as events.md §1 says it: plain recursion over the entries, for ever slow.

An oracle for ``ledger.party``, ``ledger.rule`` and ``ledger.doubt``; it knows JSON and nothing of the project. Rules by
number: 1 keys in force, 3 who adds a key, 4 who revokes one and what follows, 5 suspension.
"""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any

Entry = dict[str, Any]


def moment(text: str) -> datetime:
    """A time in any offset."""
    return datetime.fromisoformat(text)


class Authority:
    """The entries of a ledger so far, seals left out, as parsed JSON."""

    def __init__(self, leaves: list[bytes]) -> None:
        self.entries: list[Entry] = []
        for leaf in leaves:
            self.add(leaf)

    def add(self, leaf: bytes) -> None:
        """Take in the next leaf."""
        parsed = json.loads(leaf)
        if "statement" in parsed:
            self.entries.append(parsed)

    @property
    def operator(self) -> str:
        """Whoever said entry 0."""
        return str(self.entries[0]["statement"]["party"])

    def said(self, kind: str) -> list[Entry]:
        """The entries of a type, oldest first."""
        return [entry for entry in self.entries if entry["statement"]["type"] == kind]

    def added(self, key: str) -> Entry | None:
        """The entry that added a key."""
        first = self.entries[0]
        if first["statement"]["details"]["key"] == key:
            return first
        return next((one for one in self.said("key.added") if one["statement"]["details"]["key"] == key), None)

    def party_of(self, key: str) -> str | None:
        """Whose key it is."""
        entry = self.added(key)
        if entry is None:
            return None
        if entry["index"] == 0:
            return self.operator
        return str(entry["statement"]["subjects"][0]).removesuffix("#authority")

    def revocations(self, key: str) -> list[Entry]:
        """What was said against a key."""
        return [one for one in self.said("key.revoked") if one["statement"]["details"]["key"] == key]

    def in_force(self, key: str, party: str) -> bool:
        """Rule 1, for the next entry."""
        return self.party_of(key) == party and not self.revocations(key)

    def keys(self, party: str) -> list[str]:
        """A party's keys in force."""
        every = [self.entries[0]["statement"]["details"]["key"]]
        every += [one["statement"]["details"]["key"] for one in self.said("key.added")]
        return [key for key in every if self.in_force(key, party)]

    def suspended(self, party: str) -> bool:
        """Rule 5: the last word counts."""
        about = party + "#authority"
        words = [
            one["statement"]["type"]
            for one in self.entries
            if one["statement"]["subjects"][0] == about
            and one["statement"]["type"] in ("party.suspended", "party.reinstated")
        ]
        return bool(words) and words[-1] == "party.suspended"

    def since(self, revocation: Entry) -> datetime:
        """From when a revocation speaks of a compromise; a time that is never reached where it does not."""
        details = revocation["statement"]["details"]
        if "since" in details:
            at = moment(details["since"])
            # Times of the log have milliseconds; what is finer is cut, towards more doubt.
            return at.replace(microsecond=at.microsecond // 1000 * 1000)
        if details["reason"] == "compromised":
            return moment(revocation["recorded_at"])
        return datetime.max.replace(tzinfo=moment(revocation["recorded_at"]).tzinfo)

    def tainted(self, key: str, at: datetime) -> bool:
        """Rule 4: whether what a key said at this time is doubtful."""
        if any(self.since(one) <= at for one in self.revocations(key)):
            return True
        entry = self.added(key)
        if entry is None or entry["index"] == 0:
            return False
        then = moment(entry["recorded_at"])
        vouched = [one["key"] for one in entry["signatures"] if one["key"] != key]
        return then <= at and any(self.tainted(one, then) for one in vouched)

    def doubtful(self) -> list[int]:
        """The indexes of every doubtful entry."""
        return [
            entry["index"]
            for entry in self.entries
            if any(self.tainted(one["key"], moment(entry["recorded_at"])) for one in entry["signatures"])
        ]

    def may(self, statement: dict[str, Any], signers: list[str], recorded_at: str) -> bool:
        """Whether one of the types below may stand next; for a party with the role that it needs, about what it may."""
        party, kind, details = statement["party"], statement["type"], statement["details"]
        about = statement["subjects"][0].removesuffix("#authority")
        if self.suspended(party) and kind != "key.revoked":
            return False
        if kind == "key.added":
            if signers[-1:] != [details["key"]] or self.added(details["key"]) is not None:
                return False
            signers = signers[:-1]
        if not signers or not all(self.in_force(key, party) for key in signers):
            return False
        if kind == "maintenance.performed":
            return True
        if party not in (about, self.operator):
            return False
        if kind == "key.added":
            return party == about or not self.keys(about)
        if kind == "key.revoked":
            return self._may_revoke(details, about, recorded_at)
        suspends = kind == "party.suspended"
        return bool(party == self.operator and about != self.operator and self.suspended(about) != suspends)

    def _may_revoke(self, details: dict[str, Any], about: str, recorded_at: str) -> bool:
        before = self.revocations(details["key"])
        if self.party_of(details["key"]) != about:
            return False
        if not before:
            return True
        if details["reason"] != "compromised":
            return False
        if all(one["statement"]["details"]["reason"] != "compromised" for one in before):
            return True
        new: datetime = self.since({"statement": {"details": details}, "recorded_at": recorded_at})
        return all(new < self.since(one) for one in before)
