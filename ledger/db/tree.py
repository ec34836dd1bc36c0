"""The Merkle tree over a database: how it grows, and how a proof reads it.

In memory stands the right edge alone: for each bit of the size the root of that full subtree (``frontier``), and for
each tile level the nodes of the tile that is not full yet (``edges``). Everything to the left of it is in full tiles of
256 hashes. ``Growth`` computes a batch level by level: with the left neighbour that the edge has at hand, each level
holds every sibling that a proof of a new leaf needs, and a last node without a sibling rises unchanged, which is what
the split of RFC 6962 at the largest power of two comes to.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from hashlib import sha256

from ledger.errors import Unavailable
from ledger.merkle import EMPTY_ROOT, Read, leaf_hash

TILE_HEIGHT = 8
TILE_WIDTH = 256
HASH = 32
MAX_TILES = 512
"""Expanded tiles kept in memory: about 40 KiB each."""

Hashes = tuple[bytes, ...]
Tiles = Callable[[int, int], bytes]
"""``tiles(level, n)`` gives the 8,192 bytes of a full tile."""


@dataclass(frozen=True, slots=True)
class Edge:
    """The right edge of a tree of ``size`` leaves.

    ``frontier[k]`` is set where bit k of the size is; ``edges[t][h]`` are the roots of the full subtrees of 2^h hashes
    in the last tile of level t.
    """

    size: int
    root: bytes
    frontier: tuple[bytes | None, ...]
    edges: tuple[tuple[Hashes, ...], ...]

    def dump(self) -> bytes:
        """The roots of the full subtrees, largest first."""
        return b"".join(node for node in reversed(self.frontier) if node is not None)


EMPTY = Edge(0, EMPTY_ROOT, (), ())


@dataclass(frozen=True, slots=True)
class FullTile:
    """A tile that is full: its 256 hashes together, and the root of the subtree over them."""

    level: int
    n: int
    hashes: bytes
    root: bytes


class Growth:
    """What a batch of leaf hashes adds to an edge: the new edge, its full tiles, and proofs of the new leaves."""

    __slots__ = ("_levels", "edge", "first", "tiles")

    def __init__(self, edge: Edge, hashes: Sequence[bytes]) -> None:
        if not hashes:
            raise AssertionError("a batch without leaves")
        self.first = edge.size
        size = edge.size + len(hashes)
        self._levels = _levels(edge, hashes)
        frontier: list[bytes | None] = []
        for level, (start, row) in enumerate(self._levels[: size.bit_length()]):
            full = size >> level
            frontier.append(row[full - 1 - start] if full & 1 else None)
        self.tiles: list[FullTile] = []
        levels = range(0, size.bit_length(), TILE_HEIGHT)
        edges = [self._rows(edge, size, level) for level in levels]
        self.edge = Edge(size, self._levels[-1][1][0], tuple(frontier), tuple(edges))
        for level in levels:
            self._fill(edge, size, level)

    def _rows(self, edge: Edge, size: int, level: int) -> tuple[Hashes, ...]:
        """The nodes of the tile of this level that is not full in the new tree."""
        number = level // TILE_HEIGHT
        full = size >> level + TILE_HEIGHT
        before = edge.edges[number] if number < len(edge.edges) else ((),) * TILE_HEIGHT
        rows: list[Hashes] = []
        for height, row in enumerate(before):
            have, want = edge.size >> level + height, size >> level + height
            first = full << TILE_HEIGHT - height
            if want == first:
                rows.append(())
            elif first <= have:
                rows.append(row if have == want else (*row, *self._new(level + height, have, want)))
            else:
                rows.append(tuple(self._new(level + height, first, want)))
        return tuple(rows)

    def _new(self, level: int, start: int, end: int) -> list[bytes]:
        if start == end:
            return []
        first, row = self._levels[level]
        return row[start - first : end - first]

    def _fill(self, edge: Edge, size: int, level: int) -> None:
        """Collect the tiles of a level that the batch fills."""
        number = level // TILE_HEIGHT
        waiting: Sequence[bytes] = edge.edges[number][0] if number < len(edge.edges) else ()
        have = edge.size >> level
        for n in range(have // TILE_WIDTH, size >> level + TILE_HEIGHT):
            end = (n + 1) * TILE_WIDTH
            hashes = b"".join((*waiting, *self._new(level, have, end)))
            self.tiles.append(FullTile(number, n, hashes, self._new(level + TILE_HEIGHT, n, n + 1)[0]))
            waiting, have = (), end

    def prove(self, index: int) -> list[bytes]:
        """The inclusion proof of a new leaf in the new tree."""
        proof = []
        for start, row in self._levels:
            sibling = (index ^ 1) - start
            if sibling < len(row):
                proof.append(row[sibling])
            index >>= 1
        # The root is alone on its level, and the place beside it is outside the row or, for index 0, not there.
        return proof


def _levels(edge: Edge, hashes: Sequence[bytes]) -> list[tuple[int, list[bytes]]]:
    """(number of the first node, nodes) of each level, from the leaves up to the root alone."""
    start, row, frontier = edge.size, list(hashes), edge.frontier
    levels: list[tuple[int, list[bytes]]] = []
    while True:
        if start & 1:
            left = frontier[len(levels)]
            if left is None:
                raise AssertionError("an edge without the subtree that its size names")
            row.insert(0, left)
            start -= 1
        levels.append((start, row))
        if start == 0 and len(row) == 1:
            return levels
        pairs = zip(row[::2], row[1::2], strict=False)
        above = [sha256(b"\x01" + left + right).digest() for left, right in pairs]
        if len(row) & 1:
            above.append(row[-1])
        start, row = start >> 1, above


def expand(hashes: bytes) -> list[list[bytes]]:
    """The nodes of a full tile by level, its 256 hashes first and its root last."""
    row = [hashes[at : at + HASH] for at in range(0, len(hashes), HASH)]
    levels = [row]
    while len(row) > 1:
        row = [sha256(b"\x01" + left + right).digest() for left, right in zip(row[::2], row[1::2], strict=True)]
        levels.append(row)
    return levels


def rows_of(hashes: Sequence[bytes]) -> tuple[Hashes, ...]:
    """The nodes of a tile that is not full, by height, from its hashes."""
    rows = []
    row = tuple(hashes)
    for _ in range(TILE_HEIGHT):
        rows.append(row)
        pairs = zip(row[::2], row[1::2], strict=False)
        row = tuple([sha256(b"\x01" + left + right).digest() for left, right in pairs])
    return tuple(rows)


class TileCache:
    """Expanded full tiles, the latest used ones; full tiles never change, so it may outlive a snapshot."""

    def __init__(self) -> None:
        self._tiles: OrderedDict[tuple[int, int], list[list[bytes]]] = OrderedDict()

    def get(self, level: int, n: int, tiles: Tiles) -> list[list[bytes]]:
        """The expanded tile, read by ``tiles`` if it is not kept."""
        found = self._tiles.get((level, n))
        if found is None:
            found = expand(tiles(level, n))
            self._tiles[level, n] = found
            if len(self._tiles) > MAX_TILES:
                with suppress(KeyError):  # another thread may have emptied it
                    self._tiles.popitem(last=False)
        return found

    def clear(self) -> None:
        """Forget everything."""
        self._tiles.clear()


def reader(edge: Edge, tiles: Tiles, cache: TileCache) -> Read:
    """The reader of full subtrees that ``ledger.merkle`` makes proofs with, for the tree of this edge."""

    def read(level: int, n: int) -> bytes:
        number, height = divmod(level, TILE_HEIGHT)
        first = n << height
        tile = first // TILE_WIDTH
        if (tile + 1) * TILE_WIDTH <= edge.size >> number * TILE_HEIGHT:
            return cache.get(number, tile, tiles)[height][n & (TILE_WIDTH >> height) - 1]
        return edge.edges[number][height][n & (TILE_WIDTH >> height) - 1]

    return read


def root_at(size: int, read: Read) -> bytes:
    """The root of the first ``size`` leaves."""
    root = None
    for bit in range(size.bit_length()):
        if size >> bit & 1:
            peak = read(bit, (size >> bit) - 1)
            root = peak if root is None else sha256(b"\x01" + peak + root).digest()
    return EMPTY_ROOT if root is None else root


def load_edge(size: int, leaves: Iterable[bytes], roots: Callable[[int, int], Sequence[bytes]]) -> Edge:
    """The edge of a tree: ``leaves`` are those after the last full tile, ``roots(level, n)`` those of tiles from n on.

    Raises ``Unavailable`` if there are not as many as the size asks for.
    """
    edges: list[tuple[Hashes, ...]] = []
    row: Sequence[bytes] = [leaf_hash(raw) for raw in leaves]
    count, level = size, 0
    while True:
        if len(row) != count % TILE_WIDTH:
            raise Unavailable(f"got {len(row)} hashes at the edge of level {level}, want {count % TILE_WIDTH}")
        edges.append(rows_of(row))
        count //= TILE_WIDTH
        if not count:
            break
        row = roots(level, count - count % TILE_WIDTH)
        level += 1
    frontier: list[bytes | None] = []
    for bit in range(size.bit_length()):
        number, height = divmod(bit, TILE_HEIGHT)
        frontier.append(edges[number][height][-1] if size >> bit & 1 else None)
    peaks = [node for node in frontier if node is not None]
    root = peaks[0] if peaks else EMPTY_ROOT
    for peak in peaks[1:]:
        root = sha256(b"\x01" + peak + root).digest()
    return Edge(size, root, tuple(frontier), tuple(edges))
