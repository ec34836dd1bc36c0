"""Reports of what was corrected and taken back, of groups and repeats, long logs, and entries that are not known."""

from __future__ import annotations

import os
import pickle
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest

from ledger.errors import Disproved, Unknown
from ledger.merkle import leaf_hash, root_from
from ledger.note import parse_vkey
from ledger.private import make_digests, make_disclosures
from ledger.report_ask import parse_ask
from ledger.report_cell import Cell
from ledger.report_evidence import SHOWN
from ledger.report_measures import measured
from ledger.reports import spooled
from ledger.reports.spooled import Work
from tests.build import Build, ring, uuid
from tests.reported import at, counted
from verifier.figures import make
from verifier.folder import open_folder

OPENED = {"kind": "repair", "channel": "store", "issue": "other"}
WITHIN = {"standard": "days", "version": "1",
          "limits": [{"clock": "first_response", "within": {"working_days": 1}, "source": "house"}]}  # fmt: skip


def shop() -> Build:
    """A ledger with a shop and a ring."""
    made = Build()
    made.register("shop", "retailer", "repairer")
    made.say("standard.adopted", "shop", uuid("shop"), WITHIN)
    made.item(ring(1))
    return made


def test_a_case_is_grouped_as_corrected_and_measured_by_what_stands(tmp_path: Path) -> None:
    made = shop()
    said = uuid(f"{made.name} statement {made.size - 1}")
    details = {"name": "Ring", "category": "silver"}
    made.say("statement.corrected", "shop", ring(1), {"reason": "typing", "details": details}, corrects=said)
    made.say("case.opened", "shop", ring(1), OPENED, case=uuid("c"))
    wrong = uuid(f"{made.name} statement {made.size}")
    made.say("case.received", "shop", ring(1), {"evidence": {}}, case=uuid("c"))
    made.say("statement.retracted", "shop", ring(1), {"reason": "mistake"}, corrects=wrong)
    found = {"findings": "x", "responsible": "none", "in_warranty": False}
    made.say("case.diagnosed", "shop", ring(1), found, case=uuid("c"))
    made.say("case.closed", "shop", ring(1), {"outcome": "withdrawn"}, case=uuid("c"))
    made.seal()
    document = counted(made, made.write_ledger(tmp_path / "l"), by=["line"])
    assert [one["key"] for one in document["groups"]] == [{"line": "silver"}]
    figures = document["figures"]
    assert figures["stages"]["received"] == {"count": 0}
    assert figures["stages"]["open"]["count"] == 1
    assert figures["resolution"] == {"count": 0, "of": 0}, "what was withdrawn counts for neither side"
    assert figures["found"] == []
    # Nobody adopted a calendar, so working days are weekdays, and the figure says that it is provisional.
    assert figures["clocks"]["first_response"]["provisional"] == 1
    assert figures["clocks"]["first_response"]["unfinished"] == 1


def test_a_delivery_belongs_to_the_case_that_was_opened_last(tmp_path: Path) -> None:
    made = shop()
    for number in (1, 2):
        made.say("case.opened", "shop", ring(1), OPENED, case=uuid(f"case {number}"))
        made.say("item.delivered", "shop", ring(1), {"method": "courier", "state": "whole"})
    made.say("case.contacted", "shop", ring(1), {"channel": "phone", "reached": True}, case=uuid("case 1"))
    made.seal()
    feedback = counted(made, made.write_ledger(tmp_path / "l"))["figures"]["clocks"]["feedback"]
    assert (feedback["counted"]["count"], feedback["running"]) == (1, 1)


def test_a_disclosure_of_something_else_is_no_cost(tmp_path: Path) -> None:
    made = shop()
    opened = make_disclosures("repair.completed", {"note": "no cost"}, bytes)
    digests = list(make_digests("repair.completed", opened, bytes))
    made.say("repair.completed", "shop", ring(1), {"work": ["w"], "tests": []}, _sd=digests, _sd_alg="sha-256")
    given = {uuid(f"{made.name} statement {made.size - 1}"): list(opened)}
    made.seal()
    assert counted(made, made.write_ledger(tmp_path / "l"), given)["figures"]["costs"] == []


@pytest.mark.parametrize("size", [512, 600])
def test_long_logs_are_hashed_by_whole_tiles(size: int, tmp_path: Path) -> None:
    made = shop()
    while made.size < size - 1:
        made.say("maintenance.performed", "shop", ring(1), {"work": ["w"]})
    made.seal()
    document = counted(made, made.write_ledger(tmp_path / "l"), evidence="gb27922")
    assert (document["size"], document["figures"]["services"]["count"]) == (size, 1)
    told = {one["type"]: one for area in document["evidence"] for one in area["entries"]}
    performed = told["maintenance.performed"]
    assert performed["count"] > 2 * SHOWN
    first = next(number for number, raw in enumerate(made.leaves) if b"maintenance.performed" in raw)
    assert performed["indexes"] == list(range(first, first + SHOWN))


@pytest.mark.parametrize(
    ("was", "instead"),
    [
        (b'"subjects":[', b'"subjects":[],"more":['),
        (b'"in_warranty":false', b'"in_warranty":' + 5000 * b"[" + 5000 * b"]"),
        (b'"findings":"x"', b'"findings":"\xff"'),
        (b'"findings":"x"', b'"findings":\n"x"'),
        (b'"type":"case.diagnosed"', b'"type":7'),
        (b'"party":"', b'"party":7,"was":"'),
        (b',"v":1}', b',"v":1} '),
    ],
)
def test_what_is_no_leaf_is_refused_and_not_counted(was: bytes, instead: bytes) -> None:
    made = shop()
    made.say("case.opened", "shop", ring(1), OPENED, case=uuid("c"))
    found = {"findings": "x", "responsible": "none", "in_warranty": False}
    made.say("case.diagnosed", "shop", ring(1), found, case=uuid("c"))
    made.seal()
    leaves = [raw.replace(was, instead) if b"case.diagnosed" in raw else raw for raw in made.leaves]
    assert leaves != made.leaves
    note = made.note(root=root_from(map(leaf_hash, leaves)))
    with pytest.raises(Disproved, match="form"):
        make(note, (parse_vkey(made.vkey),), parse_ask({"period": "all"}), Work(partial(Given, leaves)))


class Given(list[bytes]):
    """Leaves in memory."""

    def leaves(self, start: int, stop: int) -> Iterator[bytes]:
        return iter(self[start:stop])

    def close(self) -> None:
        pass


def test_an_empty_log_has_no_report(tmp_path: Path) -> None:
    made = shop()
    folder = made.write_ledger(tmp_path / "l")
    with pytest.raises(Unknown, match="empty"):
        make(
            made.note(size=0),
            (parse_vkey(made.vkey),),
            parse_ask({"period": "all"}),
            Work(partial(open_folder, folder)),
        )


def test_a_type_that_is_not_known_cannot_be_told(tmp_path: Path) -> None:
    later = Build()
    later.say("item.dreamt", "operator", ring(1), {})
    later.say("case.opened", "operator", ring(1), {"channel": "store"}, case=uuid("c"))
    later.seal()
    with pytest.raises(Unknown, match=r"item\.dreamt"):
        counted(later, later.write_ledger(tmp_path / "l"))


def test_what_was_disproved_elsewhere_comes_whole_from_another_process() -> None:
    came = pickle.loads(pickle.dumps(Disproved("got 2, want 1", "leaf", 7)))
    assert (came.message, came.check, came.index) == ("got 2, want 1", "leaf", 7)


def test_two_processes_count_what_one_does(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made = shop()
    for number in range(2, 12):
        made.item(ring(number))
        made.say("case.opened", "shop", ring(number), OPENED, case=uuid(f"case {number}"))
        made.say("case.responded", "shop", ring(number), {}, case=uuid(f"case {number}"), agent="anna")
    made.seal()
    folder = made.write_ledger(tmp_path / "l")
    for name, value in (("PIECE", 0), ("PIECES", 1), ("PART", 7), ("ALONE", 0)):
        monkeypatch.setattr(spooled, name, value)
    of = made.note(), (parse_vkey(made.vkey),), parse_ask({"period": "all", "by": ["party"]})
    told: list[tuple[int, int]] = []
    work = Work(partial(open_folder, folder), 2, lambda done, total: told.append((done, total)))
    assert make(*of, work) == make(*of, Work(partial(open_folder, folder)))
    assert told[-1] == (2 * made.size, 2 * made.size)


def test_a_process_that_is_killed_leaves_it_untold(tmp_path: Path) -> None:
    work = Work(partial(open_folder, tmp_path), 1)
    with spooled._pool(work, spooled.ALONE + 1) as pool, pytest.raises(Unknown, match="ended by somebody"):
        spooled._all(pool, os._exit, [1], lambda _: None)


def test_clocks_are_measures_too() -> None:
    cell = Cell()
    assert measured("complaint", cell) is None
    cell.counts.update({"clock/complaint/met": 2, "clock/complaint/judged": 3})
    assert measured("complaint", cell) == (2, 3)
    assert spooled.PIECE % 256 == 0


def test_cases_are_grouped_by_how_the_work_was_done_by_whose_turn_it_was_last_and_by_time(tmp_path: Path) -> None:
    made = Build()
    made.register("shop", "repairer")
    for number, (day, mode, teams) in enumerate(
        (("03-31", "on_site", ["b07", "b08"]), ("04-01", "", ["b08"]), ("04-02", "", []))
    ):
        at(made, day)
        made.item(ring(number))
        said = partial(made.say, party="shop", subjects=ring(number), case=uuid(f"case {number}"))
        details = {"kind": "repair", "channel": "store", "issue": "other"} | ({"mode": mode} if mode else {})
        said("case.opened", details=details)
        for team in teams:
            said("case.assigned", details={"to": team})
    made.seal()
    folder = made.write_ledger(tmp_path / "l")
    for dimension, cases in {
        "mode": {"on_site": 1, "": 2},
        "team": {"b08": 2, "": 1},
        "quarter": {"2026-Q1": 1, "2026-Q2": 2},
        "year": {"2026": 3},
    }.items():
        groups = counted(made, folder, by=[dimension])["groups"]
        assert {one["key"][dimension]: one["figures"]["cases"] for one in groups} == cases, dimension


def test_ninety_days_after_a_repair_the_same_fault_is_a_repeat_and_then_no_more(tmp_path: Path) -> None:
    made = Build()
    made.register("shop", "repairer")
    # 31 - 10 + 28 + 31 + 10 = 90 days from 10 January to 10 April.
    stories = ((1, "04-10", "09:00", "F1"), (2, "04-10", "11:00", "F1"), (3, "02-01", "09:00", "F2"))
    for number, again, clock, fault in stories:
        made.item(ring(number))
        for day, at_clock, what, name in (("01-10", "10:00", "F1", "first"), (again, clock, fault, "again")):
            at(made, day, at_clock)
            said = partial(made.say, party="shop", subjects=ring(number), case=uuid(f"{name} {number}"))
            said("case.opened", details={"kind": "repair", "channel": "store", "issue": "quality", "fault": what})
            said("repair.completed", details={"work": ["w"], "tests": []})
    made.seal()
    folder = made.write_ledger(tmp_path / "l")
    assert counted(made, folder)["figures"]["repeats"] == {"count": 1, "of": 6}
