"""A database with this version's tables and nothing in them, copied: the migrations run once a process, and kind of it.

It is what a founding leaves that was stopped after its migrations, so ``create_ledger`` goes on from there, as it would
by itself. That migrations make these tables is shown where databases are really empty (`empty_url`).
"""

from __future__ import annotations

from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

from sqlalchemy import make_url

from ledger.db import migrate
from ledger.db.engine import open_engine


def migrated(url: str) -> None:
    """Have the migrations run on an empty database."""
    engine = open_engine(url, must_exist=False)
    migrate.upgrade(engine)
    engine.dispose()


@cache
def _file() -> bytes:
    with TemporaryDirectory() as folder:
        path = Path(folder) / "tables.sqlite3"
        migrated(f"sqlite:///{path}")
        return path.read_bytes()


def put_tables(url: str) -> None:
    """Lay a SQLite file with the tables where there is none yet; in PostgreSQL they are from `postgres_url`."""
    path = Path(make_url(url).database or "")
    if not url.startswith("sqlite") or path.exists():
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch(0o600)  # as a founding does
    path.write_bytes(_file())
