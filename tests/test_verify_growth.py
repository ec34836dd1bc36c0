"""A proof of growth is made from the tiles that a log serves, asked for by the widths that they have."""

from __future__ import annotations

import pytest

from ledger.merkle import check_consistency, root_from
from tests.build import Build, grow, shop
from tests.listed import Listed
from verifier.growth import consistency


class Tiled(Listed):
    """Serves every tile at its width, and no leaf."""

    def __init__(self, made: Build) -> None:
        super().__init__([], "")
        self.made = made
        self.asked: set[tuple[int, int, int]] = set()

    def tile(self, level: int, number: int, width: int) -> bytes | None:
        self.asked.add((level, number, width))
        return self.made.tile(level, number, width) if width else None


@pytest.mark.parametrize("old", [256, 300, 512, 700])
def test_partial_tiles_of_tiles_are_asked_for_by_their_width(old: int) -> None:
    made = shop()
    grow(made, 800, seed=3)
    # Three full tiles of leaves and a part of one, and so three hashes in the tile above.
    assert 768 < made.size < 1024
    source = Tiled(made)
    proof = consistency(source, old, made.size)
    check_consistency(old, made.size, root_from(made.hashes[:old]), made.read_root(), proof)
    widths = {(level, number): width for level, number, width in source.asked}
    assert widths[1, 0] == 3
    assert source.read == []
    assert all(widths[0, number] == min(256, made.size - number * 256) for level, number in widths if level == 0)
