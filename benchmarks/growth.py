"""Does it slow down: the same appends into a small ledger and into a large one, and what the large one costs.

Commits into the two are timed in turns, so that a machine that others use as well slows both. A small ledger is soon
small no longer, so there are several, one after another, and the large one is timed beside each: of half a second alone
the share was 78 to 94 % by chance. Which of the two comes first is drawn for each turn, and Python looks for cycles as
seldom as in a server: it does so after so many objects, which in an order that repeats itself was within the same one's
commits time and again. Once statements have ids at random, of which a hundred lie on a hundred pages of a large
ledger, and once ids by time, as the format suggests.

That is the appender alone, whose small ledger lies in the processor's caches. What is asked for is asked of servers,
whose callers send batches with ids at random: what a caller sees, with what carrying the log over costs beside the
appends.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from random import Random

from api.cli import folder
from api.cli.serve import leave_alone
from api.rights import WRITE
from benchmarks import stage, wrk
from benchmarks.parts import BATCH, BATCH_CONNECTIONS, CONNECTIONS, MOST_BATCHES, MOST_SINGLES, all_well, share
from benchmarks.row import Bounds, Row, Scale
from benchmarks.stage import Server, Stage
from ledger.db.append import Draft
from ledger.db.ledger import Ledger

NEW_ITEMS = BATCH // 4
"""A quarter of the statements are about a new item, the others about one of these."""
SMALL = 10_000
TIMED = 10_000
"""Statements that are timed in each small ledger: half of them before it has its size, and half after."""
ROUNDS = 8
"""Small ledgers."""
WARM = 2
"""Turns that the server on the large ledger has before: when it begins, it has read no page of it."""
TURN = 2
"""Seconds that a server is loaded at a time; a small ledger has about its size in the middle of them."""
SERVED = 3_000
"""Statements of a small ledger before that."""


def growth(place: Path, scale: Scale, known: Bounds) -> Iterator[Row]:
    """Rate with ids of either kind, size on disk and memory at `scale.large` statements."""
    leave_alone()
    yield from _rates(replace(stage.build(place / "by-time", items=0), by_time=True), place, scale)
    made = stage.build(place / f"ledger-{scale.large}", items=0)
    yield from _rates(made, place, scale)
    size = sum(file.stat().st_size for file in made.directory.rglob("*") if file.is_file())
    statements = scale.large + ROUNDS * TIMED // 2
    yield Row(f"on disk a statement, at {scale.large:,}", size / statements, "bytes", at_most=2560)
    yield from _served(made, place, scale, known)


def _rates(made: Stage, place: Path, scale: Scale) -> Iterator[Row]:
    """Fill the ledger, and time it beside small ones."""
    first, seconds, order = scale.large - ROUNDS * TIMED // 2, [0.0, 0.0], Random(1)
    with folder.opened(made.directory) as ledger:
        for done in range(0, first, BATCH):
            _commit(made, ledger, done)
        for number in range(ROUNDS):
            name = f"{made.directory.name}-beside-{number}"
            beside = replace(stage.build(place / name, items=0), by_time=made.by_time)
            with folder.opened(beside.directory) as other:
                for done in range(0, SMALL - TIMED // 2, BATCH):
                    _commit(beside, other, done)
                for done in range(0, TIMED, BATCH):
                    for which in order.sample((0, 1), 2):
                        if which:
                            seconds[1] += _commit(made, ledger, first + number * TIMED + done)
                        else:
                            seconds[0] += _commit(beside, other, SMALL - TIMED // 2 + done)
    small, large = (ROUNDS * TIMED / taken for taken in seconds)
    what = "append in batches of 100, signatures apart, ids " + ("by time" if made.by_time else "at random")
    yield Row(f"{what}, at 10,000 statements", small, "/s")
    share_of = f"{100 * large / small:.0f} % of that at 10,000, in turns"
    yield Row(f"{what}, at {scale.large:,}", large, "/s", beside=share_of)


def _commit(made: Stage, ledger: Ledger, done: int) -> float:
    """Append a hundred statements, and return the seconds that it took."""
    drafts = _drafts(made, done)
    begin = time.perf_counter()
    stage.append(ledger.writer, drafts)
    return time.perf_counter() - begin


def _drafts(made: Stage, done: int) -> list[Draft]:
    """The hundred statements that follow the first `done`."""
    made.items[:] = [stage.new_item(done + number) for number in range(NEW_ITEMS)]
    drafts = [stage.registration(made, item, done + number) for number, item in enumerate(made.items)]
    return drafts + [folder.draft(made.repair(done + number), [made.key]) for number in range(BATCH - NEW_ITEMS)]


def _served(made: Stage, place: Path, scale: Scale, known: Bounds) -> Iterator[Row]:
    """A server on the large ledger: its rate beside small ones, then its rate of singles, and its memory after all."""
    with folder.opened(made.directory) as ledger:
        key = ledger.access.create_api_key(stage.WORKSHOP, [WRITE], "bench")
        # Work lists stand where a server's would: it follows while it takes statements.
        ledger.follower.follow()
    large = replace(made, api_key=key)
    with large.server() as server:
        for number in range(WARM):
            _batches(large, server, place, 100_000_000 + 10_000_000 * number)
        yield from _in_turns(large, server, place, scale)
        large.items[:] = [stage.new_item(number) for number in range(NEW_ITEMS)]
        lines = [f"/v1/items/{item}/history" for item in large.items]
        wrk.load(server.url, lines, key, place, connections=CONNECTIONS, seconds=scale.seconds)
        lines = [
            f"/v1/statements\t{large.signed(90_000_000 + number)}" for number in range(MOST_SINGLES * scale.seconds)
        ]
        found = wrk.load(server.url, lines, key, place, connections=CONNECTIONS, seconds=scale.seconds)
        all_well(found, len(lines))
        name = f"single statements, {CONNECTIONS} connections, one process, at {scale.large:,}"
        yield Row(name, found.rate, "/s", beside=share(found.rate, known.route, "the bare route"))
        yield Row(f"server's resident memory after that, at {scale.large:,}", server.memory(), "MiB", at_most=300)


def _in_turns(large: Stage, server: Server, place: Path, scale: Scale) -> Iterator[Row]:
    """Batches into the large ledger and into small ones, each served by one process."""
    answers, seconds, order = [0, 0], [0.0, 0.0], Random(1)
    for number in range(ROUNDS):
        small = stage.build(place / f"served-{number}", items=0)
        with folder.opened(small.directory) as other:
            for done in range(0, SERVED, BATCH):
                _commit(small, other, done)
            other.follower.follow()
        with small.server() as beside:
            for which in order.sample((0, 1), 2):
                found = _batches(*((small, beside), (large, server))[which], place, 10_000_000 * (1 + number))
                answers[which] += BATCH * found.requests
                seconds[which] += found.requests / found.rate
    rates = [answers[which] / seconds[which] for which in (0, 1)]
    what = f"batches of {BATCH}, ids at random, one process"
    yield Row(f"{what}, at 10,000 statements", rates[0], "/s")
    share_of = f"{100 * rates[1] / rates[0]:.0f} % of that at 10,000, in turns"
    yield Row(f"{what}, at {scale.large:,}", rates[1], "/s", at_least=round(0.85 * rates[0]), beside=share_of)


def _batches(made: Stage, server: Server, place: Path, first: int) -> wrk.Load:
    """A turn of batches of statements numbered from `first`."""
    lines = [
        f"/v1/statements/batch\t[{','.join(map(stage.body, _drafts(made, first + BATCH * number)))}]"
        for number in range(MOST_BATCHES * TURN)
    ]
    found = wrk.load(server.url, lines, made.api_key, place, connections=BATCH_CONNECTIONS, seconds=TURN)
    all_well(found, len(lines))
    return found
