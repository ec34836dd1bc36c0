"""Figures of a small ledger, worked by hand: two repairs of one ring, a complaint, work without a case, a sale."""

from __future__ import annotations

import json
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from ledger import report
from ledger.checkpoint import check_checkpoint
from ledger.errors import Disproved, Invalid, Unknown
from ledger.note import parse_vkey
from ledger.private import make_digests, make_disclosures
from ledger.report_ask import parse_ask
from ledger.report_cell import Cell, figures
from ledger.report_measures import earned, measured
from ledger.reports import spooled
from tests.build import Build, ring, uuid
from tests.reported import at, counted, written
from verifier.folder import open_folder

HOUR, DAY = 3600, 86400


@pytest.fixture(scope="module")
def made() -> Build:
    return written()


@pytest.fixture(scope="module")
def folder(made: Build, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return made.write_ledger(tmp_path_factory.mktemp("report") / "ledger")


def test_cases_are_counted_by_kind_issue_and_outcome_of_the_work(made: Build, folder: Path) -> None:
    figures = counted(made, folder)["figures"]
    assert figures["cases"] == 3
    assert {name: count for name, count in figures["kinds"].items() if count} == {"repair": 2, "complaint": 1}
    assert figures["services"] == {"count": 3, "fixed": 1, "repairable": 0, "end_of_life": 1, "unknown": 1}
    assert (figures["sold"], figures["delivered"], figures["unverified"]) == (1, 1, 1)


def test_clocks_are_given_as_counted_as_stated_and_as_recorded(made: Build, folder: Path) -> None:
    clocks = counted(made, folder)["figures"]["clocks"]
    # Two hours; and one hour that was recorded three days after the opening, and counts as recorded.
    answer = clocks["first_response"]
    assert answer["counted"] == {"count": 2, "mean": 37 * HOUR, "median": 37 * HOUR, "p90": 72 * HOUR}
    assert answer["stated"] == {"count": 2, "mean": 90 * 60, "median": 90 * 60, "p90": 2 * HOUR}
    assert answer["recorded"] == answer["counted"]
    assert answer["limit"] == {"count": 1, "of": 2}
    assert answer["running"] == 1  # nobody has answered the complaint
    resolution = clocks["resolution"]
    assert resolution["counted"] == {"count": 1, "mean": 3 * DAY, "median": 3 * DAY, "p90": 3 * DAY}
    assert resolution["paused"] == {"count": DAY, "of": 3 * DAY}


def test_stages_and_waiting_are_measured(made: Build, folder: Path) -> None:
    figures = counted(made, folder)["figures"]
    one = {"count": 1}
    assert figures["stages"]["received"] == one | dict.fromkeys(("mean", "median", "p90"), 22 * HOUR)
    assert figures["stages"]["work_done"] == one | dict.fromkeys(("mean", "median", "p90"), 18 * HOUR)
    assert figures["waiting"]["parts"] == one | dict.fromkeys(("mean", "median", "p90"), DAY) | {"open": 0}
    assert figures["waiting"]["customer"] == {"count": 0, "open": 1}


def test_quality_is_counted(made: Build, folder: Path) -> None:
    figures = counted(made, folder)["figures"]
    assert figures["resolution"] == {"count": 1, "of": 3}
    assert figures["repeats"] == {"count": 1, "of": 2}
    assert figures["complaints"]["of_sold"] == {"count": 1, "of": 1}
    assert figures["complaints"]["issues"]["attitude"] == {"count": 1, "of": 1}
    assert figures["responsible"]["manufacturer"] == {"count": 1, "of": 1}
    assert figures["found"] == [{"party": uuid("maker"), "count": 1}]
    assert figures["warranty"] == {"count": 1, "of": 1}
    assert figures["evaluated"] == {"count": 1, "of": 1}
    assert figures["survey"] == {"coverage": {"count": 1, "of": 1}, "response": {"count": 3, "of": 4}}
    assert figures["completeness"] == {"count": 1, "of": 4}
    assert figures["records_right"] == {"count": 14, "of": 15}
    assert figures["feedback_answered"] == {"count": 0, "of": 1}
    rated = figures["satisfaction"]
    assert rated["customers"]["overall"] == {"count": 1, "sum": 5, "distribution": [0, 0, 0, 0, 1]}
    assert rated["device"]["attitude"] == {"count": 1, "sum": 4, "distribution": [0, 0, 0, 1, 0]}
    assert rated["receipt"]["overall"]["count"] == 0


def test_what_the_bearer_of_a_receipt_rates_is_no_customers_figure() -> None:
    """Three times one star by whoever saw the paper, five stars by a device and four by a sealed card: nine of two."""
    cell = Cell()
    cell.counts.update({"rating/receipt/overall/1": 3, "rating/device/overall/5": 1, "rating/sealed/overall/4": 1})
    rated = figures(cell)["satisfaction"]
    assert rated["customers"]["overall"] == {"count": 2, "sum": 9, "distribution": [0, 0, 0, 1, 1]}
    assert [rated[one]["overall"]["count"] for one in ("receipt", "sealed", "device")] == [3, 1, 1]
    assert measured("satisfaction", cell) == (9, 2)
    assert earned({"measure": "satisfied", "weight": "40", "of": 5, "at_least": "4"}, cell) == 40


def test_targets_and_scores_are_those_of_the_standard_that_judged(made: Build, folder: Path) -> None:
    document = counted(made, folder, period="2026-07")
    (attained,) = document["figures"]["attainment"]
    assert attained["standards"] == [document["standards"][0]["index"]]
    assert document["standards"][0]["standard"] == "ours"
    assert [one["met"] for one in attained["targets"]] == [True, True, True, None]
    assert [one["reached"] for one in attained["targets"]] == [
        {"count": 1, "of": 1}, {"count": 5, "of": 1}, {"count": 11, "of": 11}, None,
    ]  # fmt: skip
    # Five stars of five, answered within a day, all resolved; then 40 for the stars and nothing within five minutes.
    assert [one["points"] for one in attained["scores"]] == ["100.00", "40.00", None]
    assert attained["scores"][2]["parts"][0]["points"] is None


def test_groups_and_trend_add_up(made: Build, folder: Path) -> None:
    document = counted(made, folder, by=["channel", "staff"], trend="quarter")
    cases = {(one["key"]["channel"], one["key"]["staff"]): one["figures"]["cases"] for one in document["groups"]}
    assert cases == {("store", "bert"): 1, ("phone", "cleo"): 1, ("web", ""): 1, ("", ""): 0}
    assert [(one["step"], one["figures"]["cases"]) for one in document["trend"]] == [("2026-Q2", 0), ("2026-Q3", 3)]
    assert sum(one["figures"]["sold"] for one in document["groups"]) == 0, "a sale has no channel of a case"
    assert document["figures"]["sold"] == 1
    by_model = counted(made, folder, by=["model"])["groups"]
    assert {one["key"]["model"]: (one["figures"]["cases"], one["figures"]["sold"]) for one in by_model} == {
        "B M": (2, 1),
        "": (1, 0),
    }


@pytest.mark.parametrize(
    ("dimension", "cases"),
    [
        ("fault", {"F1": 2, "": 1}),
        ("mode", {"": 3}),
        ("team", {"": 3}),
        ("kind", {"repair": 2, "complaint": 1}),
        ("issue", {"quality": 2, "attitude": 1}),
        ("responsible", {"manufacturer": 1, "": 2}),
        ("responsible_party", {uuid("maker"): 1, "": 2}),
        ("party", {uuid("shop"): 2, uuid("branch"): 1}),
        ("month", {"2026-07": 1, "2026-08": 2}),
    ],
)
def test_cases_are_grouped_by_each_dimension(dimension: str, cases: dict[str, int], made: Build, folder: Path) -> None:
    groups = counted(made, folder, by=[dimension])["groups"]
    found = {one["key"][dimension]: one["figures"]["cases"] for one in groups}
    assert {name: count for name, count in found.items() if count} == cases


def test_a_party_is_counted_with_those_below_it(made: Build, folder: Path) -> None:
    assert counted(made, folder, parties=[uuid("shop")])["figures"]["cases"] == 3
    branch = counted(made, folder, parties=[uuid("branch")], by=["region"])
    assert branch["figures"]["cases"] == 1
    assert [one["key"] for one in branch["groups"]] == [{"region": "TW"}]
    assert {one["name"] for one in branch["parties"]} == {"Branch"}
    assert counted(made, folder, parties=[uuid("nobody")])["figures"]["cases"] == 0


def test_a_report_names_what_it_rests_on(made: Build, folder: Path) -> None:
    document = counted(made, folder)
    assert document["format"] == "patina/report/v1"
    assert document["checkpoint"] == made.note()
    assert document["size"] == made.size
    assert document["as_of"] == json.loads(made.leaves[-1])["recorded_at"]
    assert document["asked"]["period"] == "2026"
    assert document["disclosures"] == ""


def test_evidence_names_entries_for_an_assessor(made: Build, folder: Path) -> None:
    document = counted(made, folder, evidence="gb27922")
    areas = {one["area"]: one for one in document["evidence"]}
    told = {one["type"]: one for area in areas.values() for one in area["entries"]}
    kinds = [json.loads(raw).get("statement", {}).get("type") for raw in made.leaves]
    for kind in ("standard.adopted", "case.diagnosed", "repair.failed", "case.evaluated", "item.delivered"):
        assert told[kind]["indexes"] == [index for index, one in enumerate(kinds) if one == kind], kind
        assert told[kind]["count"] == kinds.count(kind)
    assert told["item.registered"]["count"] == 3
    assert areas["customers_satisfaction"]["figures"] == ["satisfaction", "evaluated", "survey"]
    assert "evidence" not in counted(made, folder)


def test_an_assessor_finds_the_areas_that_the_page_lists(made: Build, folder: Path) -> None:
    page = (Path(__file__).parents[1] / "docs" / "reports.md").read_text("utf-8")
    listed = page.partition("## What an assessor looks up")[2].partition("## Over HTTP")[0]
    rows = [[cell.strip() for cell in row.strip("|").split("|")] for row in listed.splitlines() if row.startswith("|")]
    document = counted(made, folder, evidence="gb27922")
    said = [
        [area["area"], ", ".join(area["figures"]), ", ".join(one["type"] for one in area["entries"])]
        for area in document["evidence"]
    ]
    assert said == rows[2:]
    assert len(said) == 14
    named = {name for area in document["evidence"] for name in area["figures"]}
    assert named <= document["figures"].keys()


def test_a_retracted_opening_is_no_case(tmp_path: Path) -> None:
    made = written()
    opened = next(
        one["statement"]
        for one in map(json.loads, made.leaves)
        if one.get("statement", {}).get("case") == uuid("second")
    )
    made.say("statement.retracted", "shop", ring(1), {"reason": "mistake"}, corrects=opened["id"])
    made.seal()
    assert counted(made, made.write_ledger(tmp_path / "l"))["figures"]["cases"] == 2


def test_old_records_are_placed_as_stated_if_that_is_asked(tmp_path: Path) -> None:
    made = Build()
    made.register("shop", "repairer")
    made.say("item.registered", "shop", ring(1), {"name": "Pot", "category": "c", "origin": "intake"},
             occurred_at="2019-04-01T12:00:00Z")  # fmt: skip
    made.seal()
    folder = made.write_ledger(tmp_path / "l")
    assert counted(made, folder, period="2019-04")["figures"]["services"]["count"] == 0
    assert counted(made, folder, period="2019-04", times="stated")["figures"]["services"]["count"] == 1


def test_maintenance_that_fell_due_is_done_in_time_or_not(tmp_path: Path) -> None:
    made = Build()
    made.register("shop", "repairer")
    for number, later in ((1, "03-01"), (2, "03-03"), (3, "")):
        at(made, "02-01")
        made.item(ring(number))
        made.say("maintenance.performed", "shop", ring(number), {"work": ["w"], "next_due": "2026-03-02"})
        if later:
            at(made, later)
            made.say("maintenance.performed", "shop", ring(number), {"work": ["w"], "next_due": "2026-12-01T00:00:00Z"})
    at(made, "04-01")
    made.seal()
    found = counted(made, made.write_ledger(tmp_path / "l"))["figures"]
    assert found["maintenance"] == {"count": 1, "of": 3}


def test_costs_are_counted_only_as_far_as_they_are_disclosed(tmp_path: Path) -> None:
    made = Build()
    made.register("shop", "repairer")
    disclosures: dict[str, list[str]] = {}
    for number, cost in (
        (1, "12.50"),
        (2, {"amount": "7.25", "currency": "EUR"}),
        (3, {"amount": "1", "currency": "EUR"}),
    ):
        made.item(ring(number))
        made.say("case.opened", "shop", ring(number), {"kind": "repair", "channel": "store", "issue": "other"},
                 case=uuid(f"case {number}"))  # fmt: skip
        opened = make_disclosures("repair.completed", {"cost": cost}, bytes)
        digests = list(make_digests("repair.completed", opened, bytes))
        members: dict[str, Any] = {"_sd": digests, "_sd_alg": "sha-256"}
        if number > 1:
            members["case"] = uuid(f"case {number}")
        index = made.say("repair.completed", "shop", ring(number), {"work": ["w"], "tests": []}, **members)
        if number < 3:
            disclosures[json.loads(made.leaves[index])["statement"]["id"]] = list(opened)
    made.seal()
    folder = made.write_ledger(tmp_path / "l")
    assert counted(made, folder)["figures"]["costs"] == []
    found = counted(made, folder, disclosures)
    assert found["figures"]["costs"] == [{"currency": "", "amount": "12.50"}, {"currency": "EUR", "amount": "7.25"}]
    assert found["disclosures"]
    ids = list(disclosures)
    with pytest.raises(Invalid, match="digest"):
        counted(made, folder, {ids[0]: disclosures[ids[1]]})


def test_an_improvement_is_shown_before_and_after(tmp_path: Path) -> None:
    made = Build()
    made.register("shop", "retailer", "repairer")
    target = {"measure": "improvements_done", "at_least": "80", "source": "house"}
    made.say("standard.adopted", "shop", uuid("shop"), {"standard": "ours", "version": "1", "targets": [target]})

    def case(number: int, day: str, *, resolved: bool) -> None:
        at(made, day)
        made.item(ring(number))
        made.say("case.opened", "shop", ring(number), {"kind": "repair", "channel": "store", "issue": "other"},
                 case=uuid(f"case {number}"))  # fmt: skip
        if resolved:
            made.say("case.closed", "shop", ring(number), {"outcome": "resolved"}, case=uuid(f"case {number}"))

    case(1, "01-01", resolved=True)  # more than ninety days before
    for number in (2, 3):
        case(number, "04-10", resolved=number == 2)
    at(made, "05-01")
    plan = {"finding": "late parts", "measure": "resolved", "target": "90 %", "due": "2026-08-01"}
    planned = made.say("improvement.planned", "shop", uuid("shop"), plan)
    made.say("improvement.planned", "shop", uuid("shop"), {"finding": "dust", "measure": "sweep more"})
    case(4, "05-10", resolved=True)
    measured = made.size
    case(5, "06-10", resolved=False)
    checkpoint = {"size": measured, "root": "0" * 64}
    details = {"finding": "late parts", "measure": "resolved", "checkpoint": checkpoint}
    done = made.say("improvement.done", "shop", uuid("shop"), details)
    made.seal()
    found = counted(made, made.write_ledger(tmp_path / "l"), period="2026-Q2")
    assert found["improvements"][0] == {
        "party": uuid("shop"), **plan, "planned": planned, "done": done, "measured_at": measured,
        "before": {"count": 1, "of": 2}, "after": {"count": 1, "of": 1},
    }  # fmt: skip
    assert (found["improvements"][1]["before"], found["improvements"][1]["done"]) == (None, None)
    assert found["figures"]["cases"] == 4
    (attained,) = found["figures"]["attainment"]
    assert attained["targets"] == [target | {"reached": {"count": 1, "of": 2}, "met": False}], "of two one was done"
    other = counted(made, tmp_path / "l", period="2026-03")
    assert (other["figures"]["cases"], other["improvements"]) == (0, found["improvements"])
    assert counted(made, tmp_path / "l", parties=[uuid("nobody")])["improvements"] == []


def test_interruptions_cut_continuity(tmp_path: Path) -> None:
    made = Build()
    made.register("shop", "retailer", "repairer")
    target = {"measure": "continuity", "at_least": "99.8", "source": "house"}
    made.say("standard.adopted", "shop", uuid("shop"), {"standard": "up", "version": "1", "targets": [target]})
    made.register("other", "repairer")
    for day, kind, party in (
        ("07-01", "interrupted", "shop"), ("07-01", "interrupted", "other"), ("07-02", "interrupted", "shop"),
        ("07-04", "resumed", "shop"), ("07-05", "resumed", "shop"), ("07-29", "interrupted", "shop"),
    ):  # fmt: skip
        at(made, day, "00:00")
        made.say(f"service.{kind}", party, uuid(party), {"reason": "flood"})
    made.item(ring(1))
    made.say("case.opened", "shop", ring(1), {"kind": "repair", "channel": "store", "issue": "other"}, case=uuid("c"))
    made.seal()
    found = counted(made, made.write_ledger(tmp_path / "l"), period="2026-07")["figures"]
    (reached,) = [one for row in found["attainment"] for one in row["targets"]]
    assert reached["reached"] == {"count": 25 * DAY, "of": 31 * DAY}
    assert reached["met"] is False


def test_two_halves_of_a_long_log_give_the_bytes_of_the_whole(made: Build, folder: Path, monkeypatch: Any) -> None:
    whole = counted(made, folder, by=["fault"], evidence="gb27922")
    monkeypatch.setattr(spooled, "PIECE", 0)
    monkeypatch.setattr(spooled, "PIECES", 1)
    monkeypatch.setattr(spooled, "PART", 5)
    told: list[tuple[int, int]] = []
    checkpoint = check_checkpoint(made.note(), [parse_vkey(made.vkey)], made.origin)
    work = spooled.Work(partial(open_folder, folder), progress=lambda done, total: told.append((done, total)))
    tally = spooled.count(checkpoint, parse_ask({"period": "2026", "by": ["fault"], "evidence": "gb27922"}), work)
    assert json.loads(report.encode(report.document(tally, checkpoint, made.note()))) == whole
    assert told[-1] == (2 * made.size, 2 * made.size)
    assert told == sorted(told)


def test_other_leaves_than_the_checkpoints_are_refused(made: Build, folder: Path) -> None:
    with pytest.raises(Disproved, match="not those"):
        spooled.count(
            check_checkpoint(made.note(root=bytes(32)), [parse_vkey(made.vkey)], made.origin),
            parse_ask({"period": "all"}),
            spooled.Work(partial(open_folder, folder)),
        )


def test_too_many_groups_are_refused(made: Build, folder: Path, monkeypatch: Any) -> None:
    monkeypatch.setattr(report, "MAX_GROUPS", 1)
    with pytest.raises(Invalid, match="fewer dimensions"):
        counted(made, folder, by=["channel"])


def _spoiled(tmp_path: Path, change: Any, kind: str = "case.opened", details: Any = None) -> tuple[Build, Path]:
    made = Build()
    made.register("shop", "repairer")
    made.item(ring(1))
    said = {"kind": "repair", "channel": "store", "issue": "other"} if details is None else details
    made.say(kind, "shop", ring(1), said, case=uuid("c"), change=change)
    made.seal()
    return made, made.write_ledger(tmp_path / "l")


def test_a_leaf_of_a_later_version_is_not_guessed_at(tmp_path: Path) -> None:
    made, folder = _spoiled(tmp_path, lambda leaf: leaf.update(v=2))
    with pytest.raises(Unknown, match="version 2"):
        counted(made, folder)


def test_what_no_ledger_should_hold_is_named_and_no_crash(tmp_path: Path) -> None:
    made, folder = _spoiled(tmp_path / "a", None, details={"channel": "store"})
    with pytest.raises(Disproved, match="should have refused") as refused:
        counted(made, folder)
    assert refused.value.index == made.size - 2
    made, folder = _spoiled(tmp_path / "b", lambda leaf: leaf["statement"].update(subjects=3))
    with pytest.raises(Disproved, match="out of form"):
        counted(made, folder)
    made, folder = _spoiled(tmp_path / "c", None, "case.dreamt")
    assert counted(made, folder)["figures"]["cases"] == 0
