"""Private members: what is sealed, the keys to it by epoch, and the erasures that were asked for."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

NUMBER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
SMALL = sa.SmallInteger().with_variant(sa.Integer(), "sqlite")
OCTETS = sa.LargeBinary()
TEXT = sa.Text()


def upgrade() -> None:
    _table("epoch", _key("id", NUMBER), _column("wrapped", OCTETS), _column("created_at", TEXT), rowid=True)
    _table(
        "seal_key",
        _key("statement", OCTETS),
        _key("class", SMALL),
        sa.Column("epoch", NUMBER, sa.ForeignKey("epoch.id"), nullable=False),
        _column("wrapped", OCTETS),
    )
    key = (_key("subject", OCTETS), _key("statement", OCTETS), _key("class", SMALL))
    _table("sealed", *key, _column("content", OCTETS))
    _table("pseudonym", _key("person", OCTETS), _key("statement", OCTETS))
    op.create_index("pseudonym_statement", "pseudonym", ["statement"])
    _table(
        "erasure",
        _key("id", TEXT),
        _column("asked_at", TEXT),
        _column("asked_by", TEXT),
        _column("why", TEXT),
        rowid=True,
    )
    op.create_index("ix_erasure_asked_by", "erasure", ["asked_by"])
    part = (_key("erasure", TEXT), _key("statement", OCTETS), _key("class", SMALL))
    told = (_column("due", TEXT), _column("stage", SMALL), _column("epoch", NUMBER))
    _table("erasure_part", *part, _column("subject", OCTETS), *told)
    op.create_index("erasure_part_stage", "erasure_part", ["stage", "due"])
    op.create_index("erasure_part_statement", "erasure_part", ["statement"])
    part = (_key("erasure", TEXT), _key("statement", OCTETS), _key("class", SMALL))
    _table("erasure_said", *part, _column("entry", OCTETS))


def _table(name: str, *columns: Any, rowid: bool = False) -> None:
    op.create_table(name, *columns, sqlite_strict=True, sqlite_with_rowid=rowid)


def _key(name: str, kind: Any) -> sa.Column[Any]:
    return sa.Column(name, kind, primary_key=True, autoincrement=False, nullable=False)


def _column(name: str, kind: Any) -> sa.Column[Any]:
    return sa.Column(name, kind, nullable=False)
