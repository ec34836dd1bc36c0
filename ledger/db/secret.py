"""The master key, which wraps every secret that the database keeps (architecture.md, Secrets).

AES-256-GCM with a random nonce of 12 bytes; the identity of the row (``ledger_key/{vkey}``) is associated data, so that
a wrapped key copied into another row does not open. A wrapped secret is ``0x01 ‖ nonce ‖ ciphertext ‖ tag``.

>>> key = MasterKey(bytes(32))
>>> key.unwrap(key.wrap(b"seed", b"row 1"), b"row 1")
b'seed'
>>> key
MasterKey()
"""

from __future__ import annotations

import os
import re
from base64 import b64decode
from binascii import Error as Base64Error
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from ledger.db.reason import reason
from ledger.errors import Malformed, Unavailable

KEY_BYTES = 32
NONCE_BYTES = 12
_VERSION = b"\x01"
_HEX = re.compile(r"[0-9a-f]{64}")
KEY_NAME = "PATINA_MASTER_KEY"
FILE_NAME = "PATINA_MASTER_KEY_FILE"


class KeyKeeper(Protocol):
    """Whatever wraps and unwraps keys by a master key: a key in this process, or a service that never shows it."""

    def wrap(self, plain: bytes, identity: bytes) -> bytes:
        """Return ``plain`` wrapped for the row ``identity``; raises ``Unavailable`` if that cannot be done now."""

    def unwrap(self, wrapped: bytes, identity: bytes) -> bytes:
        """Return what was wrapped for the row ``identity``; raises ``Unavailable`` if it does not open."""


@dataclass(frozen=True, slots=True)
class MasterKey:
    """A key of 32 bytes that wraps others; its repr shows nothing."""

    _key: bytes = field(repr=False)

    def __post_init__(self) -> None:
        """Refuse a key of another length."""
        if len(self._key) != KEY_BYTES:
            raise Malformed(f"got a master key of {len(self._key)} bytes, want {KEY_BYTES}")

    @classmethod
    def parse(cls, text: str) -> MasterKey:
        """Return the key written as 64 lower-case hex or as base64 of 32 bytes; raises ``Malformed``."""
        text = text.strip()
        if _HEX.fullmatch(text):
            return cls(bytes.fromhex(text))
        try:
            return cls(b64decode(text, validate=True))
        except (Base64Error, ValueError):
            raise Malformed("got a master key that is neither 64 hex nor base64") from None

    @classmethod
    def from_file(cls, path: Path) -> MasterKey:
        """Return the key in a file; raises ``Unavailable`` if it cannot be read, ``Malformed`` for its content."""
        try:
            return cls.parse(path.read_text("ascii"))
        except (OSError, UnicodeDecodeError) as error:
            raise Unavailable(f"cannot read the master key in {path}: {reason(error)}") from None

    @classmethod
    def from_env(cls, environ: Mapping[str, str]) -> MasterKey | None:
        """Return the key that ``PATINA_MASTER_KEY`` holds or ``PATINA_MASTER_KEY_FILE`` names, if either is set."""
        if environ.get(KEY_NAME):
            return cls.parse(environ[KEY_NAME])
        if environ.get(FILE_NAME):
            return cls.from_file(Path(environ[FILE_NAME]))
        return None

    @classmethod
    def create(cls, path: Path) -> MasterKey:
        """Return a new random key, written to a new file that only its owner may read (mode 0600).

        Raises ``Unavailable`` if the file exists or cannot be written: a master key is never overwritten.
        """
        key = cls(os.urandom(KEY_BYTES))
        try:
            with os.fdopen(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600), "w") as file:
                file.write(key._key.hex() + "\n")
                file.flush()
                os.fsync(file.fileno())
        except OSError as error:
            raise Unavailable(f"cannot write the master key to {path}: {reason(error)}") from None
        return key

    def wrap(self, plain: bytes, identity: bytes) -> bytes:
        """Return ``plain`` encrypted for the row ``identity``."""
        return encrypt(AESGCM(self._key), plain, identity)

    def unwrap(self, wrapped: bytes, identity: bytes) -> bytes:
        """Return what was wrapped for the row ``identity``; raises ``Unavailable`` if this is not its key."""
        try:
            return decrypt(AESGCM(self._key), wrapped, identity)
        except (InvalidTag, ValueError):
            raise Unavailable("the master key does not open this ledger's keys") from None


def encrypt(cipher: AESGCM, plain: bytes, identity: bytes, nonce: bytes | None = None) -> bytes:
    """Return ``plain`` encrypted by a cipher of 32 bytes of key for the row ``identity``; see the top of the file.

    ``nonce`` is 12 random bytes, never used twice with one key; left out, they are drawn here.
    """
    nonce = nonce or os.urandom(NONCE_BYTES)
    return _VERSION + nonce + cipher.encrypt(nonce, plain, identity)


def decrypt(cipher: AESGCM, sealed: bytes, identity: bytes) -> bytes:
    """Return what ``encrypt`` was given; raises ``InvalidTag`` or ``ValueError`` for another key or another row."""
    if sealed[:1] != _VERSION:
        raise Unavailable("got a secret wrapped in a way that this version does not know")
    return cipher.decrypt(sealed[1 : 1 + NONCE_BYTES], sealed[1 + NONCE_BYTES :], identity)
