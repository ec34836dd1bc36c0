"""The state of an audit, kept in a folder so that the next one reads only what is new (format.md §7).

    DIR/current          which generation counts, with the digest of its summary; replaced in one step
    DIR/g000007/         heads, states, ids, holders, hashes, and summary.json: sizes, digests, the right edge, parties

An audit works on a copy, and only a log that was proven to its end becomes the new generation: a crash, a full disk
or a finding leaves the old one as it was. Files whose digest is not the one in the summary are refused.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import tempfile
from hashlib import sha256
from pathlib import Path
from types import TracebackType
from typing import Literal, Self

import msgspec
from msgspec import Struct

from ledger.errors import Unknown
from ledger.party import Parties

FILES = ("heads", "states", "ids", "holders", "hashes")
_CHUNK = 1 << 16
"""Bytes written at once: the kernel keeps a file in pieces of that size, and maps a whole one at every access."""
_ZEROS = bytes(_CHUNK)
_CURRENT = "current"


class Kept(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What an audit knew at its end, beside the files. ``edge`` are the partial tiles, level by level, in hex."""

    format: Literal["patina/audit-state/v1"] = "patina/audit-state/v1"
    origin: str
    size: int
    root: str
    note: str
    last_hash: str
    recorded_at: str
    entries: int
    seals: int
    signatures: int
    signatures_checked: bool
    every_seal: bool
    parties: Parties
    edge: list[str]
    files: dict[str, str] = {}


class Store:
    """The folder that an audit works in: a generation of a kept state, or a temporary one."""

    _lock: int
    """Held while a kept state is used; a temporary one has none."""

    def __init__(self, state: Path | None) -> None:
        """Open the state folder and copy its newest generation; raises ``Unknown`` if it is damaged or in use."""
        self.kept: Kept | None = None
        self._state = state
        if state is None:
            self.folder = Path(tempfile.mkdtemp(prefix="patina-audit-"))
            return
        state.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._lock = os.open(state / "lock", os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            self.folder = self._copy(state)
        except BlockingIOError:
            os.close(self._lock)
            raise Unknown(f"another audit is using the state in {state}") from None
        except Unknown:
            os.close(self._lock)
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Remove what was not kept."""
        if self._state is None:
            shutil.rmtree(self.folder, ignore_errors=True)
            return
        _tidy(self._state)
        os.close(self._lock)

    def keep(self, kept: Kept) -> None:
        """Make the working folder, whose files are written and closed, the state that counts."""
        if self._state is None:
            return
        files = {name: _digest(self.folder / name) for name in FILES}
        raw = msgspec.json.format(msgspec.json.encode(msgspec.structs.replace(kept, files=files)))
        _write(self.folder / "summary.json", raw)
        _sync_folder(self.folder)
        _write(self._state / "current.new", f"{self.folder.name} {sha256(raw).hexdigest()}\n".encode())
        (self._state / "current.new").replace(self._state / _CURRENT)
        _sync_folder(self._state)

    def _copy(self, state: Path) -> Path:
        _tidy(state)
        current = _current(state)
        if current is None:
            if any(path.name != "lock" for path in state.iterdir()):
                raise Unknown(f"the folder {state} is not empty and holds no state of an audit")
            folder = state / "g000001"
            folder.mkdir()
            return folder
        name, digest = current
        raw = _read_summary(state / name / "summary.json")
        if sha256(raw).hexdigest() != digest:
            raise _damaged(name, "summary.json")
        try:
            self.kept = msgspec.json.decode(raw, type=Kept)
        except msgspec.DecodeError as error:
            raise Unknown(f"the state in {state} is of another version: {error}") from None
        folder = state / f"g{int(name[1:]) + 1:06d}"
        folder.mkdir()
        for file in FILES:
            if _copy(state / name / file, folder / file) != self.kept.files.get(file):
                raise _damaged(name, file)
        return folder


def _damaged(name: str, file: str) -> Unknown:
    return Unknown(f"the state is damaged: {name}/{file} is not as it was written; audit afresh in an empty folder")


def _current(state: Path) -> tuple[str, str] | None:
    """Name of the generation that counts and the digest of its summary."""
    try:
        words = (state / _CURRENT).read_text("ascii").split()
    except FileNotFoundError:
        return None
    except (OSError, UnicodeDecodeError):
        words = []
    if len(words) != 2 or not words[0].startswith("g") or not words[0][1:].isdecimal():
        raise Unknown(f"the state in {state} is damaged: it does not say which generation counts")
    return words[0], words[1]


def _tidy(state: Path) -> None:
    """Remove generations that do not count: what a crash or a finding left."""
    try:
        current = _current(state)
    except Unknown:
        return
    for path in state.glob("g[0-9]*"):
        if current is None or path.name != current[0]:
            shutil.rmtree(path, ignore_errors=True)


def _read_summary(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError:
        return b""


def _copy(source: Path, target: Path) -> str:
    """Copy a file, leaving holes where it has zeros, and return the SHA-256 of its content."""
    digest = sha256()
    try:
        with source.open("rb") as old, target.open("xb") as new:
            while chunk := old.read(_CHUNK):
                digest.update(chunk)
                if chunk == _ZEROS:
                    new.seek(len(chunk), os.SEEK_CUR)
                else:
                    new.write(chunk)
            new.truncate(old.tell())
    except FileNotFoundError:
        return ""
    return digest.hexdigest()


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        os.fsync(file.fileno())
        digest = sha256()
        while chunk := file.read(_CHUNK):
            digest.update(chunk)
    return digest.hexdigest()


def _write(path: Path, raw: bytes) -> None:
    with path.open("wb") as file:
        file.write(raw)
        file.flush()
        os.fsync(file.fileno())


def _sync_folder(path: Path) -> None:
    folder = os.open(path, os.O_RDONLY)
    os.fsync(folder)
    os.close(folder)
