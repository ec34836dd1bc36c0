"""Does it slow down: the same appends into a small ledger and into a large one, and what the large one costs.

Commits into the two are timed in turns, so that a machine that others use as well slows both. A small ledger is soon
small no longer, so there are several, one after another, and the large one is timed beside each: of half a second alone
the share was 78 to 94 % by chance.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
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
"""Statements that are timed in each small ledger: half of them before it has its size, and half after."""
ROUNDS = 5
"""Small ledgers."""


def growth(place: Path, scale: Scale, known: Bounds) -> Iterator[Row]:
    """Rate, size on disk and memory at `scale.large` statements."""
    made = stage.build(place / f"ledger-{scale.large}", items=0)
    first, timed = scale.large - ROUNDS * TIMED // 2, ROUNDS * TIMED
    seconds = [0.0, 0.0]
    with folder.opened(made.directory) as ledger:
        for done in range(0, first, BATCH):
            _commit(made, ledger, done)
        for number in range(ROUNDS):
            beside = stage.build(place / f"ledger-{SMALL}-{number}", items=0)
            with folder.opened(beside.directory) as other:
                for done in range(0, SMALL - TIMED // 2, BATCH):
                    _commit(beside, other, done)
                for done in range(0, TIMED, BATCH):
                    seconds[0] += _commit(beside, other, SMALL - TIMED // 2 + done)
                    seconds[1] += _commit(made, ledger, first + number * TIMED + done)
    small, large = (timed / taken for taken in seconds)
    yield Row("append in batches of 100, signatures apart, at 10,000 statements", small, "/s")
    share_of = f"{100 * large / small:.0f} % of that at 10,000, in turns"
    name = f"append in batches of 100, signatures apart, at {scale.large:,}"
    yield Row(name, large, "/s", at_least=round(0.85 * small), beside=share_of)
    size = sum(file.stat().st_size for file in made.directory.rglob("*") if file.is_file())
    yield Row(f"on disk a statement, at {scale.large:,}", size / (scale.large + timed // 2), "bytes", at_most=2560)
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
