"""What a report knows of parties: their names, chains, standards, working time, staff and improvements, at any index.

It is made of the entries that are about parties, all of them, before any case is looked at; what was in force when a
case was opened is what stood before its index. Answers are remembered by what they rest on, as nearly all cases of a
party are judged by the same standard and calendar.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Sequence
from typing import Any, Final

from ledger import days, standard
from ledger.calendar import WorkingTime
from ledger.days import Year
from ledger.errors import PatinaError
from ledger.leaf import Entry
from ledger.standard import Standard
from ledger.standard_figures import Facts, When

REGISTRATIONS: Final = frozenset({"party.registered", "party.updated"})
_NO_CASES: Final = frozenset({"standard", "version", "name", "basis", "calendar"})

Key = tuple[int, ...]
"""The indexes of the adoptions that a standard is read from."""


class Standing:
    """The parties of a ledger, from the entries about them in the order of the log."""

    def __init__(self, entries: Iterable[Entry]) -> None:
        self.entries = list(entries)
        self._by_index = {entry.index: entry for entry in self.entries}
        self.operator = ""
        self._registered: dict[str, list[tuple[int, dict[str, Any]]]] = {}
        self._said: dict[str, list[Entry]] = {}
        self._read: dict[int, Standard | None] = {}
        self._combined: dict[Key, Standard] = {}
        self._judged: dict[tuple[Any, ...], tuple[Key, Standard | None]] = {}
        self._working: dict[tuple[Any, ...], tuple[WorkingTime, tuple[Year, ...]]] = {}
        self._changes: list[int] = []
        for entry in self.entries:
            self._follow(entry)

    def _follow(self, entry: Entry) -> None:
        statement = entry.statement
        if statement.type == "ledger.created":
            self.operator = statement.party
        elif statement.type in REGISTRATIONS:
            party = statement.subjects[0].partition("#")[0]
            self._registered.setdefault(party, []).append((entry.index, statement.details))
            self._changes.append(entry.index)
        elif statement.type in {standard.ADOPTED, "statement.retracted"}:
            self._said.setdefault(statement.subjects[0], []).append(entry)
            self._changes.append(entry.index)

    def members(self, party: str, index: int | None = None) -> dict[str, Any]:
        """What a party's registration says before an index, or now; nothing of one that is not registered."""
        versions = self._registered.get(party, [])
        return next((details for at, details in reversed(versions) if index is None or at < index), {})

    def chain(self, party: str, index: int | None = None) -> tuple[str, ...]:
        """The party, its parents upwards and the operator, before an index, or now."""
        chain = [party]
        above = self.members(party, index).get("parent")
        while above is not None and above not in chain:
            chain.append(above)
            above = self.members(above, index).get("parent")
        return (*chain, self.operator) if self.operator not in chain else tuple(chain)

    def counts(self, party: str, asked: Sequence[str]) -> bool:
        """Whether a party is one of those asked for, or below one, as things stand now."""
        if not asked:
            return True
        return any(one in asked for one in self.chain(party) if one != self.operator or one == party)

    def judge(self, party: str, index: int, facts: Facts) -> tuple[Key, Standard | None]:
        """The standard that judges a case opened at ``index``, and the adoptions it is made of (``in_force``)."""
        asked = (party, self._epoch(index), facts.kind, facts.category)
        found = self._judged.get(asked)
        if found is None:
            found = self._judged[asked] = self._judge(party, index, facts)
        return found

    def _judge(self, party: str, index: int, facts: Facts) -> tuple[Key, Standard | None]:
        for one in self.chain(party, index):
            key = tuple(at for at, document in self._adopted(one, index) if _fits(document, facts))
            if key:
                return key, self.combined(key)
        return (), None

    def combined(self, key: Key) -> Standard:
        """The standard of these adoptions."""
        found = self._combined.get(key)
        if found is None:
            read = [one for one in map(self._document, map(self.adoption, key)) if one is not None]
            found = self._combined[key] = read[0] if len(read) == 1 else standard.combine(read)
        return found

    def adoption(self, index: int) -> Entry:
        """The adoption at an index."""
        return self._by_index[index]

    def _adopted(self, party: str, index: int | None) -> list[tuple[int, Standard]]:
        """The adoptions that a party has in force before an index, by the time of their newest version."""
        said: list[tuple[Entry, Standard]] = []
        for entry in self._said.get(party, ()):
            if index is not None and entry.index >= index:
                break
            if entry.statement.type == "statement.retracted":
                said = [one for one in said if one[0].statement.id != entry.statement.corrects]
                continue
            found = self._document(entry)
            if found is not None:
                said.append((entry, found))
        newest = {one.ids[0][0]: number for number, (_, one) in enumerate(said)}
        return [(said[number][0].index, said[number][1]) for number in sorted(newest.values())]

    def _document(self, entry: Entry) -> Standard | None:
        if entry.index not in self._read:
            try:
                self._read[entry.index] = standard.read(entry.statement.details)
            except PatinaError:
                self._read[entry.index] = None
        return self._read[entry.index]

    def working(self, party: str, index: int) -> tuple[WorkingTime, tuple[Year, ...]]:
        """A party's working time before an index, and the years that its calendar has."""
        asked = (party, self._epoch(index))
        found = self._working.get(asked)
        if found is None:
            found = self._working[asked] = self._make_working(party, index)
        return found

    def _make_working(self, party: str, index: int) -> tuple[WorkingTime, tuple[Year, ...]]:
        members = self.members(party, index)
        chain = self.chain(party, index)
        years: dict[int, Year] = {}
        for one in reversed(chain):
            for _, document in self._adopted(one, index):
                section = document.document.get("calendar")
                if section is not None and section["name"] == members.get("calendar", ""):
                    years[section["year"]] = days.read(section)
        zone, hours = members.get("timezone", ""), members.get("hours", [])
        key = (tuple(one.hash for one in years.values()), zone, str(hours))
        found = self._working.get(key)
        if found is None:
            found = self._working[key] = WorkingTime(years, zone, hours), tuple(years.values())
        return found

    def _epoch(self, index: int) -> int:
        return bisect_left(self._changes, index)


def _fits(document: Standard, facts: Facts) -> bool:
    """Whether a document is more than a calendar, and for such cases."""
    said = document.document
    if not said.keys() - _NO_CASES:
        return False
    return When(tuple(said.get("kinds", ())), categories=tuple(said.get("categories", ()))).fits(facts)
