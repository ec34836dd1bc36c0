"""A process that sends what is due and kills itself at a point: ``python -m tests.sending URL DIR NOW POINT PLACE``.

``PLACE`` is where its mail server listens, a port of this machine. Points: "followed" (before the notices of the log
are committed), "put" (after), "claimed", "sent" (after the receiver has it, before that is noted) and "noted".
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
from api.settings import Settings
from api.smtp import Mail
from ledger.db.ledger import open_ledger
from ledger.db.outbox import Outbox
from tests.stall import MASTER
from tests.telling import LOOPBACK

POINTS = ("followed", "put", "claimed", "sent", "noted")


def dying(function: Callable[..., Any], *, before: bool = False) -> Callable[..., Any]:
    """The function, and then the end; or the end at once."""

    def call(*args: Any, **more: Any) -> Any:
        if not before:
            function(*args, **more)
        os.kill(os.getpid(), signal.SIGKILL)

    return call


def main(url: str, directory: str, now: str, point: str, place: str) -> None:
    """Follow the log and send; never returns for one of ``POINTS``."""
    ledger = open_ledger(url, directory=Path(directory), master=MASTER, clock=lambda: int(now))
    mail = Mail("127.0.0.1", int(place), "care@shop.example")
    settings = Settings(Path(directory), "http://shop.example:8000", url, mail=mail, webhooks_to=LOOPBACK)
    armed: dict[str, Callable[[], None]] = {
        "followed": lambda: setattr(Outbox, "put", dying(Outbox.put, before=True)),
        "put": lambda: setattr(Outbox, "put", dying(Outbox.put)),
        "claimed": lambda: setattr(Outbox, "claim", dying(Outbox.claim)),
        "sent": lambda: setattr(Outbox, "settle", dying(Outbox.settle, before=True)),
        "noted": lambda: setattr(Outbox, "settle", dying(Outbox.settle)),
    }
    if point in armed:
        armed[point]()
    while Following(ledger, settings, lambda: int(now)).follow():
        pass
    asyncio.run(Sending(ledger, settings, lambda: int(now)).send_due())
    ledger.close()


if __name__ == "__main__":
    main(*sys.argv[1:])
