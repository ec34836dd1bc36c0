"""The Merkle tree over the leaves: RFC 6962 §2.1 with SHA-256, checked by the algorithms of RFC 9162 §2.1.3–2.1.4.

>>> leaves = [leaf_hash(raw) for raw in (b"sold", b"repaired", b"returned")]
>>> proof = [leaves[0], leaves[2]]
>>> check_inclusion(1, 3, leaves[1], proof, root_from(leaves))

Trees are read through a `Read`: the roots of full subtrees, which tiles hold or give in a few hashes. A proof lists
its hashes from the leaf's sibling up to the child of the root.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from hashlib import sha256
from typing import Self

from ledger.errors import Disproved, Malformed

HASH_SIZE = 32
TILE_WIDTH = 256
"""Hashes of a full tile (C2SP tlog-tiles)."""
MAX_SIZE = 2**63 - 1
"""The largest tree: sizes are signed 64-bit in databases and in C2SP implementations."""
MAX_PROOF = 63
"""Hashes of the longest inclusion proof; C2SP tlog-witness allows no more, which serves trees up to 2^62."""
EMPTY_ROOT = sha256(b"").digest()

Read = Callable[[int, int], bytes]
"""`read(level, n)` is the root of the full subtree over the 2^level leaves from n · 2^level on."""


def leaf_hash(raw: bytes) -> bytes:
    """SHA-256(0x00 ‖ leaf)."""
    return sha256(b"\x00" + raw).digest()


def node_hash(l: bytes, r: bytes) -> bytes:
    """SHA-256(0x01 ‖ left ‖ right)."""
    return sha256(b"\x01" + l + r).digest()


def root_from(hashes: Iterable[bytes]) -> bytes:
    """The root of the tree over these leaf hashes; `EMPTY_ROOT` for none."""
    frontier = Frontier()
    frontier.extend(hashes)
    return frontier.root()


def root_of_tile(hashes: Sequence[bytes]) -> bytes:
    """The root over the hashes of a full tile, a whole row at a time: a third of what one leaf at a time costs."""
    while len(hashes) > 1:
        pairs = iter(hashes)
        hashes = [sha256(b"\x01" + left + right).digest() for left, right in zip(pairs, pairs, strict=True)]
    return hashes[0]


class Frontier:
    """The right edge of a growing tree: the roots of its full subtrees, largest first.

    `size` is the number of leaves; `hashes` holds one root for each bit that is set in it.
    """

    __slots__ = ("hashes", "size")

    def __init__(self, size: int = 0, hashes: Iterable[bytes] = ()) -> None:
        self.size = size
        self.hashes = list(hashes)
        if not 0 <= size <= MAX_SIZE:
            raise Malformed(f"got a tree of {size} leaves, want 0 to 2^63-1")
        if len(self.hashes) != size.bit_count():
            raise Malformed(f"got {len(self.hashes)} hashes of the edge of {size} leaves, want {size.bit_count()}")
        _check_hashes(self.hashes)

    def append(self, leaf: bytes) -> list[bytes]:
        """Add a leaf hash; the result's item k is the root of the 2^k leaves that end with this one."""
        completed = [leaf]
        size = self.size
        while size & 1:
            leaf = node_hash(self.hashes.pop(), leaf)
            completed.append(leaf)
            size >>= 1
        self.hashes.append(leaf)
        self.size += 1
        return completed

    def extend(self, leaves: Iterable[bytes]) -> None:
        """Add leaf hashes in order."""
        for leaf in leaves:
            self.append(leaf)

    def root(self) -> bytes:
        """The root of the tree so far."""
        return _fold(self.hashes)

    def copy(self) -> Self:
        """A second edge that grows on its own."""
        return type(self)(self.size, self.hashes)

    def dump(self) -> bytes:
        """Size as u64 big-endian, then the hashes."""
        return self.size.to_bytes(8, "big") + b"".join(self.hashes)

    @classmethod
    def load(cls, raw: bytes) -> Self:
        """The edge that `dump` wrote; raises `Malformed`."""
        if len(raw) % HASH_SIZE != 8:
            raise Malformed(f"got an edge of {len(raw)} bytes, want 8 and {HASH_SIZE} for each hash")
        hashes = [raw[place : place + HASH_SIZE] for place in range(8, len(raw), HASH_SIZE)]
        return cls(int.from_bytes(raw[:8], "big"), hashes)


def prove_inclusion(index: int, size: int, read: Read) -> list[bytes]:
    """The proof that leaf `index` stands in the tree of `size` leaves (RFC 6962 §2.1.1); raises `Malformed`."""
    if not 0 <= index < size <= MAX_SIZE:
        raise Malformed(f"got leaf {index} of a tree of {size}, want one inside it")
    siblings = []
    start, end = 0, size
    while end - start > 1:
        middle = _middle(start, end)
        if index < middle:
            siblings.append(_range_root(middle, end, read))
            end = middle
        else:
            siblings.append(_range_root(start, middle, read))
            start = middle
    return siblings[::-1]


def check_inclusion(index: int, size: int, leaf: bytes, proof: Sequence[bytes], root: bytes) -> None:
    """Raise `Disproved` unless `proof` leads from the leaf hash at `index` to the root of `size` leaves.

    Raises `Malformed` for a hash that is not 32 bytes, a size out of range or more than `MAX_PROOF` hashes.
    """
    _check_hashes((root,))
    if root_from_inclusion(index, size, leaf, proof) != root:
        raise Disproved("got an inclusion proof to another root", "inclusion", index)


def root_from_inclusion(index: int, size: int, leaf: bytes, proof: Sequence[bytes]) -> bytes:
    """The root that `proof` leads to (RFC 9162 §2.1.3.2), to compare with a signed one; raises as above."""
    _check_proof(proof, index, size)
    _check_hashes((leaf,))
    if index >= size:
        raise Disproved(f"got leaf {index} of a tree of {size}, want one inside it", "inclusion", index)
    number, last, node = index, size - 1, leaf
    for sibling in proof:
        if last == 0:
            raise Disproved("got an inclusion proof that is too long", "inclusion", index)
        if number & 1 or number == last:
            node = node_hash(sibling, node)
            number, last = _rise(number, last)
        else:
            node = node_hash(node, sibling)
        number >>= 1
        last >>= 1
    if last:
        raise Disproved("got an inclusion proof that is too short", "inclusion", index)
    return node


def prove_consistency(old: int, new: int, read: Read) -> list[bytes]:
    """The proof that the tree of `new` leaves begins with that of `old` (RFC 6962 §2.1.2); raises `Malformed`."""
    if not 0 <= old <= new <= MAX_SIZE:
        raise Malformed(f"got sizes {old} and {new}, want the first no larger")
    if old in (0, new):
        return []
    hashes = []
    start, end = 0, new
    while end != old:
        middle = _middle(start, end)
        if old <= middle:
            hashes.append(_range_root(middle, end, read))
            end = middle
        else:
            hashes.append(_range_root(start, middle, read))
            start = middle
    if start:  # else the subtree that is left is the whole old tree, whose root the checker has
        hashes.append(_range_root(start, end, read))
    return hashes[::-1]


def check_consistency(old: int, new: int, old_root: bytes, new_root: bytes, proof: Sequence[bytes]) -> None:
    """Raise `Disproved` unless `proof` shows that the new tree begins with the old one (RFC 9162 §2.1.4.2).

    Every tree begins with the empty one. Raises `Malformed` as `check_inclusion` does.
    """
    _check_proof(proof, old, new)
    _check_hashes((old_root, new_root))
    if old > new:
        raise Disproved(f"got a tree of {new} leaves after one of {old}, want no fewer", "consistency")
    if old == new:
        _require(not proof, "a proof between trees of one size")
        _require(old_root == new_root, "two roots of one size")
    if old == 0:
        _require(not proof, "a proof from the empty tree")
        _require(old_root == EMPTY_ROOT, "a root of no leaves that is not the empty one")
    if old not in (0, new):
        _require(len(proof) > 0, "no proof")
        _require(_roots_from_consistency(old, new, old_root, proof) == (old_root, new_root), "other roots")


def _roots_from_consistency(old: int, new: int, old_root: bytes, proof: Sequence[bytes]) -> tuple[bytes, bytes]:
    """The two roots that a proof leads to, for 0 < `old` < `new`; a whole old tree starts from its own root."""
    path = [old_root, *proof] if old & (old - 1) == 0 else list(proof)
    number, last = old - 1, new - 1
    while number & 1:
        number >>= 1
        last >>= 1
    old_node = new_node = path[0]
    for sibling in path[1:]:
        _require(last != 0, "a proof that is too long")
        if number & 1 or number == last:
            old_node = node_hash(sibling, old_node)
            new_node = node_hash(sibling, new_node)
            number, last = _rise(number, last)
        else:
            new_node = node_hash(new_node, sibling)
        number >>= 1
        last >>= 1
    _require(last == 0, "a proof that is too short")
    return old_node, new_node


def _rise(number: int, last: int) -> tuple[int, int]:
    """Skip the levels at which a node on the right edge, which is not the leftmost, has no sibling."""
    while not number & 1:
        number >>= 1
        last >>= 1
    return number, last


def _middle(start: int, end: int) -> int:
    """Where the tree over leaves `start` to `end` is split: after the largest power of two below its size."""
    return start + (1 << ((end - start - 1).bit_length() - 1))


def _peaks(start: int, end: int) -> Iterator[tuple[int, int]]:
    """(level, number) of the full subtrees over leaves `start` to `end`, largest first."""
    while start < end:
        level = (end - start).bit_length() - 1
        yield level, start >> level
        start += 1 << level


def _range_root(start: int, end: int, read: Read) -> bytes:
    """The root of the subtree over leaves `start` to `end`, which the recursion of RFC 6962 splits off."""
    return _fold([read(level, number) for level, number in _peaks(start, end)])


def _fold(peaks: Sequence[bytes]) -> bytes:
    """The root over full subtrees, largest first; `EMPTY_ROOT` for none."""
    if not peaks:
        return EMPTY_ROOT
    root = peaks[-1]
    for peak in peaks[-2::-1]:
        root = node_hash(peak, root)
    return root


def _check_proof(proof: Sequence[bytes], first: int, second: int) -> None:
    """Raise `Malformed` unless this can be a proof about the numbers `first` and `second`, bounded before work."""
    if first < 0 or not 0 <= second <= MAX_SIZE:
        raise Malformed(f"got the numbers {first} and {second} in a proof, want 0 to 2^63-1")
    if len(proof) > MAX_PROOF:
        raise Malformed(f"got a proof of {len(proof)} hashes, want at most {MAX_PROOF}")
    _check_hashes(proof)


def _check_hashes(hashes: Iterable[bytes]) -> None:
    """Raise `Malformed` unless each is 32 bytes."""
    for digest in hashes:
        if len(digest) != HASH_SIZE:
            raise Malformed(f"got a hash of {len(digest)} bytes, want {HASH_SIZE}")


def _require(holds: bool, otherwise: str) -> None:
    """Raise `Disproved` of a consistency proof unless `holds`."""
    if not holds:
        raise Disproved(f"got {otherwise} for a consistency proof", "consistency")
