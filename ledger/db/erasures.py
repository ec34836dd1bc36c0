"""Erasures: what was asked for, from when on it may be done, and the destroying itself.

An erasure has *parts*: a statement and one of ``private.ERASABLE`` each, a class of data or the files that it lists in
public, due when the legal time of that ends. A part is kept
(stage 0), destroyed (1), and done (2) once the log says so and no copy of its key is left (``ledger.db.erase`` takes
these steps). Destroying is one transaction: the data key, what it sealed, the pseudonym once nothing is left under it,
and whatever else was derived from private values (``private_tables.ERASED_WITH``); with who somebody is, the short
codes of her papers, by which she would still be found; with costs, the reports that count them. Before it, the record
that is kept apart from the database says what is about to go.

Nothing here holds content: statements are named, and classes of data.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import Engine

from ledger import private, submap, times
from ledger.db import private_tables
from ledger.db.codes import forget_short_codes
from ledger.db.connect import session
from ledger.db.epochs import Epochs
from ledger.db.erased_file import Line, add_lines
from ledger.db.gate import Gate
from ledger.db.reports import MONEY, forget_costed
from ledger.db.session import Insert, Query, Session, Step, ask, fetch
from ledger.db.tables import ANY_CLASS
from ledger.db.vault import ITS_KEY, OF_SUBJECT, person_key
from ledger.db.views import urn_of, uuid_bytes
from ledger.private import ERASABLE

KEPT, DESTROYED, DONE = range(3)
"""The stages of a part."""
WHYS = ("request", "retention", "authority")
_CONTACT, _MEDIA, _FILES = (ERASABLE.index(kind) for kind in ("contact", "media", private.FILES))
SLICE = 256
"""Parts that are destroyed in one transaction."""
_KEYS = 'SELECT k.statement, k."class" FROM statement s JOIN seal_key k ON k.idx = s.idx WHERE s.id IN {among}'
_LISTING = "JOIN attachment_use a ON a.idx = s.idx AND a.public = 1"
_LISTS = f"SELECT DISTINCT s.id FROM statement s {_LISTING} WHERE s.id IN {{among}}"  # noqa: S608 -- names of ours
_PERSON = "SELECT DISTINCT k.statement FROM pseudonym p JOIN seal_key k ON k.idx = p.idx WHERE p.person = ?"
_PERSON_LISTS = f"SELECT DISTINCT s.id FROM pseudonym p JOIN statement s ON s.idx = p.idx {_LISTING} WHERE p.person = ?"  # noqa: S608
_SUBJECT = f'SELECT DISTINCT k.statement FROM {OF_SUBJECT} {ITS_KEY} WHERE u."key" = ?'  # noqa: S608 -- names of ours
_SUBJECT_LISTS = (
    "SELECT DISTINCT s.id FROM subject u JOIN link l ON l.sid = u.sid JOIN statement s ON s.idx = l.idx "  # noqa: S608
    f'{_LISTING} WHERE u."key" = ?'
)
_ELSEWHERE = 'SELECT 1 FROM erasure_part WHERE statement = ? AND "class" = ? AND stage > 0'
_NEWEST = "SELECT id FROM erasure ORDER BY asked_at DESC, id LIMIT ?"
_NEWEST_OF = "SELECT id FROM erasure WHERE asked_by = ? ORDER BY asked_at DESC, id LIMIT ?"
_PARTS = (
    'SELECT p.erasure, p.statement, p."class", p.due, p.stage, s.entry FROM erasure_part p LEFT JOIN erasure_said s '
    'ON s.erasure = p.erasure AND s.statement = p.statement AND s."class" = p."class" '
)
_DUE = (
    'SELECT p.erasure, p.statement, p."class", e.why FROM erasure_part p JOIN erasure e ON e.id = p.erasure '
    "WHERE p.stage = 0 AND p.due <= ? ORDER BY p.due, p.statement LIMIT ?"
)
_UNSAID = (
    'SELECT p.erasure, p.statement, p."class", e.why FROM erasure_part p JOIN erasure e ON e.id = p.erasure '
    "WHERE p.stage = 1 AND NOT EXISTS (SELECT 1 FROM erasure_said s WHERE s.erasure = p.erasure "
    'AND s.statement = p.statement AND s."class" = p."class") ORDER BY p.erasure, p.statement'
)


@dataclass(frozen=True, slots=True)
class Target:
    """What is to be erased: one of ``private.ERASABLE`` of a statement about ``subject``, not before ``due`` (µs)."""

    statement: str
    subject: str
    kind: str
    due: int


@dataclass(frozen=True, slots=True)
class Part:
    """One of ``private.ERASABLE`` of a statement, when it is due, its stage, and the ``data.erased`` that names it."""

    statement: str
    kind: str
    due: str
    stage: int
    entry: str | None


@dataclass(frozen=True, slots=True)
class Erasure:
    """What was asked for, by which party, when and why (``request``, ``retention`` or ``authority``)."""

    id: str
    asked_at: str
    asked_by: str
    why: str
    parts: tuple[Part, ...]

    def state(self, now: str) -> str:
        """``waiting`` for the legal time, ``erasing``, ``partly`` done and the rest waiting, or ``done``."""
        if all(part.stage == DONE for part in self.parts):
            return "done"
        if any(part.stage == DESTROYED or (part.stage == KEPT and part.due <= now) for part in self.parts):
            return "erasing"
        return "partly" if any(part.stage == DONE for part in self.parts) else "waiting"

    @property
    def until(self) -> str | None:
        """When the last part that is still kept is due."""
        return max((part.due for part in self.parts if part.stage == KEPT), default=None)


@dataclass(frozen=True, slots=True)
class Destroyed:
    """A part that is destroyed and of which the log does not say so yet."""

    erasure: str
    statement: str
    number: int
    why: str


class Erasures:
    """The erasures of one ledger; any thread may ask."""

    def __init__(
        self,
        engine: Engine,
        gate: Gate,
        epochs: Epochs,
        directory: Path,
        drop_files: Callable[..., object],
    ) -> None:
        """``drop_files(statements, public=)`` erases the files that they list so; it may be called again for them."""
        self._drop_files = drop_files
        self._engine, self._gate, self._epochs, self._directory = engine, gate, epochs, directory

    def of_statements(self, statements: Iterable[str]) -> list[tuple[str, str]]:
        """Statement and class of all that could be erased of these statements."""
        wanted = [uuid_bytes(one) for one in statements]
        if not wanted:
            return []
        with session(self._engine) as connection:
            connection.begin(write=False)
            keys, lists = connection.gather(connection.among(_KEYS, wanted), connection.among(_LISTS, wanted))
        rows = [*keys, *((statement, _FILES) for (statement,) in lists)]
        return sorted((urn_of(statement), ERASABLE[number]) for statement, number in rows)

    def of_person(self, party: str, person: str) -> list[str]:
        """The statements that a party recorded under its pseudonym for somebody, of which something could be erased."""
        key = person_key(party, person)
        return self._statements(ask(_PERSON, key), ask(_PERSON_LISTS, key))

    def of_subject(self, subject: str) -> list[str]:
        """The statements about a subject of which something could be erased."""
        key = submap.key_of(subject)
        return self._statements(ask(_SUBJECT, key), ask(_SUBJECT_LISTS, key))

    def ask(self, erasure: str, asked_by: str, why: str, targets: Sequence[Target], now: int) -> Erasure:
        """Write down what is to be erased; the same again under the same id changes nothing."""
        rows = [
            (
                erasure,
                uuid_bytes(one.statement),
                ERASABLE.index(one.kind),
                submap.key_of(one.subject),
                times.format_recorded(one.due),
                KEPT,
                0,
            )
            for one in targets
        ]
        head = (erasure, times.format_recorded(now), asked_by, why)
        with self._gate.session() as connection:
            self._epochs.start(connection)
            if not fetch(connection, ask("SELECT 1 FROM erasure WHERE id = ?", erasure)):
                connection.write([Insert(private_tables.erasure, [head]), Insert(private_tables.erasure_part, rows)])
            connection.commit()
        found = self.get(erasure)
        assert found is not None, "it was just written"
        return found

    def get(self, erasure: str) -> Erasure | None:
        """An erasure by its id."""
        with session(self._engine) as connection:
            heads, parts = connection.begin(
                write=False,
                then=[
                    ask("SELECT id, asked_at, asked_by, why FROM erasure WHERE id = ?", erasure),
                    ask(_PARTS + "WHERE p.erasure = ? ORDER BY p.statement, p.class", erasure),
                ],
            )
        if not heads:
            return None
        number, asked_at, asked_by, why = heads[0]
        return Erasure(number, asked_at, asked_by, why, tuple(_part(row) for row in parts))

    def newest(self, asked_by: str | None, limit: int) -> list[Erasure]:
        """The newest erasures that a party asked for, or anybody if it is ``None``."""
        query = ask(_NEWEST, limit) if asked_by is None else ask(_NEWEST_OF, asked_by, limit)
        with session(self._engine) as connection:
            rows = connection.begin(write=False, then=[query])[0]
        found = (self.get(number) for (number,) in rows)
        return [one for one in found if one is not None]

    def parts_of(self, statements: Iterable[str]) -> list[Part]:
        """What was asked of these statements, whatever became of it."""
        wanted = [uuid_bytes(one) for one in statements]
        with session(self._engine) as connection:
            connection.begin(write=False)
            query = connection.among(_PARTS + "WHERE p.statement IN {among}", wanted)
            return [_part(row) for row in fetch(connection, query)] if wanted else []

    def destroy(self, now: int, recorded: Callable[[], None]) -> int:
        """Destroy what is due, at most a slice of it, and return how many parts that were.

        ``recorded`` is called once the record outside the database has the parts. Files go before the list of them.
        """
        at = times.format_recorded(now)
        with session(self._engine) as connection:
            due = connection.begin(write=False, then=[ask(_DUE, at, SLICE)])[0]
        if not due:
            return 0
        add_lines(
            self._directory,
            [Line(urn_of(statement), ERASABLE[number], why, at) for _, statement, number, why in due],
        )
        recorded()
        self._drop((urn_of(statement), number) for _, statement, number, _ in due)
        with self._gate.session() as connection:
            self._epochs.start(connection)
            newest = fetch(connection, ask("SELECT coalesce(max(id), 0) FROM epoch"))[0][0]
            for erasure, statement, number, _ in due:
                gone = _destroy(connection, statement, number)
                stage = DESTROYED if gone else DONE  # else somebody else's request was first, and was told
                where = (stage, newest, erasure, statement, number)
                connection.write((), (_STAGE, where))
            connection.commit()
        return len(due)

    def destroy_again(self, parts: Sequence[tuple[str, str]]) -> int:
        """Destroy (statement, class) without asking, after a restore; return how many data keys there were."""
        gone = 0
        self._drop((statement, ERASABLE.index(kind)) for statement, kind in parts)
        with self._gate.session() as connection:
            self._epochs.start(connection)
            for statement, kind in parts:
                gone += _destroy(connection, uuid_bytes(statement), ERASABLE.index(kind))
            connection.commit()
        return gone

    def unsaid(self) -> list[Destroyed]:
        """What is destroyed and not yet said in the log, by erasure."""
        with session(self._engine) as connection:
            rows = connection.begin(write=False, then=[ask(_UNSAID)])[0]
        return [Destroyed(one, urn_of(statement), number, why) for one, statement, number, why in rows]

    def unfinished(self) -> int | None:
        """The newest epoch in which something was destroyed that is not done; ``None`` if all is done."""
        with session(self._engine) as connection:
            rows = connection.begin(write=False, then=[ask("SELECT max(epoch) FROM erasure_part WHERE stage = 1")])[0]
        return None if rows[0][0] is None else int(rows[0][0])

    def done(self, epoch: int) -> None:
        """Note that nothing is left of what was destroyed up to this epoch and said in the log."""
        said = (
            "UPDATE erasure_part SET stage = 2 WHERE stage = 1 AND epoch <= ? AND EXISTS (SELECT 1 FROM erasure_said s "
            "WHERE s.erasure = erasure_part.erasure AND s.statement = erasure_part.statement "
            'AND s."class" = erasure_part."class")'
        )
        with self._gate.session() as connection:
            self._epochs.start(connection)
            connection.write((), (said, (epoch,)))
            connection.commit()

    def _drop(self, parts: Iterable[tuple[str, int]]) -> None:
        """Erase the files among these parts: what statements list in private is *media*, what in public is files."""
        listed = list(parts)
        for number, public in ((_MEDIA, False), (_FILES, True)):
            self._drop_files([statement for statement, other in listed if other == number], public=public)

    def _statements(self, *queries: Query) -> list[str]:
        with session(self._engine) as connection:
            found = connection.begin(write=False, then=list(queries))
        return sorted({urn_of(statement) for rows in found for (statement,) in rows})


_STAGE = 'UPDATE erasure_part SET stage = ?, epoch = ? WHERE erasure = ? AND statement = ? AND "class" = ?'


def _destroy(connection: Session, statement: bytes, number: int) -> int:
    """Destroy a class of data of a statement; 1 if it was there, else 0."""
    if number == _FILES:  # the files themselves went before, and their lists with them
        return int(not fetch(connection, ask(_ELSEWHERE, statement, number)))
    names = [table.name for table in private_tables.ERASED_WITH]
    index, those = "(SELECT idx FROM statement WHERE id = ?)", 'statement = ? AND "class" IN (?, ?)'
    steps: list[Step] = [
        (f'DELETE FROM seal_key WHERE idx = {index} AND "class" = ?', (statement, number)),  # noqa: S608 -- ours
        (f'DELETE FROM sealed WHERE idx = {index} AND "class" = ?', (statement, number)),  # noqa: S608 -- ours
        (
            f"DELETE FROM pseudonym WHERE idx = {index} AND NOT EXISTS (SELECT 1 FROM seal_key WHERE idx = {index})",  # noqa: S608 -- ours
            (statement, statement),
        ),
        *((f'DELETE FROM "{name}" WHERE {those}', (statement, number, ANY_CLASS)) for name in names),  # noqa: S608 -- ours
    ]
    if number == _CONTACT:
        forget_short_codes(connection, statement)
    if number == MONEY:
        forget_costed(connection, statement)
    return connection.write((), *steps)[0]


def _part(row: Sequence[Any]) -> Part:
    _, statement, number, due, stage, entry = row
    return Part(urn_of(statement), ERASABLE[number], due, stage, None if entry is None else urn_of(entry))
