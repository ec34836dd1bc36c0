"""A plugin of pytest that writes down every document which a run of tests lets the verifier judge, and the verdict.

    PATINA_RECORD=cases.jsonl python -m pytest -p tests.recorded tests/test_history.py …

One JSON object a line: ``kind`` (``history`` or ``receipt``), ``document`` (its text), ``asked`` and ``verdict``. The
verifier in the browser is given the same and must say the same. Of every ledger that a test builds, right or wrong,
the histories of its subjects are judged too, whatever the test wanted of it.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from ledger import bundle, history, receipt, times
from ledger.errors import PatinaError
from ledger.note import parse_vkey
from tests import build
from tests.judged import asked_of, judged, said_of, texts_of

MAX_LEAVES = 200
"""Of a ledger whose histories are judged; what is larger is about speed."""
MAX_SUBJECTS = 8

_PATH = Path(os.environ["PATINA_RECORD"])  # now: tests clear such names from their environment
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


def _given(found: Any) -> Any:
    if isinstance(found, PatinaError):
        raise found
    return found


def parse_history(raw: bytes) -> bundle.Bundle:
    """``bundle.parse_history``; what it refuses is written down."""
    found, verdict = judged(lambda: _parse_history(raw), lambda _: {})
    if verdict:
        with suppress(UnicodeDecodeError):
            _write("history", raw.decode(), {}, verdict)
    else:
        _read[id(found)] = raw
    return _given(found)  # type: ignore[no-any-return]


def check_history(document: bundle.Bundle, asked: history.Asked) -> history.VerifiedHistory:
    """``history.check_history``, written down."""
    found, verdict = judged(lambda: _check_history(document, asked), said_of)
    text = _read.get(id(document), bundle.format_history(document)).decode()
    _write("history", text, asked_of(asked), verdict)
    return _given(found)  # type: ignore[no-any-return]


def parse_receipt(raw: bytes) -> receipt.Receipt:
    """``receipt.parse_receipt``; what it refuses is written down."""
    found, verdict = judged(lambda: _parse_receipt(raw), lambda _: {})
    if verdict:
        with suppress(UnicodeDecodeError):
            _write("receipt", raw.decode(), {}, verdict)
    return _given(found)  # type: ignore[no-any-return]


def check_receipt(document: receipt.Receipt, vkeys: Any) -> receipt.VerifiedReceipt:
    """``receipt.check_receipt``, written down."""
    found, verdict = judged(lambda: _check_receipt(document, vkeys), lambda one: {"proved": one.leaf_hash.hex()})
    members = {"id": document.id, "index": document.index, "entry": document.entry, "proof": document.proof}
    _write("receipt", json.dumps(members), {"vkeys": texts_of(vkeys)}, verdict)
    return _given(found)  # type: ignore[no-any-return]


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
