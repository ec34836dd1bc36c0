r"""Inclusion proofs as text: C2SP tlog-proof (c2sp.org/tlog-proof), which a receipt holds and a file may be.

>>> proof = parse_proof("c2sp.org/tlog-proof@v1\nindex 0\n\nledger.example/main\n…")
>>> proof.index, proof.hashes, proof.checkpoint.split("\n")[0]
(0, (), 'ledger.example/main')

Nothing here is verified: `checkpoint.check_checkpoint` reads the note, then `merkle.check_inclusion` the hashes.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from ledger.errors import Malformed
from ledger.merkle import HASH_SIZE, MAX_PROOF
from ledger.note import MAX_DECIMAL, MAX_NOTE, format_base64, parse_base64, parse_decimal

MAX_TEXT = MAX_NOTE + 8192
"""Bytes: the note, 63 hashes of 45 bytes, and room for the line `extra`."""

_HEADER = "c2sp.org/tlog-proof@v1"
_BASE64_LINE = re.compile(r"[A-Za-z0-9+/=]+")


@dataclass(frozen=True, slots=True)
class TlogProof:
    """Leaf `index` under the checkpoint note, as claimed; `hashes` go from the leaf's sibling up.

    `extra` is what an application put beside it: nothing signs it, so nothing may rest on it.
    """

    index: int
    hashes: tuple[bytes, ...]
    checkpoint: str
    extra: bytes | None = None


def parse_proof(raw: bytes | str) -> TlogProof:
    """The parts of a tlog-proof text; raises `Malformed`. The checkpoint is taken verbatim."""
    lines, checkpoint = _split(raw)
    if lines.pop(0) != _HEADER:
        raise Malformed(f"got a proof without its first line, want {_HEADER}")
    extra = None
    if lines and lines[0].startswith("extra "):
        extra = _base64(lines.pop(0).removeprefix("extra "))
    if not lines or not lines[0].startswith("index "):
        raise Malformed("got a proof without its line 'index'")
    index = parse_decimal(lines.pop(0).removeprefix("index "))
    if len(lines) > MAX_PROOF:
        raise Malformed(f"got a proof of {len(lines)} hashes, want at most {MAX_PROOF}")
    hashes = tuple(map(_base64, lines))
    for digest in hashes:
        if len(digest) != HASH_SIZE:
            raise Malformed(f"got a hash of {len(digest)} bytes in a proof, want {HASH_SIZE}")
    return TlogProof(index, hashes, checkpoint, extra)


def format_proof(proof: TlogProof) -> str:
    """The text of a proof, which `parse_proof` reads; raises `Malformed` where it would not."""
    if not 0 <= proof.index <= MAX_DECIMAL:
        raise Malformed(f"got index {proof.index}, want 0 to {MAX_DECIMAL}")
    if len(proof.hashes) > MAX_PROOF or any(len(digest) != HASH_SIZE for digest in proof.hashes):
        raise Malformed(f"want at most {MAX_PROOF} hashes of {HASH_SIZE} bytes in a proof")
    if proof.extra == b"" or not proof.checkpoint:
        raise Malformed("got an empty part, want a checkpoint, and an extra left out or of at least one byte")
    lines = [_HEADER]
    if proof.extra is not None:
        lines.append(f"extra {format_base64(proof.extra)}")
    lines.append(f"index {proof.index}")
    lines += map(format_base64, proof.hashes)
    text = "\n".join(lines) + "\n\n" + proof.checkpoint
    # Reading it again would say the same, but every receipt is written here.
    if len(text) > MAX_TEXT:
        raise Malformed(f"got a proof of {len(text)} bytes, want at most {MAX_TEXT}")
    return text


def _split(raw: bytes | str) -> tuple[list[str], str]:
    """The lines before the first empty line, and the checkpoint after it; bounded before work."""
    if len(raw) > MAX_TEXT:
        raise Malformed(f"got a proof of {len(raw)} bytes, want at most {MAX_TEXT}")
    try:
        text = (raw.encode() if isinstance(raw, str) else raw).decode()
    except UnicodeError:
        raise Malformed("got a proof that is not UTF-8") from None
    head, _, checkpoint = text.partition("\n\n")
    if not checkpoint:
        raise Malformed("got a proof without an empty line and a checkpoint after it")
    return head.split("\n"), checkpoint


def _base64(text: str) -> bytes:
    """The bytes of a line that may not be empty; raises `Malformed`."""
    if not _BASE64_LINE.fullmatch(text):
        raise Malformed(f"got the line {text[:100]!r} in a proof, want base64")
    return parse_base64(text)
