"""What an audit knows of every subject: how many entries it has, the last one, and its state; and the subject map.

A bounded dictionary of the subjects met last stands before two files: a ``table`` of records in the order of the
subject map, ``key -> count, last, leaf hash, place of the state``, and the states themselves, each in a room with
space to grow. The map root over all records is kept by ``ledger.top`` and recomputed for the buckets that changed
since it was last asked for; asked for at every seal that is a few buckets, asked for once at the end it is one pass
over the file.
"""

from __future__ import annotations

import os
import struct
from collections.abc import Iterable, Iterator
from pathlib import Path

from ledger import state
from ledger.submap import key_of, subtree
from ledger.top import Top, bucket_of
from verifier.table import Table

CACHED = 32_768
"""Subjects kept as objects, about 2 kB each: more than a group of shops touches in a day, in at most 64 MiB."""
MAX_BITS = 20
"""Depth of the part of the map that stands in memory: 66 MiB, and three subjects a bucket at three million."""
_KEY = 32
_VALUE = struct.Struct(">QQ32sQII")
_MAP_RECORD = 48
_LEAST_ROOM = 96


class Head:
    """A subject: its map key, how many entries it has, index and hash of the last, its state, and where that is."""

    __slots__ = ("changed", "count", "hash", "key", "last", "length", "place", "room", "state")

    def __init__(self, key: bytes) -> None:
        self.key = key
        self.count = 0
        self.last = 0
        self.hash: str | None = None
        self.state: state.State | None = None
        self.changed = False
        self.place = self.length = self.room = 0


class Heads:
    """The heads of all subjects of a ledger, in the files ``heads`` and ``states`` of a folder."""

    def __init__(self, folder: Path, *, expected: int) -> None:
        """Open the files of ``folder``, or create them for about ``expected`` subjects.

        Raises ``Malformed`` for files that are something else. The map is built from the records when first asked for.
        """
        self._table = Table.at(folder / "heads", _KEY, _VALUE.size, expected=expected, ordered=True)
        self._states = os.open(folder / "states", os.O_RDWR | os.O_CREAT, 0o600)
        self._end = os.fstat(self._states).st_size
        self._cache: dict[str, Head] = {}
        self._touched: dict[bytes, Head] = {}
        self._dirty: set[int] = set()
        self._top: Top | None = Top(self._bits()) if self._table.count == 0 else None

    @property
    def subjects(self) -> int:
        """How many subjects have an entry."""
        self._settle()
        return self._table.count

    def head(self, subject: str) -> Head:
        """The head of a subject, with count 0 if it has no entry yet. It is valid until the next call of ``shrink``."""
        head = self._cache.get(subject)
        if head is None:
            head = self._cache[subject] = self._read(key_of(subject))
        return head

    def advance(self, heads: Iterable[Head], index: int, leaf_hash: str) -> None:
        """Count the entry at ``index`` for its subjects; ``head.state`` is what each has become by it."""
        for head in heads:
            head.count += 1
            head.last = index
            head.hash = leaf_hash
            head.changed = True
            self._touched[head.key] = head

    def shrink(self) -> None:
        """Forget the subjects that were met first, when there are too many to keep as objects."""
        if len(self._cache) > CACHED:
            self._settle()
            for subject in list(self._cache)[: CACHED // 2]:
                self._store(self._cache.pop(subject))

    def map_root(self) -> bytes:
        """The root of the subject map over everything counted so far, 32 bytes (format.md §6)."""
        self._settle()
        bits = self._bits()
        if self._top is None or bits > self._top.bits + 2:
            self._top = Top.build(bits, self._buckets(iter(range(1 << bits)), bits))
        else:
            self._top.update(self._buckets(iter(self._dirty), self._top.bits))
        self._dirty.clear()
        return self._top.root

    def flush(self) -> None:
        """Write everything to the files; whoever keeps them sees to it that they reach the disk."""
        for head in self._cache.values():
            self._store(head)
        self._table.flush()
        # The room of the last state belongs to it, although nothing was written to its end yet.
        os.ftruncate(self._states, self._end)

    def close(self) -> None:
        """Close the files."""
        self._table.close()
        os.close(self._states)

    def _bits(self) -> int:
        # About two records a bucket: fewer make the part in memory large, more make each recomputation long.
        return min(MAX_BITS, self._table.capacity.bit_length() - 3)

    def _buckets(self, buckets: Iterator[int], bits: int) -> Iterator[tuple[int, int, bytes]]:
        span = self._table.span
        for bucket in buckets:
            records = span(bucket, bits)
            if records:
                yield (bucket, *subtree([record[:_MAP_RECORD] for record in records], bits))

    def _read(self, key: bytes) -> Head:
        head = Head(key)
        value = self._table.get(key)
        if value is not None:
            head.count, head.last, digest, head.place, head.length, head.room = _VALUE.unpack(value)
            head.hash = digest.hex()
            raw = os.pread(self._states, head.length, head.place)
            head.state = state.load(raw) if raw else None
        return head

    def _settle(self) -> None:
        """Write the records that changed, which are what the map is made of, to the table."""
        top, dirty, put = self._top, self._dirty, self._table.put
        for key, head in self._touched.items():
            put(key, _value(head))
            if top is not None:
                dirty.add(bucket_of(key, top.bits))
        self._touched.clear()
        if top is not None and len(dirty) > max(1024, 1 << top.bits - 2):
            # So many that one pass over the file is cheaper than to follow them.
            self._top = None

    def _store(self, head: Head) -> None:
        """Write a state that changed into its room, or into a new one if it has outgrown it."""
        if not head.changed:
            return
        raw = b"" if head.state is None else state.dump(head.state)
        head.length = len(raw)
        if head.length > head.room:
            head.room = max(_LEAST_ROOM, 1 << head.length.bit_length())
            head.place = self._end
            self._end += head.room
        os.pwrite(self._states, raw, head.place)
        self._table.put(head.key, _value(head))
        head.changed = False


def _value(head: Head) -> bytes:
    assert head.hash is not None
    return _VALUE.pack(head.count, head.last, bytes.fromhex(head.hash), head.place, head.length, head.room)
