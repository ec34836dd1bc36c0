"""The subject map (format.md §6): how many entries every subject has and which is the last, under one root.

Over the bits of SHA-256(subject), a place with no key is 32 zero bytes, a place with one key is that key's
leaf hash at whatever depth it stands alone, and only a place with more keys is a branch. So the root depends
on the set alone, and a proof is about as long as the logarithm of the number of subjects. Inclusion proofs
show that what a reader was shown is in the log; this shows that nothing was held back.

A record is the 48 bytes ``key ‖ count u64 ‖ last u64``, big-endian; functions take records sorted by key.

>>> ring = format_record(key_of("https://id.gs1.org/8004/95201234RING"), 3, 17)
>>> chair = format_record(key_of("https://id.gs1.org/8004/95201234CHAIR"), 1, 4)
>>> records = sorted([ring, chair])
>>> proof = prove_map(records, key_of("https://id.gs1.org/8004/95201234RING"))
>>> check_map(root_of(records), key_of("https://id.gs1.org/8004/95201234RING"), proof)
(3, 17)
>>> check_map(root_of([chair]), key_of("https://id.gs1.org/8004/95201234RING"), prove_map([chair], ring[:32]))
(0, None)
"""

from __future__ import annotations

import struct
from binascii import Error as Base64Error
from binascii import a2b_base64, b2a_base64
from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

from ledger.errors import Disproved, Malformed

EMPTY = bytes(32)
HASH_BYTES = 32
KEY_BITS = 256
MAX_SIBLINGS = KEY_BITS
MAX_NUMBER = 2**53 - 1

_RECORD = struct.Struct(">32sQQ")
_HEX = frozenset("0123456789abcdef")


@dataclass(frozen=True, slots=True)
class Other:
    """The record that stands alone at the place of an absent key: its own key of 32 bytes, count and last."""

    key: bytes
    count: int
    last: int


@dataclass(frozen=True, slots=True)
class MapProof:
    """What shows the value of a key, or that it is absent: then ``count`` is 0 and ``last`` ``None``.

    ``siblings`` are the hashes of 32 bytes beside the path, from the root down to where the key's place is
    alone or empty; ``other`` is whoever stands alone at the place of an absent key.
    """

    count: int
    last: int | None
    siblings: tuple[bytes, ...]
    other: Other | None = None


def key_of(subject: str) -> bytes:
    """Return the key of a subject, the 32 bytes of SHA-256 of its URI."""
    return sha256(subject.encode()).digest()


def format_record(key: bytes, count: int, last: int) -> bytes:
    """Return the record of 48 bytes of a key of 32 bytes, its count and the index of its last entry."""
    return _RECORD.pack(key, count, last)


def parse_record(record: bytes) -> tuple[bytes, int, int]:
    """Return the key, count and last index of a record of 48 bytes."""
    key, count, last = _RECORD.unpack(record)
    return key, count, last


def lone(key: bytes, count: int, last: int) -> bytes:
    """Return the node of one key, the same at every depth."""
    return sha256(b"\x02" + _RECORD.pack(key, count, last)).digest()


def branch(left: bytes, right: bytes) -> bytes:
    """Return the node over two halves that hold more than one key between them."""
    return sha256(b"\x03" + left + right).digest()


def subtree(records: Sequence[bytes], depth: int) -> tuple[int, bytes]:
    """Return the class and the node of records whose keys agree in their first ``depth`` bits.

    The class is 0 for no key (the node is ``EMPTY``), 1 for one (its leaf hash) and 2 for more. ``records``
    are sorted and of different keys.
    """
    return min(2, len(records)), _node(records, 0, len(records), depth)


def root_of(records: Sequence[bytes]) -> bytes:
    """Return the root of the map of exactly these records, sorted and of different keys."""
    return _node(records, 0, len(records), 0)


def prove_from(records: Sequence[bytes], key: bytes, depth: int) -> tuple[list[bytes], bytes | None]:
    """Return the siblings below ``depth`` on the way to ``key``, and the record at the end of it, if any.

    ``records``, sorted, are all those whose keys agree with ``key`` in their first ``depth`` bits, or the one
    record that stands alone there. It is the lower part of a proof whose upper part somebody else holds.
    """
    siblings = []
    start, end = 0, len(records)
    while end - start > 1:
        middle = _middle(records, start, end, depth)
        depth += 1
        if key[depth - 1 >> 3] & 128 >> (depth - 1 & 7):
            siblings.append(_node(records, start, middle, depth))
            start = middle
        else:
            siblings.append(_node(records, middle, end, depth))
            end = middle
    return siblings, records[start] if start < end else None


def map_proof(key: bytes, siblings: Sequence[bytes], alone: bytes | None) -> MapProof:
    """Return the proof for ``key`` from all its siblings, root first, and the record at the way's end."""
    if alone is None:
        return MapProof(0, None, tuple(siblings))
    found, count, last = parse_record(alone)
    if found == key:
        return MapProof(count, last, tuple(siblings))
    return MapProof(0, None, tuple(siblings), Other(found, count, last))


def prove_map(records: Sequence[bytes], key: bytes) -> MapProof:
    """Return the proof of what the map of these records, sorted, says of ``key``; undone by ``check_map``."""
    return map_proof(key, *prove_from(records, key, 0))


def check_map(root: bytes, key: bytes, proof: MapProof) -> tuple[int, int | None]:
    """Return the count and last index that ``root`` commits to for ``key``; (0, ``None``) if it is absent.

    Raises ``Disproved`` (check "map") if the proof (1) is not of the form of §6, (2) shows another place than
    the key's, (3) goes deeper than the map would, or (4) does not reach the root.
    """
    other, depth = proof.other, len(proof.siblings)
    # 1. Either the key's own value, or its absence and perhaps another key; all within bounds.
    if not _is_formed(proof):
        raise Disproved("got a map proof out of form", "map")
    # 2. The other key stands where this one would.
    if other and (other.key == key or _shared_bits(other.key, key) < depth):
        raise Disproved("map proof shows another place than the key's", "map")
    # 3. A lone key beside an empty place would have risen, and two empty places are one.
    if depth and proof.siblings[-1] == EMPTY:
        raise Disproved("map proof goes deeper than the map", "map")
    # 4. The siblings lead from there to the root.
    if proof.last is not None:
        node = lone(key, proof.count, proof.last)
    else:
        node = lone(other.key, other.count, other.last) if other else EMPTY
    for bit in range(depth - 1, -1, -1):
        on_the_right = key[bit >> 3] & 128 >> (bit & 7)
        node = branch(proof.siblings[bit], node) if on_the_right else branch(node, proof.siblings[bit])
    if node != root:
        raise Disproved("map proof does not reach the map root", "map")
    return proof.count, proof.last


def format_map_proof(proof: MapProof) -> dict[str, Any]:
    """Return the ``map`` member of a history (format.md §7), as plain JSON values."""
    other = proof.other
    return {
        "count": proof.count,
        "last": proof.last,
        "siblings": [b2a_base64(sibling, newline=False).decode() for sibling in proof.siblings],
        "other": other and {"key": other.key.hex(), "count": other.count, "last": other.last},
    }


def parse_map_proof(value: object) -> MapProof:
    """Return the proof in the ``map`` member of a history, given as plain JSON values.

    Raises ``Malformed`` unless it has exactly the members of §7, in their form and within their bounds.
    """
    count, last, siblings, other = _members(value, "count", "last", "siblings", "other")
    if not isinstance(siblings, list) or len(siblings) > MAX_SIBLINGS:
        raise Malformed(f"want at most {MAX_SIBLINGS} siblings in a map proof", "/siblings")
    hashes = tuple(_parse_hash(text) for text in siblings)
    if count == 0 and type(count) is int and last is None:
        return MapProof(0, None, hashes, None if other is None else _parse_other(other))
    if other is not None:
        raise Malformed("got another key in the map proof of a key that is there", "/other")
    return MapProof(_parse_number(count, 1), _parse_number(last, 0), hashes)


def _is_formed(proof: MapProof) -> bool:
    if len(proof.siblings) > MAX_SIBLINGS or {len(sibling) for sibling in proof.siblings} - {HASH_BYTES}:
        return False
    if proof.last is not None:
        return proof.other is None and _is_value(proof.count, proof.last)
    other = proof.other
    return proof.count == 0 and (other is None or _is_value(other.count, other.last))


def _is_value(count: int, last: int) -> bool:
    return 1 <= count <= MAX_NUMBER and 0 <= last <= MAX_NUMBER


def _parse_other(value: object) -> Other:
    key, count, last = _members(value, "key", "count", "last")
    if not isinstance(key, str) or len(key) != 2 * HASH_BYTES or not _HEX.issuperset(key):
        raise Malformed("got another key out of form in a map proof, want 64 hex", "/other/key")
    return Other(bytes.fromhex(key), _parse_number(count, 1), _parse_number(last, 0))


def _members(value: object, *names: str) -> list[Any]:
    if not isinstance(value, dict) or value.keys() != set(names):
        raise Malformed(f"want a map proof with the members {', '.join(names)}")
    return [value[name] for name in names]


def _parse_number(value: object, least: int) -> int:
    # A bool is an int to Python and not to the format.
    if type(value) is not int or not least <= value <= MAX_NUMBER:
        raise Malformed(f"want an integer from {least} to {MAX_NUMBER} in a map proof")
    return value


def _parse_hash(text: object) -> bytes:
    try:
        if isinstance(text, str) and len(text) == 44:
            raw = a2b_base64(text)
            if len(raw) == HASH_BYTES and b2a_base64(raw, newline=False) == text.encode():
                return raw
    except (Base64Error, ValueError):
        pass
    raise Malformed("got a sibling out of form in a map proof, want 32 bytes in base64", "/siblings")


def _shared_bits(one: bytes, two: bytes) -> int:
    return KEY_BITS - (int.from_bytes(one, "big") ^ int.from_bytes(two, "big")).bit_length()


def _middle(records: Sequence[bytes], start: int, end: int, depth: int) -> int:
    # A bucket holds about four records, where looking at each is faster than bisection.
    octet, mask = depth >> 3, 128 >> (depth & 7)
    if depth >= KEY_BITS:
        raise AssertionError("two records of one key")
    while start < end and not records[start][octet] & mask:
        start += 1
    return start


def _node(records: Sequence[bytes], start: int, end: int, depth: int) -> bytes:
    if end - start > 1:
        middle = _middle(records, start, end, depth)
        left = _node(records, start, middle, depth + 1)
        return sha256(b"\x03" + left + _node(records, middle, end, depth + 1)).digest()
    if end > start:
        return sha256(b"\x02" + records[start]).digest()
    return EMPTY
