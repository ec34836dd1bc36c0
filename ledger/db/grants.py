"""What a party lets an auditor read: its items or one of them, until a time, unless it takes that back before.

A grant opens histories; of private members it opens those that it names. Nobody grants what is another's: a chain sees
its shops' items, and grants its own.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import insert, or_, select, update

from ledger import times
from ledger.db.rows import Memory, Rows, is_row_id
from ledger.db.tables import auditor_grant
from ledger.errors import Invalid

LONGEST = 2 * 366 * times.DAY
"""An audit ends; one that goes on is granted again."""


@dataclass(frozen=True, slots=True)
class Grant:
    """``party`` lets ``auditor`` read ``subject`` (``None``: all its items) and these private members of it."""

    id: str
    party: str
    auditor: str
    subject: str | None
    members: tuple[str, ...]
    until: str
    created_at: str
    revoked_at: str | None

    def in_force(self, now: int) -> bool:
        """Whether it counts at ``now``."""
        return self.revoked_at is None and now < times.parse_recorded(self.until)


class Grants:
    """The grants of all parties."""

    def __init__(self, rows: Rows) -> None:
        self._rows = rows
        self._memory: Memory[tuple[Grant, ...]] = Memory()

    def give(self, party: str, auditor: str, subject: str | None, members: Sequence[str], until: int) -> Grant:
        """Grant; raises ``Invalid`` for an end that is past or more than two years away."""
        now = self._rows.clock()
        if not now < until <= now + LONGEST:
            raise Invalid("want an end of the grant that is to come, within two years", "/until")
        grant = Grant(
            id=self._rows.rand(8).hex(),
            party=party,
            auditor=auditor,
            subject=subject,
            members=tuple(members),
            until=times.format_recorded(until),
            created_at=times.format_recorded(now),
            revoked_at=None,
        )
        values = {name: getattr(grant, name) for name in grant.__slots__}
        self._rows.write(insert(auditor_grant).values(**values | {"members": " ".join(members)}))
        self._memory.forget()
        return grant

    def revoke(self, grant_id: str, party: str) -> bool:
        """Take a party's grant back; return whether it had it."""
        if not is_row_id(grant_id):
            return False
        mine = auditor_grant.c.id == grant_id, auditor_grant.c.party == party, auditor_grant.c.revoked_at.is_(None)
        revoked = self._rows.write(update(auditor_grant).where(*mine).values(revoked_at=self._rows.now())) == 1
        self._memory.forget()
        return revoked

    def of(self, party: str) -> list[Grant]:
        """What a party gave and what it was given, also what is over, oldest first."""
        mine = or_(auditor_grant.c.party == party, auditor_grant.c.auditor == party)
        order = auditor_grant.c.created_at, auditor_grant.c.id
        return [_grant(row) for row in self._rows.read(select(auditor_grant).where(mine).order_by(*order))]

    def to(self, auditor: str) -> tuple[Grant, ...]:
        """What an auditor may read now; remembered for a few seconds."""
        now = self._rows.clock()
        found = self._memory.get(auditor, now)
        if found is None:
            unrevoked = auditor_grant.c.auditor == auditor, auditor_grant.c.revoked_at.is_(None)
            found = tuple(_grant(row) for row in self._rows.read(select(auditor_grant).where(*unrevoked)))
            self._memory.put(auditor, now, found)
        return tuple(grant for grant in found if grant.in_force(now))


def _grant(row: Any) -> Grant:
    return Grant(
        id=row.id,
        party=row.party,
        auditor=row.auditor,
        subject=row.subject,
        members=tuple(row.members.split()),
        until=row.until,
        created_at=row.created_at,
        revoked_at=row.revoked_at,
    )
