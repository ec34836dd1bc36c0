"""Who attacks a tablet that signs: has the party vouch for more, replays, goes around, or is faster than a pairing."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from api.attached import attached
from ledger.db.draft import Draft
from tests.build import uuid
from tests.console import add_person, login_of, open_console, signed_in
from tests.shop import RING, Shop, signed
from tests.test_tablet_keys import NEXT, OWN, STRANGER, Tablet, keys_in_force, refused


@pytest.fixture
def shop(database_url: str, tmp_path: Path) -> Iterator[Shop]:
    with open_console(tmp_path, database_url) as opened:
        opened.say(opened.parties["Alder"], "item.registered", RING, {"name": "Ring", "category": "jewellery"})
        yield opened


@pytest.fixture
def tablet(shop: Shop) -> Tablet:
    return Tablet(shop)


def test_the_party_vouches_for_a_key_and_for_nothing_that_stands_beside_it(shop: Shop, tablet: Tablet) -> None:
    size, owner = shop.size(), add_person(shop, tablet.party, "owner", "olga")
    file = {"name": "a.pdf", "media_type": "application/pdf", "size": 1, "sha256": "0" * 64}
    beside: list[dict[str, Any]] = [
        {"agent": owner.agent},
        {"agent": "somebody-else"},
        {"case": uuid("case")},
        {"attachments": [file]},
        {"_sd": ["A" * 43], "_sd_alg": "sha-256"},
    ]
    for more in beside:
        refused(tablet.pair(OWN, **more), 422, "/statement")
    assert (shop.size(), keys_in_force(shop)[1:]) == (size, [])


def test_a_pairing_that_is_replayed_ends_no_key(shop: Shop, tablet: Tablet) -> None:
    path, first = f"/v1/devices/{tablet.id}/key", signed(tablet.added(OWN), OWN)
    assert tablet.manager.request("POST", path, json=first).status_code == 201
    other = tablet.manager.post("/v1/devices", {"label": "Counter 2"}).json()["id"]
    taken = f"/v1/devices/{other}/key"
    refused(tablet.manager.request("POST", taken, json=first), 409, "/statement/details/key")
    assert tablet.pair(NEXT).status_code == 201
    size = shop.size()
    # The first pairing stands in the log, where everybody can read it: its key has ended, and the second one's has not.
    refused(tablet.manager.request("POST", path, json=first), 409, "/statement/details/key")
    refused(tablet.manager.request("POST", taken, json=first), 409, "/statement/details/key")
    assert (shop.size(), keys_in_force(shop)[1:]) == (size, [NEXT.did])
    listed = {one["id"]: one["key"] for one in tablet.manager.get("/v1/devices").json()["devices"]}
    assert listed == {tablet.id: NEXT.did, other: None}


def test_a_key_of_another_party_is_no_tablets(shop: Shop, tablet: Tablet) -> None:
    birch = shop.party("Birch", "retailer")
    vouching = next(iter(shop.ledger.reader.parties().parties[birch.id].keys))
    theirs = shop.statement(birch, "key.added", f"{birch.id}#authority", {"key": STRANGER.did, "custody": "self"})
    signer = shop.ledger.access.kept_signer(vouching)
    assert signer is not None
    assert shop.post("/v1/statements", signed(theirs, signer, STRANGER), birch).status_code == 201
    size = shop.size()
    refused(tablet.pair(STRANGER), 409, "/statement/details/key")
    assert (shop.size(), shop.ledger.access.tablet_keys.of(tablet.id)) == (size, [])


def test_a_tablets_key_vouches_for_no_other_on_the_way_around(shop: Shop, tablet: Tablet) -> None:
    tablet.pair(OWN)
    owner, size = signed_in(shop, tablet.party, "owner"), shop.size()
    refused(owner.post("/v1/signing-keys/rotate", signed(tablet.added(NEXT), OWN, NEXT)), 403, "/signatures/0/key")
    assert (shop.size(), keys_in_force(shop)[1:]) == (size, [OWN.did])


def test_at_a_tablet_nobody_of_another_party_signs_for_the_shop(shop: Shop, tablet: Tablet) -> None:
    """Not the operator's own people either, whose right would carry any party's statement."""
    tablet.pair(OWN)
    oscar = add_person(shop, shop.operator.id, "owner", "oscar")
    assert tablet.log_in(login_of("oscar")).status_code == 200
    size = shop.size()
    refused(tablet.post("/v1/statements", tablet.said(OWN, agent=oscar.agent)), 403, "/statement/agent")
    assert shop.size() == size


@pytest.mark.parametrize("batch", [False, True])
def test_nobody_is_faster_than_a_pairing(
    shop: Shop, tablet: Tablet, monkeypatch: pytest.MonkeyPatch, batch: bool
) -> None:
    """A statement that was looked at before its key became a tablet's is not taken as an ordinary key's after."""
    pairings = list[Any]()

    async def late(draft: Draft, *more: Any) -> Draft:
        pairings.append(await asyncio.to_thread(tablet.pair, OWN))
        return await attached(draft, *more)

    monkeypatch.setattr("api.routes.statements.attached", late)
    body, alder = signed(tablet.added(STRANGER), OWN, STRANGER), shop.parties["Alder"]
    if batch:
        answer = shop.post("/v1/statements/batch?atomic=true", [body], alder)
    else:
        answer = shop.post("/v1/statements", body, alder)
    assert [one.status_code for one in pairings] == [201]
    refused(answer, 403, f"{'/0' if batch else ''}/signatures/0/key")
    assert keys_in_force(shop)[1:] == [OWN.did]


def test_a_key_is_a_tablets_from_the_moment_that_its_row_is_drafted(shop: Shop, tablet: Tablet) -> None:
    """So that one commit of both, the pairing and what the key signed before it, lets no more in."""
    keys = shop.ledger.access.tablet_keys
    assert not keys.is_tablets(OWN.did)
    keys.row(OWN.did, tablet.id)
    assert keys.is_tablets(OWN.did)
