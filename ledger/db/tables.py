"""The tables, for SQLite and PostgreSQL alike; migrations make them, and a test compares the two.

``leaf`` is the ledger; ``head`` and ``checkpoint`` are its signed state; the verifier reads ``leaf`` and ``head`` of a
SQLite file by these names, which are frozen. The others up to ``tile`` follow from the leaves and are kept because they
are asked for at every append; ``item``, ``item_party`` and ``case_subject`` are read models, which ``views.rebuild``
makes again; the rest is the service's own. Tables whose keys are hashes have no rowid on SQLite: one tree less to
write.
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
    _column("state", Octets),
    rowid=False,
)
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
    _column("search", Text()),
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

# Read model: the subjects of a case, by its id; one that is not about an item is its own.
case_subject = _table("case_subject", _key("case", Octets), _key("sid", Number), rowid=False)
