"""Sessions from the pool: a connection of the engine in the hands of ``SqliteSession`` or ``PostgresSession``."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import Engine

from ledger.db.postgres import PostgresSession
from ledger.db.session import Session
from ledger.db.sqlite import SqliteSession


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
