"""Every route by every kind of key: what is not listed is denied, and a key does what its scopes say."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from fastapi.routing import APIRoute
from starlette.routing import Route

from api.rights import (
    ADMIN,
    DEVICES,
    ENTRIES,
    GRANTS,
    KEYS,
    PEOPLE,
    PUBLIC,
    READ,
    REPORTS,
    RIGHTS,
    SESSION,
    SIGNING,
    WEBHOOKS,
    WRITE,
)
from tests.build import uuid
from tests.shop import RING, Party, Shop, open_shop, segment

ABOUT = {"name": "Ring", "category": "jewellery"}
UNKNOWN = "Bearer pk_" + "A" * 43


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    with open_shop(tmp_path_factory.mktemp("shop")) as shop:
        owner = shop.party("owner", "retailer")
        shop.party("other", "retailer")
        shop.parties["keeper"] = Party(owner.id, shop.api_key(owner.id, "signing"))
        shop.parties["reader"] = Party(owner.id, shop.api_key(owner.id, "read"))
        shop.say(owner, "item.registered", RING, ABOUT)
        opened = {"kind": "repair", "channel": "store", "issue": "quality"}
        shop.say(owner, "case.opened", RING, opened, case=uuid("a case"))
        yield shop


def headers_of(shop: Shop, who: str) -> dict[str, str]:
    """What a caller of this kind sends."""
    if who == "nobody":
        return {}
    if who == "wrong":
        return {"Authorization": UNKNOWN}
    return shop.operator.headers if who == "operator" else shop.parties[who].headers


def address(shop: Shop, path: str) -> str:
    """A path of the table with a known item, statement and code in it."""
    token = shop.code(shop.parties["owner"]) if "{token}" in path else ""
    for name, value in {
        "/v1/items/{id:path}": f"/v1/items/{segment(RING)}",
        "/v1/cases/{id}": f"/v1/cases/{segment(uuid('a case'))}",
        "/v1/statements/{id}": f"/v1/statements/{segment(uuid('statement 1'))}",
        "{subject:path}": segment(RING),
        "{token}": token,
        "{code}": "unknown",
        "{gtin}": "09520123456788",
        "{serial}": "R%2F001",
        "{giai}": "unknown",
        "/tile/{path:path}": "/tile/0/000.p/1",
        "/tile/entries/{path:path}": "/tile/entries/000.p/1",
        "{name}": "patina.css",
        "{sha256}": "0" * 64,
    }.items():
        path = path.replace(name, value)
    if path.endswith(("inclusion", "consistency")):
        path += "?index=0&old=1"
    return path


CALLERS = ("nobody", "wrong", "reader", "owner", "keeper", "other", "operator")
MAY = {
    PUBLIC: CALLERS,
    ENTRIES: CALLERS,
    READ: ("reader", "owner", "keeper", "other", "operator"),
    WRITE: ("owner", "keeper", "other", "operator"),
    SIGNING: ("keeper", "operator"),
    WEBHOOKS: ("keeper", "operator"),
    SESSION: (),
    REPORTS: ("reader", "owner", "keeper", "other", "operator"),
    **dict.fromkeys((PEOPLE, DEVICES, KEYS, GRANTS), ("operator",)),
    ADMIN: ("operator",),
}


@pytest.mark.parametrize(("method", "path", "right"), RIGHTS)
def test_every_route_by_every_caller(shop: Shop, method: str, path: str, right: str) -> None:
    where = address(shop, path)
    size = shop.size()
    for who in CALLERS:
        answer = shop.client.request(
            method, where, headers=headers_of(shop, who), content=b"{" if method == "POST" else b""
        )
        if path == "/v1/session/people":
            assert answer.status_code == 401  # public, and yet only for a tablet (tests/test_access_table.py)
        elif who in MAY[right]:
            # Let in: whatever is answered is about the content, which is broken on purpose where there is one.
            assert answer.status_code not in {401, 403, 405}, (who, answer.text)
        else:
            assert answer.status_code == (401 if who in {"nobody", "wrong"} else 403), (who, answer.text)
            assert answer.headers["content-type"] == "application/problem+json"
            assert ("www-authenticate" in answer.headers) == (answer.status_code == 401)
    assert shop.size() == size


@pytest.mark.parametrize("who", CALLERS)
def test_writing_about_an_item_by_every_caller(shop: Shop, who: str) -> None:
    owner = shop.parties["owner"]
    statement = {"statement": shop.statement(owner, "item.inspected", RING, {"tests": []})}
    size = shop.size()
    answer = shop.client.post("/v1/statements", json=statement, headers=headers_of(shop, who))
    want = {"nobody": 401, "wrong": 401, "reader": 403, "owner": 403, "keeper": 403, "other": 403, "operator": 403}
    # The owner is a retailer, who may inspect; nobody but the party itself is signed for.
    want["owner"] = want["keeper"] = 201
    assert answer.status_code == want[who], answer.text
    assert shop.size() == size + (2 if who in {"owner", "keeper"} else 0)


def test_the_table_lists_every_route_and_nothing_else(shop: Shop) -> None:
    served = set()
    for route in shop.app.state.routes:
        assert isinstance(route, Route | APIRoute)
        served |= {(method, route.path) for method in route.methods or () if method != "HEAD"}
    assert served == {(method, path) for method, path, _ in RIGHTS}


@pytest.mark.parametrize("path", ["/v1", "/v1/secret", "/v1/items/", "/docs/x", "/i/", "/static/", "/metric", "/I/x"])
def test_what_is_not_listed_is_not_found(shop: Shop, path: str) -> None:
    answer = shop.client.get(path, headers=shop.operator.headers)
    assert (answer.status_code, answer.headers["content-type"]) == (404, "application/problem+json")


@pytest.mark.parametrize(
    ("method", "path"), [("DELETE", "/v1/items"), ("PUT", "/checkpoint"), ("GET", "/v1/statements")]
)
def test_another_method_is_told_which_there_are(shop: Shop, method: str, path: str) -> None:
    answer = shop.client.request(method, path)
    assert answer.status_code == 405
    assert answer.headers["allow"] in {"GET, POST", "GET", "POST"}


def test_a_revoked_key_is_refused(shop: Shop) -> None:
    secret = shop.api_key(shop.parties["owner"].id, "read")
    found = shop.ledger.access.find_api_key(secret)
    assert found is not None
    path = f"/v1/items/{segment(RING)}"
    assert shop.client.get(path, headers={"Authorization": f"Bearer {secret}"}).status_code == 200
    shop.ledger.access.revoke_api_key(found.id)
    assert shop.client.get(path, headers={"Authorization": f"Bearer {secret}"}).status_code == 401


@pytest.mark.parametrize("value", ["", "Bearer", "Bearer ", "Basic abc", "pk_x", "Bearer \xff", "bearer  "])
def test_malformed_authorization_is_unauthorised(shop: Shop, value: str) -> None:
    answer = shop.client.get("/v1/items", headers={b"authorization": value.encode("latin-1")})
    assert answer.status_code == 401


def test_entry_bundles_may_be_kept_for_auditors(tmp_path: Path) -> None:
    with open_shop(tmp_path, entries_public=False) as shop:
        assert shop.get("/tile/entries/000.p/1").status_code == 401
        read = shop.get("/tile/entries/000.p/1", shop.operator)
        assert (read.status_code, read.headers["cache-control"].split(",")[0]) == (200, "private")
        assert shop.get("/tile/0/000.p/1").status_code == 200
        assert shop.get("/checkpoint").status_code == 200
