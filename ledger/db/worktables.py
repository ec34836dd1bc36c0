"""The tables of work lists and of the text index: read models, which ``patina rebuild`` makes again from the log.

``item_text`` is written with the item, in the append. The others are kept just behind the log (``ledger.db.follower``),
and ``followed`` says up to where. A case has a row for each party that it concerns, so that every list of a party is
one range of one index. Of a time that there is not, the number is ``NEVER``.
"""

from __future__ import annotations

from typing import Final

from sqlalchemy import CheckConstraint, Index, Text
from sqlalchemy.dialects.postgresql import TSVECTOR

from ledger.db.tables import Number, Octets, Small, _column, _key, _table, metadata

__all__ = ["NEVER", "caseload", "followed", "item_text", "maintenance", "metadata", "published"]

NEVER: Final = (1 << 63) - 1
"""Later than any time, so that nothing is due, waits or is held by it."""

# On SQLite this is an FTS5 table, whose rowid goes by that name, and which keeps no text but its index.
item_text = _table("item_text", _key("rowid", Number), _column("tokens", TSVECTOR().with_variant(Text(), "sqlite")))
Index("item_text_tokens", item_text.c.tokens, postgresql_using="gin")

followed = _table(
    "followed", _key("one", Small), _column("size", Number), CheckConstraint("one = 1", name="followed_one_row")
)
# The entries by which parties promise: their adoptions and retractions, registrations and updates.
published = _table("published", _key("idx", Number))
caseload = _table(
    "caseload",
    _key("party", Octets),
    _key("opened", Number),
    _column("sid", Number),
    _column("case", Octets),
    _column("subject", Text()),
    _column("whose", Octets),
    _column("kind", Text()),
    _column("status", Text()),
    _column("closed", Small),
    _column("opened_at", Text()),
    _column("closed_at", Text(), nullable=True),
    _column("assigned", Text(), nullable=True),
    _column("visit", Text(), nullable=True),
    _column("job_no", Text(), nullable=True),
    _column("clock", Text(), nullable=True),
    _column("due_at", Number),
    _column("warn_at", Number),
    _column("provisional", Small),
    _column("waits_for", Text(), nullable=True),
    _column("waits_since", Number),
    _column("holder", Text(), nullable=True),
    _column("held_since", Number),
    _column("repeats", Number),
    rowid=False,
)
_at = caseload.c
# What comes after the order of a list are the members that it is filtered by most: the index answers without the rows.
Index("caseload_sid", _at.sid)
Index("caseload_whose", _at.whose, _at.sid)
Index("caseload_open", _at.party, _at.closed, _at.opened, _at.kind)
Index("caseload_due", _at.party, _at.due_at, _at.opened, _at.warn_at, _at.assigned, _at.kind)
Index("caseload_waits", _at.party, _at.waits_since, _at.opened, _at.waits_for, _at.assigned)
Index("caseload_held", _at.party, _at.held_since, _at.opened, _at.assigned)
Index("caseload_assigned", _at.party, _at.assigned, _at.opened, _at.closed)
Index("caseload_visit", _at.party, _at.visit, _at.opened)
Index("caseload_job", _at.party, _at.job_no, _at.opened)
Index("caseload_repeats", _at.party, _at.repeats, _at.opened)

maintenance = _table(
    "maintenance",
    _key("sid", Number),
    _column("party", Octets),
    _column("subject", Text()),
    _column("due", Text()),
    _column("said", Octets),
)
Index("maintenance_due", maintenance.c.party, maintenance.c.due, maintenance.c.sid)
