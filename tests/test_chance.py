"""The exact tests, against sums of exact fractions by `math.comb`, and the adjustment against its definition."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction
from math import comb

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.chance import adjusted, larger_share, more_often

SMALL = st.integers(0, 40)


def near(found: Decimal, exact: Fraction) -> bool:
    return abs(Fraction(found) - exact) <= Fraction(1, 10**30)


@given(SMALL, SMALL, st.integers(1, 50), st.integers(1, 50))
def test_more_often_is_the_binomial_tail(count: int, more: int, exposed: int, rest: int) -> None:
    events, share = count + more, Fraction(exposed, exposed + rest)
    exact = sum(comb(events, i) * share**i * (1 - share) ** (events - i) for i in range(count, events + 1))
    assert near(more_often(count, events, exposed, exposed + rest), Fraction(exact))


@given(SMALL, SMALL, SMALL, SMALL)
def test_larger_share_is_the_hypergeometric_tail(both: int, marked: int, drawn: int, neither: int) -> None:
    of, inside, total = both + marked, both + drawn, both + marked + drawn + neither
    ways = sum(comb(of, i) * comb(total - of, inside - i) for i in range(both, min(of, inside) + 1))
    exact = Fraction(ways, comb(total, inside))
    assert near(larger_share(both, of, inside, total), exact)


def test_a_table_of_fisher() -> None:
    # Fisher's lady tasting tea (1935): all four cups right, of eight; 1 in 70 by chance.
    assert near(larger_share(4, 4, 4, 8), Fraction(1, 70))
    # Three of four right: 16 + 1 ways of 70.
    assert near(larger_share(3, 4, 4, 8), Fraction(17, 70))


@pytest.mark.parametrize("words", [(0, 5, 1, 13), (3, 5, 0, 13), (3, 5, 13, 13), (0, 0, 1, 2)])
def test_nothing_to_compare_is_no_signal(words: tuple[int, int, int, int]) -> None:
    assert more_often(*words) == 1
    assert larger_share(*words) == 1


def test_many_events_are_counted_exactly_enough() -> None:
    # A hundred thousand, half expected on either side: the sum of both tails and the middle is the whole.
    events = 100_000
    p = more_often(50_001, events, 1, 2)
    middle = Fraction(comb(events, 50_000), 2**events)
    assert near(p, (1 - middle) / 2)


def test_the_adjustment_is_that_of_benjamini_and_hochberg() -> None:
    # Their example (1995, §4.1): fifteen p-values, of which four are found at q = 0.05, as 0.0095 <= 4 / 15 * 0.05.
    texts = "0.0001 0.0004 0.0019 0.0095 0.0201 0.0278 0.0298 0.0344 0.0459 0.3240 0.4262 0.5719 0.6528 0.7590 1.000"
    chances = [Decimal(text) for text in texts.split()]
    found = adjusted(list(reversed(chances)))
    assert sum(p <= Decimal("0.05") for p in found) == 4
    assert found == sorted(found, reverse=True)
    assert adjusted([]) == []


@given(st.lists(st.integers(0, 1000).map(lambda n: Decimal(n) / 1000), max_size=12))
def test_an_adjusted_chance_is_the_least_of_those_ranked_at_or_behind_it(chances: list[Decimal]) -> None:
    m = len(chances)
    ordered = sorted(Fraction(p) for p in chances)
    for p, found in zip(chances, adjusted(chances), strict=True):
        least = min(*(q * m / rank for rank, q in enumerate(ordered, 1) if q >= Fraction(p)), Fraction(1))
        assert near(found, least)
