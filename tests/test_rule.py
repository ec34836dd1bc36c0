"""Authority, holders and items: each rule has a case that it alone refuses, next to one that it lets stand."""

from __future__ import annotations

from typing import Any

import pytest

from ledger import party, rule, state, times
from ledger.didkey import parse_did
from ledger.errors import Forbidden, Invalid, PatinaError, Refused
from ledger.leaf import Entry
from ledger.note import format_vkey
from ledger.state import NOT_SHOWN
from tests.world import CASE, LEDGER, RING, World, did, uuid

WORK: dict[str, Any] = {"work": ["polish"], "tests": []}
OPENED = {"kind": "repair", "channel": "store", "issue": "quality"}
CERTIFIED = {"certificate_no": "C1", "result": "authentic", "methods": ["loupe"]}


def named(name: str, custody: str = "receipt", **more: Any) -> dict[str, Any]:
    return {"holder_key": did(name), "holder_custody": custody, **more}


@pytest.fixture
def world() -> World:
    """A ledger with a registered ring."""
    made = World()
    made.say("item.registered", "shop", RING, {"name": "Ring", "category": "jewellery"})
    return made


@pytest.fixture
def sale(world: World) -> Entry:
    """The ring is sold with a receipt key."""
    return world.say("item.sold", "shop", RING, named("paper", channel="store"))


def refused(kind: type[PatinaError], pointer: str, call: Any, *args: Any, **more: Any) -> PatinaError:
    """The error of a call; it is of exactly this class, at this pointer, and says something."""
    with pytest.raises(kind) as caught:
        call(*args, **more)
    assert type(caught.value) is kind
    assert caught.value.pointer == pointer, caught.value.message
    assert caught.value.message
    return caught.value


# --- the statement and its ledger


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


# --- subjects


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
    world.hold("case.evaluated", "caller", own, {"overall": 2}, grant, case=own)
    world.say("case.closed", "shop", [own, uuid("shop")], {"outcome": "resolved"}, case=own)


def test_a_case_that_is_the_subject_is_a_case(world: World) -> None:
    chair = uuid("chair")
    world.say("item.registered", "shop", chair, {"name": "x", "category": "y"})
    refused(Refused, "/case", world.say, "case.opened", "shop", chair, OPENED, case=chair)


# --- parties and their keys


def test_only_keys_in_force_of_the_party_sign(world: World) -> None:
    refused(Forbidden, "/signatures/0/key", world.say, "repair.completed", "shop", RING, WORK, keys=[did("rival")])
    refused(
        Forbidden,
        "/signatures/1/key",
        world.say,
        "repair.completed",
        "shop",
        RING,
        WORK,
        keys=[did("shop"), did("rival")],
    )
    refused(Forbidden, "/signatures/0/key", world.say, "repair.completed", "nobody", RING, WORK)


def test_a_role_is_needed(world: World) -> None:
    refused(Forbidden, "/party", world.say, "authentication.certified", "shop", RING, CERTIFIED)
    refused(Forbidden, "/party", world.say, "case.evaluated", "shop", RING, {"overall": 5}, case=CASE)
    world.say("authentication.certified", "lab", RING, CERTIFIED)


def test_only_the_operator_registers(world: World) -> None:
    about = uuid("new") + "#authority"
    refused(Forbidden, "/party", world.say, "party.registered", "shop", about, {"name": "n", "roles": ["certifier"]})
    refused(
        Refused,
        "/details/roles",
        world.say,
        "party.registered",
        "operator",
        about,
        {"name": "n", "roles": ["operator"]},
    )
    world.say(
        "party.registered",
        "operator",
        uuid("operator") + "#authority",
        {"name": "n", "roles": ["operator", "retailer"]},
    )
    assert world.parties.roles(uuid("operator")) == ("operator", "retailer")
    refused(
        Refused,
        "/subjects/0",
        world.say,
        "party.registered",
        "operator",
        uuid("shop") + "#authority",
        {"name": "n", "roles": []},
    )


def test_a_party_is_registered_before_anything_else_is_said_of_it(world: World) -> None:
    about = uuid("new") + "#authority"
    details = {"name": "n", "roles": ["retailer"]}
    refused(Refused, "/subjects/0", world.say, "party.updated", "operator", about, details)
    refused(Refused, "/subjects/0", world.say, "party.suspended", "operator", about, {"reason": "fraud"})
    refused(
        Refused,
        "/subjects/0",
        world.say,
        "key.added",
        "operator",
        about,
        {"key": did("k"), "custody": "self"},
        keys=[did("operator"), did("k")],
    )


def test_parents_are_registered_and_form_no_circle(world: World) -> None:
    def update(name: str, parent: str) -> None:
        world.say(
            "party.updated",
            "operator",
            uuid(name) + "#authority",
            {"name": name, "roles": ["retailer"], "parent": uuid(parent)},
        )

    refused(Refused, "/details/parent", update, "shop", "nobody")
    refused(Refused, "/details/parent", update, "shop", "shop")
    update("shop", "rival")
    refused(Refused, "/details/parent", update, "rival", "shop")
    assert world.parties.roles(uuid("shop")) == ("retailer",)


def test_a_key_is_added_once_and_by_those_who_may(world: World) -> None:
    shop = uuid("shop") + "#authority"

    def add(who: str, about: str, key: str, signers: list[str]) -> None:
        world.say("key.added", who, about, {"key": did(key), "custody": "self"}, keys=[did(name) for name in signers])

    refused(Forbidden, "/signatures", add, "shop", shop, "new", ["shop"])
    refused(Forbidden, "/signatures", add, "shop", shop, "new", ["new", "shop"])
    refused(Forbidden, "/signatures", add, "shop", shop, "new", ["new"])
    refused(Forbidden, "/party", add, "operator", shop, "new", ["operator", "new"])
    refused(Forbidden, "/party", add, "rival", shop, "new", ["rival", "new"])
    refused(Refused, "/details/key", add, "shop", shop, "rival", ["shop", "rival"])
    refused(Refused, "/details/key", add, "shop", shop, "log", ["shop", "log"])
    add("shop", shop, "new", ["shop", "new"])
    world.say("repair.completed", "shop", RING, WORK, keys=[did("shop"), did("new")])


def test_the_operator_adds_a_key_again_once_none_is_in_force(world: World) -> None:
    shop = uuid("shop") + "#authority"
    world.say("key.revoked", "operator", shop, {"key": did("shop"), "reason": "lost"})
    world.say(
        "key.added", "operator", shop, {"key": did("next"), "custody": "ledger"}, keys=[did("operator"), did("next")]
    )
    assert world.parties.keys[did("next")].installed
    world.say("repair.completed", "shop", RING, WORK, keys=[did("next")])


def test_a_revoked_key_says_its_own_revocation_and_no_more(world: World) -> None:
    shop = uuid("shop") + "#authority"
    refused(Forbidden, "/party", world.say, "key.revoked", "rival", shop, {"key": did("shop"), "reason": "lost"})
    refused(
        Refused, "/details/key", world.say, "key.revoked", "operator", shop, {"key": did("rival"), "reason": "lost"}
    )
    world.say("key.revoked", "shop", shop, {"key": did("shop"), "reason": "retired"})
    refused(Forbidden, "/signatures/0/key", world.say, "repair.completed", "shop", RING, WORK)
    refused(Refused, "/details/key", world.say, "key.revoked", "operator", shop, {"key": did("shop"), "reason": "lost"})
    world.say("key.revoked", "operator", shop, {"key": did("shop"), "reason": "compromised"})
    refused(
        Refused,
        "/details/key",
        world.say,
        "key.revoked",
        "operator",
        shop,
        {"key": did("shop"), "reason": "compromised"},
    )


def test_doubt_runs_from_a_compromised_key_to_the_keys_that_it_added(world: World) -> None:
    shop = uuid("shop") + "#authority"
    world.say("key.added", "shop", shop, {"key": did("early"), "custody": "self"}, keys=[did("shop"), did("early")])
    since = times.format_recorded(world.now)
    world.later(1)
    world.say("key.added", "shop", shop, {"key": did("second"), "custody": "self"}, keys=[did("shop"), did("second")])
    added = world.parties.keys[did("second")].added_at
    world.say("key.added", "shop", shop, {"key": did("third"), "custody": "self"}, keys=[did("second"), did("third")])
    later = times.format_recorded(world.now)
    assert not world.parties.doubtful(did("third"), later)
    world.say(
        "key.revoked", "shop", shop, {"key": did("shop"), "reason": "compromised", "since": since}, keys=[did("early")]
    )
    assert [world.parties.doubtful(did(name), later) for name in ("shop", "second", "third", "early", "rival")] == [
        True, True, True, False, False
    ]  # fmt: skip
    assert not world.parties.doubtful(did("shop"), times.format_recorded(times.parse_recorded(since) - times.SECOND))
    assert world.parties.doubtful(did("second"), added)


def test_of_a_suspended_party_nothing_is_accepted_but_a_revocation(world: World) -> None:
    shop = uuid("shop") + "#authority"
    refused(Refused, "/type", world.say, "party.reinstated", "operator", shop, {"reason": "error"})
    refused(
        Refused,
        "/subjects/0",
        world.say,
        "party.suspended",
        "operator",
        uuid("operator") + "#authority",
        {"reason": "fraud"},
    )
    world.say("party.suspended", "operator", shop, {"reason": "fraud"})
    refused(Refused, "/type", world.say, "party.suspended", "operator", shop, {"reason": "fraud"})
    refused(Forbidden, "/party", world.say, "repair.completed", "shop", RING, WORK)
    world.say("party.reinstated", "operator", shop, {"reason": "error"})
    world.say("repair.completed", "shop", RING, WORK)
    world.say("party.suspended", "operator", shop, {"reason": "fraud"})
    world.say("key.revoked", "shop", shop, {"key": did("shop"), "reason": "lost"})


def test_ledger_keys_come_and_go_by_the_operator(world: World) -> None:
    def vkey(name: str, origin: str = "ledger.example/test") -> str:
        return format_vkey(origin, parse_did(did(name)))

    refused(Refused, "/details/vkey", world.say, "ledger.key_retired", "operator", LEDGER, {"vkey": world.vkey})
    refused(
        Refused,
        "/details/vkey",
        world.say,
        "ledger.key_added",
        "operator",
        LEDGER,
        {"vkey": vkey("log2", "elsewhere.example")},
    )
    refused(Refused, "/details/vkey", world.say, "ledger.key_added", "operator", LEDGER, {"vkey": world.vkey})
    refused(Refused, "/details/vkey", world.say, "ledger.key_added", "operator", LEDGER, {"vkey": vkey("shop")})
    refused(Forbidden, "/party", world.say, "ledger.key_added", "shop", LEDGER, {"vkey": vkey("log2")})
    for name in ("log2", "log3", "log4"):
        world.say("ledger.key_added", "operator", LEDGER, {"vkey": vkey(name)})
    refused(Refused, "/details/vkey", world.say, "ledger.key_added", "operator", LEDGER, {"vkey": vkey("log5")})
    world.say("ledger.key_retired", "operator", LEDGER, {"vkey": world.vkey})
    refused(Refused, "/details/vkey", world.say, "ledger.key_retired", "operator", LEDGER, {"vkey": world.vkey})
    assert world.parties.vkeys_in_force() == (vkey("log2"), vkey("log3"), vkey("log4"))


def test_the_table_of_parties_survives_a_dump(world: World) -> None:
    assert party.load(party.dump(world.parties)) == world.parties


# --- holders


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


def claim(world: World, grant: str, new: str, old: str = "paper") -> Entry:
    return world.hold("item.claimed", old, RING, named(new, "device"), grant, keys=[did(old), did(new)])


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


# --- items


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


# --- statements about statements


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


# --- cases, as far as authority goes


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


# --- states


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
