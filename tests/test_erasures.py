"""Erasure: what is asked for is gone, the log says so and still proves itself; on both databases."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from ledger import times
from ledger.db import erase
from ledger.leaf import Entry, parse_leaf
from tests import scanner
from tests.build import ring, uuid
from tests.private_shop import CUSTOMER, PERSON, SOLD, erased, prove_everything, rows, shown, sold
from tests.shop import RING, Party, Shop, open_shop, segment


@pytest.fixture
def shop(tmp_path: Path, database_url: str) -> Iterator[Shop]:
    with open_shop(tmp_path, database_url) as shop:
        shop.party("jeweller", "retailer", "repairer")
        shop.party("rival", "retailer", "repairer")
        yield shop


@pytest.fixture
def jeweller(shop: Shop) -> Party:
    return shop.parties["jeweller"]


def test_what_is_erased_is_gone_and_the_log_says_so(shop: Shop, jeweller: Party) -> None:
    sale, other = sold(shop, jeweller), sold(shop, jeweller, uuid("watch"))
    token = shop.code(jeweller)
    wrapped = [bytes(row[0]) for row in rows(shop, 'SELECT wrapped FROM seal_key WHERE "class" <> 1')]
    old_epoch = [bytes(row[0]) for row in rows(shop, "SELECT wrapped FROM epoch")]
    found = erased(shop, jeweller, statements=[sale["statement"]["id"]], classes=["contact", "description"])
    assert found["state"] == "done"
    assert {part["class"] for part in found["parts"]} == {"contact", "description"}
    (entry,) = found["entries"]
    raw = shop.ledger.reader.entry(entry)
    assert raw is not None
    said = parse_leaf(raw[1])
    assert isinstance(said, Entry)
    assert (said.statement.type, said.statement.party) == ("data.erased", shop.ledger.operator)
    assert said.statement.details == {"statements": [sale["statement"]["id"]], "why": "request"}
    assert shown(shop, jeweller) == {sale["statement"]["id"]: {"price": SOLD["price"]}}
    assert shown(shop, jeweller, uuid("watch")) == {other["statement"]["id"]: SOLD}, "the survivors open"
    assert scanner.find(shop.ledger, [*wrapped, *old_epoch]) == []
    prove_everything(shop, sale["receipt"], other["receipt"])
    page = shop.get(f"/i/{token}").text
    assert "removed on request" in page
    record = shop.get(f"/i/{token}", accept="application/json").json()["records"][1]
    assert (record["private"]["state"], record["private"]["why"]) == ("removed", "request")
    one = shop.get(f"/v1/statements/{segment(sale['statement']['id'])}", jeweller).json()
    assert one["absent"]["state"] == "removed"
    assert one["private"] == {"price": SOLD["price"]}


def test_what_is_not_erased_and_not_for_the_reader_is_told_apart(shop: Shop, jeweller: Party) -> None:
    sale = sold(shop, jeweller)
    one = shop.get(f"/v1/statements/{segment(sale['statement']['id'])}", shop.parties["rival"]).json()
    assert (one["private"], one["absent"]) == ({}, {"state": "not_shown"})
    token = shop.code(jeweller)
    assert "this page does not show them" in shop.get(f"/i/{token}").text
    record = shop.get(f"/i/{token}", accept="application/json").json()["records"][1]
    assert record["private"] == {"state": "not_shown"}


def test_money_is_kept_as_long_as_the_law_asks_and_the_page_says_until_when(shop: Shop, jeweller: Party) -> None:
    sale = sold(shop, jeweller)
    token = shop.code(jeweller)
    found = erased(shop, jeweller, statements=[sale["statement"]["id"]])
    assert (found["state"], found["until"][:10]) == ("partly", "2036-05-04")
    assert {part["class"]: part["state"] for part in found["parts"]} == {
        "contact": "done",
        "description": "done",
        "money": "kept",
    }
    assert "what the law has us keep is removed after 4 May 2036" in shop.get(f"/i/{token}").text
    shop.clock.now = times.parse_recorded("2036-05-03T23:00:00.000Z")
    shop.ledger.writer.accept_clock = True
    assert erase.work(shop.ledger, shop.clock(), grace=0)
    assert shown(shop, jeweller) != {}
    shop.clock.pass_hours(12)
    assert erase.work(shop.ledger, shop.clock(), grace=0)
    found = shop.get(f"/v1/erasures/{found['id']}", jeweller).json()
    assert (found["state"], len(found["entries"])) == ("done", 2)
    assert shown(shop, jeweller) == {}
    assert "what the law has us keep" not in shop.get(f"/i/{token}").text
    assert rows(shop, "SELECT * FROM sealed") == rows(shop, "SELECT * FROM seal_key") == []


def test_a_page_says_that_all_of_it_waits(shop: Shop, jeweller: Party) -> None:
    sale = sold(shop, jeweller, private={"price": "5.00"})
    token = shop.code(jeweller)
    assert "this page does not show them" in shop.get(f"/i/{token}").text
    found = erased(shop, jeweller, statements=[sale["statement"]["id"]])
    assert (found["state"], found["entries"]) == ("waiting", [])
    page = shop.get(f"/i/{token}").text
    assert "removed after 4 May 2036" in page
    assert "removed on request" not in page
    record = shop.get(f"/i/{token}", accept="application/json").json()["records"][1]
    assert record["private"] == {"state": "kept_by_law", "until": "2036-05-04T09:00:00.000Z"}


def test_the_standard_in_force_says_how_long(shop: Shop, jeweller: Party) -> None:
    sale = sold(shop, jeweller)
    times_of = [("money", 1), ("contact", 2), ("media", 0)]
    kept = [{"class": name, "months": 24, "source": "house", "legal_months": legal} for name, legal in times_of]
    document = {"standard": "house", "version": "1", "name": {"en": "House"}, "retention": kept}
    shop.say(jeweller, "standard.adopted", jeweller.id, document)
    found = erased(shop, jeweller, statements=[sale["statement"]["id"]])
    until = {part["class"]: part.get("until", "")[:10] for part in found["parts"]}
    assert until == {"contact": "2026-07-04", "money": "2026-06-04", "description": ""}


def test_an_order_of_an_authority_does_not_wait(shop: Shop, jeweller: Party) -> None:
    sale = sold(shop, jeweller)
    wanted = {"statements": [sale["statement"]["id"]], "why": "authority"}
    refused = shop.post("/v1/erasures", wanted, jeweller)
    assert (refused.status_code, refused.json()["errors"][0]["pointer"]) == (403, "/why")
    assert erased(shop, shop.operator, **wanted)["state"] == "done"
    assert shown(shop, jeweller) == {}
    assert "order of an authority" in shop.get(f"/i/{shop.code(jeweller)}").text


def test_a_person_is_erased_from_every_statement_by_one_request(shop: Shop, jeweller: Party) -> None:
    items = [ring(number) for number in range(20)]
    sales = [sold(shop, jeweller, item, {"customer": CUSTOMER, "note": "x" * 9}, person=PERSON) for item in items]
    theirs = sold(shop, shop.parties["rival"], uuid("theirs"), person=PERSON)
    kept = sold(shop, jeweller, uuid("somebody else"), {"note": "of somebody else"})
    found = erased(shop, jeweller, person=PERSON)
    assert found["state"] == "done"
    assert len(found["entries"]) == 2, "a statement has at most 16 subjects"
    said = [shop.get(f"/v1/statements/{segment(entry)}", jeweller).json()["statement"] for entry in found["entries"]]
    assert [len(one["subjects"]) for one in said] == [16, 4]
    assert {one for each in said for one in each["details"]["statements"]} == {one["statement"]["id"] for one in sales}
    assert all(shown(shop, jeweller, item) == {} for item in items)
    assert shown(shop, jeweller, uuid("somebody else")) == {kept["statement"]["id"]: {"note": "of somebody else"}}
    assert shown(shop, shop.parties["rival"], uuid("theirs")) == {theirs["statement"]["id"]: SOLD}
    assert len(rows(shop, "SELECT * FROM pseudonym")) == 1
    again = shop.post("/v1/erasures", {"person": PERSON}, jeweller)
    assert again.status_code == 409
    prove_everything(shop, *[one["receipt"] for one in sales])


def test_an_item_is_erased_of_what_the_asker_recorded(shop: Shop, jeweller: Party) -> None:
    sold(shop, jeweller, private={"note": "of the jeweller"})
    rival = shop.parties["rival"]
    statement = shop.statement(rival, "maintenance.performed", RING, {"work": ["polish"]})
    body = {"statement": statement, "private": {"note": "of the rival"}}
    assert shop.post("/v1/statements", body, rival, **{"Patina-Code": shop.code(jeweller)}).status_code == 201
    assert erased(shop, jeweller, item=RING)["state"] == "done"
    # The jeweller sold it, and so is one of those who work on it: it sees the other's note, and has erased its own.
    assert shown(shop, jeweller) == shown(shop, rival) == {statement["id"]: {"note": "of the rival"}}


def test_a_repeat_after_an_erasure_is_answered_and_brings_nothing_back(shop: Shop, jeweller: Party) -> None:
    sale = sold(shop, jeweller, private={"note": "gone soon"}, person=PERSON)
    erased(shop, jeweller, statements=[sale["statement"]["id"]])
    size = shop.size()
    answer = shop.post("/v1/statements", {name: sale[name] for name in ("statement", "private", "person")}, jeweller)
    assert (answer.status_code, answer.json()["entry"]) == (200, sale["receipt"]["entry"])
    assert shop.size() == size
    assert rows(shop, "SELECT * FROM sealed") == rows(shop, "SELECT * FROM pseudonym") == []
    other = {**sale["statement"], "details": {"channel": "web"}}
    assert shop.post("/v1/statements", {"statement": other, "private": sale["private"]}, jeweller).status_code == 409
    mixed = sold(shop, jeweller)
    erased(shop, jeweller, statements=[mixed["statement"]["id"]], classes=["contact"])
    same = {name: mixed[name] for name in ("statement", "private")}
    assert shop.post("/v1/statements", same, jeweller).status_code == 200
    same["private"] = {**SOLD, "price": "9.99"}
    assert shop.post("/v1/statements", same, jeweller).status_code == 409, "what is still there is compared"


def test_the_same_erasure_again_is_the_same(shop: Shop, jeweller: Party) -> None:
    sale = sold(shop, jeweller)
    wanted = {"id": uuid("my erasure"), "statements": [sale["statement"]["id"]]}
    first, size = erased(shop, jeweller, **wanted), shop.size()
    assert erased(shop, jeweller, **wanted) == first
    assert shop.size() == size
    assert shop.post("/v1/erasures", wanted, shop.operator).status_code == 409


def test_only_ones_own_is_erased_and_seen(shop: Shop, jeweller: Party) -> None:
    sale = sold(shop, jeweller)
    wanted = {"statements": [sale["statement"]["id"]]}
    rival = shop.parties["rival"]
    assert shop.post("/v1/erasures", wanted, rival).status_code == 403
    assert shop.post("/v1/erasures", {"item": RING}, rival).status_code == 409
    assert shop.post("/v1/erasures", {"person": PERSON, "party": jeweller.id}, rival).status_code == 422
    assert shown(shop, jeweller) != {}
    found = erased(shop, jeweller, **wanted)
    assert shop.get(f"/v1/erasures/{found['id']}", rival).status_code == 404
    assert shop.get(f"/v1/erasures/{found['id']}", shop.operator).status_code == 200


@pytest.mark.parametrize(
    ("wanted", "pointer"),
    [
        ({}, ""),
        ({"item": RING, "person": PERSON}, ""),
        ({"person": "ada@example.org"}, "/person"),
        ({"person": 5}, "/person"),
        ({"item": 5}, "/item"),
        ({"statements": "x"}, "/statements"),
        ({"statements": ["x"]}, "/statements"),
        ({"statements": [PERSON] * 1001}, "/statements"),
        ({"statements": [PERSON], "classes": []}, "/classes"),
        ({"statements": [PERSON], "classes": ["all"]}, "/classes"),
        ({"statements": [PERSON], "why": "mood"}, "/why"),
        ({"statements": [PERSON], "id": "x"}, "/id"),
        ({"statements": [PERSON], "more": 1}, "/more"),
    ],
)
def test_bad_requests_are_refused(shop: Shop, jeweller: Party, wanted: dict[str, Any], pointer: str) -> None:
    answer = shop.post("/v1/erasures", wanted, jeweller)
    assert answer.status_code == 422, answer.text
    assert answer.json()["errors"][0]["pointer"] == pointer
    assert rows(shop, "SELECT * FROM erasure") == []


def test_whose_pseudonym_it_is_must_be_said_by_the_operator(shop: Shop, jeweller: Party) -> None:
    sold(shop, jeweller, private={"note": "to be erased"}, person=PERSON)
    answer = shop.post("/v1/erasures", {"person": PERSON}, shop.operator)
    assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, "/party")
    assert erased(shop, shop.operator, person=PERSON, party=jeweller.id)["state"] == "done"


def test_nothing_is_promised_without_the_operators_key(shop: Shop, jeweller: Party) -> None:
    sale = sold(shop, jeweller)
    signer = shop.ledger.access.party_signer(shop.ledger.operator)
    assert signer is not None
    shop.ledger.access.forget_party_key(signer.did)
    answer = shop.post("/v1/erasures", {"statements": [sale["statement"]["id"]]}, jeweller)
    assert answer.status_code == 409
    assert rows(shop, "SELECT * FROM erasure") == []
    assert shown(shop, jeweller) != {}
