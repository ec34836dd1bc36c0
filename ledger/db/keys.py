"""The ledger's own keys, 1 to 4 at a time, which sign nothing but checkpoints; kept wrapped by the master key."""

from __future__ import annotations

from ledger import note
from ledger.db.secret import KeyKeeper
from ledger.db.session import Session, ask, fetch
from ledger.dsse import SigningKey
from ledger.note import Signer

_KEY = "SELECT wrapped FROM ledger_key WHERE vkey = ?"


def identity(vkey: str) -> bytes:
    """The row that a wrapped ledger key belongs to."""
    return b"ledger_key/" + vkey.encode()


def signer_of(vkey: str, seed: bytes) -> Signer:
    """The signer of a vkey from its seed of 32 bytes."""
    return Signer(note.parse_vkey(vkey), SigningKey.from_seed(seed).sign)


class LedgerKeys:
    """The private keys that the database holds, unwrapped once; a key that another process added is found later."""

    def __init__(self, master: KeyKeeper) -> None:
        self._master = master
        self._signers: dict[str, Signer] = {}

    def holds(self, vkey: str) -> bool:
        """Whether the private key of a vkey has been unwrapped."""
        return vkey in self._signers

    def get(self, vkey: str, connection: Session) -> Signer | None:
        """The signer of a vkey, if the database has its private key.

        Raises ``Unavailable`` for a master key that is not the one it was wrapped by.
        """
        if vkey not in self._signers:
            for (wrapped,) in fetch(connection, ask(_KEY, vkey)):
                self._signers[vkey] = signer_of(vkey, self._master.unwrap(wrapped, identity(vkey)))
        return self._signers.get(vkey)
