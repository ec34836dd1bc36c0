"""The addresses at which a shop is told of its own affairs: beside the log, confirmed, and deleted for good.

``events`` are those of webhooks (``ledger.db.webhooks``): ``case.overdue``, and ``report.*`` where it is said whose
address it is, because reports are for the people of a role. It is wrapped by the master key, so that no backup shows it
to whoever has only the database; it is used once whoever reads its mail has confirmed it by a link, within a week; and
deleting it, or forgetting the ``person``, deletes the row.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any, Final

from sqlalchemy import Connection, delete, select, update
from sqlalchemy.dialects import postgresql, sqlite

from ledger import times
from ledger.db.outbox_tables import address, notice_cursor
from ledger.db.rows import Rows, is_row_id
from ledger.db.secret import KeyKeeper
from ledger.db.tables import person as people
from ledger.errors import Invalid, Refused

MAX_ADDRESSES: Final = 20
"""Of one party, confirmed or not."""
CONFIRM_WITHIN: Final = 7 * times.DAY
OVERDUE: Final = "case.overdue"
REPORTS: Final = "report.*"


@dataclass(frozen=True, slots=True)
class Address:
    """Where ``party`` is told of ``events`` by e-mail, in a language, since it was confirmed; of a ``person`` of it."""

    id: str
    party: str
    email: str = field(repr=False)
    language: str
    created_at: str
    confirmed_at: str | None
    person: str | None = None
    events: tuple[str, ...] = ()

    def hears(self, event: str) -> bool:
        """Whether it is told of an event: it was confirmed, and wants it."""
        wanted = not {event, f"{event.partition('.')[0]}.*"}.isdisjoint(self.events)
        return wanted and self.confirmed_at is not None


def address_identity(address_id: str) -> bytes:
    """The row that a wrapped address belongs to."""
    return b"address/" + address_id.encode()


def _ask_nobody(_: Connection, __: Address) -> None:
    """Ask at another time."""


def _check_person(connection: Connection, person_id: str | None, party: str) -> None:
    """Raise ``Invalid`` for nobody of the party; who is somebody is not forgotten before the transaction has ended."""
    if person_id is None:
        return
    columns = people.c
    mine = columns.id == person_id, columns.party == party, columns.disabled_at.is_(None)
    if connection.execute(select(columns.id).where(*mine).with_for_update()).first() is None:
        raise Invalid("got an id that is nobody's of your party who may come in", "/person")


class Addresses:
    """The addresses of all parties."""

    def __init__(self, rows: Rows, master: KeyKeeper, hash_of: Callable[[str, str], bytes]) -> None:
        """``hash_of`` makes the ledger's keyed hashes (``Keyed.hash``)."""
        self._rows, self._master, self._hash_of = rows, master, hash_of

    def add(
        self,
        party: str,
        email: str,
        language: str,
        events: Iterable[str] = (OVERDUE,),
        person: str | None = None,
        *,
        ask: Callable[[Connection, Address], None] = _ask_nobody,
    ) -> Address:
        """Add an address that is not used before it is confirmed; the same again is the same row, told as said last.

        ``email`` was looked at by whoever will write to it. ``ask`` is called in the transaction, in which nobody else
        adds one: what it raises leaves everything as it was. Raises ``Refused`` for more than twenty, and ``Invalid``
        for a person who is none of the party, or may not come in.
        """
        # By what it is of: whoever adds it again after a deletion is not asked again on the same day.
        address_id = self._hash_of("address", f"{party}\n{email}")[:8].hex()
        said = {"language": language, "events": " ".join(sorted(set(events))), "person": person}
        wrapped = self._master.wrap(email.encode(), address_identity(address_id))
        values = {"id": address_id, "party": party, "wrapped": wrapped, "created_at": self._rows.now(), **said}
        with self._rows.writing() as connection:
            connection.execute(select(notice_cursor).with_for_update())
            _check_person(connection, person, party)
            found = connection.execute(select(address.c.id).where(address.c.party == party)).scalars().all()
            if address_id not in found and len(found) >= MAX_ADDRESSES:
                raise Refused(f"this party has {MAX_ADDRESSES} addresses; delete one first")
            # The dialect's own insert, which knows ``ON CONFLICT``: somebody else may add the same at this moment.
            insert = (sqlite if connection.dialect.name == "sqlite" else postgresql).insert(address).values(**values)
            change = insert.on_conflict_do_update(index_elements=["id"], set_=said).returning(address)
            made = self._address(connection.execute(change).one())
            ask(connection, made)
        return made

    def get(self, address_id: str) -> Address | None:
        """The address of this id; ``None`` if there is none, or none any more."""
        rows = self._rows.read(select(address).where(address.c.id == address_id)) if is_row_id(address_id) else []
        return self._address(rows[0]) if rows else None

    def of(self, parties: Iterable[str]) -> list[Address]:
        """The addresses of these parties, oldest first."""
        mine = select(address).where(address.c.party.in_(sorted(parties)))
        return [self._address(row) for row in self._rows.read(mine.order_by(address.c.created_at, address.c.id))]

    def is_any_confirmed(self) -> bool:
        """Whether there is anybody at all to tell."""
        return bool(self._rows.read(select(1).where(address.c.confirmed_at.is_not(None)).limit(1)))

    def confirm(self, address_id: str) -> bool:
        """Use an address from now on; whether it is there and was not left alone for too long."""
        self.prune()
        waiting = address.c.id == address_id, address.c.confirmed_at.is_(None)
        self._rows.write(update(address).where(*waiting).values(confirmed_at=self._rows.now()))
        return self.get(address_id) is not None

    def delete(self, address_id: str) -> None:
        """Forget an address."""
        self._rows.write(delete(address).where(address.c.id == address_id))

    def prune(self) -> int:
        """Forget what nobody has confirmed for a week; how many that were."""
        before = times.format_recorded(self._rows.clock() - CONFIRM_WITHIN)
        old = address.c.confirmed_at.is_(None), address.c.created_at < before
        return self._rows.write(delete(address).where(*old)) if self._rows.read(select(1).where(*old).limit(1)) else 0

    def _address(self, row: Any) -> Address:
        email = self._master.unwrap(row.wrapped, address_identity(row.id)).decode()
        events = tuple(row.events.split())
        return Address(row.id, row.party, email, row.language, row.created_at, row.confirmed_at, row.person, events)
