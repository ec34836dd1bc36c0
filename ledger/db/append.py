"""Append: the one way in, and the only writer of leaves."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ledger.errors import PatinaError
from ledger.leaf import Signature, Statement


@dataclass(frozen=True, slots=True)
class Row:
    """A row of ``table`` (a name in ``ledger.db.tables``) to be committed with a statement, by column."""

    table: str
    values: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Draft:
    """A statement on its way in: parsed, its canonical ``body``, and who signed it.

    ``verified`` says that the caller checked every signature (``dsse.check_signature``) and the form of statement and
    details (``leaf.check_form``, ``leaf.check_details``); ``Writer`` takes no other.
    """

    statement: Statement
    body: bytes
    signatures: tuple[Signature, ...]
    rows: tuple[Row, ...] = ()
    verified: bool = False


@dataclass(frozen=True, slots=True)
class Accepted:
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


class Writer:
    """The appender of one process; ``append`` is synchronous and may be called from any thread, one at a time."""

    refusal: str | None
    """Why this process does not sign, or ``None``."""
    accept_clock: bool
    """The operator's word that a clock more than a day past the last leaf is right; falls back after one commit."""

    def append(self, groups: Sequence[Sequence[Draft]]) -> list[list[Outcome]]:
        """Append the drafts in order in one commit; return for each what became of it, in the same shape.

        A group of more than one draft is atomic: if one is refused, it has its error and the others of the group
        have ``Refused`` saying so. A refused group changes nothing and does not block its neighbours. Raises nothing
        for input: if the ledger may not sign or the database fails, every outcome is ``Unavailable``.
        """
        raise NotImplementedError

    def seal(self, *, force: bool = False) -> bool:
        """Append a seal if the last leaf is older than an hour (or by force); return whether one was."""
        raise NotImplementedError
