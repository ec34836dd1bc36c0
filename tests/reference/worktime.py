"""Working time again, minute by minute and by the time zone database: slow, and plain enough to be believed."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

MINUTE = timedelta(minutes=1)
DAY = timedelta(days=1)


@dataclass(frozen=True)
class Shop:
    """A party that works by these rules; ``week`` has the opening spans of Monday to Sunday, ends not included."""

    zone: ZoneInfo
    week: Sequence[Sequence[tuple[time, time | None]]]
    off: Collection[date]
    on: Collection[date]
    weekend: Collection[int] = (5, 6)

    def spans(self, day: date) -> Sequence[tuple[time, time | None]]:
        """When it is open on a day; an end of ``None`` is midnight."""
        weekday = day.weekday()
        if day in self.on:
            usual = [spans for number, spans in enumerate(self.week) if spans and number not in self.weekend]
            return self.week[weekday] or usual[0]
        if day in self.off or weekday in self.weekend:
            return ()
        return self.week[weekday]

    def works(self, moment: datetime) -> bool:
        """Whether the minute that begins now is one of work."""
        local = moment.astimezone(self.zone)
        clock = local.time()
        return any(start <= clock and (until is None or clock < until) for start, until in self.spans(local.date()))

    def worked(self, start: datetime, end: datetime) -> int:
        """Minutes of work between two whole minutes."""
        count = 0
        while start < end:
            count += self.works(start)
            start += MINUTE
        return count

    def after(self, start: datetime, minutes: int) -> datetime:
        """The end of the last of so many minutes of work."""
        while minutes:
            minutes -= self.works(start)
            start += MINUTE
        return start

    def close_after(self, start: datetime, count: int) -> datetime:
        """The end of the last minute of work of the so manieth working day after today."""
        day = start.astimezone(self.zone).date()
        while count:
            day += DAY
            count -= bool(self.spans(day))
        until = max((until or time.max for _, until in self.spans(day)))
        if until == time.max:
            return datetime.combine(day + DAY, time(), self.zone).astimezone(UTC)
        return datetime.combine(day, until, self.zone).astimezone(UTC)


def published(week: Sequence[Sequence[tuple[time, time | None]]]) -> list[Mapping[str, object]]:
    """The opening hours as a party's registration has them."""
    names = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
    return [
        {"days": [names[number]], "from": f"{start:%H:%M}", "until": "24:00" if until is None else f"{until:%H:%M}"}
        for number, spans in enumerate(week)
        for start, until in spans
    ]
