r"""Cosignatures of witnesses on checkpoints: C2SP tlog-cosignature (c2sp.org/tlog-cosignature@v1.0.1), Ed25519.

>>> cosignature_message("log.example\n1\nAAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=\n", 1679315147)
b'cosignature/v1\ntime 1679315147\nlog.example\n1\nAAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=\n'

A cosignature says: as of this time, the largest consistent tree of this origin that I have seen has this root. It
says nothing about the leaves. How many witnesses a reader wants is `trust`'s affair.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from ledger.checkpoint import parse_checkpoint_text
from ledger.errors import Disproved, Malformed
from ledger.note import COSIGNATURE, MAX_DECIMAL, Note, NoteSignature, Signer, VKey, verifies

SIGNATURE_SIZE = 8 + 64
"""Bytes: POSIX seconds as u64 big-endian, then the Ed25519 signature."""


@dataclass(frozen=True, slots=True)
class Cosignature:
    """The witness that has `vkey` vouched for a checkpoint at `time`, in POSIX seconds."""

    vkey: VKey
    time: int


def cosignature_message(text: str, time: int) -> bytes:
    """What a witness signs: the note text of a checkpoint behind two lines of its own."""
    return f"cosignature/v1\ntime {time}\n{text}".encode()


def parse_cosignature(raw: bytes) -> tuple[int, bytes]:
    """(POSIX seconds, Ed25519 signature) of what follows the key id in a signature line; raises `Malformed`."""
    if len(raw) != SIGNATURE_SIZE:
        raise Malformed(f"got a cosignature of {len(raw)} bytes, want {SIGNATURE_SIZE}")
    time = int.from_bytes(raw[:8], "big")
    _check_time(time)
    return time, raw[8:]


def cosign(text: str, witness: Signer, time: int) -> NoteSignature:
    """The signature line of a witness, whose key is of type 0x04, on a checkpoint's text; raises `Malformed`."""
    parse_checkpoint_text(text)
    _check_time(time)
    if witness.vkey.kind != COSIGNATURE:
        raise Malformed(f"got a key of type 0x{witness.vkey.kind:02x} to cosign with, want 0x04")
    signature = time.to_bytes(8, "big") + witness.sign(cosignature_message(text, time))
    return NoteSignature(witness.vkey.name, witness.vkey.key_id, signature)


def check_cosignatures(note: Note, vkeys: Iterable[VKey]) -> tuple[Cosignature, ...]:
    """The cosignatures on a note by those of `vkeys` that are of type 0x04, in its order; maybe none.

    Raises `Disproved` (check `cosignature`) if one by such a key does not verify or has no possible time.
    """
    known = sorted((vkey for vkey in set(vkeys) if vkey.kind == COSIGNATURE), key=str)
    return tuple(
        _check_one(note.text, signature, vkey)
        for signature in note.signatures
        for vkey in known
        if (vkey.name, vkey.key_id) == (signature.name, signature.key_id)
    )


def _check_one(text: str, signature: NoteSignature, vkey: VKey) -> Cosignature:
    """The cosignature by `vkey`; raises `Disproved`."""
    try:
        time, raw = parse_cosignature(signature.signature)
    except Malformed as error:
        raise Disproved(f"{error.message} by {vkey.name}", "cosignature") from None
    if not verifies(vkey.public, raw, cosignature_message(text, time)):
        raise Disproved(f"got a cosignature by {vkey.name} that does not verify", "cosignature")
    return Cosignature(vkey, time)


def _check_time(time: int) -> None:
    """Raise `Malformed` unless a checkpoint may be cosigned at `time`: 0 is kept for other trees."""
    if not 0 < time <= MAX_DECIMAL:
        raise Malformed(f"got the cosignature time {time}, want 1 to 2^63-1")
