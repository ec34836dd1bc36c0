"""Finding: keyed hashes of what statements are found by, and the keys of chains."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

OCTETS = sa.LargeBinary()
TEXT = sa.Text()


def upgrade() -> None:
    op.create_table(
        "find_key",
        _key("chain", TEXT),
        sa.Column("wrapped", OCTETS, nullable=False),
        sa.Column("created_at", TEXT, nullable=False),
        sqlite_strict=True,
        sqlite_with_rowid=True,
    )
    _table("find_chain", _key("party", TEXT), _key("chain", TEXT))
    for name in ("find_private", "find_public"):
        _table(
            name,
            _key("hash", OCTETS),
            _key("statement", OCTETS),
            sa.Column("subject", TEXT, nullable=False),
            sa.Column("party", TEXT, nullable=False),
        )
    op.create_index("find_private_statement", "find_private", ["statement"])


def _table(name: str, *columns: Any) -> None:
    op.create_table(name, *columns, sqlite_strict=True, sqlite_with_rowid=False)


def _key(name: str, kind: Any) -> sa.Column[Any]:
    return sa.Column(name, kind, primary_key=True, autoincrement=False, nullable=False)
