"""A case, and the chain of who answers for an item, as JSON: what ``ledger.cases`` and its neighbours have folded.

Only public members are here: an amount, a description or a comment is private and stands in no entry.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from ledger import custody, identity, progress, times
from ledger.course import Course, Pause, Quoted, Step
from ledger.identity import Difference
from ledger.leaf import Entry
from ledger.responsibility import Responsibility, custody_spans
from ledger.state import State


def describe_course(
    course: Course, told: Sequence[tuple[Entry, str]], state: State, required: Sequence[str] | None = None
) -> dict[str, Any]:
    """The members of a case; ``required`` are the steps of the standard in force, if there is one.

    Without a standard ``deviations`` is null: nothing was promised that could be missed.
    """
    after = progress.next_steps(course, state, required or ())
    found = None if required is None else [asdict(one) for one in progress.deviations(course, required)]
    steps = {step.index for step in course.steps}
    spans = [asdict(span) for span in custody_spans(told)]
    return {
        "case": course.case,
        "subject": course.subject,
        "kind": course.kind,
        "mode": course.mode or None,
        "channel": course.opened.details["channel"],
        "issue": course.opened.details["issue"],
        "status": course.status,
        "closed": course.closed,
        "unverified": course.unverified,
        "opened_by": course.opened.party,
        "opened_at": course.opened.occurred_at,
        "assigned_to": course.assigned_to or None,
        "next_steps": {"allowed": list(after.allowed), "expected": after.expected or None},
        "deviations": found,
        "custody": {"in_hand": custody.in_hand(course.custody) or None, "chain": list(course.custody), "spans": spans},
        "identity": [describe_difference(one) for one in identity.differences(told) if one.index in steps],
        "quotes": [_quote(quote) for quote in course.quotes],
        "pauses": [_pause(pause) for pause in course.pauses],
        "visits": [{"scheduled": _at(one.scheduled), "visited": _at(one.visited)} for one in course.visits],
        "evaluation": _evaluation(course),
        "after_care": [step.index for step in course.after_care],
        "steps": [_step(step) for step in course.steps],
    }


def describe_difference(one: Difference) -> dict[str, Any]:
    """What a change of custody found other than the one before."""
    return asdict(one) | {"reason": one.reason or None, "explained": one.explained}


def describe_chain(found: Responsibility) -> dict[str, Any]:
    """The chain of who answers for an item."""
    return {
        "links": [_empty_to_null(asdict(link)) for link in found.links],
        "custody": [asdict(span) for span in found.custody],
        "found": [_empty_to_null(asdict(one)) for one in found.found],
    }


def _step(step: Step) -> dict[str, Any]:
    return {
        "index": step.index,
        "statement": step.statement,
        "type": step.type,
        "party": step.party,
        "by_holder": step.by_holder,
        "key_custody": step.key_custody or None,
        "agent": step.agent or None,
        "occurred_at": step.occurred_at,
        "recorded_at": step.recorded_at,
        "details": step.details,
        "stands": step.stands,
        "remarks": [asdict(remark) for remark in step.remarks],
    }


def _quote(quote: Quoted) -> dict[str, Any]:
    said = quote.step.details
    return {
        "quote": quote.name or None,
        "index": quote.step.index,
        **{name: said.get(name) for name in ("free", "currency", "due", "expires")},
        "stands": quote.step.stands,
        "decision": None if quote.decision is None else quote.decision.type.removeprefix("case."),
        "decided": _at(quote.decision),
    }


def _pause(pause: Pause) -> dict[str, Any]:
    until = None if pause.until is None else times.format_recorded(pause.until)
    return {"for": pause.reason, "index": pause.step.index, "since": times.format_recorded(pause.since), "until": until}


def _evaluation(course: Course) -> dict[str, Any] | None:
    rating = course.evaluation
    if rating is None:
        return None
    return {
        "index": rating.step.index,
        "shown": rating.shown,
        "counted": rating.counted,
        "raised": rating.raised,
        "key_custody": rating.step.key_custody,
    }


def _at(step: Step | None) -> int | None:
    return None if step is None else step.index


def _empty_to_null(members: dict[str, Any]) -> dict[str, Any]:
    return {name: None if value == "" else value for name, value in members.items()}
