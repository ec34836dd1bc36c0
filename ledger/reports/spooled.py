"""The entries of a long log by subject, through files: what a report needs to count millions in bounded memory.

Leaves come in the order of the log and cases are counted subject by subject, so a first pass writes each entry into one
of a few files by its first subject, and a second pass reads one file after another. Both passes go by pieces that
other processes can take. The first also hashes every leaf, so that what is counted can be proved to be what a
checkpoint was signed over. This file reads and writes files and is no part of the core.
"""

from __future__ import annotations

import gc
import multiprocessing
import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Executor, Future, ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NoReturn, Protocol, TypeVar
from zlib import crc32

import msgspec

from ledger import leaf, merkle, times
from ledger.checkpoint import Checkpoint
from ledger.errors import Disproved, Malformed, PatinaError, Unknown
from ledger.leaf import Entry, Seal, Statement
from ledger.report import Sums, Tally
from ledger.report_ask import Ask
from ledger.report_standing import Standing

PIECE = 128 * merkle.TILE_WIDTH
"""Leaves of a piece of the first pass, at least."""
PIECES = 64
FILE = 40_000
"""Entries of a file, about; up to ``FILES`` of them."""
FILES = 64
ALONE = 20_000
"""Leaves up to which other processes are not worth starting."""

_VERSION = b',"v":1}'
_RECORDED = len('"recorded_at":"2026-11-28T00:00:00.000Z",')
_STANDING = (b"ledger.c", b"party.", b"standard", b"staff.", b"audit.", b"improvem", b"alarm.", b"service.")
_RETRACTED = b"statement.retracted"


class _Kept(msgspec.Struct, gc=False):
    """What is kept of an entry between the two passes."""

    index: int
    recorded_at: str
    statement: Statement
    hash: str = ""


_decode = msgspec.json.Decoder(_Kept).decode


class Leaves(Protocol):
    """Where leaves are read from."""

    def leaves(self, start: int, stop: int) -> Iterator[bytes]:
        """The bytes of leaves ``start`` to ``stop - 1``, in order."""

    def close(self) -> None:
        """Give back what is held open."""


_Given = TypeVar("_Given")
_Made = TypeVar("_Made")
Open = Callable[[], Leaves]
Progress = Callable[[int, int], None]


@dataclass(frozen=True, slots=True)
class Work:
    """How to count: what opens the leaves (in another process, too), how many processes, and who is told.

    ``nice`` is by how much these give way to others.
    """

    open: Open
    workers: int = 0
    progress: Progress | None = None
    disclosures: Mapping[str, Sequence[str]] = field(default_factory=dict)
    nice: int = 0


@dataclass(frozen=True, slots=True)
class _Scanned:
    """A piece of the first pass: the roots of its subtrees, the entries about parties, and its last leaf."""

    roots: list[bytes]
    standing: list[bytes]
    last: bytes


def count(checkpoint: Checkpoint, ask: Ask, work: Work) -> Tally:
    """What the log below a checkpoint says to a request; every leaf of it is proved to be under the checkpoint.

    Raises ``Disproved`` (root) where they are other leaves, or (leaf) for one that the format forbids, and ``Unknown``
    for a leaf of a later version.
    """
    size = checkpoint.size
    width = max(PIECE, -(-size // PIECES // merkle.TILE_WIDTH) * merkle.TILE_WIDTH)
    files = max(1, min(FILES, -(-size // FILE)))
    pieces = [(start, min(size, start + width)) for start in range(0, size, width)]
    steps = _Steps(work.progress, 2 * size)
    with TemporaryDirectory(prefix="patina-report-") as name, _pool(work, size) as pool:
        folder = Path(name)
        scans = [_Scan(work.open, start, stop, folder, files) for start, stop in pieces]
        scanned = _all(pool, scan, scans, lambda number: steps.tell(pieces[number][1] - pieces[number][0]))
        _prove(checkpoint, scanned)
        as_of = times.parse_recorded(_parse(scanned[-1].last).recorded_at)
        about = [raw for one in scanned for raw in one.standing]
        folds = [_Fold(folder, number, about, ask, as_of, work.disclosures) for number in range(files)]
        tally = folds[0].tally()
        shares = [size * (number + 1) // files - size * number // files for number in range(files)]
        for sums in _all(pool, fold, folds, lambda number: steps.tell(shares[number])):
            tally.sums.merge(sums)
    return tally


class _Steps:
    """Tells how far it has come."""

    def __init__(self, progress: Progress | None, total: int) -> None:
        self._progress = progress
        self._total = total
        self._done = 0

    def tell(self, more: int) -> None:
        self._done += more
        if self._progress is not None:
            self._progress(self._done, self._total)


@contextmanager
def _pool(work: Work, size: int) -> Iterator[Executor | None]:
    if not work.workers or size <= ALONE:
        yield None
        return
    # Not forked: this process may have threads.
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(work.workers, mp_context=context, initializer=os.nice, initargs=(work.nice,)) as pool:
        yield pool


def _all(
    pool: Executor | None, job: Callable[[_Given], _Made], given: Sequence[_Given], done: Callable[[int], None]
) -> list[_Made]:
    """The results of a job for everything that is given, in order; ``done`` is told the number of each."""
    made: dict[int, _Made] = {}
    if pool is None:
        for number, one in enumerate(given):
            made[number] = job(one)
            done(number)
    else:
        jobs: dict[Future[_Made], int] = {pool.submit(job, one): number for number, one in enumerate(given)}
        try:
            for future in as_completed(jobs):
                made[jobs[future]] = future.result()
                done(jobs[future])
        except BrokenProcessPool:
            raise Unknown("a process that counted was ended by somebody else") from None
        finally:
            if len(made) < len(given):
                pool.shutdown(wait=True, cancel_futures=True)
    return [made[number] for number in range(len(given))]


@dataclass(frozen=True, slots=True)
class _Scan:
    """A piece of the first pass to do."""

    open: Open
    start: int
    stop: int
    folder: Path
    files: int


def scan(given: _Scan) -> _Scanned:
    """Hash a piece of the log, and write its entries into the files of their first subjects."""
    entries: list[list[bytes]] = [[] for _ in range(given.files)]
    standing: list[bytes] = []
    roots: list[bytes] = []
    hashes: list[bytes] = []
    raw = b""
    with closing(given.open()) as source:
        for raw in source.leaves(given.start, given.stop):
            digest = sha256(b"\x00" + raw).digest()
            hashes.append(digest)
            if len(hashes) == merkle.TILE_WIDTH:
                roots.append(merkle.root_of_tile(hashes))
                hashes = []
            kept, subject, kind = _short(raw, digest)
            if kind.startswith(_STANDING):
                standing.append(kept)
            elif kept:
                entries[crc32(subject) % given.files].append(kept)
            if kind.startswith(_RETRACTED):
                standing.append(kept)
    if hashes:
        roots.append(merkle.root_from(hashes))
    for number, those in enumerate(entries):
        if those:
            (given.folder / f"{number:02}-{given.start:012}").write_bytes(b"\n".join(those))
    return _Scanned(roots, standing, raw)


def _short(raw: bytes, digest: bytes) -> tuple[bytes, bytes, bytes]:
    """What is kept of a leaf, its first subject and its type; nothing of a seal.

    Canonical bytes are cut at the names of their members: inside of a string a quote has a backslash before it.
    """
    if not raw.endswith(_VERSION):
        _parse(raw)
        raise AssertionError("a canonical leaf of this version ends with it")
    subject = raw.find(b'"subject":"')
    if subject < 0:
        return b"", b"", b""
    recorded = raw.find(b'"recorded_at":"')
    statement = raw.find(b'"statement":{', recorded)
    # Only an entry that names a holder's key is named by its hash.
    name = b'{"hash":"%b",' % digest.hex().encode() if b'"holder_custody"' in raw else b"{"
    kept = name + raw[1 : raw.find(b",") + 1] + raw[recorded : recorded + _RECORDED] + raw[statement : -len(_VERSION)]
    begin = subject + len(b'"subject":"')
    return kept + b"}", raw[begin : raw.find(b'"', begin)], raw[raw.rfind(b'"type":"') + len(b'"type":"') :]


@dataclass(frozen=True, slots=True)
class _Fold:
    """A file of the second pass to count."""

    folder: Path
    number: int
    about: list[bytes]
    ask: Ask
    as_of: int
    disclosures: Mapping[str, Sequence[str]]

    def tally(self) -> Tally:
        """A tally that has counted nothing yet."""
        about = [_entry(raw)[0] for raw in self.about]
        ids = {one.statement.id for one in about if one.statement.type != "statement.retracted"}
        theirs = [one for one in about if one.statement.id in ids or one.statement.corrects in ids]
        return Tally(self.ask, Standing(theirs), self.as_of, self.disclosures)


def fold(given: _Fold) -> Sums:
    """Count the subjects of one file."""
    gc.disable()  # half a million values that live until the end and form no cycles
    try:
        return _fold(given)
    finally:
        gc.enable()


def _fold(given: _Fold) -> Sums:
    subjects: dict[str, list[tuple[Entry, str]]] = {}
    for path in sorted(given.folder.glob(f"{given.number:02}-*")):
        for raw in path.read_bytes().split(b"\n"):
            told = _entry(raw)
            subjects.setdefault(told[0].statement.subjects[0], []).append(told)
    tally = given.tally()
    for those in subjects.values():
        try:
            tally.add(those)
        except (KeyError, TypeError, ValueError, IndexError, AttributeError) as error:
            _blame(those, error)
    return tally.sums


def _prove(checkpoint: Checkpoint, scanned: Sequence[_Scanned]) -> None:
    if merkle.root_from(root for one in scanned for root in one.roots) != checkpoint.root:
        raise Disproved("the leaves are not those that the checkpoint was signed over", "root")


def _parse(raw: bytes) -> Entry | Seal:
    try:
        return leaf.parse_leaf(raw)
    except Malformed as error:
        raise Disproved(f"got a leaf out of form: {error.message}", "leaf") from None


def _entry(raw: bytes) -> tuple[Entry, str]:
    """An entry of which ``_short`` was kept, and its leaf hash if it was.

    Its form is for an audit to check; raises ``Disproved`` for what is none.
    """
    try:
        kept = _decode(raw)
    except msgspec.DecodeError as error:
        raise Disproved(f"got a leaf out of form: {error}", "leaf") from None
    return Entry(kept.index, "", kept.recorded_at, (), kept.statement, (), 1), kept.hash


def _blame(told: Iterable[tuple[Entry, str]], error: Exception) -> NoReturn:
    """Raise ``Disproved`` for the first entry that no ledger should have accepted: it is why counting failed."""
    for entry, _ in told:
        try:
            leaf.check_form(entry.statement)
            leaf.check_details(entry.statement)
            leaf.check_time(entry)
        except Unknown:
            raise
        except PatinaError as wrong:
            why = f"the log holds what it should have refused: {wrong.message}"
            raise Disproved(why, "leaf", entry.index) from None
    raise AssertionError("what may stand in a ledger can be counted") from error
