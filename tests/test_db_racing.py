"""Several writers of one ledger, and writers that are killed: no fork, no deadlock, nothing answered is lost."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from ledger.db.connect import session
from ledger.db.draft import Accepted
from ledger.db.engine import open_engine
from ledger.db.guard import Released, read_guards
from ledger.db.lock import AppendLock
from ledger.db.postgres import PostgresSession
from ledger.db.session import ask
from ledger.db.sqlite import SqliteSession
from ledger.errors import Unavailable
from tests.reference.ledger import Recomputed
from tests.stall import Stall, stall, urn

ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture
def shop(database_url: str, tmp_path: Path) -> Iterator[Stall]:
    with stall(database_url, tmp_path) as opened:
        yield opened


def start(shop: Stall, name: str, batches: int, width: int) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "tests.writing", shop.url, str(shop.directory), name, str(batches), str(width)]
    return subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)


def recomputed(shop: Stall) -> Recomputed:
    reader = shop.ledger.reader
    plain = Recomputed([reader.leaf(index) or b"" for index in range(reader.size())])
    assert reader.root(len(plain.leaves)) == plain.root
    return plain


def stands(plain: Recomputed, line: str) -> None:
    index, digest, statement_id, size = line.split()
    assert plain.hashes[int(index)].hex() == digest
    assert plain.statements[statement_id] == int(index)
    assert int(size) <= len(plain.leaves)


def test_a_lock_says_whether_somebody_else_is_in_it_and_takes_it_from_nobody(tmp_path: Path) -> None:
    one, other, alone = AppendLock(tmp_path), AppendLock(tmp_path), AppendLock(None)
    assert not any(lock.is_taken() for lock in (one, other, alone))
    with one, alone, ThreadPoolExecutor(1) as thread:
        for _ in range(2):  # asking gave up nothing
            assert [lock.is_taken() for lock in (one, other, alone)] == [True] * 3
            assert thread.submit(one.is_taken).result()
    assert not any(lock.is_taken() for lock in (one, other, alone))
    one.close()
    assert not one.is_taken()
    other.close()


def test_whoever_appends_is_seen_by_the_other_processes_of_the_machine(shop: Stall) -> None:
    other = shop.again()
    with other._lock:
        assert shop.ledger.writer.must_wait()
    assert not shop.ledger.writer.must_wait()
    other.close()


def test_two_processes_and_two_threads_append_to_one_log(shop: Stall) -> None:
    children = [start(shop, name, 12, 3) for name in ("one", "two")]
    other = Stall(shop.url, shop.directory, shop.clock, shop.again())
    failed: list[BaseException] = []

    def write(by: Stall, name: str) -> None:
        try:
            for number in range(15):
                by.accept(by.register(f"{name} {number}"), by.maintain(f"{name} {number}"))
                found = by.ledger.reader.history(urn(f"{name} {number}"))
                assert found is not None
        except BaseException as error:  # noqa: BLE001 -- told to the test
            failed.append(error)

    writers = ((shop, "a"), (shop, "b"), (other, "c"), (other, "d"))
    threads = [threading.Thread(target=write, args=writer) for writer in writers]
    for thread in threads:
        thread.start()
    lines = [line for child in children for line in child.communicate()[0].splitlines()]
    for thread in threads:
        thread.join()
    other.ledger.close()
    assert not failed
    assert [child.returncode for child in children] == [0, 0]
    assert len(lines) == 72
    plain = recomputed(shop)
    for line in lines:
        stands(plain, line)
    assert len([subject for subject in plain.chains if "#" not in subject]) == 72 + 60 + 1


def test_the_same_statement_from_two_processes_stands_once(shop: Stall) -> None:
    other = shop.again()
    draft = shop.register("a")
    (first,) = shop.accept(draft)
    ((second,),) = other.writer.append([[draft]])
    assert isinstance(second, Accepted)
    assert (second.repeated, second.index, second.entry) == (True, first.index, first.entry)
    other.close()


def test_a_ledger_is_opened_while_another_process_appends(shop: Stall, monkeypatch: pytest.MonkeyPatch) -> None:
    # The other appends just before the guard files are read and just after: were the snapshot taken first, it would
    # lack what the guard file has released, which is how a restored backup looks.
    other = Stall(shop.url, shop.directory, shop.clock, shop.again())
    reads: list[int] = []

    def read_while_another_appends(directory: Path) -> list[tuple[Path, Released]]:
        other.accept(other.register("before"))
        found = list(read_guards(directory))
        reads.append(max(released.size for _, released in found))
        other.accept(other.register("after"))
        return found

    monkeypatch.setattr("ledger.db.ledger.read_guards", read_while_another_appends)
    third = Stall(shop.url, shop.directory, shop.clock, shop.again())
    monkeypatch.undo()
    assert reads == [third.ledger.reader.size() - 2]
    third.accept(third.register("third"))
    for opened in (other, third):
        opened.ledger.close()
    recomputed(shop)


@pytest.mark.parametrize("answers", [1, 20])
def test_a_killed_writer_loses_nothing_that_it_answered(shop: Stall, answers: int) -> None:
    child = start(shop, "killed", 1000, 5)
    assert child.stdout is not None
    lines = [child.stdout.readline() for _ in range(answers)]
    child.kill()
    rest = child.stdout.read()
    child.wait()
    child.stdout.close()
    lines += rest.splitlines()[:-1]
    shop.reopen()
    plain = recomputed(shop)
    for line in lines:
        stands(plain, line)
    shop.accept(shop.register("after"))
    recomputed(shop)
    progress = shop.ledger.rehash().step(10_000)
    assert progress.finished
    assert progress.wrong is None


def test_a_commit_whose_outcome_is_open_is_looked_up(shop: Stall, monkeypatch: pytest.MonkeyPatch) -> None:
    sessions = (SqliteSession, PostgresSession)
    finishes: dict[type, Any] = {one: one.finish for one in sessions}

    def committed_but_cut(self: Any, inserts: Any, swap: Any) -> None:
        finishes[type(self)](self, inserts, swap)
        raise sqlite3.OperationalError("the answer to COMMIT was lost")

    def cut_before(self: Any, inserts: Any, swap: Any) -> None:
        raise sqlite3.OperationalError("the connection was lost")

    size = shop.ledger.reader.size()
    for one in sessions:
        monkeypatch.setattr(one, "finish", committed_but_cut)
    (accepted,) = shop.accept(shop.register("a"))
    assert accepted.index == size
    for one in sessions:
        monkeypatch.setattr(one, "finish", cut_before)
    map_root = shop.ledger.view.tip.map_root
    draft = shop.register("b")
    (failed,) = shop.append(draft)
    assert "nothing was recorded" in str(failed)
    assert shop.ledger.view.top.root == map_root
    monkeypatch.undo()
    (accepted,) = shop.accept(draft)
    assert not accepted.repeated
    recomputed(shop)


def test_a_batch_that_was_built_on_another_head_is_not_committed(shop: Stall, monkeypatch: pytest.MonkeyPatch) -> None:
    """As if the lock had failed: the swap alone stands in the way."""
    for one in (SqliteSession, PostgresSession):
        finish: Any = one.finish

        def on_another(self: Any, inserts: Any, swap: Any, finish: Any = finish) -> None:
            sql, parameters = swap
            finish(self, inserts, (sql, [*parameters[:-1], bytes(32)]))

        monkeypatch.setattr(one, "finish", on_another)
    size, draft = shop.ledger.reader.size(), shop.register("a")
    (failed,) = shop.append(draft)
    assert "nothing was recorded" in str(failed)
    assert shop.ledger.reader.size() == size
    assert shop.ledger.reader.history(urn("a")) is None
    monkeypatch.undo()
    (accepted,) = shop.accept(draft)
    assert (accepted.index, accepted.repeated) == (size, False)
    recomputed(shop)


def test_connections_that_are_cut_are_replaced(postgres_url: str, tmp_path: Path) -> None:
    with stall(postgres_url, tmp_path) as shop:
        shop.accept(shop.register("a"))
        other = shop.again()
        assert other.reader.history(urn("a")) is not None
        other.close()
        engine = open_engine(postgres_url)
        cut = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> "
        with engine.connect() as connection:
            connection.execute(text(f"{cut} pg_backend_pid()"))
        engine.dispose()
        draft = shop.register("b")
        (outcome,) = shop.append(draft)
        if not isinstance(outcome, Accepted):
            assert isinstance(outcome, Unavailable)
            shop.accept(draft)
        assert shop.ledger.reader.history(urn("b")) is not None
        recomputed(shop)


def test_a_full_disk_records_nothing_and_passes(tmp_path: Path) -> None:
    with stall(f"sqlite:///{tmp_path / 'ledger.sqlite3'}", tmp_path) as shop:
        with session(shop.ledger._appending) as connection:
            (((pages,),),) = connection.gather(ask("PRAGMA page_count"))
            connection.gather(ask(f"PRAGMA max_page_count = {pages}"))
        drafts = [shop.register(f"item {number}") for number in range(100)]
        for outcome in shop.append(*drafts):
            assert isinstance(outcome, Unavailable)
            assert "nothing was recorded" in outcome.message
        with session(shop.ledger._appending) as connection:
            connection.gather(ask("PRAGMA max_page_count = 1000000"))
        assert not any(outcome.repeated for outcome in shop.accept(*drafts))
        recomputed(shop)
