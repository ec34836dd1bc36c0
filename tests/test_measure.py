"""The clocks of one case, one rule at a time, with times worked out by hand."""

from __future__ import annotations

from typing import Any

import pytest

from ledger import standard
from ledger.calendar import WorkingTime
from ledger.clocks import CLOCKS
from ledger.measure import Measure, measure
from ledger.standard import Standard
from ledger.standard_shape import CLOCKS as NAMED
from ledger.standards import template
from ledger.times import DAY, HOUR, format_recorded
from tests.casebook import Casebook, at

GOODS = standard.adopt(template("consumer-goods"))
EVERY_DAY = WorkingTime({})
IN: dict[str, Any] = {"evidence": {}}
OVER: dict[str, Any] = {"check": "id", "evidence": {}}
DIAGNOSED = {"findings": "worn", "responsible": "none", "in_warranty": True}
DECIDED = {"decision": "accepted", "remedy": "refund"}
TIMES = {"from": "2026-03-03", "until": "2026-03-03"}
WORK = {"work": ["polish"], "tests": []}
EXCHANGED = {"replacement": "urn:uuid:0190a6f1-7d3b-7c44-9a3e-0a4f1c2d3e4f", "reason": "fault"}
RETURNED = {"reason": "fault", "condition": "good"}


def of(book: Casebook, clock: str, using: Standard | None = GOODS, working: WorkingTime = EVERY_DAY) -> list[Measure]:
    """The runs of one clock."""
    return [one for one in measure(book.entries, using, working) if one.clock == clock]


def only(book: Casebook, clock: str, using: Standard | None = GOODS) -> Measure:
    """The one run of a clock."""
    (found,) = of(book, clock, using)
    return found


def with_limit(clock: str, **limit: Any) -> Standard:
    """A standard of one limit."""
    return standard.adopt(
        {
            "standard": "x",
            "version": "1",
            "limits": [{"clock": clock, "source": "house", "within": {"hours": 4}} | limit],
        }
    )


def minute(moment: int | None) -> str:
    """A moment as the tests write it."""
    return "" if moment is None else format_recorded(moment)[:16].replace("T", " ")


def opened(**details: Any) -> Casebook:
    """A case opened on Monday, 2 March 2026, at 09:00."""
    book = Casebook()
    book.open("2026-03-02 09:00", **details)
    return book


# What starts and stops a clock: the table of the page on standards, written down again.

STOPS: list[tuple[str, dict[str, Any], list[tuple[str, dict[str, Any]]], str, dict[str, Any]]] = [
    ("first_response", {}, [], "case.responded", {}),
    ("preliminary", {}, [], "case.diagnosed", DIAGNOSED),
    ("preliminary", {}, [], "case.decided", DECIDED),
    ("preliminary", {}, [], "case.scheduled", TIMES),
    ("visit", {"mode": "on_site"}, [], "case.scheduled", TIMES),
    ("complaint", {"kind": "complaint"}, [], "case.decided", DECIDED),
    *(
        (clock, details, [], kind, said)
        for clock, details in (("processed", {"kind": "exchange"}), ("resolution", {}))
        for kind, said in (
            ("exchange.completed", EXCHANGED),
            ("return.completed", RETURNED),
            ("case.handed_over", OVER),
            ("case.accepted", {"checks": []}),
        )
    ),
    ("resolution", {}, [], "case.closed", {"outcome": "resolved"}),
    ("bench", {}, [("repair.started", WORK)], "repair.completed", WORK),
    *(
        ("feedback", {}, [("item.delivered", {"method": "courier", "state": "whole"})], kind, said)
        for kind, said in (
            ("case.contacted", {"channel": "phone", "reached": True}),
            ("case.followed_up", {"reached": True, "resolved": True}),
            ("case.evaluated", {"overall": 5}),
        )
    ),
    ("call_back", {}, [("case.handed_over", OVER)], "case.followed_up", {"reached": True, "resolved": True}),
    ("call_back", {}, [("case.accepted", {"checks": []})], "case.followed_up", {"reached": True, "resolved": True}),
]


@pytest.mark.parametrize(("clock", "details", "before", "kind", "said"), STOPS)
def test_a_clock_stops(clock: str, details: Any, before: Any, kind: str, said: Any) -> None:
    book = opened(**details)
    start = at("2026-03-02 09:00")
    for number, (earlier, words) in enumerate(before, 1):
        start += number * HOUR
        book.say(earlier, start, words)
    running = only(book, clock)
    assert (running.started_at, running.stopped_at, running.stop) == (start, None, None)
    more: dict[str, Any] = {"agent": "T-07"}
    if kind == "exchange.completed":
        more["subjects"] = [book.entries[0].statement.subjects[0], EXCHANGED["replacement"]]
    stop = book.say(kind, start + 2 * HOUR, said, **more)
    done = only(book, clock)
    assert (done.stopped_at, done.stop, done.length(0)) == (start + 2 * HOUR, stop, 2 * HOUR)


def test_the_table_has_every_clock_and_no_other_stop() -> None:
    assert set(CLOCKS) == set(NAMED) == {clock for clock, *_ in STOPS}
    for clock, row in CLOCKS.items():
        assert row.stops - {"case.closed"} == {kind for name, *_, kind, _ in STOPS if name == clock} - {"case.closed"}


def test_a_machine_s_answer_is_no_person_s() -> None:
    book = opened()
    book.say("case.responded", "2026-03-02 09:01")
    assert only(book, "first_response").stopped_at is None
    book.say("case.responded", "2026-03-02 10:00", agent="T-07")
    assert only(book, "first_response").length(0) == HOUR


@pytest.mark.parametrize(
    ("details", "clocks"),
    [
        ({}, {"first_response", "preliminary", "resolution"}),
        ({"mode": "on_site"}, {"first_response", "preliminary", "resolution", "visit"}),
        ({"kind": "complaint"}, {"first_response", "preliminary", "resolution", "complaint"}),
        ({"kind": "return"}, {"first_response", "preliminary", "resolution", "processed"}),
        ({"warranty_claim": True}, {"first_response", "preliminary", "resolution", "processed"}),
        ({"kind": "consultation", "warranty_claim": True}, {"first_response", "preliminary", "resolution"}),
    ],
)
def test_which_clocks_a_case_has(details: dict[str, Any], clocks: set[str]) -> None:
    assert {one.clock for one in measure(opened(**details).entries, None, EVERY_DAY)} == clocks


def test_the_last_diagnosis_says_whether_it_is_under_warranty() -> None:
    book = opened(warranty_claim=True)
    book.say("case.diagnosed", "2026-03-02 10:00", DIAGNOSED | {"in_warranty": False})
    assert of(book, "processed") == []
    again = book.say("case.diagnosed", "2026-03-02 11:00", DIAGNOSED)
    assert of(book, "processed") != []
    book.retract(again, "2026-03-02 12:00")
    assert of(book, "processed") == []


def test_what_is_handed_in_counts_from_then() -> None:
    book = opened(kind="return")
    assert minute(only(book, "processed").started_at) == "2026-03-02 09:00"
    book.say("case.received", "2026-03-04 12:00", IN)
    assert minute(only(book, "processed").started_at) == "2026-03-04 12:00"
    book.say("case.received", "2026-03-05 12:00", IN)  # a second parcel changes nothing
    assert minute(only(book, "processed").started_at) == "2026-03-04 12:00"
    book.say("return.completed", "2026-03-06 12:00", RETURNED)
    book.say("case.received", "2026-03-07 12:00", IN)
    assert [minute(one.started_at) for one in of(book, "processed")] == ["2026-03-04 12:00", "2026-03-07 12:00"]
    assert [one.run for one in of(book, "processed")] == [0, 1]


def test_every_time_at_the_bench_is_a_run() -> None:
    book = opened()
    for hour, kind in ((10, "started"), (11, "started"), (12, "completed"), (14, "started"), (15, "completed")):
        book.say(f"repair.{kind}", f"2026-03-02 {hour}:00", WORK)
    assert [one.length(0) // HOUR for one in of(book, "bench")] == [2, 1]


# Which of two times counts.


def test_a_start_is_the_earlier_time() -> None:
    book = Casebook()
    book.open("2026-03-02 09:00", recorded="2026-03-02 09:30")
    assert minute(only(book, "resolution").started_at) == "2026-03-02 09:00"
    ahead = Casebook()
    ahead.open("2026-03-02 09:04", recorded="2026-03-02 09:00")  # a till whose clock is fast
    assert minute(only(ahead, "resolution").started_at) == "2026-03-02 09:00"


@pytest.mark.parametrize(
    ("clock", "limit", "occurred", "recorded", "counts"),
    [
        # within the limit's own length of 4 hours
        ("first_response", {"hours": 4}, "03-02 10:00", "03-02 14:00", "03-02 10:00"),
        ("first_response", {"hours": 4}, "03-02 10:00", "03-02 14:01", "03-02 14:01"),
        # and within 24 hours, however long the limit is
        ("first_response", {"hours": 72}, "03-02 10:00", "03-03 10:00", "03-02 10:00"),
        ("first_response", {"working_days": 5}, "03-02 10:00", "03-03 10:01", "03-03 10:01"),
        # a stop before the start is no time travel
        ("first_response", {"hours": 4}, "03-02 08:00", "03-02 09:30", "03-02 09:00"),
    ],
)
def test_a_stop_counts_as_stated_if_it_is_recorded_soon(
    clock: str, limit: Any, occurred: str, recorded: str, counts: str
) -> None:
    book = opened()
    book.say("case.responded", f"2026-{occurred}", recorded=f"2026-{recorded}", agent="a")
    found = only(book, clock, with_limit(clock, within=limit))
    assert minute(found.stopped_at) == f"2026-{counts}"
    assert (minute(found.stated), minute(found.recorded)) == (f"2026-{occurred}", f"2026-{recorded}")


def test_without_a_limit_a_day_is_soon() -> None:
    book = opened()
    book.say("case.responded", "2026-03-02 10:00", recorded="2026-03-03 10:00", agent="a")
    assert minute(only(book, "first_response", None).stopped_at) == "2026-03-02 10:00"


def test_what_was_retracted_stops_nothing_and_what_was_corrected_changes_nothing() -> None:
    book = opened()
    answer = book.say("case.responded", "2026-03-02 10:00", agent="a")
    book.say("statement.corrected", "2026-03-02 10:30", {"reason": "typo", "details": {}}, corrects=answer)
    assert minute(only(book, "first_response").stopped_at) == "2026-03-02 10:00"
    book.retract(answer, "2026-03-02 11:00")
    assert only(book, "first_response").stopped_at is None
    book.say("case.responded", "2026-03-02 12:00", agent="a")
    assert minute(only(book, "first_response").stopped_at) == "2026-03-02 12:00"


# Due, warned, overdue.


def test_due_warned_and_overdue() -> None:
    book = opened()
    found = only(book, "resolution")
    assert (minute(found.due_at), minute(found.warn_at)) == ("2026-03-05 09:00", "2026-03-04 15:00")
    assert found.published_at == found.due_at
    due, warn = at("2026-03-05 09:00"), at("2026-03-04 15:00")
    moments = (warn - 1, warn, due, due + 1)
    assert [found.standing(moment) for moment in moments] == ["on_time", "due_soon", "due_soon", "overdue"]
    assert found.met is None
    assert not found.provisional


@pytest.mark.parametrize(("stop", "standing"), [("2026-03-05 09:00", "met"), ("2026-03-05 09:01", "missed")])
def test_a_limit_is_kept_at_it_and_missed_past_it(stop: str, standing: str) -> None:
    book = opened()
    book.say("case.handed_over", stop, OVER)
    found = only(book, "resolution")
    assert found.standing(0) == standing
    assert found.met is (standing == "met")


def test_a_clock_without_a_limit_runs() -> None:
    book = opened()
    found = only(book, "resolution", None)
    assert (found.standing(0), found.met, found.due_at) == ("running", None, None)
    assert found.length(found.started_at + HOUR) == HOUR
    assert found.length(0) == 0
    book.say("case.handed_over", "2026-03-03 09:00", OVER)
    assert only(book, "resolution", None).standing(0) == "ended"


def test_an_average_binds_no_single_case() -> None:
    book = opened()
    book.say("repair.started", "2026-03-02 10:00", WORK)
    book.say("case.waiting", "2026-03-02 11:00", {"for": "parts"})
    furniture = standard.adopt(template("furniture"))
    found = only(book, "bench", furniture)
    assert found.limit is not None
    assert (found.due_at, found.standing(2**60), found.paused(at("2026-03-02 12:00"))) == (None, "running", HOUR)
    book.say("repair.completed", "2026-03-02 20:00", WORK)
    assert only(book, "bench", furniture).met is None


def test_the_issue_of_a_complaint_chooses_its_limit() -> None:
    hours = [
        only(opened(kind="complaint", issue=issue), "complaint").due_at for issue in ("attitude", "quality", "stock")
    ]
    assert [minute(due) for due in hours] == ["2026-03-03 09:00", "2026-03-04 09:00", "2026-03-05 09:00"]


def test_working_days_that_nobody_adopted_are_provisional() -> None:
    book = opened(kind="return")
    found = only(book, "processed")
    assert minute(found.due_at) == "2026-03-06 00:00"  # Tuesday, Wednesday, Thursday
    assert found.provisional


# Closing and reopening.


@pytest.mark.parametrize(
    ("outcome", "moment", "met"),
    [
        ("resolved", "2026-03-03 09:00", True),
        ("resolved", "2026-03-03 09:01", False),
        ("unresolved", "2026-03-03 08:00", False),
        ("withdrawn", "2026-03-09 09:00", None),
    ],
)
def test_closing_ends_what_has_not_stopped(outcome: str, moment: str, met: bool | None) -> None:
    book = opened()
    book.say("case.closed", moment, {"outcome": outcome})
    found = only(book, "first_response")
    assert (found.closed, found.met, found.stop) == (outcome, met, None)
    assert found.standing(0) == {True: "met", False: "missed", None: "ended"}[met]


def test_closing_does_not_end_after_care() -> None:
    book = opened()
    book.say("case.handed_over", "2026-03-02 10:00", OVER)
    book.say("case.closed", "2026-03-02 11:00", {"outcome": "resolved"})
    assert only(book, "call_back").stopped_at is None
    book.say("case.followed_up", "2026-03-04 10:00", {"reached": True, "resolved": True})
    assert only(book, "call_back").length(0) == 2 * DAY


def test_reopening_starts_again_what_was_resolved_or_ended() -> None:
    book = opened()
    book.say("case.responded", "2026-03-02 10:00", agent="a")
    book.say("case.closed", "2026-03-03 09:00", {"outcome": "unresolved"})
    book.say("case.reopened", "2026-03-10 09:00", {"outcome": "unresolved"})
    assert len(of(book, "first_response")) == 1
    for clock in ("preliminary", "resolution"):
        ended, again = of(book, clock)
        assert (ended.met, minute(again.started_at), again.run) == (False, "2026-03-10 09:00", 1)
    book.say("case.closed", "2026-03-11 09:00", {"outcome": "resolved"})
    assert [one.met for one in of(book, "resolution")] == [False, True]
    book.say("case.reopened", "2026-03-12 09:00", {"outcome": "unresolved"})
    assert len(of(book, "resolution")) == 3


def test_a_closing_that_was_retracted_ends_nothing() -> None:
    book = opened()
    closing = book.say("case.closed", "2026-03-02 10:00", {"outcome": "resolved"})
    book.retract(closing, "2026-03-02 11:00")
    assert only(book, "resolution").stopped_at is None
    assert only(book, "first_response").closed is None
