"""The Merkle tree of RFC 6962 §2.1 as its own recursion: slow, obvious, the oracle of ledger/merkle.py."""

from __future__ import annotations

from hashlib import sha256


def split(size: int) -> int:
    """The largest power of two smaller than `size`, which is more than one."""
    k = 1
    while 2 * k < size:
        k *= 2
    return k


def root(entries: list[bytes]) -> bytes:
    """MTH of §2.1."""
    if not entries:
        return sha256(b"").digest()
    if len(entries) == 1:
        return sha256(b"\x00" + entries[0]).digest()
    k = split(len(entries))
    return sha256(b"\x01" + root(entries[:k]) + root(entries[k:])).digest()


def inclusion(index: int, entries: list[bytes]) -> list[bytes]:
    """PATH(m, D[n]) of §2.1.1."""
    if len(entries) == 1:
        return []
    k = split(len(entries))
    if index < k:
        return [*inclusion(index, entries[:k]), root(entries[k:])]
    return [*inclusion(index - k, entries[k:]), root(entries[:k])]


def consistency(old: int, entries: list[bytes]) -> list[bytes]:
    """PROOF(m, D[n]) of §2.1.2, for 0 < m < n."""
    return _subproof(old, entries, whole=True)


def _subproof(old: int, entries: list[bytes], whole: bool) -> list[bytes]:
    if old == len(entries):
        return [] if whole else [root(entries)]
    k = split(len(entries))
    if old <= k:
        return [*_subproof(old, entries[:k], whole), root(entries[k:])]
    return [*_subproof(old - k, entries[k:], whole=False), root(entries[:k])]
