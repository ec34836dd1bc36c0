"""Who is told, read from the private members at the moment of sending, and the link by which she ends it.

An address is what the case's own statements say of their ``customer``, the newest first: ``email``, ``phone`` and
``language``. What a shop knows of her from elsewhere, such as a sale, is not used for this. Of whom the members were
erased nothing is left here, and so nothing goes out.

The link says which addresses it closes (keyed hashes) and is signed; so it works for as long as the ledger has its
keys, also after an erasure, and nobody can make one for somebody else.
"""

from __future__ import annotations

import hmac
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from api.notices.words import language_of
from api.smtp import is_address
from ledger.course import Course
from ledger.db.needles import normal
from ledger.db.outbox import Outbox
from ledger.db.vault import Vault
from ledger.disclosure import format_base64url, parse_base64url, parse_disclosure
from ledger.errors import Malformed
from ledger.party import Parties

_HASH: Final = 16
_SIZES: Final = frozenset({2 * _HASH, 3 * _HASH})


@dataclass(frozen=True, slots=True)
class Contact:
    """A customer's addresses, as the ``owner`` recorded them in ``statement``; "" where there is none."""

    statement: str
    owner: str
    language: str
    email: str = field(default="", repr=False)
    phone: str = field(default="", repr=False)


def contact_of(course: Course, vault: Vault, parties: Parties) -> Contact | None:
    """The customer of a case, if its statements name an address that is still kept."""
    kept = vault.disclosures(course.subject)
    for step in reversed(course.steps):
        texts = kept.get(step.statement, []) if step.stands else []
        customer = next((one.value for one in map(parse_disclosure, texts) if one.name == "customer"), None)
        if isinstance(customer, Mapping):
            country = parties.parties[step.party].country if step.party in parties.parties else None
            found = Contact(
                statement=step.statement,
                owner=step.party,
                language=language_of(_text(customer, "language"), country),
                email=plain_email(_text(customer, "email")),
                phone=_phone(_text(customer, "phone"), country),
            )
            if found.email or found.phone:
                return found
    return None


def hashes_of(contact: Contact, outbox: Outbox) -> tuple[bytes, ...]:
    """The keyed hashes of a contact's addresses."""
    addresses = (("email", contact.email.casefold()), ("phone", contact.phone))
    return tuple(outbox.keyed(name, text) for name, text in addresses if text)


def format_link(hashes: Sequence[bytes], outbox: Outbox) -> str:
    """What the link of these addresses ends in; ``parse_link`` undoes it."""
    said = b"".join(hashes)
    return format_base64url(said + outbox.keyed("link", said.hex()))


def parse_link(text: str, outbox: Outbox) -> tuple[bytes, ...] | None:
    """The hashes that a link closes; ``None`` unless it was made here."""
    try:
        raw = parse_base64url(text[:200])
    except Malformed:
        return None
    said, mark = raw[:-_HASH], raw[-_HASH:]
    if len(raw) not in _SIZES or not hmac.compare_digest(mark, outbox.keyed("link", said.hex())):
        return None
    return tuple(said[at : at + _HASH] for at in range(0, len(said), _HASH))


def _text(customer: Mapping[str, Any], name: str) -> str:
    value = customer.get(name)
    if isinstance(value, list):
        value = value[0] if value else None
    return value.strip() if isinstance(value, str) else ""


def plain_email(text: str) -> str:
    """An address that mail can be sent to as it stands, or ""; its domain is spelled in small ASCII letters."""
    local, at, domain = text.rpartition("@")
    try:
        ascii_domain = domain.encode("idna").decode("ascii").lower()
    except UnicodeError:
        return ""
    found = local + at + ascii_domain
    return found if is_address(found) else ""


def _phone(text: str, country: str | None) -> str:
    """A number as E.164, or "" if it is none."""
    spelt = normal("phone", text, country)
    return spelt if spelt is not None and spelt.startswith("+") else ""
