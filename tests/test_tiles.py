"""Tile paths and bytes against the examples of the specification."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from ledger.errors import Malformed
from ledger.merkle import MAX_SIZE
from ledger.tiles import (
    WIDTH,
    entries_path,
    format_bundle,
    format_tile,
    parse_bundle,
    parse_entries_path,
    parse_tile,
    parse_tile_path,
    tile_path,
    tile_width,
    tiles_of,
)
from tests.vectors import vector

levels = st.integers(0, 63)
numbers = st.integers(0, 2000) | st.integers(0, MAX_SIZE // WIDTH)
widths = st.integers(1, WIDTH)
path_texts = st.text(alphabet="tile/entris.px0123456789", max_size=40) | st.from_regex(
    r"tile/[0-9a-z]{1,2}/(x[0-9]{3}/){0,7}[0-9]{3}(\.p/[0-9]{1,3})?"
)


@given(levels, numbers, widths)
def test_tile_paths_survive_being_written_and_read(level: int, n: int, width: int) -> None:
    assert parse_tile_path(tile_path(level, n, width)) == (level, n, width)


@given(numbers, widths)
def test_entries_paths_survive_being_written_and_read(n: int, width: int) -> None:
    assert parse_entries_path(entries_path(n, width)) == (n, width)


@given(path_texts)
@example("tile/0/x999/x999/x999/x999/x999/x999/999")
def test_parsing_a_path_raises_only_malformed(path: str) -> None:
    try:
        tile = parse_tile_path(path)
    except Malformed:
        tile = None
    try:
        bundle = parse_entries_path(path)
    except Malformed:
        bundle = None
    assert tile is None or tile_path(*tile) == path
    assert bundle is None or entries_path(*bundle) == path


def test_the_examples_of_the_specification() -> None:
    examples = vector("c2sp-spec-examples/examples.json")
    index = examples["tile_index_example"]
    assert tile_path(0, index["index"]) == f"tile/0/{index['path']}"
    large, small = examples["tile_layout_example"]
    tiles = list(tiles_of(large["tree_size"]))
    assert sum(level == 0 and width == WIDTH for level, _, width in tiles) == large["full_level0"]
    assert (0, large["full_level0"], large["partial_level0_width"]) in tiles
    assert (1, 0, WIDTH) in tiles
    assert tiles[-2:] == [(1, 1, large["partial_level1_width"]), (2, 0, large["partial_level2_width"])]
    assert list(tiles_of(small["tree_size"])) == [(0, 0, WIDTH), (1, 0, small["partial_level1_width"])]


def test_paths_of_another_layout_are_refused() -> None:
    for path in vector("golang-mod-note/tlog.json")["fuzz_seed_tile_paths"]:
        with pytest.raises(Malformed):
            parse_tile_path(path)


def test_paths_written_out() -> None:
    assert tile_path(0, 5) == "tile/0/005"
    assert tile_path(63, 1000, 255) == "tile/63/x001/000.p/255"
    assert entries_path(1_234_067, 1) == "tile/entries/x001/x234/067.p/1"


@pytest.mark.parametrize(
    "path",
    [
        "tile/00/005",
        "tile/64/005",
        "tile/-1/005",
        "tile/0/5",
        "tile/0/0005",
        "tile/0/x000/005",
        "tile/0/001/005",
        "tile/0/x001/x005",
        "tile/0/005.p/0",
        "tile/0/005.p/00",
        "tile/0/005.p/256",
        "tile/0/005.p/999",
        "tile/0/005.p/",
        "tile/0/005/",
        "/tile/0/005",
        "tile/0/005\n",
        "tile/0/００5",
        "tile/entries/005",
        "tile/0/x999/x999/x999/x999/x999/x999/999",
    ],
)
def test_tile_paths_that_are_refused(path: str) -> None:
    with pytest.raises(Malformed):
        parse_tile_path(path)


@pytest.mark.parametrize(
    "path", ["tile/0/005", "tile/entries/5", "tile/entries/x000/005", "tile/entries/005.p/256", "tile/entries/", ""]
)
def test_entries_paths_that_are_refused(path: str) -> None:
    with pytest.raises(Malformed):
        parse_entries_path(path)


@pytest.mark.parametrize(
    ("level", "n", "width"), [(-1, 0, 1), (64, 0, 1), (0, -1, 1), (0, 2**55, 1), (0, 0, 0), (0, 0, 257)]
)
def test_tiles_that_cannot_be(level: int, n: int, width: int) -> None:
    with pytest.raises(Malformed):
        tile_path(level, n, width)


@given(st.integers(0, 200_000))
def test_the_tiles_of_a_tree_hold_every_full_subtree_once(size: int) -> None:
    held: dict[int, int] = {}
    for level, n, width in tiles_of(size):
        assert width == tile_width(level, n, size)
        assert held.get(level, 0) == n * WIDTH
        held[level] = n * WIDTH + width
    expected: dict[int, int] = {}
    count = size
    while count:
        expected[len(expected)] = count
        count //= WIDTH
    assert held == expected
    assert tile_width(0, size // WIDTH + 1, size) == 0


def test_the_largest_of_each_thing_is_allowed() -> None:
    full = [bytes(32)] * WIDTH
    assert parse_tile(format_tile(full)) == full
    assert parse_bundle(format_bundle(full)) == full
    last = MAX_SIZE // WIDTH
    assert parse_tile_path(tile_path(0, last)) == (0, last, WIDTH)
    assert next(tiles_of(MAX_SIZE)) == (0, 0, WIDTH)


@pytest.mark.parametrize("size", [-1, 2**63])
def test_no_tiles_of_a_tree_that_cannot_be(size: int) -> None:
    with pytest.raises(Malformed):
        next(tiles_of(size))


@given(st.lists(st.binary(max_size=9), min_size=1, max_size=WIDTH))
def test_bundles_survive_being_written_and_read(entries: list[bytes]) -> None:
    assert parse_bundle(format_bundle(entries)) == entries


@given(st.binary(max_size=30) | st.binary(max_size=9).map(lambda raw: bytes([0, len(raw)]) + raw))
def test_parsing_a_bundle_raises_only_malformed(raw: bytes) -> None:
    try:
        entries = parse_bundle(raw)
    except Malformed:
        return
    assert format_bundle(entries) == raw


def test_a_bundle_written_out() -> None:
    assert format_bundle([b"ab", b"", b"c" * 258]) == b"\x00\x02ab\x00\x00\x01\x02" + b"c" * 258
    assert len(format_bundle([b"x" * 65_535])) == 65_537


@pytest.mark.parametrize("raw", [b"", b"\x00", b"\x00\x01", b"\x00\x00\x00", b"\x00\x02a", b"\x00\x00" * 257])
def test_bundles_that_are_refused(raw: bytes) -> None:
    with pytest.raises(Malformed):
        parse_bundle(raw)


@pytest.mark.parametrize("entries", [[], [b""] * 257, [b"x" * 65_536]], ids=["none", "257", "65,536 bytes"])
def test_entries_that_no_bundle_holds(entries: list[bytes]) -> None:
    with pytest.raises(Malformed):
        format_bundle(entries)


@given(st.lists(st.binary(min_size=32, max_size=32), min_size=1, max_size=WIDTH))
def test_tiles_survive_being_written_and_read(hashes: list[bytes]) -> None:
    assert parse_tile(format_tile(hashes)) == hashes


@pytest.mark.parametrize("length", [0, 31, 33, 257 * 32])
def test_tiles_that_are_refused(length: int) -> None:
    with pytest.raises(Malformed):
        parse_tile(bytes(length))


@pytest.mark.parametrize("hashes", [[], [bytes(32)] * 257, [bytes(16)] * 2], ids=["none", "257", "16 bytes"])
def test_hashes_that_no_tile_holds(hashes: list[bytes]) -> None:
    with pytest.raises(Malformed):
        format_tile(hashes)
