"""Checkpoints, the signed heads of a log: C2SP tlog-checkpoint (c2sp.org/tlog-checkpoint@v1.0.0), no extensions.

>>> print(format_checkpoint_text(Checkpoint("ledger.example/main", 0, EMPTY_ROOT)), end="")
ledger.example/main
0
47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=

Extension lines are refused: a witness signs them without vouching for them, and monitors do not see them
(format.md §5).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from ledger.errors import Disproved, Malformed
from ledger.merkle import EMPTY_ROOT, HASH_SIZE
from ledger.note import (
    Note,
    Signer,
    VKey,
    check_note,
    format_base64,
    is_name,
    parse_base64,
    parse_decimal,
    parse_note,
    sign_note,
)


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """The log named `origin` had `size` leaves under the 32 bytes of `root`."""

    origin: str
    size: int
    root: bytes


def parse_checkpoint_text(text: str) -> Checkpoint:
    """The checkpoint that a note's text states; raises `Malformed`, also for extension lines."""
    lines = text.split("\n")
    if len(lines) != 4 or lines[3]:
        raise Malformed(f"got a checkpoint of {len(lines) - 1} lines, want origin, size and root")
    origin, size, root = lines[0], parse_decimal(lines[1]), parse_base64(lines[2])
    if not is_name(origin):
        raise Malformed(f"got the origin {origin[:100]!r}, want no spaces, control characters or '+'")
    if len(root) != HASH_SIZE:
        raise Malformed(f"got a root of {len(root)} bytes, want {HASH_SIZE}")
    if size == 0 and root != EMPTY_ROOT:
        raise Malformed("got a root of no leaves that is not the empty one")
    return Checkpoint(origin, size, root)


def format_checkpoint_text(checkpoint: Checkpoint) -> str:
    """The text of a checkpoint's note; raises `Malformed` where `parse_checkpoint_text` would."""
    text = f"{checkpoint.origin}\n{checkpoint.size}\n{format_base64(checkpoint.root)}\n"
    parse_checkpoint_text(text)
    return text


def sign_checkpoint(checkpoint: Checkpoint, signers: Sequence[Signer]) -> str:
    """The note of a checkpoint with a signature line for each signer, whose keys are named as the origin."""
    for signer in signers:
        if signer.vkey.name != checkpoint.origin:
            raise Malformed(f"got a key named {signer.vkey.name}, want the origin {checkpoint.origin}")
    return sign_note(format_checkpoint_text(checkpoint), signers)


def check_checkpoint(note: Note | bytes | str, vkeys: Iterable[VKey], origin: str) -> Checkpoint:
    """The checkpoint of the log `origin` that at least one of its `vkeys` signed.

    Keys of another name than `origin` are no keys of this log. Raises `Malformed` for what is no checkpoint,
    `Disproved` (check `checkpoint`) for another origin or keys of other logs alone, and what `check_note` raises.
    """
    parsed = note if isinstance(note, Note) else parse_note(note)
    checkpoint = parse_checkpoint_text(parsed.text)
    if checkpoint.origin != origin:
        raise Disproved(f"got a checkpoint of {checkpoint.origin}, want one of {origin}", "checkpoint")
    given = list(vkeys)
    named = [vkey for vkey in given if vkey.name == origin]
    if given and not named:
        others = ", ".join(sorted({vkey.name for vkey in given}))
        raise Disproved(f"got a checkpoint of {origin}, want one of {others}, whose key is known", "checkpoint")
    check_note(parsed, named)
    return checkpoint
