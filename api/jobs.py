"""What a server does by itself: a seal at least once an hour, and reading again what it stored.

The re-hash walks the log from its first leaf, a bundle at a time with pauses, and folds the leaf hashes into a root.
A leaf that was edited behind the service's back shows in that root, which is compared with the checkpoint; from then
on the writer refuses to sign and says why.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging

from api.site import Site
from ledger import merkle
from ledger.checkpoint import Checkpoint, parse_checkpoint_text
from ledger.db.read import Reader
from ledger.errors import PatinaError
from ledger.note import parse_note

SEAL_EVERY = 300.0
"""Seconds between looks at the age of the last seal; the writer decides whether it is an hour."""
REST = 0.25
"""Seconds between two bundles of 256 leaves: 10^6 leaves take a quarter of an hour and 1 % of a core."""
WIDTH = 256
"""Leaves of a full tile."""
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
        self._tasks = [loop.create_task(self._seal(), name="seal"), loop.create_task(self._rehash(), name="rehash")]

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

    async def _rehash(self) -> None:
        while True:
            if self._site.why_not_ready() is None:
                await rehash(self._site, rest=REST)
            await asyncio.sleep(PAUSE)


async def rehash(site: Site, *, rest: float = 0.0) -> str | None:
    """Read every leaf below the checkpoint again; return what is wrong, after telling the writer, or ``None``."""
    ledger = site.ledger
    head = _head(await site.read(ledger.reader.checkpoint))
    frontier = merkle.Frontier()
    for start in range(0, head.size, WIDTH):
        wrong = await site.read(_fold, ledger.reader, frontier, start, min(head.size, start + WIDTH))
        if wrong is not None:
            ledger.writer.refusal = wrong
            _log.critical("%s", wrong)
            return wrong
        await asyncio.sleep(rest)
    if frontier.root() != head.root:
        wrong = f"the leaves stored below {head.size} do not have the root of the checkpoint of that size"
        ledger.writer.refusal = wrong
        _log.critical("%s", wrong)
        return wrong
    return None


def _head(note: str) -> Checkpoint:
    return parse_checkpoint_text(parse_note(note).text)


def _fold(reader: Reader, frontier: merkle.Frontier, start: int, end: int) -> str | None:
    """Add the leaf hashes from ``start`` to ``end``; each is compared with the tile made when it was written."""
    tile = reader.tile(0, start // WIDTH, end - start)
    for index in range(start, end):
        raw = reader.leaf(index)
        if raw is None:
            return f"leaf {index} is missing from the database"
        found = merkle.leaf_hash(raw)
        place = 32 * (index - start)
        if tile is not None and tile[place : place + 32] != found:
            return f"leaf {index} in the database is not the leaf that was appended"
        frontier.append(found)
    return None
