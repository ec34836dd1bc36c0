"""Does it slow down: the same appends into a small ledger and into a large one, and what the large one costs."""

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

NEW_ITEMS = BATCH // 4
"""A quarter of the statements are about a new item, the others about one of these."""
SMALL = (5_000, 15_000)
LAST = 10_000


def growth(place: Path, scale: Scale, known: Bounds) -> Iterator[Row]:
    """Rate, size on disk and memory at `scale.large` statements."""
    made = stage.build(place / "ledger", items=0)
    taken = _grow(made, scale.large)
    small, large = _rate(taken, *SMALL), _rate(taken, scale.large - LAST, scale.large)
    yield Row("append in batches of 100, signatures apart, at 10,000 statements", small, "/s")
    beside = f"{100 * large / small:.0f} % of that at 10,000"
    name = f"append in batches of 100, signatures apart, at {scale.large:,}"
    yield Row(name, large, "/s", at_least=round(0.85 * small), beside=beside)
    size = sum(file.stat().st_size for file in made.directory.rglob("*") if file.is_file())
    yield Row(f"on disk a statement, at {scale.large:,}", size / scale.large, "bytes", at_most=2560)
    yield from _served(made, place, scale, known)


def _grow(made: Stage, large: int) -> list[tuple[int, float]]:
    """Fill the ledger; for each commit how many statements there were after it and the seconds it took."""
    taken: list[tuple[int, float]] = []
    with folder.opened(made.directory) as ledger:
        done = 0
        while done < large:
            made.items[:] = [stage.new_item(done + number) for number in range(NEW_ITEMS)]
            drafts = [stage.registration(made, item) for item in made.items]
            drafts += [folder.draft(made.repair(done + number), [made.key]) for number in range(BATCH - NEW_ITEMS)]
            begin = time.perf_counter()
            stage.append(ledger.writer, drafts)
            done += len(drafts)
            taken.append((done, time.perf_counter() - begin))
    return taken


def _rate(taken: list[tuple[int, float]], since: int, until: int) -> float:
    """Statements a second of the commits that ended between two sizes."""
    chosen = [seconds for done, seconds in taken if since < done <= until]
    return BATCH * len(chosen) / sum(chosen)


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
