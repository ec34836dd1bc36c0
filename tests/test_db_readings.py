"""The access log on both databases: what is noted is kept through a crash, and unusual reading gives a signal."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError

from ledger import times
from ledger.db import readings as access_log
from ledger.db.engine import open_engine
from ledger.db.spool import Spool
from ledger.errors import Invalid, Unavailable
from tests.stall import Stall, stall, urn

SHOP, RIVAL = urn("shop"), urn("rival")


@pytest.fixture
def shop(database_url: str, tmp_path: Path) -> Iterator[Stall]:
    with stall(database_url, tmp_path) as opened:
        yield opened


def look(shop: Stall, subject: str = "ring", count: int = 1, **more: object) -> None:
    """Read ``count`` subjects, a millisecond apart."""
    asked = {"party": SHOP, "key": "k1", "why": "GET /v1/items", "members": ["customer"], **more}
    for number in range(count):
        shop.clock.now += 1000
        shop.ledger.readings.note(subject=urn(f"{subject} {number}"), **asked)  # type: ignore[arg-type]


def kinds(shop: Stall, **more: Any) -> list[str]:
    return sorted(one.kind for one in shop.ledger.readings.signals(**more))


def test_a_reading_says_who_read_what_and_why(shop: Stall) -> None:
    statement = urn("statement")
    look(shop, person="p7", statement=statement, owner=SHOP, members=("customer", "price"))
    (one,), after = shop.ledger.readings.readings()
    assert after is None
    assert (one.party, one.key, one.person, one.reader) == (SHOP, "k1", "p7", "person p7")
    assert (one.subject, one.statement, one.owner) == (urn("ring 0"), statement, SHOP)
    assert (one.members, one.why, one.outside) == (("customer", "price"), "GET /v1/items", False)
    assert one.at == times.format_recorded(shop.clock.now)


def test_readings_are_listed_by_page_party_reader_subject_and_time(shop: Stall) -> None:
    look(shop, count=5)
    look(shop, party=RIVAL, key="k2", owner=SHOP)
    look(shop, party=RIVAL, key="k2", subject="brooch", owner=RIVAL)
    listed = shop.ledger.readings.readings
    first, after = listed(limit=4)
    rest, end = listed(limit=4, cursor=after)
    everything = [one.id for one in listed()[0]]
    assert [one.id for one in first + rest] == everything == sorted(everything, reverse=True)
    assert (len(everything), end) == (7, None)
    assert {one.key for one in listed(party=SHOP)[0]} == {"k1", "k2"}, "its own, and who read what it said"
    assert len(listed(party=SHOP)[0]) == 6
    assert len(listed(reader="key k2")[0]) == 2
    assert len(listed(subject=urn("ring 0"))[0]) == 2
    assert len(listed(since=first[1].at)[0]) == 2
    assert len(listed(until=rest[0].at)[0]) == 3
    for wrong in ("x", "00", "zz" * 16):
        with pytest.raises(Invalid, match="cursor"):
            listed(cursor=wrong)


def test_new_readings_do_not_move_a_page(shop: Stall) -> None:
    look(shop, count=4)
    first, after = shop.ledger.readings.readings(limit=2)
    look(shop, count=3)
    rest, _ = shop.ledger.readings.readings(limit=2, cursor=after)
    assert len({one.id for one in first + rest}) == 4


def test_few_subjects_give_no_signal_and_one_more_does(shop: Stall) -> None:
    look(shop, count=access_log.FREE)
    look(shop, count=access_log.FREE)  # the same again: subjects are counted, not readings
    assert kinds(shop) == []
    look(shop, "brooch")
    (one,) = shop.ledger.readings.signals()
    assert (one.kind, one.reader, one.party) == ("many", "key k1", SHOP)
    assert (one.subjects, one.allowed) == (access_log.FREE + 1, access_log.FREE)
    caused, _ = shop.ledger.readings.readings(reader=one.reader, since=one.since, until=one.at)
    assert {reading.subject for reading in caused} == {
        *(urn(f"ring {number}") for number in range(access_log.FREE)),
        urn("brooch 0"),
    }


def test_subjects_of_other_readers_and_of_other_hours_are_not_added_up(shop: Stall) -> None:
    look(shop, "a", access_log.FREE)
    look(shop, "b", access_log.FREE, key="k2")
    look(shop, "c", access_log.FREE, person="p1")
    shop.clock.now += times.HOUR
    look(shop, "d", access_log.FREE)
    assert kinds(shop) == []


def test_an_hour_is_the_last_sixty_minutes_and_not_the_clocks(shop: Stall) -> None:
    shop.clock.now += 50 * 60 * times.SECOND
    look(shop, "a", access_log.FREE)
    assert kinds(shop) == []
    shop.clock.now += 20 * 60 * times.SECOND
    look(shop, "b")
    assert kinds(shop) == ["many"]


def test_who_reads_much_every_day_may_read_five_times_that(shop: Stall) -> None:
    habit = 10
    for _ in range(4):
        look(shop, "a", habit)
        shop.clock.now += times.DAY
    look(shop, "b", access_log.TIMES * habit)
    assert kinds(shop) == []
    look(shop, "c")
    (one,) = shop.ledger.readings.signals()
    assert (one.kind, one.subjects, one.allowed) == ("many", 51, 50)


def test_a_habit_is_forgotten_after_four_weeks(shop: Stall) -> None:
    look(shop, "a", access_log.FREE)
    assert kinds(shop) == []
    shop.clock.now += 29 * times.DAY
    look(shop, "b", access_log.FREE + 1)
    assert kinds(shop) == ["many"]


def test_no_habit_allows_more_than_the_limit(shop: Stall, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(access_log, "LIMIT", 25)
    for _ in range(3):
        look(shop, "a", 20)
        shop.clock.now += times.DAY
    look(shop, "b", 25)
    assert kinds(shop) == []
    look(shop, "c")
    assert kinds(shop) == ["limit"]


def test_reading_what_another_party_said_gives_a_signal_unless_it_is_of_the_chain(shop: Stall) -> None:
    look(shop, owner=RIVAL, sees=frozenset({RIVAL}))
    look(shop, owner=SHOP)
    look(shop, owner=None)
    look(shop, party=None, key="code 1", owner=RIVAL)  # a holder, who has a code and no party
    assert kinds(shop) == []
    look(shop, owner=RIVAL, sees=frozenset({urn("branch")}))
    (one,) = shop.ledger.readings.signals()
    assert (one.kind, one.subjects, one.allowed) == ("outside", 1, 0)
    assert [reading.outside for reading in shop.ledger.readings.readings()[0]].count(True) == 1


def test_a_reader_gives_one_signal_of_a_kind_in_an_hour(shop: Stall) -> None:
    for _ in range(3):
        look(shop, owner=RIVAL)
        shop.ledger.readings.flush()
    look(shop, owner=RIVAL, key="k2")
    assert kinds(shop) == ["outside", "outside"]
    shop.clock.now += times.HOUR
    look(shop, owner=RIVAL)
    assert kinds(shop) == ["outside"] * 3
    assert kinds(shop, party=RIVAL) == []


def test_each_hour_is_judged_when_lines_have_waited_for_long(shop: Stall) -> None:
    look(shop, "a", access_log.FREE + 1)
    shop.clock.now += 3 * times.HOUR
    look(shop, "b")
    assert kinds(shop) == ["many"]


def test_old_readings_are_deleted(shop: Stall) -> None:
    look(shop, "a", access_log.FREE + 1)
    assert kinds(shop) == ["many"]
    shop.clock.now += access_log.KEEP
    look(shop, "b")
    shop.ledger.readings.flush()
    shop.clock.now += times.SECOND
    shop.ledger.readings.prune()
    assert [one.subject for one in shop.ledger.readings.readings()[0]] == [urn("b 0")]
    assert kinds(shop) == []


def test_what_waits_is_brought_in_when_it_is_much(shop: Stall, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(access_log, "FULL", 3)
    look(shop, count=4)
    assert shop.ledger.readings.flush() == 1


def test_a_killed_process_loses_no_reading(shop: Stall) -> None:
    program = f"""
import os
from pathlib import Path
from ledger.db.ledger import open_ledger
from tests.stall import MASTER
directory = Path({str(shop.directory)!r})
ledger = open_ledger({shop.url!r}, directory=directory, master=MASTER, clock=lambda: {shop.clock.now})
for number in range(3):
    ledger.readings.note(party=None, key=f"k{{number}}", why="test", members=["price"])
os.kill(os.getpid(), 9)
"""
    killed = subprocess.run([sys.executable, "-c", program], cwd=Path(__file__).parents[1], check=False)
    assert killed.returncode == -9
    assert shop.ledger.readings.readings()[0] == [], "they stand in the spool of the dead process"
    other = shop.again()
    assert {one.key for one in other.readings.readings()[0]} == {"k0", "k1", "k2"}
    other.close()
    third = shop.again()
    assert len(third.readings.readings()[0]) == 3
    third.close()


def test_a_crash_between_commit_and_drop_writes_no_reading_twice(shop: Stall, monkeypatch: pytest.MonkeyPatch) -> None:
    other = shop.again()
    monkeypatch.setattr(Spool, "drop", lambda _: None)
    other.readings.note(party=None, key="k", why="test", members=["price"])
    assert other.readings.flush() == 1
    monkeypatch.undo()
    other.close()
    third = shop.again()
    assert third.readings.flush() == 1
    assert len(third.readings.readings()[0]) == 1
    third.close()


def test_what_cannot_be_committed_waits_on(shop: Stall) -> None:
    look(shop, count=2)
    engine = open_engine(shop.url)
    with engine.begin() as connection:
        connection.execute(text("ALTER TABLE reading RENAME TO gone"))
    with pytest.raises(SQLAlchemyError):
        shop.ledger.readings.flush()
    look(shop, "b")
    with pytest.raises(SQLAlchemyError):
        shop.ledger.readings.flush()
    with engine.begin() as connection:
        connection.execute(text("ALTER TABLE gone RENAME TO reading"))
    engine.dispose()
    assert len(shop.ledger.readings.readings()[0]) == 3
    look(shop, "c")
    assert shop.ledger.readings.flush() == 1


def test_what_cannot_be_written_is_not_shown(shop: Stall, monkeypatch: pytest.MonkeyPatch) -> None:
    look(shop)
    monkeypatch.setattr(os, "write", lambda *_: 3)
    with pytest.raises(Unavailable, match="spool"):
        look(shop, "b")
    monkeypatch.undo()
    look(shop, "c")
    assert {one.subject for one in shop.ledger.readings.readings()[0]} == {urn("ring 0"), urn("c 0")}


def test_a_torn_line_costs_no_other(tmp_path: Path) -> None:
    spool = Spool(tmp_path / "spool")
    spool.add(b"one")
    spool.close()
    with (tmp_path / "spool" / "0").open("ab") as file:
        file.write(b"\0\0\ntorn")
    assert (tmp_path / "spool" / "0").stat().st_mode & 0o777 == 0o600
    again = Spool(tmp_path / "spool")
    assert again.left == [b"one", b"\0\0"]
    assert list(access_log._parse([b"\0\0", b'{"id": "00", "at": "x"}'])) == [access_log.Reading(id="00", at="x")]
    again.add(b"two")
    again.close()
    third = Spool(tmp_path / "spool")
    assert third.left == [b"one", b"\0\0", b"two"]
    third.close()


def test_two_processes_have_files_of_their_own(tmp_path: Path) -> None:
    first, second = Spool(tmp_path / "spool"), Spool(tmp_path / "spool")
    first.add(b"one")
    second.add(b"two")
    assert (first.take(), second.take()) == ([b"one"], [b"two"])
    first.close()
    second.close()


def test_whoever_takes_left_over_files_leaves_room_for_others(tmp_path: Path) -> None:
    for _ in range(3):
        several = [Spool(tmp_path / "spool") for _ in range(3)]
        for spool in several:
            spool.close()
    assert len(list((tmp_path / "spool").iterdir())) == 6


def test_left_over_files_are_given_up_once_their_lines_are_committed(tmp_path: Path) -> None:
    several = [Spool(tmp_path / "spool") for _ in range(3)]
    for number, spool in enumerate(several):
        spool.add(b"%d" % number)
        spool.close()
    first = Spool(tmp_path / "spool")
    assert sorted(first.take()) == [b"0", b"1", b"2"]
    first.drop()
    others = [Spool(tmp_path / "spool") for _ in range(2)]
    assert [spool.left for spool in others] == [[], []]
    assert len(list((tmp_path / "spool").iterdir())) == 6
    for spool in (first, *others):
        spool.close()


def test_processes_that_open_at_once_all_get_files(tmp_path: Path) -> None:
    for attempt in range(60):
        with ThreadPoolExecutor(4) as threads:
            together = Barrier(4)

            def one_of_four(folder: Path, together: Barrier = together) -> Spool:
                together.wait()
                return Spool(folder)

            spools = list(threads.map(one_of_four, [tmp_path / str(attempt)] * 4))
        for spool in spools:
            spool.close()
        assert len(list((tmp_path / str(attempt)).iterdir())) == 8


@pytest.mark.parametrize("lines", [[], [b"0", b"1", b"2", b"3"]])
def test_what_several_processes_left_is_taken_once_and_no_file_stays(tmp_path: Path, lines: list[bytes]) -> None:
    folder = tmp_path / "spool"
    for start in range(5):
        spools = [Spool(folder) for _ in range(4)]
        taken = [spool.take() for spool in spools]
        assert sorted(taken[0]) == ([] if start == 0 else lines)
        assert taken[1:] == [[], [], []]
        for spool in spools:
            spool.drop()
        assert len(list(folder.iterdir())) == 8
        for line, spool in zip(lines, spools, strict=False):
            spool.add(line)
        for spool in spools:
            spool.close()


def test_a_ledger_opened_to_be_read_notes_nothing(shop: Stall) -> None:
    look(shop)
    assert shop.ledger.readings.flush() == 1
    other = shop.again(read_only=True)
    with pytest.raises(AssertionError):
        other.readings.note(party=None, key=None, why="test", members=[])
    assert len(other.readings.readings()[0]) == 1
    other.close()
