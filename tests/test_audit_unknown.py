"""What a later version may bring is "could not tell", and everything that does not rest on it is still checked (§9)."""

from __future__ import annotations

from base64 import b64encode
from typing import Any

import pytest

from ledger import canonical
from ledger.dsse import sign_statement
from ledger.note import COSIGNATURE, format_vkey
from ledger.uri import authority_of
from tests.build import ORIGIN, Build, Leaf, key, ring, uuid
from tests.listed import audited
from tests.test_audit_checks import WORK, made
from verifier.findings import Verdict

P256 = "did:key:zDnaerDaTF5BXEavCrfRZEk316dpbLsfPDZ3WJ5hRTPFU2169"
"""A P-256 key, from the did:key specification."""


def _checks(verdict: Verdict) -> list[tuple[Any, bool]]:
    return [(finding.check, finding.disproved) for finding in verdict.findings]


def by_p256(leaf: Leaf) -> None:
    leaf["signatures"][-1] = {"key": P256, "sig": b64encode(bytes(64)).decode()}


def test_a_leaf_of_a_later_version_could_not_be_told() -> None:
    ledger = made()
    ledger.seal(lambda leaf: leaf.update(v=2, extra="x"))
    verdict = audited(ledger)
    assert (_checks(verdict), verdict.exit_code) == ([("version", False)], 2)


def test_the_version_never_falls() -> None:
    ledger = made()
    ledger.seal(lambda leaf: leaf.update(v=2))
    index = ledger.seal()
    verdict = audited(ledger)
    assert _checks(verdict) == [("version", False), ("version", True)]
    assert (verdict.findings[1].index, verdict.exit_code) == (index, 1)


def test_the_version_never_falls_among_later_ones_either() -> None:
    ledger = made()
    ledger.seal(lambda leaf: leaf.update(v=3))
    index = ledger.seal(lambda leaf: leaf.update(v=2))
    ledger.seal(lambda leaf: leaf.update(v=3))
    verdict = audited(ledger)
    assert [(finding.index, finding.disproved) for finding in verdict.findings] == [(index - 1, False), (index, True)]


def test_what_rests_on_a_leaf_of_a_later_version_is_not_disproved() -> None:
    ledger = made()
    # An entry that in version 2 might add the stranger's key.
    ledger.say("maintenance.performed", "shop", ring(1), WORK, change=lambda leaf: leaf.update(v=2))
    ledger.say("maintenance.performed", "shop", ring(1), WORK, keys=["stranger"], change=lambda leaf: leaf.update(v=2))
    assert _checks(audited(ledger)) == [("version", False)]
    later = made()
    later.say("maintenance.performed", "shop", ring(1), WORK, change=lambda leaf: leaf.update(v=2))
    later.say("maintenance.performed", "shop", ring(1), WORK, keys=["stranger"])
    later.seal(lambda leaf: leaf.update(map_root="cd" * 32))
    assert _checks(audited(later)) == [("version", False), ("version", True), ("authority", False), ("seal", False)]


def test_what_does_not_rest_on_it_is_disproved() -> None:
    ledger = made()
    ledger.say("maintenance.performed", "shop", ring(1), WORK, change=lambda leaf: leaf.update(v=2))
    ledger.seal(lambda leaf: leaf.update(v=2, prev="ab" * 32))
    ledger.seal(lambda leaf: leaf.update(prev="ab" * 32))
    assert ("prev", True) in _checks(audited(ledger))


def test_what_came_before_it_is_disproved() -> None:
    ledger = made()
    ledger.say("maintenance.performed", "shop", ring(1), WORK, keys=["stranger"])
    ledger.seal(lambda leaf: leaf.update(v=2))
    assert _checks(audited(ledger)) == [("authority", True), ("version", False)]


def test_an_unknown_type_could_not_be_told() -> None:
    ledger = made()
    ledger.say("item.engraved", "shop", ring(1), {"text": "x"})
    ledger.seal()
    assert _checks(audited(ledger)) == [("type", False)]


def test_an_unknown_type_by_a_key_not_in_force_is_disproved() -> None:
    ledger = made()
    ledger.say("item.engraved", "shop", ring(1), keys=["stranger"])
    ledger.seal()
    assert _checks(audited(ledger)) == [("authority", True), ("type", False)]


def test_the_holder_may_say_an_unknown_type_and_nobody_else_for_her() -> None:
    ledger = made()
    ledger.hold("item.praised", ring(1), {})
    ledger.seal()
    assert _checks(audited(ledger)) == [("type", False)]
    holder, grant = ledger.holders[ring(1)]
    ledger.say("item.praised", ring(1), ring(1), keys=["stranger"], grant=grant)
    ledger.say("item.praised", ring(2), ring(2), keys=[holder], grant=grant)
    ledger.seal()
    assert _checks(audited(ledger)) == [("type", False), ("authority", True)]


def test_what_the_state_refuses_after_an_unknown_type_is_not_disproved() -> None:
    ledger = made()
    ledger.say("item.engraved", "shop", ring(1))
    ledger.item(ring(1))
    ledger.seal()
    assert _checks(audited(ledger)) == [("type", False), ("state", False)]
    ledger.item(ring(2))
    index = ledger.item(ring(2))
    ledger.seal()
    verdict = audited(ledger)
    assert (_checks(verdict)[-1], verdict.findings[-1].index) == (("state", True), index)


def test_a_party_that_said_something_unknown_is_concerned() -> None:
    ledger = made()
    disputed = canonical.decode(ledger.leaves[ledger.of[ring(1)][0]])["statement"]["id"]
    ledger.say("item.engraved", "lab", ring(1))
    ledger.say("statement.disputed", "lab", ring(1), {"disputes": disputed, "reason": "not_so"})
    ledger.seal()
    assert ("authority", True) not in _checks(audited(ledger))


def test_unknown_members_of_details_could_not_be_told() -> None:
    ledger = made()
    ledger.say("maintenance.performed", "shop", ring(1), {**WORK, "mood": "good"})
    ledger.seal()
    assert _checks(audited(ledger)) == [("details", False)]


def test_what_a_key_of_an_unknown_type_signs_could_not_be_told() -> None:
    ledger = made()
    authority = authority_of(uuid("shop"))
    ledger.say("key.added", "shop", authority, {"key": P256, "custody": "self"}, keys=["shop", "x"], change=by_p256)
    ledger.say("maintenance.performed", "shop", ring(1), WORK, change=by_p256)
    # The unknown key might have added this one.
    ledger.say("maintenance.performed", "shop", ring(1), WORK, keys=["stranger"])
    ledger.seal()
    assert {disproved for _, disproved in _checks(audited(ledger))} == {False}
    ledger.item(ring(2), "rival")
    ledger.seal()
    assert ("authority", True) in _checks(audited(ledger))


def test_what_a_holder_of_an_unknown_key_type_does_could_not_be_told() -> None:
    ledger = made()
    ledger.item(ring(2))
    details = {"channel": "store", "holder_key": P256, "holder_custody": "device"}
    sold = ledger.say("item.sold", "shop", ring(2), details)
    ledger.holders[ring(2)] = ("x", ledger.hashes[sold].hex())
    transfer = {"holder_key": key("y").did, "holder_custody": "device"}

    def by_p256_and_y(leaf: Leaf) -> None:
        statement = canonical.encode(leaf["statement"])
        leaf["signatures"] = [{"key": P256, "sig": b64encode(bytes(64)).decode()}, sign_statement(statement, key("y"))]

    moved = ledger.hold("item.transferred", ring(2), transfer, change=by_p256_and_y)
    ledger.holders[ring(2)] = ("y", ledger.hashes[moved].hex())
    ledger.hold("item.reported_lost", ring(2), {})
    ledger.seal()
    assert {disproved for _, disproved in _checks(audited(ledger))} == {False}


def test_what_rests_on_what_rests_on_something_unknown_is_not_disproved() -> None:
    ledger = made()
    # It may have ended the holding, so that the shop may have sold the ring again, and that holder may speak.
    ledger.say("item.bought_back", "shop", ring(1))
    ledger.sell(ring(1), "second receipt")
    ledger.hold("item.reported_lost", ring(1), {})
    ledger.seal()
    assert _checks(audited(ledger)) == [("type", False), ("state", False), ("authority", False)]


def test_a_ledger_key_of_an_unknown_type_could_not_be_told() -> None:
    ledger = made()
    witness = format_vkey(ORIGIN, key("x").public, COSIGNATURE)
    ledger.say("ledger.key_added", "operator", uuid("ledger ledger"), {"vkey": witness})
    ledger.seal()
    assert _checks(audited(ledger)) == [("state", False)]


@pytest.mark.parametrize("key_name", ["did:web:example.com", "did:key:z6Mk", "x"])
def test_a_key_out_of_form_is_disproved(key_name: str) -> None:
    ledger = made()

    def change(leaf: Leaf) -> None:
        leaf["signatures"][0]["key"] = key_name

    ledger.say("maintenance.performed", "shop", ring(1), WORK, change=change)
    ledger.seal()
    assert ("signature", True) in _checks(audited(ledger))
    assert ("authority", True) in _checks(audited(ledger))


def test_an_unknown_entry_0_could_not_be_told() -> None:
    ledger = Build(first={"key": P256}, change=by_p256)
    assert {disproved for _, disproved in _checks(audited(ledger))} == {False}
