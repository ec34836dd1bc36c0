"""The WAL is carried into the database file beside the appends, and nothing hangs on whether it is."""

from __future__ import annotations

import os
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
from ledger.db.engine import PAGE_BYTES
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
    monkeypatch.setattr(backfill, "WAL_BYTES", (32 * PAGE_BYTES, 32 * PAGE_BYTES))
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
    monkeypatch.setattr(backfill, "WAL_BYTES", (32 * PAGE_BYTES, 32 * PAGE_BYTES))
    file = tmp_path / "ledger.sqlite3"
    with stall(f"sqlite:///{file}", tmp_path / "ledger") as opened:
        with closing(sqlite3.connect(file, isolation_level=None)) as reader:
            reader.execute("BEGIN")
            seen = reader.execute("SELECT max(idx) FROM leaf").fetchone()
            for number in range(40):
                opened.accept(opened.register(f"ring {number}"))
            assert reader.execute("SELECT max(idx) FROM leaf").fetchone() == seen
        opened.accept(opened.register("another"))


LAST = ["pass with nobody appending"]


class _Log:
    """A WAL that is so long at each pass, of which so much can be carried, and what was done to it in which order."""

    def __init__(self, *lengths: int, busy: int = 0, readers_at: int | None = None) -> None:
        self.lengths, self.busy, self.readers_at = list(lengths), busy, readers_at
        self.done: list[str] = []
        self._held = False

    def execute(self, _: str) -> _Log:
        self.done.append("pass with nobody appending" if self._held else "pass")
        return self

    def fetchone(self) -> tuple[int, int, int]:
        pages = self.lengths[0] if len(self.lengths) == 1 else self.lengths.pop(0)
        return self.busy, pages, pages if self.readers_at is None else self.readers_at

    def settle(self) -> None:
        self.done.append("settle with nobody appending" if self._held else "settle")

    def __enter__(self) -> None:
        self._held = True

    def __exit__(self, *_: object) -> None:
        self._held = False


@pytest.mark.parametrize(
    ("log", "done"),
    [
        (_Log(64_000, 84_000, 90_000, 91_000), ["pass", "settle"] * 4 + LAST),
        (_Log(500), ["pass", "settle", *LAST]),
        (_Log(64_000, busy=1), ["pass"]),
        (_Log(*range(64_000, 200_000, 10_000)), ["pass", "settle"] * 2 + ["pass"] * (backfill.PASSES - 2)),
        (_Log(64_000, 70_000, 76_000, 79_000, 80_000), ["pass", "settle"] * 2 + ["pass"] * 3 + LAST),
        (_Log(64_000, readers_at=2), ["pass", "settle"] + ["pass"] * (backfill.PASSES - 1)),
        (_Log(64_000, 65_000, readers_at=63_900), ["pass", "settle"] * 2 + LAST),
    ],
    ids=[
        "until little is left",
        "at rest",
        "beside another",
        "behind who appends faster",
        "a slow disk",
        "a reader",
        "a late reader",
    ],
)
def test_the_log_is_carried_beside_the_appends_and_a_little_between_two(log: Any, done: list[str]) -> None:
    """Whoever appends waits for a little only, and never for a reader or for a disk that has much to take."""
    assert backfill.carry(log, log.settle, log) == (done[-1:] == LAST)
    assert log.done == done


def test_another_process_has_the_disk_take_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One that closes a file loses the locks that it has on it, SQLite's among them: this process must not open it."""
    command, told = tmp_path / "bin" / "sync", tmp_path / "told"
    command.parent.mkdir()
    command.write_text(f'#!/bin/sh\necho "$@" > {told}\necho $PPID >> {told}\n')
    command.chmod(0o700)
    monkeypatch.setenv("PATH", f"{command.parent}:{os.environ['PATH']}")
    monkeypatch.chdir(tmp_path)
    carrier = Backfill(Path("-d.sqlite3"), AppendLock(None))
    carrier._settle(Path("-d.sqlite3"))
    assert told.read_text().splitlines() == [f"-d {tmp_path / '-d.sqlite3'}", str(os.getpid())]
    monkeypatch.setenv("PATH", "")
    carrier._settle(Path("any"))
    monkeypatch.undo()
    told.unlink()
    carrier.close()
    carrier._settle(Path("-d.sqlite3"))
    assert not told.exists(), "who closes does not wait for it"


@pytest.mark.parametrize(("rows", "wanted"), [(0, 10), (60, 15), (400, 40)], ids=["small", "grown", "large"])
def test_the_log_may_be_a_quarter_as_long_as_the_file(
    rows: int, wanted: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(backfill, "WAL_BYTES", (10 * 512, 40 * 512))
    with closing(sqlite3.connect(tmp_path / "some.sqlite3", isolation_level=None)) as connection:
        connection.execute("PRAGMA page_size=512")
        connection.execute("CREATE TABLE some (bytes BLOB)")
        connection.executemany("INSERT INTO some VALUES (zeroblob(400))", [()] * rows)
        assert backfill.enough(connection) == wanted


@pytest.mark.parametrize("together", [1, 25], ids=["one by one", "together"])
def test_what_was_written_is_reckoned_about_right(together: int, tmp_path: Path) -> None:
    """A commit of one statement writes several times as much a leaf as one of many; SQLite does not say how much."""
    file = tmp_path / "ledger.sqlite3"
    with stall(f"sqlite:///{file}", tmp_path / "ledger") as opened:
        carrier, log = opened.ledger._backfill, tmp_path / "ledger.sqlite3-wal"
        reckoned, written = carrier._pages, log.stat().st_size
        for number in range(40):
            opened.accept(*[opened.register(f"ring {number}, {one}") for one in range(together)])
        pages = (log.stat().st_size - written) / (PAGE_BYTES + 24)
        assert 0.6 < (carrier._pages - reckoned) / pages < 1.6, pages


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
