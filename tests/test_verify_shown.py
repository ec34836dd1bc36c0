"""Bundles whose parts do not fit one another: each part is right, and only one check of what is shown refuses them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from ledger import canonical, merkle
from ledger.note import format_vkey
from tests.build import ORIGIN, Build, key, ring, uuid
from tests.test_audit_checks import made
from tests.test_verify_history import check

Bundle = dict[str, Any]


def _twice(ledger: Build) -> Bundle:
    bundle = ledger.history(ring(1))
    bundle["histories"].append(bundle["histories"][1])
    return bundle


def _subject_not_first(ledger: Build) -> Bundle:
    bundle = ledger.history(ring(1))
    bundle["histories"].reverse()
    return bundle


def _authority_left_out(ledger: Build) -> Bundle:
    bundle = ledger.history(ring(1))
    del bundle["histories"][1]
    return bundle


def _a_history_too_many(ledger: Build) -> Bundle:
    ledger.item(ring(2))
    ledger.seal()
    bundle = ledger.history(ring(1))
    bundle["histories"].append(ledger.history(ring(2))["histories"][0])
    return bundle


def _an_entry_of_another(ledger: Build) -> Bundle:
    """In the place of the item's first entry one about another item, which its second does not chain to."""
    ledger.item(ring(2))
    ledger.seal()
    bundle = ledger.history(ring(1))
    bundle["histories"][0]["entries"][0] = ledger.leaves[ledger.of[ring(2)][0]].decode()
    return bundle


def _two_entries_0(ledger: Build) -> Bundle:
    """A second entry 0, with another time, that an entry about the ledger chains to in the first one's place."""
    other = canonical.decode(ledger.leaves[0]) | {"recorded_at": "2026-01-01T00:00:00.001Z"}
    raw = canonical.encode(other)
    vkey = format_vkey(ORIGIN, key("second log").public)

    def chained(leaf: dict[str, Any]) -> None:
        leaf["links"][0]["prev"] = merkle.leaf_hash(raw).hex()

    ledger.say("ledger.key_added", "operator", uuid("ledger ledger"), {"vkey": vkey}, change=chained)
    ledger.seal()
    bundle = ledger.history(ring(1))
    shown = next(part for part in bundle["histories"] if part["subject"] == uuid("ledger ledger"))
    shown["entries"][0] = raw.decode()
    return bundle


CASES: dict[str, tuple[int, str, Callable[[Build], Bundle]]] = {
    "a history twice": (4, "twice", _twice),
    "the subject's history not first": (4, "not the subject's", _subject_not_first),
    "the authority of a signer left out": (8, "missing: urn:uuid:", _authority_left_out),
    "a history that the check does not need": (8, "missing: none", _a_history_too_many),
    "an entry about another item": (6, "the chain is broken at seq 0", _an_entry_of_another),
    "another entry 0 in the ledger's own history": (6, "two entries of one index", _two_entries_0),
}


@pytest.mark.parametrize("name", CASES)
def test_only_the_check_meant_refuses(name: str) -> None:
    number, message, spoil = CASES[name]
    ledger = made()
    verdict = check(spoil(ledger), ledger, subject=ring(1))
    assert ([finding.check for finding in verdict.findings], verdict.exit_code) == ([number], 1)
    assert message in verdict.findings[0].why
