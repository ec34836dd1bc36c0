"""Statements that travel: printed for a key that is kept elsewhere to sign (`patina sign`), and taken back signed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from api.cli import folder, terminal
from ledger.db.ledger import Ledger
from ledger.errors import Invalid


def print_to_sign(value: dict[str, Any], directory: Path) -> None:
    """Print a statement and its signatures so far, and how to go on."""
    terminal.answer(value)
    terminal.remark("save this as to-sign.json; then, where the key is kept:")
    terminal.remark("  patina sign to-sign.json --key FILE > signed.json")
    terminal.remark(f"and here:\n  patina key add --signed signed.json --dir {directory}")


def take(ledger: Ledger, path: Path) -> dict[str, Any]:
    """Say the ``key.added`` of a file; return its party and key. Raises `Invalid`, or why the ledger refuses it."""
    value, signatures = folder.read_signed(path)
    if value.get("type") != "key.added":
        raise Invalid(f"got a statement of type {str(value.get('type'))[:40]!r} in {path}, want key.added")
    new = value.get("details", {}).get("key")
    # The key that is added stands last, whoever signed first (format.md §3).
    draft = folder.check_signed(value, sorted(signatures, key=lambda one: one.key == new))
    (accepted,) = folder.say(ledger, draft)
    return {"party": value["subjects"][0].partition("#")[0], "key": new, "index": accepted.index}
