"""A ledger with a scripted year in it, for tests of what reads many cases: small, and the same for every run.

The clock of the ledger that `tell` opens stands at the end of the year, so that what is due, late or in force is so at
that moment, whenever the test runs.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from api.cli.year import made, play
from ledger.db.ledger import Ledger, open_ledger
from ledger.db.secret import MasterKey
from ledger.times import parse_occurred

MASTER = MasterKey(bytes(range(32)))
END = parse_occurred("2026-11-02T00:00:00Z")
SMALL = 60


def asked(*, lives: int = SMALL, seed: int = 1, window: int = play.WINDOW) -> made.Asked:
    """A year that ends at `END`."""
    return made.Asked(made.seed_of(seed), lives, END, window)


@contextmanager
def tell(directory: Path, *, url: str = "", lives: int = SMALL, seed: int = 1) -> Iterator[Ledger]:
    """A ledger in which a year was told, open at its end; `url` is a database other than a SQLite file there."""
    url = url or f"sqlite:///{directory / 'ledger.sqlite3'}"
    wanted = asked(lives=lives, seed=seed)
    made.found(url, directory, MASTER, wanted, origin="year.example/log", name="A year")
    made.play(url, directory, MASTER, wanted)
    ledger = open_ledger(url, directory=directory, master=MASTER, clock=lambda: END)
    try:
        yield ledger
    finally:
        ledger.close()
