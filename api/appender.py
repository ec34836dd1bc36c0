"""Group commit: statements wait in one queue, and whoever waits longest shares the next commit (amendments R8).

A batch of at most 64 statements is taken whenever the last commit is done; there is no timer, so a lone statement
waits for nobody. The signatures of a batch are verified half in one thread beside the event loop and half on the
loop: OpenSSL releases the interpreter's lock, and one job a batch is cheap where one job a request is not. On SQLite
the commit runs on the loop as well, where it needs no other thread to wake up; on PostgreSQL, whose answer has to be
waited for, it runs in a thread. A statement that is refused never changes what happens to its neighbours.
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace

from ledger import dsse
from ledger.db.append import Writer
from ledger.db.draft import Draft, Outcome
from ledger.errors import Invalid, PatinaError, Refused, Unavailable, Unknown

BATCH = 64
"""Statements of one commit; an atomic group that is larger is a commit of its own."""
QUEUE = 4096
"""Statements that may wait: at a thousand a second the last of them waits four seconds."""
TURNS = 3
"""Turns of the event loop between two commits, in which answers leave and the next requests come in."""

Wrong = Invalid | Unknown
_log = logging.getLogger("patina.api")


@dataclass(frozen=True, slots=True)
class _Waiting:
    """A group of drafts, all or none, and who waits for its outcomes."""

    drafts: tuple[Draft, ...]
    answer: asyncio.Future[list[Outcome]]


class Appender:
    """The queue before the writer; one for each process."""

    def __init__(self, writer: Writer, *, in_thread: bool) -> None:
        self._writer = writer
        self._queue: deque[_Waiting] = deque()
        self._size = 0
        self._wake = asyncio.Event()
        self._stopping = False
        self._task: asyncio.Task[None] | None = None
        self._verifier = ThreadPoolExecutor(1, "verify")
        self._committer = ThreadPoolExecutor(1, "commit") if in_thread else None

    def start(self) -> None:
        """Begin to take batches; needs a running event loop."""
        self._task = asyncio.get_running_loop().create_task(self._run(), name="appender")

    async def stop(self) -> None:
        """Commit what waits, then end; what comes later is refused with ``Unavailable``."""
        self._stopping = True
        self._wake.set()
        if self._task is not None:
            await self._task
        self._verifier.shutdown()
        if self._committer is not None:
            self._committer.shutdown()

    async def append(self, drafts: Sequence[Draft], *, atomic: bool = False) -> list[Outcome]:
        """The outcome of each draft, in order, once it is committed or refused; ``atomic`` means all or none.

        Raises ``Unavailable`` if the queue is full or the service may not sign.
        """
        if atomic:
            return await self._put(tuple(drafts))
        if len(drafts) == 1:
            return await self._put((drafts[0],))
        outcomes: list[Outcome] = []
        for start in range(0, len(drafts), BATCH):
            waiting = [self._put((draft,)) for draft in drafts[start : start + BATCH]]
            # All of them are waited for, so that no answer is left without somebody who takes it.
            for found in await asyncio.gather(*waiting, return_exceptions=True):
                if isinstance(found, BaseException):
                    raise found
                outcomes += found
        return outcomes

    async def seal(self) -> bool:
        """Append a seal if the last leaf is older than an hour; return whether one was."""
        if self._committer is None:
            return self._writer.seal()
        return await asyncio.get_running_loop().run_in_executor(self._committer, self._writer.seal)

    def _put(self, drafts: tuple[Draft, ...]) -> asyncio.Future[list[Outcome]]:
        if self._writer.refusal is not None:
            raise Unavailable(self._writer.refusal)
        if self._stopping:
            raise Unavailable("the service is stopping")
        if self._size + len(drafts) > QUEUE and self._size:
            raise Unavailable(f"got more than {QUEUE} statements at once, want you to try again")
        answer: asyncio.Future[list[Outcome]] = asyncio.get_running_loop().create_future()
        self._queue.append(_Waiting(drafts, answer))
        self._size += len(drafts)
        self._wake.set()
        return answer

    async def _run(self) -> None:
        while not (self._stopping and not self._queue):
            if not self._queue:
                self._wake.clear()
                await self._wake.wait()
                continue
            await self._commit(self._take())
            for _ in range(TURNS):
                await asyncio.sleep(0)

    def _take(self) -> list[_Waiting]:
        taken = [self._queue.popleft()]
        count = len(taken[0].drafts)
        while self._queue and count + len(self._queue[0].drafts) <= BATCH:
            taken.append(self._queue.popleft())
            count += len(taken[-1].drafts)
        self._size -= count
        return taken

    async def _commit(self, batch: list[_Waiting]) -> None:
        """Verify, append and answer one batch."""
        try:
            wrong = await self._verify([draft for waiting in batch for draft in waiting.drafts])
            good, outcomes, start = [], {}, 0
            for number, waiting in enumerate(batch):
                end = start + len(waiting.drafts)
                errors = wrong[start:end]
                if any(errors):
                    outcomes[number] = _all_refused(errors)
                else:
                    good.append((number, [replace(draft, verified=True) for draft in waiting.drafts]))
                start = end
            if good:
                results = await self._append([drafts for _, drafts in good])
                outcomes.update(zip((number for number, _ in good), results, strict=True))
            for number, waiting in enumerate(batch):
                if not waiting.answer.done():
                    waiting.answer.set_result(outcomes[number])
        except Exception as error:  # noqa: BLE001 - whatever fails, everybody who waits gets an answer
            if not isinstance(error, PatinaError):
                _log.exception("a batch could not be committed")
            failure = error if isinstance(error, PatinaError) else Unavailable("the ledger could not commit")
            for waiting in batch:
                if not waiting.answer.done():
                    waiting.answer.set_exception(failure)

    async def _append(self, groups: list[list[Draft]]) -> list[list[Outcome]]:
        if self._committer is None:
            return self._writer.append(groups)
        return await asyncio.get_running_loop().run_in_executor(self._committer, self._writer.append, groups)

    async def _verify(self, drafts: list[Draft]) -> list[Wrong | None]:
        unverified = [number for number, draft in enumerate(drafts) if not draft.verified]
        wrong: list[Wrong | None] = [None] * len(drafts)
        half = len(unverified) // 2
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
