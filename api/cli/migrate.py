"""``patina migrate``: brings a ledger's database to this version's tables; leaves are never touched."""

from __future__ import annotations

from collections.abc import Sequence

from api.cli import folder, terminal
from ledger.db import migrate
from ledger.db.engine import open_engine
from ledger.errors import Unavailable


def main(argv: Sequence[str]) -> int:
    """Migrate, and say from what to what; 0."""
    words = terminal.parser(
        "migrate",
        "Bring a ledger's database to this version's tables. Stop its servers and make a backup first.",
        "patina migrate --dir var",
    )
    terminal.add_folder(words)
    terminal.add_json(words)
    given = words.parse_args(argv)
    engine = open_engine(folder.database_url(given.dir))
    try:
        before = migrate.current(engine)
        if before is None:
            raise Unavailable(f"got no ledger in {given.dir}: patina init makes one")
        with terminal.progress("migrating", None) as advance:
            after = migrate.upgrade(engine, advance)
    finally:
        engine.dispose()
    if given.json:
        terminal.answer({"before": before, "after": after})
    else:
        print(f"nothing to do: at {after}" if before == after else f"migrated from {before} to {after}")
    return 0
