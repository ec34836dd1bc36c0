"""Signing keys over HTTP: a party's own and the operator's, rotation in one commit, suspension, and who may do what."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from api.cli import folder
from api.signing_keys import Clerk
from ledger import times
from ledger.db.ledger import Ledger, open_ledger
from ledger.db.secret import MasterKey
from ledger.dsse import SigningKey
from tests.build import uuid
from tests.shop import RING, Party, Shop, open_shop, segment, signed

OWN = SigningKey.from_seed(bytes(range(32)))
NEXT = SigningKey.from_seed(bytes(range(1, 33)))
WORK = {"work": ["polish"], "tests": []}
ABOUT = {"name": "Ring", "category": "jewellery"}


@pytest.fixture
def shop(database_url: str, tmp_path: Path) -> Iterator[Shop]:
    with open_shop(tmp_path, database_url) as shop:
        shop.party("maker", "retailer", "repairer", scopes=("signing",))
        shop.party("rival", "repairer", scopes=("signing",))
        yield shop


@pytest.fixture
def maker(shop: Shop) -> Party:
    return shop.parties["maker"]


def keys(shop: Shop, party: Party) -> list[str]:
    return list(shop.ledger.reader.parties().parties[party.id].keys)


def in_custody(shop: Shop, party: Party) -> set[str]:
    return {one.did for one in shop.ledger.access.party_keys(party.id)}


def refused(answer: Any, status: int, pointer: str | None = None) -> str:
    """What a problem document says."""
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    document = answer.json()
    if pointer is not None:
        assert document["errors"][0]["pointer"] == pointer, document
    return str(document["detail"])


def test_a_party_rotates_its_key_in_custody(shop: Shop, maker: Party) -> None:
    (old,) = keys(shop, maker)
    size = shop.size()
    answer = shop.post("/v1/signing-keys/rotate", {}, maker)
    assert answer.status_code == 201, answer.text
    made = answer.json()
    assert (made["party"], made["retired"]) == (maker.id, [old])
    assert len(made["receipts"]) == 2
    assert shop.size() == size + 3
    assert keys(shop, maker) == [made["key"]]
    assert in_custody(shop, maker) == {made["key"]}
    shop.say(maker, "item.registered", RING, ABOUT)
    listed = {one["key"]: one for one in shop.get("/v1/signing-keys", maker).json()["keys"]}
    assert set(listed) == {old, made["key"]}
    assert (listed[old]["in_force"], listed[old]["reason"], listed[old]["held_here"]) == (False, "retired", False)
    assert (listed[made["key"]]["in_force"], listed[made["key"]]["held_here"]) == (True, True)
    assert [one["installed_by_operator"] for one in listed.values()] == [True, False]


def test_a_party_moves_to_its_own_key_and_back(shop: Shop, maker: Party) -> None:
    (first,) = keys(shop, maker)
    to_sign = shop.post("/v1/signing-keys/rotate", {"to": OWN.did}, maker).json()["to_sign"]
    answer = shop.post("/v1/signing-keys/rotate", signed(to_sign, OWN), maker)
    assert answer.status_code == 201, answer.text
    assert (answer.json()["key"], answer.json()["retired"]) == (OWN.did, [first])
    assert (keys(shop, maker), in_custody(shop, maker)) == ([OWN.did], set())
    refused(shop.post("/v1/signing-keys/rotate", {}, maker), 409)
    refused(shop.post("/v1/statements", {"statement": shop.registered(maker)}, maker), 422, "/signatures")
    to_sign = shop.post("/v1/signing-keys/rotate", {"to": "custody"}, maker).json()["to_sign"]
    assert keys(shop, maker) == [OWN.did]
    answer = shop.post("/v1/signing-keys/rotate", signed(to_sign, OWN), maker)
    assert answer.status_code == 201, answer.text
    assert keys(shop, maker) == [to_sign["details"]["key"]]
    assert in_custody(shop, maker) == {to_sign["details"]["key"]}
    shop.say(maker, "item.registered", RING, ABOUT)


def test_a_tills_key_does_not_touch_signing_keys(shop: Shop, maker: Party) -> None:
    till = Party(maker.id, shop.api_key(maker.id, "write"))
    (key,) = keys(shop, maker)
    size = shop.size()
    end: dict[str, Any] = {"key": key, "reason": "lost"}
    for path, body in (("", {}), ("/rotate", {}), ("/rotate", {"to": OWN.did}), ("/revoke", end)):
        assert "want the right signing" in refused(shop.post(f"/v1/signing-keys{path}", body, till), 403)
    said = shop.statement(maker, "key.revoked", f"{maker.id}#authority", end)
    refused(shop.post("/v1/statements", {"statement": said}, till), 403, "/statement/type")
    assert (shop.size(), keys(shop, maker)) == (size, [key])
    assert shop.get("/v1/signing-keys", till).status_code == 200


def test_a_further_key_is_added_beside_those_in_force(shop: Shop, maker: Party) -> None:
    (old,) = keys(shop, maker)
    made = shop.post("/v1/signing-keys", {}, maker).json()
    assert keys(shop, maker) == [old, made["key"]]
    # A party without a key cannot add one: that is the operator's to say.
    for key in (old, made["key"]):
        assert shop.post("/v1/signing-keys/revoke", {"key": key, "reason": "lost"}, maker).status_code == 201
    assert in_custody(shop, maker) == set()
    refused(shop.post("/v1/signing-keys", {}, maker), 403, "/party")
    answer = shop.post("/v1/signing-keys", {"party": maker.id}, shop.operator)
    assert answer.status_code == 201, answer.text
    assert keys(shop, maker) == [answer.json()["key"]]
    assert shop.ledger.view.parties.keys[answer.json()["key"]].installed


def test_a_party_sees_and_ends_its_own_keys_alone(shop: Shop, maker: Party) -> None:
    rival = shop.parties["rival"]
    (other,) = keys(shop, rival)
    assert {one["party"] for one in shop.get("/v1/signing-keys", maker).json()["keys"]} == {maker.id}
    assert len(shop.get("/v1/signing-keys", shop.operator).json()["keys"]) == 3
    of_rival = shop.get(f"/v1/signing-keys?party={segment(rival.id)}", shop.operator).json()["keys"]
    assert [one["key"] for one in of_rival] == [other]
    refused(shop.get(f"/v1/signing-keys?party={segment(rival.id)}", maker), 403)
    size = shop.size()
    refused(shop.post("/v1/signing-keys/revoke", {"key": other, "reason": "lost"}, maker), 403, "/key")
    refused(shop.post("/v1/signing-keys/rotate", {"party": rival.id}, maker), 403, "/party")
    refused(shop.post("/v1/signing-keys", {"party": rival.id}, maker), 403, "/party")
    refused(shop.post("/v1/signing-keys", {"party": uuid("nobody")}, shop.operator), 422, "/party")
    to_sign = shop.post("/v1/signing-keys/rotate", {"to": OWN.did, "party": rival.id}, shop.operator).json()["to_sign"]
    refused(shop.post("/v1/signing-keys/rotate", signed(to_sign, OWN), maker), 403, "/statement/party")
    assert shop.size() == size


@pytest.mark.parametrize(
    ("path", "body", "pointer"),
    [
        ("revoke", {"key": OWN.did, "reason": "lost"}, "/key"),
        ("revoke", {"key": "{key}", "reason": "compromised"}, "/since"),
        ("revoke", {"key": "{key}", "reason": "stolen"}, "/reason"),
        ("revoke", {"key": "{key}", "reason": "compromised", "since": "2999-01-01T00:00:00Z"}, "/since"),
        ("revoke", {"key": "{key}", "reason": "compromised", "since": "yesterday"}, "/since"),
        ("rotate", {"to": "did:key:z6Mk"}, None),
        ("rotate", {"to": OWN.did, "statement": {}, "signatures": []}, "/to"),
        ("rotate", {"statement": {}}, "/to"),
        ("rotate", {"further": 1}, "/further"),
    ],
)
def test_what_makes_no_sense_is_refused_and_changes_nothing(
    shop: Shop, maker: Party, path: str, body: dict[str, Any], pointer: str | None
) -> None:
    (key,) = keys(shop, maker)
    body = {name: key if value == "{key}" else value for name, value in body.items()}
    size = shop.size()
    answer = shop.post(f"/v1/signing-keys/{path}", body, maker)
    assert answer.status_code in {400, 409, 422}, answer.text
    if pointer is not None:
        assert answer.json()["errors"][0]["pointer"] == pointer, answer.text
    assert (shop.size(), keys(shop, maker), in_custody(shop, maker)) == (size, [key], {key})


def test_a_co_signature_that_is_forged_changes_nothing(shop: Shop, maker: Party) -> None:
    (key,) = keys(shop, maker)
    to_sign = shop.post("/v1/signing-keys/rotate", {"to": OWN.did}, maker).json()["to_sign"]
    size = shop.size()
    forged = signed(to_sign, OWN)
    forged["signatures"][0]["sig"] = signed({**to_sign, "id": uuid("other")}, OWN)["signatures"][0]["sig"]
    refused(shop.post("/v1/signing-keys/rotate", forged, maker), 422)
    refused(shop.post("/v1/signing-keys/rotate", signed(to_sign, NEXT), maker), 403)
    refused(shop.post("/v1/signing-keys/rotate", {"statement": to_sign, "signatures": []}, maker), 422, "/signatures")
    wrong = {**to_sign, "type": "item.registered", "details": ABOUT}
    refused(shop.post("/v1/signing-keys/rotate", signed(wrong, OWN), maker), 422)
    assert (shop.size(), keys(shop, maker)) == (size, [key])


def test_the_operators_last_key_is_not_revoked_by_anybody(shop: Shop) -> None:
    (last,) = keys(shop, shop.operator)
    size = shop.size()
    refused(shop.post("/v1/signing-keys/revoke", {"key": last, "reason": "lost"}, shop.operator), 409, "/key")
    said = shop.statement(
        shop.operator, "key.revoked", f"{shop.operator.id}#authority", {"key": last, "reason": "lost"}
    )
    detail = refused(shop.post("/v1/statements", {"statement": said}, shop.operator), 409, "/statement/details/key")
    assert "the operator's last key" in detail
    assert shop.size() == size
    assert shop.post("/v1/signing-keys/rotate", {}, shop.operator).status_code == 201
    assert keys(shop, shop.operator) != [last]


def test_a_suspended_party_reads_and_revokes_and_does_nothing_else(shop: Shop, maker: Party) -> None:
    shop.say(maker, "item.registered", RING, ABOUT)
    (key,) = keys(shop, maker)
    path = f"/v1/parties/{segment(maker.id)}"
    refused(shop.post(f"{path}/suspend", {"reason": "fraud"}, maker), 403)
    answer = shop.post(f"{path}/suspend", {"reason": "fraud"}, shop.operator)
    assert (answer.status_code, answer.json()["suspended"]) == (201, True)
    refused(shop.post(f"{path}/suspend", {"reason": "fraud"}, shop.operator), 409)
    size = shop.size()
    codes = len(shop.ledger.codes.of(RING))
    said = {"statement": shop.statement(maker, "repair.completed", RING, WORK)}
    for address, body in (
        ("/v1/statements", said),
        (f"/v1/items/{segment(RING)}/codes", {}),
        ("/v1/items", {"name": "Ring", "category": "jewellery"}),
        ("/v1/signing-keys", {}),
        ("/v1/signing-keys/rotate", {}),
    ):
        assert "this party is suspended" in refused(shop.post(address, body, maker), 403)
    (one,) = shop.post("/v1/statements/batch", [said], maker).json()
    assert (one["status"], one["detail"]) == (403, "this party is suspended")
    assert (shop.size(), len(shop.ledger.codes.of(RING))) == (size, codes)
    assert shop.get(f"/v1/items/{segment(RING)}", maker).status_code == 200
    assert shop.post("/v1/signing-keys/revoke", {"key": key, "reason": "retired"}, maker).status_code == 201
    assert shop.post(f"{path}/reinstate", {"reason": "error"}, shop.operator).json()["suspended"] is False
    refused(shop.post(f"{path}/reinstate", {"reason": "error"}, shop.operator), 409)


def test_the_operator_and_a_stranger_are_not_suspended(shop: Shop) -> None:
    for party, status in ((shop.operator.id, 409), (uuid("nobody"), 422), ("x", 422)):
        answer = shop.post(f"/v1/parties/{segment(party)}/suspend", {"reason": "fraud"}, shop.operator)
        refused(answer, status)
    answer = shop.post(f"/v1/parties/{segment(uuid('maker'))}/suspend", {"reason": "Two Words"}, shop.operator)
    refused(answer, 422, "/reason")


# Another process of the same ledger.


def second(shop: Shop) -> Ledger:
    return open_ledger(
        shop.ledger.url, directory=shop.ledger.directory, master=MasterKey(bytes(range(32))), clock=shop.clock
    )


def test_a_key_that_another_process_rotated_signs_no_more_here(shop: Shop, maker: Party) -> None:
    (old,) = keys(shop, maker)
    other = second(shop)
    did, _, drafts = Clerk(other, shop.clock(), folder.new_uuid).rotation(maker.id)
    folder.say(other, *drafts)
    other.access.forget_revoked()
    # This process has not looked since: it signs with the old key, is refused, and signs with the next.
    assert shop.ledger.view.parties.parties[maker.id].keys == [old]
    receipt = shop.say(maker, "item.registered", RING, ABOUT)
    assert f'"key":"{did}"' in receipt["entry"]
    did, _, drafts = Clerk(other, shop.clock(), folder.new_uuid).rotation(maker.id)
    folder.say(other, *drafts)
    answer = shop.post("/v1/items", {"name": "Chain", "category": "jewellery"}, maker)
    assert answer.status_code == 201
    assert f'"key":"{did}"' in answer.json()["receipt"]["entry"]
    did, _, drafts = Clerk(other, shop.clock(), folder.new_uuid).rotation(maker.id)
    folder.say(other, *drafts)
    said = [{"statement": shop.statement(maker, "repair.completed", RING, WORK)} for _ in range(2)]
    results = shop.post("/v1/statements/batch", said, maker).json()
    assert all(f'"key":"{did}"' in one["entry"] for one in results)
    other.close()


def test_what_was_signed_before_a_revocation_elsewhere_is_refused_after_it(shop: Shop, maker: Party) -> None:
    to_sign = shop.post("/v1/signing-keys/rotate", {"to": OWN.did}, maker).json()["to_sign"]
    assert shop.post("/v1/signing-keys/rotate", signed(to_sign, OWN), maker).status_code == 201
    own = signed(shop.registered(maker), OWN)
    other = second(shop)
    since = times.format_recorded(shop.clock())
    folder.say(other, Clerk(other, shop.clock(), folder.new_uuid).revocation(other.operator, OWN.did, "lost", since))
    other.close()
    size = shop.size()
    answer = shop.post("/v1/statements", own, maker)
    assert "not in force" in refused(answer, 403, "/signatures/0/key")
    assert shop.size() == size


def test_a_suspension_elsewhere_is_obeyed_here(shop: Shop, maker: Party) -> None:
    shop.say(maker, "item.registered", RING, ABOUT)
    other = second(shop)
    folder.say(other, Clerk(other, shop.clock(), folder.new_uuid).suspension(maker.id, "fraud", ends=False))
    other.close()
    said = {"statement": shop.statement(maker, "repair.completed", RING, WORK)}
    assert "this party is suspended" in refused(shop.post("/v1/statements", said, maker), 403)
    assert "this party is suspended" in refused(shop.post(f"/v1/items/{segment(RING)}/codes", {}, maker), 403)


def test_a_compromise_told_elsewhere_is_marked_here(shop: Shop, maker: Party) -> None:
    receipt = shop.say(maker, "item.registered", RING, ABOUT)
    shop.party("keeper", "retailer")
    (key,) = keys(shop, maker)
    where = f"/v1/items/{segment(RING)}"
    assert [one["doubtful"] for one in shop.get(where, maker).json()["entries"]] == [None]
    other = second(shop)
    since = times.format_recorded(shop.clock())
    draft = Clerk(other, shop.clock(), folder.new_uuid).revocation(other.operator, key, "compromised", since)
    (told,) = folder.say(other, draft)
    other.close()
    (entry,) = shop.get(where, shop.operator).json()["entries"]
    assert entry["doubtful"] == {
        "key": key, "since": since, "cause": key, "reason": "compromised", "told": told.index
    }  # fmt: skip
    found = shop.get(f"/v1/statements/{segment(receipt['id'])}", shop.operator).json()
    assert found["doubtful"] == entry["doubtful"]
