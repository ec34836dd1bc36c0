"""The page of a party and messages to it: recorded by the operator, unverified, answered under a code, limited."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from api.limits import MESSAGES_OF_ADDRESS, MESSAGES_TO_PARTY
from ledger import leaf
from ledger.standards import template
from tests.build import uuid
from tests.shop import Party, Shop, open_shop, segment

JSON = {"Accept": "application/json"}
WRITTEN = {"kind": "complaint", "issue": "attitude", "description": "Nobody looked up.", "contact": "+1 202 555 0100"}


@pytest.fixture
def shop(database_url: str, tmp_path: Path) -> Iterator[Shop]:
    with open_shop(tmp_path, database_url, entries_public=False) as opened:
        yield opened


@pytest.fixture
def seller(shop: Shop) -> Party:
    party = shop.party("Morning Light", "retailer", "repairer")
    shop.say(party, "standard.adopted", party.id, template("jewellery"))
    return party


def path_of(party: Party) -> str:
    return f"/p/{party.id.removeprefix('urn:uuid:')}"


def write(shop: Shop, to: Party, **more: Any) -> Any:
    return shop.post(path_of(to) + "/cases", WRITTEN | more, None, **JSON)


def newest(shop: Shop) -> Any:
    found = [shop.ledger.reader.leaf(index) or b"" for index in range(shop.size())]
    return leaf.parse_leaf(next(raw for raw in reversed(found) if b'"map_root"' not in raw[:48]))


def test_a_party_says_who_it_is_and_what_it_promises(shop: Shop, seller: Party) -> None:
    page = shop.get(path_of(seller))
    assert page.status_code == 200
    for text in ("Morning Light", "within 24 hours", 'method="post"', "<textarea"):
        assert text in page.text
    assert "<script" not in page.text
    assert "form-action 'self'" in page.headers["content-security-policy"]
    told = shop.get(path_of(seller), None, **JSON).json()
    assert (told["id"], told["roles"], told["suspended"]) == (seller.id, ["retailer", "repairer"], False)
    assert told["standards"] == [{"standard": "jewellery", "version": template("jewellery")["version"]}]
    assert told["messages"] == {"year": 0, "answered": 0, "in_time": 0}
    assert told["write"] == "http://shop.example:8000" + path_of(seller) + "/cases"
    # The address takes the whole urn, too.
    assert shop.get(f"/p/{seller.id}", None, **JSON).json() == told


def test_a_party_without_a_standard_says_so(shop: Shop) -> None:
    plain = shop.party("Plain", "retailer")
    assert "No service standard is in force." in shop.get(path_of(plain)).text


@pytest.mark.parametrize("name", ["x", uuid("nobody").removeprefix("urn:uuid:"), "%00", "%FF", "a" * 3000])
def test_who_is_no_party_has_no_page(shop: Shop, name: str) -> None:
    assert shop.get(f"/p/{name}").status_code in {400, 404}
    assert shop.post(f"/p/{name}/cases", WRITTEN, None, **JSON).status_code in {400, 404}
    assert shop.get(f"/v1/parties/{name}/feedback", shop.operator).status_code in {400, 404, 422}


def test_a_message_is_the_operators_word_and_answered_under_its_code(shop: Shop, seller: Party) -> None:
    written = write(shop, seller)
    assert written.status_code == 201, written.text
    entry = newest(shop)
    statement = entry.statement
    assert (statement.type, statement.party) == ("case.opened", shop.operator.id)
    assert statement.subjects == (statement.case, seller.id)
    assert statement.details == {"kind": "complaint", "channel": "web", "issue": "attitude"}
    # What was written, and by whom to be reached, is in no leaf.
    leaves = b"".join(shop.ledger.reader.leaf(index) or b"" for index in range(shop.size()))
    assert b"Nobody looked up" not in leaves
    assert b"202 555" not in leaves
    # The shop reads it, shown as unverified, and answers.
    case = shop.get(f"/v1/cases/{segment(statement.case)}", seller).json()
    assert (case["unverified"], case["status"], case["opened_by"]) == (True, "open", shop.operator.id)
    both = {"case": statement.case, "subjects": [statement.case, seller.id]}
    shop.clock.pass_hours(2)
    shop.say(seller, "case.responded", statement.case, {"plan": "we are sorry"}, agent="s1", **both)
    # Whoever wrote it reads the answer, and what they wrote, by the code alone.
    path = written.json()["page"].removeprefix("http://shop.example:8000")
    assert "key vouches for it" in shop.get(path).text
    page = shop.get(path)
    assert page.status_code == 200
    for text in ("Morning Light", "we are sorry", "Nobody looked up."):
        assert text in page.text
    told = shop.get(path, None, **JSON).json()
    assert [one["type"] for one in told["records"]] == ["case.opened", "case.responded"]
    assert told["records"][0]["private"]["description"] == "Nobody looked up."
    assert shop.get(path + "/qr.svg").status_code == 200


def test_answers_are_tracked_against_the_standard(shop: Shop, seller: Party) -> None:
    write(shop, seller)
    first = newest(shop).statement.case
    shop.clock.pass_hours(1)
    write(shop, seller, kind="feedback", issue="feedback")
    second = newest(shop).statement.case
    shop.clock.pass_hours(2)
    for case, hours in ((first, 0), (second, 26)):
        for _ in range(2):
            shop.clock.pass_hours(hours / 2)
            shop.ledger.writer.seal(force=True)
        both = {"case": case, "subjects": [case, seller.id]}
        shop.say(seller, "case.responded", case, {}, agent="s1", **both)
    found = shop.get(f"/v1/parties/{segment(seller.id)}/feedback", seller).json()
    # Within 24 hours by the standard: the first after three, the second after 28.
    assert [(one["case"], one["kind"], one["standing"]) for one in found["messages"]] == [
        (first, "complaint", "met"),
        (second, "feedback", "missed"),
    ]
    assert found["messages"][0]["due_at"] == "2026-05-05T09:00:00.000Z"
    assert found["messages"][0]["unverified"] is True
    assert shop.get(path_of(seller), None, **JSON).json()["messages"] == {"year": 2, "answered": 2, "in_time": 1}
    assert "Messages in the last year: 2. Answered: 2, of which in time: 1." in shop.get(path_of(seller)).text


def test_surveys_go_round_by_the_standard(shop: Shop) -> None:
    maker = shop.party("Maker", "manufacturer", "retailer")
    shop.say(maker, "standard.adopted", maker.id, template("furniture"))
    write(shop, maker)
    case = newest(shop).statement.case
    both = {"case": case, "subjects": [case, maker.id]}
    shop.say(shop.operator, "case.surveyed", case, {"source": "telephone", "asked": True, "answered": True}, **both)
    found = shop.get(f"/v1/parties/{segment(maker.id)}/feedback", maker).json()
    assert found["surveys"] == [
        {"since": "2026-01-01", "until": "2026-07-01", "surveys": 1},
        {"since": "2026-07-01", "until": "2027-01-01", "surveys": 0},
    ]
    assert len(found["rated"]) > 2, "this standard names no dimension, so all are asked for"
    desk = shop.party("Desk", "retailer")
    shop.say(desk, "standard.adopted", desk.id, template("customer-service"))
    found = shop.get(f"/v1/parties/{segment(desk.id)}/feedback", desk).json()
    # Its two scores name satisfaction, response, resolved, satisfied, handling and attitude: two of them are rated.
    assert (found["rated"], found["surveys"]) == (["overall", "response", "attitude"], [])


def test_a_form_without_a_script_does_the_same(shop: Shop, seller: Party) -> None:
    sent = {"kind": "consultation", "issue": "", "description": "Line one\r\nline two", "contact": ""}
    answer = shop.client.post(path_of(seller) + "/cases", data=sent)
    assert answer.status_code == 201
    assert "/c/" in answer.text
    assert newest(shop).statement.details == {"kind": "consultation", "channel": "web", "issue": "other"}


@pytest.mark.parametrize(
    ("change", "pointer"),
    [
        ({"kind": "repair"}, "/kind"),
        ({"kind": 1}, "/kind"),
        ({"issue": "price"}, "/issue"),
        ({"description": " "}, "/description"),
        ({"description": "x" * 4001}, "/description"),
        ({"contact": "x" * 201}, "/contact"),
        ({"party": "x"}, "/party"),
    ],
)
def test_what_is_wrong_with_a_message_is_named_and_changes_nothing(
    shop: Shop, seller: Party, change: dict[str, Any], pointer: str
) -> None:
    size = shop.size()
    answer = write(shop, seller, **change)
    assert answer.status_code == 422, answer.text
    assert answer.json()["errors"][0]["pointer"] == pointer
    assert shop.size() == size


@pytest.mark.parametrize(
    ("kind", "raw", "status"),
    [
        ("application/json", b"{", 400),
        ("application/json", b"[]", 400),
        ("application/json", b'{"kind": "complaint", "description": "\\u0000"}', 400),
        ("application/x-www-form-urlencoded", b"kind=complaint&description=%00", 422),
        ("application/x-www-form-urlencoded", b"kind=%FF", 422),
        ("application/x-www-form-urlencoded", b"kind", 422),
        ("application/x-www-form-urlencoded", b"", 422),
        ("application/x-www-form-urlencoded", b"a=1&b=2&c=3&d=4&e=5&f=6", 422),
        ("text/plain", b"kind=complaint", 415),
    ],
)
def test_rubbish_is_refused(shop: Shop, seller: Party, kind: str, raw: bytes, status: int) -> None:
    answer = shop.client.post(path_of(seller) + "/cases", content=raw, headers={"Content-Type": kind, **JSON})
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"


def test_one_address_writes_so_often_in_a_quarter_of_an_hour(shop: Shop, seller: Party) -> None:
    for _ in range(MESSAGES_OF_ADDRESS):
        assert write(shop, seller).status_code == 201
    size, refused = shop.size(), write(shop, seller)
    assert (refused.status_code, shop.size()) == (429, size)
    assert 0 < int(refused.headers["retry-after"]) <= 900
    shop.clock.pass_hours(0.25)
    assert write(shop, seller).status_code == 201


def test_one_party_is_written_to_so_often(shop: Shop, seller: Party, monkeypatch: Any) -> None:
    site: Any = shop.app.state.site
    monkeypatch.setattr(site.limits, "address_of", lambda scope: scope["path"] + str(shop.size()))
    monkeypatch.setattr(site.limits.written, "most", 3)
    assert MESSAGES_TO_PARTY > 3
    for _ in range(3):
        assert write(shop, seller).status_code == 201
    assert write(shop, seller).status_code == 429
    assert write(shop, shop.party("Other", "retailer")).status_code == 201


def test_a_suspended_party_has_a_page_and_takes_no_messages(shop: Shop, seller: Party) -> None:
    suspended = shop.post(f"/v1/parties/{segment(seller.id)}/suspend", {"reason": "fraud"}, shop.operator)
    assert suspended.status_code < 300, suspended.text
    page = shop.get(path_of(seller))
    assert page.status_code == 200
    assert "<form" not in page.text
    assert write(shop, seller).status_code == 404


def test_the_shop_itself_cannot_record_a_complaint_for_somebody(shop: Shop, seller: Party) -> None:
    # It may open a case in its own name; what anybody writes on the page is never said by it.
    write(shop, seller)
    assert newest(shop).statement.party != seller.id
    assert json.dumps(shop.get(path_of(seller), None, **JSON).json()).find("looked") == -1


def test_a_party_newer_than_lists_far_behind_has_its_page_later(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    assert shop.ledger.follower.catch_up()
    monkeypatch.setattr(shop.ledger.follower, "catch_up", lambda: False)
    party = shop.party("Newcomer", "retailer")
    answer = shop.get(path_of(party), None, **JSON)
    assert (answer.status_code, "the work lists are being made" in answer.json()["detail"]) == (503, True)
    monkeypatch.undo()
    assert shop.get(path_of(party), None, **JSON).json()["name"] == "Newcomer"
