"""Signatures of many entries, verified by several processes (format.md §3).

Verifying is most of the work of an audit and needs nothing but the leaf itself. Leaves go out in chunks as they are, so
that the process that replays the log spends nothing on them; back comes the first leaf of a chunk that fails.
"""

from __future__ import annotations

import multiprocessing
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future, ProcessPoolExecutor

import msgspec

from ledger.dsse import check_message, pae
from ledger.errors import Invalid, Unknown

CHUNK = 256
"""Leaves a job: a quarter of a megabyte, and a few hundredths of a second."""
ALONE = 8 * CHUNK
"""Leaves up to which other processes are not worth starting."""
_WAITING = 4

Failure = tuple[int, str, bool]
"""Index of a leaf, why its signature is refused, and whether that disproves it."""


class _Signature(msgspec.Struct):
    key: str
    sig: str


class _Signed(msgspec.Struct):
    """What is signed, and by whom; ``ledger.leaf`` says the same, but takes a process long to import."""

    statement: msgspec.Raw
    signatures: list[_Signature]


_decode = msgspec.json.Decoder(_Signed).decode


def verify_chunk(leaves: list[tuple[int, bytes]]) -> tuple[int, list[Failure]]:
    """How many signatures these entries (index and canonical bytes) have, and which entries fail."""
    count, failures = 0, []
    for index, raw in leaves:
        signed = _decode(raw)
        message = pae(bytes(signed.statement))
        for signature in signed.signatures:
            count += 1
            try:
                check_message(signature.key, message, signature.sig)
            except Unknown as error:
                failures.append((index, error.message, False))
            except Invalid as error:
                failures.append((index, error.message, True))
    return count, failures


class Verifiers:
    """Processes that verify what ``add`` is given; ``report`` is called for each failure, not in order."""

    def __init__(self, report: Callable[[Failure], None], *, workers: int, expected: int) -> None:
        """``workers`` 0 verifies in this process, as do few ``expected`` leaves."""
        self.count = 0
        self._report = report
        self._chunk: list[tuple[int, bytes]] = []
        self._jobs: deque[Future[tuple[int, list[Failure]]]] = deque()
        self._limit = _WAITING * workers
        self._pool: ProcessPoolExecutor | None = None
        if workers and expected > ALONE:
            # Not forked: this process may have threads that fetch.
            self._pool = ProcessPoolExecutor(workers, mp_context=multiprocessing.get_context("spawn"))

    def add(self, index: int, raw: bytes) -> None:
        """Have the signatures of an entry verified, now or later."""
        self._chunk.append((index, raw))
        if len(self._chunk) == CHUNK:
            self._send()

    def finish(self) -> None:
        """Return when everything that was added is verified."""
        self._send()
        while self._jobs:
            self._take()

    def close(self) -> None:
        """Stop the processes; what they have not verified is not waited for."""
        if self._pool is not None:
            self._pool.shutdown(wait=True, cancel_futures=True)

    def _send(self) -> None:
        chunk, self._chunk = self._chunk, []
        if self._pool is None:
            self._count(verify_chunk(chunk))
            return
        self._jobs.append(self._pool.submit(verify_chunk, chunk))
        if len(self._jobs) > self._limit:
            self._take()

    def _take(self) -> None:
        self._count(self._jobs.popleft().result())

    def _count(self, result: tuple[int, list[Failure]]) -> None:
        count, failures = result
        self.count += count
        for failure in failures:
            self._report(failure)
