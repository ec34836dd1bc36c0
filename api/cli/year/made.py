"""A whole ledger with a year in it, from a seed: for the demo, and for tests and benchmarks of what reads many cases.

`tests/year.py` opens a small one at the end of its year; a large one takes a longer `window` and is told faster.
Whoever knows the seed can make every key of such a ledger, its own included: it is a demo's.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from hashlib import sha256, shake_256
from pathlib import Path

from api.cli.demo_cast import Cast, read_story
from api.cli.year.play import STOCK, WINDOW, YEAR, Advance, Clock, Player
from ledger.db.ledger import Ledger, create_ledger, open_ledger
from ledger.db.secret import KeyKeeper


@dataclass(frozen=True, slots=True)
class Asked:
    """What year to tell: `seed` is 32 bytes, `lives` the number of things that something happens to, `end` in µs.

    `window` is the span, in µs, of what is appended in one batch: longer is faster, and records later.
    """

    seed: bytes
    lives: int
    end: int
    window: int = WINDOW

    @property
    def began(self) -> int:
        """When the ledger is founded, in µs."""
        return self.end - YEAR - STOCK

    @property
    def rand(self) -> Callable[[int], bytes]:
        """Bytes that depend on the seed and on how often they were asked for: keys and ids of the founding."""
        asked = 0

        def rand(count: int) -> bytes:
            nonlocal asked
            asked += 1
            return shake_256(self.seed + b"founding %d" % asked).digest(count)

        return rand


def seed_of(number: int) -> bytes:
    """The seed that a number stands for."""
    return sha256(b"patina demo year %d" % number).digest()


def found(url: str, directory: Path, master: KeyKeeper, asked: Asked, *, origin: str, name: str) -> str:
    """Make the ledger as of the year's beginning; its vkey."""
    return create_ledger(
        url,
        directory=directory,
        origin=origin,
        name=name,
        now=asked.began,
        rand=asked.rand,
        master=master,
        operator_name=name,
    )


def play(
    url: str,
    directory: Path,
    master: KeyKeeper,
    asked: Asked,
    *,
    advance: Advance = lambda _: None,
    beside: bool = False,
) -> tuple[int, int]:
    """Tell the year in a ledger that `found` made; how many statements and cases it has. May be run again.

    With `beside`, the items of the small demo's story live in that year, too.
    """
    clock = Clock(asked.began)
    ledger = open_ledger(url, directory=directory, master=master, clock=clock)
    try:
        cast = cast_of(ledger, asked)
        player = Player(cast, clock, advance, asked.window, cast.steps(read_story(cast)) if beside else [])
        player.play(asked.seed.hex(), asked.lives, asked.end)
        return player.statements, player.cases
    finally:
        ledger.close()


def cast_of(ledger: Ledger, asked: Asked) -> Cast:
    """Who speaks in the year: the ids of all parts, by their names."""
    return Cast(ledger, asked.seed, datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=asked.end))
