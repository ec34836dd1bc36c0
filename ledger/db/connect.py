"""Sessions from the pool: a connection of the engine in the hands of ``SqliteSession`` or ``PostgresSession``.

What a database that is away raises is told from what a wrong question raises: the one passes, the other is our fault.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
from sqlalchemy import Engine
from sqlalchemy import exc as alchemy

from ledger.db.postgres import PostgresSession
from ledger.db.session import Session
from ledger.db.sqlite import SqliteSession

AWAY = (
    sqlite3.OperationalError,
    psycopg.OperationalError,
    psycopg.InterfaceError,
    alchemy.OperationalError,
    alchemy.InterfaceError,
    alchemy.TimeoutError,
)
"""What is raised where the database cannot be reached, cannot write, or has no connection free: ask it again."""


@contextmanager
def session(engine: Engine) -> Iterator[Session]:
    """A session on a pooled connection, rolled back if it was left in a transaction.

    A connection that turns out broken takes the pool's others with it: they were lost to the same restart.
    """
    pooled = engine.raw_connection()
    driver: Any = pooled.driver_connection
    opened: Session
    if isinstance(driver, sqlite3.Connection):
        opened = SqliteSession(driver)
    else:
        driver.autocommit = True
        opened = PostgresSession(driver)
    try:
        yield opened
    finally:
        try:
            opened.rollback()
            if isinstance(opened, PostgresSession) and not driver.closed:
                driver.autocommit = False
        finally:
            if getattr(driver, "closed", False):
                pooled.invalidate()
                engine.dispose(close=False)
            pooled.close()
