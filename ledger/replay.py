"""The replay of what a reader was shown: entries in index order, each judged by the state before its own index.

A bundle shows the whole history of some subjects and nothing of the others, so the replay knows the former exactly and
says ``NOT_SHOWN`` of the latter.
"""

from __future__ import annotations

from collections.abc import Container

from ledger import dsse, leaf, rule
from ledger.errors import Disproved, Invalid, Malformed, Unknown
from ledger.leaf import Entry
from ledger.party import Parties
from ledger.state import NOT_SHOWN, State


class Replay:
    """The fold of shown entries: ``parties``, and the ``states`` of the subjects that are shown whole."""

    def __init__(self, parties: Parties, shown: Container[str]) -> None:
        self.parties = parties
        self.states: dict[str, State] = {}
        self.unknown: list[str] = []
        self._shown = shown
        self._entries: dict[str, Entry] = {}
        self._holder_keys: set[str] = set()

    def begin(self, entry: Entry, leaf_hash: str) -> None:
        """Fold in entry 0, from which ``parties`` was started."""
        after = rule.follow(entry, leaf_hash, self.parties, self._before(entry))
        self._keep(entry, after)

    def step(self, entry: Entry, leaf_hash: str) -> None:
        """Judge the next entry, signatures and all, and fold it in.

        Raises ``Disproved``'s cause (``Invalid``, ``Refused``) for one that may not stand. One of a type that this
        version does not know is noted in ``unknown``: it changes nothing about who may speak (format.md §9).
        """
        check_signatures(entry)
        try:
            self.unknown += [f"entry {entry.index}: unknown member {at}" for at in leaf.check_details(entry.statement)]
        except Unknown as error:
            self.unknown.append(f"entry {entry.index}: {error.message}")
            return
        before = self._before(entry)
        rule.judge(entry, self.parties, before, self)
        self._keep(entry, rule.follow(entry, leaf_hash, self.parties, before))

    def is_doubtful(self, entry: Entry) -> bool:
        """Whether a key that signed this entry was compromised at the time, as far as the shown entries say."""
        return any(self.parties.doubtful(signature.key, entry.recorded_at) for signature in entry.signatures)

    def entry(self, statement_id: str, subject: str) -> Entry | None:
        """``rule.Lookups``: what is not found is absent only if its subject's whole history is shown."""
        found = self._entries.get(statement_id)
        return NOT_SHOWN if found is None and subject not in self._shown else found

    def state(self, subject: str) -> State | None:
        """``rule.Lookups``: the state of a shown subject."""
        return self.states.get(subject) if subject in self._shown else NOT_SHOWN

    def holder_key(self, did: str) -> bool:
        """``rule.Lookups``: whether a shown entry named this key as a holder's."""
        return did in self._holder_keys

    def _before(self, entry: Entry) -> list[State | None]:
        return [self.state(subject) for subject in entry.statement.subjects]

    def _keep(self, entry: Entry, after: list[State]) -> None:
        statement = entry.statement
        self._entries[statement.id] = entry
        if "holder_key" in statement.details:
            self._holder_keys.add(statement.details["holder_key"])
        for subject, state in zip(statement.subjects, after, strict=True):
            if state is not NOT_SHOWN:
                self.states[subject] = state


def check_signatures(entry: Entry) -> None:
    """Raise ``Disproved`` (check 8) unless every signature of the entry verifies over its statement."""
    body = leaf.statement_bytes(entry.statement)
    for signature in entry.signatures:
        try:
            dsse.check_signature(signature.key, body, signature.sig)
        except (Malformed, Invalid) as error:
            raise Disproved(error.message, 8, entry.index) from None
