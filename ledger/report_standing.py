"""What a report knows of parties: their names, chains, standards, working time, staff and improvements.

It is made of the entries that are about parties, all of them, before any case is looked at. What a case is judged by is
asked of ``promises``, as work lists and pages ask it. Answers are remembered by what they rest on, as nearly all cases
of a party are judged by the same standard and calendar.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from ledger import standard
from ledger.calendar import WorkingTime
from ledger.days import Year
from ledger.leaf import Entry
from ledger.promises import PUBLISHES, REGISTERS, Promises
from ledger.standard import Standard
from ledger.standard_figures import Facts

Key = tuple[int, ...]
"""The indexes of the adoptions that a standard is read from."""


class Standing:
    """The parties of a ledger, from the entries about them in the order of the log."""

    def __init__(self, entries: Iterable[Entry]) -> None:
        self.entries = list(entries)
        self._by_index = {entry.index: entry for entry in self.entries}
        created = (one.statement.party for one in self.entries if one.statement.type == "ledger.created")
        self.operator = next(created, "")
        published: dict[str, list[Entry]] = {}
        for entry in self.entries:
            if entry.statement.type in PUBLISHES | REGISTERS:
                published.setdefault(entry.statement.subjects[0].partition("#")[0], []).append(entry)
        self._changes = sorted(entry.index for said in published.values() for entry in said)
        self._promises = Promises(published, self.operator, self._changes[-1] + 1 if self._changes else 0)
        self._combined: dict[Key, Standard] = {}
        self._judged: dict[tuple[Any, ...], tuple[Key, Standard | None]] = {}

    def members(self, party: str) -> Mapping[str, Any]:
        """What a party's registration says; nothing of one that is not registered."""
        return self._promises.place(party)

    def counts(self, party: str, asked: Sequence[str]) -> bool:
        """Whether a party is one of those asked for, or below one, as things stand now."""
        if not asked:
            return True
        return any(one in asked for one in self._promises.chain(party) if one != self.operator or one == party)

    def judge(self, party: str, index: int, facts: Facts) -> tuple[Key, Standard | None]:
        """The standard that judges a case opened at ``index``, and the adoptions it is made of."""
        asked = (party, bisect_left(self._changes, index), facts.kind, facts.category)
        found = self._judged.get(asked)
        if found is None:
            judging = self._promises.standard(party, index, facts)
            key = () if judging is None else judging.adopted
            if judging is not None:
                self._combined[key] = judging
            found = self._judged[asked] = key, judging
        return found

    def combined(self, key: Key) -> Standard:
        """The standard of these adoptions."""
        found = self._combined.get(key)
        if found is None:
            read = [standard.read_adopted(self.adoption(index)) for index in key]
            found = self._combined[key] = read[0] if len(read) == 1 else standard.combine(read)
        return found

    def adoption(self, index: int) -> Entry:
        """The adoption at an index."""
        return self._by_index[index]

    def working(self, party: str) -> tuple[WorkingTime, tuple[Year, ...]]:
        """A party's working time, and the years that its calendar has."""
        return self._promises.working(party), self._promises.years(party)
