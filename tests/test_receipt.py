"""Receipts, each wrong in one thing: the numbered check that refuses it, at the index that it claims (format.md §7)."""

from __future__ import annotations

import json
from base64 import b64encode
from typing import Any

import pytest

from ledger import canonical
from ledger.errors import Disproved, Malformed
from ledger.note import parse_vkey
from ledger.receipt import VerifiedReceipt, check_receipt, parse_receipt
from tests.build import Build, key, ring, uuid
from tests.test_audit_checks import WORK, made

INDEX = 7


@pytest.fixture(scope="module")
def ledger() -> Build:
    return made()


def check(ledger: Build, shown: dict[str, Any]) -> VerifiedReceipt:
    return check_receipt(parse_receipt(json.dumps(shown).encode()), [parse_vkey(ledger.vkey)])


def refused(ledger: Build, shown: dict[str, Any], number: int) -> str:
    """Why this check refuses the receipt."""
    with pytest.raises(Disproved) as caught:
        check(ledger, shown)
    assert (caught.value.check, caught.value.index) == (number, shown["index"]), caught.value.message
    return caught.value.message


def with_last(**members: Any) -> tuple[Build, dict[str, Any]]:
    """A ledger whose last entry has these members, and its receipt."""
    built = made()
    index = built.say("maintenance.performed", "shop", ring(1), WORK, change=lambda leaf: leaf.update(members))
    built.seal()
    return built, built.receipt(index)


@pytest.mark.parametrize("wrong", [[], {}, {"index": "7"}, {"index": None}, {"more": 1}])
def test_another_document_is_no_receipt(ledger: Build, wrong: Any) -> None:
    document = {**ledger.receipt(INDEX), **wrong} if wrong else wrong
    with pytest.raises(Malformed, match="got no receipt"):
        parse_receipt(json.dumps(document).encode())


def test_a_receipt_is_as_long_as_allowed_and_no_longer(ledger: Build) -> None:
    """256 KiB; spaces between members are a part of it."""
    raw = json.dumps(ledger.receipt(INDEX)).encode()
    longest = raw + b" " * (256 * 1024 - len(raw))
    assert parse_receipt(longest) == parse_receipt(raw)
    with pytest.raises(Malformed, match="want at most"):
        parse_receipt(longest + b" ")


def test_1_the_proof_is_one_and_its_checkpoint_by_a_pinned_key(ledger: Build) -> None:
    shown = ledger.receipt(INDEX)
    assert check(ledger, shown).entry.index == INDEX
    refused(ledger, {**shown, "proof": "no proof"}, 1)
    refused(Build(name="another"), shown, 1)


def test_5_the_proof_is_for_the_index_that_is_claimed(ledger: Build) -> None:
    """The hashes are those of leaf 7; only the line that names the leaf is not."""
    shown = ledger.receipt(INDEX)
    other = {**shown, "proof": shown["proof"].replace("\nindex 7\n", "\nindex 6\n", 1)}
    assert "a proof for index 6, want 7" in refused(ledger, other, 5)


def test_5_the_entry_is_the_one_in_the_log(ledger: Build) -> None:
    shown = ledger.receipt(INDEX)
    entry = json.loads(shown["entry"])
    entry["recorded_at"] = entry["recorded_at"].replace("2026", "2025")
    refused(ledger, {**shown, "entry": canonical.encode(entry).decode()}, 5)


def test_5_a_seal_stands_at_1_and_an_entry_may_stand_after_it(ledger: Build) -> None:
    assert check(ledger, ledger.receipt(2)).entry.index == 2

    class Unsealed(Build):
        def seal(self, change: Any = None) -> int:
            return super().seal(change) if self.size > 1 else 0

    built = Unsealed()
    built.register("shop", "retailer")
    built.seal()
    assert "where a seal stands" in refused(built, built.receipt(1), 5)


def test_7_a_seal_is_no_entry() -> None:
    """This one was the last leaf of an earlier checkpoint, so that check 5 has nothing against its place."""
    built = made()
    index = built.size - 1
    built.item(ring(9))
    built.seal()
    hashes = "".join(b64encode(digest).decode() + "\n" for digest in built.inclusion(index))
    proof = f"c2sp.org/tlog-proof@v1\nindex {index}\n{hashes}\n{built.note()}"
    assert b'"map_root"' in built.leaves[index]
    seal = {"id": uuid("x"), "index": index, "entry": built.leaves[index].decode(), "proof": proof}
    refused(built, seal, 7)


def test_7_the_entrys_own_index_is_where_it_stands() -> None:
    built, shown = with_last(index=99)
    refused(built, shown, 7)


def test_8_its_signatures_verify() -> None:
    sig = json.loads(made().leaves[INDEX])["signatures"][0]["sig"]
    built, shown = with_last(signatures=[{"key": key("shop").did, "sig": sig}])
    refused(built, shown, 8)
