"""``patina audit``: check a whole ledger, in a folder or at an address."""

from __future__ import annotations

import argparse
import os
from collections.abc import Sequence
from pathlib import Path

from verifier.audit import Options, audit
from verifier.cli.arguments import add_json, add_vkey, open_source, parser, show
from verifier.cli.progress import progress

_DESCRIPTION = """\
Check every leaf of a ledger: form, order, links, signatures, who may say what, the subject map, and that the
signed checkpoint is over exactly these leaves.

SOURCE is the folder of a ledger (with ledger.sqlite3), a folder of static tlog-tiles files, or an address whose
checkpoint, tile/... and tile/entries/... are read. With --state the next audit reads only what is new.

Exit: 0 proven, 1 disproved, 2 could not tell."""


def main(argv: Sequence[str]) -> int:
    """The exit code of ``patina audit`` with these words."""
    options = _parser().parse_args(argv)
    source = open_source(options.source, options.api_key_file)
    try:
        with progress("auditing") as tell:
            verdict = audit(
                source,
                Options(
                    vkeys=tuple(options.vkey),
                    state=options.state,
                    every_seal=options.seals == "all",
                    signatures=options.signatures,
                    workers=options.workers,
                    progress=tell,
                ),
            )
    finally:
        source.close()
    return show(verdict, as_json=options.json)


def _parser() -> argparse.ArgumentParser:
    made = parser("audit", _DESCRIPTION, 'patina audit https://ledger.example --vkey "$VKEY" --state audited')
    made.add_argument("source", metavar="SOURCE", help="a folder, or an address")
    add_vkey(made)
    made.add_argument("--state", metavar="DIR", type=Path, help="folder to continue from and to keep the new state in")
    made.add_argument(
        "--seals",
        choices=("all", "last"),
        default="all",
        help="recompute the map root of every seal (default), or of the last: then earlier histories are not proved",
    )
    made.add_argument(
        "--no-signatures", dest="signatures", action="store_false", help="leave out the signatures; the verdict says so"
    )
    made.add_argument(
        "--workers",
        metavar="N",
        type=int,
        default=os.cpu_count() or 1,
        help="processes that verify signatures (default: one a core; 0: none beside this one)",
    )
    made.add_argument("--api-key-file", metavar="FILE", type=Path, help="key for a log whose entries are not public")
    add_json(made)
    return made
