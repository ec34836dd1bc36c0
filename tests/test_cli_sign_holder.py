"""`patina sign` with an owner code: the holder's own signature, for who does not trust the operator's page."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import pytest

from ledger import holderkey
from ledger.asking import check_asking, parse_asking
from ledger.dsse import SigningKey, check_signature
from ledger.errors import Invalid, Malformed
from ledger.holding import Grant, Held, Holding
from ledger.leaf import statement_bytes, statement_from
from tests.build import ring, uuid
from verifier.cli import sign

SECRET = bytes(range(16))
LOST = {
    "id": uuid("lost"),
    "ledger": "ab" * 32,
    "type": "item.reported_lost",
    "subjects": [ring(1)],
    "party": ring(1),
    "grant": "cd" * 32,
    "occurred_at": "2026-01-01T00:00:00Z",
    "details": {},
}


@pytest.fixture
def draft(tmp_path: Path) -> Path:
    path = tmp_path / "draft.json"
    path.write_text(json.dumps(LOST))
    return path


@pytest.mark.parametrize("code", [holderkey.format_code(SECRET), holderkey.format_typed(SECRET).lower() + "\n"])
def test_the_owner_codes_key_signs_first_and_a_new_key_last(
    draft: Path, tmp_path: Path, code: str, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "code").write_text(code)
    phone = b"\x07" * 32
    (tmp_path / "phone.key").write_text(phone.hex())
    assert (
        sign.main([str(draft), "--owner-code-file", str(tmp_path / "code"), "--key", str(tmp_path / "phone.key")]) == 0
    )
    posted = json.loads(capsys.readouterr().out)
    body = statement_bytes(statement_from(posted["statement"]))
    want = [holderkey.holder_key(SECRET, ring(1)).did, SigningKey.from_seed(phone).did]
    assert [one["key"] for one in posted["signatures"]] == want
    for one in posted["signatures"]:
        check_signature(one["key"], body, one["sig"])


@pytest.mark.parametrize(
    ("content", "error", "message"),
    [(b"short", Malformed, "owner code"), ("é".encode() * 11, Malformed, "plain letters"), (None, Invalid, "neither")],
)
def test_without_a_code_or_key_nothing_is_signed(
    draft: Path, tmp_path: Path, content: bytes | None, error: Any, message: str
) -> None:
    words = [str(draft)]
    if content is not None:
        (tmp_path / "code").write_bytes(content)
        words += ["--owner-code-file", str(tmp_path / "code")]
    with pytest.raises(error, match=message):
        sign.main(words)


@pytest.fixture
def asked(tmp_path: Path) -> Path:
    path = tmp_path / "asked.json"
    path.write_text(json.dumps({"ledger": "ab" * 32, "subject": ring(1), "grant": "cd" * 32}))
    (tmp_path / "code").write_text(holderkey.format_code(SECRET))
    return path


def test_an_asking_to_read_is_signed_by_the_owner_codes_key(asked: Path, capsys: pytest.CaptureFixture[str]) -> None:
    own = holderkey.holder_key(SECRET, ring(1))
    before = time.time_ns() // 1000
    assert sign.main([str(asked), "--reading", "--owner-code-file", str(asked.parent / "code")]) == 0
    signed = parse_asking(json.loads(capsys.readouterr().out))
    held = Held(Holding((Grant(own.did, "receipt", "cd" * 32),)))
    check_asking(signed, ledger="ab" * 32, subject=ring(1), held=held, now=before)


@pytest.mark.parametrize(
    ("change", "words", "message"),
    [
        ({"at": "2026-01-01T00:00:00Z"}, ["code"], "nothing else"),
        ({"grant": 5}, ["code"], "each a text"),
        ({"grant": "cd"}, ["code"], "64 hex"),
        ({}, ["code", "key"], "several keys"),
        ({}, [], "neither"),
    ],
)
def test_an_asking_out_of_form_is_not_signed(
    asked: Path, change: dict[str, Any], words: list[str], message: str
) -> None:
    asked.write_text(json.dumps(json.loads(asked.read_text()) | change))
    (asked.parent / "key").write_text("07" * 32)
    options = {"code": "--owner-code-file", "key": "--key"}
    more = [word for name in words for word in (options[name], str(asked.parent / name))]
    with pytest.raises(Invalid, match=message):
        sign.main([str(asked), "--reading", *more])
