"""Due times against a reference that walks through every minute, in shops with any hours, days off and zones."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from ledger import standard
from ledger.calendar import WorkingTime
from ledger.measure import Measure, measure
from ledger.times import DAY, HOUR, MINUTE
from tests.casebook import Casebook
from tests.reference.deadlines import Extension, Length, Rules, Wait, due
from tests.reference.worktime import Shop
from tests.test_calendar import YEAR, micros, worlds

CAUSES = ("approval", "parts", "customer", "workshop")
LENGTHS = st.one_of(
    st.tuples(st.sampled_from(["minutes", "working_minutes"]), st.integers(1, 900)),
    st.tuples(st.sampled_from(["hours", "working_hours"]), st.integers(1, 30)),
    st.tuples(st.just("days"), st.integers(1, 2)),
    st.tuples(st.just("working_days"), st.integers(1, 2)),
)
# Minutes after the opening, in the order in which things are said.
MARKS = st.lists(st.integers(0, 4 * 1440), max_size=7, unique=True).map(sorted)


def limit_of(rules: Rules, pauses: list[str]) -> dict[str, Any]:
    """The limit as a document has it."""
    limit: dict[str, Any] = {"clock": "resolution", "within": dict([rules.within]), "source": "house", "pauses": pauses}
    if rules.at_most:
        limit["at_most"] = dict([rules.at_most])
    if rules.hard:
        limit["hard"] = {"from": dict([rules.hard[0]]), "until": dict([rules.hard[1]])}
    return limit


@st.composite
def rules(draw: st.DrawFn) -> Rules:
    """A limit that may be extended so or so."""
    least, more = draw(st.integers(1, 2)), draw(st.integers(0, 2))
    hard: tuple[Length, Length] | None = (("working_days", least), ("working_days", least + more))
    return Rules(
        draw(LENGTHS),
        draw(st.none() | LENGTHS),
        hard if draw(st.booleans()) else None,
    )


@st.composite
def stories(draw: st.DrawFn) -> tuple[Casebook, int, list[Wait], list[Extension], list[str], datetime | None]:
    """A case that waits and is extended: as statements, and as the reference sees it."""
    start = draw(st.integers(3 * 1440, 300 * 1440))
    begin = YEAR + timedelta(minutes=start)
    book, waits, extensions = Casebook(), [], []
    pauses = draw(st.lists(st.sampled_from(CAUSES), unique=True, min_size=2))
    book.open(micros(begin))
    cause = ""
    since = begin
    for mark in draw(MARKS):
        moment = begin + timedelta(minutes=mark)
        if draw(st.booleans()):
            until = moment + timedelta(minutes=draw(st.integers(-60, 4000)))
            hard = draw(st.booleans())
            details = {"limit": "resolution", "until": f"{until:%Y-%m-%dT%H:%M:%SZ}", "reason": "parts", "hard": hard}
            book.say("case.extended", micros(moment), details)
            extensions.append(Extension(moment, until, hard))
            continue
        if cause in pauses:
            waits.append(Wait(since, moment))
        if cause and draw(st.booleans()):
            book.say("case.resumed", micros(moment), {"for": cause})
            cause = ""
        else:
            cause, since = draw(st.sampled_from(CAUSES)), moment
            book.say("case.waiting", micros(moment), {"for": cause})
    stop = None
    if draw(st.booleans()):
        stop = begin + timedelta(minutes=4 * 1440 + draw(st.integers(1, 3000)))
        book.say("case.handed_over", micros(stop), {"check": "id", "evidence": {}})
    if cause in pauses:
        waits.append(Wait(since, stop))
    return book, start, waits, extensions, pauses, stop


@settings(
    max_examples=60,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.filter_too_much],
)
@given(worlds(), rules(), stories())
def test_due_and_warned_when_the_reference_says(world: tuple[Shop, WorkingTime], limit: Rules, story: Any) -> None:
    shop, working = world
    book, start, waits, extensions, pauses, stop = story
    opening = micros(YEAR) + start * MINUTE
    # A shop that opens for minutes a week would take the reference through years of them.
    assume(working.worked(opening, opening + 40 * DAY) >= 31 * HOUR)
    document = {"standard": "x", "version": "1", "limits": [limit_of(limit, pauses)]}
    found = resolution(measure(book.entries, standard.adopt(document), working))
    want, warned = due(shop, limit, YEAR + timedelta(minutes=start), waits, extensions)
    assert found.due_at == (None if want is None else micros(want))
    if warned is None:
        assert found.warn_at is None
    else:
        assert found.warn_at is not None
        assert micros(warned) - MINUTE < found.warn_at <= micros(warned)
    assert found.stopped_at == (None if stop is None else micros(stop))
    if stop is not None:
        assert found.met is (want is not None and stop <= want)
    plain, _ = due(shop, limit, YEAR + timedelta(minutes=start), waits, [])
    assert found.published_at == (None if plain is None else micros(plain))


def resolution(measures: tuple[Measure, ...]) -> Measure:
    """The one run of the resolution."""
    (found,) = [one for one in measures if one.clock == "resolution"]
    return found
