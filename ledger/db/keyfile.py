"""The keys file: the keys to private members and to files, kept apart from the backups of all the rest.

A backup of the database is made to be kept; a key is made to be destroyed. So a backup has the sealed members and none
of the keys, and the keys (epochs, wrapped by the master key, and what epochs wrap) go into one small file
that is *overwritten* each time. Old backups stay useful with the newest keys file, and what was erased is not in it.
``backups`` in the ledger's folder lists the keys files that were written, and an erasure writes each of them anew where
it can be reached.

A keys file is a SQLite file with the tables ``epoch``, ``seal_key`` and ``file_key``; it names statements by their ids,
as every version of the schema did.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterable
from contextlib import closing
from pathlib import Path
from typing import Any

from ledger.db.reason import reason
from ledger.errors import Unavailable

TABLES = ("epoch", "seal_key", "file_key")
NAME = "keys.sqlite3"
LIST = "backups"
_EPOCH = "CREATE TABLE epoch (id INTEGER PRIMARY KEY, wrapped BLOB, created_at TEXT)"
_SEAL_KEY = "CREATE TABLE seal_key (statement BLOB, class INTEGER, epoch INTEGER, wrapped BLOB)"
_FILE_KEY = "CREATE TABLE file_key (party TEXT, sha256 BLOB, epoch INTEGER, wrapped BLOB)"
_READ = (
    "SELECT id, wrapped, created_at FROM epoch",
    'SELECT statement, "class", epoch, wrapped FROM seal_key',
    "SELECT party, sha256, epoch, wrapped FROM file_key",
)
_PUT = (
    "INSERT INTO epoch (id, wrapped, created_at) VALUES (?, ?, ?)",
    'INSERT INTO seal_key (statement, "class", epoch, wrapped) VALUES (?, ?, ?, ?)',
    "INSERT INTO file_key (party, sha256, epoch, wrapped) VALUES (?, ?, ?, ?)",
)
# A ledger has them in the order of its log; a key of a statement that it does not have opens nothing in it.
_PLACE = (
    'INSERT INTO seal_key (idx, "class", statement, epoch, wrapped) '
    "SELECT s.idx, ?2, ?1, ?3, ?4 FROM statement s WHERE s.id = ?1"
)
Rows = tuple[list[tuple[Any, ...]], list[tuple[Any, ...]], list[tuple[Any, ...]]]
"""The rows of ``epoch``, of ``seal_key`` and of ``file_key``."""


def write_keys(path: Path, rows: Rows) -> None:
    """Write a keys file in the place of the one that is there, whose content is overwritten with zeros."""
    part = path.with_name(path.name + ".part")
    part.unlink(missing_ok=True)
    os.close(os.open(part, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600))
    with closing(sqlite3.connect(part)) as file, file:
        file.execute("PRAGMA synchronous=FULL")
        for made in (_EPOCH, _SEAL_KEY, _FILE_KEY):
            file.execute(made)
        _put(file, rows, _PUT)
    old = os.open(path, os.O_RDWR) if path.exists() else None
    part.replace(path)
    sync_folder(path.parent)
    if old is not None:
        os.pwrite(old, b"\0" * os.fstat(old).st_size, 0)
        os.fsync(old)
        os.close(old)


def read_keys(path: Path) -> Rows:
    """The rows of a keys file, or of a ledger's own SQLite file; raises ``Unavailable`` if it is neither."""
    try:
        with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as file:
            return take_rows(file)
    except sqlite3.Error as error:
        raise Unavailable(f"cannot read the keys in {path}: {reason(error)}") from None


def take_rows(file: sqlite3.Connection) -> Rows:
    """The keys in a SQLite file: a keys file, or a ledger's own."""
    epochs, seals, files = (file.execute(text).fetchall() for text in _READ)
    return epochs, seals, files


def put_rows(file: sqlite3.Connection, rows: Rows) -> None:
    """Put keys into a ledger's SQLite file, whose tables for them are empty."""
    epochs, _, files = _PUT
    _put(file, rows, (epochs, _PLACE, files))


def _put(file: sqlite3.Connection, rows: Rows, texts: tuple[str, ...]) -> None:
    for text, some in zip(texts, rows, strict=True):
        file.executemany(text, some)


def clear_rows(file: sqlite3.Connection) -> None:
    """Delete the keys in a SQLite file; what names an epoch goes before it."""
    for table in reversed(TABLES):
        file.execute(f'DELETE FROM "{table}"')  # noqa: S608 -- names of ours


def note_file(directory: Path, path: Path) -> None:
    """Remember that a keys file was written here."""
    known = noted_files(directory)
    if path.resolve() not in known:
        text = "".join(f"{one}\n" for one in (*known, path.resolve()))
        part = directory / f"{LIST}.part"
        part.write_text(text, "utf-8")
        part.replace(directory / LIST)


def noted_files(directory: Path) -> list[Path]:
    """The keys files that were written."""
    path = directory / LIST
    return [Path(line) for line in path.read_text("utf-8").splitlines()] if path.exists() else []


def renew_files(directory: Path, rows: Rows) -> None:
    """Write every known keys file anew that is still there; one that cannot be reached is passed over."""
    for path in reachable(noted_files(directory)):
        write_keys(path, rows)


def reachable(paths: Iterable[Path]) -> list[Path]:
    """Those that are there and may be written."""
    return [path for path in paths if path.is_file() and os.access(path, os.W_OK)]


def sync_folder(folder: Path) -> None:
    """Bring the names of a folder's files to the disk."""
    file = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(file)
    finally:
        os.close(file)
