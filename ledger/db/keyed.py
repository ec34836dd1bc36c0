"""Keyed hashes of what people type and of what is printed for them: logins, names at a provider, short codes.

HMAC-SHA-256 under one key of the ledger's, which is wrapped by the master key (``access_secret``). Without it a hash
tells nothing, however few values there are to try; every process of a ledger makes the same hash.
"""

from __future__ import annotations

import hmac
from contextlib import suppress

from sqlalchemy import insert, select
from sqlalchemy.exc import IntegrityError

from ledger.db.rows import Rows
from ledger.db.secret import KeyKeeper
from ledger.db.tables import access_secret

_NAME = "keyed"


class Keyed:
    """Makes the hashes; the key is made on first use."""

    def __init__(self, rows: Rows, master: KeyKeeper) -> None:
        self._rows, self._master = rows, master
        self._key: bytes | None = None

    def hash(self, what: str, text: str) -> bytes:
        """The keyed hash of a text, 32 bytes; ``what`` it is parts hashes of different uses."""
        if self._key is None:
            made = self._master.wrap(self._rows.rand(32), secret_identity(_NAME))
            query = select(access_secret.c.wrapped).where(access_secret.c.name == _NAME)
            found = self._rows.read(query)
            if not found:
                # Two processes may make one at once; the one that was first counts.
                with suppress(IntegrityError):
                    self._rows.write(insert(access_secret).values(name=_NAME, wrapped=made))
                found = self._rows.read(query)
            self._key = self._master.unwrap(found[0].wrapped, secret_identity(_NAME))
        return hmac.digest(self._key, f"{what}\n{text}".encode(), "sha256")


def secret_identity(name: str) -> bytes:
    """The row that a wrapped key of keyed hashes belongs to."""
    return b"access_secret/" + name.encode()
