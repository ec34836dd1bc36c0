"""A spool: lines that must outlive their process until they stand in the database, without a commit for each.

A line is written to a file before whoever adds it goes on. There is no fsync: a killed process loses nothing, and a
power cut what the system had not written yet (the same bargain as the guard's). Two files are written in turn:
``take`` gives the lines of one and lets new ones go to the other, ``drop`` empties it once they are committed. A line
may so be taken twice, after a crash between commit and ``drop``, and must bear it.

A process holds a lock on its two files as long as it lives; a file that nobody has locked is left over, and its lines
belong to whoever opens the folder next, who removes it after ``drop``. Files are taken, made and removed under a lock
on the folder, so that of two processes side by side each has its own.
"""

from __future__ import annotations

import fcntl
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path

from ledger.db.reason import reason
from ledger.errors import Unavailable


class Spool:
    """The spool of one process in ``folder``, which is made if it is not there; safe for threads."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(mode=0o700, exist_ok=True)
        self._mutex = threading.Lock()
        self._folder = folder
        self._files: list[tuple[Path, int]] = []
        self._others: list[tuple[Path, int]] = []
        left: list[bytes] = []
        with _alone(folder):
            for path in sorted(folder.iterdir()):
                file = _lock(path)
                if file is None:
                    continue
                if os.fstat(file).st_size:
                    self._others.append((path, file))
                    left += _lines(file)
                elif len(self._files) < 2:
                    self._files.append((path, file))
                else:
                    _remove(path, file)
            unused = (path for number in count() if not (path := folder / str(number)).exists())
            while len(self._files) < 2:
                path = next(unused)
                self._files.append((path, os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o600)))
                fcntl.flock(self._files[-1][1], fcntl.LOCK_EX)
        self.left = left
        """The lines that dead processes left; they stay in their files until ``drop``."""
        self._active: list[bytes] = []
        self._turn = 0

    def add(self, line: bytes) -> None:
        """Write a line, which holds no line break; raises ``Unavailable`` if the disk does not take it."""
        with self._mutex:
            _, file = self._files[self._turn]
            before = os.fstat(file).st_size
            try:
                if os.write(file, line + b"\n") != len(line) + 1:
                    raise OSError("a line was written in part")
            except OSError as error:
                os.ftruncate(file, before)
                raise Unavailable(f"cannot write to the spool: {reason(error)}") from None
            self._active.append(line)

    def take(self) -> list[bytes]:
        """The lines that are not in the database yet; those added from now on go to the other file."""
        with self._mutex:
            taken, self._active = self.left + self._active, []
            self.left = []
            self._turn = 1 - self._turn
            return taken

    def put_back(self, lines: list[bytes]) -> None:
        """Undo ``take``, because they could not be committed; they stand in the files still."""
        with self._mutex:
            self.left = lines + self.left

    def drop(self) -> None:
        """Empty the file of what was taken and committed, and those of dead processes."""
        with self._mutex:
            os.ftruncate(self._files[1 - self._turn][1], 0)
            if self._others:
                with _alone(self._folder):
                    for path, file in self._others:
                        _remove(path, file)
                self._others = []

    def close(self) -> None:
        """Give up the files."""
        with self._mutex:
            for _, file in self._files + self._others:
                os.close(file)
            self._files, self._others = [], []


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    file = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
    finally:
        os.close(file)


def _lock(path: Path) -> int | None:
    """The opened file, locked; ``None`` if a process that lives has it."""
    file = os.open(path, os.O_RDWR | os.O_APPEND)
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(file)
        return None
    return file


def _remove(path: Path, file: int) -> None:
    path.unlink()
    os.close(file)


def _lines(file: int) -> list[bytes]:
    """The whole lines of a file: what stands after the last line break was not written to its end."""
    with os.fdopen(os.dup(file), "rb") as reader:
        reader.seek(0)
        return reader.read().split(b"\n")[:-1]
