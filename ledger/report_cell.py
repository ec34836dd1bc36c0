"""One group's sums, and the figures that they give: how many, how long, in what shares.

Sums are counts and lists of lengths by a name such as ``clock/visit/stated``, so that two halves of a ledger can be
counted apart and put together: addition is all there is. Figures are whole numbers: lengths of time in seconds, halves
up, and shares as a count ``of`` a count, for a reader to divide. The median of an even number of lengths is the mean of
the middle two; ``p90`` is the least length that nine tenths do not exceed.

>>> cell = Cell()
>>> for minutes in (1, 2, 4, 9):
...     cell.lengths["clock/visit/stated"].append(minutes * 60_000_000)
>>> lengths_of(cell.lengths["clock/visit/stated"])
{'count': 4, 'mean': 240, 'median': 180, 'p90': 540}
"""

from __future__ import annotations

from array import array
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from functools import partial
from typing import Any, Final

from ledger import clocks, times
from ledger.course import RATINGS
from ledger.standard_shape import CASE_KINDS, CAUSES, ISSUES

BASES: Final = ("counted", "stated", "recorded")
"""As which of its times a stop is measured: as the limit counts it, as its author stated it, as it was recorded."""
CUSTODIES: Final = ("device", "sealed", "receipt")
RESPONSIBLE: Final = ("manufacturer", "retailer", "repairer", "carrier", "holder", "none")
OUTCOMES: Final = ("fixed", "repairable", "end_of_life", "unknown")
"""What came of work: done, begun and neither done nor given up, given up; or nothing was said of any."""
STAGES: Final = (
    "open", "answered", "scheduled", "visited", "received", "away", "diagnosed", "quoted", "decided", "approved",
    "declined", "in_work", "work_done", "work_failed", "inspected", "exchanged", "returned", "handed_over", "accepted",
    "refused",
)  # fmt: skip


_NONE: Final = partial(array, "q")


class Cell:
    """The sums of one group. ``counts`` and ``lengths`` (microseconds) are by name, ``costs`` by currency."""

    __slots__ = ("costs", "counts", "lengths")

    def __init__(self) -> None:
        self.counts: Counter[str] = Counter()
        self.lengths: defaultdict[str, array[int]] = defaultdict(_NONE)
        self.costs: dict[str, Decimal] = {}

    def pay(self, currency: str, amount: Decimal) -> None:
        """Add one cost."""
        self.costs[currency] = self.costs.get(currency, Decimal(0)) + amount

    def sort(self) -> None:
        """Put the lengths in order, so that those of several groups together are sorted by merging."""
        for name, lengths in self.lengths.items():
            self.lengths[name] = array("q", sorted(lengths))

    def add(self, other: Cell) -> None:
        """Add all that another one has."""
        counts = self.counts
        for name, count in other.counts.items():
            counts[name] += count
        for name, lengths in other.lengths.items():
            self.lengths[name].extend(lengths)
        for currency, amount in other.costs.items():
            self.pay(currency, amount)


def total(cells: Iterable[Cell]) -> Cell:
    """The sums of several groups together."""
    found = Cell()
    for cell in cells:
        found.add(cell)
    return found


def seconds(microseconds: int, count: int = 1) -> int:
    """Whole seconds of a length of time, or of the mean of ``count``, halves up."""
    return (2 * microseconds + count * times.SECOND) // (2 * count * times.SECOND)


def lengths_of(lengths: Sequence[int]) -> dict[str, int]:
    """Count, mean, median and ninth decile of lengths of time, in seconds; of none, only the count."""
    if not lengths:
        return {"count": 0}
    ordered = sorted(lengths)
    count = len(ordered)
    middle = ordered[(count - 1) // 2] + ordered[count // 2]
    return {
        "count": count,
        "mean": seconds(sum(ordered), count),
        "median": seconds(middle, 2),
        "p90": seconds(ordered[(9 * count + 9) // 10 - 1]),
    }


def share(count: int, of: int) -> dict[str, int]:
    """A share as two counts."""
    return {"count": count, "of": of}


def figures(cell: Cell) -> dict[str, Any]:
    """Every figure of a group but those that rest on a standard or on names."""
    n = cell.counts
    return {
        "cases": n["cases"],
        "unverified": n["unverified"],
        "kinds": {kind: n[f"kind/{kind}"] for kind in CASE_KINDS},
        "issues": {issue: n[f"issue/{issue}"] for issue in ISSUES},
        "services": {"count": n["services"], **{one: n[f"outcome/{one}"] for one in OUTCOMES}},
        "clocks": {clock: _clock(cell, clock) for clock in clocks.CLOCKS},
        "limits": share(n["met"], n["judged"]),
        "stages": {one: lengths_of(cell.lengths.get(f"stage/{one}", ())) for one in STAGES},
        "waiting": {one: _waiting(cell, one) for one in CAUSES},
        "resolution": share(n["resolved"], n["resolvable"]),
        "complaints": _complaints(n),
        "repeats": share(n["repeats"], n["repairs"]),
        "responsible": {one: share(n[f"responsible/{one}"], n["diagnosed"]) for one in RESPONSIBLE},
        "warranty": share(n["in_warranty"], n["diagnosed"]),
        "satisfaction": {
            "customers": _ratings(n, ("device", "sealed")),
            **{custody: _ratings(n, (custody,)) for custody in CUSTODIES},
        },
        "evaluated": share(n["evaluated"], n["closed"]),
        "survey": {"coverage": share(n["surveyed"], n["closed"]), "response": share(n["answered"], n["asked"])},
        "completeness": share(n["present"], n["required"]),
        "records_right": share(n["statements"] - n["amended"], n["statements"]),
        "diagnosis_right": share(n["diagnoses"] - n["diagnoses_amended"], n["diagnoses"]),
        "feedback_answered": share(n["feedback_answered"], n["feedback"]),
        "maintenance": share(n["maintained"], n["maintenance_due"]),
        "sold": n["sold"],
        "delivered": n["delivered"],
        "costs": [{"currency": currency, "amount": f"{amount:f}"} for currency, amount in sorted(cell.costs.items())],
    }


def _clock(cell: Cell, clock: str) -> dict[str, Any]:
    n, name = cell.counts, f"clock/{clock}"
    return {
        **{basis: lengths_of(cell.lengths.get(f"{name}/{basis}", ())) for basis in BASES},
        "limit": share(n[f"{name}/met"], n[f"{name}/judged"]),
        "running": n[f"{name}/running"],
        "unfinished": n[f"{name}/unfinished"],
        "paused": share(
            seconds(sum(cell.lengths.get(f"{name}/paused", ()))), seconds(sum(cell.lengths.get(f"{name}/counted", ())))
        ),
        "provisional": n[f"{name}/provisional"],
    }


def _waiting(cell: Cell, cause: str) -> dict[str, int]:
    return {**lengths_of(cell.lengths.get(f"waiting/{cause}", ())), "open": cell.counts[f"waiting/{cause}/open"]}


def _complaints(n: Mapping[str, int]) -> dict[str, Any]:
    """Complaints by what they are about: of all cases, and on what was sold and delivered in the same time."""
    count = n["kind/complaint"]
    return {
        "count": count,
        "issues": {issue: share(n[f"complaint/{issue}"], count) for issue in ISSUES},
        "of_cases": share(count, n["cases"]),
        "of_sold": share(count, n["sold"]),
        "of_delivered": share(count, n["delivered"]),
    }


def _ratings(n: Mapping[str, int], custodies: Sequence[str]) -> dict[str, Any]:
    """The ratings of each dimension: their distribution from one to five, how many and their sum."""
    found = {}
    for dimension in RATINGS:
        spread = [sum(n[f"rating/{one}/{dimension}/{stars}"] for one in custodies) for stars in range(1, 6)]
        of = sum(spread)
        points = sum(stars * count for stars, count in enumerate(spread, 1))
        found[dimension] = {"count": of, "sum": points, "distribution": spread}
    return found
