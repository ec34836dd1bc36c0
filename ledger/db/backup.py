"""Backups of a ledger while it is in use: a copy without the keys to private members and files, and the keys apart.

SQLite's backup API copies from one snapshot while others write. From the copy ``epoch``, ``seal_key`` and ``file_key``
are removed, and the file is packed so that no page remembers them; they go into the keys file (``keyfile``). So is
``find_private``, which goes nowhere: what telephone numbers could be tried out on is made again by a restore
(``findagain``). Nor are reports with costs in it, ``report_costed``, which can be asked for again. Of a PostgreSQL
ledger only the keys file is written here: ``pg_dump`` with ``--exclude-table-data`` for each of the five makes the rest
(docs/privacy.md).
"""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

from ledger.db.engine import PAGE_BYTES, parse_url
from ledger.db.keyfile import NAME, Rows, clear_rows, note_file, sync_folder, take_rows, write_keys
from ledger.db.ledger import Ledger
from ledger.db.reason import reason
from ledger.errors import Refused, Unavailable


def back_up(ledger: Ledger, target: Path, keys: Path | None = None) -> Path | None:
    """Write a backup to ``target``, a new file or a folder, and the keys file; return the backup's path.

    Without ``keys`` the keys file is ``keys.sqlite3`` beside it. For a PostgreSQL ledger only the keys file is written,
    and ``None`` returned. Raises ``Refused`` for a file that exists.
    """
    folder = target if target.is_dir() else target.parent
    path = target / f"ledger-{ledger.reader.size()}.sqlite3" if target.is_dir() else target
    keys = keys or folder / NAME
    if not folder.is_dir():
        raise Refused(f"got {target}, whose folder is not there")
    if not ledger.is_sqlite:
        write_keys(keys, ledger.epochs.rows())
        note_file(ledger.directory, keys)
        return None
    if path.exists() and not target.is_dir():
        raise Refused(f"got {path}, which exists: a backup overwrites nothing")
    part = path.with_name(path.name + ".part")
    part.unlink(missing_ok=True)
    rows = _copy(Path(str(parse_url(ledger.url).database)), part)
    write_keys(keys, rows)
    note_file(ledger.directory, keys)
    part.replace(path)
    sync_folder(folder)
    return path


def _copy(source: Path, part: Path) -> Rows:
    """Copy a SQLite file and take the keys out of the copy; return them."""
    try:
        part.touch(0o600)
        with closing(sqlite3.connect(source)) as live, closing(sqlite3.connect(part, isolation_level=None)) as copy:
            # All pages in one step: of one snapshot, whoever writes meanwhile.
            live.backup(copy)
            copy.execute("PRAGMA journal_mode=DELETE")
            copy.execute("PRAGMA secure_delete=ON")
            keys = take_rows(copy)
            copy.execute("BEGIN")
            clear_rows(copy)
            copy.execute("DELETE FROM find_private")
            copy.execute("DELETE FROM report_costed")
            copy.execute("COMMIT")
            copy.execute(f"PRAGMA page_size={PAGE_BYTES}")
            copy.execute("VACUUM")
            found = copy.execute("PRAGMA quick_check").fetchone()[0]
            if found != "ok":
                raise Unavailable(f"the copy is damaged, and so is perhaps the ledger: {found[:80]}")
            return keys
    except sqlite3.Error as error:
        raise Unavailable(f"cannot copy the ledger: {reason(error)}") from error
