"""How often somebody may do something: so many times in a while, counted in this process's memory, which is bounded."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable

from api.problems import Problem

MOST = 10_000
"""Keys that are remembered; the one that came longest ago is forgotten first."""


class Pace:
    """``most`` times for each key in ``window`` microseconds from its first time."""

    def __init__(self, most: int, window: int, clock: Callable[[], int]) -> None:
        self._most, self._window, self._clock = most, window, clock
        self._counts: OrderedDict[str, tuple[int, int]] = OrderedDict()
        self._mutex = threading.Lock()

    def take(self, key: str) -> None:
        """Count once; raises ``Problem`` 429 for one too many, which is counted as well."""
        now = self._clock()
        with self._mutex:
            start, count = self._counts.pop(key, (now, 0))
            if not 0 <= now - start < self._window:
                start, count = now, 0
            while len(self._counts) >= MOST:
                self._counts.popitem(last=False)
            self._counts[key] = start, count + 1
        if count >= self._most:
            wait = -(-(start + self._window - now) // 1_000_000)
            raise Problem("too_many", "got too many requests of this kind", headers={"Retry-After": str(wait)})
