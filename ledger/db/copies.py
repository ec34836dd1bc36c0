"""A party's copy of an uploaded file, as its row says: what it is, where it lies, and how it stands."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from sqlalchemy import Connection, delete, insert, select

from ledger.db.draft import Row
from ledger.db.tables import attachment, attachment_use
from ledger.db.views import uuid_bytes
from ledger.errors import Invalid
from ledger.leaf import Attachment

WHOLE, ALTERED, MISSING, ERASED = "whole", "altered", "missing", "erased"


class KeyBox(Protocol):
    """What wraps the key of a file; ``secret.MasterKey`` does."""

    def wrap(self, plain: bytes, identity: bytes) -> bytes:
        """The key encrypted for the row ``identity``."""

    def unwrap(self, wrapped: bytes, identity: bytes) -> bytes:
        """The key again; raises ``Unavailable`` if it is not this row's or was destroyed."""


class Gone(Exception):
    """A file that cannot be shown; ``state`` says why: ``altered``, ``missing`` or ``erased``."""

    def __init__(self, state: str) -> None:
        super().__init__(state)
        self.state = state


@dataclass(frozen=True, slots=True)
class Kept:
    """A party's copy of a file; ``sha256`` in hex, ``thumbnail`` says that there is one."""

    party: str
    sha256: str
    media_type: str
    size: int
    state: str
    thumbnail: bool
    place: bytes
    thumbnail_place: bytes | None
    wrapped: bytes
    touched_at: str

    @property
    def identity(self) -> bytes:
        """The row, for the encryption of key and file."""
        return identity_of(self.party, self.sha256)


@dataclass(frozen=True, slots=True)
class Use:
    """A statement that lists a file, and one of its subjects."""

    statement: str
    subject: str
    public: bool


def identity_of(party: str, digest: str) -> bytes:
    """The row of a copy, for the encryption of its key and of the file."""
    return f"attachment/{party}/{digest}".encode()


def is_(party: str, digest: Any) -> tuple[Any, Any]:
    """The conditions that find a copy."""
    return attachment.c.party == party, attachment.c.sha256 == digest


def row_of(party: str, digest: Any) -> Any:
    """The query for a copy's row."""
    return select(attachment).where(*is_(party, digest))


def take(connection: Connection, party: str, digest: bytes) -> Kept | None:
    """Delete the row of a copy that no statement lists any more, and return what it was."""
    use = attachment_use.c
    if connection.execute(select(use.party).where(use.party == party, use.sha256 == digest).limit(1)).first():
        return None
    row = connection.execute(row_of(party, digest)).first()
    connection.execute(delete(attachment).where(*is_(party, digest)))
    return None if row is None else kept_of(row)


def tombstone(kept: Kept) -> Any:
    """The insert of the row that says that a file was erased, of what is listed in public."""
    return insert(attachment).values(
        party=kept.party, sha256=bytes.fromhex(kept.sha256), media_type=kept.media_type, size=kept.size, place=b"",
        thumbnail=None, key=b"", state=ERASED, touched_at="", checked_at="",
    )  # fmt: skip


def kept_of(row: Any) -> Kept:
    """The copy that a row describes, in the table's order of columns."""
    party, digest, media_type, size, place, small, key, state, touched_at, _ = row
    small = None if small is None else bytes(small)
    return Kept(
        party, bytes(digest).hex(), media_type, size, state, small is not None, bytes(place), small, bytes(key),
        touched_at,
    )  # fmt: skip


def use_rows(
    statement: str, subjects: Sequence[str], files: Sequence[Attachment], copies: Mapping[str, Kept], *, public: bool
) -> tuple[Row, ...]:
    """The rows of a statement that lists these files; ``copies`` are there, by digest. Raises ``Invalid``."""
    for number, file in enumerate(files):
        kept = copies.get(file.sha256)
        if kept is None:
            raise Invalid("got a file that this party has not uploaded: want it first", f"/attachments/{number}")
        if (kept.size, kept.media_type) != (file.size, file.media_type):
            got, want = f"{file.size} bytes of {file.media_type}", f"{kept.size} of {kept.media_type}"
            raise Invalid(f"got {got}, want {want}, as was uploaded", f"/attachments/{number}")
    uuid = uuid_bytes(statement)
    return tuple(
        Row(
            "attachment_use",
            {"sha256": bytes.fromhex(digest), "subject": subject, "statement": uuid, "party": copies[digest].party,
             "public": int(public)},
        )
        for digest in dict.fromkeys(file.sha256 for file in files)
        for subject in subjects
    )  # fmt: skip


def urn_of(raw: bytes) -> str:
    """The ``urn:uuid:`` of 16 bytes."""
    digits = bytes(raw).hex()
    return f"urn:uuid:{digits[:8]}-{digits[8:12]}-{digits[12:16]}-{digits[16:20]}-{digits[20:]}"
