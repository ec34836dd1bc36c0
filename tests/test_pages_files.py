"""Files on an item's page: shown with the record that lists them, and never left out when they are gone."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.files import jpeg, pdf
from tests.shop import RING, Party, Shop, open_shop


@pytest.fixture
def shop(database_url: str, tmp_path: Path) -> Iterator[Shop]:
    with open_shop(tmp_path, database_url) as opened:
        yield opened


def upload(shop: Shop, who: Party, raw: bytes, name: str) -> dict[str, Any]:
    answer = shop.client.post(f"/v1/attachments?name={name}", content=raw, headers=who.headers)
    assert answer.status_code == 201, answer.text
    attachment: dict[str, Any] = answer.json()["attachment"]
    return attachment


def page(shop: Shop, token: str) -> str:
    return str(shop.get(f"/i/{token}", accept="text/html").text)


def files(shop: Shop, token: str) -> list[dict[str, Any]]:
    records = shop.get(f"/i/{token}", accept="application/json").json()["records"]
    return [file for record in records for file in record.get("files", [])]


def stored(shop: Shop, who: Party, attachment: dict[str, Any]) -> Path:
    kept = shop.ledger.attachments.find(attachment["sha256"], [who.id])
    assert kept is not None
    place = kept.place.hex()
    return shop.ledger.directory / "blobs" / place[:2] / place[2:4] / place


def test_a_page_shows_files_and_what_became_of_them(shop: Shop) -> None:
    mine = shop.party("mine", "retailer")
    photo, paper = upload(shop, mine, jpeg(), "front.jpg"), upload(shop, mine, pdf(), "report.pdf")
    about = {"name": "Ring", "category": "jewellery"}
    said = shop.say(mine, "item.registered", RING, about, attachments=[photo, paper])
    token = shop.code(mine)
    address = f"/i/{token}/attachments/{photo['sha256']}"
    shown = page(shop, token)
    assert f'<a href="{address}"><img src="{address}/thumbnail" alt="" loading="lazy">front.jpg</a>' in shown
    assert f"{paper['sha256']}/thumbnail" not in shown
    assert "report.pdf" in shown
    assert shop.get(address).status_code == shop.get(f"{address}/thumbnail").status_code == 200
    assert [one["state"] for one in files(shop, token)] == ["whole", "whole"]
    assert files(shop, token)[0]["address"].endswith(address)

    stored(shop, mine, photo).write_bytes(b"another")
    stored(shop, mine, paper).unlink()
    assert shop.get(address).status_code == 410
    assert shop.ledger.attachments.check_some(10)
    shown = page(shop, token)
    assert "not the one that was recorded" in shown
    assert "This file is not kept here." in shown
    assert "front.jpg" in shown
    assert address not in shown
    assert [one["state"] for one in files(shop, token)] == ["altered", "missing"]

    shop.ledger.attachments.erase([said["id"]])
    shown = page(shop, token)
    assert shown.count("Removed on request.") == 2
    assert shop.get(address).status_code == 404
    assert [one["state"] for one in files(shop, token)] == ["erased", "erased"]


def test_the_public_page_has_no_files(shop: Shop) -> None:
    mine = shop.party("mine", "retailer")
    photo = upload(shop, mine, jpeg(), "front.jpg")
    shop.say(mine, "item.registered", RING, {"name": "Ring", "category": "jewellery"}, attachments=[photo])
    for accept in ("text/html", "application/json"):
        answer = shop.get(RING.removeprefix("https://id.gs1.org"), accept=accept)
        assert answer.status_code == 200
        assert "front.jpg" not in answer.text
        assert photo["sha256"] not in answer.text
