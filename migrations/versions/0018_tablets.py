"""The keys of shared tablets: which of a party's keys in the log is that of which tablet."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "tablet_key",
        sa.Column("did", sa.Text(), primary_key=True, autoincrement=False, nullable=False),
        sa.Column("device", sa.Text(), nullable=False),
        sqlite_strict=True,
        sqlite_with_rowid=False,
    )
    op.create_index("ix_tablet_key_device", "tablet_key", ["device"])
