"""What is said of a disk, a file or a database that failed: why, and neither a path, an address nor a value."""

from __future__ import annotations

import sqlite3

import psycopg
import pytest
from sqlalchemy.exc import InvalidRequestError, OperationalError

from ledger.db.reason import reason

REFUSED = """connection failed: connection to server at "192.0.2.7", port 5432 failed: Connection refused
\tIs the server running on that host and accepting TCP/IP connections?"""
NO_SUCH = 'connection to server at "192.0.2.7", port 5432 failed: FATAL:  database "x" does not exist'


@pytest.mark.parametrize(
    ("error", "why"),
    [
        (OSError(28, "No space left on device", "/srv/ledger/spool"), "no space left on device"),
        (OSError("a line was written in part"), "OSError"),
        (sqlite3.OperationalError("database or disk is full"), "database or disk is full"),
        (sqlite3.DatabaseError(""), "DatabaseError"),
        (psycopg.OperationalError(REFUSED), "PostgreSQL: Connection refused"),
        (psycopg.OperationalError(NO_SUCH), 'PostgreSQL: FATAL: database "x" does not exist'),
        (psycopg.DataError('invalid input syntax for type uuid: "Ada Example"'), "DataError"),
        (
            OperationalError("SELECT secret", {"name": "Ada"}, sqlite3.OperationalError("database is locked")),
            "database is locked",
        ),
        (InvalidRequestError("Ada"), "InvalidRequestError"),
    ],
)
def test_why_it_failed_in_one_phrase(error: Exception, why: str) -> None:
    assert reason(error) == why
