"""Passwords and PINs: Argon2id (RFC 9106), made and checked in threads of their own, a few at a time.

One check takes 46 MiB for some thirty milliseconds of a core (OWASP's first choice of parameters). So many at once as
a stranger likes to ask for would take the machine: there are ``THREADS``, and at most ``WAITING`` wait for them. Who is
unknown costs the same check as who is known, against a hash of nothing.
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from itertools import pairwise
from typing import TypeVar

from argon2 import PasswordHasher
from argon2.exceptions import Argon2Error, InvalidHashError

from ledger.errors import Invalid, Unavailable

MIN_PASSWORD = 12
MIN_PIN = 6
MAX_SECRET = 128
"""Characters: Argon2 takes more, but nobody types more."""
THREADS = 2
WAITING = 16
_WORDS = 6

T = TypeVar("T")


def hasher() -> PasswordHasher:
    """Argon2id with the parameters of this service."""
    return PasswordHasher(time_cost=1, memory_cost=46 * 1024, parallelism=1)


@cache
def _hash_of_nothing() -> str:
    """Of a text that nobody knows, made once a process."""
    return hasher().hash(secrets.token_urlsafe(16))


class Passwords:
    """The checks of one process."""

    def __init__(self) -> None:
        self._argon = hasher()
        self._nobody = _hash_of_nothing()
        self._threads = ThreadPoolExecutor(THREADS, "argon2")
        self._waiting = 0

    def close(self) -> None:
        """End the threads."""
        self._threads.shutdown()

    async def hash(self, text: str) -> str:
        """The hash to keep of a password or PIN."""
        return await self._run(lambda: self._argon.hash(text))

    async def check(self, hashed: str | None, text: str) -> bool:
        """Whether the hash is of this text; ``None`` takes as long and is of no text."""
        return await self._run(lambda: self.check_now(hashed, text))

    def check_now(self, hashed: str | None, text: str) -> bool:
        """The same, in this thread."""
        try:
            self._argon.verify(self._nobody if hashed is None else hashed, text[:MAX_SECRET])
        except (Argon2Error, InvalidHashError):
            return False
        return hashed is not None

    async def _run(self, function: Callable[[], T]) -> T:
        if self._waiting >= WAITING:
            raise Unavailable("got too many logins at once, want you to try again")
        self._waiting += 1
        try:
            return await asyncio.get_running_loop().run_in_executor(self._threads, function)
        finally:
            self._waiting -= 1


def hash_secret(text: str) -> str:
    """The hash to keep of a password or PIN, made in this thread, for a command."""
    return hasher().hash(text)


def check_password(text: str, pointer: str) -> str:
    """A password that may be chosen; raises ``Invalid``. Length is what counts (NIST SP 800-63B)."""
    if not MIN_PASSWORD <= len(text) <= MAX_SECRET:
        raise Invalid(f"want a password of {MIN_PASSWORD} to {MAX_SECRET} characters", pointer)
    return text


def check_pin(text: str, pointer: str) -> str:
    """A PIN that may be chosen; raises ``Invalid`` for what everybody would try first."""
    digits = [int(sign) for sign in text] if text.isascii() and text.isdigit() else []
    if not MIN_PIN <= len(digits) <= MAX_SECRET:
        raise Invalid(f"want a PIN of at least {MIN_PIN} digits", pointer)
    steps = {after - before for before, after in pairwise(digits)}
    if len(set(digits)) < 3 or steps in ({1}, {-1}):
        raise Invalid("got a PIN that is a run or a repetition of digits, want another", pointer)
    return text


def new_password() -> str:
    """A password for a person's first login: 120 random bits in groups that can be read aloud."""
    return "-".join(secrets.token_hex(2) for _ in range(_WORDS)) + "-" + secrets.token_hex(3)


def new_pin() -> str:
    """A PIN that may be chosen, drawn at random."""
    while True:
        pin = f"{secrets.randbelow(10**MIN_PIN):0{MIN_PIN}}"
        try:
            return check_pin(pin, "")
        except Invalid:
            continue
