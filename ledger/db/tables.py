"""The tables, for SQLite and PostgreSQL alike; migrations make them, and a test compares the two.

``leaf`` is the ledger; ``head`` and ``checkpoint`` are its signed state; the verifier reads ``leaf`` and ``head`` of a
SQLite file by these names, which are frozen. The others up to ``tile`` follow from the leaves and are kept because they
are asked for at every append; ``item``, ``item_party`` and ``case_subject`` are read models, which ``views.rebuild``
makes again (more of them are in ``ledger.db.worktables``); the rest is the service's own, with what is kept of private
members in ``ledger.db.private_tables``. Tables whose keys are hashes have no rowid on SQLite: one tree less to write.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    SmallInteger,
    Table,
    Text,
)
from sqlalchemy.types import TypeEngine

metadata = MetaData()

# SQLite's strict tables know INTEGER, and only that spelling makes a primary key the rowid.
Number = BigInteger().with_variant(Integer(), "sqlite")
Small = SmallInteger().with_variant(Integer(), "sqlite")
Octets = LargeBinary().with_variant(LargeBinary(), "sqlite")


def _column(name: str, kind: TypeEngine[Any], **options: Any) -> Column[Any]:
    return Column(name, kind, nullable=options.pop("nullable", False), **options)


def _key(name: str, kind: TypeEngine[Any]) -> Column[Any]:
    return Column(name, kind, primary_key=True, autoincrement=False, nullable=False)


def _table(name: str, *columns: Any, rowid: bool = True) -> Table:
    return Table(name, metadata, *columns, sqlite_strict=True, sqlite_with_rowid=rowid)


leaf = _table("leaf", _key("idx", Number), _column("bytes", Octets))
head = _table(
    "head",
    _key("one", Small),
    _column("size", Number),
    _column("root", Octets),
    _column("frontier", Octets),
    _column("last_hash", Octets),
    _column("recorded_at", Text()),
    _column("note", Text()),
    _column("map_bits", Small),
    _column("subjects", Number),
    _column("statements", Number),
    CheckConstraint("one = 1", name="head_one_row"),
)
checkpoint = _table("checkpoint", _key("size", Number), _column("note", Text()))
statement = _table("statement", _key("id", Octets), _column("idx", Number), rowid=False)
subject = _table(
    "subject",
    _key("key", Octets),
    _column("sid", Number),
    _column("count", Number),
    _column("last", Number),
    _column("last_hash", Octets),
    rowid=False,
)
# Not in the subject's row: those lie in the order of hashes, which an append finds in few pages if rows are short.
subject_state = _table("subject_state", _key("sid", Number), _column("last", Number), _column("state", Octets))
link = _table("link", _key("sid", Number), _key("seq", Number), _column("idx", Number), rowid=False)
map_bucket = _table("map_bucket", _key("bucket", Number), _column("class", Small), _column("hash", Octets))
tile = _table("tile", _key("level", Small), _key("n", Number), _column("hashes", Octets), _column("root", Octets))
# The entries that decide who may speak, and the holder keys that were ever named.
authority = _table("authority", _key("idx", Number))
holder_key = _table("holder_key", _key("key", Octets), _column("idx", Number), rowid=False)

item = _table(
    "item",
    _key("sid", Number),
    _column("subject", Text()),
    _column("name", Text()),
    _column("category", Text()),
    _column("brand", Text(), nullable=True),
    _column("model", Text(), nullable=True),
    _column("state", Text()),
    _column("registered_by", Text()),
    _column("held", Small),
    _column("first_recorded", Text()),
)
Index("item_category", item.c.category, item.c.sid)
Index("item_state", item.c.state, item.c.sid)
Index("item_first_recorded", item.c.first_recorded, item.c.sid)
item_party = _table("item_party", _key("party", Octets), _key("sid", Number), rowid=False)

ledger_key = _table("ledger_key", _key("vkey", Text()), _column("wrapped", Octets), _column("created_at", Text()))
party_key = _table(
    "party_key",
    _key("did", Text()),
    _column("party", Text(), index=True),
    _column("wrapped", Octets),
    _column("created_at", Text()),
)
api_key = _table(
    "api_key",
    _key("id", Text()),
    _column("hash", Octets, unique=True),
    _column("party", Text(), index=True),
    _column("scopes", Text()),
    _column("label", Text()),
    _column("created_at", Text()),
    _column("revoked_at", Text(), nullable=True),
    _column("expires_at", Text(), nullable=True),
    _column("last_used_at", Text(), nullable=True),
)
code = _table(
    "code",
    _key("id", Text()),
    _column("hash", Octets, unique=True),
    _column("subject", Text(), index=True),
    _column("kind", Text()),
    _column("level", Text()),
    _column("created_at", Text()),
    _column("revoked_at", Text(), nullable=True),
)

# How often the page of a code was asked for, by day (``ledger.db.risks``): nothing of who asked or from where.
scan = _table("scan", _key("code", Text()), _key("day", Text()), _column("count", Number), rowid=False)

# Who read private members (``ledger.db.readings``), and where that was unusual. The id begins with the time.
reading = _table(
    "reading",
    _key("id", Octets),
    _column("at", Text()),
    _column("reader", Text()),
    _column("party", Text(), nullable=True),
    _column("key", Text(), nullable=True),
    _column("person", Text(), nullable=True),
    _column("subject", Text(), nullable=True),
    _column("statement", Octets, nullable=True),
    _column("owner", Text(), nullable=True),
    _column("members", Text()),
    _column("why", Text()),
    _column("outside", Small),
    rowid=False,
)
Index("reading_reader", reading.c.reader, reading.c.at)
Index("reading_party", reading.c.party, reading.c.id)
Index("reading_owner", reading.c.owner, reading.c.id)
signal = _table(
    "signal",
    _key("id", Octets),
    _column("at", Text(), index=True),
    _column("kind", Text()),
    _column("reader", Text()),
    _column("party", Text(), nullable=True),
    _column("since", Text()),
    _column("subjects", Number),
    _column("allowed", Number),
    rowid=False,
)

# Uploaded files: a copy for each party that uploaded it, encrypted under a key of its own (``ledger.db.attachments``),
# which is in ``private_tables.file_key``.
attachment = _table(
    "attachment",
    _key("party", Text()),
    _key("sha256", Octets),
    _column("media_type", Text()),
    _column("size", Number),
    _column("place", Octets),
    _column("thumbnail", Octets, nullable=True),
    _column("state", Text()),
    _column("touched_at", Text(), index=True),
    _column("checked_at", Text(), index=True),
    rowid=False,
)
Index("attachment_recent", attachment.c.party, attachment.c.touched_at)
# Which entry lists which file: ``public`` ones may be seen by whoever sees a subject of it, which its links say. A row
# comes into the index some time after its statement (``ledger.db.uses``).
attachment_use = _table(
    "attachment_use",
    _key("idx", Number),
    _key("sha256", Octets),
    _column("party", Text()),
    _column("public", Small),
    _column("indexed", Small),
    rowid=False,
)
_indexed = attachment_use.c.indexed == 1
Index("attachment_use_sha256", attachment_use.c.sha256, sqlite_where=_indexed, postgresql_where=_indexed)

# By what statements are found: keyed hashes of private and of public values (``ledger.db.find``).
find_key = _table("find_key", _key("chain", Text()), _column("wrapped", Octets), _column("created_at", Text()))
find_chain = _table("find_chain", _key("party", Text()), _key("chain", Text()), rowid=False)
# A private value is of a class of data; ``ANY_CLASS`` stands for that of rows from before it was written down.
ANY_CLASS = -1
find_private, find_public = (
    _table(
        name,
        _key("hash", Octets),
        _key("statement", Octets),
        *more,
        _column("subject", Text()),
        _column("party", Text()),
        rowid=False,
    )
    for name, more in (("find_private", [_key("class", Small)]), ("find_public", []))
)
Index("find_private_statement", find_private.c.statement)

# Of a code: the holding that it was made in ("" for none; NULL where it was drawn with an owner code, whose keys say
# which), the one case that it opens, and the party that made it.
code.append_column(_column("mark", Text(), nullable=True))
code.append_column(_column("of_case", Text(), nullable=True))
code.append_column(_column("party", Text(), nullable=True))
# The keyed hash of its short code (``ledger.shortcode``); NULL for codes older than these, and once it was erased.
code.append_column(_column("short", Octets, nullable=True))
Index("code_short", code.c.short)
# The public keys of owner codes: all that is kept of them.
owner_key = _table(
    "owner_key",
    _key("key", Octets),
    _column("code", Text(), index=True),
    _column("subject", Text(), index=True),
    _column("custody", Text()),
    rowid=False,
)

# Papers for customers (``ledger.db.papers``): one code for several items, whose own codes follow from it.
paper = _table(
    "paper",
    _key("id", Text()),
    _column("hash", Octets, unique=True),
    _column("kind", Text()),
    _column("party", Text()),
    _column("created_at", Text()),
    _column("revoked_at", Text(), nullable=True),
)
paper_item = _table(
    "paper_item",
    _key("paper", Text()),
    _key("n", Small),
    _column("subject", Text()),
    _column("of_case", Text(), nullable=True),
    rowid=False,
)
paper_code = _table("paper_code", _key("paper", Text()), _key("code", Text()), rowid=False)
owner_print = _table(
    "owner_print", _key("code", Text()), _column("number", Integer()), _column("first_at", Text()), rowid=False
)

# Who may come in, beside API keys. Names, logins and keys of keyed hashes are wrapped by the master key.
access_secret = _table("access_secret", _key("name", Text()), _column("wrapped", Octets))
person = _table(
    "person",
    _key("id", Text()),
    _column("party", Text()),
    _column("role", Text()),
    _column("agent", Text()),
    _column("wrapped", Octets),
    _column("login", Octets, nullable=True, unique=True),
    _column("subject", Octets, nullable=True, unique=True),
    _column("password", Text(), nullable=True),
    _column("pin", Text(), nullable=True),
    _column("pin_failures", Number),
    _column("pin_locked_until", Text(), nullable=True),
    _column("created_at", Text()),
    _column("disabled_at", Text(), nullable=True),
)
Index("person_agent", person.c.party, person.c.agent, unique=True)
device = _table(
    "device",
    _key("id", Text()),
    _column("hash", Octets, unique=True),
    _column("party", Text(), index=True),
    _column("label", Text()),
    _column("created_at", Text()),
    _column("revoked_at", Text(), nullable=True),
)
visit = _table(
    "visit",
    _key("hash", Octets),
    _column("person", Text(), index=True),
    _column("device", Text(), nullable=True),
    _column("created_at", Text()),
    _column("seen_at", Text()),
    _column("expires_at", Text()),
    rowid=False,
)
auditor_grant = _table(
    "auditor_grant",
    _key("id", Text()),
    _column("party", Text(), index=True),
    _column("auditor", Text(), index=True),
    _column("subject", Text(), nullable=True),
    _column("members", Text()),
    _column("until", Text()),
    _column("created_at", Text()),
    _column("revoked_at", Text(), nullable=True),
)

# Reports (``ledger.db.reports``): those that were asked for or fell due by a schedule, and what came of each.
report_schedule = _table(
    "report_schedule",
    _key("id", Text()),
    _column("party", Text(), index=True),
    _column("role", Text()),
    _column("every", Text()),
    _column("asked", Text()),
    _column("next_due", Text()),
    _column("created_at", Text()),
    _column("ended_at", Text(), nullable=True),
)
report = _table(
    "report",
    _key("id", Text()),
    _column("party", Text()),
    _column("schedule", Text(), nullable=True),
    _column("role", Text()),
    _column("asked", Text()),
    _column("asked_at", Text()),
    _column("due", Text()),
    _column("taken_at", Text(), nullable=True),
    _column("percent", Small),
    _column("made", Text(), nullable=True),
    _column("problem", Text(), nullable=True),
    _column("size", Number, nullable=True),
    _column("document", Octets, nullable=True),
)
Index("report_party", report.c.party, report.c.due)
Index("report_open", report.c.made, report.c.due)

# Read model: the subjects of a case, by its id; one that is not about an item is its own.
case_subject = _table("case_subject", _key("case", Octets), _key("sid", Number), rowid=False)
