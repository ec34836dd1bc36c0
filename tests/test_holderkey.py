"""Owner codes and the keys they make, against RFC 5869 written plainly and Wycheproof."""

from __future__ import annotations

import contextlib
import hmac
from base64 import urlsafe_b64encode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.dsse import SigningKey
from ledger.errors import Invalid, Malformed
from ledger.holderkey import (
    format_code,
    format_typed,
    holder_key,
    paper_token,
    parse_code,
    parse_owner_code,
    parse_typed,
)
from tests.vectors import vector

SECRET = bytes(range(16))
ITEM = "https://id.gs1.org/01/09520123456788/21/R%2F001"
CASE = "urn:uuid:120a2e06-367e-7c4c-84f5-a0974d40644c"
secrets = st.binary(min_size=16, max_size=16)


def hkdf(secret: bytes, salt: bytes, purpose: bytes, size: int) -> bytes:
    """RFC 5869 with SHA-256."""
    extracted = hmac.digest(salt or bytes(32), secret, "sha256")
    output = last = b""
    for counter in range(1, -(-size // 32) + 1):
        last = hmac.digest(extracted, last + purpose + bytes([counter]), "sha256")
        output += last
    return output[:size]


def test_the_plain_hkdf_is_that_of_wycheproof() -> None:
    cases = 0
    for group in vector("wycheproof/hkdf_sha256_test.json")["testGroups"]:
        for case in group["tests"]:
            if case["result"] == "valid":
                secret, salt, purpose = (bytes.fromhex(case[name]) for name in ("ikm", "salt", "info"))
                assert hkdf(secret, salt, purpose, case["size"]).hex() == case["okm"]
                cases += 1
    assert cases > 70


def test_key_of_the_vector_ledger() -> None:
    holder = vector("patina-format/ledger.json")["holder"]
    assert holder_key(bytes.fromhex(holder["secret"]), holder["subject"]).did == holder["did"]


@given(secrets, st.sampled_from([ITEM, CASE, ITEM + "x"]))
def test_codes_of_a_paper_are_those_of_the_plain_hkdf(secret: bytes, subject: str) -> None:
    raw = hkdf(secret, b"", b"patina/v1/paper\n" + subject.encode(), 16)
    assert paper_token(secret, subject) == urlsafe_b64encode(raw).decode().rstrip("=")
    with pytest.raises(Invalid, match="want 16"):
        paper_token(secret[1:], subject)


@given(secrets, st.sampled_from([ITEM, CASE, ITEM + "x"]))
def test_keys_are_those_of_the_plain_hkdf(secret: bytes, subject: str) -> None:
    seed = hkdf(secret, b"", b"patina/v1/holder\n" + subject.encode(), 32)
    assert holder_key(secret, subject) == SigningKey.from_seed(seed)


def test_each_item_has_its_own_key() -> None:
    assert len({holder_key(SECRET, subject).did for subject in (ITEM, ITEM + "x", CASE)}) == 3


@pytest.mark.parametrize("subject", [CASE + "#authority", ITEM.lower(), ITEM + "/", ""])
def test_what_has_no_holder(subject: str) -> None:
    with pytest.raises(Invalid):
        holder_key(SECRET, subject)


@pytest.mark.parametrize("size", [0, 15, 17, 32])
def test_secrets_of_another_length(size: int) -> None:
    for use in (format_code, format_typed, lambda secret: holder_key(secret, ITEM)):
        with pytest.raises(Invalid, match="want 16"):
            use(bytes(size))


@given(secrets)
def test_the_printed_code_round_trips(secret: bytes) -> None:
    code = format_code(secret)
    assert code == urlsafe_b64encode(secret).decode()[:22]
    assert parse_code(code) == parse_owner_code(code) == secret


@given(secrets, st.data())
def test_the_typed_code_round_trips_however_it_is_typed(secret: bytes, data: st.DataObject) -> None:
    code = format_typed(secret)
    # Crockford's digits, by plain division.
    number, digits = int.from_bytes(secret, "big"), ""
    for _ in range(26):
        number, digit = divmod(number, 32)
        digits = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"[digit] + digits
    assert code == digits
    read_as = {"0": "0Oo", "1": "1IiLl"}
    typed = "".join(
        data.draw(st.sampled_from(read_as.get(character, character + character.lower())))
        + data.draw(st.sampled_from(["", "", "-", " "]))
        for character in code
    )
    assert parse_typed(code) == parse_typed(typed) == secret
    assert parse_owner_code(code) == secret
    if len(typed) != 22:
        assert parse_owner_code(typed) == secret


@pytest.mark.parametrize(
    "text",
    ["", "A" * 21, "A" * 23, "A" * 22 + "\n", "A" * 21 + "B", "A" * 21 + "=", "+" + "A" * 21, "\u0661" + "A" * 21],
)
def test_what_is_no_printed_code(text: str) -> None:
    with pytest.raises(Malformed):
        parse_code(text)
    with pytest.raises(Malformed):
        parse_owner_code(text)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "0" * 25,
        "0" * 27,
        "0" * 25 + "U",
        "0" * 25 + "_",
        "0" * 25 + "\u0661",
        "0" * 25 + "\n",
        "0" * 25 + "\u0131",  # a letter whose upper case is I
        "8" + "0" * 25,
        "Z" * 26,
    ],
)
def test_what_is_no_typed_code(text: str) -> None:
    with pytest.raises(Malformed):
        parse_typed(text)
    with pytest.raises(Malformed):
        parse_owner_code(text)


def test_the_largest_code() -> None:
    assert parse_typed("7" + "Z" * 25) == b"\xff" * 16


def test_errors_do_not_tell_the_code() -> None:
    for text in ("A" * 21 + "B", "8" + "0" * 25, "SECRET" * 4 + "\u0131S"):
        with pytest.raises(Malformed) as error:
            parse_owner_code(text)
        assert text not in str(error.value)


@given(st.text(max_size=30) | st.text("0O1lI-zZ", min_size=20, max_size=30))
def test_only_our_errors(text: str) -> None:
    for parse in (parse_code, parse_typed, parse_owner_code):
        with contextlib.suppress(Malformed):
            assert len(parse(text)) == 16
