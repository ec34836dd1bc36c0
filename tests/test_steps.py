"""The hard rules of a case: each refusal by itself, what may follow it, and that what is only odd is accepted."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger import steps, times, types
from ledger.errors import Forbidden, Refused
from ledger.leaf import Entry
from ledger.state import Case, Quote, State
from tests.rules import OPENED, WORK, refused, sale, world
from tests.world import CASE, RING, World, uuid

__all__ = ["sale", "world"]

EVIDENCE: dict[str, Any] = {"evidence": {}}
OVER = {"check": "id", **EVIDENCE}
DONE = {"reason": "regret", "condition": "whole"}
ON_BEHALF = {"free": True, "on_behalf": True, "basis": "call"}
ONE, OTHER = "A" * 43, "E" * 43


@pytest.fixture
def opened(world: World) -> World:
    world.say("case.opened", "shop", RING, OPENED, case=CASE)
    return world


def say(world: World, kind: str, details: dict[str, Any], who: str = "shop", **more: Any) -> Entry:
    return world.say(kind, who, RING, details, case=CASE, **more)


def follows(error: Any) -> tuple[str, ...]:
    return tuple(error.may_follow)


@pytest.mark.parametrize(
    ("kind", "details"), [("case.handed_over", OVER), ("case.forwarded", {"to": "outside", **EVIDENCE})]
)
def test_what_is_not_in_custody_is_not_handed_over_or_forwarded(
    opened: World, kind: str, details: dict[str, Any]
) -> None:
    opened.register("workshop", "repairer")
    assert follows(refused(Refused, "/type", say, opened, kind, details)) == ("case.received",)
    say(opened, "case.received", EVIDENCE)
    assert "case.received" in follows(refused(Refused, "/type", say, opened, kind, details, "workshop"))
    say(opened, "case.forwarded", {"to": uuid("workshop"), **EVIDENCE})
    assert "case.returned" in follows(refused(Refused, "/type", say, opened, kind, details))
    say(opened, kind, details, "workshop")


def test_what_is_outside_comes_back_before_it_is_handed_over(opened: World) -> None:
    say(opened, "case.received", EVIDENCE)
    say(opened, "case.forwarded", {"to": "outside", **EVIDENCE})
    refused(Refused, "/type", say, opened, "case.handed_over", OVER)
    say(opened, "case.returned", EVIDENCE)
    say(opened, "case.handed_over", OVER)
    refused(Refused, "/type", say, opened, "case.handed_over", OVER)


def test_a_return_that_is_recorded_late_moves_nothing(opened: World) -> None:
    opened.register("workshop", "repairer")
    say(opened, "case.received", EVIDENCE)
    say(opened, "case.forwarded", {"to": uuid("workshop"), **EVIDENCE})
    say(opened, "case.received", EVIDENCE)
    say(opened, "case.returned", EVIDENCE, "workshop")
    assert opened.states[RING].custody == (uuid("shop"),)


def test_a_replacement_that_is_handed_over_leaves_the_exchanged_item_where_it_is(opened: World) -> None:
    other = uuid("other ring")
    opened.say("item.registered", "shop", other, {"name": "Ring", "category": "jewellery"})
    opened.say("exchange.completed", "shop", [RING, other], {"reason": "fault", "replacement": other}, case=CASE)
    say(opened, "case.handed_over", OVER)
    assert opened.states[RING].custody == (uuid("shop"),)


@pytest.mark.parametrize("kind", ["case.approved", "case.declined"])
def test_a_quote_is_decided_once(opened: World, kind: str) -> None:
    assert follows(refused(Refused, "/details/quote", say, opened, kind, ON_BEHALF)) == ("case.quoted",)
    say(opened, "case.quoted", {"free": True})
    say(opened, kind, ON_BEHALF)
    refused(Refused, "/details/quote", say, opened, kind, ON_BEHALF)
    say(opened, "case.quoted", {"free": True})
    say(opened, kind, ON_BEHALF)


def test_a_decision_names_a_quote_of_its_case_or_means_the_newest(opened: World) -> None:
    say(opened, "case.quoted", {"free": False, "quote": ONE})
    say(opened, "case.quoted", {"free": False, "quote": OTHER})
    refused(Refused, "/details/quote", say, opened, "case.approved", {**ON_BEHALF, "quote": "I" * 43})
    say(opened, "case.declined", {**ON_BEHALF, "quote": ONE})
    refused(Refused, "/details/quote", say, opened, "case.approved", {**ON_BEHALF, "quote": ONE})
    say(opened, "case.approved", ON_BEHALF)
    refused(Refused, "/details/quote", say, opened, "case.approved", {**ON_BEHALF, "quote": OTHER})


def test_the_newest_quote_may_be_decided_while_an_older_one_waits(opened: World) -> None:
    say(opened, "case.quoted", {"free": False, "quote": ONE})
    say(opened, "case.quoted", {"free": False, "quote": OTHER})
    say(opened, "case.declined", ON_BEHALF)
    refused(Refused, "/details/quote", say, opened, "case.approved", ON_BEHALF)
    say(opened, "case.approved", {**ON_BEHALF, "quote": ONE})


def test_the_same_digest_is_the_same_quote_with_another_term(opened: World) -> None:
    at = times.format_recorded(opened.now)
    say(opened, "case.quoted", {"free": False, "quote": ONE, "expires": at})
    opened.later(1)
    refused(Refused, "/details/quote", say, opened, "case.approved", ON_BEHALF)
    say(opened, "case.quoted", {"free": False, "quote": ONE})
    say(opened, "case.approved", ON_BEHALF)
    say(opened, "case.quoted", {"free": False, "quote": ONE})
    refused(Refused, "/details/quote", say, opened, "case.approved", ON_BEHALF)


def test_a_quote_expires_to_the_microsecond_and_a_day_once_it_is_over_everywhere(opened: World) -> None:
    due = opened.now + times.DAY
    say(opened, "case.quoted", {"free": True, "expires": times.format_recorded(due)})
    opened.now = due + 1000
    refused(Refused, "/details/quote", say, opened, "case.approved", ON_BEHALF)
    opened.now = due
    say(opened, "case.approved", ON_BEHALF)
    day = times.format_recorded(due)[:10]
    say(opened, "case.quoted", {"free": True, "expires": day})
    opened.now = times.parse_recorded(f"{day}T00:00:00.000Z") + times.DAY + 12 * times.HOUR
    refused(Refused, "/details/quote", say, opened, "case.approved", ON_BEHALF)
    opened.now -= 1000
    say(opened, "case.approved", ON_BEHALF)


def test_a_decision_recorded_within_a_day_counts_from_when_it_was_made(opened: World) -> None:
    due = opened.now + times.HOUR
    before = times.format_recorded(due)
    say(opened, "case.quoted", {"free": True, "expires": before})
    opened.now = due + times.DAY + 1000
    refused(Refused, "/details/quote", say, opened, "case.approved", ON_BEHALF, occurred_at=before)
    opened.now = due + times.DAY
    say(opened, "case.approved", ON_BEHALF, occurred_at=before)


@pytest.mark.parametrize(
    ("late", "counts"),
    [(0, "occurred"), (times.DAY, "occurred"), (times.DAY + times.SECOND, "recorded"), (-times.MINUTE, "recorded")],
)
def test_when_something_counts_as_done(late: int, counts: str) -> None:
    recorded = times.parse_recorded("2026-11-01T00:00:00.000Z")
    at = times.format_recorded(recorded - late)
    want = recorded - late if counts == "occurred" else recorded
    assert steps.happened_at(at, "2026-11-01T00:00:00.000Z") == want


@pytest.mark.parametrize("ending", ["exchange.completed", "return.completed"])
@pytest.mark.parametrize("kind", sorted(steps.WORK))
def test_no_work_after_an_exchange_or_a_return(opened: World, ending: str, kind: str) -> None:
    works: dict[str, dict[str, Any]] = {
        "repair.part_replaced": {"part": "clasp", "quantity": 1},
        "maintenance.performed": {"work": ["clean"]},
        "customization.completed": {"work": ["engrave"]},
        "repair.failed": {**WORK, "reason": "no_part"},
    }
    work = works.get(kind, WORK)
    say(opened, kind, work, "shop" if kind != "customization.completed" else "maker")
    other = uuid("other ring")
    opened.say("item.registered", "shop", other, {"name": "Ring", "category": "jewellery"})
    if ending == "return.completed":
        say(opened, ending, DONE)
    else:
        opened.say(ending, "shop", [RING, other], {"reason": "fault", "replacement": other}, case=CASE)
    error = refused(Refused, "/case", say, opened, kind, work, "shop" if kind != "customization.completed" else "maker")
    assert follows(error) == ("case.opened",)
    # What came back is put in order for the next customer in a case of its own.
    opened.say("case.opened", "shop", RING, OPENED, case=uuid("refurbishing"))
    opened.say("repair.completed", "shop", RING, WORK, case=uuid("refurbishing"))
    opened.say("maintenance.performed", "shop", RING, {"work": ["clean"]})


def test_a_case_is_evaluated_after_a_service_once_and_by_its_holder(opened: World, sale: Entry) -> None:
    grant = opened.hash_of(sale)

    def rate() -> Entry:
        return opened.hold("case.evaluated", "paper", RING, {"overall": 1}, grant, case=CASE)

    assert "case.responded" in follows(refused(Refused, "/type", rate))
    say(opened, "case.assigned", {"to": "b07"})
    say(opened, "case.escalated", {"to": "b08"})
    say(opened, "case.surveyed", {"source": "sms", "asked": True, "answered": False})
    opened.hold("case.escalated", "paper", RING, {"to": "b08"}, grant, case=CASE)
    refused(Refused, "/type", rate)
    say(opened, "case.responded", {})
    refused(Forbidden, "/party", say, opened, "case.evaluated", {"overall": 5})
    rate()
    assert follows(refused(Refused, "/case", rate)) == ("statement.corrected",)


def test_what_may_not_come_first_says_so(world: World) -> None:
    assert follows(refused(Refused, "/case", say, world, "case.received", EVIDENCE)) == ("case.opened",)
    assert follows(refused(Refused, "/case", say, world, "repair.started", WORK)) == ("case.opened",)


def test_only_after_care_follows_closing(opened: World, sale: Entry) -> None:
    say(opened, "case.responded", {})
    say(opened, "case.closed", {"outcome": "resolved"})
    assert follows(refused(Refused, "/case", say, opened, "case.received", EVIDENCE)) == tuple(sorted(steps.AFTER_CARE))
    say(opened, "case.contacted", {"channel": "phone", "reached": True})
    say(opened, "case.followed_up", {"reached": True, "resolved": True})
    say(opened, "case.surveyed", {"source": "sms", "asked": True, "answered": True})
    say(opened, "case.accepted", {"checks": [], "on_behalf": True, "basis": "call"})
    say(opened, "case.refused", {"checks": [], "on_behalf": True, "basis": "call"})
    say(opened, "case.settled", {"what": "fee"})
    opened.hold("case.evaluated", "paper", RING, {"overall": 4}, opened.hash_of(sale), case=CASE)
    say(opened, "case.reopened", {"outcome": "unresolved"})
    say(opened, "case.received", EVIDENCE)


def test_an_open_case_says_what_may_follow(opened: World) -> None:
    error = refused(Refused, "/case", say, opened, "case.opened", OPENED)
    assert {"case.received", "repair.started", "case.closed", "case.quoted"} <= set(follows(error))
    assert not {"case.opened", "case.approved", "case.evaluated", "case.handed_over"} & set(follows(error))


def test_a_skipped_step_is_no_reason_to_refuse(opened: World) -> None:
    """Order is soft: work without a diagnosis, a quote or custody is accepted and shown as a deviation."""
    say(opened, "repair.completed", WORK)
    say(opened, "repair.started", WORK)
    say(opened, "case.diagnosed", {"findings": "worn", "responsible": "none", "in_warranty": False})
    say(opened, "case.returned", EVIDENCE)
    say(opened, "case.resumed", {"for": "parts"})


def test_a_correction_or_retraction_changes_nothing_that_rules_rest_on(opened: World) -> None:
    say(opened, "case.received", EVIDENCE)
    say(opened, "case.quoted", {"free": True})
    said = [say(opened, "case.approved", ON_BEHALF), say(opened, "case.handed_over", OVER)]
    said.append(say(opened, "case.closed", {"outcome": "resolved"}))
    before = opened.states[RING].cases[CASE], opened.states[RING].custody
    for entry in said:
        opened.say("statement.retracted", "shop", RING, {"reason": "error"}, corrects=entry.statement.id)
    assert (opened.states[RING].cases[CASE], opened.states[RING].custody) == before
    refused(Refused, "/case", say, opened, "repair.started", WORK)


def test_a_reader_who_could_not_tell_the_opening_folds_the_rest(opened: World) -> None:
    seen: dict[str, Case] = {}
    steps.follow(seen, CASE, say(opened, "case.received", EVIDENCE))
    assert seen == {}
    say(opened, "case.quoted", {"free": True})
    decided = say(opened, "case.approved", ON_BEHALF)
    seen = {CASE: Case(1, "")}
    steps.follow(seen, CASE, decided)
    assert seen[CASE].quotes == {}


@given(
    kind=st.sampled_from(["item", "case"]),
    closed=st.booleans(),
    evaluated=st.booleans(),
    served=st.booleans(),
    ended=st.booleans(),
    quotes=st.dictionaries(st.sampled_from(["", ONE]), st.builds(Quote, decided=st.booleans())),
    custody=st.sampled_from([(), ("shop",), ("shop", "outside"), ("shop", "workshop")]),
    party=st.sampled_from([None, "shop", "workshop"]),
)
def test_what_may_follow_is_what_no_rule_refuses(  # noqa: PLR0917 - hypothesis names them
    kind: str, closed: bool, evaluated: bool, served: bool, ended: bool, quotes: Any, custody: Any, party: Any
) -> None:
    case = Case(1, "", closed=closed, evaluated=evaluated, served=served, ended=ended, quotes=quotes)
    state = State(kind=kind, first_at="", last_at="", cases={CASE: case}, custody=custody)
    allowed = steps.may_follow(state, case, party)
    for one in {name for name in types.TYPES if name.startswith(("case.", "repair."))} - {"case.opened"}:
        on_kind = kind in types.TYPES[one].kinds
        assert (one in allowed) == (on_kind and steps.why_not(state, case, one, party) is None)
    assert not closed or set(allowed) <= steps.AFTER_CARE
    assert "case.evaluated" not in allowed or (served and not evaluated)
    assert not ended or not steps.WORK & set(allowed)
