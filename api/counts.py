"""How often each key was counted in the last while, by all processes of this machine together: one small file.

The file ``tries`` in the ledger's folder is a table of fixed size. A key's keyed hash says in which of its rows it
stands; a row holds eight keys with when each was first counted and how often since. A key that finds its row full takes
the place of one whose while is over, or else of the one that came longest ago. What is counted survives a restart, and
no key stands in the file: neither an address nor a login can be read or tried out there without the master key.

A counter is changed under the file's lock (``flock``), which is held for some microseconds and given up by a process
that dies; it is looked at without. A table that is cut short or scribbled over counts from nothing again.
"""

from __future__ import annotations

import fcntl
import os
import struct
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from ledger.errors import Unavailable
from ledger.times import MINUTE

NAME = "tries"
WINDOW = 15 * MINUTE
"""How long a key is remembered from its first time, in microseconds."""
ROWS, KEYS = 2048, 8
_KEY = struct.Struct("<16sQI")
"""A key's digest, when it was first counted (microseconds since 1970), and how often since."""
_ROW_BYTES = KEYS * _KEY.size
_MOST = 0xFFFFFFFF


class Counts:
    """The counters in a folder; ``keyed(what, text)`` gives keyed hashes of 32 bytes that all processes agree on."""

    def __init__(self, folder: Path, keyed: Callable[[str, str], bytes], clock: Callable[[], int]) -> None:
        self._path, self._keyed, self._clock = folder / NAME, keyed, clock
        # flock knows open files, not threads.
        self._mutex = threading.Lock()
        self._file: int | None = None

    def close(self) -> None:
        """Give up the file; the next count opens it again."""
        with self._mutex:
            if self._file is not None:
                os.close(self._file)
            self._file = None

    def get(self, what: str, key: str) -> tuple[int, int]:
        """How often this key was counted, and the microseconds until it is forgotten."""
        digest, at = self._where(what, key)
        with self._mutex, _counting():
            row = _read(self._open(), at)
        place = _place(row, digest)
        if place is None:
            return 0, 0
        _, start, times = _KEY.unpack_from(row, place)
        now = self._clock()
        return (times, start + WINDOW - now) if _lasts(start, now) else (0, 0)

    def add(self, what: str, key: str) -> tuple[int, int]:
        """Count once; how often it was counted before, and the microseconds until it is forgotten."""
        with self._row(what, key) as (row, digest):
            now, place = self._clock(), _place(row, digest)
            if place is None:
                starts = [start for _, start, _ in _KEY.iter_unpack(row)]
                place = min(range(KEYS), key=lambda at: (_lasts(starts[at], now), starts[at])) * _KEY.size
            found, start, times = _KEY.unpack_from(row, place)
            if found != digest or not _lasts(start, now):
                start, times = now, 0
            _KEY.pack_into(row, place, digest, start, min(times + 1, _MOST))
            return times, start + WINDOW - now

    def take_back(self, what: str, key: str, *, all_of_it: bool = False) -> None:
        """Take back one count of a key, or everything that was counted."""
        with self._row(what, key) as (row, digest):
            place = _place(row, digest)
            if place is not None:
                _, start, times = _KEY.unpack_from(row, place)
                _KEY.pack_into(row, place, digest, start, 0 if all_of_it else max(times - 1, 0))

    @contextmanager
    def _row(self, what: str, key: str) -> Iterator[tuple[bytearray, bytes]]:
        """The row of a key, which nobody else changes meanwhile and which is written back, and the key's digest."""
        digest, at = self._where(what, key)
        with self._mutex, _counting():
            file = self._open()
            fcntl.flock(file, fcntl.LOCK_EX)
            try:
                row = _read(file, at)
                yield row, digest
                os.pwrite(file, row, at)
            finally:
                fcntl.flock(file, fcntl.LOCK_UN)

    def _where(self, what: str, key: str) -> tuple[bytes, int]:
        """The digest that stands for a key, and the offset of its row."""
        digest = self._keyed("tries", f"{what}\n{key}")
        return digest[:16], int.from_bytes(digest[16:20], "big") % ROWS * _ROW_BYTES

    def _open(self) -> int:
        if self._file is None:
            file = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
            try:
                # All of it now: a disk that is full later must not keep anybody from being counted.
                os.posix_fallocate(file, 0, ROWS * _ROW_BYTES)
            except OSError:
                os.close(file)
                raise
            self._file = file
        return self._file


@contextmanager
def _counting() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise Unavailable(f"cannot count tries: {type(error).__name__}") from error


def _read(file: int, at: int) -> bytearray:
    return bytearray(os.pread(file, _ROW_BYTES, at).ljust(_ROW_BYTES, b"\0"))


def _place(row: bytearray, digest: bytes) -> int | None:
    """Where in its row a key stands."""
    at = row.find(digest)
    return at if at >= 0 and at % _KEY.size == 0 else None


def _lasts(start: int, now: int) -> bool:
    """Whether a count still counts; a clock that went back, or a table scribbled over, keeps nobody waiting."""
    return 0 <= now - start < WINDOW
