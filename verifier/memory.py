"""What a reader keeps from one check to the next, so that a log cannot be shown shorter or changed later (check 12).

One JSON file for any number of ledgers, each with the newest checkpoint that was found consistent, and for each subject
how many entries it had and the receipts that were handed out. It is the reader's own file and is believed.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path
from typing import Literal

import msgspec
from msgspec import Struct

from ledger.checkpoint import Checkpoint
from ledger.errors import Unknown
from ledger.history import Kept


class Remembered(Struct, forbid_unknown_fields=True):
    """A subject: how many entries it had, and receipts as {leaf hash in hex: index}."""

    count: int = 0
    receipts: dict[str, int] = {}


class Log(Struct, forbid_unknown_fields=True):
    """A ledger: size and root (hex) of the newest checkpoint that was found consistent."""

    size: int = 0
    root: str = ""
    subjects: dict[str, Remembered] = {}


class _File(Struct, forbid_unknown_fields=True, kw_only=True):
    format: Literal["patina/reader/v1"] = "patina/reader/v1"
    logs: dict[str, Log] = {}


class Memory:
    """The file at ``path``; without one, what is remembered lasts as long as this object."""

    def __init__(self, path: Path | None) -> None:
        """Read the file, if it exists; raises ``Unknown`` if it is something else."""
        self._path = path
        self._file = _File()
        if path is not None and path.exists():
            try:
                self._file = msgspec.json.decode(path.read_bytes(), type=_File)
            except msgspec.DecodeError as error:
                raise Unknown(f"got no state of `patina verify` in {path}: {error}") from None

    def kept(self, origin: str, subject: str) -> Kept | None:
        """What is kept of a ledger and a subject of it, if anything."""
        log = self._file.logs.get(origin)
        if log is None:
            return None
        seen = log.subjects.get(subject, Remembered())
        receipts = {bytes.fromhex(digest): index for digest, index in seen.receipts.items()}
        return Kept(log.size, bytes.fromhex(log.root), seen.count, receipts)

    def head(self, origin: str) -> tuple[int, bytes] | None:
        """Size and root of the newest checkpoint of a ledger."""
        log = self._file.logs.get(origin)
        return None if log is None else (log.size, bytes.fromhex(log.root))

    def keep(self, checkpoint: Checkpoint) -> None:
        """Remember a checkpoint that is consistent with what is remembered."""
        log = self._file.logs.setdefault(checkpoint.origin, Log())
        if checkpoint.size > log.size:
            log.size, log.root = checkpoint.size, checkpoint.root.hex()

    def keep_count(self, origin: str, subject: str, count: int) -> None:
        """Remember how many entries a subject has."""
        seen = self._seen(origin, subject)
        seen.count = max(count, seen.count)

    def keep_receipt(self, origin: str, subjects: Iterable[str], leaf_hash: bytes, index: int) -> None:
        """Remember that an entry about these subjects was proved."""
        for subject in subjects:
            self._seen(origin, subject).receipts[leaf_hash.hex()] = index

    def save(self) -> None:
        """Write the file, whole or not at all."""
        if self._path is None:
            return
        part = self._path.with_name(self._path.name + ".new")
        with part.open("wb") as file:
            file.write(msgspec.json.format(msgspec.json.encode(self._file)) + b"\n")
            file.flush()
            os.fsync(file.fileno())
        part.replace(self._path)

    def _seen(self, origin: str, subject: str) -> Remembered:
        return self._file.logs.setdefault(origin, Log()).subjects.setdefault(subject, Remembered())
