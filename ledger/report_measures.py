"""Measures by the names that standards use: whether targets are met, and the scores that weights make of them.

A measure is a share, a count of a count. Of ``satisfied`` a target asks for the mean rating and a score for the share
of those that rate so high. A part of a score earns its weight in full where its own target is reached and in proportion
below it; a score of which one part has nothing to be measured by is not given.

>>> cell = Cell()
>>> cell.counts.update({"resolved": 45, "resolvable": 100})
>>> measured("resolved", cell)
(45, 100)
>>> earned({"measure": "resolved", "weight": "30", "at_least": "90"}, cell)
Fraction(15, 1)
"""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from typing import Any, Final

from ledger import clocks
from ledger.report_cell import Cell, share
from ledger.standard import Standard
from ledger.standard_figures import Span
from ledger.standard_shape import unit_of

_SHARES: Final[Mapping[str, tuple[str, str]]] = {
    "resolved": ("resolved", "resolvable"),
    "feedback_answered": ("feedback_answered", "feedback"),
    "survey_answers": ("answered", "asked"),
    "maintenance_done": ("maintained", "maintenance_due"),
    "targets_met": ("met", "judged"),
    "complaint_rate": ("kind/complaint", "cases"),
    "repeat_rate": ("repeats", "repairs"),
    "completeness": ("present", "required"),
    "improvements_done": ("improvements_done", "improvements_planned"),
    "continuity": ("up", "time"),
}
_RIGHT: Final[Mapping[str, tuple[str, str]]] = {
    "records_right": ("amended", "statements"),
    "diagnosis_right": ("diagnoses_amended", "diagnoses"),
}
RATED: Final[Mapping[str, str]] = {"satisfied": "overall", "satisfaction": "overall", "attitude": "attitude"}
"""The measures that are stars given by so many, and the dimension that they are of."""
_WITHIN: Final[Mapping[str, str]] = {"response": "first_response", "handling": "preliminary"}
_CUSTOMERS: Final = ("device", "sealed")
_BEST: Final = 5


def measured(name: str, cell: Cell) -> tuple[int, int] | None:
    """The share that a measure is in a group, or ``None`` for one that is not known or has nothing to be of.

    A rating is the sum of the stars of so many; the name of a clock is the share of its limits that were kept.
    """
    n = cell.counts
    if name in _SHARES:
        count, of = (n[one] for one in _SHARES[name])
    elif name in _RIGHT:
        wrong, of = (n[one] for one in _RIGHT[name])
        count = of - wrong
    elif name in RATED:
        spread = _spread(cell, RATED[name])
        count, of = sum(stars * one for stars, one in spread.items()), sum(spread.values())
    elif name in clocks.CLOCKS:
        count, of = n[f"clock/{name}/met"], n[f"clock/{name}/judged"]
    else:
        return None
    return (count, of) if of else None


def targets(standard: Standard, cell: Cell) -> list[dict[str, Any]]:
    """Each target of a standard, what was reached, and whether that is enough; null without anything to measure."""
    rows = []
    for one in standard.document.get("targets", ()):
        found = measured(one["measure"], cell)
        scale = 1 if "of" in one else 100
        met = None if found is None else Fraction(found[0] * scale, found[1]) >= Fraction(one["at_least"])
        rows.append({**one, "reached": None if found is None else share(*found), "met": met})
    return rows


def scores(standard: Standard, cell: Cell) -> list[dict[str, Any]]:
    """Each score of a standard with the points of its parts, of one hundred, with two decimals."""
    rows = []
    for one in standard.document.get("weights", ()):
        points = [earned(part, cell) for part in one["parts"]]
        known = [point for point in points if point is not None]
        parts = [
            {**part, "points": None if point is None else decimals(point)}
            for part, point in zip(one["parts"], points, strict=True)
        ]
        total = decimals(sum(known, Fraction(0))) if len(known) == len(points) else None
        rows.append({"score": one["score"], "points": total, "parts": parts, "source": one["source"]})
    return rows


def earned(part: Mapping[str, Any], cell: Cell) -> Fraction | None:
    """The points that a part of a score earns; ``None`` without anything to measure."""
    name, weight = part["measure"], Fraction(part["weight"])
    if "of" in part and name in RATED:
        spread = _spread(cell, RATED[name])
        found = (
            sum(count for stars, count in spread.items() if stars >= Fraction(part["at_least"])),
            sum(spread.values()),
        )
        return weight * Fraction(*found) if found[1] else None
    within = "within" in part and name in _WITHIN
    reached = _within(cell, _WITHIN[name], Span(*unit_of(part["within"])).nominal) if within else measured(name, cell)
    if reached is None:
        return None
    rate = Fraction(*reached) / (_BEST if name in RATED else 1)
    if "at_least" in part:
        rate = min(Fraction(1), rate * 100 / Fraction(part["at_least"]))
    return weight * rate


def decimals(value: Fraction) -> str:
    """A number with two decimals, halves up."""
    hundredths = (2 * value.numerator * 100 + value.denominator) // (2 * value.denominator)
    return f"{hundredths // 100}.{hundredths % 100:02}"


def _within(cell: Cell, clock: str, length: int) -> tuple[int, int] | None:
    """How many runs of a clock stopped within a length of time, of all that there were."""
    lengths, n = cell.lengths.get(f"clock/{clock}/counted", ()), cell.counts
    of = len(lengths) + n[f"clock/{clock}/running"] + n[f"clock/{clock}/unfinished"]
    return (sum(one <= length for one in lengths), of) if of else None


def _spread(cell: Cell, dimension: str) -> dict[int, int]:
    """How many customers gave so many stars; what the bearer of a receipt says is no customer's figure."""
    return {
        stars: sum(cell.counts[f"rating/{custody}/{dimension}/{stars}"] for custody in _CUSTOMERS)
        for stars in range(1, _BEST + 1)
    }
