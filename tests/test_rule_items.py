"""Holders and items (events.md §2, §3): each rule has a case that it alone refuses."""

from __future__ import annotations

from typing import Any

from ledger import times
from ledger.didkey import parse_did
from ledger.errors import Forbidden, Refused
from ledger.leaf import Entry
from ledger.note import format_vkey
from tests.rules import CERTIFIED, OPENED, WORK, claim, named, refused, sale, world
from tests.world import CASE, LEDGER, RING, World, did, uuid

__all__ = ["sale", "world"]


def test_keys_of_parties_holders_and_the_ledger_never_coincide(world: World, sale: Entry) -> None:
    chair = uuid("chair")
    world.say("item.registered", "shop", chair, {"name": "x", "category": "y"})
    for name in ("shop", "log", "paper"):
        refused(Refused, "/details/holder_key", world.say, "item.sold", "shop", chair, named(name, channel="store"))
    shop = uuid("shop") + "#authority"
    refused(
        Refused,
        "/details/key",
        world.say,
        "key.added",
        "shop",
        shop,
        {"key": did("paper"), "custody": "self"},
        keys=[did("shop"), did("paper")],
    )
    vkey = format_vkey("ledger.example/test", parse_did(did("paper")))
    refused(Refused, "/details/vkey", world.say, "ledger.key_added", "operator", LEDGER, {"vkey": vkey})


def test_nobody_speaks_as_holder_of_what_is_not_held(world: World) -> None:
    refused(Forbidden, "/grant", world.hold, "item.reported_lost", "paper", RING, {}, "ab" * 32)
    refused(Refused, "/subjects/0", world.hold, "item.reported_lost", "paper", uuid("unknown"), {}, "ab" * 32)


def test_a_first_claim_puts_the_device_key_in_the_papers_place_at_once(world: World, sale: Entry) -> None:
    grant = world.hash_of(sale)
    claim = named("phone", "device")
    refused(Forbidden, "/signatures", world.hold, "item.claimed", "paper", RING, claim, grant)
    refused(Forbidden, "/signatures", world.hold, "item.claimed", "phone", RING, claim, grant)
    refused(
        Forbidden,
        "/signatures",
        world.hold,
        "item.claimed",
        "paper",
        RING,
        claim,
        grant,
        keys=[did("phone"), did("paper")],
    )
    refused(Forbidden, "/party", world.say, "item.claimed", "shop", RING, claim)
    claimed = world.hold("item.claimed", "paper", RING, claim, grant, keys=[did("paper"), did("phone")])
    refused(Forbidden, "/grant", world.hold, "item.reported_lost", "paper", RING, {}, grant)
    refused(Forbidden, "/grant", world.hold, "item.reported_lost", "phone", RING, {}, grant)
    refused(Forbidden, "/signatures", world.hold, "item.reported_lost", "paper", RING, {}, world.hash_of(claimed))
    world.hold("item.reported_lost", "phone", RING, {}, world.hash_of(claimed))
    assert world.states[RING].lost


def test_a_later_claim_waits_seventy_two_hours(world: World, sale: Entry) -> None:
    first = claim(world, world.hash_of(sale), "phone")
    second = claim(world, world.hash_of(sale), "phone2")
    world.later(71)
    world.hold("item.reported_lost", "phone", RING, {}, world.hash_of(first))
    refused(Forbidden, "/grant", world.hold, "item.recovered", "phone2", RING, {}, world.hash_of(second))
    world.later(1.01)
    refused(Forbidden, "/grant", world.hold, "item.recovered", "phone", RING, {}, world.hash_of(first))
    world.hold("item.recovered", "phone2", RING, {}, world.hash_of(second))


def test_the_wait_ends_to_the_millisecond(world: World, sale: Entry) -> None:
    claim(world, world.hash_of(sale), "phone")
    second = claim(world, world.hash_of(sale), "phone2")
    due = times.parse_recorded(second.recorded_at) + 72 * times.HOUR
    world.now = due - 1000
    refused(Forbidden, "/grant", world.hold, "item.recovered", "phone2", RING, {}, world.hash_of(second))
    world.now = due
    world.hold("item.recovered", "phone2", RING, {}, world.hash_of(second))


def test_a_device_key_that_was_replaced_claims_no_more(world: World, sale: Entry) -> None:
    first = claim(world, world.hash_of(sale), "phone")
    claim(world, world.hash_of(first), "phone2", old="phone")
    refused(Forbidden, "/grant", claim, world, world.hash_of(first), "phone3", old="phone")


def test_the_present_holder_refuses_a_claim(world: World, sale: Entry) -> None:
    first = claim(world, world.hash_of(sale), "phone")
    second = claim(world, world.hash_of(sale), "thief")
    grant = world.hash_of(first)
    refused(
        Refused,
        "/details/refused",
        world.hold,
        "item.claim_refused",
        "phone",
        RING,
        {"refused": sale.statement.id},
        grant,
    )
    world.hold("item.claim_refused", "phone", RING, {"refused": second.statement.id}, grant)
    world.later(100)
    refused(Forbidden, "/grant", world.hold, "item.recovered", "thief", RING, {}, world.hash_of(second))
    world.hold("item.recovered", "phone", RING, {}, grant)


def test_a_transfer_is_signed_by_both_and_ends_the_paper(world: World, sale: Entry) -> None:
    grant = world.hash_of(sale)
    refused(Forbidden, "/signatures", world.hold, "item.transferred", "paper", RING, named("next", "device"), grant)
    moved = world.hold(
        "item.transferred", "paper", RING, named("next", "device"), grant, keys=[did("paper"), did("next")]
    )
    refused(Forbidden, "/grant", claim, world, grant, "back")
    world.hold("item.recovered", "next", RING, {}, world.hash_of(moved))


def test_a_transfer_voids_what_waits(world: World, sale: Entry) -> None:
    first = claim(world, world.hash_of(sale), "phone")
    late = claim(world, world.hash_of(sale), "late")
    moved = world.hold(
        "item.transferred",
        "phone",
        RING,
        named("next", "device"),
        world.hash_of(first),
        keys=[did("phone"), did("next")],
    )
    world.later(100)
    refused(Forbidden, "/grant", world.hold, "item.recovered", "late", RING, {}, world.hash_of(late))
    world.hold("item.recovered", "next", RING, {}, world.hash_of(moved))


def test_a_reset_comes_from_the_last_seller_or_the_operator_and_waits(world: World, sale: Entry) -> None:
    world.say("case.opened", "shop", RING, OPENED, case=CASE)
    world.say("repair.completed", "shop", RING, WORK, case=CASE)
    reset = named("found", "device", reason="lost", evidence="id")
    refused(Forbidden, "/party", world.say, "item.holder_reset", "rival", RING, reset)
    done = world.say("item.holder_reset", "shop", RING, reset)
    world.hold("item.reported_lost", "paper", RING, {}, world.hash_of(sale))
    world.later(73)
    refused(Forbidden, "/grant", world.hold, "item.recovered", "paper", RING, {}, world.hash_of(sale))
    grant = world.hash_of(done)
    refused(Forbidden, "/case", world.hold, "case.evaluated", "found", RING, {"overall": 5}, grant, case=CASE)
    world.hold("item.recovered", "found", RING, {}, grant)
    after = uuid("case after")
    world.hold("case.opened", "found", RING, OPENED, grant, case=after)
    world.say("repair.completed", "shop", RING, WORK, case=after)
    world.hold("case.evaluated", "found", RING, {"overall": 5}, grant, case=after)
    refused(Forbidden, "/grant", claim, world, world.hash_of(sale), "phone")


def test_the_operator_resets_what_was_never_sold_here(world: World) -> None:
    reset = named("found", "device", reason="lost", evidence="court")
    refused(Forbidden, "/party", world.say, "item.holder_reset", "shop", RING, reset)
    done = world.say("item.holder_reset", "operator", RING, reset)
    world.later(72.1)
    world.hold("item.recovered", "found", RING, {}, world.hash_of(done))


def test_a_sale_or_a_handover_names_a_holder_only_where_there_is_none(world: World, sale: Entry) -> None:
    refused(Refused, "/details/holder_key", world.say, "item.sold", "rival", RING, named("other", channel="store"))
    world.say("case.opened", "shop", RING, OPENED, case=CASE)
    world.say("case.received", "shop", RING, {"evidence": {}}, case=CASE)
    over = {"check": "id", "evidence": {}, **named("other")}
    refused(Refused, "/details/holder_key", world.say, "case.handed_over", "shop", RING, over, case=CASE)
    world.say("return.completed", "shop", RING, {"reason": "regret", "condition": "whole"})
    refused(
        Refused,
        "/type",
        world.hold,
        "item.transferred",
        "paper",
        RING,
        named("n", "device"),
        world.hash_of(sale),
        keys=[did("paper"), did("n")],
    )
    refused(Refused, "/type", claim, world, world.hash_of(sale), "phone")
    world.hold("case.opened", "paper", RING, OPENED, world.hash_of(sale), case=uuid("after the return"))
    sold = world.say("item.sold", "rival", RING, named("other", channel="store"))
    refused(Forbidden, "/grant", world.hold, "item.recovered", "paper", RING, {}, world.hash_of(sale))
    world.hold("item.recovered", "other", RING, {}, world.hash_of(sold))


def test_an_exchange_releases_one_and_names_the_holder_of_the_other(world: World, sale: Entry) -> None:
    other, details = uuid("other ring"), {"reason": "fault", "replacement": uuid("other ring"), **named("p2")}
    world.say("item.registered", "shop", other, {"name": "Ring", "category": "jewellery"})
    wrong = {**details, "replacement": RING}
    refused(Refused, "/details/replacement", world.say, "exchange.completed", "shop", [RING, other], wrong)
    done = world.say("exchange.completed", "shop", [RING, other], details)
    holding = world.states[RING].held.holding
    assert holding is not None
    assert holding.released
    world.hold("item.reported_lost", "p2", other, {}, world.hash_of(done))
    third = uuid("third ring")
    world.say("item.registered", "shop", third, {"name": "Ring", "category": "jewellery"})
    again = {"reason": "fault", "replacement": other, **named("p3")}
    refused(Refused, "/details/holder_key", world.say, "exchange.completed", "shop", [third, other], again)


def test_no_holder_is_named_by_a_registration_or_for_an_items_case(world: World) -> None:
    refused(Refused, "/details/holder_key", world.say, "case.opened", "shop", RING, {**OPENED, **named("c")}, case=CASE)


def test_a_stolen_item_is_not_sold_or_transferred(world: World, sale: Entry) -> None:
    grant = world.hash_of(sale)
    world.hold("item.reported_stolen", "paper", RING, {}, grant)
    refused(Refused, "/type", world.say, "item.sold", "shop", RING, {"channel": "store"})
    refused(
        Refused,
        "/type",
        world.hold,
        "item.transferred",
        "paper",
        RING,
        named("n", "device"),
        grant,
        keys=[did("paper"), did("n")],
    )
    world.say("item.recovered", "operator", RING, {})
    world.say("item.sold", "shop", RING, {"channel": "store"})


def test_a_held_item_is_retired_by_its_holder_or_after_a_return(world: World, sale: Entry) -> None:
    refused(Refused, "/type", world.say, "item.retired", "shop", RING, {"reason": "scrapped"})
    world.hold("item.retired", "paper", RING, {"reason": "scrapped"}, world.hash_of(sale))
    refused(Refused, "/subjects/0", world.say, "item.retired", "operator", RING, {"reason": "scrapped"})


def test_after_retirement_little_remains(world: World) -> None:
    world.say("case.opened", "shop", RING, OPENED, case=CASE)
    done = world.say("repair.completed", "shop", RING, WORK, case=CASE)
    refused(Refused, "/type", world.say, "item.reinstated", "shop", RING, {"reason": "error"})
    world.say("item.retired", "shop", RING, {"reason": "scrapped"})
    refused(Refused, "/subjects/0", world.say, "repair.completed", "shop", RING, WORK)
    refused(Refused, "/subjects/0", world.say, "case.opened", "shop", RING, OPENED, case=uuid("new case"))
    world.say("repair.completed", "shop", RING, WORK, case=CASE)
    world.say("statement.corrected", "shop", RING, {"reason": "error"}, corrects=done.statement.id)
    world.say("data.erased", "operator", RING, {"statements": [done.statement.id], "why": "request"})
    world.say("item.reinstated", "shop", RING, {"reason": "error"})
    world.say("repair.completed", "shop", RING, WORK)


def test_a_certificate_is_revoked_by_whoever_gave_it(world: World) -> None:
    world.register("lab2", "certifier")
    revoked = {"certificate_no": "C1", "reason": "error"}
    refused(Forbidden, "/details/certificate_no", world.say, "authentication.revoked", "lab", RING, revoked)
    world.say("authentication.certified", "lab", RING, CERTIFIED)
    refused(Forbidden, "/details/certificate_no", world.say, "authentication.revoked", "lab2", RING, revoked)
    world.say("authentication.revoked", "lab", RING, revoked)
    refused(Forbidden, "/details/certificate_no", world.say, "authentication.revoked", "lab", RING, revoked)


def test_parts_are_a_forest(world: World) -> None:
    a, b, c = (uuid(name) for name in "abc")
    for subject in (a, b, c):
        world.say("item.registered", "shop", subject, {"name": "x", "category": "y"})
    world.say("item.linked", "shop", [a, b], {"as": "piece"})
    refused(Refused, "/subjects/0", world.say, "item.linked", "shop", [a, c], {"as": "piece"})
    refused(Refused, "/subjects", world.say, "item.linked", "shop", [b, a], {"as": "set"})
    world.say("item.linked", "shop", [a, c], {"as": "pair"})
    world.say("item.linked", "shop", [b, c], {"as": "piece"})
    part = {"part": "stone", "quantity": 1}
    refused(Refused, "/subjects", world.say, "repair.part_replaced", "shop", [a, c], part)
    world.say("repair.part_replaced", "shop", [c, a], part)
    assert world.states[a].whole == c


def test_custody_goes_to_a_workshop_and_comes_back(world: World) -> None:
    world.register("workshop", "repairer")
    held: dict[str, Any] = {"evidence": {}}

    def in_hands() -> tuple[str, ...]:
        return world.states[RING].custody

    world.say("case.opened", "shop", RING, OPENED, case=CASE)
    world.say("case.received", "shop", RING, held, case=CASE)
    assert in_hands() == (uuid("shop"),)
    world.say("case.forwarded", "shop", RING, {**held, "to": "outside"}, case=CASE)
    assert in_hands() == (uuid("shop"), "outside")
    world.say("case.returned", "shop", RING, held, case=CASE)
    assert in_hands() == (uuid("shop"),)
    world.say("case.forwarded", "shop", RING, {**held, "to": uuid("workshop")}, case=CASE)
    world.say("case.received", "workshop", RING, held, case=CASE)
    assert in_hands() == (uuid("shop"), uuid("workshop"))
    world.say("case.returned", "workshop", RING, held, case=CASE)
    assert in_hands() == (uuid("shop"),)
    world.say("case.forwarded", "shop", RING, {**held, "to": uuid("workshop")}, case=CASE)
    world.say("case.received", "shop", RING, held, case=CASE)
    assert in_hands() == (uuid("shop"),)
    world.say("case.handed_over", "shop", RING, {"check": "id", **held}, case=CASE)
    assert in_hands() == ()
    world.say("return.completed", "shop", RING, {"reason": "regret", "condition": "whole"})
    assert in_hands() == (uuid("shop"),)


def test_of_two_claims_the_first_comes_into_force_first(world: World, sale: Entry) -> None:
    claim(world, world.hash_of(sale), "phone")
    early = claim(world, world.hash_of(sale), "early")
    world.later(1)
    late = claim(world, world.hash_of(sale), "late")
    world.later(71.5)
    world.hold("item.reported_lost", "early", RING, {}, world.hash_of(early))
    world.later(1)
    refused(Forbidden, "/grant", world.hold, "item.recovered", "early", RING, {}, world.hash_of(early))
    world.hold("item.recovered", "late", RING, {}, world.hash_of(late))


def test_a_retired_item_replaces_nothing(world: World) -> None:
    other = uuid("other ring")
    world.say("item.registered", "shop", other, {"name": "x", "category": "y"})
    world.say("item.retired", "shop", other, {"reason": "scrapped"})
    details = {"reason": "fault", "replacement": other}
    refused(Refused, "/subjects/1", world.say, "exchange.completed", "shop", [RING, other], details)
    world.say("item.linked", "shop", [RING, other], {"as": "pair"})


def test_parts_are_not_stacked_for_ever(world: World) -> None:
    names = [uuid(f"part {number}") for number in range(35)]
    for name in names:
        world.say("item.registered", "shop", name, {"name": "x", "category": "y"})
    for part, whole in zip(names[1:33], names, strict=False):
        world.say("item.linked", "shop", [part, whole], {"as": "piece"})
    refused(Refused, "/subjects", world.say, "item.linked", "shop", [names[33], names[32]], {"as": "piece"})


def test_a_claim_under_a_holding_that_a_reset_ended_is_void(world: World, sale: Entry) -> None:
    claim(world, world.hash_of(sale), "phone")
    reset = world.say("item.holder_reset", "shop", RING, named("found", "device", reason="lost", evidence="id"))
    late = claim(world, world.hash_of(sale), "late")
    world.later(80)
    refused(Forbidden, "/grant", world.hold, "item.recovered", "late", RING, {}, world.hash_of(late))
    world.hold("item.recovered", "found", RING, {}, world.hash_of(reset))


def test_a_paper_that_was_sealed_claims_again_as_a_receipt_does(world: World) -> None:
    sold = world.hash_of(world.say("item.sold", "shop", RING, named("paper", "sealed", channel="store")))
    claim(world, sold, "phone")
    held = world.states[RING].held
    assert held.holding is not None
    assert (held.holding.by, held.pending) == ("claim", ())
    claim(world, sold, "late")
    assert len(world.states[RING].held.pending) == 1
