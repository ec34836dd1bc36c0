"""The one way to write, for all but the appender's own commits: in turn with it, and on SQLite by its connection.

SQLite empties a connection's cache of pages when another connection commits. What a server writes beside the log, every
second or oftener while statements come (work lists, notices, the access log), would each time cost the appender the
pages among which a large ledger finds a statement's (ADR 33). Whoever writes holds the lock, and the pool keeps one
connection, so it is the same one. On PostgreSQL, rows that are not of the log have no writer to wait for.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext

from sqlalchemy import Connection, Engine

from ledger.db.connect import session
from ledger.db.engine import WRITE
from ledger.db.lock import AppendLock
from ledger.db.session import Session


class Gate:
    """An engine to write by, and the lock that whoever appends holds."""

    __slots__ = ("_engine", "_lock", "_own")

    def __init__(self, engine: Engine, lock: AppendLock) -> None:
        self._engine, self._lock = engine, lock
        self._own: AbstractContextManager[None] = lock if engine.dialect.name == "sqlite" else nullcontext()

    @contextmanager
    def session(self) -> Iterator[Session]:
        """A session while nobody appends: for what must stand still with the log."""
        with self._lock, session(self._engine) as connection:
            yield connection

    @contextmanager
    def own(self) -> Iterator[Session]:
        """A session for rows of the service's own."""
        with self._own, session(self._engine) as connection:
            yield connection

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        """A transaction on such rows, committed at the end of the block."""
        with self._own, self._engine.connect().execution_options(**{WRITE: True}) as connection, connection.begin():
            yield connection
