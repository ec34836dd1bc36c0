"""The upper levels of the subject map (format.md §6) in memory; the records below stand in the database.

The first ``bits`` bits of a key are its bucket. A bucket is stored as the class and node of
``submap.subtree`` at that depth; this object holds them for all buckets with everything above, as two flat
arrays in which node i has the children 2i and 2i+1 and node 1 is the root: 33 bytes a node, 16.5 MiB for 18
bits, which stays fast to about four million subjects. A lone key rises here as it does in a bucket, which a
small ledger meets at every step.

A proof is ``top.siblings(bucket)``, then ``submap.prove_from`` over the records of ``top.descend(bucket)``:

>>> from ledger import submap
>>> record = submap.format_record(submap.key_of("https://id.gs1.org/8004/95201234RING"), 3, 17)
>>> bucket = bucket_of(record, 4)
>>> top = Top(4)
>>> undo = top.update([(bucket, *submap.subtree([record], 4))])
>>> top.root == submap.root_of([record]), top.siblings(0), top.descend(0) == bucket
(True, [], True)
>>> top.revert(undo)
>>> top.root == submap.EMPTY
True
"""

from __future__ import annotations

from collections.abc import Iterable
from hashlib import sha256

from ledger.submap import EMPTY, HASH_BYTES, KEY_BITS

DEFAULT_BITS = 18
# 24 bits are 1.1 GB, more than any ledger needs; a bucket's number must fit the first four bytes of a key.
MAX_BITS = 24

Undo = list[tuple[int, int, bytes]]
"""Buckets as they were before an update, newest last: (bucket, class, hash)."""


def bucket_of(key: bytes, bits: int) -> int:
    """Return the bucket of a key, or of a record, which begins with its key."""
    return int.from_bytes(key[:4], "big") >> 32 - bits


def bucket_range(bucket: int, bits: int) -> tuple[bytes, bytes]:
    """Return the first and the last key, both of 32 bytes and both included, that a bucket can hold."""
    below = KEY_BITS - bits
    first, last = bucket << below, (bucket + 1 << below) - 1
    return first.to_bytes(HASH_BYTES, "big"), last.to_bytes(HASH_BYTES, "big")


class Top:
    """The map down to depth ``bits``: class (0 no key, 1 one key, 2 more) and hash of every node."""

    __slots__ = ("_classes", "_hashes", "bits")

    def __init__(self, bits: int = DEFAULT_BITS) -> None:
        if not 1 <= bits <= MAX_BITS:
            raise AssertionError(f"got {bits} bits, want 1 to {MAX_BITS}")
        self.bits = bits
        self._classes = bytearray(2 << bits)
        self._hashes = bytearray(HASH_BYTES * (2 << bits))

    @classmethod
    def build(cls, bits: int, buckets: Iterable[tuple[int, int, bytes]]) -> Top:
        """Return the top over ``(bucket, class, hash)``, each bucket once, in any order; others are empty."""
        top = cls(bits)
        first = 1 << bits
        nodes = []
        for bucket, kind, digest in buckets:
            top._put(first + bucket, kind, digest)
            nodes.append(first + bucket)
        top._raise(nodes)
        return top

    @property
    def root(self) -> bytes:
        """The root of the whole map, 32 bytes."""
        return bytes(self._hashes[HASH_BYTES : 2 * HASH_BYTES])

    def update(self, buckets: Iterable[tuple[int, int, bytes]]) -> Undo:
        """Set each ``(bucket, class, hash)`` and recompute what stands above; return what ``revert`` needs.

        A hash has 32 bytes, ``EMPTY`` if the class is 0, as ``submap.subtree`` gives them.
        """
        first = 1 << self.bits
        undo: Undo = []
        nodes = []
        for bucket, kind, digest in buckets:
            node = first + bucket
            undo.append((bucket, self._classes[node], self._hash(node)))
            self._put(node, kind, digest)
            nodes.append(node)
        self._raise(nodes)
        return undo

    def revert(self, undo: Undo) -> None:
        """Put back what an update changed; several updates are reverted newest first."""
        self.update(reversed(undo))

    def siblings(self, bucket: int) -> list[bytes]:
        """Return the hashes beside the way to a bucket, root first, down to where at most one key is left."""
        siblings = []
        node, below = 1, self.bits
        while below and self._classes[node] == 2:
            below -= 1
            node = 2 * node + (bucket >> below & 1)
            siblings.append(self._hash(node ^ 1))
        return siblings

    def descend(self, bucket: int) -> int | None:
        """Return the bucket whose records end the way to ``bucket``, or ``None`` if no key is there.

        It is the bucket itself, unless the way ends above it at a key that stands alone: then that key's.
        """
        first = 1 << self.bits
        node, below = 1, self.bits
        while below and self._classes[node] == 2:
            below -= 1
            node = 2 * node + (bucket >> below & 1)
        if not self._classes[node]:
            return None
        while node < first:
            node = 2 * node if self._classes[2 * node] else 2 * node + 1
        return node - first

    def _hash(self, node: int) -> bytes:
        return bytes(self._hashes[HASH_BYTES * node : HASH_BYTES * (node + 1)])

    def _put(self, node: int, kind: int, digest: bytes) -> None:
        if len(digest) != HASH_BYTES or (kind == 0) != (digest == EMPTY):
            raise AssertionError("a node's hash is 32 bytes, and zeros if and only if no key is there")
        self._classes[node] = kind
        self._hashes[HASH_BYTES * node : HASH_BYTES * (node + 1)] = digest

    def _raise(self, nodes: Iterable[int]) -> None:
        classes, hashes = self._classes, self._hashes
        for _ in range(self.bits):
            nodes = {node >> 1 for node in nodes}
            for node in nodes:
                left, right = classes[2 * node : 2 * node + 2]
                at = HASH_BYTES * node
                if left + right >= 2:
                    children = hashes[2 * at : 2 * at + 2 * HASH_BYTES]
                    classes[node], hashes[at : at + HASH_BYTES] = 2, sha256(b"\x03" + children).digest()
                else:
                    # The one key rises; if there is none at all, the zeros of the left do.
                    child = 2 * at + HASH_BYTES * right
                    classes[node], hashes[at : at + HASH_BYTES] = left + right, hashes[child : child + HASH_BYTES]
