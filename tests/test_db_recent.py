"""What a commit changed is handed to other processes of a machine: a shortcut to the head, or it is not taken."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable, Iterator
from dataclasses import replace
from hashlib import sha256
from pathlib import Path

import pytest

from ledger.db.recent import NAME, PLACE, PLACES, Recent, Short, format_place, parse_place
from ledger.db.session import Session
from ledger.db.view import Head, View
from tests.reference.ledger import Recomputed
from tests.stall import Stall, stall, urn

SHORT = Short([b"a" * 32, b"b" * 32], [(3, 1, b"c" * 32)], b"the last leaf")


@pytest.fixture
def shop(database_url: str, tmp_path: Path) -> Iterator[Stall]:
    with stall(database_url, tmp_path) as opened:
        yield opened


@pytest.fixture
def other(shop: Stall) -> Iterator[Stall]:
    """The same ledger as another process has it open."""
    opened = Stall(shop.url, shop.directory, shop.clock, shop.again())
    yield opened
    opened.ledger.close()


@pytest.fixture
def read(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The sizes of the heads to which a view came by reading leaves."""
    sizes: list[int] = []
    by_leaves = View._follow_leaves

    def counted(self: View, connection: Session, head: Head) -> None:
        sizes.append(head.size)
        by_leaves(self, connection, head)

    monkeypatch.setattr(View, "_follow_leaves", counted)
    return sizes


def same(one: Stall, other: Stall) -> bool:
    """Whether both stand at the newest commit; the reader lets its view follow."""
    sizes = one.ledger.reader.size(), other.ledger.reader.size()
    views = one.ledger.view, other.ledger.view
    return sizes[0] == sizes[1] and views[0].tip == views[1].tip and views[0].top.root == views[1].top.root


def test_the_layout_of_a_place() -> None:
    content = b"".join(
        [
            (70).to_bytes(8, "big"),
            *(count.to_bytes(4, "big") for count in (2, 1, 13)),
            b"a" * 32 + b"b" * 32,
            (3).to_bytes(4, "big") + b"\x01" + b"c" * 32,
            b"the last leaf",
        ]
    )
    raw = sha256(content).digest() + content
    assert format_place(70, SHORT) == raw
    assert parse_place(raw, 70) == parse_place(raw + bytes(9), 70) == SHORT
    assert parse_place(raw, 69) is None
    for at in range(len(raw)):
        assert parse_place(raw[:at], 70) is None
        assert parse_place(raw[:at] + bytes([raw[at] ^ 1]) + raw[at + 1 :], 70) is None
    fits = (PLACE - len(raw)) // 32
    assert format_place(0, replace(SHORT, hashes=[bytes(32)] * (2 + fits))) is not None
    assert format_place(0, replace(SHORT, hashes=[bytes(32)] * (3 + fits))) is None


def test_commits_are_found_as_one_where_none_is_missing(tmp_path: Path) -> None:
    one, reader, without = Recent(tmp_path), Recent(tmp_path), Recent(None)
    later = Short([b"d" * 32], [(3, 2, b"e" * 32), (9, 1, b"f" * 32)], b"the newest leaf")
    for recent in (one, without):
        recent.hand(10, SHORT)
        recent.hand(12, later)
    assert reader.since(10, 12) == SHORT
    both = [*SHORT.hashes, *later.hashes]
    assert reader.since(10, 13) == Short(both, later.nodes, b"the newest leaf")
    assert [reader.since(*sizes) for sizes in ((10, 14), (10, 11), (9, 13), (13, 13))] == [None] * 4
    assert without.since(10, 13) is None
    one.hand(10 + PLACES, replace(SHORT, hashes=[]))  # takes the first one's place, and would lead nowhere
    assert [reader.since(10, 12), reader.since(10 + PLACES, 99)] == [None, None]
    for recent in (one, reader, without):
        recent.close()
        recent.close()
    assert (tmp_path / NAME).stat().st_mode & 0o777 == 0o600


def test_another_process_follows_without_reading_a_leaf(shop: Stall, other: Stall, read: list[int]) -> None:
    shop.accept(*[shop.register(f"item {number}") for number in range(20)])
    shop.accept(shop.maintain("item 3"))
    shop.ledger.writer.seal(force=True)
    assert same(shop, other)
    other.accept(other.maintain("item 3"), other.register("theirs"))
    shop.accept(shop.maintain("item 3"), shop.maintain("theirs"))
    assert same(shop, other)
    assert read == []
    reader = shop.ledger.reader
    plain = Recomputed([reader.leaf(index) or b"" for index in range(reader.size())])
    assert reader.root(reader.size()) == plain.root
    assert len(plain.chains[urn("item 3")]) == 4


def test_who_may_speak_is_read_from_the_leaves(shop: Stall, other: Stall, read: list[int]) -> None:
    shop.accept(*shop.party("lab", "certifier"), shop.register("a"))
    certify = {"certificate_no": "1", "result": "authentic", "methods": ["seen"]}
    other.accept(other.draft("authentication.certified", urn("a"), certify, by="lab"))
    assert len(read) == 1
    assert other.ledger.view.parties == shop.ledger.view.parties


def test_a_large_commit_is_read(shop: Stall, other: Stall, read: list[int]) -> None:
    shop.accept(shop.register("before"))
    shop.accept(*[shop.register(f"item {number}") for number in range(500)])
    shop.accept(shop.register("after"))
    assert same(shop, other)
    assert read == [shop.ledger.view.tip.size]


def test_a_process_that_was_killed_before_it_handed_on(
    shop: Stall, other: Stall, read: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Recent, "hand", lambda *_: None)
    shop.accept(shop.register("a"))
    monkeypatch.undo()
    shop.accept(shop.register("b"))
    assert same(shop, other)
    shop.accept(shop.register("c"))
    assert same(shop, other)


@pytest.mark.parametrize("call", ["pread", "pwrite"])
def test_a_disk_that_fails_is_in_nobodys_way(
    shop: Stall, other: Stall, read: list[int], monkeypatch: pytest.MonkeyPatch, call: str
) -> None:
    whole = getattr(os, call)

    def failing(file: int, *more: object) -> object:
        if file in (shop.ledger.view.recent._file, other.ledger.view.recent._file):
            raise OSError(errno.ENOSPC if call == "pwrite" else errno.EIO, "no")
        return whole(file, *more)

    monkeypatch.setattr(os, call, failing)
    shop.accept(shop.register("a"))
    assert same(shop, other)
    assert read == [shop.ledger.view.tip.size]


def _other_hash(short: Short) -> Short:
    return replace(short, hashes=[bytes(32), *short.hashes[1:]])


def _other_node(short: Short) -> Short:
    return replace(short, nodes=[(*short.nodes[0][:2], bytes([1]) * 32), *short.nodes[1:]])


def _no_bucket(short: Short) -> Short:
    return replace(short, nodes=[(1 << 30, *short.nodes[0][1:]), *short.nodes[1:]])


def _no_class(short: Short) -> Short:
    return replace(short, nodes=[(short.nodes[0][0], 0, short.nodes[0][2]), *short.nodes[1:]])


def _no_seal(short: Short) -> Short:
    return replace(short, last=b"{}")


@pytest.mark.parametrize("change", [_other_hash, _other_node, _no_bucket, _no_class, _no_seal])
def test_what_does_not_lead_to_the_head_is_not_taken(
    shop: Stall, other: Stall, read: list[int], change: Callable[[Short], Short]
) -> None:
    first = shop.ledger.view.tip.size
    shop.accept(shop.register("a"), shop.register("b"))
    short = shop.ledger.view.recent.since(first, first + 3)
    assert short is not None
    shop.ledger.view.recent.hand(first, change(short))
    assert same(shop, other)
    assert read == [first + 3]
    other.accept(other.maintain("a"))
    assert same(shop, other)
    assert other.ledger.view.alarm is other.ledger.writer.refusal is None


def test_rubbish_and_no_file_at_all(shop: Stall, other: Stall, read: list[int]) -> None:
    path = shop.directory / NAME
    for number, rubbish in enumerate((b"", b"x" * PLACES * PLACE, bytes(PLACES * PLACE), b"\xff" * (PLACES * PLACE))):
        shop.accept(shop.register(f"item {number}"))
        path.write_bytes(rubbish)
        assert same(shop, other)
    assert len(read) == 4
    path.unlink()
    third = Stall(shop.url, shop.directory, shop.clock, shop.again())
    shop.accept(shop.register("seen by the one that opened the old file"))
    assert same(shop, other)
    assert same(shop, third)
    assert len(read) == 5
    third.ledger.close()
