"""Work lists answered by their indexes alone, and the addresses at which shops are told."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None

_LISTS = {
    "caseload_open": ["party", "closed", "opened", "kind"],
    "caseload_due": ["party", "due_at", "opened", "warn_at", "assigned", "kind"],
    "caseload_waits": ["party", "waits_since", "opened", "waits_for", "assigned"],
    "caseload_held": ["party", "held_since", "opened", "assigned"],
    "caseload_assigned": ["party", "assigned", "opened", "closed"],
}


def upgrade() -> None:
    for name, columns in _LISTS.items():
        op.drop_index(name, "caseload")
        op.create_index(name, "caseload", columns)
    op.create_table(
        "address",
        sa.Column("id", sa.Text(), primary_key=True, autoincrement=False, nullable=False),
        sa.Column("party", sa.Text(), nullable=False),
        sa.Column("wrapped", sa.LargeBinary(), nullable=False),
        *(sa.Column(name, sa.Text(), nullable=False) for name in ("language", "created_at")),
        sa.Column("confirmed_at", sa.Text(), nullable=True),
        sqlite_strict=True,
    )
    op.create_index("ix_address_party", "address", ["party"])
