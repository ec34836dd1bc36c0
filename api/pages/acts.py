"""What the holder of an item may say next in its cases: for the page where her key signs (docs/holders.md).

The ledger judges each statement when it comes; this is so that nobody is offered what would be refused. Amounts are
private and not here: the page asks for them with the holder's signature and compares them with what was signed.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from api.fold import Told
from api.pages.progress import Progress
from ledger import steps
from ledger.cases import cases_of
from ledger.course import Course
from ledger.state import State
from ledger.types import TYPES

_HANDED: Final = frozenset({"handed_over", "exchanged"})
"""Statuses of a case in which the customer has the thing and has not said whether she takes it over."""
_DONE: Final = _HANDED | {"accepted", "refused", "returned", "closed"}
"""Statuses in which it is time to rate."""
_ANSWERS: Final = frozenset({"item.accepted", "item.refused"})


def acts_of(told: Sequence[Told], state: State, shown: Sequence[Progress], now: int) -> list[dict[str, Any]]:
    """By case, in the order of ``shown``: its title and status in words, and what the holder may say in it."""
    courses = {course.case: course for course in cases_of([(one.entry, one.leaf_hash) for one in told])}
    return [_acts(courses[one.case], state, one, now) for one in shown]


def awaits_answer(told: Sequence[Told]) -> bool:
    """Whether a delivery was recorded that the holder neither accepted nor refused since."""
    types = (one.entry.statement.type for one in reversed(told))
    return next((kind == "item.delivered" for kind in types if kind == "item.delivered" or kind in _ANSWERS), False)


def _acts(course: Course, state: State, shown: Progress, now: int) -> dict[str, Any]:
    may = [kind for kind in steps.may_follow(state, state.cases[course.case]) if TYPES[kind].holder]
    rating = course.evaluation
    return {
        "title": shown.title,
        "status": shown.status,
        "may": may,
        "handed_over": course.status in _HANDED,
        "done": course.status in _DONE,
        "quotes": [
            {
                "statement": quote.step.statement,
                "details": dict(quote.step.details),
                "expired": steps.is_expired(quote.step.details.get("expires", ""), now),
            }
            for quote in course.quotes
            if quote.decision is None and quote.step.stands
        ],
        "rating": None if rating is None else {"statement": rating.step.statement, "details": dict(rating.shown)},
    }
