"""The outbox: each statement once, each notice claimed by one at a time, and nothing lost between processes."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from ledger import times
from ledger.db.outbox import CLOCK, DEAD, DROPPED, LEASE, SENT, WAITING, WEBHOOK, Notice, notice_id
from ledger.errors import Invalid
from tests.stall import Stall, stall


@pytest.fixture
def shop(database_url: str, tmp_path: Path) -> Iterator[Stall]:
    with stall(database_url, tmp_path) as opened:
        yield opened


def at(shop: Stall, seconds: float = 0) -> str:
    return times.format_recorded(shop.clock.now + int(seconds * times.SECOND))


def notice(shop: Stall, name: str, **more: str) -> Notice:
    given = {"kind": WEBHOOK, "event": "item.sold", "party": "p", "made_at": at(shop), "due_at": at(shop)}
    return Notice(id=notice_id(name), **{**given, **more})  # type: ignore[arg-type]


def test_a_notice_is_there_once_however_often_it_is_put_in(shop: Stall) -> None:
    outbox = shop.ledger.outbox
    assert outbox.put([notice(shop, "a"), notice(shop, "b"), notice(shop, "a")])
    assert outbox.put([notice(shop, "a")])
    assert len(outbox.list(None)[0]) == 2
    (first,) = [one for one in outbox.claim(9) if one.id == notice_id("a")]
    assert outbox.settle(first, SENT)
    assert outbox.put([notice(shop, "a")])
    assert outbox.claim(9) == []
    assert [one.state for one in outbox.list(None, state=SENT)[0]] == [SENT]


def test_the_cursor_moves_only_from_where_it_stood_and_with_its_notices(shop: Stall) -> None:
    outbox = shop.ledger.outbox
    position, size = outbox.position()
    assert (position, size) == (0, shop.ledger.reader.size())
    assert outbox.put([notice(shop, "a")], (0, 2))
    assert not outbox.put([notice(shop, "b")], (0, 2))
    assert outbox.position()[0] == 2
    assert [one.id for one in outbox.list(None)[0]] == [notice_id("a")]


def test_of_many_that_follow_at_once_one_moves_the_cursor(shop: Stall) -> None:
    def put(number: int) -> bool:
        return shop.ledger.outbox.put([notice(shop, f"by {number}")], (0, 1))

    with ThreadPoolExecutor(6) as pool:
        moved = list(pool.map(put, range(6)))
    assert moved.count(True) == 1
    (only,) = shop.ledger.outbox.list(None)[0]
    assert only.id == notice_id(f"by {moved.index(True)}")


def test_processes_share_the_work_and_none_gets_what_another_has(shop: Stall) -> None:
    shop.ledger.outbox.put([notice(shop, str(number)) for number in range(40)])
    with ThreadPoolExecutor(5) as pool:
        found = [one.id for part in pool.map(lambda _: shop.ledger.outbox.claim(8), range(5)) for one in part]
    found += [one.id for one in shop.ledger.outbox.claim(40)]
    assert sorted(found) == sorted(notice_id(str(number)) for number in range(40))


def test_what_a_dead_process_had_is_claimed_again_and_its_own_word_counts_no_more(shop: Stall) -> None:
    outbox = shop.ledger.outbox
    outbox.put([notice(shop, "a")])
    (first,) = outbox.claim(1)
    shop.clock.now += LEASE - times.SECOND
    assert outbox.claim(1) == []
    shop.clock.now += 2 * times.SECOND
    (second,) = outbox.claim(1)
    assert (first.tries, second.tries) == (1, 2)
    assert not outbox.settle(first, SENT)
    assert not outbox.retry(first, shop.clock.now, "late")
    assert not outbox.fire(first, [notice(shop, "never")])
    assert outbox.settle(second, SENT)
    assert [one.id for one in outbox.list(None)[0]] == [notice_id("a")]


def test_what_failed_waits_and_the_rest_of_its_webhook_with_it(shop: Stall) -> None:
    outbox = shop.ledger.outbox
    outbox.put([notice(shop, name, webhook=webhook) for name, webhook in (("b", "w"), ("c", "other"))])
    outbox.put([notice(shop, "a", webhook="w", due_at=at(shop, -1))])
    (failed,) = outbox.claim(1)
    assert outbox.retry(failed, shop.clock.now + 60 * times.SECOND, "HTTP 500")
    due = {one.id: one.due_at for one in outbox.list(None)[0]}
    assert due == {notice_id("a"): at(shop, 60), notice_id("b"): at(shop, 60), notice_id("c"): at(shop)}
    shop.clock.now += 61 * times.SECOND
    assert len(outbox.claim(9)) == 3


def test_a_try_that_was_none_is_not_counted(shop: Stall) -> None:
    outbox = shop.ledger.outbox
    outbox.put([notice(shop, "a")])
    (one,) = outbox.claim(1)
    assert outbox.retry(one, shop.clock.now, None, tried=False)
    assert outbox.list(None)[0][0].tries == 0


def test_a_clock_is_set_anew_while_it_waits_and_not_after(shop: Stall) -> None:
    outbox = shop.ledger.outbox
    outbox.put([notice(shop, "clock", kind=CLOCK)])
    outbox.put([notice(shop, "clock", kind=CLOCK, due_at=at(shop, 60))])
    assert outbox.claim(1) == []
    shop.clock.now += 61 * times.SECOND
    (one,) = outbox.claim(1)
    outbox.put([notice(shop, "clock", kind=CLOCK, due_at=at(shop, 90))])
    assert outbox.fire(one, [notice(shop, "told")])
    outbox.put([notice(shop, "clock", kind=CLOCK)])
    assert [found.id for found in outbox.claim(9)] == [notice_id("told")]
    assert [found.id for found in outbox.list(None)[0]] == [notice_id("told")], "clocks are not shown"


def test_what_was_given_up_goes_out_again_when_it_is_asked_for(shop: Stall) -> None:
    outbox = shop.ledger.outbox
    outbox.put([notice(shop, name, webhook="w") for name in ("dead", "told", "gone")])
    for one in outbox.claim(3):
        state = {notice_id("dead"): DEAD, notice_id("told"): SENT, notice_id("gone"): DROPPED}[one.id]
        outbox.settle(one, state, "why")
    assert outbox.replay("w", at(shop, 1), (DEAD,)) == 0
    assert outbox.replay("w", at(shop), (DEAD,)) == 1
    assert [(one.id, one.tries, one.failure) for one in outbox.claim(9)] == [(notice_id("dead"), 1, None)]
    assert outbox.replay("w", at(shop), (SENT,)) == 1


def test_what_waits_for_a_webhook_can_be_dropped(shop: Stall) -> None:
    outbox = shop.ledger.outbox
    outbox.put([notice(shop, "a", webhook="w"), notice(shop, "b", webhook="v")])
    assert outbox.drop("w", "disabled") == 1
    assert [one.id for one in outbox.claim(9)] == [notice_id("b")]
    assert outbox.list(None, webhook="w")[0][0].failure == "disabled"


def test_pages_are_stable_and_of_ones_own_parties(shop: Stall) -> None:
    outbox = shop.ledger.outbox
    outbox.put([notice(shop, str(number), party="mine") for number in range(7)])
    outbox.put([notice(shop, "other", party="theirs")])
    seen: list[bytes] = []
    cursor: str | None = None
    for _ in range(4):
        found, cursor = outbox.list(["mine"], cursor=cursor, limit=2)
        seen += [one.id for one in found]
        outbox.put([notice(shop, f"new {len(seen)}", party="mine", made_at=at(shop, 5))])
    assert cursor is None
    assert sorted(seen) == sorted(notice_id(str(number)) for number in range(7))
    for wrong in ("", "~", "2026-01-01~zz", "x" * 40, f"{at(shop)}~g"):
        with pytest.raises(Invalid, match="cursor"):
            outbox.list(None, cursor=wrong)


def test_what_is_over_is_forgotten_after_thirty_days(shop: Stall) -> None:
    outbox = shop.ledger.outbox
    assert outbox.prune() == 0
    outbox.put([notice(shop, "over"), notice(shop, "waits", due_at=at(shop, 60))])
    (over,) = outbox.claim(1)
    outbox.settle(over, SENT)
    shop.clock.now += 31 * times.DAY
    assert outbox.prune() == 1
    assert [(one.id, one.state) for one in outbox.list(None)[0]] == [(notice_id("waits"), WAITING)]


def test_hashes_are_the_ledgers_own_and_the_same_in_every_process(shop: Stall) -> None:
    one = shop.ledger.outbox.keyed("email", "ada@example.org")
    other = shop.again()
    try:
        assert other.outbox.keyed("email", "ada@example.org") == one
        assert other.outbox.keyed("phone", "ada@example.org") != one
        other.outbox.close_to([one])
        other.outbox.close_to([one])
    finally:
        other.close()
    assert shop.ledger.outbox.is_closed_to([bytes(16), one])
    assert not shop.ledger.outbox.is_closed_to([bytes(16)])
    assert not shop.ledger.outbox.is_closed_to([])
