"""One connection for hot work: the driver's own cursors, SQL that was compiled once, and few round trips.

SQLAlchemy makes and pools the connections; going through it for each statement costs 70 µs (25 as text) where the
driver needs 3, and an append runs about ten. SQL is written with ``?``; ``{among}`` stands for a list of values and
``{ranges}`` for a list of pairs, which become lists of fixed widths on SQLite (so that its cache of compiled statements
holds them) and arrays on PostgreSQL. Questions that are asked together go in one round trip on PostgreSQL.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any, Protocol

from sqlalchemy import Engine, Table
from sqlalchemy.dialects import postgresql

if TYPE_CHECKING:
    import psycopg

Row = tuple[Any, ...]
Step = tuple[str, Sequence[Any]]
_ONE = "SELECT 1 / count(*) FROM swapped"
WIDTHS = (1, 4, 16, 64, 256, 1024)


@dataclass(frozen=True, slots=True)
class Query:
    """A question: one or more statements whose rows are one answer."""

    steps: tuple[Step, ...]


@dataclass(frozen=True, slots=True)
class Insert:
    """Rows for a table, in its columns' order; ``on_conflict`` is "" (refuse), "update" or "ignore"."""

    table: Table
    rows: Sequence[Row]
    on_conflict: str = ""


def ask(sql: str, *parameters: Any) -> Query:
    """Return a question of one statement."""
    return Query(((sql, parameters),))


class Session(Protocol):
    """A connection in use; ``begin`` before anything else, then ``commit`` or ``rollback``."""

    def begin(self, *, write: bool, then: Sequence[Query] = ()) -> list[list[Row]]:
        """Begin a transaction (a reader sees one snapshot) and ask the first questions in the same round trip."""

    def gather(self, *queries: Query) -> list[list[Row]]:
        """The answers to questions, asked in one round trip."""

    def among(self, sql: str, values: Sequence[Any], *parameters: Any) -> Query:
        """A question whose ``{among}`` is this list; ``parameters`` come after it."""

    def ranges(self, sql: str, pairs: Sequence[tuple[Any, Any]]) -> Query:
        """A question whose ``{ranges}`` is a table ``r(lo, hi)`` of these pairs."""

    def write(self, inserts: Sequence[Insert], *last: Step) -> list[int]:
        """Insert rows, then run statements; the number of rows that each of these changed."""

    def finish(self, inserts: Sequence[Insert], swap: Step) -> None:
        """Insert rows, run ``swap``, which must change one row, and commit; if this raises, the outcome is open."""

    def commit(self) -> None:
        """Commit."""

    def rollback(self) -> None:
        """Roll back; does nothing without a transaction."""


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


def fetch(connection: Session, query: Query) -> list[Row]:
    """The answer to one question."""
    return connection.gather(query)[0]


class SqliteSession:
    """A SQLite connection whose transactions are ours."""

    __slots__ = ("_connection", "_cursor")

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self._cursor = connection.cursor()

    def begin(self, *, write: bool, then: Sequence[Query] = ()) -> list[list[Row]]:
        """See ``Session``; a reader's snapshot starts with its first question."""
        self._cursor.execute("BEGIN IMMEDIATE" if write else "BEGIN")
        return self.gather(*then)

    def gather(self, *queries: Query) -> list[list[Row]]:
        """See ``Session``."""
        execute, answers = self._cursor.execute, []
        for query in queries:
            rows: list[Row] = []
            for sql, parameters in query.steps:
                rows += execute(sql, parameters).fetchall()
            answers.append(rows)
        return answers

    def among(self, sql: str, values: Sequence[Any], *parameters: Any) -> Query:
        """See ``Session``; a list is filled up with its last value, which changes no answer."""
        steps = []
        for part, width in _parts(values):
            filled = [*part, *[part[-1]] * (width - len(part)), *parameters]
            steps.append((_sqlite_among(sql, width), filled))
        return Query(tuple(steps))

    def ranges(self, sql: str, pairs: Sequence[tuple[Any, Any]]) -> Query:
        """See ``Session``; a list is filled up with NULLs, between which nothing lies."""
        steps = []
        for part, width in _parts(pairs):
            filled = [value for pair in part for value in pair]
            steps.append((_sqlite_ranges(sql, width), filled + [None] * (2 * width - len(filled))))
        return Query(tuple(steps))

    def write(self, inserts: Sequence[Insert], *last: Step) -> list[int]:
        """See ``Session``."""
        for insert in inserts:
            if insert.rows:
                self._cursor.executemany(_sqlite_insert(insert.table, insert.on_conflict), insert.rows)
        return [self._cursor.execute(sql, parameters).rowcount for sql, parameters in last]

    def finish(self, inserts: Sequence[Insert], swap: Step) -> None:
        """See ``Session``."""
        if self.write(inserts, swap) != [1]:
            self.rollback()
            raise sqlite3.IntegrityError("the head is not the one that this batch was built on")
        self.commit()

    def commit(self) -> None:
        """See ``Session``."""
        self._cursor.execute("COMMIT")

    def rollback(self) -> None:
        """See ``Session``."""
        if self._connection.in_transaction:
            self._cursor.execute("ROLLBACK")


class PostgresSession:
    """A psycopg connection in autocommit, whose transactions are ours; parameters and results are binary."""

    __slots__ = ("_connection",)

    def __init__(self, connection: psycopg.Connection[Any]) -> None:
        self._connection = connection

    def begin(self, *, write: bool, then: Sequence[Query] = ()) -> list[list[Row]]:
        """See ``Session``; a writer sees what was committed before it got the lock on the head row."""
        mode = "READ COMMITTED" if write else "REPEATABLE READ READ ONLY"
        answers = self.gather(ask(f"BEGIN ISOLATION LEVEL {mode}"), *then)
        return answers[1:]

    def gather(self, *queries: Query) -> list[list[Row]]:
        """See ``Session``."""
        with self._connection.pipeline():
            cursors = [[self._execute(step) for step in query.steps] for query in queries]
        return [
            [row for cursor in asked for row in (cursor.fetchall() if cursor.description else ())]
            for asked in cursors
        ]

    def _execute(self, step: Step) -> Any:
        cursor = self._connection.cursor(binary=True)
        return cursor.execute(_postgres(step[0]), step[1])

    def among(self, sql: str, values: Sequence[Any], *parameters: Any) -> Query:
        """See ``Session``."""
        if not values:
            return Query(())
        return Query(((sql.replace("IN {among}", "= ANY(?)"), (list(values), *parameters)),))

    def ranges(self, sql: str, pairs: Sequence[tuple[Any, Any]]) -> Query:
        """See ``Session``; each range is looked up by itself in the index."""
        if not pairs:
            return Query(())
        lows, highs = zip(*pairs, strict=True)
        table = "unnest(?::bytea[], ?::bytea[]) AS r(lo, hi)"
        return Query(((sql.replace("{ranges}", table), (list(lows), list(highs))),))

    def write(self, inserts: Sequence[Insert], *last: Step) -> list[int]:
        """See ``Session``; a table's rows go as one array a column."""
        with self._connection.pipeline():
            self._insert(inserts)
            cursors = [self._execute(step) for step in last]
        return [cursor.rowcount for cursor in cursors]

    def finish(self, inserts: Sequence[Insert], swap: Step) -> None:
        """See ``Session``; where the swap changes no row the division fails, and the commit behind it is not run."""
        sql, parameters = swap
        with self._connection.pipeline():
            self._insert(inserts)
            self._execute((f"WITH swapped AS ({sql} RETURNING 1) {_ONE}", parameters))
            self._execute(("COMMIT", ()))

    def _insert(self, inserts: Sequence[Insert]) -> None:
        for insert in inserts:
            if insert.rows:
                columns = [list(column) for column in zip(*insert.rows, strict=True)]
                self._execute((_postgres_insert(insert.table, insert.on_conflict), columns))

    def commit(self) -> None:
        """See ``Session``."""
        self._connection.execute("COMMIT")

    def rollback(self) -> None:
        """See ``Session``."""
        if not self._connection.closed and self._connection.info.transaction_status.name != "IDLE":
            self._connection.execute("ROLLBACK")


def _parts(values: Sequence[Any]) -> Iterator[tuple[Sequence[Any], int]]:
    for start in range(0, len(values), WIDTHS[-1]):
        part = values[start : start + WIDTHS[-1]]
        yield part, next(width for width in WIDTHS if width >= len(part))


@cache
def _sqlite_among(sql: str, width: int) -> str:
    return sql.replace("{among}", f"({', '.join('?' * width)})")


@cache
def _sqlite_ranges(sql: str, width: int) -> str:
    values = ", ".join(["(?, ?)"] * width)
    table = f"(SELECT column1 AS lo, column2 AS hi FROM (VALUES {values}))"  # noqa: S608 -- question marks alone
    return sql.replace("{ranges}", f"{table} AS r")


@cache
def _postgres(sql: str) -> str:
    return sql.replace("%", "%%").replace("?", "%b")


@cache
def _sqlite_insert(table: Table, on_conflict: str) -> str:
    columns = [f'"{column.name}"' for column in table.columns]
    values = ", ".join("?" * len(columns))
    start = f'INSERT INTO "{table.name}" ({", ".join(columns)}) VALUES ({values})'  # noqa: S608 -- names of ours
    return start + _conflict(table, on_conflict)


@cache
def _postgres_insert(table: Table, on_conflict: str) -> str:
    dialect = postgresql.dialect()  # type: ignore[no-untyped-call]
    columns = [f'"{column.name}"' for column in table.columns]
    arrays = ", ".join(f"?::{column.type.compile(dialect)}[]" for column in table.columns)
    start = f'INSERT INTO "{table.name}" ({", ".join(columns)}) '
    rows = f"SELECT * FROM unnest({arrays})"  # noqa: S608 -- types of ours
    return start + rows + _conflict(table, on_conflict)


def _conflict(table: Table, on_conflict: str) -> str:
    if not on_conflict:
        return ""
    if on_conflict == "ignore":
        return " ON CONFLICT DO NOTHING"
    keys = ", ".join(f'"{column.name}"' for column in table.primary_key)
    others = [f'"{column.name}" = excluded."{column.name}"' for column in table.columns if not column.primary_key]
    return f" ON CONFLICT ({keys}) DO UPDATE SET {', '.join(others)}"
