"""One connection for hot work: the driver's own cursors, SQL that was compiled once, and few round trips.

SQLAlchemy makes and pools the connections; going through it for each statement costs 70 µs (25 as text) where the
driver needs 3, and an append runs about ten. SQL is written with ``?``; ``{among}`` stands for a list of values and
``{ranges}`` for a list of pairs, which become lists of fixed widths on SQLite (so that its cache of compiled statements
holds them) and arrays on PostgreSQL. Questions that are asked together go in one round trip on PostgreSQL.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from sqlalchemy import Table

Row = tuple[Any, ...]
Step = tuple[str, Sequence[Any]]


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

    def having(self, words: Sequence[str]) -> Step:
        """A condition on ``t``, the text index: that an item has all of these words (``ledger.words``)."""

    def rare(self, words: Sequence[str]) -> list[int] | None:
        """The numbers of the items that have all of these words, if they are few; ``None`` where the order of pages
        leads to the first of them sooner.
        """

    def empty_texts(self) -> Step:
        """What empties the text index."""

    def write(self, inserts: Sequence[Insert], *last: Step) -> list[int]:
        """Insert rows, then run statements; the number of rows that each of these changed."""

    def finish(self, inserts: Sequence[Insert], swap: Step) -> None:
        """Insert rows, run ``swap``, which must change one row, and commit; if this raises, the outcome is open."""

    def commit(self) -> None:
        """Commit."""

    def rollback(self) -> None:
        """Roll back; does nothing without a transaction."""


def fetch(connection: Session, query: Query) -> list[Row]:
    """The answer to one question."""
    return connection.gather(query)[0]


def conflict(table: Table, on_conflict: str) -> str:
    """What an insert into this table says of rows that are there already."""
    if not on_conflict:
        return ""
    if on_conflict == "ignore":
        return " ON CONFLICT DO NOTHING"
    keys = ", ".join(f'"{column.name}"' for column in table.primary_key)
    others = [f'"{column.name}" = excluded."{column.name}"' for column in table.columns if not column.primary_key]
    return f" ON CONFLICT ({keys}) DO UPDATE SET {', '.join(others)}"
