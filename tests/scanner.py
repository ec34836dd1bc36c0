"""Looking for bytes where a ledger keeps anything: database, WAL, spools and blobs of a folder, files of PostgreSQL."""

from __future__ import annotations

from base64 import b64encode
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


def spellings(text: str) -> list[bytes]:
    """How a text might lie in a file: in small letters, in UTF-16, in hex, and inside something in base64.

    In base64 it has three forms, by where it begins; of each what stands around it leaves the middle alone.
    """
    raw = text.encode()
    places = ((0, 0), (1, 2), (2, 3))
    inside = (b64encode(b"\0" * before + raw)[start : 8 * (before + len(raw)) // 6] for before, start in places)
    found = [text.lower().encode(), text.lower().encode("utf-16-le"), raw.hex().encode(), *inside]
    assert all(len(one) >= 6 for one in found), "a spelling that is found anywhere"
    return [*found, *(one.translate(_URLSAFE) for one in found[3:])]


def find_spelt(ledger: Ledger, texts: Iterable[str]) -> list[tuple[str, str]]:
    """Where any of these texts is found in any of its spellings, as (file, text)."""
    wanted = [(text, one) for text in texts for one in spellings(text)]
    files = ((name, raw + raw.lower()) for name, raw in stored(ledger))
    return [(name, text) for name, raw in files for text, one in wanted if one in raw]


_URLSAFE = bytes.maketrans(b"+/", b"-_")
