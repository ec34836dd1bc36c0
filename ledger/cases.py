"""The fold of a subject's entries into the course of a case: what pages, clocks, work lists and reports ask of it.

A case is one request (events.md §4), and everything here is derived from its statements, never stored as fact. A
correction is applied to what is shown, a retraction strikes a step out, a dispute stands beside it; none of the three
changes what the hard rules rest on (``ledger.steps``).

The fold is given all entries of the case's subject, the item's or its own, oldest first with their leaf hashes, and
judges nothing: they were judged when they were accepted.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from ledger import custody, steps, times
from ledger.course import Course, Pause, Quoted, Remark, Step, Visit
from ledger.leaf import Entry


@dataclass(slots=True)
class _Fold:
    """What the fold of one case knows so far."""

    closed: bool = False
    ended: bool = False
    entries: list[Entry] = field(default_factory=list)
    remarks: dict[str, list[Remark]] = field(default_factory=dict)
    grants: dict[str, str] = field(default_factory=dict)


def fold_case(case: str, told: Sequence[tuple[Entry, str]]) -> Course | None:
    """The course of a case from all entries of its subject and their leaf hashes in hex; ``None`` if it has none."""
    fold = _Fold()
    subject = ""
    for entry, leaf_hash in told:
        statement = entry.statement
        # The first entry of an item or a case has it first; where it is second, the step is another subject's.
        subject = subject or statement.subjects[0]
        if "holder_custody" in statement.details:
            fold.grants[leaf_hash] = statement.details["holder_custody"]
        if statement.type.startswith("statement."):
            target = statement.corrects or statement.details["disputes"]
            fold.remarks.setdefault(target, []).append(_remark(entry))
        elif statement.subjects[0] == subject and statement.case == case:
            _follow(fold, entry)
    if not fold.entries:
        return None
    found = tuple(_step(entry, fold) for entry in fold.entries)
    return Course(
        case=case,
        subject=subject,
        steps=found,
        custody=next((move.after for move in reversed(list(custody.moves(told)))), ()),
        closed=fold.closed,
        ended=fold.ended,
        quotes=tuple(_quotes(found, fold.entries)),
        pauses=tuple(_pauses(found)),
        visits=tuple(_visits(found)),
    )


def cases_of(told: Sequence[tuple[Entry, str]]) -> list[Course]:
    """The cases of a subject, in the order in which they were opened."""
    names = dict.fromkeys(entry.statement.case for entry, _ in told if entry.statement.type == "case.opened")
    found = (fold_case(name, told) for name in names if name is not None)
    return [course for course in found if course is not None]


def _follow(fold: _Fold, entry: Entry) -> None:
    """Fold one step of the case in; what was said before its opening could not be told, and is left out."""
    kind = entry.statement.type
    if not fold.entries and kind != "case.opened":
        return
    fold.entries.append(entry)
    fold.ended = fold.ended or kind in custody.ENDINGS
    if kind in {"case.closed", "case.reopened"}:
        fold.closed = kind == "case.closed"


def _remark(entry: Entry) -> Remark:
    statement = entry.statement
    kind = statement.type.removeprefix("statement.")
    details = statement.details.get("details") if kind == "corrected" else None
    return Remark(kind, entry.index, statement.party, statement.details.get("reason", ""), details)


def _step(entry: Entry, fold: _Fold) -> Step:
    statement = entry.statement
    remarks = tuple(fold.remarks.get(statement.id, ()))
    newest = next((one.details for one in reversed(remarks) if one.details is not None), None)
    return Step(
        index=entry.index,
        statement=statement.id,
        type=statement.type,
        party=statement.party,
        agent=statement.agent or "",
        occurred_at=statement.occurred_at,
        recorded_at=entry.recorded_at,
        happened=steps.happened_at(statement.occurred_at, entry.recorded_at),
        # Corrected details are given whole, but for the keys that no correction touches.
        details=statement.details if newest is None else newest,
        said=statement.details,
        remarks=remarks,
        key_custody="" if statement.grant is None else fold.grants.get(statement.grant, "receipt"),
    )


def _quotes(found: Sequence[Step], entries: Sequence[Entry]) -> list[Quoted]:
    """The quotes in the order in which they were made, each with its decision: the same pairs as the rules make."""
    quotes: list[Quoted] = []
    known: dict[str, Quoted] = {}
    for step, entry in zip(found, entries, strict=True):
        if step.type == "case.quoted":
            name = step.said.get("quote", "")
            before = known.pop(name, None)
            quote = Quoted(name, step, before.decision if before is not None and name else None)
            known[name] = quote
            quotes.append(quote)
        elif step.type in steps.DECISIONS and (named := steps.quote_named(known, entry.statement)) is not None:
            known[named].decision = step
    return quotes


def _pauses(found: Sequence[Step]) -> list[Pause]:
    """The pauses, one at a time, as first said: correcting a reason or taking back a resumption moves no time."""
    pauses: list[Pause] = []
    waiting: Pause | None = None
    for step in found:
        recorded = times.parse_recorded(step.recorded_at)
        if step.type == "case.waiting" and step.stands:
            if waiting is not None:
                waiting.until = max(waiting.since, recorded)
            waiting = Pause(step.said["for"], step, recorded)
            pauses.append(waiting)
        elif waiting is not None and _ends(waiting, step):
            # The earlier of the two times: what was over and not said is the shop's.
            waiting.until = max(waiting.since, min(times.parse_occurred(step.occurred_at), recorded))
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
