"""The files that records list, as far as a page's reader may see the list: each with how the stored copy stands.

A record is signed and stays as it is, whatever becomes of a file. So a page never leaves a file out: one that is
missing, altered or erased is named with its state in its place.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Any

import msgspec

from ledger.history import VerifiedHistory
from ledger.leaf import Attachment, Statement

_PORTRAITS = ("item.registered", "item.inspected", "authentication.certified", "item.sold")
"""Types of record whose pictures show the thing itself, the best first; those of a case may show what was broken."""
_WHOLE = "whole"
_UNKNOWN = "missing"
_ERASED = "erased"
_KIB = 1024


@dataclass(frozen=True, slots=True)
class FileShown:
    """A file of a record; ``size`` in words, ``state`` whole, altered, missing or erased."""

    name: str
    media_type: str
    size: str
    sha256: str
    state: str

    @property
    def whole(self) -> bool:
        """Whether it can be fetched."""
        return self.state == _WHOLE

    @property
    def picture(self) -> bool:
        """Whether it has a thumbnail."""
        return self.media_type.startswith("image/")


States = Callable[[Collection[str], Collection[str]], Mapping[str, str]]


def shown_files(
    verified: VerifiedHistory, states: States, gone: Collection[str] = ()
) -> dict[int, tuple[FileShown, ...]]:
    """The files of each record that lists any, by its index; ``states(parties, digests)`` tells how copies stand.

    A party may have uploaded what it lists itself, or the operator for it. Of the statements in ``gone`` what they list
    in public was erased, and stays so whoever uploads the same bytes again or lists them elsewhere.
    """
    listed = {
        entry.index: (entry.statement.party, files)
        for entry in verified.entries
        if (files := _listed(entry.statement, verified.disclosed.get(entry.statement.id, {})))
    }
    if not listed:
        return {}
    parties = {party for party, _ in listed.values()} | {verified.replay.parties.operator}
    known = states(parties, {file.sha256 for _, files in listed.values() for file in files})
    erased = {
        (entry.index, file.sha256)
        for entry in verified.entries
        if entry.statement.id in gone
        for file in entry.statement.attachments or ()
    }

    def state(index: int, digest: str) -> str:
        return _ERASED if (index, digest) in erased else known.get(digest, _UNKNOWN)

    return {
        index: tuple(
            FileShown(file.name, file.media_type, _size(file.size), file.sha256, state(index, file.sha256))
            for file in files
        )
        for index, (_, files) in listed.items()
    }


def photo_of(types: Mapping[int, str], files: Mapping[int, tuple[FileShown, ...]]) -> FileShown | None:
    """The picture that stands for the thing, of the newest record of the best type; ``types`` are those of records."""
    pictures = [
        (_PORTRAITS.index(types[index]), -index, one)
        for index, listed in files.items()
        for one in listed
        if one.whole and one.picture and types.get(index) in _PORTRAITS
    ]
    return min(pictures, key=lambda found: found[:2])[2] if pictures else None


def _listed(statement: Statement, private: Mapping[str, Any]) -> list[Attachment]:
    """The files of a statement: those in clear, and those of a private list that the reader may see."""
    return [*(statement.attachments or ()), *msgspec.convert(private.get("attachments", []), list[Attachment])]


def _size(size: int) -> str:
    if size < _KIB:
        return f"{size} B"
    return f"{size / _KIB:.0f} KiB" if size < _KIB * _KIB else f"{size / _KIB / _KIB:.1f} MiB"
