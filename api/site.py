"""What the routes of one process share: the open ledger, the appender before it, and the pages.

A site opens its ledger when the server starts and not before. If the ledger may not be opened (its head does not
match its leaves, or it is behind its guard), the site still answers: ``/readyz`` and every route say why, and nothing
is signed.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, ParamSpec, TypeVar

from starlette.requests import Request

from api import fold
from api.appender import Appender
from api.pages.site_pages import Pages
from api.private_in import Find
from api.rights import Caller
from api.settings import Settings
from ledger.db.ledger import Clock, Ledger
from ledger.errors import Unavailable

READERS = 4
"""Threads that wait for PostgreSQL; SQLite is read on the loop, where no thread need be woken."""

REMEMBERED = 1024
"""View codes that a process remembers, each for two seconds: a revoked one opens nothing after that."""
REMEMBERED_FOR = 2_000_000

P = ParamSpec("P")
T = TypeVar("T")


class Site:
    """One process's ledger and what stands before it; ``open`` and ``close`` are called by the server."""

    def __init__(self, settings: Settings, open_it: Callable[[], Ledger], clock: Clock) -> None:
        self.settings = settings
        self.clock = clock
        self.pages = Pages()
        self.find: Find | None = None
        """Makes rows to find a statement by, from its private values; nothing is made until somebody sets it."""
        self._codes: dict[str, tuple[str, int]] = {}
        self._modified = (0, "")
        self.refusal: str | None = "the service is starting"
        self._open_it = open_it
        self._ledger: Ledger | None = None
        self._appender: Appender | None = None
        self._readers = None if settings.is_sqlite else ThreadPoolExecutor(READERS, "read")

    async def open(self) -> None:
        """Open the ledger, or keep why not; needs a running event loop."""
        try:
            self._ledger = await asyncio.to_thread(self._open_it)
        except Unavailable as error:
            self.refusal = error.message
            return
        self.refusal = None
        self._appender = Appender(self._ledger.writer, in_thread=not self.settings.is_sqlite)
        self._appender.start()

    async def close(self) -> None:
        """Commit what waits, then close the ledger."""
        if self._appender is not None:
            await self._appender.stop()
        self.pages.close()
        if self._readers is not None:
            self._readers.shutdown()
        if self._ledger is not None:
            self._ledger.close()
        self.refusal = "the service has stopped"
        self._ledger = self._appender = None

    @property
    def ledger(self) -> Ledger:
        """The open ledger; raises ``Unavailable``, saying why, if it is not."""
        if self._ledger is None:
            raise Unavailable(self.refusal or "the ledger is not open")
        return self._ledger

    @property
    def appender(self) -> Appender:
        """The queue before the writer; raises ``Unavailable`` if the ledger is not open."""
        if self._appender is None:
            raise Unavailable(self.refusal or "the ledger is not open")
        return self._appender

    async def subject_of(self, token: str) -> str | None:
        """What a view code opens; known codes are remembered for a moment, as a page is fetched with its QR code."""
        known = self._codes.get(token)
        now = self.clock()
        if known is not None and now - known[1] < REMEMBERED_FOR:
            return known[0]
        code = await self.read(self.ledger.access.find_code, token)
        if code is None:
            return None
        if len(self._codes) >= REMEMBERED:
            self._codes.clear()
        self._codes[token] = (code.subject, now)
        return code.subject

    async def modified(self, size: int) -> str:
        """When the seal that closes a checkpoint was recorded, as HTTP writes dates."""
        if self._modified[0] != size:
            raw = await self.read(self.ledger.reader.leaf, size - 1)
            assert raw is not None, "a checkpoint's last leaf is stored with it"
            self._modified = (size, fold.http_date(raw))
        return self._modified[1]

    def why_not_ready(self) -> str | None:
        """Why this process does not sign, or ``None``."""
        return self.refusal if self._ledger is None else self._ledger.writer.refusal

    async def read(self, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """What ``function`` reads from the database: on the loop for SQLite, in a thread for PostgreSQL."""
        if self._readers is None:
            return function(*args, **kwargs)
        return await asyncio.get_running_loop().run_in_executor(self._readers, lambda: function(*args, **kwargs))

    def find_caller(self, secret: str) -> Caller | None:
        """Who a bearer key speaks for, unless it is unknown, malformed or revoked."""
        found = self.ledger.access.find_api_key(secret)
        return None if found is None else Caller(found.party, frozenset(found.scopes), found.id)


def site_of(request: Request) -> Site:
    """The site of a request."""
    site: Any = request.app.state.site
    assert isinstance(site, Site), "create_app puts the site there"
    return site


def caller_of(request: Request) -> Caller:
    """Who asks; only for routes that need a key."""
    caller = request.scope["caller"]
    assert isinstance(caller, Caller), "the gate puts the caller there"
    return caller
