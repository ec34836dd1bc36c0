"""What is known of one subject: the fold of its entries that rules and pages need.

A state is derived from the log and never a fact of its own: rebuilding it from the subject's entries gives the same
bytes. It is kept beside the subject so that an append need not read a whole history.
"""

from __future__ import annotations

from typing import Any

import msgspec
from msgspec import Struct

from ledger.holding import Held
from ledger.leaf import Statement

Kind = str
"""``ledger``, ``authority``, ``party``, ``item`` or ``case``: fixed by a subject's first entry."""


class Quote(Struct, omit_defaults=True):
    """A quote of a case: when it expires, if it does, and whether somebody has decided on it."""

    expires: str = ""
    decided: bool = False


class Case(Struct, omit_defaults=True):
    """As much of a request as its hard rules rest on: when it was opened (index and time) and what cannot come twice.

    ``served`` is set once a party did something for it, ``ended`` by an exchange or a return. ``quotes`` go by their
    digest, the newest last; a quote without one has the name "".
    """

    opened: int
    opened_at: str
    closed: bool = False
    evaluated: bool = False
    served: bool = False
    ended: bool = False
    quotes: dict[str, Quote] = {}


class State(Struct, omit_defaults=True):
    """A subject's state. ``signers`` are the parties that signed an entry of it, in order of appearance."""

    kind: Kind
    first_at: str
    last_at: str
    registered_by: str = ""
    signers: tuple[str, ...] = ()
    held: Held = Held()
    name: str = ""
    category: str = ""
    brand: str = ""
    model: str = ""
    sold_by: str = ""
    retired: int | None = None
    stolen: bool = False
    lost: bool = False
    recalled: bool = False
    whole: str = ""
    """The item that this one is a part or piece of."""
    certificates: dict[str, list[str]] = {}
    """By number: the certifiers whose certificate stands."""
    cases: dict[str, Case] = {}
    retracted: tuple[str, ...] = ()
    custody: tuple[str, ...] = ()
    """Who has the item in hand, last; before it, who passed it on and expects it back (``ledger.custody``)."""

    def add_signer(self, statement: Statement) -> None:
        """Note the party that signed an entry of the subject; a holder is none (``grant``)."""
        if statement.grant is None and statement.party not in self.signers:
            self.signers = (*self.signers, statement.party)


class _NotShown:
    """A subject, statement or key of which a reader of one history sees nothing: no rule may rest on it."""

    def __repr__(self) -> str:
        return "NOT_SHOWN"


NOT_SHOWN: Any = _NotShown()

_decode = msgspec.msgpack.Decoder(State).decode
_encode = msgspec.msgpack.Encoder(order="deterministic").encode


def dump(state: State) -> bytes:
    """The state as bytes, the same for equal states; ``load`` undoes it."""
    return _encode(state)


def load(raw: bytes) -> State:
    """The state that ``dump`` wrote."""
    return _decode(raw)
