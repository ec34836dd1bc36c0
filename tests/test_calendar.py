"""Working time: against public decrees, against examples by hand, and against a reference that counts minutes."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.cli.calendar import proposed
from ledger import days
from ledger.calendar import WHOLE_DAY, WorkingTime, opening
from ledger.days import Year
from ledger.errors import Invalid
from ledger.times import DAY, HOUR, MINUTE, format_recorded, parse_occurred
from tests.reference.worktime import Shop, published

WEEK = ["mon", "tue", "wed", "thu", "fri"]
NINE_TO_SIX = [{"days": WEEK, "from": "09:00", "until": "18:00"}]

# General Office of the State Council, notice 国办发明电〔2024〕12号 of November 2024: days off that are no weekend, and
# weekend days worked, of 2025.
DECREE_2025 = (
    "01-01 01-28 01-29 01-30 01-31 02-03 02-04 04-04 05-01 05-02 05-05 06-02 10-01 10-02 10-03 10-06 10-07 10-08",
    "01-26 02-08 04-27 09-28 10-11",
)
# The same office's notice 国办发明电〔2025〕7号 of November 2025, for 2026.
DECREE_2026 = (
    "01-01 01-02 02-16 02-17 02-18 02-19 02-20 02-23 04-06 05-01 05-04 05-05 06-19 09-25 10-01 10-02 10-05 10-06 10-07",
    "01-04 02-14 02-28 05-09 09-20 10-10",
)


def china(year: int, decree: tuple[str, str], **more: Any) -> Year:
    """A year as it was decreed."""
    off, on = ([{"date": f"{year}-{day}"} for day in listed.split()] for listed in decree)
    zones = [{"zone": "Asia/Shanghai", "offsets": [{"minutes": 480}]}]
    section = {"name": "CN", "year": year, "off": off, "on": on, "source": "house", "tzdata": "2025b", "zones": zones}
    assert days.check(section | more) == ()
    return days.read(section | more)


CHINA = {2025: china(2025, DECREE_2025), 2026: china(2026, DECREE_2026)}


def local(text: str) -> int:
    """A moment of a clock in China."""
    return parse_occurred(f"{text}:00+08:00")


def clock(moment: int) -> str:
    """A moment as a clock in China shows it."""
    return format_recorded(moment + 8 * HOUR)[:16]


@pytest.mark.parametrize(("year", "decree"), [(2025, DECREE_2025), (2026, DECREE_2026)])
def test_what_is_proposed_is_what_was_decreed(year: int, decree: tuple[str, str]) -> None:
    section = proposed("CN", year)["calendar"]
    weekdays = [day["date"] for day in section["off"] if date.fromisoformat(day["date"]).weekday() < 5]
    assert weekdays == [f"{year}-{day}" for day in decree[0].split()]
    assert [day["date"] for day in section["on"]] == [f"{year}-{day}" for day in decree[1].split()]
    assert section["provisional"] is False


@pytest.mark.parametrize(
    ("start", "count", "want"),
    [
        # Before the National Day of 2025: Sunday 28 September is worked; 1 to 8 October are off; Saturday 11 is worked.
        ("2025-09-26T10:00", 1, "2025-09-28T18:00"),
        ("2025-09-26T10:00", 3, "2025-09-30T18:00"),
        ("2025-09-30T17:59", 1, "2025-10-09T18:00"),
        ("2025-09-30T10:00", 3, "2025-10-11T18:00"),
        ("2025-10-03T12:00", 1, "2025-10-09T18:00"),
        # Over the New Year of 2026: 1 to 3 January are off, Sunday 4 is worked.
        ("2025-12-31T12:00", 1, "2026-01-04T18:00"),
        # The Spring Festival of 2026: Saturday 14 February is worked, 15 to 23 are off, Saturday 28 is worked.
        ("2026-02-13T12:00", 2, "2026-02-24T18:00"),
        ("2026-02-26T12:00", 2, "2026-02-28T18:00"),
    ],
)
def test_working_days_of_china(start: str, count: int, want: str) -> None:
    shop = WorkingTime(CHINA, "Asia/Shanghai", NINE_TO_SIX)
    assert clock(shop.close_after(local(start), count)) == want


@pytest.mark.parametrize(
    ("start", "hours", "want"),
    [
        ("2026-09-30T17:00", 2, "2026-10-08T10:00"),
        ("2026-09-30T17:00", 1, "2026-09-30T18:00"),
        ("2026-10-10T08:00", 9, "2026-10-10T18:00"),
        ("2026-10-11T12:00", 1, "2026-10-12T10:00"),
        ("2026-10-12T12:00", 0, "2026-10-12T12:00"),
    ],
)
def test_working_hours_of_china(start: str, hours: int, want: str) -> None:
    shop = WorkingTime(CHINA, "Asia/Shanghai", NINE_TO_SIX)
    assert clock(shop.after(local(start), hours * HOUR)) == want
    assert shop.worked(local(start), local(want)) == hours * HOUR
    assert shop.worked(local(want), local(start)) == 0


def test_days_of_the_zone_and_not_of_utc() -> None:
    shop = WorkingTime(CHINA, "Asia/Shanghai")
    moment = parse_occurred("2026-10-09T16:30:00Z")
    assert shop.day_of(moment) == date(2026, 10, 10)
    assert clock(shop.end_of(date(2026, 10, 10))) == "2026-10-11T00:00"
    assert shop.is_working(date(2026, 10, 10))
    assert not shop.is_working(date(2026, 10, 11))
    assert not shop.is_working(date(2026, 10, 1))


def test_a_day_without_hours_is_whole_and_ends_at_midnight() -> None:
    shop = WorkingTime(CHINA, "Asia/Shanghai", ["by appointment"])
    assert clock(shop.close_after(local("2026-10-12T12:00"), 1)) == "2026-10-14T00:00"


def test_a_year_that_nobody_adopted_is_provisional() -> None:
    shop = WorkingTime(CHINA, "Asia/Shanghai", NINE_TO_SIX)
    december = local("2026-12-31T12:00")
    assert not shop.provisional(december, december)
    assert clock(shop.close_after(december, 1)) == "2027-01-01T18:00"  # a Friday; the zone is still known
    assert shop.provisional(december, local("2027-01-01T00:00"))
    assert WorkingTime({2026: china(2026, DECREE_2026, provisional=True)}).provisional(december, december)


def test_what_was_used_is_told_and_hashed() -> None:
    shop = WorkingTime(CHINA, "Asia/Shanghai", NINE_TO_SIX)
    assert not shop.used
    shop.close_after(local("2026-06-01T12:00"), 1)
    assert [year.hash for year in shop.used] == [CHINA[2026].hash]
    one = days.fingerprint(shop.used)
    shop.close_after(local("2025-06-01T12:00"), 1)
    assert [year.year for year in shop.used] == [2025, 2026]
    assert days.fingerprint(shop.used) == days.fingerprint(reversed(shop.used)) != one
    changed = china(2026, (DECREE_2026[0], DECREE_2026[1] + " 12-26"))
    assert days.fingerprint([changed]) != one


def test_opening_hours() -> None:
    week = opening(
        [
            "plain words",
            {"days": ["mon"], "from": "14:00", "until": "18:00"},
            {"days": ["mon", "sat"], "from": "09:00", "until": "12:00"},
            {"days": ["mon"], "from": "17:00", "until": "19:00"},
            {"days": ["mon"], "from": "14:30", "until": "15:00"},
            {"days": ["tue"], "from": "20:00", "until": "02:00"},
            {"days": ["wed"], "from": "00:00", "until": "24:00"},
        ]
    )
    assert week[0] == ((540, 720), (840, 1140))
    assert week[1] == ((1200, 1440),)
    assert week[2] == WHOLE_DAY
    assert (week[3], week[5]) == ((), ((540, 720),))
    assert opening(["by appointment"]) == (WHOLE_DAY,) * 7


def test_a_made_up_day_opens_as_that_weekday_or_as_the_first_of_the_week() -> None:
    tuesdays = [{"days": ["tue"], "from": "10:00", "until": "12:00"}]
    closed = WorkingTime(CHINA, "Asia/Shanghai", tuesdays)
    assert closed.worked(local("2026-10-10T00:00"), local("2026-10-11T00:00")) == 2 * HOUR
    saturdays = [*tuesdays, {"days": ["sat"], "from": "10:00", "until": "11:00"}]
    opened = WorkingTime(CHINA, "Asia/Shanghai", saturdays)
    assert opened.worked(local("2026-10-10T00:00"), local("2026-10-11T00:00")) == 1 * HOUR
    # A weekday on which it never opens is none of its working days.
    assert clock(closed.close_after(local("2026-10-13T13:00"), 1)) == "2026-10-20T12:00"


def test_hours_of_weekends_alone_are_none_of_working_days() -> None:
    shop = WorkingTime(CHINA, "Asia/Shanghai", [{"days": ["sat", "sun"], "from": "10:00", "until": "11:00"}])
    assert clock(shop.close_after(local("2026-10-12T12:00"), 1)) == "2026-10-14T00:00"


def test_a_calendar_in_which_nobody_works_is_refused() -> None:
    def idle(year: int) -> Year:
        every = [{"date": str(date(year, 1, 1) + timedelta(number))} for number in range(365)]
        return days.read({"name": "X", "year": year, "off": every, "on": [], "source": "house"})

    shop = WorkingTime({year: idle(year) for year in (2025, 2026, 2027)})
    start = parse_occurred("2025-03-01T00:00:00Z")
    with pytest.raises(Invalid, match="less working time"):
        shop.after(start, 1)
    with pytest.raises(Invalid, match="fewer working days"):
        shop.close_after(start, 1)


def test_an_hour_that_does_not_exist_and_one_that_comes_twice() -> None:
    # Clocks went from 02:00 to 03:00 on Sunday 29 March 2026 and come back from 03:00 to 02:00 on 25 October.
    sundays = {
        2026: days.read(
            proposed("DE", 2026)["calendar"] | {"on": [{"date": "2026-03-29"}, {"date": "2026-10-25"}], "off": []}
        )
    }
    shop = WorkingTime(sundays, "Europe/Berlin")
    spring, autumn = parse_occurred("2026-03-28T23:00:00Z"), parse_occurred("2026-10-24T22:00:00Z")
    assert shop.worked(spring, shop.end_of(date(2026, 3, 29))) == 23 * HOUR
    assert shop.worked(autumn, shop.end_of(date(2026, 10, 25))) == 25 * HOUR
    early = WorkingTime(sundays, "Europe/Berlin", [{"days": ["mon"], "from": "02:00", "until": "03:00"}])
    # There is no hour from 02:00 to 03:00 in spring; in autumn it is the first of the two.
    assert early.worked(spring, shop.end_of(date(2026, 3, 29))) == 0
    assert not early.is_working(date(2026, 3, 29))
    assert early.worked(autumn, parse_occurred("2026-10-25T01:00:00Z")) == HOUR
    half = WorkingTime(sundays, "Europe/Berlin", [{"days": ["mon"], "from": "02:15", "until": "03:10"}])
    assert half.worked(spring, shop.end_of(date(2026, 3, 29))) == 0  # 02:15 is read as 03:15, after the end


# Against the reference.

ZONES = ("Asia/Shanghai", "Europe/Berlin", "America/New_York", "Pacific/Auckland")
OFFSETS = {zone: proposed("DE", 2026, [zone])["calendar"]["zones"] for zone in ZONES}
YEAR = datetime(2026, 1, 1, tzinfo=UTC)


@st.composite
def worlds(draw: st.DrawFn) -> tuple[Shop, WorkingTime]:
    """A shop of the reference and its working time; hours stay clear of the hours at which clocks change."""
    zone = draw(st.sampled_from(ZONES))
    dates = st.dates(date(2026, 1, 2), date(2026, 12, 30))
    off = draw(st.sets(dates, max_size=25))
    on = draw(st.sets(dates, max_size=25)) - off
    quarters = st.lists(st.integers(24, 95), min_size=2, max_size=4, unique=True).map(sorted)
    week: list[list[tuple[time, time | None]]] = []
    for weekday in range(7):
        marks = draw(quarters) if draw(st.booleans()) or weekday == 2 else []
        ends = [time(mark // 4, mark % 4 * 15) for mark in marks]
        week.append(list(zip(ends[::2], ends[1::2], strict=False)))
    hours = published(week)
    if draw(st.booleans()):
        week, hours = [[(time(), None)]] * 7, []
    section = {
        "name": "X", "year": 2026, "off": [{"date": str(day)} for day in off], "on": [{"date": str(day)} for day in on],
        "source": "house", "tzdata": "x", "zones": OFFSETS[zone],
    }  # fmt: skip
    assert days.check(section) == ()
    return Shop(ZoneInfo(zone), week, off, on), WorkingTime({2026: days.read(section)}, zone, hours)


def micros(moment: datetime) -> int:
    """A moment as microseconds."""
    return int(moment.timestamp()) * 1_000_000


@given(worlds(), st.integers(3 * 1440, 340 * 1440), st.integers(0, 3 * 1440))
def test_working_time_is_that_of_the_reference(world: tuple[Shop, WorkingTime], start: int, length: int) -> None:
    shop, working = world
    begin = YEAR + timedelta(minutes=start)
    end = begin + timedelta(minutes=length)
    minutes = shop.worked(begin, end)
    assert working.worked(micros(begin), micros(end)) == minutes * MINUTE
    if minutes:
        assert working.after(micros(begin), minutes * MINUTE) == micros(shop.after(begin, minutes))
    assert working.is_working(begin.astimezone(shop.zone).date()) is bool(
        shop.spans(begin.astimezone(shop.zone).date())
    )


@given(worlds(), st.integers(3 * 1440, 300 * 1440), st.integers(1, 5))
def test_the_close_of_a_day_is_that_of_the_reference(world: tuple[Shop, WorkingTime], start: int, count: int) -> None:
    shop, working = world
    begin = YEAR + timedelta(minutes=start)
    assert working.close_after(micros(begin), count) == micros(shop.close_after(begin, count))


@given(worlds(), st.integers(0, 360 * 1440), st.integers(0, 360 * 1440), st.integers(1, 10 * DAY))
def test_after_and_worked_undo_each_other(world: tuple[Shop, WorkingTime], one: int, other: int, length: int) -> None:
    _, working = world
    first, second = sorted((micros(YEAR) + one * MINUTE, micros(YEAR) + other * MINUTE))
    assert working.worked(first, working.after(first, length)) == length
    assert working.after(first, working.worked(first, second)) <= max(first, second)
