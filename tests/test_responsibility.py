"""Who answers for a fault: each link, technician, span of custody and finding, with the entry that it rests on."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from ledger import responsibility as chains
from ledger import times
from ledger.leaf import Entry
from ledger.responsibility import Responsibility, Technician
from tests.rules import OPENED, WORK, named
from tests.test_cases import told
from tests.world import CASE, RING, World, uuid

EVIDENCE: dict[str, Any] = {"evidence": {}}
SHOP, MAKER, WORKSHOP, CARRIER = (uuid(name) for name in ("shop", "maker", "workshop", "carrier"))
FOUND = {"findings": "casting flaw", "in_warranty": True}
GOLDSMITH = {"agent": "b07", "skill": "goldsmith"}


@pytest.fixture
def world() -> World:
    """A ring that was made, inspected, certified, sold and delivered."""
    made = World()
    made.register("workshop", "repairer")
    made.register("carrier", "carrier")
    about = {"name": "Ring", "category": "jewellery", "origin": "manufactured"}
    made.say("item.registered", "maker", RING, about)
    made.say("item.inspected", "maker", RING, {"tests": []})
    made.say("authentication.certified", "lab", RING, {"certificate_no": "C", "result": "authentic", "methods": []})
    sold = made.say("item.sold", "shop", RING, named("paper", channel="store"))
    made.say("item.delivered", "carrier", RING, {"method": "courier", "state": "whole"})
    made.hold("case.opened", "paper", RING, OPENED, made.hash_of(sold), case=CASE)
    return made


def say(world: World, kind: str, details: dict[str, Any], who: str = "shop", **more: Any) -> Entry:
    return world.say(kind, who, RING, details, case=CASE, **more)


def chain(world: World, case: str | None = CASE) -> Responsibility:
    entries = told(world)
    staff = {party: told(world, party) for party in chains.parties_of(entries)}
    return chains.responsibility(entries, staff, case)


def technicians(world: World) -> tuple[Technician, ...]:
    return chain(world).links[-1].technicians


def test_the_chain_names_who_did_what_and_its_entry(world: World) -> None:
    say(world, "repair.completed", {**WORK, "agents": ["t01"]}, "workshop")
    links = chain(world).links
    assert [(one.role, one.party) for one in links] == [
        ("made", MAKER), ("inspected", MAKER), ("certified", uuid("lab")), ("sold", SHOP), ("carried", CARRIER),
        ("repaired", WORKSHOP),
    ]  # fmt: skip
    for link in links:
        entry = world.entries[link.statement]
        assert (entry.index, entry.statement.type, entry.recorded_at) == (link.index, link.type, link.recorded_at)
        assert link.says == entry.statement.details
    assert chains.parties_of(told(world)) == [MAKER, uuid("lab"), SHOP, CARRIER, WORKSHOP]


@pytest.mark.parametrize(("origin", "role"), [("imported", "imported"), ("intake", "registered"), (None, "registered")])
def test_a_registration_is_what_its_origin_says(origin: str | None, role: str) -> None:
    world = World()
    about = {"name": "Ring", "category": "jewellery", **({"origin": origin} if origin else {})}
    world.say("item.registered", "shop", RING, about)
    assert [one.role for one in chain(world, None).links] == [role]


def test_custody_is_told_in_spans(world: World) -> None:
    assert chain(world).custody == ()
    moves = [
        say(world, "case.received", EVIDENCE),
        say(world, "case.received", EVIDENCE),
        say(world, "case.forwarded", {"to": WORKSHOP, **EVIDENCE}),
        say(world, "case.received", EVIDENCE, "workshop"),
        say(world, "case.forwarded", {"to": "outside", **EVIDENCE}, "workshop"),
        say(world, "case.returned", EVIDENCE, "workshop"),
        say(world, "case.returned", EVIDENCE, "workshop"),
        say(world, "case.handed_over", {"check": "id", **EVIDENCE}),
    ]
    spans = chain(world).custody
    assert [(one.who, one.since, one.until, one.sent_by) for one in spans] == [
        (SHOP, moves[0].index, moves[2].index, ""),
        (WORKSHOP, moves[2].index, moves[4].index, SHOP),
        ("outside", moves[4].index, moves[5].index, WORKSHOP),
        (WORKSHOP, moves[5].index, moves[6].index, SHOP),
        (SHOP, moves[6].index, moves[7].index, ""),
        ("", moves[7].index, None, ""),
    ]
    assert (spans[0].since_at, spans[0].until_at) == (moves[0].statement.occurred_at, moves[2].statement.occurred_at)
    assert spans[-1].until_at is None


@pytest.mark.parametrize(
    ("word", "party", "role"),
    [("manufacturer", MAKER, "made"), ("retailer", SHOP, "sold"), ("carrier", CARRIER, "carried"), ("none", "", ""),
     ("holder", "", "")],
)  # fmt: skip
def test_a_finding_without_a_party_presumes_the_last_of_that_role(
    world: World, word: str, party: str, role: str
) -> None:
    finding = say(world, "case.diagnosed", {**FOUND, "responsible": word})
    answer = chain(world)
    (one,) = answer.found
    assert (one.index, one.by, one.responsible, one.party, one.presumed) == (finding.index, SHOP, word, "", party)
    roles = [link.role for link in answer.links if link.index == one.presumed_from]
    assert roles == ([role] if role else [])


def test_a_named_party_is_not_presumed_and_a_later_repairer_is_not_blamed(world: World) -> None:
    named_one = {**FOUND, "responsible": "repairer", "responsible_party": WORKSHOP}
    say(world, "case.diagnosed", named_one)
    say(world, "case.diagnosed", {**FOUND, "responsible": "repairer"})
    say(world, "repair.completed", WORK)
    assert [(one.party, one.presumed) for one in chain(world).found] == [(WORKSHOP, ""), ("", "")]
    say(world, "case.diagnosed", {**FOUND, "responsible": "repairer"})
    assert chain(world).found[-1].presumed == SHOP


def test_a_case_looks_at_what_was_before_its_last_step(world: World) -> None:
    say(world, "case.diagnosed", {**FOUND, "responsible": "none"})
    other = uuid("another case")
    world.say("case.opened", "shop", RING, OPENED, case=other)
    world.say("case.diagnosed", "shop", RING, {**FOUND, "responsible": "holder"}, case=other)
    assert [one.responsible for one in chain(world).found] == ["none"]
    assert [one.responsible for one in chain(world, other).found] == ["holder"]
    assert [one.responsible for one in chain(world, None).found] == ["none", "holder"]
    assert chain(world, uuid("no case")) == Responsibility((), (), ())
    assert chains.responsibility([], {}) == Responsibility((), (), ())


def test_corrections_retractions_and_disputes_are_told(world: World) -> None:
    finding = say(world, "case.diagnosed", {**FOUND, "responsible": "holder"})
    statement = finding.statement.id
    dispute = world.say("statement.disputed", "shop", RING, {"disputes": statement, "reason": "not_so"})
    assert chain(world).found[0].disputed == (dispute.index,)
    fixed = {"reason": "error", "details": {**FOUND, "responsible": "manufacturer"}}
    world.say("statement.corrected", "shop", RING, fixed, corrects=statement)
    world.say("statement.corrected", "shop", RING, {"reason": "error"}, corrects=statement)
    one = chain(world).found[0]
    assert (one.responsible, one.presumed, one.stands) == ("manufacturer", MAKER, True)
    world.say("statement.retracted", "shop", RING, {"reason": "error"}, corrects=statement)
    assert not chain(world).found[0].stands
    made = told(world)[0][0].statement.id
    world.say("statement.retracted", "maker", RING, {"reason": "error"}, corrects=made)
    assert chain(world).found[0].presumed == ""


def staff(kind: str, **more: Any) -> Callable[[World], Entry]:
    return lambda world: world.say(f"staff.{kind}", "shop", SHOP, {**GOLDSMITH, **more})


def unskilled(kind: str) -> Callable[[World], Entry]:
    return lambda world: world.say(f"staff.{kind}", "shop", SHOP, {"agent": "b07"})


@pytest.mark.parametrize(
    ("said", "standing"),
    [
        ([], "unknown"),
        ([staff("qualified", agent="b08")], "unknown"),
        ([staff("qualified")], "qualified"),
        ([staff("qualified", valid_until="2026-10-01")], "expired"),
        ([staff("qualified", valid_until="2026-10-01"), staff("qualified", skill="setter")], "qualified"),
        ([staff("qualified"), staff("disqualified")], "disqualified"),
        ([staff("qualified"), staff("qualified", skill="setter"), staff("disqualified")], "qualified"),
        ([staff("qualified"), staff("qualified", skill="setter"), unskilled("disqualified")], "disqualified"),
        ([staff("qualified"), unskilled("left")], "left"),
        ([unskilled("left"), staff("qualified")], "qualified"),
    ],
)
def test_whether_a_technician_was_qualified(world: World, said: list[Callable[[World], Entry]], standing: str) -> None:
    entries = [one(world) for one in said]
    say(world, "repair.completed", {**WORK, "agents": ["b07"]}, agent="b07")
    (one,) = technicians(world)
    assert (one.agent, one.standing, one.later) == ("b07", standing, ())
    assert set(one.entries) <= {entry.index for entry in entries}
    assert (standing == "unknown") == (one.entries == ())


def test_a_qualification_recorded_after_the_work_is_told_apart(world: World) -> None:
    say(world, "repair.completed", {**WORK, "agents": ["b07"]})
    before = times.format_recorded(world.now - times.DAY)
    late = world.say("staff.qualified", "shop", SHOP, GOLDSMITH, occurred_at=before)
    world.say("staff.qualified", "shop", SHOP, GOLDSMITH)
    assert technicians(world) == (Technician("b07", "unknown", (), (late.index,)),)


def test_who_left_before_the_work_had_left_even_if_it_is_recorded_after(world: World) -> None:
    known = world.say("staff.qualified", "shop", SHOP, GOLDSMITH)
    left = times.format_recorded(world.now)
    world.later(1)
    say(world, "repair.completed", {**WORK, "agents": ["b07"]})
    gone = world.say("staff.left", "shop", SHOP, {"agent": "b07"}, occurred_at=left)
    world.say("staff.left", "shop", SHOP, {"agent": "b07"})
    assert technicians(world) == (Technician("b07", "left", (known.index, gone.index)),)


def test_a_statement_about_staff_that_was_taken_back_counts_nothing(world: World) -> None:
    known = world.say("staff.qualified", "shop", SHOP, GOLDSMITH)
    say(world, "repair.completed", {**WORK, "agents": ["b07"]})
    world.say("statement.retracted", "shop", SHOP, {"reason": "error"}, corrects=known.statement.id)
    assert technicians(world)[0].standing == "unknown"


def test_who_is_named_by_a_correction_is_named_beside_the_first(world: World) -> None:
    done = say(world, "repair.completed", {**WORK, "agents": ["b07"]}, agent="desk")
    fixed = {"reason": "error", "details": {**WORK, "agents": ["b08", "b07"]}}
    world.say("statement.corrected", "shop", RING, fixed, corrects=done.statement.id)
    assert [one.agent for one in technicians(world)] == ["desk", "b07", "b08"]
