"""A process that erases what is due and kills itself after a step: ``python -m tests.erasing URL DIR NOW STEP``."""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path

from ledger.db import erase
from ledger.db.ledger import open_ledger
from tests.stall import MASTER


def main(url: str, directory: str, now: str, step: str) -> None:
    """Erase; never returns if there is a step of this name."""
    ledger = open_ledger(url, directory=Path(directory), master=MASTER, clock=lambda: int(now))

    def told(name: str) -> None:
        if name == step:
            os.kill(os.getpid(), signal.SIGKILL)

    erase.work(ledger, int(now), grace=0, told=told)


if __name__ == "__main__":
    main(*sys.argv[1:])
