"""A process that rotates the master key and kills itself: ``python -m tests.rotating URL DIR NOW STEP``."""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path

from ledger.db import master
from ledger.db.ledger import open_ledger


def main(url: str, directory: str, now: str, step: str) -> None:
    """Rotate; never returns if there is a step of this name."""
    folder = Path(directory)
    ledger = open_ledger(url, directory=folder, master=master.master_of({}, folder), clock=lambda: int(now))

    def told(name: str) -> None:
        if name == step:
            os.kill(os.getpid(), signal.SIGKILL)

    master.rotate(ledger, {}, told)


if __name__ == "__main__":
    main(*sys.argv[1:])
