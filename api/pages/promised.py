"""What was promised, as pages say it: rights in force, the limits of a case that run, and what it lacks of its steps.

All of it is worked out from the records that the page shows, the standard in force and a calendar; it advises, and who
is right in the end is not for a page to say. Moments are in UTC, days are those of the party.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final

from api.pages.catalogue import Catalogue, fill
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

_MONTHS_FROM: Final = 90
"""Days from which what is left is told in months."""
_DAYS_OF_A_MONTH: Final = 30.4375
_TONES: Final[Mapping[str, str]] = {"overdue": "bad", "due_soon": "note", "waiting": "note"}


@dataclass(frozen=True, slots=True)
class RightShown:
    """A right in words: what may be asked for, for how long still and until when, and why."""

    right: str
    title: str
    left: str
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
    rights = rights_shown(found, promises, now, words) if found else ()
    by = name_of(found.party) if found else ""
    shown = (case_shown(course, judge(course, told, promises), now, words) for course in cases_of(told))
    return Promised(by, rights, tuple(one for one in shown if one.limits or one.deviations))


def rights_shown(found: Entitlement, promises: Promises, now: int, words: Catalogue) -> tuple[RightShown, ...]:
    """The rights in force, what is warranted longest first: a repair under one warranty is under the other as well."""
    today = promises.working(found.party).day_of(now)
    repairs = [one for one in found.rights if one.right == "free_repair"]
    repairs.sort(key=lambda one: one.until or date.max, reverse=True)
    others = [one for one in found.rights if one.right != "free_repair"]
    return tuple(_right(one, found, today, words) for one in (*repairs, *others))


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
    """A required step, as its sentence says it without who does it; of several types that fulfil it, all."""
    said = (fill(words.sentence.get(one, one), {"who": ""}) for one in step.split("|"))
    return " / ".join(one.strip(" .。…:：") for one in said)


def _right(one: Right, found: Entitlement, today: date, words: Catalogue) -> RightShown:
    promise = one.source in {SALE, REPAIR}
    source = words.text[f"right_source_{one.source}"] if promise else _source(one.source, found.standard, words)
    until = words.say("right_until", when=words.day(one.until.isoformat())) if one.until is not None else ""
    if one.due is not None:
        until = words.say("right_due", when=words.day(one.due.isoformat()))
    why = words.say("right_why", rule=words.text[f"rule_{one.rule}"], source=source)
    left = _left((one.until - today).days, words) if one.until is not None and one.due is None else ""
    return RightShown(one.right, words.text[f"right_{one.right}"], left, until, why)


def _left(days: int, words: Catalogue) -> str:
    """How long a right still lasts: customers plan by months, and by days at last."""
    if days >= _MONTHS_FROM:
        return words.count("months_left", int(days / _DAYS_OF_A_MONTH))
    return words.count("days_left", days) if days else words.text["last_day"]
