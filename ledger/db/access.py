"""Who may use the service: API keys, and parties' signing keys in custody. Codes are in ``codes``.

Secrets of 128 and more random bits are kept as their SHA-256, which is enough for what cannot be guessed; signing keys
are wrapped by the master key. Nothing here is part of the ledger: a lost row here loses access, and no history.
"""

from __future__ import annotations

from base64 import urlsafe_b64encode
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Engine, Table, delete, insert, select, update

from ledger import note
from ledger.db.api_keys import ApiKey, ApiKeys
from ledger.db.draft import Row
from ledger.db.gate import Gate
from ledger.db.grants import Grants
from ledger.db.keyed import Keyed
from ledger.db.keys import identity
from ledger.db.people import People
from ledger.db.rows import Rows
from ledger.db.secret import KeyKeeper
from ledger.db.tables import ledger_key, party_key
from ledger.db.tablet_keys import TabletKeys
from ledger.db.view import View
from ledger.db.visits import Visits
from ledger.dsse import SigningKey


@dataclass(frozen=True, slots=True)
class PartyKey:
    """A party's signing key in the service's custody."""

    did: str
    party: str
    created_at: str


class Access:
    """Keys; see the top of the file. ``rand(n)`` gives n random bytes."""

    def __init__(
        self,
        engine: Engine,
        gate: Gate,
        view: View,
        *,
        master: KeyKeeper,
        clock: Callable[[], int],
        rand: Callable[[int], bytes],
    ) -> None:
        rows = Rows(engine, gate, clock=clock, rand=rand)
        self._read, self._write, self._now = rows.read, rows.write, rows.now
        self._view, self._master, self._rand = view, master, rand
        self.keys = ApiKeys(rows)
        self.keyed = Keyed(rows, master)
        self.people = People(rows, master, self.keyed)
        self.visits = Visits(rows)
        self.tablet_keys = TabletKeys(rows, view)
        self.grants = Grants(rows)
        self._signers: dict[str, SigningKey] = {}

    def create_api_key(self, party: str, scopes: Iterable[str], label: str = "", expires_at: int | None = None) -> str:
        """Create an API key and return its secret, which is shown only now (``ApiKeys.create``)."""
        return self.keys.create(party, scopes, label, expires_at)

    def find_api_key(self, secret: str) -> ApiKey | None:
        """The key of this secret, unless unknown, malformed, revoked or expired (``ApiKeys.find``)."""
        return self.keys.find(secret)

    def revoke_api_key(self, key_id: str) -> bool:
        """Revoke a key by its id; return whether it was in force."""
        return self.keys.revoke(key_id)

    def api_keys(self, party: str | None = None) -> list[ApiKey]:
        """All API keys, of one party if named, oldest first."""
        return self.keys.all(party)

    def keep_party_key(self, party: str, seed: bytes) -> SigningKey:
        """Keep a party's key (its seed of 32 bytes) wrapped, and return it."""
        key = SigningKey.from_seed(seed)
        wrapped = self._master.wrap(seed, party_identity(key.did))
        self._write(insert(party_key).values(did=key.did, party=party, wrapped=wrapped, created_at=self._now()))
        return key

    def draft_party_key(self, party: str) -> tuple[SigningKey, Row]:
        """A new key, and the row to commit together with the statement that adds it: neither is without the other."""
        seed = self._rand(32)
        key = SigningKey.from_seed(seed)
        wrapped = self._master.wrap(seed, party_identity(key.did))
        return key, Row("party_key", {"did": key.did, "party": party, "wrapped": wrapped, "created_at": self._now()})

    def keep_row(self, row: Row) -> None:
        """Keep a drafted key before any statement adds it: until then it speaks for nobody."""
        self._write(insert(party_key).values(**row.values))

    def party_signer(self, party: str) -> SigningKey | None:
        """The newest key in custody that is in force for this party, if any."""
        found = self._view.parties.parties.get(party)
        for did in reversed([] if found is None else list(found.keys)):
            signer = self.kept_signer(did)
            if signer is not None:
                return signer
        return None

    def kept_signer(self, did: str) -> SigningKey | None:
        """The key of this did:key if it is in custody, whether or not it is in force."""
        signer = self._signers.get(did)
        if signer is None:
            for row in self._read(select(party_key.c.wrapped).where(party_key.c.did == did)):
                signer = self._signers[did] = SigningKey.from_seed(
                    self._master.unwrap(row.wrapped, party_identity(did))
                )
        return signer

    def forget_revoked(self) -> list[str]:
        """Delete from custody, and from this process's memory, every key that is revoked; return what was deleted."""
        revoked = {did for did, key in self._view.parties.keys.items() if key.revoked is not None}
        for did in revoked.intersection(self._signers):
            self._signers.pop(did, None)
        return [key.did for key in self.party_keys() if key.did in revoked and self.forget_party_key(key.did)]

    def party_keys(self, party: str | None = None) -> list[PartyKey]:
        """The keys in custody, of one party if named, oldest first."""
        rows = self._rows(party_key, "party", party, "did")
        return [PartyKey(row.did, row.party, row.created_at) for row in rows]

    def forget_party_key(self, did: str) -> bool:
        """Delete a key from custody (after its revocation); return whether it was there."""
        self._signers.pop(did, None)
        return self._write(delete(party_key).where(party_key.c.did == did)) == 1

    def seal(self, plain: bytes, identity: bytes) -> bytes:
        """What only a process with the master key can read, for a cookie; ``unseal`` undoes it."""
        return self._master.wrap(plain, identity)

    def unseal(self, sealed: bytes, identity: bytes) -> bytes:
        """What ``seal`` sealed for the same use; raises ``Unavailable`` for anything else."""
        return self._master.unwrap(sealed, identity)

    def create_ledger_key(self) -> str:
        """Make another key for the ledger and return its vkey, to be named by a ``ledger.key_added``."""
        seed = self._rand(32)
        vkey = note.format_vkey(self._view.parties.origin, SigningKey.from_seed(seed).public)
        wrapped = self._master.wrap(seed, identity(vkey))
        self._write(insert(ledger_key).values(vkey=vkey, wrapped=wrapped, created_at=self._now()))
        return vkey

    def ledger_keys(self) -> list[str]:
        """The vkeys whose private keys are kept here, oldest first."""
        return [row.vkey for row in self._rows(ledger_key, "vkey", None, "vkey")]

    def _rows(self, table: Table, column: str, value: str | None, last: str) -> list[Any]:
        query = select(table).order_by(table.c.created_at, table.c[last])
        return self._read(query if value is None else query.where(table.c[column] == value))

    def _revoke(self, table: Table, row_id: str) -> bool:
        change = update(table).where(table.c.id == row_id, table.c.revoked_at.is_(None))
        return self._write(change.values(revoked_at=self._now())) == 1


def party_identity(did: str) -> bytes:
    """The row that a wrapped party key belongs to."""
    return b"party_key/" + did.encode()


def _base64url(raw: bytes) -> str:
    return urlsafe_b64encode(raw).rstrip(b"=").decode()
