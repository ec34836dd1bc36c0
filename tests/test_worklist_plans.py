"""Lists are answered by their indexes: what each finds is what a walk over all cases finds, and the plans say how."""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from sqlalchemy import Engine, text

from ledger.caseload import Load
from ledger.db import caseload as lists
from ledger.db.caseload import CUSTOMER, Listed, Wanted, rows_of
from ledger.db.connect import session
from ledger.db.engine import WRITE, open_engine
from ledger.db.session import Insert, ask, fetch
from ledger.db.views import uuid_bytes
from ledger.db.worktables import caseload
from tests.build import uuid

CASES = 3000
NOW = 1_000_000
SHOPS = [uuid(name) for name in ("chain", "north", "south")]
KINDS = ("repair", "repair", "repair", "complaint", "exchange")


def loads() -> list[Load]:
    """Cases of three shops, told by dice: a quarter is open, half of these wait or are in somebody's hands."""
    dice = random.Random(4)

    def moment() -> int:
        return dice.randrange(2 * NOW)

    made = []
    for opened in range(1, CASES + 1):
        shop, is_open = dice.choice(SHOPS), dice.random() < 0.25
        due, waits, held = (is_open and dice.random() < share for share in (0.9, 0.5, 0.5))
        load = Load(
            opened=opened,
            case=uuid(f"case {opened}"),
            subject=uuid(f"item {opened}"),
            party=shop,
            kind=dice.choice(KINDS),
            status="opened" if is_open else "closed",
            opened_at="2026-01-01T00:00:00.000Z",
            closed_at=None if is_open else "2026-01-02T00:00:00.000Z",
            assigned=f"a{dice.randrange(20)}" if dice.random() < 0.9 else None,
            visit=f"V{opened // 20}",
            job_no=f"J{opened}",
            clock="resolution" if due else None,
            due_at=(at := moment()) if due else None,
            warn_at=at * 3 // 4 if due else None,
            provisional=due and dice.random() < 0.1,
            waits_for=dice.choice((*CUSTOMER, "parts")) if waits else None,
            waits_since=moment() if waits else None,
            holder=shop if held else None,
            held_since=moment() if held else None,
            repeats=opened - 1 if dice.random() < 0.02 else None,
            concerned=frozenset({shop, dice.choice(SHOPS)}),
        )
        made.append(load)
    return made


@pytest.fixture(scope="module")
def told() -> list[Load]:
    return loads()


@pytest.fixture
def engine(database_url: str, told: list[Load]) -> Iterator[Engine]:
    made = open_engine(database_url)
    with session(made) as opened:
        opened.begin(write=True)
        opened.write([Insert(caseload, [row for load in told for row in rows_of(load.opened, load)])])
        opened.commit()
    with made.connect().execution_options(**{WRITE: True}, isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text("VACUUM ANALYZE caseload" if made.dialect.name == "postgresql" else "SELECT 1"))
    yield made
    made.dispose()


Told = Callable[[Load], bool]
Order = Callable[[Load], Any]
ALL: dict[str, tuple[Wanted, Told, str]] = {
    "all": (Wanted(), lambda _: True, "opened"),
    "open": (Wanted(closed=False), lambda one: one.closed_at is None, "opened"),
    "open repairs": (
        Wanted(closed=False, kind="repair"),
        lambda one: one.closed_at is None and one.kind == "repair",
        "opened",
    ),
    "overdue": (Wanted(overdue=NOW), lambda one: one.due_at is not None and one.due_at < NOW, "due_at"),
    "overdue exchanges": (
        Wanted(overdue=NOW, kind="exchange"),
        lambda one: one.due_at is not None and one.due_at < NOW and one.kind == "exchange",
        "due_at",
    ),
    "due soon": (
        Wanted(due_soon=NOW),
        lambda one: one.due_at is not None and one.warn_at is not None and one.warn_at <= NOW <= one.due_at,
        "due_at",
    ),
    "due": (Wanted(due=NOW), lambda one: one.due_at is not None and one.due_at <= NOW, "due_at"),
    "waiting": (Wanted(waits=CUSTOMER), lambda one: one.waits_for in CUSTOMER, "waits_since"),
    "held": (Wanted(held=NOW), lambda one: one.held_since is not None and one.held_since < NOW, "held_since"),
    "assigned": (Wanted(assigned="a7"), lambda one: one.assigned == "a7", "opened"),
    "assigned, open": (
        Wanted(assigned="a7", closed=False),
        lambda one: one.assigned == "a7" and one.closed_at is None,
        "opened",
    ),
    "assigned, overdue": (
        Wanted(assigned="a7", overdue=NOW),
        lambda one: one.assigned == "a7" and one.due_at is not None and one.due_at < NOW,
        "due_at",
    ),
    "assigned, waiting": (
        Wanted(assigned="a7", waits=CUSTOMER),
        lambda one: one.assigned == "a7" and one.waits_for in CUSTOMER,
        "waits_since",
    ),
    "assigned, held": (
        Wanted(assigned="a7", held=NOW),
        lambda one: one.assigned == "a7" and one.held_since is not None and one.held_since < NOW,
        "held_since",
    ),
    "visit": (Wanted(visit="V100"), lambda one: one.visit == "V100", "opened"),
    "job": (Wanted(job_no="J195"), lambda one: one.job_no == "J195", "opened"),
    "repeated": (Wanted(repeats=True), lambda one: one.repeats is not None, "opened"),
}


def pages(engine: Engine, wanted: Wanted, parties: list[str], limit: int) -> list[Listed]:
    """All pages of a list."""
    found: list[Listed] = []
    cursor = None
    with session(engine) as opened:
        opened.begin(write=False)
        while True:
            rows, cursor = lists.find(opened, wanted, parties, cursor, limit)
            found += rows
            if cursor is None:
                return found


def test_each_list_is_what_a_walk_over_all_cases_finds(engine: Engine, told: list[Load]) -> None:
    for name, (wanted, holds, order) in ALL.items():
        for parties in (SHOPS[1:2], SHOPS):
            mine = [one for one in told if holds(one) and not one.concerned.isdisjoint(parties)]
            sign = -1 if order == "opened" else 1
            mine.sort(key=lambda one, by=order, sign=sign: (sign * getattr(one, by), one.opened))  # type: ignore[misc]
            found = pages(engine, wanted, parties, 200 if len(mine) > 100 else 7)
            assert [one.case for one in found] == [one.case for one in mine], name
            shown = [[getattr(one, member) for member in Load.__slots__ if member != "concerned"] for one in mine]
            got = [[getattr(one, member) for member in Load.__slots__ if member != "concerned"] for one in found]
            assert got == shown, name


def plan(engine: Engine, wanted: Wanted, *, next_page: bool) -> str:
    """How the database finds where the cases of a page stand, in its own words."""
    sql, parameters = lists._places(wanted, f"{NOW // 2}-{CASES // 2}" if next_page else None)
    with session(engine) as opened:
        opened.begin(write=False)
        explain = "EXPLAIN (FORMAT JSON) " if engine.dialect.name == "postgresql" else "EXPLAIN QUERY PLAN "
        rows = fetch(opened, ask(explain + sql, uuid_bytes(SHOPS[0]), *parameters, 51))
    return json.dumps(rows, default=str)


@pytest.mark.parametrize("next_page", [False, True])
def test_the_index_of_a_list_answers_by_itself_and_in_its_order(engine: Engine, next_page: bool) -> None:
    for name, (wanted, _, _) in ALL.items():
        how = plan(engine, wanted, next_page=next_page)
        if engine.dialect.name == "postgresql":
            assert "Seq Scan" not in how, (name, how)
            assert "Index Only Scan" in how, (name, how)
            assert ('"Sort"' in how) == wanted.repeats, (name, how)
            continue
        assert "SCAN" not in how, (name, how)
        assert ("TEMP B-TREE" in how) == wanted.repeats, (name, how)  # of those few alone
        assert ("PRIMARY KEY" if name == "all" else "COVERING INDEX") in how, (name, how)
