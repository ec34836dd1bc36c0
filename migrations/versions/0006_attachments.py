"""Attachments: the uploaded files of each party, and which statements list them."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

NUMBER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
SMALL = sa.SmallInteger().with_variant(sa.Integer(), "sqlite")
OCTETS = sa.LargeBinary()
TEXT = sa.Text()


def upgrade() -> None:
    _table(
        "attachment",
        _key("party", TEXT),
        _key("sha256", OCTETS),
        _column("media_type", TEXT),
        _column("size", NUMBER),
        _column("place", OCTETS),
        sa.Column("thumbnail", OCTETS, nullable=True),
        _column("state", TEXT),
        _column("touched_at", TEXT),
        _column("checked_at", TEXT),
    )
    for column in ("touched_at", "checked_at"):
        op.create_index(f"ix_attachment_{column}", "attachment", [column])
    _table(
        "attachment_use",
        _key("sha256", OCTETS),
        _key("subject", TEXT),
        _key("statement", OCTETS),
        _column("party", TEXT),
        _column("public", SMALL),
    )
    op.create_index("attachment_use_statement", "attachment_use", ["statement"])
    _table(
        "file_key",
        _key("party", TEXT),
        _key("sha256", OCTETS),
        sa.Column("epoch", NUMBER, sa.ForeignKey("epoch.id"), nullable=False),
        _column("wrapped", OCTETS),
    )


def _table(name: str, *columns: Any) -> None:
    op.create_table(name, *columns, sqlite_strict=True, sqlite_with_rowid=False)


def _key(name: str, kind: Any) -> sa.Column[Any]:
    return sa.Column(name, kind, primary_key=True, autoincrement=False, nullable=False)


def _column(name: str, kind: Any) -> sa.Column[Any]:
    return sa.Column(name, kind, nullable=False)
