"""Who may use the service: API keys, parties' signing keys in custody, and view codes.

Secrets of 128 and more random bits are kept as their SHA-256, which is enough for what cannot be guessed; signing keys
are wrapped by the master key. Nothing here is part of the ledger: a lost row here loses access, and no history.
"""

from __future__ import annotations

import re
import threading
from base64 import urlsafe_b64encode
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

from sqlalchemy import Connection, Engine, Table, delete, insert, select, update

from ledger import note, times
from ledger.db.draft import Row
from ledger.db.engine import WRITE
from ledger.db.keys import identity
from ledger.db.lock import AppendLock
from ledger.db.secret import KeyKeeper
from ledger.db.tables import api_key, code, ledger_key, party_key
from ledger.db.view import View
from ledger.dsse import SigningKey

KEY_PREFIX = "pk_"
REMEMBER = 5 * times.SECOND
"""How long a found API key is not asked for again: the longest that a key revoked by another process still works."""
MAX_REMEMBERED = 1024
LEVELS = {"view": "view", "gift": "view", "card": "view", "tag": "view"}
"""What a code of each kind opens (api.md, Levels)."""
_SECRET = re.compile(r"pk_[A-Za-z0-9_-]{43}")
_TOKEN = re.compile(r"[A-Za-z0-9_-]{21}[AQgw]")


@dataclass(frozen=True, slots=True)
class ApiKey:
    """An API key without its secret; ``party`` is whom it acts for."""

    id: str
    party: str
    scopes: tuple[str, ...]
    label: str
    created_at: str
    revoked_at: str | None


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
        master: KeyKeeper,
        clock: Callable[[], int],
        rand: Callable[[int], bytes],
    ) -> None:
        self._engine, self._view, self._master = engine, view, master
        self._clock, self._rand = clock, rand
        # PostgreSQL has no other writer of these rows to wait for.
        self._lock = lock if engine.dialect.name == "sqlite" else nullcontext()
        self._found: dict[bytes, tuple[int, ApiKey]] = {}
        self._signers: dict[str, SigningKey] = {}
        self._mutex = threading.Lock()

    def create_api_key(self, party: str, scopes: Iterable[str], label: str = "") -> str:
        """Create an API key and return its secret (``pk_`` and base64url), which is shown only now."""
        secret = KEY_PREFIX + _base64url(self._rand(32))
        row = {"id": self._rand(8).hex(), "hash": _hash(secret), "party": party, "scopes": " ".join(scopes)}
        self._write(insert(api_key).values(**row, label=label, created_at=self._now(), revoked_at=None))
        return secret

    def find_api_key(self, secret: str) -> ApiKey | None:
        """The key of this secret, unless unknown, malformed or revoked; remembered for a few seconds."""
        if _SECRET.fullmatch(secret) is None:
            return None
        digest, now = _hash(secret), self._clock()
        kept = self._found.get(digest)
        if kept is not None and 0 <= now - kept[0] < REMEMBER:
            return kept[1]
        rows = self._read(select(api_key).where(api_key.c.hash == digest, api_key.c.revoked_at.is_(None)))
        with self._mutex:
            self._found.pop(digest, None)
            if not rows:
                return None
            if len(self._found) >= MAX_REMEMBERED:
                self._found.clear()
            found = _api_key(rows[0])
            self._found[digest] = now, found
        return found

    def revoke_api_key(self, key_id: str) -> bool:
        """Revoke a key by its id; return whether it was in force."""
        revoked = self._revoke(api_key, key_id)
        with self._mutex:
            self._found.clear()
        return revoked

    def api_keys(self, party: str | None = None) -> list[ApiKey]:
        """All API keys, of one party if named, oldest first."""
        return [_api_key(row) for row in self._rows(api_key, "party", party, "id")]

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

    def _now(self) -> str:
        return times.format_recorded(self._clock())

    def _rows(self, table: Table, column: str, value: str | None, last: str) -> list[Any]:
        query = select(table).order_by(table.c.created_at, table.c[last])
        return self._read(query if value is None else query.where(table.c[column] == value))

    def _revoke(self, table: Table, row_id: str) -> bool:
        change = update(table).where(table.c.id == row_id, table.c.revoked_at.is_(None))
        return self._write(change.values(revoked_at=self._now())) == 1

    def _read(self, query: Any) -> list[Any]:
        with self._engine.connect() as connection:
            return list(connection.execute(query).all())

    def _write(self, change: Any) -> int:
        with self._writing() as connection:
            return int(connection.execute(change).rowcount)

    @contextmanager
    def _writing(self) -> Iterator[Connection]:
        with self._lock, self._engine.connect().execution_options(**{WRITE: True}) as connection, connection.begin():
            yield connection


def party_identity(did: str) -> bytes:
    """The row that a wrapped party key belongs to."""
    return b"party_key/" + did.encode()


def _hash(secret: str) -> bytes:
    return sha256(secret.encode()).digest()


def _base64url(raw: bytes) -> str:
    return urlsafe_b64encode(raw).rstrip(b"=").decode()


def _api_key(row: Any) -> ApiKey:
    return ApiKey(row.id, row.party, tuple(row.scopes.split()), row.label, row.created_at, row.revoked_at)


def _code(row: Any) -> Code:
    return Code(row.id, row.subject, row.kind, row.level, row.created_at, row.revoked_at)
