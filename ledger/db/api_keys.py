"""API keys: secrets of programs that act for a party. Shown once, kept as a hash, with scopes and an end.

A key that is rotated goes on until a time that is said then, so that a till can be given its next key while the last
one still works. When a key was last used is kept to the hour: a write for each request would cost what an append costs.
"""

from __future__ import annotations

import re
from base64 import urlsafe_b64encode
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import ColumnElement, and_, insert, or_, select, update
from sqlalchemy.exc import SQLAlchemyError

from ledger import times
from ledger.db.rows import Memory, Rows, check_line, hash_of, is_row_id
from ledger.db.tables import api_key
from ledger.errors import Refused

KEY_PREFIX = "pk_"
MAX_LABEL = 200
COARSE = times.HOUR
"""How exactly the last use is known."""
OVERLAP = 24 * times.HOUR
"""How long a rotated key goes on unless somebody says otherwise."""
_SECRET = re.compile(r"pk_[A-Za-z0-9_-]{43}")


@dataclass(frozen=True, slots=True)
class ApiKey:
    """An API key without its secret; ``party`` is whom it acts for, ``last_used_at`` is true to the hour."""

    id: str
    party: str
    scopes: tuple[str, ...]
    label: str
    created_at: str
    revoked_at: str | None
    expires_at: str | None
    last_used_at: str | None

    def ended(self, now: int) -> bool:
        """Whether it was revoked, or its time is over at ``now``."""
        over = self.expires_at is not None and times.parse_recorded(self.expires_at) <= now
        return over or self.revoked_at is not None


class ApiKeys:
    """The API keys of a ledger."""

    def __init__(self, rows: Rows) -> None:
        self._rows = rows
        self._memory: Memory[tuple[int | None, ApiKey]] = Memory()

    def create(self, party: str, scopes: Iterable[str], label: str = "", expires_at: int | None = None) -> str:
        """Create a key and return its secret (``pk_`` and base64url), which is shown only now.

        Raises ``Refused`` for an end that is not after now.
        """
        secret, values = self._draft(party, " ".join(scopes), label, expires_at)
        self._rows.write(insert(api_key).values(**values))
        return secret

    def rotate(self, key_id: str, until: int | None = None, expires_at: int | None = None) -> str:
        """Make the key that follows this one, and return its secret; this one goes on ``until`` then.

        The new key has the same party, scopes and label and, unless ``expires_at`` says otherwise, as long a life.
        Raises ``Refused`` unless the key is in force.
        """
        now = self._rows.clock()
        old = self.get(key_id)
        if old is None or old.ended(now):
            raise Refused("got an API key that is unknown, revoked or expired")
        if old.expires_at is not None and expires_at is None:
            expires_at = now + times.parse_recorded(old.expires_at) - times.parse_recorded(old.created_at)
        secret, values = self._draft(old.party, " ".join(old.scopes), old.label, expires_at)
        end = times.format_recorded(now + OVERLAP if until is None else max(now, until))
        if old.expires_at is not None:
            end = min(end, old.expires_at)
        with self._rows.writing() as connection:
            still = and_(api_key.c.id == key_id, _in_force(times.format_recorded(now)))
            if connection.execute(update(api_key).where(still).values(expires_at=end)).rowcount != 1:
                raise Refused("got an API key that is unknown, revoked or expired")
            connection.execute(insert(api_key).values(**values))
        self._memory.forget()
        return secret

    def find(self, secret: str) -> ApiKey | None:
        """The key of this secret, unless unknown, malformed, revoked or expired; remembered for a few seconds."""
        if _SECRET.fullmatch(secret) is None:
            return None
        digest, now = hash_of(secret), self._rows.clock()
        kept = self._memory.get(digest, now)
        if kept is None:
            found = self._rows.read(select(api_key).where(api_key.c.hash == digest, api_key.c.revoked_at.is_(None)))
            if not found:
                self._memory.forget(digest)
                return None
            key = self._used(_api_key(found[0]), now)
            kept = (None if key.expires_at is None else times.parse_recorded(key.expires_at)), key
            self._memory.put(digest, now, kept)
        return None if kept[0] is not None and kept[0] <= now else kept[1]

    def id_of(self, secret: str) -> str:
        """The id of a key by its secret, which counts as no use of it; it must be one that was made here."""
        ((found,),) = self._rows.read(select(api_key.c.id).where(api_key.c.hash == hash_of(secret)))
        return str(found)

    def get(self, key_id: str) -> ApiKey | None:
        """The key of this id, in force or not."""
        found = self._rows.read(select(api_key).where(api_key.c.id == key_id)) if is_row_id(key_id) else []
        return _api_key(found[0]) if found else None

    def revoke(self, key_id: str) -> bool:
        """Revoke a key by its id; return whether it was in force."""
        now = self._rows.now()
        change = update(api_key).where(api_key.c.id == key_id, _in_force(now)).values(revoked_at=now)
        revoked = self._rows.write(change) == 1
        self._memory.forget()
        return revoked

    def all(self, party: str | None = None) -> list[ApiKey]:
        """All keys, of one party if named, oldest first."""
        query = select(api_key).order_by(api_key.c.created_at, api_key.c.id)
        return [_api_key(row) for row in self._rows.read(query if party is None else query.where(_of(party)))]

    def in_force(self, party: str) -> list[ApiKey]:
        """The keys of a party that have not ended, oldest first."""
        return [one for one in self.all(party) if not one.ended(self._rows.clock())]

    def _draft(self, party: str, scopes: str, label: str, expires_at: int | None) -> tuple[str, dict[str, Any]]:
        now = self._rows.clock()
        if expires_at is not None and expires_at <= now:
            raise Refused("got an end of the key that is past", "/expires_at")
        check_line(label, MAX_LABEL, "/label")
        secret = KEY_PREFIX + urlsafe_b64encode(self._rows.rand(32)).rstrip(b"=").decode()
        end = None if expires_at is None else times.format_recorded(expires_at)
        return secret, {
            "id": self._rows.rand(8).hex(),
            "hash": hash_of(secret),
            "party": party,
            "scopes": scopes,
            "label": label,
            "created_at": times.format_recorded(now),
            "expires_at": end,
        }

    def _used(self, key: ApiKey, now: int) -> ApiKey:
        """The key with this use noted, if the last one that was noted is too long ago."""
        if key.last_used_at is not None and now - times.parse_recorded(key.last_used_at) < COARSE:
            return key
        text = times.format_recorded(now)
        # Whoever asks is not kept waiting for, or refused, what only the operator reads.
        with suppress(SQLAlchemyError):
            self._rows.write(update(api_key).where(api_key.c.id == key.id).values(last_used_at=text))
        return replace(key, last_used_at=text)


def _in_force(now: str) -> ColumnElement[bool]:
    unended = or_(api_key.c.expires_at.is_(None), api_key.c.expires_at > now)
    return and_(api_key.c.revoked_at.is_(None), unended)


def _of(party: str) -> ColumnElement[bool]:
    return api_key.c.party == party


def _api_key(row: Any) -> ApiKey:
    scopes = tuple(row.scopes.split())
    return ApiKey(
        id=row.id,
        party=row.party,
        scopes=scopes,
        label=row.label,
        created_at=row.created_at,
        revoked_at=row.revoked_at,
        expires_at=row.expires_at,
        last_used_at=row.last_used_at,
    )
