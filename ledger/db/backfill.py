"""The SQLite file is brought up to its write-ahead log beside the appender, and not by it.

A commit is on the disk once it is in the WAL; later its pages are carried into the file, which SQLite by itself does
within whichever commit finds the WAL too long. In a large ledger those pages lie far apart, and that one commit took a
hundred milliseconds for its neighbours' sake. A thread does it here each time that about a quarter as many pages were
written as the file has: the longer the WAL, the more of its pages are changes of the same one, which is carried over
once. It does so passively, so that it waits for nobody and nobody waits for it. Under load a pass leaves what was
written while it worked, and each has less to do than the one before. What little is left then is carried over while
nobody appends, in some milliseconds, for only a WAL that is in the file to its end begins anew. What stays behind, as
while somebody reads for long, is left to SQLite's own threshold.
"""

from __future__ import annotations

import sqlite3
import threading
from contextlib import AbstractContextManager, closing, suppress
from pathlib import Path

from ledger.db.lock import AppendLock

WAL_PAGES = (32_000, 160_000)
"""How many pages are written at least and at most before a pass: 64 MiB and 320."""
PAGES_A_LEAF = 5
"""About what a leaf puts into the WAL: 2.6 to 5.3, as its batch and its subjects are."""
PASSES = 8
"""How often the WAL is gone through at most before whoever appends faster has to wait."""
LITTLE = 2_000
"""Pages that an append may have to wait for."""
_CARRY = "PRAGMA wal_checkpoint(PASSIVE)"


class Backfill:
    """Carries the WAL of one database into its file; for PostgreSQL (``path`` is ``None``) it does nothing.

    One thread at a time may call it, as one appends. Its own thread begins with the first pass that is due.
    """

    def __init__(self, path: Path | None, lock: AppendLock) -> None:
        self._path, self._lock = path, lock
        self._pages, self._enough = 0, WAL_PAGES[0]
        self._due, self._closed = threading.Event(), False
        self._thread: threading.Thread | None = None

    def written(self, leaves: int) -> None:
        """Take note of a commit of so many leaves, and have a pass made if one is due."""
        self._pages += PAGES_A_LEAF * leaves
        if self._path is None or self._pages < self._enough:
            return
        self._pages = 0
        self._due.set()
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, args=(self._path,), name="backfill", daemon=True)
            self._thread.start()

    def close(self) -> None:
        """End the thread, once the pass that it is at is over."""
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
            with suppress(sqlite3.Error), closing(sqlite3.connect(address, uri=True)) as connection:
                connection.execute("PRAGMA synchronous=FULL")
                carry(connection, self._lock)
                self._enough = enough(connection)


def enough(connection: sqlite3.Connection) -> int:
    """How many pages are to be written before the next pass: a quarter of the file's, within ``WAL_PAGES``."""
    least, most = WAL_PAGES
    return max(least, min(most, int(connection.execute("PRAGMA page_count").fetchone()[0]) // 4))


def carry(connection: sqlite3.Connection, lock: AbstractContextManager[None]) -> None:
    """Go through the WAL until it grows by little meanwhile, and to its end under the lock of whoever appends."""
    before = 0
    for _ in range(PASSES):
        busy, pages, _ = connection.execute(_CARRY).fetchone()
        if busy:
            return
        if pages - before <= LITTLE:
            break
        before = pages
    with lock:
        connection.execute(_CARRY).fetchone()
