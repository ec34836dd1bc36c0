"""``patina verify``: check receipts and history bundles, offline."""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Sequence
from pathlib import Path

from ledger.trust import MAX_POLICY, parse_policy
from verifier.cli.arguments import add_json, add_vkey, open_source, parser, read_file, subject
from verifier.files import read_shelf
from verifier.findings import worst
from verifier.memory import Memory
from verifier.reader import MAX_DOCUMENT, Reader, verify

_DESCRIPTION = """\
Check receipts (one entry stands in the log) and history bundles (everything about one subject, complete and unchanged)
against the ledger keys that you trust. Nothing is asked of any server.

With --state, what was proved is remembered, and the next check refuses a log that became shorter or was changed. That a
log only grew since needs a proof, which is made from --log; without it the answer for a longer log is "could not tell".

Exit: 0 proven, 1 disproved, 2 could not tell."""


def main(argv: Sequence[str]) -> int:
    """The exit code of ``patina verify`` with these words."""
    options = _parser().parse_args(argv)
    policy = None if options.trust is None else parse_policy(read_file(options.trust, MAX_POLICY))
    memory = Memory(options.state)
    log = None if options.log is None else open_source(options.log)
    reader = Reader(
        vkeys=tuple(options.vkey),
        now=time.time_ns() // 1000,
        memory=memory,
        subject=options.subject,
        owner_code=options.owner_code,
        policy=policy,
        log=log,
        attachments=tuple([read_file(path, MAX_DOCUMENT) for path in options.attachment]),
        shelf=None if options.attachments is None else read_shelf(options.attachments),
    )
    try:
        verdicts = [verify(read_file(path, MAX_DOCUMENT), str(path), reader) for path in options.file]
    finally:
        if log is not None:
            log.close()
    memory.save()
    if options.json:
        values = [verdict.value() for verdict in verdicts]
        print(json.dumps(values[0] if len(values) == 1 else values, ensure_ascii=False, indent=2))
    else:
        print("\n".join(verdict.text() for verdict in verdicts))
    return worst(verdicts)


def _parser() -> argparse.ArgumentParser:
    made = parser("verify", _DESCRIPTION, 'patina verify history.json --vkey "$VKEY" --subject "$ITEM"')
    made.add_argument(
        "file", metavar="FILE", nargs="+", type=Path, help="a receipt or a history bundle; - reads standard input"
    )
    add_vkey(made)
    made.add_argument(
        "--subject", metavar="URI", type=subject, help="the item that you asked about, or its GS1 Digital Link"
    )
    made.add_argument(
        "--owner-code", metavar="CODE", help="the owner code, in 22 or 26 characters: does it belong to this item?"
    )
    made.add_argument("--state", metavar="FILE", type=Path, help="what was proved before, and from now on")
    made.add_argument(
        "--trust", metavar="FILE", type=Path, help="a C2SP trust policy: which witnesses must have cosigned"
    )
    made.add_argument(
        "--attachment", metavar="FILE", type=Path, action="append", default=[],
        help="a file that was shown with a history: is it the one that was recorded? may be given again",
    )  # fmt: skip
    made.add_argument(
        "--attachments", metavar="FOLDER", type=Path,
        help="a folder with the files that a history lists: is each there, and the one that was recorded?",
    )  # fmt: skip
    made.add_argument("--log", metavar="SOURCE", help="folder or address of the log, to prove that it only grew")
    add_json(made)
    return made
