"""Signed notes and their keys: C2SP signed-note (c2sp.org/signed-note@v1.0.0).

A note is a text, an empty line, and one signature line for each key:

>>> note = parse_note('''This is an example message.
...
... — example.com/foo Uw2QOkn8srV1yJGh2VYRlL1Tnagv1YEq6TfXppzi2ONncAlTgK7Ztg1ERYNZXsYjOBH3mFXmRKuwHjG1Yu72IneyaQM=
... ''')
>>> vkey = parse_vkey("example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k")
>>> [key.name for key in check_note(note, [vkey])]
['example.com/foo']

The four bytes before a signature only say which key to try; what was proved is the list that `check_note` returns.
"""

from __future__ import annotations

import binascii
import re
from base64 import b64decode, b64encode
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from hashlib import sha256

from ledger import ed25519
from ledger.didkey import check_point
from ledger.errors import Disproved, Invalid, Malformed, Unknown

ED25519 = 0x01
COSIGNATURE = 0x04
ML_DSA_44 = 0x06
KEY_SIZES = {ED25519: 32, COSIGNATURE: 32, ML_DSA_44: 1312}
"""Bytes of a public key by its type; only the first two types can be verified here."""

MAX_NOTE = 65_536
"""Bytes: sixteen ML-DSA signatures are 55 kB, and no honest note is longer (format.md §7)."""
MAX_SIGNATURES = 100
"""C2SP wants at least 16 accepted and a cap; Go's note package stops at the same number."""
MAX_DECIMAL = 2**63 - 1

_SIGNATURE_LINE = re.compile(r"— ([^ \n]+) ([A-Za-z0-9+/=]+)\n")
_CONTROL = re.compile(r"[\x00-\x09\x0b-\x1f]")
_VKEY = re.compile(r"([^+\n]+)\+([0-9a-f]{8})\+([A-Za-z0-9+/=]+)")
_DECIMAL = re.compile(r"0|[1-9][0-9]{0,18}")


@dataclass(frozen=True, slots=True)
class VKey:
    """A public key as notes name it: `key_id` is 4 bytes, `kind` the signature type, `public` the raw key."""

    name: str
    key_id: bytes
    kind: int
    public: bytes

    def __str__(self) -> str:
        """The vkey text, which `parse_vkey` reads."""
        return f"{self.name}+{self.key_id.hex()}+{format_base64(bytes([self.kind]) + self.public)}"


@dataclass(frozen=True, slots=True)
class NoteSignature:
    """One signature line: the key's name, the 4 bytes of its id and what follows them."""

    name: str
    key_id: bytes
    signature: bytes


@dataclass(frozen=True, slots=True)
class Note:
    """A parsed note of which nothing is proved; `text` ends with a newline and excludes the empty line."""

    text: str
    signatures: tuple[NoteSignature, ...]


@dataclass(frozen=True, slots=True)
class Signer:
    """A key that signs notes: `sign` gives the raw signature of a message."""

    vkey: VKey
    sign: Callable[[bytes], bytes]


def parse_base64(text: str) -> bytes:
    """The bytes of RFC 4648 §4 base64 with padding, in its one spelling; raises `Malformed`."""
    try:
        raw = b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise Malformed(f"got {text[:100]!r}, want base64") from None
    if format_base64(raw) != text:
        raise Malformed(f"got {text[:100]!r}, want base64 without spare bits")
    return raw


def format_base64(raw: bytes) -> str:
    """RFC 4648 §4 base64 with padding."""
    return b64encode(raw).decode("ascii")


def parse_decimal(text: str) -> int:
    """0 to 2^63-1 in ASCII digits without leading zeros; raises `Malformed`."""
    if not _DECIMAL.fullmatch(text) or int(text) > MAX_DECIMAL:
        raise Malformed(f"got {text[:40]!r}, want a decimal number up to 2^63-1")
    return int(text)


def parse_vkey(text: str) -> VKey:
    """The key that a vkey text names; its id is computed again.

    Raises `Malformed`, also for a point that `didkey.check_point` refuses, and `Unknown` for another key type.
    """
    match = _VKEY.fullmatch(text)
    if not match:
        raise Malformed(f"got the vkey {text[:100]!r}, want name+8 hex digits+base64")
    name, key_id, encoded = match.groups()
    raw = parse_base64(encoded)
    vkey = make_vkey(name, raw[1:], raw[0])
    if vkey.key_id.hex() != key_id:
        raise Malformed(f"got the key id {key_id} in a vkey, want {vkey.key_id.hex()}")
    return vkey


def make_vkey(name: str, public: bytes, kind: int = ED25519) -> VKey:
    """The `VKey` of a raw public key; raises as `parse_vkey` does."""
    if not is_name(name):
        raise Malformed(f"got the key name {name[:100]!r}, want no spaces, control characters or '+'")
    if kind not in KEY_SIZES:
        raise Unknown(f"got the key type 0x{kind:02x}, this version knows 0x01, 0x04 and 0x06")
    if len(public) != KEY_SIZES[kind]:
        raise Malformed(f"got {len(public)} bytes of a key of type 0x{kind:02x}, want {KEY_SIZES[kind]}")
    if kind != ML_DSA_44:
        try:
            check_point(public)
        except Invalid as error:
            raise Malformed(error.message) from None
    key_id = sha256(name.encode() + b"\n" + bytes([kind]) + public).digest()[:4]
    return VKey(name, key_id, kind, public)


def format_vkey(name: str, public: bytes, kind: int = ED25519) -> str:
    """The vkey text of a raw public key; raises as `parse_vkey` does."""
    return str(make_vkey(name, public, kind))


def is_name(name: str) -> bool:
    """Whether `name` may name a key: UTF-8, not empty, no space of any kind, no control character, no '+'."""
    if not name or "+" in name or _CONTROL.search(name) or any(map(str.isspace, name)):
        return False
    return not any("\ud800" <= character <= "\udfff" for character in name)


def parse_note(raw: bytes | str) -> Note:
    """The text and the signatures of a note; raises `Malformed`. Nothing is verified."""
    text = _note_text(raw)
    head, _, signatures = text.rpartition("\n\n")
    if not signatures.endswith("\n"):
        raise Malformed("got a note without an empty line and signature lines after it")
    lines = signatures.split("\n")[:-1]
    if len(lines) > MAX_SIGNATURES:
        raise Malformed(f"got a note with {len(lines)} signatures, want at most {MAX_SIGNATURES}")
    return Note(head + "\n", tuple(parse_signature_line(line + "\n") for line in lines))


def format_note(note: Note) -> str:
    """The text of a note, which `parse_note` reads; raises `Malformed` where it would not."""
    written = f"{note.text}\n" + "".join(map(format_signature_line, note.signatures))
    if parse_note(written) != note:
        raise Malformed("got a note that would be read as another one")
    return written


def parse_signature_line(line: str) -> NoteSignature:
    """One line `— name base64`, with its newline; raises `Malformed`."""
    match = _SIGNATURE_LINE.fullmatch(line)
    if not match or not is_name(match[1]):
        raise Malformed(f"got the signature line {line[:100]!r}, want an em dash, a name and base64")
    raw = parse_base64(match[2])
    if len(raw) < 5:
        raise Malformed(f"got a signature of {len(raw)} bytes, want 4 of the key id and more")
    return NoteSignature(match[1], raw[:4], raw[4:])


def format_signature_line(signature: NoteSignature) -> str:
    """One line `— name base64`, with its newline."""
    return f"— {signature.name} {format_base64(signature.key_id + signature.signature)}\n"


def sign_note(text: str, signers: Sequence[Signer]) -> str:
    """A note of `text`, which ends with a newline, signed by each of `signers`; raises `Malformed`."""
    message = text.encode()
    signatures = [NoteSignature(key.vkey.name, key.vkey.key_id, key.sign(message)) for key in signers]
    return format_note(Note(text, tuple(signatures)))


def check_note(note: Note, vkeys: Iterable[VKey]) -> tuple[VKey, ...]:
    """The keys among `vkeys` that signed the note, in its order; there is at least one.

    Signatures by other keys are passed over. Raises `Disproved` (check `note`) if one by a key in `vkeys` does
    not verify or there is none, and `Unknown` if there are none but of a type that is not Ed25519 (0x01).
    """
    known = set(vkeys)
    verified: dict[VKey, None] = {}
    unverifiable = False
    for signature in note.signatures:
        for vkey in sorted(known, key=str):
            if (vkey.name, vkey.key_id) != (signature.name, signature.key_id):
                continue
            if vkey.kind != ED25519:
                unverifiable = True
                continue
            if not verifies(vkey.public, signature.signature, note.text.encode()):
                raise Disproved(f"got a signature by {vkey.name} that does not verify", "note")
            verified[vkey] = None
    if verified:
        return tuple(verified)
    if unverifiable:
        raise Unknown("got a note signed by key types that this version cannot verify only")
    wanted = ", ".join(sorted(f"{vkey.name}+{vkey.key_id.hex()}" for vkey in known)) or "none"
    signed = ", ".join(f"{one.name}+{one.key_id.hex()}"[:200] for one in note.signatures[:4])
    raise Disproved(f"got a note without a signature by a known key, signed by {signed}; want one of {wanted}", "note")


def verifies(public: bytes, signature: bytes, message: bytes) -> bool:
    """Whether `signature` is Ed25519 by `public` on `message`, with the refusals of format.md §3."""
    try:
        check_point(signature[:32])
    except Invalid:
        return False
    return ed25519.verifies(public, signature, message)


def _note_text(raw: bytes | str) -> str:
    """A note as text, bounded before work; raises `Malformed` for what is not UTF-8 or holds control characters."""
    try:
        encoded = raw.encode() if isinstance(raw, str) else raw
        if len(encoded) > MAX_NOTE:
            raise Malformed(f"got a note of {len(encoded)} bytes, want at most {MAX_NOTE}")
        text = encoded.decode()
    except UnicodeError:
        raise Malformed("got a note that is not UTF-8") from None
    if _CONTROL.search(text):
        raise Malformed("got a note with a control character")
    return text
