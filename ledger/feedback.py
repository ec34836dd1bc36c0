"""What customers say about a party itself, and what becomes of it: messages answered, surveys held, what is rated.

A message is a case of its own (events.md §4): a complaint, feedback or a question that is about no item. Whether it was
answered in time is the clock ``first_response`` of the standard that was in force when it was opened. Surveys go round
by the standard's ``review``: with two a year, one is due in each half of the calendar year.

>>> [one.until for one in survey_cycles([times.parse_occurred("2026-03-01T09:00:00Z")], 2, 2026)]
['2026-07-01', '2027-01-01']
>>> [one.surveys for one in survey_cycles([times.parse_occurred("2026-03-01T09:00:00Z")], 2, 2026)]
[1, 0]
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import pairwise
from typing import Final

from ledger import times
from ledger.calendar import WorkingTime
from ledger.course import RATINGS
from ledger.leaf import Entry
from ledger.measure import measure
from ledger.standard import Standard
from ledger.standard_figures import Facts

KINDS: Final = ("complaint", "feedback", "consultation")
"""The kinds of case that anybody may open about a party."""
MONTHS: Final = 12
StandardAt = Callable[[int, Facts], Standard | None]
"""The standard in force for a case with these facts that was opened at an index."""


@dataclass(frozen=True, slots=True)
class Message:
    """A case about a party: ``standing`` is that of its first response (``measure.Measure.standing``), in µs when."""

    case: str
    index: int
    kind: str
    issue: str
    unverified: bool
    opened_at: int
    answered_at: int | None
    due_at: int | None
    standing: str
    closed: bool


@dataclass(frozen=True, slots=True)
class Cycle:
    """A stretch of a year in which customers are to be asked, until before a day, and how often they were."""

    since: str
    until: str
    surveys: int


def messages(entries: Iterable[Entry], standard_at: StandardAt, working: WorkingTime, now: int) -> list[Message]:
    """The messages about a party, oldest first; ``entries`` are all those about the party's own URI."""
    cases: dict[str, list[Entry]] = {}
    for entry in entries:
        statement = entry.statement
        if statement.case is not None and statement.case == statement.subjects[0]:
            cases.setdefault(statement.case, []).append(entry)
    return [_message(case, told, standard_at, working, now=now) for case, told in cases.items()]


def survey_cycles(surveyed: Sequence[int], a_year: int, year: int) -> list[Cycle]:
    """The cycles of a calendar year (UTC) with the surveys (µs) that fell into each; raises nothing for none."""
    months = [MONTHS * number // a_year for number in range(a_year + 1)]
    edges = [date(year + month // MONTHS, month % MONTHS + 1, 1) for month in months]
    found = []
    for since, until in pairwise(edges):
        first, end = (times.parse_occurred(f"{day}T00:00:00Z") for day in (since, until))
        found.append(Cycle(str(since), str(until), sum(first <= at < end for at in surveyed)))
    return found


def dimensions(standard: Standard | None) -> tuple[str, ...]:
    """What a customer is asked to rate: overall, and the dimensions that the standard's scores and targets name.

    All of them where it names none, or where there is no standard.
    """
    document = {} if standard is None else standard.document
    parts = [part for score in document.get("weights", ()) for part in score["parts"]]
    named = {one["measure"] for one in (*parts, *document.get("targets", ()))}
    chosen = tuple(name for name in RATINGS if name in named and name != "overall")
    return ("overall", *chosen) if chosen else RATINGS


def _message(case: str, told: list[Entry], standard_at: StandardAt, working: WorkingTime, *, now: int) -> Message:
    opened = told[0].statement
    facts = Facts(
        kind=opened.details["kind"],
        issue=opened.details["issue"],
        mode=opened.details.get("mode", ""),
        tier=opened.details.get("tier", 0),
    )
    runs = measure(told, standard_at(told[0].index, facts), working)
    first = next(one for one in runs if one.clock == "first_response")
    closings = [one.statement.type for one in told if one.statement.type in {"case.closed", "case.reopened"}]
    return Message(
        case=case,
        index=told[0].index,
        kind=facts.kind,
        issue=facts.issue,
        unverified=opened.grant is None and "holder_key" not in opened.details,
        opened_at=first.started_at,
        answered_at=None if first.closed is not None else first.stopped_at,
        due_at=first.due_at,
        standing=first.standing(now),
        closed=closings[-1:] == ["case.closed"],
    )
