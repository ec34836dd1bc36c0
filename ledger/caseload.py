"""The row of a case in a work list: whose it is, what it waits for, and which of its limits ends first.

``case_load`` is a pure function of the entries of the case's subject and of what the party promised, so that a list
which is kept beside the log can be compared with one that is worked out from it. A request about several items has a
load on each of them. What is overdue follows from ``due_at`` and the time of whoever looks.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from ledger import custody, steps, times
from ledger.cases import cases_of
from ledger.course import Course
from ledger.forms import is_uuid
from ledger.leaf import Entry
from ledger.measure import Measure, measure
from ledger.promises import Promises
from ledger.standard import Standard
from ledger.standard_figures import Facts

Told = Sequence[tuple[Entry, str]]
"""All entries of one subject, oldest first, with their leaf hashes."""
REPEATED_WITHIN: Final = 90 * times.DAY
"""A repair for the same fault so soon after the last one is a repeat (standards.md, Reports: house)."""
_REPAIRED: Final = ("repair.completed", "repair.failed")
_SOLD: Final = frozenset({"item.sold", "exchange.completed"})
_GIVEN: Final = frozenset({"case.assigned", "case.escalated", "case.forwarded"})


@dataclass(frozen=True, slots=True)
class Load:
    """One case on one subject. Times are microseconds; ``opened`` is the index of its opening, which names the row.

    ``party`` is whose case it is, ``concerned`` are all who have a part in it: whoever keeps rows has one for each of
    these, and a row that was read back does not know them. ``clock`` is the running limit that is
    due first, ``due_at`` and ``warn_at`` when; ``None`` where nothing is due, or nobody knows when. ``waits_for`` holds
    since ``waits_since``; ``holder`` has had the thing in hand, on behalf of this case, since ``held_since``.
    ``repeats`` is the opening of the case whose repair this one asks for again.
    """

    opened: int
    case: str
    subject: str
    party: str
    kind: str
    status: str
    opened_at: str
    closed_at: str | None
    assigned: str | None
    visit: str | None
    job_no: str | None
    clock: str | None
    due_at: int | None
    warn_at: int | None
    provisional: bool
    waits_for: str | None
    waits_since: int | None
    holder: str | None
    held_since: int | None
    repeats: int | None
    concerned: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Judged:
    """A case with what it is judged by: whose it is, the facts of its opening, the standard, its measures."""

    party: str
    facts: Facts
    standard: Standard | None
    measures: tuple[Measure, ...]

    @property
    def required(self) -> tuple[str, ...] | None:
        """The steps that the standard expects of such a case; ``None`` without a standard."""
        return None if self.standard is None else self.standard.expected(self.facts.kind, self.facts.mode)


def case_loads(told: Told, promises: Promises) -> list[Load]:
    """The loads of all cases of a subject, in the order of their opening."""
    courses = cases_of(told)
    repeats = repeated(courses)
    return [case_load(course, told, promises, repeats.get(course.case)) for course in courses]


def case_load(course: Course, told: Told, promises: Promises, repeats: int | None = None) -> Load:
    """The load of one case, given all entries of its subject."""
    judged = judge(course, told, promises)
    first = nearest(judged.measures)
    waits = next((one for one in reversed(course.pauses) if one.until is None), None)
    holder, since = _held(course, told)
    closed = next((step for step in reversed(course.steps) if step.type == "case.closed"), None)
    said = course.opened.details
    return Load(
        opened=course.opened.index,
        case=course.case,
        subject=course.subject,
        party=judged.party,
        kind=course.kind,
        status=course.status,
        opened_at=course.opened.occurred_at,
        closed_at=closed.recorded_at if course.closed and closed is not None else None,
        assigned=course.assigned_to or None,
        visit=said.get("visit"),
        job_no=said.get("job_no"),
        clock=None if first is None else first.clock,
        due_at=None if first is None else first.due_at,
        warn_at=None if first is None else first.warn_at,
        provisional=first is not None and first.provisional,
        waits_for=None if course.closed or waits is None else waits.reason,
        waits_since=None if course.closed or waits is None else waits.since,
        holder=holder,
        held_since=since,
        repeats=repeats,
        concerned=_concerned(course, judged.party),
    )


def judge(course: Course, told: Told, promises: Promises) -> Judged:
    """What a case is judged by: the standard in force when it was opened, and the calendar as it stands."""
    party = party_of(course, told, promises.operator)
    first = told[0][0].statement
    category = str(first.details["category"]) if first.type == "item.registered" else ""
    facts = facts_of(course, category)
    found = promises.standard(party, course.opened.index, facts)
    measures = measure(entries_of(course, told), found, promises.working(party), category)
    return Judged(party, facts, found, measures)


def facts_of(course: Course, category: str) -> Facts:
    """What chooses between limits and standards: the opening as it was first said, which no correction moves."""
    said = course.opened.said
    return Facts(said["kind"], said["issue"], said.get("mode", ""), said.get("tier", 0), category)


def entries_of(course: Course, told: Told) -> list[Entry]:
    """The entries that the clocks of a case look at: its own, the delivery of its item, and what took something back.

    A delivery that names no case is of the one that was opened last.
    """
    found: list[Entry] = []
    newest: str | None = None
    for entry, _ in told:
        said = entry.statement
        if said.type == "case.opened":
            newest = said.case
        of_case = said.case or (newest if said.type == "item.delivered" else None)
        if said.subjects[0] == course.subject and (of_case == course.case or said.type == "statement.retracted"):
            found.append(entry)
    return found


def party_of(course: Course, told: Told, operator: str) -> str:
    """Whose case it is: of the party that opened it. A case that is not about an item is its second subject's.

    Where a holder opened it, or the operator took it down for somebody, it is of whoever sold the thing last; if nobody
    did, of whoever registered it for a holder, and of the operator for the operator.
    """
    opened = next(entry.statement for entry, _ in told if entry.index == course.opened.index)
    if course.subject == course.case:
        return opened.subjects[-1]
    if opened.grant is None and opened.party != operator:
        return opened.party
    before = [entry.statement for entry, _ in told if entry.index < course.opened.index]
    sold = [one.party for one in before if one.type in _SOLD and one.grant is None]
    if sold:
        return sold[-1]
    return opened.party if opened.grant is None else before[0].party


def nearest(measures: Iterable[Measure]) -> Measure | None:
    """The running limit that is due first; ``None`` if none is due at a known time."""
    running = [one for one in measures if one.stopped_at is None and one.due_at is not None]
    return min(running, key=lambda one: (one.due_at or 0, one.clock), default=None)


def repeated(courses: Sequence[Course]) -> dict[str, int]:
    """The repairs of one item that were asked for before, for the same fault, and done within 90 days: by case.

    The fault is the code that the opening names; where neither names one, two repairs in that time are the same fault.
    """
    found: dict[str, int] = {}
    done: list[tuple[int, Course]] = []
    for course in courses:
        if course.kind == "repair":
            start = course.opened.happened
            fault = course.opened.details.get("fault")
            for end, other in done:
                if start - REPEATED_WITHIN <= end <= start and other.opened.details.get("fault") == fault:
                    found[course.case] = other.opened.index
            last = course.last(*_REPAIRED)
            if last is not None:
                done.append((last.happened, course))
    return found


def _held(course: Course, told: Told) -> tuple[str | None, int | None]:
    """Who has the thing in hand because of this case, and since when; nobody after an exchange or a return."""
    moves = list(custody.moves(told))
    if not moves or moves[-1].entry.statement.case != course.case or course.ended:
        return None, None
    who = custody.in_hand(moves[-1].after)
    if not who:
        return None, None
    first = moves[-1].entry
    for move in reversed(moves):
        if custody.in_hand(move.after) != who:
            break
        first = move.entry
    return who, steps.happened_at(first.statement.occurred_at, first.recorded_at)


def _concerned(course: Course, party: str) -> frozenset[str]:
    """Whose case it is, who said something in it, and to whom it or the thing was given."""
    said = {step.party for step in course.steps if not step.by_holder}
    given = {str(step.details["to"]) for step in course.steps if step.type in _GIVEN}
    return frozenset({party, *said, *(one for one in given if is_uuid(one))})
