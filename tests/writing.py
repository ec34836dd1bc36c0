"""A process that appends until it is done or killed: ``python -m tests.writing URL DIR NAME BATCHES WIDTH``.

For each statement it prints, after the answer, ``index leaf-hash statement-id size`` on a line of its own.
"""

from __future__ import annotations

import sys
from pathlib import Path

from ledger import merkle
from ledger.db.draft import Accepted
from ledger.db.ledger import open_ledger
from tests.stall import MASTER, Clock, Stall


def main(url: str, directory: str, name: str, batches: str, width: str) -> None:
    """Register items, ``width`` in each of ``batches`` commits."""
    clock = Clock()
    ledger = open_ledger(url, directory=Path(directory), master=MASTER, clock=clock)
    shop = Stall(url, Path(directory), clock, ledger)
    for batch in range(int(batches)):
        drafts = [shop.register(f"{name} {batch} {number}") for number in range(int(width))]
        for outcome in shop.append(*drafts):
            assert isinstance(outcome, Accepted), outcome
            digest = merkle.leaf_hash(outcome.entry)
            sys.stdout.write(f"{outcome.index} {digest.hex()} {outcome.statement.id} {outcome.size}\n")
            sys.stdout.flush()
    ledger.close()


if __name__ == "__main__":
    main(*sys.argv[1:])
