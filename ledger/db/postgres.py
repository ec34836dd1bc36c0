"""A PostgreSQL connection in use: few round trips, and arrays for all that comes in numbers.

A batch is three round trips: begin with the lock on the head row, all reads, all writes with the commit (psycopg's
pipeline mode). Rows go as one array a column into ``INSERT … SELECT FROM unnest``. The arrays are written here, in
PostgreSQL's binary form: psycopg's own way looks at each element for its type, and takes three times as long.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Sequence
from functools import cache
from typing import Any

import psycopg
from psycopg.adapt import Dumper
from psycopg.pq import Format
from sqlalchemy import Column, LargeBinary, SmallInteger, Table, Text
from sqlalchemy.dialects import postgresql

from ledger.db.session import Insert, Query, Row, Step, ask, conflict

# In PostgreSQL's catalogue (pg_type.dat): the type of an element, of its array, and how an element is written.
_BYTEA, _INT8, _INT2, _TEXT = (17, 1001), (20, 1016), (21, 1005), (25, 1009)
_HEAD = struct.Struct("!iiIii")
_FEW = 2000
"""Items that are sorted rather than walked to: in a million, a page of 50 of more than these is found in 25,000."""
_LENGTH = struct.Struct("!i")
_NULL = _LENGTH.pack(-1)
_ONE = "SELECT 1 / count(*) FROM swapped"


class Array:
    """Values of one type that go as one array; ``raw`` is its binary form."""

    __slots__ = ("raw",)

    def __init__(self, kind: tuple[int, int], elements: Iterable[bytes], count: int) -> None:
        # One dimension from 1 on; that it may hold NULLs is always allowed to be said.
        self.raw = _HEAD.pack(1, 1, kind[0], count, 1) + b"".join(elements)


class Octets(Array):
    """``bytea[]``."""

    def __init__(self, values: Sequence[bytes | None]) -> None:
        elements = [_NULL if one is None else _LENGTH.pack(len(one)) + one for one in values]
        super().__init__(_BYTEA, elements, len(values))


class Texts(Array):
    """``text[]``."""

    def __init__(self, values: Sequence[str | None]) -> None:
        raws = [None if one is None else one.encode() for one in values]
        elements = [_NULL if one is None else _LENGTH.pack(len(one)) + one for one in raws]
        super().__init__(_TEXT, elements, len(values))


class Numbers(Array):
    """``bigint[]`` without NULLs."""

    def __init__(self, values: Sequence[int]) -> None:
        flat = [part for one in values for part in (8, one)]
        super().__init__(_INT8, [struct.pack("!" + "iq" * len(values), *flat)], len(values))


class Smalls(Array):
    """``smallint[]`` without NULLs."""

    def __init__(self, values: Sequence[int]) -> None:
        flat = [part for one in values for part in (2, one)]
        super().__init__(_INT2, [struct.pack("!" + "ih" * len(values), *flat)], len(values))


def _register(kind: type[Array], array_oid: int) -> None:
    class ArrayDumper(Dumper):
        format = Format.BINARY
        oid = array_oid

        def dump(self, obj: Array) -> bytes:
            return obj.raw

    psycopg.adapters.register_dumper(kind, ArrayDumper)


for _kind, (_, _oid) in ((Octets, _BYTEA), (Texts, _TEXT), (Numbers, _INT8), (Smalls, _INT2)):
    _register(_kind, _oid)


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
            [row for cursor in asked for row in (cursor.fetchall() if cursor.description else ())] for asked in cursors
        ]

    def _execute(self, step: Step) -> Any:
        cursor = self._connection.cursor(binary=True)
        return cursor.execute(_text(step[0]), step[1])

    def among(self, sql: str, values: Sequence[bytes] | Sequence[int], *parameters: Any) -> Query:
        """See ``Session``."""
        if not values:
            return Query(())
        array: Any = Numbers if isinstance(values[0], int) else Octets
        return Query(((sql.replace("IN {among}", "= ANY(?)"), (array(values), *parameters)),))

    def ranges(self, sql: str, pairs: Sequence[tuple[bytes, bytes]]) -> Query:
        """See ``Session``; each range is looked up by itself in the index."""
        if not pairs:
            return Query(())
        lows, highs = zip(*pairs, strict=True)
        return Query(((sql.replace("{ranges}", "unnest(?, ?) AS r(lo, hi)"), (Octets(lows), Octets(highs))),))

    def having(self, words: Sequence[str]) -> Step:
        """See ``Session``; our words hold no quotation marks."""
        return "t.tokens @@ CAST(CAST(? AS text) AS tsquery)", (" & ".join(f"'{word}'" for word in words),)

    def rare(self, words: Sequence[str]) -> list[int] | None:
        """See ``Session``; left alone, the planner goes through all items by number to find words that none has."""
        condition, asked = self.having(words)
        sql = f"SELECT t.rowid FROM item_text t WHERE {condition} LIMIT {_FEW + 1}"  # noqa: S608 -- ours, and a number
        index, usual = (ask(f"SET LOCAL enable_seqscan = {value}") for value in ("off", "on"))
        _, found, _ = self.gather(index, ask(sql, *asked), usual)
        return [number for (number,) in found] if len(found) <= _FEW else None

    def empty_texts(self) -> Step:
        """See ``Session``."""
        return "DELETE FROM item_text", ()

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
                columns = zip(insert.table.columns, zip(*insert.rows, strict=True), strict=True)
                arrays = [_array_of(column)(values) for column, values in columns]
                self._execute((_insert_text(insert.table, insert.on_conflict), arrays))

    def commit(self) -> None:
        """See ``Session``."""
        self._connection.execute("COMMIT")

    def rollback(self) -> None:
        """See ``Session``."""
        if not self._connection.closed and self._connection.info.transaction_status.name != "IDLE":
            self._connection.execute("ROLLBACK")


@cache
def _text(sql: str) -> str:
    return sql.replace("%", "%%").replace("?", "%b")


@cache
def _array_of(column: Column[Any]) -> Any:
    if isinstance(column.type, LargeBinary):
        return Octets
    if isinstance(column.type, (Text, postgresql.TSVECTOR)):
        return Texts  # PostgreSQL makes a tsvector of a text itself
    return Smalls if isinstance(column.type, SmallInteger) else Numbers


@cache
def _insert_text(table: Table, on_conflict: str) -> str:
    dialect = postgresql.dialect()  # type: ignore[no-untyped-call]
    columns = [f'"{column.name}"' for column in table.columns]
    arrays = ", ".join(f"?::{column.type.compile(dialect)}[]" for column in table.columns)
    start = f'INSERT INTO "{table.name}" ({", ".join(columns)}) '
    rows = f"SELECT * FROM unnest({arrays})"  # noqa: S608 -- types of ours
    return start + rows + conflict(table, on_conflict)
