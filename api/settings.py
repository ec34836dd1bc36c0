"""What one server process is told: where its ledger lies and what its address is.

Every address that is printed or put into a QR code is ``public_url`` (environment ``PATINA_PUBLIC_URL``), and no
other file guesses one. Without it the address is the one that a phone in the same network would use.
"""

from __future__ import annotations

import os
import socket
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from api.limits import Networks, parse_networks
from api.provider import Provider, read_provider
from api.smtp import Mail, read_mail
from ledger.errors import Invalid

DATABASE = "ledger.sqlite3"
LARGE_COMMIT = 64
"""Statements: more than one at a time from as many connections as a till's network has."""
EVERY_ADDRESS = frozenset({"0.0.0.0", "::", ""})  # noqa: S104 - compared with, never bound here


@dataclass(frozen=True, slots=True)
class Settings:
    """The settings of one process; ``public_url`` has no slash at its end."""

    directory: Path
    public_url: str
    database_url: str | None = None
    """``None`` means the SQLite file in ``directory``."""
    entries_public: bool = True
    """Whether the entry bundles of the log may be read without a key; checkpoint and hash tiles always may."""
    jobs: bool = True
    """Whether this process seals by the hour and re-hashes what is stored."""
    workers: int = 1
    """How many processes serve the ledger together."""
    accept_clock: bool = False
    """The operator's word that this machine's clock is right, although the last leaf is more than a day old."""
    files: str | None = None
    """Where uploaded files lie: a folder, or ``s3://bucket/prefix``; ``None`` means ``blobs`` in ``directory``."""
    trusted_proxies: Networks = ()
    """From where ``X-Forwarded-For`` is believed; by default from nowhere."""
    provider: Provider | None = None
    """The identity provider that people may come in by."""
    mail: Mail | None = None
    """The mail server by which customers are told things."""
    webhooks_to: Networks = ()
    """Networks that are not public and that webhooks may call all the same."""

    @property
    def host(self) -> str:
        """The host's name as printed under a QR code, with its port if that is not the scheme's own."""
        return urlsplit(self.public_url).netloc

    @property
    def url(self) -> str:
        """The database's address for SQLAlchemy."""
        return self.database_url or f"sqlite:///{(self.directory / DATABASE).resolve()}"

    @property
    def thread_from(self) -> int | None:
        """How many statements a commit has at least that runs beside the event loop; ``None``: no commit does.

        All do where they wait for PostgreSQL. Between processes of a SQLite ledger a large one waits for the other's
        large one, and meanwhile the loop can read what comes next; a small one is done before a thread has woken.
        """
        if not self.is_sqlite:
            return 1
        return LARGE_COMMIT if self.workers > 1 else None

    @property
    def halves(self) -> bool:
        """Whether half of the signatures are verified beside the event loop: not where every core has a process."""
        return self.workers < (os.cpu_count() or 1)

    @property
    def is_sqlite(self) -> bool:
        """Whether the ledger lies in a file: then reads and appends run on the event loop (amendments R8)."""
        return self.database_url is None or self.database_url.startswith("sqlite")


def read_settings(
    directory: Path,
    environ: Mapping[str, str],
    *,
    host: str = "127.0.0.1",
    port: int = 8000,
    jobs: bool = True,
    workers: int = 1,
    accept_clock: bool = False,
) -> Settings:
    """The settings for a server that binds ``host`` and ``port``; raises ``Invalid`` for an address that is none."""
    public_url = environ.get("PATINA_PUBLIC_URL") or f"http://{_name_in_url(host)}:{port}"
    return Settings(
        directory=directory,
        public_url=check_public_url(public_url),
        database_url=environ.get("PATINA_DATABASE_URL") or None,
        entries_public=environ.get("PATINA_ENTRIES_PUBLIC", "true").lower() not in {"0", "false", "no"},
        jobs=jobs,
        workers=workers,
        accept_clock=accept_clock,
        files=environ.get("PATINA_FILES") or None,
        provider=read_provider(environ),
        trusted_proxies=_networks(environ, "PATINA_TRUSTED_PROXIES"),
        mail=read_mail(environ),
        webhooks_to=_networks(environ, "PATINA_WEBHOOKS_TO"),
    )


def _networks(environ: Mapping[str, str], name: str) -> Networks:
    return parse_networks(environ.get(name, ""), name)


def check_public_url(url: str) -> str:
    """``url`` without a slash at its end; raises ``Invalid`` unless it is an http address without query."""
    parts = urlsplit(url)
    if parts.scheme not in {"http", "https"} or not parts.netloc or parts.query or parts.fragment:
        raise Invalid(f"got PATINA_PUBLIC_URL {url[:200]!r}, want http:// or https:// and a host")
    return url.rstrip("/")


def _name_in_url(host: str) -> str:
    name = lan_address() if host in EVERY_ADDRESS else host
    return f"[{name}]" if ":" in name else name


def lan_address() -> str:
    """The address of this machine in its own network, or 127.0.0.1; a datagram socket is aimed, nothing is sent."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as aimed:
        try:
            aimed.connect(("192.0.2.1", 9))
        except OSError:
            return "127.0.0.1"
        return str(aimed.getsockname()[0])
