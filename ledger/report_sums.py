"""What the course of one case adds to the sums of a report: kind, stages, findings, ratings, records.

Each function adds one thing; clocks are added in ``report_case``, which knows standards and calendars. What is measured
or rated counts as it was said first; what is found counts as corrected since.
"""

from __future__ import annotations

from typing import Final

from ledger import progress
from ledger.course import STATUS, Course
from ledger.report_cell import Cell
from ledger.standard import Standard

OUTCOME_OF: Final = {
    "repair.started": "repairable",
    "repair.part_replaced": "repairable",
    "repair.completed": "fixed",
    "maintenance.performed": "fixed",
    "customization.completed": "fixed",
    "repair.failed": "end_of_life",
}
"""What came of work, by the type of its last statement."""
_STAGES: Final = {state: f"stage/{state}" for state in STATUS.values()}
_FEEDBACK: Final = frozenset({"complaint", "feedback"})
_ANSWERS: Final = ("case.responded", "case.contacted", "case.decided")


def add_opening(cell: Cell, course: Course) -> None:
    """Add that a case was opened: its kind, what it is about, what came of the work in it."""
    n, details = cell.counts, course.opened.details
    n["cases"] += 1
    n[f"kind/{details['kind']}"] += 1
    n[f"issue/{details['issue']}"] += 1
    if details["kind"] == "complaint":
        n[f"complaint/{details['issue']}"] += 1
    if course.unverified:
        n["unverified"] += 1
    if course.closed:
        n["closed"] += 1
    if details["kind"] in _FEEDBACK:
        n["feedback"] += 1
        n["feedback_answered"] += course.first(*_ANSWERS) is not None
    work = course.last(*OUTCOME_OF)
    if work is not None:
        n["services"] += 1
        n[f"outcome/{OUTCOME_OF[work.type]}"] += 1


def add_repeat(cell: Cell, repeat: bool | None) -> None:
    """Add whether a repair is one for a fault that was repaired before."""
    if repeat is not None:
        cell.counts["repairs"] += 1
        cell.counts["repeats"] += repeat


def add_stages(cell: Cell, course: Course) -> None:
    """How long the case was in each state, from the step that brought it about to the next one or the closing."""
    state, since = "", 0
    for step in course.steps:
        if not step.stands:
            continue
        after = "" if step.type == "case.closed" else STATUS.get(step.type)
        if after is None:
            continue
        if state:
            cell.lengths[_STAGES[state]].append(max(0, step.happened - since))
        state, since = after, step.happened
    for pause in course.pauses:
        if pause.until is None:
            cell.counts[f"waiting/{pause.reason}/open"] += 1
        else:
            cell.lengths[f"waiting/{pause.reason}"].append(pause.until - pause.since)


def add_findings(cell: Cell, course: Course) -> None:
    """Add the last diagnosis that stands, and how many were amended."""
    diagnosis = course.last("case.diagnosed")
    if diagnosis is None:
        return
    n = cell.counts
    n["diagnosed"] += 1
    n[f"responsible/{diagnosis.details['responsible']}"] += 1
    n["in_warranty"] += diagnosis.details["in_warranty"]
    named = diagnosis.details.get("responsible_party")
    if named is not None:
        n[f"found/{named}"] += 1
    said = [step for step in course.steps if step.type == "case.diagnosed"]
    n["diagnoses"] += len(said)
    n["diagnoses_amended"] += sum([bool(step.remarks) for step in said])


def add_customers(cell: Cell, course: Course) -> None:
    """Add how the holder rated, and what surveys asked and got."""
    n = cell.counts
    rating = course.evaluation
    if rating is not None and rating.counted:
        n["evaluated"] += course.closed
        for dimension, stars in rating.counted.items():
            n[f"rating/{rating.step.key_custody}/{dimension}/{stars}"] += 1
    surveys = [step for step in course.steps if step.type == "case.surveyed" and step.stands]
    if surveys:
        n["surveyed"] += course.closed
        n["asked"] += sum(int(step.details["asked"]) for step in surveys)
        n["answered"] += sum(int(step.details["answered"]) for step in surveys)


def add_records(cell: Cell, course: Course, standard: Standard | None) -> None:
    """Add how many statements there are, were amended, and are missing by the standard."""
    n = cell.counts
    n["statements"] += len(course.steps)
    n["amended"] += sum([bool(step.remarks) for step in course.steps])
    if standard is not None:
        expected = standard.expected(str(course.opened.said["kind"]), str(course.opened.said.get("mode", "")))
        if expected:
            present, required = progress.completeness(course, expected)
            n["present"] += present
            n["required"] += required
