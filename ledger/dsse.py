"""Signatures on statements: Ed25519 over the pre-authentication encoding of DSSE v1 (format.md §3).

What is signed is the payload type and the exact bytes of the canonical statement, each with its length, so
that a signature can never be read as one over something else.

>>> pae(b"{}")
b'DSSEv1 40 application/vnd.patina.statement.v1+json 2 {}'
>>> key = SigningKey.from_seed(bytes(range(32)))
>>> signature = sign_statement(b"{}", key)
>>> check_signature(signature["key"], b"{}", signature["sig"])
>>> key
SigningKey(did='did:key:z6MkehRgf7yJbgaGfYsdoAsKdBPE3dj2CYhowQdcjqSJgvVd')
"""

from __future__ import annotations

from binascii import Error as Base64Error
from binascii import a2b_base64, b2a_base64
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import lru_cache

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from ledger.didkey import check_point, format_did, parse_did
from ledger.ed25519 import SIGNATURE_BYTES, verifies
from ledger.errors import Invalid, Malformed, Unknown

PAYLOAD_TYPE = "application/vnd.patina.statement.v1+json"
SEED_BYTES = 32
# Of about 500 bytes each.
_REMEMBERED = 4096

# 64 bytes are 86 base64 digits and two signs of padding.
_BASE64_LENGTH = 88


def pae(body: bytes, payload_type: str = PAYLOAD_TYPE) -> bytes:
    """Return the bytes that a signature on ``body`` is made over: a canonical statement, or what another type says."""
    return b"DSSEv1 %d %b %d %b" % (len(payload_type), payload_type.encode(), len(body), body)


@dataclass(frozen=True, slots=True)
class SigningKey:
    """An Ed25519 private key with its name; neither its repr nor its attributes show the seed."""

    did: str
    public: bytes = field(repr=False)
    _private: Ed25519PrivateKey = field(repr=False, compare=False)

    @classmethod
    def from_seed(cls, seed: bytes) -> SigningKey:
        """Return the key of a seed of 32 bytes; raises ``Invalid`` for another length."""
        if len(seed) != SEED_BYTES:
            raise Invalid(f"got a seed of {len(seed)} bytes, want {SEED_BYTES}")
        private = Ed25519PrivateKey.from_private_bytes(seed)
        public = private.public_key().public_bytes_raw()
        return cls(format_did(public), public, private)

    def sign(self, message: bytes) -> bytes:
        """Return the signature of 64 bytes over exactly ``message``."""
        return self._private.sign(message)


def sign_statement(body: bytes, key: SigningKey) -> dict[str, str]:
    """Return the ``{"key", "sig"}`` object that stands in an entry for ``key``'s signature on ``body``."""
    return signature_of(pae(body), key)


def signature_of(message: bytes, key: SigningKey) -> dict[str, str]:
    """Return the ``{"key", "sig"}`` object of ``key``'s signature over exactly ``message``."""
    return {"key": key.did, "sig": b2a_base64(key.sign(message), newline=False).decode()}


def parse_signature(sig: str) -> bytes:
    """Return the 64 bytes of a signature whose R format.md §3 allows.

    Raises ``Invalid`` if ``sig`` is not the one base64 spelling (RFC 4648 §4) of 64 bytes, or for its R.
    """
    try:
        raw = a2b_base64(sig) if len(sig) == _BASE64_LENGTH else b""
    except (Base64Error, ValueError):
        raw = b""
    if len(raw) != SIGNATURE_BYTES or b2a_base64(raw, newline=False) != sig.encode():
        raise Invalid(f"got signature {sig[:100]!r}, want {SIGNATURE_BYTES} bytes in base64 with padding")
    try:
        check_point(raw[:32])
    except Invalid as error:
        raise Invalid(f"signature refused for its R: {error.message}") from None
    return raw


@lru_cache(maxsize=_REMEMBERED)
def _verified(did: str, body: bytes, sig: str) -> None:
    check_message(did, pae(body), sig)


def check_message(did: str, message: bytes, sig: str) -> None:
    """Return if ``sig`` (base64) is the signature of the key ``did`` over exactly ``message``.

    Raises ``Invalid`` if it is not, or if key or signature are out of form, and ``Unknown`` for a key of a
    type that this version does not know. Verification is cofactorless: S < L, R compared as bytes (RFC 8032
    §5.1.7).
    """
    try:
        public = parse_did(did)
    except Malformed as error:
        raise Invalid(error.message) from None
    if not verifies(public, parse_signature(sig), message):
        raise Invalid(f"got a signature that does not verify, want one by {did} on these bytes")


def check_signature(did: str, body: bytes, sig: str) -> None:
    """Return if ``sig`` (base64) is the signature of the key ``did`` on the canonical statement ``body``.

    Raises what ``check_message`` raises. What verified is remembered for a while: the entries that say who may
    speak stand in every history.
    """
    _verified(did, body, sig)


def verify_many(jobs: Iterable[tuple[str, bytes, str]]) -> list[Invalid | Unknown | None]:
    """Return for each (did, body, signature) ``None`` if it verifies, or else the error that says why not.

    A plain loop, to be run in one thread beside another: libsodium lets go of the interpreter while it
    verifies.
    """
    verdicts: list[Invalid | Unknown | None] = []
    for did, body, sig in jobs:
        try:
            check_signature(did, body, sig)
        except (Invalid, Unknown) as error:
            verdicts.append(error)
        else:
            verdicts.append(None)
    return verdicts
