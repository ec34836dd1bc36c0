"""How often each key was counted in the last while, by all processes of this machine together: one small file.

The file ``tries`` in the ledger's folder is a table of fixed size. A key's keyed hash says in which of its rows it
stands; a row holds eight keys with when each was first counted and how often since. A key that finds its row full takes
the place of one whose while is over, or else of the one that came longest ago. What is counted survives a restart, and
no key stands in the file: neither an address nor a login can be read or tried out there without the master key.

A counter is read and written under the file's lock (``flock``), which is held for some microseconds and given up by a
process that dies. A table that is cut short or scribbled over counts from nothing again.
"""

from __future__ import annotations

import fcntl
import os
import struct
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from ledger import times
from ledger.errors import Unavailable

NAME = "tries"
WINDOW = 15 * times.MINUTE
"""How long a key is remembered from its first time, in microseconds."""
ROWS, KEYS = 2048, 8
_KEY = struct.Struct("<16sQI")
_ROW_BYTES = KEYS * _KEY.size
_MOST = 0xFFFFFFFF


@dataclass(slots=True)
class Count:
    """How often a key was counted since ``start`` (microseconds since 1970)."""

    digest: bytes
    start: int
    times: int


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
        with self._row(what, key) as (row, digest):
            now = self._clock()
            found = next((one for one in row if one.digest == digest and _lasts(one, now)), None)
            return (0, 0) if found is None else (found.times, found.start + WINDOW - now)

    def add(self, what: str, key: str) -> tuple[int, int]:
        """Count once; how often it was counted before, and the microseconds until it is forgotten."""
        with self._row(what, key) as (row, digest):
            now = self._clock()
            own = next((one for one in row if one.digest == digest), None)
            place = own or min(row, key=lambda one: (_lasts(one, now), one.start))
            if own is None or not _lasts(own, now):
                place.digest, place.start, place.times = digest, now, 0
            before = place.times
            place.times = min(before + 1, _MOST)
            return before, place.start + WINDOW - now

    def take_back(self, what: str, key: str, *, all_of_it: bool = False) -> None:
        """Take back one count of a key, or everything that was counted."""
        with self._row(what, key) as (row, digest):
            for one in row:
                if one.digest == digest:
                    one.times = 0 if all_of_it else max(one.times - 1, 0)

    @contextmanager
    def _row(self, what: str, key: str) -> Iterator[tuple[list[Count], bytes]]:
        """The row of a key, which is written back if it was changed, and the key's digest."""
        digest = self._keyed("tries", f"{what}\n{key}")
        at = int.from_bytes(digest[16:20], "big") % ROWS * _ROW_BYTES
        try:
            with self._mutex, self._locked() as file:
                raw = os.pread(file, _ROW_BYTES, at).ljust(_ROW_BYTES, b"\0")
                row = [Count(*values) for values in _KEY.iter_unpack(raw)]
                yield row, digest[:16]
                changed = b"".join(_KEY.pack(one.digest, one.start, one.times) for one in row)
                if changed != raw:
                    os.pwrite(file, changed, at)
        except OSError as error:
            raise Unavailable(f"cannot count tries: {type(error).__name__}") from error

    @contextmanager
    def _locked(self) -> Iterator[int]:
        if self._file is None:
            file = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
            try:
                # All of it now: a disk that is full later must not keep anybody from being counted.
                os.posix_fallocate(file, 0, ROWS * _ROW_BYTES)
            except OSError:
                os.close(file)
                raise
            self._file = file
        fcntl.flock(self._file, fcntl.LOCK_EX)
        try:
            yield self._file
        finally:
            fcntl.flock(self._file, fcntl.LOCK_UN)


def _lasts(one: Count, now: int) -> bool:
    """Whether it still counts; a clock that went back, or a table that was scribbled over, keeps nobody waiting."""
    return 0 <= now - one.start < WINDOW
