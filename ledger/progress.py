"""Where a case stands against what was promised: deviations from a standard's steps, and what comes next.

A standard lists, per kind of case and mode, the steps that a case goes through, in order (standards.md). Nothing here
refuses anything: order is soft, and what is missing or came in another order is shown as a deviation, for customer,
shop and report alike. What the ledger itself would refuse is ``ledger.steps``' to say; ``next_steps`` gives both.

A required step may name several types with bars between them, any of which fulfils it:

>>> required_steps({"repair": ["case.received", "repair.completed|repair.failed"]}, "repair", "on_site")
('case.received', 'repair.completed|repair.failed')
>>> required_steps({"repair": {"on_site": ["case.scheduled"], "any": ["case.received"]}}, "repair", "remote")
('case.received',)
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from ledger import steps
from ledger.course import Course, Step
from ledger.state import State

ANY_MODE: Final = "any"
"""The mode of a standard's list that holds where there is none for the case's own."""


@dataclass(frozen=True, slots=True)
class Deviation:
    """A required step that is ``missing`` or came ``out_of_order``: at ``index``, after the later step ``after``."""

    what: str
    step: str
    index: int | None
    after: str


@dataclass(frozen=True, slots=True)
class Next:
    """``allowed`` are the types that the ledger would accept next; ``expected`` is the standard's next step, or ""."""

    allowed: tuple[str, ...]
    expected: str


def required_steps(standard: Mapping[str, Any], kind: str, mode: str) -> tuple[str, ...]:
    """The required steps of a case of this kind and mode; none if the standard has no list for it.

    ``standard`` is its ``steps``: for each kind a list, or lists by mode, where ``any`` holds for every other mode.
    """
    lists = standard.get(kind, ())
    if isinstance(lists, Mapping):
        lists = lists.get(mode, lists.get(ANY_MODE, ()))
    return tuple(lists)


def deviations(course: Course, required: Sequence[str]) -> tuple[Deviation, ...]:
    """What a case has left out or done in another order, in the order of the standard.

    A step is missing once a later one was done, or the case is closed. It is out of order if it counts as done only
    after a later one did; both times as ``steps.happened_at`` says, so a step recorded an hour late is in its place.
    """
    done = [_first(course, step) for step in required]
    found = []
    for number, (step, one) in enumerate(zip(required, done, strict=True)):
        later = [other for other in done[number + 1 :] if other is not None]
        if one is None:
            if later or course.closed:
                found.append(Deviation("missing", step, None, later[0].type if later else ""))
            continue
        before = [other for other in later if (other.happened, other.index) < (one.happened, one.index)]
        if before:
            found.append(Deviation("out_of_order", step, one.index, min(before, key=lambda other: other.happened).type))
    return tuple(found)


def next_steps(course: Course, state: State, required: Sequence[str] = (), party: str | None = None) -> Next:
    """What the ledger would accept next in a case (by ``party``, if one is asked about), and what the standard expects.

    ``state`` is the state of the case's subject. Expected is the first required step after the last one that was done.
    """
    allowed = steps.may_follow(state, state.cases[course.case], party)
    if course.closed:
        return Next(allowed, "")
    last = max((number for number, step in enumerate(required) if _first(course, step) is not None), default=-1)
    return Next(allowed, required[last + 1] if last + 1 < len(required) else "")


def completeness(course: Course, required: Sequence[str]) -> tuple[int, int]:
    """How many of the required steps a case has, and how many there are."""
    done = {step.type for step in course.steps if step.stands}
    return sum([not done.isdisjoint(step.split("|")) for step in required]), len(required)


def _first(course: Course, step: str) -> Step | None:
    return course.first(*step.split("|"))
