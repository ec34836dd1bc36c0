"""Risk signals of an open ledger: folded from its leaves as they come, and codes counted by day, on both databases."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.exc import OperationalError

from ledger import leaf
from ledger.db.ledger import Ledger, open_ledger
from ledger.db.risks import DAYS, Risks
from ledger.db.rows import Rows
from ledger.db.tables import scan
from ledger.leaf import Entry
from ledger.times import DAY
from tests import year


class Clock:
    now = year.END

    def __call__(self) -> int:
        return self.now


@pytest.fixture
def told(database_url: str, tmp_path: Path) -> Iterator[tuple[Ledger, Clock]]:
    with year.tell(tmp_path, url=database_url, lives=48):
        pass
    clock = Clock()
    ledger = open_ledger(database_url, directory=tmp_path, master=year.MASTER, clock=clock)
    yield ledger, clock
    ledger.close()


def test_a_year_has_its_signals_and_each_names_its_entries(told: tuple[Ledger, Clock]) -> None:
    ledger, clock = told
    heard: list[tuple[int, int]] = []
    found = ledger.risks.signals(lambda done, size: heard.append((done, size)))
    assert heard[-1] == (ledger.reader.size(), found.size)
    stolen = next(one for one in found.signals if one.kind == "key_compromised")
    told_by = ledger.reader.leaf(stolen.entries[0])
    assert told_by is not None
    assert b'"reason":"compromised"' in told_by
    for one in found.signals:
        for index in one.entries:
            assert isinstance(leaf.parse_leaf(ledger.reader.leaf(index) or b""), Entry), one
    # Asked again, nothing is folded twice.
    assert ledger.risks.signals() == found
    # Another process comes to the same.
    other = open_ledger(ledger.url, directory=ledger.directory, master=year.MASTER, clock=clock, read_only=True)
    assert other.risks.signals() == found
    other.close()


def rows(ledger: Ledger) -> list[tuple[str, str, int]]:
    with ledger._engine.connect() as connection:
        return [tuple(row) for row in connection.execute(select(scan).order_by(scan.c.day, scan.c.code))]


def test_codes_are_counted_by_day_and_nothing_else_is_kept(told: tuple[Ledger, Clock]) -> None:
    ledger, clock = told
    item = ledger.reader.items(limit=1)[0][0].subject
    token = ledger.codes.create(item, "view")
    code = ledger.codes.find(token)
    assert code is not None
    assert [column.name for column in scan.columns] == ["code", "day", "count"]
    for day in range(DAYS + 1):
        clock.now = year.END + day * DAY
        for _ in range(40 if day == DAYS else 1):
            ledger.risks.scanned(code.id)
        ledger.risks.flush()
    # Two processes count into the same rows.
    other = Risks(ledger._engine, ledger._gate, ledger.view, clock=clock, rand=bytes)
    other.scanned(code.id)
    other.flush()
    assert rows(ledger)[-1] == (code.id, "2026-11-30", 41)
    # The day is judged when it is over.
    assert not [one for one in ledger.risks.signals().signals if one.kind == "scans_implausible"]
    clock.now += DAY
    (found,) = [one for one in ledger.risks.signals().signals if one.kind == "scans_implausible"]
    state = ledger.reader.state(item)
    assert state is not None
    assert found.party == (state.sold_by or state.registered_by)
    assert (found.figures["recent"], found.figures["before"], found.severity) == (41, 28, "high")
    # Older days than the test looks at are forgotten when others are counted.
    ledger.risks.scanned(code.id)
    ledger.risks.flush()
    assert rows(ledger)[0][1] == "2026-11-02"
    assert [day for _, day, _ in rows(ledger)][-1] == "2026-12-01"


def test_counts_that_cannot_be_kept_now_wait(told: tuple[Ledger, Clock], monkeypatch: pytest.MonkeyPatch) -> None:
    ledger, _ = told

    def fail(_: Any) -> Any:
        raise OperationalError("x", None, Exception("locked"))

    ledger.risks.scanned("0" * 16)
    with monkeypatch.context() as patch:
        patch.setattr(Rows, "writing", fail)
        with pytest.raises(OperationalError):
            ledger.risks.flush()
    ledger.risks.flush()
    assert rows(ledger) == [("0" * 16, "2026-11-02", 1)]
    # A code that is unknown by now gives no signal.
    assert ledger.risks.scans() == []
