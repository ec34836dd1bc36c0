"""Which address is printed, and what a server is told by its environment."""

from __future__ import annotations

import ipaddress
import os
from pathlib import Path

import pytest

from api.settings import LARGE_COMMIT, check_public_url, lan_address, read_settings
from ledger.errors import Invalid

HERE = Path("var")


@pytest.mark.parametrize(
    ("environ", "host", "port", "url"),
    [
        ({}, "127.0.0.1", 8000, "http://127.0.0.1:8000"),
        ({}, "::1", 80, "http://[::1]:80"),
        ({"PATINA_PUBLIC_URL": "https://id.shop.example/"}, "0.0.0.0", 8000, "https://id.shop.example"),
        ({"PATINA_PUBLIC_URL": ""}, "shop.local", 9, "http://shop.local:9"),
    ],
)
def test_the_public_address(environ: dict[str, str], host: str, port: int, url: str) -> None:
    assert read_settings(HERE, environ, host=host, port=port).public_url == url


@pytest.mark.parametrize("host", ["0.0.0.0", "::", ""])
def test_a_server_on_every_address_prints_one_that_a_phone_can_reach(host: str) -> None:
    settings = read_settings(HERE, {}, host=host, port=8000)
    assert settings.public_url == f"http://{lan_address()}:8000"
    assert not ipaddress.ip_address(lan_address()).is_unspecified
    assert settings.host == f"{lan_address()}:8000"


@pytest.mark.parametrize("url", ["ftp://x", "shop.example", "https://", "https://x/?a=1", "https://x/#y"])
def test_an_address_that_cannot_be_printed_is_refused(url: str) -> None:
    with pytest.raises(Invalid, match="PATINA_PUBLIC_URL"):
        check_public_url(url)


def test_the_database_and_who_may_read_entries() -> None:
    plain = read_settings(HERE, {})
    assert plain.is_sqlite
    assert plain.url == f"sqlite:///{HERE.resolve() / 'ledger.sqlite3'}"
    assert plain.entries_public
    told = read_settings(HERE, {"PATINA_DATABASE_URL": "postgresql://h/d", "PATINA_ENTRIES_PUBLIC": "false"})
    assert not told.is_sqlite
    assert told.url == "postgresql://h/d"
    assert not told.entries_public


def test_commits_run_beside_the_loop_where_they_wait() -> None:
    postgres = read_settings(HERE, {"PATINA_DATABASE_URL": "postgresql://h/d"})
    assert [postgres.thread_from, read_settings(HERE, {}).thread_from] == [1, None]
    assert read_settings(HERE, {}, workers=2).thread_from == LARGE_COMMIT


def test_signatures_are_halved_where_a_core_is_left(monkeypatch: pytest.MonkeyPatch) -> None:
    for cores, want in ((2, [True, False, False]), (4, [True, True, False]), (None, [False, False, False])):
        monkeypatch.setattr(os, "cpu_count", lambda cores=cores: cores)
        assert [read_settings(HERE, {}, workers=workers).halves for workers in (1, 2, 4)] == want
