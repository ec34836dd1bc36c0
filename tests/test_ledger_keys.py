"""Ledger keys that overlap and end: what readers of the old and of the new key can verify, and how they are told.

Receipts, histories and audits before, while and after two keys sign; several processes; a process that is killed.
"""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from ledger import times
from ledger.checkpoint import check_checkpoint
from ledger.db.guard import PLACE, Guard, Released, format_place, parse_place, read_guards
from ledger.db.ledger import Ledger
from ledger.errors import PatinaError, Refused
from ledger.note import Signer, VKey, format_vkey, parse_note, parse_vkey
from tests.build import Build, key, ring, uuid
from tests.listed import Listed, listed
from tests.stall import Stall, stall, urn
from tests.test_audit_checks import made
from verifier.audit import Options, audit
from verifier.findings import Verdict
from verifier.memory import Memory
from verifier.reader import Reader, verify

ROOT = Path(__file__).resolve().parents[1]
LEDGER = uuid("ledger ledger")


@pytest.fixture
def shop(database_url: str, tmp_path: Path) -> Iterator[Stall]:
    with stall(database_url.replace("ledger.sqlite", "ledger.sqlite3"), tmp_path) as opened:
        opened.accept(opened.register("ring"))
        yield opened


def add(shop: Stall) -> str:
    """A further ledger key, in force."""
    vkey = shop.ledger.access.create_ledger_key()
    subject = shop.ledger.view.parties.ledger_subject
    shop.accept(shop.draft("ledger.key_added", subject, {"vkey": vkey}, by="operator"))
    return vkey


def retire(shop: Stall, vkey: str) -> int:
    subject = shop.ledger.view.parties.ledger_subject
    details = {"vkey": vkey, "reason": "compromised"}
    (accepted,) = shop.accept(shop.draft("ledger.key_retired", subject, details, by="operator"))
    return accepted.index


def short(vkey: str) -> str:
    """Name and key id, as people compare them."""
    return "+".join(vkey.split("+")[:2])


def history(ledger: Ledger) -> bytes:
    found = ledger.reader.history(urn("ring"))
    assert found is not None
    return found[1]


def receipt(shop: Stall) -> bytes:
    """A receipt of the ring's registration to the newest checkpoint."""
    index, raw = shop.ledger.reader.entries(urn("ring"))[0]
    made = shop.ledger.reader.receipt(json.loads(raw)["statement"]["id"])
    assert made is not None
    assert json.loads(made)["index"] == index
    return made


def judged(raw: bytes, *vkeys: str, subject: str | None = urn("ring")) -> Verdict:
    pinned = tuple(parse_vkey(vkey) for vkey in vkeys)
    return verify(raw, "x", Reader(pinned, times.parse_recorded("2026-11-01T08:00:01.000Z"), Memory(None), subject))


def test_old_and_new_key_verify_the_same_while_both_sign(shop: Stall) -> None:
    (old,) = shop.ledger.vkeys
    before = receipt(shop)
    new = add(shop)
    for vkey in (old, new):
        verdict = judged(history(shop.ledger), vkey)
        assert verdict.outcome == "proven", verdict.text()
        # Whoever pinned either learns the other by proof.
        assert verdict.facts["vkeys"] == [old, new]
        assert judged(receipt(shop), vkey).outcome == "proven"
    assert judged(before, old).outcome == "proven"
    # What was signed before the new key came is not signed by it; a receipt of today is.
    refused = judged(before, new)
    assert (refused.outcome, refused.findings[0].check) == ("disproved", 1)
    assert f"signed by {short(old)}; want one of {short(new)}" in refused.findings[0].why


def test_four_keys_sign_and_a_fifth_is_refused(shop: Stall) -> None:
    every = [*shop.ledger.vkeys, *(add(shop) for _ in range(3))]
    assert len(parse_note(shop.ledger.reader.checkpoint()).signatures) == 4
    for vkey in every:
        assert judged(history(shop.ledger), vkey).outcome == "proven"
    with pytest.raises(AssertionError, match="4 ledger keys"):
        add(shop)
    # The key that could not be named stays unused.
    shop.reopen()
    assert list(shop.ledger.vkeys) == every


def test_a_reader_who_pinned_a_retired_key_is_told_plainly(shop: Stall) -> None:
    (old,), new = shop.ledger.vkeys, add(shop)
    paper = receipt(shop)
    index = retire(shop, old)
    verdict = judged(history(shop.ledger), old)
    assert (verdict.outcome, verdict.findings[0].check) == ("disproved", 1)
    assert f"it says itself that leaf {index} retired the pinned key {short(old)}:" in verdict.findings[0].why
    verdict = judged(history(shop.ledger), new)
    assert (verdict.outcome, verdict.facts["vkeys"]) == ("proven", [new])
    both = judged(history(shop.ledger), old, new)
    assert both.outcome == "proven"
    assert [one for one in both.notes if f"was retired at leaf {index}" in one]
    # The receipt that was printed while both signed is good for either, for ever.
    assert judged(paper, old).outcome == judged(paper, new).outcome == "proven"
    listed = {one.vkey: one for one in shop.ledger.reader.ledger_keys()}
    assert (listed[old].state, listed[old].retired_at_index, listed[old].reason) == ("retired", index, "compromised")
    assert (listed[new].state, listed[new].retired_at) == ("in_force", None)


def test_a_retired_key_that_signs_on_vouches_for_nothing() -> None:
    built = made()
    second = format_vkey(built.origin, key("second").public)
    built.say("ledger.key_added", "operator", LEDGER, {"vkey": second})
    index = built.say("ledger.key_retired", "operator", LEDGER, {"vkey": built.vkey})
    built.seal()
    verdict = judged(json.dumps(built.history(ring(1))).encode(), built.vkey, subject=ring(1))
    assert (verdict.outcome, verdict.findings[0].check) == ("disproved", 3)
    assert f"leaf {index} retired the pinned key" in verdict.findings[0].why


@pytest.mark.parametrize(
    "entry",
    [
        '{"statement":{"type":"ledger.key_retired"}}',
        '["ledger.key_retired"]',
        '"ledger.key_retired"',
        '{"index":"x","statement":{"type":"ledger.key_retired","details":{"vkey":"%s"}}}',
        '{"index":1,"statement":{"type":"item.sold","details":{"vkey":"%s","x":"ledger.key_retired"}}}',
        "{" * 99_999 + '"ledger.key_retired"',
    ],
)
def test_what_a_document_claims_breaks_nothing(entry: str) -> None:
    built = made()
    bundle = built.history(ring(1))
    bundle["histories"][0]["entries"].append(entry.replace("%s", format_vkey(built.origin, key("other").public)))
    verdict = judged(json.dumps(bundle).encode(), format_vkey(built.origin, key("other").public), subject=ring(1))
    assert (verdict.outcome, verdict.findings[0].check) == ("disproved", 1)
    assert "it says itself" not in verdict.findings[0].why


def test_audits_across_the_change(shop: Stall, tmp_path: Path) -> None:
    (old,) = shop.ledger.vkeys
    state = tmp_path / "state"

    def audited(*vkeys: str, state: Path | None = None) -> Verdict:
        reader = shop.ledger.reader
        leaves = [reader.leaf(index) or b"" for index in range(reader.size())]
        pinned = tuple(parse_vkey(vkey) for vkey in vkeys)
        return audit(Listed(leaves, reader.checkpoint()), Options(pinned, state=state))

    assert audited(old, state=state).outcome == "proven"
    new = add(shop)
    for vkey in (old, new):
        assert audited(vkey).facts["vkeys"] == [old, new]
    assert audited(old, state=state).outcome == "proven"
    index = retire(shop, old)
    late = audited(old)
    assert (late.outcome, late.findings[0].check) == ("disproved", "checkpoint")
    assert "/v1/log/keys" in late.findings[0].why
    found = audited(new, state=state)
    assert (found.outcome, found.facts["vkeys"]) == ("proven", [new])
    assert found.facts == audited(new).facts
    assert [one for one in audited(old, new).notes if f"was retired at leaf {index}" in one]


def test_a_pinned_key_of_a_ledger_that_never_had_it() -> None:
    built = made()
    other = parse_vkey(format_vkey(built.origin, key("other").public))
    verdict = audit(listed(built), Options((parse_vkey(built.vkey), other)))
    assert (verdict.outcome, verdict.facts["vkeys"]) == ("proven", [built.vkey])
    assert not [one for one in verdict.notes if "retired" in one]


# Several processes, and one that is killed.


def signers(ledger: Ledger) -> list[VKey]:
    raw = ledger.reader.checkpoint()
    every = [parse_vkey(one.vkey) for one in ledger.reader.ledger_keys()]
    return [vkey for vkey in every if _signed(raw, vkey, ledger.origin)]


def _signed(raw: str, vkey: VKey, origin: str) -> bool:
    try:
        check_checkpoint(raw, [vkey], origin)
    except PatinaError:
        return False
    return True


def test_a_second_process_signs_with_the_new_key(shop: Stall) -> None:
    other = Stall(shop.url, shop.directory, shop.clock, shop.again())
    other.accept(other.register("other"))
    old, new = shop.ledger.vkeys[0], add(shop)
    other.accept(other.maintain("other"))
    assert list(map(str, signers(other.ledger))) == [old, new] == list(map(str, signers(shop.ledger)))
    retire(other, old)
    shop.accept(shop.maintain("other"))
    assert list(map(str, signers(shop.ledger))) == [new]
    other.ledger.close()


def test_a_process_without_the_private_key_signs_nothing(shop: Stall) -> None:
    stranger = format_vkey(shop.ledger.origin, key("stranger").public)
    size = shop.ledger.reader.size()
    draft = shop.draft("ledger.key_added", shop.ledger.view.parties.ledger_subject, {"vkey": stranger}, by="operator")
    (refused,) = shop.append(draft)
    assert isinstance(refused, Refused)
    assert (refused.pointer, shop.ledger.reader.size()) == ("/details/vkey", size)


_KILLED = """
import os, signal, sys
from pathlib import Path
from ledger.db import append, guard
from ledger.db.postgres import PostgresSession
from ledger.db.sqlite import SqliteSession
from tests.stall import MASTER, Clock, Stall
from ledger.db.ledger import open_ledger
url, directory, now, where = sys.argv[1], Path(sys.argv[2]), int(sys.argv[3]), sys.argv[4]
clock = Clock(now)
shop = Stall(url, directory, clock, open_ledger(url, directory=directory, master=MASTER, clock=clock))
vkey = shop.ledger.access.create_ledger_key()
draft = shop.draft("ledger.key_added", shop.ledger.view.parties.ledger_subject, {"vkey": vkey}, by="operator")
die = lambda *_, **__: os.kill(os.getpid(), signal.SIGKILL)
if where == "before the commit":
    SqliteSession.finish = PostgresSession.finish = die
elif where == "after the commit":
    guard.Guard.release = die
shop.append(draft)
die()
"""


@pytest.mark.parametrize("where", ["before the commit", "after the commit", "after the answer"])
def test_a_process_that_is_killed_leaves_a_ledger_that_signs(shop: Stall, where: str) -> None:
    (old,) = shop.ledger.vkeys
    words = [shop.url, str(shop.directory), str(shop.clock.now), where]
    done = subprocess.run([sys.executable, "-c", _KILLED, *words], cwd=ROOT, check=False)
    assert done.returncode == -signal.SIGKILL
    shop.reopen()
    # The statement and the checkpoint that the key signs are one commit: both are there or neither is.
    (new,) = [vkey for vkey in shop.ledger.access.ledger_keys() if vkey != old]
    want = [old] if where == "before the commit" else [old, new]
    assert list(map(str, signers(shop.ledger))) == want
    shop.accept(shop.maintain("ring"))
    assert list(map(str, signers(shop.ledger))) == want
    for vkey in want:
        assert judged(history(shop.ledger), vkey).outcome == "proven"


def test_the_longest_origin_with_four_keys_is_kept_by_the_guard(tmp_path: Path) -> None:
    origin = "\U0001d11e" * 255
    built = Build(origin=origin)
    for name in ("b", "c", "d"):
        vkey = parse_vkey(format_vkey(origin, key(name).public))
        built.signers.append(Signer(vkey, key(name).sign))
    released = Released(built.size, built.read_root(), built.note())
    raw = format_place(released)
    assert len(raw) == PLACE
    assert parse_place(raw) == released


def test_a_guard_file_of_the_older_size_is_still_read(tmp_path: Path) -> None:
    (tmp_path / "guard").mkdir()
    places = [format_place(Released(size, bytes([size]) * 32, "note\n"))[:4096] for size in (4, 6)]
    (tmp_path / "guard" / "0").write_bytes(b"".join(places))
    assert [released.size for _, released in read_guards(tmp_path)] == [6]
    guard = Guard(tmp_path)
    guard.release(Released(7, bytes([7]) * 32, "note\n"), 0)
    # What was there before is kept until this version has written a place of its own.
    assert (tmp_path / "guard" / "0").read_bytes()[: 2 * 4096] == b"".join(places)
    for size in (8, 10, 12):
        guard.release(Released(size, bytes([size]) * 32, "note\n"), 0)
        assert [released.size for _, released in read_guards(tmp_path)] == [size]
    guard.close()
