"""Group commit: statements wait in one queue, and whoever waits longest shares the next commit (amendments R8).

A batch of at most 128 statements is taken whenever the last commit is done; there is no timer, so a lone statement
waits for nobody. While another process of the machine appends, the batch grows by what comes in, as long as anything
comes: it would only wait, and each process must follow every commit of the others. The signatures of a batch are
verified half in one thread beside the event loop and half on the loop: libsodium releases the interpreter's lock, and
one job a batch is cheap where one job a request is not. Where other processes have the other cores, all are verified on
the loop (``halves``). On SQLite the commit runs on the loop as well, where it needs no other thread to wake up; where
it has to wait, for PostgreSQL or for a large commit of another process, it runs in a thread (``thread_from``). A
statement that is refused never changes what happens to its neighbours.

A request of many statements waits in parts of one commit each, one part after the other, so that whoever sends one
statement comes in between. Its place in the queue is taken for all of them at once: it is turned away whole or not.
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from msgspec.structs import replace

from ledger import dsse
from ledger.db.append import Standing, Writer
from ledger.db.draft import Draft, Outcome
from ledger.errors import Invalid, PatinaError, Refused, Unavailable, Unknown

BATCH = 128
"""Statements of one commit; an atomic group that is larger is a commit of its own. A commit of so many takes 10 ms, and
two processes hand the lock to each other half as often as with 64."""
QUEUE = 4096
"""Statements that may wait: at a thousand a second the last of them waits four seconds."""
TURNS = 3
"""Turns of the event loop in which answers leave and the next requests come in: between two commits, and while another
process appends."""

Wrong = Invalid | Unknown
_log = logging.getLogger("patina.api")


Groups = Sequence[Sequence[Draft]]
"""Drafts in groups, each of which is taken whole or not at all."""


@dataclass(frozen=True, slots=True)
class _Waiting:
    """Groups that are committed together, how many statements they are, and who waits for their outcomes."""

    groups: Groups
    size: int
    answer: asyncio.Future[list[list[Outcome]]]


class Appender:
    """The queue before the writer; one for each process."""

    def __init__(self, writer: Writer, *, thread_from: int | None, halves: bool = True) -> None:
        self._writer = writer
        self._queue: deque[_Waiting] = deque()
        self._size = 0
        self._wake = asyncio.Event()
        self._stopping = False
        self._task: asyncio.Task[None] | None = None
        self._verifier = ThreadPoolExecutor(1, "verify") if halves else None
        self._committer = ThreadPoolExecutor(1, "commit") if thread_from is not None else None
        self._thread_from = thread_from or 0

    @property
    def waiting(self) -> int:
        """Statements that were taken in and are neither committed nor refused yet."""
        return self._size

    def start(self) -> None:
        """Begin to take batches; needs a running event loop."""
        self._task = asyncio.get_running_loop().create_task(self._run(), name="appender")

    async def stop(self) -> None:
        """Commit what waits, then end; what comes later is refused with ``Unavailable``."""
        self._stopping = True
        self._wake.set()
        if self._task is not None:
            await self._task
        for thread in (self._verifier, self._committer):
            if thread is not None:
                thread.shutdown()

    async def append(self, drafts: Sequence[Draft], *, atomic: bool = False) -> list[Outcome]:
        """The outcome of each draft, in order, once it is committed or refused; ``atomic`` means all or none.

        Raises ``Unavailable`` if the queue is full or the service may not sign; nothing was taken then. If that happens
        when some are committed, it is the outcome of the others.
        """
        if self._writer.refusal is not None:
            raise Unavailable(self._writer.refusal)
        if self._stopping:
            raise Unavailable("the service is stopping")
        if self._size + len(drafts) > QUEUE and self._size:
            raise Unavailable(f"got more than {QUEUE} statements at once, want you to try again")
        parts = [[drafts]] if atomic else [_singly(drafts[at : at + BATCH]) for at in range(0, len(drafts), BATCH)]
        self._size += len(drafts)
        outcomes: list[Outcome] = []
        try:
            for part in parts:
                for found in await self._put(part):
                    outcomes += found
        except PatinaError as error:
            if not outcomes:
                raise
            outcomes += [error] * (len(drafts) - len(outcomes))
        finally:
            self._size -= len(drafts)
            self._wake.set()
        return outcomes

    async def check(self, drafts: Sequence[Draft]) -> list[Standing | PatinaError]:
        """What an append of these drafts, each on its own and in order, would do now; nothing is written.

        Raises ``Unavailable`` if the service may not sign.
        """
        wrong = await asyncio.to_thread(_check_all, list(drafts))
        good = [replace(one, verified=True) for one, error in zip(drafts, wrong, strict=True) if error is None]
        taken = iter(await asyncio.to_thread(self._writer.check, _singly(good)))
        return [error or next(taken)[0] for error in wrong]

    async def seal(self) -> bool:
        """Append a seal if the last leaf is older than an hour; return whether one was."""
        if self._committer is None:
            return self._writer.seal()
        return await asyncio.get_running_loop().run_in_executor(self._committer, self._writer.seal)

    def _put(self, groups: Groups) -> asyncio.Future[list[list[Outcome]]]:
        answer: asyncio.Future[list[list[Outcome]]] = asyncio.get_running_loop().create_future()
        self._queue.append(_Waiting(groups, sum(map(len, groups)), answer))
        self._wake.set()
        return answer

    async def _run(self) -> None:
        # Whoever was let in has a place until the last of its parts is answered, also while the service stops.
        while self._queue or self._size or not self._stopping:
            if not self._queue:
                self._wake.clear()
                await self._wake.wait()
                continue
            batch: list[_Waiting] = []
            try:
                await self._commit(batch)
            except Exception as error:  # noqa: BLE001 - whatever fails, everybody who waits gets an answer
                _fail(batch, error)
            await _turns()

    async def _commit(self, batch: list[_Waiting]) -> None:
        """Take a batch, verify, append and answer it."""
        wrong = await self._verify(self._take(batch))
        while self._writer.must_wait():
            await _turns()
            more = self._take(batch)
            if not more:
                break
            wrong += await self._verify(more)
        outcomes = iter(await self._outcomes([group for waiting in batch for group in waiting.groups], wrong))
        for waiting in batch:
            found = [next(outcomes) for _ in waiting.groups]
            if not waiting.answer.done():
                waiting.answer.set_result(found)

    def _take(self, batch: list[_Waiting]) -> list[_Waiting]:
        """What a batch has room for, which is added to it; the first of a batch always."""
        had, count = len(batch), sum(waiting.size for waiting in batch)
        while self._queue and (not batch or count + self._queue[0].size <= BATCH):
            batch.append(self._queue.popleft())
            count += batch[-1].size
        return batch[had:]

    async def _outcomes(self, groups: Groups, wrong: Sequence[Wrong | None]) -> list[list[Outcome]]:
        """What becomes of each group; one with a wrong signature, by draft in ``wrong``, never reaches the writer."""
        each = iter(wrong)
        outcomes: list[list[Outcome]] = []
        good: list[list[Draft]] = []
        for group in groups:
            errors = [next(each) for _ in group]
            if any(errors):
                outcomes.append(_all_refused(errors))
            else:
                outcomes.append([])
                good.append([replace(draft, verified=True) for draft in group])
        appended = iter(await self._append(good) if good else [])
        return [outcome or next(appended) for outcome in outcomes]

    async def _append(self, groups: Groups) -> list[list[Outcome]]:
        if self._committer is None or sum(map(len, groups)) < self._thread_from:
            return self._writer.append(groups)
        return await asyncio.get_running_loop().run_in_executor(self._committer, self._writer.append, groups)

    async def _verify(self, taken: list[_Waiting]) -> list[Wrong | None]:
        """What is wrong with each draft's signatures, if anything."""
        drafts = [draft for waiting in taken for group in waiting.groups for draft in group]
        unverified = [number for number, draft in enumerate(drafts) if not draft.verified]
        wrong: list[Wrong | None] = [None] * len(drafts)
        half = 0 if self._verifier is None else len(unverified) // 2
        other = None
        if half:
            mine = [drafts[number] for number in unverified[:half]]
            other = asyncio.get_running_loop().run_in_executor(self._verifier, _check_all, mine)
        found = _check_all([drafts[number] for number in unverified[half:]])
        if other is not None:
            found = await other + found
        for number, error in zip(unverified, found, strict=True):
            wrong[number] = error
        return wrong


async def _turns() -> None:
    for _ in range(TURNS):
        await asyncio.sleep(0)


def _fail(batch: list[_Waiting], error: Exception) -> None:
    """Answer everybody in a batch that could not be committed."""
    if not isinstance(error, PatinaError):
        _log.error("a batch could not be committed", exc_info=error)
    failure = error if isinstance(error, PatinaError) else Unavailable("the ledger could not commit")
    for waiting in batch:
        if not waiting.answer.done():
            waiting.answer.set_exception(failure)


def _singly(drafts: Sequence[Draft]) -> Groups:
    return [(draft,) for draft in drafts]


def _check_all(drafts: list[Draft]) -> list[Wrong | None]:
    return [_check(draft) for draft in drafts]


def _check(draft: Draft) -> Wrong | None:
    """What is wrong with a draft's signatures, if anything."""
    for number, signature in enumerate(draft.signatures):
        try:
            dsse.check_signature(signature.key, draft.body, signature.sig)
        except (Invalid, Unknown) as error:
            return type(error)(error.message, f"/signatures/{number}")
    return None


def _all_refused(errors: list[Wrong | None]) -> list[Outcome]:
    """Outcomes of a group in which something is wrong: its own error, or that a neighbour's refused it."""
    return [error or Refused("refused with the whole group: a signature does not verify") for error in errors]
