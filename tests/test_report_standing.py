"""By which standard and calendar a report judges: as they stood when a case was opened, of the nearest party."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ledger import canonical, leaf, times
from ledger.leaf import Entry
from ledger.promises import Promises
from ledger.report_standing import Standing
from ledger.standard_figures import Facts
from tests.build import Build, ring, uuid
from tests.reported import at, counted

REPAIR = Facts("repair")
HOURS = [{"days": ["mon", "tue", "wed", "thu", "fri"], "from": "09:00", "until": "17:00"}]


def standard(name: str, hours: int, **more: Any) -> dict[str, Any]:
    """A standard with a limit of so many working hours."""
    limit = {"clock": "first_response", "within": {"working_hours": hours}, "source": "house"}
    return {"standard": name, "version": "1", "limits": [limit], **more}


def calendar(year: int, *off: str) -> dict[str, Any]:
    """A calendar of a year, in a zone eight hours east."""
    zones = [{"zone": "Asia/Taipei", "offsets": [{"minutes": 480}]}]
    days = {"name": "TW", "year": year, "off": [{"date": one} for one in off], "on": [], "source": "house",
            "tzdata": "2026a", "zones": zones}  # fmt: skip
    return {"standard": f"calendar-{year}", "version": "1", "calendar": days}


def standing(made: Build) -> Standing:
    """What the ledger says of its parties."""
    found = [leaf.parse_leaf(raw) for raw in made.leaves]
    return Standing([one for one in found if isinstance(one, Entry)])


def test_the_nearest_party_with_a_standard_judges_as_it_stood() -> None:
    made = Build()
    made.register("chain", "retailer")
    for name, parent in (("shop", "chain"), ("loop", "loop2"), ("loop2", "loop")):
        details = {"name": name, "roles": ["repairer"], "parent": uuid(parent)}
        made.say("party.registered", "operator", f"{uuid(name)}#authority", details)
    first = made.size
    house = made.say("standard.adopted", "operator", uuid("operator"), standard("house", 1))
    theirs = made.say("standard.adopted", "chain", uuid("chain"), standard("theirs", 2))
    phones = made.say("standard.adopted", "chain", uuid("chain"), standard("phones", 3, categories=["phone"]))
    made.say("standard.adopted", "shop", uuid("shop"), {"standard": "unreadable", "version": "1", "limits": 3})
    said = canonical.decode(made.leaves[theirs])["statement"]["id"]
    gone = made.say("statement.retracted", "chain", uuid("chain"), {"reason": "mistake"}, corrects=said)
    found = standing(made)
    assert found.judge(uuid("shop"), first, REPAIR) == ((), None)
    assert found.judge(uuid("shop"), house + 1, REPAIR)[0] == (house,)
    assert found.judge(uuid("shop"), gone, REPAIR)[0] == (theirs,)
    assert found.judge(uuid("shop"), gone, Facts("repair", category="phone"))[0] == (theirs, phones)
    assert found.judge(uuid("shop"), gone + 1, REPAIR)[0] == (house,)
    assert found.judge(uuid("loop"), gone + 1, REPAIR)[0] == (house,)
    both = found.judge(uuid("shop"), gone, Facts("repair", category="phone"))[1]
    assert both is not None
    assert [limit.within.count for limit in both.limits] == [3, 2], "what was adopted later goes before"


def test_a_report_and_a_work_list_judge_a_case_alike() -> None:
    """A parent, a standard, hours and a calendar that came after the opening: of these only the last two count."""
    made = Build()
    made.register("chain", "retailer")
    shop = {"name": "Shop", "roles": ["repairer"], "parent": uuid("chain"), "timezone": "Asia/Taipei"}
    made.say("party.registered", "operator", f"{uuid('shop')}#authority", shop)
    made.say("standard.adopted", "chain", uuid("chain"), standard("theirs", 2))
    made.say("standard.adopted", "operator", uuid("operator"), standard("house", 1))
    made.item(ring(1))
    opened = made.size
    now = {"name": "Shop", "roles": ["repairer"], "calendar": "TW", "timezone": "Asia/Taipei", "hours": HOURS}
    made.say("party.updated", "operator", f"{uuid('shop')}#authority", now)
    made.say("standard.adopted", "operator", uuid("operator"), calendar(2026, "2026-01-02"))
    entries = [one for one in map(leaf.parse_leaf, made.leaves) if isinstance(one, Entry)]
    told: dict[str, list[Entry]] = {}
    for one in entries:
        told.setdefault(one.statement.subjects[0].removesuffix("#authority"), []).append(one)
    lists, report = Promises(told, uuid("operator"), 1 << 40), standing(made)
    for index, name in ((opened, "theirs"), (made.size, "house")):
        key, judging = report.judge(uuid("shop"), index, REPAIR)
        assert judging == lists.standard(uuid("shop"), index, REPAIR)
        assert judging is not None
        assert judging.ids == ((name, "1"),)
        assert report.combined(key) is judging
        assert standing(made).combined(key) == judging
    working, years = report.working(uuid("shop"))
    assert [(year.name, year.year) for year in years] == [("TW", 2026)]
    # Thursday noon in Taipei: five hours are left; Friday is off, so the other three are over on Monday at noon.
    for time in (working, lists.working(uuid("shop"))):
        noon = times.parse_occurred("2026-01-01T04:00:00Z")
        assert times.format_recorded(time.after(noon, 8 * times.HOUR)) == "2026-01-05T04:00:00.000Z"


def test_days_and_hours_are_those_of_the_party(tmp_path: Path) -> None:
    made = Build()
    details = {"name": "Shop", "roles": ["repairer"], "timezone": "Asia/Taipei", "calendar": "TW", "hours": HOURS}
    made.say("party.registered", "operator", f"{uuid('shop')}#authority", details)
    for document in (standard("house", 9), calendar(2025), calendar(2026, "2026-01-02")):
        made.say("standard.adopted", "operator", uuid("operator"), document)
    for number, opened in ((1, "2025-12-31T20:00:00Z"), (2, "2026-01-01T00:30:00Z")):
        at(made, "01-01", "00:30")
        made.item(ring(number))
        made.say("case.opened", "shop", ring(number), {"kind": "repair", "channel": "store", "issue": "other"},
                 case=uuid(f"case {number}"), occurred_at=opened)  # fmt: skip
    at(made, "01-05", "02:00")
    # Opened on Thursday before nine in Taipei; Friday was a day off: nine hours are over on Monday at ten, just then.
    made.say("case.responded", "shop", ring(2), {}, case=uuid("case 2"), agent="anna")
    made.seal()
    folder = made.write_ledger(tmp_path / "l")
    found = counted(made, folder, period="2026-01")
    # In the party's zone both were opened in January, though one of them was in December in Greenwich.
    assert found["figures"]["cases"] == 2
    assert found["figures"]["clocks"]["first_response"]["limit"] == {"count": 1, "of": 1}
    assert [(one["name"], one["year"]) for one in found["calendar"]["years"]] == [("TW", 2025), ("TW", 2026)]
    assert found["figures"]["clocks"]["first_response"]["provisional"] == 0
    assert counted(made, folder, period="2027")["calendar"]["years"] == []
