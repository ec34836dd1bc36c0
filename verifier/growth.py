"""Proof that a log only grew, made from the tiles of a source (RFC 6962 §2.1.2, C2SP tlog-tiles)."""

from __future__ import annotations

from ledger.errors import Disproved
from ledger.merkle import HASH_SIZE, leaf_hash, prove_consistency, root_from
from verifier.source import TILE_WIDTH, Source


def consistency(source: Source, old: int, new: int) -> tuple[bytes, ...]:
    """The hashes that prove the tree of ``new`` leaves to extend that of ``old``; they prove nothing until checked.

    Raises ``Unknown`` for what the source cannot give, ``Disproved`` for tiles out of form.
    """
    return tuple(prove_consistency(old, new, lambda level, number: _subtree(source, level, number, new)))


def _subtree(source: Source, level: int, number: int, size: int) -> bytes:
    """The root of the full subtree over the 2^level leaves from ``number`` · 2^level on."""
    width = 1 << level % 8
    return root_from(_hashes(source, level // 8, number * width, width, size))


def _hashes(source: Source, level: int, first: int, count: int, size: int) -> list[bytes]:
    """``count`` hashes of a tile level, all of one tile; recomputed from below where a source keeps no such tile."""
    number, start = divmod(first, TILE_WIDTH)
    width = min(TILE_WIDTH, (size >> 8 * level) - number * TILE_WIDTH)
    raw = source.tile(level, number, width)
    if raw is None and level == 0:
        return [leaf_hash(leaf) for leaf in source.leaves(first, first + count)]
    if raw is None:
        below = (_hashes(source, level - 1, n * TILE_WIDTH, TILE_WIDTH, size) for n in range(first, first + count))
        return [root_from(hashes) for hashes in below]
    if len(raw) != width * HASH_SIZE:
        raise Disproved(f"tile {level}/{number} has {len(raw)} bytes, want {width * HASH_SIZE}", "tiles")
    return [raw[at : at + HASH_SIZE] for at in range(start * HASH_SIZE, (start + count) * HASH_SIZE, HASH_SIZE)]
