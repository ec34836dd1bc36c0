"""``patina calendar``: what it proposes, and what it refuses."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from api.cli import calendar
from ledger.days import read
from ledger.errors import Invalid, Unavailable
from ledger.standard import adopt
from ledger.times import format_recorded, parse_occurred


def test_a_proposal_can_be_adopted(capsys: pytest.CaptureFixture[str]) -> None:
    assert calendar.main(["propose", "--country", "CN", "--year", "2026", "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert adopt(document).ids[0][0] == "days-CN-2026"
    assert "Asia/Shanghai" in read(document["calendar"]).zones


def test_a_proposal_as_text(capsys: pytest.CaptureFixture[str]) -> None:
    assert calendar.main(["propose", "--country", "CN", "--year", "2027"]) == 0
    text = capsys.readouterr().out
    assert "2027-10-01  off  National Day" in text
    assert "provisional: this country decrees" in text
    calendar.main(["propose", "--country", "CN", "--year", "2026", "--zone", "Asia/Shanghai"])
    text = capsys.readouterr().out
    assert "2026-10-10  on   working day, made up" in text
    assert "weekend sat sun; zones Asia/Shanghai by tzdata" in text
    assert "provisional" not in text


@pytest.mark.parametrize(
    ("country", "year", "provisional"), [("DE", 2027, False), ("CN", 2024, False), ("CN", 2028, True)]
)
def test_who_decrees_is_awaited(country: str, year: int, provisional: bool) -> None:
    assert calendar.proposed(country, year)["calendar"]["provisional"] is provisional


@pytest.mark.parametrize("zone", ["Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Asia/Kathmandu"])
def test_offsets_are_those_of_the_database(zone: str) -> None:
    section = calendar.proposed("DE", 2026, [zone])["calendar"]
    offsets = read(section).zones[zone]
    moment = datetime(2026, 1, 1, tzinfo=UTC)
    while moment.year == 2026:
        offset = moment.astimezone(ZoneInfo(zone)).utcoffset()
        assert offset is not None
        since = parse_occurred(format_recorded(int(moment.timestamp()) * 1_000_000))
        (*_, told) = [minutes for begins, minutes in offsets if begins is None or begins <= since]
        assert told == offset // timedelta(minutes=1)
        moment += timedelta(minutes=30)


@pytest.mark.parametrize(
    ("words", "why"),
    [
        (("XX", "2026"), "want one that the package holidays knows"),
        (("CN", "1900"), "want one from 1970"),
        (("CN", "2026", "--zone", "Mars/Olympus"), "want one of the time zone database"),
    ],
)
def test_what_is_not_known_is_refused(words: tuple[str, ...], why: str) -> None:
    country, year, *zone = words
    with pytest.raises(Invalid, match=why):
        calendar.main(["propose", "--country", country, "--year", year, *zone])


def test_a_machine_without_the_database(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(calendar, "TZPATH", (str(tmp_path),))
    with pytest.raises(Unavailable, match="zones of DE"):
        calendar._zones_of("DE")
    (tmp_path / "tzdata.zi").write_text("# version 2031x\n")
    assert calendar._database() == "2031x"
