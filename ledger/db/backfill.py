"""The SQLite file is brought up to its write-ahead log beside the appender, and not by it.

A commit is on the disk once it is in the WAL; later its pages are carried into the file, which SQLite by itself does
within whichever commit finds the WAL too long. In a large ledger those pages lie far apart, and that one commit took a
hundred milliseconds for its neighbours' sake. A thread does it here each time that about a quarter as many pages were
written as the file has: the longer the WAL, the more of its pages are changes of the same one, which is carried over
once. It does so passively, so that it waits for nobody and nobody waits for it. Under load a pass leaves what was
written while it worked, and each has less to do than the one before. What little is left then is carried over while
nobody appends, for only a WAL that is in the file to its end begins anew. Only then does SQLite wait for the disk, for
all that the passes wrote: so the disk is made to take it before. Where more is left, as while somebody reads for long,
it is tried again soon, and in the end left to SQLite's own threshold.
"""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Callable
from contextlib import AbstractContextManager, closing, suppress
from functools import partial
from pathlib import Path

from ledger.db.engine import PAGE_BYTES
from ledger.db.lock import AppendLock

WAL_BYTES = (64 << 20, 256 << 20)
"""How much is written at least and at most before a pass; each of several processes counts its own."""
PAGES_A_COMMIT, PAGES_A_LEAF = 12, 3
"""About what a commit and each leaf of it put into the WAL: 14 pages for one statement, 220 to 310 for a hundred."""
PASSES = 8
"""How often the WAL is gone through at most before it is left to another time."""
LITTLE = 2_000
"""Pages that an append may have to wait for."""
_CARRY = "PRAGMA wal_checkpoint(PASSIVE)"


class Backfill:
    """Carries the WAL of one database into its file; for PostgreSQL (``path`` is ``None``) it does nothing.

    One thread at a time may call it, as one appends. Its own thread begins with the first pass that is due.
    """

    def __init__(self, path: Path | None, lock: AppendLock) -> None:
        self._path, self._lock = path, lock
        self._pages, self._enough = 0, WAL_BYTES[0] // PAGE_BYTES
        self._due, self._closed = threading.Event(), False
        self._thread: threading.Thread | None = None

    def written(self, leaves: int) -> None:
        """Take note of a commit of so many leaves, and have a pass made if one is due."""
        self._pages += PAGES_A_COMMIT + PAGES_A_LEAF * leaves
        if self._path is None or self._pages < self._enough:
            return
        self._pages = 0
        self._due.set()
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, args=(self._path,), name="backfill", daemon=True)
            self._thread.start()

    def close(self) -> None:
        """End the thread, once what it is at is over."""
        self._closed = True
        self._due.set()
        if self._thread is not None:
            self._thread.join()

    def _run(self, path: Path) -> None:
        # A file that is not there is not made.
        address = f"{path.absolute().as_uri()}?mode=rw"
        while self._due.wait() and not self._closed:
            self._due.clear()
            # A disk that is full or a file that is gone is for the next commit to say.
            with suppress(sqlite3.Error, OSError), closing(sqlite3.connect(address, uri=True)) as connection:
                connection.execute("PRAGMA synchronous=FULL")
                done = carry(connection, partial(self._settle, path), self._lock)
                self._enough = enough(connection) if done else WAL_BYTES[0] // PAGE_BYTES

    def _settle(self, path: Path) -> None:
        """Have the disk take what was written to the file; another process, for one that closes it loses its locks."""
        words, environment = ["sync", "-d", str(path.absolute())], {"PATH": os.environ.get("PATH", os.defpath)}
        quiet = subprocess.DEVNULL
        if self._closed:
            return
        with suppress(OSError):  # without such a command, whoever appends next waits longer
            subprocess.run(words, env=environment, check=False, stdin=quiet, stdout=quiet, stderr=quiet)  # noqa: S603 -- ours


def enough(connection: sqlite3.Connection) -> int:
    """How many pages are to be written before the next pass: a quarter of the file's, within ``WAL_BYTES``."""
    count, size = (int(connection.execute(f"PRAGMA {name}").fetchone()[0]) for name in ("page_count", "page_size"))
    least, most = (limit // size for limit in WAL_BYTES)
    return max(least, min(most, count // 4))


def carry(connection: sqlite3.Connection, settle: Callable[[], object], lock: AbstractContextManager[None]) -> bool:
    """Go through the WAL until little of it is left, and to its end under the lock of whoever appends; whether so.

    ``settle`` returns when the disk has what was written to the file. It is called until a pass has more than half as
    much to do as the one before: a disk so slow that as much comes meanwhile does not keep the WAL from its end.
    """
    before, left, quick = 0, sys.maxsize, True
    for _ in range(PASSES):
        busy, pages, carried = connection.execute(_CARRY).fetchone()
        if busy:
            return False
        last, left = left, pages - min(before, carried)
        quick = quick and left < last // 2
        if quick:
            settle()
        if left <= LITTLE:
            with lock:
                connection.execute(_CARRY).fetchone()
            return True
        before = carried
    return False
