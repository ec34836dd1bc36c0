"""What a server does by itself: a seal every hour, the access log, what is due to be erased, and reading again.

The re-hash walks the log from its first leaf, a bundle at a time with pauses, and folds the leaf hashes into a root.
A leaf that was edited behind the service's back shows in that root, which is compared with the checkpoint; from then
on the writer refuses to sign and says why.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging

from api.site import Site
from ledger.db import erase
from ledger.db.append import DATABASE_ERRORS
from ledger.db.epochs import GRACE
from ledger.errors import PatinaError

SEAL_EVERY = 300.0
"""Seconds between looks at the age of the last seal; the writer decides whether it is an hour."""
FLUSH_EVERY = 1.0
"""Seconds that a line of the access log waits in its spool."""
REST = 0.25
"""Seconds of a pause: 10^6 leaves take a quarter of an hour and 1 % of a core."""
SLICE = 256
"""Leaves between two pauses: about two milliseconds."""
ERASE_EVERY = 5.0
"""Seconds between looks at what is due to be erased: a handful of questions to indexes."""
PAUSE = 600.0
"""Seconds between two walks."""

_log = logging.getLogger("patina.api")


class Jobs:
    """The tasks of one process."""

    def __init__(self, site: Site) -> None:
        self._site = site
        self._tasks: list[asyncio.Task[None]] = []

    def start(self) -> None:
        """Begin; needs a running event loop."""
        loop = asyncio.get_running_loop()
        walks = {"seal": self._seal, "rehash": self._rehash, "readings": self._readings, "erase": self._erase}
        self._tasks = [loop.create_task(walk(), name=name) for name, walk in walks.items()]

    async def stop(self) -> None:
        """End at the next pause."""
        for task in self._tasks:
            task.cancel()
        for task in self._tasks:
            with contextlib.suppress(asyncio.CancelledError):
                await task

    async def _seal(self) -> None:
        while True:
            await asyncio.sleep(SEAL_EVERY)
            if self._site.why_not_ready() is None:
                try:
                    await self._site.appender.seal()
                except PatinaError as error:
                    _log.warning("no seal: %s", error.message)

    async def _readings(self) -> None:
        while True:
            await asyncio.sleep(FLUSH_EVERY)
            try:
                await self._site.read(self._site.ledger.readings.flush)
            except (PatinaError, *DATABASE_ERRORS) as error:
                _log.warning("the access log waits in its spool: %s", type(error).__name__)

    async def _erase(self) -> None:
        while True:
            await asyncio.sleep(ERASE_EVERY)
            if self._site.why_not_ready() is None:
                try:
                    await asyncio.to_thread(erase.work, self._site.ledger, self._site.clock(), grace=GRACE)
                except (PatinaError, *DATABASE_ERRORS) as error:
                    _log.warning("nothing erased: %s", getattr(error, "message", type(error).__name__))

    async def _rehash(self) -> None:
        while True:
            if self._site.why_not_ready() is None:
                await rehash(self._site, rest=REST)
            await asyncio.sleep(PAUSE)


async def rehash(site: Site, *, rest: float = 0.0) -> str | None:
    """Read every leaf below the checkpoint again; return what is wrong, after telling the writer, or ``None``."""
    walk = site.ledger.rehash()
    progress = await site.read(walk.step, SLICE)
    while not progress.finished:
        await asyncio.sleep(rest)
        progress = await site.read(walk.step, SLICE)
    if progress.wrong is not None:
        site.ledger.writer.refusal = progress.wrong
        _log.critical("%s", progress.wrong)
    return progress.wrong
