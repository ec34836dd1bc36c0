"""Waiting: when it begins and ends, what it pauses, and that it moves a limit by as much as was waited."""

from __future__ import annotations

from typing import Any

import pytest

from ledger.clocks import course
from ledger.times import DAY, HOUR
from tests.casebook import at
from tests.test_measure import OVER, minute, of, only, opened, with_limit


def test_waiting_counts_from_its_recording_and_ends_at_the_earlier_time() -> None:
    book = opened()
    book.say("case.waiting", "2026-03-02 10:00", {"for": "parts"}, recorded="2026-03-02 12:00")
    found = only(book, "resolution")
    assert (found.due_at, found.warn_at, found.standing(2**60)) == (None, None, "waiting")
    book.say("case.resumed", "2026-03-02 14:00", {"for": "parts"}, recorded="2026-03-02 18:00")
    found = only(book, "resolution")
    assert minute(found.due_at) == "2026-03-05 11:00"
    assert found.paused(at("2026-03-03 00:00")) == 2 * HOUR
    assert [(wait.cause, minute(wait.start), minute(wait.end)) for wait in found.waits] == [
        ("parts", "2026-03-02 12:00", "2026-03-02 14:00")
    ]


def test_a_wait_that_ended_before_it_was_recorded_is_none() -> None:
    book = opened()
    book.say("case.waiting", "2026-03-02 10:00", {"for": "parts"}, recorded="2026-03-02 12:00")
    book.say("case.resumed", "2026-03-02 11:00", {"for": "parts"}, recorded="2026-03-02 12:01")
    assert minute(only(book, "resolution").due_at) == "2026-03-05 09:00"
    (wait,) = course(book.entries).waits
    assert wait.end == wait.start


@pytest.mark.parametrize(
    ("cause", "kind", "details", "ends"),
    [
        ("approval", "case.approved", {"free": False}, True),
        ("approval", "case.declined", {"free": False}, True),
        ("parts", "case.approved", {"free": False}, False),
        ("parts", "case.resumed", {"for": "customer"}, True),
        ("parts", "case.contacted", {"channel": "phone", "reached": True}, False),
        ("parts", "case.waiting", {"for": "customer"}, False),
    ],
)
def test_what_ends_a_wait(cause: str, kind: str, details: Any, ends: bool) -> None:
    book = opened()
    book.say("case.waiting", "2026-03-02 10:00", {"for": cause})
    behalf = {"on_behalf": True, "basis": "call"} if kind in {"case.approved", "case.declined"} else {}
    book.say(kind, "2026-03-02 11:00", details | behalf)
    assert minute(only(book, "resolution").due_at) == ("2026-03-05 10:00" if ends else "")


def test_another_wait_changes_what_is_waited_for() -> None:
    book = opened()
    book.say("case.waiting", "2026-03-02 10:00", {"for": "parts"})
    book.say("case.waiting", "2026-03-02 12:00", {"for": "customer"})
    book.say("case.resumed", "2026-03-02 13:00", {"for": "customer"})
    waits = only(book, "resolution").waits
    assert [(wait.cause, wait.end and (wait.end - wait.start) // HOUR) for wait in waits] == [
        ("parts", 2),
        ("customer", 1),
    ]
    paused = only(book, "resolution", with_limit("resolution", within={"days": 2}, pauses=["customer"]))
    assert minute(paused.due_at) == "2026-03-04 10:00"


def test_a_retracted_wait_pauses_nothing_and_a_retracted_end_still_ends() -> None:
    book = opened()
    wait = book.say("case.waiting", "2026-03-02 10:00", {"for": "parts"})
    end = book.say("case.resumed", "2026-03-02 12:00", {"for": "parts"})
    book.retract(end, "2026-03-02 13:00")
    assert minute(only(book, "resolution").due_at) == "2026-03-05 11:00"
    book.retract(wait, "2026-03-02 14:00")
    assert minute(only(book, "resolution").due_at) == "2026-03-05 09:00"


def test_nothing_pauses_a_first_response() -> None:
    book = opened()
    book.say("case.waiting", "2026-03-02 10:00", {"for": "customer"})
    assert minute(only(book, "first_response").due_at) == "2026-03-03 09:00"


def test_a_wait_ends_with_the_stop() -> None:
    book = opened()
    book.say("case.waiting", "2026-03-04 09:00", {"for": "customer"})
    book.say("case.handed_over", "2026-03-09 09:00", OVER)
    found = only(book, "resolution")
    assert (found.met, minute(found.due_at), found.paused(0)) == (True, "2026-03-10 09:00", 5 * DAY)
    assert found.length(0) == 7 * DAY


def test_waiting_after_it_is_due_changes_nothing() -> None:
    book = opened()
    book.say("case.waiting", "2026-03-05 09:00", {"for": "customer"})
    found = only(book, "resolution")
    assert minute(found.due_at) == "2026-03-05 09:00"
    assert found.standing(at("2026-03-05 09:01")) == "overdue"


def test_a_case_that_waits_has_warned_already() -> None:
    book = opened()
    book.say("case.waiting", "2026-03-05 08:00", {"for": "customer"})
    found = only(book, "resolution")
    assert (found.due_at, minute(found.warn_at)) == (None, "2026-03-04 15:00")


def test_a_wait_of_an_earlier_run_is_not_one_of_a_later() -> None:
    book = opened()
    book.say("case.waiting", "2026-03-02 10:00", {"for": "parts"})
    book.say("case.closed", "2026-03-02 11:00", {"outcome": "resolved"})
    book.say("case.reopened", "2026-03-03 09:00", {"outcome": "unresolved"})
    first, second = of(book, "resolution")
    assert first.paused(0) == HOUR
    assert (second.waits, minute(second.due_at)) == ((), "2026-03-06 09:00")
