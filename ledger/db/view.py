"""What a process keeps in memory of a ledger: a fold over its leaves up to one size, shared by writer and readers.

The fold is the right edge of the tree, the upper levels of the subject map and the table of parties. Any process may
append, so whoever begins a transaction compares the head's size with the view's and lets it follow: what the appender
left of the new leaves is taken (``ledger.db.recent``), or they are read in that same transaction, their subjects lead
to buckets, and the buckets' rows are taken. Farther behind than ``MAX_BEHIND`` leaves, everything is loaded afresh.
What the head says is never taken over unchecked: the root must come out of the leaves' hashes, and the map's root, to
which every bucket's row contributes, must be the one in the last seal.

``lock`` is held while the fold changes and while siblings are copied from the map; a ``Tip`` is a value and needs none.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import msgspec
from msgspec import Struct
from sqlalchemy import Engine

from ledger import leaf, merkle, party, submap
from ledger.db.connect import session
from ledger.db.recent import Recent, Short
from ledger.db.session import Query, Row, Session, ask, fetch
from ledger.db.tree import TILE_WIDTH, Edge, Growth, TileCache, load_edge
from ledger.errors import Malformed, PatinaError, Unavailable
from ledger.leaf import Entry, Seal
from ledger.party import Parties
from ledger.top import Top, bucket_of

Keys = Callable[[list[list[Row]]], Iterable[bytes]]
MAX_BEHIND = 20_000
HEAD = "SELECT size, root, note, last_hash, recorded_at, map_bits, subjects, statements FROM head"
_LEAVES = "SELECT bytes FROM leaf WHERE idx >= ? AND idx < ? ORDER BY idx"
_ROOTS = "SELECT root FROM tile WHERE level = ? AND n >= ? ORDER BY n"
_BUCKETS = "SELECT bucket, class, hash FROM map_bucket"
_THESE_BUCKETS = _BUCKETS + " WHERE bucket IN {among}"
_AUTHORITY = "SELECT l.bytes FROM authority a JOIN leaf l ON l.idx = a.idx WHERE a.idx < ? ORDER BY a.idx"
AUTHORITY = ("ledger", "party", "key")
"""The first word of the statement types that decide who may speak."""


@dataclass(frozen=True, slots=True)
class Head:
    """The row of ``head``: what the database says of its newest commit."""

    size: int
    root: bytes
    note: str
    last_hash: bytes
    recorded_at: str
    map_bits: int
    subjects: int
    statements: int


@dataclass(frozen=True, slots=True)
class Tip:
    """The newest commit as this process has folded it; ``edge.root`` is the head's, ``map_root`` the seal's."""

    head: Head
    edge: Edge
    map_root: bytes

    @property
    def size(self) -> int:
        """The tree size."""
        return self.head.size


@dataclass(frozen=True, slots=True)
class Place:
    """Where a key stands in the upper levels of the map: the siblings from the root, and the bucket they end in."""

    siblings: tuple[bytes, ...]
    bucket: int | None


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A read transaction that agrees with ``tip``; ``answers`` and ``places`` are what was asked for with it."""

    session: Session
    tip: Tip
    answers: list[list[Row]]
    places: dict[bytes, Place]


class _Of(Struct):
    subject: str


class _Type(Struct):
    type: str


class _Brief(Struct):
    links: list[_Of] = []
    statement: _Type | None = None


_brief = msgspec.json.Decoder(_Brief).decode


class View:
    """The fold of a ledger's leaves; see the top of the file."""

    def __init__(self, recent: Recent) -> None:
        self.lock = threading.RLock()
        self.recent = recent
        self.cache = TileCache()
        self.tip: Tip
        self.top: Top
        self.parties: Parties
        self.stale = False
        """Set by who met a mismatch: the next transaction loads the view afresh."""
        self.alarm: str | None = None
        """Set by who met a mismatch twice: nobody may sign by this view."""

    def load(self, connection: Session, head: Head) -> None:
        """Fold everything afresh; raises ``Unavailable``, saying why, if the database contradicts itself."""
        edge_start = head.size - head.size % TILE_WIDTH
        tail, buckets, entries, last = connection.gather(
            ask(_LEAVES, edge_start, head.size),
            ask(_BUCKETS),
            ask(_AUTHORITY, head.size),
            ask(_LEAVES, head.size - 1, head.size),
        )

        def roots(level: int, n: int) -> list[bytes]:
            return [root for (root,) in fetch(connection, ask(_ROOTS, level, n))]

        edge = load_edge(head.size, [raw for (raw,) in tail], roots)
        check_edge(head, edge)
        top = Top.build(head.map_bits, buckets)
        parties = fold_parties([raw for (raw,) in entries])
        check_head(head, edge, last[0][0] if last else b"", top.root)
        with self.lock:
            self.cache.clear()
            self.tip, self.top, self.parties = Tip(head, edge, top.root), top, parties
            self.stale = False

    def follow(self, connection: Session, head: Head) -> None:
        """Take in what other processes committed up to ``head``, in the transaction in which the head was read.

        The caller holds ``lock``. Raises ``Unavailable`` if the leaves do not lead to the head, or the database is
        behind this view.
        """
        behind = head.size - self.tip.size
        if behind < 0:
            raise Unavailable(f"the database has {head.size} leaves, this process saw {self.tip.size}")
        if not behind and head.root != self.tip.head.root:
            raise Unavailable(f"the head has another root at size {head.size} than this process saw")
        if not behind and not self.stale:
            return
        if behind > MAX_BEHIND or self.stale:
            self.load(connection, head)
            return
        if not self._follow_recent(head):
            self._follow_leaves(connection, head)

    def _follow_recent(self, head: Head) -> bool:
        """Whether what the appenders left leads to the head; if it does not, nothing has changed."""
        short = self.recent.since(self.tip.size, head.size)
        if short is None or any(bucket >> self.top.bits or not 0 < kind < 3 for bucket, kind, _ in short.nodes):
            return False
        try:
            self._take(head, short)
        except Unavailable:
            return False
        return True

    def _follow_leaves(self, connection: Session, head: Head) -> None:
        """Read the new leaves, and the rows of the buckets that they changed."""
        behind = head.size - self.tip.size
        raws = [raw for (raw,) in fetch(connection, ask(_LEAVES, self.tip.size, head.size))]
        if len(raws) != behind:
            raise Unavailable(f"got {len(raws)} leaves after {self.tip.size}, want {behind}")
        hashes = [merkle.leaf_hash(raw) for raw in raws]
        subjects, authority = _look_over(raws)
        buckets = sorted({bucket_of(submap.key_of(subject), self.top.bits) for subject in subjects})
        nodes = fetch(connection, connection.among(_THESE_BUCKETS, buckets))
        parties = _followed(self.parties, raws, hashes, authority)
        self._take(head, Short(hashes, nodes, raws[-1]))
        self.parties = parties

    def _take(self, head: Head, short: Short) -> None:
        """Stand at the head, or raise ``Unavailable`` and stand where it was."""
        edge = Growth(self.tip.edge, short.hashes).edge
        check_edge(head, edge)
        undo = self.top.update(short.nodes)
        try:
            check_head(head, edge, short.last, self.top.root)
        except Unavailable:
            self.top.revert(undo)
            raise
        self.tip = Tip(head, edge, self.top.root)

    @contextmanager
    def snapshot(self, engine: Engine, queries: Sequence[Query] = (), keys: Keys | None = None) -> Iterator[Snapshot]:
        """One consistent read: the database, and this view at the same size.

        ``queries`` are asked with the head; ``keys`` says, from their answers, whose places in the map to copy.
        """
        with session(engine) as connection:
            with self.lock:
                (row,), *answers = connection.begin(write=False, then=[ask(HEAD), *queries])
                self.follow(connection, Head(*row))
                places = {key: self.place(key) for key in (keys(answers) if keys else ())}
                tip = self.tip
            yield Snapshot(connection, tip, answers, places)

    def place(self, key: bytes) -> Place:
        """Where a key stands now; the caller holds ``lock``."""
        bucket = bucket_of(key, self.top.bits)
        return Place(tuple(self.top.siblings(bucket)), self.top.descend(bucket))


def read_head(connection: Session) -> Head | None:
    """The head, if there is a ledger."""
    rows = fetch(connection, ask(HEAD))
    return Head(*rows[0]) if rows else None


def check_edge(head: Head, edge: Edge) -> None:
    """Raise ``Unavailable`` unless the leaves come to the head's root."""
    if edge.root != head.root:
        raise Unavailable(f"the leaves do not give the root of the head at size {head.size}")


def check_head(head: Head, edge: Edge, last: bytes, map_root: bytes) -> None:
    """Raise ``Unavailable`` unless the head is what the leaves come to, and the last one a seal of this map."""
    check_edge(head, edge)
    if merkle.leaf_hash(last) != head.last_hash:
        raise Unavailable(f"leaf {head.size - 1} does not hash to what the head says")
    try:
        seal = leaf.parse_leaf(last)
    except Malformed as error:
        raise Unavailable(f"leaf {head.size - 1}: {error.message}") from None
    if not isinstance(seal, Seal) or seal.index != head.size - 1 or seal.recorded_at != head.recorded_at:
        raise Unavailable(f"leaf {head.size - 1} is not the seal that the head names")
    if seal.map_root != map_root.hex():
        raise Unavailable(f"the subject map does not have the root of the seal at {seal.index}")


def fold_parties(raws: Sequence[bytes]) -> Parties:
    """The table of parties after these entries, of which the first is entry 0; raises ``Unavailable``."""
    if not raws:
        raise Unavailable("entry 0 is missing")
    try:
        first, *others = [(leaf.parse_leaf(raw), merkle.leaf_hash(raw).hex()) for raw in raws]
        parties = party.start(_entry(first[0]), first[1])
        for one, digest in others:
            parties.follow(_entry(one), digest)
    except (PatinaError, LookupError, ValueError) as error:
        raise Unavailable(f"an entry that decides who may speak was changed: {error}") from None
    return parties


def _entry(one: Entry | Seal) -> Entry:
    if not isinstance(one, Entry):
        raise Unavailable("got a seal")
    return one


def nodes_of(buckets: Sequence[int], bits: int, records: Sequence[bytes]) -> list[tuple[int, int, bytes]]:
    """(bucket, class, hash) of each bucket, from the sorted records of them all."""
    grouped: dict[int, list[bytes]] = {bucket: [] for bucket in buckets}
    shift = 32 - bits
    for record in records:
        grouped[int.from_bytes(record[:4], "big") >> shift].append(record)
    return [(bucket, *submap.subtree(inside, bits)) for bucket, inside in grouped.items()]


def copy_of(parties: Parties) -> Parties:
    """A table that may be changed while others read this one."""
    return party.load(party.dump(parties))


def _look_over(raws: Sequence[bytes]) -> tuple[set[str], list[int]]:
    """The subjects of these leaves, and the numbers of those that decide who may speak."""
    subjects, authority = set(), []
    for number, raw in enumerate(raws):
        brief = _brief(raw)
        subjects.update([link.subject for link in brief.links])
        if brief.statement is not None and brief.statement.type.split(".")[0] in AUTHORITY:
            authority.append(number)
    return subjects, authority


def _followed(parties: Parties, raws: Sequence[bytes], hashes: Sequence[bytes], numbers: Sequence[int]) -> Parties:
    if not numbers:
        return parties
    parties = copy_of(parties)
    for number in numbers:
        entry = leaf.parse_leaf(raws[number])
        if isinstance(entry, Entry):
            parties.follow(entry, hashes[number].hex())
    return parties
