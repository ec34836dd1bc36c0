"""The mapped tables against a dictionary, the heads against the plain map, and the tree against the plain tree."""

from __future__ import annotations

import os
import random
from collections.abc import Callable
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


def _opened() -> int:
    """How many files this process has open."""
    return len(list(Path("/dev/fd").iterdir()))


MAGIC = b"patina-table-1\n\x00"


@pytest.mark.parametrize("raw", [b"", MAGIC, b"x" * 4096, MAGIC + bytes(4080)])
def test_a_file_that_is_no_table_is_refused(tmp_path: Path, raw: bytes) -> None:
    (tmp_path / "t").write_bytes(raw)
    opened = _opened()
    with pytest.raises(Malformed) as caught:
        Table(tmp_path / "t")
    assert _opened() == opened
    assert caught.value.message


@pytest.mark.parametrize("change", [-1, 1])
def test_a_table_of_another_size_is_refused(tmp_path: Path, change: int) -> None:
    Table.create(tmp_path / "t", 16, 8, expected=1).close()
    size = (tmp_path / "t").stat().st_size
    with (tmp_path / "t").open("r+b") as file:
        file.truncate(size + change)
    with pytest.raises(Malformed, match="another size"):
        Table(tmp_path / "t")


def test_a_table_leaves_nothing_open(tmp_path: Path) -> None:
    opened = _opened()
    table = Table.create(tmp_path / "t", 32, 8, expected=1, ordered=True)
    start = table.capacity
    for key in KEYS[:1000]:
        table.add(key, _value(1)[:8])
    assert table.capacity > start
    assert _opened() == opened + 2  # the file, and its mapping
    table.close()
    assert _opened() == opened


def _resident(path: Path) -> int:
    """Bytes of a mapped file that count as this process's memory."""
    lines = iter(Path("/proc/self/smaps").read_text("utf-8").splitlines())
    next(line for line in lines if line.endswith(str(path)))
    return int(next(line for line in lines if line.startswith("Rss:")).split()[1]) * 1024


ASKED: dict[str, Callable[[Table], object]] = {
    "a key": lambda table: table.get(KEYS[0]),
    "a span": lambda table: table.span(0, 8),
    "all records": lambda table: next(table.records()),
}


@pytest.mark.parametrize("name", ASKED)
def test_a_large_table_does_not_stay_in_memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    table = Table.create(tmp_path / "t", 32, 8, expected=20_000, ordered=True)
    for key in KEYS:
        table.add(key, _value(1)[:8])
    touched = _resident(tmp_path / "t")
    # 65,536 slots of 40 bytes, with a key in every thirteenth: each page was touched, and the table is not large.
    assert touched > 2 << 20
    monkeypatch.setattr(table_module, "LARGE", 2 << 20)
    table._left = 1
    ASKED[name](table)
    assert _resident(tmp_path / "t") < touched // 4
    table.close()


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
            assert heads._top is not None
            # About two subjects a bucket, and never more than some eight.
            assert len(want) <= 8 << heads._top.bits
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
    opened = _opened()
    with pytest.raises(Malformed, match="another shape") as caught:
        _heads(tmp_path)
    assert _opened() == opened
    assert caught.value.message


def test_only_the_subjects_met_last_are_kept_as_objects(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(heads_module, "CACHED", 4)
    heads = _heads(tmp_path)
    for index in range(40):
        heads.advance([heads.head(f"subject {index}")], index, f"{index:064x}")
        heads.shrink()
        # One more than four, and the two go that were met first.
        assert len(heads._cache) == (index + 1 if index < 4 else 3 + index % 2)
        assert len(heads._touched) <= 4
    assert heads.subjects == 40
    heads.close()


def test_a_subject_without_a_state_is_kept_without_one(tmp_path: Path) -> None:
    heads = _heads(tmp_path)
    heads.advance([heads.head("subject")], 7, f"{7:064x}")
    heads.flush()
    heads.close()
    heads = _heads(tmp_path)
    head = heads.head("subject")
    assert (head.count, head.last, head.state) == (1, 7, None)
    heads.close()


def test_a_state_that_did_not_change_is_not_written_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    written: list[int] = []
    write = os.pwrite

    def counted(file: int, raw: bytes, place: int) -> int:
        written.append(place)
        return write(file, raw, place)

    monkeypatch.setattr(os, "pwrite", counted)
    heads = _heads(tmp_path)
    head = heads.head("subject")
    for index in range(9):
        head.state = State(kind="item", first_at="", last_at="", name="x" * index)
        heads.advance([head], index, f"{index:064x}")
        heads.flush()
        heads.flush()
    # Once each, and while there is room where it stood.
    assert written == [0] * 9
    heads.close()
    assert (tmp_path / "states").stat().st_size < 200
    assert (tmp_path / "states").stat().st_mode & 0o777 == 0o600


def test_a_state_that_grows_in_its_room_overwrites_no_other(tmp_path: Path) -> None:
    """A state has space behind it; the next one stands after that, also when the files were opened again."""
    for index, (subject, name) in enumerate([("first", ""), ("second", ""), ("first", "x" * 40)]):
        heads = _heads(tmp_path)
        head = heads.head(subject)
        head.state = State(kind="item", first_at="", last_at="", name=name)
        heads.advance([head], index, f"{index:064x}")
        heads.flush()
        heads.close()
    heads = _heads(tmp_path)
    assert [heads.head(subject).state for subject in ("first", "second")] == [
        State(kind="item", first_at="", last_at="", name="x" * 40),
        State(kind="item", first_at="", last_at=""),
    ]
    heads.close()


def test_the_map_reads_the_buckets_that_changed_and_no_others(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    read: list[int] = []
    span = Table.span

    def counted(table: Table, prefix: int, bits: int) -> list[bytes]:
        read.append(prefix)
        return span(table, prefix, bits)

    monkeypatch.setattr(Table, "span", counted)
    heads = _heads(tmp_path)
    assert heads.map_root() == bytes(32)
    assert read == []
    heads.advance([heads.head("subject")], 0, f"{0:064x}")
    root = heads.map_root()
    assert root == _plain_root({"subject": (1, 0)})
    assert len(read) == 1
    assert heads.map_root() == root
    assert len(read) == 1
    heads.close()


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


@pytest.mark.parametrize("above", [0, 1, 5])
def test_a_tree_goes_on_from_its_edge_and_fills_tiles_of_tiles(above: int) -> None:
    compared: list[tuple[int, int]] = []
    hashes = [bytes([n]) * 32 for n in range(255)]
    edge = [hashes.copy(), hashes.copy(), *([hashes[:above]] if above else [])]
    tree = Tree(lambda level, number, _: compared.append((level, number)), (above + 1) * 65_536 - 1, edge)
    tree.extend([b"the last of a tile whose own tile is full too"])
    assert compared == [(0, (above + 1) * 256 - 1), (1, above)]
    assert [len(level) for level in tree.edge] == [0, 0, above + 1]
    assert [(level, number) for level, number, _ in tree.partial()] == [(2, 0)]
