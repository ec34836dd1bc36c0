"""Proofs from a snapshot: the reader of tree nodes, and self-checked proofs of the subject map."""

from __future__ import annotations

from ledger import merkle, submap
from ledger.db.session import Session, ask, fetch
from ledger.db.subjects import RECORDS, Mismatch
from ledger.db.tree import Edge, TileCache, reader
from ledger.db.view import Snapshot
from ledger.errors import Disproved, Unavailable
from ledger.submap import MapProof
from ledger.top import bucket_range

LEAF = "SELECT bytes FROM leaf WHERE idx = ?"
_TILE = "SELECT hashes FROM tile WHERE level = ? AND n = ?"


def leaf_at(connection: Session, index: int) -> bytes:
    """The bytes of a leaf that must be there."""
    rows = fetch(connection, ask(LEAF, index))
    if not rows:
        raise Unavailable(f"leaf {index} is missing")
    raw: bytes = rows[0][0]
    return raw


def tree_reader(connection: Session, edge: Edge, cache: TileCache) -> merkle.Read:
    """The reader of full subtrees of the tree of this edge."""

    def tile(level: int, n: int) -> bytes:
        rows = fetch(connection, ask(_TILE, level, n))
        if not rows:
            raise Unavailable(f"tile {n} of level {level} is missing")
        hashes: bytes = rows[0][0]
        return hashes

    return reader(edge, tile, cache)


def map_proof(shot: Snapshot, key: bytes) -> MapProof:
    """What the map of the snapshot's seal says of a key whose place was asked for with it; checked against the seal.

    Raises ``Mismatch`` if the proof does not lead to the seal's root: the map in memory or its rows are wrong.
    """
    place = shot.places[key]
    records: list[bytes] = []
    if place.bucket is not None:
        pair = bucket_range(place.bucket, shot.tip.head.map_bits)
        rows = fetch(shot.session, shot.session.ranges(RECORDS, [pair]))
        records = sorted([submap.format_record(*row) for row in rows])
    below, alone = submap.prove_from(records, key, len(place.siblings))
    proof = submap.map_proof(key, [*place.siblings, *below], alone)
    try:
        submap.check_map(shot.tip.map_root, key, proof)
    except Disproved as error:
        raise Mismatch(f"the subject map does not prove what it should: {error.message}") from None
    return proof
