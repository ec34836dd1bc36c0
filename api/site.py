"""What the routes of one process share: the open ledger, the appender before it, and the pages.

A site opens its ledger when the server starts and not before. If the ledger may not be opened (its head does not
match its leaves, or it is behind its guard), the site still answers: ``/readyz`` and every route say why, and nothing
is signed.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar
from urllib.parse import urlsplit

from starlette.requests import Request

from api import fold
from api.appender import Appender
from api.counts import Counts
from api.files.sandbox import Sandbox
from api.limits import Limits
from api.pages.audit import AuditPages
from api.pages.console import Console
from api.pages.site_pages import Pages
from api.passwords import Passwords
from api.rehashing import Rehashing
from api.rights import Caller
from api.roles import ROLES
from api.settings import Settings
from api.visiting import Visiting, party_rights
from ledger.db.codes import Code
from ledger.db.ledger import Clock, Ledger
from ledger.errors import Unavailable

if TYPE_CHECKING:
    from api.oidc import Oidc

READERS = 4
"""Threads that wait for PostgreSQL; SQLite is read on the loop, where no thread need be woken."""

P = ParamSpec("P")
T = TypeVar("T")


class Site:
    """One process's ledger and what stands before it; ``open`` and ``close`` are called by the server."""

    def __init__(self, settings: Settings, open_it: Callable[[], Ledger], clock: Clock) -> None:
        self.settings = settings
        self.clock = clock
        self.pages = Pages()
        provider = "" if settings.provider is None else urlsplit(settings.provider.issuer).hostname or ""
        spoken = {name: role.may_say for name, role in ROLES.items()}
        self.console = Console(spoken, self.pages.modules.mark, self.pages.modules.reader, provider)
        self.audit = AuditPages(self.console.mark, self.pages.modules.mark)
        self.sandbox = Sandbox()
        self.rehashing = Rehashing()
        self.passwords = Passwords()
        self._counts = Counts(settings.directory, self._keyed, clock)
        self.limits = Limits(self._counts, settings.trusted_proxies)
        self.visiting = Visiting(settings, lambda: self.ledger)
        self.oidc = _open_oidc(settings, clock)
        self._modified = (0, "")
        self.pairing = asyncio.Lock()
        """Held while the key of a tablet begins or ends: of two pairings the later one finds, and ends, the first's."""
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
        await asyncio.to_thread(self._ledger.writer.open_keys)
        settings = self.settings
        self._appender = Appender(self._ledger.writer, thread_from=settings.thread_from, halves=settings.halves)
        self._appender.start()

    async def close(self) -> None:
        """Commit what waits, then close the ledger."""
        if self._appender is not None:
            await self._appender.stop()
        self.pages.close()
        self._counts.close()
        self.passwords.close()
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

    async def code(self, token: str) -> Code | None:
        """The code of a token with its level now, unless unknown, malformed or revoked; never a remembered one."""
        return await self.read(self.ledger.codes.find, token)

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

    def why_not_signing(self) -> str | None:
        """The same, and why the keys that sign do not open: tried again by whatever is said next."""
        return self.why_not_ready() or (None if self._ledger is None else self._ledger.writer.locked)

    async def read(self, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """What ``function`` reads from the database: on the loop for SQLite, in a thread for PostgreSQL."""
        if self._readers is None:
            return function(*args, **kwargs)
        return await asyncio.get_running_loop().run_in_executor(self._readers, lambda: function(*args, **kwargs))

    def _keyed(self, what: str, text: str) -> bytes:
        return self.ledger.access.keyed.hash(what, text)

    def is_suspended(self, party: str) -> bool:
        """Whether a party is suspended, as far as this process has followed the log; appends ask again."""
        found = self.ledger.view.parties.parties.get(party)
        return found is not None and found.suspended

    def find_caller(self, secret: str) -> Caller | None:
        """Who a bearer key speaks for, unless it is unknown, malformed or revoked."""
        found = self.ledger.access.find_api_key(secret)
        if found is None:
            return None
        rights = party_rights(self.ledger, found.party)
        return Caller(found.party, frozenset(found.scopes), found.id, rights=rights, below=self.visiting.below)


def _open_oidc(settings: Settings, clock: Clock) -> Oidc | None:
    if settings.provider is None:
        return None
    # Only here: its libraries take a fifth of a second to import, and most servers have no provider.
    from api.oidc import Oidc  # noqa: PLC0415

    return Oidc(settings.provider, settings.public_url, clock)


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
