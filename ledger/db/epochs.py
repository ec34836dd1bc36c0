"""Epochs: the keys that wrap data keys, and how an old one comes to an end (amendments R13).

A destroyed data key may still stand, wrapped, in a backup, in a page of the file system, in a PostgreSQL tuple that no
vacuum has met. So after an erasure a new epoch begins: every surviving data key is wrapped again by its key, and the
old epoch's key is deleted. There are two steps, so that other processes, which go on for a moment with the epoch that
they know, lose nothing:

1. ``begin``: a new epoch is added. Whatever is sealed from now on takes it, in other processes after
   ``vault.REMEMBER``.
2. ``finish``, after a grace: one transaction, under the append lock, wraps every key that is left again (of private
   members and of files alike), and deletes the old epochs. A process that still held an old one would be refused by the
   foreign key, and try again.

``scrub`` then has the database give up what it would keep of deleted rows: SQLite has overwritten them
(``secure_delete``) and truncates its WAL, PostgreSQL writes the tables anew. Killed anywhere, both steps can be begun
again.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Sequence
from typing import Any

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from sqlalchemy import Engine

from ledger import times
from ledger.db.connect import session
from ledger.db.gate import Gate
from ledger.db.keyfile import Rows
from ledger.db.private_tables import SCRUBBED, epoch, file_key, seal_key
from ledger.db.secret import KeyKeeper, decrypt, encrypt
from ledger.db.session import Insert, Session, ask
from ledger.db.vault import epoch_identity, file_identity, key_identity, new_epoch
from ledger.errors import Unavailable

GRACE = 15 * times.SECOND
"""Between the two steps where other processes may have the ledger open: thrice ``vault.REMEMBER``."""
_HEAD = "SELECT size FROM head"
_EPOCHS = "SELECT id, wrapped, created_at FROM epoch ORDER BY id"
_LOCK_FILE_KEYS = "LOCK TABLE file_key IN SHARE ROW EXCLUSIVE MODE"
_SEAL_KEYS = 'SELECT idx, "class", statement, epoch, wrapped FROM seal_key ORDER BY idx, "class"'
_KEPT_KEYS = 'SELECT statement, "class", epoch, wrapped FROM seal_key'
_FILE_KEYS = "SELECT party, sha256, epoch, wrapped FROM file_key"


class Epochs:
    """The epochs of one ledger."""

    def __init__(self, engine: Engine, gate: Gate, master: KeyKeeper, rand: Callable[[int], bytes]) -> None:
        self._engine, self._gate, self._master, self._rand = engine, gate, master, rand
        self._sqlite = engine.dialect.name == "sqlite"

    def oldest(self) -> int:
        """The number of the oldest epoch whose key is kept; 0 if there is none."""
        with session(self._engine) as connection:
            rows = connection.begin(write=False, then=[ask(_EPOCHS)])[0]
        return int(rows[0][0]) if rows else 0

    def rows(self) -> Rows:
        """What a keys file holds of ``epoch``, ``seal_key`` and ``file_key``, from one snapshot."""
        with session(self._engine) as connection:
            epochs, seals, files = connection.begin(write=False, then=[ask(_EPOCHS), ask(_KEPT_KEYS), ask(_FILE_KEYS)])
        return list(epochs), list(seals), list(files)

    def begin(self, after: int, now: int) -> None:
        """Add an epoch, unless there is one after this number already."""
        with session(self._engine) as connection:
            rows = connection.begin(write=False, then=[ask(_EPOCHS)])[0]
        newest = int(rows[-1][0]) if rows else 0
        if newest <= after:
            row, _ = new_epoch(max(newest, after) + 1, self._master, self._rand, now)
            with self._gate.session() as connection:
                self.start(connection)
                connection.write([Insert(epoch, [row], "ignore")])
                connection.commit()

    def finish(self, now: int, grace: int) -> bool:
        """End all epochs but the newest, if that began ``grace`` ago; return whether only one is left."""
        with session(self._engine) as connection:
            rows = connection.begin(write=False, then=[ask(_EPOCHS)])[0]
        if len(rows) < 2:
            return True
        if now - times.parse_recorded(rows[-1][2]) < grace:
            return False
        # Before the lock: the master key may be a service that takes its time.
        keys = {number: AESGCM(self._master.unwrap(wrapped, epoch_identity(number))) for number, wrapped, _ in rows}
        newest = max(keys)
        with self._gate.session() as connection:
            self.start(connection)
            if not self._sqlite:
                # Uploads do not wait for the head. Before the rows are read: an upload that comes later is refused by
                # the foreign key, and none can come in between.
                connection.write((), (_LOCK_FILE_KEYS, ()))
            seals, files = connection.gather(ask(_SEAL_KEYS), ask(_FILE_KEYS))
            seals = [_again(row, key_identity(bytes(row[2]), row[1]), keys, newest) for row in seals]
            files = sorted(_again(row, file_identity(row[0], bytes(row[1])), keys, newest) for row in files)
            # All rows are written anew, so that no page keeps an old one in a gap between two others.
            connection.write((), ("DELETE FROM seal_key", ()), ("DELETE FROM file_key", ()))
            anew = [Insert(seal_key, seals), Insert(file_key, files)]
            connection.write(anew, ("DELETE FROM epoch WHERE id < ?", (newest,)))
            connection.commit()
        return True

    def start(self, connection: Session) -> None:
        """Begin a write transaction that no append runs beside."""
        connection.begin(write=True, then=[ask(_HEAD if self._sqlite else _HEAD + " FOR UPDATE")])

    def scrub(self) -> bool:
        """Have the database give up what was deleted; False if readers were in the way and it is to be tried again."""
        pooled = self._engine.raw_connection()
        try:
            driver: Any = pooled.driver_connection
            if isinstance(driver, sqlite3.Connection):
                busy = driver.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0]
                return not busy
            driver.autocommit = True
            try:
                for table in SCRUBBED:
                    driver.execute(f'VACUUM (FULL) "{table.name}"')
            finally:
                driver.autocommit = False
            return True
        finally:
            pooled.close()


def _again(row: Sequence[Any], identity: bytes, keys: dict[int, AESGCM], newest: int) -> tuple[Any, ...]:
    """A row of ``seal_key`` or ``file_key`` wrapped by the newest epoch."""
    *place, number, wrapped = row
    try:
        key = decrypt(keys[number], wrapped, identity)
    except (InvalidTag, ValueError, KeyError):
        raise Unavailable("a data key does not open with the key of its epoch: its row was changed") from None
    return *place, newest, encrypt(keys[newest], key, identity)
