"""The state of one subject as of an index of the log, folded from its own entries (amendments R2).

The subject map keeps no past states, and none is needed: a state is a fold of entries, so an earlier one is the fold
of fewer of them.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from email.utils import formatdate

from ledger import merkle, times
from ledger.db.read import Reader
from ledger.errors import Invalid
from ledger.leaf import Entry, parse_leaf
from ledger.party import Parties
from ledger.rule import follow
from ledger.state import NOT_SHOWN, State

_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_RECORDED = re.compile(rb'"recorded_at":"([^"]{24})"')


@dataclass(frozen=True, slots=True)
class Told:
    """One entry of a subject and the leaf hash, in hex, by which later entries may name it."""

    entry: Entry
    leaf_hash: str


def parse_entries(raws: Sequence[tuple[int, bytes]], below: int | None = None) -> list[Told]:
    """The entries of a subject below an index of the log, oldest first."""
    told = []
    for index, raw in raws:
        if below is not None and index >= below:
            break
        entry = parse_leaf(raw)
        assert isinstance(entry, Entry), "a seal has no subject"
        told.append(Told(entry, merkle.leaf_hash(raw).hex()))
    return told


def fold(subject: str, told: Sequence[Told]) -> State | None:
    """The state of a subject after these entries, or ``None`` if there are none."""
    state: State | None = None
    for one in told:
        before = [state if name == subject else NOT_SHOWN for name in one.entry.statement.subjects]
        after = follow(one.entry, one.leaf_hash, Parties(complete=False), before)
        state = after[one.entry.statement.subjects.index(subject)]
    return state


def as_of_index(reader: Reader, at: str) -> int:
    """The index below which entries count for ``?at=``: an index of the log, a day (to its end, UTC) or a time.

    Raises ``Invalid`` or ``Malformed`` for anything else, and for an index beyond the log.
    """
    size = reader.size()
    if at.isascii() and at.isdigit():
        if len(at) > 16 or int(at) > size:
            raise Invalid(f"got index {at[:20]}, want at most {size}, the size of the log")
        return int(at)
    limit = times.parse_occurred(at + "T23:59:59.999999Z" if _DAY.fullmatch(at) else at)
    low, high = 0, size
    while low < high:
        middle = (low + high) // 2
        if _recorded_at(reader, middle) <= limit:
            low = middle + 1
        else:
            high = middle
    return low


def http_date(leaf: bytes) -> str:
    """When a leaf was recorded, as HTTP writes dates (RFC 9110 §5.6.7)."""
    return formatdate(_time_in(leaf) // 1_000_000, usegmt=True)


def _recorded_at(reader: Reader, index: int) -> int:
    raw = reader.leaf(index)
    assert raw is not None, "below the size of the log"
    return _time_in(raw)


def _time_in(leaf: bytes) -> int:
    found = _RECORDED.search(leaf)
    assert found is not None, "every leaf has its time"
    return times.parse_recorded(found[1].decode())
