"""Who may use the service: API keys, parties' signing keys in custody, and view codes.

Secrets of 128 and more random bits are kept as their SHA-256, which is enough for what cannot be guessed; signing keys
are wrapped by the master key. Nothing here is part of the ledger: a lost row here loses access, and no history.
"""

from __future__ import annotations

import re
from base64 import urlsafe_b64encode
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Engine, Table, delete, insert, select, update

from ledger import note
from ledger.db.api_keys import ApiKey, ApiKeys
from ledger.db.draft import Row
from ledger.db.grants import Grants
from ledger.db.keys import identity
from ledger.db.lock import AppendLock
from ledger.db.people import People
from ledger.db.rows import Rows
from ledger.db.rows import hash_of as _hash
from ledger.db.secret import MasterKey
from ledger.db.tables import code, ledger_key, party_key
from ledger.db.view import View
from ledger.db.visits import Visits
from ledger.dsse import SigningKey

LEVELS = {"view": "view", "gift": "view", "card": "view", "tag": "view"}
"""What a code of each kind opens (api.md, Levels)."""
_TOKEN = re.compile(r"[A-Za-z0-9_-]{21}[AQgw]")


@dataclass(frozen=True, slots=True)
class PartyKey:
    """A party's signing key in the service's custody."""

    did: str
    party: str
    created_at: str


@dataclass(frozen=True, slots=True)
class Code:
    """A view code without its token: what it opens (``subject``), its ``kind`` and the ``level`` it gives now."""

    id: str
    subject: str
    kind: str
    level: str
    created_at: str
    revoked_at: str | None


class Access:
    """Keys and codes; see the top of the file. ``rand(n)`` gives n random bytes."""

    def __init__(
        self,
        engine: Engine,
        lock: AppendLock,
        view: View,
        *,
        master: MasterKey,
        clock: Callable[[], int],
        rand: Callable[[int], bytes],
    ) -> None:
        rows = Rows(engine, lock, clock=clock, rand=rand)
        self._read, self._write, self._now = rows.read, rows.write, rows.now
        self._view, self._master, self._rand = view, master, rand
        self.keys = ApiKeys(rows)
        self.people = People(rows, master)
        self.visits = Visits(rows)
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

    def party_signer(self, party: str) -> SigningKey | None:
        """The newest key in custody that is in force for this party, if any."""
        found = self._view.parties.parties.get(party)
        for did in reversed([] if found is None else list(found.keys)):
            signer = self._signers.get(did)
            if signer is None:
                for row in self._read(select(party_key.c.wrapped).where(party_key.c.did == did)):
                    signer = SigningKey.from_seed(self._master.unwrap(row.wrapped, party_identity(did)))
                    self._signers[did] = signer
            if signer is not None:
                return signer
        return None

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

    def create_code(self, subject: str, kind: str) -> str:
        """Create a view code for a subject and return its token, 22 base64url characters, kept only as its hash."""
        token, row = self.draft_code(subject, kind)
        self._write(insert(code).values(**row.values))
        return token

    def draft_code(self, subject: str, kind: str) -> tuple[str, Row]:
        """A token and the row to commit together with a statement, for a code that exists only if that does."""
        token = _base64url(self._rand(16))
        level = LEVELS.get(kind, "public")
        values = {"id": self._rand(8).hex(), "hash": _hash(token), "subject": subject, "kind": kind, "level": level}
        return token, Row("code", values | {"created_at": self._now(), "revoked_at": None})

    def find_code(self, token: str) -> Code | None:
        """The code of this token, unless unknown, malformed or revoked, which look the same."""
        # A malformed token is looked up too, so that it takes the same time.
        digest = _hash(token if _TOKEN.fullmatch(token) else "")
        rows = self._read(select(code).where(code.c.hash == digest, code.c.revoked_at.is_(None)))
        return _code(rows[0]) if rows else None

    def codes_of(self, subject: str) -> list[Code]:
        """The codes of a subject, oldest first, without their tokens."""
        return [_code(row) for row in self._rows(code, "subject", subject, "id")]

    def revoke_code(self, code_id: str) -> bool:
        """Revoke a code by its id; return whether it was in force."""
        return self._revoke(code, code_id)

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


def _code(row: Any) -> Code:
    return Code(row.id, row.subject, row.kind, row.level, row.created_at, row.revoked_at)
