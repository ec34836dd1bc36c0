"""Reading: histories, receipts, tiles and proofs, each from one snapshot of the database.

What a reader is given is put together from stored bytes: entries are never parsed again on the way out. Before a
history leaves, the map's root is computed from each of its map proofs and compared with the seal's (amendments,
"Self-check"); if it differs the view is loaded afresh once, and if it still does, the answer is refused.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from typing import Any, TypeVar

from sqlalchemy import Engine

from ledger import merkle, note, submap
from ledger.db import items
from ledger.db.connect import session
from ledger.db.history import Histories
from ledger.db.items import Item
from ledger.db.ledger_keys import LedgerKey, ledger_keys
from ledger.db.proofs import LEAF, leaf_at, map_proof, tree_reader
from ledger.db.session import Row, ask
from ledger.db.subjects import SUBJECT, Mismatch, state_in
from ledger.db.tree import TILE_WIDTH, root_at
from ledger.db.view import Head, Snapshot, View
from ledger.db.views import uuid_bytes
from ledger.doubt import Doubt, doubts
from ledger.errors import Malformed
from ledger.party import Parties
from ledger.receipt import format_receipt
from ledger.state import State
from ledger.tiles import format_bundle

__all__ = ["Item", "Reader"]

_ENTRY = "SELECT s.idx, l.bytes FROM statement s JOIN leaf l ON l.idx = s.idx WHERE s.id = ?"
_ENTRIES = (
    "SELECT l.idx, l.bytes FROM subject s JOIN link k ON k.sid = s.sid JOIN leaf l ON l.idx = k.idx "
    'WHERE s."key" = ? ORDER BY k.seq'
)
_CASE = 'SELECT i.subject FROM case_subject c LEFT JOIN item i ON i.sid = c.sid WHERE c."case" = ? ORDER BY c.sid'
_RANGE = "SELECT bytes FROM leaf WHERE idx >= ? AND idx < ? ORDER BY idx"
_UUID = re.compile(r"urn:uuid:[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_Answer = TypeVar("_Answer")


class Reader:
    """Answers about the ledger; any thread may ask."""

    def __init__(self, engine: Engine, view: View) -> None:
        self._engine = engine
        self._view = view
        self._histories = Histories(view)
        self._doubts: tuple[Parties | None, Mapping[str, Doubt]] = (None, {})

    def size(self) -> int:
        """The tree size of the newest checkpoint."""
        with self._snapshot() as shot:
            return shot.tip.size

    def head(self) -> Head:
        """What the newest commit says of itself."""
        with self._snapshot() as shot:
            return shot.tip.head

    def checkpoint(self) -> str:
        """The newest checkpoint, a signed note."""
        with self._snapshot() as shot:
            return shot.tip.head.note

    def history(
        self, subject: str, *, disclosures: Mapping[str, Sequence[str]] | None = None, absent: bool = False
    ) -> tuple[int, bytes] | None:
        """The history bundle of a subject (format.md §7) at the newest checkpoint, and that checkpoint's size.

        ``None`` if the subject has no entry, unless ``absent`` asks for the proof of that. ``disclosures`` go in by
        statement id. Its map proofs are checked before it is returned; raises ``Unavailable`` if they do not hold.
        """
        key = submap.key_of(subject)

        def once() -> tuple[int, bytes] | None:
            making = self._histories.start(subject)
            with self._view.snapshot(self._engine, [ask(SUBJECT, key)], making.keys) as shot:
                if not shot.answers[0] and not absent:
                    return None
                return shot.tip.size, making.format(shot, disclosures or {})

        return self._trusted(once)

    def parties(self) -> Parties:
        """Who may speak, at the newest checkpoint: what another process was told since is in it."""
        with self._snapshot():
            return self._view.parties

    def doubts(self) -> Mapping[str, Doubt]:
        """The doubtful keys at the newest checkpoint; worked out once for each table of parties."""
        parties = self.parties()
        known, found = self._doubts
        if known is not parties:
            # A table is never changed, but replaced (``ledger.db.batch``).
            found = doubts(parties)
            self._doubts = parties, found
        return found

    def ledger_keys(self) -> list[LedgerKey]:
        """Every key that ever signed checkpoints, oldest first, also those that are retired."""
        return ledger_keys([raw for _, raw in self.entries(self.parties().ledger_subject)])

    def receipt(self, statement_id: str) -> bytes | None:
        """The receipt of a statement as JSON, to the newest checkpoint."""
        if _UUID.fullmatch(statement_id) is None:
            return None
        with self._view.snapshot(self._engine, [ask(_ENTRY, uuid_bytes(statement_id))]) as shot:
            if not shot.answers[0]:
                return None
            index, raw = shot.answers[0][0]
            hashes = merkle.prove_inclusion(index, shot.tip.size, self._tree(shot))
            return format_receipt(raw, index, statement_id, hashes, shot.tip.head.note)

    def entry(self, statement_id: str) -> tuple[int, bytes] | None:
        """The index and the bytes of the entry of a statement."""
        if _UUID.fullmatch(statement_id) is None:
            return None
        rows = self._fetch(_ENTRY, uuid_bytes(statement_id))
        return (rows[0][0], rows[0][1]) if rows else None

    def entries(self, subject: str) -> list[tuple[int, bytes]]:
        """The index and the bytes of every entry of a subject, oldest first."""
        return [(index, raw) for index, raw in self._fetch(_ENTRIES, submap.key_of(subject))]

    def case_subjects(self, case: str) -> list[str]:
        """The subjects on which a case was opened: an item, or several of one request, or the case itself."""
        rows = self._fetch(_CASE, uuid_bytes(case)) if _UUID.fullmatch(case) else []
        return [case if subject is None else subject for (subject,) in rows]

    def state(self, subject: str) -> State | None:
        """The state of an item, case or party subject as append judges by it."""
        rows = self._fetch(SUBJECT, submap.key_of(subject))
        return state_in(rows[0]) if rows else None

    def leaf(self, index: int) -> bytes | None:
        """The bytes of a leaf."""
        rows = self._fetch(LEAF, index) if 0 <= index <= merkle.MAX_SIZE else []
        return rows[0][0] if rows else None

    def tile(self, level: int, n: int, width: int = TILE_WIDTH) -> bytes | None:
        """A hash tile of C2SP tlog-tiles, ``32 * width`` bytes; ``None`` if the tree does not have it."""
        if not (0 <= level < 8 and 0 <= n <= merkle.MAX_SIZE and 1 <= width <= TILE_WIDTH):
            return None
        with self._snapshot() as shot:
            if n * TILE_WIDTH + width > shot.tip.size >> 8 * level:
                return None
            read = self._tree(shot)
            return b"".join([read(8 * level, n * TILE_WIDTH + place) for place in range(width)])

    def bundle(self, n: int, width: int = TILE_WIDTH) -> bytes | None:
        """An entry bundle of C2SP tlog-tiles of ``width`` leaves; ``None`` if the tree does not have it."""
        if not (0 <= n <= merkle.MAX_SIZE // TILE_WIDTH and 1 <= width <= TILE_WIDTH):
            return None
        with self._view.snapshot(self._engine, [ask(_RANGE, n * TILE_WIDTH, n * TILE_WIDTH + width)]) as shot:
            raws = [raw for (raw,) in shot.answers[0]]
            return format_bundle(raws) if len(raws) == width else None

    def inclusion(self, index: int, size: int) -> list[bytes] | None:
        """The inclusion proof of a leaf in the tree of ``size`` leaves; ``None`` unless index < size <= ours."""
        return self._prove(size, lambda read: merkle.prove_inclusion(index, size, read))

    def consistency(self, old: int, new: int) -> list[bytes] | None:
        """The consistency proof between two sizes; ``None`` unless old <= new <= ours."""
        return self._prove(new, lambda read: merkle.prove_consistency(old, new, read))

    def root(self, size: int) -> bytes | None:
        """The root of the tree when it had ``size`` leaves; ``None`` unless size <= ours."""
        return self._prove(size, lambda read: root_at(size, read))

    def map_proof(self, subject: str) -> dict[str, Any]:
        """What the subject map says of a subject: ``{"subject", "checkpoint", "tail", "map"}`` as JSON values.

        ``tail`` is the seal with its inclusion proof, ``map`` as in a history (format.md §7). Raises ``Unavailable`` if
        the proof does not hold.
        """
        key = submap.key_of(subject)

        def once() -> dict[str, Any]:
            with self._view.snapshot(self._engine, (), lambda _: [key]) as shot:
                last = shot.tip.size - 1
                hashes = merkle.prove_inclusion(last, shot.tip.size, self._tree(shot))
                proof = submap.format_map_proof(map_proof(shot, key))
                tail = {"entry": leaf_at(shot.session, last).decode(), "proof": list(map(note.format_base64, hashes))}
                return {"subject": subject, "checkpoint": shot.tip.head.note, "tail": tail, "map": proof}

        return self._trusted(once)

    def items(self, *, cursor: str | None = None, limit: int = 50, **wanted: Any) -> tuple[list[Item], str | None]:
        """Items, newest registration first, and the cursor of the next page (``None`` at the end).

        ``wanted`` may name ``text``, ``category``, ``state`` (active, recalled, lost, stolen or retired), ``party``
        (registered the item or wrote about it), ``held``, and ``since`` and ``until`` for the time of registration
        (``recorded_at`` form, until exclusive). Stable while others write. Raises ``Invalid`` for a cursor out of form.
        """
        search = items.Search(**wanted)
        with session(self._engine) as connection:
            connection.begin(write=False)
            return items.find(connection, search, cursor, limit)

    def _trusted(self, once: Callable[[], _Answer]) -> _Answer:
        """The answer, tried again with a fresh view if a map proof did not hold; if it still does not, the alarm."""
        try:
            return once()
        except Mismatch:
            self._view.stale = True
        try:
            return once()
        except Mismatch as error:
            self._view.alarm = error.message
            raise

    def _prove(self, size: int, prove: Callable[[merkle.Read], _Answer]) -> _Answer | None:
        with self._snapshot() as shot:
            if size > shot.tip.size:
                return None
            try:
                return prove(self._tree(shot))
            except Malformed:  # sizes that are no such sizes
                return None

    def _fetch(self, sql: str, *parameters: Any) -> list[Row]:
        with session(self._engine) as connection:
            return connection.begin(write=False, then=[ask(sql, *parameters)])[0]

    def _snapshot(self) -> AbstractContextManager[Snapshot]:
        return self._view.snapshot(self._engine)

    def _tree(self, shot: Snapshot) -> merkle.Read:
        return tree_reader(shot.session, shot.tip.edge, self._view.cache)
