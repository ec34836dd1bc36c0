"""The same ledger from its own folder, from static files, and from an address: proven, and refused when touched."""

from __future__ import annotations

import gzip
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest

from ledger import tiles
from ledger.errors import Disproved, Unknown
from ledger.merkle import check_consistency, root_from
from ledger.note import parse_vkey
from tests.answering import Answer, files, served
from tests.build import Build, grow, shop
from verifier import fetch
from verifier.audit import Options, audit
from verifier.fetch import Address, get
from verifier.findings import Verdict
from verifier.folder import LedgerFolder, open_folder
from verifier.growth import consistency
from verifier.source import MAX_BUNDLE, MAX_NOTE, MAX_TILE, Source


@pytest.fixture(scope="module")
def grown() -> Build:
    """A ledger of two full tiles and a part of one, with corrections of leaves in each."""
    ledger = shop()
    grow(ledger, 640, seed=11)
    return ledger


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """No pause between attempts."""
    monkeypatch.setattr(fetch, "PAUSE", 0.0)


@pytest.fixture(params=["ledger", "static", "address"])
def source(request: pytest.FixtureRequest, grown: Build, tmp_path: Path) -> Iterator[Source]:
    """The ledger from each kind of source."""
    if request.param == "ledger":
        grown.write_ledger(tmp_path)
        with closing(open_folder(tmp_path)) as folder:
            yield folder
    elif request.param == "static":
        yield open_folder(grown.write_static(tmp_path))
    else:
        with served(files(grown.write_static(tmp_path))) as address, closing(Address(address)) as log:
            yield log


def _audit(source: Source, ledger: Build) -> Verdict:
    return audit(source, Options((parse_vkey(ledger.vkey),)))


def test_each_source_is_proven(source: Source, grown: Build) -> None:
    verdict = _audit(source, grown)
    assert verdict.findings == ()
    assert verdict.facts["size"] == grown.size


def test_each_source_gives_any_stretch_of_leaves(source: Source, grown: Build) -> None:
    for start, stop in [(0, grown.size), (255, 512), (256, 257 + 255), (300, grown.size), (5, 5)]:
        assert list(source.leaves(start, stop)) == grown.leaves[start:stop]


def test_each_source_gives_a_proof_that_it_grew(source: Source, grown: Build) -> None:
    for old in (1, 255, 256, 300, 512, grown.size - 1):
        proof = consistency(source, old, grown.size)
        check_consistency(old, grown.size, root_from(grown.hashes[:old]), grown.read_root(), proof)


def _spoil(path: Path) -> None:
    raw = path.read_bytes()
    path.write_bytes(raw[:40] + bytes([raw[40] ^ 1]) + raw[41:])


def _tile(grown: Build, level: int, number: int) -> str:
    return tiles.tile_path(level, number, tiles.tile_width(level, number, grown.size))


@pytest.mark.parametrize(("level", "number"), [(0, 0), (0, 2), (1, 0)])
@pytest.mark.parametrize("way", ["static", "address"])
def test_a_tile_that_is_not_that_of_the_leaves(grown: Build, tmp_path: Path, way: str, level: int, number: int) -> None:
    grown.write_static(tmp_path)
    _spoil(tmp_path / _tile(grown, level, number))
    verdict = _through(way, tmp_path, grown)
    assert [(finding.check, finding.index) for finding in verdict.findings] == [("tiles", None)]
    first = number << 8 * (level + 1)
    last = min(first + 256 ** (level + 1), grown.size >> 8 * level << 8 * level) - 1
    assert f"of leaves {first} to {last}, is not that of the leaves" in verdict.findings[0].why
    assert verdict.exit_code == 1


def _through(way: str, folder: Path, ledger: Build) -> Verdict:
    if way == "static":
        return _audit(open_folder(folder), ledger)
    with served(files(folder)) as address, closing(Address(address)) as log:
        return _audit(log, ledger)


@pytest.mark.parametrize("way", ["static", "address"])
def test_a_missing_tile_could_not_be_told(grown: Build, tmp_path: Path, way: str) -> None:
    grown.write_static(tmp_path)
    (tmp_path / _tile(grown, 0, 1)).unlink()
    verdict = _through(way, tmp_path, grown)
    assert [(finding.check, finding.disproved) for finding in verdict.findings] == [("tiles", False)]
    assert verdict.exit_code == 2


@pytest.mark.parametrize("way", ["static", "address"])
def test_a_missing_bundle_could_not_be_told(grown: Build, tmp_path: Path, way: str) -> None:
    grown.write_static(tmp_path)
    (tmp_path / tiles.entries_path(1)).unlink()
    verdict = _through(way, tmp_path, grown)
    assert [(finding.check, finding.index, finding.disproved) for finding in verdict.findings] == [
        ("bundles", 256, False)
    ]


@pytest.mark.parametrize("way", ["static", "address"])
@pytest.mark.parametrize("spoil", [lambda raw: raw[:-1], lambda raw: raw[: 2 + int.from_bytes(raw[:2], "big")]])
def test_a_bundle_out_of_form_is_disproved(
    grown: Build, tmp_path: Path, way: str, spoil: Callable[[bytes], bytes]
) -> None:
    grown.write_static(tmp_path)
    path = tmp_path / tiles.entries_path(1)
    path.write_bytes(spoil(path.read_bytes()))
    verdict = _through(way, tmp_path, grown)
    assert [(finding.check, finding.index, finding.disproved) for finding in verdict.findings] == [
        ("bundles", 256, True)
    ]


@pytest.mark.parametrize("way", ["static", "address"])
def test_a_byte_of_an_entry_is_noticed(grown: Build, tmp_path: Path, way: str) -> None:
    grown.write_static(tmp_path)
    path = tmp_path / tiles.entries_path(0)
    path.write_bytes(path.read_bytes().replace(b"step 1", b"step 2", 1))
    found = _through(way, tmp_path, grown).findings
    assert {"prev", "root", "tiles", "signature"} <= {finding.check for finding in found}
    assert b"step 2" in list(open_folder(tmp_path).leaves(0, 256))[found[0].index or 0]


def test_full_tiles_stand_for_partial_ones(grown: Build, tmp_path: Path) -> None:
    """A log that has grown may have deleted the partial tiles of an older checkpoint."""
    longer = shop()
    grow(longer, 640, seed=11)
    size = longer.size
    note = longer.note()
    grow(longer, 300, seed=12)
    longer.write_static(tmp_path)
    (tmp_path / "checkpoint").write_text(note)
    # The first partial tile of level 1 has no full successor yet.
    (tmp_path / tiles.tile_path(1, 0, 2)).parent.mkdir(exist_ok=True)
    (tmp_path / tiles.tile_path(1, 0, 2)).write_bytes(longer.tile(1, 0, 2))
    verdict = _audit(open_folder(tmp_path), grown)
    assert (verdict.findings, verdict.facts["size"]) == ((), size)


@pytest.mark.parametrize("raw", [b"", b"\xff", b"x" * (MAX_NOTE + 1), b"a note without signatures\n"])
def test_a_checkpoint_out_of_form_is_disproved(grown: Build, tmp_path: Path, raw: bytes) -> None:
    grown.write_static(tmp_path)
    (tmp_path / "checkpoint").write_bytes(raw)
    verdict = _audit(open_folder(tmp_path), grown)
    assert [(finding.check, finding.disproved) for finding in verdict.findings] == [("checkpoint", True)]


@pytest.mark.parametrize("way", ["static", "address"])
def test_files_are_bounded_before_they_are_read(grown: Build, tmp_path: Path, way: str) -> None:
    grown.write_static(tmp_path)
    (tmp_path / tiles.tile_path(0, 0)).write_bytes(bytes(MAX_TILE + 1))
    with (tmp_path / tiles.entries_path(1)).open("wb") as bundle:
        bundle.truncate(MAX_BUNDLE + 1)
    verdict = _through(way, tmp_path, grown)
    assert {finding.check for finding in verdict.findings} == {"tiles", "bundles"}
    assert all("has more than" in finding.why for finding in verdict.findings)


def test_a_folder_that_cannot_be_read_could_not_be_told(grown: Build, tmp_path: Path) -> None:
    grown.write_static(tmp_path)
    path = tmp_path / tiles.entries_path(0)
    path.unlink()
    path.mkdir()
    verdict = _audit(open_folder(tmp_path), grown)
    assert [(finding.check, finding.disproved) for finding in verdict.findings] == [("bundles", False)]


def test_an_empty_folder_is_no_ledger(tmp_path: Path) -> None:
    with pytest.raises(Unknown, match="neither"):
        open_folder(tmp_path)


def test_an_address_without_a_checkpoint_could_not_be_told(grown: Build, tmp_path: Path) -> None:
    verdict = _through("address", tmp_path, grown)
    assert [(finding.check, finding.disproved) for finding in verdict.findings] == [("checkpoint", False)]
    assert verdict.exit_code == 2


# A ledger's own database, edited behind the service's back.

EDITS = {
    "a byte of an entry": (
        "UPDATE leaf SET bytes = replace(bytes, 'step 1', 'step 2') WHERE instr(bytes, 'step 1')",
        {"prev", "root"},
    ),
    "an entry deleted": ("DELETE FROM leaf WHERE idx = 300", {"leaf"}),
    "an entry more": ("INSERT INTO leaf (idx, bytes) SELECT max(idx) + 1, bytes FROM leaf", {"checkpoint"}),
    "the tail cut": ("DELETE FROM leaf WHERE idx >= 600", {"leaf"}),
    "two entries swapped": (
        "UPDATE leaf SET bytes = (SELECT l.bytes FROM leaf l WHERE l.idx = 71 - leaf.idx) WHERE idx IN (35, 36)",
        {"index", "prev", "root", "tiles"},
    ),
    "an entry that is no blob": ("UPDATE leaf SET bytes = 7 WHERE idx = 40", {"leaf", "root"}),
    "a tile": ("UPDATE tile SET hashes = zeroblob(8192), root = root WHERE level = 0 AND n = 1", {"tiles"}),
    "a tile and its root": (
        "UPDATE tile SET hashes = (SELECT hashes FROM tile WHERE n = 0), root = (SELECT root FROM tile WHERE n = 0)",
        {"tiles"},
    ),
    "the root of a tile": ("UPDATE tile SET root = zeroblob(32) WHERE level = 0 AND n = 1", {"tiles"}),
    "no head": ("DELETE FROM head", {"checkpoint"}),
    "two heads": ("INSERT INTO head SELECT * FROM head", {"checkpoint"}),
    "a note that is no text": ("UPDATE head SET note = x'ff'", {"checkpoint"}),
    "a note that is a number": ("UPDATE head SET note = 7", {"checkpoint"}),
}


@pytest.mark.parametrize("name", EDITS)
def test_an_edited_database_is_noticed(grown: Build, tmp_path: Path, name: str) -> None:
    statement, checks = EDITS[name]
    grown.write_ledger(tmp_path)
    with closing(sqlite3.connect(tmp_path / "ledger.sqlite3")) as database, database:
        assert database.execute(statement).rowcount
    with closing(open_folder(tmp_path)) as source:
        verdict = _audit(source, grown)
    assert verdict.exit_code == 1
    assert checks <= {finding.check for finding in verdict.findings}


def test_a_tile_that_the_database_lacks_could_not_be_told(grown: Build, tmp_path: Path) -> None:
    grown.write_ledger(tmp_path)
    with closing(sqlite3.connect(tmp_path / "ledger.sqlite3")) as database, database:
        database.execute("DELETE FROM tile WHERE n = 1")
    with closing(open_folder(tmp_path)) as source:
        assert _audit(source, grown).exit_code == 2


def test_a_database_that_is_none_could_not_be_told(tmp_path: Path) -> None:
    (tmp_path / "ledger.sqlite3").write_bytes(b"not a database, and long enough to look like one" * 100)
    with pytest.raises(Unknown, match="could not open"):
        open_folder(tmp_path)


def test_a_database_that_breaks_while_it_is_read_could_not_be_told(grown: Build, tmp_path: Path) -> None:
    grown.write_ledger(tmp_path)
    with closing(LedgerFolder(tmp_path)) as source:
        with closing(sqlite3.connect(tmp_path / "ledger.sqlite3")) as database, database:
            database.execute("DROP TABLE leaf")
        verdict = _audit(source, grown)
    assert [(finding.check, finding.disproved) for finding in verdict.findings] == [("checkpoint", False)]


def test_a_database_that_a_service_writes_is_read_beside_it(grown: Build, tmp_path: Path) -> None:
    grown.write_ledger(tmp_path)
    with closing(sqlite3.connect(tmp_path / "ledger.sqlite3")) as writer:
        writer.execute("PRAGMA journal_mode = WAL")
        writer.execute("CREATE TABLE other (x)")
        writer.execute("BEGIN IMMEDIATE")
        with closing(open_folder(tmp_path)) as source:
            assert _audit(source, grown).outcome == "proven"


# Addresses.


def _answers(*found: Answer | None) -> Callable[[str, dict[str, str]], Answer | None]:
    """One answer after the other, the last again and again."""
    left = list(found)
    return lambda path, headers: left.pop(0) if len(left) > 1 else left[0]


@pytest.mark.usefixtures("quick")
@pytest.mark.parametrize("bad", [(503, b"", {}), (429, b"", {}), None])
def test_what_fails_on_the_way_is_tried_again(bad: Answer | None) -> None:
    with served(_answers(bad, bad, (200, b"good", {}))) as address:
        assert get(address, 10) == b"good"


@pytest.mark.usefixtures("quick")
@pytest.mark.parametrize(
    ("bad", "why"),
    [
        ((500, b"", {}), "status 500"),
        ((403, b"", {}), "status 403"),
        ((301, b"", {"Location": "/x"}), "status 301"),
        ((404, b"", {}), "nothing"),
        ((410, b"", {}), "nothing"),
        ((200, b"\x1f\x8bno", {"Content-Encoding": "gzip"}), "could not fetch"),
        ((200, gzip.compress(b"a body")[:-9], {"Content-Encoding": "gzip"}), "cut short"),
        (None, "could not fetch"),
    ],
)
def test_what_cannot_be_had_could_not_be_told(bad: Answer | None, why: str) -> None:
    with served(_answers(bad)) as address, pytest.raises(Unknown, match=why):
        get(address, 100)


def test_nobody_listens(quick: None) -> None:
    with served(_answers((200, b"", {}))) as address:
        pass
    with pytest.raises(Unknown, match="could not fetch"):
        get(address, 100)


@pytest.mark.parametrize("body", [bytes(101), gzip.compress(bytes(101))])
def test_answers_are_bounded_also_when_compressed(body: bytes) -> None:
    headers = {"Content-Encoding": "gzip"} if body[:1] == b"\x1f" else {}
    with served(_answers((200, body, headers))) as address, pytest.raises(Disproved, match="more than 100 bytes"):
        get(address, 100)
    with served(_answers((200, body, headers))) as address:
        assert get(address, 101) == bytes(101)


def test_the_next_answer_after_one_that_was_too_long_is_its_own() -> None:
    with served(_answers((200, bytes(5000), {}), (200, b"good", {}))) as address, closing(Address(address)) as log:
        with pytest.raises(Disproved):
            log._client.get("/", 100)
        assert log._client.get("/", 100) == b"good"


@pytest.mark.parametrize(
    "address", ["ftp://x/", "file:///etc/passwd", "http://", "https:///x", "http://x:y/", "http://[x/"]
)
def test_other_addresses_are_refused(address: str) -> None:
    with pytest.raises(Unknown, match="got the address"):
        Address(address)


def test_a_query_and_headers_are_sent() -> None:
    seen: list[tuple[str, str | None]] = []

    def answer(path: str, headers: dict[str, str]) -> Answer:
        seen.append((path, headers.get("authorization")))
        return 200, b"", {}

    with served(answer) as address:
        get(f"{address}/x?y=1", 10, {"Authorization": "Bearer z"})
        get(address, 10)
        with closing(Address(f"{address}/log/", {"Authorization": "Bearer z"})) as log:
            log.tile(0, 0, 256)
    assert seen == [("/x?y=1", "Bearer z"), ("/", None), ("/log/tile/0/000", "Bearer z")]


def test_https_is_spoken_where_the_address_says_so(quick: None) -> None:
    with served(_answers((200, b"", {}))) as address, pytest.raises(Unknown, match="could not fetch"):
        get(address.replace("http:", "https:"), 10)


@pytest.mark.usefixtures("quick")
def test_an_address_that_fails_in_the_middle_could_not_be_told(grown: Build, tmp_path: Path) -> None:
    answer = files(grown.write_static(tmp_path))

    def failing(path: str, headers: dict[str, str]) -> Answer:
        return (503, b"", {}) if path.endswith(("entries/001", "tile/0/000")) else answer(path, headers)

    with served(failing) as address, closing(Address(address)) as log:
        verdict = _audit(log, grown)
    assert [(finding.check, finding.disproved) for finding in verdict.findings] == [
        ("bundles", False),
        ("tiles", False),
    ]


def test_a_tile_of_another_width_is_no_proof_of_growth(grown: Build, tmp_path: Path) -> None:
    grown.write_static(tmp_path)
    (tmp_path / _tile(grown, 0, 2)).write_bytes(bytes(32))
    with pytest.raises(Disproved, match="has 32 bytes"):
        consistency(open_folder(tmp_path), 513, grown.size)


def test_a_leaf_that_changes_between_two_readings_is_noticed(grown: Build, tmp_path: Path) -> None:
    """A correction makes the audit read an earlier entry again; the source may give another one then."""

    class Changing(LedgerFolder):
        def leaves(self, start: int, stop: int) -> Iterator[bytes]:
            whole = stop - start == grown.size
            for raw in super().leaves(start, stop):
                yield raw if whole else raw.replace(b'"clean"', b'"steal"')

    grown.write_ledger(tmp_path)
    with closing(Changing(tmp_path)) as source:
        verdict = _audit(source, grown)
    assert [finding.check for finding in verdict.findings] == ["bundles"]
    assert "read again" in verdict.findings[0].why
