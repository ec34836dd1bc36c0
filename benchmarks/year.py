"""A year of any size, for what is measured over many cases: how fast it is told, and how fast signals are found in it.

    python benchmarks/year.py --dir DIR --lives 80000      # about a million statements; they stay in DIR

Batches hold an hour, so that the year is told fast; the seed is always the same, so the ledger is, too. Seconds are of
the processor, because a machine that others use makes the clock on the wall say nothing.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path

from api.cli.year import made
from ledger.db.ledger import open_ledger
from ledger.db.secret import MasterKey
from ledger.times import HOUR, parse_occurred

MASTER = MasterKey(bytes(range(32)))
END = parse_occurred("2026-11-02T00:00:00Z")


def main() -> None:
    words = argparse.ArgumentParser(description="Tell a year of three shops in DIR, and look for signals in it.")
    words.add_argument("--dir", type=Path, required=True)
    words.add_argument("--lives", type=int, default=4000)
    words.add_argument("--url", help="a database other than a SQLite file in DIR")
    given = words.parse_args()
    given.dir.mkdir(parents=True, exist_ok=True)
    url = given.url or f"sqlite:///{given.dir / 'ledger.sqlite3'}"
    asked = made.Asked(made.seed_of(1), given.lives, END, HOUR)
    made.found(url, given.dir, MASTER, asked, origin="year.example/log", name="A year")
    began = time.process_time()
    statements, cases = made.play(url, given.dir, MASTER, asked)
    spent = time.process_time() - began
    print(f"{statements} statements, {cases} cases: {spent:.1f} s, {statements / spent:.0f} a second")
    ledger = open_ledger(url, directory=given.dir, master=MASTER, clock=lambda: END)
    began = time.process_time()
    found = ledger.risks.signals()
    spent = time.process_time() - began
    print(
        f"{len(found.signals)} signals in {found.size} leaves: {spent:.1f} s, {found.size / spent:.0f} leaves a second"
    )
    ledger.close()


if __name__ == "__main__":
    main()
