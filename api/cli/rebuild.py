"""``patina rebuild``: makes the read models again from the log: the text index, searches, work lists."""

from __future__ import annotations

import time
from collections.abc import Sequence

from api.cli import folder, terminal
from ledger.db.rebuild import rebuild


def main(argv: Sequence[str]) -> int:
    """Rebuild, and say what there is now; 0."""
    words = terminal.parser(
        "rebuild",
        "Make again, from the log, what searches and work lists read. No proof rests on any of it. Readers "
        "see the old rows until the new ones are whole; appends wait.",
        "patina rebuild --dir var",
    )
    terminal.add_folder(words)
    terminal.add_json(words)
    given = words.parse_args(argv)
    begin = time.monotonic()
    with folder.opened(given.dir) as ledger:
        statements = ledger.view.tip.head.statements
        with terminal.progress("rebuilding", 2 * ledger.reader.size()) as advance:
            found = rebuild(ledger, advance)
    seconds = time.monotonic() - begin
    rate = round(statements / seconds)
    if given.json:
        counts = {"statements": statements, "items": found.items, "rows": found.rows}
        terminal.answer({**counts, "seconds": round(seconds, 3), "statements_per_second": rate})
    else:
        print(
            f"made again from {statements:,} statements: {found.items:,} items, {found.rows:,} rows of work lists "
            f"({seconds:.1f} s, {rate:,} statements a second)"
        )
    return 0
