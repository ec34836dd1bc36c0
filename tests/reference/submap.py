"""The subject map as the plain recursion of format.md §6, over a dict of key → (count, last index)."""

from __future__ import annotations

from hashlib import sha256

Map = dict[bytes, tuple[int, int]]


def bit(key: bytes, depth: int) -> int:
    return int(f"{int.from_bytes(key, 'big'):0256b}"[depth])


def node(keys: Map, depth: int = 0) -> bytes:
    if not keys:
        return b"\0" * 32
    if len(keys) == 1:
        [(key, (count, last))] = keys.items()
        return sha256(b"\2" + key + count.to_bytes(8, "big") + last.to_bytes(8, "big")).digest()
    zero, one = ({key: keys[key] for key in keys if bit(key, depth) == side} for side in (0, 1))
    return sha256(b"\3" + node(zero, depth + 1) + node(one, depth + 1)).digest()


def siblings(keys: Map, key: bytes, depth: int = 0) -> tuple[list[bytes], Map]:
    """The siblings from here down, and what stands at the place where the key's node is alone or empty."""
    if len(keys) <= 1:
        return [], keys
    here, beside = ({k: keys[k] for k in keys if (bit(k, depth) == bit(key, depth)) == same} for same in (True, False))
    below, alone = siblings(here, key, depth + 1)
    return [node(beside, depth + 1), *below], alone
