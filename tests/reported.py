"""A small ledger whose figures are worked by hand in the tests of reports, and how they count it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any

from ledger import report, times
from ledger.checkpoint import check_checkpoint
from ledger.note import parse_vkey
from ledger.report_ask import parse_ask
from ledger.reports import spooled
from tests.build import Build, key, ring, uuid
from verifier.folder import open_folder

OURS: dict[str, Any] = {
    "standard": "ours", "version": "1",
    "limits": [{"clock": "first_response", "within": {"hours": 4}, "source": "house"}],
    "steps": [{"kinds": ["repair"], "steps": ["case.received", "case.inspected"], "source": "house"}],
    "targets": [
        {"measure": "resolved", "at_least": "90", "source": "house"},
        {"measure": "satisfied", "at_least": "4", "of": "5", "source": "house"},
        {"measure": "records_right", "at_least": "95", "source": "house"},
        {"measure": "magic", "at_least": "1", "source": "house"},
    ],
    "weights": [
        {"score": "A", "source": "house", "parts": [
            {"measure": "satisfaction", "weight": "40"},
            {"measure": "response", "within": {"hours": 24}, "weight": "30"},
            {"measure": "resolved", "at_least": "90", "weight": "30"},
        ]},
        {"score": "B", "source": "house", "parts": [
            {"measure": "satisfied", "at_least": "4", "of": "5", "weight": "40"},
            {"measure": "handling", "within": {"minutes": 5}, "weight": "60"},
        ]},
        {"score": "C", "source": "house", "parts": [{"measure": "magic", "weight": "100"}]},
    ],
}  # fmt: skip


def at(made: Build, day: str, clock: str = "10:00") -> None:
    """Let the ledger's clock stand at a day of 2026 and a time."""
    made.now = times.parse_recorded(f"2026-{day}T{clock}:00.000Z")


def written() -> Build:
    """The ledger of these tests; every figure below is counted from these lines."""
    made = Build()
    made.register("shop", "retailer", "repairer")
    made.say("party.registered", "operator", f"{uuid('branch')}#authority",
             {"name": "Branch", "roles": ["repairer"], "parent": uuid("shop"), "country": "TW"})  # fmt: skip
    made.say("standard.adopted", "shop", uuid("shop"), OURS)
    at(made, "06-30")
    made.say("item.registered", "shop", ring(1), {"name": "Ring", "category": "jewellery", "brand": "B", "model": "M"})
    made.sell(ring(1), "ada", "shop")
    made.hold("item.claimed", ring(1), {"holder_key": key("phone").did, "holder_custody": "device"}, "phone")
    made.holders[ring(1)] = ("phone", made.hashes[-1].hex())
    made.say("item.delivered", "shop", ring(1), {"method": "hand", "state": "whole"})
    _first(made)
    _second(made)
    at(made, "09-30", "23:00")
    made.say("item.registered", "shop", ring(2), {"name": "Pot", "category": "kitchen", "origin": "intake"})
    made.say("repair.started", "shop", ring(2), {"work": ["w"], "tests": []})
    made.say("repair.failed", "shop", ring(2), {"work": ["w"], "tests": [], "reason": "worn_out"})
    made.say("item.registered", "shop", ring(3), {"name": "Pan", "category": "kitchen", "origin": "intake"})
    made.seal()
    return made


def _first(made: Build) -> None:
    """A repair that was done, rated and surveyed."""
    first = partial(made.say, party="shop", subjects=ring(1), case=uuid("first"), agent="anna")
    at(made, "07-01")
    first("case.opened", details={"kind": "repair", "channel": "store", "issue": "quality", "fault": "F1"})
    at(made, "07-01", "12:00")
    first("case.responded")
    at(made, "07-01", "12:00")  # a leaf lets a second pass
    first("case.received", details={"evidence": {}})
    at(made, "07-02")
    first("case.diagnosed", details={"findings": "x", "responsible": "manufacturer", "in_warranty": True,
                                     "responsible_party": uuid("maker")})  # fmt: skip
    at(made, "07-02")
    first("case.waiting", details={"for": "parts"})
    at(made, "07-03")
    first("case.resumed", details={"for": "parts"})
    at(made, "07-03", "16:00")
    first("repair.completed", details={"work": ["w"], "tests": [], "agents": ["bert"]})
    at(made, "07-04")
    first("case.handed_over", details={"check": "id", "evidence": {}})
    first("case.closed", details={"outcome": "resolved"})
    made.hold("case.evaluated", ring(1), {"overall": 5, "attitude": 4}, case=uuid("first"))
    first("case.surveyed", details={"source": "web", "asked": 4, "answered": 3, "overall": 1})


def _second(made: Build) -> None:
    """A repair of the same ring that waits, and a complaint."""
    second = partial(made.say, party="shop", subjects=ring(1), case=uuid("second"))
    at(made, "08-01")
    second("case.opened", details={"kind": "repair", "channel": "phone", "issue": "quality", "fault": "F1"})
    at(made, "08-04")
    answered = second("case.responded", agent="cleo", occurred_at="2026-08-01T11:00:00Z")
    statement = json.loads(made.leaves[answered])["statement"]["id"]
    second("statement.corrected", details={"reason": "typing", "details": {"plan": "soon"}}, corrects=statement)
    second("case.waiting", details={"for": "customer"})
    at(made, "08-10")
    complaint = uuid("third")
    made.say("case.opened", "operator", [complaint, uuid("branch")],
             {"kind": "complaint", "channel": "web", "issue": "attitude"}, case=complaint)  # fmt: skip


def counted(made: Build, folder: Path, disclosures: Mapping[str, Any] | None = None, **asked: Any) -> dict[str, Any]:
    """The report of a request, back from its canonical bytes."""
    note = made.note()
    checkpoint = check_checkpoint(note, [parse_vkey(made.vkey)], made.origin)
    work = spooled.Work(partial(open_folder, folder), disclosures=disclosures or {})
    tally = spooled.count(checkpoint, parse_ask({"period": "2026"} | asked), work)
    found: dict[str, Any] = json.loads(report.encode(report.document(tally, checkpoint, note)))
    return found
