"""The tables of private members and of what erases them: sealed contents, the keys to them, and erasures.

``sealed`` and ``seal_key`` have a row for each class of data of a statement (``ledger.db.vault``), keyed by the index
of its entry, so that an append writes at the end of both; ``sid`` is its first subject. Each key is wrapped by the key
of an ``epoch``, and so are those of uploaded files. ``pseudonym`` says which entries are about somebody whom a shop
calls by a pseudonym. An erasure has parts, and what the log says of them (``ledger.db.erasures``).
"""

from __future__ import annotations

from sqlalchemy import Column, ForeignKey, Index, Table, Text

from ledger.db.tables import (
    Number,
    Octets,
    Small,
    _column,
    _key,
    _table,
    attachment,
    attachment_use,
    find_private,
    metadata,
)

__all__ = [
    "ERASED_WITH",
    "SCRUBBED",
    "WRAPPED",
    "epoch",
    "erasure",
    "erasure_part",
    "erasure_said",
    "file_key",
    "metadata",
    "pseudonym",
    "report_costed",
    "report_rests",
    "seal_key",
    "sealed",
]

epoch = _table("epoch", _key("id", Number), _column("wrapped", Octets), _column("created_at", Text()))
seal_key = _table(
    "seal_key",
    _key("idx", Number),
    _key("class", Small),
    _column("statement", Octets),
    Column("epoch", Number, ForeignKey("epoch.id"), nullable=False),
    _column("wrapped", Octets),
    rowid=False,
)
sealed = _table(
    "sealed",
    _key("idx", Number),
    _key("class", Small),
    _column("sid", Number),
    _column("content", Octets),
    rowid=False,
)
file_key = _table(
    "file_key",
    _key("party", Text()),
    _key("sha256", Octets),
    Column("epoch", Number, ForeignKey("epoch.id"), nullable=False),
    _column("wrapped", Octets),
    rowid=False,
)
pseudonym = _table("pseudonym", _key("idx", Number), _column("person", Octets), rowid=False)
Index("pseudonym_person", pseudonym.c.person)
# What was asked for and from when on, and what was said of it in the log.
erasure = _table(
    "erasure",
    _key("id", Text()),
    _column("asked_at", Text()),
    _column("asked_by", Text(), index=True),
    _column("why", Text()),
)
erasure_part = _table(
    "erasure_part",
    _key("erasure", Text()),
    _key("statement", Octets),
    _key("class", Small),
    _column("subject", Octets),
    _column("due", Text()),
    _column("stage", Small),
    _column("epoch", Number),
    rowid=False,
)
Index("erasure_part_stage", erasure_part.c.stage, erasure_part.c.due)
Index("erasure_part_statement", erasure_part.c.statement)
erasure_said = _table(
    "erasure_said",
    _key("erasure", Text()),
    _key("statement", Octets),
    _key("class", Small),
    _column("entry", Octets),
    rowid=False,
)

# Reports that were made with costs: what became of each, which no backup holds, and the entries whose costs it counts.
report_costed = _table("report_costed", _key("report", Text()), _column("document", Octets), rowid=False)
report_rests = _table("report_rests", _key("idx", Number), _key("report", Text()), rowid=False)

ERASED_WITH: tuple[Table, ...] = (find_private,)
"""The tables of what is derived from private members: rows of a ``statement`` and a ``class`` go when these do."""
WRAPPED: tuple[Table, ...] = (seal_key, file_key)
"""Each table with a column ``wrapped`` by the key of an epoch, which its column ``epoch`` names."""
SCRUBBED: tuple[Table, ...] = (
    epoch,
    *WRAPPED,
    sealed,
    pseudonym,
    *ERASED_WITH,
    attachment,
    attachment_use,
    report_costed,
    report_rests,
)
"""Each table that an erasure deletes from. Rows of files go by ``Attachments.erase``: what a statement lists in public
stays when its private members are erased."""
