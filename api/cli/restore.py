"""``patina restore``: a backup in the ledger's place, its log brought forward, and what was erased destroyed again."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from api import erasing
from api.cli import folder, terminal
from ledger.db import restore as restoring
from ledger.db.engine import is_sqlite, parse_url
from ledger.db.keyfile import read_keys
from ledger.db.ledger import Ledger
from ledger.db.restore import Restored, Sources
from ledger.errors import Invalid


def main(argv: Sequence[str]) -> int:
    """Restore; 0."""
    words = terminal.parser(
        "restore",
        "Put a backup in the ledger's place. The leaves that it lacks come from the present database if that can be\n"
        "read, or from --log, a newer copy of the log: a SQLite file, or a folder with checkpoint and tiles. What was\n"
        "erased since is destroyed again. Where a second history would begin, nothing is changed. On PostgreSQL use\n"
        "pg_restore first, and this without BACKUP.",
        "patina restore /mnt/backup/ledger-4711.sqlite3 --dir var",
    )
    words.add_argument("backup", type=Path, nargs="?", metavar="BACKUP", help="a file that patina backup wrote")
    words.add_argument("--keys", type=Path, metavar="FILE", help="keys file (default: the present database, or beside)")
    words.add_argument("--log", type=Path, metavar="PATH", help="a newer copy of the log")
    terminal.add_folder(words)
    terminal.add_json(words)
    folder.add_clock(words)
    given = words.parse_args(argv)
    url = parse_url(folder.database_url(given.dir))
    if is_sqlite(url):
        if given.backup is None:
            raise Invalid("got no BACKUP, want a file that patina backup wrote")
        sources = Sources(given.backup, given.keys, given.log)
        database = Path(str(url.database))
        with terminal.progress("restoring", None):
            done = restoring.restore(given.dir, database, sources, folder.master_key(given.dir), _retention)
    else:
        done = _again(given)
    if given.json:
        counts = {"size": done.size, "forward": done.forward, "erased_again": done.erased}
        terminal.answer({**counts, "keys": done.keys})
    else:
        print(f"{done.size} leaves of the backup, {done.forward} more of the newer log; {done.erased} erased again")
    if not done.keys:
        terminal.remark("got no keys file: what is private stays closed, until it is restored again with --keys")
    return 0


def _again(given: argparse.Namespace) -> Restored:
    """What is left to do after ``pg_restore``."""
    if given.backup is not None or given.log is not None:
        raise Invalid("got BACKUP or --log for a PostgreSQL ledger, want pg_restore first and this without them")
    with folder.opened(given.dir, given) as ledger:
        if given.keys is not None:
            restoring.put_keys(ledger, read_keys(given.keys))
        erased = restoring.erase_again(ledger, given.dir, _retention, folder.now_us())
        return Restored(ledger.reader.size(), 0, erased)


def _retention(ledger: Ledger, party: str) -> dict[str, Any]:
    return dict(erasing.retention_of(ledger, party))
