"""Codes over HTTP: made, listed, revoked; owner codes and pools; no moment at which an old code opens a new story."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Iterator
from typing import Any

import pytest
import zxingcpp
from PIL import Image

from ledger import holderkey
from ledger.db.read import Reader
from tests.build import key, uuid
from tests.holding import claim, draw_paper, new_ring, sell, shop_on, sold_ring, speak
from tests.shop import PUBLIC_URL, Party, Shop, segment

JSON = "application/json"


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def shop(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    with shop_on(request, tmp_path_factory.mktemp("shop")) as opened:
        yield opened


@pytest.fixture
def jeweller(shop: Shop) -> Party:
    return shop.parties["jeweller"]


def codes_of(shop: Shop, who: Party, item: str) -> list[dict[str, Any]]:
    answer = shop.get(f"/v1/items/{segment(item)}/codes", who)
    assert answer.status_code == 200, answer.text
    return list(answer.json()["codes"])


def shown(shop: Shop, token: str) -> Any:
    return shop.get(f"/i/{token}", accept=JSON)


def test_codes_are_listed_without_their_tokens_and_revoked(shop: Shop, jeweller: Party) -> None:
    item = new_ring(shop, jeweller)
    tokens = {
        kind: shop.post(f"/v1/items/{segment(item)}/codes", {"kind": kind}, jeweller).json()["token"]
        for kind in ("view", "gift", "card", "tag")
    }
    listed = codes_of(shop, jeweller, item)
    assert sorted(code["kind"] for code in listed) == ["card", "gift", "tag", "view", "view"]
    assert {code["level"] for code in listed} == {"view"}
    assert not any(token in str(listed) for token in tokens.values())
    gift = next(code["code_id"] for code in listed if code["kind"] == "gift")
    path = f"/v1/items/{segment(item)}/codes/{gift}"
    for who, status in ((shop.parties["rival"], 404), (None, 401)):
        assert shop.client.delete(path, headers=who.headers if who else {}).status_code == status
    assert shown(shop, tokens["gift"]).status_code == 200
    assert shop.client.delete(path, headers=jeweller.headers).status_code == 204
    assert shown(shop, tokens["gift"]).json()["detail"] == shown(shop, "A" * 22).json()["detail"]
    assert shown(shop, tokens["tag"]).status_code == 200
    revoked = next(code for code in codes_of(shop, jeweller, item) if code["code_id"] == gift)
    assert revoked["revoked_at"] is not None
    other = f"/v1/items/{segment(new_ring(shop, jeweller))}/codes/{listed[0]['code_id']}"
    assert shop.client.delete(other, headers=jeweller.headers).status_code == 404
    assert codes_of(shop, shop.parties["rival"], item) == []


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({"kind": "secret"}, "/kind"),
        ({"kind": 1}, "/kind"),
        ({"kind": "view", "level": "holder"}, "/level"),
        ({"kind": "case"}, "/case"),
        ({"kind": "case", "case": 7}, "/case"),
        ({"kind": "view", "case": uuid("case")}, "/case"),
    ],
)
def test_a_code_out_of_form_is_refused(shop: Shop, jeweller: Party, body: dict[str, Any], pointer: str) -> None:
    item = new_ring(shop, jeweller)
    answer = shop.post(f"/v1/items/{segment(item)}/codes", body, jeweller)
    assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, pointer)
    assert len(codes_of(shop, jeweller, item)) == 1


def test_a_code_for_a_case_that_is_none_is_refused_saying_what_may_follow(shop: Shop, jeweller: Party) -> None:
    item = new_ring(shop, jeweller)
    answer = shop.post(f"/v1/items/{segment(item)}/codes", {"kind": "case", "case": uuid("no case")}, jeweller)
    assert (answer.status_code, answer.json()["may_follow"]) == (409, ["case.opened"])


def test_an_owner_code_is_two_spellings_of_one_secret_and_comes_into_use_with_the_sale(
    shop: Shop, jeweller: Party
) -> None:
    item = new_ring(shop, jeweller)
    made = shop.post(f"/v1/items/{segment(item)}/codes", {"kind": "owner"}, jeweller)
    owner = made.json()["owner"]
    secret = holderkey.parse_code(owner["code"])
    assert (len(owner["code"]), len(owner["typed"])) == (22, 26)
    assert holderkey.parse_typed(owner["typed"]) == secret
    assert owner["url"] == f"{PUBLIC_URL}/o#{owner['code']}"
    assert owner["holder_key"] == holderkey.holder_key(secret, item).did
    assert made.json()["token"] == holderkey.view_token(secret)
    assert made.headers["cache-control"] == "no-store"
    token = made.json()["token"]
    unknown = shown(shop, "A" * 22)
    before = shown(shop, token)
    assert (before.status_code, before.json()["detail"]) == (404, "this code is not in use yet")
    assert set(before.json()) == set(unknown.json())
    page = shop.get(f"/i/{token}")
    assert page.status_code == 404
    assert "not in use yet" in page.text.lower()
    assert not any(word in page.text for word in (item, "Ring", "jeweller", segment(item)))
    assert shop.get(f"/i/{token}/history").status_code == 404
    picture = Image.open(io.BytesIO(shop.get(f"/i/{token}/qr.png").content))
    assert zxingcpp.read_barcodes(picture)[0].text == f"{PUBLIC_URL}/i/{token}", (
        "cards are printed before they are used"
    )
    details = {"channel": "store", "holder_key": owner["holder_key"], "holder_custody": "receipt"}
    shop.say(jeweller, "item.sold", item, details)
    assert shown(shop, token).json()["id"] == item
    assert shop.get(f"/i/{token}/history").status_code == 200


def test_a_drawn_key_is_refused_for_another_item_another_custody_and_once_its_card_is_revoked(
    shop: Shop, jeweller: Party
) -> None:
    item, other = new_ring(shop, jeweller), new_ring(shop, jeweller)
    made = shop.post(f"/v1/items/{segment(item)}/codes", {"kind": "owner"}, jeweller).json()
    named = {"channel": "store", "holder_key": made["owner"]["holder_key"], "holder_custody": "receipt"}
    size = shop.size()
    for subject, details, pointer in (
        (other, named, "/statement/details/holder_key"),
        (item, named | {"holder_custody": "sealed"}, "/statement/details/holder_custody"),
    ):
        body = {"statement": shop.statement(jeweller, "item.sold", subject, details)}
        answer = shop.post("/v1/statements", body, jeweller)
        assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, pointer)
        batch = shop.post("/v1/statements/batch", [body], jeweller).json()
        assert batch[0]["errors"][0]["pointer"] == "/0" + pointer
    revoke = f"/v1/items/{segment(item)}/codes/{made['code_id']}"
    assert shop.client.delete(revoke, headers=jeweller.headers).status_code == 204
    body = {"statement": shop.statement(jeweller, "item.sold", item, named)}
    assert "revoked" in shop.post("/v1/statements", body, jeweller).json()["detail"]
    assert shop.size() == size


def test_cards_drawn_in_advance_name_new_items_and_are_bound_offline(shop: Shop, jeweller: Party) -> None:
    made = shop.post("/v1/codes", {"count": 3}, jeweller)
    assert made.status_code == 201
    cards = made.json()["cards"]
    assert len({card["token"] for card in cards} | {card["owner"]["code"] for card in cards}) == 6
    waiting = shop.get("/v1/codes", jeweller).json()["cards"]
    assert {card["code_id"] for card in cards} <= {one["code_id"] for one in waiting}
    assert not {card["code_id"] for card in cards} & {
        one["code_id"] for one in shop.get("/v1/codes", shop.parties["rival"]).json()["cards"]
    }
    item, did = cards[0]["owner"]["keys"][0]["item"], cards[0]["owner"]["holder_key"]
    # What a till wrote while it was offline comes in one atomic batch.
    about = {"name": "Ring", "category": "jewellery"}
    sold = {"channel": "store", "holder_key": did, "holder_custody": "receipt"}
    batch = [
        {"statement": shop.statement(jeweller, "item.registered", item, about)},
        {"statement": shop.statement(jeweller, "item.sold", item, sold)},
    ]
    assert shop.post("/v1/statements/batch?atomic=true", batch, jeweller).status_code == 200
    assert shown(shop, cards[0]["token"]).json()["name"] == "Ring"
    assert shown(shop, cards[1]["token"]).json()["detail"] == "this code is not in use yet"
    revoke = f"/v1/codes/{cards[1]['code_id']}"
    assert shop.client.delete(revoke, headers=shop.parties["rival"].headers).status_code == 404
    assert shop.client.delete(revoke, headers=jeweller.headers).status_code == 204
    assert shop.client.delete(revoke, headers=jeweller.headers).status_code == 404
    assert shop.client.delete(f"/v1/codes/{cards[0]['code_id']}", headers=jeweller.headers).status_code == 404
    assert shown(shop, cards[1]["token"]).json()["detail"] == "got a code that leads to no record"


def test_a_card_for_any_of_several_items_belongs_to_the_first_that_is_sold_with_it(shop: Shop, jeweller: Party) -> None:
    ring, watch = new_ring(shop, jeweller), new_ring(shop, jeweller)
    cards = shop.post("/v1/codes", {"count": 2, "items": [ring, watch]}, jeweller).json()["cards"]
    keys = {one["item"]: one["holder_key"] for one in cards[0]["owner"]["keys"]}
    assert "holder_key" not in cards[0]["owner"]
    scanned = shop.get("/v1/codes", jeweller, Patina_Code=cards[0]["token"]).json()["cards"]
    assert [(one["code_id"], one["keys"], one["holder_custody"]) for one in scanned] == [
        (cards[0]["code_id"], sorted(cards[0]["owner"]["keys"], key=lambda one: one["item"]), "receipt")
    ]
    # Laid in for a day without a network, a till knows a card by the digest of what it scans.
    laid = {one["code_id"]: one for one in shop.get("/v1/codes?keys=true", jeweller).json()["cards"]}
    known = laid[cards[0]["code_id"]]
    assert known["token_sha256"] == hashlib.sha256(cards[0]["token"].encode()).hexdigest()
    assert (known["keys"], known["holder_custody"]) == (scanned[0]["keys"], "receipt")
    assert all(card["token"] not in str(laid) and card["owner"]["code"] not in str(laid) for card in cards)
    assert "keys" not in shop.get("/v1/codes", jeweller).json()["cards"][0]
    assert cards[0]["code_id"] not in shop.get("/v1/codes?keys=true", shop.parties["rival"]).text
    assert shop.get("/v1/codes?keys=maybe", jeweller).status_code == 422
    for who, token in ((shop.parties["rival"], cards[0]["token"]), (jeweller, "A" * 22)):
        assert shop.get("/v1/codes", who, Patina_Code=token).json() == {"cards": []}
    shop.say(jeweller, "item.sold", watch, {"channel": "store", "holder_key": keys[watch], "holder_custody": "receipt"})
    assert shown(shop, cards[0]["token"]).json()["id"] == watch
    assert shown(shop, cards[1]["token"]).status_code == 404
    one_each = shop.post("/v1/codes", {"items": [ring, watch]}, jeweller).json()["cards"]
    assert [card["owner"]["keys"][0]["item"] for card in one_each] == [ring, watch]


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({}, ""),
        ({"count": 0}, "/count"),
        ({"count": True}, "/count"),
        ({"count": 1001}, "/count"),
        ({"count": "3"}, "/count"),
        ({"items": []}, "/items"),
        ({"items": "x"}, "/items"),
        ({"items": ["x"]}, "/items/0"),
        ({"items": [uuid("a"), uuid("a")]}, "/items"),
        ({"items": [uuid("a") + "#authority"]}, "/items/0"),
        ({"count": 1000, "items": [uuid("a"), uuid("b"), uuid("c")]}, "/count"),
        ({"count": 1, "secret": "x"}, "/secret"),
    ],
)
def test_a_pool_out_of_form_is_refused(shop: Shop, jeweller: Party, body: dict[str, Any], pointer: str) -> None:
    before = len(shop.get("/v1/codes", jeweller).json()["cards"])
    answer = shop.post("/v1/codes", body, jeweller)
    assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, pointer), answer.text
    assert len(shop.get("/v1/codes", jeweller).json()["cards"]) == before


def test_nobody_draws_cards_for_other_peoples_items(shop: Shop, jeweller: Party) -> None:
    item = new_ring(shop, jeweller)
    answer = shop.post("/v1/codes", {"items": [item]}, shop.parties["rival"])
    assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (403, "/items/0")
    token = shop.code(jeweller, item)
    presented = {"Patina-Code": token}
    assert shop.post("/v1/codes", {"items": [item]}, shop.parties["rival"], **presented).status_code == 201


def test_a_code_that_fell_shows_what_anybody_may_see_and_gives_no_standing(shop: Shop, jeweller: Party) -> None:
    paper = sold_ring(shop, jeweller)
    device = claim(shop, paper)
    assert shown(shop, paper.token).json()["holder"]["custody"] == "device"
    answer = speak(shop, paper, "item.transferred", device, also=key("new " + paper.item))
    assert answer.status_code == 201, answer.text
    old = shown(shop, paper.token)
    assert old.status_code == 200
    assert not {"holder", "records", "history", "cases", "vkeys"} & set(old.json())
    page = shop.get(f"/i/{paper.token}")
    assert "no longer opens the history" in page.text
    assert "Transferred" not in page.text
    assert shop.get(f"/i/{paper.token}/history").status_code == 403
    assert shop.get(f"/i/{paper.token}/qr.svg").status_code == 200
    work = {"statement": shop.statement(shop.parties["rival"], "maintenance.performed", paper.item, {"work": ["x"]})}
    for status, token in ((403, paper.token), (403, draw_paper(shop, jeweller, paper.item).token)):
        refused = shop.post("/v1/statements", work, shop.parties["rival"], **{"Patina-Code": token})
        assert refused.status_code == status
    fresh = answer.json()["code"]["token"]
    assert len(shown(shop, fresh).json()["records"]) == 4
    assert shop.post("/v1/statements", work, shop.parties["rival"], **{"Patina-Code": fresh}).status_code == 201


@pytest.mark.parametrize("what", ["", "/history"])
def test_a_transfer_in_the_middle_of_a_request_closes_it(
    shop: Shop, jeweller: Party, what: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The worst moment: the code was read and still opened the item, and then the transfer commits."""
    paper = sold_ring(shop, jeweller)
    new = key("new " + paper.item)
    passed: list[Any] = []
    read = Reader.history

    def late(self: Reader, subject: str, **more: Any) -> Any:
        if subject == paper.item and not passed:
            passed.append(None)
            draft = transfer_draft(shop, paper, new)
            passed[0] = shop.ledger.writer.append([[draft]])
        return read(self, subject, **more)

    monkeypatch.setattr(Reader, "history", late)
    answer = shop.get(f"/i/{paper.token}{what}", accept=JSON)
    assert passed
    assert b"item.transferred" not in answer.content
    assert "holder" not in answer.json()
    assert answer.status_code == (403 if what else 200)


def transfer_draft(shop: Shop, paper: Any, new: Any) -> Any:
    """The verified draft of a transfer, as another process would append it."""
    from api.cli.folder import draft  # noqa: PLC0415

    grant = shop.ledger.reader.state(paper.item).held.holding.present.entry  # type: ignore[union-attr]
    details = {"holder_key": new.did, "holder_custody": "device"}
    statement = shop.statement(Party(paper.item, ""), "item.transferred", paper.item, details, grant=grant)
    return draft(statement, [paper.key, new])


def test_a_gift_code_shows_neither_buyer_nor_price(shop: Shop, jeweller: Party) -> None:
    """Both are private members, which go into no entry in clear and, by a gift code, into no bundle."""
    item = new_ring(shop, jeweller)
    paper = draw_paper(shop, jeweller, item)
    sell(shop, jeweller, paper)
    gift = shop.post(f"/v1/items/{segment(item)}/codes", {"kind": "gift"}, jeweller).json()["token"]
    assert shown(shop, gift).status_code == 200
    bundle = shop.get(f"/i/{gift}/history").json()
    assert bundle["disclosures"] == {}
    for text in (str(bundle), shop.get(f"/i/{gift}").text, shown(shop, gift).text):
        assert not any(name in text for name in ("price", "customer", "order_no", "receipt_no"))


def test_codes_survive_being_sold_twice_by_different_papers(shop: Shop, jeweller: Party) -> None:
    """Returned and sold again: the first paper's codes stay fallen, also when it is shown again."""
    paper = sold_ring(shop, jeweller)
    shop.say(jeweller, "return.completed", paper.item, {"reason": "fit", "condition": "new"})
    assert "holder" not in shown(shop, paper.token).json()
    second = draw_paper(shop, jeweller, paper.item)
    sell(shop, jeweller, second)
    assert "holder" not in shown(shop, paper.token).json()
    assert shown(shop, second.token).json()["holder"]["key"] == second.key.did
