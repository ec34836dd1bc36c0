"""Connections to the database: SQLite or PostgreSQL, chosen by the URL.

A commit that returned is on the disk: SQLite runs in WAL mode with ``synchronous=FULL``, and PostgreSQL is not let
answer before, whatever it is set to. SQLite's driver is told to leave transactions alone, so that ``BEGIN IMMEDIATE``
is ours. Its WAL is carried into the file once it is a quarter as long as that (``ledger.db.backfill``), because more
often the same pages are written again and again; where that is behind, a commit does it at ``MOST_WAL_BYTES``. Pages
are small, because what an append touches lies far apart in a large ledger, and each page that it touches is written
whole (ADR 33).
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event, make_url
from sqlalchemy.engine import URL
from sqlalchemy.exc import ArgumentError

from ledger.errors import Unavailable

PAGE_BYTES = 2048
"""Of a SQLite file that is made; one that was made with others keeps them, until it comes back from a backup."""
MOST_WAL_BYTES = 768 << 20
BUSY_SECONDS = 30
_PRIVATE = 0o600
# The connection that was used last is used next: the others stay cold and their caches small.
READERS = 8
# Each connection may keep this much of the database in memory. The appender has one of its own: whoever else commits
# empties the caches of all others, and its holds the ids and subjects among which a large ledger finds a statement's.
CACHE_KIB = 16 * 1024
APPENDER_KIB = 80 * 1024
PRAGMAS = (
    f"PRAGMA page_size={PAGE_BYTES}",
    "PRAGMA journal_mode=WAL",
    "PRAGMA synchronous=FULL",
    "PRAGMA foreign_keys=ON",
    "PRAGMA temp_store=MEMORY",
    # What is deleted is overwritten: a destroyed key leaves no bytes in free pages (amendments R13).
    "PRAGMA secure_delete=ON",
)
WRITE = "patina_write"
"""Execution option of a connection whose transactions write: SQLite must know at ``BEGIN``."""


def parse_url(url: str) -> URL:
    """Return the address of a database; raises ``Unavailable`` unless it is SQLite's or PostgreSQL's by psycopg."""
    try:
        parsed = make_url(url)
    except ArgumentError:
        raise Unavailable("got a database url that does not parse, want sqlite:/// or postgresql://") from None
    if parsed.drivername in {"postgresql", "postgres"}:
        parsed = parsed.set(drivername="postgresql+psycopg")
    if parsed.drivername not in {"sqlite", "sqlite+pysqlite", "postgresql+psycopg"}:
        raise Unavailable(f"got a database of the kind {parsed.drivername}, want sqlite or postgresql")
    if is_sqlite(parsed) and parsed.database in {None, "", ":memory:"}:
        raise Unavailable("got SQLite without a file, want sqlite:///path")
    return parsed


def is_sqlite(url: URL) -> bool:
    """Whether this is the address of a SQLite file."""
    return url.get_backend_name() == "sqlite"


def open_engine(url: str, *, must_exist: bool = True, cache_kib: int = CACHE_KIB, kept: int = READERS) -> Engine:
    """Return an engine for a URL; raises ``Unavailable``, also for a SQLite file that is not there but must be.

    ``cache_kib`` is how much of a SQLite file each of its connections may keep in memory, and ``kept`` how many of them
    stay open while nobody uses them.
    """
    parsed = parse_url(url)
    if not is_sqlite(parsed):
        engine = create_engine(parsed, pool_size=READERS, max_overflow=READERS, pool_use_lifo=True)
        event.listen(engine, "connect", _wait_for_the_disk)
        return engine
    path = Path(str(parsed.database))
    if must_exist and not path.is_file():
        raise Unavailable(f"there is no ledger at {parsed.database}; one in PostgreSQL wants PATINA_DATABASE_URL")
    if not must_exist and path.parent.is_dir():
        # SQLite would let everybody read it; its -wal and -shm files take the mode of the database.
        os.close(os.open(path, os.O_CREAT | os.O_RDWR, _PRIVATE))
    engine = create_engine(
        parsed,
        pool_size=kept,
        max_overflow=READERS,
        pool_use_lifo=True,
        connect_args={
            "isolation_level": None,
            "check_same_thread": False,
            "cached_statements": 256,
            "timeout": BUSY_SECONDS,
        },
    )
    pragmas = (*PRAGMAS, f"PRAGMA cache_size=-{cache_kib}")
    event.listen(engine, "connect", lambda connection, _: _set_pragmas(connection, pragmas))
    event.listen(engine, "begin", _begin)
    return engine


def _wait_for_the_disk(connection: Any, _: Any) -> None:
    """Have commits wait where a server, database or role lets them go before they are durable: receipts promise it."""
    connection.execute(
        "SELECT set_config('synchronous_commit', 'on', false) WHERE current_setting('synchronous_commit') = 'off'"
    )
    connection.commit()


def _set_pragmas(connection: sqlite3.Connection, pragmas: Sequence[str]) -> None:
    for pragma in pragmas:
        connection.execute(pragma)
    page_bytes = connection.execute("PRAGMA page_size").fetchone()[0]
    connection.execute(f"PRAGMA wal_autocheckpoint={MOST_WAL_BYTES // page_bytes}")


def _begin(connection: Connection) -> None:
    writes = connection.get_execution_options().get(WRITE, False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")
