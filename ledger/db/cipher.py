"""A file encrypted in parts, so that it passes through little memory, under a key of its own.

``0x01``, then parts of 64 KiB (the last may be shorter), each AES-256-GCM with its tag of 16 bytes. The nonce is *what*
(one byte: the file or its thumbnail), whether it is the last part (one byte), and its number (ten bytes): a part that
is left out, moved, cut off or taken from elsewhere does not open. The key is random and used for one file, so nonces
never repeat; ``identity`` (whose file it is) is associated data. The construction is STREAM (Hoang, Reyhanitabar,
Rogaway, Vizár 2015).

>>> b"".join(decrypt(encrypt([b"a", b"photo"], bytes(32), FILE, b"row"), bytes(32), FILE, b"row"))
b'aphoto'
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

PART = 64 * 1024
TAG = 16
FILE, THUMBNAIL = b"\x00", b"\x01"
_VERSION = b"\x01"


class Altered(Exception):
    """These bytes are not those that were encrypted."""


def encrypt(parts: Iterable[bytes], key: bytes, what: bytes, identity: bytes) -> Iterator[bytes]:
    """The encrypted file in parts; ``key`` is 32 random bytes that encrypt nothing else but the other ``what``."""
    yield _VERSION
    cipher = AESGCM(key)
    for number, (part, last) in enumerate(_cut(parts, PART)):
        yield cipher.encrypt(_nonce(what, number, last), part, identity)


def decrypt(parts: Iterable[bytes], key: bytes, what: bytes, identity: bytes) -> Iterator[bytes]:
    """What was encrypted, in parts, each of which is genuine; raises ``Altered`` as soon as one is not."""
    cipher = AESGCM(key)
    for number, (part, last) in enumerate(_cut(_after_version(parts), PART + TAG)):
        try:
            yield cipher.decrypt(_nonce(what, number, last), part, identity)
        except InvalidTag:
            raise Altered from None


def _nonce(what: bytes, number: int, last: bool) -> bytes:
    return what + bytes([last]) + number.to_bytes(10, "big")


def _after_version(parts: Iterable[bytes]) -> Iterator[bytes]:
    several = iter(parts)
    first = b""
    while not first:
        first = next(several, _VERSION)
        if first[:1] not in {b"", _VERSION}:
            raise Altered
    yield first[1:]
    yield from several


def _cut(parts: Iterable[bytes], size: int) -> Iterator[tuple[bytes, bool]]:
    """The same bytes in parts of ``size``, and whether each is the last; no bytes are one empty part."""
    waiting = bytearray()
    for part in parts:
        waiting += part
        # One byte more must be there, or else it may have been the last.
        while len(waiting) > size:
            yield bytes(waiting[:size]), False
            del waiting[:size]
    yield bytes(waiting), True
