"""The owner code's vectors: made by the reference from the RFCs, and met by the program; the browser has them too."""

from __future__ import annotations

import json
from base64 import b64decode
from pathlib import Path
from typing import Any

import pytest

from ledger import canonical, dsse, holderkey
from ledger.asking import Asking, sign_asking
from tests.reference import holder

FILE = Path(__file__).parent / "vectors" / "holder.json"
VECTORS: list[dict[str, Any]] = json.loads(FILE.read_text("utf-8"))


def test_the_file_is_what_the_reference_makes() -> None:
    assert FILE.read_text("utf-8") == holder.vectors()


def test_the_reference_meets_the_rfcs_own_vectors() -> None:
    """RFC 8032 §7.1 TEST 2; RFC 5869 A.3 in its first block."""
    seed = bytes.fromhex("4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb")
    assert holder.public(seed).hex() == "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c"
    assert holder.sign(seed, b"\x72").hex() == (
        "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da"
        "085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00"
    )
    secret = b"\x0b" * 22
    assert holder.hkdf(secret, b"", 32).hex() == "8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c738d2d"


@pytest.mark.parametrize("vector", VECTORS, ids=lambda vector: str(vector["code"]))
def test_the_program_meets_the_vectors(vector: dict[str, Any]) -> None:
    secret = bytes.fromhex(vector["secret"])
    key = holderkey.holder_key(secret, vector["subject"])
    assert (holderkey.format_code(secret), holderkey.format_typed(secret)) == (vector["code"], vector["typed"])
    assert holderkey.parse_owner_code(vector["code"]) == holderkey.parse_owner_code(vector["typed"]) == secret
    assert holderkey.view_token(secret) == vector["view_token"]
    assert key.did == vector["did"]
    body = canonical.encode(vector["statement"])
    assert body.decode() == vector["canonical"]
    assert dsse.sign_statement(body, key) == {"key": vector["did"], "sig": vector["sig"]}
    dsse.check_signature(vector["did"], vector["canonical"].encode(), vector["sig"])
    assert len(b64decode(vector["sig"])) == 64
    asking = Asking(**vector["asked"])
    signature = {"key": vector["did"], "sig": vector["asked_sig"]}
    assert sign_asking(asking, key) == {"asked": vector["asked"], "signature": signature}
