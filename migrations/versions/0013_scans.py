"""How often the page of a code was asked for, by day: a count, and nothing of who asked or from where."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None

NUMBER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "scan",
        sa.Column("code", sa.Text(), primary_key=True, autoincrement=False, nullable=False),
        sa.Column("day", sa.Text(), primary_key=True, autoincrement=False, nullable=False),
        sa.Column("count", NUMBER, nullable=False),
        sqlite_strict=True,
        sqlite_with_rowid=False,
    )
