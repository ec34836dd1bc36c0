"""Ledgers, bundles and statements that somebody built to get past one check, or to make a check fail in another way."""

from __future__ import annotations

import json
from base64 import b64encode
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from ledger import canonical, leaf, times
from ledger.bundle import parse_history
from ledger.db.draft import Draft
from ledger.errors import Disproved, Invalid, Unknown
from ledger.history import Asked, VerifiedHistory, check_history
from ledger.note import Signer, VKey, format_vkey, parse_vkey
from ledger.receipt import check_receipt, parse_receipt
from ledger.uri import authority_of
from tests.build import Build, Leaf, key, ring, shop, uuid
from tests.listed import audited
from tests.stall import Stall, stall, urn
from tests.test_audit_checks import WORK, made
from tests.test_audit_unknown import P256

NOW = times.parse_recorded("2026-01-01T12:00:00.000Z")
LEDGER = uuid("ledger ledger")


def shown(built: Build, subject: str, *vkeys: VKey) -> VerifiedHistory:
    """What the history of a subject proves."""
    bundle = parse_history(json.dumps(built.history(subject)).encode())
    return check_history(bundle, Asked(subject, vkeys or (parse_vkey(built.vkey),), NOW))


def refused(built: Build, subject: str, *vkeys: VKey) -> int | str:
    """The check that the history of a subject fails."""
    with pytest.raises(Disproved) as caught:
        shown(built, subject, *vkeys)
    return caught.value.check


def id_of(built: Build, index: int) -> str:
    """The id of the statement at an index."""
    statement_id: str = canonical.decode(built.leaves[index])["statement"]["id"]
    return statement_id


class First(Build):
    """A ledger whose entry 0 has other members or subjects."""

    def __init__(self, *others: str, **members: Any) -> None:
        self.others, self.members = others, members
        super().__init__()

    def say(self, kind: str, party: str, subjects: Any, details: Any = None, **more: Any) -> int:
        if kind == "ledger.created":
            return super().say(kind, party, [subjects, *self.others], details, **more, **self.members)
        return super().say(kind, party, subjects, details, **more)


# What stands in the log can be read by everybody, for ever.


@pytest.mark.parametrize(("inside", "stands"), [(13, True), (14, False)])
def test_a_statement_is_as_deep_as_a_leaf_lets_it_be(inside: int, *, stands: bool) -> None:
    texts: Any = "a"
    for _ in range(inside):
        texts = [texts]
    details = {"standard": "s", "version": "1", "texts": texts}
    statement = leaf.Statement(
        id=uuid("deep"),
        type="standard.adopted",
        subjects=(uuid("shop"),),
        party=uuid("shop"),
        occurred_at="2026-01-01T00:00:00Z",
        details=details,
    )
    if stands:
        assert leaf.parse_statement(leaf.statement_bytes(statement)) == statement
        return
    with pytest.raises(Invalid) as caught:
        leaf.statement_bytes(statement)
    assert caught.value.pointer.startswith("/details/texts/0")


def _twice(draft: Draft) -> Draft:
    return replace(draft, signatures=draft.signatures * 2)


def _holder_key(shop: Stall) -> Draft:
    return shop.draft("standard.adopted", urn("shop"), {"standard": "s", "version": "1", "holder_key": []})


def test_whatever_is_appended_is_a_leaf(tmp_path: Path) -> None:
    with stall(f"sqlite:///{tmp_path / 'ledger.sqlite'}", tmp_path) as shop:
        outcomes = shop.append(_twice(shop.register("a")), _holder_key(shop), shop.register("b"))
        assert [isinstance(outcome, Invalid) for outcome in outcomes] == [True, False, False]
        for index in range(shop.ledger.reader.size()):
            leaf.parse_leaf(shop.ledger.reader.leaf(index) or b"")


@pytest.mark.parametrize("value", ["x", [], {}, key("new").did])
@pytest.mark.parametrize("kind", ["maintenance.performed", "standard.adopted"])
def test_a_member_called_holder_key_names_a_holder_only_where_its_type_says_so(kind: str, value: object) -> None:
    built = made()
    about = ring(1) if kind == "maintenance.performed" else uuid("shop")
    details = WORK if about == ring(1) else {"standard": "s", "version": "1"}
    built.say(kind, "shop", about, {**details, "holder_key": value})
    built.seal()
    assert len(shown(built, about).unknown) == (1 if about == ring(1) else 0)


# A compromised key, and all that it vouched for.


def test_keys_that_vouch_for_each_other_are_each_looked_at_once() -> None:
    built = shop()
    signers = ["shop"]
    for layer in range(14):
        added = [f"key {layer} {number}" for number in range(3)]
        for name in added:
            details = {"key": key(name).did, "custody": "self"}
            built.say("key.added", "shop", authority_of(uuid("shop")), details, keys=[*signers, name])
        signers = added
    index = built.say("item.registered", "shop", ring(1), {"name": "Ring", "category": "x"}, keys=[signers[0]])
    built.seal()
    assert shown(built, ring(1)).doubtful == ()
    details = {"key": key("shop").did, "reason": "compromised", "since": "2026-01-01T00:00:00Z"}
    built.say("key.revoked", "operator", authority_of(uuid("shop")), details)
    built.seal()
    assert shown(built, ring(1)).doubtful == (index,)


def test_a_long_row_of_keys_is_no_deep_one() -> None:
    built = shop()
    last = "shop"
    for number in range(1100):
        name = f"key {number}"
        details = {"key": key(name).did, "custody": "self"}
        built.say("key.added", "shop", authority_of(uuid("shop")), details, keys=[last, name])
        last = name
    built.say("item.registered", "shop", ring(1), {"name": "Ring", "category": "x"}, keys=[last])
    built.seal()
    assert shown(built, ring(1)).doubtful == ()


# Entry 0 is judged as every other one.


@pytest.mark.parametrize(
    "built",
    [
        lambda: First(occurred_at="2026-01-01T00:05:00.001Z"),
        lambda: First(corrects=uuid("x")),
        lambda: First(ring(1)),
    ],
)
def test_entry_0_keeps_the_rules_of_a_statement(built: Callable[[], Build]) -> None:
    ledger = built()
    assert refused(ledger, ring(2)) == 3
    assert [finding.check for finding in audited(ledger).findings] == ["first"]


def test_an_unknown_member_of_entry_0_is_told() -> None:
    assert shown(Build(first={"mood": "good"}), ring(1)).unknown == ("entry 0: unknown member /details/mood",)


# What one bundle shows could stand in one log.


def setting(name: str, value: Any) -> Callable[[Leaf], None]:
    return lambda one: one.update({name: value})


class Hiding(Build):
    """A ledger whose map leaves out that entry 0 is about the ledger."""

    def put_raw(self, raw: bytes, subjects: list[str]) -> None:
        super().put_raw(raw, subjects if self.leaves else [])


class Hasty(Build):
    """A ledger whose leaf 1 is an entry."""

    def seal(self, change: Callable[[Leaf], None] | None = None) -> int:
        return super().seal(change) if len(self.leaves) > 1 else -1


def _hiding() -> Build:
    built = Hiding()
    built.register("shop", "retailer")
    return built


def _hasty() -> Build:
    built = Hasty()
    built.register("shop", "retailer")
    return built


def _first_prev() -> Build:
    built = Build(change=setting("prev", "ab" * 32))
    built.register("shop", "retailer")
    return built


def _backdated() -> Build:
    built = shop()
    built.now -= times.HOUR
    return built


@pytest.mark.parametrize("start", [_hiding, _hasty, _first_prev, _backdated])
def test_what_contradicts_itself_across_histories_is_refused(start: Callable[[], Build]) -> None:
    built = start()
    built.item(ring(1))
    built.now += 2 * times.HOUR
    built.seal()
    assert refused(built, ring(1)) == 6


@pytest.mark.parametrize("last", [False, True])
def test_neighbours_that_are_shown_name_each_other(*, last: bool) -> None:
    built = shop()
    built.item(ring(1))
    if not last:
        built.say("maintenance.performed", "shop", ring(1), WORK, change=setting("prev", "ab" * 32))
    built.seal(setting("prev", "ab" * 32) if last else None)
    assert refused(built, ring(1)) == 6


def test_an_entry_is_in_the_history_of_each_of_its_subjects_that_is_shown() -> None:
    built = shop()
    index = built.item(ring(1))
    about = [ring(1), authority_of(uuid("shop"))]
    erased = {"statements": [id_of(built, index), id_of(built, 2)], "why": "request"}
    built.say("data.erased", "operator", about, erased)
    built.seal()
    assert len(shown(built, ring(1)).entries) == 2
    bundle = built.history(ring(1))
    part = next(one for one in bundle["histories"] if one["subject"] == about[1])
    # The same ledger, but for a map that does not count the erasure for the authority.
    hidden = shop()
    hidden.item(ring(1))
    before = hidden.heads[about[1]], list(hidden.of[about[1]])
    hidden.put_raw(built.leaves[index + 1], [ring(1)])
    assert (hidden.heads[about[1]], hidden.of[about[1]]) == before
    assert part["map"]["count"] == before[0][0] + 1
    hidden.now += times.SECOND
    hidden.seal()
    assert refused(hidden, ring(1)) == 6


@pytest.mark.parametrize("subject", ["foo", ring(1).replace("R1", "R%2f1"), uuid("x") + "#x"])
def test_nothing_is_proved_of_another_spelling(subject: str) -> None:
    assert refused(made(), subject) == 7


def test_a_receipt_is_of_no_leaf_where_a_seal_stands() -> None:
    built = shop()
    index = built.item(ring(1))
    with pytest.raises(Disproved) as caught:
        check_receipt(parse_receipt(json.dumps(built.receipt(index)).encode()), [parse_vkey(built.vkey)])
    assert (caught.value.check, caught.value.index) == (5, index)


# Of several pinned keys, only one that is in force vouches.


def test_a_retired_key_vouches_for_nothing() -> None:
    built = made()
    second = format_vkey(built.origin, key("second").public)
    built.say("ledger.key_added", "operator", LEDGER, {"vkey": second})
    built.say("ledger.key_retired", "operator", LEDGER, {"vkey": built.vkey})
    built.seal()
    both = parse_vkey(built.vkey), parse_vkey(second)
    assert refused(built, ring(1), *both) == 3
    built.signers.append(Signer(both[1], key("second").sign))
    assert shown(built, ring(1), *both).subject == ring(1)


# The history of a party that a case of its own names second.


def test_a_case_of_its_own_stands_in_the_history_of_its_party() -> None:
    built = shop()
    case = uuid("case")
    opened = {"kind": "complaint", "channel": "web", "issue": "other"}
    for kind, details in (("case.opened", opened), ("case.responded", {}), ("case.closed", {"outcome": "resolved"})):
        built.say(kind, "shop", [case, uuid("lab")], details, case=case)
    built.seal()
    assert len(shown(built, uuid("lab")).entries) == 3
    assert len(shown(built, case).entries) == 3


# What a later version may bring is "could not tell", and what it does not touch is still refused (format.md §9).


def _by_p256(one: Leaf) -> None:
    one["signatures"].append({"key": P256, "sig": b64encode(bytes(64)).decode()})


def unknown_then(*said: tuple[str, str, dict[str, Any]]) -> Build:
    built = shop()
    built.item(ring(1))
    for kind, party, details in said:
        built.say(kind, party, ring(1), details)
    built.seal()
    return built


SOLD = ("item.sold", "shop", {"channel": "store", "holder_key": P256, "holder_custody": "device"})
RESET = {"holder_key": key("new").did, "holder_custody": "device", "reason": "lost", "evidence": "id"}


def test_what_rests_on_an_unknown_statement_is_not_disproved() -> None:
    assert len(shown(unknown_then(SOLD, ("item.holder_reset", "shop", RESET)), ring(1)).unknown) == 2
    praised = unknown_then(("item.praised", "lab", {}))
    disputed = {"disputes": id_of(praised, praised.of[ring(1)][0]), "reason": "not_so"}
    praised.say("statement.disputed", "lab", ring(1), disputed)
    praised.say(
        "statement.retracted", "lab", ring(1), {"reason": "typing"}, corrects=id_of(praised, praised.of[ring(1)][1])
    )
    praised.seal()
    assert len(shown(praised, ring(1)).unknown) == 1
    first = shop()
    first.say("bike.registered", "shop", ring(2))
    first.say("maintenance.performed", "shop", ring(2), WORK)
    first.seal()
    assert len(shown(first, ring(2)).unknown) == 2


def test_what_does_not_rest_on_it_is_disproved() -> None:
    stranger = unknown_then(("item.praised", "shop", {}))
    stranger.say("item.praised", "shop", ring(1), keys=["stranger"])
    stranger.seal()
    assert refused(stranger, ring(1)) == 8
    wrong = unknown_then(("item.praised", "shop", {}), ("maintenance.performed", "shop", {}))
    assert refused(wrong, ring(1)) == 8
    late = unknown_then(("item.praised", "shop", {}))
    late.say("maintenance.performed", "shop", ring(1), WORK, occurred_at="2026-02-01T00:00:00Z")
    late.seal()
    assert refused(late, ring(1)) == 8


def test_a_signature_of_an_unknown_type_hides_no_wrong_one() -> None:
    built = shop()
    built.item(ring(1))
    built.say("maintenance.performed", "shop", ring(1), WORK, change=_by_p256)
    built.seal()
    assert len(shown(built, ring(1)).unknown) == 2

    def forge(one: Leaf) -> None:
        _by_p256(one)
        one["signatures"] = [one["signatures"][1], {**one["signatures"][0], "sig": one["signatures"][0]["sig"][::-1]}]
        one["signatures"][1]["sig"] = b64encode(sha256(b"r").digest() + bytes(32)).decode()

    built.say("maintenance.performed", "shop", ring(1), WORK, change=forge)
    built.seal()
    assert refused(built, ring(1)) == 8


def test_the_holder_may_say_an_unknown_type() -> None:
    built = made()
    built.hold("item.praised", ring(1), {})
    built.seal()
    assert len(shown(built, ring(1)).unknown) == 1


@pytest.mark.parametrize("kind", [4, 6, 7])
def test_a_ledger_key_of_another_type_could_not_be_told(kind: int) -> None:
    built = made()
    public = bytes(range(256)) * 5 + bytes(32) if kind == 6 else key("other").public
    digest = sha256(f"{built.origin}\n".encode() + bytes([kind]) + public).digest()
    vkey = f"{built.origin}+{digest[:4].hex()}+{b64encode(bytes([kind]) + public).decode()}"
    built.say("ledger.key_added", "operator", LEDGER, {"vkey": vkey})
    built.say("ledger.key_retired", "operator", LEDGER, {"vkey": vkey})
    built.seal()
    assert len(shown(built, ring(1)).unknown) == 2
    with pytest.raises(Unknown):
        shown(Build(first={"vkey": vkey}), ring(1))


def test_a_later_form_of_bundle_could_not_be_told() -> None:
    bundle = {**made().history(ring(1)), "format": "patina/history/v2"}
    with pytest.raises(Unknown, match="patina/history/v2"):
        parse_history(json.dumps(bundle).encode())
