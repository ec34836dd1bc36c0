"""The outbox: webhooks, notices that wait or were sent, how much of the log was looked at, and who wants none.

Of what was recorded before, nobody is told: the log is looked at from where it ends now.
"""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None

NUMBER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
SMALL = sa.SmallInteger().with_variant(sa.Integer(), "sqlite")
OCTETS = sa.LargeBinary()
TEXT = sa.Text()


def upgrade() -> None:
    _webhook()
    _notice()
    cursor = op.create_table(
        "notice_cursor",
        sa.Column("one", SMALL, primary_key=True, autoincrement=False, nullable=False),
        _column("size", NUMBER),
        sa.CheckConstraint("one = 1", name="notice_cursor_one_row"),
        sqlite_strict=True,
    )
    size = op.get_bind().execute(sa.text("SELECT coalesce(max(size), 0) FROM head")).scalar()
    op.bulk_insert(cursor, [{"one": 1, "size": size}])
    op.create_table(
        "opt_out",
        sa.Column("hash", OCTETS, primary_key=True, autoincrement=False, nullable=False),
        _column("at", TEXT),
        sqlite_strict=True,
        sqlite_with_rowid=False,
    )


def _webhook() -> None:
    op.create_table(
        "webhook",
        sa.Column("id", TEXT, primary_key=True, autoincrement=False, nullable=False),
        _column("party", TEXT),
        _column("url", TEXT),
        _column("events", TEXT),
        _column("gateway", TEXT),
        _column("label", TEXT),
        _column("wrapped", OCTETS),
        _column("before_until", TEXT, nullable=True),
        _column("created_at", TEXT),
        _column("disabled_at", TEXT, nullable=True),
        _column("why", TEXT, nullable=True),
        sqlite_strict=True,
    )
    op.create_index("ix_webhook_party", "webhook", ["party"])


def _notice() -> None:
    op.create_table(
        "notice",
        sa.Column("id", OCTETS, primary_key=True, autoincrement=False, nullable=False),
        _column("kind", TEXT),
        _column("event", TEXT),
        _column("party", TEXT),
        _column("webhook", TEXT, nullable=True),
        _column("idx", NUMBER, nullable=True),
        _column("statement", TEXT, nullable=True),
        _column("subject", TEXT, nullable=True),
        _column("of_case", TEXT, nullable=True),
        _column("about", TEXT, nullable=True),
        _column("state", TEXT),
        _column("made_at", TEXT),
        _column("due_at", TEXT),
        _column("tries", NUMBER),
        _column("held_until", TEXT, nullable=True),
        _column("done_at", TEXT, nullable=True),
        _column("failure", TEXT, nullable=True),
        sqlite_strict=True,
        sqlite_with_rowid=False,
    )
    op.create_index("notice_due", "notice", ["state", "due_at"])
    op.create_index("notice_party", "notice", ["party", "made_at", "id"])
    op.create_index("notice_webhook", "notice", ["webhook", "state"])


def _column(name: str, kind: Any, *, nullable: bool = False) -> sa.Column[Any]:
    return sa.Column(name, kind, nullable=nullable)
