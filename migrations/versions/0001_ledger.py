"""The first schema: the ledger, what follows from its leaves, read models, keys and codes.

Triggers refuse to change a leaf or a checkpoint. On SQLite ``INSERT OR REPLACE`` fires no delete trigger, so the insert
trigger refuses an index that is not the number of leaves, which covers an index that exists.
"""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

NUMBER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
SMALL = sa.SmallInteger().with_variant(sa.Integer(), "sqlite")
OCTETS = sa.LargeBinary()
TEXT = sa.Text()

APPEND_ONLY = ("leaf", "checkpoint")


def upgrade() -> None:
    _create_ledger()
    _create_followers()
    _create_read_models()
    _create_access()
    if op.get_bind().dialect.name == "sqlite":
        _sqlite_triggers()
    else:
        _postgres_triggers()


def _table(name: str, *columns: Any, rowid: bool = True) -> None:
    op.create_table(name, *columns, sqlite_strict=True, sqlite_with_rowid=rowid)


def _key(name: str, kind: Any) -> sa.Column[Any]:
    return sa.Column(name, kind, primary_key=True, autoincrement=False, nullable=False)


def _column(name: str, kind: Any, *, nullable: bool = False) -> sa.Column[Any]:
    return sa.Column(name, kind, nullable=nullable)


def _create_ledger() -> None:
    _table("leaf", _key("idx", NUMBER), _column("bytes", OCTETS))
    _table(
        "head",
        _key("one", SMALL),
        _column("size", NUMBER),
        _column("root", OCTETS),
        _column("frontier", OCTETS),
        _column("last_hash", OCTETS),
        _column("recorded_at", TEXT),
        _column("note", TEXT),
        _column("map_bits", SMALL),
        _column("subjects", NUMBER),
        _column("statements", NUMBER),
        sa.CheckConstraint("one = 1", name="head_one_row"),
    )
    _table("checkpoint", _key("size", NUMBER), _column("note", TEXT))


def _create_followers() -> None:
    _table("statement", _key("id", OCTETS), _column("idx", NUMBER), rowid=False)
    _table(
        "subject",
        _key("key", OCTETS),
        _column("sid", NUMBER),
        _column("count", NUMBER),
        _column("last", NUMBER),
        _column("last_hash", OCTETS),
        _column("state", OCTETS),
        rowid=False,
    )
    _table("link", _key("sid", NUMBER), _key("seq", NUMBER), _column("idx", NUMBER), rowid=False)
    _table("map_bucket", _key("bucket", NUMBER), _column("class", SMALL), _column("hash", OCTETS))
    _table("tile", _key("level", SMALL), _key("n", NUMBER), _column("hashes", OCTETS), _column("root", OCTETS))
    _table("authority", _key("idx", NUMBER))
    _table("holder_key", _key("key", OCTETS), _column("idx", NUMBER), rowid=False)


def _create_read_models() -> None:
    _table(
        "item",
        _key("sid", NUMBER),
        _column("subject", TEXT),
        _column("name", TEXT),
        _column("category", TEXT),
        _column("brand", TEXT, nullable=True),
        _column("model", TEXT, nullable=True),
        _column("state", TEXT),
        _column("registered_by", TEXT),
        _column("held", SMALL),
        _column("first_recorded", TEXT),
        _column("search", TEXT),
    )
    for name in ("category", "state", "first_recorded"):
        op.create_index(f"item_{name}", "item", [name, "sid"])
    _table("item_party", _key("party", OCTETS), _key("sid", NUMBER), rowid=False)


def _create_access() -> None:
    _table("ledger_key", _key("vkey", TEXT), _column("wrapped", OCTETS), _column("created_at", TEXT))
    _table(
        "party_key",
        _key("did", TEXT),
        _column("party", TEXT),
        _column("wrapped", OCTETS),
        _column("created_at", TEXT),
    )
    _table(
        "api_key",
        _key("id", TEXT),
        _column("hash", OCTETS),
        _column("party", TEXT),
        _column("scopes", TEXT),
        _column("label", TEXT),
        _column("created_at", TEXT),
        _column("revoked_at", TEXT, nullable=True),
        sa.UniqueConstraint("hash"),
    )
    _table(
        "code",
        _key("id", TEXT),
        _column("hash", OCTETS),
        _column("subject", TEXT),
        _column("kind", TEXT),
        _column("level", TEXT),
        _column("created_at", TEXT),
        _column("revoked_at", TEXT, nullable=True),
        sa.UniqueConstraint("hash"),
    )
    for table, column in (("party_key", "party"), ("api_key", "party"), ("code", "subject")):
        op.create_index(f"ix_{table}_{column}", table, [column])


def _sqlite_triggers() -> None:
    for table in APPEND_ONLY:
        for change in ("UPDATE", "DELETE"):
            op.execute(
                f"CREATE TRIGGER {table}_no_{change.lower()} BEFORE {change} ON {table} "
                f"BEGIN SELECT RAISE(ABORT, '{table} is append-only'); END"
            )
    op.execute(
        "CREATE TRIGGER leaf_in_order BEFORE INSERT ON leaf "
        "WHEN NEW.idx IS NOT (SELECT coalesce(max(idx) + 1, 0) FROM leaf) "
        "BEGIN SELECT RAISE(ABORT, 'leaf is append-only: want the number of leaves as index'); END"
    )
    op.execute(
        "CREATE TRIGGER checkpoint_once BEFORE INSERT ON checkpoint "
        "WHEN EXISTS (SELECT 1 FROM checkpoint WHERE size = NEW.size) "
        "BEGIN SELECT RAISE(ABORT, 'checkpoint is append-only'); END"
    )


def _postgres_triggers() -> None:
    op.execute(
        "CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS "
        "$$ BEGIN RAISE EXCEPTION '% is append-only', TG_TABLE_NAME; END $$"
    )
    for table in APPEND_ONLY:
        op.execute(
            f"CREATE TRIGGER {table}_no_change BEFORE UPDATE OR DELETE OR TRUNCATE ON {table} "
            "FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()"
        )
    op.execute(
        "CREATE FUNCTION refuse_out_of_order() RETURNS trigger LANGUAGE plpgsql AS "
        "$$ BEGIN IF NEW.idx IS DISTINCT FROM (SELECT coalesce(max(idx) + 1, 0) FROM leaf) THEN "
        "RAISE EXCEPTION 'leaf is append-only: want the number of leaves as index'; END IF; RETURN NEW; END $$"
    )
    op.execute("CREATE TRIGGER leaf_in_order BEFORE INSERT ON leaf FOR EACH ROW EXECUTE FUNCTION refuse_out_of_order()")
