"""Papers for customers, on both databases: one code for several items, each of which falls by itself."""

from __future__ import annotations

import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import zxingcpp
from PIL import Image

from ledger.db.read import Reader
from tests.build import key, uuid
from tests.holding import draw_paper, new_ring, sell, shop_on, sold_ring, speak
from tests.shop import PUBLIC_URL, RING, Party, Shop, open_shop
from tests.test_pages_item import text

JSON = "application/json"
OPENED = {"kind": "repair", "channel": "store", "issue": "quality", "promised": "2026-05-20T18:00:00Z"}
NOWHERE = "A" * 22


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def shop(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    with shop_on(request, tmp_path_factory.mktemp("shop")) as opened:
        yield opened


@pytest.fixture
def jeweller(shop: Shop) -> Party:
    return shop.parties["jeweller"]


def receipt(shop: Shop, who: Party, *items: Any, kind: str = "sale", **headers: str) -> dict[str, Any]:
    answer = shop.post("/v1/receipts", {"kind": kind, "items": list(items)}, who, **headers)
    assert answer.status_code == 201, answer.text
    return dict(answer.json())


def path_of(made: dict[str, Any]) -> str:
    return str(made["page"]).removeprefix(PUBLIC_URL)


def test_a_receipt_has_one_code_for_all_its_items(shop: Shop, jeweller: Party) -> None:
    rings = [sold_ring(shop, jeweller).item for _ in range(3)]
    made = receipt(shop, jeweller, *rings)
    assert (made["kind"], [one["item"] for one in made["items"]]) == ("sale", rings)
    assert path_of(made) == f"/r/{made['token']}"
    # The short code of each thing leads to what anybody may see of it; the paper has none.
    assert "short_code" not in made
    assert [shop.get(f"/s/{one['short_code']}", accept=JSON).json()["id"] for one in made["items"]] == rings
    page = shop.get(path_of(made))
    assert page.status_code == 200
    seen = text(page.text)
    assert "Issued by jeweller on 4 May 2026" in seen
    assert "Receipt 3 things" in seen
    assert seen.count("Nothing is reported") == 3
    for one in made["items"]:
        assert f'href="/i/{one["token"]}"' in page.text
        own = shop.get(f"/i/{one['token']}", accept=JSON).json()
        assert own["id"] == one["item"]
        assert own["records"]
    shown = shop.get(path_of(made), accept=JSON).json()
    assert [one["id"] for one in shown["items"]] == rings
    assert [one["page"] for one in shown["items"]] == [one["page"] for one in made["items"]]
    picture = Image.open(io.BytesIO(shop.get(f"{path_of(made)}/qr.png").content))
    assert [code.text for code in zxingcpp.read_barcodes(picture)] == [made["page"]]
    # Nothing of the tokens is kept, nor that the codes of the items belong together.
    assert not {made["token"], *(one["token"] for one in made["items"])} & set(str(shop.ledger.codes.of(rings[0])))


def test_each_item_falls_by_itself_when_it_changes_hands(shop: Shop, jeweller: Party) -> None:
    given, kept = sold_ring(shop, jeweller), sold_ring(shop, jeweller)
    made = receipt(shop, jeweller, given.item, kept.item)
    answer = speak(shop, given, "item.transferred", given.key, also=key("her sister"))
    assert answer.status_code == 201, answer.text
    shown = shop.get(path_of(made), accept=JSON).json()["items"]
    assert [one["opened"] for one in shown] == [False, True]
    assert "state" not in shown[0]
    page = shop.get(path_of(made)).text
    assert "This code no longer opens" not in text(page)
    assert "The item has another holder" in text(page)
    assert "See what anybody may see" in text(page)


def test_an_intake_slip_leads_to_its_case(shop: Shop, jeweller: Party) -> None:
    ring, case = sold_ring(shop, jeweller).item, uuid("case of a slip")
    body = {"kind": "intake", "items": [{"item": ring, "case": case}]}
    refused = shop.post("/v1/receipts", body, jeweller)
    assert (refused.status_code, refused.json()["errors"][0]["pointer"]) == (409, "/items/0/case")
    shop.say(jeweller, "case.opened", ring, OPENED, case=case)
    made = receipt(shop, jeweller, {"item": ring, "case": case}, kind="intake")
    slip = made["items"][0]
    page = shop.get(path_of(made)).text
    assert f'href="/c/{slip["case"]["token"]}"' in page
    assert "Intake slip" in page
    assert "Repair: Open" in text(page)
    assert "Promised for 20 May 2026" in text(page)
    assert shop.get(path_of(made), accept=JSON).json()["items"][0]["case_page"] == slip["case"]["page"]
    assert shop.get(f"/c/{slip['case']['token']}", accept=JSON).json()["case"] == case
    shop.clock.pass_hours(24 * 20)
    assert "Was promised for 20 May 2026" in text(shop.get(path_of(made)).text)
    shop.clock.pass_hours(-24 * 20)


def test_a_gift_receipt_shows_no_buyer_and_no_price_and_opens_no_private_member(shop: Shop, jeweller: Party) -> None:
    paper = draw_paper(shop, jeweller, new_ring(shop, jeweller))
    private = {"price": {"amount": "7654.32", "currency": "EUR"}, "customer": {"name": "Ada Example"}}
    sold = {"channel": "store", "holder_key": paper.key.did, "holder_custody": "receipt"}
    statement = shop.statement(jeweller, "item.sold", paper.item, sold)
    assert shop.post("/v1/statements", {"statement": statement, "private": private}, jeweller).status_code == 201
    made = receipt(shop, jeweller, paper.item, kind="gift")
    token = made["items"][0]["token"]
    for path in (path_of(made), f"/i/{token}", f"/i/{token}/history"):
        for accept in ("text/html", JSON):
            answer = shop.get(path, accept=accept)
            assert answer.status_code == 200
            assert not [one for one in ("7654.32", "7,654", "Ada Example") if one in answer.text], path
    assert "neither the buyer nor a price" in shop.get(path_of(made)).text
    kinds = {code.kind for code in shop.ledger.codes.of(paper.item)}
    assert "gift" in kinds


def test_a_receipt_is_revoked_with_the_codes_of_its_items(shop: Shop, jeweller: Party) -> None:
    ring = sold_ring(shop, jeweller).item
    made, other = receipt(shop, jeweller, ring), receipt(shop, jeweller, ring)
    path = f"/v1/receipts/{made['receipt_id']}"
    for who in (shop.parties["rival"], shop.operator):
        assert shop.client.delete(path, headers=who.headers).status_code == 404
    assert shop.client.delete(path, headers=jeweller.headers).status_code == 204
    assert shop.client.delete(path, headers=jeweller.headers).status_code == 404
    assert shop.get(path_of(made)).content == shop.get(f"/r/{NOWHERE}").content
    assert shop.get(f"/i/{made['items'][0]['token']}").status_code == 404
    assert shop.get(path_of(other)).status_code == 200
    # One code of a paper that was taken back alone: its line says so, and nothing of the thing.
    shop.ledger.codes.revoke(code_of(shop, other["items"][0]["token"]))
    seen = text(shop.get(path_of(other)).text)
    assert "This code was revoked." in seen
    assert "Ring" not in seen
    assert shop.get(path_of(other), accept=JSON).json()["items"] == [{"name": None, "page": None, "opened": False}]


def code_of(shop: Shop, token: str) -> str:
    found = shop.ledger.codes.find(token)
    assert found is not None
    return found.id


@pytest.mark.parametrize("path", ["/r/x", f"/r/{NOWHERE}", "/r/%FF", f"/r/{NOWHERE}/qr.svg", "/r/x/qr.png"])
def test_codes_that_lead_nowhere_look_the_same(shop: Shop, jeweller: Party, path: str) -> None:
    answer = shop.get(path)
    assert answer.status_code == 404
    if "qr" not in path:
        assert answer.content == shop.get(f"/i/{NOWHERE}").content
    # A code of another kind is none of a paper, and the other way round.
    made = receipt(shop, jeweller, sold_ring(shop, jeweller).item)
    for letter, token in (("r", made["items"][0]["token"]), ("i", made["token"]), ("c", made["token"])):
        assert shop.get(f"/{letter}/{token}").status_code == 404


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({"items": ["$ring"]}, "/kind"),
        ({"kind": "other", "items": ["$ring"]}, "/kind"),
        ({"kind": ["sale"], "items": ["$ring"]}, "/kind"),
        ({"kind": "sale"}, "/items"),
        ({"kind": "sale", "items": []}, "/items"),
        ({"kind": "sale", "items": "$ring"}, "/items"),
        ({"kind": "sale", "items": ["$ring"] * 51}, "/items"),
        ({"kind": "sale", "items": ["$ring", "$ring"]}, "/items"),
        ({"kind": "sale", "items": ["$ring", 7]}, "/items/1"),
        ({"kind": "sale", "items": [{"case": "x"}]}, "/items/0"),
        ({"kind": "sale", "items": [{"item": "$ring", "to": "x"}]}, "/items/0/to"),
        ({"kind": "sale", "items": [{"item": "$ring", "case": "urn:uuid:x"}]}, "/items/0/case"),
        ({"kind": "intake", "items": [{"item": "$ring", "case": 1}]}, "/items/0/case"),
        ({"kind": "sale", "items": ["$ring"], "price": "1"}, "/price"),
        ({"kind": "sale", "items": ["urn:uuid:ABC"]}, "/items/0"),
    ],
)
def test_a_wrong_body_is_refused_where_it_is_wrong(shop: Shop, jeweller: Party, body: Any, pointer: str) -> None:
    ring = sold_ring(shop, jeweller).item

    def filled(value: Any) -> Any:
        if isinstance(value, list):
            return [filled(one) for one in value]
        if isinstance(value, dict):
            return {name: filled(one) for name, one in value.items()}
        return ring if value == "$ring" else value

    codes = len(shop.ledger.codes.of(ring))
    answer = shop.post("/v1/receipts", filled(body), jeweller)
    assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, pointer), answer.text
    assert len(shop.ledger.codes.of(ring)) == codes


def test_a_party_makes_receipts_of_what_it_may_write_about(shop: Shop, jeweller: Party) -> None:
    ring, rival = sold_ring(shop, jeweller).item, shop.parties["rival"]
    body = {"kind": "sale", "items": [ring]}
    for items in ([ring], [uuid("never registered")], [jeweller.id]):
        answer = shop.post("/v1/receipts", {"kind": "sale", "items": items}, rival)
        assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (403, "/items/0"), answer.text
    assert shop.post("/v1/receipts", body).status_code == 401
    shown = receipt(shop, rival, ring, **{"Patina-Code": shop.code(jeweller, ring)})
    assert shop.get(path_of(shown)).status_code == 200
    assert receipt(shop, shop.operator, ring)["items"][0]["item"] == ring


def test_a_level_that_falls_while_the_page_is_made_is_not_shown(
    shop: Shop, jeweller: Party, monkeypatch: pytest.MonkeyPatch
) -> None:
    paper = draw_paper(shop, jeweller, new_ring(shop, jeweller))
    sell(shop, jeweller, paper)
    made = receipt(shop, jeweller, paper.item)
    history, fallen = Reader.history, list[bool]()

    def falls(self: Reader, *args: Any, **kwargs: Any) -> Any:
        found = history(self, *args, **kwargs)
        if not fallen:
            fallen.append(True)
            shop.ledger.codes.revoke(code_of(shop, made["items"][0]["token"]))
        return found

    monkeypatch.setattr(Reader, "history", falls)
    assert shop.get(path_of(made), accept=JSON).json()["items"] == [{"name": None, "page": None, "opened": False}]


def test_a_receipt_may_be_the_first_code_of_a_ledger(tmp_path: Path) -> None:
    """The key of the short codes is made for the first of them, in a transaction of its own."""
    with open_shop(tmp_path) as shop:
        seller = shop.party("seller", "retailer")
        shop.say(seller, "item.registered", RING, {"name": "Ring", "category": "jewellery"})
        assert receipt(shop, seller, RING)["items"][0]["item"] == RING
