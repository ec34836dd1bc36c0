"""``patina backup``: a consistent copy of a ledger in use, without the keys to private members, and the keys apart."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from api.cli import folder, terminal
from ledger.db.backup import back_up
from ledger.db.keyfile import NAME


def main(argv: Sequence[str]) -> int:
    """Back up; 0."""
    words = terminal.parser(
        "backup",
        "Copy a ledger while it is in use. The copy has private members and no key to them; the keys go into a small\n"
        f"file, {NAME} beside it, which is overwritten each time and by every erasure that can reach it: keep\n"
        "copies of the backup, and of the keys none but the newest. On PostgreSQL only the keys file is written.",
        "patina backup /mnt/backup --dir var",
    )
    words.add_argument("target", type=Path, metavar="FILE|FOLDER", help="a new file, or a folder that is there")
    words.add_argument("--keys", type=Path, metavar="FILE", help=f"the keys file (default: {NAME} beside the backup)")
    terminal.add_folder(words)
    terminal.add_json(words)
    folder.add_clock(words)
    given = words.parse_args(argv)
    with folder.opened(given.dir, given) as ledger, terminal.progress("copying", None):
        path, size = back_up(ledger, given.target, given.keys), ledger.reader.size()
    if given.json:
        terminal.answer({"backup": None if path is None else str(path), "size": size})
    elif path is None:
        print("the keys file is written; pg_dump makes the rest (docs/privacy.md)")
    else:
        print(f"{path}: {size} leaves")
    return 0
