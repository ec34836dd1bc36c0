"""Short codes: a keyed hash for each code. Codes made before have none, as their tokens are not kept."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("code", sa.Column("short", sa.LargeBinary(), nullable=True))
    op.create_index("code_short", "code", ["short"])
