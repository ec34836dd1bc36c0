"""Sales with private members in a shop behind its HTTP interface, their erasure, and what is left to see of them."""

from __future__ import annotations

import json
from typing import Any

from api.pages.item_page import verify
from ledger import receipt
from ledger.db import erase
from ledger.note import parse_vkey
from tests.shop import RING, Party, Shop, segment

PERSON = "urn:uuid:00000000-0000-4000-8000-0000000000aa"
CUSTOMER = {"name": "Ada Example", "phone": "+1 555 0100", "email": "ada@example.org"}
SOLD = {"customer": CUSTOMER, "price": {"amount": "1234.56", "currency": "EUR"}, "note": "likes the old setting"}
NEEDLES = [*CUSTOMER.values(), "likes the old setting"]


def sold(shop: Shop, party: Party, item: str = RING, private: Any = None, **more: Any) -> dict[str, Any]:
    """Register an item and sell it with private members; the body of the sale and its receipt under ``receipt``."""
    if shop.ledger.reader.state(item) is None:
        shop.say(party, "item.registered", item, {"name": "Ring", "category": "jewellery"})
    statement = shop.statement(party, "item.sold", item, {"channel": "store"})
    body = {"statement": statement, "private": private or SOLD, **more}
    answer = shop.post("/v1/statements", body, party)
    assert answer.status_code == 201, answer.text
    return {**body, "receipt": answer.json()}


def erased(shop: Shop, who: Party, **wanted: Any) -> dict[str, Any]:
    """What an erasure comes to once everything that is due has been done."""
    answer = shop.post("/v1/erasures", wanted, who)
    assert answer.status_code == 201, answer.text
    assert erase.work(shop.ledger, shop.clock(), grace=0)
    found: dict[str, Any] = shop.get(f"/v1/erasures/{answer.json()['id']}", who).json()
    return found


def shown(shop: Shop, who: Party, item: str = RING) -> dict[str, Any]:
    """The private members in a verified history."""
    raw = shop.get(f"/v1/items/{segment(item)}/history", who).content
    return dict(verify(raw, item, shop.ledger.vkeys, shop.clock()).disclosed)


def rows(shop: Shop, what: str) -> list[Any]:
    with shop.ledger._engine.connect() as connection:
        return [tuple(row) for row in connection.exec_driver_sql(what)]


def prove_everything(shop: Shop, *receipts: dict[str, Any]) -> None:
    """Old receipts verify, and the whole log by an audit of the folder where it lies in one."""
    vkeys = [parse_vkey(vkey) for vkey in shop.ledger.vkeys]
    for one in receipts:
        receipt.check_receipt(receipt.parse_receipt(json.dumps(one).encode()), vkeys)
    walk = shop.ledger.rehash()
    while not (progress := walk.step(10_000)).finished:
        pass
    assert progress.wrong is None
