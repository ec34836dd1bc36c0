"""did:key names of Ed25519 public keys: W3C CCG "The did:key Method", base58btc multibase, multicodec 0xed01.

A key is named by the whole of its bytes, so a name needs no registry and cannot be pointed elsewhere. Points
that common libraries judge differently (low order, or not reduced below 2^255-19) are refused here, for every
key that a statement names and for the first half of every signature (format.md §3): a leaf cannot be taken
back, and two verifiers must never disagree about one.

>>> did = format_did(bytes.fromhex("d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a"))
>>> did
'did:key:z6MktwupdmLXVVqTzCw4i46r4uGyosGXRnR3XjN4Zq7oMMsw'
>>> parse_did(did).hex()
'd75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a'
"""

from __future__ import annotations

import re
from functools import lru_cache

from ledger.ed25519 import PUBLIC_KEY_BYTES
from ledger.errors import Invalid, Malformed, Unknown

# A process meets few parties but very many holders; a name and its bytes take about 200 bytes.
CACHED_KEYS = 8192

_ALPHABET = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"
_DIGIT = {ord(character): number for number, character in enumerate(_ALPHABET)}
_MULTICODEC = 0xED01
# 34 bytes that begin with ed01 are 47 base58 digits of which the first three are always 6Mk.
_ED25519 = re.compile(r"did:key:z(6Mk[1-9A-HJ-NP-Za-km-z]{44})")
# No multicodec of a key is zero, which would be a leading 1. The longest public key of a scheme in use
# (ML-DSA-87) has 2,592 bytes, which are 3,543 digits.
_OTHER_TYPE = re.compile(r"did:key:z(?!6Mk|1)[1-9A-HJ-NP-Za-km-z]{8,4096}")

_PRIME = 2**255 - 19
_WITHOUT_TOP_BIT = 2**255 - 1
_LOW_ORDER = frozenset(
    int.from_bytes(bytes.fromhex(point), "little")
    for point in (
        "0000000000000000000000000000000000000000000000000000000000000000",
        "0100000000000000000000000000000000000000000000000000000000000000",
        "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
        "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
        "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    )
)


def check_point(point: bytes) -> bytes:
    """Return ``point``, 32 bytes that format.md §3 lets stand as a public key or as R of a signature.

    Raises ``Invalid`` for a y coordinate that is not below 2^255-19 or belongs to a point of low order.
    Whether the point is on the curve is left to the verification equation, which no signature under such a
    key passes.
    """
    if len(point) != PUBLIC_KEY_BYTES:
        raise Invalid(f"got a point of {len(point)} bytes, want {PUBLIC_KEY_BYTES}")
    y = int.from_bytes(point, "little") & _WITHOUT_TOP_BIT
    if y >= _PRIME:
        raise Invalid(f"got point {point.hex()}, want a y coordinate below 2^255-19")
    if y in _LOW_ORDER:
        raise Invalid(f"got point {point.hex()} of low order, want one of prime order")
    return point


def format_did(public: bytes) -> str:
    """Return the did:key name of a public key of 32 bytes; raises ``Invalid`` where ``check_point`` does."""
    number = _MULTICODEC << 256 | int.from_bytes(check_point(public), "big")
    digits = []
    while number:
        number, digit = divmod(number, 58)
        digits.append(_ALPHABET[digit])
    return "did:key:z" + "".join(reversed(digits))


@lru_cache(maxsize=CACHED_KEYS)
def parse_did(did: str) -> bytes:
    """Return the 32 bytes of the Ed25519 public key that ``did`` names.

    Raises ``Malformed`` if it is no did:key, ``Invalid`` where ``check_point`` does, and ``Unknown`` for a
    did:key of another type, which this version cannot judge (format.md §9).
    """
    found = _ED25519.fullmatch(did)
    if found is None:
        if _OTHER_TYPE.fullmatch(did):
            raise Unknown(f"got a key of another type {did[:80]!r}, this version knows Ed25519 only")
        raise Malformed(f"got key {did[:80]!r}, want did:key:z6Mk and 44 base58 digits")
    number = 0
    for digit in found[1].encode():
        number = number * 58 + _DIGIT[digit]
    if number >> 256 != _MULTICODEC:
        raise Malformed(f"got key {did!r}, want the multicodec 0xed01 and 32 bytes")
    return check_point((number & (1 << 256) - 1).to_bytes(PUBLIC_KEY_BYTES, "big"))
