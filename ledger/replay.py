"""The replay of what a reader was shown: entries in index order, each judged by the state before its own index.

A bundle shows the whole history of some subjects and nothing of the others, so the replay knows the former exactly and
says ``NOT_SHOWN`` of the latter.
"""

from __future__ import annotations

from collections.abc import Container, Iterable

from ledger import doubt, dsse, leaf, rule, types
from ledger.doubt import Doubt
from ledger.errors import Disproved, Invalid, Malformed, Refused, Unknown
from ledger.leaf import Entry
from ledger.party import Parties
from ledger.state import NOT_SHOWN, State
from ledger.untold import Untold


class Replay:
    """The fold of shown entries: ``parties``, and the ``states`` of the subjects that are shown whole."""

    def __init__(self, parties: Parties, shown: Container[str]) -> None:
        self.parties = parties
        self.states: dict[str, State] = {}
        self.unknown: list[str] = []
        self._shown = shown
        self._entries: dict[str, Entry] = {}
        self._holder_keys: set[str] = set()
        self._untold = Untold()

    def begin(self, entry: Entry, leaf_hash: str) -> None:
        """Fold in entry 0, from which ``parties`` was started."""
        self._know_details(entry)
        self._keep(entry, rule.follow(entry, leaf_hash, self.parties, self._before(entry)))

    def step(self, entry: Entry, leaf_hash: str) -> None:
        """Judge the next entry, signatures and all, and fold it in.

        Raises ``Disproved``'s cause (``Invalid``, ``Refused``) for one that may not stand. What rests on a type, a key
        or a member that this version does not know is noted in ``unknown`` (format.md §9).
        """
        before = self._before(entry)
        try:
            check_signatures(entry)
        except Unknown as error:
            self._say(entry, error.message)
        known = self._know_details(entry)
        try:
            if entry.statement.type in types.TYPES:
                rule.judge(entry, self.parties, before, self)
            else:
                rule.speak(entry, self.parties, self.states.get(entry.statement.subjects[0]))
        except Unknown as error:
            self._say(entry, error.message)
            self._pass_over(entry)
        except (Invalid, Refused) as error:
            if not self._untold.excuses(entry, error):
                raise
            if known:
                self._say(entry, error.message)
            self._pass_over(entry)
        else:
            if known:
                self._keep(entry, rule.follow(entry, leaf_hash, self.parties, before))
            else:
                self._pass_over(entry)
                rule.pass_over(entry, before)

    def doubtful(self, entries: Iterable[Entry]) -> dict[int, Doubt]:
        """Those that a key signed which was compromised at the time, by index, as far as the shown entries say."""
        return doubt.doubtful(entries, doubt.doubts(self.parties))

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

    def _say(self, entry: Entry, message: str) -> None:
        self.unknown.append(f"entry {entry.index}: {message}")

    def _know_details(self, entry: Entry) -> bool:
        """Whether the type, and the type of a key that it names, are known; what is not known is noted."""
        try:
            members = leaf.check_details(entry.statement)
        except Unknown as error:
            self._say(entry, error.message)
            return False
        for at in members:
            self._say(entry, f"unknown member {at}")
        return True

    def _pass_over(self, entry: Entry) -> None:
        """Leave an entry out of the fold; it stands in the log, so others may be about it."""
        self._untold.add(entry.statement)
        self._entries[entry.statement.id] = entry

    def _before(self, entry: Entry) -> list[State | None]:
        return [self.state(subject) for subject in entry.statement.subjects]

    def _keep(self, entry: Entry, after: list[State]) -> None:
        statement = entry.statement
        self._entries[statement.id] = entry
        named = types.holder_key(statement.type, statement.details)
        if named is not None:
            self._holder_keys.add(named)
        for subject, state in zip(statement.subjects, after, strict=True):
            if state is not NOT_SHOWN:
                self.states[subject] = state


def check_signatures(entry: Entry) -> None:
    """Raise ``Disproved`` (check 8) unless every signature of the entry verifies over its statement.

    Raises ``Unknown`` for a key of an unknown type, once the others verify.
    """
    body = leaf.statement_bytes(entry.statement)
    untold: Unknown | None = None
    for signature in entry.signatures:
        try:
            dsse.check_signature(signature.key, body, signature.sig)
        except Unknown as error:
            untold = error
        except (Malformed, Invalid) as error:
            raise Disproved(error.message, 8, entry.index) from None
    if untold is not None:
        raise untold
