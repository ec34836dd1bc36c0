"""The access log: who read private members, and the signals of unusual reading."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0003"
branch_labels = None
depends_on = None

NUMBER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
SMALL = sa.SmallInteger().with_variant(sa.Integer(), "sqlite")
OCTETS = sa.LargeBinary()
TEXT = sa.Text()


def upgrade() -> None:
    op.create_table(
        "reading",
        sa.Column("id", OCTETS, primary_key=True, autoincrement=False, nullable=False),
        _column("at", TEXT),
        _column("reader", TEXT),
        _column("party", TEXT, nullable=True),
        _column("key", TEXT, nullable=True),
        _column("person", TEXT, nullable=True),
        _column("subject", TEXT, nullable=True),
        _column("statement", OCTETS, nullable=True),
        _column("owner", TEXT, nullable=True),
        _column("members", TEXT),
        _column("why", TEXT),
        _column("outside", SMALL),
        sqlite_strict=True,
        sqlite_with_rowid=False,
    )
    op.create_index("reading_reader", "reading", ["reader", "at"])
    op.create_index("reading_party", "reading", ["party", "id"])
    op.create_index("reading_owner", "reading", ["owner", "id"])
    op.create_table(
        "signal",
        sa.Column("id", OCTETS, primary_key=True, autoincrement=False, nullable=False),
        _column("at", TEXT),
        _column("kind", TEXT),
        _column("reader", TEXT),
        _column("party", TEXT, nullable=True),
        _column("since", TEXT),
        _column("subjects", NUMBER),
        _column("allowed", NUMBER),
        sqlite_strict=True,
        sqlite_with_rowid=False,
    )
    op.create_index("ix_signal_at", "signal", ["at"])


def _column(name: str, kind: Any, *, nullable: bool = False) -> sa.Column[Any]:
    return sa.Column(name, kind, nullable=nullable)
