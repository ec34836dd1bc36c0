"""Who may come in: API keys end and are seen to be used."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

TEXT = sa.Text()


def upgrade() -> None:
    for name in ("expires_at", "last_used_at"):
        op.add_column("api_key", sa.Column(name, TEXT, nullable=True))
