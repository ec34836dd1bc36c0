"""By whose promise the rights of an item are judged, and which these are (``ledger.rights`` has the rules).

What a seller promised at the sale is what is owed, so the standard is the one that the seller of the last sale had in
force then. Of an item that nobody sold here, it is the newest of whoever registered it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ledger.leaf import Entry
from ledger.promises import Promises
from ledger.rights import Right, rights
from ledger.standard import Standard
from ledger.standard_figures import Facts


@dataclass(frozen=True, slots=True)
class Entitlement:
    """The rights of an item in force, by whose promise, and by which standard, if there is one."""

    party: str
    standard: Standard | None
    rights: tuple[Right, ...]


def entitlement(
    item: str, entries: Sequence[Entry], promises: Promises, now: int, replaced: Sequence[Entry] = ()
) -> Entitlement:
    """The rights of an item at ``now`` (microseconds), given all its entries and those of the item it replaced."""
    first = entries[0].statement
    facts = Facts("", category=first.details["category"])
    given = [one for one in entries if one.statement.type == "item.sold" or is_replacement(one, item)]
    if given:
        party = given[-1].statement.party
        standard = promises.standard(party, given[-1].index, facts)
    else:
        party = first.party
        standard = promises.newest(party, facts)
    day_of = promises.working(party).day_of
    return Entitlement(party, standard, rights(item, entries, standard, now, day_of, replaced=replaced))


def replaced_by(item: str, entries: Sequence[Entry]) -> str | None:
    """The item that this one was given for in an exchange, if it was."""
    return next((one.statement.subjects[0] for one in reversed(entries) if is_replacement(one, item)), None)


def is_replacement(entry: Entry, item: str) -> bool:
    """Whether an entry is the exchange in which this item was given for another."""
    statement = entry.statement
    return statement.type == "exchange.completed" and statement.subjects[0] != item
