"""The short code printed beside a view code: what one types when a camera or a receipt is broken (api.md, Customers).

Twelve characters of Crockford's base 32, which has no I, L, O or U, in three groups. Eleven are the first 55 bits of
the SHA-256 of a label and the view code's token, so that whoever has the token can print them, and nobody comes from
them to the token. The twelfth checks the others: the twelve are the coefficients of a polynomial over the field of 32
elements (x⁵ + x² + 1) that is 0 at x. Any one wrong character and any two that changed places make it something else.
A short code opens what anybody may see, and no more.

>>> code = short_of("AAECAwQFBgcICQoLDA0ODw")
>>> code, parse_short(code.lower().replace("-", " ")) == code, parse_short("W" + code[1:])
('V1N8-QSG1-FKRQ', True, None)
"""

from __future__ import annotations

from hashlib import sha256

from ledger.holderkey import parse_base32, spell_base32

CHARACTERS = 12
_LABEL = b"patina/v1/short\n"
_BITS = 5 * (CHARACTERS - 1)
_GROUP = 4
_REDUCED = 0b100101
"""The polynomial of the field: what takes the place of x⁵ is what is left of it."""


def short_of(token: str) -> str:
    """Return the short code that belongs to a view code's token: three groups of four characters."""
    number = int.from_bytes(sha256(_LABEL + token.encode()).digest()[:7], "big") >> 56 - _BITS
    return _grouped(spell_base32(number << 5 | _check(number << 5), CHARACTERS))


def parse_short(text: str) -> str | None:
    """Return a short code as it was typed in its one spelling; ``None`` if it is out of form or does not check.

    Either case, spaces and hyphens anywhere, O for 0 and I or L for 1 are understood.
    """
    number = parse_base32(text, CHARACTERS)
    return None if number is None or _check(number) else _grouped(spell_base32(number, CHARACTERS))


def _check(number: int) -> int:
    """The value at x of the polynomial whose coefficients are the digits, the lowest digit at 1."""
    value = 0
    for place in reversed(range(CHARACTERS)):
        value <<= 1
        value ^= number >> 5 * place & 31
        value ^= _REDUCED if value & 32 else 0
    return value


def _grouped(typed: str) -> str:
    return "-".join(typed[start : start + _GROUP] for start in range(0, CHARACTERS, _GROUP))
