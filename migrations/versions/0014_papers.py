"""Papers for customers: one code for several items."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None

SMALL = sa.SmallInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "paper",
        sa.Column("id", sa.Text(), primary_key=True, autoincrement=False, nullable=False),
        sa.Column("hash", sa.LargeBinary(), nullable=False, unique=True),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("party", sa.Text(), nullable=False),
        sa.Column("created_at", sa.Text(), nullable=False),
        sa.Column("revoked_at", sa.Text(), nullable=True),
        sqlite_strict=True,
    )
    op.create_table(
        "paper_item",
        sa.Column("paper", sa.Text(), primary_key=True, autoincrement=False, nullable=False),
        sa.Column("n", SMALL, primary_key=True, autoincrement=False, nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("of_case", sa.Text(), nullable=True),
        sqlite_strict=True,
        sqlite_with_rowid=False,
    )
    op.create_table(
        "paper_code",
        sa.Column("paper", sa.Text(), primary_key=True, autoincrement=False, nullable=False),
        sa.Column("code", sa.Text(), primary_key=True, autoincrement=False, nullable=False),
        sqlite_strict=True,
        sqlite_with_rowid=False,
    )
