"""Tiles compared beside the pass: few at a time are waited for, and the thread that fetches ends with it."""

from __future__ import annotations

import threading
from contextlib import closing
from pathlib import Path

import pytest

from ledger.note import parse_vkey
from tests.answering import Answer, files, served
from tests.build import grow, shop
from tests.listed import Listed
from verifier.audit import Options, audit
from verifier.compare import Comparison
from verifier.fetch import Address
from verifier.report import Report


class Serving(Listed):
    """Serves tiles, each a full one of zeros."""

    def __init__(self, *, serves_tiles: bool) -> None:
        super().__init__([], "")
        self.serves_tiles = serves_tiles

    def tile(self, level: int, number: int, width: int) -> bytes | None:
        return bytes(32 * width)


def _fetching() -> int:
    return sum(thread.name.rpartition("_")[0] == "tiles" for thread in threading.enumerate())


@pytest.mark.parametrize("serves_tiles", [True, False])
def test_few_tiles_are_waited_for(tmp_path: Path, *, serves_tiles: bool) -> None:
    report = Report()
    with closing(Comparison(Serving(serves_tiles=serves_tiles), report, tmp_path / "hashes")) as comparison:
        assert _fetching() == 0
        for number in range(40):
            comparison.compare(0, number, bytes(8192))
            assert len(comparison._waiting) == min(number + 1, 16)
        assert _fetching() == serves_tiles
        comparison.compare(0, 40, b"x" * 8192)
        assert report.findings() == ()
        comparison.finish()
        assert [one.check for one in report.findings()] == ["tiles"]


def test_the_thread_that_fetches_ends_with_the_comparison(tmp_path: Path) -> None:
    comparison = Comparison(Serving(serves_tiles=True), Report(), tmp_path / "hashes")
    comparison.compare(0, 0, bytes(8192))
    assert _fetching() == 1
    comparison.close()
    assert _fetching() == 0


def test_hashes_are_for_the_auditor_alone(tmp_path: Path) -> None:
    with closing(Comparison(Serving(serves_tiles=False), Report(), tmp_path / "hashes")) as comparison:
        for number in range(3):
            comparison.compare(0, number, bytes([number]) * 8192)
        comparison.compare(0, 3, b"part of a tile is kept elsewhere" * 255)
        comparison.compare(1, 0, b"y" * 8192)
        assert [comparison.leaf_hash(index) for index in (0, 255, 256, 767, 768)] == [
            *(bytes([number]) * 32 for number in (0, 0, 1, 2)),
            b"",
        ]
    assert (tmp_path / "hashes").stat().st_mode & 0o777 == 0o600


def test_of_an_address_every_tile_and_bundle_is_asked_for_and_nothing_else(tmp_path: Path) -> None:
    grown = shop()
    grow(grown, 640, seed=11)
    of_folder, asked = files(grown.write_static(tmp_path)), set()

    def answer(path: str, headers: dict[str, str]) -> Answer:
        asked.add(path)
        return of_folder(path, headers)

    with served(answer) as address, closing(Address(address)) as log:
        assert audit(log, Options((parse_vkey(grown.vkey),))).findings == ()
    # 640 leaves and the seals between them: two full tiles, a part of a third, and the one above the full ones.
    full, width = divmod(grown.size, 256)
    names = [*(f"{n:03}" for n in range(full)), f"{full:03}.p/{width}"]
    below = {f"/tile/{kind}/{name}" for kind in ("0", "entries") for name in names}
    assert asked == {"/checkpoint", f"/tile/1/000.p/{full}", *below}
