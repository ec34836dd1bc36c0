"""The rows of a batch: what one commit writes, table by table, and the head that follows."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache

from ledger import state as states
from ledger.db import private_tables, tables
from ledger.db.batch import Batch, Known
from ledger.db.draft import Draft
from ledger.db.session import Insert, Row
from ledger.db.tree import Growth
from ledger.db.view import Head, Tip
from ledger.db.views import case_rows, item_row, party_rows, text_row, uuid_bytes
from ledger.db.worktables import item_text

Nodes = list[tuple[int, int, bytes]]
"""(bucket, class, hash) of the map's buckets that a batch changes."""
CAS = (
    "UPDATE head SET size = ?, root = ?, frontier = ?, last_hash = ?, recorded_at = ?, note = ?, subjects = ?, "
    "statements = ? WHERE size = ? AND root = ?"
)
"""Compare and swap: the head is replaced only if it is still the one that the batch was built on."""


def head_row(tip: Tip, batch: Batch, growth: Growth, note: str) -> Head:
    """The head after a batch."""
    return Head(
        size=growth.edge.size,
        root=growth.edge.root,
        note=note,
        last_hash=batch.hashes[-1],
        recorded_at=batch.recorded_at,
        map_bits=tip.head.map_bits,
        subjects=tip.head.subjects + sum(known.was is None for known in batch.changed),
        statements=tip.head.statements + len(batch.drafts),
    )


def swap_of(tip: Tip, head: Head, growth: Growth) -> Row:
    """The parameters of ``CAS``."""
    after = (head.size, head.root, growth.edge.dump(), head.last_hash, head.recorded_at, head.note)
    return (*after, head.subjects, head.statements, tip.head.size, tip.head.root)


def inserts_of(tip: Tip, head: Head, batch: Batch, growth: Growth, nodes: Nodes) -> list[Insert]:
    """The rows of a batch, in an order in which each table's keys come sorted where they can."""
    first = tip.size
    subjects = sorted((known.key, known.sid, known.count, known.last, known.last_hash) for known in batch.changed)
    subject_states, items, texts, parties = _subject_rows(batch)
    statements = [(uuid_bytes(draft.statement.id), index) for index, draft in enumerate(batch.drafts, first)]
    return [
        Insert(tables.leaf, list(enumerate(batch.raws, first))),
        Insert(tables.statement, sorted(statements)),
        Insert(tables.link, batch.links),
        Insert(tables.subject, subjects, "update"),
        Insert(tables.subject_state, subject_states, "update"),
        Insert(tables.map_bucket, sorted(nodes), "update"),
        Insert(tables.item, items, "update"),
        Insert(item_text, texts),
        Insert(tables.item_party, parties, "ignore"),
        Insert(tables.case_subject, sorted(_opened(batch))),
        Insert(tables.tile, [(tile.level, tile.n, tile.hashes, tile.root) for tile in growth.tiles]),
        Insert(tables.authority, [(index,) for index in batch.authority]),
        Insert(tables.holder_key, sorted(batch.named.items())),
        Insert(tables.checkpoint, [(head.size, head.note)]),
        *_seal_rows(batch, first),
        *_drafts_rows(batch.drafts, first),
    ]


def _subject_rows(batch: Batch) -> tuple[list[Row], list[Row], list[Row], list[Row]]:
    rows, items, texts, parties = [], [], [], set()
    for known in batch.changed:
        state = known.state
        if state is None:
            raise AssertionError("a subject that changed has a state")
        rows.append((known.sid, known.last, states.dump(state)))
        if state.kind == "item":
            before, spoke = _before(known)
            row = item_row(known.sid, known.subject, state)
            if row != before:
                items.append(row)
            if known.was is None:
                texts.append(text_row(known.sid, known.subject, state))
            parties |= party_rows(known.sid, state) - spoke
    return sorted(rows), items, sorted(texts), sorted(parties)


def _opened(batch: Batch) -> Iterator[Row]:
    """The rows of the cases that the batch opens: each is opened once on a subject."""
    for draft in batch.drafts:
        statement = draft.statement
        if statement.type == "case.opened" and statement.case is not None:
            yield from case_rows(batch.subjects[statement.subjects[0]].sid, [statement.case])


def _before(known: Known) -> tuple[Row | None, set[Row]]:
    """The rows of an item as its state before the batch made them."""
    if known.was is None:
        return None, set()
    state = states.load(known.was)
    return item_row(known.sid, known.subject, state), party_rows(known.sid, state)


def _seal_rows(batch: Batch, first: int) -> tuple[Insert, Insert]:
    """What is kept of private members: keys and contents, each in the order of the log."""
    keys: list[Row] = []
    contents: list[Row] = []
    for index, draft in enumerate(batch.drafts, first):
        if draft.seals:
            statement, sid = uuid_bytes(draft.statement.id), batch.subjects[draft.statement.subjects[0]].sid
            keys += [(index, one.number, statement, one.epoch, one.wrapped) for one in draft.seals]
            contents += [(index, one.number, sid, one.content) for one in draft.seals]
    return Insert(private_tables.seal_key, keys), Insert(private_tables.sealed, contents)


def _drafts_rows(drafts: list[Draft], first: int) -> list[Insert]:
    """The rows that come with statements; one that is there already is left as it is, for no neighbour may suffer."""
    by_table: dict[str, list[Row]] = {}
    for index, draft in enumerate(drafts, first):
        for row in draft.rows:
            get = row.values.get
            values = tuple([index if name == "idx" else get(name) for name in _columns(row.table)])
            by_table.setdefault(row.table, []).append(values)
    return [Insert(tables.metadata.tables[name], rows, "ignore") for name, rows in by_table.items()]


@cache
def _columns(table: str) -> tuple[str, ...]:
    """The names of a table's columns; asking SQLAlchemy for each row costs more than the row."""
    return tuple(tables.metadata.tables[table].columns.keys())
