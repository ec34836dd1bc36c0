"""``patina bench``: the bounds of this machine and the figures of Patina beside them, in one run, as one table.

Each part is a function that yields rows; `--only` chooses parts, `--quick` makes them short (their figures are then
rough), `--write` puts the table into docs/performance.md between its two marks.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import re
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path

from benchmarks import bounds, growth, lists, long, members, parts, report_ledger, wrk
from benchmarks.row import Bounds, Row, Scale

ROOT = Path(__file__).resolve().parents[1]
PAGE = ROOT / "docs" / "performance.md"
MARKS = ("<!-- table: begin -->", "<!-- table: end -->")

Part = Callable[[Path, Scale, Bounds], Iterator[Row]]
PARTS: dict[str, Part] = {
    "singles": parts.singles,
    "lone": parts.lone,
    "private": members.members,
    "batches": parts.batches,
    "history": parts.history,
    "audit": parts.audit,
    "growth": growth.growth,
    "postgres": parts.postgres,
    "lists": lists.lists,
    "long": long.long,
    "report": report_ledger.report,
}
BY_NAME = frozenset({"lists", "long", "report"})
"""Parts that take so long that they run only if they are named."""


def main(argv: Sequence[str]) -> int:
    """Measure, print the table, and write it where asked; 0, or 1 if a figure misses what was asked of it."""
    words = argparse.ArgumentParser(
        prog="patina bench",
        description="Measure this machine's bounds and Patina's figures beside them, in one run.",
        epilog="example:\n  patina bench --quick --only singles --only history",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    chosen = "this part; may be given again (default: all but lists, long and report)"
    words.add_argument("--only", action="append", choices=PARTS, help=chosen)
    words.add_argument("--quick", action="store_true", help="short runs and a small ledger: rough figures")
    words.add_argument("--write", action="store_true", help=f"write the table into {PAGE.relative_to(ROOT)}")
    words.add_argument("--json", action="store_true", help="answer with JSON")
    words.add_argument("--scratch", type=Path, help="folder for ledgers, on the disk to be measured (default: build)")
    given = words.parse_args(argv)
    scale = Scale.quick() if given.quick else Scale.full()
    scratch = given.scratch or ROOT / "build"
    scratch.mkdir(parents=True, exist_ok=True)
    if not wrk.has_wrk():
        print("no wrk on this machine: an asyncio generator stands in, and its figures are floors", file=sys.stderr)
    rows = measure(given.only or [name for name in PARTS if name not in BY_NAME], scale, scratch)
    if given.json:
        print(json.dumps([row.json() for row in rows], indent=1))
    else:
        print(markdown(rows))
    if given.write:
        write(rows, quick=given.quick)
    return int(any(row.met is False for row in rows))


def measure(names: Sequence[str], scale: Scale, scratch: Path) -> list[Row]:
    """The bounds and the rows of the parts named, each part in a folder of its own that is removed again."""
    with tempfile.TemporaryDirectory(prefix="bench-", dir=scratch) as place:
        known, rows = measure_bounds(scale, Path(place))
        for name in names:
            with tempfile.TemporaryDirectory(prefix=f"{name}-", dir=place) as own:
                try:
                    for row in PARTS[name](Path(own), scale, known):
                        print(f"{row.what}: {row.text}", file=sys.stderr, flush=True)
                        rows.append(row)
                except (RuntimeError, OSError, subprocess.SubprocessError) as error:
                    # The other parts' figures are worth having; this one's absence is a figure missed.
                    print(f"{name} broke off: {error}", file=sys.stderr, flush=True)
                    rows.append(Row(f"{name} broke off", 0, "", at_least=1))
    return rows


def measure_bounds(scale: Scale, place: Path) -> tuple[Bounds, list[Row]]:
    """What the machine can do at most, measured before anything else of this run."""
    seconds, cores = scale.bound_seconds, os.cpu_count() or 1
    known = Bounds(
        sha256=bounds.sha256_rate(seconds),
        sign=bounds.sign_rate(seconds),
        verify=bounds.verify_rate(seconds),
        verify_all=bounds.verify_rate(seconds, threads=cores),
        sodium_all=bounds.verify_rate(seconds, threads=cores, by="libsodium"),
        fsync=bounds.fsync_rate(seconds, place),
        route=parts.bare_route(place, scale),
    )
    return known, [
        Row("bound: SHA-256 of a 1 kB leaf, one core", known.sha256, "/s"),
        Row("bound: Ed25519 sign, one core", known.sign, "/s"),
        Row("bound: Ed25519 verify by OpenSSL, one core", known.verify, "/s"),
        Row(f"bound: Ed25519 verify by OpenSSL, {cores} cores", known.verify_all, "/s"),
        Row(f"bound: Ed25519 verify by libsodium, {cores} cores", known.sodium_all, "/s"),
        Row("bound: 4 KiB written and fdatasync", known.fsync, "/s"),
        Row("bound: bare HTTP route that reads a JSON body, 32 connections, one process", known.route, "/s"),
    ]


def markdown(rows: Sequence[Row]) -> str:
    """The table."""
    lines = ["| what | measured | wanted | beside its bound |", "|---|---|---|---|"]
    lines += [f"| {row.what} | {row.text} | {row.wanted} | {row.beside} |" for row in rows]
    return "\n".join(lines)


def write(rows: Sequence[Row], *, quick: bool) -> None:
    """Put the table, with the machine in general words and the day, between the marks of the page."""
    text = PAGE.read_text("utf-8")
    day = datetime.now(UTC).date().isoformat()
    about = f"{machine()}, {day}{', quick run: rough figures' if quick else ''}."
    between = f"{MARKS[0]}\n{about}\n\n{markdown(rows)}\n{MARKS[1]}"
    pattern = re.compile(f"{re.escape(MARKS[0])}.*{re.escape(MARKS[1])}", re.DOTALL)
    PAGE.write_text(pattern.sub(lambda _: between, text), "utf-8")


def machine() -> str:
    """The machine in general words: kind, cores, memory, Python; no name of it."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    load = "wrk" if wrk.has_wrk() else "an asyncio generator"
    return (
        f"{platform.system()} {platform.machine()}, {os.cpu_count()} cores, {memory:.0f} GiB, "
        f"Python {platform.python_version()}, {load} on the same machine"
    )
