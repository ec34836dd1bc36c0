"""The access log over HTTP: the operator sees all of it, a party its own part."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from ledger.db import readings as access_log
from tests.build import uuid
from tests.shop import RING, Party, Shop, open_shop


@pytest.fixture
def shop(database_url: str, tmp_path: Path) -> Iterator[Shop]:
    with open_shop(tmp_path, database_url) as opened:
        yield opened


def look(shop: Shop, who: Party, subject: str = RING, owner: Party | None = None) -> None:
    shop.clock.now += 1000
    shop.ledger.readings.note(
        party=who.id,
        key=who.key[-4:],
        why="test",
        members=["price"],
        subject=subject,
        owner=owner.id if owner else None,
    )


def test_a_party_sees_what_it_read_and_who_read_what_it_said(shop: Shop) -> None:
    mine, rival, third = (shop.party(name, "retailer", scopes=("read",)) for name in ("mine", "rival", "third"))
    look(shop, mine)
    look(shop, rival, owner=mine)
    look(shop, rival)
    seen = {
        name: [one["party"] for one in shop.get("/v1/readings", who).json()["readings"]]
        for name, who in {"mine": mine, "rival": rival, "third": third, "operator": shop.operator}.items()
    }
    assert seen == {
        "mine": [rival.id, mine.id],
        "rival": [rival.id, rival.id],
        "third": [],
        "operator": [rival.id, rival.id, mine.id],
    }
    shown = shop.get("/v1/readings", mine).json()["readings"][1]
    assert shown["reader"] == f"key {mine.key[-4:]}"
    assert shown["members"] == ["price"]


def test_a_signal_gives_the_address_of_its_readings(shop: Shop) -> None:
    mine, rival = shop.party("mine", "retailer"), shop.party("rival", "retailer")
    for number in range(access_log.FREE + 1):
        look(shop, mine, uuid(f"item {number}"))
    look(shop, rival)
    (one,) = shop.get("/v1/signals", mine).json()["signals"]
    assert (one["kind"], one["subjects"]) == ("many", access_log.FREE + 1)
    assert shop.get("/v1/signals", rival).json()["signals"] == []
    assert len(shop.get("/v1/signals", shop.operator).json()["signals"]) == 1
    found = shop.get(one["readings"].removeprefix("http://shop.example:8000"), mine).json()
    assert len(found["readings"]) == access_log.FREE + 1


def test_readings_come_in_pages(shop: Shop) -> None:
    mine = shop.party("mine", "retailer")
    for number in range(5):
        look(shop, mine, uuid(f"item {number}"))
    path, subjects = "/v1/readings?limit=2", []
    while path:
        answer = shop.get(path, mine)
        subjects += [one["subject"] for one in answer.json()["readings"]]
        path = answer.json().get("next", "").removeprefix("http://shop.example:8000")
        assert (f"<{answer.json().get('next')}>" in answer.headers.get("link", "")) == bool(path)
    assert subjects == [uuid(f"item {number}") for number in reversed(range(5))]
    assert len(shop.get(f"/v1/readings?subject={uuid('item 1')}", mine).json()["readings"]) == 1


@pytest.mark.parametrize("query", ["cursor=x", "since=now", "until=2026", "limit=0", "limit=x"])
def test_a_wrong_parameter_is_named(shop: Shop, query: str) -> None:
    answer = shop.get(f"/v1/readings?{query}", shop.operator)
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["parameter"] == query.partition("=")[0]
