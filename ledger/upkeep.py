"""When a thing is to be looked after next, as whoever worked on it last has said.

``maintenance.performed`` and ``customization.completed`` may name a day on which the next maintenance is due. What
counts is the last of them that was not taken back, as corrected since; one that names no day ends what an earlier one
named. Of a thing that is out of use nothing is due.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from ledger.leaf import Entry, Statement

WORK: Final = frozenset({"maintenance.performed", "customization.completed"})
"""The types that may say when the next maintenance is due."""
_OUT: Final = {"item.retired": True, "item.reinstated": False}


@dataclass(frozen=True, slots=True)
class Due:
    """A maintenance: the day (YYYY-MM-DD), by which party's word, and its statement."""

    day: str
    party: str
    statement: str


def maintenance_due(entries: Iterable[Entry]) -> Due | None:
    """When the next maintenance of an item is due, given all its entries, oldest first; ``None`` if none is known."""
    told = [entry.statement for entry in entries]
    retracted = {one.corrects for one in told if one.type == "statement.retracted"}
    corrected = {one.corrects: one for one in told if one.type == "statement.corrected"}
    last: Statement | None = None
    out = False
    for one in told:
        out = _OUT.get(one.type, out)
        if one.type in WORK and one.id not in retracted:
            last = one
    if last is None or out:
        return None
    said = corrected[last.id].details.get("details", last.details) if last.id in corrected else last.details
    return Due(said["next_due"][:10], last.party, last.id) if "next_due" in said else None
