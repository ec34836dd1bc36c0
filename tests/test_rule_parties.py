"""Authority (events.md §1): each rule has a case that it alone refuses, next to one that it lets stand."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec.structs import replace

from ledger import doubt, party, times
from ledger.didkey import parse_did
from ledger.errors import Forbidden, Invalid, Refused, Unknown
from ledger.leaf import Entry
from ledger.note import format_vkey
from tests.rules import CERTIFIED, WORK, refused, sale, world
from tests.world import CASE, LEDGER, RING, World, did, uuid

__all__ = ["sale", "world"]


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


def test_a_circle_above_a_party_ends(world: World) -> None:
    """None can come to be; whoever folds entries that were refused may still have one."""
    for name, parent in (("lab", "maker"), ("maker", "lab")):
        world.parties.parties[uuid(name)].parent = uuid(parent)
    about = {"name": "s", "roles": ["retailer"], "parent": uuid("lab")}
    refused(Refused, "/details/parent", world.say, "party.updated", "operator", uuid("shop") + "#authority", about)


def test_a_parent_that_is_not_shown_is_not_held_against_its_child(world: World) -> None:
    world.parties.complete = False
    about = {"name": "s", "roles": ["retailer"], "parent": uuid("unseen")}
    world.say("party.updated", "operator", uuid("shop") + "#authority", about)
    assert world.parties.parties[uuid("shop")].parent == uuid("unseen")


def test_who_is_no_party_has_no_role_and_no_key_to_revoke(world: World) -> None:
    assert world.parties.roles(uuid("nobody")) == ()
    details = {"key": did("nobody"), "reason": "lost"}
    refused(Refused, "/details/key", world.say, "key.revoked", "operator", uuid("shop") + "#authority", details)


def test_the_operator_is_registered_before_it_is_updated(world: World) -> None:
    about, details = uuid("operator") + "#authority", {"name": "n", "roles": ["retailer"]}
    refused(Refused, "/subjects/0", world.say, "party.updated", "operator", about, details)
    world.say("party.registered", "operator", about, details)
    world.say("party.updated", "operator", about, details)


@pytest.mark.parametrize(("kind", "public"), [(0x04, parse_did(did("log2"))), (0x06, bytes(1312))])
def test_a_ledger_key_of_a_type_that_this_version_cannot_verify_could_not_be_told(
    world: World, kind: int, public: bytes
) -> None:
    vkey = format_vkey("ledger.example/test", public, kind)
    with pytest.raises(Unknown, match=f"type {kind}"):
        party.did_of(vkey)
    refused(Unknown, "/details/vkey", world.say, "ledger.key_added", "operator", LEDGER, {"vkey": vkey})
    refused(Unknown, "/statement/details/vkey", party.start, _first(world, details={"vkey": vkey}), "00" * 32)


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
    compromised = {"key": did("shop"), "reason": "compromised"}
    world.say("key.revoked", "operator", shop, compromised)
    refused(Refused, "/details/since", world.say, "key.revoked", "operator", shop, compromised)


def test_who_stole_a_key_cannot_say_last_since_when(world: World) -> None:
    shop = uuid("shop") + "#authority"

    def since(who: str, at: str, *signers: str) -> None:
        details = {"key": did("shop"), "reason": "compromised", "since": at}
        world.say("key.revoked", who, shop, details, keys=[did(name) for name in signers])

    since("shop", "9998-12-31T23:59:59Z", "shop")
    said = doubt.doubts(world.parties)[did("shop")]
    assert (said.since, said.told) == ("9998-12-31T23:59:59.000Z", world.index - 1)
    refused(Refused, "/details/since", since, "operator", "9998-12-31T23:59:59Z", "operator")
    since("operator", "2026-11-01T02:00:00+02:00", "operator")
    refused(Refused, "/details/since", since, "operator", "2026-11-01T00:00:00.0009Z", "operator")
    refused(Forbidden, "/signatures/0/key", since, "shop", "2026-10-01T00:00:00Z", "shop")
    since("operator", "2026-10-31T23:59:59.999Z", "operator")
    said = doubt.doubts(world.parties)[did("shop")]
    assert (said.since, said.told) == ("2026-10-31T23:59:59.999Z", world.index - 1)
    details = {"key": did("shop"), "reason": "lost", "since": "2020-01-01T00:00:00Z"}
    refused(Refused, "/details/key", world.say, "key.revoked", "operator", shop, details)


def test_a_lost_key_is_doubtful_since_it_was_lost_and_longer_if_it_was_stolen(world: World) -> None:
    shop = uuid("shop") + "#authority"
    details = {"key": did("shop"), "reason": "lost", "since": "2026-11-01T00:00:00Z"}
    world.say("key.revoked", "operator", shop, details)
    assert doubt.doubts(world.parties)[did("shop")].reason == "lost"
    # Later than was said of the loss: the earlier time stays.
    later = {"key": did("shop"), "reason": "compromised", "since": "2026-11-01T00:00:01Z"}
    world.say("key.revoked", "operator", shop, later)
    said = doubt.doubts(world.parties)[did("shop")]
    assert (said.since, said.reason, said.told) == ("2026-11-01T00:00:00.000Z", "compromised", world.index - 2)
    retired = {"key": did("rival"), "reason": "retired"}
    world.say("key.revoked", "rival", uuid("rival") + "#authority", retired)
    assert did("rival") not in doubt.doubts(world.parties)


def test_doubt_runs_from_a_compromised_key_to_the_keys_that_it_added(world: World) -> None:
    shop = uuid("shop") + "#authority"
    world.say("key.added", "shop", shop, {"key": did("early"), "custody": "self"}, keys=[did("shop"), did("early")])
    since = times.format_recorded(world.now)
    world.later(1)
    world.say("key.added", "shop", shop, {"key": did("second"), "custody": "self"}, keys=[did("shop"), did("second")])
    added = world.parties.keys[did("second")].added_at
    world.say("key.added", "shop", shop, {"key": did("third"), "custody": "self"}, keys=[did("second"), did("third")])
    later = times.format_recorded(world.now)

    def doubtful(name: str, recorded_at: str) -> bool:
        found = doubt.doubts(world.parties).get(did(name))
        return found is not None and recorded_at >= found.since

    assert not doubtful("third", later)
    world.say(
        "key.revoked", "shop", shop, {"key": did("shop"), "reason": "compromised", "since": since}, keys=[did("early")]
    )
    assert [doubtful(name, later) for name in ("shop", "second", "third", "early", "rival")] == [
        True, True, True, False, False
    ]  # fmt: skip
    assert not doubtful("shop", times.format_recorded(times.parse_recorded(since) - times.SECOND))
    assert doubtful("second", added)


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


@pytest.mark.parametrize(
    ("members", "pointer"),
    [
        ({"kind": "party.registered"}, "/statement/type"),
        ({"ledger": "ab" * 32}, "/statement/type"),
        ({"index": 1}, "/statement/type"),
        ({"subjects": [LEDGER, RING]}, "/statement/subjects"),
        ({"corrects": uuid("x")}, "/statement/subjects"),
        ({"details": {"vkey": format_vkey("elsewhere.example", parse_did(did("log")))}}, "/statement/details/vkey"),
        (
            {"details": {"vkey": format_vkey("ledger.example/test", parse_did(did("operator")))}},
            "/statement/details/key",
        ),
        ({"keys": [did("shop")]}, "/signatures"),
        ({"keys": [did("operator"), did("shop")]}, "/signatures"),
        ({"subjects": [uuid("operator")]}, "/statement/subjects/0"),
        ({"subjects": [RING]}, "/statement/subjects/0"),
        ({"occurred_at": "2026-11-02T00:00:00Z"}, "/occurred_at"),
    ],
)
def test_entry_0_is_what_everything_else_rests_on(world: World, members: dict[str, Any], pointer: str) -> None:
    refused(Invalid, pointer, party.start, _first(world, **members), "00" * 32)


def _first(world: World, **members: Any) -> Entry:
    """An entry 0 that is right but for these."""
    said = {
        "index": 0, "kind": "ledger.created", "subjects": [LEDGER], "keys": [did("operator")], "ledger": None, **members
    }  # fmt: skip
    details = {"origin": "ledger.example/test", "name": "Test", "vkey": world.vkey, "key": did("operator")}
    details |= said.pop("details", {})
    index, kind, subjects, keys = (said.pop(name) for name in ("index", "kind", "subjects", "keys"))
    return replace(world._entry(kind, "operator", subjects, details, keys, **said), index=index)


def test_the_table_of_parties_survives_a_dump(world: World) -> None:
    assert party.load(party.dump(world.parties)) == world.parties


def test_the_operator_and_the_ledger_keep_their_places(world: World) -> None:
    details = {"name": "n", "roles": ["carrier"]}
    world.say("party.registered", "operator", uuid("operator") + "#authority", details)
    about = uuid("operator") + "#authority"
    refused(Refused, "/subjects/0", world.say, "party.suspended", "operator", about, {"reason": "fraud"})
    refused(Refused, "/subjects/0", world.say, "party.registered", "operator", LEDGER + "#authority", details)


def test_a_key_that_was_added_at_the_very_time_of_the_theft_is_doubtful(world: World) -> None:
    shop = uuid("shop") + "#authority"
    for name in ("before", "at"):
        world.say("key.added", "shop", shop, {"key": did(name), "custody": "self"}, keys=[did("shop"), did(name)])
    since = world.parties.keys[did("at")].added_at
    assert world.parties.keys[did("before")].added_at < since
    world.say("key.revoked", "operator", shop, {"key": did("shop"), "reason": "compromised", "since": since})
    found = doubt.doubts(world.parties)
    assert set(found) == {did("shop"), did("at")}
    assert (found[did("at")].since, found[did("at")].cause) == (since, did("shop"))
    # Of two causes the earlier counts: what is said later of the key itself changes nothing.
    late = times.format_recorded(times.parse_recorded(since) + times.SECOND)
    world.say("key.revoked", "operator", shop, {"key": did("at"), "reason": "compromised", "since": late})
    assert doubt.doubts(world.parties)[did("at")] == found[did("at")]
