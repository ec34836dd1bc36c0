"""Passwords and PINs: what may be chosen, what is kept of it, and how many are checked at once."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator

import pytest

from api.passwords import (
    MAX_SECRET,
    MIN_PASSWORD,
    MIN_PIN,
    WAITING,
    Passwords,
    check_password,
    check_pin,
    hash_secret,
    new_password,
    new_pin,
)
from ledger.errors import Invalid, Unavailable


@pytest.fixture
def passwords() -> Iterator[Passwords]:
    made = Passwords()
    yield made
    made.close()


def test_a_hash_is_argon2id_salted_and_of_one_text(passwords: Passwords) -> None:
    first, second = asyncio.run(passwords.hash("correct horse battery")), hash_secret("correct horse battery")
    assert first.startswith("$argon2id$v=19$m=47104,t=1,p=1$")
    assert first != second
    for hashed in (first, second):
        assert asyncio.run(passwords.check(hashed, "correct horse battery"))
        assert not asyncio.run(passwords.check(hashed, "correct horse batterz"))


def test_nobody_and_a_broken_hash_are_right_for_no_text(passwords: Passwords) -> None:
    for hashed in (None, "", "$argon2id$v=19$broken", "plain"):
        assert not asyncio.run(passwords.check(hashed, ""))
        assert not asyncio.run(passwords.check(hashed, "plain"))


def test_who_is_unknown_costs_the_same_check(passwords: Passwords, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[str] = []
    verify = passwords._argon.verify

    class Counting:
        def verify(self, hashed: str, text: str) -> bool:
            seen.append(hashed.rpartition("$")[0].rpartition("$")[0])
            return verify(hashed, text)

    monkeypatch.setattr(passwords, "_argon", Counting())
    known = hash_secret("correct horse battery")
    for hashed in (None, known):
        assert not asyncio.run(passwords.check(hashed, "wrong"))
    assert len(seen) == 2
    assert seen[0] == seen[1] == "$argon2id$v=19$m=47104,t=1,p=1"


def test_a_crowd_is_told_to_come_back(passwords: Passwords) -> None:
    held = threading.Event()

    async def crowd() -> list[object]:
        waiting = [asyncio.create_task(passwords._run(held.wait)) for _ in range(WAITING)]
        await asyncio.sleep(0)
        with pytest.raises(Unavailable):
            await passwords.check(None, "one more")
        held.set()
        await asyncio.gather(*waiting)
        return [await passwords.check(None, "later")]

    assert asyncio.run(crowd()) == [False]


@pytest.mark.parametrize("text", ["", "x" * (MIN_PASSWORD - 1), "x" * (MAX_SECRET + 1)])
def test_a_password_has_a_length(text: str) -> None:
    with pytest.raises(Invalid):
        check_password(text, "/password")


@pytest.mark.parametrize(
    "text", ["", "12345", "123456", "987654", "111111", "121212", "１２３４５７", "12a457", "4711471 "]
)
def test_a_pin_is_not_what_everybody_tries_first(text: str) -> None:
    with pytest.raises(Invalid):
        check_pin(text, "/pin")


def test_what_is_drawn_may_be_chosen() -> None:
    assert {len(check_pin(new_pin(), "")) for _ in range(50)} == {MIN_PIN}
    drawn = {check_password(new_password(), "") for _ in range(50)}
    assert len(drawn) == 50
    assert len(min(drawn).replace("-", "")) * 4 >= 112
