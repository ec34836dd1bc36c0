"""Append: the one way in, and the only writer of leaves (architecture.md, Append; amendments R8 to R10).

One transaction a batch, under the append lock: (1) lock the head, and let the view follow what other processes
committed; (2) read what the batch touches; (3) judge, link and hash each statement by the state before it, the index
being the number of leaves; (4) compute the subject map and seal it; (5) sign the checkpoint; (6) write the rows,
compare and swap the head, commit; (7) what changed is left for the other processes, then the guard file, then the
answers. On PostgreSQL that is three round trips: 1, 2 and 6.

Nothing is answered before the commit. If a commit fails in a way that leaves its outcome open, the database is asked
whether the batch's last leaf stands there; if that cannot be answered either, callers hear that it is not known, and
the same statement sent again is answered by what the log then holds.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any

import psycopg
from msgspec.structs import replace
from sqlalchemy import Engine
from sqlalchemy.exc import SQLAlchemyError

from ledger import checkpoint as checkpoints
from ledger import merkle, submap, times
from ledger.db.backfill import Backfill
from ledger.db.batch import Batch, Reads, Standing
from ledger.db.commit import CAS, Nodes, head_row, inserts_of, swap_of
from ledger.db.connect import session
from ledger.db.draft import Accepted, Draft, Outcome, Row
from ledger.db.guard import Guard, Released
from ledger.db.keys import LedgerKeys
from ledger.db.lock import AppendLock
from ledger.db.proofs import LEAF, tree_reader
from ledger.db.reason import reason
from ledger.db.recent import Short
from ledger.db.session import Insert, Session, Step, ask, fetch
from ledger.db.subjects import NO_STATE, RECORDS, SUBJECTS
from ledger.db.tree import Growth
from ledger.db.view import HEAD, Head, Tip, View, nodes_of
from ledger.db.views import uuid_bytes
from ledger.errors import PatinaError, Unavailable
from ledger.leaf import Statement
from ledger.note import Signer
from ledger.top import bucket_of, bucket_range

__all__ = ["Accepted", "Draft", "Outcome", "Row", "Standing", "Writer"]

SEAL_EVERY = times.HOUR
MAX_GAP = times.DAY
DATABASE_ERRORS = (sqlite3.Error, psycopg.Error, SQLAlchemyError)

_STANDING = "SELECT s.id, s.idx, l.bytes FROM statement s JOIN leaf l ON l.idx = s.idx WHERE s.id IN {among}"
_HOLDER = 'SELECT idx FROM holder_key WHERE "key" = ?'


class Writer:
    """The appender of one process; ``append`` is synchronous and may be called from any thread, one at a time."""

    def __init__(
        self,
        engine: Engine,
        view: View,
        lock: AppendLock,
        *,
        guard: Guard | None,
        backfill: Backfill,
        keys: LedgerKeys,
        clock: Callable[[], int],
    ) -> None:
        self._refusal: str | None = None
        self._locked: str | None = None
        self.accept_clock = False
        """The operator's word that a clock more than a day past the last leaf is right; good for one commit."""
        self._engine = engine
        self._view = view
        self._lock = lock
        self._guard = guard
        self._backfill = backfill
        self._keys = keys
        self._clock = clock
        self._head_query = HEAD + (" FOR UPDATE" if engine.dialect.name == "postgresql" else "")

    @property
    def refusal(self) -> str | None:
        """Why this process does not sign, or ``None``; once set, it stays for the life of the process."""
        if self._refusal is not None or self._view.alarm is not None or self.accept_clock:
            return self._refusal or self._view.alarm
        return self._clock_refusal(self._view.tip.head, self._clock())

    @refusal.setter
    def refusal(self, why: str) -> None:
        self._refusal = why

    def open_keys(self) -> None:
        """Unwrap the keys that sign, before the first statement has to find that they do not open (``locked``)."""
        try:
            with session(self._engine) as connection:
                connection.begin(write=False)
                for vkey in self._view.parties.vkeys_in_force():
                    self._keys.get(vkey, connection)
        except (Unavailable, *DATABASE_ERRORS) as error:
            self._locked = error.message if isinstance(error, Unavailable) else reason(error)

    @property
    def locked(self) -> str | None:
        """Why the keys that sign did not open; ``None`` once they have, as when the key service is back."""
        if self._locked is not None and all(map(self._keys.holds, self._view.parties.vkeys_in_force())):
            self._locked = None
        return self._locked

    def must_wait(self) -> bool:
        """Whether ``append`` would have to wait now for somebody else of this machine who appends."""
        return self._lock.is_taken()

    def append(self, groups: Sequence[Sequence[Draft]]) -> list[list[Outcome]]:
        """Append the drafts in order in one commit; return for each what became of it, in the same shape.

        A group of more than one draft is atomic: if one is refused, it has its error and the others of the group
        have ``Refused`` saying so. A refused group changes nothing and does not block its neighbours. Raises nothing
        for input: if the ledger may not sign or the database fails, every outcome is ``Unavailable``.
        """
        if not all(draft.verified for group in groups for draft in group):
            raise AssertionError("a draft whose signatures nobody verified")
        sealed = [[_sealed(draft) for draft in group] for group in groups]
        try:
            with self._lock, session(self._engine) as connection:
                return self._append(connection, sealed)
        except Unavailable as error:
            return [[error] * len(group) for group in groups]
        except DATABASE_ERRORS as error:
            failed = Unavailable(f"the database failed ({reason(error)}); send the same statement again")
            return [[failed] * len(group) for group in groups]

    def check(self, groups: Sequence[Sequence[Draft]]) -> list[list[Standing | PatinaError]]:
        """What ``append`` would do with these drafts now: each as it would stand, or what refuses it; writes nothing.

        Raises ``Unavailable`` if the ledger may not sign or the database fails.
        """
        if not all(draft.verified for group in groups for draft in group):
            raise AssertionError("a draft whose signatures nobody verified")
        try:
            with self._lock, session(self._engine) as connection:
                head, now = self._begin(connection)
                batch = self._batch(connection, head, now)
                self._expect(connection, batch, [draft.statement for group in groups for draft in group])
                return [batch.take(group) for group in groups]
        except DATABASE_ERRORS as error:
            raise Unavailable(f"the database failed: {reason(error)}") from error

    def seal(self, *, force: bool = False) -> bool:
        """Append a seal if the last leaf is older than an hour (or by force); return whether one was.

        Raises ``Unavailable`` if the ledger may not sign or the database fails.
        """
        try:
            with self._lock, session(self._engine) as connection:
                head, now = self._begin(connection)
                if not force and now - times.parse_recorded(head.recorded_at) < SEAL_EVERY:
                    return False
                batch = self._batch(connection, head, now)
                self._commit(connection, batch, {})
                return True
        except DATABASE_ERRORS as error:
            raise Unavailable(f"the database failed: {reason(error)}") from error

    def _append(self, connection: Session, groups: Sequence[Sequence[Draft]]) -> list[list[Outcome]]:
        head, now = self._begin(connection)
        batch = self._batch(connection, head, now)
        records = self._expect(connection, batch, [draft.statement for group in groups for draft in group])
        taken = [batch.take(group) for group in groups]
        growth: Growth | None = None
        if batch.raws:
            growth = self._commit(connection, batch, records)
        else:
            connection.rollback()
        answer = _Answer(connection, self._view, growth)
        return [
            [answer.to(one, draft.statement) for one, draft in zip(stood, group, strict=True)]
            for stood, group in zip(taken, groups, strict=True)
        ]

    def _begin(self, connection: Session) -> tuple[Head, int]:
        """Lock the head and bring the view up to it; the head, and the time in microseconds."""
        if self._refusal is not None or self._view.alarm is not None:
            raise Unavailable(self._refusal or str(self._view.alarm))
        (row,) = connection.begin(write=True, then=[ask(self._head_query)])[0]
        head = Head(*row)
        try:
            with self._view.lock:
                self._view.follow(connection, head)
        except Unavailable as error:
            # What this process saw and signed is not what the database holds: no one may sign on top of that.
            self._refusal = f"this ledger was changed behind the service's back: {error.message}"
            raise Unavailable(self._refusal) from None
        now = self._clock()
        why = None if self.accept_clock else self._clock_refusal(head, now)
        if why is not None:
            raise Unavailable(why)
        return head, now

    def _clock_refusal(self, head: Head, now: int) -> str | None:
        if now - times.parse_recorded(head.recorded_at) <= MAX_GAP:
            return None
        return (
            f"the clock says {times.format_recorded(now)}, more than a day past the last leaf at {head.recorded_at}; "
            "the operator must confirm that it is right"
        )

    def _batch(self, connection: Session, head: Head, now: int) -> Batch:
        def entry(statement_id: bytes) -> tuple[int, bytes] | None:
            rows = fetch(connection, connection.among(_STANDING, [statement_id]))
            return rows[0][1:] if rows else None

        def subject(key: bytes) -> tuple[Any, ...] | None:
            rows = fetch(connection, connection.among(SUBJECTS, [key]))
            return self._whole(rows)[0] if rows else None

        def holder_key(key: bytes) -> bool:
            return bool(fetch(connection, ask(_HOLDER, key)))

        def ledger_key(vkey: str) -> bool:
            return self._keys.get(vkey, connection) is not None

        recorded_at = max(times.format_recorded(now), head.recorded_at)
        return Batch(self._view.tip, self._view.parties, recorded_at, Reads(entry, subject, holder_key, ledger_key))

    def _expect(self, connection: Session, batch: Batch, statements: Sequence[Statement]) -> dict[int, list[bytes]]:
        """Read what these statements touch in one round trip; the map's records by bucket."""
        ids = dict.fromkeys(one.id for one in statements)
        ids |= dict.fromkeys(one.corrects for one in statements if one.corrects is not None)
        subjects = {subject: submap.key_of(subject) for one in statements for subject in one.subjects}
        bits = self._view.top.bits
        buckets = {bucket_of(key, bits) for key in subjects.values()}
        standing, known, records = connection.gather(
            connection.among(_STANDING, [uuid_bytes(statement_id) for statement_id in ids]),
            connection.among(SUBJECTS, list(subjects.values())),
            connection.ranges(RECORDS, [bucket_range(bucket, bits) for bucket in buckets]),
        )
        batch.expect(ids, standing, subjects, self._whole(known))
        by_bucket: dict[int, list[bytes]] = {bucket: [] for bucket in buckets}
        shift = 32 - bits
        for row in records:
            record = submap.format_record(*row)
            by_bucket[int.from_bytes(record[:4], "big") >> shift].append(record)
        return by_bucket

    def _whole(self, subjects: Sequence[Any]) -> Sequence[Any]:
        """These subjects' rows; where a state is missing, nothing is judged by what is left, now or later."""
        if any(row[-1] is None for row in subjects):
            self._refusal = f"this ledger was changed behind the service's back: {NO_STATE}"
            raise Unavailable(self._refusal)
        return subjects

    def _commit(self, connection: Session, batch: Batch, records: dict[int, list[bytes]]) -> Growth:
        """Seal the batch, sign and commit it; the view and the guard then stand at the new size."""
        view, tip = self._view, self._view.tip
        batch.settle(tip.head.subjects)
        nodes = self._nodes(batch, records)
        with view.lock:
            undo = view.top.update(nodes)
            try:
                batch.seal(view.top.root)
                growth = Growth(tip.edge, batch.hashes)
                head = head_row(tip, batch, growth, self._sign(connection, batch, growth))
                inserts = inserts_of(tip, head, batch, growth, nodes)
                swap = (CAS, swap_of(tip, head, growth))
                self._write(connection, inserts, swap, (head.size - 1, batch.raws[-1]))
            except BaseException:
                view.top.revert(undo)
                raise
            view.tip, view.parties = Tip(head, growth.edge, view.top.root), batch.parties
        if not batch.authority:
            view.recent.hand(tip.size, Short(batch.hashes, nodes, batch.raws[-1]))
        self.accept_clock = False
        if self._guard is None:
            raise AssertionError("a ledger that was opened to be read has committed")
        try:
            self._guard.release(Released(head.size, head.root, head.note), self._clock())
        except OSError as error:
            self._refusal = f"cannot write the guard file: {reason(error)}"
            raise Unavailable(self._refusal) from None
        self._backfill.written(len(batch.raws))
        return growth

    def _nodes(self, batch: Batch, records: dict[int, list[bytes]]) -> Nodes:
        """The buckets that the batch changes, with their new nodes; ``records`` are those before it."""
        bits = self._view.top.bits
        changed: dict[int, dict[bytes, bytes]] = {}
        for known in batch.changed:
            record = submap.format_record(known.key, known.count, known.last)
            changed.setdefault(bucket_of(known.key, bits), {})[known.key] = record
        nodes: Nodes = []
        for bucket, new in changed.items():
            inside = [record for record in records[bucket] if record[:32] not in new]
            nodes += nodes_of([bucket], bits, sorted([*inside, *new.values()]))
        return nodes

    def _sign(self, connection: Session, batch: Batch, growth: Growth) -> str:
        signers: list[Signer] = []
        for vkey in batch.parties.vkeys_in_force():
            signer = self._keys.get(vkey, connection)
            if signer is None:
                self._refusal = f"the ledger does not have the private key of {vkey}"
                raise Unavailable(self._refusal)
            signers.append(signer)
        head = checkpoints.Checkpoint(batch.parties.origin, growth.edge.size, growth.edge.root)
        return checkpoints.sign_checkpoint(head, signers)

    def _write(self, connection: Session, inserts: Sequence[Insert], swap: Step, last: tuple[int, bytes]) -> None:
        try:
            connection.finish(inserts, swap)
        except DATABASE_ERRORS as error:
            with suppress(*DATABASE_ERRORS):
                connection.rollback()
            if not self._stands(*last, reason(error)):
                raise Unavailable(f"the commit failed: {reason(error)}; nothing was recorded") from error

    def _stands(self, index: int, raw: bytes, why: str) -> bool:
        """Whether a commit whose outcome is open was made: its last leaf stands in the database, or does not."""
        try:
            with session(self._engine) as fresh:
                (rows,) = fresh.begin(write=False, then=[ask(LEAF, index)])
                return bool(rows) and rows[0][0] == raw
        except DATABASE_ERRORS as error:
            raise Unavailable(
                f"whether this was recorded is not known ({why}, then {reason(error)}); send it again"
            ) from error


def _sealed(draft: Draft) -> Draft:
    return draft if draft.seal is None else replace(draft, seals=draft.seal())


class _Answer:
    """Makes receipts after a commit: of the batch's own entries from its growth, of others from the tiles."""

    def __init__(self, connection: Session, view: View, growth: Growth | None) -> None:
        self._head, self._growth = view.tip.head, growth
        self._read = tree_reader(connection, view.tip.edge, view.cache)

    def to(self, stood: Standing | PatinaError, statement: Statement) -> Outcome:
        if isinstance(stood, PatinaError):
            return stood
        head = self._head
        if self._growth is not None and stood.index >= self._growth.first:
            hashes = self._growth.prove(stood.index)
        else:
            hashes = merkle.prove_inclusion(stood.index, head.size, self._read)
        return Accepted(stood.index, stood.raw, hashes, head.note, head.size, not stood.first, statement)
