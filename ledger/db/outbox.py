"""The outbox: what is to be told to whom, once for each event, kept until it was told or given up.

A follower looks at the log from where ``notice_cursor`` stands. The notices of a stretch and the cursor behind it are
committed together, and the cursor moves only from where it stood: so no statement is passed over and none is looked at
twice, whoever is killed when and however many processes follow. What is no statement is put in by the transaction that
brings it about (``adding``, ``put_few``). A notice's id is a hash of what it is about, its row's key: nobody can put it
in twice.

A notice is sent by whoever *claims* it, for the length of a lease; if that process dies, another one claims it when the
lease is over. Between the sending and the note of it there is no transaction, so a notice may go out twice then, under
the same id. A row has ids and states, no content and no address: what a notice says, and to whom, is read where it
stands (the log, private members, reports, a shop's addresses) at the moment when it is sent.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, fields
from hashlib import sha256
from typing import Any, Final

from sqlalchemy import Connection, and_, delete, func, or_, select, update
from sqlalchemy.dialects import postgresql, sqlite

from ledger import submap, times
from ledger.db.outbox_tables import notice, notice_cursor, opt_out
from ledger.db.private_tables import sealed
from ledger.db.rows import Rows
from ledger.db.tables import head, leaf, link
from ledger.db.tables import subject as known
from ledger.errors import Invalid, Malformed
from ledger.private import CLASSES

WEBHOOK, CUSTOMER, SHOP, CLOCK = "webhook", "customer", "shop", "clock"
"""Kinds: to one webhook, to a customer by whatever way there is, to a shop's address; and a clock that may run out."""
WAITING, SENT, DEAD, DROPPED = "waiting", "sent", "dead", "dropped"
"""States: to be told, told, given up, and no longer to be told."""
STATES: Final = (WAITING, SENT, DEAD, DROPPED)
LEASE: Final = 5 * times.MINUTE
"""How long whoever claimed a notice may take: twice as long as sending one can."""
KEEP: Final = 30 * times.DAY
"""How long what was told, given up or dropped can be looked up and sent again."""
MAX_PAGE: Final = 200
_CONTACT: Final = CLASSES.index("contact")
_ONE = notice_cursor.c.one == 1


@dataclass(frozen=True, slots=True)
class Notice:
    """``event`` of ``kind`` for ``party``: to a ``webhook``, or to the customer of a case about a status (``about``).

    ``due_at`` is when it is tried next, ``tries`` how often it was; ``failure`` says why it is not told.
    """

    id: bytes
    kind: str
    event: str
    party: str
    made_at: str
    due_at: str
    webhook: str | None = None
    idx: int | None = None
    statement: str | None = None
    subject: str | None = None
    of_case: str | None = None
    about: str | None = None
    state: str = WAITING
    tries: int = 0
    held_until: str | None = None
    done_at: str | None = None
    failure: str | None = None


def notice_id(*parts: str) -> bytes:
    """The id of the one notice of these parts: 16 bytes."""
    return sha256("\n".join(("notice", *parts)).encode()).digest()[:16]


class Outbox:
    """The notices of one ledger; any thread and any number of processes may ask."""

    def __init__(self, rows: Rows, hash_of: Callable[[str, str], bytes]) -> None:
        """``hash_of`` makes the ledger's keyed hashes (``Keyed.hash``)."""
        self._rows, self._hash_of = rows, hash_of

    def position(self) -> tuple[int, int]:
        """How many leaves were looked at, and how many there are."""
        query = select(notice_cursor.c.size, select(func.coalesce(func.max(head.c.size), 0)).scalar_subquery())
        ((position, size),) = self._rows.read(query.where(_ONE))
        return position, size

    def leaves(self, first: int, until: int) -> list[tuple[int, bytes]]:
        """The leaves from ``first`` on below ``until``."""
        query = select(leaf).where(leaf.c.idx >= first, leaf.c.idx < until).order_by(leaf.c.idx)
        return [(row.idx, bytes(row.bytes)) for row in self._rows.read(query)]

    def has_contact(self, subject: str) -> bool:
        """Whether there is a private member about a subject that says who or where somebody is."""
        its = and_(sealed.c.idx == link.c.idx, sealed.c.sid == link.c.sid, sealed.c["class"] == _CONTACT)
        kept = select(1).select_from(known.join(link, link.c.sid == known.c.sid).join(sealed, its))
        return bool(self._rows.read(kept.where(known.c.key == submap.key_of(subject)).limit(1)))

    def put(self, notices: Iterable[Notice], moved: tuple[int, int] | None = None) -> bool:
        """Put notices in, each unless it is there; with them the cursor moves from one size to the other.

        Returns whether it did: if another process has moved it meanwhile, nothing is put in. A clock that is there
        already and still waits is only set anew.
        """
        with self._rows.writing() as connection:
            if moved is not None:
                swap = update(notice_cursor).where(_ONE, notice_cursor.c.size == moved[0]).values(size=moved[1])
                if connection.execute(swap).rowcount != 1:
                    return False
            for one in notices:
                _put(connection, one)
            return True

    def adding(self, notices: Iterable[Notice]) -> Callable[[Connection], None]:
        """What puts notices in as a part of another transaction, which is of this ledger's database."""

        def add(connection: Connection) -> None:
            for one in notices:
                _put(connection, one)

        return add

    def is_told(self, ids: Iterable[bytes]) -> bool:
        """Whether one of these notices was told."""
        told = notice.c.id.in_(list(ids)), notice.c.state == SENT
        return bool(self._rows.read(select(1).where(*told).limit(1)))

    def claim(self, most: int) -> list[Notice]:
        """Notices that are due, at most so many, for the caller to send within a lease."""
        now = self._rows.clock()
        at = times.format_recorded(now)
        free = or_(notice.c.held_until.is_(None), notice.c.held_until <= at)
        due = and_(notice.c.state == WAITING, notice.c.due_at <= at, free)
        some = select(notice.c.id).where(due).order_by(notice.c.due_at, notice.c.idx, notice.c.id).limit(most)
        if not self._rows.read(some.limit(1)):
            return []  # most often: nothing is written
        held = times.format_recorded(now + LEASE)
        with self._rows.writing() as connection:
            ids = list(connection.execute(some.with_for_update(skip_locked=True)).scalars())
            mine = update(notice).where(notice.c.id.in_(ids)).values(held_until=held, tries=notice.c.tries + 1)
            found = [_notice(row) for row in connection.execute(mine.returning(notice)).all()]
        return sorted(found, key=lambda one: (one.due_at, one.idx or 0, one.id))

    def settle(self, one: Notice, state: str, failure: str | None = None) -> bool:
        """Note that a claimed notice is told, given up or dropped; whether it was still this caller's to say."""
        values = {"state": state, "failure": failure, "held_until": None, "done_at": self._rows.now()}
        return self._rows.write(update(notice).where(*_mine(one)).values(**values)) == 1

    def retry(self, one: Notice, due: int, failure: str | None, *, tried: bool = True) -> bool:
        """Let a claimed notice wait until ``due``; one that was not ``tried`` does not count the try.

        A webhook that could not be reached is left alone until then: what else waits for it waits with it.
        """
        at = times.format_recorded(due)
        values = {"due_at": at, "failure": failure, "held_until": None, "tries": one.tries if tried else one.tries - 1}
        with self._rows.writing() as connection:
            if connection.execute(update(notice).where(*_mine(one)).values(**values)).rowcount != 1:
                return False
            if one.webhook is not None:
                others = notice.c.webhook == one.webhook, notice.c.state == WAITING, notice.c.due_at < at
                free = notice.c.held_until.is_(None)
                connection.execute(update(notice).where(*others, free).values(due_at=at))
            return True

    def fire(self, one: Notice, notices: Sequence[Notice]) -> bool:
        """Note that a clock ran out, and put in who is told of it; both or neither."""
        values = {"state": SENT, "held_until": None, "done_at": self._rows.now(), "failure": None}
        with self._rows.writing() as connection:
            if connection.execute(update(notice).where(*_mine(one)).values(**values)).rowcount != 1:
                return False
            for other in notices:
                _put(connection, other)
            return True

    def drop(self, webhook: str, why: str) -> int:
        """Drop whatever waits for a webhook; how much that was."""
        waiting = notice.c.webhook == webhook, notice.c.state == WAITING
        values = {"state": DROPPED, "failure": why, "held_until": None, "done_at": self._rows.now()}
        return self._rows.write(update(notice).where(*waiting).values(**values))

    def replay(self, webhook: str, since: str, states: Sequence[str]) -> int:
        """Let notices of a webhook that are in these states wait again, under the ids they had; how many."""
        again = notice.c.webhook == webhook, notice.c.made_at >= since, notice.c.state.in_(states)
        values = {"state": WAITING, "tries": 0, "due_at": self._rows.now(), "done_at": None, "failure": None}
        return self._rows.write(update(notice).where(*again).values(**values))

    def list(
        self, parties: Iterable[str] | None, *, cursor: str | None = None, limit: int = MAX_PAGE, **wanted: str | None
    ) -> tuple[list[Notice], str | None]:
        """Notices of these parties (of all: ``None``), newest first, and the cursor of the next page.

        ``wanted`` may name ``state``, ``webhook``, ``of_case`` and ``statement``. Clocks are not among them. Raises
        ``Invalid`` for a cursor that is none.
        """
        where = [notice.c.kind != CLOCK]
        if parties is not None:
            where.append(notice.c.party.in_(sorted(parties)))
        where += [notice.c[name] == value for name, value in wanted.items() if value is not None]
        if cursor is not None:
            made_at, last = _read_cursor(cursor)
            where.append(or_(notice.c.made_at < made_at, and_(notice.c.made_at == made_at, notice.c.id < last)))
        limit = max(1, min(limit, MAX_PAGE))
        order = notice.c.made_at.desc(), notice.c.id.desc()
        found = [
            _notice(row) for row in self._rows.read(select(notice).where(*where).order_by(*order).limit(limit + 1))
        ]
        more = f"{found[limit - 1].made_at}~{found[limit - 1].id.hex()}" if len(found) > limit else None
        return found[:limit], more

    def prune(self) -> int:
        """Forget what was over long ago; how much that was."""
        end = times.format_recorded(self._rows.clock() - KEEP)
        over = notice.c.state != WAITING, notice.c.done_at < end
        return self._rows.write(delete(notice).where(*over)) if self._rows.read(select(1).where(*over).limit(1)) else 0

    def keyed(self, what: str, text: str) -> bytes:
        """The keyed hash of an address, or of what a link says: 16 bytes."""
        return self._hash_of(f"notice {what}", text)[:16]

    def close_to(self, hashes: Iterable[bytes]) -> None:
        """Tell nothing more to the addresses of these hashes, ever; the same again changes nothing."""
        at = self._rows.now()
        with self._rows.writing() as connection:
            for one in hashes:
                connection.execute(_insert(connection, opt_out).values(hash=one, at=at).on_conflict_do_nothing())

    def is_closed_to(self, hashes: Iterable[bytes]) -> bool:
        """Whether one of these addresses wants to be told nothing more."""
        return bool(self._rows.read(select(1).where(opt_out.c.hash.in_(list(hashes))).limit(1)))


def put_few(connection: Connection, one: Notice, since: str, most: int) -> bool:
    """In a transaction that nobody else counts in, put a notice in unless its party had ``most`` of its event.

    From ``since`` on, whatever became of them. Returns whether it was let in.
    """
    same = notice.c.party == one.party, notice.c.event == one.event, notice.c.made_at >= since
    if connection.execute(select(func.count()).where(*same)).scalar_one() >= most:
        return False
    _put(connection, one)
    return True


def _insert(connection: Connection, table: Any) -> Any:
    """An insert of the connection's own dialect, which knows ``ON CONFLICT``."""
    return (sqlite if connection.dialect.name == "sqlite" else postgresql).insert(table)


def _put(connection: Connection, one: Notice) -> None:
    values = {field.name: getattr(one, field.name) for field in fields(Notice)}
    statement = _insert(connection, notice).values(**values)
    if one.kind == CLOCK:
        again = {"due_at": statement.excluded.due_at}
        waiting = and_(notice.c.state == WAITING, notice.c.held_until.is_(None))
        statement = statement.on_conflict_do_update(index_elements=["id"], set_=again, where=waiting)
    else:
        statement = statement.on_conflict_do_nothing()
    connection.execute(statement)


def _mine(one: Notice) -> tuple[Any, ...]:
    """A claimed notice while nobody else has claimed it: what a process says whose lease ran out counts nothing."""
    return notice.c.id == one.id, notice.c.state == WAITING, notice.c.held_until == one.held_until


def _notice(row: Any) -> Notice:
    return Notice(**{field.name: getattr(row, field.name) for field in fields(Notice)} | {"id": bytes(row.id)})


def _read_cursor(cursor: str) -> tuple[str, bytes]:
    made_at, _, last = cursor.partition("~")
    try:
        times.parse_recorded(made_at)
        return made_at, bytes.fromhex(last)
    except (ValueError, Malformed):
        raise Invalid("got a cursor that is none") from None
