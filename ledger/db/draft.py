"""What goes into an append and what comes out; structs, because each statement makes several of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from msgspec import Struct

from ledger.errors import PatinaError
from ledger.leaf import Signature, Statement
from ledger.state import State


class Row(Struct, frozen=True):
    """A row of ``table`` (a name in ``ledger.db.tables``) to be committed with a statement, by column.

    A column ``idx`` is left out: it is the index of the entry, which the commit knows.
    """

    table: str
    values: Mapping[str, Any]


class Seal(Struct, frozen=True):
    """A class of data of private members, sealed (``ledger.db.vault``), and its key as an epoch wraps it."""

    number: int
    content: bytes
    epoch: int
    wrapped: bytes


class Draft(Struct, frozen=True):
    """A statement on its way in: parsed, its canonical ``body``, and who signed it.

    ``verified`` says that the caller checked every signature (``dsse.check_signature``) and the form of statement and
    details (``leaf.check_form``, ``leaf.check_details``); ``Writer`` takes no other. ``may`` raises ``Refused`` if
    whoever sent it may not write about its subjects: a rule of the service, asked with their states at that moment.
    ``repeats`` decides where bytes cannot (private members are salted afresh): whether an entry with the same id says
    the same, given its bytes and, if it came with this batch, its draft.
    """

    statement: Statement
    body: bytes
    signatures: tuple[Signature, ...]
    rows: tuple[Row, ...] = ()
    seal: Callable[[], tuple[Seal, ...]] | None = None
    seals: tuple[Seal, ...] = ()
    """What ``seal`` gave. ``Writer`` asks for it before it takes the lock, for a whole batch: one after another, in one
    go, takes a third of the time of each by itself between the other work of its request."""
    verified: bool = False
    may: Callable[[Sequence[State | None]], None] | None = None
    repeats: Callable[[bytes, Draft | None], bool] | None = None
    values: Mapping[str, Any] | None = None
    """Private members in clear, for a repeat within the batch to be held against."""

    def __repr__(self) -> str:
        """The id alone: a log line must not show private members."""
        return f"Draft({self.statement.id!r})"


class Accepted(Struct, frozen=True):
    """A statement that stands in the log at ``index`` as the bytes ``entry``.

    ``hashes`` is the inclusion proof (32 bytes each) to ``checkpoint``, a signed note of tree size ``size``.
    ``repeated`` says that it stood there before (same id, same canonical statement).
    """

    index: int
    entry: bytes
    hashes: list[bytes]
    checkpoint: str
    size: int
    repeated: bool
    statement: Statement


Outcome = Accepted | PatinaError
