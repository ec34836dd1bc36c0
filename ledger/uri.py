"""Subjects of statements, one spelling each (format.md §2), and the GS1 Digital Links that lead to them.

An item is a GTIN with a serial (AI 01 and 21), a GIAI (AI 8004) or a uuid; a party, a case and the ledger are
uuids; the authority of a party is its uuid with ``#authority``. Two spellings of one item would be two
histories, so whatever is not the canonical spelling is refused, and a scanned code is brought to it by
``from_digital_link``.

>>> subject_kind("https://id.gs1.org/01/09520123456788/21/R%2F001")
'gs1'
>>> from_digital_link("HTTPS://shop.example/i/01/9520123456788/10/LOT/21/R%2f001?17=271231")
'https://id.gs1.org/01/09520123456788/21/R%2F001'
>>> gs1_subject("8004", "95201234-(A)")
'https://id.gs1.org/8004/95201234-%28A%29'
>>> check_digit("0952012345678")
'8'
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Literal
from urllib.parse import unquote_to_bytes

from ledger.errors import Invalid, Malformed

Kind = Literal["gs1", "uuid", "authority"]

HOST = "https://id.gs1.org"
SERIAL_CHARACTERS = 20
GIAI_CHARACTERS = 30
# A subject has at most 118 characters; a link on a label may carry a stem and attributes as well.
MAX_LINK = 2048
# The longest path of a subject is 30 characters of a GIAI, each as three.
_MAX_SUBJECT = 128
_CACHED_SUBJECTS = 16384

_BARE = "A-Za-z0-9._-"
# The characters of CSET 82 that a segment of a path spells as % and two digits, and no others.
_ESCAPED = "%(?:2[1256789ABCF]|3[A-F])"
_NO_DOTS = r"(?!\.{1,2}\Z)"
_CHARACTER = f"(?:[{_BARE}]|{_ESCAPED})"
_UUID = "urn:uuid:[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"
_SUBJECT = re.compile(
    f"(?P<uuid>{_UUID})(?P<authority>#authority)?"
    f"|{re.escape(HOST)}/(?:"
    f"01/(?P<gtin>[0-9]{{14}})/21/{_NO_DOTS}{_CHARACTER}{{1,{SERIAL_CHARACTERS}}}"
    f"|8004/{_NO_DOTS}{_CHARACTER}{{1,{GIAI_CHARACTERS}}})"
)
_PARTY = re.compile(_UUID)

_CSET_82 = re.compile(r"""[!"%&'()*+,./0-9:;<=>?A-Z_a-z-]+""")
_TO_ESCAPE = re.compile(f"[^{_BARE}]")
_GTIN_LENGTHS = (8, 12, 13, 14)
_DIGITS = re.compile("[0-9]+")

_FORMS = "urn:uuid: and a lower-case uuid, https://id.gs1.org/01/…/21/… or https://id.gs1.org/8004/…"
# Scheme, host, and a path that ends with a key; the batch and variant qualifiers may stand before the serial.
_LINK = re.compile(
    r"(?:https?|HTTPS?)://[^/?#\s\\@]+(?:/[^/?#\s]+)*?/"
    r"(?:01/(?P<gtin>[^/?#\s]+)(?:/22/[^/?#\s]+)?(?:/10/[^/?#\s]+)?/21/(?P<serial>[^/?#\s]+)"
    r"|8004/(?P<giai>[^/?#\s]+))"
    r"/?(?:\?[^#]*)?(?:#.*)?"
)
_STRAY_PERCENT = re.compile("%(?![0-9A-Fa-f]{2})")


@lru_cache(maxsize=_CACHED_SUBJECTS)
def subject_kind(uri: str) -> Kind:
    """Return which form of subject ``uri`` has: ``gs1``, ``uuid`` or ``authority``.

    What a uuid stands for is fixed by its first entry. Raises ``Invalid`` unless ``uri`` is a subject in its
    one canonical spelling (format.md §2).
    """
    found = _SUBJECT.fullmatch(uri)
    if found is None:
        raise Invalid(f"got subject {uri[:_MAX_SUBJECT]!r}, want {_FORMS}")
    if found["uuid"]:
        return "authority" if found["authority"] else "uuid"
    if found["gtin"] and not _is_checked(found["gtin"]):
        raise Invalid(f"got GTIN {found['gtin']}, want the check digit {check_digit(found['gtin'][:-1])}")
    return "gs1"


def is_subject(uri: str) -> bool:
    """Return whether ``uri`` is a subject in canonical form."""
    try:
        subject_kind(uri)
    except Invalid:
        return False
    return True


def authority_of(party: str) -> str:
    """Return the authority subject of a party; raises ``Invalid`` unless ``party`` is a uuid."""
    if not _PARTY.fullmatch(party):
        raise Invalid(f"got party {party[:_MAX_SUBJECT]!r}, want urn:uuid: and a lower-case uuid")
    return party + "#authority"


def party_of(authority: str) -> str:
    """Return the party of an authority subject; raises ``Invalid`` unless it is one."""
    party = authority.removesuffix("#authority")
    if party == authority or not _PARTY.fullmatch(party):
        raise Invalid(f"got {authority[:_MAX_SUBJECT]!r}, want a party and #authority")
    return party


def check_digit(body: str) -> str:
    """Return the GS1 mod-10 check digit that follows ``body``; raises ``Invalid`` unless those are digits.

    From the right the weights are 3, 1, 3, 1 … (GS1 General Specifications 7.9).
    """
    if not _DIGITS.fullmatch(body):
        raise Invalid(f"got {body[:_MAX_SUBJECT]!r}, want decimal digits")
    total = sum(map(int, body[::-2])) * 3 + sum(map(int, body[-2::-2]))
    return str(-total % 10)


def format_gtin(digits: str) -> str:
    """Return a GTIN of 8, 12, 13 or 14 digits as 14; raises ``Invalid`` for any other text or check digit."""
    if len(digits) not in _GTIN_LENGTHS or not _DIGITS.fullmatch(digits):
        raise Invalid(f"got GTIN {digits[:_MAX_SUBJECT]!r}, want 8, 12, 13 or 14 digits")
    if check_digit(digits[:-1]) != digits[-1]:
        raise Invalid(f"got GTIN {digits}, want the check digit {check_digit(digits[:-1])}")
    return digits.zfill(14)


def gs1_subject(ai: Literal["01", "8004"], key: str, serial: str | None = None) -> str:
    """Return the canonical subject of an item from its plain values, in which nothing is percent-encoded.

    ``ai`` is ``01`` (``key`` a GTIN of 8 to 14 digits, with a serial) or ``8004`` (``key`` a GIAI, no
    serial). Raises ``Invalid`` for a wrong check digit, a length or character that GS1 does not allow, and
    ``.`` or ``..``.
    """
    if ai == "01" and serial is not None:
        return f"{HOST}/01/{format_gtin(key)}/21/{_escape(serial, SERIAL_CHARACTERS)}"
    if ai == "8004" and serial is None:
        return f"{HOST}/8004/{_escape(key, GIAI_CHARACTERS)}"
    raise Invalid(f"got application identifier {ai[:4]!r}, want 01 with a serial or 8004 without")


def from_digital_link(url: str) -> str:
    """Return the subject of the item that a GS1 Digital Link of any host names; a serial or a GIAI is needed.

    Batch and variant, attributes and fragment say nothing about which item it is and are dropped; the host
    does not matter either. Raises ``Malformed`` for what is no such link, and for whatever ``gs1_subject``
    refuses.
    """
    found = _LINK.fullmatch(url) if len(url) <= MAX_LINK and url.isascii() else None
    if found is None or _STRAY_PERCENT.search(url.partition("?")[0]):
        raise Malformed(f"got {url[:_MAX_SUBJECT]!r}, want a GS1 Digital Link with 01 and 21 or with 8004")
    try:
        if found["giai"]:
            return gs1_subject("8004", _unescape(found["giai"]))
        return gs1_subject("01", _unescape(found["gtin"]), _unescape(found["serial"]))
    except Invalid as error:
        raise Malformed(error.message) from None


def _is_checked(gtin: str) -> bool:
    # Fourteen ASCII digits: 14 times 48, half of them tripled, is 1344.
    digits = gtin.encode()
    return (3 * sum(digits[::2]) + sum(digits[1::2]) - 1344) % 10 == 0


def _escape(value: str, limit: int) -> str:
    if not 1 <= len(value) <= limit or not _CSET_82.fullmatch(value) or value in {".", ".."}:
        got = value[:_MAX_SUBJECT]
        raise Invalid(f"got {got!r}, want 1 to {limit} characters of GS1 CSET 82, neither . nor ..")
    return _TO_ESCAPE.sub(lambda found: f"%{ord(found[0]):02X}", value)


def _unescape(segment: str) -> str:
    # latin-1 keeps every byte one character; what is not ASCII is refused as outside CSET 82.
    return unquote_to_bytes(segment).decode("latin-1")
