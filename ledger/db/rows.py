"""Rows of the service's own, read and written one short transaction at a time: who may come in, and as whom.

Nothing here is part of the log, so nothing here waits for a commit of the log longer than SQLite's one writer must.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Callable
from contextlib import AbstractContextManager
from hashlib import sha256
from typing import Any, Generic, TypeVar

from sqlalchemy import Connection, Engine

from ledger import times
from ledger.db.gate import Gate
from ledger.errors import Invalid

REMEMBER = 5 * times.SECOND
"""How long what was found is not asked for again: the longest that what another process revoked still works."""
MAX_REMEMBERED = 1024

_ROW_ID = re.compile(r"[0-9a-f]{16}")

T = TypeVar("T")


class Rows:
    """An engine with a clock and randomness; ``rand(n)`` gives n random bytes."""

    def __init__(self, engine: Engine, gate: Gate, *, clock: Callable[[], int], rand: Callable[[int], bytes]) -> None:
        self._engine = engine
        self.clock, self.rand = clock, rand
        self._gate = gate

    def now(self) -> str:
        """This moment as rows write it."""
        return times.format_recorded(self.clock())

    def read(self, query: Any) -> list[Any]:
        """The rows of a query."""
        with self._engine.connect() as connection:
            return list(connection.execute(query).all())

    def write(self, change: Any) -> int:
        """Make one change; how many rows it met."""
        with self.writing() as connection:
            return int(connection.execute(change).rowcount)

    def writing(self) -> AbstractContextManager[Connection]:
        """A transaction that writes, committed at the end of the block."""
        return self._gate.writing()


class Memory(Generic[T]):
    """What was found a moment ago, by key: bounded, and forgotten after ``REMEMBER``."""

    def __init__(self) -> None:
        self._found: dict[Any, tuple[int, T]] = {}
        self._mutex = threading.Lock()

    def get(self, key: Any, now: int) -> T | None:
        """What was found under this key, unless that is too long ago."""
        kept = self._found.get(key)
        return kept[1] if kept is not None and 0 <= now - kept[0] < REMEMBER else None

    def put(self, key: Any, now: int, found: T) -> None:
        """Remember what was found."""
        with self._mutex:
            if len(self._found) >= MAX_REMEMBERED:
                self._found.clear()
            self._found[key] = now, found

    def forget(self, key: Any = None) -> None:
        """Forget one key, or everything."""
        with self._mutex:
            if key is None:
                self._found.clear()
            else:
                self._found.pop(key, None)

    def __len__(self) -> int:
        return len(self._found)


def is_row_id(text: str) -> bool:
    """Whether ``text`` may be the id of a row of ours: 16 hex digits."""
    return _ROW_ID.fullmatch(text) is not None


def check_line(text: str, most: int, pointer: str) -> str:
    """``text``, one line for people to read; raises ``Invalid`` for control characters and for more than ``most``.

    What stands in a row may come to stand in a terminal, a log or a page.
    """
    if len(text) > most or not text.isprintable():
        raise Invalid(f"got text that is not one line of at most {most} printable characters", pointer)
    return text


def hash_of(secret: str) -> bytes:
    """What is kept of a secret of 128 and more random bits, which nobody can guess and so needs no salt."""
    return sha256(secret.encode()).digest()
