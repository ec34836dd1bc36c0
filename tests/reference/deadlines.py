"""When a limit is due, found by walking through every minute: the rules of docs/deadlines.md and nothing clever."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from tests.reference.worktime import MINUTE, Shop

MINUTES = {"minutes": 1, "hours": 60, "days": 1440, "working_minutes": 1, "working_hours": 60}
FAR = timedelta(days=60)

Length = tuple[str, int]


@dataclass(frozen=True)
class Wait:
    """The case waits in the minutes from ``start`` until ``end``, or until nobody knows when."""

    start: datetime
    end: datetime | None

    def holds(self, moment: datetime) -> bool:
        """Whether the case waits in the minute that begins now."""
        return self.start <= moment and (self.end is None or moment < self.end)


@dataclass(frozen=True)
class Extension:
    """Another end is promised."""

    said: datetime
    until: datetime
    hard: bool


@dataclass(frozen=True)
class Rules:
    """One limit."""

    within: Length
    at_most: Length | None = None
    hard: tuple[Length, Length] | None = None


def counts(shop: Shop, unit: str, moment: datetime) -> bool:
    """Whether the minute that begins now is used up by a limit in this unit."""
    return not unit.startswith("working") or shop.works(moment)


def budget(shop: Shop, length: Length, start: datetime) -> int:
    """How many minutes a limit has."""
    unit, count = length
    if unit == "working_days":
        return shop.worked(start, shop.close_after(start, count))
    return MINUTES[unit] * count


def walk(shop: Shop, length: Length, start: datetime, waits: Sequence[Wait]) -> datetime:
    """When a limit is used up whose waits are all over."""
    left, moment = budget(shop, length, start), start
    while left:
        left -= counts(shop, length[0], moment) and not any(wait.holds(moment) for wait in waits)
        moment += MINUTE
    return moment


def granted(shop: Shop, rules: Rules, start: datetime, extension: Extension, waits: Sequence[Wait]) -> datetime | None:
    """The end that an extension may promise."""
    if extension.hard and rules.hard:
        least, most = (walk(shop, length, start, waits) for length in rules.hard)
        return min(max(extension.until, least), most)
    if rules.at_most:
        return min(extension.until, walk(shop, rules.at_most, start, waits))
    return None if rules.hard else extension.until


def due(
    shop: Shop, rules: Rules, start: datetime, waits: Sequence[Wait], extensions: Sequence[Extension]
) -> tuple[datetime | None, datetime | None]:
    """When a limit that starts now is due and when it warns; ``None`` for what a wait without end keeps away."""
    unit, whole = rules.within[0], budget(shop, rules.within, start)
    used, moment, waiting = 0, start, list(waits)
    ends: datetime | None = None
    warns: datetime | None = None
    last = max((one.said for one in extensions), default=start)
    while moment < start + FAR and (ends is None or moment <= last):
        for extension in extensions:
            if extension.said != moment or (ends is not None and ends < moment):
                continue
            before = [Wait(one.start, min(one.end or moment, moment)) for one in waits if one.start < moment]
            # What would be the end if nothing waited any more?
            left, current = whole - used, moment
            while left:
                left -= counts(shop, unit, current)
                current += MINUTE
            until = granted(shop, rules, start, extension, before)
            if until is not None and until > (ends or current):
                unit, used, whole = "minutes", 0, int((until - moment) / MINUTE)
                waiting = [one for one in waiting if one.start >= moment]
                ends = warns = None
        if ends is None and counts(shop, unit, moment) and not any(one.holds(moment) for one in waiting):
            used += 1
            if warns is None and used * 4 >= whole * 3:
                warns = moment + MINUTE
            if used == whole:
                ends = moment + MINUTE
        moment += MINUTE
        if moment > last and any(one.end is None and one.holds(moment) for one in waiting):
            break
    return ends, warns
