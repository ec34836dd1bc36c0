"""Tiles, the tree as immutable files: C2SP tlog-tiles (c2sp.org/tlog-tiles@v0.1.0), their paths and bytes.

>>> tile_path(0, 1234067), entries_path(5, 17)
('tile/0/x001/x234/067', 'tile/entries/005.p/17')

A tile holds up to 256 hashes of one level in eight: hash i of tile (L, n) is the root of the 256^L leaves from
(256 · n + i) · 256^L on. A tile of level 0 has a bundle beside it with the leaves themselves.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from ledger.errors import Malformed
from ledger.merkle import HASH_SIZE, MAX_SIZE

WIDTH = 256
"""Hashes of a full tile and entries of a full bundle."""
LEVELS_PER_TILE = 8
MAX_LEVEL = 63
MAX_ENTRY = 65_535
"""Bytes: the length before an entry is a u16."""

_PATH = re.compile(r"tile/(0|[1-9][0-9]?|entries)/((?:x[0-9]{3}/){0,6}[0-9]{3})(?:\.p/([1-9][0-9]{0,2}))?")


def tile_path(level: int, n: int, width: int = WIDTH) -> str:
    """The path of hash tile `n` of `level`, with the first `width` of its hashes; raises `Malformed`."""
    if not 0 <= level <= MAX_LEVEL:
        raise Malformed(f"got a tile of level {level}, want 0 to {MAX_LEVEL}")
    return f"tile/{level}/{_number_path(n, width)}"


def parse_tile_path(path: str) -> tuple[int, int, int]:
    """(level, n, width) of the path of a hash tile; raises `Malformed`."""
    match = _PATH.fullmatch(path)
    if not match or match[1] == "entries":
        raise Malformed(f"got the path {path[:100]!r}, want that of a hash tile")
    level, (n, width) = int(match[1]), _number(match)
    if tile_path(level, n, width) != path:
        raise Malformed(f"got the path {path[:100]!r}, want {tile_path(level, n, width)}")
    return level, n, width


def entries_path(n: int, width: int = WIDTH) -> str:
    """The path of entry bundle `n` with the first `width` of its entries; raises `Malformed`."""
    return f"tile/entries/{_number_path(n, width)}"


def parse_entries_path(path: str) -> tuple[int, int]:
    """(n, width) of the path of an entry bundle; raises `Malformed`."""
    match = _PATH.fullmatch(path)
    if not match:
        raise Malformed(f"got the path {path[:100]!r}, want that of an entry bundle")
    n, width = _number(match)
    if entries_path(n, width) != path:
        raise Malformed(f"got the path {path[:100]!r}, want {entries_path(n, width)}")
    return n, width


def tile_width(level: int, n: int, size: int) -> int:
    """How many hashes tile `n` of `level` has in the tree of `size` leaves: 0 (there is none) to 256."""
    hashes = size >> (LEVELS_PER_TILE * level)
    return max(0, min(WIDTH, hashes - n * WIDTH))


def tiles_of(size: int) -> Iterator[tuple[int, int, int]]:
    """(level, n, width) of every tile of the tree of `size` leaves, level by level; raises `Malformed`."""
    if not 0 <= size <= MAX_SIZE:
        raise Malformed(f"got a tree of {size} leaves, want 0 to 2^63-1")
    level = 0
    while hashes := size >> (LEVELS_PER_TILE * level):
        for n in range(-(-hashes // WIDTH)):
            yield level, n, tile_width(level, n, size)
        level += 1


def parse_tile(raw: bytes) -> list[bytes]:
    """The hashes of a tile, 1 to 256; raises `Malformed`."""
    if not raw or len(raw) % HASH_SIZE or len(raw) > WIDTH * HASH_SIZE:
        raise Malformed(f"got a tile of {len(raw)} bytes, want 1 to {WIDTH} hashes of {HASH_SIZE}")
    return [raw[place : place + HASH_SIZE] for place in range(0, len(raw), HASH_SIZE)]


def format_tile(hashes: Sequence[bytes]) -> bytes:
    """The bytes of a tile of 1 to 256 hashes; raises `Malformed`."""
    if any(len(digest) != HASH_SIZE for digest in hashes) or not 1 <= len(hashes) <= WIDTH:
        raise Malformed(f"got {len(hashes)} hashes for a tile, want 1 to {WIDTH} of {HASH_SIZE} bytes")
    return b"".join(hashes)


def parse_bundle(raw: bytes) -> list[bytes]:
    """The entries of a bundle, 1 to 256; raises `Malformed`."""
    entries: list[bytes] = []
    place = 0
    while place < len(raw):
        start = place + 2
        place = start + int.from_bytes(raw[place:start], "big")
        if place > len(raw):
            raise Malformed(f"got a bundle that ends within its entry {len(entries)}")
        entries.append(raw[start:place])
        if len(entries) > WIDTH:
            raise Malformed(f"got a bundle of more than {WIDTH} entries")
    if not entries:
        raise Malformed("got a bundle without entries")
    return entries


def format_bundle(entries: Sequence[bytes]) -> bytes:
    """The bytes of a bundle of 1 to 256 entries of at most 65,535 bytes; raises `Malformed`."""
    if not 1 <= len(entries) <= WIDTH:
        raise Malformed(f"got {len(entries)} entries for a bundle, want 1 to {WIDTH}")
    parts = []
    for entry in entries:
        if len(entry) > MAX_ENTRY:
            raise Malformed(f"got an entry of {len(entry)} bytes, want at most {MAX_ENTRY}")
        parts += [len(entry).to_bytes(2, "big"), entry]
    return b"".join(parts)


def _number_path(n: int, width: int) -> str:
    """The end of a path: groups of three digits, each but the last behind an x, and the width if partial."""
    if not 0 <= n <= MAX_SIZE // WIDTH:
        raise Malformed(f"got tile {n}, want one within a tree of 2^63-1 leaves")
    if not 1 <= width <= WIDTH:
        raise Malformed(f"got a tile of width {width}, want 1 to {WIDTH}")
    groups = [f"{n % 1000:03d}"]
    while n := n // 1000:
        groups.insert(0, f"x{n % 1000:03d}")
    return "/".join(groups) + (f".p/{width}" if width < WIDTH else "")


def _number(match: re.Match[str]) -> tuple[int, int]:
    """(n, width) of a matched path; the caller formats them again, which refuses other spellings."""
    return int(match[2].replace("x", "").replace("/", "")), int(match[3] or WIDTH)
