"""``patina master rotate``: another master key, under which every wrapped key is wrapped again; no entry is touched."""

from __future__ import annotations

import os
from collections.abc import Sequence

from api.cli import folder, terminal
from ledger.db import master


def main(argv: Sequence[str]) -> int:
    """Rotate the master key; 0."""
    words = terminal.parser(
        "master",
        "Change the master key. Without further words a new one takes the place of the folder's master.key; with\n"
        "PATINA_NEW_MASTER_KEY, PATINA_NEW_MASTER_KEY_FILE or PATINA_NEW_KEY_SERVICE that is the new one, and every\n"
        "other command then wants it without NEW_. Stop the server first. May be killed and run again.",
        "patina master rotate --dir var",
    )
    words.add_argument("verb", choices=("rotate",), help="the one thing to do with a master key")
    terminal.add_folder(words)
    terminal.add_json(words)
    folder.add_clock(words)
    given = words.parse_args(argv)
    with folder.opened(given.dir, given) as ledger:
        count, own = master.rotate(ledger, os.environ)
    if given.json:
        terminal.answer({"wrapped": count, "in_folder": own})
        return 0
    print(f"{count} keys are wrapped by the new master key")
    if not own:
        print("every other command wants it now: set the variables without NEW_")
    return 0
