"""What a reader who pinned a retired key is told: a document's own word where nothing is proved, a fact where it is."""

from __future__ import annotations

import json

import pytest

from ledger import canonical
from ledger.note import format_vkey, parse_vkey
from ledger.party import Parties
from tests.build import ORIGIN, Build, key, uuid
from verifier.retired import claimed_retirement, key_facts, key_notes

OLD, NEW = (format_vkey(ORIGIN, key(name).public) for name in ("old", "new"))
SHORT = "+".join(OLD.split("+")[:2])
"""Name and key id, without the key."""


def said(kind: str, vkey: str) -> str:
    """An entry in which the ledger says this of a key of its own."""
    made = Build()
    index = made.say(kind, "operator", uuid("ledger ledger"), {"vkey": vkey})
    return made.leaves[index].decode()


def test_the_retirement_of_a_pinned_key_is_told() -> None:
    retired = said("ledger.key_retired", OLD)
    told = claimed_retirement([said("ledger.key_added", NEW), retired], [parse_vkey(NEW), parse_vkey(OLD)])
    assert f"leaf {canonical.decode(retired.encode())['index']} retired the pinned key {SHORT}:" in told
    assert f"{SHORT}+" not in told


@pytest.mark.parametrize(
    "text",
    [
        said("ledger.key_retired", NEW),
        said("ledger.key_added", OLD),
        "",
        "[]",
        "{}",
        "[" * 100_000,
        json.dumps({"index": "x", "statement": {"type": "ledger.key_retired", "details": {"vkey": OLD}}}),
        json.dumps({"index": 7, "statement": {"type": "ledger.key_retired", "details": []}}),
    ],
)
def test_anything_else_tells_nothing(text: str) -> None:
    assert claimed_retirement([text], [parse_vkey(OLD)]) == ""


def test_proved_retirements_are_notes_and_what_is_in_force_a_fact() -> None:
    parties = Parties(vkeys={OLD: 9, NEW: None})
    stranger = parse_vkey(format_vkey(ORIGIN, key("stranger").public))
    notes = key_notes(parties, [parse_vkey(OLD), parse_vkey(NEW), stranger])
    assert notes == (f"the pinned key {SHORT} was retired at leaf 9 and vouches for nothing: pin it no longer",)
    assert key_facts(parties) == {"vkeys": [NEW]}
