"""The rows of work lists, and the lists: what is overdue, due soon, waiting, held; stable while others write.

A list is one range of one index for each party that is asked about; those of a chain are merged, and a case that
concerns two of its parties is in it once. A page goes on where the last one ended, by the list's own order: lists of
what is urgent go by the time that makes it so, all others by the opening, newest first.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final

from ledger.caseload import Load
from ledger.db.session import Row, Session, ask, fetch
from ledger.db.views import urn_of, uuid_bytes
from ledger.db.worktables import NEVER
from ledger.errors import Invalid

MAX_PAGE = 200
_CURSOR = re.compile(r"([0-9]{1,19})-([0-9]{1,16})")
_COLUMNS = (
    'c.opened, c."case", c.subject, c.whose, c.kind, c.status, c.closed, c.opened_at, c.closed_at, c.assigned, '
    "c.visit, c.job_no, c.clock, c.due_at, c.warn_at, c.provisional, c.waits_for, c.waits_since, c.holder, "
    "c.held_since, c.repeats, c.sid"
)
_LIST = f"SELECT {_COLUMNS} FROM caseload c WHERE c.party = ? AND "  # noqa: S608 -- names of ours
_NAMES = "SELECT sid, name, category FROM item WHERE sid IN {among}"
_DAY_CURSOR = re.compile(r"([0-9]{4}-[0-9]{2}-[0-9]{2})-([0-9]{1,16})")
_UPKEEP = (
    "SELECT m.subject, i.name, i.category, m.due, m.party, m.said, m.sid "
    "FROM maintenance m JOIN item i ON i.sid = m.sid "
    "WHERE m.party = ? AND m.due <= ? AND (m.due, m.sid) > (?, ?) ORDER BY m.due, m.sid LIMIT ?"
)
CUSTOMER: Final = ("customer", "approval")
"""What a case waits for when it is the customer's turn."""


@dataclass(frozen=True, slots=True)
class Listed:
    """A case in a list. Times of ``due_at``, ``warn_at``, ``waits_since``, ``held_since`` are microseconds or None."""

    case: str
    subject: str
    name: str | None
    category: str | None
    party: str
    kind: str
    status: str
    opened: int
    opened_at: str
    closed_at: str | None
    assigned: str | None
    visit: str | None
    job_no: str | None
    clock: str | None
    due_at: int | None
    warn_at: int | None
    provisional: bool
    waits_for: str | None
    waits_since: int | None
    holder: str | None
    held_since: int | None
    repeats: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What is looked for; ``None`` leaves a filter out. Times are microseconds.

    ``overdue``: due before then; ``due_soon``: warned by then and not overdue; ``due``: due by then; ``held``: in
    somebody's hands since before then; ``waits``: for one of these; ``closed``: or still open; ``assigned``: to one of
    these; ``repeats``: a repair asked for again.
    """

    overdue: int | None = None
    due_soon: int | None = None
    due: int | None = None
    held: int | None = None
    waits: tuple[str, ...] | None = None
    closed: bool | None = None
    assigned: str | None = None
    visit: str | None = None
    job_no: str | None = None
    kind: str | None = None
    repeats: bool = False

    @property
    def order(self) -> str:
        """The column that a list goes by: of what is urgent, the most urgent first; else the newest first."""
        if self.overdue is not None or self.due_soon is not None or self.due is not None:
            return "due_at"
        if self.waits is not None:
            return "waits_since"
        return "held_since" if self.held is not None else "opened"


def rows_of(sid: int, load: Load) -> list[Row]:
    """The rows of ``caseload`` for a case, one for each party that it concerns, in the table's order."""
    what = (load.kind, load.status, int(load.closed_at is not None), load.opened_at, load.closed_at)
    named = (load.assigned, load.visit, load.job_no)
    due = (load.clock, _number(load.due_at), _number(load.warn_at), int(load.provisional))
    waits = (load.waits_for, _number(load.waits_since), load.holder, _number(load.held_since), _number(load.repeats))
    case, whose = uuid_bytes(load.case), uuid_bytes(load.party)
    return [
        (uuid_bytes(party), load.opened, sid, case, load.subject, whose, *what, *named, *due, *waits)
        for party in sorted(load.concerned)
    ]


def find(
    connection: Session, wanted: Wanted, parties: Iterable[str], cursor: str | None, limit: int
) -> tuple[list[Listed], str | None]:
    """A page of the cases that concern one of these parties, and the cursor of the next one.

    Raises ``Invalid`` for a cursor out of form.
    """
    limit = max(1, min(limit, MAX_PAGE))
    order = wanted.order
    where, parameters = _where(wanted)
    if cursor is not None:
        found = _CURSOR.fullmatch(cursor)
        if found is None or int(found[1]) > NEVER:
            raise Invalid("got a cursor that no answer of ours had", "/cursor")
        at, opened = int(found[1]), int(found[2])
        where += " AND c.opened < ?" if order == "opened" else f" AND (c.{order}, c.opened) > (?, ?)"
        parameters += [opened] if order == "opened" else [at, opened]
    by = "c.opened DESC" if order == "opened" else f"c.{order}, c.opened"
    sql = f"{_LIST}{where} ORDER BY {by} LIMIT ?"
    asked = [ask(sql, uuid_bytes(party), *parameters, limit + 1) for party in parties]
    column = _COLUMNS.split(", ").index(f"c.{order}")
    unique = {row[0]: row for rows in connection.gather(*asked) for row in rows}
    sign = -1 if order == "opened" else 1
    merged = sorted(unique.values(), key=lambda row: (sign * row[column], row[0]))
    last = merged[limit - 1] if len(merged) > limit else None
    page = merged[:limit]
    # Asked for the page alone: a chain reads a page of each of its parties, and shows one.
    sids = sorted({row[-1] for row in page})
    names = {sid: about for sid, *about in fetch(connection, connection.among(_NAMES, sids))} if sids else {}
    rows = [_listed(row, *names.get(row[-1], (None, None))) for row in page]
    return rows, None if last is None else f"{last[column]}-{last[0]}"


@dataclass(frozen=True, slots=True)
class Upkeep:
    """A thing that is to be looked after by a ``day``, as the ``statement`` of a party says."""

    id: str
    name: str
    category: str
    day: str
    party: str
    statement: str


def find_upkeep(
    connection: Session, day: str, parties: Iterable[str], cursor: str | None, limit: int
) -> tuple[list[Upkeep], str | None]:
    """A page of what one of these parties said is to be looked after by ``day``, longest due first, and the next one's
    cursor. Raises ``Invalid`` for a cursor out of form.
    """
    limit = max(1, min(limit, MAX_PAGE))
    after = ("", 0)
    if cursor is not None:
        found = _DAY_CURSOR.fullmatch(cursor)
        if found is None:
            raise Invalid("got a cursor that no answer of ours had", "/cursor")
        after = (found[1], int(found[2]))
    asked = [ask(_UPKEEP, uuid_bytes(party), day, *after, limit + 1) for party in parties]
    merged = sorted((row for rows in connection.gather(*asked) for row in rows), key=lambda row: (row[3], row[6]))
    last = merged[limit - 1] if len(merged) > limit else None
    rows = [
        Upkeep(subject, name, category, due, urn_of(party), urn_of(said))
        for subject, name, category, due, party, said, _ in merged[:limit]
    ]
    return rows, None if last is None else f"{last[3]}-{last[6]}"


def _where(wanted: Wanted) -> tuple[str, list[Any]]:
    tests: list[tuple[str, tuple[Any, ...]]] = []
    if wanted.overdue is not None:
        tests.append(("c.due_at < ?", (wanted.overdue,)))
    if wanted.due_soon is not None:
        tests.append(("c.due_at >= ? AND c.due_at < ? AND c.warn_at <= ?", (wanted.due_soon, NEVER, wanted.due_soon)))
    if wanted.due is not None:
        tests.append(("c.due_at <= ?", (wanted.due,)))
    if wanted.held is not None:
        tests.append(("c.held_since < ?", (wanted.held,)))
    if wanted.waits is not None:
        tests.append((f"c.waits_since < ? AND c.waits_for IN ({', '.join('?' * len(wanted.waits))})",
                      (NEVER, *wanted.waits)))  # fmt: skip
    if wanted.closed is not None:
        tests.append(("c.closed = ?", (int(wanted.closed),)))
    named = {name: getattr(wanted, name) for name in ("assigned", "visit", "job_no", "kind")}
    tests += [(f"c.{name} = ?", (value,)) for name, value in named.items() if value is not None]
    if wanted.repeats:
        tests.append(("c.repeats < ?", (NEVER,)))
    where = " AND ".join(condition for condition, _ in tests) or "c.opened >= 0"
    return where, [value for _, values in tests for value in values]


def _listed(row: Row, name: str | None, category: str | None) -> Listed:
    opened, case, subject, whose, kind, status, _, opened_at, closed_at, assigned, visit, job_no, *rest = row
    clock, due_at, warn_at, provisional, waits_for, waits_since, holder, held_since, repeats, _ = rest
    return Listed(
        case=urn_of(case),
        subject=subject,
        name=name,
        category=category,
        party=urn_of(whose),
        kind=kind,
        status=status,
        opened=opened,
        opened_at=opened_at,
        closed_at=closed_at,
        assigned=assigned,
        visit=visit,
        job_no=job_no,
        clock=clock,
        due_at=_time(due_at),
        warn_at=_time(warn_at),
        provisional=bool(provisional),
        waits_for=waits_for,
        waits_since=_time(waits_since),
        holder=holder,
        held_since=_time(held_since),
        repeats=_time(repeats),
    )


def _number(time: int | None) -> int:
    return NEVER if time is None else time


def _time(number: int) -> int | None:
    return None if number == NEVER else number
