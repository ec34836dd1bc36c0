"""The schema that the migrations make is the one that the tables describe, on both databases, and leaves stay."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Engine, text
from sqlalchemy.exc import DatabaseError

from ledger.db import migrate, outbox_tables, private_tables, tablet_keys, worktables
from ledger.db.connect import session
from ledger.db.engine import WRITE, open_engine
from ledger.db.session import ask, fetch
from ledger.errors import Unavailable
from ledger.state import Case, State, dump


@pytest.fixture
def engine(empty_url: str) -> Iterator[Engine]:
    engine = open_engine(empty_url, must_exist=False)
    yield engine
    engine.dispose()


def test_tables_and_migrations_agree(engine: Engine) -> None:
    assert migrate.current(engine) is None
    with pytest.raises(Unavailable, match="no ledger"):
        migrate.check(engine)
    assert migrate.upgrade(engine) == migrate.NEWEST == migrate.upgrade(engine)
    migrate.check(engine)
    with engine.connect() as connection:
        # On SQLite the text index is an FTS5 table, which Alembic takes for several plain ones.
        names = {"include_object": lambda _, name, *__: not str(name).startswith("item_text")}
        options = names if connection.dialect.name == "sqlite" else {}
        assert compare_metadata(MigrationContext.configure(connection, opts=options), worktables.metadata) == []
        others = (outbox_tables, private_tables, tablet_keys)
        assert all(one.metadata is worktables.metadata for one in others)


def test_a_schema_of_a_later_program_is_told_apart_from_an_old_one(engine: Engine) -> None:
    migrate.upgrade(engine)
    for version, told in (("9999", "a later Patina made it"), ("0001", "run patina migrate")):
        with engine.begin() as connection:
            connection.execute(text(f"UPDATE alembic_version SET version_num = '{version}'"))
        with pytest.raises(Unavailable, match=told):
            migrate.check(engine)
        # The tables of 0001 are there already, so its next step cannot make them.
        with pytest.raises(Unavailable, match=r"later Patina|nothing was changed"):
            migrate.upgrade(engine)
        assert migrate.current(engine) == version


def test_items_that_were_registered_before_are_found_by_their_words(engine: Engine) -> None:
    with engine.connect().execution_options(**{WRITE: True}) as connection, connection.begin():
        config = Config()
        config.set_main_option("script_location", str(Path(__file__).parents[1] / "migrations"))
        config.attributes["connection"] = connection
        command.upgrade(config, "0008")
        values = (
            "7, 'urn:x', 'Gold 戒指', 'jewellery', NULL, 'R-1', 'in_use', 'p', 0, '2026-01-01T00:00:00.000Z', 'gold'"
        )
        connection.execute(text(f"INSERT INTO item VALUES ({values})"))
    migrate.upgrade(engine)
    with session(engine) as opened:
        opened.begin(write=False)
        for words, found in ((("戒指", "gold"), [(7,)]), (("r", "1"), [(7,)]), (("silver",), [])):
            condition, asked = opened.having(words)
            assert fetch(opened, ask(f"SELECT t.rowid FROM item_text t WHERE {condition}", *asked)) == found


def test_newest_is_the_last_of_the_versions() -> None:
    versions = sorted((Path(__file__).parents[1] / "migrations" / "versions").glob("[0-9]*.py"))
    assert versions[-1].name.split("_")[0] == migrate.NEWEST


def test_another_schema_is_refused(engine: Engine) -> None:
    migrate.upgrade(engine)
    with engine.begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    with pytest.raises(Unavailable, match="got a database of schema 9999, want"):
        migrate.check(engine)


@pytest.fixture
def filled(engine: Engine) -> Engine:
    migrate.upgrade(engine)
    with engine.begin() as connection:
        connection.execute(text("INSERT INTO leaf (idx, bytes) VALUES (0, :raw)"), {"raw": b"first"})
        connection.execute(text("INSERT INTO leaf (idx, bytes) VALUES (1, :raw)"), {"raw": b"second"})
        connection.execute(text("INSERT INTO checkpoint (size, note) VALUES (2, 'note')"))
    return engine


BOTH = [
    "UPDATE leaf SET bytes = 'x' WHERE idx = 0",
    "UPDATE leaf SET idx = 7 WHERE idx = 1",
    "DELETE FROM leaf WHERE idx = 1",
    "INSERT INTO leaf (idx, bytes) VALUES (1, 'x')",
    "INSERT INTO leaf (idx, bytes) VALUES (3, 'x')",
    "INSERT INTO leaf (idx, bytes) VALUES (-1, 'x')",
    "INSERT INTO leaf (idx, bytes) VALUES (1, 'x') ON CONFLICT (idx) DO UPDATE SET bytes = excluded.bytes",
    "UPDATE checkpoint SET note = 'x'",
    "DELETE FROM checkpoint",
    "INSERT INTO checkpoint (size, note) VALUES (2, 'x')",
]
SQLITE = [
    "INSERT OR REPLACE INTO leaf (idx, bytes) VALUES (0, x'78')",
    "REPLACE INTO leaf (idx, bytes) VALUES (1, x'78')",
    "INSERT OR IGNORE INTO leaf (idx, bytes) VALUES (1, x'78')",
    "UPDATE OR REPLACE leaf SET idx = 0 WHERE idx = 1",
    "INSERT OR REPLACE INTO checkpoint (size, note) VALUES (2, 'x')",
]
POSTGRESQL = [
    "TRUNCATE leaf",
    "TRUNCATE checkpoint CASCADE",
    "MERGE INTO leaf USING (SELECT 0 AS idx) AS s ON leaf.idx = s.idx WHEN MATCHED THEN DELETE",
]


@pytest.mark.parametrize("attempt", BOTH + SQLITE + POSTGRESQL)
def test_a_leaf_cannot_be_changed(filled: Engine, attempt: str) -> None:
    name = filled.dialect.name
    if attempt in (POSTGRESQL if name == "sqlite" else SQLITE):
        pytest.skip(f"{name} does not have this statement")
    if name == "sqlite":
        attempt = attempt.replace("'x'", "x'78'") if "leaf" in attempt else attempt  # strict tables
    with pytest.raises(DatabaseError, match=r"append-only|duplicate key"), filled.begin() as connection:
        connection.exec_driver_sql(attempt)
    with filled.connect() as connection:
        assert [bytes(row.bytes) for row in connection.execute(text("SELECT bytes FROM leaf ORDER BY idx"))] == [
            b"first",
            b"second",
        ]
        assert connection.execute(text("SELECT note FROM checkpoint")).scalars().all() == ["note"]


def test_api_keys_of_the_first_schema_stay_in_force(engine: Engine) -> None:
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parents[1] / "migrations"))
    with engine.connect().execution_options(**{WRITE: True}) as connection, connection.begin():
        config.attributes["connection"] = connection
        command.upgrade(config, "0001")
        columns = "id, hash, party, scopes, label, created_at, revoked_at"
        values = "'a', :hash, 'p', 'read', 'till', '2026-01-01T00:00:00.000Z', NULL"
        connection.execute(text(f"INSERT INTO api_key ({columns}) VALUES ({values})"), {"hash": b"h"})
    reached: list[None] = []
    assert migrate.upgrade(engine, lambda: reached.append(None)) == migrate.NEWEST
    assert len(reached) == len(list((Path(__file__).parents[1] / "migrations" / "versions").glob("0*.py"))) - 1
    with engine.connect() as connection:
        (row,) = connection.execute(text("SELECT * FROM api_key")).all()
    assert (row.id, row.label, row.revoked_at, row.expires_at, row.last_used_at) == ("a", "till", None, None, None)


def test_cases_that_were_opened_before_are_found(engine: Engine) -> None:
    scripts = ScriptDirectory(str(Path(__file__).parents[1] / "migrations"))
    cases = [f"urn:uuid:00000000-0000-7000-8000-00000000000{number}" for number in range(2)]
    state = State("item", "", "", cases={case: Case(1, "") for case in cases})
    with engine.connect().execution_options(**{WRITE: True}) as connection, connection.begin():
        config = Config()
        config.set_main_option("script_location", scripts.dir)
        config.attributes["connection"] = connection
        command.upgrade(config, f"{scripts.get_revision('0008').down_revision}")
        insert = (
            'INSERT INTO subject ("key", sid, "count", last, last_hash, state) VALUES (:key, :sid, 1, 1, :key, :state)'
        )
        none = State("party", "", "")
        for sid, one in enumerate((none, state, none)):
            connection.execute(text(insert), {"key": bytes([sid]) * 32, "sid": sid, "state": dump(one)})
    migrate.upgrade(engine)
    with engine.connect() as connection:
        rows = connection.execute(text('SELECT "case", sid FROM case_subject ORDER BY "case"')).all()
    assert [(bytes(case)[-1], sid) for case, sid in rows] == [(0, 1), (1, 1)]


def test_a_subject_of_before_keeps_its_number_its_place_and_its_state(engine: Engine) -> None:
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parents[1] / "migrations"))
    columns = ("key", "sid", "count", "last", "last_hash", "state")
    before = [
        (bytes([9 - sid]) * 32, sid, 1 + sid, 10 * sid, bytes([sid]) * 32, f"state {sid}".encode()) for sid in range(5)
    ]
    with engine.connect().execution_options(**{WRITE: True}) as connection, connection.begin():
        config.attributes["connection"] = connection
        command.upgrade(config, "0022")
        names, values = ", ".join(f'"{name}"' for name in columns), ", ".join(f":{name}" for name in columns)
        insert = text(f"INSERT INTO subject ({names}) VALUES ({values})")
        connection.execute(insert, [dict(zip(columns, row, strict=True)) for row in before])
    migrate.upgrade(engine)
    both = "subject u JOIN subject_state s ON s.sid = u.sid ORDER BY u.sid"
    with engine.connect() as connection:
        columns_of = 'u."key", u.sid, u."count", s.last, u.last_hash, s.state'
        rows = connection.execute(text(f"SELECT {columns_of} FROM {both}")).all()
        assert connection.execute(text("SELECT count(*) FROM subject_state")).scalar() == len(before)
    assert [tuple(bytes(one) if isinstance(one, memoryview) else one for one in row) for row in rows] == before
