"""``patina report``: count how cases went in a period, from a ledger that is proved first; or count a report again."""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from ledger.errors import Malformed
from ledger.report_ask import DIMENSIONS, EVIDENCE, TIMES, TRENDS, parse_ask
from ledger.reports.formats import FORMATS, render
from ledger.reports.spooled import Work
from verifier.cli.arguments import add_json, add_vkey, open_source, parser, read_file, show, write_new
from verifier.cli.progress import progress
from verifier.figures import MAX_REPORT, check, make, opened

_DESCRIPTION = """\
Count how cases went in a period: clocks, limits, complaints, repeats, satisfaction, targets and scores, by any
grouping. What is read is proved to be under the ledger's signed checkpoint, which the report names.

With --verify FILE, count a report (JSON) that somebody has handed out again, from the entries below the checkpoint that
it names: the same bytes, or the first figure that differs. Exit: 0 proven, 1 disproved, 2 could not tell."""
_EXAMPLES = """\
patina report --dir ~/ledger --vkey "$VKEY" --period 2026-Q3 --by fault --format csv
  patina report --verify report.json https://ledger.example --vkey "$VKEY\""""


def main(argv: Sequence[str]) -> int:
    """The exit code of ``patina report`` with these words."""
    made = _parser()
    options = made.parse_args(argv)
    source = options.source or options.dir
    if source is None or (options.source and options.dir):
        made.error("want one SOURCE: the folder of a ledger, or its address")
    disclosures = {} if options.disclosures is None else _disclosures(options.disclosures)
    note, below = opened(partial(open_source, source, options.api_key_file), tuple(options.vkey))
    verdict, content = None, b""
    with progress("counting") as tell:
        work = Work(below, max(0, options.workers), tell, disclosures)
        if options.verify is not None:
            verdict = check(read_file(options.verify, MAX_REPORT), str(options.verify), tuple(options.vkey), work)
        else:
            content = _made(options, work, note)
    if verdict is not None:
        return show(verdict, as_json=options.json)
    if options.out is not None:
        write_new(options.out, content, 0o644)
        print(json.dumps({"file": str(options.out)}) if options.json else options.out)
    else:
        sys.stdout.flush()
        sys.stdout.buffer.write(content)
    return 0


def _made(options: argparse.Namespace, work: Work, note: str) -> bytes:
    """A new report in the format that is asked for."""
    asked = {
        "period": options.period,
        "by": [name for names in options.by for name in names.split(",")],
        "trend": options.trend,
        "parties": options.party,
        "times": options.times,
        "evidence": options.evidence,
    }
    return render(make(note, tuple(options.vkey), parse_ask(asked), work), options.format)


def _disclosures(path: Path) -> Mapping[str, Sequence[str]]:
    """The disclosures of a file: a JSON object of lists by statement id."""
    try:
        given: Any = json.loads(read_file(path, MAX_REPORT))
    except (ValueError, RecursionError):
        given = None
    if not isinstance(given, dict) or not all(
        isinstance(those, list) and all(isinstance(one, str) for one in those) for those in given.values()
    ):
        raise Malformed(f"want {path} to be a JSON object of lists of disclosures by statement id")
    return given


def _parser() -> argparse.ArgumentParser:
    made = parser("report", _DESCRIPTION, _EXAMPLES)
    made.add_argument("source", metavar="SOURCE", nargs="?", help="the folder of a ledger, or its address")
    made.add_argument("--dir", metavar="D", help="the same, of the ledger on this machine")
    add_vkey(made)
    made.add_argument("--verify", metavar="FILE", type=Path, help="a report in JSON to count again")
    made.add_argument(
        "--period", default="all", metavar="P", help="2026, 2026-Q3, 2026-07, 2026-07-01/2026-07-31, or all (default)"
    )
    made.add_argument(
        "--by", action="append", default=[], metavar="NAMES",
        help=f"group by these, with commas between: {', '.join(DIMENSIONS)}",
    )  # fmt: skip
    made.add_argument("--trend", choices=TRENDS, default="month", help="the steps of the trend (default: month)")
    made.add_argument(
        "--party", action="append", default=[], metavar="URI", help="only this party and those below it; again for more"
    )
    made.add_argument(
        "--times", choices=TIMES, default="counted",
        help="place a case by its opening as clocks count it, or as its author stated it (old records brought in)",
    )  # fmt: skip
    made.add_argument("--evidence", choices=EVIDENCE, default="", help="list what an assessor by this text asks for")
    made.add_argument("--disclosures", metavar="FILE", type=Path, help="disclosed costs: JSON, lists by statement id")
    made.add_argument("--format", choices=FORMATS, default="json", help="(default: json, which can be verified)")
    made.add_argument("--out", metavar="FILE", type=Path, help="write to a new file (default: standard output)")
    made.add_argument(
        "--workers", metavar="N", type=int, default=os.cpu_count() or 1, help="processes (default: one a core)"
    )
    made.add_argument("--api-key-file", metavar="FILE", type=Path, help="key for a log whose entries are not public")
    add_json(made, "answer of --verify and --out in JSON")
    return made
