"""The vectors of the format: the audit proves the whole ledger and refuses each wrong one by the check meant."""

from __future__ import annotations

import pytest

from ledger.note import parse_vkey
from tests.listed import Listed
from tests.vectors import find_vectors, vector
from verifier.audit import Options, audit

LEDGER = "patina-format/ledger.json"
WRONG = "patina-format/wrong.json"

# Written by hand from the names of the cases and format.md §7: which check is meant to refuse each.
MEANT = {
    "stranger_signs": "authority",
    "shop_certifies": "authority",
    "shop_signs_for_lab": "authority",
    "shop_evaluates": "authority",
    "receipt_key_after_claim": "authority",
    "grant_of_earlier_holding": "authority",
    "claim_without_old_key": "authority",
    "claim_without_new_key": "authority",
    "stray_second_signature": "authority",
    "unsigned": "leaf",
    "key_used_before_added": "authority",
    "key_without_its_own_signature": "authority",
    "operator_adds_key_beside_one_in_force": "authority",
    "key_added_twice": "state",
    "revoked_key_used": "authority",
    "suspended_party_speaks": "authority",
    "shop_registers_a_party": "authority",
    "rival_sells_a_held_item": "state",
    "retraction_of_a_revocation": "authority",
    "somebody_elses_retraction": "authority",
    "item_registered_twice": "state",
    "statement_on_unregistered_item": "state",
    "repair_after_retired": "state",
    "required_member_missing": "details",
    "two_subjects_where_one": "state",
    "holder_speaks_of_two": "leaf",
    "same_id_twice": "id",
    "no_ledger_member": "ledger",
    "other_ledger": "ledger",
    "alias https://id.gs1.org/01/09520123456788/21/R%2f002": "leaf",
    "alias https://id.gs1.org/01/9520123456788/21/R2": "leaf",
    "alias HTTPS://id.gs1.org/01/09520123456788/21/R2": "leaf",
    "alias https://id.gs1.org/01/09520123456788/21/%52": "leaf",
    "alias https://id.gs1.org/01/09520123456788/21/R2/": "leaf",
    "alias https://id.gs1.org/01/09520123456789/21/R2": "leaf",
    "alias https://id.gs1.org/01/09520123456788/21/..": "leaf",
    "alias https://id.gs1.org/01/09520123456788/21/A(1)": "leaf",
    "alias urn:uuid:2524A103-643F-7663-819A-2C7F46541B8E": "leaf",
    "occurred_at 2026-11-29T10:00:00+08:00": "state",
    "occurred_at 2026-02-30T10:00:00+08:00": "leaf",
    "occurred_at 2026-11-20 10:00:00+08:00": "leaf",
    "occurred_at 2026-11-20T10:00:00": "leaf",
    "occurred_at 2026-11-20t10:00:00z": "leaf",
    "false_seal_corrected_later": "seal",
    "false_last_seal": "seal",
    "last_leaf_not_a_seal": "tail",
    "map_root_in_an_entry": "leaf",
    "time_goes_back": "recorded_at",
    "impossible_time": "leaf",
    "v_true": "leaf",
    "index_off": "index",
    "link_seq_off": "links",
    "link_prev_of_other": "links",
    "unknown_member": "leaf",
    "unknown_member_in_signature": "leaf",
    "capital_hex": "leaf",
    "chain_not_linked": "leaf",
}


def _wrong() -> list[str]:
    folder = find_vectors()
    if folder is None or not (folder / WRONG).is_file():
        return ["(the shared vectors are absent)"]
    return [case["name"] for case in vector(WRONG)["cases"] if "leaves" in case]


def test_the_whole_ledger_is_proven() -> None:
    ledger = vector(LEDGER)
    leaves = [leaf.encode() for leaf in ledger["leaves"]]
    verdict = audit(Listed(leaves, ledger["checkpoints"][-1]), Options((parse_vkey(ledger["vkey"]),)))
    assert verdict.findings == ()
    assert (verdict.exit_code, verdict.facts["size"], verdict.facts["entries"], verdict.facts["seals"]) == (
        0,
        23,
        17,
        6,
    )
    assert verdict.facts["subjects"] == len(ledger["map_items"])
    assert verdict.facts["signatures"] == 21  # 17 entries, of which four are signed by a new key too


def test_the_ledger_is_proven_at_every_checkpoint() -> None:
    ledger = vector(LEDGER)
    leaves = [leaf.encode() for leaf in ledger["leaves"]]
    for note in ledger["checkpoints"]:
        size = int(note.split("\n")[1])
        verdict = audit(Listed(leaves[:size], note), Options((parse_vkey(ledger["vkey"]),)))
        assert (verdict.outcome, verdict.facts["size"]) == ("proven", size)


@pytest.mark.parametrize("name", _wrong())
def test_each_wrong_ledger_is_refused_by_the_check_meant(name: str) -> None:
    wrong = vector(WRONG)
    case = next(case for case in wrong["cases"] if case["name"] == name)
    source = Listed([leaf.encode() for leaf in case["leaves"]], case["checkpoint"])
    verdict = audit(source, Options((parse_vkey(wrong["vkey"]),)))
    assert verdict.exit_code == 1
    assert verdict.findings[0].check == MEANT[name]


def test_every_case_has_a_check() -> None:
    vector(WRONG)
    assert set(_wrong()) == set(MEANT)
