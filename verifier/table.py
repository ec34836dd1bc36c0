"""A table in a memory-mapped file: keys and values of fixed width, open addressing, growing by rehash.

An audit of ten million leaves has to know every statement id and the head of every subject, and should not need the
memory for it. A large table gives its pages back to the kernel's cache every few thousand accesses, so that a
process's resident memory stays bounded while the file grows.

Keys are placed in one of two ways. *Scattered*: by a secret multiplier, because ids are chosen by whoever is audited
and could otherwise be chosen to collide (multiply-shift, Dietzfelbinger et al. 1997). *Ordered*: by the first bits of
the key, so that ``span`` reads all keys with a common prefix from one stretch of the file: the buckets of the subject
map. A slot is empty if the first eight bytes of its value are zero, so a value must not begin so.
"""

from __future__ import annotations

import mmap
import os
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from ledger.errors import Malformed

_MAGIC = b"patina-table-1\n\x00"
_HEADER = struct.Struct("<16sIIQQ?32s")
_PAGE = 4096
_EMPTY = bytes(8)
LARGE = 256 << 20
"""Bytes from which on a table gives pages back; a smaller one may stay in memory whole."""
_ACCESSES = 2048
"""Between two times of it: the kernel maps up to 64 KiB around each access, so this is at most 128 MiB."""
_SLACK = 4096
"""Slots past the last home slot: an ordered table does not wrap around, so that a prefix is one stretch."""


class Table:
    """Keys of ``key_size`` bytes and values of ``value_size`` bytes, at most three slots in five taken."""

    capacity: int
    count: int
    key_size: int
    value_size: int
    ordered: bool
    _file: BinaryIO
    _map: mmap.mmap
    _salt: int
    _mask: int
    _shift: int
    _width: int
    _most: int
    _last: int
    _left: int

    __slots__ = (
        "_file",
        "_last",
        "_left",
        "_map",
        "_mask",
        "_most",
        "_path",
        "_salt",
        "_shift",
        "_width",
        "capacity",
        "count",
        "key_size",
        "ordered",
        "value_size",
    )

    def __init__(self, path: Path) -> None:
        """Open a table that ``create`` made; raises ``Malformed`` if the file is something else."""
        self._path = path
        self._file = path.open("r+b")
        header = self._file.read(_HEADER.size)
        if len(header) != _HEADER.size or not header.startswith(_MAGIC):
            self._file.close()
            raise Malformed(f"got a file that is no table: {path.name}")
        _, self.key_size, self.value_size, self.capacity, self.count, self.ordered, salt = _HEADER.unpack(header)
        self._salt = int.from_bytes(salt[: self.key_size], "little") | 1
        self._width = self.key_size + self.value_size
        bits = self.capacity.bit_length() - 1
        self._mask = (1 << 8 * self.key_size) - 1
        self._shift = (64 if self.ordered else 8 * self.key_size) - bits
        size = _PAGE + (self.capacity + _SLACK) * self._width
        whole = self.key_size >= 8 and self.value_size >= 8 and self.capacity.bit_count() == 1
        if not whole or os.fstat(self._file.fileno()).st_size != size:
            self._file.close()
            raise Malformed(f"got a table of another size than its header says: {path.name}")
        self._map = mmap.mmap(self._file.fileno(), size)
        # Else the kernel reads ahead in large pieces, and maps a whole one at every access.
        self._map.madvise(mmap.MADV_RANDOM)
        self._most = self.capacity * 3 // 5
        self._last = size - self._width
        self._left = _ACCESSES

    @classmethod
    def create(cls, path: Path, key_size: int, value_size: int, *, expected: int, ordered: bool = False) -> Table:
        """A new empty table with room for ``expected`` keys before it first grows; the file is sparse."""
        capacity = 1 << max(10, (expected * 5 // 3).bit_length())
        with path.open("xb") as file:
            salt = os.urandom(32)
            file.write(_HEADER.pack(_MAGIC, key_size, value_size, capacity, 0, ordered, salt))
            file.truncate(_PAGE + (capacity + _SLACK) * (key_size + value_size))
        return cls(path)

    @classmethod
    def at(cls, path: Path, key_size: int, value_size: int, *, expected: int, ordered: bool = False) -> Table:
        """The table in a file, made if there is none; raises ``Malformed`` for a file that is of another shape."""
        if not path.exists():
            return cls.create(path, key_size, value_size, expected=expected, ordered=ordered)
        table = cls(path)
        if (table.key_size, table.value_size, table.ordered) != (key_size, value_size, ordered):
            table.close()
            raise Malformed(f"got a table of another shape: {path.name}")
        return table

    def find(self, key: bytes) -> int:
        """The place of ``key``: of its slot if it is there, else the complement (``~``) of the slot it would take."""
        if self.ordered:
            home = int.from_bytes(key[:8], "big") >> self._shift
        else:
            home = ((int.from_bytes(key, "little") * self._salt) & self._mask) >> self._shift
        self._left -= 1
        if not self._left:
            self._trim()
        width, keys = self._width, self.key_size
        content = self._map
        place = _PAGE + home * width
        while True:
            end = place + keys
            if content[end : end + 8] == _EMPTY:
                return ~place
            if content[place:end] == key:
                return place
            place += width

    def get(self, key: bytes) -> bytes | None:
        """The value of ``key``, or ``None``."""
        place = self.find(key)
        return None if place < 0 else self._map[place + self.key_size : place + self._width]

    def add(self, key: bytes, value: bytes) -> bytes | None:
        """``None`` after adding a key that was not there; the value of a key that was, which stays."""
        place = self.find(key)
        if place >= 0:
            return self._map[place + self.key_size : place + self._width]
        self._insert(~place, key, value)
        return None

    def put(self, key: bytes, value: bytes) -> None:
        """Set the value of ``key``, which is added if it was not there."""
        place = self.find(key)
        if place >= 0:
            self._map[place + self.key_size : place + self._width] = value
        else:
            self._insert(~place, key, value)

    def span(self, prefix: int, bits: int) -> list[bytes]:
        """The records (key and value) of an ordered table whose keys begin with these ``bits``, sorted by key."""
        width = self._width
        spread = self.capacity.bit_length() - 1 - bits
        assert self.ordered, "only an ordered table has a stretch for each prefix"
        assert spread >= 0, "want at least a slot for each prefix"
        self._left -= 1
        if not self._left:
            self._trim()
        content, keys = self._map, self.key_size
        place = _PAGE + (prefix << spread) * width
        end = place + (width << spread)
        records = []
        while True:
            record = content[place : place + width]
            if record[keys : keys + 8] == _EMPTY:
                if place >= end:
                    break
            elif int.from_bytes(record[:8], "big") >> 64 - bits == prefix:
                records.append(record)
            place += width
        if len(records) > 1:
            records.sort()
        return records

    def records(self) -> Iterator[bytes]:
        """Every record (key and value), in the order of the file."""
        width, keys = self._width, self.key_size
        content = self._map
        step = 1024 * width
        end = len(content)
        for start in range(_PAGE, end, step):
            self._left -= 1
            if not self._left:
                self._trim()
            chunk = content[start : min(end, start + step)]
            if not chunk.strip(b"\x00"):
                continue
            for place in range(0, len(chunk), width):
                if chunk[place + keys : place + keys + 8] != _EMPTY:
                    yield chunk[place : place + width]

    def flush(self) -> None:
        """Write to the header how many keys there are, so that the file can be opened again."""
        header = self._map[: _HEADER.size]
        magic, keys, values, capacity, _, ordered, salt = _HEADER.unpack(header)
        self._map[: _HEADER.size] = _HEADER.pack(magic, keys, values, capacity, self.count, ordered, salt)

    def close(self) -> None:
        """Close the file; what was not flushed may be lost."""
        self._map.close()
        self._file.close()

    def _trim(self) -> None:
        """Let pages no longer count as this process's memory; the kernel still has them."""
        self._left = _ACCESSES
        if len(self._map) >= LARGE:
            self._map.madvise(mmap.MADV_DONTNEED)

    def _insert(self, place: int, key: bytes, value: bytes) -> None:
        # The last slot stays empty: it ends every search.
        if self.count >= self._most or place >= self._last:
            self._grow()
            place = ~self.find(key)
        self._map[place : place + self._width] = key + value
        self.count += 1

    def _grow(self) -> None:
        """Move every record to a file of twice the size, which takes this one's name."""
        path = self._path.with_suffix(".growing")
        wider = Table.create(path, self.key_size, self.value_size, expected=self.capacity, ordered=self.ordered)
        assert wider.capacity > self.capacity, "a table that grows becomes larger"
        keys = self.key_size
        for record in self.records():
            wider.add(record[:keys], record[keys:])
        path.replace(self._path)
        self.close()
        for name in ("_file", "_map", "_salt", "_shift", "_most", "_last", "capacity", "count"):
            setattr(self, name, getattr(wider, name))
