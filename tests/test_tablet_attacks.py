"""Who attacks a tablet that signs: has the party vouch for more, replays, goes around, or is faster than a pairing."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from api import jobs, tablets
from api.attached import attached
from api.site import Site
from ledger.db.draft import Draft
from ledger.dsse import SigningKey
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


def test_of_two_pairings_at_once_the_later_one_wins(
    shop: Shop, tablet: Tablet, monkeypatch: pytest.MonkeyPatch
) -> None:
    added, together, statuses = tablets.addition, threading.Barrier(2), list[int]()

    async def slow(*given: Any) -> list[Draft]:
        drafts = await added(*given)
        for _ in range(200):  # of the loop's turns: long enough for the other to come this far, if it may
            await asyncio.sleep(0)
        return drafts

    def pair(key: SigningKey) -> None:
        together.wait()
        statuses.append(tablet.pair(key).status_code)

    monkeypatch.setattr(tablets, "addition", slow)
    threads = [threading.Thread(target=pair, args=(key,)) for key in (OWN, NEXT)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert statuses == [201, 201]
    keys = shop.ledger.reader.parties().keys
    first, later = sorted((OWN.did, NEXT.did), key=lambda did: keys[did].index)
    assert keys_in_force(shop)[1:] == [later]
    assert keys[first].reason == "lost"


@pytest.mark.parametrize("then", ["paired", "revoked"])
def test_a_pairing_is_refused_if_another_process_was_faster(
    shop: Shop, tablet: Tablet, monkeypatch: pytest.MonkeyPatch, then: str
) -> None:
    """Between what it has seen and what it appends the other has paired the tablet, or revoked it."""
    added, others = tablets.addition, list[int]()

    async def overtaken(*given: Any) -> list[Draft]:
        drafts = await added(*given)
        monkeypatch.setattr(tablets, "addition", added)
        monkeypatch.setattr(shop.app.state.site, "pairing", asyncio.Lock())
        path = f"/v1/devices/{tablet.id}" + ("/key" if then == "paired" else "")
        body = signed(tablet.added(OWN), OWN) if then == "paired" else None
        how = "POST" if then == "paired" else "DELETE"
        others.append((await asyncio.to_thread(tablet.manager.request, how, path, json=body)).status_code)
        return drafts

    monkeypatch.setattr(tablets, "addition", overtaken)
    answer = tablet.pair(NEXT)
    assert (answer.status_code, answer.json()["detail"].partition(" meanwhile")[0]) == (
        409,
        "another process has paired or revoked this tablet",
    )
    assert others == [201 if then == "paired" else 200]
    assert keys_in_force(shop)[1:] == ([OWN.did] if then == "paired" else [])
    assert tablet.pair(NEXT).status_code == (201 if then == "paired" else 404), "and then it is as ever"
    assert keys_in_force(shop)[1:] == ([NEXT.did] if then == "paired" else [])


def test_a_key_that_a_dying_process_left_to_a_revoked_tablet_ends_at_the_next_start(
    shop: Shop, tablet: Tablet, monkeypatch: pytest.MonkeyPatch
) -> None:
    tablet.pair(OWN)
    other = tablet.manager.post("/v1/devices", {"label": "Counter 2"}).json()["id"]
    kept = signed(tablet.added(STRANGER), STRANGER)
    assert tablet.manager.request("POST", f"/v1/devices/{other}/key", json=kept).status_code == 201
    shop.ledger.access.visits.revoke_tablet(tablet.id)
    assert keys_in_force(shop)[1:] == [OWN.did, STRANGER.did]
    site, portal = shop.app.state.site, shop.client.portal
    assert portal is not None

    async def started() -> None:
        ended = asyncio.Event()
        forget = jobs.forget_keys

        async def told(one: Site) -> list[str]:
            found = await forget(one)
            ended.set()
            return found

        monkeypatch.setattr(jobs, "forget_keys", told)
        tasks = jobs.Jobs(site)
        tasks.start()
        await asyncio.wait_for(ended.wait(), 60)
        await tasks.stop()

    portal.call(started)
    assert keys_in_force(shop)[1:] == [STRANGER.did], "of a tablet that is enrolled it stays"
    assert shop.ledger.reader.parties().keys[OWN.did].reason == "lost"
    size = shop.size()
    assert portal.call(tablets.end_left, site) == []
    assert shop.size() == size, "it is said once"


def test_where_nobody_can_say_it_the_key_of_a_revoked_tablet_stays(shop: Shop, tablet: Tablet) -> None:
    tablet.pair(OWN)
    (custody, _) = keys_in_force(shop)
    shop.ledger.access.visits.revoke_tablet(tablet.id)
    shop.ledger.access.forget_party_key(custody)
    assert shop.client.portal is not None
    assert shop.client.portal.call(tablets.end_left, shop.app.state.site) == []
    assert keys_in_force(shop) == [custody, OWN.did]


def test_a_key_is_a_tablets_from_the_moment_that_its_row_is_drafted(shop: Shop, tablet: Tablet) -> None:
    """So that one commit of both, the pairing and what the key signed before it, lets no more in."""
    keys = shop.ledger.access.tablet_keys
    assert not keys.is_tablets(OWN.did)
    keys.row(OWN.did, tablet.id)
    assert keys.is_tablets(OWN.did)
