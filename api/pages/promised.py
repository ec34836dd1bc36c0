"""What was promised, as pages say it: rights in force, the limits of a case that run, and what it lacks of its steps.

All of it is worked out from the records that the page shows, the standard in force and a calendar; it advises, and who
is right in the end is not for a page to say. Moments are in UTC, days are those of the party.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from api.pages.catalogue import Catalogue
from ledger import progress, times
from ledger.caseload import Judged, judge
from ledger.cases import cases_of
from ledger.course import Course
from ledger.entitlement import Entitlement
from ledger.leaf import Entry
from ledger.measure import Measure
from ledger.promises import Promises
from ledger.rights import REPAIR, SALE, Right
from ledger.standard import Standard
from ledger.standard_shape import HOUSE

_TONES: Final[Mapping[str, str]] = {"overdue": "bad", "due_soon": "note", "waiting": "note"}


@dataclass(frozen=True, slots=True)
class RightShown:
    """A right in words: what may be asked for, until when, and why."""

    title: str
    until: str
    why: str


@dataclass(frozen=True, slots=True)
class LimitShown:
    """A limit that runs, in words; ``tone`` is how it stands."""

    text: str
    standing: str
    tone: str
    note: str


@dataclass(frozen=True, slots=True)
class CaseShown:
    """What a case was promised: its limits that run, and what it has left out or done in another order."""

    case: str
    title: str
    limits: tuple[LimitShown, ...]
    deviations: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Promised:
    """Everything that a page of an item or a case says of promises; ``by`` is the party that promised the rights."""

    by: str = ""
    rights: tuple[RightShown, ...] = ()
    cases: tuple[CaseShown, ...] = ()


def promised(
    told: Sequence[tuple[Entry, str]],
    found: Entitlement | None,
    promises: Promises,
    now: int,
    words: Catalogue,
    *,
    name_of: Callable[[str], str],
) -> Promised:
    """What the page of an item says: its rights, and of each case that is open what was promised for it.

    A case that is about no item has no rights: ``found`` is ``None``.
    """
    rights = tuple(_right(one, found, words) for one in found.rights) if found else ()
    by = name_of(found.party) if found else ""
    shown = (case_shown(course, judge(course, told, promises), now, words) for course in cases_of(told))
    return Promised(by, rights, tuple(one for one in shown if one.limits or one.deviations))


def case_shown(course: Course, judged: Judged, now: int, words: Catalogue) -> CaseShown:
    """What one case was promised."""
    title = words.say("case_title", kind=words.value(course.kind), when=words.day(course.opened.occurred_at))
    running = [one for one in judged.measures if one.stopped_at is None and one.limit is not None]
    lacks = progress.deviations(course, judged.required or ())
    return CaseShown(
        case=course.case,
        title=title[:1].upper() + title[1:],
        limits=tuple(_limit(one, judged, now, words) for one in running if not (one.limit and one.limit.average)),
        deviations=tuple(words.say(f"deviation_{one.what}", step=_step(one.step, words)) for one in lacks),
    )


def _limit(one: Measure, judged: Judged, now: int, words: Catalogue) -> LimitShown:
    standing = one.standing(now)
    assert one.limit is not None, "a limit that runs"
    assert judged.standard is not None, "a limit is of a standard"
    due = None if one.due_at is None else words.moment(times.format_recorded(one.due_at))
    clock = words.text[f"clock_{one.clock}"]
    return LimitShown(
        text=words.say("limit_waits", clock=clock) if due is None else words.say("limit_due", clock=clock, when=due),
        standing=words.text[f"standing_{standing}"],
        tone=_TONES.get(standing, "plain"),
        note=" ".join(
            [
                words.say("limit_source", source=_source(one.limit.source, judged.standard, words)),
                *([words.text["limit_provisional"]] if one.provisional else []),
            ]
        ),
    )


def _source(name: str, standard: Standard | None, words: Catalogue) -> str:
    """The text that a figure rests on, by its title."""
    if name == HOUSE or standard is None:
        return words.text["source_house"]
    return standard.source(name, words.language.replace("-", "_"))


def _step(step: str, words: Catalogue) -> str:
    """A required step; of several types that fulfil it, all."""
    return " / ".join(words.value(one.partition(".")[2]) for one in step.split("|"))


def _right(one: Right, found: Entitlement, words: Catalogue) -> RightShown:
    promise = one.source in {SALE, REPAIR}
    source = words.text[f"right_source_{one.source}"] if promise else _source(one.source, found.standard, words)
    until = words.say("right_until", when=words.day(one.until.isoformat())) if one.until is not None else ""
    if one.due is not None:
        until = words.say("right_due", when=words.day(one.due.isoformat()))
    why = words.say("right_why", rule=words.text[f"rule_{one.rule}"], source=source)
    return RightShown(words.text[f"right_{one.right}"], until, why)
