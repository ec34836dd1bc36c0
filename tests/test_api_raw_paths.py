"""Ids in paths against a real server: the test client decodes a path before the application sees it (amendments R4)."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from api.cli import folder, init, parties
from ledger.dsse import SigningKey
from ledger.leaf import statement_from
from tests.build import uuid
from tests.served import Server
from tests.shop import segment

KEY = SigningKey.from_seed(bytes(range(4, 36)))
PARTY = uuid("workshop")
ITEMS = {
    "slash": "https://id.gs1.org/01/09520123456788/21/R%2F001",
    "percent": "https://id.gs1.org/01/09520123456788/21/R%252F001",
    "plain": "https://id.gs1.org/01/09520123456788/21/R001",
    "history": "https://id.gs1.org/8004/A%2Fhistory",
    "bare": "https://id.gs1.org/8004/A",
    "marks": "https://id.gs1.org/8004/%21%27%28%29%2A%3F",
}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    directory = tmp_path_factory.mktemp("served") / "ledger"
    init.create(directory, "raw.example/log")
    with folder.opened(directory) as ledger:
        parties.register(ledger, PARTY, {"name": "Workshop", "roles": ["repairer"]}, KEY)
        secret = ledger.access.create_api_key(PARTY, ["write"])
        about = {"category": "c"}
        for name, item in ITEMS.items():
            value = folder.value_of(ledger, PARTY, "item.registered", [item], {"name": name, **about})
            statement_from(value)
            folder.say(ledger, folder.draft(value, [KEY]))
    running = Server(directory, secret)
    yield running
    assert running.stop() == 0


@pytest.mark.parametrize("name", list(ITEMS))
def test_an_id_is_one_segment_decoded_once(server: Server, name: str) -> None:
    path = f"/v1/items/{segment(ITEMS[name])}"
    status, body = server.get(path)
    assert (status, json.loads(body)["name"]) == (200, name)
    status, body = server.get(path + "/history")
    assert (status, json.loads(body)["subject"]) == (200, ITEMS[name])
    status, body = server.get(f"/v1/log/map/{segment(ITEMS[name])}")
    assert (status, json.loads(body)["map"]["count"]) == (200, 1)


@pytest.mark.parametrize(
    ("name", "path"),
    [
        ("slash", "/01/09520123456788/21/R%2F001"),
        ("percent", "/01/09520123456788/21/R%252F001"),
        ("history", "/8004/A%2Fhistory"),
    ],
)
def test_a_digital_link_is_decoded_once(server: Server, name: str, path: str) -> None:
    status, body = server.get(path)
    assert (status, json.loads(body)["id"]) == (200, ITEMS[name])


@pytest.mark.parametrize(
    "path",
    [
        "/v1/items/https%253A%252F%252Fid.gs1.org%252F8004%252FA",
        "/v1/items/https%3A%2F%2Fid.gs1.org%2F01%2F09520123456788%2F21%2FR%2F001",
        "/01/09520123456788/21/R/001",
        "/8004/..",
        "/8004/%2e",
    ],
)
def test_what_is_decoded_twice_or_not_at_all_is_another_id(server: Server, path: str) -> None:
    assert server.get(path)[0] == 404


@pytest.mark.parametrize("path", ["/v1/items/%FF", "/v1/items/%C3%28/history", "/8004/%80"])
def test_a_path_that_is_not_utf8_is_malformed(server: Server, path: str) -> None:
    assert server.get(path)[0] == 400


def test_a_query_is_no_part_of_the_id(server: Server) -> None:
    status, body = server.get(f"/v1/items/{segment(ITEMS['bare'])}?at=x/history")
    assert (status, json.loads(body)["errors"][0]["parameter"]) == (422, "at")
