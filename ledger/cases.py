"""The fold of a subject's entries into the course of a case: what pages, clocks, work lists and reports ask of it.

A case is one request (events.md §4), and everything here is derived from its statements, never stored as fact. A
correction is applied to what is shown, a retraction strikes a step out, a dispute stands beside it; none of the three
changes what the hard rules rest on (``ledger.steps``).

The fold is given all entries of the case's subject, the item's or its own, oldest first with their leaf hashes, and
judges nothing: they were judged when they were accepted.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from ledger import custody, steps, times
from ledger.course import Course, Pause, Quoted, Remark, Step, Visit
from ledger.leaf import Entry

_CLOSINGS: Final = frozenset({"case.closed", "case.reopened"})
_VISITS: Final = frozenset({"case.scheduled", "case.visited"})


@dataclass(slots=True)
class _Said:
    """What the entries of a subject say: those of each case, remarks on statements, and how holders' keys are kept."""

    subject: str
    cases: dict[str, list[Entry]] = field(default_factory=dict)
    remarks: dict[str, list[Remark]] = field(default_factory=dict)
    grants: dict[str, str] = field(default_factory=dict)


def fold_case(case: str, told: Sequence[tuple[Entry, str]]) -> Course | None:
    """The course of a case from all entries of its subject and their leaf hashes in hex; ``None`` if it has none."""
    said = _said(told)
    return _course(case, said, _custody(told)) if case in said.cases else None


def cases_of(told: Sequence[tuple[Entry, str]]) -> list[Course]:
    """The cases of a subject, in the order in which they were opened."""
    said, hands = _said(told), _custody(told)
    return [_course(case, said, hands) for case in said.cases]


def _said(told: Sequence[tuple[Entry, str]]) -> _Said:
    """All that is said of a subject, in one pass; what was said in a case before its opening is left out."""
    # The first entry of an item or a case has it first; where it is second, the step is another subject's.
    said = _Said(told[0][0].statement.subjects[0] if told else "")
    for entry, leaf_hash in told:
        statement = entry.statement
        if "holder_custody" in statement.details:
            said.grants[leaf_hash] = statement.details["holder_custody"]
        if statement.type.startswith("statement."):
            target = statement.corrects or statement.details["disputes"]
            said.remarks.setdefault(target, []).append(_remark(entry))
        elif statement.case is not None and statement.subjects[0] == said.subject:
            if statement.case in said.cases:
                said.cases[statement.case].append(entry)
            elif statement.type == "case.opened":
                said.cases[statement.case] = [entry]
    return said


def _custody(told: Sequence[tuple[Entry, str]]) -> tuple[str, ...]:
    """Whose hands a subject is in after its newest entry."""
    after: tuple[str, ...] = ()
    for move in custody.moves(told):
        after = move.after
    return after


def _course(case: str, said: _Said, hands: tuple[str, ...]) -> Course:
    found = tuple([_step(entry, said) for entry in said.cases[case]])
    kinds = {step.type for step in found}
    return Course(
        case=case,
        subject=said.subject,
        steps=found,
        custody=hands,
        closed=next((step.type == "case.closed" for step in reversed(found) if step.type in _CLOSINGS), False),
        ended=not kinds.isdisjoint(custody.ENDINGS),
        quotes=tuple(_quotes(found)) if "case.quoted" in kinds else (),
        pauses=tuple(_pauses(found)) if "case.waiting" in kinds else (),
        visits=() if kinds.isdisjoint(_VISITS) else tuple(_visits(found)),
    )


def _remark(entry: Entry) -> Remark:
    statement = entry.statement
    kind = statement.type.removeprefix("statement.")
    details = statement.details.get("details") if kind == "corrected" else None
    return Remark(kind, entry.index, statement.party, statement.details.get("reason", ""), details)


def _step(entry: Entry, said: _Said) -> Step:
    statement = entry.statement
    details: Mapping[str, Any] = statement.details
    stands = True
    remarks = said.remarks.get(statement.id, ())
    for one in remarks:
        # Corrected details are given whole, but for the keys that no correction touches.
        details = details if one.details is None else one.details
        stands = stands and one.kind != "retracted"
    return Step(
        index=entry.index,
        statement=statement.id,
        type=statement.type,
        party=statement.party,
        agent=statement.agent or "",
        occurred_at=statement.occurred_at,
        recorded_at=entry.recorded_at,
        happened=steps.happened_at(statement.occurred_at, entry.recorded_at),
        details=details,
        said=statement.details,
        remarks=tuple(remarks),
        stands=stands,
        key_custody="" if statement.grant is None else said.grants.get(statement.grant, "receipt"),
    )


def _quotes(found: Sequence[Step]) -> list[Quoted]:
    """The quotes in the order in which they were made, each with its decision: the same pairs as the rules make."""
    quotes: list[Quoted] = []
    known: dict[str, Quoted] = {}
    for step in found:
        if step.type == "case.quoted":
            name = step.said.get("quote", "")
            before = known.pop(name, None)
            quote = Quoted(name, step, before.decision if before is not None and name else None)
            known[name] = quote
            quotes.append(quote)
        elif step.type in steps.DECISIONS and (named := steps.quote_named(known, step.said)) is not None:
            known[named].decision = step
    return quotes


def _pauses(found: Sequence[Step]) -> list[Pause]:
    """The pauses, one at a time, as first said: correcting a reason or taking back a resumption moves no time."""
    pauses: list[Pause] = []
    waiting: Pause | None = None
    for step in found:
        if step.type == "case.waiting" and step.stands:
            recorded = times.parse_recorded(step.recorded_at)
            if waiting is not None:
                waiting.until = max(waiting.since, recorded)
            waiting = Pause(step.said["for"], step, recorded)
            pauses.append(waiting)
        elif waiting is not None and _ends(waiting, step):
            # The earlier of the two times: what was over and not said is the shop's.
            occurred, recorded = times.parse_occurred(step.occurred_at), times.parse_recorded(step.recorded_at)
            waiting.until = max(waiting.since, min(occurred, recorded))
            waiting = None
    return pauses


def _ends(pause: Pause, step: Step) -> bool:
    if step.type in steps.DECISIONS:
        return pause.reason == "approval"
    return step.type in {"case.resumed", "case.closed"}


def _visits(found: Sequence[Step]) -> list[Visit]:
    """Each visit with the newest appointment before it; an appointment that another one replaced had no visit."""
    visits: list[Visit] = []
    scheduled: Step | None = None
    for step in found:
        if step.type == "case.scheduled" and step.stands:
            if scheduled is not None:
                visits.append(Visit(scheduled, None))
            scheduled = step
        elif step.type == "case.visited" and step.stands:
            visits.append(Visit(scheduled, step))
            scheduled = None
    return visits if scheduled is None else [*visits, Visit(scheduled, None)]
