"""A spool: lines that must outlive their process until they stand in the database, without a commit for each.

A line is written to a file before whoever adds it goes on. There is no fsync: a killed process loses nothing, and a
power cut what the system had not written yet (the same bargain as the guard's). Two files are written in turn:
``take`` gives the lines of one and lets new ones go to the other, ``drop`` empties it once they are committed. A line
may so be taken twice, after a crash between commit and ``drop``, and must bear it.

A process holds a lock on its files as long as it lives; a file that nobody has locked is left over, and its lines
belong to whoever opens the folder next.
"""

from __future__ import annotations

import fcntl
import os
import threading
from pathlib import Path

from ledger.errors import Unavailable

_MAX_FILES = 1024


class Spool:
    """The spool of one process in ``folder``, which is made if it is not there; safe for threads."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(mode=0o700, exist_ok=True)
        self._mutex = threading.Lock()
        self._files, left = _two_files(folder)
        self.left: list[bytes] = left
        """The lines that dead processes left; they stay in the files until ``drop``."""
        self._active: list[bytes] = []
        self._turn = 0

    def add(self, line: bytes) -> None:
        """Write a line, which holds no line break; raises ``Unavailable`` if the disk does not take it."""
        with self._mutex:
            file = self._files[self._turn]
            before = os.fstat(file).st_size
            try:
                if os.write(file, line + b"\n") != len(line) + 1:
                    raise OSError("a line was written in part")
            except OSError as error:
                os.ftruncate(file, before)
                raise Unavailable(f"cannot write to the spool: {type(error).__name__}") from None
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
        """Empty the file of what was taken and committed, and those of dead processes, and give these up."""
        with self._mutex:
            for number, file in enumerate(self._files):
                if number != self._turn:
                    os.ftruncate(file, 0)
            for file in self._files[2:]:
                os.close(file)
            del self._files[2:]

    def close(self) -> None:
        """Give up the files."""
        with self._mutex:
            for file in self._files:
                os.close(file)
            self._files = []


def _two_files(folder: Path) -> tuple[list[int], list[bytes]]:
    """Two locked files or more, those left over among them, and the lines of what was left over.

    Only one opens the folder at a time: of two side by side, one could lock each file between the other's making it
    and locking it, and so have them all.
    """
    files: list[int] = []
    left: list[bytes] = []
    alone = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(alone, fcntl.LOCK_EX)
        for number in range(_MAX_FILES):
            path = folder / str(number)
            if len(files) >= 2 and not path.exists():
                break
            file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o600)
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                os.close(file)
                continue
            lines = _lines(file)
            if len(files) >= 2 and not lines:
                os.close(file)  # nothing is left over in it: another process may have it
                continue
            left += lines
            files.append(file)
    finally:
        os.close(alone)
    if len(files) < 2:
        for file in files:
            os.close(file)
        raise Unavailable(f"{_MAX_FILES} spool files are in use")
    return files, left


def _lines(file: int) -> list[bytes]:
    """The whole lines of a file; what stands after the last line break was not written to its end, and is cut off."""
    with os.fdopen(os.dup(file), "rb") as reader:
        reader.seek(0)
        *lines, torn = reader.read().split(b"\n")
    os.ftruncate(file, os.fstat(file).st_size - len(torn))
    return lines
