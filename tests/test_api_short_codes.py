"""Short codes end to end: typed at a counter or into an address, and gone when they are revoked or erased."""

from __future__ import annotations

import hmac
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from api.cli import card as card_command
from api.limits import LOST_TOKENS
from api.pages.cards import format_sheet
from api.pages.catalogue import load_catalogue
from ledger.db import codes
from ledger.db.connect import session
from ledger.shortcode import short_of
from tests.build import key, uuid
from tests.console import Browser
from tests.holding import claim, draw_paper, new_ring, sell, sold_ring, speak
from tests.private_shop import erased, rows
from tests.shop import PUBLIC_URL, Party, Shop, open_shop, segment

JSON = "application/json"
CASE = uuid("the case")
CUSTOMER = {"customer": {"name": "Ada Example", "phone": "+1 555 0100"}}


@pytest.fixture
def shop(tmp_path: Path, database_url: str) -> Iterator[Shop]:
    with open_shop(tmp_path, database_url) as opened:
        for name, parent in (("head", None), ("jeweller", "head"), ("sister", "head"), ("rival", None)):
            body = {"name": name, "roles": ["retailer", "repairer"], "id": uuid(name)}
            assert opened.post("/v1/parties", body | ({"parent": uuid(parent)} if parent else {}), opened.operator)
            opened.parties[name] = Party(uuid(name), opened.api_key(uuid(name), "write"))
        yield opened


@pytest.fixture
def jeweller(shop: Shop) -> Party:
    return shop.parties["jeweller"]


def made(shop: Shop, who: Party, item: str, **body: Any) -> dict[str, Any]:
    answer = shop.post(f"/v1/items/{segment(item)}/codes", {"kind": "view", **body}, who)
    assert answer.status_code == 201, answer.text
    return dict(answer.json())


def found(shop: Shop, who: Party, short: str) -> list[dict[str, Any]]:
    answer = shop.post("/v1/find", {"short_code": short}, who)
    assert answer.status_code == 200, answer.text
    return list(answer.json()["found"])


def public(shop: Shop, short: str) -> Any:
    return shop.get(f"/s/{short}", accept=JSON)


def test_a_short_code_comes_with_its_code_and_opens_what_anybody_may_see(shop: Shop, jeweller: Party) -> None:
    item = new_ring(shop, jeweller)
    code = made(shop, jeweller, item)
    short = code["short_code"]
    assert short == short_of(code["token"])
    for typed in (short, short.lower().replace("-", ""), short.replace("-", "%20")):
        shown = public(shop, typed)
        assert (shown.status_code, shown.json()["id"], shown.json()["name"]) == (200, item, "Ring")
        assert not {"records", "history", "holder", "short_code"} & set(shown.json())
    page = shop.get(f"/s/{short}")
    assert page.status_code == 200
    assert code["token"] not in page.text
    opened = shop.get(f"/i/{code['token']}")
    assert short in opened.text
    assert "shop.example:8000/s/" in opened.text
    assert shop.get(f"/i/{code['token']}", accept=JSON).json()["short_code"] == short
    assert shop.get(f"/s/{short}/history").status_code == 404


def test_what_is_kept_of_it_is_a_keyed_hash(shop: Shop, jeweller: Party) -> None:
    short = made(shop, jeweller, new_ring(shop, jeweller))["short_code"]
    plain = {sha256(text.encode()).digest() for text in (short, short.replace("-", ""))}
    kept = [bytes(row[0]) for row in rows(shop, "SELECT short FROM code WHERE short IS NOT NULL")]
    assert len(kept) == len(set(kept))
    assert not plain & set(kept)
    assert all(len(one) == 32 for one in kept)
    # Under a key that only the master key opens: another ledger's hash of the same code is another.
    assert hmac.digest(bytes(32), b"short_code\n" + short.encode(), "sha256") not in kept
    assert shop.ledger.access.keyed.hash("short_code", short) in kept


def test_a_chain_finds_what_it_made_and_no_other(shop: Shop, jeweller: Party) -> None:
    item = new_ring(shop, jeweller)
    short = made(shop, jeweller, item)["short_code"]
    listed = shop.get(f"/v1/items/{segment(item)}/codes", jeweller).json()["codes"]
    for name in ("jeweller", "head", "sister"):
        (one,) = found(shop, shop.parties[name], f" {short.lower()} ")
        assert (one["subject"], one["party"], one["kind"], one["case"]) == (item, jeweller.id, "view", None)
        assert one["code_id"] in [code["code_id"] for code in listed]
    rival = shop.parties["rival"]
    answers = [shop.post("/v1/find", {"short_code": text}, rival) for text in (short, "V1N8QSG1FKRQ", "x")]
    assert {one.content for one in answers} == {b'{"found":[]}'}
    assert found(shop, shop.operator, short) == []
    noted = shop.ledger.readings.readings()[0]
    seen = [(one.party, one.subject, one.owner, one.members, one.why) for one in noted]
    for name in ("jeweller", "head", "sister"):
        assert (uuid(name), item, jeweller.id, ("short_code",), "POST /v1/find") in seen
    for who in (rival.id, shop.operator.id):
        assert (who, None, None, ("short_code",), "POST /v1/find") in seen
    assert short not in repr(noted)


def test_the_short_code_of_a_case_finds_the_case(shop: Shop, jeweller: Party) -> None:
    item = new_ring(shop, jeweller)
    shop.say(jeweller, "case.opened", item, {"kind": "repair", "channel": "store", "issue": "quality"}, case=CASE)
    code = made(shop, jeweller, item, kind="case", case=CASE)
    (one,) = found(shop, jeweller, code["short_code"])
    assert (one["subject"], one["kind"], one["case"]) == (item, "case", CASE)
    shown = public(shop, code["short_code"])
    assert (shown.status_code, shown.json()["id"]) == (200, item)
    assert CASE not in shown.text


def test_a_revoked_short_code_is_like_one_that_never_was(shop: Shop, jeweller: Party) -> None:
    item = new_ring(shop, jeweller)
    short = made(shop, jeweller, item)["short_code"]
    (one,) = found(shop, jeweller, short)
    assert (
        shop.client.delete(f"/v1/items/{segment(item)}/codes/{one['code_id']}", headers=jeweller.headers).status_code
        == 204
    )
    assert found(shop, jeweller, short) == []
    assert shop.get(f"/s/{short}").content == shop.get("/s/V1N8-QSG1-FKRQ").content


def test_a_card_has_one_too_and_says_nothing_until_it_is_in_use(shop: Shop, jeweller: Party) -> None:
    paper = draw_paper(shop, jeweller, new_ring(shop, jeweller))
    short = short_of(paper.token)
    assert public(shop, short).json()["detail"] == "this code is not in use yet"
    assert found(shop, jeweller, short) == []
    sell(shop, jeweller, paper)
    assert public(shop, short).json()["id"] == paper.item
    assert found(shop, jeweller, short)[0]["subject"] == paper.item
    drawn = shop.post("/v1/codes", {"count": 2}, jeweller).json()["cards"]
    assert all(card["short_code"] == short_of(card["token"]) for card in drawn)
    (card,) = shop.ledger.codes.draw([[uuid("sealed")]], kind="card", custody="sealed", party=jeweller.id)
    assert card.short in format_sheet([card], PUBLIC_URL, load_catalogue("en"))
    assert card_command.public(card)["short_code"] == card.short


def test_after_a_transfer_the_new_holders_code_has_its_own(shop: Shop, jeweller: Party) -> None:
    paper = sold_ring(shop, jeweller)
    phone, new = claim(shop, paper), key("the next holder")
    answer = speak(shop, paper, "item.transferred", phone, also=new)
    code = answer.json()["code"]
    assert code["short_code"] == short_of(code["token"])
    assert public(shop, code["short_code"]).json()["id"] == paper.item
    assert public(shop, short_of(paper.token)).status_code == 200, "what anybody may see stays so"
    assert found(shop, jeweller, code["short_code"]) == [], "the shop did not make it"


@pytest.mark.parametrize("how", ["drawn", "made later", "of a case"])
def test_with_who_she_is_her_short_codes_are_erased_and_stay_so_after_a_restore(
    shop: Shop, jeweller: Party, how: str
) -> None:
    paper, other = sold_ring(shop, jeweller), sold_ring(shop, jeweller)
    body: dict[str, Any] = {"private": CUSTOMER}
    if how == "of a case":
        details = {"kind": "repair", "channel": "store", "issue": "quality"}
        body["statement"] = shop.statement(jeweller, "case.opened", paper.item, details, case=CASE)
    else:
        paper = draw_paper(shop, jeweller, new_ring(shop, jeweller))
        details = {"channel": "store", "holder_key": paper.key.did, "holder_custody": "receipt"}
        body["statement"] = shop.statement(jeweller, "item.sold", paper.item, details)
    assert shop.post("/v1/statements", body, jeweller).status_code == 201
    token = paper.token
    if how != "drawn":
        more = {"kind": "case", "case": CASE} if how == "of a case" else {}
        token = made(shop, jeweller, paper.item, **more)["token"]
    short, said = short_of(token), body["statement"]["id"]
    assert found(shop, jeweller, short)[0]["subject"] == paper.item
    before = rows(shop, "SELECT id, short FROM code")
    erased(shop, jeweller, statements=[said], classes=["contact"])
    assert found(shop, jeweller, short) == []
    assert public(shop, short).status_code == 404
    assert found(shop, jeweller, short_of(other.token))[0]["subject"] == other.item, "nobody else's"
    if how != "of a case":
        assert short not in shop.get(f"/i/{token}").text
        assert shop.get(f"/i/{token}").status_code == 200, "the code itself still opens her page"
    with shop.ledger.writing() as connection:
        for code_id, kept in before:
            connection.write((), ("UPDATE code SET short = ? WHERE id = ?", (kept, code_id)))
        connection.commit()
    assert found(shop, jeweller, short) != [], "as an old backup has it"
    shop.ledger.erasures.destroy_again([(said, "contact")])
    assert found(shop, jeweller, short) == []


def test_other_classes_leave_it(shop: Shop, jeweller: Party) -> None:
    paper = draw_paper(shop, jeweller, new_ring(shop, jeweller))
    details = {"channel": "store", "holder_key": paper.key.did, "holder_custody": "receipt"}
    statement = shop.statement(jeweller, "item.sold", paper.item, details)
    body = {"statement": statement, "private": {"note": "likes old gold"}}
    assert shop.post("/v1/statements", body, jeweller).status_code == 201
    erased(shop, jeweller, statements=[statement["id"]], classes=["description"])
    assert found(shop, jeweller, short_of(paper.token))[0]["subject"] == paper.item


def test_two_codes_with_one_short_code_lead_nowhere_by_it(shop: Shop, jeweller: Party) -> None:
    first, second = (made(shop, jeweller, new_ring(shop, jeweller)) for _ in range(2))
    with shop.ledger.writing() as connection:
        digest = shop.ledger.access.keyed.hash("short_code", first["short_code"])
        connection.write((), ("UPDATE code SET short = ?", (digest,)))
        connection.commit()
    assert public(shop, first["short_code"]).status_code == 404
    assert found(shop, jeweller, first["short_code"]) == []
    assert shop.get(f"/i/{second['token']}").status_code == 200


@pytest.mark.parametrize("accept", ["text/html", JSON])
def test_a_malformed_one_looks_like_an_unknown_one_and_is_looked_up_like_one(
    shop: Shop, monkeypatch: pytest.MonkeyPatch, accept: str
) -> None:
    reads: list[Any] = []

    def counted(engine: Any) -> Any:
        reads.append(engine)
        return session(engine)

    monkeypatch.setattr(codes, "session", counted)
    guesses = ("V1N8-QSG1-FKRQ", "V1N8-QSG1-FKRW", "x", "%FF%FE", "%00", "%0d%0aSet-Cookie:a=b", "a" * 500, "..%2F..")
    answers = [shop.get(f"/s/{code}", accept=accept) for code in guesses]
    assert {answer.status_code for answer in answers} == {404}
    different = {"x-request-id", "content-length"} if accept == JSON else {"x-request-id"}
    assert len({answer.json()["detail"] if accept == JSON else answer.content for answer in answers}) == 1
    same = [{k: v for k, v in answer.headers.items() if k not in different} for answer in answers]
    assert all(headers == same[0] for headers in same)
    assert len(reads) == len(answers)


def test_whoever_guesses_short_codes_waits_as_with_any_code(shop: Shop, jeweller: Party) -> None:
    short = made(shop, jeweller, new_ring(shop, jeweller))["short_code"]
    thief, guest = Browser(shop, address="192.0.2.1"), Browser(shop, address="192.0.2.2")
    answers = [thief.http.get(f"/s/{'V1N8-QSG1-FKRQ' if n % 2 else 'x'}").status_code for n in range(LOST_TOKENS + 1)]
    assert answers == [404] * LOST_TOKENS + [429]
    assert thief.http.get(f"/s/{short}").status_code == 429
    assert guest.http.get(f"/s/{short}").status_code == 200


def test_the_code_of_an_older_ledger_has_none_and_none_is_shown(shop: Shop, jeweller: Party) -> None:
    code = made(shop, jeweller, new_ring(shop, jeweller))
    with shop.ledger.writing() as connection:
        connection.write((), ("UPDATE code SET short = NULL", ()))
        connection.commit()
    page = shop.get(f"/i/{code['token']}")
    assert page.status_code == 200
    assert code["short_code"] not in page.text
    assert "short_code" not in shop.get(f"/i/{code['token']}", accept=JSON).json()
