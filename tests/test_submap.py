"""The subject map against the plain recursion of format.md §6, the vectors, and proofs that are wrong in one thing."""

from __future__ import annotations

import json
from base64 import b64encode
from dataclasses import replace
from hashlib import sha256
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.errors import Disproved, Malformed
from ledger.submap import (
    EMPTY,
    MAX_NUMBER,
    MapProof,
    Other,
    branch,
    check_map,
    format_map_proof,
    format_record,
    key_of,
    lone,
    map_proof,
    parse_map_proof,
    parse_record,
    prove_from,
    prove_map,
    root_of,
    subtree,
)
from tests.reference import submap as reference
from tests.vectors import vector

# Keys that agree in very many of their first bits, as no real ones do, and some that do not.
near = st.integers(0, 255).flatmap(
    lambda place: st.integers(0, 3).map(lambda low: (1 << place ^ low).to_bytes(32, "big"))
)
keys = near | st.binary(min_size=32, max_size=32) | st.integers(0, 9).map(lambda n: sha256(bytes([n])).digest())
values = st.tuples(st.integers(1, MAX_NUMBER), st.integers(0, MAX_NUMBER))
maps = st.dictionaries(keys, values, max_size=12)


def records_of(entries: reference.Map) -> list[bytes]:
    return sorted(format_record(key, *value) for key, value in entries.items())


def proof_of(entries: reference.Map, key: bytes) -> MapProof:
    """The proof by the plain recursion."""
    siblings, alone = reference.siblings(entries, key)
    if key in alone:
        return MapProof(*alone[key], tuple(siblings))
    others = [Other(other, *value) for other, value in alone.items()]
    return MapProof(0, None, tuple(siblings), others[0] if others else None)


def test_root_of_the_vector_ledger() -> None:
    ledger = vector("patina-format/ledger.json")
    entries = {bytes.fromhex(item["key"]): (item["count"], item["last"]) for item in ledger["map_items"]}
    assert root_of(records_of(entries)).hex() == ledger["map_root"]
    assert reference.node(entries).hex() == ledger["map_root"]


def test_proofs_of_the_vector_ledger() -> None:
    ledger = vector("patina-format/ledger.json")
    entries = {bytes.fromhex(item["key"]): (item["count"], item["last"]) for item in ledger["map_items"]}
    proofs = 0
    for history in ledger["histories"]:
        root = bytes.fromhex(json.loads(history["tail"]["entry"])["map_root"])
        for part in history["histories"]:
            key, proof = key_of(part["subject"]), parse_map_proof(part["map"])
            assert check_map(root, key, proof) == (part["map"]["count"], part["map"]["last"])
            assert format_map_proof(proof) == part["map"]
            assert proof == prove_map(records_of(entries), key)
            proofs += 1
    assert proofs == 8


def test_proofs_of_the_wrong_histories() -> None:
    refused = set()
    for case in vector("patina-format/wrong.json")["cases"]:
        history = case.get("history", {"histories": []})
        for part in history["histories"]:
            root = bytes.fromhex(json.loads(history["tail"]["entry"]).get("map_root", "00" * 32))
            try:
                check_map(root, key_of(part["subject"]), parse_map_proof(part["map"]))
            except Disproved:
                refused.add(case["name"])
    assert refused >= {"drop_newest_lie", "sib", "absent_lie"}
    assert refused.isdisjoint({"drop_newest", "swap", "badsig", "disc", "edited"})


def test_the_root_of_nothing_and_of_one() -> None:
    assert root_of([]) == EMPTY == bytes(32)
    key = key_of("urn:uuid:120a2e06-367e-7c4c-84f5-a0974d40644c")
    assert key == sha256(b"urn:uuid:120a2e06-367e-7c4c-84f5-a0974d40644c").digest()
    assert root_of([format_record(key, 5, 7)]) == lone(key, 5, 7)
    assert lone(key, 5, 7) == sha256(b"\2" + key + bytes(7) + b"\5" + bytes(7) + b"\7").digest()
    assert branch(key, EMPTY) == sha256(b"\3" + key + EMPTY).digest()


@given(keys, values)
def test_records_round_trip(key: bytes, value: tuple[int, int]) -> None:
    record = format_record(key, *value)
    assert len(record) == 48
    assert parse_record(record) == (key, *value)


@given(maps)
def test_roots_are_those_of_the_recursion(entries: reference.Map) -> None:
    records = records_of(entries)
    assert root_of(records) == reference.node(entries)
    assert subtree(records, 0) == (min(2, len(entries)), reference.node(entries))


@given(maps, st.integers(0, 40), st.integers(0, 2**40 - 1))
def test_subtrees_are_those_of_the_recursion(entries: reference.Map, depth: int, prefix: int) -> None:
    # The same keys moved below one place at this depth.
    low = (1 << 256 - depth) - 1
    moved = {
        ((prefix % (1 << depth)) << 256 - depth | int.from_bytes(key, "big") & low).to_bytes(32, "big"): value
        for key, value in entries.items()
    }
    assert subtree(records_of(moved), depth) == (min(2, len(moved)), reference.node(moved, depth))


@given(maps, keys)
def test_proofs_are_those_of_the_recursion_and_hold(entries: reference.Map, absent: bytes) -> None:
    records, root = records_of(entries), reference.node(entries)
    for key in [*entries, absent]:
        proof = prove_map(records, key)
        assert proof == proof_of(entries, key)
        assert check_map(root, key, proof) == entries.get(key, (0, None))
        assert parse_map_proof(json.loads(json.dumps(format_map_proof(proof)))) == proof


@given(maps.filter(lambda entries: len(entries) > 1), st.integers(0, 9))
def test_a_proof_in_two_parts(entries: reference.Map, depth: int) -> None:
    for key in entries:
        upper, _ = reference.siblings(entries, key)
        depth = min(depth, len(upper))
        place = int.from_bytes(key, "big") >> 256 - depth
        below = [record for record in records_of(entries) if int.from_bytes(record[:32], "big") >> 256 - depth == place]
        lower, alone = prove_from(below, key, depth)
        assert map_proof(key, [*upper[:depth], *lower], alone) == proof_of(entries, key)


def test_one_key_twice_is_a_broken_invariant() -> None:
    records = [format_record(bytes(32), 1, 1), format_record(bytes(32), 2, 2)]
    for use in (root_of, lambda found: prove_map(found, bytes(32))):
        with pytest.raises(AssertionError, match="one key"):
            use(records)


# A map of three keys, of which the first two agree in three bits: the places of proofs by hand.
A, B, C = (bytes([first]) + bytes(31) for first in (0b0000_0000, 0b0001_0000, 0b1000_0000))
ABSENT = bytes([0b0110_0000]) + bytes(31)
THREE = {A: (2, 9), B: (1, 4), C: (3, 8)}
ROOT = reference.node(THREE)


def refused(root: bytes, key: bytes, proof: MapProof, why: str) -> None:
    with pytest.raises(Disproved, match=why) as error:
        check_map(root, key, proof)
    assert error.value.check == "map"


def test_a_wrong_value_or_sibling_does_not_reach_the_root() -> None:
    proof = prove_map(records_of(THREE), A)
    assert check_map(ROOT, A, proof) == (2, 9)
    refused(ROOT, A, replace(proof, count=1), "reach")
    refused(ROOT, A, replace(proof, last=8), "reach")
    refused(ROOT, B, proof, "reach")
    refused(reference.node({A: (2, 9), C: (3, 8)}), A, proof, "reach")
    refused(ROOT, A, replace(proof, siblings=proof.siblings[1:]), "reach")
    refused(ROOT, A, replace(proof, siblings=(EMPTY, *proof.siblings)), "reach")
    for place in range(len(proof.siblings)):
        changed = list(proof.siblings)
        changed[place] = bytes([changed[place][0] ^ 1]) + changed[place][1:]
        refused(ROOT, A, replace(proof, siblings=tuple(changed)), "reach")


def test_a_present_key_is_not_shown_absent() -> None:
    """By the key itself: the hashes reach the root, and only the second check refuses."""
    proof = prove_map(records_of(THREE), A)
    refused(ROOT, A, replace(proof, count=0, last=None, other=Other(A, 2, 9)), "another place")
    refused(ROOT, A, replace(proof, count=0, last=None), "reach")


def test_the_other_key_stands_where_this_one_would() -> None:
    """Under a root made for the purpose the hashes agree, and only the second check refuses."""
    other = Other(C, 3, 8)
    beside = lone(B, 1, 4)
    proof = MapProof(0, None, (beside,), other)
    root = branch(lone(C, 3, 8), beside)
    refused(root, A, proof, "another place")
    # The same siblings with a key that does belong there.
    belongs = Other(ABSENT, 3, 8)
    assert check_map(branch(lone(ABSENT, 3, 8), beside), A, replace(proof, other=belongs)) == (0, None)
    # Without siblings the whole map is one key, and every place is its.
    assert check_map(lone(C, 3, 8), A, MapProof(0, None, (), other)) == (0, None)


def test_the_other_key_agrees_in_every_bit_of_the_way() -> None:
    """The last bit counts: B and A part at the fourth."""
    proof = prove_map(records_of(THREE), A)
    assert len(proof.siblings) == 4
    crafted = replace(proof, count=0, last=None, other=Other(B, 1, 4))
    node = lone(B, 1, 4)
    for sibling in reversed(crafted.siblings):
        node = branch(node, sibling)
    refused(node, A, crafted, "another place")


def test_a_proof_is_not_deeper_than_the_map() -> None:
    """Under a root made for the purpose only the third check refuses."""
    refused(branch(lone(A, 2, 9), EMPTY), A, MapProof(2, 9, (EMPTY,)), "deeper")
    refused(branch(EMPTY, EMPTY), A, MapProof(0, None, (EMPTY,)), "deeper")
    # Higher up an empty place is usual: A and B share three bits.
    siblings = prove_map(records_of({A: (2, 9), B: (1, 4)}), A).siblings
    assert siblings == (EMPTY, EMPTY, EMPTY, lone(B, 1, 4))


def wide(count: int, last: int) -> bytes:
    return sha256(b"\2" + A + count.to_bytes(8, "big") + last.to_bytes(8, "big")).digest()


@pytest.mark.parametrize(
    ("root", "proof"),
    [
        (lone(A, 2, 9), MapProof(2, 9, (), Other(C, 3, 8))),
        (lone(A, 2, 9), MapProof(2, 9, (), Other(A, 2, 9))),
        (wide(0, 9), MapProof(0, 9, ())),
        (EMPTY, MapProof(2, None, ())),
        (EMPTY, MapProof(-1, None, ())),
        (wide(MAX_NUMBER + 1, 9), MapProof(MAX_NUMBER + 1, 9, ())),
        (wide(2, MAX_NUMBER + 1), MapProof(2, MAX_NUMBER + 1, ())),
        (EMPTY, MapProof(-1, 9, ())),
        (EMPTY, MapProof(2, -1, ())),
        (wide(0, 4), MapProof(0, None, (), Other(A, 0, 4))),
        (wide(1, MAX_NUMBER + 1), MapProof(0, None, (), Other(A, 1, MAX_NUMBER + 1))),
        (sha256(b"\3" + lone(A, 2, 9) + b"\1" * 31).digest(), MapProof(2, 9, (b"\1" * 31,))),
        (sha256(b"\3" + lone(A, 2, 9) + b"\1" * 33).digest(), MapProof(2, 9, (b"\1" * 33,))),
        (EMPTY, MapProof(2, 9, (b"\1" * 32,) * 257)),
    ],
)
def test_a_proof_out_of_form_is_refused(root: bytes, proof: MapProof) -> None:
    """Whatever can be hashed reaches its root, so that only the first check refuses."""
    refused(root, bytes([0]) + b"\1" * 31 if proof.count == 0 and proof.other else A, proof, "out of form")


def test_the_longest_proof() -> None:
    """Two keys that part in their last bit have 256 siblings, and no map has more."""
    entries = {bytes(32): (1, 1), bytes(31) + b"\1": (2, 2)}
    proof = prove_map(records_of(entries), bytes(32))
    assert len(proof.siblings) == 256
    assert check_map(reference.node(entries), bytes(32), proof) == (1, 1)
    assert parse_map_proof(format_map_proof(proof)) == proof


HASH = b64encode(b"\1" * 32).decode()
PRESENT = {"count": 2, "last": 9, "siblings": [HASH], "other": None}
MISSING = {"count": 0, "last": None, "siblings": [HASH], "other": {"key": "0a" * 32, "count": 1, "last": 0}}


def test_what_a_history_carries() -> None:
    assert parse_map_proof(PRESENT) == MapProof(2, 9, (b"\1" * 32,))
    assert parse_map_proof(MISSING) == MapProof(0, None, (b"\1" * 32,), Other(b"\x0a" * 32, 1, 0))
    assert parse_map_proof(MISSING | {"other": None}) == MapProof(0, None, (b"\1" * 32,))


@pytest.mark.parametrize(
    "value",
    [
        None,
        [],
        {},
        {name: PRESENT[name] for name in ("count", "last", "siblings")},
        PRESENT | {"more": 1},
        PRESENT | {"count": 0},
        PRESENT | {"count": -1},
        PRESENT | {"count": True},
        PRESENT | {"count": 1.0},
        PRESENT | {"count": "2"},
        PRESENT | {"count": None},
        PRESENT | {"count": MAX_NUMBER + 1},
        PRESENT | {"last": None},
        PRESENT | {"last": -1},
        PRESENT | {"last": False},
        PRESENT | {"last": MAX_NUMBER + 1},
        PRESENT | {"other": MISSING["other"]},
        PRESENT | {"siblings": None},
        PRESENT | {"siblings": HASH},
        PRESENT | {"siblings": [HASH] * 257},
        PRESENT | {"siblings": [None]},
        PRESENT | {"siblings": [""]},
        PRESENT | {"siblings": [HASH[:-1]]},
        PRESENT | {"siblings": [HASH[:-2] + "F="]},  # bits behind the last byte
        PRESENT | {"siblings": [HASH[:-1] + "\n"]},
        PRESENT | {"siblings": [HASH[:-1] + "A"]},  # 33 bytes
        PRESENT | {"siblings": ["_" + HASH[1:]]},
        PRESENT | {"siblings": ["\u0661" + HASH[1:]]},
        MISSING | {"count": False},
        MISSING | {"last": 0},
        MISSING | {"other": {}},
        MISSING | {"other": [1]},
        MISSING | {"other": {"key": "0a" * 32, "count": 1, "last": 0, "more": 1}},
        MISSING | {"other": {"key": "0a" * 31, "count": 1, "last": 0}},
        MISSING | {"other": {"key": "0A" * 32, "count": 1, "last": 0}},
        MISSING | {"other": {"key": "\u0661" * 64, "count": 1, "last": 0}},
        MISSING | {"other": {"key": 1, "count": 1, "last": 0}},
        MISSING | {"other": {"key": "0a" * 32, "count": 0, "last": 0}},
        MISSING | {"other": {"key": "0a" * 32, "count": 1, "last": None}},
    ],
)
def test_other_values_are_refused(value: Any) -> None:
    with pytest.raises(Malformed):
        parse_map_proof(value)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=50) | st.just(HASH),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from([*PRESENT, "key"]), inner),
    max_leaves=8,
)


@given(st.fixed_dictionaries(dict.fromkeys(PRESENT, json_values)) | json_values, keys)
def test_only_our_errors(value: Any, key: bytes) -> None:
    try:
        proof = parse_map_proof(value)
    except Malformed:
        return
    assert format_map_proof(proof) == value
    if proof.siblings:
        with pytest.raises(Disproved):
            check_map(EMPTY, key, proof)
