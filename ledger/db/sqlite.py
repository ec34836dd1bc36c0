"""A SQLite connection in use; see ``ledger.db.session`` for what each method promises."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from functools import cache
from typing import Any

from sqlalchemy import Table

from ledger.db.session import Insert, Query, Row, Step, ask, conflict

WIDTHS = (1, 4, 16, 64, 256, 1024)
"""How long lists may be: few, so that the driver's cache of compiled statements holds them all."""


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

    def having(self, words: Sequence[str]) -> Step:
        """See ``Session``; our words hold no quotation marks, and stand beside each other for *and* (FTS5)."""
        return "t.item_text MATCH ?", (" ".join(f'"{word}"' for word in words),)

    def rare(self, words: Sequence[str]) -> list[int] | None:
        """See ``Session``; many are walked in the order of pages, in which FTS5 has them."""
        condition, asked = self.having(words)
        sql = f"SELECT t.rowid FROM item_text t WHERE {condition} LIMIT ?"  # noqa: S608 -- ours
        found = self.gather(ask(sql, *asked, WIDTHS[-1]))[0]
        return [number for (number,) in found] if len(found) < WIDTHS[-1] else None

    def empty_texts(self) -> Step:
        """See ``Session``; rows of an index without its texts cannot be deleted one by one."""
        return "INSERT INTO item_text(item_text) VALUES ('delete-all')", ()

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
def _sqlite_insert(table: Table, on_conflict: str) -> str:
    columns = [f'"{column.name}"' for column in table.columns]
    values = ", ".join("?" * len(columns))
    start = f'INSERT INTO "{table.name}" ({", ".join(columns)}) VALUES ({values})'  # noqa: S608 -- names of ours
    return start + conflict(table, on_conflict)
