"""The cases of an item as its page shows them: how far each has come, what it waits for, and what differs.

A case is drawn as the milestones of its kind, each with the day on which it was reached and a link to its record in
the time line. Milestones that were passed over are left out, because most of them need not come; those that are still
ahead are shown pale. What a standard requires, and a case lacks, is another matter (``ledger.progress``). The day that
was promised is the one that the shop named last: at the opening, with the quote, or when it extended a time limit.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from api.fold import Told
from api.pages.catalogue import Catalogue
from ledger.cases import cases_of
from ledger.course import Course
from ledger.custody import OUTSIDE
from ledger.identity import Difference, differences

_END: Final = (("rated", "case.evaluated"), ("closed", "case.closed"))
_WORK: Final = (
    ("opened", "case.opened"),
    ("taken_in", "case.received case.visited"),
    ("diagnosed", "case.diagnosed"),
    ("agreed", "case.approved case.declined"),
    ("worked", "repair.completed repair.failed maintenance.performed customization.completed"),
    ("checked", "case.inspected"),
    ("handed_over", "case.handed_over case.accepted case.refused"),
    *_END,
)
_SWAP: Final = (
    ("opened", "case.opened"),
    ("taken_in", "case.received"),
    ("decided", "case.decided"),
    ("swapped", "exchange.completed return.completed"),
    *_END,
)
_TALK: Final = (("opened", "case.opened"), ("answered", "case.responded"), ("decided", "case.decided"), *_END)
_VISIT: Final = (
    ("opened", "case.opened"),
    ("scheduled", "case.scheduled"),
    ("visited", "case.visited"),
    ("handed_over", "case.accepted case.refused"),
    *_END,
)
_MILESTONES: Final[Mapping[str, tuple[tuple[str, str], ...]]] = {
    "exchange": _SWAP,
    "return": _SWAP,
    "complaint": _TALK,
    "consultation": _TALK,
    "feedback": _TALK,
    "installation": _VISIT,
}
_PROMISES: Final = {"case.opened": "promised", "case.quoted": "due", "case.approved": "due", "case.extended": "until"}
"""Types of step that name a day for the work to be done, and the member that has it."""
_TONES: Final = {"waiting": "note", "refused": "bad", "work_failed": "bad", "closed": "good"}


@dataclass(frozen=True, slots=True)
class Milestone:
    """A mark on the way: ``index`` is its record, ``None`` while it is ahead."""

    label: str
    day: str
    index: int | None


@dataclass(frozen=True, slots=True)
class Notice:
    """Something about a case that nobody may overlook; ``index`` is the record that says it."""

    text: str
    tone: str
    index: int


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a case has come; ``due`` is the day that was promised, in words, of a case that is open."""

    case: str
    title: str
    status: str
    tone: str
    milestones: tuple[Milestone, ...]
    notices: tuple[Notice, ...]
    closed: bool
    summary: str
    due: str = ""
    overdue: bool = False


def progress_of(
    told: Sequence[Told], words: Catalogue, name_of: Callable[[str], str], today: str
) -> tuple[Progress, ...]:
    """The cases of an item, those that are open first, then the newest; ``name_of`` names a party, a day is Y-M-D."""
    pairs = [(one.entry, one.leaf_hash) for one in told]
    found = sorted(cases_of(pairs), key=lambda course: (course.closed, -course.opened.index))
    different = differences(pairs) if found else []
    shown = (_progress(course, different, words, name_of) for course in found)
    return tuple(_promised(one, course, words, today) for one, course in zip(shown, found, strict=True))


def _progress(
    course: Course, different: Sequence[Difference], words: Catalogue, name_of: Callable[[str], str]
) -> Progress:
    indexes = {step.index for step in course.steps}
    status = words.text[f"case_{course.status}"]
    waiting = [pause.reason for pause in course.pauses if pause.until is None]
    if course.status == "waiting":
        status = words.say("case_waiting", what=words.value(waiting[0]))
    title = words.say("case_title", kind=words.value(course.kind), when=words.day(course.opened.occurred_at))
    kind = words.value(course.kind)
    return Progress(
        case=course.case,
        title=title[:1].upper() + title[1:],
        status=status,
        tone=_TONES.get(course.status, "plain"),
        milestones=tuple(_milestones(course, words)),
        notices=tuple(_notice(one, words, name_of) for one in different if one.index in indexes),
        closed=course.closed,
        summary=words.say("state_case", kind=kind[:1].upper() + kind[1:], status=status),
    )


def _promised(shown: Progress, course: Course, words: Catalogue, today: str) -> Progress:
    """The same with the day that was promised last, until the thing is back or the case is closed."""
    named = [step.details.get(_PROMISES[step.type]) for step in course.steps if step.type in _PROMISES and step.stands]
    due = next((one for one in reversed(named) if one), None)
    if due is None or course.closed or course.status in {"handed_over", "accepted"}:
        return shown
    late = due[:10] < today
    text = words.say("state_overdue" if late else "state_due", when=words.moment(due))
    return replace(shown, due=text, overdue=late)


def _milestones(course: Course, words: Catalogue) -> list[Milestone]:
    marks = _MILESTONES.get(course.kind, _WORK)
    reached = [course.first(*types.split()) for _, types in marks]
    last = max((number for number, step in enumerate(reached) if step is not None), default=-1)
    found = []
    for number, ((name, _), step) in enumerate(zip(marks, reached, strict=True)):
        label = words.text[f"milestone_{name}"]
        if step is not None:
            found.append(Milestone(label, words.day(step.occurred_at), step.index))
        elif number > last and not course.closed:
            found.append(Milestone(label, "", None))
    return found


def _notice(one: Difference, words: Catalogue, name_of: Callable[[str], str]) -> Notice:
    hands = {"": words.text["hands_owner"], OUTSIDE: words.text["hands_outside"]}.get(one.in_hands)
    said = {
        "what": words.label(one.what),
        "was": words.fact(one.what, one.was),
        "now": words.fact(one.what, one.now),
        "who": hands or name_of(one.in_hands),
    }
    text = [words.say("differs", **said)]
    text.append(words.say("differs_reason", reason=words.value(one.reason)) if one.explained else "")
    text.append("" if one.explained else words.text["differs_unexplained"])
    text.append(words.text["differs_corrected"] if one.corrected else "")
    return Notice(" ".join(filter(None, text)), "note" if one.explained else "bad", one.index)
