"""What may be said of which subject, statements about statements, cases and states: one case for each refusal."""

from __future__ import annotations

from typing import Any

import pytest

from ledger import rule, state, times
from ledger.errors import Forbidden, Invalid, Refused
from ledger.leaf import Entry
from ledger.state import NOT_SHOWN
from tests.rules import CERTIFIED, OPENED, WORK, claim, named, refused, sale, world
from tests.world import CASE, LEDGER, RING, World, did, uuid

__all__ = ["sale", "world"]


def test_a_statement_for_another_ledger_is_refused(world: World) -> None:
    refused(Invalid, "/ledger", world.say, "repair.completed", "shop", RING, WORK, ledger="ab" * 32)
    refused(Invalid, "/ledger", world.say, "repair.completed", "shop", RING, WORK, ledger=None)


@pytest.mark.parametrize(("late", "stands"), [(0, True), (300, True), (301, False)])
def test_a_time_at_most_five_minutes_ahead_stands(world: World, late: int, *, stands: bool) -> None:
    at = times.format_recorded(world.now + late * times.SECOND)
    if stands:
        world.say("repair.completed", "shop", RING, WORK, occurred_at=at)
    else:
        refused(Invalid, "/occurred_at", world.say, "repair.completed", "shop", RING, WORK, occurred_at=at)


def test_the_first_entry_of_a_subject_fixes_its_kind(world: World) -> None:
    refused(Refused, "/subjects/0", world.say, "repair.completed", "shop", uuid("unknown"), WORK)
    refused(Refused, "/subjects/0", world.say, "item.registered", "shop", RING, {"name": "x", "category": "y"})
    refused(Refused, "/subjects/0", world.say, "item.registered", "shop", uuid("lab"), {"name": "x", "category": "y"})
    refused(Refused, "/subjects/0", world.say, "item.registered", "shop", LEDGER, {"name": "x", "category": "y"})
    refused(Refused, "/subjects/0", world.say, "alarm.taken_up", "shop", RING, {"alarm": "a"})
    world.say("item.registered", "shop", uuid("chair"), {"name": "x", "category": "y"})
    about = uuid("chair") + "#authority"
    refused(
        Refused, "/subjects/0", world.say, "party.registered", "operator", about, {"name": "n", "roles": ["carrier"]}
    )


def test_the_ledgers_uuid_is_no_partys(world: World) -> None:
    about = LEDGER + "#authority"
    refused(
        Refused, "/subjects/0", world.say, "party.registered", "operator", about, {"name": "n", "roles": ["carrier"]}
    )


def test_a_type_has_the_number_of_subjects_of_its_row(world: World) -> None:
    world.say("item.registered", "shop", uuid("chair"), {"name": "x", "category": "y"})
    refused(Invalid, "/subjects", world.say, "repair.completed", "shop", [RING, uuid("chair")], WORK)
    refused(Invalid, "/subjects", world.say, "item.linked", "shop", RING, {"as": "pair"})
    refused(Refused, "/subjects/1", world.say, "item.linked", "shop", [RING, uuid("lab")], {"as": "pair"})
    refused(Refused, "/subjects/1", world.say, "item.linked", "shop", [RING, uuid("nothing")], {"as": "pair"})
    world.say("item.linked", "shop", [RING, uuid("chair")], {"as": "pair"})


def test_a_case_of_its_own_has_the_party_second(world: World) -> None:
    own = uuid("complaint")
    complaint = {**OPENED, "kind": "complaint"}
    refused(Invalid, "/subjects", world.say, "case.opened", "operator", own, complaint, case=own)
    refused(Refused, "/subjects/1", world.say, "case.opened", "operator", [own, RING], complaint, case=own)
    refused(Refused, "/subjects/0", world.say, "case.opened", "operator", [own, uuid("shop")], complaint, case=CASE)
    opened = world.say("case.opened", "operator", [own, uuid("shop")], {**complaint, **named("caller")}, case=own)
    assert world.states[own].kind == "case"
    assert world.states[uuid("shop")].kind == "party"
    grant = world.hash_of(opened)
    world.say("case.responded", "shop", [own, uuid("shop")], {}, case=own)
    world.hold("case.evaluated", "caller", own, {"overall": 2}, grant, case=own)
    world.say("case.closed", "shop", [own, uuid("shop")], {"outcome": "resolved"}, case=own)


def test_a_case_that_is_the_subject_is_a_case(world: World) -> None:
    chair = uuid("chair")
    world.say("item.registered", "shop", chair, {"name": "x", "category": "y"})
    refused(Refused, "/case", world.say, "case.opened", "shop", chair, OPENED, case=chair)


def test_a_statement_is_corrected_by_whoever_made_it(world: World) -> None:
    done = world.say("repair.completed", "shop", RING, WORK)
    fix: dict[str, Any] = {"reason": "error", "details": WORK}
    refused(Invalid, "/corrects", world.say, "statement.corrected", "shop", RING, fix)
    refused(Invalid, "/corrects", world.say, "repair.completed", "shop", RING, WORK, corrects=done.statement.id)
    refused(Refused, "/corrects", world.say, "statement.corrected", "shop", RING, fix, corrects=uuid("no statement"))
    refused(Forbidden, "/party", world.say, "statement.corrected", "lab", RING, fix, corrects=done.statement.id)
    chair = uuid("chair")
    world.say("item.registered", "shop", chair, {"name": "x", "category": "y"})
    refused(Refused, "/corrects", world.say, "statement.corrected", "shop", chair, fix, corrects=done.statement.id)
    bad = {"reason": "error", "details": {"work": ["polish"]}}
    refused(
        Invalid,
        "/details/details/tests",
        world.say,
        "statement.corrected",
        "shop",
        RING,
        bad,
        corrects=done.statement.id,
    )
    fixed = world.say("statement.corrected", "shop", RING, fix, corrects=done.statement.id)
    refused(Refused, "/corrects", world.say, "statement.corrected", "shop", RING, fix, corrects=fixed.statement.id)
    world.say("statement.retracted", "shop", RING, {"reason": "error"}, corrects=done.statement.id)
    refused(
        Refused,
        "/corrects",
        world.say,
        "statement.retracted",
        "shop",
        RING,
        {"reason": "error"},
        corrects=done.statement.id,
    )


def test_a_holders_words_are_corrected_within_the_holding(world: World, sale: Entry) -> None:
    world.say("case.opened", "shop", RING, OPENED, case=CASE)
    world.say("repair.completed", "shop", RING, WORK, case=CASE)
    rated = world.hold("case.evaluated", "paper", RING, {"overall": 1}, world.hash_of(sale), case=CASE)
    first = claim(world, world.hash_of(sale), "phone")
    better = {"reason": "error", "details": {"overall": 2}}
    world.hold("statement.corrected", "phone", RING, better, world.hash_of(first), corrects=rated.statement.id)
    moved = world.hold(
        "item.transferred",
        "phone",
        RING,
        named("next", "device"),
        world.hash_of(first),
        keys=[did("phone"), did("next")],
    )
    refused(
        Forbidden,
        "/party",
        world.hold,
        "statement.corrected",
        "next",
        RING,
        better,
        world.hash_of(moved),
        corrects=rated.statement.id,
    )


def test_a_correction_changes_no_key(world: World, sale: Entry) -> None:
    fix = {"reason": "error", "details": {"channel": "store", **named("x")}}
    with pytest.raises(Invalid):
        world.say("statement.corrected", "shop", RING, fix, corrects=sale.statement.id)
    world.say("statement.retracted", "shop", RING, {"reason": "error"}, corrects=sale.statement.id)
    world.hold("item.reported_lost", "paper", RING, {}, world.hash_of(sale))


def test_those_concerned_dispute(world: World, sale: Entry) -> None:
    done = world.say("repair.completed", "shop", RING, WORK)
    dispute = {"disputes": done.statement.id, "reason": "not_so"}
    refused(Forbidden, "/party", world.say, "statement.disputed", "lab", RING, dispute)
    refused(
        Refused,
        "/details/disputes",
        world.say,
        "statement.disputed",
        "operator",
        RING,
        {**dispute, "disputes": uuid("none")},
    )
    chair = uuid("chair")
    other = world.say("item.registered", "shop", chair, {"name": "x", "category": "y"})
    refused(
        Refused,
        "/details/disputes",
        world.say,
        "statement.disputed",
        "operator",
        RING,
        {**dispute, "disputes": other.statement.id},
    )
    world.say("statement.disputed", "operator", RING, dispute)
    world.say("statement.disputed", "shop", RING, dispute)
    world.hold("statement.disputed", "paper", RING, dispute, world.hash_of(sale))


def test_nobody_holds_a_case_before_it_is_opened(world: World, sale: Entry) -> None:
    # The one subject without entries that a holder's statement could begin is a case, whose holder nobody named yet.
    refused(Forbidden, "/party", world.hold, "case.opened", "paper", CASE, OPENED, world.hash_of(sale), case=CASE)


def test_an_erasure_names_the_first_subjects_of_its_statements(world: World) -> None:
    done = world.say("repair.completed", "shop", RING, WORK)
    chair = uuid("chair")
    world.say("item.registered", "shop", chair, {"name": "x", "category": "y"})
    erased = {"statements": [done.statement.id], "why": "request"}
    refused(Forbidden, "/party", world.say, "data.erased", "shop", RING, erased)
    refused(Refused, "/subjects", world.say, "data.erased", "operator", [RING, chair], erased)
    refused(Refused, "/details/statements/0", world.say, "data.erased", "operator", chair, erased)
    refused(
        Refused,
        "/details/statements/0",
        world.say,
        "data.erased",
        "operator",
        RING,
        {**erased, "statements": [uuid("n")]},
    )
    refused(Refused, "/subjects/1", world.say, "data.erased", "operator", [RING, uuid("nothing")], erased)
    world.say("data.erased", "operator", RING, erased)


def test_a_case_is_opened_once_and_first(world: World, sale: Entry) -> None:
    refused(Refused, "/case", world.say, "repair.completed", "shop", RING, WORK, case=CASE)
    refused(Refused, "/case", world.say, "case.closed", "shop", RING, {"outcome": "resolved"})
    world.say("case.opened", "shop", RING, OPENED, case=CASE)
    refused(Refused, "/case", world.say, "case.opened", "shop", RING, OPENED, case=CASE)
    world.say("case.closed", "shop", RING, {"outcome": "resolved"}, case=CASE)
    refused(Refused, "/case", world.say, "repair.completed", "shop", RING, WORK, case=CASE)
    world.hold("case.evaluated", "paper", RING, {"overall": 5}, world.hash_of(sale), case=CASE)
    refused(
        Refused, "/case", world.hold, "case.evaluated", "paper", RING, {"overall": 4}, world.hash_of(sale), case=CASE
    )
    world.say("case.reopened", "shop", RING, {"outcome": "unresolved"}, case=CASE)
    world.say("repair.completed", "shop", RING, WORK, case=CASE)


def test_a_shop_speaks_for_the_holder_only_saying_so(world: World) -> None:
    world.say("case.opened", "shop", RING, OPENED, case=CASE)
    refused(Forbidden, "/party", world.say, "case.accepted", "shop", RING, {"checks": []}, case=CASE)
    world.say("case.accepted", "shop", RING, {"checks": [], "on_behalf": True, "basis": "call"}, case=CASE)


def test_the_holder_speaks_for_nobody_else(world: World, sale: Entry) -> None:
    behalf = {"checks": [], "on_behalf": True, "basis": "call"}
    refused(Invalid, "/details/on_behalf", world.hold, "item.accepted", "paper", RING, behalf, world.hash_of(sale))
    refused(Forbidden, "/party", world.hold, "repair.completed", "paper", RING, WORK, world.hash_of(sale))


def test_a_retailer_repairs_through_an_outside_workshop(world: World) -> None:
    refused(Forbidden, "/party", world.say, "repair.completed", "rival", RING, WORK)
    world.say("repair.completed", "rival", RING, {**WORK, "performed_by": "outside"})


def test_a_state_survives_a_dump(world: World, sale: Entry) -> None:
    claim(world, world.hash_of(sale), "phone")
    claim(world, world.hash_of(sale), "late")
    world.say("case.opened", "shop", RING, OPENED, case=CASE)
    for known in world.states.values():
        assert state.load(state.dump(known)) == known


def test_judging_changes_nothing(world: World, sale: Entry) -> None:
    claim(world, world.hash_of(sale), "phone")
    claim(world, world.hash_of(sale), "late")
    world.later(100)
    before = state.dump(world.states[RING])
    refused(Forbidden, "/party", world.say, "authentication.certified", "shop", RING, CERTIFIED)
    assert state.dump(world.states[RING]) == before


def test_the_unseen_is_not_held_against_an_entry(world: World) -> None:
    """A reader of one history judges by what it shows (the rest is the audit's)."""
    other = uuid("other ring")
    world.say("item.registered", "shop", other, {"name": "x", "category": "y"})
    done = world.say("exchange.completed", "shop", [RING, other], {"reason": "fault", "replacement": other})
    rule.judge(done, world.parties, [NOT_SHOWN, NOT_SHOWN], world)
    assert rule.follow(done, "00" * 32, world.parties, [NOT_SHOWN, NOT_SHOWN]) == [NOT_SHOWN, NOT_SHOWN]
    assert repr(NOT_SHOWN) == "NOT_SHOWN"
