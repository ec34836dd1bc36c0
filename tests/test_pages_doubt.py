"""What a compromised key said is marked wherever it is shown: page, JSON, certificate, statement, item (rule 4)."""

from __future__ import annotations

import html
import re
from typing import Any

import pytest

from ledger import times
from tests.page_shop import jeweller, ring, shop
from tests.shop import Party, Shop, segment, signed

__all__ = ["jeweller", "ring", "shop"]

CERTIFIED = {"certificate_no": "D-1", "result": "authentic", "methods": ["loupe"]}
WORK = {"work": ["polish"], "tests": []}


def text(page: str) -> str:
    """The words of a page, without tags."""
    return re.sub(r"\s+", " ", html.unescape(re.sub(r"<[^>]*>", " ", page)))


@pytest.fixture
def careless(shop: Shop) -> Party:
    """A laboratory of this test's own, with its key in custody."""
    shop.count += 1
    return shop.party(f"Careless {shop.count}", "certifier", "repairer")


def key_of(shop: Shop, party: Party) -> str:
    (key,) = shop.ledger.view.parties.parties[party.id].keys
    return key


def revoke(shop: Shop, party: Party, **details: Any) -> dict[str, Any]:
    """The receipt of the operator's revocation of the party's only key."""
    said = {"key": key_of(shop, party), **details}
    receipt: dict[str, Any] = shop.say(shop.operator, "key.revoked", f"{party.id}#authority", said)
    return receipt


def test_a_record_by_a_compromised_key_says_so_and_since_when(
    shop: Shop, jeweller: Party, ring: str, careless: Party
) -> None:
    token = shop.code(jeweller, ring)
    coded = {"Patina-Code": token}
    key, statement = key_of(shop, careless), shop.statement(careless, "repair.completed", ring, WORK)
    said = shop.post("/v1/statements", {"statement": statement}, careless, **coded).json()
    since = times.format_recorded(shop.clock())
    before = shop.get(f"/i/{token}")
    assert "Doubtful" not in before.text
    receipt = revoke(shop, careless, reason="compromised", since=since)
    doubt = {"key": key, "since": since, "cause": key, "reason": "compromised", "told": receipt["index"]}
    page = text(shop.get(f"/i/{token}").text)
    assert "Doubtful: signed by a key that was compromised since 4 May 2026, 09:00 UTC." in page
    records = shop.get(f"/i/{token}", accept="application/json").json()["records"]
    assert {one["index"]: one["doubtful"] for one in records if one["doubtful"]} == {said["index"]: doubt}
    found = shop.get(f"/v1/statements/{said['id']}", careless).json()
    assert found["doubtful"] == doubt
    assert found["receipt"]["entry"] == said["entry"]
    listed = shop.get(f"/v1/items/{segment(ring)}", jeweller).json()["entries"]
    assert [one["index"] for one in listed if one["doubtful"]] == [said["index"]]
    first = listed[0]["statement"]
    assert shop.get(f"/v1/statements/{first}", jeweller).json()["doubtful"] is None


def test_what_was_said_before_stays_as_it_was(shop: Shop, jeweller: Party, ring: str, careless: Party) -> None:
    token = shop.code(jeweller, ring)
    statement = shop.statement(careless, "repair.completed", ring, WORK)
    assert shop.post("/v1/statements", {"statement": statement}, careless, **{"Patina-Code": token}).status_code == 201
    after = times.format_recorded(shop.clock() + 1000)
    revoke(shop, careless, reason="compromised", since=after)
    assert "Doubtful" not in shop.get(f"/i/{token}").text


@pytest.mark.parametrize("said", [("lost", "lost since"), ("retired", "to say no more since")])
def test_every_reason_with_a_time_is_said_in_words(
    shop: Shop, jeweller: Party, ring: str, careless: Party, said: tuple[str, str]
) -> None:
    reason, words = said
    token = shop.code(jeweller, ring)
    statement = shop.statement(careless, "repair.completed", ring, WORK)
    assert shop.post("/v1/statements", {"statement": statement}, careless, **{"Patina-Code": token}).status_code == 201
    revoke(shop, careless, reason=reason, since="2026-05-01T00:00:00Z")
    assert f"Doubtful: signed by a key that was {words} 1 May 2026" in text(shop.get(f"/i/{token}").text)


def test_a_certificate_by_a_compromised_key_does_not_look_good(
    shop: Shop, jeweller: Party, ring: str, careless: Party
) -> None:
    token = shop.code(jeweller, ring)
    statement = shop.statement(careless, "authentication.certified", ring, CERTIFIED)
    assert shop.post("/v1/statements", {"statement": statement}, careless, **{"Patina-Code": token}).status_code == 201
    assert "Doubtful" not in shop.get(f"/i/{token}").text
    revoke(shop, careless, reason="compromised", since="2026-05-01T00:00:00Z")
    page = shop.get(f"/i/{token}").text
    card = page[page.index("D-1") - 1500 : page.index("D-1") + 1500]
    assert "Doubtful: signed by a key that was compromised since" in text(card)
    public = shop.get("/01/09520123456788/21/" + ring.rpartition("/")[2])
    assert "Doubtful: signed by a key that was compromised since" in text(public.text)


def test_a_key_that_a_compromised_one_vouched_for_is_named_with_it(
    shop: Shop, jeweller: Party, ring: str, careless: Party
) -> None:
    token = shop.code(jeweller, ring)
    first = key_of(shop, careless)
    access = shop.ledger.access
    old, second = access.party_signer(careless.id), access.keep_party_key(careless.id, bytes(range(32)))
    assert old is not None
    added = shop.statement(careless, "key.added", f"{careless.id}#authority", {"key": second.did, "custody": "ledger"})
    answer = shop.post("/v1/statements", signed(added, old, second), careless)
    assert answer.status_code == 201, answer.text
    statement = shop.statement(careless, "repair.completed", ring, WORK)
    said = shop.post("/v1/statements", {"statement": statement}, careless, **{"Patina-Code": token}).json()
    told = shop.say(
        shop.operator,
        "key.revoked",
        f"{careless.id}#authority",
        {"key": first, "reason": "compromised", "since": "2026-05-01T00:00:00Z"},
    )
    doubt = shop.get(f"/v1/statements/{said['id']}", careless).json()["doubtful"]
    at = shop.ledger.view.parties.keys[second.did].added_at
    assert doubt == {
        "key": second.did, "since": at, "cause": first, "reason": "compromised", "told": told["index"]
    }  # fmt: skip
    name = shop.ledger.view.parties.parties[careless.id].name
    page = text(shop.get(f"/i/{token}").text)
    assert f"signed by a key that was added on 4 May 2026, 09:00 UTC with a key of {name} that was compromised" in page
