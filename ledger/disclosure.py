"""Private members of a statement: disclosures and digests of RFC 9901 (SD-JWT), narrowed by format.md §2.

A disclosure is base64url of the canonical JSON ``[salt, name, value]``. The statement carries only its
SHA-256, so that the value can be shown to some, checked by them, and erased, while the signed bytes stay as
they are. Digests are sorted and mixed with decoys: they tell neither which members there are nor how many.

>>> digest("WyJfMjZiYzRMVC1hYzZxMktJNmNCVzVlcyIsICJmYW1pbHlfbmFtZSIsICJNw7ZiaXVzIl0")
'X9yH0Ajrdm1Oij4tWso9UzzKJvPoDxwmuEcO3XAdRC0'
>>> text = make_disclosure("price", {"amount": "120.00", "currency": "EUR"}, bytes(16))
>>> check_disclosures([digest(text)], [text])
{'price': {'amount': '120.00', 'currency': 'EUR'}}
"""

from __future__ import annotations

import re
from base64 import urlsafe_b64decode
from binascii import b2a_base64
from collections.abc import Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any

import msgspec

from ledger import canonical
from ledger.errors import Disproved, Invalid, Malformed

MIN_SALT_BYTES = 16
MAX_SALT_BYTES = 32
MAX_DIGESTS = 64
DIGEST_BYTES = 32
RESERVED = frozenset({"_sd", "_sd_alg"})

_URL_SAFE = bytes.maketrans(b"+/", b"-_")
_NAME = re.compile("_?[A-Za-z][A-Za-z0-9_]{0,62}")
_BASE64URL = re.compile("[A-Za-z0-9_-]*")
# 32 bytes are 256 bits and 43 letters 258: the last two bits are zeros in the one spelling.
_DIGEST = re.compile("[A-Za-z0-9_-]{42}[AEIMQUYcgkosw048]")


@dataclass(frozen=True, slots=True)
class Disclosure:
    """A private member in clear: its salt of 16 to 32 bytes, its name, and its value as plain JSON values."""

    name: str
    value: Any = field(repr=False)
    salt: bytes = field(repr=False)


def make_disclosure(name: str, value: Any, salt: bytes) -> str:
    """Return the disclosure of a private member; ``salt`` is 16 to 32 random bytes, never used twice.

    Raises ``Invalid`` for a name or value that format.md §2 does not allow.
    """
    return format_base64url(encode_member(name, value, salt))


def encode_member(name: str, value: Any, salt: bytes) -> bytes:
    """Return what a disclosure spells in base64url; raises what ``make_disclosure`` raises."""
    raw = canonical.encode([format_base64url(salt), name, value])
    _check_member(name, value, salt, raw)
    return raw


def parse_disclosure(text: str) -> Disclosure:
    """Return the member in a disclosure; raises ``Malformed`` unless ``make_disclosure`` gives it."""
    raw = parse_base64url(text)
    parts = canonical.decode(raw)
    if not isinstance(parts, list) or len(parts) != 3 or not all(isinstance(part, str) for part in parts[:2]):
        raise Malformed("got a disclosure out of form, want [salt, name, value]")
    salt, name, value = parse_base64url(parts[0]), parts[1], parts[2]
    try:
        _check_member(name, value, salt, raw)
    except Invalid as error:
        raise Malformed(error.message) from None
    return Disclosure(name, value, salt)


def digest(disclosure: str) -> str:
    """Return what ``_sd`` holds for a disclosure: base64url without padding of SHA-256 over its text."""
    return format_base64url(digest_bytes(disclosure))


def digest_bytes(disclosure: str) -> bytes:
    """Return what ``digest`` spells: the SHA-256 of a disclosure's text."""
    return sha256(disclosure.encode("ascii")).digest()


def check_digests(sd: Sequence[str]) -> None:
    """Return if ``sd`` can stand as ``_sd``: 1 to 64 digests, sorted, distinct; else raises ``Invalid``."""
    if not 1 <= len(sd) <= MAX_DIGESTS:
        raise Invalid(f"got {len(sd)} digests, want 1 to {MAX_DIGESTS}", "/_sd")
    for place, text in enumerate(sd):
        if not _DIGEST.fullmatch(text):
            raise Invalid("got a digest out of form, want 32 bytes in base64url", f"/_sd/{place}")
        if place and sd[place - 1] >= text:
            raise Invalid("got digests out of order or one twice, want them sorted", f"/_sd/{place}")


def check_disclosures(sd: Sequence[str], disclosures: Sequence[str]) -> dict[str, Any]:
    """Return the private members, by name, that disclosures open of the statement whose ``_sd`` is ``sd``.

    Raises ``Disproved`` (check 9 of format.md §7) for a disclosure out of form, one whose digest is not
    there, or a name twice. What it returns is a space of its own and never merged into ``details``.
    """
    members: dict[str, Any] = {}
    # Bounded before work: as many names as digests, each once.
    if len(disclosures) > len(sd):
        raise Disproved(f"got {len(disclosures)} disclosures, want at most {len(sd)}", 9)
    for text in disclosures:
        try:
            member = parse_disclosure(text)
        except Malformed as error:
            raise Disproved(error.message, 9) from None
        if digest(text) not in sd:
            raise Disproved(f"got a disclosure of {member.name} whose digest is not in the statement", 9)
        if member.name in members:
            raise Disproved(f"got two disclosures of {member.name}, want one", 9)
        members[member.name] = member.value
    return members


def format_base64url(raw: bytes) -> str:
    """Return ``raw`` in base64url without padding (RFC 4648 §5)."""
    return b2a_base64(raw, newline=False).translate(_URL_SAFE, b"=").decode()


def format_each(raws: Sequence[bytes]) -> list[str]:
    """Return each of ``raws`` in base64url without padding, in a third of the time that one by one takes."""
    # The encoder writes bytes as base64; what JSON puts around them is left out with the padding.
    text = msgspec.json.encode(raws).translate(_URL_SAFE, b'="[]').decode()
    return text.split(",") if raws else []


def parse_base64url(text: str) -> bytes:
    """Return the bytes that ``text`` spells; raises ``Malformed`` unless it is their one spelling."""
    if _BASE64URL.fullmatch(text) and len(text) % 4 != 1:
        raw = urlsafe_b64decode(text + "=" * (-len(text) % 4))
        if format_base64url(raw) == text:
            return raw
    raise Malformed("got text that is no base64url without padding")


def _check_member(name: str, value: Any, salt: bytes, raw: bytes) -> None:
    """Raise ``Invalid`` for a member that format.md §2 does not allow; ``raw`` is it in canonical JSON, so not deep."""
    if not MIN_SALT_BYTES <= len(salt) <= MAX_SALT_BYTES:
        raise Invalid(f"got a salt of {len(salt)} bytes, want {MIN_SALT_BYTES} to {MAX_SALT_BYTES}")
    if not _NAME.fullmatch(name) or name in RESERVED:
        raise Invalid(f"got private member {name[:80]!r}, want a member name but not _sd or _sd_alg")
    # A name is written with no escapes: where this is not to be seen, no member of the value has a reserved one.
    open_values = [value] if b'"_sd' in raw else []
    while open_values:
        item = open_values.pop()
        if isinstance(item, dict):
            if not RESERVED.isdisjoint(item):
                raise Invalid(f"got a value of {name} with a member _sd or _sd_alg, want none")
            open_values.extend(item.values())
        elif isinstance(item, list | tuple):
            open_values.extend(item)
