"""Files listed and pseudonyms given before their rows were in the order of the log: carried over, shown and erased."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from sqlalchemy import Column, Index, LargeBinary, MetaData, SmallInteger, Table, Text, text

from ledger.db.views import uuid_bytes
from tests import scanner
from tests.build import uuid
from tests.files import jpeg, png, webp
from tests.private_shop import erased, rows, shown, sold
from tests.shop import RING, Party, Shop, open_shop, segment
from tests.test_api_attachments import listed
from tests.test_sealed_in_order import carried_over

PERSON, WATCH = uuid("a customer"), uuid("watch")
LISTED = "SELECT idx, sha256, party, public FROM attachment_use ORDER BY idx"
BEFORE = MetaData()
USES = Table(
    "attachment_use",
    BEFORE,
    Column("sha256", LargeBinary, primary_key=True),
    Column("subject", Text, primary_key=True),
    Column("statement", LargeBinary, primary_key=True),
    Column("party", Text),
    Column("public", SmallInteger),
)
Index("attachment_use_statement", USES.c.statement)
PERSONS = Table(
    "pseudonym",
    BEFORE,
    Column("person", LargeBinary, primary_key=True),
    Column("statement", LargeBinary, primary_key=True),
)
Index("pseudonym_statement", PERSONS.c.statement)


def as_it_was(shop: Shop, uses: list[tuple[Any, ...]]) -> None:
    """Give the two tables the form that they had, with a row in each of a statement that the log does not have."""
    persons = rows(shop, "SELECT p.person, s.id FROM pseudonym p JOIN statement s ON s.idx = p.idx")
    with shop.ledger._engine.begin() as connection:
        for name in ("attachment_use", "pseudonym", "report_costed", "report_rests"):
            connection.execute(text(f"DROP TABLE {name}"))
        BEFORE.create_all(connection)
        stray = (b"d" * 32, RING, b"s" * 16, uuid("nobody"), 1)
        for table, kept in ((USES, [*uses, stray]), (PERSONS, [*persons, (b"p" * 32, b"s" * 16)])):
            names = table.columns.keys()
            connection.execute(table.insert(), [dict(zip(names, row, strict=True)) for row in kept])
        connection.execute(text("UPDATE alembic_version SET version_num = '0018'"))
    shop.ledger._engine.dispose()


def use(photo: dict[str, Any], subject: str, statement: str, party: Party, public: int) -> tuple[Any, ...]:
    return bytes.fromhex(photo["sha256"]), subject, uuid_bytes(statement), party.id, public


def test_what_was_listed_before_is_shown_and_erased_as_ever(tmp_path: Path, database_url: str) -> None:
    with open_shop(tmp_path, database_url) as shop:
        jeweller, rival = shop.party("jeweller", "retailer"), shop.party("rival", "retailer")
        mine, theirs, public = (listed(shop, jeweller, raw) for raw in (jpeg(), png(), webp()))
        sale = sold(shop, jeweller, RING, {"attachments": [mine], "note": "of hers"}, person=PERSON)
        other = sold(shop, jeweller, WATCH, {"attachments": [theirs]})
        both = shop.statement(jeweller, "item.linked", RING, {"as": "pair"})
        both |= {"subjects": [RING, WATCH], "attachments": [public]}
        assert shop.post("/v1/statements", {"statement": both}, jeweller).status_code == 201
        said, watch = sale["statement"]["id"], other["statement"]["id"]
        kept = rows(shop, LISTED), rows(shop, "SELECT * FROM pseudonym")
        uses = [use(mine, RING, said, jeweller, 0), use(theirs, WATCH, watch, jeweller, 0)]
        as_it_was(shop, uses + [use(public, one, both["id"], jeweller, 1) for one in (RING, WATCH)])
        carried_over(shop, "0020")
        assert (rows(shop, LISTED), rows(shop, "SELECT * FROM pseudonym")) == kept
        assert rows(shop, "SELECT DISTINCT indexed FROM attachment_use") == [(1,)]
        assert [len(one) for one in kept] == [3, 1], "an entry lists a file once, whatever it is about"

        where = f"/v1/attachments/{mine['sha256']}"
        assert [shop.get(where, one).status_code for one in (jeweller, rival)] == [200, 404]
        (reading,), _ = shop.ledger.readings.readings()
        assert (reading.subject, reading.statement) == (RING, said)
        for item in (RING, WATCH):
            page = f"/i/{shop.code(jeweller, item)}/attachments"
            assert shop.get(f"{page}/{public['sha256']}").status_code == 200
            assert shop.get(f"{page}/{mine['sha256']}").status_code == 404

        erased(shop, jeweller, person=PERSON)
        assert shop.get(where, jeweller).status_code == 404
        assert scanner.find(shop.ledger, [bytes.fromhex(mine["sha256"])]) == []
        assert rows(shop, "SELECT * FROM pseudonym") == []
        assert shown(shop, jeweller) == {}
        assert shop.get(f"/v1/attachments/{theirs['sha256']}", jeweller).status_code == 200
        assert watch in shown(shop, jeweller, WATCH)
        assert shop.get(f"/v1/items/{segment(RING)}/history", jeweller).status_code == 200
