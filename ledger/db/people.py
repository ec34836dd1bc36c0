"""People: who works in a party, in which role, and how each one proves it.

A person's name and login are personal data. They lie here wrapped by the master key and nowhere else, and what is said
in the ledger carries her ``agent`` id, which means nothing outside her party and is never given to somebody else. To
find a person by what she types, the login is kept as a keyed hash too (``ledger.db.keyed``).

PINs have few digits, so wrong ones are counted in the row and not in a process: after ``PIN_TRIES`` no PIN of this
person is looked at for ``PIN_LOCK``, and after each further ``PIN_TRIES`` twice as long as before.
"""

from __future__ import annotations

import json
import re
import unicodedata
from base64 import b32encode
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import and_, delete, insert, or_, select, update
from sqlalchemy.exc import IntegrityError

from ledger import times
from ledger.db.keyed import Keyed
from ledger.db.outbox_tables import address
from ledger.db.rows import Rows, check_line, is_row_id
from ledger.db.secret import KeyKeeper
from ledger.db.tables import person
from ledger.errors import Invalid, Refused
from ledger.forms import is_uuid

ROLES = ("owner", "manager", "staff", "technician", "auditor")
MAX_NAME = 200
PIN_TRIES = 5
PIN_LOCK = 15 * times.MINUTE
PIN_LOCK_MOST = times.DAY
_AGENT = re.compile(r"[A-Za-z0-9_-]{1,64}")


@dataclass(frozen=True, slots=True)
class Person:
    """A person; ``name`` and ``login`` are empty once she was forgotten."""

    id: str
    party: str
    role: str
    agent: str
    name: str = field(repr=False)
    login: str = field(repr=False)
    has_password: bool
    has_pin: bool
    created_at: str
    disabled_at: str | None


@dataclass(frozen=True, slots=True)
class Proof:
    """What a person's word is compared with; ``hash`` is none if she may not come in this way now."""

    person: str
    party: str
    hash: str | None = field(repr=False)


class People:
    """The people of all parties."""

    def __init__(self, rows: Rows, master: KeyKeeper, keyed: Keyed) -> None:
        self._rows, self._master, self._keyed = rows, master, keyed

    def add(self, party: str, role: str, name: str, login: str | None = None, agent: str | None = None) -> Person:
        """Add a person, who has neither password nor PIN yet.

        Raises ``Invalid`` for a role or text out of form, ``Refused`` for a login or agent that somebody has or had.
        """
        if role not in ROLES:
            raise Invalid(f"got the role {role[:40]!r}, want {', '.join(ROLES)}", "/role")
        person_id = self._rows.rand(8).hex()
        agent = agent if agent is not None else "a" + b32encode(self._rows.rand(10)).decode().lower()
        if _AGENT.fullmatch(agent) is None:
            raise Invalid("got an agent id out of form, want 1 to 64 of A-Z a-z 0-9 _ -", "/agent")
        values = {"id": person_id, "party": party, "role": role, "agent": agent, "created_at": self._rows.now()}
        values |= self._named(person_id, name, login or "")
        with _refusing():
            self._rows.write(insert(person).values(**values, pin_failures=0))
        return self._known(person_id)

    def get(self, person_id: str) -> Person | None:
        """The person of this id."""
        found = self._rows.read(select(person).where(person.c.id == person_id)) if is_row_id(person_id) else []
        return self._person(found[0]) if found else None

    def all(self, party: str | None = None) -> list[Person]:
        """Everybody, of one party if named, in the order in which they came."""
        if party is not None and is_uuid(party) is None:
            return []
        query = select(person).order_by(person.c.created_at, person.c.id)
        rows = self._rows.read(query if party is None else query.where(person.c.party == party))
        return [self._person(row) for row in rows]

    def rename(self, person_id: str, name: str, login: str) -> None:
        """Give a person another name or login; raises as ``add``."""
        with _refusing():
            self._change(person_id, **self._named(person_id, name, login))

    def set_role(self, person_id: str, role: str) -> None:
        """Give a person another role; raises ``Invalid`` for none of ``ROLES``."""
        if role not in ROLES:
            raise Invalid(f"got the role {role[:40]!r}, want {', '.join(ROLES)}", "/role")
        self._change(person_id, role=role)

    def set_password(self, person_id: str, hashed: str) -> None:
        """Give a person a password, as its Argon2id hash."""
        self._change(person_id, password=hashed)

    def set_pin(self, person_id: str, hashed: str) -> None:
        """Give a person a PIN, as its Argon2id hash, and forget how often others were wrong."""
        self._change(person_id, pin=hashed, pin_failures=0, pin_locked_until=None)

    def set_disabled(self, person_id: str, *, disabled: bool) -> None:
        """Let a person in no longer, or again."""
        self._change(person_id, disabled_at=self._rows.now() if disabled else None)

    def forget(self, person_id: str) -> None:
        """Erase who a person is and where she is written to; keep her agent id, which is never given out again."""
        gone = {"login": None, "subject": None, "password": None, "pin": None}
        wrapped = self._wrap(person_id, "", "")
        values = {**gone, "wrapped": wrapped, "disabled_at": self._rows.now()}
        with self._rows.writing() as connection:
            # In this order: whoever adds an address of hers at this moment has done so, or finds her gone.
            connection.execute(update(person).where(person.c.id == person_id).values(**values))
            connection.execute(delete(address).where(address.c.person == person_id))

    def by_login(self, login: str) -> Proof | None:
        """What the password of whoever has this login is compared with; ``None`` if nobody has."""
        found = self._rows.read(select(person).where(person.c.login == self._keyed.hash("login", _folded(login))))
        if not found:
            return None
        row = found[0]
        return Proof(row.id, row.party, None if row.disabled_at else row.password)

    def bind_subject(self, person_id: str, issuer: str, subject: str) -> None:
        """Let a person in by what an identity provider calls her; raises ``Refused`` if she has another such name.

        Also if somebody else has this one. A provider that gives an old e-mail address to a new person names her
        otherwise: she must not come in as who had the address before.
        """
        keyed = self._keyed.hash("subject", f"{issuer}\n{subject}")
        free = and_(person.c.id == person_id, or_(person.c.subject.is_(None), person.c.subject == keyed))
        with _refusing():
            if self._rows.write(update(person).where(free).values(subject=keyed)) != 1:
                raise Refused("this person is known to the identity provider by another name")

    def by_subject(self, issuer: str, subject: str) -> Person | None:
        """The person whom an identity provider calls this, if she may come in."""
        wanted = self._keyed.hash("subject", f"{issuer}\n{subject}")
        found = self._rows.read(select(person).where(person.c.subject == wanted, person.c.disabled_at.is_(None)))
        return self._person(found[0]) if found else None

    def try_pin(self, person_id: str, party: str) -> Proof | None:
        """What a PIN of this person is compared with, counted as wrong until ``pin_was_right`` says otherwise.

        ``None`` if there is nobody of this id in the party with a PIN, and a ``Proof`` without hash while it is locked.
        Counted first: of many tries at once no more are looked at than one after the other.
        """
        now = self._rows.clock()
        mine = and_(person.c.id == person_id, person.c.party == party, person.c.disabled_at.is_(None))
        open_now = or_(person.c.pin_locked_until.is_(None), person.c.pin_locked_until <= times.format_recorded(now))
        if not is_row_id(person_id):
            return None
        with self._rows.writing() as connection:
            change = update(person).where(mine, person.c.pin.is_not(None), open_now)
            counted = connection.execute(change.values(pin_failures=person.c.pin_failures + 1)).rowcount
            found = connection.execute(select(person).where(mine)).all()
            if not found or found[0].pin is None:
                return None
            failures = found[0].pin_failures
            if counted and failures % PIN_TRIES == 0:
                end = now + min(PIN_LOCK << min(failures // PIN_TRIES - 1, 16), PIN_LOCK_MOST)
                locked = update(person).where(person.c.id == person_id)
                connection.execute(locked.values(pin_locked_until=times.format_recorded(end)))
        return Proof(person_id, party, found[0].pin if counted else None)

    def pin_was_right(self, person_id: str) -> None:
        """The PIN that was tried is hers: nothing counts against her any more."""
        self._change(person_id, pin_failures=0, pin_locked_until=None)

    def _known(self, person_id: str) -> Person:
        found = self.get(person_id)
        assert found is not None, "people are disabled and forgotten, and never deleted"
        return found

    def _change(self, person_id: str, **values: Any) -> None:
        self._rows.write(update(person).where(person.c.id == person_id).values(**values))

    def _named(self, person_id: str, name: str, login: str) -> dict[str, Any]:
        check_line(name, MAX_NAME, "/name")
        check_line(login, MAX_NAME, "/login")
        if not name.strip():
            raise Invalid("got no name", "/name")
        keyed = self._keyed.hash("login", _folded(login)) if login else None
        return {"wrapped": self._wrap(person_id, name, login), "login": keyed}

    def _wrap(self, person_id: str, name: str, login: str) -> bytes:
        return self._master.wrap(json.dumps([name, login]).encode(), person_identity(person_id))

    def _person(self, row: Any) -> Person:
        name, login = json.loads(self._master.unwrap(row.wrapped, person_identity(row.id)))
        return Person(
            id=row.id,
            party=row.party,
            role=row.role,
            agent=row.agent,
            name=name,
            login=login,
            has_password=row.password is not None,
            has_pin=row.pin is not None,
            created_at=row.created_at,
            disabled_at=row.disabled_at,
        )


@contextmanager
def _refusing() -> Iterator[None]:
    """A block in which a row that must be the only one of its kind may turn out not to be."""
    try:
        yield
    except IntegrityError:
        raise Refused("got a login or an agent id that somebody has, or had before") from None


def person_identity(person_id: str) -> bytes:
    """The row that a wrapped name belongs to."""
    return b"person/" + person_id.encode()


def _folded(login: str) -> str:
    """A login as it is compared: in whatever case and composition it is typed."""
    return unicodedata.normalize("NFKC", login).strip().casefold()
