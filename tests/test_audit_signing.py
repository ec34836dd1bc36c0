"""Signatures verified by several processes: every one, and each failure at its own leaf."""

from __future__ import annotations

import multiprocessing
from concurrent.futures import ThreadPoolExecutor

import pytest

from ledger.dsse import sign_statement
from tests.build import Build, key, ring
from tests.listed import audited
from tests.test_audit_checks import WORK, made
from verifier import signing
from verifier.signing import Failure, Verifiers


@pytest.fixture
def spread(monkeypatch: pytest.MonkeyPatch) -> None:
    """Few leaves, and still more than one process with more than one chunk each."""
    monkeypatch.setattr(signing, "ALONE", 0)
    monkeypatch.setattr(signing, "CHUNK", 4)


def _long() -> tuple[Build, list[int]]:
    """A ledger of a few chunks, and the entries whose signatures are wrong."""
    ledger = made()
    wrong = []
    for number in range(80):
        spoil = number in (30, 31, 77)
        signatures = [sign_statement(b"{}", key("shop"))]
        index = ledger.say(
            "maintenance.performed", "shop", ring(1), WORK,
            change=(lambda leaf: leaf.update(signatures=signatures)) if spoil else None,  # noqa: B023 - called at once
        )  # fmt: skip
        if spoil:
            wrong.append(index)
    ledger.seal()
    return ledger, wrong


@pytest.mark.usefixtures("spread")
def test_processes_find_what_one_finds() -> None:
    ledger, wrong = _long()
    several, alone = audited(ledger, workers=2), audited(ledger, workers=0)
    assert multiprocessing.active_children() == []
    assert several == alone
    assert [(finding.check, finding.index) for finding in several.findings] == [("signature", wrong[0])]


@pytest.mark.usefixtures("spread")
def test_every_signature_is_counted_and_every_failure_reported() -> None:
    ledger, wrong = _long()
    failures: list[Failure] = []
    verifiers = Verifiers(failures.append, workers=2, expected=ledger.size)
    entries = [(index, raw) for index, raw in enumerate(ledger.leaves) if b'"map_root"' not in raw[:48]]
    for index, raw in entries:
        verifiers.add(index, raw)
    verifiers.finish()
    verifiers.close()
    assert sorted(index for index, _, _ in failures) == wrong
    assert verifiers.count == len(entries) + 2  # the two key.added are signed by the new key too


@pytest.mark.usefixtures("spread")
def test_what_is_not_waited_for_is_given_up() -> None:
    ledger, _ = _long()
    verifiers = Verifiers(lambda _: None, workers=1, expected=ledger.size)
    for index in (7, 8, 9, 7, 8, 9):
        verifiers.add(index, ledger.leaves[index])
    verifiers.close()


@pytest.mark.usefixtures("spread")
def test_processes_start_only_where_signatures_are_checked(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[int] = []

    class Threads(ThreadPoolExecutor):
        """In the place of processes, which take long to start."""

        def __init__(self, workers: int, **_: object) -> None:
            asked.append(workers)
            super().__init__(workers)

    monkeypatch.setattr(signing, "ProcessPoolExecutor", Threads)
    assert audited(made(), workers=2).outcome == "proven"
    assert asked == [2]
    assert audited(made(), workers=2, signatures=False).outcome == "proven"
    assert asked == [2]


def test_few_leaves_start_no_process(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(signing, "ProcessPoolExecutor", None)
    assert audited(made(), workers=2).outcome == "proven"
