"""Receipts and histories as a reader checks them: the vectors, and for every number a case that only it refuses."""

from __future__ import annotations

import json
from base64 import b64encode
from collections.abc import Callable
from hashlib import sha256
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger import canonical, holderkey, times
from ledger.dsse import sign_statement
from ledger.note import COSIGNATURE, Signer, format_vkey, make_vkey, parse_vkey
from ledger.trust import parse_policy
from tests.build import ORIGIN, Build, key, ring, uuid
from tests.test_audit_checks import WORK, made
from tests.vectors import find_vectors, vector
from verifier.findings import Verdict
from verifier.memory import Memory
from verifier.reader import Reader, verify

LEDGER = "patina-format/ledger.json"
WRONG = "patina-format/wrong.json"
Bundle = dict[str, Any]

# Written by hand from the names of the cases and format.md §7: the number of the check meant.
MEANT = {
    "drop_newest": 4,
    "drop_newest_lie": 4,
    "drop_middle": 4,
    "swap": 6,
    "oldcp": 3,
    "badsig": 1,
    "foreign": 1,
    "ext": 1,
    "short": 3,
    "longp": 5,
    "othertail": 3,
    "sib": 4,
    "reformat": 7,
    "otherfirst": 3,
    "firstproof": 3,
    "disc": 9,
    "disc_elsewhere": 9,
    "twice": 4,
    "absent_lie": 4,
    "no_authority": 8,
    "extra_member": 3,
    "edited": 6,
    "other_item_than_asked": 11,
    "absence_of_another": 11,
}


def reader(vkey: str, memory: Memory | None = None, **members: Any) -> Reader:
    """Who pinned this key."""
    now = times.parse_recorded("2026-11-28T01:00:00.000Z")
    return Reader(vkeys=(parse_vkey(vkey),), now=now, memory=memory or Memory(None), **members)


def check(document: Any, ledger: Build, **members: Any) -> Verdict:
    """The verdict on a document of a built ledger."""
    return verify(json.dumps(document).encode(), "x", reader(ledger.vkey, **members))


def _wrong() -> list[str]:
    folder = find_vectors()
    if folder is None or not (folder / WRONG).is_file():
        return ["(the shared vectors are absent)"]
    return [case["name"] for case in vector(WRONG)["cases"] if "history" in case]


def test_the_histories_of_the_vectors_are_proven() -> None:
    ledger = vector(LEDGER)
    for history in ledger["histories"]:
        raw = json.dumps(history).encode()
        verdict = verify(raw, "x", reader(ledger["vkey"], subject=history["subject"]))
        assert (verdict.findings, verdict.exit_code) == ((), 0)
        assert verdict.facts["entries"] == history["histories"][0]["map"]["count"]


def test_the_receipts_of_the_vectors_are_proven() -> None:
    ledger = vector(LEDGER)
    for receipt in ledger["receipts"]:
        entry = json.loads(receipt["entry"])
        whole = {"id": entry["statement"]["id"], "index": entry["index"], **receipt}
        verdict = verify(json.dumps(whole).encode(), "x", reader(ledger["vkey"]))
        assert (verdict.findings, verdict.exit_code) == ((), 0)


@pytest.mark.parametrize("name", _wrong())
def test_each_wrong_history_is_refused_by_the_check_meant(name: str) -> None:
    wrong = vector(WRONG)
    case = next(case for case in wrong["cases"] if case["name"] == name)
    verdict = verify(json.dumps(case["history"]).encode(), "x", reader(wrong["vkey"], subject=case["asked"]))
    assert (verdict.exit_code, [finding.check for finding in verdict.findings]) == (1, [MEANT[name]])


def test_every_wrong_history_has_a_check() -> None:
    vector(WRONG)
    assert set(_wrong()) == set(MEANT)


# One crafted case for each number: right in everything but that.


def _again(ledger: Build, index: int, details: dict[str, Any]) -> str:
    """An entry with other details, signed by the same key and right in itself, that does not stand in the log."""
    entry = canonical.decode(ledger.leaves[index])
    entry["statement"]["details"] = details
    body = canonical.encode(entry["statement"])
    entry["signatures"] = [sign_statement(body, key("shop"))]
    return canonical.encode(entry).decode()


def _signed_by_another(ledger: Build) -> Bundle:
    ledger.signers = [Signer(parse_vkey(format_vkey(ORIGIN, key("x").public)), key("x").sign)]
    return ledger.history(ring(1))


def _another_tail(ledger: Build) -> Bundle:
    bundle = ledger.history(ring(1))
    bundle["tail"] = {"entry": ledger.leaves[1].decode(), "proof": _encoded(ledger, 1)}
    return bundle


def _another_first(ledger: Build) -> Bundle:
    bundle = ledger.history(ring(1))
    bundle["first"]["entry"] = Build("another").leaves[0].decode()
    return bundle


def _newest_held_back(ledger: Build) -> Bundle:
    bundle = ledger.history(ring(1))
    shown = bundle["histories"][0]
    shown["entries"].pop()
    shown["last_proof"] = _encoded(ledger, ledger.of[ring(1)][-2])
    return bundle


def _an_older_map(ledger: Build) -> Bundle:
    bundle = _newest_held_back(ledger)
    last = ledger.of[ring(1)][-2]
    bundle["histories"][0]["map"] |= {"count": len(ledger.of[ring(1)]) - 1, "last": last}
    return bundle


def _newest_replaced(ledger: Build) -> Bundle:
    index = ledger.say("maintenance.performed", "shop", ring(1), WORK)
    ledger.seal()
    bundle = ledger.history(ring(1))
    bundle["histories"][0]["entries"][-1] = _again(ledger, index, {"work": ["polish"]})
    return bundle


def _middle_replaced(ledger: Build) -> Bundle:
    bundle = ledger.history(ring(1))
    bundle["histories"][0]["entries"][1] = _again(ledger, ledger.of[ring(1)][1], {"work": ["polish"]})
    return bundle


def _not_canonical(ledger: Build) -> Bundle:
    ledger.say("maintenance.performed", "shop", ring(1), WORK)
    raw = ledger.leaves.pop().replace(b'"index":', b'"index": ')
    ledger.hashes.pop()
    ledger.heads[ring(1)] = (len(ledger.of[ring(1)]) - 1, 0, "")
    ledger.of[ring(1)].pop()
    ledger.put_raw(raw, [ring(1)])
    ledger.seal()
    return ledger.history(ring(1))


def _for_another_ledger(ledger: Build) -> Bundle:
    ledger.say("maintenance.performed", "shop", ring(1), WORK, ledger="ab" * 32)
    ledger.seal()
    return ledger.history(ring(1))


def _by_a_stranger(ledger: Build) -> Bundle:
    ledger.say("maintenance.performed", "shop", ring(1), WORK, keys=["stranger"])
    ledger.seal()
    return ledger.history(ring(1))


def _badly_signed(ledger: Build) -> Bundle:
    wrong = [sign_statement(b"{}", key("shop"))]
    ledger.say("maintenance.performed", "shop", ring(1), WORK, change=lambda leaf: leaf.update(signatures=wrong))
    ledger.seal()
    return ledger.history(ring(1))


def _disclosure_of_nothing(ledger: Build) -> Bundle:
    bundle = ledger.history(ring(1))
    statement = canonical.decode(ledger.leaves[ledger.of[ring(1)][0]])["statement"]["id"]
    bundle["disclosures"] = {statement: ["WyJBQUFBQUFBQUFBQUFBQUFBQUFBQUFBIiwicHJpY2UiLCIxMi4wMCJd"]}
    return bundle


def _another_subject(ledger: Build) -> Bundle:
    ledger.item(ring(2))
    ledger.seal()
    return ledger.history(ring(2))


def _encoded(ledger: Build, index: int) -> list[str]:
    return [b64encode(digest).decode() for digest in ledger.inclusion(index)]


NUMBERED: dict[str, tuple[int, Callable[[Build], Bundle]]] = {
    "signed by another key": (1, _signed_by_another),
    "an older seal as tail": (3, _another_tail),
    "entry 0 of another ledger": (3, _another_first),
    "the newest entry held back": (4, _newest_held_back),
    "the newest entry held back, with a map that says so": (4, _an_older_map),
    "the newest entry replaced": (5, _newest_replaced),
    "an entry in the middle replaced": (6, _middle_replaced),
    "an entry that is not canonical": (7, _not_canonical),
    "an entry written for another ledger": (7, _for_another_ledger),
    "an entry by a stranger": (8, _by_a_stranger),
    "an entry whose signature is over other bytes": (8, _badly_signed),
    "a disclosure that matches no digest": (9, _disclosure_of_nothing),
    "the history of another item": (11, _another_subject),
}


def test_the_bundle_that_the_cases_start_from_is_proven() -> None:
    ledger = made()
    assert check(ledger.history(ring(1)), ledger, subject=ring(1)).findings == ()


@pytest.mark.parametrize("name", NUMBERED)
def test_only_the_check_meant_refuses(name: str) -> None:
    number, spoil = NUMBERED[name]
    ledger = made()
    verdict = check(spoil(ledger), ledger, subject=ring(1))
    assert ([finding.check for finding in verdict.findings], verdict.exit_code) == ([number], 1)


def test_check_2_wants_the_quorum_of_the_readers_policy() -> None:
    ledger = made()
    witness = "remora.n621.de+da77ade7+BOvN63jn/bLvkieywe8R6UYAtVtNbZpXh34x7onlmtw2"
    policy = parse_policy(f"log {ledger.vkey}\nwitness remora {witness}\nquorum remora\n")
    assert [f.check for f in check(ledger.history(ring(1)), ledger, policy=policy).findings] == [2]
    assert [f.check for f in check(ledger.receipt(7), ledger, policy=policy).findings] == [2]
    nobody = parse_policy(f"log {ledger.vkey}\nquorum none\n")
    assert check(ledger.history(ring(1)), ledger, policy=nobody).outcome == "proven"
    assert check(ledger.receipt(7), ledger, policy=nobody).outcome == "proven"


def test_a_history_with_a_quorum_says_when_it_was_witnessed() -> None:
    ledger = made()
    witness = key("witness")
    vkey = make_vkey("witness.example/w", witness.public, COSIGNATURE)
    policy = parse_policy(f"log {ledger.vkey}\nwitness w {vkey}\nquorum w\n")
    bundle = ledger.history(ring(1))
    time = 1_767_225_600  # 2026-01-01T00:00:00Z
    text = bundle["checkpoint"].split("\n\n")[0] + "\n"
    # c2sp.org/tlog-cosignature, by hand.
    signature = witness.sign(f"cosignature/v1\ntime {time}\n{text}".encode())
    line = b64encode(vkey.key_id + time.to_bytes(8, "big") + signature).decode()
    bundle["checkpoint"] += f"\u2014 {vkey.name} {line}\n"
    verdict = check(bundle, ledger, policy=policy)
    assert (verdict.outcome, verdict.facts["witnessed_at"]) == ("proven", "2026-01-01T00:00:00.000Z")


def test_check_10_wants_the_attachments_that_were_recorded() -> None:
    ledger = made()
    photo = b"a photograph"
    listed_file = {"name": "photo.jpg", "media_type": "image/jpeg", "size": 12, "sha256": sha256(photo).hexdigest()}
    ledger.say("maintenance.performed", "shop", ring(1), WORK, attachments=[listed_file])
    ledger.seal()
    bundle = ledger.history(ring(1))
    assert check(bundle, ledger, attachments=(photo,)).outcome == "proven"
    assert [f.check for f in check(bundle, ledger, attachments=(b"another one",)).findings] == [10]


def test_check_11_wants_the_owner_code_of_this_item() -> None:
    ledger = made()
    secret = bytes(range(16))
    ledger.item(ring(2))
    did = holderkey.holder_key(secret, ring(2)).did
    ledger.say("item.sold", "shop", ring(2), {"channel": "store", "holder_key": did, "holder_custody": "receipt"})
    ledger.seal()
    code = holderkey.format_code(secret)
    assert check(ledger.history(ring(2)), ledger, owner_code=code).outcome == "proven"
    assert check(ledger.history(ring(2)), ledger, owner_code=holderkey.format_typed(secret)).outcome == "proven"
    assert [f.check for f in check(ledger.history(ring(1)), ledger, owner_code=code).findings] == [11]


# What is said beside the outcome.


def test_an_old_history_is_said_to_be_old() -> None:
    ledger = made()
    verdict = check(ledger.history(ring(1)), ledger, subject=ring(1))
    assert [note for note in verdict.notes if note.startswith("old: ")]
    fresh = Reader((parse_vkey(ledger.vkey),), ledger.now, Memory(None), subject=ring(1))
    assert verify(json.dumps(ledger.history(ring(1))).encode(), "x", fresh).notes == ()
    anything = Reader((parse_vkey(ledger.vkey),), ledger.now, Memory(None))
    (note,) = verify(json.dumps(ledger.history(ring(1))).encode(), "x", anything).notes
    assert note.startswith("no --subject was given")


def test_entries_by_a_compromised_key_are_named() -> None:
    ledger = made()
    details = {"key": key("shop").did, "reason": "compromised", "since": "2026-01-01T00:00:00Z"}
    ledger.say("key.revoked", "operator", uuid("shop") + "#authority", details)
    ledger.seal()
    verdict = check(ledger.history(ring(1)), ledger)
    assert verdict.facts["doubtful"] == ledger.of[ring(1)]
    assert verdict.outcome == "proven"
    said = f"doubtful: {key('shop').did} was compromised since 2026-01-01T00:00:00"
    assert [note for note in verdict.notes if note.startswith(said)]


def test_what_a_later_version_brings_could_not_be_told() -> None:
    ledger = made()
    ledger.say("item.engraved", "shop", ring(1))
    ledger.seal()
    assert check(ledger.history(ring(1)), ledger).exit_code == 2
    ledger.say("maintenance.performed", "shop", ring(1), WORK, change=lambda leaf: leaf.update(v=2))
    ledger.seal()
    assert check(ledger.history(ring(1)), ledger).exit_code == 2


def test_an_absent_subject_is_proven_absent() -> None:
    ledger = made()
    verdict = check(ledger.history(ring(77)), ledger, subject=ring(77))
    assert (verdict.outcome, verdict.facts["entries"]) == ("proven", 0)


# Forms.


@pytest.mark.parametrize("raw", [b"", b"\xff", b"[]", b"7", b"{}", b'{"format":7}', b"[" * 100_000, b'{"entry":1}'])
def test_what_is_neither_could_not_be_told(raw: bytes) -> None:
    verdict = verify(raw, "x", reader(made().vkey))
    assert [(f.check, f.disproved) for f in verdict.findings] == [("form", False)]


@pytest.mark.parametrize(("version", "check", "disproved"), [(1, "form", True), (9, "version", False)])
def test_a_bundle_of_another_version_could_not_be_told(version: int, check: str, *, disproved: bool) -> None:
    verdict = verify(b'{"format":"patina/history/v%d"}' % version, "x", reader(made().vkey))
    assert [(f.check, f.disproved) for f in verdict.findings] == [(check, disproved)]


@pytest.mark.parametrize("raw", [b'{"entry":1,"proof":2}', b'{"id":"","index":0,"entry":"","proof":""}'])
def test_what_only_looks_like_one_is_refused(raw: bytes) -> None:
    verdict = verify(raw, "x", reader(made().vkey))
    assert [f.disproved for f in verdict.findings] == [True]


@given(data=st.data())
def test_no_change_of_a_bundle_breaks_the_check(data: st.DataObject) -> None:
    raw = bytearray(_BUNDLE)
    for _ in range(data.draw(st.integers(1, 3))):
        place = data.draw(st.integers(0, len(raw) - 1))
        raw[place] = data.draw(st.integers(0, 255))
    verdict = verify(bytes(raw), "x", reader(_MADE.vkey, subject=ring(1)))
    assert verdict.exit_code in (0, 1, 2)


_MADE = made()
_BUNDLE = json.dumps(_MADE.history(ring(1))).encode()


@pytest.mark.parametrize("member", ["first", "tail", "checkpoint", "histories", "subject"])
def test_lone_surrogates_are_refused(member: str) -> None:
    bundle = json.loads(_BUNDLE)
    if member in ("first", "tail"):
        bundle[member]["entry"] = "\ud800"
    elif member == "histories":
        bundle["histories"][0]["entries"][0] = "\ud800"
    else:
        bundle[member] = "\ud800"
    verdict = verify(json.dumps(bundle).encode(), "x", reader(_MADE.vkey, subject=ring(1)))
    assert verdict.exit_code == 1
