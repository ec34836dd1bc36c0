"""A piece of a log, read once: every leaf hashed, and its entries put aside in a file by the parts of their subjects.

What is kept of an entry is its statement as it stands in the leaf, its index, when it was recorded and, if holders name
it by that, its hash. Nothing else of a leaf is looked at, so this is quick; its form is for an audit to check.
"""

from __future__ import annotations

import gc
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from hashlib import sha256
from itertools import accumulate
from pathlib import Path
from typing import Annotated, Any, NamedTuple, Protocol
from zlib import crc32

import msgspec

from ledger import leaf, merkle
from ledger.errors import Disproved, Malformed
from ledger.leaf import Entry, Seal, Statement

_VERSION = b',"v":1}'
_STANDING = ("ledger.c", "party.", "standard", "staff.", "audit.", "improvem", "alarm.", "service.")
_RETRACTED = "statement.retracted"
_UNDECODABLE = (msgspec.DecodeError, RecursionError, UnicodeDecodeError)


class _Leaf(msgspec.Struct, gc=False):
    """What the first pass reads of a leaf; a seal has no statement."""

    index: int
    recorded_at: str
    statement: msgspec.Raw = msgspec.Raw()


class _Details(msgspec.Struct, gc=False):
    """What the first pass reads of a statement's details."""

    holder_custody: Any = None


class _Told(msgspec.Struct, gc=False):
    """What the first pass reads of a statement."""

    type: str
    subjects: Annotated[tuple[str, ...], msgspec.Meta(min_length=1)]
    details: _Details


class _Kept(msgspec.Struct, array_like=True, gc=False):
    """What is kept of an entry between the two passes, its statement as it stands in the leaf."""

    index: int
    recorded_at: str
    hash: str
    statement: msgspec.Raw


class _Read(msgspec.Struct, array_like=True, gc=False):
    """A ``_Kept`` as the second pass reads it."""

    index: int
    recorded_at: str
    hash: str
    statement: Statement


_leaf = msgspec.json.Decoder(_Leaf).decode
_told = msgspec.json.Decoder(_Told).decode
_encode = msgspec.json.Encoder().encode
_read = msgspec.json.Decoder(list[_Read]).decode


class Leaves(Protocol):
    """Where leaves are read from."""

    def leaves(self, start: int, stop: int) -> Iterator[bytes]:
        """The bytes of leaves ``start`` to ``stop - 1``, in order."""

    def close(self) -> None:
        """Give back what is held open."""


Open = Callable[[], Leaves]


class Place(NamedTuple):
    """A stretch of a file."""

    path: Path
    start: int
    end: int

    def lines(self) -> list[bytes]:
        """The lines that stand there."""
        with self.path.open("rb") as file:
            file.seek(self.start)
            return file.read(self.end - self.start).splitlines()


@dataclass(frozen=True, slots=True)
class Scan:
    """A piece of the first pass to do."""

    open: Open
    start: int
    stop: int
    path: Path
    parts: int


@dataclass(frozen=True, slots=True)
class Scanned:
    """What a piece gave: the roots of its subtrees, what is kept of entries about parties, where the parts of its file
    end, and its last leaf.
    """

    roots: list[bytes]
    standing: list[bytes]
    ends: list[int]
    last: bytes


def scan(given: Scan) -> Scanned:
    """Hash a piece of the log, and write its entries into a file by the parts of their first subjects."""
    subjects: defaultdict[str, list[bytes]] = defaultdict(list)
    standing: list[bytes] = []
    roots: list[bytes] = []
    hashes: list[bytes] = []
    raw = b""
    with closing(given.open()) as source, uncollected():
        for raw in source.leaves(given.start, given.stop):
            digest = sha256(b"\x00" + raw).digest()
            hashes.append(digest)
            if len(hashes) == merkle.TILE_WIDTH:
                roots.append(merkle.root_of_tile(hashes))
                hashes = []
            told, kept = _short(raw, digest)
            if told is None:
                continue
            if told.type.startswith(_STANDING):
                standing.append(kept)
                continue
            if told.type == _RETRACTED:
                standing.append(kept)
            subjects[told.subjects[0]].append(kept)
        ends = _write(given, subjects)
    if hashes:
        roots.append(merkle.root_from(hashes))
    return Scanned(roots, standing, ends, raw)


def _write(given: Scan, subjects: Mapping[str, Sequence[bytes]]) -> list[int]:
    """Write a line for each subject of a piece, with all that is kept of it; return where each part ends.

    JSON escapes tabs and ends of lines inside of strings, and canonical JSON has none outside of them.
    """
    parts: list[list[bytes]] = [[] for _ in range(given.parts)]
    for name, kept in subjects.items():
        subject = _encode(name)
        parts[crc32(subject) % given.parts].append(b"%b\t%b\n" % (subject, b",".join(kept)))
    texts = [b"".join(those) for those in parts]
    with given.path.open("wb") as file:
        file.writelines(texts)
    return list(accumulate(map(len, texts)))


def _short(raw: bytes, digest: bytes) -> tuple[_Told | None, bytes]:
    """What a leaf is about and what is kept of it; nothing of a seal."""
    try:
        if not raw.endswith(_VERSION):
            parse(raw)
        one = _leaf(raw)
        if not one.statement:
            return None, b""
        told = _told(one.statement)
    except _UNDECODABLE:
        parse(raw)
        raise AssertionError("what is a leaf can be read") from None
    # Only an entry that names a holder's key is named by its hash.
    name = "" if told.details.holder_custody is None else digest.hex()
    return told, _encode(_Kept(one.index, one.recorded_at, name, one.statement))


def places(scans: Sequence[Scan], scanned: Sequence[Scanned], number: int) -> list[Place]:
    """Where the pieces have a part."""
    return [
        Place(given.path, made.ends[number - 1] if number else 0, made.ends[number])
        for given, made in zip(scans, scanned, strict=True)
    ]


def subjects_of(part: Iterable[Place]) -> Iterator[list[tuple[Entry, str]]]:
    """All entries of each subject of a part, oldest first, with their leaf hashes where those were kept."""
    subjects: defaultdict[bytes, list[bytes]] = defaultdict(list)
    for place in part:
        for line in place.lines():
            subject, _, kept = line.partition(b"\t")
            subjects[subject].append(kept)
    for those in subjects.values():
        # Decoded only now, so that what is counted together stands together in memory.
        yield entries(those)


def entries(kept: Sequence[bytes]) -> list[tuple[Entry, str]]:
    """The entries of which this was kept, each with its leaf hash if that was.

    Their form is for an audit to check; raises ``Disproved`` for what is none.
    """
    try:
        read = _read(b"[%b]" % b",".join(kept))
    except _UNDECODABLE as error:
        raise Disproved(f"got a leaf out of form: {error}", "leaf") from None
    return [(Entry(one.index, "", one.recorded_at, (), one.statement, (), 1), one.hash) for one in read]


def parse(raw: bytes) -> Entry | Seal:
    """What a leaf is; raises ``Disproved`` (leaf) for what is none, and ``Unknown`` for one of a later version."""
    try:
        return leaf.parse_leaf(raw)
    except Malformed as error:
        raise Disproved(f"got a leaf out of form: {error.message}", "leaf") from None


@contextmanager
def uncollected() -> Iterator[None]:
    """Without the garbage collector: what is made here is much, and forms no cycles."""
    gc.disable()
    try:
        yield
    finally:
        gc.enable()
