"""Reports that are asked for, or fall due by a schedule, and are made beside the service (``api.reporting``).

A row of ``report`` is a request and then its result: it has a ``due``, is taken by one worker at a time, and ends with
``made`` and a document, or with a ``problem``. A worker that dies is given up after a while, and its report is taken
again. Who is told of the end stands in the outbox by the same transaction (``Then``): whoever is killed when, a report
ends once, and with its notices. A document with costs is kept apart, beside the entries whose costs it counts: with the
first of these that is erased it goes, and can be asked for again. A schedule makes the report of each month, quarter or
year for the people of a role, half a day after it ended in Greenwich, when it has ended everywhere.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import Any, Final

from sqlalchemy import Connection, Engine, and_, insert, or_, select, update

from ledger import times
from ledger.db.connect import session
from ledger.db.engine import open_engine
from ledger.db.gate import Gate
from ledger.db.private_tables import report_costed, report_rests, seal_key
from ledger.db.rows import Rows, is_row_id
from ledger.db.session import Session, ask
from ledger.db.tables import head, report, report_schedule, statement
from ledger.db.views import uuid_bytes
from ledger.errors import Invalid
from ledger.private import CLASSES
from ledger.report_ask import TRENDS, bucket

LISTED: Final = 200
"""Reports of a list: the newest."""
WAITING: Final = 20
"""Reports that a party may have waiting at a time."""
GIVEN_UP: Final = 30 * times.MINUTE
"""A worker that has said nothing for so long has died."""
AFTER: Final = 12 * times.HOUR
ROLES: Final = ("owner", "manager", "auditor")
GONE: Final = "what this report rests on was erased since: ask for a new one"
LOST: Final = "this report has costs, which no backup holds: ask for a new one"
MONEY: Final = CLASSES.index("money")
MADE: Final = "report.made"
FAILED: Final = "report.failed"
"""Events: that a report of a schedule was made, or could not be."""
Then = Callable[[Connection], None]
"""What is written in the transaction that ends a report, by whoever ends it."""
_CHUNK: Final = 2048
_RANGE: Final = "SELECT bytes FROM leaf WHERE idx >= ? AND idx < ? ORDER BY idx"
_DESCRIBED: Final = tuple(column for column in report.c if column.name != "document")


@dataclass(frozen=True, slots=True)
class Asked:
    """A report: what was asked, by whom, and how far it is. ``made`` is when it ended, well or with a ``problem``."""

    id: str
    party: str
    schedule: str | None
    role: str
    asked: dict[str, Any]
    asked_at: str
    due: str
    percent: int
    made: str | None
    problem: str | None
    size: int | None
    costs: dict[str, Any] | None = None
    """The ``key`` and ``person`` that asked for costs, whose reading the access log has; ``None`` without costs."""

    @property
    def event(self) -> str:
        """What is told of a report that has ended."""
        return MADE if self.problem is None else FAILED


@dataclass(frozen=True, slots=True)
class Schedule:
    """A report of every month, quarter or year for the people of a role."""

    id: str
    party: str
    role: str
    every: str
    asked: dict[str, Any]
    next_due: str
    created_at: str
    costs: dict[str, Any] | None = None
    """As ``Asked.costs``."""


class Reports:
    """The reports of all parties, and their schedules."""

    def __init__(self, engine: Engine, gate: Gate, *, clock: Callable[[], int], rand: Callable[[int], bytes]) -> None:
        self._rows, self.clock = Rows(engine, gate, clock=clock, rand=rand), clock

    def ask(
        self, party: str, asked: Mapping[str, Any], role: str = "", costs: Mapping[str, Any] | None = None
    ) -> Asked:
        """Ask for a report now, with costs if it is said who reads them; raises ``Invalid`` where too many wait."""
        waiting = select(report.c.id).where(report.c.party == party, report.c.made.is_(None))
        if len(self._rows.read(waiting)) >= WAITING:
            raise Invalid(f"got {WAITING} reports that wait to be made, want one of them made first")
        values = self._values(party, _with(asked, costs), role, self._rows.now())
        self._rows.write(insert(report).values(values))
        return _asked(values)

    def of(self, parties: Sequence[str]) -> list[Asked]:
        """The newest reports of these parties, newest first."""
        order = report.c.due.desc(), report.c.id.desc()
        mine = select(*_DESCRIBED).where(report.c.party.in_(parties)).order_by(*order).limit(LISTED)
        return [_asked(row._mapping) for row in self._rows.read(mine)]  # noqa: SLF001 - its public name

    def find(self, report_id: str, parties: Sequence[str]) -> tuple[Asked, bytes | None] | None:
        """A report of these parties and its document, if it was made; ``None`` if there is no such report."""
        if not is_row_id(report_id):
            return None
        both = select(report, report_costed.c.document.label("costed"))
        mine = both.outerjoin(report_costed, report_costed.c.report == report.c.id)
        rows = self._rows.read(mine.where(report.c.id == report_id, report.c.party.in_(parties)))
        return (_asked(rows[0]._mapping), rows[0].document or rows[0].costed) if rows else None  # noqa: SLF001 - as above

    def get(self, report_id: str) -> Asked | None:
        """The report of this id."""
        rows = self._rows.read(select(*_DESCRIBED).where(report.c.id == report_id)) if is_row_id(report_id) else []
        return _asked(rows[0]._mapping) if rows else None  # noqa: SLF001 - as above

    def plan(
        self, party: str, role: str, every: str, asked: Mapping[str, Any], costs: Mapping[str, Any] | None = None
    ) -> Schedule:
        """Make a schedule, first for the period that is running now, with costs if it is said who reads them.

        Raises ``Invalid`` for another role or step.
        """
        if role not in ROLES or every not in TRENDS:
            raise Invalid(f"want a role of {', '.join(ROLES)}, every {', '.join(TRENDS)}", "/role")
        now = self._rows.clock()
        values = {
            "id": self._rows.rand(8).hex(), "party": party, "role": role, "every": every,
            "asked": json.dumps(_with(asked, costs), sort_keys=True),
            "next_due": times.format_recorded(next_due(now, every)), "created_at": times.format_recorded(now),
        }  # fmt: skip
        self._rows.write(insert(report_schedule).values(values))
        return _schedule(values)

    def schedules(self, parties: Sequence[str]) -> list[Schedule]:
        """The schedules of these parties that go on, oldest first."""
        mine = report_schedule.c.party.in_(parties), report_schedule.c.ended_at.is_(None)
        order = report_schedule.c.created_at, report_schedule.c.id
        found = self._rows.read(select(report_schedule).where(*mine).order_by(*order))
        return [_schedule(row._mapping) for row in found]  # noqa: SLF001 - as above

    def end(self, schedule_id: str, party: str) -> bool:
        """End a party's schedule; return whether it had it."""
        if not is_row_id(schedule_id):
            return False
        columns = report_schedule.c
        mine = columns.id == schedule_id, columns.party == party, columns.ended_at.is_(None)
        return self._rows.write(update(report_schedule).where(*mine).values(ended_at=self._rows.now())) == 1

    def fall_due(self) -> int:
        """Ask for what schedules have made due by now, each period once; return how many."""
        now, columns = self._rows.now(), report_schedule.c
        found = self._rows.read(select(report_schedule).where(columns.next_due <= now, columns.ended_at.is_(None)))
        return sum(self._fall_due(row) for row in found)

    def _fall_due(self, row: Any) -> int:
        due = times.parse_recorded(row.next_due)
        asked = json.loads(row.asked) | {"period": period_before(due, row.every)}
        values = self._values(row.party, asked, row.role, row.next_due) | {"schedule": row.id}
        after = times.format_recorded(next_due(due, row.every))
        same = and_(report_schedule.c.id == row.id, report_schedule.c.next_due == row.next_due)
        with self._rows.writing() as connection:
            # Only one of several workers moves it on, and that one asks.
            if connection.execute(update(report_schedule).where(same).values(next_due=after)).rowcount != 1:
                return 0
            connection.execute(insert(report).values(values))
        return 1

    def take(self) -> Asked | None:
        """The next report that is due and that nobody is at, taken; ``None`` if there is none."""
        now = self._rows.clock()
        dead = times.format_recorded(now - GIVEN_UP)
        free = or_(report.c.taken_at.is_(None), report.c.taken_at < dead)
        open_ones = report.c.made.is_(None), report.c.due <= times.format_recorded(now), free
        order = report.c.due, report.c.id
        for row in self._rows.read(select(*_DESCRIBED).where(*open_ones).order_by(*order).limit(WAITING)):
            change = update(report).where(report.c.id == row.id, report.c.made.is_(None), free)
            if self._rows.write(change.values(taken_at=times.format_recorded(now), percent=0)) == 1:
                return _asked(row._mapping)  # noqa: SLF001 - as above
        return None

    def tell(self, report_id: str, percent: int) -> None:
        """Say how far a report is, and that somebody is still at it."""
        values = {"percent": percent, "taken_at": self._rows.now()}
        self._rows.write(update(report).where(report.c.id == report_id, report.c.made.is_(None)).values(values))

    def give_back(self, report_id: str) -> None:
        """Let somebody else take a report that was not made."""
        values = {"percent": 0, "taken_at": None}
        self._rows.write(update(report).where(report.c.id == report_id, report.c.made.is_(None)).values(values))

    def without_costs(self, one: Asked) -> Asked:
        """The same report without costs, which whoever asked for them may not read any more."""
        values = {"asked": json.dumps(one.asked, sort_keys=True)}
        self._rows.write(update(report).where(report.c.id == one.id, report.c.made.is_(None)).values(values))
        return replace(one, costs=None)

    def finish(self, report_id: str, size: int, document: bytes, then: Then | None = None) -> None:
        """Keep a report that was made."""
        with self._rows.writing() as connection:
            self._end(connection, report_id, then, percent=100, size=size, document=document)

    def finish_costed(
        self, report_id: str, size: int, document: bytes, statements: Collection[str], *, then: Then | None = None
    ) -> bool:
        """Keep a report that counts the costs of these statements; False, with nothing kept, if one was erased."""
        with self._rows.writing() as connection:
            # No erasure runs beside: each is over, and its keys are gone, or it will find what is kept here.
            connection.execute(select(head.c.size).with_for_update())
            resting = _with_costs(connection, statements)
            if len(resting) < len(statements):
                return False
            if self._end(connection, report_id, then, percent=100, size=size):
                connection.execute(insert(report_costed).values(report=report_id, document=document))
                for first in range(0, len(resting), _CHUNK):
                    some = [{"idx": index, "report": report_id} for index in resting[first : first + _CHUNK]]
                    connection.execute(insert(report_rests), some)
            return True

    def fail(self, report_id: str, problem: str, then: Then | None = None) -> None:
        """Keep why a report could not be made."""
        with self._rows.writing() as connection:
            self._end(connection, report_id, then, problem=problem)

    def _end(self, connection: Connection, report_id: str, then: Then | None, **values: Any) -> bool:
        mine = update(report).where(report.c.id == report_id, report.c.made.is_(None))
        ended = connection.execute(mine.values(made=self._rows.now(), **values)).rowcount == 1
        if ended and then is not None:
            then(connection)
        return ended

    def _values(self, party: str, asked: Mapping[str, Any], role: str, due: str) -> dict[str, Any]:
        return {
            "id": self._rows.rand(8).hex(), "party": party, "role": role, "asked": json.dumps(asked, sort_keys=True),
            "asked_at": self._rows.now(), "due": due, "percent": 0,
        }  # fmt: skip


def next_due(now: int, every: str) -> int:
    """When the period of a moment has ended everywhere, or the next one if that is past: microseconds."""
    day = date(1970, 1, 1) + timedelta(days=(now - AFTER) // times.DAY)
    after = day
    while bucket(after, every) == bucket(day, every):
        after += timedelta(days=1)
    return (after - date(1970, 1, 1)).days * times.DAY + AFTER


def period_before(due: int, every: str) -> str:
    """The name of the period that ended before it fell due."""
    return bucket(date(1970, 1, 1) + timedelta(days=due // times.DAY - 1), every)


class StoredLeaves:
    """The leaves of a database, read in another process or thread (``spooled.Leaves``)."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def leaves(self, start: int, stop: int) -> Iterator[bytes]:
        """The bytes of leaves ``start`` to ``stop - 1``; a leaf that is missing ends them."""
        for first in range(start, stop, _CHUNK):
            with session(self._engine) as connection:
                asked = ask(_RANGE, first, min(stop, first + _CHUNK))
                yield from (raw for (raw,) in connection.begin(write=False, then=[asked])[0])

    def close(self) -> None:
        """Close the connections."""
        self._engine.dispose()


def open_leaves(url: str) -> StoredLeaves:
    """The leaves of the database at a URL."""
    return StoredLeaves(open_engine(url))


def forget_costed(connection: Session, erased: bytes) -> None:
    """In a transaction that erases the class *money* of a statement, forget the reports that count its cost."""
    resting = "(SELECT r.report FROM report_rests r JOIN statement s ON s.idx = r.idx WHERE s.id = ?)"
    connection.write(
        (),
        (f"UPDATE report SET problem = ? WHERE id IN {resting}", (GONE, erased)),  # noqa: S608 -- ours
        (f"DELETE FROM report_costed WHERE report IN {resting}", (erased,)),  # noqa: S608 -- ours
        ("DELETE FROM report_rests WHERE idx = (SELECT idx FROM statement WHERE id = ?)", (erased,)),
    )


def note_lost(connection: Session) -> None:
    """In a restored ledger, note of the reports with costs that no backup holds them."""
    lost = "made IS NOT NULL AND problem IS NULL AND document IS NULL"
    kept = "NOT EXISTS (SELECT 1 FROM report_costed c WHERE c.report = report.id)"
    connection.write((), (f"UPDATE report SET problem = ? WHERE {lost} AND {kept}", (LOST,)))  # noqa: S608 -- ours


def _with_costs(connection: Connection, statements: Collection[str]) -> list[int]:
    """The indices of the statements among these of which the class *money* is kept, in the order of the log."""
    query = select(statement.c.idx).join(seal_key, seal_key.c.idx == statement.c.idx)
    query, wanted = query.where(seal_key.c["class"] == MONEY), [uuid_bytes(one) for one in statements]
    found: list[int] = []
    for first in range(0, len(wanted), _CHUNK):
        mine = statement.c.id.in_(wanted[first : first + _CHUNK])
        found += connection.execute(query.where(mine)).scalars()
    return sorted(found)


def _with(asked: Mapping[str, Any], costs: Mapping[str, Any] | None) -> dict[str, Any]:
    """What was asked, as a row has it; ``_split`` undoes it."""
    return dict(asked) if costs is None else {**asked, "costs": dict(costs)}


def _split(text: str) -> dict[str, Any]:
    asked = json.loads(text)
    return {"costs": asked.pop("costs", None), "asked": asked}


def _asked(values: Mapping[Any, Any]) -> Asked:
    members: dict[str, Any] = {name: values.get(name) for name in Asked.__slots__}
    return Asked(**members | _split(values["asked"]))


def _schedule(values: Mapping[Any, Any]) -> Schedule:
    members: dict[str, Any] = {name: values.get(name) for name in Schedule.__slots__}
    return Schedule(**members | _split(values["asked"]))
