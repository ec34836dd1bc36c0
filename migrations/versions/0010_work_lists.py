"""Work lists: the cases of each party with what is due, and the text index of items.

Only the text index is filled here; the lists follow the log from its first leaf once a server runs.
"""

from __future__ import annotations

from typing import Any
from urllib.parse import unquote

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import TSVECTOR

from ledger.words import text_of

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

NUMBER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
SMALL = sa.SmallInteger().with_variant(sa.Integer(), "sqlite")
OCTETS, TEXT = sa.LargeBinary(), sa.Text()
_SLICE = 1000
_FTS5 = "CREATE VIRTUAL TABLE item_text USING fts5(tokens, content='', columnsize=0, detail=none, tokenize=ascii)"
_LISTS = {
    "caseload_sid": ["sid"],
    "caseload_whose": ["whose", "sid"],
    "caseload_open": ["party", "closed", "opened"],
    "caseload_due": ["party", "due_at", "opened", "warn_at"],
    "caseload_waits": ["party", "waits_since", "opened", "waits_for"],
    "caseload_held": ["party", "held_since", "opened"],
    "caseload_assigned": ["party", "assigned", "opened"],
    "caseload_visit": ["party", "visit", "opened"],
    "caseload_job": ["party", "job_no", "opened"],
    "caseload_repeats": ["party", "repeats", "opened"],
}


def upgrade() -> None:
    _text_index()
    op.drop_column("item", "search")
    _table("followed", _key("one", SMALL), _column("size", NUMBER), sa.CheckConstraint("one = 1", "followed_one_row"))
    op.execute("INSERT INTO followed (one, size) VALUES (1, 0)")
    _table("published", _key("idx", NUMBER))
    _table(
        "caseload",
        _key("party", OCTETS),
        _key("opened", NUMBER),
        _column("sid", NUMBER),
        _column("case", OCTETS),
        _column("subject", TEXT),
        _column("whose", OCTETS),
        *(_column(name, TEXT) for name in ("kind", "status")),
        _column("closed", SMALL),
        _column("opened_at", TEXT),
        *(_column(name, TEXT, nullable=True) for name in ("closed_at", "assigned", "visit", "job_no", "clock")),
        *(_column(name, NUMBER) for name in ("due_at", "warn_at")),
        _column("provisional", SMALL),
        _column("waits_for", TEXT, nullable=True),
        _column("waits_since", NUMBER),
        _column("holder", TEXT, nullable=True),
        *(_column(name, NUMBER) for name in ("held_since", "repeats")),
        rowid=False,
    )
    for name, columns in _LISTS.items():
        op.create_index(name, "caseload", columns)
    _table(
        "maintenance",
        _key("sid", NUMBER),
        _column("party", OCTETS),
        *(_column(name, TEXT) for name in ("subject", "due")),
        _column("said", OCTETS),
    )
    op.create_index("maintenance_due", "maintenance", ["party", "due", "sid"])


def _text_index() -> None:
    connection = op.get_bind()
    sqlite = connection.dialect.name == "sqlite"
    if sqlite:
        op.execute(_FTS5)
    else:
        _table("item_text", _key("rowid", NUMBER), _column("tokens", TSVECTOR()))
        op.create_index("item_text_tokens", "item_text", ["tokens"], postgresql_using="gin")
    value = ":tokens" if sqlite else "CAST(:tokens AS tsvector)"
    insert = sa.text(f"INSERT INTO item_text (rowid, tokens) VALUES (:sid, {value})")  # noqa: S608 -- one of the two above
    found = connection.execute(sa.text("SELECT sid, subject, name, category, brand, model FROM item ORDER BY sid"))
    for rows in found.yield_per(_SLICE).partitions(_SLICE):
        connection.execute(insert, [{"sid": sid, "tokens": _tokens(*about)} for sid, *about in rows])


def _tokens(subject: str, *about: str | None) -> str:
    return text_of((unquote(subject), *filter(None, about)))


def _table(name: str, *columns: Any, rowid: bool = True) -> None:
    op.create_table(name, *columns, sqlite_strict=True, sqlite_with_rowid=rowid)


def _key(name: str, kind: Any) -> sa.Column[Any]:
    return sa.Column(name, kind, primary_key=True, autoincrement=False, nullable=False)


def _column(name: str, kind: Any, **options: Any) -> sa.Column[Any]:
    return sa.Column(name, kind, nullable=options.pop("nullable", False), **options)
