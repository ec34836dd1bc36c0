"""Creating and opening a ledger: the way into this package."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from ledger.db.secret import MasterKey

if TYPE_CHECKING:
    from ledger.db.access import Access
    from ledger.db.append import Writer
    from ledger.db.read import Reader
    from ledger.db.view import View

Clock = Callable[[], int]
"""Microseconds since 1970 in UTC."""


class Ledger:
    """An open ledger: one ``view`` in memory shared by its ``writer`` and its ``reader``, and its ``access``."""

    url: str
    directory: Path
    origin: str
    id: str
    """64 hex: the leaf hash of entry 0, which every statement names as ``ledger``."""
    operator: str
    """The operator's party uuid."""
    vkeys: tuple[str, ...]
    """The vkeys in force."""
    view: View
    writer: Writer
    reader: Reader
    access: Access

    def close(self) -> None:
        """Close every connection and give up the guard file."""
        raise NotImplementedError


def create_ledger(
    url: str,
    *,
    directory: Path,
    origin: str,
    name: str,
    now: int,
    rand: Callable[[int], bytes],
    master: MasterKey,
    operator_name: str | None = None,
    map_bits: int = 18,
) -> str:
    """Create a ledger (schema, keys, entry 0 and its seal, guard) and return its vkey.

    ``now`` is in microseconds since 1970; the operator's key is kept in custody. With ``operator_name`` the operator
    is registered as a party too. Raises ``Refused`` if there is a ledger already.
    """
    raise NotImplementedError


def open_ledger(
    url: str,
    *,
    directory: Path,
    master: MasterKey,
    clock: Clock,
    read_only: bool = False,
    accept_clock: bool = False,
) -> Ledger:
    """Open a ledger after checking it against its guard files and itself.

    Raises ``Unavailable``, saying why, if there is none, its schema is older or newer than this program, its head does
    not match its leaves, or it is behind a guard file (a restored backup). ``accept_clock`` is the operator's word that
    a clock more than a day past the last leaf is right.
    """
    raise NotImplementedError
