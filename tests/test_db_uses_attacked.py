"""The later index of listed files, attacked: killed at each point, raced, erased in between, backed up in between.

What must stay true: what is not in the index is younger than all that is, and each use is found exactly once.
"""

from __future__ import annotations

import os
import shutil
import signal
import threading
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import event, select, text

from ledger import times
from ledger.db import uses
from ledger.db.backup import back_up
from ledger.db.engine import open_engine
from ledger.db.ledger import Ledger, open_ledger
from ledger.db.postgres import PostgresSession
from ledger.db.restore import Sources, restore
from ledger.db.sqlite import SqliteSession
from ledger.db.tables import attachment_use
from tests.build import uuid
from tests.dying import arm
from tests.files import jpeg
from tests.kept_files import CONTENT, DIGEST, SHOP, keep, listed, read, say, shop, stored
from tests.private_shop import rows, sold
from tests.shop import RING, open_shop
from tests.stall import MASTER, START, Stall, stall, urn
from tests.test_api_attachments import listed as upload
from tests.test_sealed_in_order import carried_over

__all__ = ["shop"]

SLICE = 2
MANY = 5


@pytest.fixture(autouse=True)
def _small_slices(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(uses, "SLICE", SLICE)


def indexed(url: str) -> list[int]:
    """Of each row, in the order of the log, whether it is in the index; no row that is in it after one that is not."""
    engine = open_engine(url)
    with engine.connect() as connection:
        found = list(connection.execute(select(attachment_use.c.indexed).order_by(attachment_use.c.idx)).scalars())
    engine.dispose()
    assert found == sorted(found, reverse=True)
    return found


def check_found(ledger: Ledger, said: list[str]) -> None:
    """These statements, oldest first, and no others list the file, in private."""
    kept = ledger.attachments.find(DIGEST, [SHOP])
    assert kept is not None
    assert [one.statement for one in ledger.attachments.private_uses(kept)] == said
    assert len(ledger.attachments.listings(DIGEST)) == len(said)


def index_all(ledger: Ledger) -> None:
    while ledger.attachments.index():
        pass


def killed(run: Callable[[], None]) -> None:
    """Run in a process of its own, which must be killed by it."""
    child = os.fork()
    if not child:
        try:
            run()
        finally:
            os._exit(1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == -signal.SIGKILL


def die(*_: Any) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


# When a process is killed, by what SQLAlchemy tells of it, and how many rows are in the index after that.
POINTS = {
    "before the slice is read": ("before_cursor_execute", "SELECT attachment_use", 1, 0),
    "the slice is read": ("after_cursor_execute", "SELECT attachment_use", 1, 0),
    "its rows are marked": ("after_cursor_execute", "UPDATE attachment_use", 1, 0),
    "one slice is committed": ("after_cursor_execute", "SELECT attachment_use", 2, 2),
    "the second is marked": ("after_cursor_execute", "UPDATE attachment_use", 2, 2),
    "two are committed": ("after_cursor_execute", "SELECT attachment_use", 3, 4),
}


def test_killed_at_each_point_of_the_index(shop: Stall) -> None:
    kept, said = keep(shop), list[str]()
    for point, (when, begins, count, left) in POINTS.items():
        before = len(said)
        said += [say(shop, f"{point} {number}", public=False) for number in range(MANY)]
        killed(partial(index_and_die, shop, when, begins, count))
        assert indexed(shop.url) == [1] * (before + left) + [0] * (MANY - left), point
        check_found(shop.ledger, said)
        index_all(shop.ledger)
        assert indexed(shop.url) == [1] * len(said)
        check_found(shop.ledger, said)
    shop.clock.now += 2 * times.DAY
    assert shop.ledger.attachments.sweep() == 0
    assert read(shop, kept) == CONTENT


def index_and_die(shop: Stall, when: str, begins: str, count: int) -> None:
    """Index, and be killed at the ``count``th of the statements that begin so."""
    ledger, met = shop.again(), 0

    def watch(_: Any, __: Any, sql: str, *___: Any) -> None:
        nonlocal met
        met += sql.startswith(begins)
        if met == count:
            die()

    event.listen(ledger._appending, when, watch)
    index_all(ledger)


@pytest.mark.parametrize("recorded", [False, True])
def test_killed_between_the_append_and_the_index(shop: Stall, recorded: bool) -> None:
    keep(shop)
    first = say(shop, "brooch", public=False)
    again = shop.register("ring", id=urn("statement of ring"))
    files = [listed()]

    def run() -> None:
        shop.ledger = shop.again()
        if not recorded:  # every row is written, and nothing committed
            arm(SqliteSession, "commit", die, before=True)
            arm(PostgresSession, "_execute", lambda args: die() if args[1][0] == "COMMIT" else None, before=True)
        say(shop, "ring", public=False)
        die()

    killed(run)
    check_found(shop.ledger, [first, urn("statement of ring")] if recorded else [first])
    # Whoever got no answer sends it again: then it stands once, and lists the file once.
    rows_again = shop.ledger.attachments.use_rows(files, [SHOP], public=False)
    said = shop.register("ring", id=again.statement.id, rows=rows_again)
    (accepted,) = shop.accept(said)
    assert accepted.repeated == recorded
    assert indexed(shop.url) == [0, 0]
    check_found(shop.ledger, [first, again.statement.id])
    index_all(shop.ledger)
    check_found(shop.ledger, [first, again.statement.id])
    shop.clock.now += 2 * times.DAY
    assert shop.ledger.attachments.sweep() == 0


@pytest.mark.parametrize("act", ["index", "append", "erase", "erase the newest in the index"])
def test_another_process_comes_between_the_reading_of_a_slice_and_its_marking(shop: Stall, act: str) -> None:
    keep(shop)
    said = [say(shop, f"ring {number}", public=False) for number in range(MANY)]
    shop.ledger.attachments.index()
    other, here = shop.again(), shop.ledger
    gone = {"erase": said[SLICE], "erase the newest in the index": said[SLICE - 1]}.get(act)

    def come() -> None:
        if gone is not None:
            assert other.attachments.erase([gone], public=False) == 0
        elif act == "append":
            shop.ledger = other
            said.append(say(shop, "another", public=False))
            shop.ledger = here
        else:
            index_all(other)

    coming = threading.Thread(target=come)

    def between(_: Any, __: Any, sql: str, *___: Any) -> None:
        if sql.startswith("SELECT attachment_use") and not coming.ident:
            coming.start()
            if not here.is_sqlite:  # which lets nobody write beside it: there the other comes right after
                coming.join()

    event.listen(here._appending, "after_cursor_execute", between)
    index_all(here)
    event.remove(here._appending, "after_cursor_execute", between)
    coming.join()
    left = [one for one in said if one != gone]
    indexed(shop.url)
    check_found(here, left)
    check_found(other, left)
    index_all(other)
    assert indexed(shop.url) == [1] * len(left)
    check_found(here, left)
    other.close()


def test_two_processes_bring_into_the_index_what_a_third_appends(shop: Stall) -> None:
    keep(shop)
    done = threading.Event()
    others = [shop.again() for _ in range(2)]

    def work(ledger: Ledger) -> None:
        while not done.is_set():
            index_all(ledger)

    working = [threading.Thread(target=work, args=(other,)) for other in others]
    for one in working:
        one.start()
    try:
        said = []
        for number in range(2 * MANY):
            said.append(say(shop, f"ring {number}", public=False))
            check_found(shop.ledger, said)
    finally:
        done.set()
        for one in working:
            one.join()
    index_all(shop.ledger)
    assert indexed(shop.url) == [1] * len(said)
    check_found(shop.ledger, said)
    for other in others:
        other.close()


def test_erased_before_or_after_it_came_into_the_index(shop: Stall) -> None:
    for victim in range(4):
        keep(shop)
        said = [say(shop, f"ring {victim} {number}", public=False) for number in range(4)]
        shop.ledger.attachments.index()
        assert indexed(shop.url) == [1, 1, 0, 0]
        assert shop.ledger.attachments.erase([said.pop(victim)], public=False) == 0, "the others list it still"
        check_found(shop.ledger, said)
        said.append(say(shop, f"later {victim}", public=False))
        index_all(shop.ledger)
        assert indexed(shop.url) == [1] * 4
        check_found(shop.ledger, said)
        assert shop.ledger.attachments.erase(said, public=False) == 1
        assert stored(shop) == []
        assert indexed(shop.url) == []


def test_an_entry_with_more_files_than_a_slice_comes_into_the_index_whole(shop: Stall) -> None:
    contents = [f"file {number}".encode() for number in range(2 * SLICE + 1)]
    for content in contents:
        keep(shop, content, small=False)
    made = shop.ledger.attachments.use_rows([listed(one) for one in contents], [SHOP], public=False)
    shop.accept(shop.register("ring", rows=made))
    say(shop, "brooch", content=contents[0])
    assert shop.ledger.attachments.index()
    assert indexed(shop.url) == [1] * len(contents) + [0]
    assert not shop.ledger.attachments.index()
    assert indexed(shop.url) == [1] * (len(contents) + 1)


def test_a_backup_taken_in_between_is_restored_and_comes_into_the_index(tmp_path: Path) -> None:
    place, shelf = tmp_path / "ledger", tmp_path / "shelf"
    place.mkdir()
    shelf.mkdir()
    database = place / "ledger.sqlite3"
    with stall(f"sqlite:///{database}", place) as shop:
        keep(shop)
        keep(shop, b"listed after the backup", small=False)
        keep(shop, b"listed by nobody", small=False)
        said = [say(shop, f"ring {number}", public=False) for number in range(3)]
        shop.ledger.attachments.index()
        backup = back_up(shop.ledger, shelf)
        assert backup is not None
        after = listed(b"listed after the backup")
        made = shop.ledger.attachments.use_rows([after], [SHOP])
        strange = listed(b"uploaded elsewhere")
        shop.accept(shop.register("watch", attachments=(after, strange), rows=made))
        index_all(shop.ledger)
    (place / "master.key").write_text(bytes(range(32)).hex())
    log = shutil.copy(database, shelf / "log.sqlite3")
    restore(place, database, Sources(backup, None, Path(log)), MASTER, lambda *_: {})
    url, now = f"sqlite:///{database}", [START]
    ledger = open_ledger(url, directory=place, master=MASTER, clock=lambda: now[0])
    try:
        assert indexed(url)[:3] == [1, 1, 0], "as the backup had it"
        check_found(ledger, said)
        now[0] += 2 * times.DAY
        assert ledger.attachments.sweep() == 1, "what no entry lists, and not what was listed after the backup"
        found = ledger.attachments.find_public(after.sha256, urn("watch"))
        assert found is not None
        assert b"".join(ledger.attachments.parts(found)) == b"listed after the backup"
        index_all(ledger)
        assert indexed(url) == [1] * 4
        check_found(ledger, said)
        assert ledger.attachments.find_public(after.sha256) == found
    finally:
        ledger.close()


def test_rows_of_before_there_was_a_later_index_are_older_than_all_that_come(tmp_path: Path, database_url: str) -> None:
    with open_shop(tmp_path, database_url) as shop:
        jeweller = shop.party("jeweller", "retailer")
        photo = upload(shop, jeweller, jpeg())
        for number in range(3):
            sold(shop, jeweller, uuid(f"item {number}"), {"attachments": [photo]})
        shop.ledger.attachments.index()
        with shop.ledger._engine.begin() as connection:
            columns = ("idx", "sha256", "party", "public")
            kept = connection.execute(select(*(attachment_use.c[name] for name in columns))).all()
            for name in ("attachment_use", "report_costed", "report_rests"):
                connection.execute(text(f"DROP TABLE {name}"))
            kinds = ("BIGINT", "BYTEA" if not shop.ledger.is_sqlite else "BLOB", "TEXT", "SMALLINT")
            made = ", ".join(f"{name} {kind} NOT NULL" for name, kind in zip(columns, kinds, strict=True))
            connection.execute(text(f"CREATE TABLE attachment_use ({made}, PRIMARY KEY (idx, sha256))"))
            connection.execute(text("CREATE INDEX attachment_use_sha256 ON attachment_use (sha256)"))
            into = text("INSERT INTO attachment_use VALUES (:idx, :sha256, :party, :public)")
            connection.execute(into, [dict(row._mapping) for row in kept])
            connection.execute(text("UPDATE alembic_version SET version_num = '0019'"))
        shop.ledger._engine.dispose()
        carried_over(shop, "0020")
        sold(shop, jeweller, RING, {"attachments": [photo]})
        asked = "SELECT indexed FROM attachment_use ORDER BY idx"
        assert rows(shop, asked) == [(1,), (1,), (1,), (0,)]
        copy = shop.ledger.attachments.find(photo["sha256"], [jeweller.id])
        assert copy is not None
        found = shop.ledger.attachments.private_uses(copy)
        assert [one.subjects for one in found] == [*((uuid(f"item {number}"),) for number in range(3)), (RING,)]
        index_all(shop.ledger)
        assert rows(shop, asked) == [(1,)] * 4
        assert shop.ledger.attachments.private_uses(copy) == found
