"""A process that tells what is due and kills itself at a point: ``python -m tests.sending URL DIR NOW POINT PLACE``.

``PLACE`` is where its mail server listens, a port of this machine. Points: "followed" (before the notices of the log
are committed), "put" (after), "claimed", "sent" (after the receiver has it, before that is noted) and "noted". It makes
reports that are due, too, and of a scheduled one there are "fallen" (due), "half" (ended, not told yet) and "ended".
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from api.notices.follow import Following
from api.notices.sending import Sending
from api.reporting import make_due
from api.settings import Settings
from api.smtp import Mail
from ledger.db.ledger import open_ledger
from ledger.db.outbox import Outbox
from ledger.db.reports import Reports
from tests.stall import MASTER
from tests.telling import LOOPBACK

POINTS = ("followed", "put", "claimed", "sent", "noted")
REPORTED = ("fallen", "half", "ended", "sent")


def dying(function: Callable[..., Any], *, before: bool = False) -> Callable[..., Any]:
    """The function, and then the end; or the end at once."""

    def call(*args: Any, **more: Any) -> Any:
        if not before:
            function(*args, **more)
        os.kill(os.getpid(), signal.SIGKILL)

    return call


def main(url: str, directory: str, now: str, point: str, place: str) -> None:
    """Make reports, follow the log and send; never returns for one of ``POINTS`` or ``REPORTED``."""
    ledger = open_ledger(url, directory=Path(directory), master=MASTER, clock=lambda: int(now))
    mail = Mail("127.0.0.1", int(place), "care@shop.example")
    settings = Settings(Path(directory), "http://shop.example:8000", url, mail=mail, webhooks_to=LOOPBACK)
    armed: dict[str, Callable[[], None]] = {
        "followed": lambda: setattr(Outbox, "put", dying(Outbox.put, before=True)),
        "put": lambda: setattr(Outbox, "put", dying(Outbox.put)),
        "claimed": lambda: setattr(Outbox, "claim", dying(Outbox.claim)),
        "sent": lambda: setattr(Outbox, "settle", dying(Outbox.settle, before=True)),
        "noted": lambda: setattr(Outbox, "settle", dying(Outbox.settle)),
        "fallen": lambda: setattr(Reports, "fall_due", dying(Reports.fall_due)),
        "half": lambda: setattr(Outbox, "adding", lambda *_: dying(print)),
        "ended": lambda: setattr(Reports, "finish", dying(Reports.finish)),
    }
    if point in armed:
        armed[point]()
    make_due(ledger, workers=0)
    while Following(ledger, settings, lambda: int(now)).follow():
        pass
    asyncio.run(Sending(ledger, settings, lambda: int(now)).send_due())
    ledger.close()


if __name__ == "__main__":
    main(*sys.argv[1:])
