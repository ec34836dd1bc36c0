"""Who guesses waits: counters that are bounded, addresses that cannot be invented, and codes that lead nowhere."""

from __future__ import annotations

import hmac
import multiprocessing
import stat
from collections.abc import Iterator
from pathlib import Path
from threading import Thread
from typing import Any

import pytest

from api import counts as module
from api.counts import KEYS, ROWS, WINDOW, Counts
from api.limits import LOST_TOKENS, Limit, Limits, parse_networks
from api.problems import Problem
from api.settings import read_settings
from ledger import times
from ledger.db import codes
from ledger.db.connect import session
from ledger.errors import Invalid, Unavailable
from tests.console import Browser
from tests.shop import RING, Clock, Shop, open_shop


def keyed(what: str, text: str) -> bytes:
    return hmac.digest(b"key", f"{what}\n{text}".encode(), "sha256")


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def counts(tmp_path: Path, clock: Clock) -> Counts:
    return Counts(tmp_path, keyed, clock)


def waits(limit: Limit, *keys: str) -> int:
    """The seconds of ``Retry-After``, or 0."""
    try:
        limit.check(*keys)
    except Problem as problem:
        return int(problem.headers["Retry-After"]) if problem.status == 429 else -1
    return 0


def test_a_key_waits_for_the_rest_of_its_window(counts: Counts, clock: Clock) -> None:
    limit = Limit("logins", 2, counts)
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


def test_limits_do_not_count_for_each_other(counts: Counts) -> None:
    logins, finds = Limit("logins", 1, counts), Limit("finds", 1, counts)
    logins.count("a")
    assert (waits(logins, "a") > 0, waits(finds, "a")) == (True, 0)


def test_what_is_taken_is_refused_when_it_is_too_much_and_counts_all_the_same(counts: Counts, clock: Clock) -> None:
    finds = Limit("finds", 2, counts)
    finds.take("a")
    finds.take("a")
    for _ in range(2):
        with pytest.raises(Problem) as refused:
            finds.take("a")
        assert (refused.value.status, refused.value.headers) == (429, {"Retry-After": "900"})
    finds.take("b")
    clock.now += WINDOW
    finds.take("a")


def test_what_was_right_is_taken_back(counts: Counts) -> None:
    limit = Limit("logins", 2, counts)
    limit.count("a")
    limit.count("a")
    limit.forgive("a")
    assert waits(limit, "a") == 0
    limit.count("a")
    assert waits(limit, "a") > 0
    limit.forgive("a", all_of_it=True)
    limit.count("a")
    assert waits(limit, "a") == 0
    limit.forgive("unheard")
    assert waits(limit, "unheard") == 0


def test_a_full_row_forgets_whose_while_is_over_and_then_who_came_longest_ago(
    counts: Counts, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "ROWS", 1)
    limit = Limit("logins", 1, counts)
    for key in range(KEYS):
        limit.count(str(key))
        clock.now += 1
    assert all(waits(limit, str(key)) for key in range(KEYS))
    limit.count("0")
    limit.count("another")
    assert [waits(limit, str(key)) > 0 for key in range(KEYS)] == [False] + [True] * (KEYS - 1)
    clock.now += WINDOW - KEYS
    limit.count("later")
    assert waits(limit, "another") > 0, "one whose while was over made place"


def test_a_clock_that_goes_back_keeps_nobody_waiting(counts: Counts, clock: Clock) -> None:
    limit = Limit("logins", 1, counts)
    limit.count("a")
    clock.now -= times.DAY
    assert waits(limit, "a") == 0


def test_what_was_counted_survives_a_restart_and_says_nothing_of_whom(
    counts: Counts, clock: Clock, tmp_path: Path
) -> None:
    Limit("logins", 1, counts).count("jane@example.org")
    counts.close()
    again = Counts(tmp_path, keyed, clock)
    assert waits(Limit("logins", 1, again), "jane@example.org") > 0
    file = tmp_path / "tries"
    assert (stat.S_IMODE(file.stat().st_mode), file.stat().st_size) == (0o600, ROWS * KEYS * 28)
    assert b"jane" not in file.read_bytes()
    # Another key, as without the master key: nobody can be found in it.
    other = Counts(tmp_path, lambda what, text: keyed("other" + what, text), clock)
    assert waits(Limit("logins", 1, other), "jane@example.org") == 0


@pytest.mark.parametrize("content", [b"", b"short", b"\xff" * ROWS * KEYS * 28])
def test_a_table_that_was_damaged_counts_from_nothing(
    counts: Counts, clock: Clock, tmp_path: Path, content: bytes
) -> None:
    limit = Limit("logins", 2, counts)
    limit.count("a")
    (tmp_path / "tries").write_bytes(content)
    assert waits(limit, "a") == 0
    limit.count("a")
    limit.count("a")
    assert waits(limit, "a") > 0


def test_without_a_place_to_count_nobody_is_let_try(tmp_path: Path, clock: Clock) -> None:
    with pytest.raises(Unavailable, match="cannot count"):
        Limit("logins", 1, Counts(tmp_path / "missing", keyed, clock)).check("a")


def count_many(folder: str) -> None:
    counts = Counts(Path(folder), keyed, Clock())
    for _ in range(200):
        counts.add("logins", "a")


def test_processes_and_threads_count_together(counts: Counts, tmp_path: Path) -> None:
    context = multiprocessing.get_context("spawn")
    processes = [context.Process(target=count_many, args=(str(tmp_path),)) for _ in range(2)]
    threads = [Thread(target=lambda: [counts.add("logins", "a") for _ in range(200)]) for _ in range(2)]
    for thread in threads:
        thread.start()
    for process in processes:
        process.start()
    for process in processes:
        process.join()
    for thread in threads:
        thread.join()
    assert [one.exitcode for one in processes] == [0, 0]
    assert counts.get("logins", "a")[0] == 800


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
    counts: Counts, trusted: str, client: str, forwarded: tuple[str, ...], address: str
) -> None:
    assert Limits(counts, parse_networks(trusted)).address_of(scope_of(client, *forwarded)) == address


def test_without_a_client_there_is_still_one_address(counts: Counts) -> None:
    assert Limits(counts, ()).address_of({"client": None, "headers": []}) == ""


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
