"""The same thing comes back, or the difference is shown; and parts stay a forest, whatever is linked."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ledger import identity
from ledger.errors import Refused
from ledger.identity import Difference
from ledger.leaf import Entry
from tests.rules import OPENED, WORK
from tests.test_cases import told
from tests.world import CASE, RING, World, uuid

LATER = uuid("a later case")


def ring_of(*materials: str) -> World:
    """A world with a ring of these materials, in a repair."""
    world = World()
    world.register("workshop", "repairer")
    about = {"name": "Ring", "category": "jewellery", "materials": list(materials)}
    world.say("item.registered", "shop", RING, about)
    world.say("case.opened", "shop", RING, OPENED, case=CASE)
    return world


def take_in(world: World, case: str = CASE, who: str = "shop", **evidence: Any) -> Entry:
    return world.say("case.received", who, RING, {"evidence": evidence}, case=case)


def hand_over(world: World, case: str = CASE, **evidence: Any) -> Entry:
    return world.say("case.handed_over", "shop", RING, {"check": "id", "evidence": evidence}, case=case)


def found(world: World) -> list[Difference]:
    return identity.differences(told(world))


# The figures are events.md §4's: 0.01 g for gold and platinum, 0.1 g for silver.
@pytest.mark.parametrize(
    ("materials", "figure"),
    [
        (["Au750"], "0.01"),
        (["18k white gold"], "0.01"),
        (["Pt950", "silver"], "0.01"),
        (["PLATINUM"], "0.01"),
        (["18K金"], "0.01"),
        (["Ag925"], "0.1"),
        (["sterling silver", "quartz"], "0.1"),
        (["autumn leather"], "0.1"),
        ([], "0.1"),
    ],
)
def test_gold_and_platinum_are_weighed_finer(materials: list[str], figure: str) -> None:
    assert identity.tolerance_of(materials) == Decimal(figure)


@pytest.mark.parametrize(
    ("material", "back", "by"),
    [
        ("Au750", "3.63", ""),
        ("Au750", "3.61", ""),
        ("Au750", "3.631", "0.011"),
        ("Au750", "3.60", "-0.02"),
        ("Ag925", "3.72", ""),
        ("Ag925", "3.521", ""),
        ("Ag925", "3.51", "-0.11"),
    ],
)
def test_a_weight_beyond_tolerance_is_shown(material: str, back: str, by: str) -> None:
    world = ring_of(material)
    first = take_in(world, weight_g="3.62")
    last = hand_over(world, weight_g=back)
    want = Difference("weight_g", first.index, last.index, "3.62", back, by, uuid("shop"), "", corrected=False)
    assert found(world) == ([want] if by else [])


def test_what_is_loose_and_what_the_work_changed_is_allowed_for() -> None:
    world = ring_of("Au750")
    loose = [{"what": "sapphire", "count": 1, "weight_g": "0.40"}, "a bag", {"what": "screw", "count": 1}]
    take_in(world, weight_g="3.62", loose=loose)
    world.say("case.forwarded", "shop", RING, {"to": uuid("workshop"), "evidence": {"weight_g": "4.02"}}, case=CASE)
    # Not weighed on the way back: what was expected since then adds up.
    back = {"expected_change_g": "0.05"}
    world.say("case.returned", "workshop", RING, {"evidence": back}, case=CASE)
    hand_over(world, weight_g="4.09", expected_change_g="0.02")
    assert found(world) == []
    assert len(identity.changed_at(told(world))) == 2
    world.say("case.received", "shop", RING, {"evidence": {"weight_g": "4.07"}}, case=CASE)
    assert [one.by for one in found(world)] == ["-0.02"]


def test_every_plain_member_is_compared_and_a_reason_explains() -> None:
    world = ring_of("Au750")
    first = take_in(world, stones=2, hallmark="Au750", marks=["b", "a"], photos=["a.jpg"])
    world.say("case.forwarded", "shop", RING, {"to": "outside", "evidence": {}}, case=CASE)
    world.say("case.returned", "shop", RING, {"evidence": {"marks": ["a", "b"], "photos": ["b.jpg"]}}, case=CASE)
    last = hand_over(world, stones=1, hallmark="Au750", reason="stone_lost")
    (one,) = found(world)
    assert (one.what, one.was, one.now, one.by) == ("stones", 2, 1, "")
    assert (one.before, one.index, one.explained) == (first.index, last.index, True)
    assert not identity.differences(told(world)[: len(told(world)) - 1])


def test_a_difference_says_in_whose_hands_it_arose() -> None:
    world = ring_of("Au750")
    take_in(world, weight_g="3.62")
    world.say("case.forwarded", "shop", RING, {"to": uuid("workshop"), "evidence": {"weight_g": "3.62"}}, case=CASE)
    world.say("case.returned", "workshop", RING, {"evidence": {"weight_g": "3.42"}}, case=CASE)
    hand_over(world, weight_g="3.42")
    world.say("case.opened", "shop", RING, OPENED, case=LATER)
    take_in(world, LATER, weight_g="3.00")
    assert [(one.in_hands, one.by) for one in found(world)] == [(uuid("workshop"), "-0.20"), ("", "-0.42")]
    assert not found(world)[0].explained


def test_a_corrected_weight_does_not_hide_the_difference() -> None:
    world = ring_of("Au750")
    first = take_in(world, weight_g="3.62")
    hand_over(world, weight_g="3.42")
    fixed = {"reason": "typing", "details": {"evidence": {"weight_g": "3.42"}}}
    assert [one.corrected for one in found(world)] == [False]
    world.say("statement.corrected", "shop", RING, fixed, corrects=first.statement.id)
    assert [(one.by, one.corrected) for one in found(world)] == [("-0.20", True)]


def test_the_replacement_is_not_compared_with_what_it_replaces() -> None:
    world, other = ring_of("Au750"), uuid("other ring")
    world.say("item.registered", "shop", other, {"name": "Ring", "category": "jewellery"})
    take_in(world, weight_g="3.62")
    world.say("exchange.completed", "shop", [RING, other], {"reason": "fault", "replacement": other}, case=CASE)
    hand_over(world, weight_g="4.10")
    assert found(world) == []
    assert identity.differences([]) == identity.differences(told(world, other)) == []


def test_what_changes_a_stone_a_part_or_the_weight_ages_a_certificate() -> None:
    world, stone = ring_of("Au750"), uuid("stone")
    world.say("item.registered", "shop", stone, {"name": "Stone", "category": "gem"})
    world.say("repair.completed", "shop", RING, WORK)
    world.say("case.responded", "shop", RING, {}, case=CASE)
    take_in(world, weight_g="3.62", expected_change_g="0")
    assert identity.changed_at(told(world)) == ()
    changed = [
        world.say("repair.completed", "shop", RING, {**WORK, "parts": ["wire"]}),
        world.say("repair.part_replaced", "shop", [RING, stone], {"part": "stone", "quantity": 1}),
        world.say("customization.completed", "shop", RING, {"work": ["engraving"]}),
        hand_over(world, weight_g="3.00"),
    ]
    assert identity.changed_at(told(world)) == tuple(entry.index for entry in changed)
    assert identity.changed_at(told(world, stone)) == (changed[1].index,)


ITEMS = tuple(uuid(f"piece {number}") for number in range(5))


@settings(max_examples=40)
@given(st.lists(st.tuples(st.sampled_from(ITEMS), st.sampled_from(ITEMS), st.sampled_from(["piece", "set", "fit"]))))
def test_parts_stay_a_forest(links: list[tuple[str, str, str]]) -> None:
    """One whole at a time and no cycles: checked by walking up, after whatever is accepted."""
    world = World()
    for item in ITEMS:
        world.say("item.registered", "shop", item, {"name": "Piece", "category": "set"})
    for part, whole, how in links:
        if part == whole:
            continue
        try:
            if how == "fit":
                world.say("repair.part_replaced", "shop", [whole, part], {"part": "piece", "quantity": 1})
            else:
                world.say("item.linked", "shop", [part, whole], {"as": how})
        except Refused:
            continue
        assert world.states[part].whole == whole
        for item in ITEMS:
            above = [item]
            while world.states[above[-1]].whole:
                assert len(above) <= len(ITEMS)
                above.append(world.states[above[-1]].whole)
            assert len(set(above)) == len(above)
