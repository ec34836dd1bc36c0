"""Which tests concern which file: the list that mutants are tried against."""

_CHECKS = [f"tests/test_audit_{name}.py" for name in "checks unknown vectors".split()]
_ATTACK = ["tests/test_attack_verifier.py"]
_DOUBT = ["tests/test_audit_doubt.py"]
_STATE = ["tests/test_audit_state.py"]
_SOURCES = ["tests/test_audit_sources.py", "tests/test_source_reads.py"]
_AGAIN = ["tests/test_audit_sources.py::test_a_leaf_that_changes_between_two_readings_is_noticed"]
_HISTORY = ["tests/test_verify_history.py", "tests/test_verify_kept.py"]
_TABLE = ["tests/test_verify_table.py"]
_BUNDLES = ["tests/test_history.py", "tests/test_history_kept.py", "tests/test_attack_core.py"]
_RULES = [f"tests/test_rule{name}.py" for name in ("", "_items", "_parties", "_unseen")]

FILES: dict[str, list[str]] = {
    "ledger/merkle.py": ["tests/test_merkle.py"],
    "ledger/submap.py": ["tests/test_submap.py"],
    "ledger/leaf.py": ["tests/test_leaf.py"],
    "ledger/disclosure.py": ["tests/test_disclosure.py"],
    "ledger/note.py": ["tests/test_note.py"],
    "ledger/checkpoint.py": ["tests/test_checkpoint.py"],
    "ledger/cosignature.py": ["tests/test_cosignature.py"],
    "ledger/tiles.py": ["tests/test_tiles.py"],
    "ledger/canonical.py": ["tests/test_canonical.py"],
    "ledger/dsse.py": ["tests/test_dsse.py"],
    "ledger/didkey.py": ["tests/test_didkey.py"],
    "ledger/proof.py": ["tests/test_proof.py"],
    "ledger/receipt.py": ["tests/test_receipt.py", *_BUNDLES],
    "ledger/bundle.py": _BUNDLES,
    "ledger/history.py": [*_BUNDLES, "tests/test_verify_history.py"],
    "ledger/holderkey.py": ["tests/test_holderkey.py"],
    "ledger/uri.py": ["tests/test_uri.py"],
    "ledger/times.py": ["tests/test_times.py"],
    "ledger/trust.py": ["tests/test_trust.py"],
    "ledger/party.py": _RULES,
    "ledger/holding.py": ["tests/test_holding.py", *_RULES],
    "ledger/replay.py": _BUNDLES,
    "ledger/rule.py": _RULES,
    "ledger/state.py": _RULES,
    "verifier/reader.py": [
        *_HISTORY,
        *_ATTACK,
        "tests/test_verify_files.py",
        "tests/test_verify_cli.py",
        "tests/test_attack_keys.py",
        "tests/test_ledger_keys.py::test_a_reader_who_pinned_a_retired_key_is_told_plainly[sqlite]",
    ],
    "verifier/replay.py": [*_CHECKS, *_ATTACK, "tests/test_audit_cases.py", *_DOUBT, *_STATE, *_AGAIN],
    "verifier/audit.py": [
        *_CHECKS,
        *_ATTACK,
        *_DOUBT,
        *_STATE,
        *_SOURCES,
        "tests/test_audit_signing.py",
    ],
    "verifier/compare.py": ["tests/test_verify_compare.py", *_CHECKS, *_SOURCES],
    "verifier/tree.py": [*_TABLE, *_CHECKS],
    "verifier/memory.py": [*_HISTORY, *_ATTACK],
    "verifier/growth.py": ["tests/test_verify_growth.py", *_SOURCES],
    "verifier/source.py": _SOURCES,
    "verifier/folder.py": _SOURCES,
    "verifier/fetch.py": [*_SOURCES, *_ATTACK],
    "verifier/files.py": ["tests/test_verify_files.py"],
    "verifier/findings.py": ["tests/test_verify_findings.py", *_HISTORY],
    "verifier/report.py": ["tests/test_verify_findings.py", *_CHECKS],
    "verifier/retired.py": ["tests/test_verify_retired.py", "tests/test_audit_checks.py", *_HISTORY],
    "verifier/doubtful.py": [*_DOUBT, *_HISTORY],
    "verifier/signing.py": ["tests/test_audit_signing.py"],
    "verifier/scan.py": ["tests/test_qr.py", *_ATTACK],
    "verifier/qr.py": ["tests/test_qr.py"],
    "verifier/kept.py": _STATE,
    "verifier/heads.py": [*_TABLE, *_STATE],
    "verifier/table.py": [*_TABLE, *_STATE],
    "verifier/figures.py": ["tests/test_report_verify.py"],
}
