"""Who guesses waits: counters that are bounded, addresses that cannot be invented, and codes that lead nowhere."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from api import limits
from api.limits import LOST_TOKENS, WINDOW, Limit, Limits, parse_networks
from api.problems import Problem
from api.settings import read_settings
from ledger import times
from ledger.db import codes
from ledger.db.connect import session
from ledger.errors import Invalid
from tests.console import Browser
from tests.shop import RING, Clock, Shop, open_shop


@pytest.fixture
def clock() -> Clock:
    return Clock()


def waits(limit: Limit, *keys: str) -> int:
    """The seconds of ``Retry-After``, or 0."""
    try:
        limit.check(*keys)
    except Problem as problem:
        return int(problem.headers["Retry-After"]) if problem.status == 429 else -1
    return 0


def test_a_key_waits_for_the_rest_of_its_window(clock: Clock) -> None:
    limit = Limit(2, clock)
    limit.count("a")
    assert waits(limit, "a") == 0
    clock.now += times.MINUTE
    limit.count("a")
    assert waits(limit, "a") == 14 * 60
    assert waits(limit, "b", "a") == 14 * 60
    assert waits(limit, "b") == 0
    clock.now += 14 * times.MINUTE - 1
    assert waits(limit, "a") == 1
    clock.now += 1
    assert waits(limit, "a") == 0
    limit.count("a")
    assert waits(limit, "a") == 0


def test_what_was_right_is_taken_back(clock: Clock) -> None:
    limit = Limit(2, clock)
    limit.count("a")
    limit.count("a")
    limit.forgive("a")
    assert waits(limit, "a") == 0
    limit.count("a")
    assert waits(limit, "a") > 0
    limit.forgive("a", all_of_it=True)
    assert len(limit) == 0
    limit.forgive("unheard")
    assert len(limit) == 0


def test_the_memory_is_bounded_and_forgets_who_was_wrong_longest_ago(
    clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "MOST", 3)
    limit = Limit(1, clock)
    for key in "abac":
        limit.count(key)
    limit.count("d")
    assert len(limit) == 3
    assert [waits(limit, key) > 0 for key in "abcd"] == [True, False, True, True]


def test_a_clock_that_goes_back_keeps_nobody_waiting(clock: Clock) -> None:
    limit = Limit(1, clock)
    limit.count("a")
    clock.now -= times.DAY
    assert waits(limit, "a") == 0


def scope_of(client: str, *forwarded: str) -> dict[str, Any]:
    headers = [(b"x-forwarded-for", value.encode("latin-1")) for value in forwarded]
    return {"client": (client, 1), "headers": headers}


@pytest.mark.parametrize(
    ("trusted", "client", "forwarded", "address"),
    [
        ("", "192.0.2.1", ("198.51.100.7",), "192.0.2.1"),
        ("", "127.0.0.1", ("198.51.100.7",), "127.0.0.1"),
        ("10.0.0.0/8", "192.0.2.1", ("198.51.100.7",), "192.0.2.1"),
        ("10.0.0.0/8", "10.0.0.1", ("198.51.100.7",), "198.51.100.7"),
        ("10.0.0.0/8", "10.0.0.1", ("203.0.113.9, 198.51.100.7",), "198.51.100.7"),
        ("10.0.0.0/8", "10.0.0.1", ("203.0.113.9", "198.51.100.7, 10.0.0.2"), "198.51.100.7"),
        ("10.0.0.0/8", "10.0.0.1", (), "10.0.0.1"),
        ("10.0.0.0/8", "10.0.0.1", ("not an address\x85",), "10.0.0.1"),
        ("10.0.0.0/8", "10.0.0.1", ("203.0.113.9, unknown",), "10.0.0.1"),
        ("10.0.0.0/8", "10.0.0.1", ("10.0.0.3, 10.0.0.2",), "10.0.0.1"),
        ("::1, 10.0.0.1", "::1", ("2001:db8::77",), "2001:db8::/64"),
        ("", "2001:db8:0:1:aaaa::1", (), "2001:db8:0:1::/64"),
        ("", "::ffff:192.0.2.1", (), "192.0.2.1"),
        ("", "phone", (), "phone"),
    ],
)
def test_the_address_that_counts(
    clock: Clock, trusted: str, client: str, forwarded: tuple[str, ...], address: str
) -> None:
    assert Limits(clock, parse_networks(trusted)).address_of(scope_of(client, *forwarded)) == address


def test_without_a_client_there_is_still_one_address(clock: Clock) -> None:
    assert Limits(clock, ()).address_of({"client": None, "headers": []}) == ""


@pytest.mark.parametrize("text", ["everybody", "10.0.0.0/99", "10.0.0.1/8", "10.0.0.1 10.0.0.2"])
def test_a_proxy_that_is_none_is_not_believed(text: str) -> None:
    with pytest.raises(Invalid, match="PATINA_TRUSTED_PROXIES"):
        read_settings(Path("var"), {"PATINA_TRUSTED_PROXIES": text})


def test_nobody_is_believed_by_default() -> None:
    assert read_settings(Path("var"), {}).trusted_proxies == ()
    assert len(read_settings(Path("var"), {"PATINA_TRUSTED_PROXIES": "10.0.0.0/8, ::1,"}).trusted_proxies) == 2


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[Shop]:
    with open_shop(tmp_path) as opened:
        opened.party("Alder", "retailer")
        opened.say(opened.parties["Alder"], "item.registered", RING, {"name": "Ring", "category": "jewellery"})
        yield opened


@pytest.mark.parametrize("accept", ["text/html", "application/json"])
def test_whoever_guesses_codes_waits_and_learns_nothing_meanwhile(shop: Shop, accept: str) -> None:
    token = shop.code(shop.parties["Alder"])
    thief, guest = Browser(shop, address="192.0.2.1"), Browser(shop, address="192.0.2.2")
    headers = {"Accept": accept}
    guesses = [f"/i/{'A' * 22}", "/i/x", "/i/%FF", f"/i/{'A' * 22}/history", f"/i/{'B' * 22}/qr.svg"]
    for number in range(LOST_TOKENS):
        assert thief.http.get(guesses[number % len(guesses)], headers=headers).status_code == 404
        assert thief.http.get(f"/i/{token}", headers=headers).status_code == (200 if number < LOST_TOKENS - 1 else 429)
    for path in (*guesses, f"/i/{token}", f"/i/{token}/history"):
        answer = thief.http.get(path, headers=headers)
        assert answer.status_code == 429
        assert answer.headers["retry-after"] == str(WINDOW // times.SECOND)
    assert guest.http.get(f"/i/{token}", headers=headers).status_code == 200
    assert thief.http.get("/").status_code == 200
    shop.clock.now += WINDOW
    assert thief.http.get(f"/i/{token}", headers=headers).status_code == 200


def test_an_invented_address_does_not_help(shop: Shop) -> None:
    thief = Browser(shop, address="127.0.0.1")
    codes = [
        thief.http.get("/i/x", headers={"X-Forwarded-For": f"203.0.113.{n}", "Forwarded": "for=1"}).status_code
        for n in range(LOST_TOKENS + 1)
    ]
    assert codes[-1] == 429


def test_a_malformed_code_looks_like_an_unknown_one_and_is_looked_up_like_one(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    reads: list[Any] = []

    def counted(engine: Any) -> Any:
        reads.append(engine)
        return session(engine)

    monkeypatch.setattr(codes, "session", counted)
    answers = [shop.get(f"/i/{code}") for code in ("A" * 22, "x", "%FF%FE", "%00", "%0d%0aSet-Cookie:a=b", "a" * 500)]
    assert {answer.status_code for answer in answers} == {404}
    assert len({answer.content for answer in answers}) == 1
    same = [{k: v for k, v in answer.headers.items() if k != "x-request-id"} for answer in answers]
    assert all(headers == same[0] for headers in same)
    assert len(reads) == len(answers)
