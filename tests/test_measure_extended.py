"""Extensions of a limit: in time, with room in the standard, and never to improve what is late."""

from __future__ import annotations

from typing import Any

import pytest

from ledger.measure import Measure
from ledger.standard import Standard
from tests.casebook import Casebook
from tests.test_measure import GOODS, OVER, minute, of, only, opened, with_limit

FREE = with_limit("resolution", within={"days": 2})
CAPPED = with_limit("resolution", within={"days": 2}, at_most={"days": 4})


def extend(
    book: Casebook, moment: str, until: str, *, hard: bool = False, limit: str = "resolution", **more: Any
) -> str:
    """Promise another end."""
    details = {"limit": limit, "until": until, "reason": "parts", "hard": hard}
    return book.say("case.extended", f"2026-{moment}", details, **more)


def found(book: Casebook, using: Standard = FREE) -> Measure:
    """The run of the resolution."""
    return only(book, "resolution", using)


@pytest.mark.parametrize(
    ("using", "until", "hard", "due"),
    [
        (FREE, "2026-03-20T12:00:00Z", False, "2026-03-20 12:00"),
        (FREE, "2026-03-20T12:00:00+08:00", False, "2026-03-20 04:00"),
        (FREE, "2026-03-20", False, "2026-03-21 00:00"),  # a day ends at midnight
        (FREE, "2026-03-20", True, "2026-03-21 00:00"),
        (FREE, "2026-03-04T08:59:00Z", False, "2026-03-04 09:00"),  # never shorter
        (CAPPED, "2026-03-05T12:00:00Z", False, "2026-03-05 12:00"),
        (CAPPED, "2026-03-20", False, "2026-03-06 09:00"),
        (CAPPED, "2026-03-20", True, "2026-03-06 09:00"),
        # consumer goods: 72 hours, hard cases 2 to 7 working days: Thursday 5 at 09:00; until Wednesday 11
        (GOODS, "2026-03-20", False, "2026-03-05 09:00"),
        (GOODS, "2026-03-09T12:00:00Z", True, "2026-03-09 12:00"),
        (GOODS, "2026-03-20", True, "2026-03-12 00:00"),
    ],
)
def test_how_far_a_limit_can_be_extended(using: Standard, until: str, hard: bool, due: str) -> None:
    book = opened()
    said = extend(book, "03-03 09:00", until, hard=hard)
    one = found(book, using)
    assert minute(one.due_at) == due
    assert one.extensions == ((said,) if due != minute(one.published_at) else ())


def test_a_hard_case_gets_the_least_of_its_range() -> None:
    book = opened()
    hard = {"from": {"days": 5}, "until": {"days": 7}}
    extend(book, "03-03 09:00", "2026-03-05T12:00:00Z", hard=True)
    assert minute(found(book, with_limit("resolution", within={"days": 2}, hard=hard)).due_at) == "2026-03-07 09:00"


def test_what_is_late_cannot_be_extended() -> None:
    book = opened()
    extend(book, "03-04 09:01", "2026-03-20")
    assert minute(found(book).due_at) == "2026-03-04 09:00"
    in_time = opened()
    extend(in_time, "03-04 09:00", "2026-03-20")
    assert minute(found(in_time).due_at) == "2026-03-21 00:00"


def test_an_extension_counts_from_its_recording() -> None:
    book = opened()
    extend(book, "03-04 08:00", "2026-03-20", recorded="2026-03-04 10:00")
    assert minute(found(book).due_at) == "2026-03-04 09:00"


def test_it_is_for_the_clock_that_it_names_and_the_run_in_which_it_stands() -> None:
    book = opened()
    extend(book, "03-03 09:00", "2026-03-20", limit="preliminary")
    assert minute(found(book).due_at) == "2026-03-04 09:00"
    extend(book, "03-03 10:00", "2026-03-20T09:00:00Z")
    book.say("case.closed", "2026-03-03 11:00", {"outcome": "resolved"})
    book.say("case.reopened", "2026-03-10 09:00", {"outcome": "unresolved"})
    first, second = of(book, "resolution", FREE)
    assert (minute(first.due_at), len(first.extensions)) == ("2026-03-20 09:00", 1)
    assert (minute(second.due_at), second.extensions) == ("2026-03-12 09:00", ())


def test_one_said_after_the_stop_is_too_late() -> None:
    book = opened()
    book.say("case.handed_over", "2026-03-03 09:00", OVER, recorded="2026-03-03 12:00")
    extend(book, "03-03 10:00", "2026-03-20", recorded="2026-03-03 12:01")
    assert found(book).extensions == ()


def test_the_last_of_several_counts_and_a_retracted_one_does_not() -> None:
    book = opened()
    one = extend(book, "03-03 09:00", "2026-03-05T09:00:00Z")
    other = extend(book, "03-05 09:00", "2026-03-07T09:00:00Z")
    assert (minute(found(book).due_at), found(book).extensions) == ("2026-03-07 09:00", (one, other))
    book.retract(other, "2026-03-05 10:00")
    assert (minute(found(book).due_at), found(book).extensions) == ("2026-03-05 09:00", (one,))


def test_a_promised_day_takes_the_place_of_the_wait() -> None:
    book = opened()
    book.say("case.waiting", "2026-03-03 09:00", {"for": "parts"})
    extend(book, "03-03 12:00", "2026-03-10T12:00:00Z")
    assert minute(found(book).due_at) == "2026-03-10 12:00"
    book.say("case.resumed", "2026-03-04 09:00", {"for": "parts"})
    assert minute(found(book).due_at) == "2026-03-10 12:00"
    assert found(book).standing(0) == "on_time"
    book.say("case.waiting", "2026-03-05 09:00", {"for": "parts"})
    book.say("case.resumed", "2026-03-05 10:00", {"for": "parts"})
    assert minute(found(book).due_at) == "2026-03-10 13:00"
    assert minute(found(book).published_at) == "2026-03-05 09:00"  # two days, and a day of waiting


def test_a_promise_that_is_no_later_than_the_wait_leaves_it() -> None:
    book = opened()
    book.say("case.waiting", "2026-03-03 09:00", {"for": "parts"})
    extend(book, "03-04 09:00", "2026-03-05T09:00:00Z")  # with the day waited, it is due then anyway
    assert found(book).due_at is None


def test_the_cap_moves_with_what_was_waited_before() -> None:
    book = opened()
    book.say("case.waiting", "2026-03-02 10:00", {"for": "parts"})
    book.say("case.resumed", "2026-03-02 13:00", {"for": "parts"})
    extend(book, "03-03 09:00", "2026-03-20")
    assert minute(found(book, CAPPED).due_at) == "2026-03-06 12:00"


def test_warning_of_an_extended_limit() -> None:
    book = opened()
    extend(book, "03-04 00:00", "2026-03-08T00:00:00Z")  # four days, of which three pass
    assert minute(found(book).warn_at) == "2026-03-07 00:00"
