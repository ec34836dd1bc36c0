"""What binds a party: its standard, its calendar, zone and hours, out of what it published on the log.

``Promises`` is given, for each party, the entries about the party's own URI (adoptions and retractions; others are
passed over) and about its authority (registration and updates), and answers what a case or an item of that party is
judged by. Work lists, pages, rights and reports all ask here, so that they agree:

- The **standard** is the one in force when a case was opened, by the index of its opening: what was adopted or
  retracted later, or another parent since, changes no case that stands.
- The **calendar**, zone and hours are those that stand below ``index``, for all cases: days that a government decrees,
  or a shop keeps closed, move what is due (the calendar's years are data on the ledger, and a report names their hash).

A party that adopted nothing works by its parent's standard, and by the operator's at last; calendar and zone are
inherited in the same way where a party states none, opening hours are not. Answers are remembered, so one value serves
many cases; after a new adoption, registration or update it is to be made anew.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from ledger import standard as standards
from ledger.calendar import WorkingTime
from ledger.days import Year
from ledger.leaf import Entry
from ledger.standard import ADOPTED, Standard
from ledger.standard_figures import Facts

PUBLISHES: Final = frozenset({ADOPTED, "statement.retracted"})
"""The types of entry about a party's own URI that decide what it promises."""
REGISTERS: Final = frozenset({"party.registered", "party.updated"})
"""The types of entry about a party's authority that say where it is, when it is open, and who is above it."""


class Promises:
    """The promises of parties as they stand before ``index``; see the top of the file."""

    def __init__(self, published: Mapping[str, Iterable[Entry]], operator: str, index: int) -> None:
        """``published`` are the entries about each party's URI and authority, in the order of the log."""
        self._published: dict[str, list[Entry]] = {}
        self._places: dict[str, list[tuple[int, Mapping[str, Any]]]] = {}
        for party, entries in published.items():
            told = list(entries)
            self._published[party] = [one for one in told if one.statement.type in PUBLISHES]
            self._places[party] = [
                (one.index, one.statement.details) for one in told if one.statement.type in REGISTERS
            ]
        self._marks = {party: [one.index for one in entries] for party, entries in self._published.items()}
        self.operator = operator
        self._index = index
        self._standards: dict[tuple[Any, ...], Standard | None] = {}
        self._working: dict[str, tuple[WorkingTime, tuple[Year, ...]]] = {}

    def chain(self, party: str, index: int | None = None) -> tuple[str, ...]:
        """The party, its parents upwards, and the operator, as they stood before an index, or as they stand."""
        return standards.chain_of(party, lambda one: self.place(one, index).get("parent"), self.operator)

    def standard(self, party: str, index: int, facts: Facts | None = None) -> Standard | None:
        """The standard that judges a case of this party that was opened at ``index`` of the log, if there is one."""
        chain = self.chain(party, index)
        # Of the facts, those that choose between documents; within a document limits choose for themselves.
        scope = None if facts is None else (facts.kind, facts.category)
        known = (*((one, bisect_left(self._marks.get(one, ()), index)) for one in chain), scope)
        if known not in self._standards:
            self._standards[known] = standards.in_force(self._published, chain, index, facts)
        return self._standards[known]

    def newest(self, party: str, facts: Facts | None = None) -> Standard | None:
        """The standard that would judge a case opened now."""
        return self.standard(party, self._index, facts)

    def working(self, party: str) -> WorkingTime:
        """The working time of a party, by its calendar, zone and hours as they stand."""
        return self._time_of(party)[0]

    def years(self, party: str) -> tuple[Year, ...]:
        """The years that a party's calendar has, as it stands."""
        return self._time_of(party)[1]

    def place(self, party: str, index: int | None = None) -> Mapping[str, Any]:
        """What a party said of itself last, or before an index: its name, roles, zone, hours, parent; empty if it is
        not registered.
        """
        said = self._places.get(party, ())
        return next((details for at, details in reversed(said) if index is None or at < index), {})

    def _time_of(self, party: str) -> tuple[WorkingTime, tuple[Year, ...]]:
        found = self._working.get(party)
        if found is None:
            chain = self.chain(party)
            name = self._stated(chain, "calendar") or self._stated(chain, "country")
            years = standards.calendar_in_force(self._published, chain, name, self._index)
            hours: Sequence[Any] = self.place(party).get("hours", ())
            working = WorkingTime(years, self._stated(chain, "timezone"), hours)
            found = self._working[party] = working, tuple(years.values())
        return found

    def _stated(self, chain: Sequence[str], member: str) -> str:
        """What the nearest party of a chain says of itself, or "" if none does."""
        return next((str(place[member]) for one in chain if member in (place := self.place(one))), "")
