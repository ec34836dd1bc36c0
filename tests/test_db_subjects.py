"""How a subject's rows are asked for; what becomes of rows that do not belong together is in `test_db_open`."""

from __future__ import annotations

from sqlalchemy import text

from ledger.db import migrate
from ledger.db.engine import open_engine
from ledger.db.subjects import SUBJECTS


def test_a_plan_for_an_empty_ledger_is_good_for_a_large_one(database_url: str) -> None:
    """PostgreSQL plans a prepared question once, as a rule while the ledger is young."""
    engine = open_engine(database_url, must_exist=False)
    migrate.upgrade(engine)
    with engine.connect() as connection:
        if engine.dialect.name == "sqlite":
            asked = SUBJECTS.replace("{among}", "(x'00', x'01')")
            plan = [row.detail for row in connection.execute(text(f"EXPLAIN QUERY PLAN {asked}"))]
            assert plan == [
                "SEARCH u USING PRIMARY KEY (key=?)",
                "CORRELATED SCALAR SUBQUERY 1",
                "SEARCH s USING INTEGER PRIMARY KEY (rowid=?)",
            ]
        else:
            asked = SUBJECTS.replace("IN {among}", "= ANY($1)")
            connection.execute(text("SET plan_cache_mode = force_generic_plan"))
            connection.exec_driver_sql(f"PREPARE asked(bytea[]) AS {asked}")
            plan = list(connection.exec_driver_sql("EXPLAIN EXECUTE asked('{}')").scalars())
            assert any("Index Scan using subject_state_pkey" in line for line in plan), plan
            assert not any("Seq Scan on subject_state" in line for line in plan), plan
    engine.dispose()
