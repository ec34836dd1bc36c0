"""What a source of leaves answers to a single question, before an audit makes something of it."""

from __future__ import annotations

import gzip
import os
import socket
import sqlite3
import tempfile
import threading
from collections.abc import Callable, Generator, Iterator
from contextlib import closing, contextmanager, suppress
from hashlib import sha256
from pathlib import Path
from typing import cast
from urllib.parse import urlsplit

import pytest

from ledger.errors import Disproved, Unknown
from tests.answering import Answer, files, served
from tests.build import Build, grow, shop
from verifier import fetch
from verifier.fetch import Address, Client
from verifier.folder import DATABASE, LedgerFolder, StaticFolder
from verifier.source import MAX_NOTE

NOBODY = 65_534
Answering = Callable[[str, dict[str, str]], Answer | None]


@pytest.fixture(scope="module")
def grown() -> Build:
    """A ledger of one full tile and a part of another."""
    ledger = shop()
    grow(ledger, 320, seed=3)
    return ledger


def _edited(grown: Build, folder: Path, statement: str) -> LedgerFolder:
    grown.write_ledger(folder)
    with closing(sqlite3.connect(folder / DATABASE)) as database, database:
        assert database.execute(statement).rowcount
    return LedgerFolder(folder)


def test_a_tile_that_is_nowhere_is_none(grown: Build, tmp_path: Path) -> None:
    folder = StaticFolder(grown.write_static(tmp_path))
    assert folder.tile(0, 7, 256) is None
    assert folder.tile(0, 7, 9) is None


def test_a_checkpoint_that_is_too_long_is_told_as_one(tmp_path: Path) -> None:
    (tmp_path / "checkpoint").write_bytes(b"x" * (MAX_NOTE + 1))
    with pytest.raises(Disproved, match="checkpoint has more than") as told:
        StaticFolder(tmp_path).checkpoint()
    assert told.value.check == "checkpoint"


def test_a_database_keeps_full_tiles_only(grown: Build, tmp_path: Path) -> None:
    """So it has no part of one either: the tile that it would be cut from may be newer than what is checked."""
    grown.write_ledger(tmp_path)
    with closing(LedgerFolder(tmp_path)) as folder:
        assert folder.tile(0, 0, 256) == b"".join(grown.hashes[:256])
        assert folder.tile(0, 0, 255) is None


def test_a_stored_tile_of_another_size_is_disproved(grown: Build, tmp_path: Path) -> None:
    """One hash is the root of itself, so that root and hashes agree here."""
    told = "UPDATE tile SET hashes = zeroblob(32), root = zeroblob(32) WHERE level = 0 AND n = 0"
    with closing(_edited(grown, tmp_path, told)) as folder, pytest.raises(Disproved, match="tile 0/0") as wrong:
        folder.tile(0, 0, 256)
    assert wrong.value.check == "tiles"


def test_a_leaf_that_is_stored_as_text_is_its_bytes(grown: Build, tmp_path: Path) -> None:
    with closing(_edited(grown, tmp_path, "UPDATE leaf SET bytes = CAST(bytes AS text) WHERE idx = 5")) as folder:
        assert list(folder.leaves(4, 7)) == grown.leaves[4:7]


def test_a_folder_that_was_closed_reads_no_more(grown: Build, tmp_path: Path) -> None:
    grown.write_ledger(tmp_path)
    folder = LedgerFolder(tmp_path)
    folder.close()
    with pytest.raises(Unknown, match="closed"):
        folder.checkpoint()


@contextmanager
def _as_nobody() -> Iterator[None]:
    """Root may write everywhere, so be somebody else meanwhile."""
    mine = os.geteuid()
    if mine == 0:
        os.seteuid(NOBODY)
    try:
        yield
    finally:
        os.seteuid(mine)


def test_a_database_is_read_where_nothing_may_be_written(grown: Build) -> None:
    """A service's database has a write-ahead log, whose shared memory has no place in such a folder."""
    with tempfile.TemporaryDirectory() as name:
        grown.write_ledger(Path(name))
        with closing(sqlite3.connect(Path(name) / DATABASE)) as database:
            assert database.execute("PRAGMA journal_mode = WAL").fetchone() == ("wal",)
        Path(name).chmod(0o555)
        (Path(name) / DATABASE).chmod(0o444)
        with _as_nobody(), closing(LedgerFolder(Path(name))) as folder:
            assert list(folder.leaves(0, 3)) == grown.leaves[:3]
        Path(name).chmod(0o755)


# Over HTTP: what is asked for again, what is not, and what is left behind.


@contextmanager
def _client(answer: Answering) -> Iterator[tuple[Client, list[float]]]:
    """A client of a server that answers so, and the pauses that it makes, which take no time."""
    pauses: list[float] = []
    with served(answer) as address, closing(Client(urlsplit(address), {}, pauses.append)) as client:
        yield client, pauses


def _said(status: int, body: bytes = b"", **headers: str) -> Answer:
    return status, body, {name.replace("_", "-"): value for name, value in headers.items()}


@pytest.mark.parametrize(("status", "pauses"), [(503, [0.5, 1.0, 2.0]), (403, []), (404, [])])
def test_only_what_may_pass_is_asked_for_again_after_longer_and_longer_pauses(status: int, pauses: list[float]) -> None:
    asked: list[str] = []

    def answer(path: str, _: dict[str, str]) -> Answer:
        asked.append(path)
        return _said(status)

    with _client(answer) as (client, made), suppress(Unknown):
        assert client.get("/x", 10) is None
    assert (asked, made) == (["/x"] * (len(pauses) + 1), pauses)


def test_no_pause_is_longer_than_half_a_minute(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fetch, "ATTEMPTS", 9)
    with _client(lambda *_: _said(503)) as (client, pauses), pytest.raises(Unknown):
        client.get("/x", 10)
    assert pauses == [0.5, 1, 2, 4, 8, 16, 30, 30]


def test_a_connection_that_said_nonsense_is_not_used_again() -> None:
    said = iter([_said(1000), _said(200, b"good")])
    with _client(lambda *_: next(said)) as (client, pauses):
        assert client.get("/x", 10) == b"good"
    assert len(pauses) == 1


def test_a_body_that_is_cut_short_on_the_way_is_asked_for_again() -> None:
    """It would be called another tile than that of the leaves, which is an accusation."""
    said = iter([_said(200, b"half", Content_Length="8", Connection="close"), _said(200, b"half+all")])
    with _client(lambda *_: next(said)) as (client, pauses):
        assert client.get("/x", 10) == b"half+all"
    assert len(pauses) == 1


def test_the_page_of_an_error_may_be_long_and_accuses_nobody() -> None:
    said = iter([_said(502, bytes(500_000)), _said(404, bytes(500_000)), _said(404, b"x"), _said(200, b"good")])
    with _client(lambda *_: next(said)) as (client, pauses):
        assert client.get("/x", 10) is None
        assert len(pauses) == 1
        assert [client.get("/x", 10), client.get("/x", 10)] == [None, b"good"]
        assert len(pauses) == 1


def test_what_compressing_makes_longer_is_as_long_as_it_was() -> None:
    """A full tile is 8,192 bytes that look random: gzip makes 8,215 of them."""
    tile = b"".join(sha256(bytes([at])).digest() for at in range(256))
    small = gzip.compress(tile, mtime=0)
    assert len(small) > len(tile)
    with _client(lambda *_: _said(200, small, Content_Encoding="gzip")) as (client, _):
        assert client.get("/x", len(tile)) == tile
        with pytest.raises(Disproved, match="more than 8191 bytes"):
            client.get("/x", len(tile) - 1)


def test_a_compressed_answer_is_bounded_before_it_is_opened() -> None:
    """By its own length: here by the name that a gzip header may hold (RFC 1952, FNAME)."""
    small = gzip.compress(b"x", mtime=0)
    named = small[:3] + b"\x08" + small[4:10] + b"n" * 5000 + b"\0" + small[10:]
    assert gzip.decompress(named) == b"x"
    with _client(lambda *_: _said(200, named, Content_Encoding="gzip")) as (client, _):
        assert client.get("/x", 5000) == b"x"
        with pytest.raises(Disproved, match="more than 100 bytes"):
            client.get("/x", 100)


def test_after_an_answer_that_was_too_long_the_next_one_needs_no_second_attempt() -> None:
    said = iter([_said(200, bytes(500_000)), _said(200, b"good")])
    with _client(lambda *_: next(said)) as (client, pauses):
        with pytest.raises(Disproved):
            client.get("/x", 100)
        assert client.get("/x", 100) == b"good"
    assert pauses == []


@contextmanager
def _dripping(head: bytes, drop: bytes) -> Iterator[tuple[str, list[bytes]]]:
    """A server that never ends an answer; its address, and what it was asked."""
    stop = threading.Event()
    asked: list[bytes] = []
    with closing(socket.create_server(("127.0.0.1", 0))) as server:

        def drip() -> None:
            while not stop.is_set():
                with suppress(OSError), closing(server.accept()[0]) as connection:
                    asked.append(connection.recv(4096))
                    connection.sendall(head)
                    while not stop.wait(0.02):
                        connection.sendall(drop)

        dripping = threading.Thread(target=drip)
        dripping.start()
        try:
            yield f"http://127.0.0.1:{server.getsockname()[1]}", asked
        finally:
            stop.set()
            server.shutdown(socket.SHUT_RDWR)
            dripping.join()


@pytest.mark.parametrize(
    ("head", "drop"),
    [
        (b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n", b"x"),
        (b"HTTP/1.1 200 OK\r\n", b"x"),
        (b"", b"HTTP/1.1 100 Continue\r\n\r\n"),
    ],
)
def test_a_server_that_sends_a_byte_now_and_then_holds_nobody(
    head: bytes, drop: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each byte comes before the time-out, in the body of the answer or before it."""
    monkeypatch.setattr(fetch, "LONGEST", 0.3)
    monkeypatch.setattr(fetch, "ATTEMPTS", 2)
    with _dripping(head, drop) as (address, asked):
        client = Client(urlsplit(address), {}, lambda _: None)
        with closing(client), pytest.raises(Unknown, match="could not fetch"):
            client.get("/x", 2_000_000)
    assert len(asked) == 2


@pytest.mark.parametrize("host", ["a" * 70 + ".example", "a..example", ".example"])
def test_a_name_that_cannot_be_one_is_no_address(host: str) -> None:
    with pytest.raises(Unknown, match="got the address"):
        fetch.get(f"http://{host}/x", 10)


def test_an_ipv6_address_without_a_port_is_asked_at_the_usual_one() -> None:
    with closing(Client(urlsplit("http://[2001:db8::5]/x"), {})) as client:
        connection = client._connection()
        assert (connection.host, connection.port) == ("2001:db8::5", 80)


def test_who_stops_reading_asks_for_no_more(tmp_path: Path) -> None:
    """Four bundles are asked for ahead, two at a time; those that wait their turn are given up."""
    ledger = shop()
    grow(ledger, 1030, seed=3)
    stored, go, asked = files(ledger.write_static(tmp_path)), threading.Event(), []

    def answer(path: str, headers: dict[str, str]) -> Answer:
        asked.append(path)
        if not path.endswith("entries/000"):
            assert go.wait(60)
        return stored(path, headers)

    with served(answer) as address:
        before = set(threading.enumerate())
        log = Address(address)
        with closing(cast("Generator[bytes]", log.leaves(0, ledger.size))) as leaves:
            assert next(leaves) == ledger.leaves[0]
        go.set()
        log._threads.shutdown(wait=True)
        assert {path[-3:] for path in asked} <= {"000", "001", "002"}
        other = Address(address)
        assert list(other.leaves(0, 1)) == ledger.leaves[:1]
        log.close()
        other.close()
        assert {one.name for one in set(threading.enumerate()) - before if one.name.startswith("fetch")} == set()
