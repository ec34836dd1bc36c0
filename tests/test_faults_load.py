"""Faults in the middle of load: PostgreSQL restarted, its connections cut, two servers racing, clocks that jump."""

from __future__ import annotations

import json
import os
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import psycopg
import pytest

from ledger import times
from ledger.db.draft import Accepted
from ledger.errors import Unavailable
from tests.conftest import running_postgres
from tests.enduring import receipt_of
from tests.listed import Listed
from tests.served import Server
from tests.stall import START, Stall, stall
from tests.till import Till, opened_till, proved, proved_at

WRITERS = 4
"""Tills that post at once."""
EACH = 15
"""Statements of each till between two faults."""


@contextmanager
def load(till: Till) -> Iterator[None]:
    """Several threads post while the block runs, and go on until each has a receipt of its every statement."""
    statements = [[till.statement() for _ in range(EACH)] for _ in range(WRITERS)]
    failed: list[BaseException] = []

    def sell(mine: list[dict[str, Any]]) -> None:
        try:
            for statement in mine:
                assert till.sell(statement)[1]["id"] == statement["id"]
        except BaseException as error:  # noqa: BLE001 -- told to the test
            failed.append(error)

    threads = [threading.Thread(target=sell, args=(mine,)) for mine in statements]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        for thread in threads:
            thread.join()
    assert not failed
    sold = {receipt["id"] for receipt in till.receipts}
    assert {statement["id"] for mine in statements for statement in mine} <= sold


@pytest.fixture(scope="module")
def postgres(postgres_server: str, postgres_folder: Path) -> Iterator[Any]:
    """A PostgreSQL of this file's own, which may be stopped; it syncs as one that is used does."""
    with running_postgres(postgres_folder / "stopped") as server:
        yield server


def _url(server: Any) -> str:
    return str(server.get_uri()).replace("postgresql:", "postgresql+psycopg:")


def _receipts(till: Till, more: int) -> None:
    """Wait until there are so many more receipts."""
    want = len(till.receipts) + more
    until = time.monotonic() + 60
    while len(till.receipts) < want and time.monotonic() < until:
        time.sleep(0.01)
    assert len(till.receipts) >= want


def _cut(server: Any) -> int:
    """Cut every connection of the service; how many there were."""
    with psycopg.connect(server.get_uri(), autocommit=True) as connection:
        cut = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid() AND usename <> ''"
        return len(connection.execute(cut).fetchall())


@pytest.mark.long
def test_postgresql_restarted_and_its_connections_cut_in_the_middle_of_load(postgres: Any, tmp_path: Path) -> None:
    till = opened_till(tmp_path / "var", _url(postgres))
    with Server(tmp_path / "var", url=_url(postgres)) as server:
        till.place = server.place
        with load(till):
            for _ in range(5):
                _receipts(till, 4)
                assert _cut(postgres) > 0
        proved_at(till)
        for stop in (signal.SIGINT, signal.SIGQUIT):  # PostgreSQL's fast and immediate shutdown; the second is a crash
            with load(till):
                _receipts(till, 10)
                os.kill(postgres.get_pid(), stop)
                postgres.get_postmaster_info().process.wait(60)
                postgres.ensure_postgres_running()
                _receipts(till, 10)
            proved_at(till)
        assert server.stop() == 0


def test_two_servers_take_the_same_statements_at_once(database_url: str, tmp_path: Path) -> None:
    till = opened_till(tmp_path / "var", database_url)
    with Server(tmp_path / "var", url=database_url) as one, Server(tmp_path / "var", url=database_url) as other:
        servers = (one, other)
        statements = [till.statement() for _ in range(12)]
        tills = [replace(till, place=servers[number % 2].place, receipts=[]) for number in range(WRITERS)]

        def sell(by: Till, number: int) -> None:
            for statement in statements[:: -1 if number > 1 else 1]:
                by.sell(statement)

        threads = [threading.Thread(target=sell, args=(by, number)) for number, by in enumerate(tills)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        till.receipts = [receipt for by in tills for receipt in by.receipts]
        assert len(till.receipts) == WRITERS * len(statements)
        assert len({(receipt["id"], receipt["index"]) for receipt in till.receipts}) == len(statements)
        till.place = other.place
        proved_at(till)
        assert [server.stop() for server in servers] == [0, 0]


@pytest.fixture
def shop(database_url: str, tmp_path: Path) -> Iterator[Stall]:
    with stall(database_url, tmp_path) as opened:
        yield opened


def test_a_clock_that_jumps_back_and_far_forward(shop: Stall) -> None:
    receipts: list[Any] = []
    jumps = {"back": -10 * times.DAY, "on": times.HOUR, "far": 400 * times.DAY, "a year back": -365 * times.DAY}
    for name, jump in jumps.items():
        shop.clock.now += jump
        draft = shop.register(name)
        (outcome,) = shop.append(draft)
        if name == "far":
            assert isinstance(outcome, Unavailable)
            assert "clock" in outcome.message
            shop.ledger.writer.accept_clock = True
            (outcome,) = shop.append(draft)
        assert isinstance(outcome, Accepted)
        receipts.append(outcome)
        shop.reopen()
        (again,) = shop.accept(draft)
        assert (again.index, again.repeated) == (outcome.index, True)
    assert shop.clock.now > START
    reader = shop.ledger.reader
    source = Listed([reader.leaf(index) or b"" for index in range(reader.size())], reader.checkpoint())
    proved(source, shop.ledger.vkeys[0], [json.loads(receipt_of(one)) for one in receipts])
