"""Where the master key comes from, and changing it without touching an entry.

The first of these that is set decides: ``PATINA_KEY_SERVICE`` (``keyservice``), ``PATINA_MASTER_KEY``,
``PATINA_MASTER_KEY_FILE``, the file ``master.key`` in the ledger's folder.

A rotation wraps again whatever the master key wraps (``WRAPPED``): ledger keys, parties' keys in custody, epochs, the
keys of keyed hashes, people's names and shops' addresses. Data keys are wrapped by epochs and entries by nobody, so
neither is touched.
It is one transaction of the database, between two steps with files:

1. ``master.key.new`` is written, and is on the disk;
2. every row is wrapped by the new key, in one transaction;
3. ``master.key.new`` takes the place of ``master.key``, whose content is overwritten.

While ``master.key.new`` is there a rotation is under way, perhaps one that was killed: ``Turning`` opens what either
key has wrapped, so the service starts and signs, and the next rotation goes on from there.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ledger.db import private_tables, tables
from ledger.db.access import party_identity
from ledger.db.addresses import address_identity
from ledger.db.find import chain_identity
from ledger.db.guard import others_open
from ledger.db.keyed import secret_identity
from ledger.db.keyfile import sync_folder
from ledger.db.keys import identity
from ledger.db.keyservice import ADDRESS_NAME, TOKEN_NAME, KeyClient
from ledger.db.ledger import Ledger
from ledger.db.outbox_tables import address, webhook
from ledger.db.people import person_identity
from ledger.db.secret import FILE_NAME, KEY_NAME, KeyKeeper, MasterKey
from ledger.db.session import Session, ask, fetch
from ledger.db.vault import epoch_identity
from ledger.db.webhooks import webhook_identity
from ledger.errors import Refused, Unavailable

NAME = "master.key"
NEXT = "master.key.new"
NEW = "PATINA_NEW_"
"""Before the names of variables that say where a rotation's new key is."""
WRAPPED: tuple[tuple[str, str, Callable[[Any], bytes]], ...] = (
    (tables.ledger_key.name, "vkey", identity),
    (tables.party_key.name, "did", party_identity),
    (private_tables.epoch.name, "id", epoch_identity),
    (tables.find_key.name, "chain", chain_identity),
    (tables.access_secret.name, "name", secret_identity),
    (tables.person.name, "id", person_identity),
    (webhook.name, "id", webhook_identity),
    (address.name, "id", address_identity),
)
"""Each table with a column ``wrapped`` by the master key: its key column, and the identity of the row of a key."""


@dataclass(frozen=True, slots=True)
class Turning:
    """Two master keys while one takes the other's place: opens what either has wrapped, wraps by the new one."""

    old: KeyKeeper
    new: KeyKeeper

    def wrap(self, plain: bytes, identity: bytes) -> bytes:
        """Return ``plain`` wrapped by the new key."""
        return self.new.wrap(plain, identity)

    def unwrap(self, wrapped: bytes, identity: bytes) -> bytes:
        """Return what either key wrapped for the row ``identity``; raises ``Unavailable``."""
        with suppress(Unavailable):
            return self.new.unwrap(wrapped, identity)
        return self.old.unwrap(wrapped, identity)


def from_env(environ: Mapping[str, str]) -> KeyKeeper | None:
    """The master key, or the service that keeps it, of an environment; ``None`` if it says nothing of one."""
    return KeyClient.from_env(environ) or MasterKey.from_env(environ)


def master_of(environ: Mapping[str, str], folder: Path) -> KeyKeeper:
    """The master key of a ledger's folder; raises ``Unavailable`` where there is none."""
    given = from_env(environ)
    if given is not None:
        return given
    path, coming = folder / NAME, folder / NEXT
    if not path.exists():
        named = f"none of {ADDRESS_NAME}, {KEY_NAME} and {FILE_NAME}"
        raise Unavailable(f"got no {path} and {named}: want the master key that the ledger was made with")
    kept = MasterKey.from_file(path)
    return Turning(kept, MasterKey.from_file(coming)) if coming.exists() else kept


def new_master(environ: Mapping[str, str]) -> KeyKeeper | None:
    """Where a rotation's new key is, if the environment says so: the same variables after ``PATINA_NEW_``."""
    names = (ADDRESS_NAME, TOKEN_NAME, KEY_NAME, FILE_NAME)
    found = {name: environ.get(NEW + name.removeprefix("PATINA_"), "") for name in names}
    return from_env(found)


def rotate(
    ledger: Ledger, environ: Mapping[str, str], told: Callable[[str], None] = lambda _: None
) -> tuple[int, bool]:
    """Change the master key; how many rows were wrapped again, and whether it lies in the folder's own file.

    ``ledger`` was opened with the present key. Raises ``Refused`` while another process of this machine has it open: it
    would go on wrapping by the old key.
    """
    if others_open(ledger.directory):
        raise Refused("another process has this ledger open, and would go on with the old key: stop it first")
    given = new_master(environ)
    if given is not None:
        return rewrap(ledger, given), False
    if from_env(environ) is not None:
        raise Refused(f"the master key is the environment's: want the new one in {NEW}MASTER_KEY or its like")
    path, coming = ledger.directory / NAME, ledger.directory / NEXT
    new = MasterKey.from_file(coming) if coming.exists() else MasterKey.create(coming)
    sync_folder(ledger.directory)
    told("written")
    count = rewrap(ledger, new)
    told("wrapped")
    with path.open("r+b") as old:
        coming.replace(path)
        sync_folder(ledger.directory)
        told("replaced")
        size = os.fstat(old.fileno()).st_size
        old.write(b"\0" * size)
        old.flush()
        os.fsync(old.fileno())
    return count, True


def rewrap(ledger: Ledger, new: KeyKeeper) -> int:
    """Wrap by ``new`` whatever the ledger's master key wraps, in one transaction; return how many rows changed."""
    master, count = ledger.vault.master, 0
    with ledger.writing() as connection:
        for table, column, identity_of in WRAPPED:
            for key, wrapped in _rows(connection, table, column):
                row = identity_of(key)
                if _opens(new, wrapped, row):
                    continue  # by a rotation that was cut short after its transaction
                again = new.wrap(master.unwrap(wrapped, row), row)
                change = f'UPDATE "{table}" SET wrapped = ? WHERE "{column}" = ?'  # noqa: S608 -- names of ours
                count += connection.write((), (change, (again, key)))[0]
        connection.commit()
    return count


def _rows(connection: Session, table: str, column: str) -> list[Any]:
    return fetch(connection, ask(f'SELECT "{column}", wrapped FROM "{table}"'))  # noqa: S608 -- names of ours


def _opens(key: KeyKeeper, wrapped: bytes, row: bytes) -> bool:
    try:
        key.unwrap(wrapped, row)
    except Unavailable:
        return False
    return True
