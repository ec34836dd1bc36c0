"""Codes that fall to the public level with their holding, codes of one case, and the keys of owner codes.

A code that is there already is marked with the holding that its item has now, read from the item's state: what it
opened before this step it opens after it, until the item changes hands.
"""

from __future__ import annotations

from hashlib import sha256
from typing import Any

import msgspec
import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    for name in ("mark", "of_case", "party"):
        op.add_column("code", sa.Column(name, sa.Text(), nullable=True))
    op.create_table(
        "owner_key",
        sa.Column("key", sa.LargeBinary(), primary_key=True, autoincrement=False, nullable=False),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("custody", sa.Text(), nullable=False),
        sqlite_strict=True,
        sqlite_with_rowid=False,
    )
    for column in ("code", "subject"):
        op.create_index(f"ix_owner_key_{column}", "owner_key", [column])
    _mark_codes()


def _mark_codes() -> None:
    connection = op.get_bind()
    codes = sa.table("code", sa.column("id"), sa.column("subject"), sa.column("mark"))
    subjects = sa.table("subject", sa.column("key", sa.LargeBinary()), sa.column("state"))
    for subject in connection.execute(sa.select(codes.c.subject).distinct()).scalars().all():
        key = sha256(subject.encode()).digest()
        state = connection.execute(sa.select(subjects.c.state).where(subjects.c.key == key)).scalar()
        mark = "" if state is None else _mark_of(msgspec.msgpack.decode(bytes(state)))
        connection.execute(codes.update().where(codes.c.subject == subject).values(mark=mark))


def _mark_of(state: dict[str, Any]) -> str:
    """What ``ledger.db.codes.mark_of`` gave when this step was written."""
    holding = state.get("held", {}).get("holding")
    if holding is None:
        return ""
    return str(holding["grants"][0]["entry"]) + ("/released" if holding["released"] else "")
