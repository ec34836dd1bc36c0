"""A ``key.added`` that travels: printed for a key that is kept elsewhere to sign (`patina sign`), and taken back.

Only that type is taken, because to what comes back the signature of a key in custody is added, the operator's at that.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from msgspec.structs import replace

from api.cli import folder, terminal
from api.signing_keys import Clerk
from ledger import dsse, leaf
from ledger.db.ledger import Ledger
from ledger.errors import Invalid
from ledger.leaf import Signature, Statement


def print_to_sign(value: dict[str, Any], directory: Path, verb: str = "add") -> None:
    """Print a statement, and how to go on."""
    terminal.answer(value)
    terminal.remark("save this as to-sign.json; then, where the key is kept (a key in force first, the new one last):")
    terminal.remark("  patina sign to-sign.json --key FILE > signed.json")
    terminal.remark(f"and here:\n  patina key {verb} --signed signed.json --dir {directory}")


def take(ledger: Ledger, path: Path) -> dict[str, Any]:
    """Say the ``key.added`` of a file; return its party and key. Raises `Invalid`, or why the ledger refuses it."""
    value, statement, signatures = _read(path)
    new, kept = statement.details["key"], ledger.access.party_signer(statement.party)
    if all(one.key != new for one in signatures):
        raise Invalid(f"got no signature in {path} by the key that it adds: patina sign makes it")
    if kept is not None and all(one.key != kept.did for one in signatures):
        signatures = [Signature(**dsse.sign_statement(leaf.statement_bytes(statement), kept)), *signatures]
    # The key that is added stands last, whoever signed first (format.md §3).
    draft = folder.check_signed(value, sorted(signatures, key=lambda one: one.key == new))
    (accepted,) = folder.say(ledger, draft)
    return {"party": statement.subjects[0].partition("#")[0], "key": new, "index": accepted.index}


def hand_over(ledger: Ledger, clerk: Clerk, path: Path) -> tuple[str, str, list[str]]:
    """Say the ``key.added`` of a file and the end of the keys that vouched for it: the party, the new key, the old."""
    _, statement, signatures = _read(path)
    body = leaf.statement_bytes(statement)
    for signature in signatures:
        dsse.check_signature(signature.key, body, signature.sig)
    old, drafts = clerk.handed_over(statement, signatures)
    folder.say(ledger, *(replace(draft, verified=True) for draft in drafts))
    return statement.party, statement.details["key"], old


def _read(path: Path) -> tuple[dict[str, Any], Statement, list[Signature]]:
    value, signatures = folder.read_signed(path)
    if value.get("type") != "key.added":
        raise Invalid(f"got a statement of type {str(value.get('type'))[:40]!r} in {path}, want key.added")
    statement = leaf.statement_from(value)
    leaf.check_details(statement)
    return value, statement, signatures
