"""The audit of a long log: does its memory stay bounded, and does it keep its speed.

    patina bench --only long        (a quarter of an hour to write ten million leaves, ten minutes to audit them)

Statements are signed and mixed as in ``growth``: one in four is about a new item. Memory is what all processes of the
command have resident, together, the most of it that a look every fifth of a second sees; what they share is counted in
each. Not part of a run that names no part.
"""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from api.cli import folder
from benchmarks import stage
from benchmarks.parts import of_verifying
from benchmarks.row import Bounds, Row, Scale
from benchmarks.stage import Stage

COMMIT = 512
LOOK = 0.2
MOST_MIB = 1024


def long(place: Path, scale: Scale, known: Bounds) -> Iterator[Row]:
    """Audits of `scale.long` leaves."""
    made = stage.build(place / "ledger", items=0)
    leaves = fill(made, scale.long)
    for seals in ("last", "all"):
        rate, most = audited(made, leaves, seals)
        name = f"audit of {leaves:,} leaves with signatures, --seals {seals}"
        yield Row(name, rate, "leaves/s", beside=of_verifying(rate, known))
        yield Row(f"{name}: resident memory, all processes", most, "MiB", at_most=MOST_MIB)


def fill(made: Stage, leaves: int) -> int:
    """Append until the log has so many leaves; how many it has then."""
    done = 0
    with folder.opened(made.directory) as ledger:
        while ledger.view.tip.size < leaves:
            made.items[:] = [stage.new_item(done + number) for number in range(COMMIT // 4)]
            drafts = [stage.registration(made, item, done + number) for number, item in enumerate(made.items)]
            drafts += [folder.draft(made.repair(done + number), [made.key]) for number in range(COMMIT - COMMIT // 4)]
            stage.append(ledger.writer, drafts)
            done += len(drafts)
        return ledger.view.tip.size


def audited(made: Stage, leaves: int, seals: str) -> tuple[float, float]:
    """Leaves a second of one audit, and the most MiB that its processes had resident together."""
    words = [sys.executable, "-m", "ledger.command", "audit", str(made.directory), "--vkey", made.vkey]
    begin, most = time.perf_counter(), 0.0
    root = Path(__file__).resolve().parents[1]
    with subprocess.Popen([*words, "--seals", seals], stdout=subprocess.DEVNULL, cwd=root) as running:
        while running.poll() is None:
            most = max(most, stage.resident(running.pid))
            time.sleep(LOOK)
    if running.returncode:
        raise RuntimeError(f"the audit ended with {running.returncode}")
    return leaves / (time.perf_counter() - begin), most
