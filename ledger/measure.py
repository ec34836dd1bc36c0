"""How long the clocks of one case ran, and when each is due: a pure function of statements, standard and calendar.

``measure`` gives one ``Measure`` for each run of each clock (``clocks``). A run has a *budget*: the length of its limit
by the clock, by opening hours, or up to the close of the last working day. Waiting uses none of it. It is due when the
budget is used, warns at three quarters, and stands still, due at no known time, while the case waits.

``case.extended`` gives a running limit another end: if it is recorded before the limit is due, later than that, and the
standard has room for it (``at_most``; ``hard`` for a hard case, which then gets the least of its range at once). A
promised day takes the place of the wait in which it is promised; what is waited for after it moves it as it moves any.

docs/deadlines.md works an example by hand. Times and lengths are microseconds.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date
from typing import Final

from msgspec import Struct

from ledger import clocks, times
from ledger.calendar import WorkingTime
from ledger.clocks import RESOLVED, Course, Run, Step, Wait
from ledger.leaf import Entry
from ledger.standard import Standard
from ledger.standard_figures import Limit, Span

ELAPSED: Final = frozenset({"minutes", "hours", "days"})
_DATE_LENGTH: Final = len("YYYY-MM-DD")


class Measure(Struct, frozen=True, gc=False):
    """One run of one clock.

    ``due_at`` and ``warn_at`` are ``None`` where no limit binds a single case, and while it waits before they are
    reached; ``published_at`` is when it would be due without extensions. ``stopped_at`` is when the stop counts;
    ``stated`` and ``recorded`` are when it was said to have occurred and when it was recorded. ``closed`` is the
    outcome of a case that was closed before the clock stopped. ``waits`` are the pauses of this run. ``provisional``
    says that days were used which nobody adopted.
    """

    clock: str
    run: int
    start: str
    started_at: int
    limit: Limit | None = None
    due_at: int | None = None
    warn_at: int | None = None
    published_at: int | None = None
    stop: str | None = None
    stopped_at: int | None = None
    stated: int | None = None
    recorded: int | None = None
    closed: str | None = None
    waits: tuple[Wait, ...] = ()
    extensions: tuple[str, ...] = ()
    provisional: bool = False

    @property
    def met(self) -> bool | None:
        """Whether the limit was kept; ``None`` while it runs, without one, and for a case that was withdrawn.

        A case closed as unresolved kept none that it did not stop; one closed as resolved is judged by the closing.
        """
        if self.limit is None or self.limit.average or self.stopped_at is None or self.closed == "withdrawn":
            return None
        return self.closed in {None, RESOLVED} and self.due_at is not None and self.stopped_at <= self.due_at

    def standing(self, now: int) -> str:
        """How it stands: ``met``, ``missed``, ``ended``; else ``running`` (without a limit), ``waiting``, ``on_time``,
        ``due_soon`` (three quarters are used) or ``overdue`` (past the limit, not at it).
        """
        if self.stopped_at is not None:
            return "ended" if self.met is None else "met" if self.met else "missed"
        if self.limit is None or self.limit.average:
            return "running"
        if self.due_at is None:
            return "waiting"
        if now > self.due_at:
            return "overdue"
        return "due_soon" if self.warn_at is not None and now >= self.warn_at else "on_time"

    def length(self, now: int) -> int:
        """From start to stop, or to now."""
        return max(0, (now if self.stopped_at is None else self.stopped_at) - self.started_at)

    def paused(self, now: int) -> int:
        """How much of its length the case waited."""
        end = now if self.stopped_at is None else self.stopped_at
        return sum([max(0, (end if wait.end is None else min(wait.end, end)) - wait.start) for wait in self.waits])


def measure(
    entries: Iterable[Entry], standard: Standard | None, working: WorkingTime, category: str = ""
) -> tuple[Measure, ...]:
    """Every run of every clock of a case, clocks in the order of the table.

    ``entries`` are those of the case in the order of the log; the item's ``item.delivered`` may stand among them.
    ``standard`` is the one in force when the case was opened. ``working`` is the party's working time, which is asked
    only where a limit or an extension needs a calendar.
    """
    case = clocks.course(entries, category)
    measures: list[Measure] = []
    for run in case.runs:
        number = measures[-1].run + 1 if measures and measures[-1].clock == run.clock else 0
        limit = None if standard is None else standard.limit(run.clock, case.facts)
        measures.append(_Measuring(case, run, limit, working).measure(number))
    return tuple(measures)


class _Part(Struct, frozen=True):
    """A stretch of a run with a budget of its own: the limit from its start, or what an extension promised."""

    start: int
    budget: int
    elapsed: bool


class _Measuring:
    """The arithmetic of one run."""

    __slots__ = ("_calendar", "_case", "_limit", "_run", "_start", "_working")

    def __init__(self, case: Course, run: Run, limit: Limit | None, working: WorkingTime) -> None:
        self._case = case
        self._run = run
        self._limit = limit
        self._working = working
        self._start = run.start.earlier
        self._calendar = False  # whether an answer rested on the calendar

    def measure(self, number: int) -> Measure:
        """The measure of the run, which is number ``number`` of its clock."""
        run, limit = self._run, self._limit
        stop = run.stop or run.closed
        stopped_at = None
        if stop is not None:
            tolerance = clocks.TOLERANCE if limit is None else limit.within.nominal
            stopped_at = max(self._start, clocks.stopped(stop, tolerance))
        causes = None if limit is None or limit.average else limit.pauses
        waits = self._waits(stopped_at, causes)
        due = warn = published = None
        extensions: list[str] = []
        if limit is not None and not limit.average:
            part = _Part(self._start, self._budget(limit.within), limit.within.unit in ELAPSED)
            due = published = self._reach(part, part.budget, waits)
            if self._case.extensions:
                part = self._extended(limit, part, waits, stopped_at, extensions)
                due = self._reach(part, part.budget, waits)
            warn = self._reach(part, part.budget * 3 // 4, waits)
        return Measure(
            clock=run.clock,
            run=number,
            start=run.start.id,
            started_at=self._start,
            limit=limit,
            due_at=due,
            warn_at=warn,
            published_at=published,
            stop=None if run.stop is None else run.stop.id,
            stopped_at=stopped_at,
            stated=None if stop is None else stop.occurred,
            recorded=None if stop is None else stop.recorded,
            closed=None if run.closed is None else run.closed.details["outcome"],
            waits=waits,
            extensions=tuple(extensions),
            provisional=self._calendar and self._working.provisional(self._start, due or self._start),
        )

    def _waits(self, stopped_at: int | None, causes: Sequence[str] | None) -> tuple[Wait, ...]:
        """The waits that fall into the run and pause it, cut to it."""
        if not self._case.waits:
            return ()
        waits: list[Wait] = []
        for cause, begin, end in self._case.waits:
            start = max(begin, self._start)
            last = end if stopped_at is None else stopped_at if end is None else min(end, stopped_at)
            if (causes is None or cause in causes) and (last is None or start < last):
                waits.append(Wait(cause, start, last))
        return tuple(waits)

    def _budget(self, span: Span) -> int:
        """How much time a length of time is, counted from the start of the run."""
        if span.unit != "working_days":
            return span.nominal
        self._calendar = True
        return self._working.worked(self._start, self._working.close_after(self._start, span.count))

    def _reach(self, part: _Part, budget: int, waits: Sequence[Wait]) -> int | None:
        """The moment at which so much of a part is used, or ``None`` if the case still waits before it."""
        at, left = part.start, budget
        for _, start, end in waits:
            if start < part.start:
                continue  # a promised day took its place; the waits of the run itself begin no earlier
            used = self._between(part, at, start)
            if used >= left:
                break
            if end is None:
                return None
            left -= used
            at = end
        if part.elapsed:
            return at + left
        self._calendar = True
        return self._working.after(at, left)

    def _between(self, part: _Part, start: int, end: int) -> int:
        if part.elapsed:
            return end - start
        self._calendar = True
        return self._working.worked(start, end)

    def _extended(
        self, limit: Limit, part: _Part, waits: Sequence[Wait], stopped_at: int | None, extensions: list[str]
    ) -> _Part:
        """The part that counts after the extensions that do; their ids are added to ``extensions``."""
        for step in self._case.extensions:
            said = step.recorded
            if step.details["limit"] != self._run.clock or said < self._start:
                continue
            if stopped_at is not None and said > stopped_at:
                break
            before = [Wait(cause, start, min(end or said, said)) for cause, start, end in waits if start < said]
            due = self._reach(part, part.budget, before)
            assert due is not None, "no wait before a moment is without an end"
            until = self._until(limit, step, before)
            if until is not None and said <= due < until:
                part = _Part(said, until - said, elapsed=True)
                extensions.append(step.id)
        return part

    def _until(self, limit: Limit, step: Step, before: Sequence[Wait]) -> int | None:
        """The end that an extension may give a limit, or ``None`` where the standard has no room for it."""
        until = self._moment(step.details["until"])
        if limit.hard is not None and step.details["hard"]:
            return min(max(until, self._end(limit.hard.least, before)), self._end(limit.hard.most, before))
        if limit.at_most is not None:
            return min(until, self._end(limit.at_most, before))
        return None if limit.hard is not None else until

    def _end(self, span: Span, before: Sequence[Wait]) -> int:
        """When a limit of this length would be due."""
        part = _Part(self._start, self._budget(span), span.unit in ELAPSED)
        end = self._reach(part, part.budget, before)
        assert end is not None, "no wait before a moment is without an end"
        return end

    def _moment(self, text: str) -> int:
        """A promised moment; of a day, its end at the party."""
        if len(text) > _DATE_LENGTH:
            return times.parse_occurred(text)
        self._calendar = True
        return self._working.end_of(date.fromisoformat(text))
