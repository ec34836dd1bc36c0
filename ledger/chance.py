"""How likely a count is by chance alone: two exact tests, and their adjustment where many are made at once.

*Is it more often than before?* Of ``n`` events in two periods, ``k`` fell into the newer one, which had the share
``exposed / total`` of all opportunities. If nothing changed, ``k`` is binomial (two Poisson counts, given their sum):

    p = Σ_{i ≥ k} C(n, i) s^i (1 − s)^(n − i),   s = exposed / total

*Is a larger share of them so?* Of ``total`` statements ``marked`` are late, and ``drawn`` are new. If nothing changed,
the number of late ones among the new is hypergeometric (Fisher's exact test, one-sided):

    p = Σ_{i ≥ k} C(marked, i) C(total − marked, drawn − i) / C(total, drawn)

Whoever makes ``m`` tests sees one of p = 1/m in every look. ``adjusted`` are the p-values of Benjamini and Hochberg
(1995): of the signals whose adjusted p is at most q, a share q at most is false on average.

The sums are made in decimals of forty digits, so that every machine has the same figures.

>>> str(round(more_often(5, 6, 1, 13), 9)), str(round(larger_share(3, 4, 10, 110), 9))
('0.000015124', '0.002114950')
>>> [str(p) for p in adjusted([Decimal("0.01"), Decimal("0.5"), Decimal("0.03")])]
['0.03', '0.5', '0.045']
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from decimal import MAX_EMAX, MIN_EMIN, Context, Decimal, localcontext
from typing import Final

_DIGITS: Final = Context(prec=40, Emax=MAX_EMAX, Emin=MIN_EMIN)
ONE: Final = Decimal(1)


def more_often(count: int, events: int, exposed: int, total: int) -> Decimal:
    """The chance that ``count`` or more of ``events`` fall where ``exposed`` of ``total`` opportunities were.

    1 where there is nothing to compare: no event, or no opportunity in one of the periods.
    """
    if count <= 0 or not 0 < exposed < total:
        return ONE
    return _upper(count, 0, _binomial(events, exposed, total - exposed))


def larger_share(count: int, marked: int, drawn: int, total: int) -> Decimal:
    """The chance that ``count`` or more of ``marked`` are among ``drawn`` of ``total``; 1 with nothing to compare."""
    least = max(0, drawn - (total - marked))
    if count <= least or not 0 < drawn < total:
        return ONE
    return _upper(count, least, _hypergeometric(least, marked, drawn, total))


def adjusted(chances: Sequence[Decimal]) -> list[Decimal]:
    """The p-values of Benjamini and Hochberg, in the order given."""
    order = sorted(range(len(chances)), key=lambda number: chances[number], reverse=True)
    found = [ONE] * len(chances)
    least = ONE
    with localcontext(_DIGITS):
        for behind, number in enumerate(order):
            rank = len(chances) - behind
            least = min(least, chances[number] * len(chances) / rank)
            found[number] = least
    return found


def _upper(count: int, least: int, weights: Iterator[Decimal]) -> Decimal:
    """The share of the weights, the first of which is that of ``least``, that stands at ``count`` and above."""
    with localcontext(_DIGITS):
        below = above = Decimal(0)
        for number, weight in enumerate(weights, least):
            if number < count:
                below += weight
            else:
                above += weight
        return above / (below + above)


def _binomial(events: int, inside: int, outside: int) -> Iterator[Decimal]:
    """Weights in proportion to the chances of 0, 1, 2 … events inside."""
    weight = ONE
    for number in range(events + 1):
        yield weight
        weight = weight * (events - number) * inside / ((number + 1) * outside)


def _hypergeometric(least: int, marked: int, drawn: int, total: int) -> Iterator[Decimal]:
    """Weights in proportion to the chances of the least number drawn that can be, and of each more."""
    weight = ONE
    for number in range(least, min(marked, drawn) + 1):
        yield weight
        weight = weight * (marked - number) * (drawn - number) / ((number + 1) * (total - marked - drawn + number + 1))
