"""Files that statements list in public, erased where somebody asks for them by name; on both databases."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from ledger import times
from ledger.db import erase, keyfile
from ledger.db.backup import back_up
from ledger.db.copies import ERASED, Gone
from ledger.db.erased_file import NAME as RECORD
from ledger.db.ledger import open_ledger
from ledger.db.restore import Sources, restore
from tests import scanner
from tests.build import uuid
from tests.files import png
from tests.private_shop import PERSON, SOLD, erased, prove_everything, rows, shown
from tests.shop import RING, START, Party, Shop, open_shop, segment
from tests.stall import MASTER
from tests.test_api_attachments import listed

FILES = ["files"]
ABOUT = {"name": "Ring", "category": "jewellery"}


@pytest.fixture
def shop(tmp_path: Path, database_url: str) -> Iterator[Shop]:
    with open_shop(tmp_path, database_url) as opened:
        opened.party("jeweller", "retailer", "repairer")
        opened.party("rival", "retailer")
        yield opened


@pytest.fixture
def jeweller(shop: Shop) -> Party:
    return shop.parties["jeweller"]


def pictured(shop: Shop, who: Party, item: str, photo: dict[str, Any], **more: Any) -> str:
    """Sell an item with private members and a photograph in public; the sale's id."""
    shop.say(who, "item.registered", item, ABOUT)
    statement = shop.statement(who, "item.sold", item, {"channel": "store"}, attachments=[photo])
    answer = shop.post("/v1/statements", {"statement": statement, "private": SOLD, **more}, who)
    assert answer.status_code == 201, answer.text
    return str(statement["id"])


def read(shop: Shop, photo: dict[str, Any]) -> int:
    return int(shop.get(f"/v1/attachments/{photo['sha256']}", shop.parties["jeweller"]).status_code)


def record(shop: Shop, token: str, number: int = 1) -> dict[str, Any]:
    found: dict[str, Any] = shop.get(f"/i/{token}", accept="application/json").json()["records"][number]
    return found


def test_a_public_file_is_gone_and_the_log_and_the_page_say_so(shop: Shop, jeweller: Party) -> None:
    photo, other = listed(shop, jeweller), listed(shop, jeweller, png())
    receipt = shop.say(jeweller, "item.registered", uuid("watch"), ABOUT, attachments=[other])
    sale = pictured(shop, jeweller, RING, photo)
    token = shop.code(jeweller)
    wrapped = [bytes(row[0]) for row in rows(shop, "SELECT wrapped FROM file_key")]
    stored = sum(1 for path in (shop.ledger.directory / "blobs").rglob("*") if path.is_file())
    found = erased(shop, jeweller, statements=[sale], classes=FILES)
    assert (found["state"], [part["class"] for part in found["parts"]]) == ("done", FILES)
    (entry,) = found["entries"]
    said = shop.get(f"/v1/statements/{segment(entry)}", jeweller).json()["statement"]
    assert said["details"] == {"statements": [sale], "why": "request"}
    assert (read(shop, photo), read(shop, other)) == (410, 200)
    assert sum(1 for path in (shop.ledger.directory / "blobs").rglob("*") if path.is_file()) == stored - 2
    assert scanner.find(shop.ledger, wrapped) == []
    page = shop.get(f"/i/{token}").text
    assert "Removed on request." in page
    assert "Private members were removed" not in page, "they are all there"
    assert record(shop, token)["files"][0]["state"] == ERASED
    assert record(shop, token)["private"] == {"state": "not_shown"}
    assert shown(shop, jeweller) == {sale: SOLD}
    prove_everything(shop, receipt)


def test_public_files_stay_unless_they_are_named_and_what_another_lists_stays(shop: Shop, jeweller: Party) -> None:
    photo = listed(shop, jeweller)
    first, second = (pictured(shop, jeweller, uuid(name), photo) for name in ("ring", "watch"))
    alone = shop.say(
        jeweller, "item.inspected", uuid("ring"), {"tests": []}, attachments=[listed(shop, jeweller, png())]
    )
    assert shop.post("/v1/erasures", {"statements": [alone["id"]]}, jeweller).status_code == 409
    erased(shop, shop.operator, statements=[first], why="authority")
    assert read(shop, photo) == 200
    for wanted, status in (({"statements": [first]}, 403), ({"item": uuid("ring")}, 409)):
        assert shop.post("/v1/erasures", {**wanted, "classes": FILES}, shop.parties["rival"]).status_code == status
    erased(shop, jeweller, statements=[first], classes=FILES)
    assert read(shop, photo) == 200, "the second lists it still"
    assert shop.post("/v1/erasures", {"statements": [first], "classes": FILES}, jeweller).status_code == 409
    erased(shop, jeweller, item=uuid("watch"), classes=FILES)
    assert read(shop, photo) == 410
    kept = shown(shop, jeweller, uuid("watch"))
    assert kept == {second: SOLD}


def test_it_stays_removed_from_its_record_though_the_same_bytes_come_again(shop: Shop, jeweller: Party) -> None:
    photo = listed(shop, jeweller)
    pictured(shop, jeweller, RING, photo)
    sale = pictured(shop, jeweller, uuid("ring"), photo)
    token = shop.code(jeweller, uuid("ring"))
    erased(shop, jeweller, statements=[sale], classes=FILES)
    for _ in range(2):
        assert record(shop, token)["files"][0]["state"] == ERASED, "that another record lists it puts it back into none"
        page = shop.get(f"/i/{token}").text
        assert ("Removed on request." in page, f"{photo['sha256']}/thumbnail" in page) == (True, False)
        assert record(shop, shop.code(jeweller))["files"][0]["state"] == "whole"
        assert listed(shop, jeweller) == photo


def test_a_persons_public_files_go_with_her_pseudonym(shop: Shop, jeweller: Party) -> None:
    photo, theirs = listed(shop, jeweller), listed(shop, jeweller, png())
    sale = pictured(shop, jeweller, RING, photo, person=PERSON)
    pictured(shop, jeweller, uuid("watch"), theirs)
    wanted = ["contact", "description", *FILES]
    found = erased(shop, jeweller, person=PERSON, classes=wanted)
    assert {(part["statement"], part["class"]) for part in found["parts"]} == {(sale, name) for name in wanted}
    assert (read(shop, photo), read(shop, theirs)) == (410, 200)
    assert record(shop, shop.code(jeweller))["private"]["state"] == "removed"


def test_what_a_standard_keeps_waits_and_the_page_says_until_when(shop: Shop, jeweller: Party) -> None:
    kept = [{"class": "media", "months": 24, "source": "house", "legal_months": 1}]
    document = {"standard": "house", "version": "1", "name": {"en": "House"}, "retention": kept}
    shop.say(jeweller, "standard.adopted", jeweller.id, document)
    photo = listed(shop, jeweller)
    said = shop.say(jeweller, "item.registered", RING, ABOUT, attachments=[photo])["id"]
    token = shop.code(jeweller)
    waits = erased(shop, jeweller, statements=[said], classes=FILES)
    assert (waits["state"], waits["until"][:10], read(shop, photo)) == ("waiting", "2026-06-04", 200)
    assert "what the law has us keep is removed after 4 June 2026" in shop.get(f"/i/{token}").text
    ordered = erased(shop, shop.operator, statements=[said], classes=FILES, why="authority")
    assert (ordered["state"], read(shop, photo)) == ("done", 410)
    shop.clock.now = times.parse_recorded("2026-06-05T00:00:00.000Z")
    shop.ledger.writer.accept_clock = True
    size = shop.size()
    assert erase.work(shop.ledger, shop.clock(), grace=0)
    assert shop.get(f"/v1/erasures/{waits['id']}", jeweller).json()["state"] == "done"
    assert shop.size() == size, "the log says it once"
    assert "what the law has us keep" not in shop.get(f"/i/{token}").text


def test_a_repeat_is_judged_by_its_values_where_only_its_file_went(shop: Shop, jeweller: Party) -> None:
    photo = listed(shop, jeweller)
    shop.say(jeweller, "item.registered", RING, ABOUT)
    statement = shop.statement(jeweller, "item.sold", RING, {"channel": "store"}, attachments=[photo])
    body = {"statement": statement, "private": SOLD}
    assert shop.post("/v1/statements", body, jeweller).status_code == 201
    erased(shop, jeweller, statements=[statement["id"]], classes=FILES)
    assert shop.post("/v1/statements", body, jeweller).status_code == 200
    more = {"statement": statement, "private": {**SOLD, "receipt_no": "R-1"}}
    assert shop.post("/v1/statements", more, jeweller).status_code == 409
    assert read(shop, photo) == 410


@pytest.mark.parametrize("record", [True, False])
def test_a_restore_does_not_bring_it_back(tmp_path: Path, *, record: bool) -> None:
    """With older copies of keys and files; without the record the log itself says that nothing else can have gone."""
    place, shelf, stolen = tmp_path / "ledger", tmp_path / "shelf", tmp_path / "stolen"
    place.mkdir()
    shelf.mkdir()
    with open_shop(place) as shop:
        jeweller = shop.party("jeweller", "retailer")
        photo = listed(shop, jeweller)
        said = shop.say(jeweller, "item.registered", RING, ABOUT, attachments=[photo])["id"]
        back_up(shop.ledger, shelf)
        shutil.copytree(shelf, stolen)
        shutil.copytree(place / "blobs", stolen / "blobs")
        erased(shop, jeweller, statements=[said], classes=FILES)
    if not record:
        (place / RECORD).unlink()
    database = place / "ledger.sqlite3"
    log = Path(shutil.copy(database, shelf / "log.sqlite3"))
    (backup,) = stolen.glob("ledger-*.sqlite3")
    restore(place, database, Sources(backup, stolen / keyfile.NAME, log), MASTER, lambda *_: {})
    shutil.copytree(stolen / "blobs", place / "blobs", dirs_exist_ok=True)
    ledger = open_ledger(f"sqlite:///{database}", directory=place, master=MASTER, clock=lambda: START)
    try:
        kept = ledger.attachments.find(photo["sha256"], [uuid("jeweller")])
        assert kept is not None
        with pytest.raises(Gone) as gone:
            ledger.attachments.verify(kept)
        assert (gone.value.state, ledger.epochs.rows()[2]) == (ERASED, [])
    finally:
        ledger.close()
