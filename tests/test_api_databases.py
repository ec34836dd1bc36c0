"""The interface on both databases: on PostgreSQL commits and reads run in threads, and nothing else may differ."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from api.pages.item_page import verify
from tests.build import uuid
from tests.shop import RING, Shop, open_shop, segment

WORK = {"work": ["polish"]}


@pytest.fixture
def shop(tmp_path: Path, database_url: str) -> Iterator[Shop]:
    with open_shop(tmp_path, database_url) as shop:
        yield shop


def test_a_ledger_over_http_from_the_first_statement_to_the_page(shop: Shop) -> None:
    jeweller = shop.party("jeweller", "retailer", "repairer")
    made = shop.post(
        "/v1/items", {"gtin": "9520123456788", "serial": "R/001", "name": "Ring", "category": "c"}, jeweller
    )
    assert made.json()["id"] == RING
    drafts = [{"statement": shop.statement(jeweller, "maintenance.performed", RING, WORK)} for _ in range(20)]
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda body: shop.post("/v1/statements", body, jeweller).status_code, drafts))
    assert answers == [201] * 20
    batch = [{"statement": shop.registered(jeweller, uuid(f"item {n}"))} for n in range(70)]
    again = shop.post("/v1/statements/batch", [*batch, drafts[3]], jeweller).json()
    assert [one["id"] for one in again] == [one["statement"]["id"] for one in [*batch, drafts[3]]]
    raw = shop.get(f"/v1/items/{segment(RING)}/history", jeweller).content
    assert len(verify(raw, RING, shop.ledger.vkeys, shop.clock()).entries) == 21
    assert "21 records" in shop.get(f"/i/{made.json()['token']}").text
    found = shop.get("/v1/items?limit=50", jeweller).json()
    assert len(found["items"]) == 50
    assert len(shop.get(found["next"].partition("8000")[2], jeweller).json()["items"]) == 21
    assert shop.get("/readyz").json() == {"status": "ready", "size": shop.size()}


def test_a_batch_that_refers_to_itself_is_judged_in_order(shop: Shop) -> None:
    jeweller = shop.party("jeweller", "retailer", "repairer")
    batch = [
        {"statement": shop.statement(jeweller, "maintenance.performed", RING, WORK)},
        {"statement": shop.registered(jeweller)},
        {"statement": shop.statement(jeweller, "maintenance.performed", RING, WORK)},
    ]
    results = shop.post("/v1/statements/batch", batch, jeweller).json()
    assert ["entry" in one for one in results] == [False, True, True]
