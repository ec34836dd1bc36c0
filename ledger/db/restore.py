"""Restoring a backup without making a second history, and without bringing back what was erased.

Everything happens in a folder of its own beside the ledger, and only what has passed takes the ledger's place:

1. the backup is copied and brought to the newest schema;
2. it gets the keys to its private members and files: from the ledger's present database where that can be read, else
   from a keys file; and the erasures, and keys of shared tablets, that the present database knows of;
3. the log is brought forward (``forward``) from the present database or another newer copy;
4. it is held against the guard files: what is behind what was released, or another history, is refused;
5. what was erased since is destroyed again: whatever the record beside the guard files names (``erased_file``), and
   whatever the log's own ``data.erased`` say, of each class whose legal time was over; reports with costs, which no
   backup holds, say that they are lost;
6. what is found by private values is made findable again, as far as they are still there (``findagain``);
7. a new epoch begins and the old ones end, so that no key of an older copy opens anything here.

On PostgreSQL steps 1 to 4 are the operator's (``pg_restore``; the guard is asked when the ledger is opened), and
``erase_again`` is the rest.
"""

from __future__ import annotations

import os
import shutil
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ledger import private, times
from ledger.db import keyfile, migrate, private_tables
from ledger.db.engine import open_engine
from ledger.db.erased_file import NAME as RECORD
from ledger.db.erased_file import read_lines
from ledger.db.findagain import find_again
from ledger.db.forward import bring_forward, newer
from ledger.db.guard import any_open, read_guards
from ledger.db.keyfile import Rows
from ledger.db.ledger import Ledger, open_ledger
from ledger.db.reason import reason
from ledger.db.reports import note_lost
from ledger.db.secret import KeyKeeper
from ledger.db.session import Insert, ask, fetch
from ledger.errors import Refused, Unavailable
from ledger.leaf import Entry, parse_leaf

SCRATCH = "restoring"
_KEPT = ("erasure", "erasure_part", "erasure_said", "tablet_key")
"""What a present database knows and the log does not say: without its last, a tablet's key would count everywhere."""
_INDEXES = "SELECT id, idx FROM statement WHERE id IN {among}"
_LEAVES = "SELECT bytes FROM leaf WHERE idx >= ? AND idx < ? ORDER BY idx"
_STRAY = (
    "DELETE FROM file_key WHERE NOT EXISTS (SELECT 1 FROM attachment a "
    "WHERE a.party = file_key.party AND a.sha256 = file_key.sha256)"
)
"""Keys of files that were uploaded after the backup: whatever they opened is named nowhere."""
_SLICE = 1000
Retention = Callable[[Ledger, str], dict[str, Any]]
"""Days by class of data that a party's standard in force asks for."""


@dataclass(frozen=True, slots=True)
class Restored:
    """What a restore did: leaves of the backup, leaves brought forward, keys destroyed again; and if it had keys."""

    size: int
    forward: int
    erased: int
    keys: bool = True


@dataclass(frozen=True, slots=True)
class Sources:
    """Where a restore takes from: the backup, a keys file, and a newer copy of the log; the last two if need be."""

    backup: Path
    keys: Path | None = None
    log: Path | None = None


def restore(place: Path, database: Path, sources: Sources, master: KeyKeeper, retention: Retention) -> Restored:
    """Put a backup in the place of ``database``, the SQLite file of the ledger in ``place``.

    Raises ``Refused`` or ``Unavailable``, with the present database untouched, where it must not or cannot be done.
    """
    if any_open(place):
        raise Refused("a process has this ledger open: stop it first")
    scratch = place / SCRATCH
    shutil.rmtree(scratch, ignore_errors=True)
    scratch.mkdir(mode=0o700)
    try:
        copy = scratch / "ledger.sqlite3"
        done = _prepare(place, database, copy, sources, (master, retention))
        _take_place(copy, database)
        return done
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


def _prepare(place: Path, database: Path, copy: Path, sources: Sources, rest: tuple[KeyKeeper, Retention]) -> Restored:
    """Steps 1 to 7, on a copy."""
    master, retention = rest
    _copy_backup(sources.backup, copy)
    present = database if _readable(database) else None
    keys = _keys(place, present, sources)
    _give_keys(copy, ([], [], []) if keys is None else keys, present)
    now = [0]
    ledger = open_ledger(f"sqlite:///{copy}", directory=copy.parent, master=master, clock=lambda: now[0])
    try:
        size = ledger.reader.size()
        now[0] = times.parse_recorded(_head_time(ledger))
        log = newer(sources.log) if sources.log is not None else newer(present) if present is not None else None
        wanted = log is not None and (log.size > size or sources.log is not None)
        forward = bring_forward(ledger, log, now) if log is not None and wanted else 0
        _check_guards(place, ledger)
        erased = erase_again(ledger, place, retention, now[0])
        return Restored(size, forward, erased, keys is not None)
    finally:
        ledger.close()


def erase_again(ledger: Ledger, place: Path, retention: Retention, now: int) -> int:
    """Destroy again what the record and the log say was erased, and end every epoch but a new one; how many keys."""
    gone = ledger.erasures.destroy_again(sorted(set(_recorded(ledger, place)) | set(_said(ledger, retention))))
    with ledger.writing() as connection:
        connection.write((), (_STRAY, ()))
        note_lost(connection)
        connection.commit()
    find_again(ledger)
    newest = max([int(row[0]) for row in ledger.epochs.rows()[0]], default=0)
    ledger.epochs.begin(newest, now)
    if not ledger.epochs.finish(now, 0) or not ledger.epochs.scrub():
        raise Unavailable("readers were in the way of ending the old epoch: try again")
    ledger.vault.forget()
    keyfile.renew_files(place, ledger.epochs.rows())
    return gone


def _recorded(ledger: Ledger, place: Path) -> Iterator[tuple[str, str]]:
    """Statement and class of what the record beside the guard files names."""
    for line in read_lines(place / RECORD):
        if line.kind in private.ERASABLE and ledger.reader.entry(line.statement) is not None:
            yield line.statement, line.kind


def _said(ledger: Ledger, retention: Retention) -> Iterator[tuple[str, str]]:
    """The same of what the log says was erased: the classes whose legal time was over when it was said.

    It does not say whether public files were among it; of a statement without private members nothing else can be.
    """
    size, standards = ledger.reader.size(), dict[str, dict[str, Any]]()
    for start in range(0, size, _SLICE):
        with ledger.reading() as connection:
            raws = fetch(connection, ask(_LEAVES, start, min(size, start + _SLICE)))
        for raw in [bytes(raw) for (raw,) in raws if b'"type":"data.erased"' in bytes(raw)]:
            erased = _entry(raw)
            when = times.parse_recorded(erased.recorded_at)
            for statement in erased.statement.details["statements"]:
                found = ledger.reader.entry(statement)
                assert found is not None, "the rules let a data.erased name no other"
                entry = _entry(found[1])
                party = entry.statement.party
                if party not in standards:
                    standards[party] = retention(ledger, party)
                for kind in private.CLASSES:
                    ordered = erased.statement.details["why"] == "authority"
                    if ordered or private.due_at(kind, entry.recorded_at, standards[party]) <= when:
                        yield statement, kind
                if entry.statement.sd is None:
                    yield statement, private.FILES


def _copy_backup(backup: Path, copy: Path) -> None:
    try:
        with closing(sqlite3.connect(f"file:{backup}?mode=ro", uri=True)) as file, closing(sqlite3.connect(copy)) as to:
            os.chmod(copy, 0o600)  # noqa: PTH101 -- before anything is in it
            file.backup(to)
            if to.execute("PRAGMA quick_check").fetchone()[0] != "ok":
                raise Unavailable(f"the backup {backup} is damaged")
    except sqlite3.Error as error:
        raise Unavailable(f"cannot read the backup {backup}: {reason(error)}") from None
    engine = open_engine(f"sqlite:///{copy}")
    try:
        if migrate.current(engine) is None:
            raise Unavailable(f"there is no ledger in {backup}")
        migrate.upgrade(engine)
    finally:
        engine.dispose()


def _readable(database: Path) -> bool:
    with suppress(sqlite3.Error, TypeError), closing(sqlite3.connect(f"file:{database}?mode=ro", uri=True)) as file:
        return bool(file.execute("SELECT size FROM head").fetchone()[0]) and bool(keyfile.read_keys(database))
    return False


def _keys(place: Path, present: Path | None, sources: Sources) -> Rows | None:
    """The keys to private members, from the freshest place that has them; ``None`` where there is none."""
    if sources.keys is not None:
        return keyfile.read_keys(sources.keys)
    if present is not None:
        return keyfile.read_keys(present)
    beside = sources.backup.parent / keyfile.NAME
    if beside.exists():
        return keyfile.read_keys(beside)
    # Those that backups were noted to have: they are written anew at the end, and must not be with no key in them.
    noted = keyfile.reachable(keyfile.noted_files(place))
    return keyfile.read_keys(max(noted, key=lambda path: path.stat().st_mtime)) if noted else None


def _give_keys(copy: Path, rows: Rows, present: Path | None) -> None:
    """Put keys into a copy that has none, and what only the present database knows (``_KEPT``)."""
    with closing(sqlite3.connect(f"file:{copy}", uri=True)) as file, file:
        keyfile.clear_rows(file)
        keyfile.put_rows(file, rows)
        if present is not None:
            file.commit()
            file.execute("ATTACH DATABASE ? AS present", (f"file:{present}?mode=ro",))
            # A database from before there were tablets that sign has no such table.
            there = {name for (name,) in file.execute("SELECT name FROM present.sqlite_master")}
            for table in there.intersection(_KEPT):
                file.execute(f'INSERT OR REPLACE INTO "{table}" SELECT * FROM present."{table}"')  # noqa: S608 -- ours


def _check_guards(place: Path, ledger: Ledger) -> None:
    """Raise ``Refused`` if the copy is behind what was released, or another history."""
    for path, released in read_guards(place):
        if released.size > ledger.reader.size():
            raise Refused(
                f"guard file {path.name} has released {released.size} leaves and the backup leads to "
                f"{ledger.reader.size()}: want a newer copy of the log (--log), or this would be a second history"
            )
        if ledger.reader.root(released.size) != released.root:
            raise Refused(f"guard file {path.name} has another root at size {released.size}: another history")


def _take_place(copy: Path, database: Path) -> None:
    for suffix in ("-wal", "-shm"):
        Path(f"{database}{suffix}").unlink(missing_ok=True)
        Path(f"{copy}{suffix}").unlink(missing_ok=True)  # empty: the last connection has closed
    copy.replace(database)
    keyfile.sync_folder(database.parent)


def _head_time(ledger: Ledger) -> str:
    raw = ledger.reader.leaf(ledger.reader.size() - 1)
    assert raw is not None, "the last leaf of a checkpoint is there"
    return parse_leaf(raw).recorded_at


def _entry(raw: bytes) -> Entry:
    entry = parse_leaf(raw)
    assert isinstance(entry, Entry), "statements stand in entries"
    return entry


def put_keys(ledger: Ledger, rows: Rows) -> None:
    """Put the keys of a keys file into a database that was restored without them."""
    epochs, seals, files = rows
    with ledger.writing() as connection:
        if fetch(connection, ask("SELECT 1 FROM epoch")):
            raise Refused("this database has keys of its own")
        found = fetch(connection, connection.among(_INDEXES, [row[0] for row in seals]))
        at = {bytes(statement): index for statement, index in found}
        # A key of a statement that this database does not have opens nothing in it.
        placed = sorted((at[one], number, one, epoch, key) for one, number, epoch, key in seals if one in at)
        named = ((private_tables.epoch, epochs), (private_tables.seal_key, placed), (private_tables.file_key, files))
        connection.write([Insert(table, some) for table, some in named])
        connection.commit()
