"""``patina bench``: hands over to `benchmarks/run.py` of the checkout; an installed wheel has no benchmarks."""

from __future__ import annotations

from collections.abc import Sequence
from importlib import import_module
from importlib.util import find_spec

from ledger.errors import Unavailable


def main(argv: Sequence[str]) -> int:
    """Measure; the exit code of the benchmarks: 0, or 1 if a figure misses what is asked of it."""
    if find_spec("benchmarks") is None:
        raise Unavailable("got no folder benchmarks beside the packages; want a checkout")
    code: int = import_module("benchmarks.run").main(argv)
    return code
