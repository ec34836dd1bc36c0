"""Who appends next: one at a time in a process, and between the processes of a machine.

SQLite's own lock lets a second writer sleep and try again, with waits of up to 100 ms; a process that waits for an
exclusive ``flock`` on ``append.lock`` is woken at once. PostgreSQL queues on the head row, which keeps the processes of
several machines in order; those of one machine queue on the file all the same, for whoever can see that another
appends makes its own commit larger meanwhile (``must_wait``).
"""

from __future__ import annotations

import fcntl
import os
import threading
from pathlib import Path
from types import TracebackType

NAME = "append.lock"


class AppendLock:
    """A context that at most one thread of all processes that share ``directory`` is in; without one, of this one."""

    def __init__(self, directory: Path | None) -> None:
        self._thread = threading.Lock()
        # 0600: whoever can open the file can keep the ledger from appending.
        self._file = None if directory is None else os.open(directory / NAME, os.O_RDWR | os.O_CREAT, 0o600)

    def __enter__(self) -> None:
        self._thread.acquire()
        try:
            if self._file is not None:
                fcntl.flock(self._file, fcntl.LOCK_EX)
        except BaseException:
            self._thread.release()
            raise

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._file is not None:
            fcntl.flock(self._file, fcntl.LOCK_UN)
        self._thread.release()

    def is_taken(self) -> bool:
        """Whether somebody is in it at this moment, of another process or another thread."""
        if not self._thread.acquire(blocking=False):
            return True
        try:
            # Under the thread's lock: ``LOCK_UN`` would else give up what another thread holds by the same file.
            if self._file is not None:
                fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                fcntl.flock(self._file, fcntl.LOCK_UN)
        except BlockingIOError:
            return True
        finally:
            self._thread.release()
        return False

    def close(self) -> None:
        """Give up the file."""
        with self._thread:
            if self._file is not None:
                os.close(self._file)
                self._file = None
