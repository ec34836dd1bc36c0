"""A shop's own address may be a person's, and says of what it is told; those that are there are told as before."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0021"
down_revision = "0020"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("address", sa.Column("person", sa.Text(), nullable=True))
    op.add_column("address", sa.Column("events", sa.Text(), nullable=False, server_default="case.overdue"))
    op.create_index("ix_address_person", "address", ["person"])
