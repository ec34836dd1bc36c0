"""A row of the table, the bounds it stands beside, and how long a run measures."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Scale:
    """How much is measured: seconds a load, seconds a bound, statements of a large ledger and of the audited one.

    ``long`` is the leaves of the log that shows that an audit's memory is bounded.
    """

    seconds: int
    bound_seconds: float
    large: int
    audited: int
    lone: int
    long: int

    @classmethod
    def full(cls) -> Scale:
        """For docs/performance.md: about twenty-five minutes."""
        return cls(seconds=10, bound_seconds=2.0, large=1_000_000, audited=100_000, lone=300, long=10_000_000)

    @classmethod
    def quick(cls) -> Scale:
        """To see that nothing is far off: about two minutes."""
        return cls(seconds=3, bound_seconds=0.5, large=60_000, audited=20_000, lone=100, long=300_000)


@dataclass(frozen=True, slots=True)
class Bounds:
    """What the machine does at most, a second; ``verify…`` by OpenSSL, ``sodium_all`` by libsodium."""

    sha256: float
    sign: float
    verify: float
    verify_all: float
    sodium_all: float
    fsync: float
    route: float


@dataclass(frozen=True, slots=True)
class Row:
    """One figure: what, how much, and what was wanted of it (at least or, for times and sizes, at most)."""

    what: str
    value: float
    unit: str
    at_least: float | None = None
    at_most: float | None = None
    beside: str = ""

    @property
    def text(self) -> str:
        """The figure with its unit."""
        digits = f"{self.value:,.0f}" if self.value >= 100 else f"{self.value:.3g}"
        return f"{digits}{'' if self.unit in ('/s', '%') else ' '}{self.unit}"

    @property
    def wanted(self) -> str:
        """The limit, with a mark for whether it is met."""
        limits = [f"≥ {self.at_least:,g}"] if self.at_least is not None else []
        limits += [f"≤ {self.at_most:,g}"] if self.at_most is not None else []
        return f"{' and '.join(limits)} {'✓' if self.met else '✗'}" if limits else ""

    @property
    def met(self) -> bool | None:
        """Whether the figure keeps its limits; None where it has none."""
        if self.at_least is None and self.at_most is None:
            return None
        return (self.at_least is None or self.value >= self.at_least) and (
            self.at_most is None or self.value <= self.at_most
        )

    def json(self) -> dict[str, Any]:
        """The row as JSON."""
        return {
            "what": self.what,
            "value": round(self.value, 3),
            "unit": self.unit,
            "at_least": self.at_least,
            "at_most": self.at_most,
            "met": self.met,
            "beside": self.beside,
        }
