"""The SQLite file is brought up to its write-ahead log beside the appender, and not by it.

A commit is on the disk once it is in the WAL; later its pages are carried into the file, which SQLite by itself does
within whichever commit finds the WAL too long. In a large ledger those pages lie far apart, and that one commit took a
hundred milliseconds for its neighbours' sake. A thread does it here each time that about ``WAL_PAGES`` were written:
passively, so that it waits for nobody and nobody waits for it. Under load a pass leaves what was written while it
worked; each has less to do than the one before, until one is done between two commits, and the WAL begins anew. What
stays behind, as while somebody reads for long, is left to SQLite's own threshold.
"""

from __future__ import annotations

import sqlite3
import threading
from contextlib import closing, suppress
from pathlib import Path

from ledger.db.engine import WAL_PAGES

PAGES_A_LEAF = 4
"""About what a leaf puts into the WAL: 2.6 to 4.1, as its batch and its subjects are."""
PASSES = 8
"""How often the WAL is gone through at most before whoever appends faster is left to SQLite's threshold."""


class Backfill:
    """Carries the WAL of one database into its file; for PostgreSQL (``path`` is ``None``) it does nothing.

    One thread at a time may call it, as one appends. Its own thread begins with the first pass that is due.
    """

    def __init__(self, path: Path | None) -> None:
        self._path = path
        self._pages = 0
        self._due, self._closed = threading.Event(), False
        self._thread: threading.Thread | None = None

    def written(self, leaves: int) -> None:
        """Take note of a commit of so many leaves, and have a pass made if one is due."""
        self._pages += PAGES_A_LEAF * leaves
        if self._path is None or self._pages < WAL_PAGES:
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
                carry(connection)


def carry(connection: sqlite3.Connection) -> None:
    """Go through the WAL until it does not grow meanwhile."""
    before = -1
    for _ in range(PASSES):
        busy, pages, _ = connection.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchone()
        if busy or pages == before:
            return
        before = pages
