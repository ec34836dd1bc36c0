"""A process that appends through failures: ``python -m tests.enduring URL DIR NAME BATCHES WIDTH``.

Each batch is sent again until it is recorded, at most three times; each receipt is printed as a line of JSON once it
is there. It ends with 0, and with 3 if a batch was not recorded.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

from ledger.db.draft import Accepted, Draft, Outcome
from ledger.db.ledger import open_ledger
from ledger.errors import Unavailable
from ledger.receipt import format_receipt
from tests.stall import MASTER, Clock, Stall

TIMES = 3
NOT_RECORDED = 3


def drafts(shop: Stall, name: str, batches: int, width: int) -> Iterator[list[Draft]]:
    """The batches; the same in each process that is given the same words."""
    for batch in range(batches):
        yield [shop.register(f"{name} {batch} {number}") for number in range(width)]


def receipt_of(outcome: Accepted) -> str:
    """The receipt, as JSON."""
    text = format_receipt(outcome.entry, outcome.index, outcome.statement.id, outcome.hashes, outcome.checkpoint)
    return text.decode()


def send(shop: Stall, batch: list[Draft]) -> list[Outcome]:
    """What became of a batch at last."""
    outcomes = shop.append(*batch)
    for _ in range(TIMES - 1):
        if not all(isinstance(outcome, Accepted) for outcome in outcomes):
            outcomes = shop.append(*batch)
    return outcomes


def main(url: str, directory: str, name: str, batches: str, width: str) -> int:
    """Append all of them; the exit code."""
    clock = Clock()
    ledger = open_ledger(url, directory=Path(directory), master=MASTER, clock=clock)
    shop = Stall(url, Path(directory), clock, ledger)
    for batch in drafts(shop, name, int(batches), int(width)):
        outcomes = send(shop, batch)
        for outcome in outcomes:
            if isinstance(outcome, Accepted):
                sys.stdout.write(receipt_of(outcome) + "\n")
                sys.stdout.flush()
            elif not isinstance(outcome, Unavailable):
                raise outcome
        if any(isinstance(outcome, Unavailable) for outcome in outcomes):
            return NOT_RECORDED
    ledger.close()
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
