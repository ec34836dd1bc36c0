"""Whose hands an item is in: the chain of those who have it, from whoever took it in to whoever has it now.

Each change of custody is a statement of a case (events.md §4): ``case.received`` in, ``case.forwarded`` to a workshop,
``case.returned`` back, ``case.handed_over`` out; an exchange or a return puts the item in the retailer's hands. Whoever
passed an item on expects it back and stands before the one who has it; a workshop without a key stands in the chain
under the word ``outside``, and whoever sent it there answers for it.

>>> sent = ("urn:uuid:…shop", "urn:uuid:…workshop")
>>> in_hand(sent), in_hand(()), in_hand(("urn:uuid:…shop", OUTSIDE))
('urn:uuid:…workshop', '', 'outside')
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final, NamedTuple

from ledger.leaf import Entry, Statement

OUTSIDE: Final = "outside"
"""Where ``case.forwarded`` sends an item that goes to a workshop without a key."""
MOVES: Final = frozenset(
    "case.received case.forwarded case.returned case.handed_over return.completed exchange.completed".split()
)
"""The types that change custody."""
ENDINGS: Final = frozenset({"exchange.completed", "return.completed"})
"""After one of these in a case, what is handed over in it is the replacement, and the item stays where it is."""


class Move(NamedTuple):
    """A change of custody of an item: the entry, and the chain before and after it."""

    entry: Entry
    before: tuple[str, ...]
    after: tuple[str, ...]


def in_hand(chain: tuple[str, ...]) -> str:
    """Who has the item: a party, ``outside``, or "" for nobody of the trade, so its owner, as far as is known."""
    return chain[-1] if chain else ""


def moved(chain: tuple[str, ...], statement: Statement) -> tuple[str, ...]:
    """The chain after a statement of one of the types of ``MOVES``."""
    match statement.type:
        case "case.received":
            return _reached(chain, statement.party)
        case "case.forwarded":
            return _reached(_reached(chain, statement.party), statement.details["to"])
        case "case.returned":
            return _given_back(chain, statement.party)
        case "case.handed_over":
            return ()
        case _:
            return (statement.party,)


def moves(told: Iterable[tuple[Entry, str]]) -> Iterator[Move]:
    """The changes of custody of a subject, given all its entries, oldest first: as ``ledger.item`` folds them."""
    chain: tuple[str, ...] = ()
    subject = ""
    ended: set[str | None] = set()
    for entry, _ in told:
        statement = entry.statement
        # The first entry of an item or a case has it first; where it is second, another one is moved.
        subject = subject or statement.subjects[0]
        if statement.type not in MOVES or statement.subjects[0] != subject:
            continue
        if statement.type in ENDINGS:
            ended.add(statement.case)
        if statement.type != "case.handed_over" or statement.case not in ended:
            after = moved(chain, statement)
            yield Move(entry, chain, after)
            chain = after


def _reached(chain: tuple[str, ...], party: str) -> tuple[str, ...]:
    """Who has it after it came to this party: back to it, if it had passed it on."""
    return chain[: chain.index(party) + 1] if party in chain else (*chain, party)


def _given_back(chain: tuple[str, ...], party: str) -> tuple[str, ...]:
    """After a return: said by whoever has it, it leaves these hands; by one who had passed it on, it is back in them.

    A workshop that has recorded its return after the shop recorded having it back changes nothing.
    """
    if party not in chain:
        return chain
    at = chain.index(party)
    return chain[:at] if at == len(chain) - 1 else chain[: at + 1]
