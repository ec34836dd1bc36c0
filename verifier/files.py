"""A folder of files that belong to a history: which listed attachment is there, which is not, which was altered (10).

A file is known by its digest, whatever it is called. Where a listed file is not there by digest but one is called like
it (its name, or its digest as a download is called), that one is not what was recorded: disproved. Where nothing is
called so either, nobody can tell.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

import msgspec

from ledger.errors import Malformed
from ledger.history import VerifiedHistory
from ledger.leaf import Attachment
from verifier.findings import Finding

MAX_FILES = 100_000
_CHUNK = 1024 * 1024
_PREFIX = 16
"""Hex digits of a digest that a download is called by."""


@dataclass(frozen=True, slots=True)
class Shelf:
    """The files of a folder: size by digest (64 hex), and digest by name."""

    sizes: dict[str, int]
    names: dict[str, str]


def read_shelf(folder: Path) -> Shelf:
    """The files in a folder and below; raises ``Malformed`` if it is none or holds too many."""
    if not folder.is_dir():
        raise Malformed(f"got {folder}, want a folder of files")
    sizes: dict[str, int] = {}
    names: dict[str, str] = {}
    for number, path in enumerate(sorted(path for path in folder.rglob("*") if path.is_file())):
        if number == MAX_FILES:
            raise Malformed(f"got a folder of more than {MAX_FILES} files")
        digest, size = _digest(path)
        sizes[digest] = size
        for name in (path.name, path.name.partition(".")[0]):
            names.setdefault(name, digest)
    return Shelf(sizes, names)


def check_shelf(found: VerifiedHistory, shelf: Shelf) -> tuple[int, int, tuple[Finding, ...]]:
    """How many listed files are on the shelf, of how many, and what is to be said of the others."""
    listed = list(_listed(found))
    known = {file.sha256 for _, file in listed}
    there, findings = 0, []
    for index, file in listed:
        size = shelf.sizes.get(file.sha256)
        if size is not None and size == file.size:
            there += 1
            continue
        digest = next((shelf.names[name] for name in _called(file) if name in shelf.names), None)
        if size is not None:
            why = f"the attachment {file.name} has {size} bytes, {file.size} were recorded"
            findings.append(Finding(10, why, index))
        elif digest is not None and digest not in known:
            why = (
                f"the attachment {file.name} is not the one that was recorded: got sha256 {digest}, want {file.sha256}"
            )
            findings.append(Finding(10, why, index))
        else:
            why = f"the attachment {file.name} (sha256 {file.sha256}) is not in the folder"
            findings.append(Finding(10, why, index, disproved=False))
    return there, len(listed), tuple(findings)


def _called(file: Attachment) -> Sequence[str]:
    return file.sha256, file.sha256[:_PREFIX], file.name


def _listed(found: VerifiedHistory) -> Iterator[tuple[int, Attachment]]:
    """Every attachment of the history with its entry's index: in public, and in private members that were disclosed."""
    for entry in found.entries:
        for file in entry.statement.attachments or ():
            yield entry.index, file
        private = found.disclosed.get(entry.statement.id, {}).get("attachments")
        try:
            files = msgspec.convert(private, tuple[Attachment, ...]) if private is not None else ()
        except msgspec.ValidationError:
            # A private member of another shape: whoever wrote it gave the name a meaning of its own.
            files = ()
        for file in files:
            yield entry.index, file


def _digest(path: Path) -> tuple[str, int]:
    digest, size = sha256(), 0
    with path.open("rb") as file:
        while part := file.read(_CHUNK):
            digest.update(part)
            size += len(part)
    return digest.hexdigest(), size
