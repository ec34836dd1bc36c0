"""Reading on both databases: histories that verify, tiles, proofs, the search, and answers while others write."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import text

from ledger import merkle, note, receipt, submap, tiles, times
from ledger.bundle import parse_history
from ledger.db import view as views_in_memory
from ledger.db.connect import session
from ledger.db.engine import open_engine
from ledger.db.items import Item
from ledger.db.views import rebuild
from ledger.errors import Invalid
from ledger.history import Asked, VerifiedHistory, check_history
from tests.reference.ledger import Recomputed
from tests.stall import Stall, key_of, stall, urn


@pytest.fixture
def shop(database_url: str, tmp_path: Path) -> Iterator[Stall]:
    with stall(database_url, tmp_path) as opened:
        yield opened


def verified(shop: Stall, subject: str, *, absent: bool = False) -> VerifiedHistory:
    found = shop.ledger.reader.history(subject, absent=absent)
    assert found is not None
    vkeys = tuple(note.parse_vkey(vkey) for vkey in shop.ledger.vkeys)
    history = check_history(parse_history(found[1]), Asked(subject, vkeys, shop.clock.now))
    assert history.checkpoint.size == found[0]
    return history


def test_histories_verify_at_every_size(shop: Stall) -> None:
    names = [f"item {number}" for number in range(8)]
    for count, name in enumerate(names):
        shop.accept(shop.register(name), *[shop.maintain(one) for one in names[:count]])
        for at, one in enumerate(names[: count + 1]):
            assert len(verified(shop, urn(one)).entries) == count - at + 1
        assert verified(shop, urn("nothing of the sort"), absent=True).entries == ()
        shop.ledger.writer.seal(force=True)
        assert len(verified(shop, urn(name)).entries) == 1
    assert shop.ledger.reader.history(urn("nothing of the sort")) is None


@pytest.mark.parametrize("bits", [1, 4, 18])
def test_histories_verify_with_any_number_of_buckets(tmp_path: Path, bits: int) -> None:
    with stall(f"sqlite:///{tmp_path / 'ledger.sqlite3'}", tmp_path, map_bits=bits) as shop:
        for number in range(40):
            shop.accept(shop.register(f"item {number}"))
            verified(shop, urn(f"item {number // 2}"))
            verified(shop, urn(f"absent {number}"), absent=True)
        shop.reopen()
        verified(shop, urn("item 7"))


def test_histories_of_parties_and_of_the_ledger(shop: Stall) -> None:
    shop.accept(*shop.party("lab", "certifier"), shop.register("a"))
    parties = shop.ledger.view.parties
    for subject in (f"{urn('lab')}#authority", f"{shop.ledger.operator}#authority", parties.ledger_subject):
        assert verified(shop, subject).entries
    raw = shop.ledger.reader.history(urn("a"), disclosures={urn("x"): ["abc"]})
    assert raw is not None
    bundle = json.loads(raw[1])
    assert bundle["disclosures"] == {urn("x"): ["abc"]}
    shown = [part["subject"] for part in bundle["histories"]]
    assert shown == [urn("a"), f"{urn('shop')}#authority", f"{shop.ledger.operator}#authority", parties.ledger_subject]


def test_a_reader_follows_what_others_commit(shop: Stall, monkeypatch: pytest.MonkeyPatch) -> None:
    other = Stall(shop.url, shop.directory, shop.clock, shop.again())
    shop.accept(*shop.party("lab", "certifier"), *[shop.register(f"item {number}") for number in range(30)])
    assert other.ledger.reader.size() == shop.ledger.reader.size()
    assert other.ledger.view.parties == shop.ledger.view.parties
    assert verified(other, urn("item 3")).entries
    certify = {"certificate_no": "1", "result": "authentic", "methods": ["seen"]}
    other.accept(other.draft("authentication.certified", urn("item 3"), certify, by="lab"))
    assert len(verified(shop, urn("item 3")).entries) == 2
    monkeypatch.setattr(views_in_memory, "MAX_BEHIND", 3)
    shop.accept(*[shop.maintain(f"item {number}") for number in range(10)])
    assert verified(other, urn("item 9")).entries
    assert other.ledger.view.tip == shop.ledger.view.tip
    assert other.ledger.view.top.root == shop.ledger.view.top.root
    other.ledger.close()


def test_a_map_that_went_wrong_in_memory_is_loaded_again(shop: Stall) -> None:
    shop.accept(*[shop.register(f"item {number}") for number in range(20)])
    top = shop.ledger.view.top
    top.update([(bucket, 2, bytes([1]) * 32) for bucket in range(64)])
    assert verified(shop, urn("item 1")).entries
    assert shop.ledger.view.top is not top
    shop.ledger.view.top.update([(bucket, 2, bytes([1]) * 32) for bucket in range(64)])
    shop.ledger.reader.map_proof(urn("item 2"))
    assert shop.ledger.view.alarm is None


def test_tiles_bundles_and_proofs(shop: Stall) -> None:
    for start in range(0, 600, 100):
        shop.accept(*[shop.register(f"item {number}") for number in range(start, start + 100)])
    reader = shop.ledger.reader
    size = reader.size()
    plain = Recomputed([reader.leaf(index) or b"" for index in range(size)])
    for level, n, width in tiles.tiles_of(size):
        hashes = tiles.parse_tile(reader.tile(level, n, width) or b"")
        start = n * 256
        if level == 0:
            assert hashes == plain.hashes[start : start + width]
        else:
            parts = [plain.hashes[at * 256 : (at + 1) * 256] for at in range(start, start + width)]
            assert hashes == [merkle.root_from(part) for part in parts]
    assert tiles.parse_bundle(reader.bundle(1) or b"") == plain.leaves[256:512]
    assert tiles.parse_bundle(reader.bundle(2, size % 256) or b"") == plain.leaves[512:]
    assert tiles.parse_bundle(reader.bundle(0, 3) or b"") == plain.leaves[:3]
    then = [merkle.root_from(plain.hashes[:at]) for at in range(size + 1)]
    assert [reader.root(at) for at in (0, 1, 7, 300, 500, size)] == [then[at] for at in (0, 1, 7, 300, 500, size)]
    merkle.check_inclusion(5, 300, plain.hashes[5], reader.inclusion(5, 300) or [], then[300])
    merkle.check_consistency(7, 500, then[7], then[500], reader.consistency(7, 500) or [])
    assert reader.consistency(0, 5) == []


def test_what_the_tree_does_not_have(shop: Stall) -> None:
    shop.accept(*[shop.register(f"item {number}") for number in range(300)])
    reader = shop.ledger.reader
    size = reader.size()
    for level, n in ((0, 1), (0, 2), (1, 0), (2, 0), (9, 0), (-1, 0), (0, -1), (0, 2**62)):
        assert reader.tile(level, n) is None
    for level, n, width in ((0, 0, 0), (0, 0, 257), (1, 0, 2), (0, 1, size % 256 + 1)):
        assert reader.tile(level, n, width) is None
    for n, width in ((1, 256), (3, 256), (-1, 256), (2**60, 256), (0, 0), (0, 257), (1, size % 256 + 1)):
        assert reader.bundle(n, width) is None
    for index, at in ((5, 5), (-1, 5), (0, size + 1)):
        assert reader.inclusion(index, at) is None
    for old, new in ((9, 5), (5, size + 1), (-1, 5)):
        assert reader.consistency(old, new) is None
    assert reader.root(size + 1) is None
    for index in (size, -1, 2**70):
        assert reader.leaf(index) is None


def test_receipts_and_entries_by_statement(shop: Stall) -> None:
    (first,) = shop.accept(shop.register("a"))
    shop.accept(shop.register("b"), shop.maintain("a"))
    raw = shop.ledger.reader.receipt(first.statement.id) or b""
    vkeys = [note.parse_vkey(vkey) for vkey in shop.ledger.vkeys]
    proved = receipt.check_receipt(receipt.parse_receipt(raw), vkeys)
    assert proved.entry.statement == first.statement
    assert proved.checkpoint.size == shop.ledger.reader.size()
    for unknown in (urn("nothing"), "urn:uuid:x", "", urn("a").upper()):
        assert shop.ledger.reader.receipt(unknown) is None
        assert shop.ledger.reader.entry(unknown) is None
    assert shop.ledger.reader.entries(urn("nothing")) == []
    assert shop.ledger.reader.state(urn("nothing")) is None
    state = shop.ledger.reader.state(urn("a"))
    assert state is not None
    assert state.name == "Ring a"


def test_the_map_says_what_is_there_and_what_is_not(shop: Stall) -> None:
    shop.accept(shop.register("a"), shop.maintain("a"))
    for subject, count in ((urn("a"), 2), (urn("b"), 0)):
        found = shop.ledger.reader.map_proof(subject)
        root = bytes.fromhex(json.loads(found["tail"]["entry"])["map_root"])
        proof = submap.parse_map_proof(found["map"])
        assert submap.check_map(root, submap.key_of(subject), proof)[0] == count
        assert found["subject"] == subject


def names(found: tuple[list[Item], str | None]) -> list[str]:
    return [item.name for item in found[0]]


@pytest.fixture
def searched(shop: Stall) -> Stall:
    shop.accept(*shop.party("rival", "retailer"))
    shop.accept(
        shop.register("one", details={"brand": "Dawn", "model": "R%1"}),
        shop.register("two", details={"category": "furniture", "brand": "晨光"}),
        shop.register("three", by="rival"),
    )
    shop.clock.now += times.HOUR
    sale = {"channel": "store", "holder_key": key_of("holder").did, "holder_custody": "receipt"}
    shop.accept(shop.register("four"), shop.draft("item.sold", urn("one"), sale), shop.maintain("three"))
    shop.accept(shop.draft("item.retired", urn("two"), {"reason": "broken"}))
    return shop


def test_the_search(searched: Stall) -> None:
    find = searched.ledger.reader.items
    assert names(find()) == ["Ring four", "Ring three", "Ring two", "Ring one"]
    assert names(find(text="dawn RING")) == ["Ring one"]
    assert names(find(text="晨")) == ["Ring two"]
    assert names(find(text="晨光")) == names(find(text="Ring 晨")) == ["Ring two"]
    assert names(find(text="光晨")) == names(find(text="daw")) == names(find(text="%")) == names(find(text="R_2")) == []
    assert names(find(text="1", party=urn("shop"))) == ["Ring one"]
    assert names(find(text="1", party=urn("rival"))) == []
    assert names(find(text="ring", limit=2)) == ["Ring four", "Ring three"]
    assert names(find(text=urn("four")[9:17].upper())) == ["Ring four"]
    assert names(find(category="furniture")) == names(find(state="retired")) == ["Ring two"]
    assert names(find(held=True)) == ["Ring one"]
    assert names(find(held=False, state="in_use")) == ["Ring four", "Ring three"]
    assert names(find(party=urn("rival"))) == ["Ring three"]
    assert names(find(party=urn("shop"))) == ["Ring four", "Ring three", "Ring two", "Ring one"]
    assert names(find(party=urn("shop"), limit=2)) == ["Ring four", "Ring three"]
    assert names(find(party=urn("nobody"))) == names(find(party="nonsense")) == []
    assert names(find(since="2026-11-01T09:00:00.000Z")) == ["Ring four"]
    assert names(find(until="2026-11-01T09:00:00.000Z", category="jewellery")) == ["Ring three", "Ring one"]
    (one,) = find(text="dawn")[0]
    assert one == Item(
        subject=urn("one"),
        name="Ring one",
        category="jewellery",
        brand="Dawn",
        model="R%1",
        state="in_use",
        registered_by=urn("shop"),
        held=True,
        first_recorded="2026-11-01T08:00:00.000Z",
        last_recorded="2026-11-01T09:00:00.000Z",
        count=2,
    )


def test_pages_stay_the_same_while_others_write(shop: Stall) -> None:
    shop.accept(*[shop.register(f"item {number:02}") for number in range(25)])
    for party in (None, urn("shop")):
        before = names(shop.ledger.reader.items(party=party, limit=100))
        found, cursor = [], None
        while True:
            page, cursor = shop.ledger.reader.items(party=party, cursor=cursor, limit=7)
            found += [item.name for item in page]
            if cursor is None:
                break
            shop.accept(shop.register(f"{party} {cursor}"), shop.maintain("item 03"))
        assert found == before
    for wrong in ("", "x", "-1", "1" * 17, "1 ", "١"):
        with pytest.raises(Invalid, match="got a cursor"):
            shop.ledger.reader.items(cursor=wrong)


OPENED = {"kind": "repair", "channel": "store", "issue": "quality"}


def test_a_case_is_found_by_its_id(shop: Stall) -> None:
    about, own = urn("case about an item"), urn("case of its own")
    shop.accept(shop.register("item 1"), shop.register("item 2"))
    shop.accept(shop.draft("case.opened", urn("item 1"), OPENED, case=about))
    shop.accept(shop.draft("case.opened", own, OPENED, case=own, others=[urn("shop")]))
    assert shop.ledger.reader.case_subjects(about) == [urn("item 1")]
    assert shop.ledger.reader.case_subjects(own) == [own]
    shop.accept(shop.draft("case.opened", urn("item 2"), OPENED, case=about))
    assert shop.ledger.reader.case_subjects(about) == [urn("item 1"), urn("item 2")]
    for unknown in (urn("no case"), urn("item 1"), "", "x", about.upper()):
        assert shop.ledger.reader.case_subjects(unknown) == []


def test_a_rebuild_gives_the_same_rows(shop: Stall) -> None:
    sale = {"channel": "store", "holder_key": key_of("holder").did, "holder_custody": "receipt"}
    shop.accept(*[shop.register(f"item {number}") for number in range(12)], *shop.party("rival", "repairer"))
    shop.accept(shop.draft("item.sold", urn("item 3"), sale), shop.maintain("item 4", by="rival"))
    shop.accept(shop.draft("item.retired", urn("item 5"), {"reason": "broken"}), shop.maintain("item 3"))
    shop.accept(shop.draft("case.opened", urn("item 6"), OPENED, case=urn("a case")))
    shop.accept(shop.draft("case.opened", urn("own"), OPENED, case=urn("own"), others=[urn("shop")]))
    engine = open_engine(shop.url)

    def rows() -> list[list[tuple[object, ...]]]:
        with engine.connect() as connection:
            queries = (
                "SELECT * FROM item ORDER BY sid",
                "SELECT * FROM item_party ORDER BY party, sid",
                'SELECT * FROM case_subject ORDER BY "case", sid',
            )
            found = [shop.ledger.reader.items(text=word)[0] for word in ("ring", urn("item 3")[9:17])]
            assert [len(one) for one in found] == [12, 1]
            return [[tuple(row) for row in connection.execute(text(query))] for query in queries]

    before = rows()
    assert [len(one) for one in before] == [12, 13, 2]
    with engine.begin() as connection:
        connection.execute(text("DELETE FROM item WHERE sid % 2 = 0"))
        connection.execute(text("UPDATE item SET name = 'x', held = 1"))
        connection.execute(text("DELETE FROM item_party"))
        connection.execute(text("UPDATE case_subject SET sid = sid + 1"))
        emptied = (
            "INSERT INTO item_text(item_text) VALUES ('delete-all')"
            if shop.ledger.is_sqlite
            else "DELETE FROM item_text"
        )
        connection.execute(text(emptied))
    with session(engine) as opened:
        opened.begin(write=True)
        assert rebuild(opened) == 12
        opened.commit()
    assert rows() == before
    engine.dispose()


def test_readers_in_threads_while_one_writes(shop: Stall) -> None:
    shop.accept(*[shop.register(f"item {number}") for number in range(10)])
    done, failed = threading.Event(), []

    def read(name: str) -> None:
        try:
            while not done.is_set():
                verified(shop, urn(name))
                shop.ledger.reader.items(limit=3)
        except BaseException as error:  # noqa: BLE001 -- told to the test
            failed.append(error)

    threads = [threading.Thread(target=read, args=(f"item {number}",)) for number in range(3)]
    for thread in threads:
        thread.start()
    for number in range(25):
        shop.accept(shop.maintain(f"item {number % 10}"))
    done.set()
    for thread in threads:
        thread.join()
    assert not failed
