"""Bringing an older copy of a ledger forward: the leaves that it lacks, from a newer copy of its log.

A restored backup is behind what was released, and to append to it would make a second history. But the leaves after it
are in the log's public copies: a mirror, an auditor's folder, the damaged database itself. They are appended again, one
commit of theirs as one of ours, at the time that they say. Everything in a leaf follows from what is before it, and
Ed25519 gives one signature for one text, so what comes out must be the same bytes; where it is not, this stops, and the
copy is of no use. What the database keeps beside the log (API keys, codes, sealed members) does not come back this way;
but a file that a leaf names is listed again, where there is a copy of it, or it would be swept away.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from ledger import checkpoint, dsse, note, tiles, times
from ledger.db.copies import use_rows
from ledger.db.draft import Accepted, Draft, Row
from ledger.db.ledger import Ledger
from ledger.db.reason import reason
from ledger.errors import PatinaError, Unavailable
from ledger.leaf import Entry, Seal, Statement, parse_leaf, statement_bytes

_SLICE = 1000


@dataclass(frozen=True, slots=True)
class Newer:
    """A newer copy of a log: its signed checkpoint, and where it lies, a SQLite file or a folder of tiles."""

    note: str
    path: Path

    @property
    def size(self) -> int:
        """The size that the checkpoint claims; whether it is one of ours is checked elsewhere."""
        lines = self.note.split("\n")
        return int(lines[1]) if len(lines) > 1 and lines[1].isascii() and lines[1].isdigit() else 0

    def leaves(self, first: int) -> Iterator[bytes]:
        """Yield the leaves from this one on; raises ``Unavailable`` for one that is not there."""
        return self._rows(first) if self.path.is_file() else self._bundles(first)

    def _rows(self, first: int) -> Iterator[bytes]:
        with closing(sqlite3.connect(f"file:{self.path}?mode=ro", uri=True)) as file:
            try:
                rows = file.execute(
                    "SELECT bytes FROM leaf WHERE idx >= ? AND idx < ? ORDER BY idx", (first, self.size)
                )
                yield from (bytes(raw) for (raw,) in rows)
            except sqlite3.Error as error:
                raise Unavailable(f"cannot read the leaves in {self.path}: {reason(error)}") from None

    def _bundles(self, first: int) -> Iterator[bytes]:
        for n in range(first // tiles.WIDTH, -(-self.size // tiles.WIDTH)):
            path = self.path / tiles.entries_path(n, tiles.tile_width(0, n, self.size))
            try:
                entries = tiles.parse_bundle(path.read_bytes())
            except OSError as error:
                raise Unavailable(f"cannot read {path}: {reason(error)}") from None
            yield from entries[max(0, first - n * tiles.WIDTH) :]


def newer(path: Path) -> Newer:
    """The newer copy of a log at a path; raises ``Unavailable`` if there is none."""
    try:
        if path.is_dir():
            return Newer((path / "checkpoint").read_text("utf-8"), path)
        with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as file:
            return Newer(str(file.execute("SELECT note FROM head").fetchone()[0]), path)
    except (OSError, UnicodeDecodeError, sqlite3.Error, TypeError) as error:
        raise Unavailable(f"cannot read a log in {path}: {reason(error)}") from None


def bring_forward(ledger: Ledger, source: Newer, now: list[int]) -> int:
    """Append to ``ledger`` what ``source`` has more; return how many leaves that were.

    ``now[0]`` is what the ledger's clock says, and is set here. Raises ``Unavailable`` where the source is no newer
    copy of this very log: its checkpoint must be signed by a key that the ledger has, and every leaf come out the same.
    """
    vkeys = [note.parse_vkey(vkey) for vkey in ledger.vkeys]
    try:
        claimed = checkpoint.check_checkpoint(source.note, vkeys, ledger.origin)
    except PatinaError as error:
        raise Unavailable(f"the newer log is not this ledger's: {error.message}") from None
    start = size = ledger.reader.size()
    group: list[tuple[Entry, bytes]] = []
    for raw in source.leaves(size):
        leaf = parse_leaf(raw)
        if isinstance(leaf, Entry):
            group.append((leaf, raw))
            continue
        _commit(ledger, group, leaf, now)
        size += len(group) + 1
        if ledger.reader.leaf(size - 1) != raw:
            raise Unavailable(f"leaf {size - 1} comes out otherwise than the newer log has it")
        group = []
    if ledger.reader.size() != claimed.size or ledger.reader.root(claimed.size) != claimed.root:
        raise Unavailable(f"the newer log does not lead to its own checkpoint at size {claimed.size}")
    return size - start


def _commit(ledger: Ledger, group: list[tuple[Entry, bytes]], seal: Seal, now: list[int]) -> None:
    now[0] = times.parse_recorded(seal.recorded_at)
    ledger.writer.accept_clock = True
    if not group:
        ledger.writer.seal(force=True)
        return
    drafts = []
    for entry, _ in group:
        body = statement_bytes(entry.statement)
        for signature in entry.signatures:
            dsse.check_signature(signature.key, body, signature.sig)
        files = _listed(ledger, entry.statement)
        drafts.append([Draft(entry.statement, body, entry.signatures, rows=files, verified=True)])
    outcomes = ledger.writer.append(drafts)
    for (outcome,), (entry, raw) in zip(outcomes, group, strict=True):
        if not isinstance(outcome, Accepted) or outcome.entry != raw:
            why = outcome.message if isinstance(outcome, PatinaError) else "it comes out otherwise"
            raise Unavailable(f"leaf {entry.index} of the newer log cannot follow: {why}")


def _listed(ledger: Ledger, statement: Statement) -> tuple[Row, ...]:
    """The rows of the files that a statement lists in clear, of which its party or the operator has a copy."""
    files, parties = statement.attachments or (), (statement.party, ledger.operator)
    found = {file: ledger.attachments.find(file.sha256, parties) for file in files}
    copies = {kept.sha256: kept for kept in found.values() if kept is not None}
    return use_rows([file for file in files if file.sha256 in copies], copies, public=True)
