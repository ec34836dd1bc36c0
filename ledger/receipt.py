r"""Receipts: proof that one entry, with these bytes and so signed, stands in the log (format.md §7).

    {"id": "urn:uuid:…", "index": 16, "entry": "<exact bytes>", "proof": "c2sp.org/tlog-proof@v1\nindex 16\n…"}

A receipt does not say whose key it was that signed: that is proved by a history.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import msgspec
from msgspec import Struct

from ledger import canonical, leaf, merkle
from ledger.checkpoint import Checkpoint, check_checkpoint
from ledger.errors import Disproved, Invalid, Malformed
from ledger.leaf import Entry
from ledger.note import VKey
from ledger.proof import TlogProof, format_proof, parse_proof
from ledger.replay import check_signatures

MAX_RECEIPT = 262_144
"""Bytes: a leaf whose every character is escaped, and a note of 64 KiB."""


class Receipt(Struct, frozen=True, forbid_unknown_fields=True):
    """The members of a receipt, as strings."""

    id: str
    index: int
    entry: str
    proof: str


@dataclass(frozen=True, slots=True)
class VerifiedReceipt:
    """What a receipt proved: this entry, with this leaf hash, stands in the tree of this checkpoint."""

    entry: Entry
    leaf_hash: bytes
    checkpoint: Checkpoint


def format_receipt(entry: bytes, index: int, statement_id: str, hashes: Sequence[bytes], checkpoint: str) -> bytes:
    """The JSON of a receipt; ``hashes`` is the inclusion proof to the tree that the checkpoint note signs."""
    proof = format_proof(TlogProof(index=index, hashes=tuple(hashes), checkpoint=checkpoint))
    return msgspec.json.encode(Receipt(statement_id, index, entry.decode(), proof))


def parse_receipt(raw: bytes) -> Receipt:
    """The receipt that this JSON is; raises ``Malformed``."""
    if len(raw) > MAX_RECEIPT:
        raise Malformed(f"got a receipt of {len(raw)} bytes, want at most {MAX_RECEIPT}")
    try:
        return msgspec.convert(canonical.decode_body(raw), Receipt)
    except msgspec.ValidationError as error:
        raise Malformed(f"got no receipt: {error}") from None


def check_receipt(receipt: Receipt, vkeys: Sequence[VKey]) -> VerifiedReceipt:
    """What the receipt proves to a reader who pinned these vkeys, all named like the log's origin.

    (1) the checkpoint is signed by a pinned key; (5) the entry is included at the index; (7) it is canonical and the
    outer ``id`` and ``index`` are its own; (8) its signatures verify, whoever's they are.
    Raises ``Disproved`` with that number, or ``Unknown`` for an entry of a later version.
    """
    try:
        proof = parse_proof(receipt.proof)
        checkpoint = check_checkpoint(proof.checkpoint, vkeys, vkeys[0].name)
    except (Malformed, Invalid, Disproved) as error:
        raise Disproved(error.message, 1, receipt.index) from None
    raw = receipt.entry.encode()
    leaf_hash = merkle.leaf_hash(raw)
    try:
        if proof.index != receipt.index:
            raise Malformed(f"got a proof for index {proof.index}, want {receipt.index}")
        merkle.check_inclusion(receipt.index, checkpoint.size, leaf_hash, proof.hashes, checkpoint.root)
        if receipt.index in {1, checkpoint.size - 1}:
            raise Malformed("got an entry where a seal stands: leaf 1 and the last leaf of a checkpoint")
    except (Malformed, Disproved) as error:
        raise Disproved(error.message, 5, receipt.index) from None
    try:
        entry = leaf.parse_leaf(raw)
    except Malformed as error:
        raise Disproved(error.message, 7, receipt.index) from None
    if not isinstance(entry, Entry) or entry.index != receipt.index or entry.statement.id != receipt.id:
        raise Disproved("the receipt's id and index are not its entry's", 7, receipt.index)
    check_signatures(entry)
    return VerifiedReceipt(entry, leaf_hash, checkpoint)
