"""Does it slow down: the same appends into a small ledger and into a large one, and what the large one costs.

Commits into the two are timed in turns, so that a machine that others use as well slows both.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

from api.cli import folder
from api.rights import WRITE
from benchmarks import stage, wrk
from benchmarks.parts import BATCH, CONNECTIONS, MOST_SINGLES, all_well, share
from benchmarks.row import Bounds, Row, Scale
from benchmarks.stage import Stage
from ledger.db.ledger import Ledger

NEW_ITEMS = BATCH // 4
"""A quarter of the statements are about a new item, the others about one of these."""
SMALL = 10_000
TIMED = 10_000
"""Statements that are timed in each ledger: half of them before it has its size, and half after."""


def growth(place: Path, scale: Scale, known: Bounds) -> Iterator[Row]:
    """Rate, size on disk and memory at `scale.large` statements."""
    sizes = (SMALL, scale.large)
    both = [stage.build(place / f"ledger-{size}", items=0) for size in sizes]
    seconds = [0.0, 0.0]
    with ExitStack() as stack:
        ledgers = [stack.enter_context(folder.opened(made.directory)) for made in both]
        for made, ledger, size in zip(both, ledgers, sizes, strict=True):
            for done in range(0, size - TIMED // 2, BATCH):
                _commit(made, ledger, done)
        for done in range(0, TIMED, BATCH):
            for number in (0, 1):
                seconds[number] += _commit(both[number], ledgers[number], sizes[number] - TIMED // 2 + done)
    small, large = (TIMED / taken for taken in seconds)
    yield Row("append in batches of 100, signatures apart, at 10,000 statements", small, "/s")
    beside = f"{100 * large / small:.0f} % of that at 10,000, in turns"
    name = f"append in batches of 100, signatures apart, at {scale.large:,}"
    yield Row(name, large, "/s", at_least=round(0.85 * small), beside=beside)
    made = both[1]
    size = sum(file.stat().st_size for file in made.directory.rglob("*") if file.is_file())
    yield Row(f"on disk a statement, at {scale.large:,}", size / (scale.large + TIMED // 2), "bytes", at_most=2560)
    yield from _served(made, place, scale, known)


def _commit(made: Stage, ledger: Ledger, done: int) -> float:
    """Append a hundred statements, and return the seconds that it took."""
    made.items[:] = [stage.new_item(done + number) for number in range(NEW_ITEMS)]
    drafts = [stage.registration(made, item) for item in made.items]
    drafts += [folder.draft(made.repair(done + number), [made.key]) for number in range(BATCH - NEW_ITEMS)]
    begin = time.perf_counter()
    stage.append(ledger.writer, drafts)
    return time.perf_counter() - begin


def _served(made: Stage, place: Path, scale: Scale, known: Bounds) -> Iterator[Row]:
    """A server on the large ledger: its rate, and its memory after load."""
    with folder.opened(made.directory) as ledger:
        secret = ledger.access.create_api_key(stage.WORKSHOP, [WRITE], "bench")
    with made.server() as server:
        lines = [f"/v1/items/{item}/history" for item in made.items]
        wrk.load(server.url, lines, secret, place, connections=CONNECTIONS, seconds=scale.seconds)
        lines = [
            f"/v1/statements\t{made.signed(50_000_000 + number)}" for number in range(MOST_SINGLES * scale.seconds)
        ]
        found = wrk.load(server.url, lines, secret, place, connections=CONNECTIONS, seconds=scale.seconds)
        all_well(found, len(lines))
        name = f"single statements, {CONNECTIONS} connections, one process, at {scale.large:,}"
        yield Row(name, found.rate, "/s", beside=share(found.rate, known.route, "the bare route"))
        yield Row(f"server's resident memory after that, at {scale.large:,}", server.memory(), "MiB", at_most=300)
