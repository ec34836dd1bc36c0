"""The clocks of one case: what starts and stops each, and when the case waited (standards.md, Clocks).

The table is ``CLOCKS``. A clock that has stopped starts again with the next statement that starts it: each time is a
*run*. The rules say which of a statement's two times counts, and always so that writing late improves nothing:

- A run starts at the earlier of ``occurred_at`` and ``recorded_at``, and stops at what ``stopped`` says.
- The case waits from when ``case.waiting`` was recorded until the earlier time of what ended it: ``case.resumed``, for
  an approval the answer, or the closing. Another ``case.waiting`` changes what is waited for.
- A statement that was retracted stops, pauses and extends nothing; as a start and as the end of a wait it still counts.
  Corrections change no time and no limit.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final, NamedTuple

from msgspec import Struct

from ledger import times
from ledger.leaf import Entry
from ledger.standard_figures import Facts

TOLERANCE: Final = times.DAY
"""By how much a stop may be recorded late and still count as of when it occurred, if no limit is shorter."""
RESOLVED: Final = "resolved"

_DONE: Final = frozenset({"exchange.completed", "return.completed", "case.handed_over", "case.accepted"})
_OPENED: Final = frozenset({"case.opened"})


class Clock(NamedTuple):
    """What starts a clock and what stops it. ``after_care``: the closing of the case does not end it."""

    starts: frozenset[str]
    stops: frozenset[str]
    after_care: bool = False


CLOCKS: Final[Mapping[str, Clock]] = {
    "first_response": Clock(_OPENED, frozenset({"case.responded"})),
    "preliminary": Clock(_OPENED, frozenset({"case.diagnosed", "case.decided", "case.scheduled"})),
    "visit": Clock(_OPENED, frozenset({"case.scheduled"})),
    "complaint": Clock(_OPENED, frozenset({"case.decided"})),
    "processed": Clock(_OPENED | {"case.received"}, _DONE),
    "resolution": Clock(_OPENED | {"case.reopened"}, _DONE | {"case.closed"}),
    "bench": Clock(frozenset({"repair.started"}), frozenset({"repair.completed"})),
    "feedback": Clock(
        frozenset({"item.delivered"}),
        frozenset({"case.contacted", "case.followed_up", "case.evaluated"}),
        after_care=True,
    ),
    "call_back": Clock(
        frozenset({"case.handed_over", "case.accepted"}), frozenset({"case.followed_up"}), after_care=True
    ),
}
_RELEVANT: Final = frozenset().union(*(clock.starts | clock.stops for clock in CLOCKS.values())) | {
    "case.waiting", "case.resumed", "case.approved", "case.declined", "case.extended", "case.closed", "case.reopened",
}  # fmt: skip


def _concerned() -> dict[str, tuple[str, ...]]:
    """The clocks that a type of statement can start, stop or end."""
    always = {"case.closed", "case.reopened"}
    return {
        kind: tuple(name for name, clock in CLOCKS.items() if kind in always | clock.starts | clock.stops)
        for kind in _RELEVANT
    }


_CONCERNED: Final[Mapping[str, tuple[str, ...]]] = _concerned()


class Step(Struct, frozen=True, gc=False):
    """A statement that matters to clocks, with its two times and the earlier of them."""

    type: str
    id: str
    occurred: int
    recorded: int
    details: Mapping[str, Any]
    earlier: int
    by_person: bool
    retracted: bool


class Wait(NamedTuple):
    """A time of waiting; ``end`` is ``None`` while it lasts."""

    cause: str
    start: int
    end: int | None


class Run(Struct, gc=False):
    """One run of a clock: its start, and its stop, or how the case was closed without one."""

    clock: str
    start: Step
    stop: Step | None = None
    closed: Step | None = None


class Course(Struct, frozen=True):
    """The course of one case as clocks see it."""

    facts: Facts
    runs: tuple[Run, ...]
    waits: tuple[Wait, ...]
    extensions: tuple[Step, ...]


def course(entries: Iterable[Entry], category: str = "") -> Course:
    """The runs, waits and extensions of a case from its entries in the order of the log.

    The entries of the item's deliveries may stand among them. ``category`` is that of the item.
    """
    steps = _steps(entries)
    opened = next((step.details for step in steps if step.type == "case.opened"), {})
    facts = Facts(
        opened.get("kind", ""), opened.get("issue", ""), opened.get("mode", ""), opened.get("tier", 0), category
    )
    runs: dict[str, list[Run]] = {
        name: [] for name in CLOCKS if name not in _APPLIES or _APPLIES[name](facts, opened, steps)
    }
    for step in steps:
        for name in _CONCERNED[step.type]:
            if name in runs:
                _follow(CLOCKS[name], name, runs[name], step)
    return Course(
        facts=facts,
        runs=tuple([run for those in runs.values() for run in those]),
        waits=tuple(_waits(steps)),
        extensions=tuple([step for step in steps if step.type == "case.extended" and not step.retracted]),
    )


def stopped(stop: Step, tolerance: int) -> int:
    """When a stop counts: as of ``occurred_at`` if it was recorded at most ``tolerance`` later, else as recorded."""
    return stop.occurred if stop.recorded - stop.occurred <= min(tolerance, TOLERANCE) else stop.recorded


def _steps(entries: Iterable[Entry]) -> list[Step]:
    given = list(entries)
    retracted = {one.statement.corrects for one in given if one.statement.type == "statement.retracted"}
    steps = []
    for one in given:
        said = one.statement
        if said.type in _RELEVANT:
            occurred, recorded = times.parse_occurred(said.occurred_at), times.parse_recorded(one.recorded_at)
            earlier = min(recorded, occurred)
            by_person, taken_back = said.agent is not None, said.id in retracted
            steps.append(Step(said.type, said.id, occurred, recorded, said.details, earlier, by_person, taken_back))
    return steps


def _is_processed(facts: Facts, opened: Mapping[str, Any], steps: list[Step]) -> bool:
    """A return, an exchange, or a repair under warranty as the last diagnosis, or else the opening, has it."""
    if facts.kind != "repair":
        return facts.kind in {"return", "exchange"}
    diagnoses = [step.details for step in steps if step.type == "case.diagnosed" and not step.retracted]
    return bool(diagnoses[-1]["in_warranty"] if diagnoses else opened.get("warranty_claim", False))


_APPLIES: Final[Mapping[str, Callable[[Facts, Mapping[str, Any], list[Step]], bool]]] = {
    "visit": lambda facts, _opened, _steps: facts.mode == "on_site",
    "complaint": lambda facts, _opened, _steps: facts.kind == "complaint",
    "processed": _is_processed,
}
"""Whether a case has a clock at all, where not every case has it."""


def _follow(clock: Clock, name: str, runs: list[Run], step: Step) -> None:
    """Let one clock see one step: a stop first, because a hand-over ends one run and a receipt starts the next."""
    last = runs[-1] if runs else None
    if last is not None and last.stop is None and last.closed is None:
        if step.type in clock.stops and not step.retracted and _stops(step):
            last.stop = step
            return
        if step.type == "case.closed" and not step.retracted and not clock.after_care:
            last.closed = step
            return
        if name == "processed" and step.type == "case.received" and last.start.type == "case.opened":
            last.start = step  # what is handed in counts from when it came
    elif step.type in clock.starts or (step.type == "case.reopened" and last and last.closed is not None):
        runs.append(Run(name, step))


def _stops(step: Step) -> bool:
    if step.type == "case.responded":
        return step.by_person
    return step.type != "case.closed" or step.details["outcome"] == RESOLVED


def _waits(steps: list[Step]) -> list[Wait]:
    waits: list[Wait] = []
    cause, start = "", 0
    for step in steps:
        if step.type == "case.waiting" and not step.retracted:
            if cause:
                waits.append(Wait(cause, start, max(start, step.recorded)))
            cause, start = step.details["for"], step.recorded
        elif cause and _ends_wait(step, cause):
            waits.append(Wait(cause, start, max(start, step.earlier)))
            cause = ""
    if cause:
        waits.append(Wait(cause, start, None))
    return waits


def _ends_wait(step: Step, cause: str) -> bool:
    if step.type in {"case.approved", "case.declined"}:
        return cause == "approval"
    return step.type in {"case.resumed", "case.closed"}
