"""The upper levels of the map against the plain recursion, through random updates and rollbacks."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from hashlib import sha256

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, invariant, multiple, rule

from ledger.submap import EMPTY, MapProof, check_map, format_record, map_proof, prove_from, subtree
from ledger.top import MAX_BITS, Top, bucket_of, bucket_range
from tests.reference import submap as reference
from tests.test_submap import proof_of, records_of

BITS = 4
# Some in the same bucket of four bits, some in the next, most with buckets of their own.
keys = st.integers(0, 2**256 - 1).map(lambda n: n.to_bytes(32, "big")) | st.tuples(
    st.sampled_from([0x00, 0x01, 0x10, 0x12, 0xF0, 0xF8, 0xFF]), st.sampled_from([0x00, 0x80, 0xFF])
).map(lambda start: bytes(start) + bytes(30))
values = st.tuples(st.integers(1, 99), st.integers(0, 99))
maps = st.dictionaries(keys, values, max_size=10)


def in_bucket(entries: reference.Map, bucket: int, bits: int) -> list[bytes]:
    first, last = bucket_range(bucket, bits)
    return [record for record in records_of(entries) if first <= record[:32] <= last]


def rows(entries: reference.Map, buckets: Iterable[int], bits: int) -> Iterator[tuple[int, int, bytes]]:
    """What the database stores of these buckets."""
    for bucket in buckets:
        yield bucket, *subtree(in_bucket(entries, bucket, bits), bits)


def touched(entries: Iterable[bytes], bits: int) -> set[int]:
    return {bucket_of(key, bits) for key in entries}


def proof_from(top: Top, entries: reference.Map, key: bytes) -> MapProof:
    """A proof as a reader of the ledger puts it together."""
    bucket = bucket_of(key, top.bits)
    siblings, place = top.siblings(bucket), top.descend(bucket)
    records = [] if place is None else in_bucket(entries, place, top.bits)
    lower, alone = prove_from(records, key, len(siblings))
    return map_proof(key, siblings + lower, alone)


@given(maps, keys, st.integers(1, 6))
def test_root_and_proofs_are_those_of_the_recursion(entries: reference.Map, absent: bytes, bits: int) -> None:
    top = Top.build(bits, rows(entries, touched(entries, bits), bits))
    assert top.root == reference.node(entries)
    for key in [*entries, absent]:
        proof = proof_from(top, entries, key)
        assert proof == proof_of(entries, key)
        assert check_map(top.root, key, proof) == entries.get(key, (0, None))


@given(maps, maps)
def test_an_update_gives_what_building_gives(before: reference.Map, change: reference.Map) -> None:
    after = before | change
    top = Top.build(BITS, rows(before, touched(before, BITS), BITS))
    top.update(rows(after, touched(change, BITS), BITS))
    built = Top.build(BITS, rows(after, touched(after, BITS), BITS))
    assert top._hashes == built._hashes
    assert top._classes == built._classes


@given(maps, st.integers(0, 15))
def test_a_bucket_can_be_emptied(entries: reference.Map, bucket: int) -> None:
    top = Top.build(BITS, rows(entries, range(16), BITS))
    top.update([(bucket, 0, EMPTY)])
    left = {key: value for key, value in entries.items() if bucket_of(key, BITS) != bucket}
    assert top.root == reference.node(left)


def test_a_bucket_set_twice_in_one_update() -> None:
    key = bytes(32)
    top = Top(BITS)
    one, two = (subtree([format_record(key, count, 5)], BITS) for count in (1, 2))
    undo = top.update([(0, *one), (0, *two)])
    assert top.root == two[1]
    top.revert(undo)
    # Not the root alone: the bucket itself is empty again.
    assert top._hashes == Top(BITS)._hashes
    assert top._classes == Top(BITS)._classes


class Rollbacks(RuleBasedStateMachine):
    """Updates, each of which may be taken back as long as no later one stands."""

    added = Bundle("added")

    def __init__(self) -> None:
        super().__init__()
        self.top = Top(BITS)
        self.entries: list[reference.Map] = [{}]
        self.undo: list[list[tuple[int, int, bytes]]] = []

    @rule(target=added, change=maps)
    def update(self, change: reference.Map) -> object:
        after = self.entries[-1] | change
        self.undo.append(self.top.update(rows(after, touched(change, BITS), BITS)))
        self.entries.append(after)
        return multiple(*change)

    @rule(key=added, value=values)
    def update_again(self, key: bytes, value: tuple[int, int]) -> None:
        self.update({key: value})

    @rule()
    def revert(self) -> None:
        if self.undo:
            self.top.revert(self.undo.pop())
            self.entries.pop()

    @invariant()
    def root_is_that_of_the_recursion(self) -> None:
        assert self.top.root == reference.node(self.entries[-1])

    @rule(key=added | keys)
    def proof_is_that_of_the_recursion(self, key: bytes) -> None:
        assert proof_from(self.top, self.entries[-1], key) == proof_of(self.entries[-1], key)


TestRollbacks = Rollbacks.TestCase
TestRollbacks.settings = settings(max_examples=25, stateful_step_count=15, deadline=None)


def test_a_lone_key_rises_above_its_bucket() -> None:
    """What a small ledger meets at every step: two keys in far buckets, and every place between."""
    left, right = bytes(32), b"\xff" * 32
    entries = {left: (1, 1), right: (2, 2)}
    top = Top.build(18, rows(entries, [0, 2**18 - 1], 18))
    assert top.siblings(0) == [reference.node({right: (2, 2)})]
    assert top.descend(0) == 0
    assert top.descend(2**17 - 1) == 0
    assert top.descend(2**17) == 2**18 - 1
    assert Top(18).descend(5) is None
    assert Top(18).siblings(5) == []


def test_an_empty_place_below_others() -> None:
    entries = {bytes([first]) + bytes(31): (1, first) for first in (0x00, 0x10, 0x40)}
    top = Top.build(BITS, rows(entries, range(16), BITS))
    assert top.descend(0x8) is None
    assert top.siblings(0x8) == [reference.node(entries, 1)]
    assert top.descend(0x2) is None
    assert top.descend(0x6) == 0x4


def test_all_buckets_of_the_default_size() -> None:
    """Every node of 2^18 buckets is a branch; the tree over them is computed level by level."""
    top = Top.build(18, ((bucket, 2, bucket.to_bytes(32, "big") if bucket else b"\1" * 32) for bucket in range(2**18)))
    level = [bucket.to_bytes(32, "big") if bucket else b"\1" * 32 for bucket in range(2**18)]
    while len(level) > 1:
        level = [sha256(b"\3" + level[n] + level[n + 1]).digest() for n in range(0, len(level), 2)]
    assert top.root == level[0]


@given(keys, st.integers(1, MAX_BITS))
def test_buckets_are_the_first_bits(key: bytes, bits: int) -> None:
    bucket = bucket_of(key, bits)
    assert f"{bucket:0{bits}b}" == f"{int.from_bytes(key, 'big'):0256b}"[:bits]
    assert bucket_of(format_record(key, 1, 2), bits) == bucket
    first, last = bucket_range(bucket, bits)
    assert first <= key <= last
    assert bucket_of(first, bits) == bucket_of(last, bits) == bucket
    assert len(first) == len(last) == 32
    # The keys just outside belong to the buckets beside it.
    below, above = int.from_bytes(first, "big") - 1, int.from_bytes(last, "big") + 1
    assert bucket == 0 or bucket_of(below.to_bytes(32, "big"), bits) == bucket - 1
    assert bucket == (1 << bits) - 1 or bucket_of(above.to_bytes(32, "big"), bits) == bucket + 1


@pytest.mark.parametrize("bits", [0, -1, MAX_BITS + 1])
def test_sizes_that_make_no_sense(bits: int) -> None:
    with pytest.raises(AssertionError, match="bits"):
        Top(bits)


@pytest.mark.parametrize("row", [(0, 0, b"\1" * 32), (0, 1, EMPTY), (0, 2, EMPTY), (0, 1, b"\1" * 31)])
def test_rows_that_contradict_themselves(row: tuple[int, int, bytes]) -> None:
    with pytest.raises(AssertionError, match="32 bytes"):
        Top(BITS).update([row])
