"""Who holds what at a time, by the fold alone: what waits, what comes into force, and what is void (events.md §3)."""

from __future__ import annotations

from ledger import times
from ledger.holding import Grant, Held, Holding, Pending

START = "2026-11-01T00:00:00.000Z"
DUE = "2026-11-04T00:00:00.000Z"
"""72 hours later."""
PAPER, PHONE, OTHER = (Grant(name, "receipt", name) for name in ("paper", "phone", "other"))


def _waits(grant: Grant, *, since: str = START, reset: bool = False, root: str | None = "paper") -> Pending:
    return Pending(grant, f"urn:uuid:{grant.key}", since, reset, root)


def _before(text: str) -> str:
    return times.format_recorded(times.parse_recorded(text) - 1000)


def test_nothing_comes_into_force_where_nothing_waits() -> None:
    for held in (Held(), Held(Holding((PAPER,)))):
        assert held.at(DUE) is held


def test_what_waits_costs_nothing_until_it_is_due() -> None:
    held = Held(Holding((PAPER,)), (_waits(PHONE), _waits(OTHER)))
    assert held.at(_before(DUE)) is held
    assert held.at(DUE) == Held(Holding((PAPER, PHONE, OTHER), by="claim"))


def test_the_reset_of_what_nobody_held_begins_a_holding() -> None:
    held = Held(None, (_waits(PHONE, reset=True, root=None),))
    assert held.at(DUE) == Held(Holding((PHONE,), reset_at=DUE, by="reset"))


def test_what_waits_under_a_holding_that_a_reset_ended_is_void() -> None:
    later = "2026-11-02T00:00:00.000Z"
    held = Held(Holding((PAPER,)), (_waits(PHONE, reset=True), _waits(OTHER), _waits(OTHER, since=later)))
    assert held.at(DUE) == Held(Holding((PHONE,), reset_at=DUE, by="reset"))
