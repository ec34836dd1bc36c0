"""Which steps of a case its customer is told of, and why not after all: functions of the course alone.

    opened     the case was opened                       quoted     a quote waits for the customer's decision
    received   the item was taken in                     extended   it takes longer
    scheduled  an appointment was arranged               waiting    for parts
    ready      it may be picked up                       failed     it could not be repaired
    decided    on a complaint, an exchange, a return     rate       a day after the first hand-over, once

An item that was taken in is *ready* when work on it was completed, or it passed an inspection, or it came back from the
workshop that completed the work; once, until something is done to it again. Whether a step is still worth telling is
asked at the moment of sending: nobody is asked about a quote that she has answered.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from ledger import steps, times
from ledger.course import Course, Step
from ledger.leaf import Statement

RATE_AFTER: Final = times.DAY
FRESH: Final = times.DAY
"""A step that was recorded later than this after it happened is history, and no news."""
TOO_OLD: Final = 5 * times.DAY
"""A notice that waited longer than this, its three days of tries included, would only confuse."""
_AT_ONCE: Final = times.HOUR
_WORK: Final = frozenset({"repair.completed", "maintenance.performed", "customization.completed"})
_AGAIN: Final = frozenset({"case.received", "case.reopened", "repair.started", "repair.failed"})
"""What an item that was ready is not ready after."""
_ALSO_CLOSED: Final = frozenset({"decided", "failed", "rate"})
_STATUS: Final = {
    "case.opened": "opened",
    "case.received": "received",
    "case.scheduled": "scheduled",
    "case.quoted": "quoted",
    "case.extended": "extended",
    "case.inspected": "ready",
    "case.returned": "ready",
    "repair.failed": "failed",
    "case.decided": "decided",
    "case.handed_over": "rate",
    **dict.fromkeys(_WORK, "ready"),
}


def status_of(statement: Statement) -> str | None:
    """The status that a statement may bring about, if the customer is told of such; what she says herself is none."""
    if statement.case is None or statement.grant is not None:
        return None
    if statement.type == "case.waiting":
        return "waiting" if statement.details["for"] == "parts" else None
    if statement.type == "case.inspected" and not statement.details["passed"]:
        return None
    return _STATUS.get(statement.type)


def why_not(course: Course, step: Step, status: str, now: int) -> str | None:
    """Why a customer is not told of a step after all; ``None`` if she is."""
    if not step.stands:
        return "it was taken back"
    if course.closed and status not in _ALSO_CLOSED:
        return "the case is closed"
    rule = _RULES.get(status)
    return None if rule is None else rule(course, step, now)


def ready_steps(course: Course) -> frozenset[int]:
    """The indexes of the steps by which the item became ready."""
    found = set()
    taken_in = away = done_away = ready = False
    for step in course.steps:
        if not step.stands:
            continue
        becomes = False
        if step.type in _AGAIN or (step.type == "case.inspected" and not step.details["passed"]):
            taken_in = taken_in or step.type == "case.received"
            ready = False
        elif step.type == "case.forwarded":
            away, done_away, ready = True, False, False
        elif step.type == "case.returned":
            becomes = done_away
            away = done_away = False
        elif step.type in _WORK:
            done_away = done_away or away
            becomes = not away
        elif step.type == "case.inspected":
            becomes = not away
        if becomes and taken_in and not ready:
            ready = True
            found.add(step.index)
    return frozenset(found)


def _later(course: Course, step: Step, *types: str) -> bool:
    return any(one.index > step.index and one.stands and one.type in types for one in course.steps)


def _opened_just_now(course: Course, step: Step, _: int) -> str | None:
    return "told with the opening" if step.happened - course.opened.happened < _AT_ONCE else None


def _not_ready(course: Course, step: Step, _: int) -> str | None:
    if step.index not in ready_steps(course):
        return "it is not by this step that it is ready"
    return "it was handed over" if _later(course, step, "case.handed_over") else None


def _not_open(course: Course, step: Step, now: int) -> str | None:
    quote = next((one for one in course.quotes if one.step.index == step.index), None)
    if quote is None or quote.decision is not None:
        return "it is decided"
    return "it expired" if steps.is_expired(str(step.details.get("expires", "")), now) else None


def _not_arranged(course: Course, step: Step, _: int) -> str | None:
    return "it is over" if _later(course, step, "case.scheduled", "case.visited") else None


def _not_to_be_rated(course: Course, step: Step, _: int) -> str | None:
    if course.evaluation is not None:
        return "it is rated"
    if step is not course.first("case.handed_over"):
        return "it was asked before"
    return "it goes on" if _later(course, step, "case.received", "case.reopened", "case.refused") else None


_RULES: Final[dict[str, Callable[[Course, Step, int], str | None]]] = {
    "received": _opened_just_now,
    "ready": _not_ready,
    "quoted": _not_open,
    "scheduled": _not_arranged,
    "rate": _not_to_be_rated,
}
