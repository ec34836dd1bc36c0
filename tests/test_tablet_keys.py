"""A shared tablet's own key: in the log by the party's word, counted from that tablet alone, and gone with it."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import rfc8785
from nacl.signing import VerifyKey

from ledger import disclosure
from ledger.didkey import parse_did
from ledger.dsse import SigningKey
from tests.build import uuid
from tests.console import Browser, add_person, login_of, open_console, signed_in
from tests.shop import RING, Shop, segment, signed

OWN = SigningKey.from_seed(bytes(range(32)))
NEXT = SigningKey.from_seed(bytes(range(1, 33)))
STRANGER = SigningKey.from_seed(bytes(range(2, 34)))
WORK = {"work": ["cleaned"]}


class Tablet(Browser):
    """A browser that is enrolled, with a member of staff in by her PIN; ``manager`` is another browser's."""

    def __init__(self, shop: Shop) -> None:
        super().__init__(shop)
        self.shop, self.party = shop, shop.parties["Alder"].id
        self.stella = add_person(shop, self.party, "staff", "stella")
        self.manager = signed_in(shop, self.party, "manager")
        made = self.manager.post("/v1/devices", {"label": "Counter 1"}).json()
        self.id = made["id"]
        assert self.http.post("/v1/session/device", json={"device_key": made["device_key"]}).status_code == 200
        assert self.log_in_by_pin(self.stella.id).status_code == 200

    def added(self, key: SigningKey, **more: Any) -> dict[str, Any]:
        details = more.pop("details", {"key": key.did, "custody": "self"})
        alder, subject = self.shop.parties["Alder"], more.pop("subject", f"{self.party}#authority")
        return {**self.shop.statement(alder, "key.added", subject, details), **more}

    def pair(self, key: SigningKey, **more: Any) -> Any:
        return self.manager.request("POST", f"/v1/devices/{self.id}/key", json=signed(self.added(key, **more), key))

    def said(self, key: SigningKey, kind: str = "maintenance.performed", **more: Any) -> dict[str, Any]:
        """A statement about the ring as the tablet signs it."""
        details = more.pop("details", WORK)
        more = {"agent": self.stella.agent, **more}
        return signed(self.shop.statement(self.shop.parties["Alder"], kind, RING, details, **more), key)


@pytest.fixture
def shop(database_url: str, tmp_path: Path) -> Iterator[Shop]:
    with open_console(tmp_path, database_url) as opened:
        opened.say(opened.parties["Alder"], "item.registered", RING, {"name": "Ring", "category": "jewellery"})
        yield opened


@pytest.fixture
def tablet(shop: Shop) -> Tablet:
    return Tablet(shop)


def keys_in_force(shop: Shop) -> list[str]:
    return list(shop.ledger.reader.parties().parties[shop.parties["Alder"].id].keys)


def refused(answer: Any, status: int, pointer: str) -> None:
    assert answer.status_code == status, answer.text
    assert answer.json()["errors"][0]["pointer"] == pointer, answer.text


def test_a_tablet_signs_with_a_key_that_the_party_vouched_for(shop: Shop, tablet: Tablet) -> None:
    (custody,) = keys_in_force(shop)
    assert tablet.get("/v1/session").json()["tablet"] == {"id": tablet.id, "label": "Counter 1", "key": None}
    paired = tablet.pair(OWN)
    assert paired.status_code == 201, paired.text
    entry = json.loads(paired.json()["receipts"][0]["entry"])
    # The old key first, the new one last: it vouches, and whoever made the new one shows that she has it.
    assert [one["key"] for one in entry["signatures"]] == [custody, OWN.did]
    assert keys_in_force(shop) == [custody, OWN.did]
    here = tablet.get("/v1/session").json()
    assert here["ledger"] == shop.ledger.id
    assert here["tablet"] == {"id": tablet.id, "label": "Counter 1", "key": OWN.did}
    assert [one["key"] for one in tablet.manager.get("/v1/devices").json()["devices"]] == [OWN.did]
    listed = {one["key"]: one["tablet"] for one in tablet.manager.get("/v1/signing-keys").json()["keys"]}
    assert listed == {custody: None, OWN.did: "Counter 1"}
    member = disclosure.make_disclosure("note", "left-handed", b"0" * 16)
    body = tablet.said(OWN, _sd=[disclosure.digest(member)], _sd_alg="sha-256") | {"disclosures": [member]}
    answer = tablet.post("/v1/statements/batch?atomic=true", [body])
    assert answer.status_code == 200, answer.text
    entry = json.loads(answer.json()[0]["entry"])
    # By another library and another encoder than ours: the signature is the tablet's, over what stands in the log.
    raw = rfc8785.dumps(entry["statement"])
    kind = b"application/vnd.patina.statement.v1+json"
    message = b"DSSEv1 %d %b %d %b" % (len(kind), kind, len(raw), raw)
    (signature,) = entry["signatures"]
    assert signature["key"] == OWN.did
    VerifyKey(parse_did(OWN.did)).verify(message, base64.b64decode(signature["sig"]))
    history = tablet.get(f"/v1/items/{segment(RING)}/history").json()
    assert history["disclosures"][body["statement"]["id"]] == [member]


def test_sent_again_it_is_answered_from_the_first_time_whoever_signs(shop: Shop, tablet: Tablet) -> None:
    tablet.pair(OWN)
    body = tablet.said(OWN)
    first = tablet.post("/v1/statements/batch?atomic=true", [body]).json()
    size = shop.size()
    # The tablet's key was lost meanwhile, and what it had said is signed anew: the entry stays as it was.
    tablet.pair(NEXT)
    assert keys_in_force(shop)[1:] == [NEXT.did]
    again = tablet.post("/v1/statements/batch?atomic=true", [body | signed(body["statement"], NEXT)])
    assert again.json()[0]["entry"] == first[0]["entry"]
    unsigned = tablet.post("/v1/statements/batch?atomic=true", [{"statement": body["statement"]}])
    assert unsigned.json()[0]["entry"] == first[0]["entry"]
    # key.added, key.revoked, and a seal.
    assert shop.size() == size + 3


def test_its_key_counts_from_nowhere_else_and_for_nobody_else(shop: Shop, tablet: Tablet) -> None:
    tablet.pair(OWN)
    elsewhere = signed_in(shop, tablet.party, "staff")
    size, alder, pointer = shop.size(), shop.parties["Alder"], "/signatures/0/key"
    body = tablet.said(OWN)
    refused(shop.post("/v1/statements", body, alder), 403, pointer)
    refused(elsewhere.post("/v1/statements", signed(_without_agent(tablet), OWN)), 403, pointer)
    refused(elsewhere.post("/v1/statements/batch?atomic=true", [body]), 403, "/0/statement/agent")
    refused(tablet.post("/v1/statements", signed(_without_agent(tablet), OWN)), 403, "/statement/agent")
    # An owner at the tablet may say it all by her role, and the tablet's key still not.
    owner = add_person(shop, tablet.party, "owner", "olga")
    assert tablet.log_in(login_of("olga")).status_code == 200
    refused(tablet.post("/v1/statements", body), 403, "/statement/agent")
    more = {"agent": owner.agent}
    authority = tablet.added(STRANGER) | more
    refused(tablet.post("/v1/statements", signed(authority, OWN, STRANGER)), 403, "/statement/type")
    revoked = tablet.added(OWN, details={"key": OWN.did, "reason": "retired"}, type="key.revoked") | more
    refused(tablet.post("/v1/statements", signed(revoked, OWN)), 403, "/statement/type")
    assert shop.size() == size
    assert tablet.post("/v1/statements", tablet.said(OWN, agent=owner.agent)).status_code == 201


def _without_agent(tablet: Tablet) -> dict[str, Any]:
    statement = tablet.said(OWN)["statement"]
    return {name: value for name, value in statement.items() if name != "agent"}


def test_only_a_key_that_the_tablet_shows_to_have_is_taken(shop: Shop, tablet: Tablet) -> None:
    shop.party("Birch", "retailer")
    size, path = shop.size(), f"/v1/devices/{tablet.id}/key"
    wrong: list[tuple[dict[str, Any], int, str]] = [
        (signed(tablet.said(OWN)["statement"], OWN), 422, "/statement/type"),
        (signed(tablet.added(OWN, party=shop.operator.id), OWN), 422, "/statement/type"),
        (signed(tablet.added(OWN, subject=f"{shop.operator.id}#authority"), OWN), 422, "/statement/subjects"),
        (signed(tablet.added(OWN, details={"key": OWN.did, "custody": "ledger"}), OWN), 422, "/statement/details"),
        (signed(tablet.added(OWN), NEXT), 422, "/signatures"),
        (signed(tablet.added(OWN), OWN, NEXT), 422, "/signatures"),
        (signed(tablet.added(OWN), OWN) | {"signatures": []}, 422, "/signatures"),
    ]
    for body, status, pointer in wrong:
        refused(tablet.manager.request("POST", path, json=body), status, pointer)
    forged = signed(tablet.added(OWN), OWN)
    forged["statement"]["occurred_at"] = "2026-05-04T08:00:00Z"
    assert tablet.manager.request("POST", path, json=forged).status_code in {403, 422}
    good = signed(tablet.added(OWN), OWN)
    for other in (signed_in(shop, shop.parties["Birch"].id, "owner"), tablet):
        assert other.request("POST", path, json=good).status_code == (403 if other is tablet else 404)
    for unknown in ("0" * 16, "x", "%00"):
        assert tablet.manager.request("POST", f"/v1/devices/{unknown}/key", json=good).status_code == 404
    assert shop.ledger.access.tablet_keys.of(tablet.id) == []
    assert (shop.size(), keys_in_force(shop)[1:]) == (size, [])
    assert tablet.manager.request("POST", path, json=good).status_code == 201
    assert tablet.manager.request("POST", path, json=good).status_code == 201, "a lost answer does no harm"
    assert keys_in_force(shop)[1:] == [OWN.did]
    refused(tablet.manager.request("POST", path, json=signed(tablet.added(OWN), OWN)), 409, "/key")


def test_a_revoked_tablet_takes_its_key_along(shop: Shop, tablet: Tablet) -> None:
    tablet.pair(OWN)
    assert tablet.manager.request("DELETE", f"/v1/devices/{tablet.id}").json()["key"] == OWN.did
    assert keys_in_force(shop)[1:] == []
    ended = shop.ledger.reader.parties().keys[OWN.did]
    assert (ended.reason, ended.since) == ("lost", None)
    # By login on the same browser: whatever the cookie says, nothing that this key signed is taken any more.
    assert tablet.log_in(login_of("stella")).status_code == 200
    assert tablet.get("/v1/session").json()["tablet"] is None
    body, size = tablet.said(OWN), shop.size()
    refused(tablet.post("/v1/statements/batch?atomic=true", [body]), 403, "/0/signatures/0/key")
    assert shop.size() == size
    # The same words without the signature: the service signs for her, as ever.
    assert tablet.post("/v1/statements/batch?atomic=true", [{"statement": body["statement"]}]).status_code == 200


def test_a_key_that_was_revoked_alone_is_refused_from_its_tablet_too(shop: Shop, tablet: Tablet) -> None:
    tablet.pair(OWN)
    owner = signed_in(shop, tablet.party, "owner")
    revoked = owner.post("/v1/signing-keys/revoke", {"key": OWN.did, "reason": "lost"})
    assert revoked.status_code == 201, revoked.text
    assert tablet.get("/v1/session").json()["tablet"]["key"] is None
    refused(tablet.post("/v1/statements/batch?atomic=true", [tablet.said(OWN)]), 403, "/0/signatures/0/key")
    assert tablet.pair(NEXT).status_code == 201
    assert tablet.post("/v1/statements/batch?atomic=true", [tablet.said(NEXT)]).status_code == 200


def test_a_party_that_keeps_its_keys_itself_has_no_tablet_that_signs(shop: Shop, tablet: Tablet) -> None:
    tablet.pair(OWN)
    (custody, _) = keys_in_force(shop)
    shop.ledger.access.forget_party_key(custody)
    refused(tablet.pair(NEXT), 409, "")
    assert tablet.manager.request("DELETE", f"/v1/devices/{tablet.id}").json()["key"] is None
    assert keys_in_force(shop) == [custody, OWN.did]
    assert tablet.log_in(login_of("stella")).status_code == 200
    refused(tablet.post("/v1/statements", tablet.said(OWN)), 403, "/signatures/0/key")
    assert uuid("Alder") == tablet.party
