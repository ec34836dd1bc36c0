"""Bundles and receipts that are right in everything but one thing: what checks 1 to 12 must notice (format.md §7)."""

from __future__ import annotations

import json
from base64 import b64encode
from collections.abc import Callable
from hashlib import sha256
from typing import Any

import pytest

from ledger import bundle, receipt, times
from ledger.errors import Disproved, Malformed
from ledger.history import Asked, VerifiedHistory, check_history
from ledger.note import format_vkey, parse_vkey
from tests.build import ORIGIN, Build, key, ring, uuid
from tests.build import shop as parties
from tests.test_audit_checks import WORK, made
from tests.test_audit_unknown import P256

Leaf = dict[str, Any]


def check(ledger: Build, document: dict[str, Any] | None = None, vkey: str = "", **members: Any) -> VerifiedHistory:
    """What a bundle of the ring proves to whoever pinned the ledger's key."""
    raw = json.dumps(document or ledger.history(ring(1))).encode()
    asked = Asked(ring(1), (parse_vkey(vkey or ledger.vkey),), now=ledger.now, **members)
    return check_history(bundle.parse_history(raw), asked)


def refused(number: int, ledger: Build, document: dict[str, Any] | None = None, **members: Any) -> str:
    """Why the bundle is refused, by this check."""
    with pytest.raises(Disproved) as caught:
        check(ledger, document, **members)
    assert caught.value.check == number, caught.value.message
    return caught.value.message


def spoilt(**members: Any) -> Callable[[Leaf], None]:
    """A change of members of a leaf."""
    return lambda leaf: leaf.update(members)


def test_bundles_are_read_and_written_alike() -> None:
    parsed = bundle.parse_history(json.dumps(made().history(ring(1))).encode())
    assert bundle.parse_history(bundle.format_history(parsed)) == parsed


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('"histories"', '"origin":"x","histories"'),
        *(('"count": 3', f'"count": {number}') for number in ("3.0", "3e0", "NaN", "1e400", "null", "true")),
    ],
)
def test_a_bundle_with_a_name_twice_or_a_fraction_is_refused(old: str, new: str) -> None:
    text = json.dumps(made().history(ring(1)))
    assert old in text
    with pytest.raises(Malformed):
        bundle.parse_history(text.replace(old, new, 1).encode())


def test_the_subjects_own_history_stands_first() -> None:
    ledger = made()
    document = ledger.history(ring(1))
    document["histories"].reverse()
    assert "first of the histories" in refused(4, ledger, document)


def test_an_absent_subject_has_no_entry_to_prove() -> None:
    ledger = made()
    document = ledger.history(ring(1))
    absent = next(part for part in document["histories"] if part["map"]["count"] == 0)
    absent["last_proof"] = [b64encode(bytes(32)).decode()]
    refused(5, ledger, document)


def test_a_seal_is_no_entry_of_a_history() -> None:
    ledger = made()
    document = ledger.history(ring(1))
    document["histories"][0]["entries"][1] = document["tail"]["entry"]
    assert "seal" in refused(7, ledger, document)


def test_entry_0_is_an_entry_and_names_this_log() -> None:
    ledger = made()
    document = ledger.history(ring(1))
    document["first"]["entry"] = document["tail"]["entry"]
    assert "seal" in refused(3, ledger, document)
    elsewhere = "elsewhere.example/log"
    other = {"origin": elsewhere, "vkey": format_vkey(elsewhere, key("ledger log").public)}
    assert "origin" in refused(3, _with_first(other))


def _with_first(first: dict[str, Any] | None = None, change: Callable[[Leaf], None] | None = None) -> Build:
    ledger = Build(first=first, change=change)
    ledger.register("shop", "retailer", "repairer")
    ledger.item(ring(1))
    ledger.seal()
    return ledger


@pytest.mark.parametrize(
    ("first", "change"),
    [
        (None, lambda leaf: leaf["statement"].update(type="item.registered", details={"name": "x", "category": "y"})),
        ({"origin": "elsewhere.example/log"}, None),
        ({"key": key("ledger log").did}, None),
        ({"key": key("another operator").did}, None),
        (None, lambda leaf: leaf["statement"].update(party=leaf["statement"]["subjects"][0])),
    ],
    ids=["another type", "another vkey", "the log's key", "not its signer", "the ledger as a party"],
)
def test_entry_0_founds_the_ledger(first: dict[str, Any] | None, change: Callable[[Leaf], None] | None) -> None:
    refused(3, _with_first(first, change))


def test_the_pinned_key_is_one_that_the_ledger_names() -> None:
    ledger = _with_first({"vkey": format_vkey(ORIGIN, key("a key of paper").public)})
    assert "pinned" in refused(3, ledger)


def test_indexes_fall_along_a_chain() -> None:
    ledger = parties()
    ledger.item(ring(1))
    ledger.say("maintenance.performed", "shop", ring(1), WORK, change=spoilt(index=3))
    ledger.say("maintenance.performed", "shop", ring(1), WORK)
    ledger.seal()
    assert "goes back" in refused(6, ledger)


def test_one_index_is_one_entry() -> None:
    ledger = parties()
    ledger.item(ring(1))
    ledger.say("maintenance.performed", "shop", ring(1), WORK, change=spoilt(index=ledger.size + 1))
    authority = {"key": key("second").did, "custody": "self"}
    ledger.say("key.added", "shop", uuid("shop") + "#authority", authority, keys=["shop", "second"])
    ledger.say("maintenance.performed", "shop", ring(1), WORK)
    ledger.seal()
    assert "one index" in refused(6, ledger)


def test_index_0_is_entry_0() -> None:
    ledger = parties()
    details = {"name": "Ring", "category": "jewellery"}
    ledger.say("item.registered", "shop", ring(1), details, change=spoilt(index=0))
    ledger.say("maintenance.performed", "shop", ring(1), WORK)
    ledger.seal()
    refused(6, ledger)


def test_one_statement_id_is_one_entry() -> None:
    ledger = parties()
    ledger.item(ring(1))
    for _ in range(2):
        ledger.say("maintenance.performed", "shop", ring(1), WORK, id=uuid("twice"))
    ledger.seal()
    assert "statement id" in refused(6, ledger)


def test_the_last_entry_is_where_the_map_says_and_before_the_seal() -> None:
    ledger = parties()
    ledger.item(ring(1))
    ledger.say("maintenance.performed", "shop", ring(1), WORK, change=spoilt(index=ledger.size + 7))
    ledger.seal()
    assert "the map names" in refused(6, ledger)
    ledger = parties()
    ledger.item(ring(1))
    early = times.format_recorded(ledger.now - 10 * times.SECOND)
    ledger.seal(spoilt(recorded_at=early))
    assert "the map names" in refused(6, ledger)


def test_disclosures_are_of_statements_in_the_history() -> None:
    ledger = made()
    document = ledger.history(ring(1))
    document["disclosures"] = {uuid("elsewhere"): []}
    refused(9, ledger, document)


@pytest.mark.parametrize("size", [12, 13])
def test_an_attachment_has_the_size_that_was_recorded(size: int) -> None:
    ledger = made()
    photo = b"a photograph"
    digest = sha256(photo).hexdigest()
    listed = {"name": "photo.jpg", "media_type": "image/jpeg", "size": size, "sha256": digest}
    ledger.say("maintenance.performed", "shop", ring(1), WORK, attachments=[listed])
    ledger.seal()
    if size == len(photo):
        check(ledger, files={digest: photo})
    else:
        refused(10, ledger, files={digest: photo})


def test_the_history_of_a_statement_about_the_unseen_is_proven() -> None:
    """An exchange, an erasure: what the second subject's history says is not shown, and not held against the first."""
    ledger = made()
    ledger.item(ring(2))
    ledger.say("exchange.completed", "shop", [ring(1), ring(2)], {"reason": "fault", "replacement": ring(2)})
    about = json.loads(ledger.leaves[ledger.of[ring(2)][0]])["statement"]["id"]
    ledger.say("data.erased", "operator", [ring(1), ring(2)], {"statements": [about], "why": "request"})
    ledger.seal()
    assert len(check(ledger).entries) == 5


def test_a_stranger_is_not_excused_by_a_strange_key_of_the_holder() -> None:
    """The item's holder could not be told; whose key signs for the shop could (format.md §9)."""
    ledger = parties()
    ledger.item(ring(1))
    ledger.say("item.sold", "shop", ring(1), {"channel": "store", "holder_key": P256, "holder_custody": "device"})
    assert len(check(_sealed(ledger)).unknown) == 1
    ledger.say("maintenance.performed", "shop", ring(1), WORK, keys=["lab"])
    refused(8, _sealed(ledger))


def _sealed(ledger: Build) -> Build:
    ledger.seal()
    return ledger


def test_a_holder_of_an_unknown_type_is_excused_or_refused_by_what_is_known() -> None:
    ledger = parties()
    ledger.item(ring(1))
    ledger.say("item.sold", "shop", ring(1), {"channel": "store", "holder_key": P256, "holder_custody": "device"})
    ledger.say("item.praised", ring(1), ring(1), keys=["whoever"], grant="ab" * 32)
    assert len(check(_sealed(ledger)).unknown) == 2
    nobody = parties()
    nobody.say("item.praised", ring(1), ring(1), keys=["whoever"], grant="ab" * 32)
    refused(8, _sealed(nobody))


def test_what_rests_on_what_rests_on_something_unknown_is_not_disproved() -> None:
    ledger = made()
    # It may have ended the holding, so that the shop may have sold the ring again, and that holder may speak.
    ledger.say("item.bought_back", "shop", ring(1))
    ledger.sell(ring(1), "second receipt")
    ledger.hold("item.reported_lost", ring(1), {})
    assert len(check(_sealed(ledger)).unknown) == 3


def _about(ledger: Build, subject: str) -> VerifiedHistory:
    asked = Asked(subject, (parse_vkey(ledger.vkey),), now=ledger.now)
    return check_history(bundle.parse_history(json.dumps(ledger.history(subject)).encode()), asked)


def test_the_history_of_a_party_says_what_others_say_of_it() -> None:
    ledger = parties()
    ledger.register("examiner", "auditor")
    ledger.say("audit.performed", "examiner", uuid("shop"), {"scope": "repairs", "findings": []})
    assert [entry.statement.type for entry in _about(_sealed(ledger), uuid("shop")).entries] == ["audit.performed"]


def test_what_the_second_subject_cannot_see_is_told_by_the_first() -> None:
    ledger = parties()
    ledger.item(ring(1))
    ledger.item(ring(2))
    nothing = uuid("no such statement")
    ledger.say("statement.retracted", "shop", [ring(1), ring(2)], {"reason": "typing"}, corrects=nothing)
    assert len(_about(_sealed(ledger), ring(2)).entries) == 2
    refused(8, ledger)


# Receipts.


def test_receipts_are_read_and_written_alike() -> None:
    ledger = made()
    shown = ledger.receipt(7)
    entry = shown["entry"].encode()
    written = receipt.format_receipt(entry, 7, shown["id"], ledger.inclusion(7), ledger.note())
    assert json.loads(written) == shown
    verified = receipt.check_receipt(receipt.parse_receipt(written), [parse_vkey(ledger.vkey)])
    assert (verified.entry.index, verified.leaf_hash, verified.checkpoint.size) == (7, ledger.hashes[7], ledger.size)


def test_a_receipt_is_bounded_before_work() -> None:
    with pytest.raises(Malformed, match="at most"):
        receipt.parse_receipt(b" " * (receipt.MAX_RECEIPT + 1))


def _receipt_refused(number: int, ledger: Build, shown: dict[str, Any]) -> None:
    with pytest.raises(Disproved) as caught:
        receipt.check_receipt(receipt.parse_receipt(json.dumps(shown).encode()), [parse_vkey(ledger.vkey)])
    assert caught.value.check == number, caught.value.message


def test_what_a_receipt_says_of_itself_is_its_entrys() -> None:
    ledger = made()
    shown = ledger.receipt(7)
    _receipt_refused(5, ledger, {**shown, "index": 6})
    _receipt_refused(7, ledger, {**shown, "id": uuid("another")})


def test_a_receipts_entry_is_canonical_although_it_is_in_the_log() -> None:
    ledger = parties()
    ledger.put_raw(b'{"index": 9}', [])
    ledger.seal()
    index = ledger.size - 2
    lines = "".join(b64encode(digest).decode() + "\n" for digest in ledger.inclusion(index))
    text = f"c2sp.org/tlog-proof@v1\nindex {index}\n{lines}\n{ledger.note()}"
    _receipt_refused(7, ledger, {"id": uuid("x"), "index": index, "entry": '{"index": 9}', "proof": text})
