"""Reports that were asked for or fell due, and the schedules by which they fall due."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

NUMBER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
SMALL = sa.SmallInteger().with_variant(sa.Integer(), "sqlite")
OCTETS = sa.LargeBinary()
TEXT = sa.Text()


def upgrade() -> None:
    op.create_table(
        "report_schedule",
        sa.Column("id", TEXT, primary_key=True, autoincrement=False, nullable=False),
        _column("party", TEXT),
        _column("role", TEXT),
        _column("every", TEXT),
        _column("asked", TEXT),
        _column("next_due", TEXT),
        _column("created_at", TEXT),
        _column("ended_at", TEXT, nullable=True),
        sqlite_strict=True,
    )
    op.create_index("ix_report_schedule_party", "report_schedule", ["party"])
    op.create_table(
        "report",
        sa.Column("id", TEXT, primary_key=True, autoincrement=False, nullable=False),
        _column("party", TEXT),
        _column("schedule", TEXT, nullable=True),
        _column("role", TEXT),
        _column("asked", TEXT),
        _column("asked_at", TEXT),
        _column("due", TEXT),
        _column("taken_at", TEXT, nullable=True),
        _column("percent", SMALL),
        _column("made", TEXT, nullable=True),
        _column("problem", TEXT, nullable=True),
        _column("size", NUMBER, nullable=True),
        _column("document", OCTETS, nullable=True),
        sqlite_strict=True,
    )
    op.create_index("report_party", "report", ["party", "due"])
    op.create_index("report_open", "report", ["made", "due"])


def _column(name: str, kind: Any, *, nullable: bool = False) -> sa.Column[Any]:
    return sa.Column(name, kind, nullable=nullable)
