"""Files that a statement lists in private: uploaded first, read by whom the list is for, gone when it is erased."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.build import uuid
from tests.files import jpeg, png
from tests.private_shop import erased, rows, shown, sold
from tests.shop import RING, Party, Shop, open_shop
from tests.test_api_attachments import listed

CASE = uuid("case")
OPENED = {"kind": "repair", "channel": "store", "issue": "quality"}


@pytest.fixture
def shop(tmp_path: Path, database_url: str) -> Iterator[Shop]:
    with open_shop(tmp_path, database_url) as shop:
        shop.party("jeweller", "retailer", "repairer")
        shop.party("bench", "repairer")
        shop.party("rival", "retailer", "repairer")
        yield shop


@pytest.fixture
def jeweller(shop: Shop) -> Party:
    return shop.parties["jeweller"]


def test_who_works_on_a_case_reads_its_private_files_and_nobody_else(shop: Shop, jeweller: Party) -> None:
    photo = listed(shop, jeweller, jpeg())
    where = f"/v1/attachments/{photo['sha256']}"
    shop.say(jeweller, "item.registered", RING, {"name": "Ring", "category": "jewellery"})
    opened = shop.statement(jeweller, "case.opened", RING, OPENED, case=CASE)
    body = {"statement": opened, "private": {"attachments": [photo], "description": "a claw is loose"}}
    assert shop.post("/v1/statements", body, jeweller).status_code == 201
    bench, rival = shop.parties["bench"], shop.parties["rival"]
    assert [shop.get(where, one).status_code for one in (bench, rival)] == [404, 404]
    shop.say(jeweller, "case.assigned", RING, {"to": bench.id}, case=CASE)
    assert [shop.get(where, one).status_code for one in (bench, rival)] == [200, 404]
    assert shop.get(f"{where}/thumbnail", bench).status_code == 200
    noted = [one for one in shop.get("/v1/readings", jeweller).json()["readings"] if one["party"] == bench.id]
    assert {one["statement"] for one in noted} == {opened["id"]}
    assert {name for one in noted for name in one["members"]} == {"attachments", "description"}
    erased(shop, jeweller, statements=[opened["id"]], classes=["media"])
    assert [shop.get(where, one).status_code for one in (jeweller, bench, rival)] == [404, 404, 404]


def test_files_that_a_statement_lists_in_private_go_with_it_and_no_others(shop: Shop, jeweller: Party) -> None:
    mine, theirs = (listed(shop, jeweller, raw) for raw in (jpeg(), png()))
    sale = sold(shop, jeweller, private={"attachments": [mine], "note": "with a photograph"})
    other = sold(shop, jeweller, uuid("watch"), {"attachments": [theirs]})
    where = f"/v1/attachments/{mine['sha256']}"
    assert shop.get(where, jeweller).status_code == 200
    assert shop.get(where, shop.parties["rival"]).status_code == 404
    before = len(stored(shop))
    erased(shop, jeweller, statements=[sale["statement"]["id"]])
    assert len(stored(shop)) == before // 2, "the file and its thumbnail"
    assert shop.get(where, jeweller).status_code == 404
    assert rows(shop, "SELECT count(*) FROM attachment") == [(1,)]
    kept = shown(shop, jeweller, uuid("watch"))[other["statement"]["id"]]
    assert kept["attachments"][0]["sha256"] == theirs["sha256"]
    assert shop.get(f"/v1/attachments/{theirs['sha256']}", jeweller).status_code == 200


def test_a_private_file_must_have_been_uploaded_as_it_is_listed(shop: Shop, jeweller: Party) -> None:
    shop.say(jeweller, "item.registered", RING, {"name": "Ring", "category": "jewellery"})
    unknown = {"name": "photo.jpg", "media_type": "image/jpeg", "size": 5, "sha256": "ab" * 32}
    statement = shop.statement(jeweller, "item.sold", RING, {"channel": "store"})
    answer = shop.post("/v1/statements", {"statement": statement, "private": {"attachments": [unknown]}}, jeweller)
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["pointer"] == "/private/attachments/0"
    assert rows(shop, "SELECT * FROM sealed") == []


def stored(shop: Shop) -> list[Path]:
    return [path for path in (shop.ledger.directory / "blobs").rglob("*") if path.is_file()]
