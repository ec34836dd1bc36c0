"""Every check of a whole-log audit has a ledger that is right in everything but that, and that only it refuses."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from ledger import canonical
from ledger.checkpoint import Checkpoint, sign_checkpoint
from ledger.dsse import sign_statement
from ledger.note import Signer, format_vkey, parse_vkey
from ledger.uri import authority_of
from tests.build import ORIGIN, Build, Leaf, key, ring, shop, uuid
from tests.listed import Listed, audited, listed
from verifier.audit import Options, audit

REGISTERED = {"name": "Ring", "category": "jewellery"}
WORK = {"work": ["clean"]}


def _set(name: str, value: Any) -> Callable[[Leaf], None]:
    def change(leaf: Leaf) -> None:
        leaf[name] = value

    return change


def _links(change: Callable[[dict[str, Any]], None]) -> Callable[[Leaf], None]:
    return lambda leaf: change(leaf["links"][0])


def made() -> Build:
    """A right ledger: a shop, a laboratory, and a ring that was registered, cleaned, and sold."""
    ledger = shop()
    ledger.item(ring(1))
    ledger.say("maintenance.performed", "shop", ring(1), WORK)
    ledger.sell(ring(1), "receipt")
    ledger.seal()
    return ledger


def _leaf(ledger: Build) -> None:
    ledger.seal(_set("note", "an extra member"))


def _index(ledger: Build) -> None:
    ledger.seal(_set("index", 3))


def _prev(ledger: Build) -> None:
    ledger.seal(_set("prev", "ab" * 32))


def _recorded_at(ledger: Build) -> None:
    ledger.seal(_set("recorded_at", "2025-12-31T23:59:59.999Z"))


def _links_seq(ledger: Build) -> None:
    ledger.say("maintenance.performed", "shop", ring(1), WORK, change=_links(lambda link: link.update(seq=9)))


def _links_prev(ledger: Build) -> None:
    change = _links(lambda link: link.update(prev="ab" * 32))
    ledger.say("maintenance.performed", "shop", ring(1), WORK, change=change)


def _links_of_another(ledger: Build) -> None:
    ledger.item(ring(2))
    start = _links(lambda link: link.update(seq=0, prev=None))
    ledger.say("maintenance.performed", "shop", ring(1), WORK, change=start)


def _id(ledger: Build) -> None:
    again = canonical.decode(ledger.leaves[-2])["statement"]["id"]
    ledger.say("maintenance.performed", "shop", ring(1), WORK, id=again)


def _ledger(ledger: Build) -> None:
    ledger.say("maintenance.performed", "shop", ring(1), WORK, ledger="ab" * 32)


def _details(ledger: Build) -> None:
    ledger.say("maintenance.performed", "shop", ring(1), {})


def _details_of_a_key(ledger: Build) -> None:
    ledger.say("key.added", "shop", authority_of(uuid("shop")), {"custody": "self"}, keys=["shop", "next"])


def _authority(ledger: Build) -> None:
    ledger.say("maintenance.performed", "lab", ring(1), WORK)


def _authority_of_a_stranger(ledger: Build) -> None:
    ledger.say("maintenance.performed", "shop", ring(1), WORK, keys=["stranger"])


def _state(ledger: Build) -> None:
    ledger.item(ring(1))


def _signature(ledger: Build) -> None:
    def change(leaf: Leaf) -> None:
        leaf["signatures"] = [sign_statement(b"{}", key("shop"))]

    ledger.say("maintenance.performed", "shop", ring(1), WORK, change=change)


def _second_signature(ledger: Build) -> None:
    def change(leaf: Leaf) -> None:
        leaf["signatures"][1] = sign_statement(b"{}", key("phone"))

    details = {"holder_key": key("phone").did, "holder_custody": "device"}
    ledger.hold("item.claimed", ring(1), details, "phone", change=change)


def _seal(ledger: Build) -> None:
    ledger.seal(_set("map_root", "cd" * 32))


def _state_of_itself(ledger: Build) -> None:
    own = uuid("a correction of itself")
    ledger.say("statement.corrected", "shop", ring(1), {"reason": "typing"}, id=own, corrects=own)


def _state_of_nothing(ledger: Build) -> None:
    ledger.say("statement.corrected", "shop", ring(1), {"reason": "typing"}, corrects=uuid("nobody said this"))


def _state_of_a_holders_key(ledger: Build) -> None:
    ledger.item(ring(2))
    ledger.sell(ring(2), "receipt")


CASES: dict[str, tuple[str, Callable[[Build], None]]] = {
    "an extra member in a seal": ("leaf", _leaf),
    "an index that is not its own": ("index", _index),
    "a prev of another leaf": ("prev", _prev),
    "time goes back": ("recorded_at", _recorded_at),
    "a number in the subject's chain left out": ("links", _links_seq),
    "a hash in the subject's chain of another": ("links", _links_prev),
    "a subject's chain begun again": ("links", _links_of_another),
    "a statement id twice": ("id", _id),
    "a statement written for another ledger": ("ledger", _ledger),
    "a required member missing": ("details", _details),
    "a key added that is not named": ("details", _details_of_a_key),
    "a party without the role": ("authority", _authority),
    "a key that nobody added": ("authority", _authority_of_a_stranger),
    "an item registered twice": ("state", _state),
    "a correction of itself": ("state", _state_of_itself),
    "a correction of nothing": ("state", _state_of_nothing),
    "a holder's key named for another item": ("state", _state_of_a_holders_key),
    "a signature over other bytes": ("signature", _signature),
    "a second signature over other bytes": ("signature", _second_signature),
    "a seal with another map root": ("seal", _seal),
}


def test_the_ledger_that_the_cases_start_from_is_proven() -> None:
    assert audited(made()).findings == ()


@pytest.mark.parametrize("name", CASES)
def test_only_the_check_meant_refuses(name: str) -> None:
    check, spoil = CASES[name]
    ledger = made()
    index = ledger.size
    spoil(ledger)
    wrong = ledger.size - 1 if check != "links" else None
    ledger.now += 10**9  # later than whatever a case set
    ledger.seal()
    verdict = audited(ledger)
    assert [finding.check for finding in verdict.findings] == [check]
    assert verdict.findings[0].index == (wrong if wrong is not None else ledger.size - 2)
    assert verdict.findings[0].index >= index
    assert (verdict.outcome, verdict.exit_code, verdict.facts) == ("disproved", 1, {})


@pytest.mark.parametrize("name", ["an index that is not its own", "a prev of another leaf", "time goes back"])
def test_the_order_is_asked_of_each_leaf_after_any_other(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    # Leaves are taken in batches: the first of one follows on the last of the batch before.
    monkeypatch.setattr("verifier.audit._BATCH", 1)
    test_only_the_check_meant_refuses(name)


def test_the_verdict_is_as_of_the_last_leaf() -> None:
    ledger = made()
    assert audited(ledger).facts["as_of"] == canonical.decode(ledger.leaves[-1])["recorded_at"]


def test_a_finding_says_at_which_member() -> None:
    ledger = made()
    _details(ledger)
    ledger.seal()
    assert audited(ledger).findings[0].why.endswith(" (at /details/work)")


def test_nothing_stays_open_after_an_audit() -> None:
    opened = sorted(Path("/dev/fd").iterdir())
    audited(made())
    assert sorted(Path("/dev/fd").iterdir()) == opened


def test_the_first_leaf_is_followed_by_a_seal() -> None:
    ledger = Build()
    ledger.leaves.pop()
    ledger.hashes.pop()
    ledger.register("shop", "retailer", "repairer")
    ledger.seal()
    assert [(finding.check, finding.index) for finding in audited(ledger).findings] == [("first", 1)]


def test_entry_0_names_the_origin_of_the_checkpoint() -> None:
    ledger = made()
    signer = Signer(parse_vkey(format_vkey("ledger.example/other", key("ledger log").public)), key("ledger log").sign)
    root = Checkpoint("ledger.example/other", ledger.size, ledger.read_root())
    note = sign_checkpoint(root, [signer])
    verdict = audit(Listed(ledger.leaves, note), Options((signer.vkey,)))
    assert [(finding.check, finding.index) for finding in verdict.findings] == [("first", 0), ("vkey", None)]


def test_entry_0_has_the_details_of_its_type() -> None:
    ledger = Build(change=lambda leaf: leaf["statement"]["details"].pop("name"))
    ledger.seal()
    found = audited(ledger).findings
    assert [(one.check, one.index, one.disproved) for one in found if one.check == "first"] == [("first", 0, True)]


def test_a_log_that_begins_with_something_else_is_refused_but_goes_on() -> None:
    ledger = made()
    first = canonical.decode(ledger.leaves[0])
    first["statement"]["type"] = "party.registered"
    spoiled = [canonical.encode(first), *ledger.leaves[1:]]
    verdict = audit(Listed(spoiled, ledger.note()), Options((parse_vkey(ledger.vkey),)))
    checks = [finding.check for finding in verdict.findings]
    assert checks[0] == "first"
    assert {"signature", "prev", "root"} <= set(checks)


def test_the_last_leaf_is_a_seal() -> None:
    ledger = made()
    ledger.item(ring(2))
    assert [(finding.check, finding.index) for finding in audited(ledger).findings] == [("tail", ledger.size - 1)]


def test_the_root_is_that_of_the_leaves() -> None:
    ledger = made()
    verdict = audit(Listed(ledger.leaves, ledger.note(root=bytes(32))), Options((parse_vkey(ledger.vkey),)))
    assert [finding.check for finding in verdict.findings] == ["root"]


def test_the_checkpoint_is_signed_by_a_pinned_key() -> None:
    ledger = made()
    stranger = parse_vkey(format_vkey(ORIGIN, key("stranger").public))
    verdict = audit(listed(ledger), Options((stranger,)))
    assert [finding.check for finding in verdict.findings] == ["checkpoint"]
    assert "a key that the ledger has retired signs no more" in verdict.findings[0].why


def test_a_pinned_key_that_the_ledger_does_not_name_proves_nothing() -> None:
    ledger = made()
    other = key("other log")
    vkey = parse_vkey(format_vkey(ORIGIN, other.public))
    ledger.signers.append(Signer(vkey, other.sign))
    assert audited(ledger).findings == ()
    assert [finding.check for finding in audit(listed(ledger), Options((vkey,))).findings] == ["vkey"]


def test_a_pinned_key_that_the_ledger_retired_proves_nothing() -> None:
    ledger = made()
    other = key("other log")
    vkey = format_vkey(ORIGIN, other.public)
    subject = uuid("ledger ledger")
    ledger.say("ledger.key_added", "operator", subject, {"vkey": vkey})
    ledger.say("ledger.key_retired", "operator", subject, {"vkey": ledger.vkey})
    ledger.signers.append(Signer(parse_vkey(vkey), other.sign))
    ledger.seal()
    old, new = parse_vkey(ledger.vkey), parse_vkey(vkey)
    assert [finding.check for finding in audit(listed(ledger), Options((old,))).findings] == ["vkey"]
    both = audit(listed(ledger), Options((old, new)))
    assert both.findings == ()
    assert any("was retired at leaf" in note for note in both.notes)
    ledger.signers.pop()
    # Both are pinned, but only the retired one signed.
    assert [finding.check for finding in audit(listed(ledger), Options((old, new))).findings] == ["vkey"]


def test_a_signature_that_does_not_verify_is_no_matter_of_a_retired_key() -> None:
    ledger = made()
    note = ledger.note().replace(f"\n{len(ledger.leaves)}\n", f"\n{len(ledger.leaves) + 1}\n")
    (finding,) = audit(Listed(ledger.leaves, note), Options((parse_vkey(ledger.vkey),))).findings
    assert finding.why == f"got a signature by {ORIGIN} that does not verify"
    (finding,) = audit(listed(ledger), Options((parse_vkey(format_vkey(ORIGIN, key("other log").public)),))).findings
    assert "a key that the ledger has retired signs no more" in finding.why


def test_a_checkpoint_that_claims_any_size_makes_no_files_of_that_size(tmp_path: Path) -> None:
    ledger = made()
    note = sign_checkpoint(Checkpoint(ORIGIN, 2**62, bytes(32)), ledger.signers)
    verdict = audit(Listed(ledger.leaves, note), Options((parse_vkey(ledger.vkey),), state=tmp_path))
    assert verdict.exit_code == 1


def test_a_second_key_of_the_ledger_may_be_pinned() -> None:
    ledger = made()
    other = key("other log")
    vkey = format_vkey(ORIGIN, other.public)
    ledger.say("ledger.key_added", "operator", uuid("ledger ledger"), {"vkey": vkey})
    ledger.signers.append(Signer(parse_vkey(vkey), other.sign))
    ledger.seal()
    assert audit(listed(ledger), Options((parse_vkey(vkey),))).findings == ()


def test_an_empty_log_is_no_ledger() -> None:
    ledger = made()
    verdict = audit(Listed([], ledger.note(0)), Options((parse_vkey(ledger.vkey),)))
    assert [finding.check for finding in verdict.findings] == ["tail"]


def test_last_seals_leave_out_the_others_and_say_so() -> None:
    ledger = made()
    ledger.seal(_set("map_root", "cd" * 32))
    ledger.item(ring(2))
    ledger.seal()
    verdict = audited(ledger, every_seal=False)
    assert verdict.findings == ()
    assert any("not proved" in note for note in verdict.notes)
    assert [finding.check for finding in audited(ledger).findings] == ["seal"]
    ledger.seal(_set("map_root", "cd" * 32))
    assert [(finding.check, finding.index) for finding in audited(ledger, every_seal=False).findings] == [
        ("seal", ledger.size - 1)
    ]


def test_left_out_signatures_are_said_to_be_left_out() -> None:
    ledger = made()
    _signature(ledger)
    ledger.seal()
    verdict = audited(ledger, signatures=False)
    assert (verdict.outcome, verdict.facts["signatures"]) == ("proven", 0)
    assert "signatures were not checked" in verdict.notes


def test_later_checks_go_on_and_each_is_reported_once_and_first() -> None:
    ledger = made()
    start = ledger.size
    for _ in range(2):
        _leaf(ledger)
        _details(ledger)
        _authority(ledger)
        _signature(ledger)
        _seal(ledger)
    ledger.seal()
    found = [(finding.check, finding.index) for finding in audited(ledger).findings]
    assert found == [
        ("leaf", start),
        ("details", start + 1),
        ("authority", start + 2),
        ("signature", start + 3),
        ("seal", start + 4),
    ]


def test_bytes_that_are_no_json_do_not_stop_the_pass() -> None:
    ledger = made()
    for raw in (
        b"",
        b"\xff",
        b"[" * 5000,
        b"[]",
        b'{"links":7}',
        b'{"links":[7,{"subject":7},{"subject":"\xc3\xa4"}]}',
    ):
        ledger.put_raw(raw, [])
        ledger.seal()
    _details(ledger)
    ledger.seal()
    assert {finding.check for finding in audited(ledger).findings} == {"leaf", "details"}


def test_progress_is_told_to_the_end() -> None:
    told: list[tuple[int, int]] = []
    ledger = made()
    audited(ledger, progress=lambda done, total: told.append((done, total)))
    assert told[-1] == (ledger.size, ledger.size)
