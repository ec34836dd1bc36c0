"""What an assessor of after-sales service asks to see (GB/T 27922): figures of the report, and entries of the log.

It is a list to look things up by, and no claim of conformity: which figure of this report speaks to an area, and which
entries of the period (of standing arrangements, all there are) an assessor may open. Of many the first hundred are
named and the rest counted.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final, NamedTuple

from ledger.report_ask import Ask
from ledger.report_standing import Standing

SHOWN: Final = 100


class Area(NamedTuple):
    """One area of the assessment: types of statement that speak to it, and members of ``figures``."""

    name: str
    kinds: tuple[str, ...]
    figures: tuple[str, ...]


AREAS: Final[tuple[Area, ...]] = (
    Area("service_system_organisation", ("party.registered", "party.updated"), ()),
    Area("service_system_staff", ("staff.qualified", "staff.disqualified", "staff.left"), ("diagnosis_right",)),
    Area("service_system_rules", ("standard.adopted",), ("completeness", "limits", "attainment")),
    Area("service_system_supervision", ("audit.performed", "alarm.taken_up"), ("records_right", "attainment")),
    Area("service_system_improvement", ("improvement.planned", "improvement.done"), ("attainment",)),
    Area("service_system_continuity", ("service.interrupted", "service.resumed"), ("attainment",)),
    Area("goods_information", ("item.registered", "warranty.granted", "authentication.certified"), ("sold",)),
    Area("goods_delivery", ("item.delivered", "item.installed", "item.accepted", "item.refused"), ("delivered",)),
    Area(
        "goods_repair",
        ("repair.started", "repair.completed", "repair.failed", "repair.part_replaced", "case.inspected"),
        ("services", "clocks", "stages", "repeats"),
    ),
    Area("goods_maintenance", ("maintenance.performed",), ("maintenance",)),
    Area(
        "goods_quality_assurance",
        ("case.diagnosed", "exchange.completed", "return.completed", "item.recalled", "item.recall_closed"),
        ("warranty", "responsible", "found"),
    ),
    Area(
        "customers_contact",
        ("case.responded", "case.contacted", "case.followed_up"),
        ("clocks", "feedback_answered"),
    ),
    Area("customers_satisfaction", ("case.evaluated", "case.surveyed"), ("satisfaction", "evaluated", "survey")),
    Area("customers_complaints", ("case.decided", "case.escalated", "case.settled"), ("complaints", "resolution")),
)
_ABOUT_PARTIES: Final = frozenset(
    kind
    for area in AREAS
    for kind in area.kinds
    if kind.startswith(("party.", "staff.", "standard.", "audit.", "alarm.", "improvement.", "service."))
)


class Evidence:
    """The entries that were counted, by type: how many, and the first of them."""

    def __init__(self) -> None:
        self._counts: dict[str, int] = {}
        self._first: dict[str, list[int]] = {}

    def add(self, entries: Iterable[tuple[str, int]]) -> None:
        """Note entries of these types at these indexes."""
        for kind, index in entries:
            self._counts[kind] = self._counts.get(kind, 0) + 1
            self._first.setdefault(kind, []).append(index)
            if len(self._first[kind]) > 2 * SHOWN:
                self._first[kind] = sorted(self._first[kind])[:SHOWN]

    def merge(self, other: Evidence) -> None:
        """Add what another one has noted."""
        for kind, count in other._counts.items():
            self._counts[kind] = self._counts.get(kind, 0) + count
            self._first[kind] = sorted(self._first.get(kind, []) + other._first[kind])[:SHOWN]

    def document(self, standing: Standing, ask: Ask) -> list[dict[str, Any]]:
        """The areas, each with its figures and entries."""
        theirs = Evidence()
        theirs.merge(self)
        theirs.add(
            (entry.statement.type, entry.index)
            for entry in standing.entries
            if entry.statement.type in _ABOUT_PARTIES
            and standing.counts(entry.statement.subjects[0].partition("#")[0], ask.parties)
        )
        return [
            {"area": area.name, "figures": list(area.figures), "entries": [theirs._told(kind) for kind in area.kinds]}
            for area in AREAS
        ]

    def _told(self, kind: str) -> Mapping[str, Any]:
        return {
            "type": kind,
            "count": self._counts.get(kind, 0),
            "indexes": sorted(self._first.get(kind, ()))[:SHOWN],
        }
