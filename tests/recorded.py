"""A plugin of pytest that writes down every document which a run of tests lets the verifier judge, and the verdict.

    PATINA_RECORD=cases.jsonl python -m pytest -p tests.recorded tests/test_history.py …

One JSON object a line: ``kind`` (``history`` or ``receipt``), ``document`` (its text), ``asked`` and ``verdict``. The
verifier in the browser is given the same and must say the same. Of every ledger that a test builds, right or wrong,
the histories of its subjects are judged too, whatever the test wanted of it.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from ledger import bundle, history, receipt, times
from ledger.bundle import format_history
from ledger.errors import PatinaError
from ledger.history import VerifiedHistory
from ledger.note import VKey, parse_vkey
from ledger.receipt import VerifiedReceipt
from tests import build
from tests.judged import Judged, T, asked_of, judged, said_of, texts_of

MAX_LEAVES = 200
"""Of a ledger whose histories are judged; what is larger is about speed."""
MAX_SUBJECTS = 8

# Read now: tests clear such names from their environment. Without it this file is only looked through for doctests.
_PATH = Path(os.environ.get("PATINA_RECORD", os.devnull))
_written: set[str] = set()
_built: list[build.Build] = []
_read: dict[int, bytes] = {}
_parse_history, _check_history = bundle.parse_history, history.check_history
_parse_receipt, _check_receipt = receipt.parse_receipt, receipt.check_receipt
_init = build.Build.__init__


def _write(kind: str, document: str, asked: Mapping[str, Any], verdict: Mapping[str, Any]) -> None:
    line = json.dumps({"kind": kind, "document": document, "asked": asked, "verdict": verdict}, sort_keys=True)
    if line not in _written:
        _written.add(line)
        with _PATH.open("a", encoding="utf-8") as file:
            file.write(line + "\n")


def _given(found: T | None, error: Exception | None) -> T:
    if error is not None:
        raise error
    assert found is not None, "neither given nor refused"
    return found


def parse_history(raw: bytes) -> bundle.Bundle:
    """``bundle.parse_history``; what it refuses is written down."""
    found, error, verdict = judged(lambda: _parse_history(raw), lambda _: {})
    if error is None:
        _read[id(found)] = raw
    else:
        with suppress(UnicodeDecodeError):
            _write("history", raw.decode(), {}, verdict)
    return _given(found, error)


def check_history(bundle: bundle.Bundle, asked: history.Asked) -> VerifiedHistory:
    """``history.check_history``, written down."""
    said: Judged[VerifiedHistory] = judged(partial(_check_history, bundle, asked), said_of)
    found, error, verdict = said
    text = _read.get(id(bundle), format_history(bundle)).decode()
    _write("history", text, asked_of(asked), verdict)
    return _given(found, error)


def parse_receipt(raw: bytes) -> receipt.Receipt:
    """``receipt.parse_receipt``; what it refuses is written down."""
    found, error, verdict = judged(lambda: _parse_receipt(raw), lambda _: {})
    if error is not None:
        with suppress(UnicodeDecodeError):
            _write("receipt", raw.decode(), {}, verdict)
    return _given(found, error)


def _proved(found: VerifiedReceipt) -> dict[str, Any]:
    return {"proved": found.leaf_hash.hex()}


def check_receipt(receipt: receipt.Receipt, vkeys: Sequence[VKey]) -> VerifiedReceipt:
    """``receipt.check_receipt``, written down."""
    said: Judged[VerifiedReceipt] = judged(partial(_check_receipt, receipt, vkeys), _proved)
    found, error, verdict = said
    members = {"id": receipt.id, "index": receipt.index, "entry": receipt.entry, "proof": receipt.proof}
    _write("receipt", json.dumps(members), {"vkeys": texts_of(vkeys)}, verdict)
    return _given(found, error)


def _keep(self: build.Build, *args: Any, **members: Any) -> None:
    _init(self, *args, **members)
    _built.append(self)


bundle.parse_history, history.check_history = parse_history, check_history
receipt.parse_receipt, receipt.check_receipt = parse_receipt, check_receipt
build.Build.__init__ = _keep  # type: ignore[method-assign]


def judge_built(made: build.Build) -> None:
    """Judge the histories of a ledger that a test built."""
    if made.size > MAX_LEAVES:
        return
    if b'"map_root"' not in made.leaves[-1]:
        made.seal()
    for subject in list(made.heads)[-MAX_SUBJECTS:]:
        with suppress(PatinaError):
            document = bundle.parse_history(json.dumps(made.history(subject)).encode())
            asked = history.Asked(subject, (parse_vkey(made.vkey),), now=made.now + times.HOUR)
            history.check_history(document, asked)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_teardown() -> Iterator[None]:
    """After each test, judge what it built."""
    yield
    while _built:
        with suppress(KeyError, ValueError, AttributeError, TypeError, IndexError, AssertionError):
            judge_built(_built.pop())
    _read.clear()
