"""How a case went: its course by its statements, what a correction may change, deviations and next steps."""

from __future__ import annotations

from typing import Any

import pytest

from ledger import cases, progress, times
from ledger.course import Course
from ledger.leaf import Entry
from tests.rules import OPENED, WORK, named, sale, world
from tests.world import CASE, RING, World, uuid

__all__ = ["sale", "world"]

EVIDENCE: dict[str, Any] = {"evidence": {}}
OVER = {"check": "id", **EVIDENCE}
ON_BEHALF = {"free": True, "on_behalf": True, "basis": "call"}
STEPS = {"repair": ["case.received", "case.diagnosed", "repair.completed|repair.failed", "case.handed_over"]}


def told(world: World, subject: str = RING) -> list[tuple[Entry, str]]:
    """The entries of a subject with their hashes, as a history gives them."""
    found = [entry for entry in world.entries.values() if subject in entry.statement.subjects]
    return [(entry, world.hashes[entry.statement.id]) for entry in sorted(found, key=lambda entry: entry.index)]


def course_of(world: World, case: str = CASE, subject: str = RING) -> Course:
    found = cases.fold_case(case, told(world, subject))
    assert found is not None
    return found


def say(world: World, kind: str, details: dict[str, Any] | None = None, who: str = "shop", **more: Any) -> Entry:
    return world.say(kind, who, RING, details or {}, case=CASE, **more)


@pytest.fixture
def opened(world: World) -> World:
    world.say("case.opened", "shop", RING, {**OPENED, "mode": "in_store"}, case=CASE)
    return world


REPAIR: list[tuple[str, dict[str, Any], str]] = [
    ("case.responded", {}, "answered"),
    ("case.assigned", {"to": "b07"}, "answered"),
    ("case.received", EVIDENCE, "received"),
    ("case.diagnosed", {"findings": "bent", "responsible": "manufacturer", "in_warranty": True}, "diagnosed"),
    ("case.quoted", {"free": True}, "quoted"),
    ("case.approved", ON_BEHALF, "approved"),
    ("repair.started", WORK, "in_work"),
    ("case.forwarded", {"to": "outside", **EVIDENCE}, "away"),
    ("case.returned", EVIDENCE, "received"),
    ("repair.completed", WORK, "work_done"),
    ("case.inspected", {"passed": True}, "inspected"),
    ("case.handed_over", OVER, "handed_over"),
]


def test_a_repair_from_claim_to_thanks(opened: World, sale: Entry) -> None:
    grant = opened.hash_of(sale)
    assert course_of(opened).status == "open"
    for kind, details, word in REPAIR:
        say(opened, kind, details)
        assert course_of(opened).status == word, kind
    opened.hold("case.accepted", "paper", RING, {"checks": []}, grant, case=CASE)
    opened.hold("case.evaluated", "paper", RING, {"overall": 5, "quality": 4}, grant, case=CASE)
    assert course_of(opened).status == "accepted"
    say(opened, "case.closed", {"outcome": "resolved"})
    say(opened, "case.followed_up", {"reached": True, "resolved": True})
    course = course_of(opened)
    assert (course.status, course.kind, course.mode, course.assigned_to) == ("closed", "repair", "in_store", "b07")
    assert [step.type for step in course.after_care] == ["case.followed_up"]
    assert course.custody == ()
    assert not course.unverified
    accepted = course.last("case.accepted")
    assert accepted is not None
    assert (accepted.by_holder, accepted.key_custody) == (True, "receipt")
    assert course.evaluation is not None
    assert course.evaluation.shown == course.evaluation.counted == {"overall": 5, "quality": 4}
    say(opened, "case.reopened", {"outcome": "unresolved"})
    assert (course_of(opened).status, course_of(opened).after_care) == ("open", ())


def test_a_case_that_nobody_opened_has_no_course(opened: World) -> None:
    assert cases.fold_case(uuid("no case"), told(opened)) is None
    assert cases.fold_case(CASE, []) is None
    # A reader who could not tell the opening says nothing of the case.
    say(opened, "case.responded")
    assert cases.fold_case(CASE, [one for one in told(opened) if one[0].statement.type != "case.opened"]) is None
    opened.say("case.opened", "shop", RING, OPENED, case=uuid("second"))
    assert [course.case for course in cases.cases_of(told(opened))] == [CASE, uuid("second")]
    assert course_of(opened).assigned_to == ""
    assert course_of(opened).evaluation is None


def test_a_quote_has_one_decision_and_keeps_it(opened: World) -> None:
    one, other = "A" * 43, "E" * 43
    say(opened, "case.quoted", {"free": False, "quote": one})
    say(opened, "case.quoted", {"free": False, "quote": other})
    declined = say(opened, "case.declined", {**ON_BEHALF, "quote": one})
    approved = say(opened, "case.approved", ON_BEHALF)
    say(opened, "case.quoted", {"free": False, "quote": other, "expires": "2027-01-01"})
    say(opened, "case.quoted", {"free": True})
    say(opened, "case.quoted", {"free": True})
    quotes = course_of(opened).quotes
    assert [quote.name for quote in quotes] == [one, other, other, "", ""]
    decided = [None if quote.decision is None else quote.decision.index for quote in quotes]
    assert decided == [declined.index, approved.index, approved.index, None, None]


def test_a_pause_lasts_from_its_recording_until_it_is_over(opened: World) -> None:
    hour = times.HOUR
    start = opened.now
    say(opened, "case.resumed", {"for": "parts"})
    opened.now = start + hour
    say(opened, "case.waiting", {"for": "parts"})
    assert course_of(opened).status == "waiting"
    opened.now = start + 3 * hour
    # It was over an hour ago, and only now is it said: the hour is the shop's.
    say(opened, "case.resumed", {"for": "parts"}, occurred_at=times.format_recorded(start + 2 * hour))
    assert course_of(opened).status == "open"
    opened.now = start + 4 * hour
    say(opened, "case.waiting", {"for": "customer"})
    opened.now = start + 5 * hour
    say(opened, "case.waiting", {"for": "workshop"})
    opened.now = start + 6 * hour
    say(opened, "case.closed", {"outcome": "withdrawn"})
    pauses = [(one.reason, one.since - start, (one.until or 0) - start) for one in course_of(opened).pauses]
    assert pauses == [("parts", hour, 2 * hour), ("customer", 4 * hour, 5 * hour), ("workshop", 5 * hour, 6 * hour)]


@pytest.mark.parametrize(("reason", "over"), [("approval", True), ("parts", False)])
def test_a_decision_ends_a_wait_for_it(opened: World, reason: str, *, over: bool) -> None:
    say(opened, "case.quoted", {"free": True})
    say(opened, "case.waiting", {"for": reason})
    say(opened, "case.approved", ON_BEHALF)
    course = course_of(opened)
    assert (course.pauses[0].until is not None, course.status) == (over, "approved" if over else "waiting")


def test_a_pause_does_not_end_before_it_began(opened: World) -> None:
    before = times.format_recorded(opened.now - times.HOUR)
    say(opened, "case.waiting", {"for": "parts"})
    say(opened, "case.resumed", {"for": "parts"}, occurred_at=before)
    (pause,) = course_of(opened).pauses
    assert pause.until == pause.since


def test_taking_back_never_makes_a_measured_time_shorter(opened: World) -> None:
    waited = say(opened, "case.waiting", {"for": "parts"})
    resumed = say(opened, "case.resumed", {"for": "parts"})
    before = course_of(opened).pauses[0].until
    say_again = {"reason": "error"}
    opened.say("statement.retracted", "shop", RING, say_again, corrects=resumed.statement.id)
    assert course_of(opened).pauses[0].until == before
    fixed = {**say_again, "details": {"for": "customer"}}
    opened.say("statement.corrected", "shop", RING, fixed, corrects=waited.statement.id)
    assert course_of(opened).pauses[0].reason == "parts"
    opened.say("statement.retracted", "shop", RING, say_again, corrects=waited.statement.id)
    assert course_of(opened).pauses == ()


def test_visits_and_their_appointments(opened: World) -> None:
    at = {"from": "2026-11-03T09:00:00+08:00", "until": "2026-11-03T11:00:00+08:00"}
    first = say(opened, "case.scheduled", at)
    second = say(opened, "case.scheduled", at)
    nobody = say(opened, "case.visited", {"result": "no_access"})
    unannounced = say(opened, "case.visited", {"result": "done"})
    gone = say(opened, "case.visited", {"result": "refused"})
    opened.say("statement.retracted", "shop", RING, {"reason": "error"}, corrects=gone.statement.id)
    last = say(opened, "case.scheduled", at)
    seen = [tuple(step and step.index for step in (one.scheduled, one.visited)) for one in course_of(opened).visits]
    want = [(first.index, None), (second.index, nobody.index), (None, unannounced.index), (last.index, None)]
    assert seen == want


def test_a_rating_is_never_raised_by_a_revision(opened: World, sale: Entry) -> None:
    grant = opened.hash_of(sale)
    say(opened, "case.responded")
    rated = opened.hold("case.evaluated", "paper", RING, {"overall": 2, "quality": 4}, grant, case=CASE)

    def revise(**ratings: int) -> None:
        fixed = {"reason": "second_thought", "details": ratings}
        opened.hold("statement.corrected", "paper", RING, fixed, grant, corrects=rated.statement.id)

    revise(overall=5, quality=3, attitude=5)
    rating = course_of(opened).evaluation
    assert rating is not None
    assert rating.shown == {"overall": 5, "quality": 3, "attitude": 5}
    assert rating.counted == {"overall": 2, "quality": 3}
    assert rating.raised
    revise(overall=1)
    rating = course_of(opened).evaluation
    assert rating is not None
    assert (rating.shown, rating.counted, rating.raised) == ({"overall": 1}, {"overall": 1, "quality": 3}, False)
    opened.hold("statement.retracted", "paper", RING, {"reason": "error"}, grant, corrects=rated.statement.id)
    rating = course_of(opened).evaluation
    assert rating is not None
    assert (rating.counted, rating.raised, rating.step.stands) == ({}, False, False)


def test_a_correction_is_shown_and_a_dispute_stands_beside(opened: World, sale: Entry) -> None:
    wrong = say(opened, "case.diagnosed", {"findings": "misuse", "responsible": "holder", "in_warranty": False})
    reason = {"disputes": wrong.statement.id, "reason": "not_so"}
    opened.hold("statement.disputed", "paper", RING, reason, opened.hash_of(sale))
    right = {"findings": "casting flaw", "responsible": "manufacturer", "in_warranty": True}
    opened.say("statement.corrected", "shop", RING, {"reason": "error", "details": right}, corrects=wrong.statement.id)
    step = course_of(opened).last("case.diagnosed")
    assert step is not None
    assert (step.details, step.said["responsible"]) == (right, "holder")
    assert [(one.kind, one.reason) for one in step.remarks] == [("disputed", "not_so"), ("corrected", "error")]
    opened.say("statement.retracted", "shop", RING, {"reason": "error"}, corrects=wrong.statement.id)
    course = course_of(opened)
    assert course.last("case.diagnosed") is course.first("case.diagnosed") is None
    assert (course.status, len(course.steps)) == ("open", 2)


def test_a_case_whose_opening_was_taken_back_is_still_a_case(opened: World) -> None:
    first = course_of(opened).opened.statement
    opened.say("statement.retracted", "shop", RING, {"reason": "error"}, corrects=first)
    assert course_of(opened).status == "open"


@pytest.mark.parametrize("holder", [True, False])
def test_a_complaint_without_an_item_is_unverified_unless_somebody_holds_it(world: World, *, holder: bool) -> None:
    own = uuid("complaint")
    details = {**OPENED, "kind": "complaint", **(named("caller") if holder else {})}
    opened = world.say("case.opened", "operator", [own, uuid("shop")], details, case=own)
    world.say("case.decided", "shop", [own, uuid("shop")], {"decision": "partly", "remedy": "apology"}, case=own)
    course = course_of(world, own, own)
    assert (course.unverified, course.status, course.subject) == (not holder, "decided", own)
    if holder:
        world.hold("case.evaluated", "caller", own, {"overall": 3}, world.hash_of(opened), case=own)
        rating = course_of(world, own, own).evaluation
        assert rating is not None
        assert rating.step.key_custody == "receipt"


def test_a_case_of_the_exchanged_item_is_not_the_replacements(opened: World) -> None:
    other = uuid("other ring")
    opened.say("item.registered", "shop", other, {"name": "Ring", "category": "jewellery"})
    opened.say("exchange.completed", "shop", [RING, other], {"reason": "fault", "replacement": other}, case=CASE)
    say(opened, "case.handed_over", OVER)
    course = course_of(opened)
    assert (course.ended, course.custody, course.status) == (True, (uuid("shop"),), "handed_over")
    assert cases.fold_case(CASE, told(opened, other)) is None
    # In another case the item itself is handed over.
    opened.say("case.opened", "shop", RING, OPENED, case=uuid("second"))
    opened.say("case.handed_over", "shop", RING, OVER, case=uuid("second"))
    assert course_of(opened).custody == opened.states[RING].custody == ()


def found(course: Course) -> list[tuple[str, str, str]]:
    required = progress.required_steps(STEPS, course.kind, course.mode)
    return [(one.what, one.step, one.after) for one in progress.deviations(course, required)]


def test_what_is_not_done_yet_is_expected_and_no_deviation(opened: World) -> None:
    required = progress.required_steps(STEPS, "repair", "in_store")
    course = course_of(opened)
    assert found(course) == []
    assert progress.next_steps(course, opened.states[RING], required).expected == "case.received"
    say(opened, "case.received", EVIDENCE)
    asked = progress.next_steps(course_of(opened), opened.states[RING], required)
    assert asked.expected == "case.diagnosed"
    assert {"repair.started", "case.handed_over", "case.closed"} <= set(asked.allowed)
    theirs = progress.next_steps(course_of(opened), opened.states[RING], required, uuid("rival"))
    assert "case.handed_over" not in theirs.allowed
    assert progress.next_steps(course_of(opened), opened.states[RING]).expected == ""
    assert progress.completeness(course_of(opened), required) == (1, 4)


def test_a_step_left_out_or_done_late_is_a_deviation(opened: World) -> None:
    say(opened, "case.received", EVIDENCE)
    say(opened, "repair.failed", {**WORK, "reason": "no_part"})
    assert found(course_of(opened)) == [("missing", "case.diagnosed", "repair.failed")]
    say(opened, "case.diagnosed", {"findings": "worn", "responsible": "none", "in_warranty": False})
    assert found(course_of(opened)) == [("out_of_order", "case.diagnosed", "repair.failed")]
    say(opened, "case.closed", {"outcome": "unresolved"})
    course = course_of(opened)
    assert found(course)[1:] == [("missing", "case.handed_over", "")]
    assert progress.next_steps(course, opened.states[RING], STEPS["repair"]).expected == ""


def test_a_step_recorded_an_hour_late_is_in_its_place(opened: World) -> None:
    say(opened, "case.received", EVIDENCE)
    early = times.format_recorded(opened.now)
    opened.later(1)
    say(opened, "repair.completed", WORK)
    diagnosed = {"findings": "worn", "responsible": "none", "in_warranty": False}
    late = say(opened, "case.diagnosed", diagnosed, occurred_at=early)
    assert found(course_of(opened)) == []
    opened.say("statement.retracted", "shop", RING, {"reason": "error"}, corrects=late.statement.id)
    assert found(course_of(opened)) == [("missing", "case.diagnosed", "repair.completed")]
    opened.later(24)
    say(opened, "case.diagnosed", diagnosed, occurred_at=early)
    assert found(course_of(opened)) == [("out_of_order", "case.diagnosed", "repair.completed")]


def test_after_the_last_step_nothing_is_expected(opened: World) -> None:
    say(opened, "case.received", EVIDENCE)
    say(opened, "case.handed_over", OVER)
    assert progress.next_steps(course_of(opened), opened.states[RING], STEPS["repair"]).expected == ""


def test_a_standard_without_a_list_requires_nothing() -> None:
    assert progress.required_steps({}, "repair", "") == ()
    assert progress.required_steps({"repair": {"on_site": ["case.visited"]}}, "repair", "remote") == ()
