"""Ed25519 verification, the dearest step of an append and of an audit, in one place (format.md §3, ADR 3).

libsodium verifies, which takes three fifths of the time that OpenSSL takes and lets go of the interpreter's lock
meanwhile. Like OpenSSL it verifies by RFC 8032 §5.1.7 without the cofactor: S below L, R compared as bytes. Where the
two disagree, ``didkey.check_point`` refuses first, and a test holds both to the same verdicts.

>>> public = bytes.fromhex("d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a")
>>> signature = bytes.fromhex(  # RFC 8032 §7.1, test 1: over nothing
...     "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e06522490155"
...     "5fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b"
... )
>>> verifies(public, signature, b""), verifies(public, signature, b"x"), verifies(public, signature[:63], b"x")
(True, False, False)
"""

from __future__ import annotations

from nacl.bindings import crypto_sign_open
from nacl.exceptions import BadSignatureError

PUBLIC_KEY_BYTES = 32
SIGNATURE_BYTES = 64


def verifies(public: bytes, signature: bytes, message: bytes) -> bool:
    """Return whether ``signature`` is by the key ``public`` (32 bytes) over exactly ``message``.

    Both points are the caller's to refuse first (``didkey.check_point``).
    """
    # libsodium reads 32 bytes wherever the key stands, and takes signature and message as one string.
    if len(public) != PUBLIC_KEY_BYTES or len(signature) != SIGNATURE_BYTES:
        return False
    try:
        crypto_sign_open(signature + message, public)
    except BadSignatureError:
        return False
    return True
