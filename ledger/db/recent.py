"""The last commits in short, handed from each process of a machine to the others: leaf hashes, and nodes of the map.

A process that finds that another has appended folds these leaves: it would read them, hash them, look for their
subjects, and read the rows of the buckets that these lie in. Who appended had all of that at hand, and leaves it in a
file beside the ledger. It is a shortcut and no authority: the hashes must come to the root that the head has, the nodes
to the map's root in the last seal, and that seal to its hash (``ledger.db.view``). Whoever finds otherwise, or nothing,
reads the leaves: after a commit of another machine, a large one, or one whose process was killed before it wrote. A
commit that changes who may speak is never handed on, so that these entries are read by everybody.

The file has 64 places of 16 KiB. A commit on a log of s leaves takes place s mod 64: commits that follow one another
seldom take the same. Each place begins with the SHA-256 of its content, so that half of one counts as none. Nothing is
made durable, for nothing is lost with it.
"""

from __future__ import annotations

import os
import struct
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

NAME = "commits.recent"
PLACES = 64
PLACE = 16 * 1024
Node = tuple[int, int, bytes]
"""(bucket, class, hash) of a bucket of the map."""

_HASH = 32
_HEAD = struct.Struct("!QIII")
_NODE = struct.Struct("!IB32s")


@dataclass(frozen=True, slots=True)
class Short:
    """What one commit or several added: the hash of each leaf, the buckets as they are now, and the last leaf."""

    hashes: Sequence[bytes]
    nodes: Sequence[Node]
    last: bytes


def format_place(first: int, short: Short) -> bytes | None:
    """Return the bytes of a place for a commit whose first leaf is this; ``None`` if it is too large for one."""
    head = _HEAD.pack(first, len(short.hashes), len(short.nodes), len(short.last))
    nodes = b"".join([_NODE.pack(*node) for node in short.nodes])
    content = b"".join((head, *short.hashes, nodes, short.last))
    return sha256(content).digest() + content if len(content) <= PLACE - _HASH else None


def parse_place(raw: bytes, first: int) -> Short | None:
    """Return what a place says of the commit that began at this leaf; ``None`` if nothing, or not wholly written."""
    at = _HASH + _HEAD.size
    if len(raw) < at:
        return None
    began, leaves, buckets, length = _HEAD.unpack_from(raw, _HASH)
    nodes = at + _HASH * leaves
    last = nodes + _NODE.size * buckets
    end = last + length
    if began != first or end > len(raw) or sha256(raw[_HASH:end]).digest() != raw[:_HASH]:
        return None
    hashes = [raw[start : start + _HASH] for start in range(at, nodes, _HASH)]
    return Short(hashes, list(_NODE.iter_unpack(raw[nodes:last])), raw[last:end])


class Recent:
    """The file of a ledger's directory; without one, nothing is handed on and nothing found."""

    def __init__(self, directory: Path | None) -> None:
        self._file = -1 if directory is None else os.open(directory / NAME, os.O_RDWR | os.O_CREAT, 0o600)

    def hand(self, first: int, short: Short) -> None:
        """Leave a commit on ``first`` leaves for the others, if it is not too large; the caller has the append lock."""
        raw = format_place(first, short) if self._file >= 0 else None
        if raw is not None:
            with suppress(OSError):  # a full disk: the commit stands, and the others read its leaves
                os.pwrite(self._file, raw, first % PLACES * PLACE)

    def since(self, first: int, size: int) -> Short | None:
        """What the commits added that led from ``first`` leaves to ``size``, together; ``None`` if one is not here."""
        found: list[Short] = []
        while self._file >= 0 and first < size:
            short = self._read(first)
            if short is None or not short.hashes:
                return None
            found.append(short)
            first += len(short.hashes)
        if not found or first > size:
            return None
        hashes = [digest for short in found for digest in short.hashes]
        nodes = {node[0]: node for short in found for node in short.nodes}
        return Short(hashes, list(nodes.values()), found[-1].last)

    def _read(self, first: int) -> Short | None:
        try:
            return parse_place(os.pread(self._file, PLACE, first % PLACES * PLACE), first)
        except OSError:
            return None

    def close(self) -> None:
        """Give up the file."""
        if self._file >= 0:
            os.close(self._file)
            self._file = -1
