"""The warranty that is left, as an item's page shows it: until when, for how long still, and what says so.

The rules are ``ledger.rights``; here its days become words. Days are reckoned in UTC. A warranty that is over is not
shown: the time line has what was promised.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final

from api.pages.catalogue import Catalogue
from ledger.calendar import WorkingTime
from ledger.leaf import Entry
from ledger.rights import REPAIR, SALE, Right, rights
from ledger.standard import Standard
from ledger.standard_shape import HOUSE

_MONTHS_FROM: Final = 90
"""Days from which what is left is told in months: a customer plans by them."""
_DAYS_OF_A_MONTH: Final = 30.4375


@dataclass(frozen=True, slots=True)
class Warranty:
    """A free repair that may be asked for: ``until`` and what is ``left`` in words, and what says so.

    ``left`` is empty where it has no end that is known yet.
    """

    until: str
    left: str
    source: str


def warranties(
    item: str, entries: Sequence[Entry], standard: Standard | None, now: int, words: Catalogue
) -> tuple[Warranty, ...]:
    """What is warranted at ``now``, the longest first."""
    day_of = WorkingTime({}).day_of
    found = [one for one in rights(item, entries, standard, now, day_of) if one.right == "free_repair"]
    found.sort(key=lambda one: one.until or date.max, reverse=True)
    return tuple(_shown(one, standard, day_of(now), words) for one in found)


def _shown(right: Right, standard: Standard | None, today: date, words: Catalogue) -> Warranty:
    if right.until is None:
        return Warranty("", "", _source(right, standard, words))
    left = (right.until - today).days
    if left >= _MONTHS_FROM:
        told = words.count("months_left", int(left / _DAYS_OF_A_MONTH))
    else:
        told = words.count("days_left", left)
    until = words.say("warranty_until", when=words.day(right.until.isoformat()))
    return Warranty(until, told, _source(right, standard, words))


def _source(right: Right, standard: Standard | None, words: Catalogue) -> str:
    """What the right rests on: the seller's word, the workshop's, or a text of the standard, by its title."""
    for own in (SALE, REPAIR, HOUSE):
        if right.source == own:
            return words.text[f"warranty_{own}"]
    assert standard is not None, "a source that is nobody's own is one of a standard"
    return words.say("warranty_source", source=standard.source(right.source, words.language.replace("-", "_")))
