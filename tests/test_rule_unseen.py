"""What a reader of one history judges by less than the service sees, and what it still refuses (format.md §7)."""

from __future__ import annotations

from typing import Any

from ledger import holding, rule, types
from ledger.errors import Forbidden, Refused
from ledger.leaf import Entry
from ledger.state import NOT_SHOWN, State
from tests.rules import OPENED, WORK, claim, refused, sale, world
from tests.world import LEDGER, RING, World, did, uuid

__all__ = ["sale", "world"]
OTHER = uuid("other ring")


def judge(world: World, entry: Entry, *states: State | None) -> None:
    """Judge an entry by these states of its subjects, those that are left out not shown."""
    unseen = [NOT_SHOWN] * (len(entry.statement.subjects) - len(states))
    rule.judge(entry, world.parties, [*states, *unseen], world)


def _other(world: World) -> Entry:
    return world.say("item.registered", "shop", OTHER, {"name": "x", "category": "y"})


def test_an_unseen_subject_is_of_the_kind_that_its_statement_is_about(world: World) -> None:
    assert all(len(row.kinds) == 1 for row in types.TYPES.values() if "item" not in row.kinds)
    case = uuid("complaint")
    world.say("case.opened", "operator", [case, uuid("shop")], {**OPENED, "kind": "complaint"}, case=case)
    judge(world, world.say("case.responded", "shop", [case, uuid("shop")], {}, case=case))
    judge(world, world.say("repair.completed", "shop", RING, WORK))
    world.register("examiner", "auditor")
    audited = {"scope": "s", "findings": []}
    judge(world, world._entry("audit.performed", "examiner", [uuid("unseen")], audited, [did("examiner")]))


def test_the_ledger_is_the_ledger_also_where_it_is_not_shown(world: World) -> None:
    said = world._entry("repair.completed", "shop", [LEDGER], WORK, [did("shop")])
    assert "kind ledger" in refused(Refused, "/subjects/0", judge, world, said).message


def test_nothing_is_said_of_what_nobody_knows(world: World) -> None:
    error = refused(Refused, "/subjects/0", world.say, "repair.completed", "shop", uuid("unknown"), WORK)
    assert isinstance(error, Refused)
    assert error.may_follow == ("item.registered", "case.opened")


def test_a_party_that_is_not_shown_may_be_spoken_of(world: World) -> None:
    about, details = uuid("unseen"), {"scope": "s", "findings": []}
    world.register("examiner", "auditor")
    refused(Refused, "/subjects/0", world.say, "audit.performed", "examiner", about, details)
    world.parties.complete = False
    world.say("audit.performed", "examiner", about, details)
    assert world.states[about].kind == "party"


def test_a_second_subject_that_is_shown_is_what_is_wanted(world: World) -> None:
    world.parties.complete = False
    refused(Refused, "/subjects/1", world.say, "item.linked", "shop", [RING, uuid("lab")], {"as": "pair"})


def test_a_first_entry_fixes_the_kind_of_ledger_and_authority(world: World) -> None:
    kinds = [world.states[subject].kind for subject in (LEDGER, uuid("shop") + "#authority", RING)]
    assert kinds == ["ledger", "authority", "item"]


def test_an_erasure_may_name_subjects_of_any_kind(world: World) -> None:
    authority = uuid("lab") + "#authority"
    registered = next(one for one in world.entries.values() if one.statement.subjects == (authority,))
    done = world.say("repair.completed", "shop", RING, WORK)
    erased = {"statements": [done.statement.id, registered.statement.id], "why": "request"}
    world.say("data.erased", "operator", [RING, authority], erased)


def test_whoever_is_concerned_is_not_told_where_nothing_is_shown(world: World) -> None:
    done = world.say("repair.completed", "shop", RING, WORK)
    dispute = {"disputes": done.statement.id, "reason": "not_so"}
    said = world._entry("statement.disputed", "lab", [RING], dispute, [did("lab")])
    judge(world, said)
    refused(Forbidden, "/party", judge, world, said, world.states[RING])


def test_nobody_speaks_as_the_holder_of_what_is_not_shown(world: World, sale: Entry) -> None:
    said = world.hold("item.reported_lost", "paper", RING, {}, world.hash_of(sale))
    error = refused(Forbidden, "/party", judge, world, said)
    assert "nobody holds this" in error.message


def test_statements_that_are_not_shown_are_not_held_against_those_about_them(world: World) -> None:
    hidden = uuid("a statement elsewhere")
    retracted: dict[str, Any] = {"reason": "error"}
    refused(Refused, "/corrects", world.say, "statement.retracted", "shop", RING, retracted, corrects=hidden)
    erased = {"statements": [hidden], "why": "request"}
    refused(Refused, "/details/statements/0", world.say, "data.erased", "operator", RING, erased)
    world.entries[hidden] = NOT_SHOWN
    world.say("statement.retracted", "shop", RING, retracted, corrects=hidden)
    world.say("data.erased", "operator", RING, erased)


def test_a_correction_is_its_makers_also_where_the_subject_is_not_shown(world: World) -> None:
    done = world.say("repair.completed", "shop", RING, WORK)
    for who in ("shop", "lab"):
        said = world._entry(
            "statement.retracted", who, [RING], {"reason": "error"}, [did(who)], corrects=done.statement.id
        )
        if who == "shop":
            judge(world, said)
        else:
            refused(Forbidden, "/party", judge, world, said)


def test_a_whole_that_is_not_shown_ends_the_way_up(world: World) -> None:
    _other(world)
    linked = world.say("item.linked", "shop", [RING, OTHER], {"as": "piece"})
    assert world.states[RING].whole == OTHER
    world.states[OTHER] = NOT_SHOWN
    world.states[RING].whole = ""
    judge(world, linked, world.states[RING], State("item", linked.recorded_at, linked.recorded_at))


# Who may speak, whatever is said (format.md §9).


def test_a_statement_of_any_type_is_by_the_keys_of_its_party(world: World) -> None:
    for keys, stands in (["shop"], True), (["shop", "lab"], False), (["lab"], False):
        said = world._entry("item.praised", "shop", [RING], {}, [did(name) for name in keys])
        if stands:
            rule.speak(said, world.parties, None)
        else:
            refused(Forbidden, "/signatures", rule.speak, said, world.parties, None)


def test_a_holders_statement_of_any_type_is_by_the_key_in_force_then(world: World, sale: Entry) -> None:
    state = world.states[RING]

    def praised(name: str, grant: str) -> Entry:
        return world._entry("item.praised", "x", [RING], {}, [did(name)], grant=grant, party=RING)

    rule.speak(praised("paper", world.hash_of(sale)), world.parties, state)
    refused(Forbidden, "/signatures", rule.speak, praised("shop", world.hash_of(sale)), world.parties, state)
    refused(Forbidden, "/grant", rule.speak, praised("paper", world.hash_of(sale)), world.parties, None)
    first = claim(world, world.hash_of(sale), "phone")
    late = claim(world, world.hash_of(sale), "tablet")
    rule.speak(praised("phone", world.hash_of(first)), world.parties, state)
    world.later(72)
    rule.speak(praised("tablet", world.hash_of(late)), world.parties, state)


def test_who_said_what_could_not_be_folded_in_is_concerned_once_and_a_holder_is_not(world: World, sale: Entry) -> None:
    state = world.states[RING]
    states = [state, NOT_SHOWN, None]
    assert [*state.signers] == [uuid("shop")]
    for name in ("lab", "shop", "lab"):
        rule.pass_over(world._entry("item.praised", name, [RING], {}, [did(name)]), states)
    assert [*state.signers] == [uuid("shop"), uuid("lab")]
    grant = world.hash_of(sale)
    rule.pass_over(world._entry("item.praised", "x", [RING], {}, [did("paper")], grant=grant, party=RING), states)
    assert [*state.signers] == [uuid("shop"), uuid("lab")]


def test_what_waited_is_in_force_in_the_state_after_the_next_entry(world: World, sale: Entry) -> None:
    claim(world, world.hash_of(sale), "phone")
    claim(world, world.hash_of(sale), "tablet")
    assert len(world.states[RING].held.pending) == 1
    world.later(72)
    world.say("repair.completed", "shop", RING, WORK)
    held = world.states[RING].held
    assert held.pending == ()
    assert held.holding is not None
    assert held.holding.present == holding.Grant(did("tablet"), "device", held.holding.present.entry)
