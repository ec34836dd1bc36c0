"""The owner code and the key it makes (events.md §3): 16 secret bytes, one Ed25519 key for each subject.

The code is printed once, as the 22 base64url characters behind ``/o#`` of a QR code and as 26 characters to
type: Crockford's base 32, which has no I, L, O or U, the number's highest digit first. The seed is
HKDF-SHA-256 of the secret with the subject's URI, so that two items of one receipt have keys that nobody can
connect. The view code that is drawn with an owner code follows from the same secret by another label: whoever has
the owner code finds the item, and whoever has the view code learns nothing of the owner's (ADR 0010).

>>> secret = bytes(range(16))
>>> format_code(secret), format_typed(secret)
('AAECAwQFBgcICQoLDA0ODw', '00041061050R3GG28A1C60T3GF')
>>> parse_typed("0004-1061-050r-3gg2-8alc-6ot3-gf") == parse_owner_code("AAECAwQFBgcICQoLDA0ODw") == secret
True
>>> view_token(secret)
'mMVpXipaxqUx9hoAcGapFg'
>>> holder_key(secret, "https://id.gs1.org/01/09520123456788/21/R%2F001").did[:12]
'did:key:z6Mk'
"""

from __future__ import annotations

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from ledger import uri
from ledger.disclosure import format_base64url, parse_base64url
from ledger.dsse import SEED_BYTES, SigningKey
from ledger.errors import Invalid, Malformed

SECRET_BYTES = 16
CODE_CHARACTERS = 22
TYPED_CHARACTERS = 26

_INFO = b"patina/v1/holder\n"
_VIEW_LABEL = b"patina/v1/view\n"
_PAPER_LABEL = b"patina/v1/paper\n"
_ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_DIGIT = {character: number for number, character in enumerate(_ALPHABET)}
# What people read for another character, in either case, and what they put between groups.
_DIGIT |= {"O": 0, "I": 1, "L": 1}
_BETWEEN = str.maketrans("", "", " -")


def holder_key(secret: bytes, subject: str) -> SigningKey:
    """Return the holder's key for an item or a case, from the 16 bytes of an owner code.

    Raises ``Invalid`` for a secret of another length and for a subject that is not canonical or has no
    holder.
    """
    _check_secret(secret)
    if uri.subject_kind(subject) == "authority":
        raise Invalid("got an authority, want an item or a case: only those have a holder")
    return SigningKey.from_seed(_derive(secret, SEED_BYTES, _INFO + subject.encode()))


def view_token(secret: bytes) -> str:
    """Return the view code drawn with an owner code: 22 base64url characters of 128 bits; raises ``Invalid``."""
    return format_base64url(_derive(_check_secret(secret), SECRET_BYTES, _VIEW_LABEL))


def paper_token(secret: bytes, subject: str) -> str:
    """Return the code of one item, or of one case, of a paper from the 16 bytes of the paper's own; raises ``Invalid``.

    Whoever has the paper's code can follow it to each of its items; whoever has the code of one item learns nothing of
    the paper or of the others.
    """
    return format_base64url(_derive(_check_secret(secret), SECRET_BYTES, _PAPER_LABEL + subject.encode()))


def _derive(secret: bytes, length: int, label: bytes) -> bytes:
    return HKDF(algorithm=SHA256(), length=length, salt=b"", info=label).derive(secret)


def format_code(secret: bytes) -> str:
    """Return the owner code as the 22 base64url characters that a QR code carries after ``#``."""
    return format_base64url(_check_secret(secret))


def parse_code(text: str) -> bytes:
    """Return the 16 bytes of an owner code of exactly 22 base64url characters; raises ``Malformed``."""
    if len(text) != CODE_CHARACTERS:
        raise Malformed(f"got an owner code of {len(text)} characters, want {CODE_CHARACTERS}")
    return parse_base64url(text)


def format_typed(secret: bytes) -> str:
    """Return the owner code as 26 characters for typing, without separators."""
    return spell_base32(int.from_bytes(_check_secret(secret), "big"), TYPED_CHARACTERS)


def parse_typed(text: str) -> bytes:
    """Return the 16 bytes of a typed owner code; raises ``Malformed``.

    Either case, spaces and hyphens anywhere, O for 0 and I or L for 1 are understood.
    """
    number = parse_base32(text, TYPED_CHARACTERS)
    if number is None:
        raise Malformed(f"got a typed owner code out of form, want {TYPED_CHARACTERS} letters and digits")
    if number >> 8 * SECRET_BYTES:
        raise Malformed("got a typed owner code of more than 128 bits, want one that begins with 0 to 7")
    return number.to_bytes(SECRET_BYTES, "big")


def spell_base32(number: int, length: int) -> str:
    """Return a number in Crockford's base 32, its highest digit first, in so many characters."""
    return "".join(_ALPHABET[number >> 5 * place & 31] for place in reversed(range(length)))


def parse_base32(text: str, length: int) -> int | None:
    """Return the number that so many characters spell, typed as ``parse_typed`` understands it; ``None`` if none."""
    typed = text.translate(_BETWEEN)
    number = 0
    for character in typed if len(typed) == length and typed.isascii() else "?":
        digit = _DIGIT.get(character.upper())
        if digit is None:
            return None
        number = number << 5 | digit
    return number


def parse_owner_code(text: str) -> bytes:
    """Return the 16 bytes of an owner code in either form, told apart by its length; raises ``Malformed``."""
    return parse_code(text) if len(text) == CODE_CHARACTERS else parse_typed(text)


def _check_secret(secret: bytes) -> bytes:
    if len(secret) != SECRET_BYTES:
        raise Invalid(f"got an owner secret of {len(secret)} bytes, want {SECRET_BYTES}")
    return secret
