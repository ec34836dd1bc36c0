"""Whoever steals keys, revokes them, forges what vouches for them, or is faster than a revocation.

Ledgers in memory that an operator built to get past one rule, and attacks on an appender, on both databases.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from ledger import doubt, times
from ledger.db.draft import Accepted, Draft
from ledger.errors import Forbidden, PatinaError, Refused
from ledger.note import format_vkey, parse_vkey
from ledger.uri import authority_of
from tests.build import Build, key, ring, uuid
from tests.listed import audited
from tests.stall import Stall, key_of, stall, urn
from tests.test_attack_core import refused, shown
from tests.test_audit_checks import WORK, made
from verifier.memory import Memory
from verifier.reader import Reader, verify

SHOP = authority_of(uuid("shop"))
LEDGER = uuid("ledger ledger")


def revoked(built: Build, name: str = "shop", by: str = "operator", **details: Any) -> int:
    said = {"key": key(name).did, "reason": "compromised", **details}
    return built.say("key.revoked", by, SHOP, said, keys=[by])


def added(built: Build, name: str, *signers: str, by: str = "shop") -> int:
    details = {"key": key(name).did, "custody": "self"}
    return built.say("key.added", by, SHOP, details, keys=[*signers, name])


# What an operator writes into the log, and readers refuse: each is right in everything but the rule meant.


def _by_a_revoked_key(built: Build) -> int:
    revoked(built)
    return added(built, "next", "shop")


def _by_a_key_of_the_next_entry(built: Build) -> int:
    return added(built, "next", "shop", "later")


def _vouched_for_by_itself(built: Build) -> int:
    return added(built, "next")


def _without_the_new_key(built: Build) -> int:
    details = {"key": key("next").did, "custody": "self"}
    return built.say("key.added", "shop", SHOP, details, keys=["shop"])


def _new_key_first(built: Build) -> int:
    details = {"key": key("next").did, "custody": "self"}
    return built.say("key.added", "shop", SHOP, details, keys=["next", "shop"])


def _by_the_operator_beside_one_in_force(built: Build) -> int:
    return added(built, "next", "operator", by="operator")


def _a_key_of_another_party(built: Build) -> int:
    return added(built, "lab", "shop")


def _the_ledgers_own_key(built: Build) -> int:
    return added(built, f"{built.name} log", "shop")


def _by_another_party(built: Build) -> int:
    return revoked(built, by="lab")


def _of_another_party(built: Build) -> int:
    return revoked(built, name="lab")


def _twice(built: Build) -> int:
    revoked(built, reason="retired")
    return revoked(built, reason="lost")


def _a_later_time(built: Build) -> int:
    revoked(built, since="2026-01-01T00:00:01Z")
    return revoked(built, since="2026-01-01T00:00:02Z")


def _by_the_key_after_its_end(built: Build) -> int:
    revoked(built, since="2026-01-01T00:00:02Z")
    return revoked(built, by="shop", since="2026-01-01T00:00:01Z")


def _a_key_by_a_suspended_party(built: Build) -> int:
    built.say("party.suspended", "operator", SHOP, {"reason": "fraud"})
    return added(built, "next", "shop")


def _reinstated_by_itself(built: Build) -> int:
    built.say("party.suspended", "operator", SHOP, {"reason": "fraud"})
    return built.say("party.reinstated", "shop", SHOP, {"reason": "error"})


def _the_operator_suspended(built: Build) -> int:
    return built.say("party.suspended", "operator", authority_of(uuid("operator")), {"reason": "fraud"})


def _the_last_ledger_key(built: Build) -> int:
    return built.say("ledger.key_retired", "operator", LEDGER, {"vkey": built.vkey})


def _a_ledger_key_by_a_party(built: Build) -> int:
    return built.say("ledger.key_added", "shop", LEDGER, {"vkey": format_vkey(built.origin, key("x").public)})


CASES = [
    _by_a_revoked_key, _by_a_key_of_the_next_entry, _vouched_for_by_itself, _without_the_new_key, _new_key_first,
    _by_the_operator_beside_one_in_force, _a_key_of_another_party, _the_ledgers_own_key, _by_another_party,
    _of_another_party, _twice, _a_later_time, _by_the_key_after_its_end, _a_key_by_a_suspended_party,
    _reinstated_by_itself, _the_operator_suspended, _the_last_ledger_key, _a_ledger_key_by_a_party,
]  # fmt: skip


@pytest.mark.parametrize("case", CASES, ids=[case.__name__ for case in CASES])
def test_history_and_audit_refuse_it_at_its_index(case: Any) -> None:
    built = made()
    built.say("authentication.certified", "lab", ring(1), {"certificate_no": "1", "result": "authentic", "methods": []})
    assert audited(built).outcome == "disproved"  # no seal yet: the last leaf is an entry
    built.seal()
    assert audited(built).outcome == "proven"
    index = case(built)
    built.seal()
    assert refused(built, ring(1)) == 8
    (found,) = audited(built).findings
    assert (found.check in {"authority", "state"}, found.index, found.disproved) == (True, index, True)


def test_what_only_looks_like_it_is_let_stand() -> None:
    """The same entries with the one thing right: the cases above are refused for nothing else."""
    built = made()
    built.say("party.suspended", "operator", SHOP, {"reason": "fraud"})
    built.say("party.reinstated", "operator", SHOP, {"reason": "error"})
    added(built, "next", "shop")
    revoked(built, by="shop", since="2026-01-01T00:00:02Z")
    revoked(built, since="2026-01-01T00:00:01Z")
    revoked(built, name="next", reason="lost")
    added(built, "again", "operator", by="operator")
    built.say("ledger.key_added", "operator", LEDGER, {"vkey": format_vkey(built.origin, key("x").public)})
    built.seal()
    assert audited(built).outcome == "proven"
    assert shown(built, ring(1)).replay.parties.keys[key("again").did].installed


def test_who_installed_a_key_is_said_by_verify() -> None:
    built = made()
    reader = Reader((parse_vkey(built.vkey),), built.now, Memory(None), subject=ring(1))
    facts = verify(json.dumps(built.history(ring(1))).encode(), "x", reader).facts
    assert facts["installed_by_operator"] == [key("shop").did]
    own = made()
    added(own, "next", "shop")
    own.say("item.registered", "shop", ring(4), {"name": "Ring", "category": "x"}, keys=["next"])
    own.seal()
    reader = Reader((parse_vkey(own.vkey),), own.now, Memory(None), subject=ring(4))
    verdict = verify(json.dumps(own.history(ring(4))).encode(), "x", reader)
    assert verdict.outcome == "proven"
    assert "installed_by_operator" not in verdict.facts


# Doubt, and who causes it.


def test_since_before_the_key_existed_leaves_nothing_of_it_sound() -> None:
    built = made()
    revoked(built, since="1000-01-01T00:00:00Z")
    built.seal()
    assert shown(built, ring(1)).doubtful == tuple(built.of[ring(1)])


def test_dating_a_statement_back_does_not_make_it_sound() -> None:
    built = made()
    since = built.now
    late = built.say("maintenance.performed", "shop", ring(1), WORK, occurred_at="2020-01-01T00:00:00Z")
    revoked(built, since=times.format_recorded(since))
    built.seal()
    assert shown(built, ring(1)).doubtful == (late,)


def test_a_thief_who_revokes_the_honest_key_is_named() -> None:
    built = made()
    added(built, "stolen", "shop")
    stolen_at = times.format_recorded(built.now)
    said = {"key": key("shop").did, "reason": "compromised", "since": "2026-01-01T00:00:00Z"}
    told = built.say("key.revoked", "shop", SHOP, said, keys=["stolen"])
    revoked(built, name="stolen", since=stolen_at)
    built.seal()
    history = shown(built, SHOP)
    # The thief's word is believed, and is itself among the doubtful: it leads to whoever said it.
    assert {one.told for one in shown(built, ring(1)).doubts.values()} == {told}
    assert told in history.doubtful


def test_one_compromised_signature_of_several_is_enough() -> None:
    built = made()
    added(built, "second", "shop")
    both = built.say("maintenance.performed", "shop", ring(1), WORK, keys=["second", "shop"])
    revoked(built, since=times.format_recorded(built.now - times.SECOND))
    built.seal()
    assert shown(built, ring(1)).doubtful == (both,)


# An appender, on both databases.


@pytest.fixture
def shop(database_url: str, tmp_path: Path) -> Iterator[Stall]:
    with stall(database_url, tmp_path) as opened:
        yield opened


def revocation(shop: Stall, name: str = "shop", **more: Any) -> Draft:
    details = {"key": key_of(name).did, "reason": "lost", **more.pop("details", {})}
    return shop.draft("key.revoked", f"{urn('shop')}#authority", details, **{"by": "operator", **more})


def addition(shop: Stall, name: str) -> Draft:
    details = {"key": key_of(name).did, "custody": "self"}
    return shop.draft("key.added", f"{urn('shop')}#authority", details, also=key_of(name))


def said_by(shop: Stall, name: str, item: str) -> Draft:
    """The shop registers an item with the key of this name."""
    return shop.register(item, by=name, party=urn("shop"))


def test_a_revoked_key_says_nothing_more_in_the_same_batch(shop: Stall) -> None:
    outcomes = shop.append(shop.register("before"), revocation(shop), shop.register("after"))
    assert [type(one) for one in outcomes] == [Accepted, Accepted, Forbidden]
    assert isinstance(outcomes[2], PatinaError)
    assert outcomes[2].pointer == "/signatures/0/key"


def test_an_atomic_group_with_its_own_end_in_it_leaves_the_key_in_force(shop: Stall) -> None:
    size = shop.ledger.reader.size()
    (outcomes,) = shop.ledger.writer.append([[revocation(shop), shop.register("after")]])
    assert [type(one) for one in outcomes] == [Refused, Forbidden]
    assert shop.ledger.reader.size() == size
    shop.accept(shop.register("after all"))


def test_a_key_speaks_from_the_entry_after_the_one_that_adds_it(shop: Stall) -> None:
    outcomes = shop.append(said_by(shop, "next", "a"), addition(shop, "next"), said_by(shop, "next", "b"))
    assert [type(one) for one in outcomes] == [Forbidden, Accepted, Accepted]


def test_a_compromise_is_not_said_of_a_time_to_come(shop: Stall) -> None:
    shop.accept(addition(shop, "next"))

    def since(later: int) -> Draft:
        at = times.format_recorded(shop.clock.now + later)
        return revocation(shop, details={"reason": "compromised", "since": at})

    (outcome,) = shop.append(since(5 * times.MINUTE + 1000))
    assert isinstance(outcome, Refused)
    assert outcome.pointer == "/details/since"
    shop.accept(since(5 * times.MINUTE))


def test_the_operators_last_key_ends_only_beside_another(shop: Stall) -> None:
    operator = shop.ledger.operator
    (last,) = shop.ledger.view.parties.parties[operator].keys
    about = f"{operator}#authority"

    def end() -> Draft:
        return shop.draft("key.revoked", about, {"key": last, "reason": "retired"}, by="operator")

    (outcome,) = shop.append(end())
    assert isinstance(outcome, Refused)
    assert (outcome.pointer, outcome.may_follow) == ("/details/key", ("key.added",))
    new = shop.ledger.access.keep_party_key(operator, bytes(32))
    shop.accept(shop.draft("key.added", about, {"key": new.did, "custody": "ledger"}, by="operator", also=new), end())
    assert shop.ledger.view.parties.parties[operator].keys == [new.did]


def test_a_revocation_and_a_statement_race_and_the_log_has_an_order(shop: Stall) -> None:
    """Two processes' writers at once: what the key says stands before its revocation or not at all."""
    other = Stall(shop.url, shop.directory, shop.clock, shop.again())
    shop.accept(*(addition(shop, f"key {number}") for number in range(6)))
    drafts = {n: [said_by(shop, f"key {n}", f"{n} {m}") for m in range(6)] for n in range(6)}
    ends = [revocation(shop, f"key {number}") for number in range(6)]
    outcomes: dict[int, list[Any]] = {}

    def speak() -> None:
        for number, said in drafts.items():
            outcomes[number] = [one for draft in said for one in other.append(draft)]

    thread = threading.Thread(target=speak)
    thread.start()
    ended = [shop.accept(end)[0].index for end in ends]
    thread.join()
    other.ledger.close()
    assert len(outcomes) == 6
    for number, results in outcomes.items():
        for result in results:
            if isinstance(result, Accepted):
                assert result.index < ended[number]
            else:
                assert isinstance(result, Forbidden)
    # Lost, and not said to have been found: nothing is doubtful.
    assert doubt.doubts(shop.ledger.reader.parties()) == {}
