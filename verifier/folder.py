"""Ledgers on this machine: a folder of static tlog-tiles files, or the folder of a service with its own database.

The database is SQLite and read with the standard library, read-only, in short queries that hold nobody up: a leaf that
was committed does not change. The names of its tables ``leaf``, ``head`` and ``tile`` are frozen for this reason.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from ledger.checkpoint import parse_checkpoint_text
from ledger.errors import Disproved, Malformed, Unknown
from ledger.merkle import root_of_tile
from ledger.note import parse_note
from verifier.source import (
    HASH_SIZE,
    TILE_WIDTH,
    Source,
    bundles_of,
    read_bundle,
    read_note,
    read_tile,
    too_long,
)

DATABASE = "ledger.sqlite3"
_CHUNK = 2048


class StaticFolder:
    """A folder with ``checkpoint``, ``tile/<L>/<N>`` and ``tile/entries/<N>`` (C2SP tlog-tiles)."""

    serves_tiles = True

    def __init__(self, path: Path) -> None:
        self.name = f"the files of {path}"
        self._path = path

    def checkpoint(self) -> str:
        """The newest signed note."""
        return read_note(self._read)

    def leaves(self, start: int, stop: int) -> Iterator[bytes]:
        """The bytes of leaves ``start`` to ``stop - 1``, in order."""
        for number, width in bundles_of(start, stop):
            yield from read_bundle(self._read, number, width)[max(0, start - number * TILE_WIDTH) :]

    def tile(self, level: int, number: int, width: int) -> bytes | None:
        """The ``width`` hashes of a tile, or ``None`` if it is missing."""
        return read_tile(self._read, level, number, width)

    def close(self) -> None:
        """Nothing is held open."""

    def _read(self, path: str, limit: int) -> bytes | None:
        try:
            with (self._path / path).open("rb") as file:
                raw = file.read(limit + 1)
        except (FileNotFoundError, NotADirectoryError):
            return None
        except OSError as error:
            raise Unknown(f"could not read {path}: {error.strerror}") from None
        if len(raw) > limit:
            raise too_long(path, limit)
        return raw


class LedgerFolder:
    """The folder of a service whose database is SQLite."""

    serves_tiles = False

    def __init__(self, path: Path) -> None:
        """Open it read-only; raises ``Unknown`` if that cannot be done."""
        self.name = f"the ledger in {path}"
        self._database = _open(path / DATABASE)

    def checkpoint(self) -> str:
        """The note of the head; raises ``Disproved`` where the database has leaves that this note does not cover."""
        rows = self._query("SELECT note, (SELECT max(idx) + 1 FROM leaf) FROM head")
        if len(rows) != 1:
            raise Disproved(f"got {len(rows)} rows in the table head, want one", "checkpoint")
        try:
            note = _bytes(rows[0][0]).decode()
        except UnicodeDecodeError:
            raise Disproved("the checkpoint is not UTF-8", "checkpoint") from None
        _check_covered(note, rows[0][1])
        return note

    def leaves(self, start: int, stop: int) -> Iterator[bytes]:
        """The bytes of leaves ``start`` to ``stop - 1``; raises ``Disproved`` (leaf) at the first that is missing."""
        query = "SELECT idx, bytes FROM leaf WHERE idx >= ? AND idx < ? ORDER BY idx"
        expected = start
        while expected < stop:
            rows = self._query(query, expected, min(stop, expected + _CHUNK))
            for index, raw in rows:
                if index != expected:
                    break
                yield _bytes(raw)
                expected += 1
            else:
                if rows:
                    continue
            raise Disproved("there is no such leaf in the database", "leaf", expected)

    def tile(self, level: int, number: int, width: int) -> bytes | None:
        """The hashes of a full tile as stored, or ``None``; raises ``Disproved`` (tiles) for a wrong root."""
        if width < TILE_WIDTH:
            return None
        rows = self._query("SELECT hashes, root FROM tile WHERE level = ? AND n = ?", level, number)
        if not rows:
            return None
        hashes, root = _bytes(rows[0][0]), _bytes(rows[0][1])
        parts = [hashes[at : at + HASH_SIZE] for at in range(0, len(hashes), HASH_SIZE)]
        if len(parts) != TILE_WIDTH or root_of_tile(parts) != root:
            raise Disproved(f"tile {level}/{number}: its stored root is not that of its hashes", "tiles")
        return hashes

    def close(self) -> None:
        """Close the database."""
        self._database.close()

    def _query(self, query: str, *values: int) -> list[tuple[object, ...]]:
        try:
            return self._database.execute(query, values).fetchall()
        except sqlite3.DatabaseError as error:
            raise Unknown(f"could not read the database: {error}") from None


def _check_covered(note: str, leaves: object) -> None:
    """Leaves and note are written in one transaction, so a note of fewer was put back, or leaves were put in."""
    with suppress(Malformed):
        size = parse_checkpoint_text(parse_note(note).text).size
        if isinstance(leaves, int) and leaves > size:
            why = f"the database has {leaves} leaves and a checkpoint of {size}: an old one, or leaves put in"
            raise Disproved(why, "checkpoint")


def _open(path: Path) -> sqlite3.Connection:
    """The database at ``path``, read-only, also where its folder cannot be written to."""
    address = path.resolve().as_uri()
    modes, why = ["mode=ro"], ""
    if not path.with_name(path.name + "-wal").exists():
        # Without a log beside it nobody writes, and a folder that is read-only has no place for shared memory.
        modes.append("mode=ro&immutable=1")
    for mode in modes:
        try:
            database = sqlite3.connect(f"{address}?{mode}", uri=True, check_same_thread=False)
            database.execute("SELECT count(*) FROM head").fetchone()
        except sqlite3.DatabaseError as error:
            why = str(error)
            continue
        return database
    raise Unknown(f"could not open {path.name}: {why}")


def _bytes(value: object) -> bytes:
    """What a column holds, as bytes; SQLite lets anything stand anywhere."""
    if isinstance(value, bytes):
        return value
    return value.encode("utf-8", "surrogateescape") if isinstance(value, str) else b""


def open_folder(path: Path) -> Source:
    """The ledger in a folder; raises ``Unknown`` if there is none."""
    if (path / DATABASE).is_file():
        return LedgerFolder(path)
    if (path / "checkpoint").is_file():
        return StaticFolder(path)
    raise Unknown(f"got the folder {path}, which has neither {DATABASE} nor a checkpoint")
