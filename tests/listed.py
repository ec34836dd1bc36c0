"""A ledger in a list, as a source of the verifier: the plainest there is."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from ledger.merkle import leaf_hash
from ledger.note import parse_vkey
from tests.build import Build
from verifier.audit import Options, audit
from verifier.findings import Verdict


class Listed:
    """Leaves and a note; keeps no tiles. ``read`` are the ranges that were asked for."""

    name = "a list"
    serves_tiles = False

    def __init__(self, leaves: Sequence[bytes], note: str) -> None:
        self._leaves = leaves
        self._note = note
        self.read: list[tuple[int, int]] = []

    def checkpoint(self) -> str:
        return self._note

    def leaves(self, start: int, stop: int) -> Iterator[bytes]:
        self.read.append((start, stop))
        yield from self._leaves[start:stop]

    def tile(self, level: int, number: int, width: int) -> bytes | None:
        if width < 256 or level:
            return None
        return b"".join(leaf_hash(leaf) for leaf in self._leaves[number * 256 : number * 256 + 256])

    def close(self) -> None:
        """Nothing is open."""


def listed(made: Build) -> Listed:
    """The ledger that was built, as a source."""
    return Listed(made.leaves, made.note())


def audited(made: Build, **options: object) -> Verdict:
    """The verdict on a ledger that was built."""
    return audit(listed(made), Options((parse_vkey(made.vkey),), **options))  # type: ignore[arg-type]
