"""The WAL is carried into the database file beside the appends, and nothing hangs on whether it is."""

from __future__ import annotations

import shutil
import sqlite3
import threading
import time
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from ledger.db import backfill
from ledger.db.backfill import Backfill
from ledger.db.lock import AppendLock
from tests.stall import stall

PATIENCE = 60


def _leaves(file: Path, place: Path) -> int:
    """How many leaves stand in the database file itself, its WAL left out."""
    place.mkdir()
    copy = shutil.copy(file, place / "alone.sqlite3")
    try:
        with closing(sqlite3.connect(copy)) as alone:
            return int(alone.execute("SELECT coalesce(max(idx), -1) + 1 FROM leaf").fetchone()[0])
    except sqlite3.DatabaseError:  # read while a pass was writing, or before the first one
        return 0


def _wait_for(leaves: int, file: Path, place: Path) -> None:
    end = time.monotonic() + PATIENCE
    tries = 0
    while _leaves(file, place / str(tries)) < leaves:
        tries += 1
        assert time.monotonic() < end, "the file was not brought up to its WAL"
        time.sleep(0.02)


def test_the_file_holds_what_was_appended_while_the_ledger_is_open(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(backfill, "WAL_PAGES", (32, 32))
    file, copies = tmp_path / "ledger.sqlite3", tmp_path / "copies"
    copies.mkdir()
    with stall(f"sqlite:///{file}", tmp_path / "ledger") as opened:
        before = opened.ledger.view.tip.size
        for number in range(40):
            opened.accept(opened.register(f"ring {number}"))
        _wait_for(before + 70, file, copies)
        names = {thread.name for thread in threading.enumerate()}
        assert "backfill" in names
    assert "backfill" not in {thread.name for thread in threading.enumerate()}, "closing ends it"
    assert _leaves(file, tmp_path / "closed") == before + 80


def test_little_is_left_to_the_last_who_closes(tmp_path: Path) -> None:
    """Below the threshold no thread is begun, and no page is written twice."""
    file = tmp_path / "ledger.sqlite3"
    with stall(f"sqlite:///{file}", tmp_path / "ledger") as opened:
        before = _leaves(file, tmp_path / "before")
        opened.accept(*[opened.register(f"ring {number}") for number in range(20)])
        assert _leaves(file, tmp_path / "after") == before
        assert "backfill" not in {thread.name for thread in threading.enumerate()}


def test_a_reader_in_the_way_stops_neither_the_appends_nor_the_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(backfill, "WAL_PAGES", (32, 32))
    file = tmp_path / "ledger.sqlite3"
    with stall(f"sqlite:///{file}", tmp_path / "ledger") as opened:
        with closing(sqlite3.connect(file, isolation_level=None)) as reader:
            reader.execute("BEGIN")
            seen = reader.execute("SELECT max(idx) FROM leaf").fetchone()
            for number in range(40):
                opened.accept(opened.register(f"ring {number}"))
            assert reader.execute("SELECT max(idx) FROM leaf").fetchone() == seen
        opened.accept(opened.register("another"))


class _Log:
    """A WAL that is so long at each pass, and whether appends were held up at each that was made."""

    def __init__(self, *lengths: int, busy: int = 0) -> None:
        self.lengths, self.busy, self.held = lengths, busy, False
        self.passes: list[bool] = []

    def execute(self, _: str) -> _Log:
        self.passes.append(self.held)
        return self

    def fetchone(self) -> tuple[int, int, int]:
        pages = self.lengths[min(len(self.passes), len(self.lengths)) - 1]
        return self.busy, pages, pages

    def __enter__(self) -> None:
        self.held = True

    def __exit__(self, *_: object) -> None:
        self.held = False


@pytest.mark.parametrize(
    ("log", "beside", "held"),
    [
        (_Log(64_000, 84_000, 90_000, 91_000), 4, 1),
        (_Log(500), 1, 1),
        (_Log(64_000, busy=1), 1, 0),
        (_Log(*range(64_000, 200_000, 10_000)), backfill.PASSES, 1),
    ],
    ids=["until it grows by little", "at rest", "beside another", "behind who appends faster"],
)
def test_the_log_is_gone_through_beside_the_appends_and_to_its_end_between_two(
    log: Any, beside: int, held: int
) -> None:
    backfill.carry(log, log)
    assert log.passes == [False] * beside + [True] * held


@pytest.mark.parametrize(("rows", "wanted"), [(0, 10), (60, 15), (400, 40)], ids=["small", "grown", "large"])
def test_the_log_may_be_a_quarter_as_long_as_the_file(
    rows: int, wanted: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(backfill, "WAL_PAGES", (10, 40))
    with closing(sqlite3.connect(tmp_path / "some.sqlite3", isolation_level=None)) as connection:
        connection.execute("PRAGMA page_size=512")
        connection.execute("CREATE TABLE some (bytes BLOB)")
        connection.executemany("INSERT INTO some VALUES (zeroblob(400))", [()] * rows)
        assert backfill.enough(connection) == wanted


def test_the_log_begins_anew_while_statements_come(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It would grow for ever if each pass left what came meanwhile."""
    monkeypatch.setattr(backfill, "WAL_PAGES", (200, 200))
    log = tmp_path / "ledger.sqlite3-wal"
    with stall(f"sqlite:///{tmp_path / 'ledger.sqlite3'}", tmp_path / "ledger") as opened:
        lengths, end, number = list[int](), time.monotonic() + PATIENCE, 0
        while len(lengths) < 200 or lengths[-1] > lengths[-100]:
            opened.accept(opened.register(f"ring {number}"))
            number += 1
            lengths.append(log.stat().st_size)
            assert time.monotonic() < end, "the log grew on"


def test_a_file_that_is_gone_is_not_made_and_raises_nothing(tmp_path: Path) -> None:
    gone = tmp_path / "gone.sqlite3"
    carrier = Backfill(gone, AppendLock(None))
    carrier.written(1_000_000)
    carrier.close()
    carrier.close()
    assert list(tmp_path.iterdir()) == []


def test_postgres_has_no_such_thread() -> None:
    carrier = Backfill(None, AppendLock(None))
    carrier.written(1_000_000)
    assert "backfill" not in {thread.name for thread in threading.enumerate()}
    carrier.close()
