"""Group commit: what waits is committed together, in order, each with its own outcome, and nobody waits for ever."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator, Sequence
from itertools import chain, repeat
from typing import Any, TypeVar

import pytest

from api import appender as appenders
from api.appender import BATCH, Appender
from ledger.db.append import Writer
from ledger.db.draft import Accepted, Draft, Outcome
from ledger.dsse import SigningKey, sign_statement
from ledger.errors import PatinaError, Refused, Unavailable
from ledger.leaf import Signature, statement_bytes, statement_from
from tests.build import uuid

KEY = SigningKey.from_seed(bytes(range(32)))
T = TypeVar("T")


class Recorder(Writer):
    """A writer that appends to a list; what has the type in ``refuse`` is refused, ``broken`` is raised."""

    def __init__(self) -> None:
        self.batches: list[list[list[str]]] = []
        self.refused: set[str] = set()
        self.broken: Exception | None = None
        self.why: str | None = None
        self.pause: Callable[[], None] = lambda: None
        self.others: Iterator[bool] = repeat(False)

    @property
    def refusal(self) -> str | None:
        return self.why

    @refusal.setter
    def refusal(self, why: str) -> None:
        self.why = why

    def must_wait(self) -> bool:
        return next(self.others)

    def append(self, groups: Sequence[Sequence[Draft]]) -> list[list[Outcome]]:
        self.pause()
        if self.broken is not None:
            raise self.broken
        assert all(draft.verified for group in groups for draft in group)
        self.batches.append([[draft.statement.id for draft in group] for group in groups])
        return [[self._outcome(draft) for draft in group] for group in groups]

    def seal(self, *, force: bool = False) -> bool:
        return force

    def _outcome(self, draft: Draft) -> Outcome:
        if draft.statement.id in self.refused:
            return Refused("refused here")
        return Accepted(0, draft.body, [], "", 1, False, draft.statement)


def draft(number: int, *, wrong: bool = False, verified: bool = False) -> Draft:
    """A signed draft; a wrong one has the signature of other bytes."""
    value = {
        "id": uuid(str(number)),
        "type": "item.registered",
        "subjects": [uuid(f"item {number}")],
        "party": uuid("party"),
        "occurred_at": "2026-05-04T09:00:00Z",
        "details": {"name": "x", "category": "y"},
        "ledger": "0" * 64,
    }
    statement = statement_from(value)
    body = statement_bytes(statement)
    made = sign_statement(body + b" " if wrong else body, KEY)
    return Draft(statement, body, (Signature(made["key"], made["sig"]),), verified=verified)


def run(
    work: Callable[[Appender, Recorder], Awaitable[T]], *, thread_from: int | None = None, halves: bool = True
) -> T:
    """The result of ``work`` with a started appender over a recorder."""

    async def main() -> T:
        writer = Recorder()
        queue = Appender(writer, thread_from=thread_from, halves=halves)
        queue.start()
        try:
            return await asyncio.wait_for(work(queue, writer), 20)
        finally:
            await queue.stop()

    return asyncio.run(main())


def ids(outcomes: Sequence[Outcome]) -> list[Any]:
    return [one.statement.id if isinstance(one, Accepted) else type(one).__name__ for one in outcomes]


@pytest.mark.parametrize("thread_from", [None, 1, 5])
def test_each_waits_for_its_own_outcome_and_many_share_a_commit(thread_from: int | None) -> None:
    async def work(queue: Appender, writer: Recorder) -> None:
        drafts = [draft(number) for number in range(100)]
        writer.refused = {drafts[7].statement.id}
        outcomes = await asyncio.gather(*(queue.append([one]) for one in drafts))
        want = [one.statement.id for one in drafts]
        want[7] = "Refused"
        assert [ids(one)[0] for one in outcomes] == want
        assert sum(map(len, writer.batches)) == 100
        assert max(map(len, writer.batches)) <= BATCH
        assert len(writer.batches) < 20

    run(work, thread_from=thread_from)


@pytest.mark.parametrize("halves", [True, False])
def test_a_signature_that_does_not_verify_never_reaches_the_writer(*, halves: bool) -> None:
    async def work(queue: Appender, writer: Recorder) -> None:
        drafts = [draft(number, wrong=number in {0, 3, 6}) for number in range(7)]
        outcomes = [one for many in await asyncio.gather(*(queue.append([one]) for one in drafts)) for one in many]
        assert [isinstance(one, Accepted) for one in outcomes] == [False, True, True, False, True, True, False]
        assert isinstance(outcomes[3], PatinaError)
        assert outcomes[3].pointer == "/signatures/0"
        assert sum(map(len, writer.batches)) == 4

    run(work, halves=halves)


def test_while_another_process_appends_a_batch_grows_by_what_comes_in() -> None:
    async def work(queue: Appender, writer: Recorder) -> None:
        late = [draft(1), draft(2, wrong=True), draft(3)]
        coming: list[asyncio.Future[list[Outcome]]] = []

        def others() -> Iterator[bool]:
            for one in late:
                coming.append(asyncio.ensure_future(queue.append([one])))
                yield True
            yield False

        writer.others = chain(others(), repeat(False))
        first = await queue.append([draft(0)])
        outcomes = [first, *await asyncio.gather(*coming)]
        assert [ids(one) for one in outcomes] == [[uuid("0")], [uuid("1")], ["Invalid"], [uuid("3")]]
        assert writer.batches == [[[uuid("0")], [uuid("1")], [uuid("3")]]]

    run(work)


def test_a_batch_that_grows_has_its_limit_and_does_not_wait_for_nobody() -> None:
    async def work(queue: Appender, writer: Recorder) -> None:
        writer.others = repeat(True)
        drafts = [draft(number, verified=True) for number in range(BATCH + 7)]
        await asyncio.gather(*(queue.append([one]) for one in drafts))
        assert [len(groups) for groups in writer.batches] == [BATCH, 7]

    run(work)


def test_an_atomic_group_is_one_group_and_one_bad_signature_refuses_it() -> None:
    async def work(queue: Appender, writer: Recorder) -> None:
        good = [draft(number) for number in range(BATCH + 10)]
        assert ids(await queue.append(good, atomic=True)) == [one.statement.id for one in good]
        assert writer.batches == [[[one.statement.id for one in good]]]
        bad = [draft(1), draft(2, wrong=True)]
        outcomes = await queue.append(bad, atomic=True)
        assert ids(outcomes) == ["Refused", "Invalid"]
        assert len(writer.batches) == 1

    run(work)


def test_a_long_list_keeps_its_order() -> None:
    async def work(queue: Appender, writer: Recorder) -> None:
        drafts = [draft(number, verified=True) for number in range(200)]
        assert ids(await queue.append(drafts)) == [one.statement.id for one in drafts]
        assert [one for groups in writer.batches for (one,) in groups] == [one.statement.id for one in drafts]

    run(work)


def test_a_request_of_many_leaves_room_between_its_commits_for_who_sends_one() -> None:
    async def work(queue: Appender, writer: Recorder) -> None:
        drafts = [draft(number, verified=True) for number in range(3 * BATCH)]
        many = asyncio.ensure_future(queue.append(drafts))
        await asyncio.sleep(0)
        one = draft(9999, verified=True)
        await queue.append([one])
        assert [len(groups) for groups in writer.batches] == [BATCH, 1]
        assert ids(await many) == [one.statement.id for one in drafts]

    run(work)


def test_a_request_that_the_queue_cannot_hold_is_turned_away_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(appenders, "QUEUE", BATCH + 10)

    async def work(queue: Appender, writer: Recorder) -> None:
        first = asyncio.ensure_future(queue.append([draft(number, verified=True) for number in range(20)]))
        await asyncio.sleep(0)
        with pytest.raises(Unavailable, match="at once"):
            await queue.append([draft(number, verified=True) for number in range(100, 101 + BATCH)])
        await first
        assert sum(map(len, writer.batches)) == 20
        # An empty queue takes more than it holds: nobody else waits for it.
        large = [draft(number, verified=True) for number in range(100, 111 + BATCH)]
        assert len(await queue.append(large)) == BATCH + 11

    run(work)


def test_a_failure_part_way_is_the_outcome_of_what_was_left() -> None:
    async def work(queue: Appender, writer: Recorder) -> None:
        drafts = [draft(number, verified=True) for number in range(2 * BATCH + 5)]

        def pause() -> None:
            if writer.batches:
                writer.broken = Unavailable("no disk")

        writer.pause = pause
        outcomes = ids(await queue.append(drafts))
        assert outcomes == [one.statement.id for one in drafts[:BATCH]] + ["Unavailable"] * (BATCH + 5)

    run(work)


def test_stopping_finishes_a_request_of_many_parts() -> None:
    async def main() -> None:
        writer = Recorder()
        queue = Appender(writer, thread_from=None)
        queue.start()
        drafts = [draft(number, verified=True) for number in range(3 * BATCH)]
        many = asyncio.ensure_future(queue.append(drafts))
        await asyncio.sleep(0)
        await asyncio.wait_for(queue.stop(), 20)
        assert ids(await many) == [one.statement.id for one in drafts]

    asyncio.run(main())


def test_who_goes_away_between_parts_gives_up_the_place(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(appenders, "QUEUE", BATCH + 1)

    async def work(queue: Appender, writer: Recorder) -> None:
        many = asyncio.ensure_future(queue.append([draft(number, verified=True) for number in range(2 * BATCH)]))
        await asyncio.sleep(0)
        many.cancel()
        await asyncio.sleep(0)
        drafts = [draft(number, verified=True) for number in range(1000, 1000 + BATCH)]
        assert len(await queue.append(drafts)) == BATCH
        assert sum(map(len, writer.batches)) == 2 * BATCH

    run(work)


def test_a_writer_that_breaks_answers_everybody_and_the_next_batch_goes_on() -> None:
    async def work(queue: Appender, writer: Recorder) -> None:
        for broken in (ValueError("secret"), Unavailable("no disk")):
            writer.broken = broken
            found = await asyncio.gather(*(queue.append([draft(n)]) for n in range(3)), return_exceptions=True)
            assert {type(one) for one in found} == {Unavailable}
            assert "secret" not in str(found)
        writer.broken = None
        assert ids(await queue.append([draft(9)])) == [uuid("9")]

    run(work)


def test_a_full_queue_and_a_writer_that_refuses_turn_away(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(appenders, "QUEUE", 3)

    async def work(queue: Appender, writer: Recorder) -> None:
        waiting = [asyncio.ensure_future(queue.append([draft(number)])) for number in range(3)]
        await asyncio.sleep(0)
        with pytest.raises(Unavailable, match="at once"):
            await queue.append([draft(4)])
        assert all(isinstance(one, Accepted) for (one,) in await asyncio.gather(*waiting))
        writer.why = "the head is not its leaves"
        with pytest.raises(Unavailable, match="the head"):
            await queue.append([draft(5)])

    run(work)


def test_stopping_commits_what_waits_and_takes_no_more() -> None:
    async def main() -> None:
        writer = Recorder()
        queue = Appender(writer, thread_from=None)
        queue.start()
        waiting = [asyncio.ensure_future(queue.append([draft(number)])) for number in range(80)]
        await asyncio.sleep(0)
        await queue.stop()
        assert all(isinstance(one, Accepted) for (one,) in await asyncio.gather(*waiting))
        with pytest.raises(Unavailable, match="stopping"):
            await queue.append([draft(99)])

    asyncio.run(main())


def test_who_stops_waiting_does_not_stop_the_others() -> None:
    async def work(queue: Appender, _: Recorder) -> None:
        first = asyncio.ensure_future(queue.append([draft(1)]))
        second = asyncio.ensure_future(queue.append([draft(2)]))
        await asyncio.sleep(0)
        first.cancel()
        assert ids(await second) == [uuid("2")]

    run(work)
