"""Visits: a person at a browser, from the moment she came in until she leaves, is idle too long or is let out.

A visit is a random secret in a cookie, kept here as its hash; it is made anew whenever somebody comes in, so that a
secret that was planted before opens nothing. On a shared tablet it counts only together with the tablet's own secret.
When it was last seen is kept to the minute, and what was found is remembered for a few seconds: a request costs
neither a read nor a write. Whoever is disabled, or whose tablet is revoked, is out at the next look.
"""

from __future__ import annotations

from base64 import urlsafe_b64encode
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import delete, insert, or_, select, update
from sqlalchemy.exc import SQLAlchemyError

from ledger import times
from ledger.db.rows import Memory, Rows, check_line, hash_of, is_row_id
from ledger.db.tables import device, person, visit
from ledger.errors import Refused

LONGEST = 12 * times.HOUR
"""A working day: then she comes in again, however busy she was."""
IDLE = 30 * times.MINUTE
IDLE_AT_TABLET = 5 * times.MINUTE
COARSE = times.MINUTE
"""How exactly it is known when a visit was last seen; an idle one ends up to this much earlier, never later."""
MAX_LABEL = 200


@dataclass(frozen=True, slots=True)
class Visit:
    """Who is at the browser; ``device`` is the tablet's id if she came in by a PIN there."""

    person: str
    party: str
    role: str
    agent: str
    device: str | None
    created_at: str
    seen_at: str
    expires_at: str

    def ended(self, now: int) -> bool:
        """Whether it is over at ``now``: its whole time, or too long without a request."""
        idle = IDLE if self.device is None else IDLE_AT_TABLET
        return now >= times.parse_recorded(self.expires_at) or now >= times.parse_recorded(self.seen_at) + idle


@dataclass(frozen=True, slots=True)
class Device:
    """A shared tablet of a party, without its secret."""

    id: str
    party: str
    label: str
    created_at: str
    revoked_at: str | None


class Visits:
    """Visits and tablets."""

    def __init__(self, rows: Rows) -> None:
        self._rows = rows
        self._memory: Memory[Visit] = Memory()

    def enter(self, person_id: str, device_id: str | None = None) -> str:
        """Let a person in, at a tablet if named; the secret of the visit. What is over is swept out on the way."""
        now = self._rows.clock()
        secret, text = _secret(self._rows), times.format_recorded(now)
        values = {"hash": hash_of(secret), "person": person_id, "device": device_id, "created_at": text}
        values |= {"seen_at": text, "expires_at": times.format_recorded(now + LONGEST)}
        idle = times.format_recorded(now - IDLE)
        with self._rows.writing() as connection:
            connection.execute(delete(visit).where(or_(visit.c.expires_at <= text, visit.c.seen_at <= idle)))
            connection.execute(insert(visit).values(**values))
        return secret

    def find(self, secret: str, device_secret: str | None) -> Visit | None:
        """The visit of this secret, unless it is over, or belongs to a tablet whose secret this is not."""
        key, now = (hash_of(secret), None if device_secret is None else hash_of(device_secret)), self._rows.clock()
        found = self._memory.get(key, now)
        if found is None:
            found = self._look(*key)
            if found is None or found.ended(now):
                self._memory.forget(key)
                return None
            found = self._seen(key[0], found, now)
            self._memory.put(key, now, found)
        return None if found.ended(now) else found

    def leave(self, secret: str) -> None:
        """End a visit."""
        self._rows.write(delete(visit).where(visit.c.hash == hash_of(secret)))
        self._memory.forget()

    def let_out(self, person_id: str) -> None:
        """End every visit of a person; after her password or her role changed, for instance."""
        self._rows.write(delete(visit).where(visit.c.person == person_id))
        self._memory.forget()

    def enrol(self, party: str, label: str) -> tuple[Device, str]:
        """Make a tablet of a party known; it and its secret, which is shown only now."""
        check_line(label, MAX_LABEL, "/label")
        secret = _secret(self._rows)
        values = {"id": self._rows.rand(8).hex(), "party": party, "label": label, "created_at": self._rows.now()}
        self._rows.write(insert(device).values(**values, hash=hash_of(secret)))
        return Device(**values, revoked_at=None), secret

    def tablet(self, secret: str) -> Device | None:
        """The tablet of this secret, unless unknown or revoked."""
        query = select(device).where(device.c.hash == hash_of(secret), device.c.revoked_at.is_(None))
        found = self._rows.read(query)
        return _device(found[0]) if found else None

    def tablets(self, party: str | None = None) -> list[Device]:
        """All tablets, of one party if named, oldest first."""
        query = select(device).order_by(device.c.created_at, device.c.id)
        return [
            _device(row) for row in self._rows.read(query if party is None else query.where(device.c.party == party))
        ]

    def revoke_tablet(self, device_id: str, party: str | None = None) -> Device:
        """Let a tablet in no longer; raises ``Refused`` unless it was, and is the party's if one is named."""
        mine = [] if party is None else [device.c.party == party]
        known = is_row_id(device_id)
        change = update(device).where(device.c.id == device_id, device.c.revoked_at.is_(None), *mine)
        if not known or self._rows.write(change.values(revoked_at=self._rows.now())) != 1:
            raise Refused("got an id that is no tablet's, or of one that is revoked")
        self._rows.write(delete(visit).where(visit.c.device == device_id))
        self._memory.forget()
        return _device(self._rows.read(select(device).where(device.c.id == device_id))[0])

    def _look(self, digest: bytes, device_digest: bytes | None) -> Visit | None:
        columns = (person.c.party, person.c.role, person.c.agent, device.c.hash.label("bound"), device.c.revoked_at)
        joined = visit.join(person, person.c.id == visit.c.person).outerjoin(device, device.c.id == visit.c.device)
        query = select(visit, *columns).select_from(joined)
        for row in self._rows.read(query.where(visit.c.hash == digest, person.c.disabled_at.is_(None))):
            if row.device is None or (row.revoked_at is None and bytes(row.bound or b"") == device_digest):
                return Visit(
                    person=row.person,
                    party=row.party,
                    role=row.role,
                    agent=row.agent,
                    device=row.device,
                    created_at=row.created_at,
                    seen_at=row.seen_at,
                    expires_at=row.expires_at,
                )
        return None

    def _seen(self, digest: bytes, found: Visit, now: int) -> Visit:
        if now - times.parse_recorded(found.seen_at) < COARSE:
            return found
        text = times.format_recorded(now)
        with suppress(SQLAlchemyError):
            self._rows.write(update(visit).where(visit.c.hash == digest).values(seen_at=text))
        return replace(found, seen_at=text)


def _secret(rows: Rows) -> str:
    return urlsafe_b64encode(rows.rand(32)).rstrip(b"=").decode()


def _device(row: Any) -> Device:
    return Device(row.id, row.party, row.label, row.created_at, row.revoked_at)
