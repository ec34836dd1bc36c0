"""Who may come in: API keys end and are seen to be used; people, devices, visits; what auditors are granted."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

NUMBER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
OCTETS = sa.LargeBinary()
TEXT = sa.Text()


def upgrade() -> None:
    for name in ("expires_at", "last_used_at"):
        op.add_column("api_key", sa.Column(name, TEXT, nullable=True))
    _create_people()
    _create_devices()
    _create_grants()


def _table(name: str, *columns: Any, rowid: bool = True) -> None:
    op.create_table(name, *columns, sqlite_strict=True, sqlite_with_rowid=rowid)


def _key(name: str, kind: Any) -> sa.Column[Any]:
    return sa.Column(name, kind, primary_key=True, autoincrement=False, nullable=False)


def _column(name: str, kind: Any, *, nullable: bool = False) -> sa.Column[Any]:
    return sa.Column(name, kind, nullable=nullable)


def _create_people() -> None:
    _table("access_secret", _key("name", TEXT), _column("wrapped", OCTETS))
    _table(
        "person",
        _key("id", TEXT),
        _column("party", TEXT),
        _column("role", TEXT),
        _column("agent", TEXT),
        _column("wrapped", OCTETS),
        _column("login", OCTETS, nullable=True),
        _column("subject", OCTETS, nullable=True),
        _column("password", TEXT, nullable=True),
        _column("pin", TEXT, nullable=True),
        _column("pin_failures", NUMBER),
        _column("pin_locked_until", TEXT, nullable=True),
        _column("created_at", TEXT),
        _column("disabled_at", TEXT, nullable=True),
        sa.UniqueConstraint("login"),
        sa.UniqueConstraint("subject"),
    )
    op.create_index("person_agent", "person", ["party", "agent"], unique=True)


def _create_devices() -> None:
    _table(
        "device",
        _key("id", TEXT),
        _column("hash", OCTETS),
        _column("party", TEXT),
        _column("label", TEXT),
        _column("created_at", TEXT),
        _column("revoked_at", TEXT, nullable=True),
        sa.UniqueConstraint("hash"),
    )
    op.create_index("ix_device_party", "device", ["party"])
    _table(
        "visit",
        _key("hash", OCTETS),
        _column("person", TEXT),
        _column("device", TEXT, nullable=True),
        _column("created_at", TEXT),
        _column("seen_at", TEXT),
        _column("expires_at", TEXT),
        rowid=False,
    )
    op.create_index("ix_visit_person", "visit", ["person"])


def _create_grants() -> None:
    _table(
        "auditor_grant",
        _key("id", TEXT),
        _column("party", TEXT),
        _column("auditor", TEXT),
        _column("subject", TEXT, nullable=True),
        _column("members", TEXT),
        _column("until", TEXT),
        _column("created_at", TEXT),
        _column("revoked_at", TEXT, nullable=True),
    )
    for column in ("party", "auditor"):
        op.create_index(f"ix_auditor_grant_{column}", "auditor_grant", [column])
