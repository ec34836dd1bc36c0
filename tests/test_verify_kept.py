"""Check 12: what a reader kept from earlier, and how it is kept."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import pytest

from ledger.errors import Unknown
from tests.build import ORIGIN, Build, ring
from tests.listed import Listed, listed
from tests.test_audit_checks import WORK, made
from tests.test_verify_history import check
from verifier.memory import Memory


def test_check_12_a_log_that_became_shorter() -> None:
    ledger = made()
    memory = Memory(None)
    older = ledger.history(ring(1))
    ledger.seal()
    assert check(ledger.history(ring(1)), ledger, memory=memory).outcome == "proven"
    assert [f.check for f in check(older, ledger, memory=memory).findings] == [12]


def test_check_12_growth_is_told_only_with_a_proof() -> None:
    ledger = made()
    memory = Memory(None)
    check(ledger.history(ring(1)), ledger, memory=memory)
    ledger.say("maintenance.performed", "shop", ring(1), WORK)
    ledger.seal()
    bundle = ledger.history(ring(1))
    for _ in range(2):  # what could not be told is not remembered as if it were
        verdict = check(bundle, ledger, memory=memory)
        assert (verdict.exit_code, [f.disproved for f in verdict.findings]) == (2, [False])
    assert check(bundle, ledger, memory=memory, log=listed(ledger)).outcome == "proven"
    assert check(bundle, ledger, memory=memory).outcome == "proven"


def _fork(ledger: Build) -> Build:
    """The same ledger with another entry at the end, so signed."""
    other = copy.deepcopy(ledger)
    ledger.say("maintenance.performed", "shop", ring(1), {"work": ["clean"]})
    other.say("maintenance.performed", "shop", ring(1), {"work": ["polish"]})
    ledger.seal()
    other.seal()
    return other


def test_check_12_two_checkpoints_of_one_size() -> None:
    one = made()
    other = _fork(one)
    memory = Memory(None)
    check(one.history(ring(1)), one, memory=memory)
    assert [f.check for f in check(other.history(ring(1)), other, memory=memory).findings] == [12]
    assert [f.check for f in check(other.receipt(5), other, memory=memory).findings] == [12]


def test_check_12_a_log_that_was_rewritten() -> None:
    one = made()
    other = _fork(one)
    memory = Memory(None)
    check(one.history(ring(1)), one, memory=memory)
    other.seal()
    verdict = check(other.history(ring(1)), other, memory=memory, log=listed(other))
    assert [f.check for f in verdict.findings] == [12]
    assert [f.check for f in check(other.receipt(5), other, memory=memory, log=listed(other)).findings] == [12]


def test_check_12_a_receipt_that_a_complete_history_lacks() -> None:
    one = made()
    other = _fork(one)
    memory = Memory(None)
    index = one.of[ring(1)][-1]
    assert check(one.receipt(index), one, memory=memory).outcome == "proven"
    other.seal()
    verdict = check(other.history(ring(1)), other, memory=memory)
    assert [(f.check, f.index) for f in verdict.findings] == [(12, index)]
    assert "keep both" in verdict.findings[0].why


def test_check_12_fewer_entries_than_there_were() -> None:
    ledger = made()
    memory = Memory(None)
    memory.keep_count(ORIGIN, ring(1), 99)
    assert [f.check for f in check(ledger.history(ring(1)), ledger, memory=memory).findings] == [12]


def test_receipts_of_a_log_that_grew_are_told_only_with_a_proof() -> None:
    ledger = made()
    memory = Memory(None)
    early = ledger.receipt(5)
    assert check(early, ledger, memory=memory).outcome == "proven"
    ledger.seal()
    late = ledger.receipt(7)
    verdict = check(late, ledger, memory=memory)
    assert (verdict.exit_code, [f.check for f in verdict.findings]) == (2, [12])
    assert check(late, ledger, memory=memory, log=listed(ledger)).outcome == "proven"
    assert check(early, ledger, memory=memory, log=listed(ledger)).outcome == "proven"


def test_a_log_that_cannot_be_asked_could_not_be_told() -> None:
    class Silent(Listed):
        def leaves(self, start: int, stop: int) -> Any:
            raise Unknown("nobody answers")

    ledger = made()
    memory = Memory(None)
    check(ledger.history(ring(1)), ledger, memory=memory)
    ledger.seal()
    log = Silent(ledger.leaves, ledger.note())
    assert check(ledger.history(ring(1)), ledger, memory=memory, log=log).exit_code == 2


def test_the_memory_is_a_file_that_is_written_whole(tmp_path: Path) -> None:
    ledger = made()
    path = tmp_path / "reader.json"
    memory = Memory(path)
    check(ledger.history(ring(1)), ledger, memory=memory)
    check(ledger.receipt(7), ledger, memory=memory)
    memory.save()
    again = Memory(path)
    kept = again.kept(ORIGIN, ring(1))
    assert kept is not None
    assert (kept.size, kept.root, kept.count) == (ledger.size, ledger.read_root(), 3)
    assert kept.receipts == ({ledger.hashes[7]: 7})
    assert again.head(ORIGIN) == (ledger.size, ledger.read_root())
    assert again.head("another") is None
    assert [file.name for file in tmp_path.iterdir()] == ["reader.json"]


def test_a_memory_that_is_something_else_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "reader.json"
    path.write_text("{}x")
    with pytest.raises(Unknown, match="got no state"):
        Memory(path)


def test_without_a_file_nothing_is_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    memory = Memory(None)
    memory.keep_count(ORIGIN, ring(1), 3)
    memory.save()
    assert list(tmp_path.iterdir()) == []
