"""What one subject's entries add to a report: its cases, the work done without one, its sales and deliveries.

Each case is folded by ``cases`` and measured by ``measure``, as everywhere else; here the outcome becomes sums. What is
measured or rated counts as it was said first; what a case is grouped by counts as corrected since.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from functools import partial
from typing import Any, Final, NamedTuple

from ledger import clocks, measure, private, report_sums, steps, times
from ledger.calendar import WorkingTime
from ledger.caseload import entries_of, facts_of, party_of
from ledger.cases import cases_of
from ledger.course import Course
from ledger.days import Year
from ledger.leaf import Entry, Statement
from ledger.report_ask import Ask
from ledger.report_cell import Cell
from ledger.report_standing import Key, Standing
from ledger.report_sums import OUTCOME_OF
from ledger.standard import Standard

REPEAT: Final = 90 * times.DAY
"""Within this time after a repair, another for the same fault is a repeat (house)."""
_DONE: Final = ("repair.completed", "case.handed_over", "case.accepted")
Told = Sequence[tuple[Entry, str]]


class _Names(NamedTuple):
    """What the sums of a clock are called."""

    provisional: str
    running: str
    judged: str
    met: str
    unfinished: str
    counted: str
    stated: str
    recorded: str
    paused: str


_CLOCKS: Final = {clock: _Names(*[f"clock/{clock}/{name}" for name in _Names._fields]) for clock in clocks.CLOCKS}


@dataclass(slots=True)
class Counted:
    """One case, or other thing that is counted: where it belongs, and ``add``, which adds it to the sums of a group.

    ``at`` is when it counts and ``index`` where in the log, ``years`` are those of its party's calendar. What only
    evidence names adds nothing.
    """

    party: str
    day: date
    at: int
    index: int
    dimensions: dict[str, str]
    add: Callable[[Cell], None] | None
    judged_by: Key = ()
    years: tuple[Year, ...] = ()
    entries: tuple[tuple[str, int], ...] = ()
    is_sale: bool = False


@dataclass(frozen=True, slots=True)
class Counting:
    """What counting rests on besides the entries: the request, the parties, and the time of the checkpoint's last leaf.

    ``wants`` says of a party, a day, a moment and an index whether what stands there is counted. ``disclosures`` are
    of private members, by statement.
    """

    ask: Ask
    standing: Standing
    as_of: int
    wants: Callable[[str, date, int, int], bool]
    disclosures: Mapping[str, Sequence[str]]


class Subject:
    """All entries of an item, or of a case of its own, oldest first with their leaf hashes."""

    def __init__(self, told: Told, counting: Counting) -> None:
        self._told = told
        self._counting = counting
        self._standing = counting.standing
        self._subject = told[0][0].statement.subjects[0]
        self._kinds = {entry.statement.type for entry, _ in told}
        self._retracted = self._taken_back() if "statement.retracted" in self._kinds else frozenset()
        self._item = self._details_of("item.registered") if "item.registered" in self._kinds else {}
        self._category = self._item.get("category", "")
        self._model = " ".join(filter(None, (self._item.get("brand", ""), self._item.get("model", ""))))
        self._repaired: list[tuple[str, int]] = []

    def counted(self) -> Iterator[Counted]:
        """Everything that this subject adds, cases in the order in which they were opened."""
        courses = cases_of(self._told)
        for course in courses:
            counted = self._case(course)
            if counted is not None:
                yield counted
        yield from self._services(bool(courses))
        yield from self._others()

    def _taken_back(self) -> frozenset[str | None]:
        said = (entry.statement for entry, _ in self._told)
        return frozenset(one.corrects for one in said if one.type == "statement.retracted")

    def _details_of(self, kind: str) -> dict[str, Any]:
        """The details of the first statement of a type, of which there is one, as corrected last."""
        said = next(entry.statement for entry, _ in self._told if entry.statement.type == kind)
        if "statement.corrected" in self._kinds:
            for entry, _ in reversed(self._told):
                statement = entry.statement
                if statement.type == "statement.corrected" and statement.corrects == said.id:
                    corrected: dict[str, Any] = statement.details.get("details", said.details)
                    return corrected
        return said.details

    def _moment(self, statement: Statement, recorded_at: str) -> int:
        if self._counting.ask.times == "stated":
            return times.parse_occurred(statement.occurred_at)
        return steps.happened_at(statement.occurred_at, recorded_at)

    def _place(self, party: str, entry: Entry) -> tuple[int, date, WorkingTime, tuple[Year, ...]]:
        """When an entry counts, on which day of its party, and that party's working time."""
        at = self._moment(entry.statement, entry.recorded_at)
        working, years = self._standing.working(party)
        return at, working.day_of(at), working, years

    def _dimensions(self, party: str) -> dict[str, str]:
        return {
            "party": party,
            "region": self._standing.members(party).get("country", ""),
            "line": self._category,
            "model": self._model,
        }

    def _case(self, course: Course) -> Counted | None:
        opened = next(entry for entry, _ in self._told if entry.index == course.opened.index)
        if not course.opened.stands:
            return None
        party = party_of(course, self._told, self._standing.operator)
        at, day, working, years = self._place(party, opened)
        repeat = self._repeats(course)
        if not self._counting.wants(party, day, at, opened.index):
            return None
        key, standard = self._standing.judge(party, course.opened.index, facts_of(course, self._category))
        add = partial(self._add_case, course=course, standard=standard, working=working, repeat=repeat)
        counted = Counted(party, day, at, opened.index, self._dimensions(party), add, judged_by=key, years=years)
        for name in self._counting.ask.by:
            if name in _OF_CASES:
                counted.dimensions[name] = _OF_CASES[name](course)
        if self._counting.ask.evidence:
            counted.entries = tuple((step.type, step.index) for step in course.steps)
        return counted

    def _add_case(
        self, cell: Cell, *, course: Course, standard: Standard | None, working: WorkingTime, repeat: bool | None
    ) -> None:
        report_sums.add_opening(cell, course)
        report_sums.add_repeat(cell, repeat)
        self._add_clocks(cell, course, standard, working)
        report_sums.add_stages(cell, course)
        report_sums.add_findings(cell, course)
        report_sums.add_customers(cell, course)
        report_sums.add_records(cell, course, standard)
        if self._counting.disclosures:
            self._add_costs(cell, [entry for entry, _ in self._told if entry.statement.case == course.case])

    def _repeats(self, course: Course) -> bool | None:
        """Whether a repair is for a fault that was repaired before; ``None`` for what is no repair of a known fault."""
        fault = course.opened.details.get("fault", "")
        if course.kind != "repair" or not fault:
            return None
        opened = course.opened.happened
        found = any(one == fault and 0 <= opened - done <= REPEAT for one, done in self._repaired)
        done = course.last(*_DONE)
        if done is not None:
            self._repaired.append((fault, done.happened))
        return found

    def _add_clocks(self, cell: Cell, course: Course, standard: Standard | None, working: WorkingTime) -> None:
        n, lengths = cell.counts, cell.lengths
        measures = measure.measure(entries_of(course, self._told), standard, working, self._category)
        resolution = [one for one in measures if one.clock == "resolution"][-1]
        n["resolved"] += resolution.stop is not None
        n["resolvable"] += resolution.closed != "withdrawn"
        for one in measures:
            names = _CLOCKS[one.clock]
            if one.provisional:
                n[names.provisional] += 1
            if one.stopped_at is None:
                n[names.running] += 1
                continue
            met = one.met
            if met is not None:
                n[names.judged] += 1
                n["judged"] += 1
                if met:
                    n[names.met] += 1
                    n["met"] += 1
            if one.stop is None:
                n[names.unfinished] += 1
                continue
            assert one.stated is not None, "it was stopped"
            assert one.recorded is not None, "it was stopped"
            lengths[names.counted].append(one.stopped_at - one.started_at)
            lengths[names.stated].append(max(0, one.stated - one.started_at))
            lengths[names.recorded].append(max(0, one.recorded - one.started_at))
            if one.waits:
                lengths[names.paused].append(one.paused(self._counting.as_of))

    def _add_costs(self, cell: Cell, entries: Sequence[Entry]) -> None:
        """What work has cost, as far as it was disclosed; a disclosure must be of the statement's own digests."""
        for entry in entries:
            statement = entry.statement
            given = self._counting.disclosures.get(statement.id)
            if given is None or statement.id in self._retracted:
                continue
            cost = private.read_disclosures(statement.type, statement.sd or (), given).get("cost")
            if cost is not None:
                value = cost.value if isinstance(cost.value, dict) else {"amount": cost.value}
                currency = str(value.get("currency", ""))
                cell.counts["costs"] += 1
                cell.pay(currency, Decimal(value["amount"]))

    def _services(self, has_cases: bool) -> Iterator[Counted]:
        """Work without a case, one service for each party; an item taken in of which nothing else is known is one."""
        work: dict[str, list[Entry]] = {}
        for entry, _ in self._told:
            statement = entry.statement
            if statement.case is None and statement.type in OUTCOME_OF and statement.id not in self._retracted:
                work.setdefault(statement.party, []).append(entry)
        first = self._told[0][0]
        if not work and not has_cases and self._item.get("origin") == "intake":
            work[first.statement.party] = [first]
        for party, entries in work.items():
            at, day, _, years = self._place(party, entries[0])
            if self._counting.wants(party, day, at, entries[0].index):
                add = partial(self._add_work, entries=entries)
                counted = Counted(party, day, at, entries[0].index, self._dimensions(party), add, years=years)
                last = entries[-1].statement
                counted.dimensions["staff"] = _agent_of(last.details, last.agent)
                counted.entries = tuple((one.statement.type, one.index) for one in entries if one is not first)
                yield counted

    def _add_work(self, cell: Cell, entries: Sequence[Entry]) -> None:
        cell.counts["services"] += 1
        cell.counts[f"outcome/{OUTCOME_OF.get(entries[-1].statement.type, 'unknown')}"] += 1
        self._add_costs(cell, entries)

    def _others(self) -> Iterator[Counted]:
        """Sales, deliveries and maintenance that fell due; for evidence, whatever else was said without a case."""
        evidence = self._counting.ask.evidence
        for entry, _ in self._told:
            statement = entry.statement
            name = _COUNTS.get(statement.type, "")
            if not (name or (evidence and not statement.case)) or statement.id in self._retracted:
                continue
            party = statement.party
            at, day, working, years = self._place(party, entry)
            maintained = False
            if name == "maintenance_due":
                due = _moment_of(statement.details["next_due"], working) if "next_due" in statement.details else None
                if due is None or due > self._counting.as_of:
                    continue
                at, day = due, working.day_of(due)
                maintained = self._maintained(entry.index, due)
            if self._counting.wants(party, day, at, entry.index):
                add = partial(_add_other, name=name, maintained=maintained) if name else None
                said = () if statement.type in OUTCOME_OF else ((statement.type, entry.index),)
                where = party, day, at, entry.index, self._dimensions(party)
                yield Counted(*where, add, years=years, entries=said, is_sale=True)

    def _maintained(self, index: int, due: int) -> bool:
        """Whether maintenance was done again after the entry at ``index`` and before it was due."""
        return any(
            entry.index > index
            and entry.statement.type == "maintenance.performed"
            and steps.happened_at(entry.statement.occurred_at, entry.recorded_at) <= due
            for entry, _ in self._told
        )


_COUNTS: Final = {"item.sold": "sold", "item.delivered": "delivered", "maintenance.performed": "maintenance_due"}


def _add_other(cell: Cell, name: str, *, maintained: bool) -> None:
    cell.counts[name] += 1
    cell.counts["maintained"] += maintained


def staff_of(course: Course) -> str:
    """Who of the staff did the work, or else took part last; "" if nobody is named."""
    work = course.last(*OUTCOME_OF)
    if work is not None and (found := _agent_of(work.details, work.agent)):
        return found
    for step in reversed(course.steps):
        if step.agent:
            return step.agent
    return ""


def _found(course: Course, member: str) -> str:
    """What the last diagnosis that stands says."""
    diagnosis = course.last("case.diagnosed")
    return "" if diagnosis is None else str(diagnosis.details.get(member, ""))


_OF_CASES: Final[Mapping[str, Callable[[Course], str]]] = {
    "fault": lambda course: str(course.opened.details.get("fault", "")),
    "channel": lambda course: str(course.opened.details["channel"]),
    "mode": lambda course: course.mode,
    "team": lambda course: course.assigned_to,
    "staff": staff_of,
    "kind": lambda course: course.kind,
    "issue": lambda course: str(course.opened.details["issue"]),
    "responsible": partial(_found, member="responsible"),
    "responsible_party": partial(_found, member="responsible_party"),
}
"""The dimensions that only cases have."""


def _agent_of(details: Any, agent: str | None) -> str:
    named = details.get("agents", ())
    return str(named[0]) if named else agent or ""


def _moment_of(text: str, working: WorkingTime) -> int:
    """A moment that something is due at; of a day, its end at the party."""
    return times.parse_occurred(text) if "T" in text else working.end_of(date.fromisoformat(text))
