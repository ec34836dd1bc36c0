"""Forged, replayed and misplaced statements in a holder's name: each is refused clearly and changes nothing."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from ledger import holderkey
from ledger.dsse import SigningKey
from tests.build import key
from tests.holding import (
    Paper,
    claim,
    draw_paper,
    new_ring,
    refused,
    sell,
    shop_on,
    shown,
    sold_ring,
    speak,
    spoken,
)
from tests.shop import RING, Party, Shop, signed

JSON = "application/json"
OPENED = {"kind": "repair", "channel": "store", "issue": "quality"}


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def shop(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    with shop_on(request, tmp_path_factory.mktemp("shop")) as opened:
        yield opened


@pytest.fixture
def jeweller(shop: Shop) -> Party:
    return shop.parties["jeweller"]


@pytest.fixture
def paper(shop: Shop, jeweller: Party) -> Paper:
    return sold_ring(shop, jeweller)


def test_forged_and_replayed_statements_are_refused(shop: Shop, jeweller: Party, paper: Paper) -> None:
    device, other = claim(shop, paper), sold_ring(shop, jeweller)
    path, size = f"/i/{paper.token}/statements", shop.size()
    good = spoken(shop, paper, "item.reported_lost", device)
    altered = json.loads(json.dumps(good))
    altered["statement"]["occurred_at"] = "2026-05-04T08:00:00.000Z"
    assert refused(shop, shop.post(path, altered), size, 422)["errors"][0]["pointer"] == "/signatures/0"
    forged = spoken(shop, paper, "item.reported_lost", device)
    forged["signatures"] = signed(forged["statement"], key("forger"))["signatures"]
    refused(shop, shop.post(path, forged), size, 403, "holder's key")
    elsewhere = spoken(shop, paper, "item.reported_lost", device)
    refused(shop, shop.post(f"/i/{other.token}/statements", elsewhere), size, 403, "another item")
    strange = spoken(shop, paper, "item.reported_lost", device, ledger="ab" * 32)
    assert refused(shop, shop.post(path, strange), size, 422)["errors"][0]["pointer"] == "/statement/ledger"
    early = spoken(shop, paper, "item.reported_lost", device, occurred_at="2036-05-04T08:00:00Z")
    refused(shop, shop.post(path, early), size, 422)
    assert shop.post(path, good).status_code == 201
    size = shop.size()
    again = shop.post(path, good)
    assert (again.status_code, shop.size()) == (200, size), "the same bytes again change nothing"
    reused = spoken(shop, paper, "item.recovered", device, id=good["statement"]["id"])
    refused(shop, shop.post(path, reused), size, 409, "this id was used")


def test_who_has_no_code_of_the_item_is_told_nothing(shop: Shop, jeweller: Party, paper: Paper) -> None:
    body = spoken(shop, paper, "item.reported_lost", paper.key)
    waiting = draw_paper(shop, jeweller, new_ring(shop, jeweller))
    size, details = shop.size(), set()
    for token in ("A" * 22, "x", "%00", waiting.token):
        for content in (body, {}, [1]):
            problem = refused(shop, shop.post(f"/i/{token}/statements", content), size, 404)
            details.add(problem["detail"])
    assert details == {"got a code that leads to no record"}


@pytest.mark.parametrize(
    ("change", "status", "pointer"),
    [
        (lambda body: body.pop("signatures"), 422, "/signatures"),
        (lambda body: body.pop("statement"), 422, "/statement"),
        (lambda body: body.update(private={"a": "b"}), 422, "/private"),
        (lambda body: body.update(signatures=[]), 422, "/signatures"),
        (lambda body: body["statement"].pop("grant"), 422, "/statement/party"),
        (lambda body: body["statement"].update(details={"x": 1}), 422, "/statement/details/x"),
        (lambda body: body["statement"].update(type="item.sold"), 422, "/statement/details/channel"),
        (lambda body: body["statement"].update(subjects=[RING]), 422, "/statement/subjects"),
    ],
)
def test_a_body_out_of_form_is_refused(shop: Shop, paper: Paper, change: Any, status: int, pointer: str) -> None:
    body = spoken(shop, paper, "item.reported_lost", paper.key)
    change(body)
    size = shop.size()
    problem = refused(shop, shop.post(f"/i/{paper.token}/statements", body), size, status)
    assert problem["errors"][0]["pointer"].startswith(pointer), problem


def test_a_party_does_not_speak_where_holders_do_nor_a_holder_as_a_party(
    shop: Shop, jeweller: Party, paper: Paper
) -> None:
    size = shop.size()
    statement = shop.statement(jeweller, "maintenance.performed", paper.item, {"work": ["x"]})
    answer = shop.post(f"/i/{paper.token}/statements", signed(statement, paper.key))
    refused(shop, answer, size, 403, "a party speaks with its API key")
    sold = spoken(shop, paper, "item.sold", paper.key, {"channel": "store"})
    refused(shop, shop.post(f"/i/{paper.token}/statements", sold), size, 403, "got item.sold from a holder")
    assert (
        shop.client.post(f"/i/{paper.token}/statements", content=b"{", headers={"Content-Type": JSON}).status_code
        == 400
    )
    assert (
        shop.client.post(
            f"/i/{paper.token}/statements", content=b"{}", headers={"Content-Type": "text/plain"}
        ).status_code
        == 415
    )


def test_a_released_item_is_not_claimed_and_the_answer_is_clear(shop: Shop, jeweller: Party, paper: Paper) -> None:
    body = spoken(shop, paper, "item.claimed", paper.key, also=key("late " + paper.item))
    shop.say(jeweller, "return.completed", paper.item, {"reason": "fit", "condition": "new"})
    size = shop.size()
    refused(shop, shop.post(f"/i/{paper.token}/statements", body), size, 403, "public level")
    code = shop.code(jeweller, paper.item)
    problem = refused(shop, shop.post(f"/i/{code}/statements", body), size, 409, "returned or exchanged")
    assert problem["may_follow"] == ["case.evaluated", "statement.disputed"]


def test_a_secret_of_one_item_is_no_key_of_another(shop: Shop, jeweller: Party, paper: Paper) -> None:
    other = sold_ring(shop, jeweller)
    wrong: SigningKey = holderkey.holder_key(paper.secret, other.item)
    size = shop.size()
    grant = shown(shop, other)["holder"]["grant"]
    refused(shop, speak(shop, other, "item.reported_lost", wrong, grant=grant), size, 403)


def test_an_item_sold_again_after_its_return_knows_its_new_holder_only(
    shop: Shop, jeweller: Party, paper: Paper
) -> None:
    device = claim(shop, paper)
    grant = shown(shop, paper)["holder"]["grant"]
    shop.say(jeweller, "return.completed", paper.item, {"reason": "fit", "condition": "new"})
    second = draw_paper(shop, jeweller, paper.item)
    sell(shop, jeweller, second)
    size = shop.size()
    for token in (paper.token, second.token):
        late = speak(shop, paper, "item.reported_lost", device, grant=grant, token=token)
        refused(shop, late, size, 403)
    assert speak(shop, second, "item.reported_lost", second.key).status_code == 201
