"""What an item's history says since it was last sold: the *spell* that warranty and rights are judged by.

A spell begins with ``item.sold``, or with the ``exchange.completed`` that gave this item for another, and is over when
the item itself is returned or exchanged. The statements before it belong to an earlier owner and count no more. What
was retracted is left out; what was corrected has its corrected details.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any, Final, NamedTuple

from ledger import times
from ledger.leaf import Entry

_ANSWERS: Final = frozenset(
    {"case.responded", "case.decided", "exchange.completed", "return.completed", "case.handed_over", "case.accepted"}
)
_GIVEN_BACK: Final = frozenset({"case.handed_over", "case.accepted", "exchange.completed", "return.completed"})


# The types of which a spell keeps every statement, and where.
_LISTED: Final[Mapping[str, str]] = {
    "warranty.granted": "granted",
    "repair.completed": "repairs",
    "return.completed": "returned",
    "case.settled": "settled",
}


@dataclass(frozen=True, slots=True)
class Told:
    """A statement as it counts now, on the party's day on which it is said to have occurred."""

    index: int
    type: str
    id: str
    day: date
    occurred: int
    details: Mapping[str, Any]
    case: str | None
    subjects: tuple[str, ...]


class Start(NamedTuple):
    """From which day a promise runs; ``certain`` is false while what it waits for has not been recorded."""

    day: date
    said: Told | None
    certain: bool


@dataclass(slots=True)
class Case:
    """One case, as far as rights look at it.

    ``stays`` are the times in which the item was with the shop, ``parts`` the waits for parts; the last of each may
    have no end yet.
    """

    id: str
    opened: Told
    kind: str
    in_warranty: bool
    answered: Told | None = None
    closed: Told | None = None
    repairs: list[Told] = field(default_factory=list)
    stays: list[tuple[Told, Told | None]] = field(default_factory=list)
    parts: list[tuple[Told, Told | None]] = field(default_factory=list)


@dataclass(slots=True)
class Spell:
    """The present spell of an item. ``begun`` is the sale or exchange, ``None`` if the history has none."""

    category: str = ""
    begun: Told | None = None
    over: bool = False
    delivered: Told | None = None
    installed: Told | None = None
    granted: list[Told] = field(default_factory=list)
    repairs: list[Told] = field(default_factory=list)
    returned: list[Told] = field(default_factory=list)
    settled: list[Told] = field(default_factory=list)
    by_case: dict[str, Case] = field(default_factory=dict)

    @property
    def cases(self) -> tuple[Case, ...]:
        """The cases that were opened in this spell, in order."""
        return tuple(self.by_case.values())

    def started(self, start: str) -> Start:
        """From when something runs that runs from ``sold``, ``received``, ``installed`` or a date.

        What was sold across the counter was received with the sale. What is installed runs from there, or, if nobody
        installed it, from its receipt.
        """
        assert self.begun is not None, "asked after a sale alone"
        if start == "installed" and self.installed is not None:
            return Start(self.installed.day, self.installed, certain=True)
        if start in {"received", "installed"}:
            if self.delivered is not None:
                return Start(self.delivered.day, self.delivered, certain=True)
            across = self.begun.type == "exchange.completed" or self.begun.details.get("channel") == "store"
            return Start(self.begun.day, self.begun, certain=across)
        if start != "sold":
            return Start(date.fromisoformat(start[:10]), self.begun, certain=True)
        return Start(self.begun.day, self.begun, certain=True)


def read_spell(item: str, entries: Iterable[Entry], now: int, day_of: Callable[[int], date]) -> Spell:
    """The present spell of an item, from its entries in the order of the log that were recorded by ``now``."""
    spell = Spell()
    for told in _told(entries, now, day_of):
        first = told.subjects[0] == item
        if told.type == "item.registered":
            spell.category = told.details["category"]
        elif told.type == "item.sold" or (told.type == "exchange.completed" and not first):
            spell = Spell(category=spell.category, begun=told)
        elif first:
            _follow(spell, told)
    return spell


def _told(entries: Iterable[Entry], now: int, day_of: Callable[[int], date]) -> list[Told]:
    given = [one for one in entries if times.parse_recorded(one.recorded_at) <= now]
    retracted = {one.statement.corrects for one in given if one.statement.type == "statement.retracted"}
    corrected = {
        one.statement.corrects: one.statement.details["details"]
        for one in given
        if one.statement.type == "statement.corrected" and "details" in one.statement.details
    }
    found = []
    for one in given:
        statement = one.statement
        if statement.id in retracted:
            continue
        occurred = times.parse_occurred(statement.occurred_at)
        details = corrected.get(statement.id, statement.details)
        subjects = statement.subjects
        found.append(
            Told(one.index, statement.type, statement.id, day_of(occurred), occurred, details, statement.case, subjects)
        )
    return found


def _follow(spell: Spell, told: Told) -> None:
    """Fold one statement about the item in."""
    if told.type in {"item.delivered", "item.accepted"}:
        spell.delivered = spell.delivered or told
    elif told.type == "item.installed":
        spell.installed = told
    elif told.type in _LISTED:
        getattr(spell, _LISTED[told.type]).append(told)
    spell.over = spell.over or told.type in {"return.completed", "exchange.completed"}
    if told.case is not None:
        if told.type == "case.opened":
            claimed = told.details.get("warranty_claim", False)
            spell.by_case[told.case] = Case(told.case, told, told.details["kind"], claimed)
        elif told.case in spell.by_case:
            _follow_case(spell.by_case[told.case], told)


def _follow_case(case: Case, told: Told) -> None:
    """Fold one statement of a case in."""
    if told.type in _ANSWERS:
        case.answered = case.answered or told
    staying = bool(case.stays) and case.stays[-1][1] is None
    if staying and told.type in _GIVEN_BACK:
        case.stays[-1] = (case.stays[-1][0], told)
    elif not staying and told.type == "case.received":
        case.stays.append((told, None))
    elif told.type == "case.diagnosed":
        case.in_warranty = told.details["in_warranty"]
    elif told.type in {"repair.completed", "repair.failed"}:
        case.repairs.append(told)
    elif told.type in {"case.closed", "case.reopened"}:
        case.closed = told if told.type == "case.closed" else None
    if case.parts and case.parts[-1][1] is None and told.type in {"case.waiting", "case.resumed", "case.closed"}:
        case.parts[-1] = (case.parts[-1][0], told)
    if told.type == "case.waiting" and told.details["for"] == "parts":
        case.parts.append((told, None))
