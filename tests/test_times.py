"""Times against the calendar of the standard library, and every spelling that is refused."""

from __future__ import annotations

import contextlib
from calendar import timegm
from collections.abc import Callable
from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.errors import Invalid, Malformed
from ledger.times import DAY, HOUR, MINUTE, SECOND, format_recorded, parse_occurred, parse_recorded
from tests.vectors import vector

moments = st.datetimes(datetime(1000, 1, 1), datetime(9998, 12, 31, 23, 59, 59, 999_999))  # noqa: DTZ001
offsets = st.integers(-14 * 60, 14 * 60)


def seconds(moment: datetime) -> int:
    return timegm(moment.timetuple()) * SECOND


def test_units() -> None:
    assert (SECOND, MINUTE, HOUR, DAY) == (10**6, 60 * 10**6, 3600 * 10**6, 86_400 * 10**6)


@given(moments, st.integers(0, 6))
def test_utc(moment: datetime, digits: int) -> None:
    fraction = f".{moment.microsecond:06d}"[: digits + 1] if digits else ""
    expected = seconds(moment) + int(fraction[1:].ljust(6, "0") or 0)
    assert parse_occurred(f"{moment:%Y-%m-%dT%H:%M:%S}{fraction}Z") == expected


@given(moments, offsets)
def test_offsets(moment: datetime, offset: int) -> None:
    text = f"{moment:%Y-%m-%dT%H:%M:%S}{'-' if offset < 0 else '+'}{abs(offset) // 60:02d}:{abs(offset) % 60:02d}"
    assert parse_occurred(text) == seconds(moment) - offset * MINUTE


def test_a_zero_offset_is_utc_in_either_sign() -> None:
    expected = parse_occurred("2026-11-09T10:00:00Z")
    assert parse_occurred("2026-11-09T10:00:00+00:00") == parse_occurred("2026-11-09T10:00:00-00:00") == expected


@given(st.datetimes(datetime(1, 1, 1), datetime(9999, 12, 31, 23, 59, 59, 999_000)))  # noqa: DTZ001
def test_recorded_round_trip(moment: datetime) -> None:
    text = f"{moment.year:04d}-{moment:%m-%dT%H:%M:%S}.{moment.microsecond // 1000:03d}Z"
    microseconds = (moment - datetime(1970, 1, 1)) // timedelta(microseconds=1)  # noqa: DTZ001
    cut = microseconds - moment.microsecond % 1000
    assert parse_recorded(text) == cut
    assert format_recorded(microseconds) == text
    assert format_recorded(cut) == text


@given(st.integers(-(10**16), 10**17), st.integers(-(10**16), 10**17))
def test_text_sorts_as_time_does(one: int, two: int) -> None:
    assert (format_recorded(one) < format_recorded(two)) == (one // 1000 < two // 1000)


@pytest.mark.parametrize("microseconds", [-62_135_596_800_000_001, 253_402_300_800_000_000, 10**30, -(10**30)])
def test_what_has_no_year_of_four_digits(microseconds: int) -> None:
    with pytest.raises(Invalid, match="years"):
        format_recorded(microseconds)


def test_the_first_and_last_times() -> None:
    assert format_recorded(-62_135_596_800_000_000) == "0001-01-01T00:00:00.000Z"
    assert format_recorded(253_402_300_799_999_999) == "9999-12-31T23:59:59.999Z"


@pytest.mark.parametrize(
    "text",
    [
        "2024-02-29T00:00:00Z",
        "2000-02-29T23:59:59Z",
        "1000-01-01T00:00:00+14:00",
        "9998-12-31T23:59:59.999999-14:00",
        "2026-11-09T10:00:00.1+13:59",
    ],
)
def test_edges_of_what_an_author_may_write(text: str) -> None:
    parse_occurred(text)


# What neither kind of time may be: the rest of the text is right for both.
WRONG = [
    "2026-02-29T10:00:00.000Z",
    "1900-02-29T10:00:00.000Z",
    "2026-02-30T10:00:00.000Z",
    "2026-04-31T10:00:00.000Z",
    "2026-13-01T10:00:00.000Z",
    "2026-00-01T10:00:00.000Z",
    "2026-01-00T10:00:00.000Z",
    "2026-01-01T24:00:00.000Z",
    "2026-01-01T10:60:00.000Z",
    "2026-01-01T10:00:60.000Z",
    "2026-01-01 10:00:00.000Z",
    "2026-01-01t10:00:00.000Z",
    "2026-01-01T10:00:00.000z",
    "2026-01-01T10:00:00,000Z",
    "2026-01-01T10:00:00.000",
    "2026-01-01T10:00:00.Z",
    "2026-01-01T10:00:00.0000000Z",
    "2026-01-01T10:00Z",
    "2026-01-01T10Z",
    "2026-01-01",
    "20260101T100000.000Z",
    "2026-W01-4T10:00:00.000Z",
    "2026-001T10:00:00.000Z",
    "+2026-01-01T10:00:00.000Z",
    "12026-01-01T10:00:00.000Z",
    "0000-01-01T10:00:00.000Z",
    "2026-01-01T10:00:00.000Z\n",
    " 2026-01-01T10:00:00.000Z",
    "2026-01-01T10:00:00.000 Z",
    "2026-01-01T1\u0660:00:00.000Z",
    "202\u0666-01-01T10:00:00.000Z",
    "2026-01-01T10:00:00.00\u0660Z",
    "",
]


@pytest.mark.parametrize("parse", [parse_occurred, parse_recorded])
@pytest.mark.parametrize("text", WRONG)
def test_what_is_no_time(parse: Callable[[str], int], text: str) -> None:
    with pytest.raises(Malformed, match="got time"):
        parse(text)


@pytest.mark.parametrize(
    "text",
    [
        "0999-12-31T10:00:00Z",
        "9999-01-01T10:00:00Z",
        "2026-01-01T10:00:00",
        "2026-01-01T10:00:00+14:01",
        "2026-01-01T10:00:00-14:01",
        "2026-01-01T10:00:00+15:00",
        "2026-01-01T10:00:00+08:60",
        "2026-01-01T10:00:00+08",
        "2026-01-01T10:00:00+0800",
        "2026-01-01T10:00:00+08:00:00",
        "2026-01-01T10:00:00+08:00Z",
        "2026-01-01T10:00:00\u221208:00",
    ],
)
def test_what_an_author_may_not_write(text: str) -> None:
    with pytest.raises(Malformed, match="got time"):
        parse_occurred(text)


@pytest.mark.parametrize(
    "text",
    [
        "2026-01-01T10:00:00Z",
        "2026-01-01T10:00:00.00Z",
        "2026-01-01T10:00:00.0000Z",
        "2026-01-01T10:00:00.000+00:00",
        "2026-01-01T10:00:00.000+08:00",
    ],
)
def test_what_an_appender_may_not_write(text: str) -> None:
    parse_occurred(text)
    with pytest.raises(Malformed, match="got time"):
        parse_recorded(text)


def test_times_of_the_wrong_ledgers() -> None:
    names = [case["name"] for case in vector("patina-format/wrong.json")["cases"]]
    texts = [name.removeprefix("occurred_at ") for name in names if name.startswith("occurred_at ")]
    refused = []
    for text in texts:
        try:
            parse_occurred(text)
        except Malformed:
            refused.append(text)
    # All but the one that is a time, only later than its own recording.
    assert [text for text in texts if text not in refused] == ["2026-11-29T10:00:00+08:00"]
    assert len(refused) >= 4


@given(st.text(max_size=40) | st.text("0123456789-T:.Z+", max_size=30).map("2026-0".__add__))
def test_only_our_errors(text: str) -> None:
    for parse in (parse_occurred, parse_recorded):
        with contextlib.suppress(Malformed):
            parse(text)


def test_units_are_what_lies_between_two_times() -> None:
    start = parse_recorded("2026-11-01T00:00:00.000Z")
    ends = ["01T00:00:01.000", "01T00:01:00.000", "01T01:00:00.000", "02T00:00:00.000"]
    assert [parse_recorded(f"2026-11-{end}Z") - start for end in ends] == [SECOND, MINUTE, HOUR, DAY]
