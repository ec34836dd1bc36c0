"""Webhooks and notices over HTTP: made, changed, rotated, tried, sent again, disabled; the link that ends messages."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from api.notices.contact import format_link, parse_link
from tests.build import ring, uuid
from tests.shop import RING, Party, Shop, open_shop
from tests.telling import LOOPBACK, MAIL, Post, opened, tell

URL = "https://example.org/in"


@pytest.fixture
def shop(tmp_path: Path, database_url: str) -> Iterator[Shop]:
    with open_shop(tmp_path, database_url, mail=MAIL) as shop:
        yield shop


@pytest.fixture
def jeweller(shop: Shop) -> Party:
    party = shop.party("jeweller", "retailer", "repairer", scopes=("signing",))
    tell(shop)
    return party


def made(shop: Shop, party: Party, **more: Any) -> dict[str, Any]:
    answer = shop.post("/v1/webhooks", {"url": URL, "events": ["*"], **more}, party)
    assert answer.status_code == 201, answer.text
    return dict(answer.json())


def test_the_life_of_a_webhook(shop: Shop, jeweller: Party) -> None:
    first = made(shop, jeweller, label="till")
    assert first["secret"].startswith("whsec_")
    (listed,) = shop.get("/v1/webhooks", jeweller).json()["webhooks"]
    assert listed == {name: value for name, value in first.items() if name != "secret"}
    address = f"/v1/webhooks/{first['id']}"
    changed = shop.post(address, {"events": ["item.*"], "gateway": "without_email"}, jeweller).json()
    assert (changed["events"], changed["gateway"], changed["label"]) == (["item.*"], "without_email", "till")
    rotated = shop.post(f"{address}/rotation", {}, jeweller)
    assert rotated.status_code == 201
    assert rotated.json()["secret"] not in {first["secret"], None}
    post = Post()
    tried = shop.post(f"{address}/test", {}, jeweller)
    assert tried.status_code == 202
    tell(shop, post)
    (_, said, headers, _) = post.calls[0]
    assert (said["type"], said["data"]) == ("webhook.test", {"webhook": first["id"]})
    assert headers["webhook-signature"].count("v1,") == 2
    (notice,) = shop.get(f"/v1/notices?webhook={first['id']}", jeweller).json()["notices"]
    assert (notice["id"], notice["state"], notice["tries"]) == (tried.json()["notice"], "sent", 1)
    gone = shop.client.delete(address, headers=jeweller.headers)
    assert gone.json()["disabled_at"] is not None
    for way in ("rotation", "test", "replay"):
        assert shop.post(f"{address}/{way}", {}, jeweller).status_code == 409


def test_what_was_given_up_is_listed_and_sent_again(shop: Shop, jeweller: Party) -> None:
    one = made(shop, jeweller, events=["item.registered"])
    for number in range(3):
        shop.say(jeweller, "item.registered", ring(number), {"name": "Ring", "category": "jewellery"})
    tell(shop, Post(answers=[500] * 3))
    assert {each.state for each in shop.ledger.outbox.list(None)[0]} == {"waiting"}
    with shop.ledger.outbox._rows.writing() as connection:
        connection.exec_driver_sql("UPDATE notice SET tries = 9, due_at = made_at")
    tell(shop, Post(answers=[500] * 3))
    found = shop.get("/v1/notices?state=dead&limit=2", jeweller)
    assert len(found.json()["notices"]) == 2
    assert {each["failure"] for each in found.json()["notices"]} == {"HTTP 500"}
    following = found.json()["next"].removeprefix("http://shop.example:8000")
    assert len(shop.get(following, jeweller).json()["notices"]) == 1
    replay = f"/v1/webhooks/{one['id']}/replay"
    assert shop.post(replay, {"since": "2999-01-01"}, jeweller).json()["notices"] == 0
    assert shop.post(replay, {}, jeweller).json()["notices"] == 3
    post = Post()
    assert tell(shop, post) == 3
    assert shop.post(replay, {}, jeweller).json()["notices"] == 0
    assert shop.post(replay, {"sent": True}, jeweller).json()["notices"] == 3
    tell(shop, post)
    ids = [headers["webhook-id"] for _, _, headers, _ in post.calls]
    assert len(ids) == 6
    assert len(set(ids)) == 3


BAD: list[tuple[dict[str, Any], str]] = [
    ({"url": "http://example.org/in", "events": ["*"]}, "/url"),
    ({"url": "https://127.0.0.1/in", "events": ["*"]}, "/url"),
    ({"url": "https://[::ffff:169.254.169.254]/latest/meta-data", "events": ["*"]}, "/url"),
    ({"url": URL}, "/events"),
    ({"url": URL, "events": ["nothing"]}, "/events/0"),
    ({"url": URL, "events": ["*"] * 65}, "/events"),
    ({"url": URL, "events": "*"}, "/events"),
    ({"url": URL, "events": ["*"], "gateway": "yes"}, "/gateway"),
    ({"url": URL, "events": ["*"], "label": "a\nb"}, "/label"),
    ({"url": URL, "events": ["*"], "secret": "mine"}, "/secret"),
    ({"url": URL, "events": ["*"], "party": uuid("other")}, "/party"),
    ({"url": 1, "events": ["*"]}, "/url"),
    ({"events": ["*"]}, "/url"),
]


def test_rubbish_is_one_problem_and_makes_nothing(shop: Shop, jeweller: Party) -> None:
    for body, pointer in BAD:
        answer = shop.post("/v1/webhooks", body, jeweller)
        assert answer.status_code in {400, 422}, (body, answer.text)
        assert answer.headers["content-type"] == "application/problem+json"
        # A control character is refused by the reader of all bodies, which names it from the start.
        assert answer.json()["errors"][0]["pointer"] == pointer, (body, answer.text)
    assert shop.get("/v1/webhooks", jeweller).json() == {"webhooks": []}
    one = made(shop, jeweller)
    for way, more in (("", {"events": []}), ("/rotation", {"until": "x"}), ("/replay", {"since": 1})):
        assert shop.post(f"/v1/webhooks/{one['id']}{way}", more, jeweller).status_code in {400, 422}
    for query in ("state=x", "cursor=x", "limit=0", "limit=201", "webhook="):
        assert shop.get(f"/v1/notices?{query}", jeweller).status_code == 422, query
    assert shop.get(f"/v1/notices?case={'a' * 300}&statement=none", jeweller).json() == {"notices": []}


def test_webhooks_of_another_party_look_as_if_they_were_not_there(shop: Shop, jeweller: Party) -> None:
    other = shop.party("other", "retailer", scopes=("signing",))
    one = made(shop, jeweller)
    address = f"/v1/webhooks/{one['id']}"
    unknown = shop.post("/v1/webhooks/0123456789abcdef/test", {}, other).json()
    for way in ("", "/rotation", "/test", "/replay"):
        answer = shop.post(address + way, {}, other)
        assert (answer.status_code, answer.json()["detail"]) == (404, unknown["detail"])
    assert shop.client.delete(address, headers=other.headers).status_code == 404
    assert shop.get("/v1/webhooks", other).json() == {"webhooks": []}
    shop.post(f"{address}/test", {}, jeweller)
    assert shop.get("/v1/notices", other).json() == {"notices": []}
    assert len(shop.get("/v1/webhooks", shop.operator).json()["webhooks"]) == 1
    for_other = shop.post("/v1/webhooks", {"url": URL, "events": ["*"], "party": other.id}, shop.operator)
    assert for_other.json()["party"] == other.id
    nobody = shop.post("/v1/webhooks", {"url": URL, "events": ["*"], "party": uuid("nobody")}, shop.operator)
    assert nobody.status_code == 422


def test_a_customers_notices_are_listed_without_her_address(shop: Shop, jeweller: Party) -> None:
    opened(shop, jeweller)
    tell(shop)
    answer = shop.get("/v1/notices", jeweller)
    (one,) = answer.json()["notices"]
    assert (one["to"], one["status"], one["state"], one["subject"]) == ("customer", "opened", "sent", RING)
    assert "ada" not in answer.text.lower()
    assert "555" not in answer.text.replace(one["id"], "")


def test_an_operator_may_let_webhooks_go_to_a_network_of_its_own(tmp_path: Path) -> None:
    with open_shop(tmp_path, webhooks_to=LOOPBACK) as shop:
        jeweller = shop.party("jeweller", "retailer", scopes=("signing",))
        assert made(shop, jeweller, url="http://127.0.0.1:9/in")["url"] == "http://127.0.0.1:9/in"
        assert shop.post("/v1/webhooks", {"url": "http://10.0.0.1/", "events": ["*"]}, jeweller).status_code == 422


def test_the_link_that_ends_messages_asks_first_and_works_without_a_cookie(shop: Shop) -> None:
    outbox = shop.ledger.outbox
    hashes = (outbox.keyed("email", "ada@example.org"), outbox.keyed("phone", "+12025550100"))
    address = f"/n/{format_link(hashes, outbox)}"
    asked = shop.get(address, accept_language="zh-TW,zh;q=0.9")
    assert asked.status_code == 200
    assert "不再接收訊息？" in asked.text
    assert 'lang="zh-Hant"' in asked.text
    assert "form-action 'self'" in asked.headers["content-security-policy"]
    assert not outbox.is_closed_to(hashes)
    # As another site's page, or a mail program, would send it.
    done = shop.client.post(address, data={"List-Unsubscribe": "One-Click"}, headers={"Origin": "https://mail.example"})
    assert done.status_code == 200
    assert all(outbox.is_closed_to([one]) for one in hashes)
    assert shop.client.post(address).status_code == 200


def test_a_link_that_was_not_made_here_closes_nothing(shop: Shop) -> None:
    outbox = shop.ledger.outbox
    hashes = (outbox.keyed("email", "ada@example.org"),)
    link = format_link(hashes, outbox)
    assert parse_link(link, outbox) == hashes
    other = link[:-1] + ("A" if link[-1] != "A" else "B")
    for text in (other, link[1:], link + "A", "A" * 43, "A" * 64, "", "ä", link[:22]):
        assert parse_link(text, outbox) is None, text
    for text in (link[1:], "A" * 43, "x" * 5000):
        assert shop.client.post(f"/n/{text}").status_code == 404
        assert shop.get(f"/n/{text}", accept="application/json").json()["title"] == "Not found"
        assert shop.get(f"/n/{text}").status_code == 404
    assert not outbox.is_closed_to(hashes)
