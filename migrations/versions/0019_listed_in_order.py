"""Listed files and pseudonyms in the order of the log: an append changes one page in the middle for each, and not two.

What a statement lists was written once for each of its subjects, which its links say already. Rows of statements that
the log does not have, and of pseudonyms without a statement, are left behind: nothing finds them.
"""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0019"
down_revision = "0018"
branch_labels = None
depends_on = None

NUMBER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
SMALL = sa.SmallInteger().with_variant(sa.Integer(), "sqlite")
OCTETS = sa.LargeBinary()

_USES = (
    "INSERT INTO attachment_use (idx, sha256, party, public) SELECT s.idx, b.sha256, min(b.party), max(b.public) "
    "FROM attachment_use_before b JOIN statement s ON s.id = b.statement GROUP BY s.idx, b.sha256 ORDER BY s.idx"
)
_PERSONS = (
    "INSERT INTO pseudonym (idx, person) SELECT s.idx, b.person FROM pseudonym_before b "
    "JOIN statement s ON s.id = b.statement ORDER BY s.idx"
)


def upgrade() -> None:
    for table in ("attachment_use", "pseudonym"):
        op.rename_table(table, f"{table}_before")
        if op.get_bind().dialect.name == "postgresql":
            # Names of constraints and of the indexes behind them are not renamed with their table.
            op.execute(f"ALTER INDEX {table}_pkey RENAME TO {table}_before_pkey")
    _table("attachment_use", _key("sha256", OCTETS), _column("party", sa.Text()), _column("public", SMALL))
    _table("pseudonym", _column("person", OCTETS))
    op.execute(_USES)
    op.execute(_PERSONS)
    op.drop_table("attachment_use_before")
    op.drop_table("pseudonym_before")
    op.create_index("attachment_use_sha256", "attachment_use", ["sha256"])
    op.create_index("pseudonym_person", "pseudonym", ["person"])


def _table(name: str, *columns: Any) -> None:
    op.create_table(name, _key("idx", NUMBER), *columns, sqlite_strict=True, sqlite_with_rowid=False)


def _key(name: str, kind: Any) -> sa.Column[Any]:
    return sa.Column(name, kind, primary_key=True, autoincrement=False, nullable=False)


def _column(name: str, kind: Any) -> sa.Column[Any]:
    return sa.Column(name, kind, nullable=False)
