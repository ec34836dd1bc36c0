"""Improvements that parties planned, with what was measured before and after, and interruptions of their service.

``improvement.planned`` names a finding, a measure and perhaps a target; ``improvement.done`` the same finding and
measure, and the size of the log that it was measured at. *Before* are the party's cases of the ninety days before it
was planned; *after* are those opened since, as far as the log went that it was measured at. A measure that is one of
those of ``report_measures`` is computed; of any other only the words are shown.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any, Final

from ledger import steps, times
from ledger.leaf import Entry
from ledger.report_ask import Ask
from ledger.report_cell import Cell, share
from ledger.report_measures import measured
from ledger.report_standing import Standing

BEFORE: Final = 90 * times.DAY
"""How long before it was planned cases are looked at (house)."""


@dataclass(frozen=True, slots=True)
class Improvement:
    """One plan, and the entry that says that it was done, if there is one."""

    planned: Entry
    done: Entry | None
    at: int

    @property
    def party(self) -> str:
        """Whose it is."""
        return self.planned.statement.party

    @property
    def size(self) -> int | None:
        """The size of the log that it was measured at."""
        if self.done is None:
            return None
        said = self.done.statement.details["checkpoint"]
        return int(said["size"] if isinstance(said, dict) else said)

    def when(self, party: str, at: int, index: int) -> int | None:
        """0 for a case before the plan, 1 for one after it, ``None`` for one that says nothing of it."""
        if party != self.party or at < self.at - BEFORE:
            return None
        if at < self.at:
            return 0
        return 1 if self.size is None or index < self.size else None

    def document(self, before: Cell, after: Cell) -> dict[str, Any]:
        """The plan, and its measure before and after."""
        said, done = self.planned.statement.details, self.done
        measures = [measured(said["measure"], cell) for cell in (before, after)]
        return {
            "party": self.party,
            "finding": said["finding"],
            "measure": said["measure"],
            "target": said.get("target"),
            "due": said.get("due"),
            "planned": self.planned.index,
            "done": None if done is None else done.index,
            "measured_at": self.size,
            **{
                name: None if found is None else share(*found)
                for name, found in zip(("before", "after"), measures, strict=True)
            },
        }


def improvements(standing: Standing, parties: Sequence[str]) -> tuple[Improvement, ...]:
    """The improvements that the parties asked for have planned, in the order of the log."""
    found = []
    for entry in _said(standing, "improvement.planned"):
        statement = entry.statement
        if not standing.counts(statement.party, parties):
            continue
        done = next(
            (
                one
                for one in _said(standing, "improvement.done")
                if one.index > entry.index
                and one.statement.party == statement.party
                and all(one.statement.details[name] == statement.details[name] for name in ("finding", "measure"))
            ),
            None,
        )
        found.append(Improvement(entry, done, steps.happened_at(statement.occurred_at, entry.recorded_at)))
    return tuple(found)


def add_counts(cell: Cell, planned: Sequence[Improvement], ask: Ask, standing: Standing) -> None:
    """Set what the parties of a group have planned and done in the period, and how long their service was there."""
    n = cell.counts
    parties = {name.removeprefix("party/") for name in n if name.startswith("party/")}
    theirs = [one for one in planned if one.party in parties and ask.period.holds(_day(one.at))]
    n["improvements_planned"] = len(theirs)
    n["improvements_done"] = sum(one.done is not None for one in theirs)
    if ask.period.first is None or ask.period.last is None:
        return
    start, end = _start(ask.period.first), _start(ask.period.last + timedelta(days=1))
    n["time"] = len(parties) * (end - start) // times.SECOND
    down = sum(_down(standing, party, start, end) for party in parties)
    n["up"] = n["time"] - down // times.SECOND


def _down(standing: Standing, party: str, start: int, end: int) -> int:
    """How long a party's service was interrupted between two moments."""
    found, since = 0, None
    for entry in _said(standing, "service.interrupted", "service.resumed"):
        statement = entry.statement
        if statement.subjects[0] != party:
            continue
        at = min(max(steps.happened_at(statement.occurred_at, entry.recorded_at), start), end)
        if statement.type == "service.interrupted":
            since = at if since is None else since
        elif since is not None:
            found, since = found + at - since, None
    return found + (end - since if since is not None else 0)


def _said(standing: Standing, *kinds: str) -> Iterator[Entry]:
    """What stands of these types about parties."""
    retracted = {one.statement.corrects for one in standing.entries if one.statement.type == "statement.retracted"}
    for entry in standing.entries:
        if entry.statement.type in kinds and entry.statement.id not in retracted:
            yield entry


def _day(moment: int) -> date:
    return date(1970, 1, 1) + timedelta(microseconds=moment)


def _start(day: date) -> int:
    return (day - date(1970, 1, 1)).days * times.DAY
