"""The access log: who read which private members, and a signal where that is unusual.

``note`` is called before private members leave the service. It writes a line to a spool and returns, so that a read
costs no commit; if the line cannot be written it raises, and nothing may be shown. ``flush`` brings the lines to the
table ``reading`` and looks at each reader again. A reader is a person if one is known, otherwise the key.

Three rules give a signal, at most one of a kind for a reader and a clock hour. Let *n* be the distinct subjects that a
reader read in the hour that ends now, and *usual* its distinct subjects in an average hour of the 28 days before, of
the hours in which it read at all:

- ``many``: n > max(FREE, TIMES * usual): more than it ever needs, for somebody who has a habit;
- ``limit``: n > LIMIT: more than anybody looks up by hand, whatever the habit;
- ``outside``: it read a member of a party that it does not speak for, nor a chain above it.

A signal accuses nobody: it says which readings to ask about. It names them by reader and time (``Signal.since`` to
``Signal.at``), so that ``readings(reader=…, since=…, until=…)`` lists them.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

import msgspec
from sqlalchemy import ColumnElement, Connection, Engine, delete, func, select
from sqlalchemy.dialects import postgresql, sqlite

from ledger import times
from ledger.db.gate import Gate
from ledger.db.spool import Spool
from ledger.db.tables import reading as table
from ledger.db.tables import signal
from ledger.db.views import uuid_bytes
from ledger.errors import Invalid

FREE = 20
"""Distinct subjects in an hour that are never ``many``: a busy counter."""
TIMES = 5
LIMIT = 200
HABIT = 28 * times.DAY
KEEP = 400 * times.DAY
"""How long readings and signals are kept: a year of looking back and a month to do it in."""
MAX_PAGE = 200
FULL = 512
"""Lines that wait at most before a ``note`` brings them to the table itself."""
_HOUR_OF = len("2026-05-04T09")


class Reading(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """``members`` of ``statement`` about ``subject``, which ``owner`` had said, left by the route ``why``.

    Who asked: ``party``, the id of its API ``key`` (or of a code), and the ``person``; a holder by a code has no party.
    ``outside``: ``owner`` is not among those that the reader speaks for.
    """

    id: str
    at: str
    party: str | None = None
    key: str | None = None
    person: str | None = None
    subject: str | None = None
    statement: str | None = None
    owner: str | None = None
    members: tuple[str, ...] = ()
    why: str = ""
    outside: bool = False

    @property
    def reader(self) -> str:
        """Whom rules count: the person, or else the key, or else the party."""
        return f"person {self.person}" if self.person else f"key {self.key}" if self.key else f"party {self.party}"


@dataclass(frozen=True, slots=True)
class Signal:
    """Unusual reading by ``reader`` from ``since`` to ``at``: ``subjects`` were read and ``allowed`` were usual."""

    id: str
    at: str
    kind: str
    reader: str
    party: str | None
    since: str
    subjects: int
    allowed: int


_encode = msgspec.json.encode
_decode = msgspec.json.Decoder(Reading).decode


class Readings:
    """The access log of one process; safe for threads. ``rand(n)`` gives n random bytes."""

    def __init__(
        self,
        engine: Engine,
        gate: Gate,
        spool: Spool | None,
        *,
        clock: Callable[[], int],
        rand: Callable[[int], bytes],
    ) -> None:
        self._engine, self._spool = engine, spool
        self._clock, self._rand = clock, rand
        self._gate = gate
        self._flushing = threading.Lock()
        self._waiting = 0 if spool is None else len(spool.left)

    def note(
        self,
        *,
        party: str | None,
        key: str | None,
        why: str,
        members: Iterable[str],
        person: str | None = None,
        subject: str | None = None,
        statement: str | None = None,
        owner: str | None = None,
        sees: frozenset[str] = frozenset(),
    ) -> None:
        """Write down that these members are about to leave; raises ``Unavailable`` if that cannot be written.

        ``why`` is the route; ``owner`` the party that said the statement, ``sees`` whom the reader speaks for besides
        ``party``. Neither holds what was read.
        """
        if self._spool is None:
            raise AssertionError("a ledger that was opened to be read shows no private members")
        now = self._clock()
        outside = owner is not None and party is not None and owner != party and owner not in sees
        one = Reading(
            id=(now.to_bytes(8, "big") + self._rand(8)).hex(),
            at=times.format_recorded(now),
            party=party, key=key, person=person, subject=subject, statement=statement, owner=owner,
            members=tuple(members), why=why, outside=outside,
        )  # fmt: skip
        self._spool.add(_encode(one))
        self._waiting += 1
        if self._waiting >= FULL:
            self.flush()

    def flush(self) -> int:
        """Bring what waits to the table, judge its readers, and return how many readings that were.

        What cannot be committed (the database's own error is raised) waits on.
        """
        if self._spool is None:
            return 0
        with self._flushing:
            lines = self._spool.take()
            self._waiting = 0
            if not lines:
                return 0
            try:
                found = list(_parse(lines))
                self._commit(found)
            except BaseException:
                self._spool.put_back(lines)
                raise
            self._spool.drop()
            return len(found)

    def readings(
        self,
        *,
        party: str | None = None,
        reader: str | None = None,
        subject: str | None = None,
        since: str | None = None,
        until: str | None = None,
        cursor: str | None = None,
        limit: int = MAX_PAGE,
    ) -> tuple[list[Reading], str | None]:
        """A page of readings, newest first, and the cursor of the next one.

        ``party``: those that it made, and those of what it said. Raises ``Invalid`` for a cursor that is none.
        """
        self.flush()
        where: list[ColumnElement[bool]] = []
        if party is not None:
            where.append((table.c.party == party) | (table.c.owner == party))
        for column, value in ((table.c.reader, reader), (table.c.subject, subject)):
            if value is not None:
                where.append(column == value)
        if since is not None:
            where.append(table.c.at >= since)
        if until is not None:
            where.append(table.c.at <= until)
        if cursor is not None:
            where.append(table.c.id < _id_of(cursor))
        limit = max(1, min(limit, MAX_PAGE))
        with self._engine.connect() as connection:
            rows = connection.execute(select(table).where(*where).order_by(table.c.id.desc()).limit(limit + 1)).all()
        found = [_reading(row) for row in rows[:limit]]
        return found, found[-1].id if len(rows) > limit else None

    def signals(self, party: str | None = None, limit: int = MAX_PAGE) -> list[Signal]:
        """The newest signals, of the readers of one party if named."""
        self.flush()
        query = select(signal).order_by(signal.c.at.desc(), signal.c.id).limit(limit)
        if party is not None:
            query = query.where(signal.c.party == party)
        with self._engine.connect() as connection:
            return [_signal(row) for row in connection.execute(query)]

    def prune(self) -> None:
        """Delete what is older than ``KEEP``."""
        before = times.format_recorded(self._clock() - KEEP)
        with self._gate.writing() as connection:
            connection.execute(delete(table).where(table.c.at < before))
            connection.execute(delete(signal).where(signal.c.at < before))

    def close(self) -> None:
        """Bring what waits to the table, and give up the spool."""
        if self._spool is not None:
            try:
                self.flush()
            finally:
                self._spool.close()
                self._spool = None

    def _commit(self, found: Sequence[Reading]) -> None:
        rows = [_row(one) for one in found]
        kind = postgresql if self._engine.dialect.name == "postgresql" else sqlite
        with self._gate.writing() as connection:
            # Lines that a crash left both in the table and in the spool are the same lines.
            connection.execute(kind.insert(table).on_conflict_do_nothing(), rows)
            # The last reading of each clock hour: lines may have waited for long.
            last = {(one.reader, one.at[:_HOUR_OF]): one for one in sorted(found, key=lambda one: one.at)}
            for one in last.values():
                for raised in _judge(connection, one):
                    connection.execute(kind.insert(signal).on_conflict_do_nothing(), _signal_row(raised))


def _judge(connection: Connection, one: Reading) -> list[Signal]:
    """The signals that a reader gives by what it read in the hour that ends with ``one``."""
    mine, at = table.c.reader == one.reader, one.at
    end = times.parse_recorded(at)
    since = times.format_recorded(end - times.HOUR)
    distinct = func.count(table.c.subject.distinct())
    hour = select(distinct, func.coalesce(func.sum(table.c.outside), 0)).where(
        mine, table.c.at > since, table.c.at <= at
    )
    subjects, outside = connection.execute(hour).one()

    def raised(kind: str, allowed: int) -> Signal:
        name = sha256(f"{kind}\n{one.reader}\n{at[:_HOUR_OF]}".encode()).hexdigest()[:32]
        return Signal(name, at, kind, one.reader, one.party, since, subjects, allowed)

    found = []
    if outside:
        found.append(raised("outside", 0))
    if subjects > LIMIT:
        found.append(raised("limit", LIMIT))
    if subjects > FREE:
        allowed = max(FREE, TIMES * _usual(connection, one.reader, since, end))
        if subjects > allowed:
            found.append(raised("many", allowed))
    return found


def _usual(connection: Connection, reader: str, before: str, now: int) -> int:
    """Distinct subjects of an average hour in which this reader read, of the 28 days before; rounded down."""
    hour = func.substr(table.c.at, 1, _HOUR_OF)
    start = times.format_recorded(now - HABIT)
    hours = (
        select(func.count(table.c.subject.distinct()))
        .where(table.c.reader == reader, table.c.at > start, table.c.at <= before)
        .group_by(hour)
    )
    counts = connection.execute(hours).scalars().all()
    return sum(counts) // len(counts) if counts else 0


def _parse(lines: Iterable[bytes]) -> Iterable[Reading]:
    for line in lines:
        try:
            yield _decode(line)
        except msgspec.DecodeError:
            # Torn by a power cut; every line that a living process wrote is whole.
            continue


def _row(one: Reading) -> dict[str, Any]:
    named = ("at", "party", "key", "person", "subject", "owner", "why")
    row: dict[str, Any] = {name: getattr(one, name) for name in named}
    return row | {
        "id": bytes.fromhex(one.id),
        "reader": one.reader,
        "statement": None if one.statement is None else uuid_bytes(one.statement),
        "members": " ".join(one.members),
        "outside": int(one.outside),
    }


def _reading(row: Any) -> Reading:
    digits = None if row.statement is None else bytes(row.statement).hex()
    return Reading(
        id=bytes(row.id).hex(), at=row.at, party=row.party, key=row.key, person=row.person, subject=row.subject,
        statement=digits and f"urn:uuid:{digits[:8]}-{digits[8:12]}-{digits[12:16]}-{digits[16:20]}-{digits[20:]}",
        owner=row.owner, members=tuple(row.members.split()), why=row.why, outside=bool(row.outside),
    )  # fmt: skip


def _signal_row(one: Signal) -> dict[str, Any]:
    return {name: getattr(one, name) for name in one.__slots__} | {"id": bytes.fromhex(one.id)}


def _signal(row: Any) -> Signal:
    return Signal(**{**row._mapping, "id": bytes(row.id).hex()})  # noqa: SLF001 -- the public name of a row's columns


def _id_of(cursor: str) -> bytes:
    try:
        raw = bytes.fromhex(cursor)
    except ValueError:
        raw = b""
    if len(raw) != 16:
        raise Invalid("got a cursor that no answer of ours had", "/cursor")
    return raw
