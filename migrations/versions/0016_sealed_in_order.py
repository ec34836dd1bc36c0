"""Sealed members and their keys in the order of the log, so that an append writes at the end of two trees.

Keyed by subject and by statement, each private statement changed a page in the middle. Contents and wrapped keys are
carried over as they are, for their associated data names the statement as before. The old tables are dropped: SQLite
overwrites their pages (``secure_delete``) and PostgreSQL deletes their files; what an older copy still holds of a key
ends with its epoch, like any other. A key without a content opened nothing, and is left behind.
"""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None

NUMBER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
SMALL = sa.SmallInteger().with_variant(sa.Integer(), "sqlite")
OCTETS = sa.LargeBinary()

_KEYS = (
    'INSERT INTO seal_key (idx, "class", statement, epoch, wrapped) SELECT s.idx, k."class", k.statement, k.epoch, '
    "k.wrapped FROM seal_key_before k JOIN statement s ON s.id = k.statement ORDER BY s.idx"
)
_SEALED = (
    'INSERT INTO sealed (idx, "class", sid, content) SELECT s.idx, b."class", u.sid, b.content FROM sealed_before b '
    'JOIN statement s ON s.id = b.statement JOIN subject u ON u."key" = b.subject ORDER BY s.idx'
)


def upgrade() -> None:
    op.rename_table("seal_key", "seal_key_before")
    op.rename_table("sealed", "sealed_before")
    if op.get_bind().dialect.name == "postgresql":
        # Names of constraints and of the indexes behind them are not renamed with their table.
        for table in ("seal_key", "sealed"):
            op.execute(f"ALTER INDEX {table}_pkey RENAME TO {table}_before_pkey")
    epoch = sa.Column("epoch", NUMBER, sa.ForeignKey("epoch.id"), nullable=False)
    _table("seal_key", _column("statement", OCTETS), epoch, _column("wrapped", OCTETS))
    _table("sealed", _column("sid", NUMBER), _column("content", OCTETS))
    op.execute(_KEYS)
    op.execute(_SEALED)
    op.drop_table("seal_key_before")
    op.drop_table("sealed_before")


def _table(name: str, *columns: Any) -> None:
    key = (_key("idx", NUMBER), _key("class", SMALL))
    op.create_table(name, *key, *columns, sqlite_strict=True, sqlite_with_rowid=False)


def _key(name: str, kind: Any) -> sa.Column[Any]:
    return sa.Column(name, kind, primary_key=True, autoincrement=False, nullable=False)


def _column(name: str, kind: Any) -> sa.Column[Any]:
    return sa.Column(name, kind, nullable=False)
