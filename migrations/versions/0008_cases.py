"""Cases are found by their id: which item each is about.

Filled from the states of subjects, as ``views.rebuild`` would, so that cases that were opened before are found too.
"""

from __future__ import annotations

import msgspec
import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

NUMBER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_SLICE = 1000


def upgrade() -> None:
    table = op.create_table(
        "case_subject",
        sa.Column("case", sa.LargeBinary(), primary_key=True, autoincrement=False, nullable=False),
        sa.Column("sid", NUMBER, primary_key=True, autoincrement=False, nullable=False),
        sqlite_strict=True,
        sqlite_with_rowid=False,
    )
    found = op.get_bind().execute(sa.text("SELECT sid, state FROM subject ORDER BY sid")).yield_per(_SLICE)
    for rows in found.partitions(_SLICE):
        cases = [(sid, case) for sid, state in rows for case in msgspec.msgpack.decode(state).get("cases", {})]
        if cases:
            values = [{"case": bytes.fromhex(case[9:].replace("-", "")), "sid": sid} for sid, case in cases]
            op.bulk_insert(table, values)
