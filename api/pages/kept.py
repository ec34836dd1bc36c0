"""Bytes that a process serves for as long as it runs: read and compressed once, each with a tag of what it holds."""

from __future__ import annotations

import gzip
import hashlib
from dataclasses import dataclass
from typing import Self

LEVEL = 9
"""Of gzip: slow, and done once."""


@dataclass(frozen=True, slots=True)
class Kept:
    """The bytes, the same in gzip, and a fragment of their hash."""

    raw: bytes
    packed: bytes
    mark: str

    @classmethod
    def of(cls, raw: bytes) -> Self:
        """These bytes, compressed and marked."""
        return cls(raw, gzip.compress(raw, LEVEL, mtime=0), hashlib.sha256(raw).hexdigest()[:12])

    def tag(self, *, packed: bool) -> str:
        """The entity tag (RFC 9110 §8.8.3): another for each coding, because the bytes are others."""
        return f'"{self.mark}{"-gzip" if packed else ""}"'
