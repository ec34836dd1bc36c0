"""``patina import open-repair``: a file of the Open Repair Data Standard becomes items, repairs and parties.

It may be killed anywhere and run again: what a record becomes depends on the record alone (`open_repair`), so the
ledger recognises what it has and takes the rest. A record's statements are one atomic group: all of them or none.
Batches are large because a commit costs the same for one record as for hundreds.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from api.cli import folder, open_repair, parties, terminal
from api.cli.open_repair import Group, Record, Refusal
from ledger.db.append import Draft
from ledger.db.ledger import Ledger
from ledger.dsse import SigningKey
from ledger.errors import PatinaError, Unavailable

BATCH_RECORDS = 300
"""About 500 statements a commit: longer ones keep a server beside us waiting for the lock."""
SOME_REFUSED = 1


@dataclass(slots=True)
class Summary:
    """What became of a file's records, so far."""

    records: int = 0
    imported: int = 0
    repeated: int = 0
    statements: int = 0
    refused: list[Refusal] = field(default_factory=list)


def main(argv: Sequence[str]) -> int:
    """Import; 0 if every record of the file stands in the ledger now, 1 if some were refused."""
    words = terminal.parser(
        "import",
        "Bring in records of others. May be stopped and run again: each record is taken exactly once.\n"
        "Exit code 0: every record stands in the ledger; 1: some were refused, each with a line that says why.",
        "patina import open-repair OpenRepairData_v0.3.csv --dir var",
    )
    words.add_argument(
        "form", choices=("open-repair",), help="the form of the file: Open Repair Data Standard 0.3, CSV"
    )
    words.add_argument("file", type=Path, metavar="FILE")
    words.add_argument("--problems", action="store_true", help="keep problem texts, as private notes of the recorder")
    terminal.add_folder(words)
    terminal.add_json(words)
    folder.add_clock(words)
    given = words.parse_args(argv)
    if not given.file.is_file():
        raise Unavailable(f"got no file {given.file}")
    began = time.monotonic()
    with folder.opened(given.dir, given) as ledger:
        summary = bring_in(ledger, given.file, _refused, problems=given.problems)
    _tell(given, summary, time.monotonic() - began)
    return SOME_REFUSED if summary.refused else 0


def _refused(refusal: Refusal) -> None:
    terminal.remark(f"refused: {refusal}")


def _tell(given: argparse.Namespace, summary: Summary, seconds: float) -> None:
    rate = round(summary.statements / seconds) if seconds else 0
    if given.json:
        refused = [{"line": one.line, "id": one.id, "why": one.why} for one in summary.refused]
        counts: dict[str, Any] = {
            name: getattr(summary, name) for name in ("records", "imported", "repeated", "statements")
        }
        terminal.answer(counts | {"refused": refused, "seconds": round(seconds, 1), "statements_per_second": rate})
        return
    no = f"{len(summary.refused)} refused"
    print(f"{summary.records} records: {summary.imported} imported, {summary.repeated} were there, {no}")
    print(f"{summary.statements} statements in {seconds:.1f} s, {rate} a second")


def bring_in(ledger: Ledger, path: Path, refused: Callable[[Refusal], None], *, problems: bool = False) -> Summary:
    """Import a file, with its problem texts in private if asked; `refused` hears of each record that was not taken."""
    summary = Summary()
    signers: dict[str, SigningKey] = {}

    def refuse(refusal: Refusal) -> None:
        summary.refused.append(refusal)
        refused(refusal)

    with terminal.progress("import", open_repair.count(path)) as advance:
        for batch in _batches(open_repair.read(path)):
            groups: list[tuple[Record, list[Draft]]] = []
            for record in batch:
                summary.records += 1
                if isinstance(record, Refusal):
                    refuse(record)
                    continue
                try:
                    groups.append((record, _drafts(ledger, record, signers, problems=problems)))
                except Unavailable:
                    raise
                except PatinaError as error:
                    refuse(Refusal(record.line, record.id, error.message))
            _append(ledger, groups, summary, refuse)
            advance(len(batch))
    return summary


def _append(
    ledger: Ledger,
    groups: list[tuple[Record, list[Draft]]],
    summary: Summary,
    refuse: Callable[[Refusal], None],
) -> None:
    """One commit, counted."""
    outcomes = folder.write(ledger, [drafts for _, drafts in groups])
    for (record, drafts), outcome in zip(groups, outcomes, strict=True):
        errors = [one for one in outcome if isinstance(one, PatinaError)]
        if errors:
            # In an atomic group the neighbours of what was refused are refused too; the reason is the odd one out.
            reasons = list(dict.fromkeys(one.message for one in errors))
            refuse(Refusal(record.line, record.id, min(reasons, key=[one.message for one in errors].count)))
        elif all(one.repeated for one in outcome if not isinstance(one, PatinaError)):
            summary.repeated += 1
        else:
            summary.imported += 1
            summary.statements += len(drafts)


def _drafts(ledger: Ledger, record: Record, signers: dict[str, SigningKey], *, problems: bool) -> list[Draft]:
    """A record's statements, signed by its group, which is registered at its first record."""
    signer = signers.get(record.group.id)
    if signer is None:
        signer = signers[record.group.id] = parties.register(ledger, record.group.id, _details(record.group))
    first, *others = record.statements(ledger.id)
    if problems and record.problem is not None:
        drafts = [folder.draft_private(ledger, first, [signer], {"note": record.problem})]
    else:
        drafts = [folder.draft(first, [signer])]
    return drafts + [folder.draft(value, [signer]) for value in others]


def _details(group: Group) -> dict[str, Any]:
    """What is registered of a group."""
    details: dict[str, Any] = {"name": group.name, "roles": ["repairer"]}
    if group.country is not None:
        details["country"] = group.country
    return details


def _batches(records: Iterable[Record | Refusal]) -> Iterator[list[Record | Refusal]]:
    """The records in lists of `BATCH_RECORDS`, read as they are wanted."""
    batch: list[Record | Refusal] = []
    for record in records:
        batch.append(record)
        if len(batch) == BATCH_RECORDS:
            yield batch
            batch = []
    if batch:
        yield batch
