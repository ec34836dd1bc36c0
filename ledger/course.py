"""How one case went, as values: its steps, what was quoted and decided, when it waited, how it was rated.

``ledger.cases`` makes them from entries. What is shown is as corrected since; what is measured or counted in a score
rests on what was said first, because no correction improves a measured time or raises a rating (events.md §2).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from msgspec import Struct

RATINGS: Final = ("overall", "response", "quality", "attitude", "timeliness", "professionalism", "product")
STATUS: Final[Mapping[str, str]] = {
    "case.opened": "open",
    "case.reopened": "open",
    "case.responded": "answered",
    "case.contacted": "answered",
    "case.scheduled": "scheduled",
    "case.visited": "visited",
    "case.received": "received",
    "case.returned": "received",
    "case.forwarded": "away",
    "case.diagnosed": "diagnosed",
    "case.quoted": "quoted",
    "case.approved": "approved",
    "case.declined": "declined",
    "case.decided": "decided",
    "repair.started": "in_work",
    "repair.part_replaced": "in_work",
    "repair.completed": "work_done",
    "repair.failed": "work_failed",
    "maintenance.performed": "work_done",
    "customization.completed": "work_done",
    "case.inspected": "inspected",
    "exchange.completed": "exchanged",
    "return.completed": "returned",
    "case.handed_over": "handed_over",
    "case.accepted": "accepted",
    "case.refused": "refused",
}
"""The word of a case's state after a step; other steps leave it. ``waiting`` and ``closed`` go before it."""


@dataclass(frozen=True, slots=True)
class Remark:
    """A later word on a step: ``kind`` is corrected, retracted or disputed, ``details`` what now stands, if given."""

    kind: str
    index: int
    party: str
    reason: str
    details: Mapping[str, Any] | None = None


class Step(Struct, frozen=True, gc=False):
    """One statement of a case. ``details`` are as corrected since, ``said`` as first said; ``happened`` is µs.

    ``stands`` says that it was not taken back.
    ``party`` is who says it: for a holder the item or case itself, and then ``key_custody`` is how that key is kept.
    """

    index: int
    statement: str
    type: str
    party: str
    agent: str
    occurred_at: str
    recorded_at: str
    happened: int
    details: Mapping[str, Any]
    said: Mapping[str, Any]
    remarks: tuple[Remark, ...] = ()
    stands: bool = True
    key_custody: str = ""

    @property
    def by_holder(self) -> bool:
        """Whether the holder said it."""
        return bool(self.key_custody)


@dataclass(slots=True)
class Quoted:
    """A quote and what was decided on it; ``decision`` is None while nobody has."""

    name: str
    step: Step
    decision: Step | None = None


@dataclass(slots=True)
class Pause:
    """A wait for approval, parts, the customer or a workshop, from its recording until it was over, in µs.

    It is over with a resumption, another wait, the closing, or, if it was for an approval, a decision on the quote.
    """

    reason: str
    step: Step
    since: int
    until: int | None = None


@dataclass(frozen=True, slots=True)
class Visit:
    """An appointment, and what came of it; without an appointment, a visit that nobody announced."""

    scheduled: Step | None
    visited: Step | None


@dataclass(frozen=True, slots=True)
class Evaluation:
    """A rating by the holder: ``shown`` as revised last, ``counted`` as a score takes it.

    A correction never raises what a score counts, and a rating that was taken back counts nothing.
    """

    step: Step
    shown: Mapping[str, int]
    counted: Mapping[str, int]

    @property
    def raised(self) -> bool:
        """Whether a revision raised a rating: shown to everybody, counted by nobody."""
        return any(self.shown.get(name, 0) > count for name, count in self.counted.items())


class Course(Struct, frozen=True):
    """How a case went. ``steps`` are all of it, ``custody`` is the chain of the item's hands after its newest entry."""

    case: str
    subject: str
    steps: tuple[Step, ...]
    custody: tuple[str, ...]
    closed: bool
    ended: bool
    quotes: tuple[Quoted, ...]
    pauses: tuple[Pause, ...]
    visits: tuple[Visit, ...]

    @property
    def opened(self) -> Step:
        """The step that opened it."""
        return self.steps[0]

    @property
    def kind(self) -> str:
        """What is asked for: repair, exchange, complaint …"""
        return str(self.opened.details["kind"])

    @property
    def mode(self) -> str:
        """in_store, on_site or remote; "" where nobody said."""
        return str(self.opened.details.get("mode", ""))

    @property
    def unverified(self) -> bool:
        """Whether nobody's key vouches for the complainant: a case of its own that names no holder."""
        return self.subject == self.case and not self.opened.by_holder and "holder_key" not in self.opened.said

    @property
    def status(self) -> str:
        """The one word that matters most: closed, waiting, or what the last step that stands has brought about."""
        if self.closed:
            return "closed"
        if any(pause.until is None for pause in self.pauses):
            return "waiting"
        last = self.last(*STATUS)
        return "open" if last is None else STATUS[last.type]

    def last(self, *types: str) -> Step | None:
        """The last step of these types that stands."""
        for step in reversed(self.steps):
            if step.type in types and step.stands:
                return step
        return None

    def first(self, *types: str) -> Step | None:
        """The first step of these types that stands."""
        for step in self.steps:
            if step.type in types and step.stands:
                return step
        return None

    @property
    def assigned_to(self) -> str:
        """The party, or the pseudonymous member of staff, whose turn it is; "" if nobody was named."""
        step = self.last("case.assigned", "case.escalated")
        return "" if step is None else str(step.details["to"])

    @property
    def after_care(self) -> tuple[Step, ...]:
        """What was said after the case was last closed."""
        at = max((step.index for step in self.steps if step.type == "case.closed"), default=None)
        return () if at is None or not self.closed else tuple(step for step in self.steps if step.index > at)

    @property
    def evaluation(self) -> Evaluation | None:
        """The holder's rating, if there is one."""
        step = next((step for step in self.steps if step.type == "case.evaluated"), None)
        if step is None:
            return None
        versions = [step.said, *(one.details for one in step.remarks if one.details is not None)]
        shown = {name: step.details[name] for name in RATINGS if name in step.details}
        counted = {
            name: min(version[name] for version in versions if name in version)
            for name in RATINGS
            if step.stands and name in step.said
        }
        return Evaluation(step, shown, counted)
