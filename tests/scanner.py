"""Looking for bytes where a ledger keeps anything: database, WAL, spools and blobs of a folder, files of PostgreSQL."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path

from ledger.db.ledger import Ledger


def stored(ledger: Ledger) -> Iterator[tuple[str, bytes]]:
    """Every file of the ledger's folder and, on PostgreSQL, every file of its database's tables and indexes."""
    for path in sorted(ledger.directory.rglob("*")):
        if path.is_file():
            yield str(path.relative_to(ledger.directory)), path.read_bytes()
    if ledger.is_sqlite:
        return
    with ledger._engine.connect() as connection:
        connection.exec_driver_sql("COMMIT")
        connection.exec_driver_sql("CHECKPOINT")
        root = Path(str(connection.exec_driver_sql("SHOW data_directory").scalar()))
        oid = connection.exec_driver_sql("SELECT oid FROM pg_database WHERE datname = current_database()").scalar()
    for path in sorted((root / "base" / str(oid)).iterdir()):
        with suppress(FileNotFoundError):  # the database drops files of its own (relation cache, merged segments)
            yield f"postgresql {path.name}", path.read_bytes()


def find(ledger: Ledger, needles: Iterable[str | bytes]) -> list[tuple[str, str]]:
    """Where any of these is found, as (file, needle)."""
    wanted = [one.encode() if isinstance(one, str) else one for one in needles]
    assert all(len(one) >= 4 for one in wanted), "a needle that is found anywhere"
    return [(name, one.hex()) for name, raw in stored(ledger) for one in wanted if one in raw]
