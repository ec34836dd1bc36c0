"""The addresses at which a shop is told that something is overdue: beside the log, confirmed, and deleted for good.

An address is of a person of the shop. It is wrapped by the master key, so that no backup shows it to whoever has only
the database; it is used once whoever reads its mail has confirmed it by a link, within a week; and deleting it deletes
the row.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any, Final

from sqlalchemy import Connection, delete, insert, select, update

from ledger import times
from ledger.db.outbox_tables import address, notice_cursor
from ledger.db.rows import Rows, is_row_id
from ledger.db.secret import KeyKeeper
from ledger.errors import Refused

MAX_ADDRESSES: Final = 20
"""Of one party, confirmed or not."""
CONFIRM_WITHIN: Final = 7 * times.DAY


@dataclass(frozen=True, slots=True)
class Address:
    """Where ``party`` is told by e-mail, in a language, since it was confirmed."""

    id: str
    party: str
    email: str = field(repr=False)
    language: str
    created_at: str
    confirmed_at: str | None


def address_identity(address_id: str) -> bytes:
    """The row that a wrapped address belongs to."""
    return b"address/" + address_id.encode()


def _ask_nobody(_: Connection, __: Address) -> None:
    """Ask at another time."""


class Addresses:
    """The addresses of all parties."""

    def __init__(self, rows: Rows, master: KeyKeeper, hash_of: Callable[[str, str], bytes]) -> None:
        """``hash_of`` makes the ledger's keyed hashes (``Keyed.hash``)."""
        self._rows, self._master, self._hash_of = rows, master, hash_of

    def add(
        self, party: str, email: str, language: str, ask: Callable[[Connection, Address], None] = _ask_nobody
    ) -> Address:
        """Add an address that is not used before it is confirmed; the same again is the same row.

        ``email`` was looked at by whoever will write to it. ``ask`` is called in the transaction, in which nobody else
        adds one: what it raises leaves everything as it was. Raises ``Refused`` for more than twenty.
        """
        # By what it is of: whoever adds it again after a deletion is not asked again on the same day.
        address_id = self._hash_of("address", f"{party}\n{email}")[:8].hex()
        made = Address(address_id, party, email, language, self._rows.now(), None)
        values = {name: getattr(made, name) for name in made.__slots__ if name != "email"}
        values["wrapped"] = self._master.wrap(email.encode(), address_identity(made.id))
        with self._rows.writing() as connection:
            connection.execute(select(notice_cursor).with_for_update())
            found = list(connection.execute(select(address).where(address.c.party == party)))
            same = [self._address(row) for row in found if row.id == made.id]
            if not same:
                if len(found) >= MAX_ADDRESSES:
                    raise Refused(f"this party has {MAX_ADDRESSES} addresses; delete one first")
                connection.execute(insert(address).values(**values))
            ask(connection, made)
        return same[0] if same else made

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
        return Address(row.id, row.party, email, row.language, row.created_at, row.confirmed_at)
