"""The guard: what was last released, kept outside the database (amendments R10).

A database that was restored from a backup is whole and well signed, and appending to it would sign a second history
beside the one that readers hold. So every process keeps, in one file of ``guard/``, the size, root and note of its
last checkpoint, written after the commit and before the answer goes out. On start the head must be at least as large
as every guard file, and its tree must have had each file's root at that size.

A file has two places of 8 KiB that are written in turn, each with its SHA-256, so that one survives a write that the
power cut in half. There is no fsync in the way of an answer: a killed process loses nothing, and once a second is
enough for a power cut, which the database's own files survive. A process takes the first file that nobody has locked.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

from ledger.errors import Unavailable

DIRECTORY = "guard"
PLACE = 8192
"""Bytes of a place: the longest origin is 1,020 bytes of UTF-8 and stands in a note once and once a signature, up to
four (format.md §5)."""
_READ_AT = (0, 4096, PLACE)
"""Where places begin; files of before had places of 4 KiB, and only a whole place has the digest of its content."""
_DIGEST = 32
_SYNC_EVERY = 1_000_000
_MAX_FILES = 1024


@dataclass(frozen=True, slots=True)
class Released:
    """A checkpoint that left a process: tree size, root of 32 bytes, and the signed note."""

    size: int
    root: bytes
    note: str


def format_place(released: Released) -> bytes:
    """Return the ``PLACE`` bytes of one place of a guard file."""
    text = f"{released.size}\n{released.root.hex()}\n{released.note}".encode()
    if len(text) > PLACE - _DIGEST - 2:
        raise AssertionError("a checkpoint that does not fit a guard file")
    content = len(text).to_bytes(2, "big") + text
    return (sha256(content).digest() + content).ljust(PLACE, b"\0")


def parse_place(raw: bytes) -> Released | None:
    """Return what one place of a guard file says; ``None`` if it was never, or not wholly, written."""
    length = int.from_bytes(raw[_DIGEST : _DIGEST + 2], "big")
    content = raw[_DIGEST : _DIGEST + 2 + length]
    if not length or len(content) != length + 2 or sha256(content).digest() != raw[:_DIGEST]:
        return None
    size, root, note = content[2:].decode().split("\n", 2)
    return Released(int(size), bytes.fromhex(root), note)


def read_guards(directory: Path) -> Iterator[tuple[Path, Released]]:
    """Yield every guard file of a ledger's directory with the larger of its places.

    Raises ``Unavailable`` for a file that has neither: nobody can say what was released.
    """
    for path in sorted((directory / DIRECTORY).glob("[0-9]*")):
        raw = path.read_bytes()
        places = [parse_place(raw[at : at + PLACE]) for at in _READ_AT]
        known = [place for place in places if place is not None]
        if known:
            yield path, max(known, key=lambda place: place.size)
        elif raw.strip(b"\0"):
            raise Unavailable(f"guard file {path.name} is damaged; what was last released is not known")


def others_open(directory: Path) -> bool:
    """Whether more than one process of this machine has the ledger open, this one being the first."""
    return _held(directory) > 1


def any_open(directory: Path) -> bool:
    """Whether any process of this machine has the ledger open."""
    return _held(directory) > 0


def _held(directory: Path) -> int:
    """How many guard files are taken."""
    held = 0
    for path in (directory / DIRECTORY).glob("[0-9]*"):
        file = os.open(path, os.O_RDWR)
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            held += 1
        finally:
            os.close(file)
    return held


class Guard:
    """The guard file of this process; ``release`` must be called after each commit, before its answer goes out."""

    def __init__(self, directory: Path) -> None:
        folder = directory / DIRECTORY
        folder.mkdir(mode=0o700, exist_ok=True)
        self._file = _take(folder)
        # The second place first: in a file of before, it stands behind both places of 4 KiB.
        self._turn = 1
        self._synced = 0
        self._size = -1

    def release(self, released: Released, now: int) -> None:
        """Write down a checkpoint; ``now`` is in microseconds."""
        if released.size < self._size:
            raise AssertionError(f"got a checkpoint of size {released.size} after one of {self._size}")
        os.pwrite(self._file, format_place(released), self._turn * PLACE)
        self._size = released.size
        self._turn = 1 - self._turn
        if abs(now - self._synced) >= _SYNC_EVERY:
            os.fdatasync(self._file)
            self._synced = now

    def close(self) -> None:
        """Bring the file to the disk and give it up."""
        if self._file >= 0:
            os.fdatasync(self._file)
            os.close(self._file)
            self._file = -1


def _take(folder: Path) -> int:
    for number in range(_MAX_FILES):
        file = os.open(folder / str(number), os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(file)
        else:
            return file
    raise Unavailable(f"{_MAX_FILES} processes have this ledger open")
