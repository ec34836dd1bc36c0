"""`GET /v1/log/health` and `GET /v1/erasures`: what auditors and operators are told, and who sees what of it."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from api.jobs import rehash
from ledger import note
from ledger.checkpoint import parse_checkpoint_text
from ledger.cosignature import cosign
from ledger.note import COSIGNATURE, Signer, make_vkey
from tests.build import uuid
from tests.private_shop import sold
from tests.shop import RING, Shop, open_shop


@pytest.fixture
def shop(database_url: str, tmp_path: Path) -> Iterator[Shop]:
    with open_shop(tmp_path, database_url) as opened:
        yield opened


def test_it_says_what_the_checkpoint_says(shop: Shop) -> None:
    seller = shop.party("seller", "retailer")
    shop.say(seller, "item.registered", RING, {"name": "Ring", "category": "jewellery"})
    told = shop.get("/v1/log/health", seller).json()
    checkpoint = parse_checkpoint_text(note.parse_note(shop.get("/checkpoint").text).text)
    assert (told["size"], told["root"]) == (checkpoint.size, checkpoint.root.hex())
    assert told["origin"] == checkpoint.origin
    assert told["recorded_at"] <= told["now"]
    assert told["refusal"] is None
    assert told["witnesses"] == []


def test_the_disk_is_told_to_the_operator_alone(shop: Shop) -> None:
    seller = shop.party("seller", "retailer")
    assert "disk" not in shop.get("/v1/log/health", seller).json()
    disk = shop.get("/v1/log/health", shop.operator).json()["disk"]
    assert 0 < disk["free"] < disk["total"]


def test_it_says_how_the_last_walk_of_the_service_ended(shop: Shop) -> None:
    seller = shop.party("seller", "retailer")
    site = shop.app.state.site
    site.rehashing.running = site.rehashing.ended = None
    assert asyncio.run(rehash(site)) is None
    told = shop.get("/v1/log/health", seller).json()
    assert told["rehash"]["running"] is None
    last = told["rehash"]["last"]
    assert (last["size"], last["wrong"]) == (told["size"], None)
    assert last["at"] <= told["now"]


def test_other_signatures_are_named_with_their_time(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    seller = shop.party("seller", "retailer")
    read = note.parse_note(shop.get("/checkpoint").text)
    witness = Signer(make_vkey("witness.example", bytes(31) + b"\x01", COSIGNATURE), lambda _message: bytes(64))
    plain = note.NoteSignature("other.example", b"\0\0\0\1", bytes(64))
    more = note.Note(read.text, (*read.signatures, cosign(read.text, witness, 1_800_000_000), plain))
    signed = replace(shop.ledger.reader.head(), note=note.format_note(more))
    monkeypatch.setattr(shop.ledger.reader, "head", lambda: signed)
    told = shop.get("/v1/log/health", seller).json()["witnesses"]
    # 1,800,000,000 seconds after 1970 are 2027-01-15T08:00:00Z (date -u -d @1800000000).
    assert [one["name"] for one in told] == ["witness.example", "other.example"]
    assert told[0]["at"].startswith("2027-01-15T08:00:00")
    assert told[1]["at"] is None


def test_a_party_lists_its_own_erasures_and_the_operator_all(shop: Shop) -> None:
    seller, other = shop.party("seller", "retailer"), shop.party("other", "retailer")
    asked = []
    for party, thing in ((seller, RING), (other, uuid("watch"))):
        sale = sold(shop, party, thing)
        answer = shop.post("/v1/erasures", {"statements": [sale["statement"]["id"]]}, party)
        assert answer.status_code == 201, answer.text
        asked.append(answer.json()["id"])
    mine = shop.get("/v1/erasures", seller).json()["erasures"]
    assert [(one["id"], one["asked_by"]) for one in mine] == [(asked[0], seller.id)]
    assert {one["id"] for one in shop.get("/v1/erasures", shop.operator).json()["erasures"]} == set(asked)
