"""Statements over HTTP: one, batches, repeats, refusals; a refused one changes nothing."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from ledger import receipt
from ledger.dsse import SigningKey
from ledger.note import parse_vkey
from tests.build import uuid
from tests.shop import JSON, RING, Party, Shop, open_shop, segment, signed

OWN = SigningKey.from_seed(bytes(range(1, 33)))
STRANGER = SigningKey.from_seed(bytes(range(2, 34)))
WORK = {"work": ["polish"]}


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    with open_shop(tmp_path_factory.mktemp("shop")) as shop:
        shop.party("jeweller", "retailer", "repairer")
        shop.party("rival", "retailer", "repairer")
        yield shop


@pytest.fixture
def jeweller(shop: Shop) -> Party:
    return shop.parties["jeweller"]


def item(shop: Shop) -> str:
    """The subject of an item nobody has named yet."""
    shop.count += 1
    return f"https://id.gs1.org/01/09520123456788/21/S{shop.count}"


def checked(shop: Shop, answer: Any) -> receipt.VerifiedReceipt:
    """What a receipt proves to somebody who pinned the ledger's key."""
    parsed = receipt.parse_receipt(json.dumps(answer).encode())
    return receipt.check_receipt(parsed, [parse_vkey(vkey) for vkey in shop.ledger.vkeys])


def test_an_unsigned_statement_is_signed_in_custody_and_answered_with_its_receipt(shop: Shop, jeweller: Party) -> None:
    statement = shop.registered(jeweller, item(shop))
    answer = shop.post("/v1/statements", {"statement": statement}, jeweller)
    assert answer.status_code == 201
    assert answer.headers["location"] == f"/v1/statements/{statement['id']}"
    proved = checked(shop, answer.json())
    assert proved.entry.statement.id == statement["id"]
    assert json.loads(answer.json()["entry"])["statement"] == statement


def test_the_service_adds_only_id_ledger_and_time(shop: Shop, jeweller: Party) -> None:
    statement = shop.registered(jeweller, item(shop))
    bare = {name: statement[name] for name in ("type", "subjects", "party", "details")}
    answer = shop.post("/v1/statements", {"statement": bare}, jeweller)
    entry = checked(shop, answer.json()).entry
    assert entry.statement.ledger == shop.ledger.id
    assert entry.statement.id[23] == "7"
    assert entry.statement.occurred_at == statement["occurred_at"]
    assert set(json.loads(answer.json()["entry"])["statement"]) == set(statement)


def test_the_body_may_have_any_spacing_and_order(shop: Shop, jeweller: Party) -> None:
    statement = shop.registered(jeweller, item(shop))
    text = json.dumps({"statement": dict(reversed(statement.items()))}, indent=3)
    answer = shop.client.post("/v1/statements", content=text, headers={**jeweller.headers, **JSON})
    assert answer.status_code == 201


def test_the_same_statement_again_has_a_receipt_of_the_same_entry_and_adds_nothing(shop: Shop, jeweller: Party) -> None:
    body = {"statement": shop.registered(jeweller, item(shop))}
    first = shop.post("/v1/statements", body, jeweller)
    shop.say(jeweller, "item.registered", item(shop), {"name": "Other", "category": "watch"})
    size = shop.size()
    again = shop.post("/v1/statements", body, jeweller)
    assert again.status_code == 200
    assert again.json()["entry"] == first.json()["entry"]
    checked(shop, again.json())
    assert shop.size() == size


def test_other_bytes_under_the_same_id_are_a_conflict(shop: Shop, jeweller: Party) -> None:
    statement = shop.registered(jeweller, item(shop))
    shop.post("/v1/statements", {"statement": statement}, jeweller)
    size = shop.size()
    other = {**statement, "details": {"name": "Other", "category": "jewellery"}}
    answer = shop.post("/v1/statements", {"statement": other}, jeweller)
    assert answer.status_code == 409
    assert answer.json()["errors"][0]["pointer"].startswith("/statement")
    assert shop.size() == size


def test_a_party_that_keeps_its_key_signs_itself(shop: Shop) -> None:
    made = shop.post("/v1/parties", {"name": "Lab", "roles": ["certifier"], "custody": "none"}, shop.operator).json()
    lab = Party(made["id"], shop.api_key(made["id"], "write"), OWN)
    added = shop.statement(shop.operator, "key.added", f"{lab.id}#authority", {"key": OWN.did, "custody": "self"})
    body = {"kind": "signing", "party": lab.id, **signed(added, OWN)}
    answer = shop.post("/v1/keys", body, shop.operator)
    assert answer.status_code == 201, answer.text
    assert answer.json()["key"] == OWN.did
    ring = item(shop)
    shop.say(shop.parties["jeweller"], "item.registered", ring, {"name": "Ring", "category": "jewellery"})
    code = shop.code(shop.parties["jeweller"], ring)
    result = {"certificate_no": "L-1", "result": "authentic", "methods": ["loupe"]}
    statement = shop.statement(lab, "authentication.certified", ring, result)
    unsigned = shop.post("/v1/statements", {"statement": statement}, lab)
    assert (unsigned.status_code, unsigned.json()["errors"][0]["pointer"]) == (422, "/signatures")
    assert shop.post("/v1/statements", signed(statement, OWN), lab).status_code == 403
    answer = shop.post("/v1/statements", signed(statement, OWN), lab, **{"Patina-Code": code})
    assert answer.status_code == 201, answer.text
    assert [one.key for one in checked(shop, answer.json()).entry.signatures] == [OWN.did]


def test_a_key_that_is_not_in_force_is_refused(shop: Shop, jeweller: Party) -> None:
    size = shop.size()
    answer = shop.post("/v1/statements", signed(shop.registered(jeweller, item(shop)), STRANGER), jeweller)
    assert answer.status_code == 403
    assert answer.json()["errors"][0]["pointer"].startswith("/signatures")
    assert shop.size() == size


def test_a_signature_of_other_bytes_is_refused_before_it_reaches_the_log(shop: Shop, jeweller: Party) -> None:
    body = signed(shop.registered(jeweller, item(shop)), STRANGER)
    body["statement"]["details"]["name"] = "Altered"
    answer = shop.post("/v1/statements", body, jeweller)
    assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, "/signatures/0")


def test_each_of_a_batch_stands_alone_and_in_order(shop: Shop, jeweller: Party) -> None:
    ring = item(shop)
    size = shop.size()
    batch = [
        {"statement": shop.registered(jeweller, ring)},
        {"statement": {**shop.registered(jeweller, item(shop)), "type": "item.unheard_of"}},
        {"statement": shop.statement(jeweller, "maintenance.performed", ring, WORK)},
        {"statement": shop.registered(jeweller, ring)},
        "text",
        {"statement": shop.statement(jeweller, "repair.completed", ring, {**WORK, "tests": []})},
    ]
    answer = shop.post("/v1/statements/batch", batch, jeweller)
    assert answer.status_code == 200
    results = answer.json()
    assert [one.get("status", "receipt") for one in results] == ["receipt", 422, "receipt", 409, 400, "receipt"]
    assert results[1]["errors"][0]["pointer"] == "/1/statement/type"
    assert results[3]["errors"][0]["pointer"].startswith("/3/statement")
    indexes = [checked(shop, results[number]).entry.index for number in (0, 2, 5)]
    assert indexes == sorted(indexes)
    assert shop.size() == size + 4


def test_a_batch_may_be_lines(shop: Shop, jeweller: Party) -> None:
    lines = [json.dumps({"statement": shop.registered(jeweller, item(shop))}) for _ in range(3)]
    lines[1] = '{"statement": {"id": 1.5}}'
    headers = {**jeweller.headers, "Content-Type": "application/x-ndjson"}
    answer = shop.client.post("/v1/statements/batch", content="\n".join(lines) + "\n", headers=headers)
    assert [one.get("status", "receipt") for one in answer.json()] == ["receipt", 400, "receipt"]


def test_a_batch_of_a_thousand_goes_through(shop: Shop, jeweller: Party) -> None:
    batch = [{"statement": shop.registered(jeweller, item(shop))} for _ in range(1000)]
    answer = shop.post("/v1/statements/batch", batch, jeweller)
    assert [one["id"] for one in answer.json()] == [one["statement"]["id"] for one in batch]
    assert shop.post("/v1/statements/batch", [*batch, batch[0]], jeweller).status_code == 422
    assert shop.post("/v1/statements/batch", [], jeweller).status_code == 422


@pytest.mark.parametrize("wrong", ["form", "rule"])
def test_an_atomic_batch_is_all_or_nothing(shop: Shop, jeweller: Party, wrong: str) -> None:
    ring = item(shop)
    size = shop.size()
    good = {"statement": shop.registered(jeweller, ring)}
    bad = {"statement": shop.registered(jeweller, ring)}
    if wrong == "form":
        bad["statement"]["details"] = {}
    answer = shop.post("/v1/statements/batch?atomic=true", [good, bad], jeweller)
    assert answer.status_code == (422 if wrong == "form" else 409)
    assert answer.json()["errors"][0]["pointer"].startswith("/1/statement")
    assert shop.size() == size
    step = {"statement": shop.statement(jeweller, "maintenance.performed", ring, WORK)}
    answer = shop.post("/v1/statements/batch?atomic=true", [good, step], jeweller)
    assert answer.status_code == 200
    assert [one["index"] for one in answer.json()] == [size, size + 1]


def test_a_private_member_in_clear_is_sent_to_its_place(shop: Shop, jeweller: Party) -> None:
    details = {**WORK, "tests": []}
    for member, why in (
        ("cost", "private member of repair.completed: want it in private, beside the statement"),
        ("note", "private member of repair.completed: want it in private, beside the statement"),
        ("mood", "does not have"),
    ):
        statement = shop.statement(jeweller, "repair.completed", item(shop), {**details, member: 5})
        (told,) = shop.post("/v1/statements", {"statement": statement}, jeweller).json()["errors"]
        assert told["pointer"] == f"/statement/details/{member}"
        assert why in told["detail"]


def test_a_statement_is_found_by_its_id(shop: Shop, jeweller: Party) -> None:
    statement = shop.registered(jeweller, item(shop))
    posted = shop.post("/v1/statements", {"statement": statement}, jeweller).json()
    found = shop.get(f"/v1/statements/{segment(statement['id'])}", jeweller).json()
    assert found["statement"] == statement
    assert found["entry"] == posted["entry"]
    assert found["index"] == posted["index"]
    checked(shop, found["receipt"])
    assert shop.get(f"/v1/statements/{segment(uuid('nothing'))}", jeweller).status_code == 404
    assert shop.get("/v1/statements/nonsense", jeweller).status_code == 404


def test_only_who_has_something_to_do_with_an_item_writes_about_it(shop: Shop, jeweller: Party) -> None:
    rival = shop.parties["rival"]
    ring = item(shop)
    shop.say(jeweller, "item.registered", ring, {"name": "Ring", "category": "jewellery"})
    repaired = {"statement": shop.statement(rival, "maintenance.performed", ring, WORK)}
    size = shop.size()
    answer = shop.post("/v1/statements", repaired, rival)
    assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (403, "/statement/subjects/0")
    for wrong in (RING, "x" * 22, ""):
        assert shop.post("/v1/statements", repaired, rival, **{"Patina-Code": wrong}).status_code == 403
    other = item(shop)
    shop.say(jeweller, "item.registered", other, {"name": "Ring", "category": "jewellery"})
    assert (
        shop.post("/v1/statements", repaired, rival, **{"Patina-Code": shop.code(jeweller, other)}).status_code == 403
    )
    assert shop.size() == size + 2
    code = shop.code(jeweller, ring)
    assert shop.post("/v1/statements", repaired, rival, **{"Patina-Code": f"{'x' * 22}, {code}"}).status_code == 201


def test_custody_lasts_from_taking_in_to_giving_back(shop: Shop, jeweller: Party) -> None:
    rival = shop.parties["rival"]
    ring, case = item(shop), uuid(f"case {shop.count}")
    shop.say(jeweller, "item.registered", ring, {"name": "Ring", "category": "jewellery"})
    opened = {"kind": "repair", "channel": "store", "issue": "quality"}
    code = {"Patina-Code": shop.code(jeweller, ring)}
    for kind, details in (("case.opened", opened), ("case.received", {"evidence": {}})):
        statement = shop.statement(rival, kind, ring, details, case=case)
        assert shop.post("/v1/statements", {"statement": statement}, rival, **code).status_code == 201
    shop.say(rival, "repair.completed", ring, {**WORK, "tests": []}, case=case)
    shop.say(rival, "case.returned", ring, {"evidence": {}}, case=case)
    late = shop.statement(rival, "case.contacted", ring, {"channel": "phone", "reached": True}, case=case)
    assert shop.post("/v1/statements", {"statement": late}, rival).status_code == 403


def test_a_key_speaks_for_its_own_party_and_the_operators_may_carry_what_others_signed(
    shop: Shop, jeweller: Party
) -> None:
    rival = shop.parties["rival"]
    statement = shop.registered(jeweller, item(shop))
    answer = shop.post("/v1/statements", {"statement": statement}, rival)
    assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (403, "/statement/party")
    assert shop.post("/v1/statements", {"statement": statement}, shop.operator).status_code == 403
    signer = shop.ledger.access.party_signer(jeweller.id)
    assert signer is not None
    assert shop.post("/v1/statements", signed(statement, signer), rival).status_code == 403
    assert shop.post("/v1/statements", signed(statement, signer), shop.operator).status_code == 201


def test_a_refusal_to_sign_is_told_and_ends_every_append(tmp_path: Path) -> None:
    with open_shop(tmp_path) as shop:
        jeweller = shop.party("jeweller", "retailer")
        size = shop.size()
        shop.ledger.writer.refusal = "leaf 2 in the database is not the leaf that was appended"
        answer = shop.post("/v1/statements", {"statement": shop.registered(jeweller)}, jeweller)
        assert answer.status_code == 503
        assert answer.headers["retry-after"]
        assert "leaf 2" in answer.json()["detail"]
        ready = shop.get("/readyz")
        assert (ready.status_code, ready.json()["type"]) == (503, "/docs/problems#unavailable")
        assert "leaf 2" in ready.json()["detail"]
        assert shop.get("/healthz").status_code == 200
        assert shop.size() == size
