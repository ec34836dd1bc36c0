"""Signatures verified by several processes: every one, and each failure at its own leaf."""

from __future__ import annotations

import multiprocessing
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import pytest

from ledger import canonical
from ledger.dsse import sign_statement
from tests.build import Build, key, ring
from tests.listed import audited
from tests.test_audit_checks import WORK, made
from verifier import signing
from verifier.signing import Failure, Verifiers, verify_chunk


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


def test_a_chunk_counts_its_signatures_and_tells_the_wrong_from_the_unknown() -> None:
    leaves: list[tuple[int, bytes]] = []
    x25519 = "did:key:z6LSbysY2xFMRpGMhb7tFTLMpeuPRaqaWM1yECx2AtzE3KCc"  # of the W3C CCG's did:key registry
    for number, keys in enumerate([["shop", "shop"], ["shop", "other"], ["shop", x25519]]):
        statement = {"n": number}
        body = canonical.encode(statement)
        right = sign_statement(body, key("shop"))
        by = {"shop": right, "other": sign_statement(b"{}", key("other")), x25519: {**right, "key": x25519}}
        signatures = [by[name] for name in keys]
        leaves.append((number + 40, canonical.encode({"signatures": signatures, "statement": statement})))
    count, failures = verify_chunk(leaves)
    assert count == 6
    assert [(index, disproved) for index, _, disproved in failures] == [(41, True), (42, False)]


class _Pool:
    """Works at once, and notes what it was given."""

    made: list[_Pool]

    def __init__(self, workers: int, **_: Any) -> None:
        self.workers, self.chunks, self.closed = workers, list[int](), list[dict[str, bool]]()
        self.made.append(self)

    def submit(self, work: Any, chunk: list[tuple[int, bytes]]) -> Future[Any]:
        self.chunks.append(len(chunk))
        done: Future[Any] = Future()
        done.set_result(work(chunk))
        return done

    def shutdown(self, **how: bool) -> None:
        self.closed.append(how)


def _none(failure: Failure) -> None:
    pytest.fail(f"want none, got {failure}")


def test_leaves_go_out_by_the_chunk_and_only_so_many_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(signing, "ProcessPoolExecutor", _Pool)
    monkeypatch.setattr(signing, "CHUNK", 4)
    monkeypatch.setattr(signing, "ALONE", 30)
    _Pool.made = []
    ledger = made()
    index = ledger.say("maintenance.performed", "shop", ring(1), WORK)
    Verifiers(_none, workers=3, expected=30)
    Verifiers(_none, workers=0, expected=31)
    assert _Pool.made == []
    verifiers = Verifiers(_none, workers=1, expected=31)
    counts = []
    for _ in range(22):
        verifiers.add(index, ledger.leaves[index])
        counts.append(verifiers.count)
    (pool,) = _Pool.made
    # One signature a leaf. Four chunks a process wait; the fifth has the first one's result taken.
    assert counts == [0] * 19 + [4] * 3
    verifiers.finish()
    assert (pool.workers, pool.chunks, verifiers.count) == (1, [4, 4, 4, 4, 4, 2], 22)
    verifiers.close()
    assert pool.closed == [{"wait": True, "cancel_futures": True}]


def test_leaves_verified_here_are_verified_by_the_chunk_too(monkeypatch: pytest.MonkeyPatch) -> None:
    """So that memory does not grow with the log."""
    monkeypatch.setattr(signing, "CHUNK", 4)
    ledger, failures = made(), list[Failure]()
    verifiers = Verifiers(failures.append, workers=0, expected=9)
    index = ledger.say("maintenance.performed", "shop", ring(1), WORK)
    counts = []
    for _ in range(9):
        verifiers.add(index, ledger.leaves[index])
        counts.append(verifiers.count)
    verifiers.finish()
    assert counts == [0, 0, 0, 4, 4, 4, 4, 8, 8]
    assert (verifiers.count, failures) == (9, [])
