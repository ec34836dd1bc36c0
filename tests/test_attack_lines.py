"""Line breaks and control characters in what is sent: they reach neither a header nor a line of the log."""

from __future__ import annotations

import asyncio
import logging
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from api.edge import Edge
from api.plain_log import PlainFormatter, escape, log_config
from tests.console import Browser, add_person, login_of, open_console
from tests.shop import Shop

FORGED = "x\r\nERROR patina.api: forged\x1b[2J\u2028y"


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[Shop]:
    with open_console(tmp_path) as opened:
        yield opened


def test_a_record_is_one_line_whatever_it_says() -> None:
    record = logging.makeLogRecord({"levelname": "ERROR", "name": "patina.api", "msg": "got %s", "args": (FORGED,)})
    line = PlainFormatter().format(record)
    assert len(line.splitlines()) == 1
    assert line == r"ERROR patina.api: got x\x0d\x0aERROR patina.api: forged\x1b[2J\u2028y"
    assert escape("plain ünd 漢字") == "plain ünd 漢字"


def test_a_traceback_cannot_begin_a_record() -> None:
    try:
        raise ValueError(FORGED)
    except ValueError:
        record = logging.makeLogRecord({"levelname": "ERROR", "name": "a", "msg": "failed", "exc_info": sys.exc_info()})
    first, *rest = PlainFormatter().format(record).splitlines()
    assert first == "ERROR a: failed"
    assert len(rest) > 2
    assert all(line.startswith("| ") for line in rest)
    assert not any("\x1b" in line for line in rest)


def test_every_logger_of_a_server_writes_such_lines() -> None:
    config = log_config()
    assert config["formatters"]["plain"]["()"] is PlainFormatter
    assert config["handlers"][config["root"]["handlers"][0]]["formatter"] == "plain"
    assert not config["disable_existing_loggers"]


@pytest.mark.parametrize("value", [b"a\r\nSet-Cookie: b=c", b"a\nb", b"a\rb", b"a\0b"])
def test_a_header_that_would_begin_another_is_never_sent(value: bytes, caplog: pytest.LogCaptureFixture) -> None:
    async def broken(_: Any, __: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": [(b"location", value)]})
        await send({"type": "http.response.body", "body": b""})

    sent: list[Any] = []

    async def send(message: Any) -> None:
        sent.append(message)

    scope = {"type": "http", "method": "GET", "path": "/", "headers": []}
    asyncio.run(Edge(broken)(scope, None, send))  # type: ignore[arg-type]
    assert sent[0]["status"] == 500
    assert all(value not in held for held in [header for _, header in sent[0]["headers"]])


def test_what_is_sent_in_paths_queries_and_headers_comes_back_in_no_header_and_no_line(
    shop: Shop, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG, "patina")
    forged = "x%0d%0aSet-Cookie:%20a=b%0d%0a"
    for path in (
        f"/i/{forged}",
        f"/s/{forged}",
        f"/c/{'A' * 22}/attachments/{forged}",
        f"/v1/items/{forged}/history",
        f"/v1/items?text={forged}&cursor={forged}",
        f"/v1/people?party={forged}",
        f"/v1/session/oidc/callback?code={forged}&state={forged}",
        f"/{forged}",
        f"/static/{forged}",
    ):
        answer = shop.get(path, shop.operator)
        assert answer.status_code in {404, 422, 200}, path
        assert "set-cookie" not in answer.headers
        assert not any("a=b" in value for value in answer.headers.values() if "/v1/items?" not in value)
    assert shop.client.request("BREW\x7f", "/v1/items").headers["allow"] == "GET, POST"
    assert "a=b" not in caplog.text


def test_a_name_with_a_line_break_becomes_nobodys(shop: Shop) -> None:
    alder = shop.parties["Alder"].id
    for name in ("Iris\u2028forged", "Iris\x85forged"):
        answer = shop.post("/v1/people", {"name": name, "role": "staff", "party": alder}, shop.operator)
        assert answer.status_code in {400, 422}
    assert shop.ledger.access.people.all() == []


def test_neither_names_nor_secrets_stand_in_the_log(
    shop: Shop, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    caplog.set_level(logging.DEBUG)
    iris = add_person(shop, shop.parties["Alder"].id, "owner", "iris")
    browser = Browser(shop)
    browser.log_in(login_of("iris"), "wrong password")
    browser.log_in(login_of("iris"))
    browser.post("/v1/people", {"name": "Otto Invented", "role": "staff", "login": login_of("otto")})
    monkeypatch.setattr(type(shop.ledger.access.people), "all", lambda *_: 1 // 0)
    assert browser.get("/v1/people").status_code == 500
    assert "division" in caplog.text
    secrets = [*dict(browser.http.cookies).values(), browser.csrf, "wrong password", "correct horse battery"]
    for word in ("iris", "Iris", "Otto", "example.org", *secrets):
        assert word not in caplog.text
    assert iris.agent not in caplog.text
