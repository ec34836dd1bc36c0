"""A report: what a ledger says, up to a checkpoint, of how cases went in a period (standards.md, Reports).

A ``Tally`` is fed the entries of one subject after another and keeps sums by group and by month, so that parts of a
ledger may be counted apart, by several processes, and added. ``document`` makes of it a canonical document that names
what it rests on: the checkpoint as it was signed, the standards with their hashes, the calendars with one hash, and
what was asked. Whoever has the entries below the checkpoint comes to the same bytes; nothing of when or where it was
made is in it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from functools import partial
from hashlib import sha256
from typing import Any, Final

from ledger import canonical, days, disclosure, report_improved, times
from ledger.checkpoint import Checkpoint
from ledger.days import Year
from ledger.errors import Invalid
from ledger.report_ask import OF_SALES, TRENDS, Ask, bucket
from ledger.report_case import Counted, Counting, Subject, Told
from ledger.report_cell import Cell, figures, total
from ledger.report_evidence import Evidence
from ledger.report_measures import scores, targets
from ledger.report_standing import Key, Standing

FORMAT: Final = "patina/report/v1"
MAX_GROUPS: Final = 20_000
"""Groups of a report; one of more is asked for by fewer dimensions."""

Place = tuple[tuple[str, ...] | None, str]
"""A group, ``None`` for what belongs to the whole alone, and a step of the trend."""


@dataclass(slots=True)
class Sums:
    """What was counted, to be added to what others have counted: sums by group and step, and what they rest on."""

    cells: defaultdict[Place, Cell] = field(default_factory=partial(defaultdict, Cell))
    improved: dict[int, tuple[Cell, Cell]] = field(default_factory=dict)
    years: dict[tuple[str, int, str], Year] = field(default_factory=dict)
    keys: dict[str, Key] = field(default_factory=dict)
    evidence: Evidence = field(default_factory=Evidence)

    def merge(self, other: Sums) -> None:
        """Add what was counted of other subjects."""
        for place, cell in other.cells.items():
            self.cells[place].add(cell)
        for number, cells in other.improved.items():
            mine = self.improved.setdefault(number, (Cell(), Cell()))
            for one, more in zip(mine, cells, strict=True):
                one.add(more)
        self.years |= other.years
        self.keys |= other.keys
        self.evidence.merge(other.evidence)


class Tally:
    """Counts subjects; ``as_of`` is when the last leaf below the checkpoint was recorded, in microseconds."""

    def __init__(
        self, ask: Ask, standing: Standing, as_of: int, disclosures: Mapping[str, Sequence[str]] | None = None
    ) -> None:
        self.ask = ask
        self.standing = standing
        self.sums = Sums()
        self._steps = [step for step in TRENDS if step in {ask.trend, *ask.by}]
        self.improvements = report_improved.improvements(standing, ask.parties)
        self.counting = Counting(ask, standing, as_of, self._wants, disclosures or {})

    def add(self, told: Told) -> None:
        """Count all entries of one subject, oldest first with their leaf hashes."""
        for counted in Subject(told, self.counting).counted():
            for number, one in enumerate(self.improvements):
                when = one.when(counted.party, counted.at, counted.index)
                if when is not None and counted.add is not None:
                    counted.add(self.sums.improved.setdefault(number, (Cell(), Cell()))[when])
            if self.ask.period.holds(counted.day):
                self._count(counted)

    def _wants(self, party: str, day: date, at: int, index: int) -> bool:
        if not self.standing.counts(party, self.ask.parties):
            return False
        return self.ask.period.holds(day) or any(one.when(party, at, index) is not None for one in self.improvements)

    def _count(self, counted: Counted) -> None:
        if self.ask.evidence:
            self.sums.evidence.add(counted.entries)
        if counted.add is None:
            return
        for step in self._steps:
            counted.dimensions[step] = bucket(counted.day, step)
        grouped = not counted.is_sale or OF_SALES.issuperset(self.ask.by)
        group = tuple([counted.dimensions.get(name, "") for name in self.ask.by]) if grouped else None
        cell = self.sums.cells[group, counted.dimensions[self.ask.trend]]
        counted.add(cell)
        cell.counts[f"party/{counted.party}"] += 1
        if counted.judged_by:
            name = ",".join(map(str, counted.judged_by))
            self.sums.keys[name] = counted.judged_by
            cell.counts[f"standard/{name}"] += 1
        for year in counted.years:
            self.sums.years[(year.name, year.year, year.hash)] = year


def document(tally: Tally, checkpoint: Checkpoint, note: str) -> dict[str, Any]:
    """The report of what was counted up to a checkpoint; ``note`` is its signed note.

    Raises ``Invalid`` for one with too many groups.
    """
    groups = sorted({group for group, _ in tally.sums.cells if group is not None}) if tally.ask.by else []
    if len(groups) > MAX_GROUPS:
        raise Invalid(f"got {len(groups)} groups, want at most {MAX_GROUPS}: ask by fewer dimensions", "/by")
    by_group: dict[tuple[str, ...], list[Cell]] = {group: [] for group in groups}
    by_step: dict[str, list[Cell]] = {}
    for cell in tally.sums.cells.values():
        cell.sort()
    for (group, step), cell in sorted(tally.sums.cells.items(), key=lambda one: (one[0][1], one[0][0] or ())):
        by_step.setdefault(step, []).append(cell)
        if group in by_group:
            by_group[group].append(cell)
    whole = total(tally.sums.cells.values())
    made = {
        "format": FORMAT,
        "origin": checkpoint.origin,
        "checkpoint": note,
        "size": checkpoint.size,
        "as_of": times.format_recorded(tally.counting.as_of),
        "asked": tally.ask.document(),
        "disclosures": disclosed(tally.counting.disclosures),
        "standards": _standards(tally),
        "calendar": _calendar(tally.sums.years.values()),
        "parties": _names(tally, whole),
        "figures": _described(tally, whole),
        "groups": [
            {"key": dict(zip(tally.ask.by, group, strict=True)), "figures": _described(tally, total(cells))}
            for group, cells in by_group.items()
        ],
        "trend": [{"step": step, "figures": _described(tally, total(cells))} for step, cells in by_step.items()],
        "improvements": [
            one.document(*tally.sums.improved.get(number, (Cell(), Cell())))
            for number, one in enumerate(tally.improvements)
        ],
    }
    if tally.ask.evidence:
        made["evidence"] = tally.sums.evidence.document(tally.standing, tally.ask)
    return made


def encode(report: Mapping[str, Any]) -> bytes:
    """The canonical bytes of a report."""
    return canonical.encode(report)


def _described(tally: Tally, cell: Cell) -> dict[str, Any]:
    """The figures of a group, and what they are by the standards that judged it."""
    report_improved.add_counts(cell, tally.improvements, tally.ask, tally.standing)
    found = figures(cell)
    found["found"] = [
        {"party": name.removeprefix("found/"), "count": count}
        for name, count in sorted(cell.counts.items())
        if name.startswith("found/")
    ]
    judged = [tally.sums.keys[name] for name in tally.sums.keys if cell.counts[f"standard/{name}"]]
    found["attainment"] = [
        {
            "standards": list(key),
            "cases": cell.counts[f"standard/{','.join(map(str, key))}"],
            "targets": targets(tally.standing.combined(key), cell),
            "scores": scores(tally.standing.combined(key), cell),
        }
        for key in sorted(judged)
    ]
    return found


def _standards(tally: Tally) -> list[dict[str, Any]]:
    """The standards that judged a case: by index of their adoption, with the hash of the document adopted."""
    rows = []
    for index in sorted({index for key in tally.sums.keys.values() for index in key}):
        statement = tally.standing.adoption(index).statement
        rows.append(
            {
                "index": index,
                "party": statement.subjects[0],
                "standard": statement.details["standard"],
                "version": statement.details["version"],
                "sha256": sha256(canonical.encode(statement.details)).hexdigest(),
            }
        )
    return rows


def _calendar(years: Iterable[Year]) -> dict[str, Any]:
    found = sorted(years, key=lambda one: (one.name, one.year, one.hash))
    return {
        "sha256": days.fingerprint(found),
        "years": [{"name": one.name, "year": one.year, "sha256": one.hash} for one in found],
    }


def _names(tally: Tally, whole: Cell) -> list[dict[str, str]]:
    """The names of the parties that a report is about, as registered last."""
    found = {name.partition("/")[2] for name in whole.counts if name.startswith(("party/", "found/"))}
    return [
        {"party": party, "name": str(tally.standing.members(party).get("name", ""))}
        for party in sorted(found | set(tally.ask.parties))
    ]


def disclosed(disclosures: Mapping[str, Sequence[str]]) -> str:
    """What was disclosed to whoever made the report, as one hash; "" if nothing was."""
    if not disclosures:
        return ""
    told = sorted(disclosure.digest(one) for those in disclosures.values() for one in those)
    return sha256("\n".join(told).encode()).hexdigest()
