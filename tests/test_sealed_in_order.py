"""Private members that were sealed before their rows were in the order of the log: carried over, and erased alike."""

from __future__ import annotations

from pathlib import Path

from alembic import command
from alembic.config import Config
from sqlalchemy import BigInteger, Column, LargeBinary, MetaData, SmallInteger, Table, text

from ledger.db import migrate
from ledger.db.engine import WRITE
from tests import scanner
from tests.build import uuid
from tests.private_shop import SOLD, erased, prove_everything, rows, shown, sold
from tests.shop import Shop, open_shop

BEFORE = MetaData()
KEYS = Table(
    "seal_key",
    BEFORE,
    Column("statement", LargeBinary, primary_key=True),
    Column("class", SmallInteger, primary_key=True),
    Column("epoch", BigInteger),
    Column("wrapped", LargeBinary),
)
CONTENTS = Table(
    "sealed",
    BEFORE,
    Column("subject", LargeBinary, primary_key=True),
    Column("statement", LargeBinary, primary_key=True),
    Column("class", SmallInteger, primary_key=True),
    Column("content", LargeBinary),
)


def as_it_was(shop: Shop) -> None:
    """Give the two tables the form that they had, with a key of a statement that the log does not have."""
    keys = rows(shop, 'SELECT statement, "class", epoch, wrapped FROM seal_key')
    named = (
        'SELECT u."key", k.statement, s."class", s.content FROM sealed s JOIN subject u ON u.sid = s.sid '
        'JOIN seal_key k ON k.idx = s.idx AND k."class" = s."class"'
    )
    contents = rows(shop, named)
    with shop.ledger._engine.begin() as connection:
        for name in ("seal_key", "sealed"):
            connection.execute(text(f"DROP TABLE {name}"))
        BEFORE.create_all(connection)
        for table, kept in ((KEYS, [*keys, (b"s" * 16, 0, keys[0][2], b"of no content")]), (CONTENTS, contents)):
            names = table.columns.keys()
            connection.execute(table.insert(), [dict(zip(names, row, strict=True)) for row in kept])
        connection.execute(text("UPDATE alembic_version SET version_num = '0015'"))
    shop.ledger._engine.dispose()


def carried_over(shop: Shop, version: str) -> None:
    """Take the steps up to this one; what comes after it is there already."""
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parents[1] / "migrations"))
    with shop.ledger._engine.connect().execution_options(**{WRITE: True}) as connection, connection.begin():
        config.attributes["connection"] = connection
        command.upgrade(config, version)
        connection.execute(text("UPDATE alembic_version SET version_num = :newest"), {"newest": migrate.NEWEST})


def test_what_was_sealed_before_is_shown_and_erased_as_ever(tmp_path: Path, database_url: str) -> None:
    with open_shop(tmp_path, database_url) as shop:
        jeweller, watch = shop.party("jeweller", "retailer"), uuid("watch")
        ring, other = sold(shop, jeweller), sold(shop, jeweller, watch)
        as_it_was(shop)
        carried_over(shop, "0016")
        assert shown(shop, jeweller) == {ring["statement"]["id"]: SOLD}
        assert shown(shop, jeweller, watch) == {other["statement"]["id"]: SOLD}
        assert shop.post("/v1/statements", {name: ring[name] for name in ("statement", "private")}, jeweller).is_success
        wrapped = [bytes(row[0]) for row in rows(shop, "SELECT wrapped FROM seal_key")]
        assert len(wrapped) == 6
        assert shop.ledger.epochs.scrub()
        stored = [raw for _, raw in scanner.stored(shop.ledger)]
        assert [sum(raw.count(one) for raw in stored) for one in wrapped] == [1] * 6, "the old rows are overwritten"
        contact = [bytes(row[0]) for row in rows(shop, 'SELECT wrapped FROM seal_key WHERE "class" = 0 ORDER BY idx')]
        erased(shop, jeweller, statements=[ring["statement"]["id"]], classes=["contact"])
        assert scanner.find(shop.ledger, contact) == []
        assert shown(shop, jeweller) == {ring["statement"]["id"]: {name: SOLD[name] for name in ("price", "note")}}
        assert shown(shop, jeweller, watch) == {other["statement"]["id"]: SOLD}
        prove_everything(shop, ring["receipt"], other["receipt"])
