"""`patina sign` with an owner code: the holder's own signature, for who does not trust the operator's page."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from ledger import holderkey
from ledger.dsse import SigningKey, check_signature
from ledger.errors import Invalid, Malformed
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
