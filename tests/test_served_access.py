"""Access against a real server: what uvicorn does before the application must not let anybody invent an address,

nor close the connection on somebody who is still sending and has not read why.
"""

from __future__ import annotations

import http.client
import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from api.cli import init
from api.limits import LOGINS_OF_ACCOUNT, LOST_TOKENS
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


@pytest.mark.parametrize(
    ("path", "sent"), [("/v1/statements", 4), ("/v1/statements/batch", 12), ("/v1/attachments", 24)]
)
@pytest.mark.parametrize("declared", [True, False])
def test_who_sends_all_before_reading_is_told_that_it_is_too_much(
    server: Server, path: str, sent: int, *, declared: bool
) -> None:
    part = b" " * 2**20
    headers = {"Authorization": f"Bearer {server.key}", "Content-Type": "application/json"}
    connection = http.client.HTTPConnection(server.place, timeout=60)
    try:
        connection.request("POST", path, part * sent if declared else iter([part] * sent), headers)
        answer = connection.getresponse()
        assert (answer.status, json.load(answer)["title"]) == (413, "Too large")
    finally:
        connection.close()


def test_two_workers_give_no_more_tries_than_one_and_a_restart_gives_none_back(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    directory = tmp_path_factory.mktemp("workers") / "ledger"
    made = init.create(directory, "limits.example/log")
    wrong = json.dumps({"login": "jane@example.org", "password": "not her password"})
    with Server(directory, made["operator"]["api_key"], more=["--workers", "2"]) as two:
        # Each on a connection of its own, of which the kernel gives some to either worker.
        assert [status_of(two, "/i/x") for _ in range(LOST_TOKENS + 20)] == [404] * LOST_TOKENS + [429] * 20
        logins = [post(two, "/v1/session", wrong) for _ in range(LOGINS_OF_ACCOUNT + 6)]
        assert logins == [401] * LOGINS_OF_ACCOUNT + [429] * 6
    with Server(directory, made["operator"]["api_key"]) as again:
        assert status_of(again, "/i/x") == 429
        assert post(again, "/v1/session", wrong) == 429


def post(server: Server, path: str, body: str) -> int:
    connection = http.client.HTTPConnection(server.place, timeout=20)
    try:
        connection.request("POST", path, body, {"Content-Type": "application/json"})
        return connection.getresponse().status
    finally:
        connection.close()


def test_a_server_that_writes_more_than_a_pipe_holds_goes_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of the tests' own `Server`: what a fuzzed one writes must not stop it."""
    lines = "print('serving on http://127.0.0.1:1/', *['a line of many'] * 99_999, sep='\\n', file=sys.stderr)"
    (tmp_path / "wordy.py").write_text(f"import sys\n{lines}\n")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    with Server(tmp_path, program=("wordy",)) as running:
        assert (running.place, running.running.wait(timeout=60)) == ("127.0.0.1:1", 0)
