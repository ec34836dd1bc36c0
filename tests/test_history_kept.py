"""What a reader brings to the check of a history: keys that were retired, files, the time, and what was kept."""

from __future__ import annotations

import json
from dataclasses import replace
from hashlib import sha256
from typing import Any

import pytest

from ledger import bundle, times
from ledger.dsse import sign_statement
from ledger.errors import Disproved
from ledger.history import Asked, Kept, check_history
from ledger.note import Signer, format_vkey, parse_vkey
from tests.build import ORIGIN, Build, key, ring, uuid
from tests.reference.merkle import consistency
from tests.test_audit_checks import WORK, made
from tests.test_history import check, refused


def parsed(ledger: Build) -> bundle.Bundle:
    """The ring's bundle."""
    return bundle.parse_history(json.dumps(ledger.history(ring(1))).encode())


def test_a_retired_key_alone_vouches_for_nothing_beside_one_in_force() -> None:
    ledger = made()
    new = key("new log")
    vkey = format_vkey(ORIGIN, new.public)
    subject = uuid("ledger ledger")
    ledger.say("ledger.key_added", "operator", subject, {"vkey": vkey})
    ledger.say("ledger.key_retired", "operator", subject, {"vkey": ledger.vkey})
    ledger.seal()
    # Both are pinned, but only the retired one signed; then both.
    asked = Asked(ring(1), (parse_vkey(ledger.vkey), parse_vkey(vkey)), now=ledger.now)
    with pytest.raises(Disproved, match="without a signature by a known key") as caught:
        check_history(parsed(ledger), asked)
    assert caught.value.check == 3
    ledger.signers.append(Signer(parse_vkey(vkey), new.sign))
    assert check_history(parsed(ledger), asked).subject == ring(1)


def test_the_tail_of_a_log_that_ends_with_an_entry_is_refused() -> None:
    ledger = made()
    ledger.say("maintenance.performed", "shop", ring(1), WORK)
    assert "not a seal" in refused(3, ledger)


def test_entry_0_is_held_against_its_own_form_and_signature_first() -> None:
    def badly_signed(leaf: dict[str, Any]) -> None:
        leaf["signatures"] = [sign_statement(b"{}", key("operator"))]

    for ledger in (Build(change=badly_signed), Build(first={"name": 7})):
        ledger.register("shop", "retailer")
        ledger.item(ring(1))
        ledger.seal()
        refused(3, ledger)


def test_a_file_of_the_right_size_is_refused_by_its_digest() -> None:
    ledger = made()
    photo, other = b"a photograph", b"another one."
    digest = sha256(photo).hexdigest()
    listed = {"name": "photo.jpg", "media_type": "image/jpeg", "size": len(photo), "sha256": digest}
    ledger.say("maintenance.performed", "shop", ring(1), WORK, attachments=[listed])
    ledger.seal()
    assert len(other) == len(photo)
    refused(10, ledger, files={digest: other})


def test_a_history_is_old_after_a_day_and_not_before() -> None:
    ledger = made()
    sealed = times.parse_recorded(check(ledger).as_of)
    asked = Asked(ring(1), (parse_vkey(ledger.vkey),), now=sealed + times.DAY)
    assert not check_history(parsed(ledger), asked).stale
    assert check_history(parsed(ledger), replace(asked, now=asked.now + 1)).stale


def test_what_was_kept_must_be_there_and_where_it_was() -> None:
    ledger = made()
    found = check(ledger)
    size, root, count = ledger.size, ledger.read_root(), len(found.entries)
    receipts = {one: entry.index for one, entry in zip(found.leaf_hashes, found.entries, strict=True)}
    kept = Kept(size, root, count, receipts)
    assert check(ledger, kept=kept).entries == found.entries
    assert "there were" in refused(12, ledger, kept=replace(kept, count=count + 1))
    elsewhere = {one: index + 1 for one, index in receipts.items()}
    refused(12, ledger, kept=replace(kept, receipts=elsewhere))
    refused(12, ledger, kept=replace(kept, receipts={bytes(32): 5}))


def test_the_log_is_the_one_that_was_kept_grown() -> None:
    ledger = made()
    kept = Kept(ledger.size, ledger.read_root())
    assert check(ledger, kept=kept).unknown == ()
    refused(12, ledger, kept=Kept(ledger.size, bytes(32)))
    assert "it had" in refused(12, ledger, kept=Kept(ledger.size + 1, bytes(32)))
    ledger.say("maintenance.performed", "shop", ring(1), WORK)
    ledger.seal()
    (told,) = check(ledger, kept=kept).unknown
    assert (
        told == f"that the log of {kept.size + 2} leaves extends the one of {kept.size} that was kept: no proof given"
    )
    proof = tuple(consistency(kept.size, ledger.leaves))
    assert check(ledger, kept=kept, consistency=proof).unknown == ()
    refused(12, ledger, kept=kept, consistency=proof[:-1])
    refused(12, ledger, kept=kept, consistency=())
    refused(12, ledger, kept=replace(kept, root=bytes(32)), consistency=proof)


def test_shown_are_the_authorities_that_the_check_needs_and_no_more() -> None:
    ledger = made()
    ledger.item(ring(2))
    ledger.seal()
    document = ledger.history(ring(1))
    other = ledger.history(ring(2))["histories"][0]
    assert other["subject"] == ring(2)
    more = {**document, "histories": [*document["histories"], other]}
    assert "missing: none" in refused(8, ledger, more)
    authority = uuid("shop") + "#authority"
    fewer = [part for part in document["histories"] if part["subject"] != authority]
    assert f"missing: {authority}" in refused(8, ledger, {**document, "histories": fewer})


def test_entry_0_is_a_statement_that_others_may_be_about() -> None:
    ledger = made()
    subject = uuid("ledger ledger")
    about = json.loads(ledger.leaves[0])["statement"]["id"]
    ledger.say("statement.retracted", "operator", subject, {"reason": "typing"}, corrects=about)
    ledger.seal()
    asked = Asked(subject, (parse_vkey(ledger.vkey),), now=ledger.now)
    found = check_history(bundle.parse_history(json.dumps(ledger.history(subject)).encode()), asked)
    assert [entry.statement.type for entry in found.entries] == ["ledger.created", "statement.retracted"]


def test_a_holders_key_that_was_shown_is_no_partys() -> None:
    ledger = made()
    details = {"key": key(ledger.holders[ring(1)][0]).did, "custody": "self"}
    ledger.say("key.added", "shop", uuid("shop") + "#authority", details, keys=["shop", "receipt"])
    ledger.seal()
    assert "a holder's key" in refused(8, ledger)
