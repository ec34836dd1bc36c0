"""Opening a ledger: what was changed behind the service's back is noticed, and then nothing is signed."""

from __future__ import annotations

import os
import shutil
import sqlite3
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path

import psycopg
import pytest
from sqlalchemy import make_url, text

from ledger import times
from ledger.db.engine import open_engine
from ledger.db.guard import PLACE, Guard, Released, format_place, parse_place, read_guards
from ledger.db.ledger import create_ledger, open_ledger
from ledger.db.rebuild import rebuild
from ledger.db.secret import MasterKey
from ledger.db.session import ask
from ledger.errors import Malformed, Refused, Unavailable
from tests.stall import MASTER, ORIGIN, START, Clock, Rand, Stall, stall, urn

EDITS = {
    "the last leaf": ("UPDATE leaf SET bytes = {x} WHERE idx > 7", "leaves do not give the root"),
    "a leaf of the edge": ("UPDATE leaf SET bytes = {x} WHERE idx = 5", "leaves do not give the root"),
    "the newest leaf cut": ("DELETE FROM leaf WHERE idx > 7", "hashes at the edge of level 0"),
    "the head's root": ("UPDATE head SET root = {x}", "leaves do not give the root"),
    "the head's size": ("UPDATE head SET size = size - 1", "leaves do not give the root"),
    "the head's last hash": ("UPDATE head SET last_hash = {x}", "does not hash to what the head says"),
    "the head's time": ("UPDATE head SET recorded_at = '2026-01-01T00:00:00.000Z'", "not the seal that the head names"),
    "the head gone": ("DELETE FROM head", "there is no ledger"),
    "a statement's id": ("DELETE FROM statement WHERE idx = 2", "statements, and"),
    "a bucket of the map": ("DELETE FROM map_bucket", "the subject map does not have the root of the seal"),
    "an entry about a party": ("UPDATE authority SET idx = 6 WHERE idx = 5", "decides who may speak was changed"),
    "entry 0 of the parties": ("DELETE FROM authority", "entry 0 is missing"),
}


@pytest.fixture
def shop(database_url: str, tmp_path: Path) -> Iterator[Stall]:
    with stall(database_url, tmp_path) as opened:
        opened.accept(opened.register("a"), opened.register("b"))
        yield opened


def edit(shop: Stall, sql: str, raw: bytes = bytes(32)) -> None:
    """Change a table as somebody with the database's password would, triggers or not."""
    engine = open_engine(shop.url)
    x = f"x'{raw.hex()}'" if engine.dialect.name == "sqlite" else f"'\\x{raw.hex()}'::bytea"
    with engine.begin() as connection:
        if engine.dialect.name == "sqlite":
            for (name,) in connection.execute(text("SELECT name FROM sqlite_master WHERE type = 'trigger'")).all():
                connection.execute(text(f"DROP TRIGGER {name}"))
        else:
            connection.execute(text("SET session_replication_role = replica"))
        connection.exec_driver_sql(sql.replace("{x}", x))
    engine.dispose()


@pytest.mark.parametrize("what", EDITS)
def test_an_edit_is_noticed_on_start(shop: Stall, what: str) -> None:
    sql, message = EDITS[what]
    shop.again().close()
    edit(shop, sql)
    with pytest.raises(Unavailable, match=message):
        shop.again()


def test_an_edit_while_the_service_runs_stops_it(shop: Stall) -> None:
    edit(shop, "UPDATE head SET root = {x}")
    (outcome,) = shop.append(shop.register("c"))
    assert isinstance(outcome, Unavailable)
    assert "changed behind the service's back" in outcome.message
    assert shop.ledger.writer.refusal == outcome.message
    edit(shop, "UPDATE head SET root = {x}", shop.ledger.view.tip.edge.root)
    (outcome,) = shop.append(shop.register("c"))
    assert isinstance(outcome, Unavailable)


def fill(shop: Stall, items: int) -> None:
    shop.accept(*[shop.register(f"many {number}") for number in range(items)])


def test_an_old_leaf_is_noticed_by_reading_all_again(shop: Stall) -> None:
    fill(shop, 600)
    passed = shop.ledger.rehash()
    steps = [passed.step(200)]
    while not steps[-1].finished:
        steps.append(passed.step(200))
    assert [step.wrong for step in steps] == [None] * len(steps)
    assert len(steps) > 2
    assert steps[-1].done == steps[-1].size == shop.ledger.reader.size()
    edited = (shop.ledger.reader.leaf(100) or b"").replace(b"Ring", b"Rang")
    edit(shop, "UPDATE leaf SET bytes = {x} WHERE idx = 100", edited)
    shop.again().close()
    found = shop.ledger.rehash().step(10_000)
    assert found.finished
    assert found.index == 100
    assert "leaf 100" in str(found.wrong)
    shop.ledger.writer.refusal = str(found.wrong)
    (outcome,) = shop.append(shop.register("c"))
    assert isinstance(outcome, Unavailable)
    assert "leaf 100" in outcome.message


@pytest.mark.parametrize(
    ("sql", "message"),
    [
        ("DELETE FROM leaf WHERE idx = 300", "leaf 300 is missing"),
        ("DELETE FROM tile WHERE level = 0 AND n = 1", "tile 1 of level 0 is missing"),
        ("UPDATE tile SET hashes = {x} WHERE level = 0 AND n = 1", "leaf 256 does not hash to what stands in tile 1"),
    ],
)
def test_other_edits_that_only_reading_all_finds(shop: Stall, sql: str, message: str) -> None:
    fill(shop, 600)
    edit(shop, sql)
    assert message in str(shop.ledger.rehash().step(10_000).wrong)


def test_a_tiles_root_that_is_not_its_hashes(shop: Stall) -> None:
    fill(shop, 600)
    edit(shop, "UPDATE tile SET root = {x} WHERE level = 0 AND n = 0")
    assert "another root" in str(shop.ledger.rehash().step(10_000).wrong)
    with pytest.raises(Unavailable, match="root of the head"):
        shop.again()


def test_an_edited_map_is_never_proved_with(shop: Stall) -> None:
    edit(shop, "UPDATE subject SET last = last + 1 WHERE last_hash = {x}", shop_hash(shop, "a"))
    with pytest.raises(Unavailable, match="subject"):
        shop.ledger.reader.history(urn("a"))
    assert "subject" in str(shop.ledger.writer.refusal)
    assert isinstance(shop.append(shop.register("c"))[0], Unavailable)


@pytest.mark.parametrize(
    "sql",
    [
        "UPDATE subject SET sid = {both} - sid WHERE sid IN ({a}, {b})",
        "UPDATE subject_state SET sid = 99 WHERE sid = {a}",
        "UPDATE subject_state SET last = last - 1 WHERE sid = {a}",
        "DELETE FROM subject_state WHERE sid = {a}",
    ],
    ids=["of another", "elsewhere", "of another time", "gone"],
)
def test_nothing_is_judged_by_a_state_that_is_not_its_subjects(shop: Stall, sql: str) -> None:
    """A state lies apart from its key: who joins what does not belong together has the ledger sign nothing any more."""
    size, engine = shop.ledger.reader.size(), open_engine(shop.url)
    with engine.connect() as connection:
        sids = {row.subject: row.sid for row in connection.execute(text("SELECT subject, sid FROM item"))}
    engine.dispose()
    a, b = sids[urn("a")], sids[urn("b")]
    edit(shop, sql.format(both=a + b, a=a, b=b))
    with pytest.raises(Unavailable, match="no state of its last entry"):
        shop.ledger.reader.state(urn("a"))
    with pytest.raises(Unavailable, match="no state of its last entry"):
        shop.ledger.reader.history(urn("a"))
    other = shop.again()
    try:
        draft = shop.draft("item.sold", urn("a"), {"channel": "store"})
        for drafts in ([draft], [draft, shop.register("c")]):
            outcomes = other.writer.append([drafts])[0]
            assert all(isinstance(one, Unavailable) and "no state of its last entry" in one.message for one in outcomes)
        assert "behind the service's back" in str(other.writer.refusal)
        with pytest.raises(Unavailable, match="no state of its last entry"):
            rebuild(other)
        assert other.reader.size() == size
    finally:
        other.close()


def shop_hash(shop: Stall, name: str) -> bytes:
    _, raw = shop.ledger.reader.entries(urn(name))[-1]
    return sha256(b"\0" + raw).digest()


def test_a_restored_backup_is_refused(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'ledger.sqlite3'}"
    with stall(url, tmp_path) as shop:
        shop.ledger.close()
        shutil.copy(tmp_path / "ledger.sqlite3", tmp_path / "backup")
        shop.ledger = shop.again()
        shop.accept(shop.register("a"))
        shop.ledger.close()
        for name in ("ledger.sqlite3-wal", "ledger.sqlite3-shm"):
            (tmp_path / name).unlink(missing_ok=True)
        shutil.copy(tmp_path / "backup", tmp_path / "ledger.sqlite3")
        with pytest.raises(Unavailable, match="an old backup was restored"):
            shop.again()
        # A second history of the same length is no better.
        for path, released in list(read_guards(tmp_path)):
            path.write_bytes(format_place(Released(released.size - 2, bytes(32), released.note)))
        with pytest.raises(Unavailable, match="another root at size"):
            shop.again()
        shutil.rmtree(tmp_path / "guard")
        shop.ledger = shop.again()


def test_every_process_has_its_guard_file(shop: Stall) -> None:
    other = shop.again()
    assert [path.name for path, _ in read_guards(shop.directory)] == ["0"]
    other.writer.seal(force=True)
    guards = dict(read_guards(shop.directory))
    assert [path.name for path in guards] == ["0", "1"]
    other.close()
    assert max(released.size for released in guards.values()) == shop.ledger.reader.size()
    reader = shop.again(read_only=True)
    assert reader.writer.refusal == "this ledger was opened to be read"
    assert isinstance(reader.writer.append([[shop.register("x")]])[0][0], Unavailable)
    reader.close()


def test_a_guard_file_survives_a_torn_write(tmp_path: Path) -> None:
    guard = Guard(tmp_path)
    for size in (2, 4, 6):
        guard.release(Released(size, bytes([size]) * 32, f"note {size}\n"), size * times.SECOND)
    with pytest.raises(AssertionError, match="size 5 after one of 6"):
        guard.release(Released(5, bytes(32), ""), 0)
    guard.close()
    ((path, newest),) = read_guards(tmp_path)
    assert newest == Released(6, bytes([6]) * 32, "note 6\n")
    raw = bytearray(path.read_bytes())
    raw[PLACE + 100] ^= 1
    path.write_bytes(raw)
    assert [released.size for _, released in read_guards(tmp_path)] == [4]
    raw[100] ^= 1
    path.write_bytes(raw)
    with pytest.raises(Unavailable, match="guard file 0 is damaged"):
        list(read_guards(tmp_path))
    path.write_bytes(b"")
    assert list(read_guards(tmp_path)) == []
    assert parse_place(bytes(PLACE)) is None
    with pytest.raises(AssertionError, match="does not fit"):
        format_place(Released(1, bytes(32), "x" * PLACE))


def test_a_guard_file_comes_to_the_disk_once_a_second(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    synced: list[int] = []
    monkeypatch.setattr(os, "fdatasync", synced.append)
    guard = Guard(tmp_path)
    for size, microseconds in ((1, 5_000_000), (2, 5_000_001), (3, 5_999_999), (4, 6_000_000), (5, 6_000_001)):
        guard.release(Released(size, bytes(32), "note\n"), microseconds)
        ((_, newest),) = read_guards(tmp_path)
        assert newest.size == size  # a killed process loses nothing
    assert len(synced) == 2
    guard.close()
    assert len(synced) == 3


def create(url: str, directory: Path, *, origin: str = ORIGIN) -> str:
    rand = Rand("again")
    return create_ledger(url, directory=directory, origin=origin, name="n", now=START, rand=rand, master=MASTER)


def test_a_second_ledger_is_refused(shop: Stall, tmp_path: Path) -> None:
    with pytest.raises(Refused, match="guard files of another ledger"):
        create(shop.url, shop.directory)
    with pytest.raises(Refused, match="there is a ledger in this database"):
        create(shop.url, tmp_path / "elsewhere")


def test_opening_what_is_not_there(empty_url: str, tmp_path: Path) -> None:
    def opened(*, read_only: bool = False) -> None:
        open_ledger(empty_url, directory=tmp_path, master=MASTER, clock=Clock(), read_only=read_only).close()

    with pytest.raises(Unavailable, match="there is no ledger"):
        opened()
    with pytest.raises(Malformed):
        create(empty_url, tmp_path, origin="not a name")
    create(empty_url, tmp_path)
    opened()
    opened(read_only=True)


@pytest.mark.parametrize(
    "url", ["nonsense", "mysql://localhost/x", "sqlite://", "sqlite:///:memory:", "sqlite:////nowhere/at/all.sqlite3"]
)
def test_addresses_that_are_no_database(url: str, tmp_path: Path) -> None:
    with pytest.raises(Unavailable):
        open_ledger(url, directory=tmp_path, master=MASTER, clock=Clock())


def test_a_database_that_cannot_be_reached(tmp_path: Path) -> None:
    url = f"postgresql://nobody@/nothing?host={tmp_path}"
    with pytest.raises(Unavailable, match="cannot open the ledger"):
        open_ledger(url, directory=tmp_path, master=MASTER, clock=Clock())
    with pytest.raises(Unavailable, match="cannot create the ledger"):
        create(url, tmp_path)


def test_commits_wait_for_the_disk_whatever_the_server_says(database_url: str, tmp_path: Path) -> None:
    name = make_url(database_url).database
    if database_url.startswith("postgresql"):
        with psycopg.connect(database_url.replace("+psycopg", ""), autocommit=True) as connection:
            connection.execute(f'ALTER DATABASE "{name}" SET synchronous_commit = off'.encode())
    create(database_url, tmp_path)
    ledger = open_ledger(database_url, directory=tmp_path, master=MASTER, clock=Clock())
    try:
        for opened in (ledger.writing(), ledger.reading()):
            with opened as connection:
                if ledger.is_sqlite:
                    asked = ("journal_mode", "synchronous", "secure_delete")
                    found = [connection.gather(ask(f"PRAGMA {one}"))[0][0][0] for one in asked]
                    assert found == ["wal", 2, 1]  # 2 is FULL (sqlite.org/pragma.html#pragma_synchronous)
                else:
                    assert connection.gather(ask("SHOW synchronous_commit"))[0] == [("on",)]
    finally:
        ledger.close()


def test_another_master_key_signs_nothing(shop: Stall) -> None:
    shop.ledger.close()
    shop.ledger = open_ledger(shop.url, directory=shop.directory, master=MasterKey(bytes(32)), clock=shop.clock)
    with pytest.raises(Unavailable, match="does not open this ledger's keys"):
        shop.ledger.writer.seal(force=True)
    assert shop.ledger.reader.history(urn("a")) is not None
    assert shop.ledger.writer.locked is None
    shop.ledger.writer.open_keys()
    assert shop.ledger.writer.locked == "the master key does not open this ledger's keys"


def test_keys_that_did_not_open_at_the_start_may_open_later(shop: Stall, monkeypatch: pytest.MonkeyPatch) -> None:
    """A key service was away; a disk did not answer. Nobody has to start the service again."""
    kept = MasterKey.unwrap
    for why in (Unavailable("the key service cannot be reached"), sqlite3.OperationalError("disk I/O error")):
        shop.ledger.close()
        shop.ledger = open_ledger(shop.url, directory=shop.directory, master=MASTER, clock=shop.clock)

        def away(*_: object, why: Exception = why) -> bytes:
            raise why

        monkeypatch.setattr(MasterKey, "unwrap", away)
        shop.ledger.writer.open_keys()
        assert shop.ledger.writer.locked == str(why)
        monkeypatch.setattr(MasterKey, "unwrap", kept)
        assert shop.ledger.writer.seal(force=True)
        assert shop.ledger.writer.locked is None
