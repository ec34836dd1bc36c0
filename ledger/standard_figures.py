"""The figures of a standard as values: limits, warranty, returns, times of keeping, and what chooses between them.

They are read from a document that ``standard_shape`` has checked; a member that a figure does not have is left open.

>>> When(kinds=("repair",), tiers=(3,)).fits(Facts(kind="repair", tier=3))
True
>>> Span("working_days", 3).nominal // times.HOUR
72
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, NamedTuple

from msgspec import Struct, field

from ledger import times
from ledger.standard_shape import CAUSES

MICROSECONDS: Final[Mapping[str, int]] = {
    "minutes": times.MINUTE, "hours": times.HOUR, "days": times.DAY,
    "working_minutes": times.MINUTE, "working_hours": times.HOUR, "working_days": times.DAY,
}  # fmt: skip
DISTANCE: Final = frozenset({"web", "app", "phone", "email", "message", "social", "marketplace", "tv", "mail"})
DOORSTEP: Final = frozenset({"onsite", "doorstep"})
_CHANNELS: Final[Mapping[str, frozenset[str]]] = {"distance": DISTANCE, "doorstep": DOORSTEP}


class Span(Struct, frozen=True):
    """A length of time: a count of ``minutes``, ``working_days`` and so on."""

    unit: str
    count: int

    @property
    def nominal(self) -> int:
        """Microseconds, a working day taken as a day."""
        return MICROSECONDS[self.unit] * self.count


class Facts(NamedTuple):
    """What chooses between the limits of one clock: facts of a case's opening, and the item's category."""

    kind: str
    issue: str = ""
    mode: str = ""
    tier: int = 0
    category: str = ""


class When(Struct, frozen=True):
    """Which cases a limit is for; what it does not name, it leaves open."""

    kinds: tuple[str, ...] = ()
    issues: tuple[str, ...] = ()
    modes: tuple[str, ...] = ()
    tiers: tuple[int, ...] = ()
    categories: tuple[str, ...] = ()

    def fits(self, facts: Facts) -> bool:
        """Whether a case of these facts is meant."""
        return (
            (not self.kinds or facts.kind in self.kinds)
            and (not self.issues or facts.issue in self.issues)
            and (not self.modes or facts.mode in self.modes)
            and (not self.tiers or facts.tier in self.tiers)
            and (not self.categories or facts.category in self.categories)
        )


class Hard(Struct, frozen=True):
    """The range of a limit for a hard case."""

    least: Span = field(name="from")
    most: Span = field(name="until")


class Limit(Struct, frozen=True):
    """A limit of one clock. ``average`` limits a mean and no single case; ``pauses`` are causes that stop it."""

    clock: str
    within: Span
    source: str
    when: When = When()
    at_most: Span | None = None
    hard: Hard | None = None
    average: bool = False
    pauses: tuple[str, ...] = CAUSES


class WarrantyFigures(Struct, frozen=True):
    """Rules of a warranty; ``None`` where the standard says nothing."""

    source: str
    months: int | None = None
    start: str = field(default="sold", name="from")
    covers: tuple[str, ...] = ()
    excludes: tuple[str, ...] = field(default=(), name="not")
    in_repair: str | None = None
    after_exchange: str | None = None
    after_repair_months: int | None = None
    after_repair_times: int | None = None
    repair_days_min: int | None = None
    exchange_after_repairs: int | None = None
    exchange_after_parts_days: int | None = None
    fault_return_days: int | None = None
    fault_exchange_days: int | None = None
    sources: Mapping[str, str] = {}
    """Where single figures rest on another text than the rest."""

    def source_of(self, figure: str) -> str:
        """The source of one figure, named as in the document."""
        return self.sources.get(figure, self.source)


class Returns(Struct, frozen=True):
    """Rules of returning without a reason."""

    no_reason_days: int
    start: str = field(name="from")
    source: str
    channels: tuple[str, ...] = ()
    excludes: tuple[str, ...] = field(default=(), name="not")
    conditions: tuple[str, ...] = ()
    freight: str | None = None
    refund_days: int | None = None

    def covers(self, channel: str) -> bool:
        """Whether a sale by this channel may be returned; without a list, by any."""
        return not self.channels or any(
            channel == one or channel in _CHANNELS.get(one, frozenset()) for one in self.channels
        )


class Keeping(Struct, frozen=True):
    """How long private members of one class are kept; an erasure asked for waits ``legal_months``."""

    name: str = field(name="class")
    months: int
    source: str
    legal_months: int = 0


class Tolerance(Struct, frozen=True):
    """Grams within which two weights of a material are the same, as a decimal."""

    material: str
    grams: str


class Evidence(Struct, frozen=True):
    """What is taken down of an item when it changes hands."""

    wants: tuple[str, ...]
    source: str
    categories: tuple[str, ...] = ()
    tolerance: tuple[Tolerance, ...] = ()


class Steps(Struct, frozen=True):
    """The steps that a case of these kinds is expected to have; a step may name several types with bars between."""

    kinds: tuple[str, ...]
    steps: tuple[str, ...]
    source: str
    modes: tuple[str, ...] = ()
