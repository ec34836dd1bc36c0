"""The tree over a database: growing, proving and loading its edge agree with the plain frontier at every size."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger import merkle
from ledger.db.tree import EMPTY, FullTile, Growth, TileCache, load_edge, reader, root_at
from ledger.errors import Unavailable

LEAVES = [str(number).encode() for number in range(70_000)]
HASHES = [merkle.leaf_hash(raw) for raw in LEAVES]


class Grown:
    """A tree that grew in batches, with the tiles it filled."""

    def __init__(self) -> None:
        self.edge = EMPTY
        self.tiles: dict[tuple[int, int], FullTile] = {}
        self.cache = TileCache()

    def grow(self, count: int) -> Growth:
        growth = Growth(self.edge, HASHES[self.edge.size : self.edge.size + count])
        self.edge = growth.edge
        for tile in growth.tiles:
            assert (tile.level, tile.n) not in self.tiles
            self.tiles[tile.level, tile.n] = tile
        return growth

    def read(self) -> merkle.Read:
        return reader(self.edge, lambda level, n: self.tiles[level, n].hashes, self.cache)

    def roots(self, level: int, n: int) -> list[bytes]:
        return [self.tiles[at].root for at in sorted(self.tiles) if at[0] == level and at[1] >= n]


@given(st.lists(st.sampled_from([1, 2, 3, 5, 31, 100, 255, 256, 257, 700]), min_size=1, max_size=12), st.randoms())
def test_a_tree_that_grows_in_batches(batches: list[int], rand: random.Random) -> None:
    grown, frontier = Grown(), merkle.Frontier()
    for count in batches:
        start = grown.edge.size
        growth = grown.grow(count)
        frontier.extend(HASHES[start : start + count])
        size = grown.edge.size
        assert grown.edge.root == frontier.root()
        assert grown.edge.dump() == b"".join(frontier.hashes)
        for index in {start, size - 1, rand.randrange(start, size)}:
            merkle.check_inclusion(index, size, HASHES[index], growth.prove(index), grown.edge.root)
        read = grown.read()
        index, old = rand.randrange(size), rand.randrange(1, size + 1)
        merkle.check_inclusion(index, size, HASHES[index], merkle.prove_inclusion(index, size, read), grown.edge.root)
        then = merkle.root_from(HASHES[:old])
        assert root_at(old, read) == then
        merkle.check_consistency(old, size, then, grown.edge.root, merkle.prove_consistency(old, size, read))
        assert load_edge(size, LEAVES[size - size % 256 : size], grown.roots) == grown.edge
    assert root_at(0, grown.read()) == merkle.EMPTY_ROOT


def test_three_levels_of_tiles() -> None:
    grown = Grown()
    for _ in range(7):
        grown.grow(10_000)
    assert grown.edge.root == merkle.root_from(HASHES)
    assert {level for level, _ in grown.tiles} == {0, 1}
    for (level, n), tile in grown.tiles.items():
        below = HASHES if level == 0 else [grown.tiles[0, at].root for at in range(273)]
        assert tile.hashes == b"".join(below[n * 256 : (n + 1) * 256])
        assert tile.root == merkle.root_from(below[n * 256 : (n + 1) * 256])
    read = grown.read()
    for index in (0, 255, 256, 65_535, 65_536, 69_999):
        proof = merkle.prove_inclusion(index, 70_000, read)
        merkle.check_inclusion(index, 70_000, HASHES[index], proof, grown.edge.root)


def test_the_cache_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ledger.db.tree.MAX_TILES", 2)
    cache, asked = TileCache(), []

    def tiles(level: int, n: int) -> bytes:
        asked.append(n)
        return bytes(8192)

    for n in (1, 2, 1, 3, 2):
        cache.get(0, n, tiles)
    assert asked == [1, 2, 3]
    cache.get(0, 1, tiles)
    cache.clear()
    cache.get(0, 1, tiles)
    assert asked == [1, 2, 3, 1, 1]


def test_an_edge_with_missing_leaves_or_tiles_is_refused() -> None:
    grown = Grown()
    grown.grow(600)
    with pytest.raises(Unavailable, match="got 87 hashes at the edge of level 0, want 88"):
        load_edge(600, LEAVES[513:600], grown.roots)
    del grown.tiles[0, 1]
    with pytest.raises(Unavailable, match="got 1 hashes at the edge of level 1, want 2"):
        load_edge(600, LEAVES[512:600], grown.roots)
