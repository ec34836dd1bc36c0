"""What a server does by itself: a seal at least once an hour, upkeep, and reading again what it stored.

Upkeep brings the access log to its table and listed files into their index, lets work lists follow the log, sweeps
files that nothing lists, looks at stored files, erases what is due, and forgets private keys that have ended. Notices
are made of what was recorded, and sent (``api.notices``).

The re-hash walks the log from its first leaf, a bundle at a time with pauses, and folds the leaf hashes into a root.
A leaf that was edited behind the service's back shows in that root, which is compared with the checkpoint; from then
on the writer refuses to sign and says why.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import threading
import time
from collections.abc import Callable

from sqlalchemy.exc import SQLAlchemyError

from api.notices.follow import Following
from api.notices.sending import Sending
from api.reporting import make_due
from api.site import Site
from api.tablets import end_left
from ledger.db import erase
from ledger.db.connect import AWAY
from ledger.db.epochs import GRACE
from ledger.db.ledger import Ledger
from ledger.db.reason import reason
from ledger.errors import PatinaError
from ledger.times import format_recorded

SEAL_EVERY = 300.0
"""Seconds between looks at the age of the last seal; the writer decides whether it is an hour."""
FLUSH_EVERY = 1.0
"""Seconds that a line of the access log waits in its spool."""
SWEEP_EVERY = 3600.0
CHECK_EVERY = 30.0
"""Seconds between two looks at a stored file: all of 10,000 in four days."""
INDEX_EVERY = 5.0
"""Seconds that a listed file waits to come into the index on digests."""
REST = 0.25
"""Seconds of a pause: 10^6 leaves take a quarter of an hour and 1 % of a core."""
FORGET_EVERY = 60.0
"""Seconds between looks for keys of revoked tablets, and for private keys in custody that somebody has revoked."""
SLICE = 256
"""Leaves between two pauses: about two milliseconds."""
ERASE_EVERY = 5.0
"""Seconds between looks at what is due to be erased: a handful of questions to indexes."""
FOLLOW_EVERY = 1.0
"""Seconds between looks at what work lists have to follow."""
FOLLOW_REST = 9.0
"""So many times as long as it took to follow a slice is rested after it, so that appends lose a tenth at most."""
SENDERS = 3
"""Tasks that send: one that waits for slow receivers holds up no other."""
BREATH = 0.01
"""Seconds between two stretches of the log that notices are made of."""
REPORT_EVERY = 2.0
"""Seconds between looks for a report that was asked for or fell due."""
WARN_EVERY = 3600.0
"""Seconds before what is still so is written down again."""
PAUSE = 600.0
"""Seconds between two walks."""
TELL_EVERY = 1.0
"""Seconds between looks at what was recorded since, and at what is due to be sent: two questions to indexes."""

_log = logging.getLogger("patina.api")


class Jobs:
    """The tasks of one process."""

    def __init__(self, site: Site) -> None:
        self._site = site
        self._tasks: list[asyncio.Task[None]] = []
        self._stopping = threading.Event()
        self._warned: dict[str, float] = {}

    def start(self) -> None:
        """Begin; needs a running event loop."""
        loop = asyncio.get_running_loop()
        walks = {
            "seal": self._seal, "rehash": self._rehash, "readings": self._readings, "sweep": self._sweep,
            "files": self._files, "index": self._index, "forget": self._forget, "erase": self._erase,
            "follow": self._follow, "tell": self._tell, **{f"send {number}": self._send for number in range(SENDERS)},
            "reports": self._reports,
        }  # fmt: skip
        self._tasks = [loop.create_task(walk(), name=name) for name, walk in walks.items()]

    async def stop(self) -> None:
        """End at the next pause."""
        self._stopping.set()
        for task in self._tasks:
            task.cancel()
        for task in self._tasks:
            with contextlib.suppress(asyncio.CancelledError):
                await task

    def _warn(self, text: str) -> None:
        """Write a line for the operator; the same one once an hour, for tasks try again every second."""
        now = time.monotonic()
        self._warned = {one: at for one, at in self._warned.items() if now - at < WARN_EVERY}
        if text not in self._warned:
            self._warned[text] = now
            _log.warning("%s", text)

    async def _seal(self) -> None:
        while True:
            await asyncio.sleep(SEAL_EVERY)
            if self._site.why_not_ready() is None:
                try:
                    await self._site.appender.seal()
                except PatinaError as error:
                    self._warn(f"no seal: {error.message}")

    async def _readings(self) -> None:
        while True:
            await asyncio.sleep(FLUSH_EVERY)
            await self._quietly(lambda ledger: ledger.readings.flush())
            await self._quietly(lambda ledger: ledger.risks.flush())

    async def _sweep(self) -> None:
        while True:
            await asyncio.sleep(SWEEP_EVERY)
            await self._quietly(lambda ledger: ledger.attachments.sweep())
            await self._quietly(lambda ledger: ledger.readings.prune())
            await self._quietly(lambda ledger: ledger.outbox.prune())
            await self._quietly(lambda ledger: ledger.addresses.prune())

    async def _files(self) -> None:
        while True:
            await asyncio.sleep(CHECK_EVERY)
            await self._quietly(lambda ledger: ledger.attachments.check_some(1))

    async def _index(self) -> None:
        while True:
            more = await self._quietly(lambda ledger: ledger.attachments.index())
            await asyncio.sleep(BREATH if more else INDEX_EVERY)

    async def _quietly(self, work: Callable[[Ledger], object]) -> object:
        """Do what may fail now and succeed later, in a thread: it reads and writes files; what came of it."""
        try:
            return await asyncio.to_thread(work, self._site.ledger)
        except (PatinaError, *AWAY) as error:
            self._warn(f"a task of upkeep failed: {_why(error)}")
            return None

    async def _forget(self) -> None:
        while True:
            if self._site.why_not_ready() is None:
                try:
                    await end_left(self._site)
                    await forget_keys(self._site)
                except (PatinaError, SQLAlchemyError) as error:
                    self._warn(f"keys that ended are still in custody: {_why(error)}")
            await asyncio.sleep(FORGET_EVERY)

    async def _erase(self) -> None:
        while True:
            await asyncio.sleep(ERASE_EVERY)
            if self._site.why_not_ready() is None:
                await self._quietly(lambda ledger: erase.work(ledger, self._site.clock(), grace=GRACE))

    async def _follow(self) -> None:
        while True:
            begin = time.monotonic()
            more = self._site.why_not_ready() is None and await self._quietly(lambda ledger: ledger.follower.step())
            await asyncio.sleep(FOLLOW_REST * (time.monotonic() - begin) if more else FOLLOW_EVERY)

    async def _tell(self) -> None:
        """Make notices of what was recorded; apart from the sending, which may wait for slow receivers."""
        while True:
            await asyncio.sleep(TELL_EVERY)
            if self._site.refusal is None:
                await self._quietly(self._tell_some)

    def _tell_some(self, ledger: Ledger) -> None:
        following = Following(ledger, self._site.settings, self._site.clock)
        while following.follow():
            time.sleep(BREATH)  # this is a thread: appends go first

    async def _send(self) -> None:
        while True:
            await asyncio.sleep(TELL_EVERY)
            if self._site.refusal is not None:
                continue
            try:
                sending = Sending(self._site.ledger, self._site.settings, self._site.clock)
                while await sending.send_due():
                    pass
            except (PatinaError, *AWAY) as error:
                self._warn(f"no notices are sent: {_why(error)}")

    async def _reports(self) -> None:
        while True:
            await asyncio.sleep(REPORT_EVERY)
            await self._quietly(lambda ledger: make_due(ledger, self._stopping))

    async def _rehash(self) -> None:
        while True:
            if self._site.why_not_ready() is None:
                try:
                    await rehash(self._site, rest=REST)
                except AWAY as error:
                    self._warn(f"the re-hash was cut short, and begins again: {_why(error)}")
            await asyncio.sleep(PAUSE)


def _why(error: Exception) -> str:
    return error.message if isinstance(error, PatinaError) else reason(error)


async def forget_keys(site: Site) -> list[str]:
    """Delete from custody, and from this process's memory, every signing key that is revoked; return which."""
    await site.read(site.ledger.reader.parties)
    return await site.read(site.ledger.access.forget_revoked)


async def rehash(site: Site, *, rest: float = 0.0) -> str | None:
    """Read every leaf below the checkpoint again; return what is wrong, after telling the writer, or ``None``."""
    walk = site.ledger.rehash()
    progress = await site.read(walk.step, SLICE)
    while not progress.finished:
        site.rehashing.went(progress, format_recorded(site.clock()))
        await asyncio.sleep(rest)
        progress = await site.read(walk.step, SLICE)
    site.rehashing.went(progress, format_recorded(site.clock()))
    if progress.wrong is not None:
        site.ledger.writer.refusal = progress.wrong
        _log.critical("%s", progress.wrong)
    return progress.wrong
