"""The tables of what is to be told (``ledger.db.outbox``): ids and states, no content and no customer's address.

Whoever sends a notice reads both when it does. ``notice_cursor`` is how much of the log was looked at; ``opt_out`` has
keyed hashes of addresses.
"""

from __future__ import annotations

from sqlalchemy import CheckConstraint, Index, Text

from ledger.db.tables import Number, Octets, Small, _column, _key, _table, metadata

__all__ = ["address", "metadata", "notice", "notice_cursor", "opt_out", "webhook"]

webhook = _table(
    "webhook",
    _key("id", Text()),
    _column("party", Text(), index=True),
    _column("url", Text()),
    _column("events", Text()),
    _column("gateway", Text()),
    _column("label", Text()),
    _column("wrapped", Octets),
    _column("before_until", Text(), nullable=True),
    _column("created_at", Text()),
    _column("disabled_at", Text(), nullable=True),
    _column("why", Text(), nullable=True),
)
notice = _table(
    "notice",
    _key("id", Octets),
    _column("kind", Text()),
    _column("event", Text()),
    _column("party", Text()),
    _column("webhook", Text(), nullable=True),
    _column("idx", Number, nullable=True),
    _column("statement", Text(), nullable=True),
    _column("subject", Text(), nullable=True),
    _column("of_case", Text(), nullable=True),
    _column("about", Text(), nullable=True),
    _column("state", Text()),
    _column("made_at", Text()),
    _column("due_at", Text()),
    _column("tries", Number),
    _column("held_until", Text(), nullable=True),
    _column("done_at", Text(), nullable=True),
    _column("failure", Text(), nullable=True),
    rowid=False,
)
Index("notice_due", notice.c.state, notice.c.due_at)
Index("notice_party", notice.c.party, notice.c.made_at, notice.c.id)
Index("notice_webhook", notice.c.webhook, notice.c.state)
notice_cursor = _table(
    "notice_cursor",
    _key("one", Small),
    _column("size", Number),
    CheckConstraint("one = 1", name="notice_cursor_one_row"),
)
# An address of a shop's own (``ledger.db.addresses``), wrapped by the master key.
address = _table(
    "address",
    _key("id", Text()),
    _column("party", Text(), index=True),
    _column("wrapped", Octets),
    _column("language", Text()),
    _column("created_at", Text()),
    _column("confirmed_at", Text(), nullable=True),
    _column("person", Text(), nullable=True, index=True),
    _column("events", Text(), server_default="case.overdue"),
)
opt_out = _table("opt_out", _key("hash", Octets), _column("at", Text()), rowid=False)
