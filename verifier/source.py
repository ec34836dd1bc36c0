"""Where the leaves of a ledger come from: its own folder, a folder of static tlog-tiles files, or an address.

All three are read through one small protocol. A source answers what is asked and proves nothing: whatever it gives is
checked by whoever asked (``verifier.audit``). It raises ``Unknown`` for what it could not read, and ``Disproved`` for
bytes that cannot be what they stand for.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Protocol

from ledger import tiles
from ledger.errors import Disproved, Malformed, Unknown

MAX_NOTE = 65_536
"""Bytes of a signed note: sixteen post-quantum signature lines (format.md §7)."""
TILE_WIDTH = 256
HASH_SIZE = 32
MAX_TILE = TILE_WIDTH * HASH_SIZE
MAX_BUNDLE = TILE_WIDTH * (2 + 65_535)


class Source(Protocol):
    """A ledger that can be read: its newest checkpoint, its leaves, and the tiles that it keeps or serves."""

    name: str
    """What it is, for people."""
    serves_tiles: bool
    """Whether partial tiles are to be found too; a ledger's own database keeps full ones only."""

    def checkpoint(self) -> str:
        """The newest signed note."""

    def leaves(self, start: int, stop: int) -> Iterator[bytes]:
        """The bytes of leaves ``start`` to ``stop - 1``, in order."""

    def tile(self, level: int, number: int, width: int) -> bytes | None:
        """The ``width`` hashes of a tile, 32 bytes each, or ``None`` if there is no such tile."""

    def close(self) -> None:
        """Give back what the source holds open."""


Read = Callable[[str, int], bytes | None]
"""The bytes at a path of a log, at most so many, or ``None`` if there are none."""


def too_long(path: str, limit: int) -> Disproved:
    """The error for a file of a log that has more than ``limit`` bytes."""
    part = "checkpoint" if path == "checkpoint" else "bundles" if path.startswith("tile/entries/") else "tiles"
    return Disproved(f"{path} has more than {limit} bytes", part)


def read_note(read: Read) -> str:
    """The checkpoint of a static log; raises ``Unknown`` if there is none."""
    raw = read("checkpoint", MAX_NOTE)
    if raw is None:
        raise Unknown("there is no checkpoint")
    try:
        return raw.decode()
    except UnicodeDecodeError:
        raise Disproved("the checkpoint is not UTF-8", "checkpoint") from None


def read_tile(read: Read, level: int, number: int, width: int) -> bytes | None:
    """The hashes of a tile of a static log; of a partial one's full successor if only that is left."""
    raw = read(tiles.tile_path(level, number, width), MAX_TILE)
    if raw is None and width < TILE_WIDTH:
        raw = read(tiles.tile_path(level, number), MAX_TILE)
        return None if raw is None else raw[: width * HASH_SIZE]
    return raw


def read_bundle(read: Read, number: int, width: int) -> list[bytes]:
    """The first ``width`` leaves of an entry bundle of a static log.

    Raises ``Unknown`` if it is missing, ``Disproved`` (bundles) if it is not a bundle of so many.
    """
    raw = read(tiles.entries_path(number, width), MAX_BUNDLE)
    whole = raw is None and width < TILE_WIDTH
    if whole:
        raw = read(tiles.entries_path(number), MAX_BUNDLE)
    if raw is None:
        raise Unknown(f"entry bundle {number} of width {width} is missing")
    try:
        entries = tiles.parse_bundle(raw)
    except Malformed as error:
        raise Disproved(f"entry bundle {number}: {error.message}", "bundles", number * TILE_WIDTH) from None
    if len(entries) != (TILE_WIDTH if whole else width):
        why = f"entry bundle {number}: got {len(entries)} entries, want {width}"
        raise Disproved(why, "bundles", number * TILE_WIDTH)
    return entries[:width]


def bundles_of(start: int, stop: int) -> Iterator[tuple[int, int]]:
    """Number and width of every entry bundle that holds leaves of this range, in a log of ``stop`` leaves."""
    for number in range(start // TILE_WIDTH, -(-stop // TILE_WIDTH)):
        yield number, min(TILE_WIDTH, stop - number * TILE_WIDTH)
