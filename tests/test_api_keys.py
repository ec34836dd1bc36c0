"""API keys over HTTP: scopes, an end, the next key, and the end of a stolen one."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from ledger import times
from tests.console import open_console, signed_in
from tests.shop import PUBLIC_URL, Party, Shop, open_shop


@pytest.fixture
def shop(database_url: str, tmp_path: Path) -> Iterator[Shop]:
    with open_shop(tmp_path, database_url) as opened:
        opened.party("Alder", "retailer")
        yield opened


def works(shop: Shop, secret: str) -> bool:
    answer = shop.client.get("/v1/items", headers={"Authorization": f"Bearer {secret}"})
    assert answer.status_code in {200, 401}
    return bool(answer.status_code == 200)


def made(shop: Shop, **more: object) -> tuple[str, str]:
    """The secret and the id of a new key."""
    body = {"kind": "api", "party": shop.parties["Alder"].id, "scopes": ["read"], **more}
    answer = shop.post("/v1/keys", body, shop.operator)
    assert answer.status_code == 201, answer.text
    found = shop.ledger.access.find_api_key(answer.json()["api_key"])
    assert found is not None
    return answer.json()["api_key"], found.id


def test_a_key_has_an_end(shop: Shop) -> None:
    shop.clock.pass_hours(1)
    secret, _ = made(shop, expires_at="2026-05-05")
    assert works(shop, secret)
    assert secret not in shop.get("/v1/keys", shop.operator).text
    shop.clock.now = times.parse_recorded("2026-05-05T00:00:00.000Z")
    assert not works(shop, secret)


@pytest.mark.parametrize(
    ("more", "pointer"),
    [
        ({"expires_at": "yesterday"}, "/expires_at"),
        ({"expires_at": "2020-01-01"}, "/expires_at"),
        ({"scopes": ["admin"]}, "/scopes"),
        ({"scopes": ["everything"]}, "/scopes/0"),
        ({"scopes": []}, "/scopes"),
        ({"label": "till\u2028next line"}, "/label"),
    ],
)
def test_a_key_that_cannot_be_is_not_made(shop: Shop, more: dict[str, object], pointer: str) -> None:
    body = {"kind": "api", "party": shop.parties["Alder"].id, "scopes": ["read"], **more}
    before = shop.get("/v1/keys", shop.operator).json()
    answer = shop.post("/v1/keys", body, shop.operator)
    assert answer.status_code in {409, 422}
    assert answer.json()["errors"][0]["pointer"] == pointer
    assert shop.get("/v1/keys", shop.operator).json() == before


def test_the_next_key_overlaps_with_the_last(shop: Shop) -> None:
    shop.clock.pass_hours(1)
    secret, key_id = made(shop)
    answer = shop.post(f"/v1/keys/{key_id}/rotation", {"until": "2026-05-04T12:00:00Z"}, shop.operator)
    assert answer.status_code == 201, answer.text
    assert answer.json()["old"]["expires_at"] == "2026-05-04T12:00:00.000Z"
    following = answer.json()["api_key"]
    assert works(shop, secret)
    assert works(shop, following)
    shop.clock.now = times.parse_recorded("2026-05-04T12:00:00.000Z")
    assert not works(shop, secret)
    assert works(shop, following)


def test_a_stolen_key_is_refused_after_its_revocation_and_changes_nothing(shop: Shop) -> None:
    owner = shop.parties["Alder"]
    secret, key_id = made(shop, scopes=["write"])
    thief = Party(owner.id, secret)
    statement = {"statement": shop.registered(owner)}
    assert works(shop, secret)
    ended = shop.client.delete(f"/v1/keys/{key_id}", headers=shop.operator.headers)
    assert ended.status_code == 200
    assert ended.json()["revoked_at"] == times.format_recorded(shop.clock())
    size = shop.size()
    assert shop.post("/v1/statements", statement, thief).status_code == 401
    assert shop.client.delete(f"/v1/keys/{key_id}", headers=thief.headers).status_code == 401
    assert shop.size() == size


@pytest.mark.parametrize("key_id", ["0" * 16, "x", "%00"])
def test_an_id_that_is_no_keys_is_not_found(shop: Shop, key_id: str) -> None:
    assert shop.client.delete(f"/v1/keys/{key_id}", headers=shop.operator.headers).status_code == 404
    assert shop.post(f"/v1/keys/{key_id}/rotation", {}, shop.operator).status_code == 404


@pytest.mark.parametrize("label", ["till\r\nSet-Cookie: a=b", "till\0", "\x1b[2J"])
def test_control_characters_are_not_even_parsed(shop: Shop, label: str) -> None:
    body = {"kind": "api", "party": shop.parties["Alder"].id, "scopes": ["read"], "label": label}
    assert shop.post("/v1/keys", body, shop.operator).status_code == 400


def test_an_owner_makes_and_ends_the_keys_of_her_own_party_alone(database_url: str, tmp_path: Path) -> None:
    with open_console(tmp_path, database_url) as shop:
        alder, birch = shop.parties["Alder"].id, shop.party("Birch", "retailer").id
        owner = signed_in(shop, alder, "owner")
        made = owner.post("/v1/keys", {"kind": "api", "party": alder, "scopes": ["write"]})
        assert made.status_code == 201, made.text
        assert works(shop, made.json()["api_key"])
        before = shop.get("/v1/keys", shop.operator).json()
        for body, status in (
            ({"kind": "api", "party": birch, "scopes": ["read"]}, 403),
            ({"kind": "api", "party": alder, "scopes": ["admin"]}, 422),
            ({"kind": "signing", "party": alder}, 403),
            ({"kind": "signing", "party": birch}, 403),
        ):
            assert owner.post("/v1/keys", body).status_code == status
        (theirs,) = [key["id"] for key in before["api"] if key["party"] == birch]
        assert owner.request("DELETE", f"/v1/keys/{theirs}").status_code == 404
        assert owner.post(f"/v1/keys/{theirs}/rotation", {}).status_code == 404
        assert shop.get("/v1/keys", shop.operator).json() == before
        listed = owner.get("/v1/keys").json()
        assert {key["party"] for key in listed["api"]} == {key["party"] for key in listed["signing"]} == {alder}
        found = shop.ledger.access.find_api_key(made.json()["api_key"])
        assert found is not None
        assert owner.request("DELETE", f"/v1/keys/{found.id}").status_code == 200
        assert not works(shop, made.json()["api_key"])


def test_keys_come_in_pages_to_who_wants_them_so(shop: Shop) -> None:
    for label in ("till 1", "till 2", "till 3"):
        shop.clock.pass_hours(1)
        made(shop, label=label)
    everything = shop.get("/v1/keys", shop.operator)
    assert "link" not in everything.headers
    whole = everything.json()
    labels, parties = [one["label"] for one in whole["api"]], [one["party"] for one in whole["signing"]]
    assert labels[-3:] == ["till 1", "till 2", "till 3"]
    assert parties == [shop.operator.id, shop.parties["Alder"].id]
    found: dict[str, list[object]] = {"api": [], "signing": []}
    pages, path = 0, "/v1/keys?limit=2"
    while path:
        page = shop.get(path, shop.operator)
        assert page.status_code == 200
        for name in found:
            assert len(page.json()[name]) <= 2
            found[name] += page.json()[name]
        following = page.json().get("next")
        assert page.headers.get("link") == (following and f'<{following}>; rel="next"')
        path, pages = (following or "").removeprefix(PUBLIC_URL), pages + 1
    assert found == whole
    assert pages == (len(labels) + 1) // 2
    beyond = shop.get("/v1/keys?limit=1&cursor=9007199254740992", shop.operator)
    assert beyond.json() == {"api": [], "signing": []}
    for wrong in ("limit=0", "limit=1001", "limit=x", "cursor=-1", "cursor=x", "cursor=9007199254740993"):
        answer = shop.get(f"/v1/keys?{wrong}", shop.operator)
        assert (answer.status_code, answer.json()["errors"][0]["parameter"]) == (422, wrong.partition("=")[0])
