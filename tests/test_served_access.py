"""Access against a real server: what uvicorn does before the application must not let anybody invent an address."""

from __future__ import annotations

import http.client
from collections.abc import Iterator

import pytest

from api.cli import init
from api.limits import LOST_TOKENS
from tests.served import Server


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    directory = tmp_path_factory.mktemp("served") / "ledger"
    made = init.create(directory, "limits.example/log")
    running = Server(directory, made["operator"]["api_key"])
    yield running
    assert running.stop() == 0


def status_of(server: Server, path: str, **headers: str) -> int:
    connection = http.client.HTTPConnection(server.place, timeout=20)
    try:
        connection.request("GET", path, headers={name.replace("_", "-"): value for name, value in headers.items()})
        return connection.getresponse().status
    finally:
        connection.close()


def test_a_client_of_this_machine_cannot_say_that_it_is_another(server: Server) -> None:
    codes = [status_of(server, "/i/x", X_Forwarded_For=f"203.0.113.{n}") for n in range(LOST_TOKENS + 1)]
    assert codes == [404] * LOST_TOKENS + [429]
    assert status_of(server, "/healthz") == 200
