"""The hard rules of a case, held against a ledger that let one thing too many stand: by its audit and by a history.

Every ledger here is right in everything but its last entry, which only the rule that is named can find.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from ledger.bundle import parse_history
from ledger.errors import Disproved
from ledger.history import Asked, check_history
from ledger.note import parse_vkey
from tests.build import Build, ring, shop, uuid
from tests.listed import audited
from tests.rules import OPENED, WORK

ITEM, OTHER, CASE = ring(1), ring(2), uuid("a case")
EVIDENCE: dict[str, Any] = {"evidence": {}}
OVER = {"check": "id", **EVIDENCE}
ON_BEHALF = {"free": True, "on_behalf": True, "basis": "call"}
Say = Callable[[Build], int]


def step(kind: str, details: dict[str, Any], party: str = "shop") -> Say:
    """A party's step of the case."""
    return lambda made: made.say(kind, party, ITEM, details, case=CASE)


def held(kind: str, details: dict[str, Any]) -> Say:
    """A step of the holder's."""
    return lambda made: made.hold(kind, ITEM, details, case=CASE)


def exchanged(made: Build) -> int:
    details = {"reason": "fault", "replacement": OTHER}
    return made.say("exchange.completed", "shop", [ITEM, OTHER], details, case=CASE)


OPEN = step("case.opened", OPENED)
RECEIVED = step("case.received", EVIDENCE)
AWAY = step("case.forwarded", {"to": "outside", **EVIDENCE})
QUOTED = step("case.quoted", {"free": True})
OLD_QUOTE = step("case.quoted", {"free": True, "expires": "2025-12-01"})
APPROVED = step("case.approved", ON_BEHALF)
DONE = step("repair.completed", WORK)
RETURNED = step("return.completed", {"reason": "regret", "condition": "whole"})
RATED = held("case.evaluated", {"overall": 5})
CLOSED = step("case.closed", {"outcome": "resolved"})

# What stands, and the one step too many.
WRONG: dict[str, tuple[list[Say], Say]] = {
    "a step before the opening": ([], RECEIVED),
    "a second opening": ([OPEN], OPEN),
    "work after closing": ([OPEN, CLOSED], DONE),
    "a hand-over of what nobody took in": ([OPEN], step("case.handed_over", OVER)),
    "a second hand-over": ([OPEN, RECEIVED, step("case.handed_over", OVER)], step("case.handed_over", OVER)),
    "a hand-over of what is outside": ([OPEN, RECEIVED, AWAY], step("case.handed_over", OVER)),
    "a forwarding of what is outside": ([OPEN, RECEIVED, AWAY], AWAY),
    "a decision on nothing": ([OPEN], APPROVED),
    "a second decision": ([OPEN, QUOTED, APPROVED], step("case.declined", ON_BEHALF)),
    "a decision on another quote": ([OPEN, QUOTED], step("case.approved", {**ON_BEHALF, "quote": "A" * 43})),
    "a decision on an expired quote": ([OPEN, OLD_QUOTE], APPROVED),
    "work after a return": ([OPEN, RETURNED], DONE),
    "work after an exchange": ([OPEN, exchanged], step("maintenance.performed", {"work": ["clean"]})),
    "a rating of nothing": ([OPEN], RATED),
    "a second rating": ([OPEN, DONE, RATED], RATED),
}


@pytest.mark.parametrize("name", WRONG)
def test_what_must_not_stand_is_found(name: str) -> None:
    stands, wrong = WRONG[name]
    made = shop()
    made.item(ITEM)
    made.item(OTHER)
    made.sell(ITEM, "receipt")
    for say in stands:
        say(made)
    made.seal()
    asked = Asked(ITEM, (parse_vkey(made.vkey),), made.now)
    assert audited(made).outcome == "proven"
    check_history(parse_history(json.dumps(made.history(ITEM)).encode()), asked)
    index = wrong(made)
    made.seal()
    verdict = audited(made)
    assert [(one.index, one.check) for one in verdict.findings] == [(index, "state")]
    with pytest.raises(Disproved) as caught:
        check_history(parse_history(json.dumps(made.history(ITEM)).encode()), asked)
    assert (caught.value.check, caught.value.index) == (8, index)
