"""A holder contradicts a record over HTTP: what the pages and their JSON say of it, and who is refused."""

from __future__ import annotations

import html
import os
from collections.abc import Iterator
from typing import Any

import pytest

from ledger.disclosure import make_disclosure
from ledger.dsse import SigningKey
from ledger.private import make_digests
from tests.build import key, uuid
from tests.holding import (
    Paper,
    claim,
    grant_in,
    grant_of,
    refused,
    shop_on,
    shown,
    sold_ring,
    sold_to_key,
    speak,
    spoken,
)
from tests.shop import Party, Shop, segment

OPENED = {"kind": "repair", "channel": "store", "issue": "quality"}
DISPUTED = "statement.disputed"


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def shop(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    with shop_on(request, tmp_path_factory.mktemp("shop")) as opened:
        yield opened


@pytest.fixture
def jeweller(shop: Shop) -> Party:
    return shop.parties["jeweller"]


def registered(shop: Shop, paper: Paper) -> dict[str, Any]:
    """The first record of a thing, as its page's JSON has it."""
    return dict(shown(shop, paper)["records"][0])


@pytest.mark.parametrize(
    ("custody", "who"),
    [
        ("receipt", "the bearer of the receipt"),
        ("sealed", "the bearer of a sealed card"),
        ("device", "the holder's device"),
    ],
)
def test_both_records_stand_and_the_first_says_by_whom_it_is_disputed(
    shop: Shop, jeweller: Party, custody: str, who: str
) -> None:
    paper, own = sold_to_key(shop, jeweller, custody)
    before = shown(shop, paper)
    first = registered(shop, paper)
    assert (first["remarks"], first["grant"]) == ([], None)
    answer = speak(shop, paper, DISPUTED, own, {"disputes": first["statement"], "reason": "not_so"})
    assert answer.status_code == 201
    after = shown(shop, paper)
    last = after["records"][-1]
    said = f"Disputed by {who}: it was not so"
    assert after["records"][0] == first | {"remarks": [{"index": last["index"], "text": said}]}
    assert (last["type"], last["grant"], last["by"]["holder"]) == (DISPUTED, before["holder"]["grant"], custody)
    assert {name: after[name] for name in ("state", "lost", "holder")} == {
        name: before[name] for name in ("state", "lost", "holder")
    }, "it changes no state"
    assert said in html.unescape(shop.get(f"/i/{paper.token}").text)


def said_privately(shop: Shop, paper: Paper, by: SigningKey, what: dict[str, Any], case: str) -> dict[str, Any]:
    """A dispute with a comment in private, ready to be sent."""
    text = make_disclosure("comment", "I was at sea", bytes(range(16)))
    sd = list(make_digests(DISPUTED, [text], os.urandom))
    body = spoken(shop, paper, DISPUTED, by, what, case=case, _sd=sd, _sd_alg="sha-256")
    return body | {"disclosures": [text]}


def test_a_comment_is_for_those_who_work_on_it_and_a_replay_writes_nothing(shop: Shop, jeweller: Party) -> None:
    paper = sold_ring(shop, jeweller)
    device, case = claim(shop, paper), uuid("disputed case of " + paper.item)
    opened = shop.say(jeweller, "case.opened", paper.item, OPENED, case=case)
    disputed = {"disputes": opened["id"], "reason": "not_me"}
    body = said_privately(shop, paper, device, disputed, case)
    made = shop.post(f"/i/{paper.token}/statements", body)
    assert made.status_code == 201, made.text
    size = shop.size()
    again = shop.post(f"/i/{paper.token}/statements", body)
    assert (again.status_code, grant_in(again), shop.size()) == (200, grant_in(made), size)
    path = f"/v1/statements/{body['statement']['id']}"
    assert shop.get(path, jeweller).json()["private"]["comment"] == "I was at sea"
    other = shop.get(path, shop.parties["rival"])
    assert "at sea" not in other.text + shop.get(f"/i/{paper.token}").text
    token = shop.post(f"/v1/items/{segment(paper.item)}/codes", {"kind": "case", "case": case}, jeweller).json()[
        "token"
    ]
    page = shop.get(f"/c/{token}", accept="application/json").json()
    assert [(one["type"], one["grant"] is None) for one in page["records"]] == [
        ("case.opened", True),
        (DISPUTED, False),
    ]
    text = "Disputed by the holder's device: it was not me"
    assert page["records"][0]["remarks"] == [{"index": page["records"][1]["index"], "text": text}]


def test_no_other_key_contradicts_for_the_holder_and_nothing_that_is_not_there(shop: Shop, jeweller: Party) -> None:
    paper, other = sold_ring(shop, jeweller), sold_ring(shop, jeweller)
    device = claim(shop, paper)
    about = {"disputes": registered(shop, paper)["statement"], "reason": "not_so"}
    path, size = f"/i/{paper.token}/statements", shop.size()

    def no(body: Any, status: int, words: str, where: str = path) -> None:
        refused(shop, shop.post(where, body), size, status, words)

    grant = grant_of(shop, paper, device)
    no(spoken(shop, paper, DISPUTED, paper.key, about, grant=grant), 403, "the signature of the holder's key")
    no(spoken(shop, paper, DISPUTED, key("a stranger"), about, grant=grant), 403, "the signature of the holder's key")
    good = spoken(shop, paper, DISPUTED, device, about)
    changed = good["statement"] | {"details": about | {"reason": "unlawful"}}
    no(good | {"statement": changed}, 422, "signature")
    no(good, 403, "another item", f"/i/{other.token}/statements")
    for wrong, status, words in (
        ({"disputes": uuid("nothing"), "reason": "not_so"}, 409, "not in this ledger"),
        ({"disputes": registered(shop, other)["statement"], "reason": "not_so"}, 409, "another subject"),
        ({"disputes": about["disputes"], "reason": "because"}, 422, "not_so"),
        ({"disputes": about["disputes"]}, 422, "reason"),
    ):
        no(spoken(shop, paper, DISPUTED, device, wrong, grant=grant), status, words)
    assert shop.post(path, good).status_code == 201
