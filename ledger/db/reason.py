"""Why a disk, a file or a database failed, in one phrase for whoever must mend it.

What SQLAlchemy and psycopg say of an error at length has statements, parameters, addresses and rows in it. Said is only
what the system, SQLite or a PostgreSQL that cannot be spoken to says first; of anything else, the kind.
"""

from __future__ import annotations

import sqlite3

import psycopg
from sqlalchemy.exc import DBAPIError


def reason(error: BaseException) -> str:
    """The phrase, in lower case as far as it is ours; no path, no address, no value of a row."""
    if isinstance(error, DBAPIError) and error.orig is not None:
        error = error.orig
    if isinstance(error, OSError) and error.strerror:
        return error.strerror.lower()
    if isinstance(error, psycopg.OperationalError) and str(error):
        # 'connection to server at "…", port … failed: ' and then why, with advice on further lines.
        return "PostgreSQL: " + " ".join(str(error).splitlines()[0].rpartition(" failed: ")[2].split())
    if isinstance(error, sqlite3.Error) and str(error):
        return str(error)
    return type(error).__name__
