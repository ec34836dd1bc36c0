"""What comes out of a check: its outcome, its exit code, and how it reads."""

from __future__ import annotations

import json

import pytest

from verifier.findings import Finding, Verdict, worst
from verifier.report import Report

WRONG = Finding("prev", "got one, want another", 7)
DOUBT = Finding(12, "no proof given", disproved=False)


@pytest.mark.parametrize(
    ("findings", "outcome", "code"),
    [
        ((), "proven", 0),
        ((WRONG,), "disproved", 1),
        ((DOUBT,), "could not tell", 2),
        ((DOUBT, WRONG), "disproved", 1),
    ],
)
def test_the_outcome_is_the_worst_finding(findings: tuple[Finding, ...], outcome: str, code: int) -> None:
    verdict = Verdict("a log", findings)
    assert (verdict.outcome, verdict.exit_code) == (outcome, code)


def test_a_verdict_reads_as_lines() -> None:
    verdict = Verdict("a log", (WRONG, DOUBT), {"size": 3}, ("not all of it",))
    assert verdict.text().split("\n") == [
        "disproved: a log",
        "  leaf 7, prev: got one, want another",
        "  check 12: no proof given (could not tell)",
        "  size: 3",
        "  note: not all of it",
    ]


def test_a_fact_that_is_a_list_is_told_in_one_line() -> None:
    facts = {
        "records": [{"index": 3}],
        "witnesses": ["one", "two"],
        "few": [3, 5],
        "eight": list(range(8)),
        "many": list(range(10, 19)),
        "nothing": [],
    }
    assert Verdict("a log", (), facts).text().split("\n")[1:] == [
        "  witnesses: one, two",
        "  few: 2, at leaves 3, 5",
        "  eight: 8, at leaves 0, 1, 2, 3, 4, 5, 6, 7",
        "  many: 9, at leaves 10, 11, 12, 13, 14, 15, 16, 17 and so on",
        "  nothing: 0",
    ]


def test_could_not_tell_is_said_once() -> None:
    assert Verdict("a log", (DOUBT,)).text() == "could not tell: a log\n  check 12: no proof given"


def test_a_verdict_reads_as_json() -> None:
    verdict = Verdict("a lög", (WRONG, DOUBT), {"size": 3}, ("not all of it",))
    assert json.loads(verdict.json()) == {
        "verdict": "disproved",
        "what": "a lög",
        "findings": [
            {"check": "prev", "index": 7, "why": "got one, want another", "severity": "disproved"},
            {"check": 12, "index": None, "why": "no proof given", "severity": "unknown"},
        ],
        "facts": {"size": 3},
        "notes": ["not all of it"],
    }
    assert "ö" in verdict.json()


def test_one_disproved_outweighs_what_could_not_be_told() -> None:
    proven, disproved, doubtful = Verdict("a"), Verdict("b", (WRONG,)), Verdict("c", (DOUBT,))
    assert worst([]) == 0
    assert worst([proven, proven]) == 0
    assert worst([proven, doubtful]) == 2
    assert worst([doubtful, disproved, proven]) == 1


def test_a_report_keeps_the_first_finding_of_each_check() -> None:
    report = Report()
    for index in (9, 4, 6):  # signatures are reported by several processes, not in order
        report.add("signature", f"at {index}", index)
    report.add("signature", "of an unknown kind", 2, disproved=False)
    report.add("root", "wrong")
    report.add("root", "wrong again")
    found = [(finding.check, finding.index, finding.disproved) for finding in report.findings()]
    assert found == [("signature", 2, False), ("signature", 4, True), ("root", None, True)]
    assert report.findings()[2].why == "wrong"


def test_what_follows_a_leaf_of_a_later_version_is_doubtful_in_a_report() -> None:
    report = Report()
    report.add("state", "before", 3)
    report.blind_from = 5
    report.add("state", "after", 7)
    report.add("prev", "after", 7)
    report.add("vkey", "at the end")
    found = [(finding.check, finding.disproved) for finding in report.findings()]
    assert found == [("state", True), ("prev", True), ("state", False), ("vkey", False)]
