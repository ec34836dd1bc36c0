"""Which plots a year has, how often, and in which shop: a list that lives go through in turn.

So a year of fifty lives has every plot, and one of fifty thousand has them in the same shares; when each begins is
drawn, in the first half of the year for the first round, so that each plot is told to its end at least once. One fault
surges in the last weeks, which is what a risk signal should notice.
"""

from __future__ import annotations

import random
from collections.abc import Callable

from api.cli.year import owners, repairs, wishes
from api.cli.year.life import Life
from ledger.times import DAY, SECOND

Plot = Callable[[Life], None]
_J, _F, _W = "jeweller", "furniture", "workshop"
PLOTS: tuple[tuple[Plot, str], ...] = (
    (repairs.warranty, _J), (wishes.returned, _W), (repairs.on_site, _F), (repairs.fails_twice, _W),
    (wishes.anonymous, _W), (owners.certified, _J), (repairs.paid, _W), (wishes.exchange, _F),
    (wishes.complaint, _W), (repairs.warranty, _W), (owners.revoked, _J), (wishes.installation, _F),
    (repairs.declined, _J), (wishes.feedback, _F), (repairs.forwarded, _J), (wishes.surge, _W),
    (repairs.comes_back, _J), (wishes.question, _J), (repairs.warranty, _F), (owners.transferred, _J),
    (repairs.paid, _J), (wishes.complainant, _F), (wishes.care, _J), (owners.reset, _W),
    (repairs.outside, _F), (wishes.returned, _F), (owners.mistaken, _J), (repairs.warranty, _W),
    (wishes.anonymous, _J), (owners.disputed, _W), (wishes.custom, _J), (repairs.fails_twice, _F),
    (repairs.declined, _W), (owners.stolen, _J), (wishes.exchange, _W), (owners.raised, _W),
    (repairs.on_site, _F), (wishes.complaint, _J), (repairs.warranty, _J), (wishes.surge, _W),
    (owners.refused_claim, _J), (repairs.paid, _W), (wishes.feedback, _W), (repairs.comes_back, _W),
    (wishes.complaint, _F), (owners.recalled, _W), (repairs.forwarded, _W), (wishes.question, _W),
)  # fmt: skip
_SURGE = 35 * DAY


def plot_of(number: int) -> tuple[Plot, str]:
    """The plot of a life and the shop in which it happens."""
    return PLOTS[number % len(PLOTS)]


def begins(seed: str, count: int, start: int, end: int) -> list[tuple[int, int]]:
    """When each of so many lives begins, in µs, and its number, earliest first."""
    rand = random.Random(f"begins {seed}")  # noqa: S311 -- a story, not a secret
    found = []
    for number in range(count):
        first, last = start, end if number >= len(PLOTS) else (start + end) // 2
        if plot_of(number)[0] is wishes.surge:
            first, last = end - _SURGE, end
        found.append((first + int(rand.random() * (last - first)) // SECOND * SECOND, number))
    return sorted(found)
