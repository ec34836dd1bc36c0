"""A party's copy of an uploaded file, as its row says: what it is, where it lies, and how it stands."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import IO, Any, Protocol

import msgspec
from sqlalchemy import Connection, and_, delete, insert, select

from ledger.db.draft import Row
from ledger.db.private_tables import file_key
from ledger.db.tables import attachment, attachment_use
from ledger.db.uses import is_listed, uses
from ledger.errors import Invalid
from ledger.leaf import Attachment

CHUNK = 64 * 1024
WHOLE, ALTERED, MISSING, ERASED = "whole", "altered", "missing", "erased"


_ITS_KEY = and_(file_key.c.party == attachment.c.party, file_key.c.sha256 == attachment.c.sha256)
COPY = select(attachment, file_key.c.epoch).select_from(attachment.outerjoin(file_key, _ITS_KEY))
"""The query for copies, in the order of ``kept_of``: the row, and the epoch that its key is of, if it has one."""
COPY_SQL = (
    f"SELECT {', '.join(f'a.{column.name}' for column in attachment.columns)}, k.epoch FROM attachment a "  # noqa: S608
    "LEFT JOIN file_key k ON k.party = a.party AND k.sha256 = a.sha256 "
)
"""The same for a session; names of ours."""
UNLISTED = and_(attachment.c.state != ERASED, ~is_listed())
"""A copy that waits for a statement."""


class KeyBox(Protocol):
    """What wraps the keys of files by epochs that come to an end; ``vault.Vault`` does."""

    def wrap_file_key(self, key: bytes, party: str, digest: bytes) -> tuple[int, bytes]:
        """The number of the epoch in force, and the key wrapped by it for this file of this party."""

    def file_key(self, party: str, digest: bytes) -> bytes | None:
        """The key as it is kept now, or ``None``; raises ``Unavailable`` if what is kept is not this file's."""

    def forget(self) -> None:
        """Look for the epoch in force again."""


class Gone(Exception):
    """A file that cannot be shown; ``state`` says why: ``altered``, ``missing`` or ``erased``."""

    def __init__(self, state: str) -> None:
        super().__init__(state)
        self.state = state


@dataclass(frozen=True, slots=True)
class Kept:
    """A party's copy of a file; ``sha256`` in hex, ``thumbnail`` says that there is one.

    One whose key is gone is ``ERASED``, whatever its row says: nothing opens it.
    """

    party: str
    sha256: str
    media_type: str
    size: int
    state: str
    thumbnail: bool
    place: bytes
    thumbnail_place: bytes | None
    touched_at: str

    @property
    def identity(self) -> bytes:
        """The row, for the encryption of the file."""
        return identity_of(self.party, self.sha256)


@dataclass(frozen=True, slots=True)
class Use:
    """A statement that lists a file, and its subjects."""

    statement: str
    subjects: tuple[str, ...]


class _Said(msgspec.Struct):
    id: str
    subjects: tuple[str, ...]


class _Entry(msgspec.Struct):
    statement: _Said


_read = msgspec.json.Decoder(_Entry).decode


def use_of(raw: bytes) -> Use:
    """The use that an entry makes of a file; of the entry no more is read than that needs."""
    said = _read(raw).statement
    return Use(said.id, said.subjects)


def digest_of(file: IO[bytes]) -> tuple[str, int]:
    """The SHA-256 in hex and the size of a file."""
    digest, size = sha256(), 0
    for part in parts_of(file):
        digest.update(part)
        size += len(part)
    return digest.hexdigest(), size


def parts_of(file: IO[bytes]) -> Iterator[bytes]:
    """A file in parts, from its beginning."""
    file.seek(0)
    while part := file.read(CHUNK):
        yield part


def identity_of(party: str, digest: str) -> bytes:
    """The row of a copy, for the encryption of the file."""
    return f"attachment/{party}/{digest}".encode()


def is_(party: str, digest: Any) -> tuple[Any, Any]:
    """The conditions that find a copy."""
    return attachment.c.party == party, attachment.c.sha256 == digest


def row_of(party: str, digest: Any) -> Any:
    """The query for a copy's row."""
    return COPY.where(*is_(party, digest))


def put_key(connection: Connection, kept: Kept, epoch: int, wrapped: bytes) -> None:
    """Write the key of a copy, in the place of any that is there."""
    digest = drop_key(connection, kept.party, kept.sha256)
    connection.execute(insert(file_key).values(party=kept.party, sha256=digest, epoch=epoch, wrapped=wrapped))


def drop_key(connection: Connection, party: str, name: str) -> bytes:
    """Delete the key of a party's copy of the file with this digest (64 hex), which is returned in bytes."""
    digest = bytes.fromhex(name)
    connection.execute(delete(file_key).where(file_key.c.party == party, file_key.c.sha256 == digest))
    return digest


def take(connection: Connection, party: str, digest: bytes) -> Kept | None:
    """Delete row and key of a copy that no statement lists any more, and return what it was."""
    if uses(connection, digest.hex(), attachment_use.c.party == party, most=1):
        return None
    row = connection.execute(row_of(party, digest)).first()
    connection.execute(delete(attachment).where(*is_(party, digest)))
    drop_key(connection, party, digest.hex())
    return None if row is None else kept_of(row)


def tombstone(kept: Kept) -> Any:
    """The insert of the row that says that a file was erased, of what is listed in public."""
    return insert(attachment).values(
        party=kept.party, sha256=bytes.fromhex(kept.sha256), media_type=kept.media_type, size=kept.size, place=b"",
        thumbnail=None, state=ERASED, touched_at="", checked_at="",
    )  # fmt: skip


def kept_of(row: Any) -> Kept:
    """The copy that a row of ``COPY`` describes."""
    party, digest, media_type, size, place, small, state, touched_at, _, epoch = row
    small, state = None if small is None else bytes(small), ERASED if epoch is None else state
    return Kept(
        party, bytes(digest).hex(), media_type, size, state, small is not None, bytes(place), small, touched_at
    )  # fmt: skip


def use_rows(files: Sequence[Attachment], copies: Mapping[str, Kept], *, public: bool) -> tuple[Row, ...]:
    """The rows of a statement that lists these files; ``copies`` are there, by digest. Raises ``Invalid``."""
    rows: dict[str, Row] = {}
    for number, file in enumerate(files):
        kept = copies.get(file.sha256)
        if kept is None:
            raise Invalid("got a file that this party has not uploaded: want it first", f"/attachments/{number}")
        if kept.size != file.size or kept.media_type != file.media_type:
            got, want = f"{file.size} bytes of {file.media_type}", f"{kept.size} of {kept.media_type}"
            raise Invalid(f"got {got}, want {want}, as was uploaded", f"/attachments/{number}")
        use = {"sha256": bytes.fromhex(file.sha256), "party": kept.party, "public": int(public), "indexed": 0}
        rows[file.sha256] = Row("attachment_use", use)
    return tuple(rows.values())
