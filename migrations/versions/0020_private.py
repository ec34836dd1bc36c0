"""Listed files indexed later and many at once; private values found, and erased, by class; reports with costs apart.

Of what was there before, a value that a record is found by has no class, and goes with any of its statement. A report
with costs does not say whose costs it counts, so that it could not be found when one of them is erased: it goes now,
and can be asked for again.
"""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0020"
down_revision = "0019"
branch_labels = None
depends_on = None

NUMBER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
SMALL = sa.SmallInteger().with_variant(sa.Integer(), "sqlite")
OCTETS = sa.LargeBinary()
TEXT = sa.Text()
INDEXED = sa.text("indexed = 1")

_USES = (
    "INSERT INTO attachment_use (idx, sha256, party, public, indexed) "
    "SELECT idx, sha256, party, public, 1 FROM attachment_use_before ORDER BY idx"
)
_FOUND = (
    'INSERT INTO find_private (hash, statement, "class", subject, party) '
    "SELECT hash, statement, -1, subject, party FROM find_private_before"
)
_COSTED = (
    "UPDATE report SET document = NULL, problem = 'this report has costs, and what it counts was not kept beside it: "
    "ask for a new one' WHERE document IS NOT NULL AND asked LIKE '%\"costs\": {%'"
)


def upgrade() -> None:
    _anew(
        "attachment_use",
        _USES,
        _key("idx", NUMBER),
        _key("sha256", OCTETS),
        _column("party", TEXT),
        _column("public", SMALL),
        _column("indexed", SMALL),
    )
    op.create_index(
        "attachment_use_sha256", "attachment_use", ["sha256"], sqlite_where=INDEXED, postgresql_where=INDEXED
    )
    _anew(
        "find_private",
        _FOUND,
        _key("hash", OCTETS),
        _key("statement", OCTETS),
        _key("class", SMALL),
        _column("subject", TEXT),
        _column("party", TEXT),
    )
    op.create_index("find_private_statement", "find_private", ["statement"])
    _table("report_costed", _key("report", TEXT), _column("document", OCTETS))
    _table("report_rests", _key("idx", NUMBER), _key("report", TEXT))
    op.execute(_COSTED)


def _anew(name: str, copied: str, *columns: Any) -> None:
    """Make a table in its new form, with the rows that it has."""
    op.rename_table(name, f"{name}_before")
    if op.get_bind().dialect.name == "postgresql":
        # The name of the index behind a primary key is not changed with its table's.
        op.execute(f"ALTER INDEX {name}_pkey RENAME TO {name}_before_pkey")
    _table(name, *columns)
    op.execute(copied)
    op.drop_table(f"{name}_before")


def _table(name: str, *columns: Any) -> None:
    op.create_table(name, *columns, sqlite_strict=True, sqlite_with_rowid=False)


def _key(name: str, kind: Any) -> sa.Column[Any]:
    return sa.Column(name, kind, primary_key=True, autoincrement=False, nullable=False)


def _column(name: str, kind: Any) -> sa.Column[Any]:
    return sa.Column(name, kind, nullable=False)
