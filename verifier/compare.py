"""Compares the tiles that a log keeps or serves with the recomputed ones, and keeps the leaf hashes of full tiles.

Over a network the tiles are fetched by one thread beside the pass, so that a round trip for every 256 leaves does not
hold it up.
"""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

from ledger.errors import Disproved, Unknown
from ledger.merkle import HASH_SIZE
from verifier.report import Report
from verifier.source import TILE_WIDTH, Source

Ask = Callable[[], bytes | None]
"""Gives the tile that was asked for, once it is there; raises what the source raised."""
_WAITING = 16
"""Tiles asked for and not compared yet, at most."""


class Comparison:
    """Reports to ``report`` every tile of ``source`` that is not as recomputed; leaf hashes go to the file ``path``.

    A tile stands for a range of leaves, so what is found names that range and no leaf.
    """

    def __init__(self, source: Source, report: Report, path: Path) -> None:
        self._source = source
        self._report = report
        self._hashes = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="tiles") if source.serves_tiles else None
        self._waiting: deque[tuple[int, int, bytes, Ask]] = deque()

    def compare(self, level: int, number: int, hashes: bytes) -> None:
        """Compare a tile with its recomputed hashes, soon or when it has been fetched."""
        width = len(hashes) // HASH_SIZE
        if level == 0 and width == TILE_WIDTH:
            os.pwrite(self._hashes, hashes, number * TILE_WIDTH * HASH_SIZE)
        ask: Ask = partial(self._source.tile, level, number, width)
        if self._thread is not None:
            ask = self._thread.submit(ask).result
        self._waiting.append((level, number, hashes, ask))
        if len(self._waiting) > _WAITING:
            self._take()

    def leaf_hash(self, index: int) -> bytes:
        """The hash of a leaf below a full tile that was compared."""
        return os.pread(self._hashes, HASH_SIZE, index * HASH_SIZE)

    def finish(self) -> None:
        """Return when everything is compared."""
        while self._waiting:
            self._take()

    def close(self) -> None:
        """Close the file and stop the thread."""
        if self._thread is not None:
            self._thread.shutdown(wait=True, cancel_futures=True)
        os.close(self._hashes)

    def _take(self) -> None:
        level, number, want, ask = self._waiting.popleft()
        width = len(want) // HASH_SIZE
        first = number << 8 * (level + 1)
        name = f"tile {level}/{number} of width {width}, of leaves {first} to {first + (width << 8 * level) - 1},"
        try:
            got = ask()
        except Disproved as error:
            self._report.add("tiles", error.message)
        except Unknown as error:
            self._report.add("tiles", error.message, disproved=False)
        else:
            if got is None:
                self._report.add("tiles", f"{name} is missing", disproved=False)
            elif got != want:
                self._report.add("tiles", f"{name} is not that of the leaves")
