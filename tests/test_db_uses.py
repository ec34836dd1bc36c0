"""Listed files that are not in the index on digests yet, and those that are: found, kept and erased alike."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import event, select, text

from api.jobs import Jobs
from ledger import times
from ledger.db import uses
from ledger.db.copies import Use
from ledger.db.engine import open_engine
from ledger.db.tables import attachment_use
from tests.files import jpeg
from tests.kept_files import DIGEST, SHOP, keep, say, shop, stored
from tests.private_shop import rows, sold
from tests.shop import open_shop
from tests.stall import Stall, urn
from tests.test_api_attachments import listed

__all__ = ["shop"]


def indexed(shop: Stall) -> list[int]:
    """Of each row, oldest first, whether it is in the index."""
    engine = open_engine(shop.url)
    with engine.connect() as connection:
        found = [row.indexed for row in connection.execute(select(attachment_use).order_by(attachment_use.c.idx))]
    engine.dispose()
    return found


@pytest.mark.parametrize("after", [0, 1, 2])
def test_whether_indexed_or_not_every_use_is_found(shop: Stall, after: int) -> None:
    kept, files, said = keep(shop), shop.ledger.attachments, list[str]()
    for number, name in enumerate(("ring", "brooch")):
        if number == after:
            assert not files.index()
        said.append(say(shop, name, public=False))
    if after == 2:
        assert not files.index()
    assert indexed(shop) == [1] * after + [0] * (2 - after), "no statement comes into the index as it is appended"
    assert files.private_uses(kept) == [Use(said[0], (urn("ring"),)), Use(said[1], (urn("brooch"),))]
    assert [one for one, _ in files.listings(DIGEST)] == [kept, kept]
    assert [one for one, _ in files.listings(DIGEST, urn("brooch"))] == [kept]
    assert files.listings(DIGEST, urn("watch")) == []
    assert files.find_public(DIGEST) is None
    assert files._waiting(SHOP) == 0
    assert files.erase([said[0]], public=False) == 0, "the other lists it still"
    assert len(stored(shop)) == 2
    assert files.erase([said[1]], public=False) == 1
    assert stored(shop) == []


def test_they_come_into_the_index_in_the_order_of_the_log(shop: Stall, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(uses, "SLICE", 2)
    kept, files = keep(shop), shop.ledger.attachments
    said = [say(shop, f"ring {number}", public=False) for number in range(5)]
    for more, count in ((True, 2), (True, 4), (False, 5), (False, 5)):
        assert files.index() is more
        assert indexed(shop) == [1] * count + [0] * (5 - count)
        assert [one.statement for one in files.private_uses(kept)] == said


def test_only_what_no_entry_lists_is_swept(shop: Stall) -> None:
    files = shop.ledger.attachments
    contents = [f"file {number}".encode() for number in range(3)]
    for content in contents:
        keep(shop, content, small=False)
    say(shop, "ring", content=contents[0])
    assert not files.index()
    say(shop, "brooch", content=contents[1])
    shop.clock.now += 2 * times.DAY
    assert files.sweep() == 1
    assert len(stored(shop)) == 2


@contextmanager
def told(shop: Stall) -> Iterator[list[tuple[str, Any]]]:
    """What is asked of ``attachment_use`` in the block, with its parameters."""
    asked: list[tuple[str, Any]] = []

    def note(_: Any, __: Any, sql: str, parameters: Any, *___: Any) -> None:
        if "attachment_use" in sql and sql.startswith("SELECT"):
            asked.append((sql, parameters))

    event.listen(shop.ledger._engine, "after_cursor_execute", note)
    try:
        yield asked
    finally:
        event.remove(shop.ledger._engine, "after_cursor_execute", note)


def test_what_comes_into_the_index_while_it_is_asked_for_is_seen_once(shop: Stall) -> None:
    kept, other = keep(shop), shop.again()
    statement = say(shop, public=False)

    def between(_: Any, __: Any, sql: str, *___: Any) -> None:
        if "attachment_use" in sql and not indexed(shop)[0]:
            other.attachments.index()

    event.listen(shop.ledger._engine, "after_cursor_execute", between)
    found = shop.ledger.attachments.private_uses(kept)
    event.remove(shop.ledger._engine, "after_cursor_execute", between)
    assert [one.statement for one in found] == [statement]
    assert indexed(shop) == [1]
    other.close()


def test_no_question_walks_through_what_is_in_the_index(shop: Stall) -> None:
    kept = keep(shop)
    say(shop, public=False)
    some = {"party": SHOP, "public": 0, "indexed": 1}
    many = [{"idx": number, "sha256": sha256(str(number).encode()).digest(), **some} for number in range(1000, 6000)]
    sqlite = shop.ledger.is_sqlite
    with shop.ledger._engine.begin() as connection:
        connection.execute(attachment_use.update().values(indexed=1))
        connection.execute(attachment_use.insert(), many)
        connection.execute(text("ANALYZE"))
    with told(shop) as asked:
        assert len(shop.ledger.attachments.private_uses(kept)) == 1
        assert len(shop.ledger.attachments.listings(DIGEST, urn("ring"))) == 1
    assert len(asked) == 5, "of both places each, and of a subject at once"
    with shop.ledger._engine.connect() as connection:
        for sql, parameters in asked:
            explain = f"EXPLAIN QUERY PLAN {sql}" if sqlite else f"EXPLAIN {sql}"
            plan = [str(row[-1]) for row in connection.exec_driver_sql(explain, parameters)]
            # Of the newest in the index one row is read, from the end: SQLite says of that SCAN, and sorts nothing.
            assert not [line for line in plan if "Seq Scan on attachment_use" in line or "Bitmap" in line], plan
            assert not [line for line in plan if "TEMP B-TREE" in line], plan
            assert len([line for line in plan if line.startswith("SCAN")]) <= 1, plan


def test_a_server_brings_them_into_the_index_by_itself(tmp_path: Path) -> None:
    with open_shop(tmp_path) as opened:
        party = opened.party("jeweller", "retailer")
        sold(opened, party, private={"attachments": [listed(opened, party, jpeg())]})
        assert rows(opened, "SELECT indexed FROM attachment_use") == [(0,)]

        async def run() -> None:
            doing = asyncio.get_running_loop().create_task(Jobs(opened.app.state.site)._index())
            while rows(opened, "SELECT indexed FROM attachment_use") == [(0,)]:  # noqa: ASYNC110 - no event to wait for
                await asyncio.sleep(0.01)
            doing.cancel()

        asyncio.run(asyncio.wait_for(run(), 60))
