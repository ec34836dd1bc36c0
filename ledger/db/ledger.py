"""Creating and opening a ledger: the way into this package."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import Engine, inspect, text

from ledger import times
from ledger.db import migrate
from ledger.db.access import Access
from ledger.db.addresses import Addresses
from ledger.db.append import DATABASE_ERRORS, Writer
from ledger.db.attachments import Attachments
from ledger.db.backfill import Backfill
from ledger.db.blobs import BlobStore, FolderStore
from ledger.db.codes import Codes
from ledger.db.connect import session
from ledger.db.engine import APPENDER_KIB, is_sqlite, open_engine
from ledger.db.epochs import Epochs
from ledger.db.erasures import Erasures
from ledger.db.find import Finder
from ledger.db.follower import Follower
from ledger.db.founding import Founding, make_founding, new_urn, register_operator, write_founding
from ledger.db.gate import Gate
from ledger.db.guard import Guard, Released, read_guards
from ledger.db.keys import LedgerKeys
from ledger.db.lock import AppendLock
from ledger.db.outbox import Outbox
from ledger.db.papers import Papers
from ledger.db.proofs import tree_reader
from ledger.db.read import Reader
from ledger.db.readings import Readings
from ledger.db.reason import reason
from ledger.db.recent import Recent
from ledger.db.rehash import Rehash
from ledger.db.reports import Reports
from ledger.db.risks import Risks
from ledger.db.rows import Rows
from ledger.db.secret import KeyKeeper
from ledger.db.session import Session, ask, fetch
from ledger.db.spool import Spool
from ledger.db.tree import root_at
from ledger.db.vault import Vault
from ledger.db.view import Head, View, read_head
from ledger.db.webhooks import Webhooks
from ledger.errors import Refused, Unavailable

Clock = Callable[[], int]
"""Microseconds since 1970 in UTC."""
_COUNT = "SELECT count(*) FROM statement"


@dataclass(slots=True)
class Ledger:
    """An open ledger: one ``view`` in memory for its ``writer`` and ``reader``, its ``access`` and its ``codes``.

    ``id`` is the leaf hash of entry 0 in hex, which every statement names as ``ledger``. A ledger opened to be read has
    a writer that refuses.
    """

    url: str
    directory: Path
    view: View
    writer: Writer
    reader: Reader
    access: Access
    codes: Codes
    papers: Papers
    readings: Readings
    attachments: Attachments
    finder: Finder
    reports: Reports
    vault: Vault
    outbox: Outbox
    webhooks: Webhooks
    addresses: Addresses
    epochs: Epochs
    erasures: Erasures
    follower: Follower
    risks: Risks
    _engine: Engine
    _lock: AppendLock
    _gate: Gate
    _guard: Guard | None
    _backfill: Backfill
    _appending: Engine

    @property
    def id(self) -> str:
        """64 hex: the leaf hash of entry 0."""
        return self.view.parties.ledger

    @property
    def is_sqlite(self) -> bool:
        """Whether it lies in a SQLite file."""
        return self._engine.dialect.name == "sqlite"

    @property
    def origin(self) -> str:
        """The origin of its checkpoints."""
        return self.view.parties.origin

    @property
    def operator(self) -> str:
        """The operator's party uuid."""
        return self.view.parties.operator

    @property
    def vkeys(self) -> tuple[str, ...]:
        """The vkeys in force, oldest first."""
        return self.view.parties.vkeys_in_force()

    @contextmanager
    def writing(self) -> Iterator[Session]:
        """A write transaction that no append runs beside; for the caller to commit."""
        with self._gate.session() as connection:
            self.epochs.start(connection)
            yield connection

    @contextmanager
    def reading(self) -> Iterator[Session]:
        """A snapshot to read from."""
        with session(self._engine) as connection:
            connection.begin(write=False)
            yield connection

    def rehash(self) -> Rehash:
        """A pass over all leaves below the newest checkpoint, to be taken in steps."""
        return Rehash(self._engine)

    def close(self) -> None:
        """Close every connection and give up the guard file."""
        with suppress(*DATABASE_ERRORS):  # what cannot be committed now stands in the spool for whoever opens next
            self.readings.close()
        self._backfill.close()
        if self._guard is not None:
            self._guard.close()
        self._appending.dispose()
        self._engine.dispose()
        self._lock.close()
        self.view.recent.close()


def create_ledger(
    url: str,
    *,
    directory: Path,
    origin: str,
    name: str,
    now: int,
    rand: Callable[[int], bytes],
    master: KeyKeeper,
    operator_name: str | None = None,
    map_bits: int = 18,
) -> str:
    """Create a ledger (schema, keys, entry 0 and its seal, guard) and return its vkey.

    ``now`` is in microseconds since 1970; the operator's key is kept in custody. With ``operator_name`` the operator
    is registered as a party too. Raises ``Refused`` if there is a ledger already, ``Malformed`` for an origin that is
    no name of a note key.
    """
    founding = make_founding(origin, name, now, rand)
    found_ledger(url, directory=directory, founding=founding, now=now, master=master, map_bits=map_bits)
    if operator_name is not None:
        name_operator(url, directory, master, (new_urn(rand), now, operator_name))
    return founding.vkey


def name_operator(url: str, directory: Path, master: KeyKeeper, said: tuple[str, int, str]) -> None:
    """Register the operator as a party, unless it is, by a statement of this id, time (µs) and name.

    A founding is two commits, and this is the second: one that was stopped between them is finished by calling it.
    """
    statement_id, now, name = said
    ledger = open_ledger(url, directory=directory, master=master, clock=lambda: now)
    try:
        if not ledger.view.parties.parties[ledger.operator].registered:
            key = ledger.access.party_signer(ledger.operator)
            assert key is not None, "the operator's first key is in custody"
            at = times.format_recorded(now)
            register_operator(ledger.writer, ledger.view.parties, key, (statement_id, at, name))
    finally:
        ledger.close()


def is_founded(url: str) -> bool:
    """Whether a database holds a ledger's first commit, or tables of somebody else's.

    What a founding leaves that was stopped before it is neither: an empty file, or a schema without a head. Raises
    ``Unavailable`` for a database that cannot be read.
    """
    engine = open_engine(url)
    try:
        with engine.connect() as connection:
            tables = inspect(connection).get_table_names()
            if "head" not in tables:
                return bool(tables)
            return connection.execute(text("SELECT 1 FROM head")).first() is not None
    except DATABASE_ERRORS as error:
        raise Unavailable(f"cannot read the database: {reason(error)}") from error
    finally:
        engine.dispose()


def found_ledger(
    url: str, *, directory: Path, founding: Founding, now: int, master: KeyKeeper, map_bits: int = 18
) -> None:
    """Write a ledger's first commit, from a signed entry 0 and the keys; raises ``Refused`` if there is one already."""
    directory.mkdir(parents=True, exist_ok=True)
    engine = open_engine(url, must_exist=False)
    try:
        if migrate.current(engine) is None:
            migrate.upgrade(engine)
        migrate.check(engine)
        lock = AppendLock(directory)
        guard = Guard(directory)
        try:
            if any(True for _ in read_guards(directory)):
                raise Refused("this directory holds the guard files of another ledger")
            with lock, session(engine) as connection:
                connection.begin(write=True)
                if read_head(connection) is not None:
                    raise Refused("there is a ledger in this database")
                guard.release(write_founding(connection, founding, now, master, map_bits), now)
        finally:
            guard.close()
            lock.close()
    except DATABASE_ERRORS as error:
        raise Unavailable(f"cannot create the ledger: {reason(error)}") from error
    finally:
        engine.dispose()


def open_ledger(
    url: str,
    *,
    directory: Path,
    master: KeyKeeper,
    clock: Clock,
    read_only: bool = False,
    accept_clock: bool = False,
    rand: Callable[[int], bytes] = os.urandom,
    blobs: BlobStore | None = None,
) -> Ledger:
    """Open a ledger after checking it against its guard files and itself.

    Raises ``Unavailable``, saying why, if there is none, its schema is of another version, its head does not match its
    leaves, or it is behind a guard file (a restored backup). ``accept_clock`` is the operator's word that a clock more
    than a day past the last leaf is right; ``blobs`` is where files lie, by default in the directory.
    """
    engine = appending = open_engine(url)
    view, guard, lock = View(Recent(None)), None, AppendLock(None)
    try:
        migrate.check(engine)
        if not read_only:
            guard = Guard(directory)
            lock, view.recent = AppendLock(directory), Recent(directory)
        _load(engine, view, directory)
        appending, backfill = _appender(engine, url, lock)
        writer = Writer(appending, view, lock, guard=guard, backfill=backfill, keys=LedgerKeys(master), clock=clock)
        writer.accept_clock = accept_clock
        if read_only:
            writer.refusal = "this ledger was opened to be read"
        spool = None if read_only else Spool(directory / "readings")
        own, gate = {"clock": clock, "rand": rand}, Gate(appending, lock)
        beside = _beside(engine, gate, view, master, own, spool=spool, blobs=blobs or FolderStore(directory / "blobs"))
        beside |= _erasing(engine, gate, beside["vault"], directory, beside["attachments"])
        core: dict[str, Any] = {"view": view, "writer": writer, "reader": Reader(engine, view)}
        core |= {"_engine": engine, "_appending": appending, "_lock": lock, "_gate": gate, "_guard": guard}
        return Ledger(url=url, directory=directory, _backfill=backfill, **core, **beside)
    except BaseException as error:
        for opened in (guard, lock, view.recent):
            if opened is not None:
                opened.close()
        appending.dispose()
        engine.dispose()
        if isinstance(error, DATABASE_ERRORS):
            raise Unavailable(f"cannot open the ledger: {reason(error)}") from error
        raise


def _appender(engine: Engine, url: str, lock: AppendLock) -> tuple[Engine, Backfill]:
    """The connection that appends, on SQLite one of its own, and who carries what it wrote into the file."""
    if not is_sqlite(engine.url):
        return engine, Backfill(None, lock)
    return open_engine(url, cache_kib=APPENDER_KIB, kept=1), Backfill(Path(str(engine.url.database)), lock)


def _beside(
    engine: Engine,
    gate: Gate,
    view: View,
    master: KeyKeeper,
    own: dict[str, Any],
    *,
    spool: Spool | None,
    blobs: BlobStore,
) -> dict[str, Any]:
    """What lies beside the log, by the names of ``Ledger``; ``own`` are the clock and the source of randomness."""
    access, vault = Access(engine, gate, view, master=master, **own), Vault(engine, gate, master, **own)
    rows, codes = Rows(engine, gate, **own), Codes(engine, gate, access.keyed.hash, **own)
    return {
        "access": access,
        "codes": codes,
        "papers": Papers(engine, gate, codes, **own),
        "readings": Readings(engine, gate, spool, **own),
        "attachments": Attachments(engine, gate, blobs, vault, **own),
        "finder": Finder(engine, gate, master, lambda: view.parties, **own),
        "reports": Reports(engine, gate, **own),
        "vault": vault,
        "outbox": Outbox(rows, access.keyed.hash),
        "webhooks": Webhooks(rows, vault.master),
        "addresses": Addresses(rows, vault.master, access.keyed.hash),
        "follower": Follower(engine, view, gate),
        "risks": Risks(engine, gate, view, **own),
    }


def _erasing(engine: Engine, gate: Gate, vault: Vault, directory: Path, files: Attachments) -> dict[str, Any]:
    epochs = Epochs(engine, gate, vault.master, vault.rand)
    return {"epochs": epochs, "erasures": Erasures(engine, gate, epochs, directory, files.erase)}


def _load(engine: Engine, view: View, directory: Path) -> None:
    # Before the snapshot: what another process releases after it would look like a restored backup.
    guards = list(read_guards(directory))
    with session(engine) as connection:
        _check(connection, view, guards)


def _check(connection: Session, view: View, guards: Sequence[tuple[Path, Released]]) -> None:
    """Fold the ledger into the view and hold it against its guard files; raises ``Unavailable``."""
    connection.begin(write=False)
    head = read_head(connection)
    if head is None:
        raise Unavailable("there is no ledger in this database")
    view.load(connection, head)
    statements = fetch(connection, ask(_COUNT))[0][0]
    if statements != head.statements:
        raise Unavailable(f"got {statements} statements, and {head.statements} in the head")
    _check_guards(connection, view, head, guards)


def _check_guards(connection: Session, view: View, head: Head, guards: Sequence[tuple[Path, Released]]) -> None:
    read = tree_reader(connection, view.tip.edge, view.cache)
    for path, released in guards:
        if released.size > head.size:
            raise Unavailable(
                f"guard file {path.name} has released {released.size} leaves and the database holds {head.size}: "
                "an old backup was restored, and signing on it would make a second history"
            )
        if root_at(released.size, read) != released.root:
            raise Unavailable(f"guard file {path.name} has another root at size {released.size} than the database")
