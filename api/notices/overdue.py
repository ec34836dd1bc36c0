"""Clocks of cases that may run out: when the shop is told that it is late.

A limit is of the standard in force when the case was opened, and is counted in the working time of the shop, which is
the party that answers for the case: who opened it, if that was no customer, or else the party that it is about, or had
the item in hand, or sold it. After each step of a case its running clocks are set in the outbox, and when one is due it
is measured again: what was stopped, extended or waits meanwhile is not late.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ledger import standard, times
from ledger.calendar import WorkingTime
from ledger.cases import fold_case
from ledger.course import Course
from ledger.custody import OUTSIDE
from ledger.db.ledger import Ledger
from ledger.db.outbox import CLOCK, Notice, notice_id
from ledger.db.webhooks import OVERDUE
from ledger.leaf import Entry, parse_leaf
from ledger.measure import Measure, measure
from ledger.standard_figures import Facts
from ledger.state import State

_REGISTERED = (b'"type":"party.',)
_BESIDE = frozenset({"item.delivered", "statement.retracted"})
_ADOPTED = (b'"type":"standard.', b'"type":"statement.')


def answering(course: Course, state: State, told: Sequence[Entry], operator: str) -> str:
    """The party that answers for a case; "" if nobody is known."""
    about = told[0].statement.subjects[1:2] if course.subject == course.case else ()
    said = [step.party for step in course.steps if not step.by_holder and step.party != operator]
    hands = [party for party in reversed(state.custody) if party != OUTSIDE]
    return next((one for one in (*about, *said[:1], *hands, state.sold_by, state.registered_by) if one), "")


def clocks_of(ledger: Ledger, subject: str, case: str, now: int) -> list[Notice]:
    """The running clocks of a case as notices that are due when the clocks run out."""
    course, state, told = _read(ledger, subject, case)
    if course is None or state is None or course.closed:
        return []
    shop = answering(course, state, told, ledger.operator)
    return [
        Notice(
            id=notice_id("clock", case, subject, one.clock, str(one.run)),
            kind=CLOCK,
            event=OVERDUE,
            party=shop,
            made_at=times.format_recorded(now),
            due_at=times.format_recorded(one.due_at + times.SECOND),
            subject=subject,
            of_case=case,
            about=f"{one.clock} {one.run}",
        )
        for one in _measured(ledger, course, state, told, shop)
        if one.stopped_at is None and one.due_at is not None
    ]


def standing(ledger: Ledger, notice: Notice, now: int) -> tuple[str, int | None]:
    """How the clock of a notice stands now (``Measure.standing``), and when it is due, in microseconds."""
    clock, _, run = (notice.about or "").partition(" ")
    course, state, told = _read(ledger, notice.subject or "", notice.of_case or "")
    if course is None or state is None or course.closed:
        return "ended", None
    for one in _measured(ledger, course, state, told, notice.party):
        if (one.clock, str(one.run)) == (clock, run):
            return one.standing(now), one.due_at
    return "ended", None


def _read(ledger: Ledger, subject: str, case: str) -> tuple[Course | None, State | None, list[Entry]]:
    # A case is folded without leaf hashes: only a holder's custody of her key, which no clock asks for, needs them.
    told = _entries(ledger, subject)
    return fold_case(case, [(entry, "") for entry in told]), ledger.reader.state(subject), told


def _measured(ledger: Ledger, course: Course, state: State, told: Sequence[Entry], shop: str) -> tuple[Measure, ...]:
    """The clocks of a case by the standard that was in force when it was opened; none without a standard."""
    parents = {party: found.parent for party, found in ledger.view.parties.parties.items()}
    chain = standard.chain_of(shop, parents, ledger.operator)
    adopted = {party: _entries(ledger, party, _ADOPTED) for party in chain if party}
    opened = course.opened
    own = [one for one in told if one.statement.case == course.case or one.statement.type in _BESIDE]
    facts = _facts(course, state)
    found = standard.in_force(adopted, chain, opened.index, facts)
    if found is None:
        return ()
    about = _registration(ledger, shop)
    years = standard.calendar_in_force(adopted, chain, str(about.get("calendar", "")), opened.index)
    return measure(own, found, WorkingTime(years, about.get("timezone", ""), about.get("hours", ())), state.category)


def _facts(course: Course, state: State) -> Facts:
    details = course.opened.details
    return Facts(course.kind, details["issue"], course.mode, details.get("tier", 0), state.category)


def _registration(ledger: Ledger, party: str) -> Mapping[str, Any]:
    """What a party is registered with now: its zone, its hours, the name of its calendar."""
    found = _entries(ledger, f"{party}#authority", _REGISTERED)
    said = [one.statement.details for one in found if one.statement.type in {"party.registered", "party.updated"}]
    return said[-1] if said else {}


def _entries(ledger: Ledger, subject: str, marks: tuple[bytes, ...] = ()) -> list[Entry]:
    """The entries of a subject, of those with marks only such as have one of them: a party's subject is long."""
    found = []
    for _, raw in ledger.reader.entries(subject):
        if not marks or any(mark in raw for mark in marks):
            entry = parse_leaf(raw)
            assert isinstance(entry, Entry), "a seal has no subject"
            found.append(entry)
    return found
