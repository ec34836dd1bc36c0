"""A party's uploads of late are found by an index: how much of them waits is asked at each upload."""

from __future__ import annotations

from alembic import op

revision = "0022"
down_revision = "0021"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index("attachment_recent", "attachment", ["party", "touched_at"])
