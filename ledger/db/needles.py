"""What a record can be found by, in one spelling each: telephone, e-mail, and the numbers on papers and things.

A telephone number is written as E.164 (by Google's library, with the country of the party that wrote it for numbers
without one); letters of all others are folded, and whatever is neither letter nor digit is left out of numbers.

>>> normal("phone", "(0171) 5550 100", "DE"), normal("phone", "+49 171 5550100", None)
('+491715550100', '+491715550100')
>>> normal("email", " Jane.Doe@Example.ORG ", None), normal("certificate_no", "No. 12-345/b", None)
('jane.doe@example.org', 'no12345b')
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import unquote

import phonenumbers

from ledger.leaf import Statement

PRIVATE = ("phone", "email", "receipt_no")
PUBLIC = ("certificate_no", "serial", "job_no")
FIELDS = (*PRIVATE, *PUBLIC)
MAX_TEXT = 200
MAX_VALUES = 32
"""Values of one statement that it is found by: more make rows, and no customer has more numbers."""
_MIN_DIGITS = 4
_SERIAL = "/21/"


def normal(field: str, text: str, country: str | None) -> str | None:
    """The one spelling of a value, or ``None`` if nothing is left that could be looked for."""
    text = unicodedata.normalize("NFKC", text[:MAX_TEXT]).strip()
    if field == "phone":
        return _phone(text, country)
    folded = text.casefold()
    if field == "email":
        return folded if "@" in folded else None
    return "".join(letter for letter in folded if letter.isalnum()) or None


def _phone(text: str, country: str | None) -> str | None:
    try:
        number = phonenumbers.parse(text, country)
    except phonenumbers.NumberParseException:
        number = None
    if number is not None and phonenumbers.is_possible_number(number):
        return str(phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164))
    # An extension, or a number of a country that is not known: its digits are found by the same digits.
    digits = "".join(str(unicodedata.digit(letter)) for letter in text if letter.isdigit())
    return digits if len(digits) >= _MIN_DIGITS else None


def public_values(statement: Statement) -> Iterator[tuple[str, str]]:
    """The values that a statement is found by and that stand in it: (field, as written)."""
    for field in ("certificate_no", "job_no"):
        value = statement.details.get(field)
        if isinstance(value, str):
            yield field, value
    if statement.type == "item.registered" and _SERIAL in statement.subjects[0]:
        yield "serial", unquote(statement.subjects[0].rpartition(_SERIAL)[2])


def private_values(private: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """The values that a statement is found by among its private members, however deep: (field, as written)."""
    # Files are the one member that is often there and never has any.
    waiting: list[tuple[str, Any]] = [one for one in private.items() if one[0] != "attachments"]
    while waiting:
        name, value = waiting.pop()
        if isinstance(value, Mapping):
            waiting += value.items()
        elif isinstance(value, list):
            waiting += [(name, one) for one in value]
        elif name in FIELDS and isinstance(value, str):
            yield name, value
