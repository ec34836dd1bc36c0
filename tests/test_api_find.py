"""``POST /v1/find``: in the body, of the own chain, written down, and not to be tried out."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from api.counts import WINDOW
from ledger.db.find import find_rows
from ledger.leaf import statement_from
from tests.build import uuid
from tests.shop import RING, Party, Shop, open_shop

PHONE = "+1 202 555 0100"
PATH = "/v1/find"


@pytest.fixture
def shop(database_url: str, tmp_path: Path) -> Iterator[Shop]:
    with open_shop(tmp_path, database_url) as opened:
        yield opened


def party(shop: Shop, name: str, parent: Party | None = None) -> Party:
    body = {"name": name, "roles": ["retailer", "certifier", "repairer"], "id": uuid(name), "country": "US"}
    body |= {"parent": parent.id} if parent else {}
    assert shop.post("/v1/parties", body, shop.operator).status_code == 201
    return Party(uuid(name), shop.api_key(uuid(name), "write"))


def remember(shop: Shop, who: Party, subject: str, **private: Any) -> str:
    """Say something of an item with private members beside, as the vault does; the statement's id."""
    value = shop.statement(who, "item.registered", subject, {"name": "Ring", "category": "jewellery"})
    rows = find_rows(statement_from(value), private, shop.ledger.finder.key(who.id))
    from ledger.db import tables  # noqa: PLC0415

    with shop.ledger.attachments._gate.writing() as connection:
        for row in rows:
            connection.execute(tables.metadata.tables[row.table].insert(), dict(row.values))
    return str(value["id"])


def found(answer: Any) -> list[str]:
    assert answer.status_code == 200, answer.text
    return [one["statement"] for one in answer.json()["found"]]


def test_what_stands_in_a_statement_is_found_by_its_chain(shop: Shop) -> None:
    head = party(shop, "head")
    mine, rival = party(shop, "mine", head), party(shop, "rival")
    registered = shop.say(mine, "item.registered", RING, {"name": "Ring", "category": "jewellery"})["id"]
    details = {"certificate_no": "GIA 123-456", "result": "authentic", "methods": ["xrf"]}
    certified = shop.say(mine, "authentication.certified", RING, details)["id"]
    made = shop.post("/v1/items", {"gtin": "09520123456788", "serial": "R/002", "name": "B", "category": "x"}, mine)
    assert made.status_code == 201
    for body, want in (
        ({"serial": "r001"}, [registered]),
        ({"certificate_no": "gia123456"}, [certified]),
        ({"serial": "R-002"}, [made.json()["receipt"]["id"]]),
        ({"job_no": "J7"}, []),
    ):
        assert found(shop.post(PATH, body, mine)) == found(shop.post(PATH, body, head)) == want
        assert found(shop.post(PATH, body, rival)) == []
    (one,) = shop.post(PATH, {"serial": "R/001"}, mine).json()["found"]
    assert one == {"statement": registered, "subject": RING, "party": mine.id}


def test_a_batch_is_found_too(shop: Shop) -> None:
    mine = party(shop, "mine")
    body = [{"statement": shop.registered(mine)}]
    assert shop.post("/v1/statements/batch", body, mine).status_code == 200
    assert len(found(shop.post(PATH, {"serial": "R/001"}, mine))) == 1


def test_another_chain_is_told_the_same_of_what_is_there_and_of_what_is_not(shop: Shop) -> None:
    mine, rival = party(shop, "mine"), party(shop, "rival")
    said = remember(shop, mine, RING, customer={"phone": PHONE, "email": "jane@example.org"})
    assert found(shop.post(PATH, {"phone": "(202) 555-0100"}, mine)) == [said]
    answers = [
        shop.post(PATH, body, rival)
        for body in ({"phone": PHONE}, {"phone": "+1 202 555 0199"}, {"email": "jane@example.org"}, {"email": "x@y.z"})
    ]
    assert len({one.content for one in answers}) == 1
    assert len({tuple(sorted(set(one.headers) - {"x-request-id"})) for one in answers}) == 1
    # Nor by writing the same number itself: it finds its own.
    own = remember(shop, rival, uuid("other"), customer={"phone": PHONE})
    assert found(shop.post(PATH, {"phone": PHONE}, rival)) == [own]
    # The operator's own party is a chain of its own, too.
    assert found(shop.post(PATH, {"phone": PHONE}, shop.operator)) == []


def test_every_search_is_written_down_without_what_was_looked_for(shop: Shop, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    head = party(shop, "head")
    mine = party(shop, "mine", head)
    said = remember(shop, mine, RING, customer={"phone": PHONE})
    shop.post(PATH, {"phone": PHONE}, head)
    shop.clock.now += 1
    shop.post(PATH, {"email": "nobody@example.org"}, mine)
    missed, hit = shop.ledger.readings.readings()[0]
    assert (hit.party, hit.subject, hit.statement, hit.owner) == (head.id, RING, said, mine.id)
    assert (hit.members, hit.why, hit.outside) == (("phone",), "POST /v1/find", False)
    assert (missed.party, missed.subject, missed.members) == (mine.id, None, ("email",))
    assert shop.ledger.readings.signals() == []
    for word in ("555 0100", "5550100", "nobody"):
        assert word not in caplog.text
        assert word not in repr((missed, hit))


def test_how_often_a_key_may_search_is_limited(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shop.app.state.site.limits.finds, "most", 3)
    mine = party(shop, "mine")
    other = Party(mine.id, shop.api_key(mine.id, "read"))
    answers = [shop.post(PATH, {"job_no": f"J{n}"}, mine) for n in range(4)]
    assert [one.status_code for one in answers] == [200, 200, 200, 429]
    assert 0 < int(answers[-1].headers["retry-after"]) <= 900
    assert shop.post(PATH, {"job_no": "J1"}, other).status_code == 200
    shop.clock.now += WINDOW
    assert shop.post(PATH, {"job_no": "J1"}, mine).status_code == 200


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({}, ""),
        ({"phone": PHONE, "email": "x@example.org"}, ""),
        ({"name": "Jane"}, "/name"),
        ({"phone": ""}, "/phone"),
        ({"phone": 12025550100}, "/phone"),
        ({"phone": ["+1"]}, "/phone"),
        ({"phone": "x" * 201}, "/phone"),
        ({"phone": "abc"}, "/phone"),
        ({"email": "nobody"}, "/email"),
        ({"serial": "-"}, "/serial"),
    ],
)
def test_what_cannot_be_looked_for_is_named_and_not_repeated(tmp_path: Path, body: Any, pointer: str) -> None:
    with open_shop(tmp_path) as shop:
        answer = shop.post(PATH, body, shop.operator)
        assert answer.status_code == 422
        assert answer.json()["errors"][0]["pointer"] == pointer
        assert PHONE not in answer.text
        assert shop.ledger.readings.readings()[0] == []


def test_a_search_needs_a_key(tmp_path: Path) -> None:
    with open_shop(tmp_path) as shop:
        assert shop.post(PATH, {"phone": PHONE}).status_code == 401
        assert shop.get(f"{PATH}?phone=5550100", shop.operator).status_code == 405
