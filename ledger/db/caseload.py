"""The rows of work lists, and the lists: what is overdue, due soon, waiting, held; stable while others write.

A list is one range of one index for each party that is asked about; those of a chain are merged, and a case that
concerns two of its parties is in it once. The indexes hold all that the usual filters ask, so rows are read of a page
alone. A page goes on where the last one ended, by the list's own order: lists of
what is urgent go by the time that makes it so, all others by the opening, newest first.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from ledger.caseload import Load
from ledger.db.session import Row, Session, ask
from ledger.db.views import urn_of, uuid_bytes
from ledger.db.worktables import NEVER
from ledger.errors import Invalid

MAX_PAGE = 200
_CURSOR = re.compile(r"([0-9]{1,19})-([0-9]{1,16})")
_ROWS = (
    'SELECT c.opened, c."case", c.subject, c.whose, c.kind, c.status, c.opened_at, c.closed_at, c.assigned, c.visit, '
    "c.job_no, c.clock, c.due_at, c.warn_at, c.provisional, c.waits_for, c.waits_since, c.holder, c.held_since, "
    "c.repeats, i.name, i.category FROM caseload c LEFT JOIN item i ON i.sid = c.sid "
    "WHERE c.opened IN {among} AND c.party = ?"
)
_DAY_CURSOR = re.compile(r"([0-9]{4}-[0-9]{2}-[0-9]{2})-([0-9]{1,16})")
_UPKEEP = (
    "SELECT m.subject, i.name, i.category, m.due, m.party, m.said, m.sid "
    "FROM maintenance m JOIN item i ON i.sid = m.sid "
    "WHERE m.party = ? AND m.due <= ? AND (m.due, m.sid) > (?, ?) ORDER BY m.due, m.sid LIMIT ?"
)
CUSTOMER: Final = ("customer", "approval")
"""What a case waits for when it is the customer's turn."""


@dataclass(frozen=True, slots=True)
class Listed(Load):
    """A case in a list, with the name and category of its item; whom it concerns besides is not read back."""

    name: str | None = None
    category: str | None = None


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

    First only where the cases of a page stand, which the list's index tells by itself, then the rows of that page.
    Raises ``Invalid`` for a cursor out of form.
    """
    limit = max(1, min(limit, MAX_PAGE))
    places: dict[int, tuple[int, bytes]] = {}
    whose = [uuid_bytes(party) for party in parties]
    sql, parameters = _places(wanted, cursor)
    asked = [ask(sql, party, *parameters, limit + 1) for party in whose]
    for party, rows in zip(whose, connection.gather(*asked), strict=True):
        places |= {opened: (at, party) for opened, at in rows}
    sign = -1 if wanted.order == "opened" else 1
    page = sorted(places, key=lambda opened: (sign * places[opened][0], opened))
    last = page[limit - 1] if len(page) > limit else None
    found = _rows(connection, page[:limit], places)
    return [found[opened] for opened in page[:limit]], None if last is None else f"{places[last][0]}-{last}"


def _places(wanted: Wanted, cursor: str | None) -> tuple[str, list[Any]]:
    """The question for the openings of a party's cases with what the list goes by; a party comes first, a limit last.

    Raises ``Invalid`` for a cursor out of form.
    """
    order = wanted.order
    where, parameters = _where(wanted)
    # Repeats are few, and their index has them in another order: the plus keeps a walk through all cases away.
    by_opening = "+c.opened" if wanted.repeats else "c.opened"
    if cursor is not None:
        found = _CURSOR.fullmatch(cursor)
        if found is None or int(found[1]) > NEVER:
            raise Invalid("got a cursor that no answer of ours had", "/cursor")
        at, opened = int(found[1]), int(found[2])
        where += f" AND {by_opening} < ?" if order == "opened" else f" AND (c.{order}, c.opened) > (?, ?)"
        parameters += [opened] if order == "opened" else [at, opened]
    by = f"{by_opening} DESC" if order == "opened" else f"c.{order}, c.opened"
    sql = f"SELECT c.opened, c.{order} FROM caseload c WHERE c.party = ? AND {where} ORDER BY {by} LIMIT ?"  # noqa: S608 -- names of ours
    return sql, parameters


def _rows(connection: Session, page: Iterable[int], places: Mapping[int, tuple[int, bytes]]) -> dict[int, Listed]:
    """The rows of a page, by opening; of a case that concerns several parties, the row of one of them."""
    by_party: dict[bytes, list[int]] = {}
    for opened in page:
        by_party.setdefault(places[opened][1], []).append(opened)
    asked = [connection.among(_ROWS, those, party) for party, those in by_party.items()]
    return {row[0]: _listed(row) for rows in connection.gather(*asked) for row in rows}


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


def _listed(row: Row) -> Listed:
    opened, case, subject, whose, *rest = row
    values: list[Any] = [None if value == NEVER else value for value in rest]
    load = Load(opened, urn_of(case), subject, urn_of(whose), *values[:-2])
    members: dict[str, Any] = {one: getattr(load, one) for one in Load.__slots__}
    return Listed(**members | {"provisional": bool(load.provisional), "name": values[-2], "category": values[-1]})


def _number(time: int | None) -> int:
    return NEVER if time is None else time
