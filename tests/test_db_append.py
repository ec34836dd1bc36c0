"""Appending, on both databases: what is accepted, refused and repeated, and that the log is what the reference says."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import text

from ledger import merkle, note, times
from ledger.checkpoint import check_checkpoint
from ledger.db.draft import Accepted, Draft
from ledger.db.engine import open_engine
from ledger.errors import Forbidden, PatinaError, Refused, Unavailable
from ledger.leaf import Signature
from tests.reference.ledger import Recomputed
from tests.stall import Stall, key_of, stall, urn


@pytest.fixture
def shop(database_url: str, tmp_path: Path) -> Iterator[Stall]:
    with stall(database_url, tmp_path) as opened:
        yield opened


def leaves(shop: Stall) -> list[bytes]:
    return [shop.ledger.reader.leaf(index) or b"" for index in range(shop.ledger.reader.size())]


def check(shop: Stall) -> Recomputed:
    """The whole ledger against the reference: log, map, checkpoint and every table that follows from the leaves."""
    reader = shop.ledger.reader
    plain = Recomputed(leaves(shop))
    vkeys = [note.parse_vkey(vkey) for vkey in shop.ledger.vkeys]
    head = check_checkpoint(reader.checkpoint(), vkeys, shop.ledger.origin)
    assert (head.size, head.root) == (len(plain.leaves), plain.root)
    engine = open_engine(shop.url)
    with engine.connect() as connection:
        statements = {bytes(row.id).hex(): row.idx for row in connection.execute(text("SELECT * FROM statement"))}
        assert statements == {uri[9:].replace("-", ""): index for uri, index in plain.statements.items()}
        rows = connection.execute(text('SELECT "key", sid, "count", last, last_hash FROM subject')).all()
        assert {bytes(row[0]): (row[2], row[3]) for row in rows} == plain.map
        assert {bytes(row[4]) for row in rows} == {plain.hashes[last] for _, last in plain.map.values()}
        assert sorted(row[1] for row in rows) == list(range(len(plain.map)))
        states = connection.execute(text("SELECT sid, last FROM subject_state")).all()
        assert sorted(map(tuple, states)) == sorted((row[1], row[3]) for row in rows)
        assert connection.execute(text("SELECT count(*) FROM link")).scalar() == sum(map(len, plain.chains.values()))
        tiles = connection.execute(text("SELECT level, n, hashes, root FROM tile ORDER BY level, n")).all()
        full = [(0, n) for n in range(len(plain.leaves) // 256)]
        assert [(row.level, row.n) for row in tiles] == full
        for row in tiles:
            start = row.n * 256
            assert bytes(row.hashes) == b"".join(plain.hashes[start : start + 256])
            assert bytes(row.root) == merkle.root_from(plain.hashes[start : start + 256])
    engine.dispose()
    for subject, chain in plain.chains.items():
        assert [index for index, _ in reader.entries(subject)] == chain
    return plain


def test_a_receipt_proves_each_statement(shop: Stall) -> None:
    for outcome in shop.accept(shop.register("a"), shop.register("b"), shop.maintain("a")):
        vkeys = [note.parse_vkey(vkey) for vkey in shop.ledger.vkeys]
        head = check_checkpoint(outcome.checkpoint, vkeys, shop.ledger.origin)
        assert head.size == outcome.size == shop.ledger.reader.size()
        merkle.check_inclusion(outcome.index, head.size, merkle.leaf_hash(outcome.entry), outcome.hashes, head.root)
        assert not outcome.repeated
        assert shop.ledger.reader.entry(outcome.statement.id) == (outcome.index, outcome.entry)
    check(shop)


def test_a_refused_statement_leaves_its_neighbours_alone(shop: Stall) -> None:
    before = shop.ledger.reader.size()
    unsigned = shop.register("d")
    stranger = Draft(unsigned.statement, unsigned.body, (Signature(key_of("x").did, "x" * 88),), verified=True)
    good = shop.register("a"), shop.maintain("a"), shop.register("b")
    outcomes = shop.append(good[0], shop.maintain("nothing"), shop.register("a"), stranger, *good[1:])
    kinds = [type(outcome) for outcome in outcomes]
    assert kinds == [Accepted, Refused, Refused, Forbidden, Accepted, Accepted]
    assert shop.ledger.reader.size() == before + 4
    check(shop)


def test_a_batch_of_refused_statements_commits_nothing(shop: Stall) -> None:
    before = shop.ledger.reader.checkpoint()
    for outcome in shop.append(shop.maintain("nothing"), shop.maintain("nobody")):
        assert isinstance(outcome, Refused)
    assert shop.append() == []
    assert shop.ledger.reader.checkpoint() == before
    check(shop)


def test_the_same_statement_again_is_answered_by_its_entry(shop: Stall) -> None:
    draft, other = shop.register("a"), shop.register("b")
    first, twice = shop.accept(draft, draft)
    assert (first.repeated, twice.repeated) == (False, True)
    assert (twice.index, twice.entry, twice.hashes) == (first.index, first.entry, first.hashes)
    shop.accept(other)
    # Signatures are not compared: a browser may randomise them.
    random = Draft(draft.statement, draft.body, (Signature("did:key:other", "other"),), verified=True)
    again, new = shop.accept(random, shop.maintain("a"))
    assert again.repeated
    assert (again.index, again.entry) == (first.index, first.entry)
    head = check_checkpoint(again.checkpoint, [note.parse_vkey(shop.ledger.vkeys[0])], shop.ledger.origin)
    merkle.check_inclusion(again.index, head.size, merkle.leaf_hash(again.entry), again.hashes, head.root)
    assert new.checkpoint == again.checkpoint
    (alone,) = shop.accept(draft)
    assert alone.checkpoint == shop.ledger.reader.checkpoint()
    check(shop)


def test_an_id_is_used_once(shop: Stall) -> None:
    name = urn("an id")
    first, second = shop.append(shop.register("a", id=name), shop.register("b", id=name))
    assert isinstance(first, Accepted)
    assert isinstance(second, Refused)
    assert "this id was used for another statement" in second.message
    assert second.pointer == "/id"
    (third,) = shop.append(shop.maintain("a", id=name))
    assert isinstance(third, Refused)
    check(shop)


def test_an_atomic_group_stands_or_falls_together(shop: Stall) -> None:
    good, bad = shop.maintain("a"), shop.maintain("nothing")
    groups = [
        [shop.register("a")],
        [good, shop.register("b"), bad],
        [shop.register("b"), shop.maintain("b")],
        [good],
    ]
    taken = shop.ledger.writer.append(groups)
    assert [[type(one) for one in group] for group in taken] == [
        [Accepted],
        [Refused, Refused, Refused],
        [Accepted, Accepted],
        [Accepted],
    ]
    assert "refused with the whole group: statement 2" in str(taken[1][0])
    assert "nothing is known of this subject" in str(taken[1][2])
    check(shop)


def test_a_group_that_falls_takes_its_parties_and_keys_with_it(shop: Stall) -> None:
    stolen = [*shop.party("lab", "certifier"), shop.maintain("nothing")]
    assert all(isinstance(one, PatinaError) for one in shop.ledger.writer.append([stolen])[0])
    assert urn("lab") not in shop.ledger.view.parties.parties
    assert not shop.ledger.view.parties.is_key(key_of("lab").did)
    holder = {"channel": "store", "holder_key": key_of("holder").did, "holder_custody": "receipt"}
    group = [shop.register("a"), shop.draft("item.sold", urn("a"), holder), shop.maintain("nothing")]
    assert not any(isinstance(one, Accepted) for one in shop.ledger.writer.append([group])[0])
    # All of it can be said again: nothing was kept of it.
    shop.accept(*shop.party("lab", "certifier"), shop.register("a"), shop.draft("item.sold", urn("a"), holder))
    (other,) = shop.append(shop.draft("item.sold", urn("a"), holder))
    assert isinstance(other, Refused)
    check(shop)


def test_within_one_batch_each_sees_what_the_one_before_did(shop: Stall) -> None:
    speaks = shop.register("c", by="late")
    too_early, *registered, now = shop.append(speaks, *shop.party("late", "retailer"), shop.register("c", by="late"))
    assert isinstance(too_early, Forbidden)
    assert all(isinstance(one, Accepted) for one in [*registered, now])
    check(shop)


def test_a_holder_key_is_named_once_in_a_ledger(shop: Stall) -> None:
    holder = {"channel": "store", "holder_key": key_of("holder").did, "holder_custody": "receipt"}
    sales = [shop.draft("item.sold", urn(name), holder) for name in "ab"]
    first, again = shop.append(shop.register("a"), shop.register("b"), *sales)[2:]
    assert isinstance(first, Accepted)
    assert isinstance(again, Refused)
    (later,) = shop.append(shop.draft("item.sold", urn("b"), holder))
    assert isinstance(later, Refused)
    state = shop.ledger.reader.state(urn("a"))
    assert state is not None
    assert state.held.holding is not None
    assert state.held.holding.present.key == key_of("holder").did


def test_corrections_find_what_they_correct(shop: Stall) -> None:
    registered, wrong = shop.accept(shop.register("a"), shop.maintain("a"))
    details = {"reason": "typing"}
    retract = shop.draft("statement.retracted", urn("a"), details, corrects=wrong.statement.id)
    nothing = shop.draft("statement.retracted", urn("a"), details, corrects=urn("no such statement"))
    accepted, refused = shop.append(retract, nothing)
    assert isinstance(accepted, Accepted)
    assert isinstance(refused, Refused)
    assert registered.index < accepted.index
    check(shop)


def test_unverified_drafts_are_a_mistake_of_the_caller(shop: Stall) -> None:
    draft = shop.register("a")
    with pytest.raises(AssertionError, match="nobody verified"):
        shop.append(Draft(draft.statement, draft.body, draft.signatures))


def test_time_never_goes_back(shop: Stall) -> None:
    shop.clock.now += times.HOUR
    shop.accept(shop.register("a"))
    shop.clock.now -= 2 * times.HOUR
    (accepted,) = shop.accept(shop.register("b"))
    assert b'"recorded_at":"2026-11-01T09:00:00.000Z"' in accepted.entry
    check(shop)


def test_a_clock_far_ahead_waits_for_the_operator(shop: Stall) -> None:
    shop.clock.now += 24 * 3_600_000_000
    shop.accept(shop.register("z"))
    shop.clock.now += 24 * 3_600_000_000 + 1_000
    (refused,) = shop.append(shop.register("a"))
    assert isinstance(refused, Unavailable)
    assert "the operator must confirm" in refused.message
    assert shop.ledger.writer.refusal == refused.message
    with pytest.raises(Unavailable, match="the operator must confirm"):
        shop.ledger.writer.seal(force=True)
    writer = shop.ledger.writer
    writer.accept_clock = True
    assert writer.refusal is None
    shop.accept(shop.register("a"))
    assert not shop.ledger.writer.accept_clock
    shop.clock.now += 3 * times.DAY
    shop.reopen(accept_clock=True)
    shop.accept(shop.register("b"))
    check(shop)


def test_a_seal_an_hour(shop: Stall) -> None:
    size = shop.ledger.reader.size()
    assert not shop.ledger.writer.seal()
    shop.clock.now += 3_599_999_000
    assert not shop.ledger.writer.seal()
    shop.clock.now += 1_000
    assert shop.ledger.writer.seal()
    assert not shop.ledger.writer.seal()
    assert shop.ledger.writer.seal(force=True)
    assert shop.ledger.reader.size() == size + 2
    check(shop)


def test_rows_are_committed_with_their_statement_or_not_at_all(shop: Stall) -> None:
    codes = shop.ledger.codes
    (kept, kept_row), (lost, lost_row) = codes.draft(urn("a"), "view"), codes.draft(urn("z"), "view")
    shop.append(shop.register("a", rows=(kept_row,)), shop.maintain("z", rows=(lost_row,)))
    found = codes.find(kept)
    assert found is not None
    assert (found.subject, found.kind, found.level) == (urn("a"), "view", "view")
    assert codes.find(lost) is None
    assert codes.of(urn("z")) == []


def test_more_ledger_keys_sign_beside_the_first(shop: Stall) -> None:
    first = shop.ledger.vkeys[0]
    stranger = note.format_vkey(shop.ledger.origin, key_of("stranger").public)
    subject = shop.ledger.view.parties.ledger_subject
    (refused,) = shop.append(shop.draft("ledger.key_added", subject, {"vkey": stranger}, by="operator"))
    assert isinstance(refused, Refused)
    assert "private key" in refused.message
    second = shop.ledger.access.create_ledger_key()
    shop.accept(shop.draft("ledger.key_added", subject, {"vkey": second}, by="operator"))
    shop.reopen()
    assert shop.ledger.vkeys == (first, second)
    for vkey in (first, second):
        check_checkpoint(shop.ledger.reader.checkpoint(), [note.parse_vkey(vkey)], shop.ledger.origin)
    shop.accept(shop.draft("ledger.key_retired", subject, {"vkey": first}, by="operator"))
    assert len(note.parse_note(shop.ledger.reader.checkpoint()).signatures) == 1
    check_checkpoint(shop.ledger.reader.checkpoint(), [note.parse_vkey(second)], shop.ledger.origin)


def test_a_long_ledger_with_full_tiles(shop: Stall) -> None:
    names = [f"item {number}" for number in range(300)]
    for start in range(0, 300, 75):
        shop.accept(*[shop.register(name) for name in names[start : start + 75]])
        shop.accept(*[shop.maintain(name) for name in names[start : start + 75 : 3]])
    plain = check(shop)
    reader = shop.ledger.reader
    size = len(plain.leaves)
    for index in (0, 255, 256, 300, size - 1):
        proof = reader.inclusion(index, size) or []
        merkle.check_inclusion(index, size, plain.hashes[index], proof, plain.root)
    old = merkle.root_from(plain.hashes[:257])
    merkle.check_consistency(257, size, old, plain.root, reader.consistency(257, size) or [])
    shop.reopen()
    check(shop)
