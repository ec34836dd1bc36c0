"""Erasures step by step: what waits for what, who goes on with it, and what is found of it afterwards."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from api import jobs
from ledger import times
from ledger.db import erase
from ledger.db.epochs import GRACE
from ledger.db.views import uuid_bytes
from ledger.note import parse_vkey
from tests import scanner
from tests.build import uuid
from tests.private_shop import NEEDLES, PERSON, SOLD, erased, rows, shown, sold
from tests.shop import RING, Party, Shop, open_shop, segment
from verifier.audit import Options, audit
from verifier.folder import open_folder


@pytest.fixture
def shop(tmp_path: Path, database_url: str) -> Iterator[Shop]:
    with open_shop(tmp_path, database_url) as shop:
        shop.party("jeweller", "retailer", "repairer")
        shop.party("rival", "retailer", "repairer")
        yield shop


@pytest.fixture
def jeweller(shop: Shop) -> Party:
    return shop.parties["jeweller"]


def test_two_erasures_of_one_thing_say_it_once(shop: Shop, jeweller: Party) -> None:
    sale = sold(shop, jeweller, private={"price": "5.00"})
    waiting = erased(shop, jeweller, statements=[sale["statement"]["id"]])
    assert waiting["state"] == "waiting"
    ordered = erased(shop, shop.operator, statements=[sale["statement"]["id"]], why="authority")
    assert ordered["state"] == "done"
    shop.clock.now = times.parse_recorded("2036-06-01T00:00:00.000Z")
    shop.ledger.writer.accept_clock = True
    size = shop.size()
    assert erase.work(shop.ledger, shop.clock(), grace=0)
    assert shop.get(f"/v1/erasures/{waiting['id']}", jeweller).json()["state"] == "done"
    assert shop.size() == size


def test_other_processes_get_their_grace_before_the_old_epoch_ends(shop: Shop, jeweller: Party) -> None:
    sale = sold(shop, jeweller)
    answer = shop.post("/v1/erasures", {"statements": [sale["statement"]["id"]], "classes": ["contact"]}, jeweller)
    found = answer.json()
    assert found["state"] == "erasing"
    assert [part["state"] for part in found["parts"]] == ["destroyed"]
    assert len(rows(shop, "SELECT * FROM epoch")) == 2
    shop.clock.now += GRACE - 1
    assert not erase.work(shop.ledger, shop.clock(), grace=GRACE)
    late = sold(shop, jeweller, uuid("late"))
    shop.clock.now += 1
    assert erase.work(shop.ledger, shop.clock(), grace=GRACE)
    assert len(rows(shop, "SELECT * FROM epoch")) == 1
    assert shop.get(f"/v1/erasures/{found['id']}", jeweller).json()["state"] == "done"
    assert shown(shop, jeweller, uuid("late")) == {late["statement"]["id"]: SOLD}


def test_a_draft_of_an_epoch_that_ended_is_not_kept_with_a_lost_key(shop: Shop, jeweller: Party) -> None:
    sold(shop, jeweller)
    epochs, known_at = dict(shop.ledger.vault._epochs), shop.ledger.vault._known_at
    erased(shop, jeweller, item=RING, classes=["contact"])
    # As in a process that has slept through the grace.
    shop.ledger.vault._epochs, shop.ledger.vault._known_at = epochs, known_at
    size = shop.size()
    statement = shop.statement(jeweller, "item.sold", RING, {"channel": "store"})
    answer = shop.post("/v1/statements", {"statement": statement, "private": SOLD}, jeweller)
    assert answer.status_code == 503
    assert shop.size() == size
    shop.clock.now += 10 * times.SECOND
    assert shop.post("/v1/statements", {"statement": statement, "private": SOLD}, jeweller).status_code == 201
    assert shown(shop, jeweller)[statement["id"]] == SOLD


def test_no_contact_is_found_anywhere_after_an_erasure_nor_in_any_entry_ever(shop: Shop, jeweller: Party) -> None:
    sale = sold(shop, jeweller, person=PERSON)
    shop.get(f"/v1/items/{segment(RING)}/history", jeweller)
    shop.get(f"/v1/statements/{segment(sale['statement']['id'])}", jeweller)
    assert scanner.find(shop.ledger, NEEDLES) == [], "sealed from the first moment on"
    erased(shop, jeweller, person=PERSON)
    assert scanner.find(shop.ledger, NEEDLES) == []
    for index in range(shop.size()):
        raw = shop.ledger.reader.leaf(index)
        assert raw is not None
        assert not [needle for needle in NEEDLES if needle.encode() in raw]


def test_the_whole_log_is_audited_after_an_erasure(tmp_path: Path) -> None:
    with open_shop(tmp_path) as shop:
        jeweller = shop.party("jeweller", "retailer", "repairer")
        sold(shop, jeweller, person=PERSON)
        erased(shop, jeweller, person=PERSON)
        vkey = shop.ledger.vkeys[0]
    verdict = audit(open_folder(tmp_path), Options((parse_vkey(vkey),)))
    assert (verdict.outcome, verdict.findings) == ("proven", ())


def test_an_erasure_that_the_log_cannot_say_yet_is_done_later(shop: Shop, jeweller: Party) -> None:
    sale = sold(shop, jeweller)
    shop.clock.pass_hours(30)  # more than a day past the last leaf: nothing is written until the operator says so
    answer = shop.post("/v1/erasures", {"statements": [sale["statement"]["id"]], "classes": ["contact"]}, jeweller)
    assert (answer.status_code, answer.json()["state"]) == (201, "erasing")
    assert answer.json()["entries"] == []
    assert "customer" not in shown(shop, jeweller)[sale["statement"]["id"]], "what could be destroyed was"
    shop.ledger.writer.accept_clock = True
    assert erase.work(shop.ledger, shop.clock(), grace=0)
    assert len(shop.get(f"/v1/erasures/{answer.json()['id']}", jeweller).json()["entries"]) == 1


def test_the_service_goes_on_with_erasures_by_itself(
    shop: Shop, jeweller: Party, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(jobs, "ERASE_EVERY", 0.0)
    sale = sold(shop, jeweller)
    wanted = {"statements": [sale["statement"]["id"]], "classes": ["contact"]}
    erasure = shop.post("/v1/erasures", wanted, jeweller).json()["id"]
    site = shop.app.state.site

    def state() -> str:
        found = site.ledger.erasures.get(erasure)
        assert found is not None
        return str(found.state(times.format_recorded(shop.clock())))

    async def a_while() -> None:
        tasks = jobs.Jobs(site)
        tasks.start()
        await asyncio.sleep(0.2)
        assert state() == "erasing"
        shop.clock.now += GRACE
        while state() != "done":  # noqa: ASYNC110 - the job has no event to wait for
            await asyncio.sleep(0.01)
        await tasks.stop()

    asyncio.run(asyncio.wait_for(a_while(), 30))
    assert shown(shop, jeweller) == {sale["statement"]["id"]: {name: SOLD[name] for name in ("price", "note")}}


def test_what_was_derived_from_private_values_comes_and_goes_with_them(shop: Shop, jeweller: Party) -> None:
    sale = sold(shop, jeweller)
    kept = rows(shop, "SELECT * FROM find_private")
    assert {bytes(row[1]) for row in kept} == {uuid_bytes(sale["statement"]["id"])}
    refused = shop.statement(jeweller, "item.sold", uuid("not registered"), {"channel": "store"})
    assert shop.post("/v1/statements", {"statement": refused, "private": SOLD}, jeweller).status_code == 409
    assert rows(shop, "SELECT * FROM find_private") == kept
    customer: Any = SOLD["customer"]
    phone = {"phone": customer["phone"]}
    (found,) = shop.post("/v1/find", phone, jeweller).json()["found"]
    assert found["statement"] == sale["statement"]["id"]
    shop.post("/v1/erasures", {"statements": [sale["statement"]["id"]], "classes": ["contact"]}, jeweller)
    assert rows(shop, "SELECT * FROM find_private") == []
    assert shop.post("/v1/find", phone, jeweller).json()["found"] == []


def test_of_one_class_no_more_is_forgotten(shop: Shop, jeweller: Party) -> None:
    # The same number of a receipt as the sale's own (money) and within who the customer is (contact).
    customer = {"phone": "+1 202 555 0100", "receipt_no": "R-2026/17"}
    sale = sold(shop, jeweller, private={"customer": customer, "receipt_no": "R-2026/17", "note": "call first"})
    said = sale["statement"]["id"]

    def found(**wanted: str) -> list[str]:
        return [one["statement"] for one in shop.post("/v1/find", wanted, jeweller).json()["found"]]

    assert found(phone=customer["phone"]) == found(receipt_no="r202617") == [said]
    assert sorted(row[0] for row in rows(shop, 'SELECT "class" FROM find_private')) == [0, 0, 1]
    erased(shop, jeweller, statements=[said], classes=["description"])
    assert found(phone=customer["phone"]) == [said]
    erased(shop, jeweller, statements=[said], classes=["contact"])
    assert (found(phone=customer["phone"]), found(receipt_no="r202617")) == ([], [said])
    erased(shop, shop.operator, statements=[said], classes=["money"], why="authority")
    assert found(receipt_no="r202617") == []
    assert rows(shop, "SELECT * FROM find_private") == []


def test_what_was_derived_before_classes_were_written_down_goes_with_any(shop: Shop, jeweller: Party) -> None:
    sale, other = sold(shop, jeweller), sold(shop, jeweller, uuid("watch"))
    with shop.ledger._engine.begin() as connection:
        connection.execute(text('UPDATE find_private SET "class" = -1'))
    erased(shop, jeweller, statements=[sale["statement"]["id"]], classes=["description"])
    assert {bytes(row[1]) for row in rows(shop, "SELECT * FROM find_private")} == {uuid_bytes(other["statement"]["id"])}
