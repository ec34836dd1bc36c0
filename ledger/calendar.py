"""Working time: arithmetic over given days off, make-up days, zone offsets and opening hours (amendments.md R11).

Everything that is not arithmetic is an argument: the years are documents of the ledger (``days``), the hours are what
the party published of itself. Times are microseconds since 1970 in UTC; days are those of the party's zone. The working
time of a year is laid out once, as sorted spans with the time worked before each, so that a question costs a search.

>>> from ledger.times import HOUR, format_recorded, parse_occurred
>>> hours = [{"days": ["mon", "tue", "wed", "thu", "fri"], "from": "09:00", "until": "18:00"}]
>>> week, friday = WorkingTime({}, hours=hours), parse_occurred("2026-11-27T17:00:00Z")
>>> format_recorded(week.after(friday, 2 * HOUR)), format_recorded(week.close_after(friday, 3))
('2026-11-30T10:00:00.000Z', '2026-12-02T18:00:00.000Z')
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any, Final

from ledger import days
from ledger.days import WEEKDAYS, Offsets, Year
from ledger.errors import Invalid
from ledger.times import DAY, MINUTE

MIDNIGHT: Final = 24 * 60
"""Minutes of a day."""
WHOLE_DAY: Final = ((0, MIDNIGHT),)
_EPOCH: Final = date(1970, 1, 1).toordinal()
_START: Final = datetime(1970, 1, 1, tzinfo=UTC)
# A calendar in which nobody works for this many years on end has no answer.
_PATIENCE: Final = 3

Spans = tuple[tuple[int, int], ...]


@dataclass(frozen=True, slots=True)
class _Laid:
    """One year's working time: spans, the time worked before each, and the working days with their closing times.

    The year lasts from ``begin`` until ``end`` in the party's zone.
    """

    year: int
    begin: int
    end: int
    starts: Sequence[int]
    ends: Sequence[int]
    before: Sequence[int]
    total: int
    ordinals: Sequence[int]
    closes: Sequence[int]

    def worked(self, moment: int) -> int:
        """The time worked from the beginning of the year until ``moment``."""
        place = bisect_right(self.starts, moment) - 1
        if place < 0:
            return 0
        return self.before[place] + min(moment, self.ends[place]) - self.starts[place]


class WorkingTime:
    """The working time of one party: its calendar's years, its zone and its opening hours.

    ``years`` are those that were adopted; of any other year the weekends are known and the rest is provisional.
    ``hours`` are as in ``party.registered``: plain lines say nothing to a program, and without any other the working
    day is the whole day. A weekday without hours is none of this party's working days. On a make-up day it opens as
    on that day of the week, or, if it never does, as on its first working day of a week. A party that opens on weekends
    alone has published no hours of working days, and they are whole days.
    """

    def __init__(self, years: Mapping[int, Year], zone: str = "", hours: Iterable[Any] = ()) -> None:
        self._adopted = dict(years)
        self._zone = zone
        self._week = opening(hours)
        self._laid: dict[int, _Laid] = {}
        self._used: dict[int, Year] = {}
        self._zones: dict[int, Offsets] = {}
        self._recent: _Laid | None = None

    def day_of(self, moment: int) -> date:
        """The party's day at a moment."""
        greenwich = date.fromordinal(_EPOCH + moment // DAY)
        minutes = _offset_at(self._offsets(greenwich.year), moment)
        return date.fromordinal(_EPOCH + (moment + minutes * MINUTE) // DAY) if minutes else greenwich

    def end_of(self, day: date) -> int:
        """The moment at which a day of the party ends, at midnight."""
        return _utc(day.toordinal() + 1, 0, self._offsets(day.year))

    def is_working(self, day: date) -> bool:
        """Whether the party works on this day."""
        ordinals = self._year(day.year).ordinals
        place = bisect_left(ordinals, day.toordinal())
        return place < len(ordinals) and ordinals[place] == day.toordinal()

    def worked(self, start: int, end: int) -> int:
        """The working time between two moments; 0 if the second is not the later one."""
        if end <= start:
            return 0
        first, last = self._laid_at(start), self._laid_at(end)
        between = sum(self._year(year).total for year in range(first.year, last.year))
        return between + last.worked(end) - first.worked(start)

    def after(self, start: int, length: int) -> int:
        """The first moment at which ``length`` of working time has passed since ``start``; raises ``Invalid``.

        Of nothing, the start; of more, never a moment outside of working time, so the end of a day and not the
        beginning of the next.
        """
        if length <= 0:
            return start
        laid = self._laid_at(start)
        first, wanted = laid.year, laid.worked(start) + length
        for year in range(first, first + _PATIENCE):
            laid = self._year(year)
            if wanted <= laid.total:
                place = bisect_left(laid.before, wanted) - 1
                return laid.starts[place] + wanted - laid.before[place]
            wanted -= laid.total
        raise Invalid(f"got a calendar with less working time than is asked for in {_PATIENCE} years from {first}")

    def close_after(self, start: int, count: int) -> int:
        """The close of the ``count``-th working day after the day of ``start``, which is not counted itself.

        Raises ``Invalid`` for a calendar that has not so many days.
        """
        day = self.day_of(start)
        wanted = bisect_right(self._year(day.year).ordinals, day.toordinal()) + count - 1
        for year in range(day.year, day.year + _PATIENCE):
            closes = self._year(year).closes
            if wanted < len(closes):
                return closes[wanted]
            wanted -= len(closes)
        raise Invalid(f"got a calendar with fewer working days than are asked for in {_PATIENCE} years from {day.year}")

    def provisional(self, start: int, end: int) -> bool:
        """Whether a year between two moments was not adopted, or was adopted as provisional."""
        first, last = self._laid_at(start).year, self._laid_at(end).year
        return any(self._days(year).provisional for year in range(first, last + 1))

    @property
    def used(self) -> tuple[Year, ...]:
        """The years that answers rested on so far, for ``days.fingerprint``."""
        return tuple(self._used[year] for year in sorted(self._used))

    def _days(self, year: int) -> Year:
        found = self._used.get(year)
        if found is None:
            name = next((one.name for one in self._adopted.values()), "")
            found = self._used[year] = self._adopted.get(year) or days.weeks_only(name, year)
        return found

    def _offsets(self, year: int) -> Offsets:
        """The zone's offsets in a year; in one that was not adopted, the last of the nearest year that was."""
        found = self._zones.get(year)
        if found is None:
            found = self._zones[year] = self._days(year).zones.get(self._zone) or self._nearest(year)
        return found

    def _nearest(self, year: int) -> Offsets:
        known = [other for other in self._adopted if self._zone in self._adopted[other].zones]
        if not known:
            return ((None, 0),)
        nearest = min(known, key=lambda other: (abs(other - year), other))
        return ((None, self._adopted[nearest].zones[self._zone][-1][1]),)

    def _laid_at(self, moment: int) -> _Laid:
        """The year that a moment is in; most questions are about one and the same."""
        laid = self._recent
        if laid is None or not laid.begin <= moment < laid.end:
            laid = self._recent = self._year(self.day_of(moment).year)
        return laid

    def _year(self, year: int) -> _Laid:
        laid = self._laid.get(year)
        if laid is None:
            laid = self._laid[year] = _lay_out(self._days(year), self._week, self._offsets(year))
        return laid


def opening(hours: Iterable[Any]) -> tuple[Spans, ...]:
    """The opening hours of the seven weekdays, Monday first, in minutes; whole days if nothing says otherwise.

    Spans of one day that touch are joined. One that ends at or before its beginning goes on until midnight.
    """
    week: list[list[tuple[int, int]]] = [[] for _ in WEEKDAYS]
    for one in hours:
        if isinstance(one, Mapping):
            start, until = _minutes(one["from"]), _minutes(one["until"])
            for day in one["days"]:
                week[WEEKDAYS.index(day)].append((start, until if until > start else MIDNIGHT))
    return tuple(_joined(spans) for spans in week) if any(week) else (WHOLE_DAY,) * len(WEEKDAYS)


def _minutes(clock: str) -> int:
    return int(clock[:2]) * 60 + int(clock[3:])


def _joined(spans: list[tuple[int, int]]) -> Spans:
    joined: list[tuple[int, int]] = []
    for start, until in sorted(spans):
        if joined and start <= joined[-1][1]:
            joined[-1] = (joined[-1][0], max(until, joined[-1][1]))
        else:
            joined.append((start, until))
    return tuple(joined)


def _lay_out(year: Year, week: Sequence[Spans], offsets: Offsets) -> _Laid:
    usual = [spans for weekday, spans in enumerate(week) if spans and weekday not in year.weekend]
    if not usual:
        usual = week = [WHOLE_DAY] * len(WEEKDAYS)
    starts: list[int] = []
    ends: list[int] = []
    before: list[int] = []
    ordinals: list[int] = []
    closes: list[int] = []
    total = 0
    for ordinal in range(date(year.year, 1, 1).toordinal(), date(year.year + 1, 1, 1).toordinal()):
        for start, until in _spans_of(date.fromordinal(ordinal), year, week, usual[0]):
            start, until = _utc(ordinal, start, offsets), _utc(ordinal, until, offsets)  # noqa: PLW2901 - local to UTC
            if until <= start:
                continue  # the hour that a change of the clock leaves out
            starts.append(start)
            ends.append(until)
            before.append(total)
            total += until - start
            if ordinals and ordinals[-1] == ordinal:
                closes[-1] = until
            else:
                ordinals.append(ordinal)
                closes.append(until)
    begin, end = (_utc(date(year.year + more, 1, 1).toordinal(), 0, offsets) for more in (0, 1))
    return _Laid(year.year, begin, end, starts, ends, before, total, ordinals, closes)


def _spans_of(day: date, year: Year, week: Sequence[Spans], instead: Spans) -> Spans:
    weekday = day.weekday()
    if day in year.on:
        return week[weekday] or instead
    return () if day in year.off or weekday in year.weekend else week[weekday]


def _utc(ordinal: int, minute: int, offsets: Offsets) -> int:
    """The moment of a local time; of two, the first; of one that does not exist, as if the clock had not changed."""
    local = (ordinal - _EPOCH) * DAY + minute * MINUTE
    for number, (since, minutes) in enumerate(offsets):
        moment = local - minutes * MINUTE
        if since is not None and moment < since:
            return local - offsets[number - 1][1] * MINUTE
        following = offsets[number + 1][0] if number + 1 < len(offsets) else None
        if following is None or moment < following:
            return moment
    raise AssertionError("the last offset holds for ever")


def _offset_at(offsets: Offsets, moment: int) -> int:
    """The minutes east of UTC at a moment."""
    found = offsets[0][1]
    for since, minutes in offsets[1:]:
        if since is not None and moment >= since:
            found = minutes
    return found
