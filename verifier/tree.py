"""The Merkle tree of a log, recomputed from its leaves tile by tile and compared with the tiles that the log keeps.

Only the right edge is held: for each level the hashes of the tile that is not full yet (C2SP tlog-tiles). From it
follows the root (RFC 6962) at any size, because a full tile below is one hash of the tile above.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from hashlib import sha256

from ledger.merkle import EMPTY_ROOT, root_from, root_of_tile
from verifier.source import TILE_WIDTH

Compare = Callable[[int, int, bytes], None]
"""Compares a tile of the log (level, number) with its recomputed hashes."""


class Tree:
    """The right edge of a tree of ``size`` leaves; ``edge[level]`` are the hashes of that level's partial tile."""

    def __init__(self, compare: Compare, size: int = 0, edge: list[list[bytes]] | None = None) -> None:
        self.size = size
        self.edge: list[list[bytes]] = [[]] if edge is None else edge
        self._compare = compare

    def extend(self, raws: Sequence[bytes]) -> list[bytes]:
        """Add leaves and return their hashes; tiles that they fill are compared."""
        digests = [sha256(b"\x00" + raw).digest() for raw in raws]
        start = 0
        while start < len(digests):
            hashes = self.edge[0]
            taken = digests[start : start + TILE_WIDTH - len(hashes)]
            hashes += taken
            start += len(taken)
            self.size += len(taken)
            if len(hashes) == TILE_WIDTH:
                self._close(0)
        return digests

    def root(self) -> bytes:
        """The root of the tree so far."""
        below: bytes | None = None
        for hashes in self.edge:
            items = hashes if below is None else [*hashes, below]
            below = root_from(items) if items else None
        return EMPTY_ROOT if below is None else below

    def partial(self) -> Iterator[tuple[int, int, bytes]]:
        """Level, number and hashes of every tile that is not full."""
        for level, hashes in enumerate(self.edge):
            if hashes:
                yield level, self.size >> 8 * (level + 1), b"".join(hashes)

    def _close(self, level: int) -> None:
        hashes = self.edge[level]
        self._compare(level, (self.size >> 8 * (level + 1)) - 1, b"".join(hashes))
        self.edge[level] = []
        if level + 1 == len(self.edge):
            self.edge.append([])
        self.edge[level + 1].append(root_of_tile(hashes))
        if len(self.edge[level + 1]) == TILE_WIDTH:
            self._close(level + 1)
