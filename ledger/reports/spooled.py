"""The entries of a long log by subject, through files: what a report needs to count millions in bounded memory.

Leaves come in the order of the log and cases are counted subject by subject, so a first pass goes through the log in
pieces and writes the entries of each into a file, in parts by their first subject; a second pass counts one part of all
files after another. Other processes can take pieces and parts. The first pass also hashes every leaf, so that what is
counted can be proved to be what a checkpoint was signed over. This file reads and writes files and is no part of the
core.
"""

from __future__ import annotations

import multiprocessing
import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Executor, Future, ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NoReturn, TypeVar

from ledger import leaf, merkle, times
from ledger.checkpoint import Checkpoint
from ledger.errors import Disproved, PatinaError, Unknown
from ledger.leaf import Entry
from ledger.report import Sums, Tally
from ledger.report_ask import Ask
from ledger.report_standing import Standing
from ledger.reports.pieces import (
    Open,
    Place,
    Scan,
    Scanned,
    entries,
    parse,
    places,
    scan,
    subjects_of,
    uncollected,
)

PIECE = 128 * merkle.TILE_WIDTH
"""Leaves of a piece of the first pass, at least."""
PIECES = 64
PART = 40_000
"""Entries of a part of the second pass, about; up to ``PARTS`` of them."""
PARTS = 64
ALONE = 20_000
"""Leaves up to which other processes are not worth starting."""

_Given = TypeVar("_Given")
_Made = TypeVar("_Made")
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


def count(checkpoint: Checkpoint, ask: Ask, work: Work) -> Tally:
    """What the log below a checkpoint says to a request; every leaf of it is proved to be under the checkpoint.

    Raises ``Disproved`` (root) where they are other leaves, or (leaf) for one that the format forbids, and ``Unknown``
    for a leaf of a later version.
    """
    size = checkpoint.size
    width = max(PIECE, -(-size // PIECES // merkle.TILE_WIDTH) * merkle.TILE_WIDTH)
    parts = max(1, min(PARTS, -(-size // PART)))
    pieces = [(start, min(size, start + width)) for start in range(0, size, width)]
    steps = _Steps(work.progress, 2 * size)
    with TemporaryDirectory(prefix="patina-report-") as name, _pool(work, size) as pool:
        folder = Path(name)
        scans = [Scan(work.open, start, stop, folder / f"{start:012}", parts) for start, stop in pieces]
        scanned = _all(pool, scan, scans, lambda number: steps.tell(pieces[number][1] - pieces[number][0]))
        _prove(checkpoint, scanned)
        as_of = times.parse_recorded(parse(scanned[-1].last).recorded_at)
        about = b",".join(raw for one in scanned for raw in one.standing)
        parted = [places(scans, scanned, number) for number in range(parts)]
        folds = [_Fold(those, about, ask, as_of, work.disclosures) for those in parted]
        tally = folds[0].tally()
        shares = [size * (number + 1) // parts - size * number // parts for number in range(parts)]
        for sums in _all(pool, fold, folds, lambda number: steps.tell(shares[number])):
            tally.sums.merge(sums)
        _standing.cache_clear()
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
class _Fold:
    """A part of the second pass to count; ``about`` is what is kept of entries about parties, with commas between."""

    places: list[Place]
    about: bytes
    ask: Ask
    as_of: int
    disclosures: Mapping[str, Sequence[str]]

    def tally(self) -> Tally:
        """A tally that has counted nothing yet."""
        return Tally(self.ask, _standing(self.about), self.as_of, self.disclosures)


@lru_cache(maxsize=1)
def _standing(kept: bytes) -> Standing:
    """The parties of which this was kept: the same for all parts, so a process reads their standards once."""
    about = [entry for entry, _ in entries(kept)]
    ids = {one.statement.id for one in about if one.statement.type != "statement.retracted"}
    return Standing([one for one in about if one.statement.id in ids or one.statement.corrects in ids])


def fold(given: _Fold) -> Sums:
    """Count the subjects of one part."""
    with uncollected():
        return _fold(given)


def _fold(given: _Fold) -> Sums:
    tally = given.tally()
    for told in subjects_of(given.places):
        try:
            tally.add(told)
        except (KeyError, TypeError, ValueError, IndexError, AttributeError) as error:
            _blame(told, error)
    return tally.sums


def _prove(checkpoint: Checkpoint, scanned: Sequence[Scanned]) -> None:
    if merkle.root_from(root for one in scanned for root in one.roots) != checkpoint.root:
        raise Disproved("the leaves are not those that the checkpoint was signed over", "root")


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
