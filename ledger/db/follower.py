"""The work lists, kept just behind the log: what they show is worked out from entries, as fast as entries come.

An append does not wait for them. ``follow`` reads the leaves since the row of ``followed``, works out every subject
whose cases they may have changed, from a snapshot and without any lock, and writes what differs in one short
transaction that holds only if ``followed`` is still where it was: of two processes that follow at once, one has done
it. Whoever reads a list lets it follow first.

What an entry changes beyond its own subject: a calendar, and a party's zone, hours or parent, move the limits that
run, so these cases are worked out again. A standard changes no case that was opened before it (``standard.in_force``).
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from itertools import groupby

import msgspec
from msgspec import Struct
from sqlalchemy import Engine, Table

from ledger import merkle, submap
from ledger.caseload import case_loads
from ledger.db import caseload as lists
from ledger.db.connect import session
from ledger.db.gate import Gate
from ledger.db.session import Insert, Row, Session, Step, ask, fetch
from ledger.db.view import View
from ledger.db.views import uuid_bytes
from ledger.db.worktables import NEVER, caseload, maintenance, published
from ledger.leaf import Entry, parse_leaf
from ledger.party import Parties
from ledger.promises import PUBLISHES, REGISTERS, Promises
from ledger.upkeep import WORK, maintenance_due
from ledger.uri import authority_of

SLICE = 1024
"""Leaves that are followed in one transaction."""
REACH = 20_000
"""Leaves that a reader waits for: two seconds where every one of them is of a case."""
_SIDS = 2_000
_SIZES = "SELECT f.size, h.size, h.subjects FROM followed f, head h"
_LEAVES = "SELECT idx, bytes FROM leaf WHERE idx >= ? AND idx < ? ORDER BY idx"
_NUMBERS = 'SELECT sid FROM subject WHERE "key" IN {among}'
_LINKED = "SELECT k.sid, l.idx, l.bytes FROM link k JOIN leaf l ON l.idx = k.idx WHERE "
_TOLD = _LINKED + "k.sid IN {among} ORDER BY k.sid, k.seq"
_RANGE = _LINKED + "k.sid >= ? AND k.sid < ? ORDER BY k.sid, k.seq"
_PUBLISHED = "SELECT l.bytes FROM published p JOIN leaf l ON l.idx = p.idx ORDER BY p.idx"
_RUNNING = "SELECT DISTINCT sid FROM caseload WHERE whose = ? AND (due_at < ? OR waits_since < ?)"
_CAS = "UPDATE followed SET size = ? WHERE size = ?"
_LISTS: tuple[Table, ...] = (caseload, maintenance)
_MOVES_LIMITS = REGISTERS | {"statement.retracted"}
"""Beside calendars: what said of a party moves limits that run."""
_OF_ITEMS = WORK | {"item.retired", "item.reinstated"}


class _Said(Struct):
    type: str
    subjects: list[str]
    case: str | None = None
    details: msgspec.Raw = msgspec.Raw(b"{}")


class _Leaf(Struct):
    statement: _Said | None = None


_skim = msgspec.json.Decoder(_Leaf).decode


@dataclass(slots=True)
class _Seen:
    """What a stretch of leaves changes: rows of these subjects, limits of these parties; and what was published."""

    subjects: dict[str, None] = field(default_factory=dict)
    moved: set[str] = field(default_factory=set)
    published: list[int] = field(default_factory=list)

    def take(self, index: int, raw: bytes, parties: Parties) -> None:
        """See one leaf."""
        said = _skim(raw).statement
        if said is None:
            return
        subject, kind = said.subjects[0], said.type
        party = subject.removesuffix("#authority")
        if parties.known(party):
            if kind in PUBLISHES or kind in REGISTERS:
                self.published.append(index)
                if kind in _MOVES_LIMITS or b'"calendar":' in bytes(said.details):
                    self.moved.add(party)
        elif said.case is not None or kind in _OF_ITEMS or kind.startswith("statement."):
            self.subjects[subject] = None


class Follower:
    """Follows the log of one ledger; any thread may ask it to."""

    def __init__(self, engine: Engine, view: View, gate: Gate) -> None:
        self._engine, self._view = engine, view
        # On PostgreSQL the row of ``followed`` keeps followers in order, and no append has to wait for one.
        self._gate = gate
        self._alone = threading.Lock()
        self._known: tuple[Parties, int, Promises] | None = None

    def behind(self) -> int:
        """How many leaves the lists are behind the log."""
        with session(self._engine) as connection:
            ((followed, size, _),) = connection.begin(write=False, then=[ask(_SIZES)])[0]
        return int(size - followed)

    def follow(self) -> None:
        """Bring the lists up to the newest entry that stood when this was called, or a later one."""
        while self.step():
            pass

    def catch_up(self) -> bool:
        """Follow, if that takes moments; False for lists so far behind that whoever asks had better not wait."""
        behind = self.behind()
        if behind > REACH:
            return False
        if behind:
            self.follow()
        return True

    def step(self) -> bool:
        """Follow a slice of the leaves that are new; whether there were any."""
        with self._alone:
            return self._step()

    def find(
        self, wanted: lists.Wanted, parties: Iterable[str], cursor: str | None, limit: int
    ) -> tuple[list[lists.Listed], str | None]:
        """A page of a list, as far as the lists have followed (``ledger.db.caseload.find``)."""
        with session(self._engine) as connection:
            connection.begin(write=False)
            return lists.find(connection, wanted, parties, cursor, limit)

    def maintenance(
        self, day: str, parties: Iterable[str], cursor: str | None, limit: int
    ) -> tuple[list[lists.Upkeep], str | None]:
        """A page of what is to be looked after by ``day``, in the same way (``ledger.db.caseload.find_upkeep``)."""
        with session(self._engine) as connection:
            connection.begin(write=False)
            return lists.find_upkeep(connection, day, parties, cursor, limit)

    def promises(self) -> Promises:
        """What binds each party, as far as the lists have followed."""
        with self._view.snapshot(self._engine) as shot:
            return self._promises(shot.session, self._view.parties)

    def rebuild(self, connection: Session, advance: Callable[[int], object] = lambda _: None) -> int:
        """Make the lists again from all entries, in the open write transaction; return the number of their rows.

        ``advance`` is told how many entries more have been read.
        """
        ((_, size, subjects),) = fetch(connection, ask(_SIZES))
        emptied = [(f'DELETE FROM "{table.name}"', ()) for table in (*_LISTS, published)]  # noqa: S608 -- names of ours
        connection.write((), *emptied, ("UPDATE followed SET size = 0", ()))
        parties = self._view.parties
        _publish(connection, parties)
        promises = _load_promises(connection, parties)
        count = 0
        for start in range(0, subjects, _SIDS):
            told = fetch(connection, ask(_RANGE, start, start + _SIDS))
            seen = _Seen()
            for _, index, raw in told:
                seen.take(index, raw, parties)
            shown = _numbers(connection, seen.subjects)
            rows = _work_out([one for one in _grouped(told) if one[0] in shown], promises)
            connection.write([Insert(table, sorted(found)) for table, found in rows.items()])
            count += sum(map(len, rows.values()))
            advance(len(told))
        connection.write((), (_CAS, (size, 0)))
        self._known = None
        return count

    def _step(self) -> bool:
        """Follow some leaves; whether there were any."""
        with self._view.snapshot(self._engine, [ask(_SIZES)]) as shot:
            ((followed, size, _),) = shot.answers[0]
            if followed >= size:
                return False
            parties, end = self._view.parties, min(size, followed + SLICE)
            leaves = fetch(shot.session, ask(_LEAVES, followed, end))
            seen = _Seen()
            for index, raw in leaves:
                seen.take(index, raw, parties)
            new = [raw for index, raw in leaves if index in seen.published]
            promises = self._promises(shot.session, parties, new)
            sids = _affected(shot.session, seen, promises, parties)
            rows = _work_out(_by_subject(shot.session, sids), promises)
            changes = _changes(shot.session, sids, rows)
        self._write(changes, seen.published, followed, end)
        return True

    def _promises(self, connection: Session, parties: Parties, new: Sequence[bytes] = ()) -> Promises:
        """What binds each party; ``new`` are entries that are not among the published ones yet."""
        ((newest,),) = fetch(connection, ask("SELECT coalesce(max(idx), -1) FROM published"))
        if new or self._known is None or self._known[0] is not parties or self._known[1] != newest:
            promises = _load_promises(connection, parties, new)
            if new:
                return promises
            self._known = parties, newest, promises
        return self._known[2]

    def _write(self, changes: _Changes, said: Iterable[int], followed: int, end: int) -> None:
        """Write what changed, unless another process has; then nothing."""
        with self._gate.own() as connection:
            connection.begin(write=True)
            if connection.write((), (_CAS, (end, followed))) == [1]:
                connection.write((), *changes.deletes)
                connection.write([*changes.inserts, Insert(published, [(index,) for index in said])])
                connection.commit()


def _load_promises(connection: Session, parties: Parties, new: Sequence[bytes] = ()) -> Promises:
    told: dict[str, list[Entry]] = {}
    for raw in (*(raw for (raw,) in fetch(connection, ask(_PUBLISHED))), *new):
        entry = parse_leaf(raw)
        assert isinstance(entry, Entry), "a seal publishes nothing"
        told.setdefault(entry.statement.subjects[0].removesuffix("#authority"), []).append(entry)
    return Promises(told, parties.operator, NEVER)


def _publish(connection: Session, parties: Parties) -> None:
    """Fill ``published`` from all that was said of parties."""
    keys = [submap.key_of(one) for party in parties.parties for one in (party, authority_of(party))]
    sids = [sid for (sid,) in fetch(connection, connection.among(_NUMBERS, keys))]
    seen = _Seen()
    for _, index, raw in fetch(connection, connection.among(_TOLD, sids)):
        seen.take(index, raw, parties)
    connection.write([Insert(published, [(index,) for index in sorted(set(seen.published))])])


def _affected(connection: Session, seen: _Seen, promises: Promises, parties: Parties) -> list[int]:
    """The numbers of the subjects whose rows these leaves may change."""
    found = _numbers(connection, seen.subjects)
    if seen.moved:
        below = [party for party in parties.parties if not seen.moved.isdisjoint(promises.chain(party))]
        asked = [ask(_RUNNING, uuid_bytes(party), NEVER, NEVER) for party in below]
        found |= {sid for rows in connection.gather(*asked) for (sid,) in rows}
    return sorted(found)


def _numbers(connection: Session, subjects: Iterable[str]) -> set[int]:
    """The numbers of these subjects."""
    keys = [submap.key_of(subject) for subject in subjects]
    return {sid for (sid,) in fetch(connection, connection.among(_NUMBERS, keys))} if keys else set()


Told = list[tuple[int, list[bytes]]]
"""The bytes of all entries of subjects, oldest first, by the subject's number."""


def _by_subject(connection: Session, sids: Sequence[int]) -> Told:
    return _grouped(fetch(connection, connection.among(_TOLD, sids))) if sids else []


def _grouped(rows: Iterable[Row]) -> Told:
    return [(sid, [raw for _, _, raw in those]) for sid, those in groupby(rows, key=lambda row: row[0])]


def _work_out(told: Told, promises: Promises) -> dict[Table, list[Row]]:
    """The rows of these subjects as they are to be."""
    rows: dict[Table, list[Row]] = {table: [] for table in _LISTS}
    for sid, raws in told:
        pairs = []
        for raw in raws:
            entry = parse_leaf(raw)
            assert isinstance(entry, Entry), "a seal has no subject"
            pairs.append((entry, merkle.leaf_hash(raw).hex()))
        for load in case_loads(pairs, promises):
            rows[caseload] += lists.rows_of(sid, load)
        due = maintenance_due(entry for entry, _ in pairs)
        if due is not None:
            subject = pairs[0][0].statement.subjects[0]
            rows[maintenance].append((sid, uuid_bytes(due.party), subject, due.day, uuid_bytes(due.statement)))
    return rows


@dataclass(frozen=True, slots=True)
class _Changes:
    deletes: list[Step]
    inserts: list[Insert]


def _changes(connection: Session, sids: Sequence[int], rows: dict[Table, list[Row]]) -> _Changes:
    """What makes the rows of these subjects what they are to be."""
    changes = _Changes([], [])
    for table in _LISTS:
        keys = [place for place, column in enumerate(table.columns) if column.primary_key]
        names = " AND ".join(f'"{table.columns[place].name}" = ?' for place in keys)
        columns = ", ".join(f'"{column.name}"' for column in table.columns)
        sql = f'SELECT {columns} FROM "{table.name}" WHERE sid IN {{among}}'  # noqa: S608 -- names of ours
        stand = set(fetch(connection, connection.among(sql, sids))) if sids else set()
        wanted = set(rows[table])
        kept = {tuple(row[place] for place in keys) for row in wanted}
        gone = [key for row in stand if (key := tuple(row[place] for place in keys)) not in kept]
        changes.deletes.extend((f'DELETE FROM "{table.name}" WHERE {names}', key) for key in sorted(gone))  # noqa: S608
        changes.inserts.append(Insert(table, sorted(wanted - stand, key=lambda row: row[:2]), "update"))
    return changes
