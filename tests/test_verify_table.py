"""The mapped tables against a dictionary, the heads against the plain map, and the tree against the plain tree."""

from __future__ import annotations

import random
from hashlib import sha256
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ledger import submap
from ledger.errors import Malformed
from ledger.state import State
from tests.reference import merkle as plain_merkle
from tests.reference import submap as plain_map
from verifier import heads as heads_module
from verifier import table as table_module
from verifier.heads import Heads
from verifier.table import Table
from verifier.tree import Tree

KEYS = [sha256(bytes([n & 255, n >> 8])).digest() for n in range(5000)]


def _value(number: int) -> bytes:
    return (number + 1).to_bytes(8, "big") + b"rest"


@pytest.mark.parametrize("ordered", [False, True])
@pytest.mark.parametrize(("size", "large"), [(16, 0), (32, 0), (32, 1 << 30)])
def test_a_table_grows_and_keeps_everything(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, ordered: bool, size: int, large: int
) -> None:
    monkeypatch.setattr(table_module, "LARGE", large)
    monkeypatch.setattr(table_module, "_ACCESSES", 3)
    table = Table.create(tmp_path / "t", size, 12, expected=10, ordered=ordered)
    start = table.capacity
    for number, key in enumerate(KEYS):
        assert table.get(key[:size]) is None
        assert table.add(key[:size], _value(number)) is None
        assert table.add(key[:size], b"x" * 12) == _value(number)
    assert table.capacity > start
    assert table.count == len(KEYS)
    table.put(KEYS[7][:size], _value(9))
    table.flush()
    table.close()
    again = Table(tmp_path / "t")
    want = {key[:size]: _value(number) for number, key in enumerate(KEYS)} | {KEYS[7][:size]: _value(9)}
    assert {record[:size]: record[size:] for record in again.records()} == want
    assert all(again.get(key) == value for key, value in want.items())
    assert again.count == len(KEYS)
    again.close()
    assert [path.name for path in tmp_path.iterdir()] == ["t"]


def test_a_key_of_zeros_is_a_key(tmp_path: Path) -> None:
    table = Table.create(tmp_path / "t", 16, 8, expected=1)
    assert table.get(bytes(16)) is None
    assert table.add(bytes(16), (1).to_bytes(8, "big")) is None
    assert table.get(bytes(16)) == (1).to_bytes(8, "big")
    table.close()


def test_the_place_of_a_scattered_key_is_secret(tmp_path: Path) -> None:
    places = set()
    for number in range(8):
        table = Table.create(tmp_path / str(number), 16, 8, expected=1000)
        places.add(~table.find(KEYS[0][:16]))
        table.close()
    assert len(places) > 1


def test_keys_that_would_run_past_the_end_make_the_table_grow(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(table_module, "_SLACK", 512)
    table = Table.create(tmp_path / "t", 32, 8, expected=1, ordered=True)
    start = table.capacity
    # Few enough for the table, but all at its end, and more of them than there is slack behind it.
    keys = [b"\xff" + (100 * number).to_bytes(2, "big") + bytes(29) for number in range(600)]
    for number, key in enumerate(keys):
        table.add(key, _value(number)[:8])
    assert [table.get(key) for key in keys] == [_value(number)[:8] for number in range(600)]
    assert table.capacity > start
    table.close()


@pytest.mark.parametrize("raw", [b"", b"x" * 4096, b"patina-table-1\n\x00" + bytes(4080)])
def test_a_file_that_is_no_table_is_refused(tmp_path: Path, raw: bytes) -> None:
    (tmp_path / "t").write_bytes(raw)
    with pytest.raises(Malformed):
        Table(tmp_path / "t")


@pytest.mark.parametrize("bits", [1, 4, 8])
def test_spans_are_all_keys_of_a_prefix_in_order(tmp_path: Path, bits: int) -> None:
    table = Table.create(tmp_path / "t", 32, 8, expected=100, ordered=True)
    for key in KEYS[:2000]:
        table.put(key, (1).to_bytes(8, "big"))
    found = [record[:32] for prefix in range(1 << bits) for record in table.span(prefix, bits)]
    assert found == sorted(KEYS[:2000])
    table.close()


def _heads(folder: Path, **options: int) -> Heads:
    folder.mkdir(exist_ok=True)
    return Heads(folder, **({"expected": 4} | options))


@settings(max_examples=20)
@given(
    steps=st.lists(st.tuples(st.integers(0, 30), st.sampled_from(["count", "root", "shrink", "reopen"])), max_size=60)
)
def test_heads_have_the_plain_maps_root(tmp_path_factory: pytest.TempPathFactory, steps: list[tuple[int, str]]) -> None:
    folder = tmp_path_factory.mktemp("heads")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(heads_module, "CACHED", 3)
        heads = _heads(folder)
        want: dict[str, tuple[int, int]] = {}
        for index, (number, step) in enumerate(steps):
            subject = f"subject {number}"
            head = heads.head(subject)
            assert (head.count, head.last) == want.get(subject, (0, 0))
            head.state = State(kind="item", first_at="x" * number * 9, last_at=str(index))
            heads.advance([head], index, f"{index:064x}")
            want[subject] = (head.count, index)
            if step == "root":
                assert heads.map_root() == _plain_root(want)
            elif step == "shrink":
                heads.shrink()
            elif step == "reopen":
                heads.flush()
                heads.close()
                heads = _heads(folder)
        assert heads.map_root() == _plain_root(want)
        assert heads.subjects == len(want)
        for subject, (count, last) in want.items():
            head = heads.head(subject)
            assert (head.count, head.last, head.hash) == (count, last, f"{last:064x}")
            assert head.state is not None
            assert head.state.last_at == str(last)
        heads.close()


def _plain_root(want: dict[str, tuple[int, int]]) -> bytes:
    return plain_map.node({submap.key_of(subject): value for subject, value in want.items()})


def test_the_map_of_many_subjects_is_rebuilt_when_it_outgrew_its_buckets(tmp_path: Path) -> None:
    heads = _heads(tmp_path)
    want: dict[str, tuple[int, int]] = {}
    rand = random.Random(5)
    for index in range(6000):
        subject = f"subject {rand.randrange(3000)}"
        head = heads.head(subject)
        heads.advance([head], index, f"{index:064x}")
        want[subject] = (head.count, index)
        if index in {0, 10, 1500, 1501, 5999}:
            assert heads.map_root() == _plain_root(want)
    heads.close()


def test_the_map_of_what_changed_in_many_places_is_built_afresh(tmp_path: Path) -> None:
    heads = _heads(tmp_path, expected=20_000)
    want: dict[str, tuple[int, int]] = {}
    assert heads.map_root() == bytes(32)
    for index in range(6000):
        heads.advance([heads.head(f"subject {index}")], index, f"{index:064x}")
        want[f"subject {index}"] = (1, index)
    assert heads.map_root() == _plain_root(want)
    heads.advance([heads.head("subject 3")], 6000, f"{6000:064x}")
    want["subject 3"] = (2, 6000)
    assert heads.map_root() == _plain_root(want)
    heads.close()


def test_a_table_of_another_shape_is_no_heads(tmp_path: Path) -> None:
    Table.create(tmp_path / "heads", 16, 8, expected=1).close()
    with pytest.raises(Malformed, match="another shape"):
        _heads(tmp_path)


@pytest.mark.parametrize("size", [0, 1, 2, 255, 256, 257, 511, 513, 700])
def test_the_tree_has_the_plain_trees_root(size: int) -> None:
    compared: dict[tuple[int, int], bytes] = {}
    tree = Tree(lambda level, number, hashes: compared.update({(level, number): hashes}))
    leaves = [str(number).encode() for number in range(size)]
    hashes = [*tree.extend(leaves[:300]), *tree.extend(leaves[300:])]
    assert tree.root() == plain_merkle.root(leaves)
    assert set(compared) == {(0, number) for number in range(size // 256)}
    compared |= {(level, number): raw for level, number, raw in tree.partial()}
    assert b"".join(compared[0, number] for number in range(-(-size // 256))) == b"".join(hashes)
    assert tree.size == size


def test_a_tree_goes_on_from_its_edge_and_fills_tiles_of_tiles() -> None:
    compared: list[tuple[int, int]] = []
    full = [[bytes([n % 256]) * 32 for n in range(255)], [bytes([n % 256]) * 32 for n in range(255)]]
    tree = Tree(lambda level, number, _: compared.append((level, number)), 255 * 256 + 255, full)
    tree.extend([b"the last of a tile whose own tile is full too"])
    assert compared == [(0, 255), (1, 0)]
    assert [len(level) for level in tree.edge] == [0, 0, 1]
