"""Private members over HTTP: given beside a statement, kept sealed, shown to whom they are for; on both databases."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from api.pages.item_page import verify
from ledger import private
from ledger.disclosure import digest, make_disclosure
from ledger.dsse import SigningKey
from ledger.errors import Disproved
from ledger.history import VerifiedHistory
from tests.build import uuid
from tests.shop import RING, Party, Shop, open_shop, segment, signed

OWN = SigningKey.from_seed(bytes(range(1, 33)))
PERSON = "urn:uuid:00000000-0000-4000-8000-0000000000aa"
CUSTOMER = {"name": "Ada Example", "phone": "+1 555 0100", "email": "ada@example.org"}
PRIVATE = {"customer": CUSTOMER, "price": {"amount": "120.00", "currency": "EUR"}, "receipt_no": "R-77123"}


@pytest.fixture
def shop(tmp_path: Path, database_url: str) -> Iterator[Shop]:
    with open_shop(tmp_path, database_url) as shop:
        shop.party("jeweller", "retailer", "repairer")
        shop.party("rival", "retailer", "repairer")
        shop.say(shop.parties["jeweller"], "item.registered", RING, {"name": "Ring", "category": "jewellery"})
        yield shop


@pytest.fixture
def jeweller(shop: Shop) -> Party:
    return shop.parties["jeweller"]


def sale(shop: Shop, party: Party, **more: Any) -> dict[str, Any]:
    """A sale with private members, as a shop posts it."""
    return {"statement": shop.statement(party, "item.sold", RING, {"channel": "store"}), "private": PRIVATE, **more}


def history(shop: Shop, who: Party) -> VerifiedHistory:
    """The history that a party is given, verified as any reader would."""
    raw = shop.get(f"/v1/items/{segment(RING)}/history", who).content
    return verify(raw, RING, shop.ledger.vkeys, shop.clock())


def rows(shop: Shop, table: str) -> int:
    """How many rows a table has."""
    with shop.ledger._engine.connect() as connection:
        return int(connection.exec_driver_sql(f"SELECT count(*) FROM {table}").scalar() or 0)


def test_only_digests_enter_the_log_and_the_recorder_gets_disclosures_that_verify(shop: Shop, jeweller: Party) -> None:
    body = sale(shop, jeweller)
    answer = shop.post("/v1/statements", body, jeweller)
    assert answer.status_code == 201, answer.text
    statement = json.loads(answer.json()["entry"])["statement"]
    assert {name: statement[name] for name in body["statement"]} == body["statement"]
    assert len(statement["_sd"]) == len(private.allowed("item.sold"))
    assert "Ada Example" not in answer.text
    assert "120.00" not in answer.text
    assert history(shop, jeweller).disclosed == {body["statement"]["id"]: PRIVATE}
    found = shop.get(f"/v1/statements/{segment(body['statement']['id'])}", jeweller).json()
    assert found["private"] == PRIVATE
    assert {digest(one) for one in found["disclosures"]} <= set(statement["_sd"])


def test_salts_are_fresh(shop: Shop, jeweller: Party) -> None:
    seen = []
    for _ in range(2):
        answer = shop.post("/v1/statements", sale(shop, jeweller), jeweller)
        seen.append(set(json.loads(answer.json()["entry"])["statement"]["_sd"]))
    assert not seen[0] & seen[1]


def test_a_disclosure_that_was_altered_does_not_verify(shop: Shop, jeweller: Party) -> None:
    shop.post("/v1/statements", sale(shop, jeweller), jeweller)
    bundle = shop.get(f"/v1/items/{segment(RING)}/history", jeweller).json()
    (texts,) = bundle["disclosures"].values()
    texts[0] = make_disclosure("price", "1.00", bytes(16))
    with pytest.raises(Disproved) as wrong:
        verify(json.dumps(bundle).encode(), RING, shop.ledger.vkeys, shop.clock())
    assert wrong.value.check == 9


def test_others_and_codes_get_none(shop: Shop, jeweller: Party) -> None:
    body = sale(shop, jeweller)
    shop.post("/v1/statements", body, jeweller)
    assert history(shop, shop.parties["rival"]).disclosed == {}
    assert history(shop, shop.operator).disclosed == {}
    found = shop.get(f"/v1/statements/{segment(body['statement']['id'])}", shop.parties["rival"]).json()
    assert (found["private"], found["disclosures"]) == ({}, [])
    token = shop.code(jeweller)
    assert json.loads(shop.get(f"/i/{token}/history").content)["disclosures"] == {}
    assert "Ada Example" not in shop.get(f"/i/{token}").text


def test_what_leaves_is_written_into_the_access_log(shop: Shop, jeweller: Party) -> None:
    body = sale(shop, jeweller)
    shop.post("/v1/statements", body, jeweller)
    shop.get(f"/v1/items/{segment(RING)}/history", shop.parties["rival"])
    assert shop.ledger.readings.readings()[0] == []
    history(shop, jeweller)
    (reading,) = shop.ledger.readings.readings()[0]
    assert (reading.statement, reading.party, reading.owner) == (body["statement"]["id"], jeweller.id, jeweller.id)
    assert sorted(reading.members) == sorted(PRIVATE)
    assert not reading.outside


def test_private_answers_are_kept_by_no_cache(shop: Shop, jeweller: Party) -> None:
    path = f"/v1/items/{segment(RING)}/history"
    assert shop.get(path, jeweller).headers["cache-control"] == "no-cache"
    shop.post("/v1/statements", sale(shop, jeweller), jeweller)
    assert shop.get(path, jeweller).headers["cache-control"] == "no-store"
    assert shop.get(path, shop.parties["rival"]).headers["cache-control"] == "no-cache"


def test_the_same_again_is_answered_from_the_entry_that_stands(shop: Shop, jeweller: Party) -> None:
    body = sale(shop, jeweller, person=PERSON)
    first = shop.post("/v1/statements", body, jeweller)
    size, sealed = shop.size(), rows(shop, "sealed")
    again = shop.post("/v1/statements", body, jeweller)
    assert (first.status_code, again.status_code) == (201, 200)
    assert again.json()["entry"] == first.json()["entry"]
    assert (shop.size(), rows(shop, "sealed"), rows(shop, "pseudonym")) == (size, sealed, 1)


@pytest.mark.parametrize("change", ["value", "more", "less", "none", "statement"])
def test_another_statement_under_the_same_id_is_a_conflict(shop: Shop, jeweller: Party, change: str) -> None:
    body = sale(shop, jeweller)
    shop.post("/v1/statements", body, jeweller)
    size = shop.size()
    if change == "statement":
        body["statement"] = {**body["statement"], "details": {"channel": "web"}}
    elif change == "none":
        del body["private"]
    else:
        other = {
            "value": {**PRIVATE, "receipt_no": "R-2"},
            "more": {**PRIVATE, "note": "x"},
            "less": {"customer": CUSTOMER},
        }
        body["private"] = other[change]
    answer = shop.post("/v1/statements", body, jeweller)
    assert answer.status_code == 409, answer.text
    assert shop.size() == size


def test_a_statement_without_private_members_is_not_repeated_with_some(shop: Shop, jeweller: Party) -> None:
    body = sale(shop, jeweller)
    shop.post("/v1/statements", {"statement": body["statement"]}, jeweller)
    assert shop.post("/v1/statements", body, jeweller).status_code == 409
    assert rows(shop, "sealed") == 0


def test_repeats_within_one_batch(shop: Shop, jeweller: Party) -> None:
    body = sale(shop, jeweller)
    other = {**body, "private": {"receipt_no": "R-2"}}
    answer = shop.post("/v1/statements/batch", [body, body, other], jeweller).json()
    assert answer[0]["entry"] == answer[1]["entry"]
    assert answer[2]["status"] == 409
    refused = shop.post("/v1/statements/batch?atomic=true", [sale(shop, jeweller), other], jeweller)
    assert refused.status_code == 409
    assert rows(shop, "sealed") == 2


def test_a_refused_statement_leaves_nothing(shop: Shop, jeweller: Party) -> None:
    body = sale(shop, shop.parties["rival"], person=PERSON)
    assert shop.post("/v1/statements", body, shop.parties["rival"]).status_code == 403
    assert [rows(shop, name) for name in ("sealed", "seal_key", "pseudonym")] == [0, 0, 0]


@pytest.mark.parametrize(
    ("more", "pointer"),
    [
        ({"private": {"cost": "5.00"}}, "/private/cost"),
        ({"private": {"price": 5}}, "/private/price"),
        ({"private": []}, "/private"),
        ({"private": {}}, "/private"),
        ({"person": "ada@example.org"}, "/person"),
        ({"person": 5}, "/person"),
        ({"disclosures": []}, "/disclosures"),
        ({"signatures": [{"key": "x", "sig": "y"}]}, "/private"),
        ({"secret": 1}, "/secret"),
    ],
)
def test_bad_private_members_are_refused_with_their_place(
    shop: Shop, jeweller: Party, more: dict[str, Any], pointer: str
) -> None:
    size = shop.size()
    answer = shop.post("/v1/statements", sale(shop, jeweller, **more), jeweller)
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["pointer"] == pointer
    assert shop.size() == size


def test_digests_are_the_services_to_make_if_the_values_are_given(shop: Shop, jeweller: Party) -> None:
    body = sale(shop, jeweller)
    body["statement"] |= {"_sd": [digest("x")], "_sd_alg": "sha-256"}
    answer = shop.post("/v1/statements", body, jeweller)
    assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, "/statement/_sd")


def own_party(shop: Shop) -> Party:
    """A retailer that signs itself and has registered the ring."""
    made = shop.post("/v1/parties", {"name": "Lone", "roles": ["retailer"], "custody": "none"}, shop.operator).json()
    party = Party(made["id"], shop.api_key(made["id"], "write"), OWN)
    added = shop.statement(shop.operator, "key.added", f"{party.id}#authority", {"key": OWN.did, "custody": "self"})
    body = {"kind": "signing", "party": party.id, **signed(added, OWN)}
    assert shop.post("/v1/keys", body, shop.operator).status_code == 201
    return party


def test_an_author_that_signs_itself_hands_over_its_own_disclosures(shop: Shop) -> None:
    party = own_party(shop)
    texts = [make_disclosure(name, PRIVATE[name], bytes([n]) * 16) for n, name in enumerate(PRIVATE)]
    watch = uuid("watch")
    registered = shop.statement(party, "item.registered", watch, {"name": "Watch", "category": "watch"})
    assert shop.post("/v1/statements", signed(registered, OWN), party).status_code == 201
    more = {"_sd": sorted(map(digest, texts)), "_sd_alg": "sha-256"}
    statement = shop.statement(party, "item.sold", watch, {"channel": "store"}, **more)
    foreign = make_disclosure("note", "x", bytes(16))
    for given in ([foreign], [5], "text", [texts[0], texts[0]]):
        answer = shop.post("/v1/statements", {**signed(statement, OWN), "disclosures": given}, party)
        assert answer.status_code == 422
        assert answer.json()["errors"][0]["pointer"].startswith("/disclosures")
    body = {**signed(statement, OWN), "disclosures": texts[:2]}
    assert shop.post("/v1/statements", body, party).status_code == 201
    assert shop.post("/v1/statements", body, party).status_code == 200
    raw = shop.get(f"/v1/items/{segment(watch)}/history", party).content
    shown = verify(raw, watch, shop.ledger.vkeys, shop.clock()).disclosed
    assert shown == {statement["id"]: {"customer": CUSTOMER, "price": PRIVATE["price"]}}
    bare = shop.statement(party, "item.sold", watch, {"channel": "store"})
    answer = shop.post("/v1/statements", {**signed(bare, OWN), "disclosures": texts}, party)
    assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, "/disclosures")


def test_another_row_of_the_vault_does_not_open(shop: Shop, jeweller: Party) -> None:
    first, second = sale(shop, jeweller), sale(shop, jeweller)
    for body in (first, second):
        shop.post("/v1/statements", body, jeweller)
    with shop.ledger._engine.begin() as connection:
        got = connection.exec_driver_sql('SELECT content FROM sealed WHERE "class" = 0').scalars().all()
        connection.exec_driver_sql(
            "UPDATE sealed SET content = (SELECT max(content) FROM sealed WHERE class = 0) WHERE class = 0"
        )
    assert len(set(got)) == 2
    answer = shop.get(f"/v1/items/{segment(RING)}/history", jeweller)
    assert answer.status_code == 503
    assert "do not open" in answer.json()["detail"]
