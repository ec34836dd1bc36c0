"""Short codes: their spelling, and that no slip of one or two characters makes another one."""

from __future__ import annotations

from hashlib import sha256
from itertools import combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.disclosure import format_base64url
from ledger.shortcode import CHARACTERS, parse_short, short_of

CROCKFORD = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
tokens = st.binary(min_size=16, max_size=16).map(format_base64url)

# The powers of x in the field of 32 elements, by hand: x^5 = x^2 + 1.
POWERS = (1, 2, 4, 8, 16, 5, 10, 20, 13, 26, 17, 7)


def times_power(value: int, power: int) -> int:
    """A product in the field: the powers of x that the bits of ``value`` stand for, each moved up."""
    product = 0
    for bit in range(5):
        if value >> bit & 1:
            moved = POWERS[power]
            for _ in range(bit):
                moved = (moved << 1) ^ (0b100101 if moved & 16 else 0)
            product ^= moved
    return product


@given(tokens)
def test_a_code_is_55_bits_of_a_hash_and_a_character_that_checks(token: str) -> None:
    code = short_of(token)
    digits = [CROCKFORD.index(one) for one in code.replace("-", "")]
    bits = f"{int.from_bytes(sha256(b'patina/v1/short' + bytes([10]) + token.encode()).digest(), 'big'):0256b}"[:55]
    assert "".join(f"{digit:05b}" for digit in digits[:-1]) == bits
    terms = [times_power(digit, CHARACTERS - 1 - place) for place, digit in enumerate(digits)]
    total = 0
    for term in terms:
        total ^= term
    assert total == 0


@given(tokens)
def test_typed_in_any_way_it_is_the_same_code(token: str) -> None:
    code = short_of(token)
    loose = code.lower().replace("0", "o").replace("1", "l")
    for typed in (code, code.replace("-", ""), f" {loose} ", loose.replace("-", " "), code.replace("1", "I")):
        assert parse_short(typed) == code


@pytest.mark.parametrize("token", ["AAECAwQFBgcICQoLDA0ODw", "mMVpXipaxqUx9hoAcGapFg"])
def test_no_wrong_character_and_no_two_that_changed_places_make_another_code(token: str) -> None:
    typed = short_of(token).replace("-", "")
    wrong = {typed[:at] + one + typed[at + 1 :] for at in range(CHARACTERS) for one in CROCKFORD if one != typed[at]}
    assert len(wrong) == CHARACTERS * 31
    for i, j in combinations(range(CHARACTERS), 2):
        letters = list(typed)
        letters[i], letters[j] = letters[j], letters[i]
        wrong.add("".join(letters))
    assert [one for one in wrong - {typed} if parse_short(one) is not None] == []


@pytest.mark.parametrize(
    "text", ["", "V1N8", "V1N8-QSG1-FKRQ-0", "V1N8-QSG1-FKRU", "V1N8-QSG1-FKRé", "٣" * 12, "V" * 999]
)
def test_anything_else_is_no_code(text: str) -> None:
    assert parse_short("V1N8-QSG1-FKRQ") == "V1N8-QSG1-FKRQ"
    assert parse_short(text) is None
