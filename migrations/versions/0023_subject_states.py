"""A subject's state in a row apart from its key, for keys lie in the order of hashes.

With a state of some 300 bytes in each row they lay on 49,000 pages of a ledger of 250,000 subjects, and each that an
append touched on another; with the number, the count and the last entry alone they lie on 11,000 (ADR 37).
"""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0023"
down_revision = "0022"
branch_labels = None
depends_on = None

NUMBER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
OCTETS = sa.LargeBinary()


def upgrade() -> None:
    op.rename_table("subject", "subject_before")
    if op.get_bind().dialect.name == "postgresql":
        # Names of constraints and of the indexes behind them are not renamed with their table.
        op.execute("ALTER INDEX subject_pkey RENAME TO subject_before_pkey")
    columns = [_column(name, NUMBER) for name in ("sid", "count", "last")]
    columns.append(_column("last_hash", OCTETS))
    op.create_table("subject", _key("key", OCTETS), *columns, sqlite_strict=True, sqlite_with_rowid=False)
    parts = (_column("last", NUMBER), _column("state", OCTETS))
    op.create_table("subject_state", _key("sid", NUMBER), *parts, sqlite_strict=True)
    op.execute(
        'INSERT INTO subject ("key", sid, "count", last, last_hash) '
        'SELECT "key", sid, "count", last, last_hash FROM subject_before ORDER BY "key"'
    )
    op.execute("INSERT INTO subject_state (sid, last, state) SELECT sid, last, state FROM subject_before ORDER BY sid")
    op.drop_table("subject_before")


def _key(name: str, kind: Any) -> sa.Column[Any]:
    return sa.Column(name, kind, primary_key=True, autoincrement=False, nullable=False)


def _column(name: str, kind: Any) -> sa.Column[Any]:
    return sa.Column(name, kind, nullable=False)
