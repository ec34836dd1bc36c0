"""How a holder asks to read: the form of an asking, the bytes that her key signs, and who is refused (ADR 0015).

    {"asked": {"ledger", "subject", "grant", "at"}, "signature": {"key", "sig"}}

What is signed is the canonical ``asked`` in DSSE's pre-authentication encoding, under a payload type of its own: no
asking can be read as a statement, and no statement as an asking. It names the ledger, the subject and the entry that
made the key the holder's, so that it opens nothing else, and is good for five minutes around ``at``.

>>> from ledger.dsse import SigningKey
>>> key = SigningKey.from_seed(bytes(range(32)))
>>> asking = Asking("ab" * 32, "urn:uuid:019a2e06-367e-7c4c-84f5-a0974d40644c", "cd" * 32, "2026-11-25T10:00:00Z")
>>> message(asking)[:53]
b'DSSEv1 38 application/vnd.patina.reading.v1+json 238 '
>>> parse_asking(sign_asking(asking, key)).asking == asking
True
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Final

from ledger import canonical, times, uri
from ledger.dsse import SigningKey, check_message, pae, signature_of
from ledger.errors import Forbidden, Invalid, Malformed
from ledger.holding import Held

PAYLOAD_TYPE: Final = "application/vnd.patina.reading.v1+json"
GOOD_FOR: Final = 5 * times.MINUTE
"""How far ``at`` may be from the clock of who is asked: a telephone's clock, and a slow line."""
_HEX64 = re.compile("[0-9a-f]{64}")
_LONGEST = 300


@dataclass(frozen=True, slots=True)
class Asking:
    """What a holder asks for: the ``subject`` in a ``ledger``, by the ``grant`` of her key, ``at`` a time."""

    ledger: str
    subject: str
    grant: str
    at: str


@dataclass(frozen=True, slots=True)
class Signed:
    """An asking with the did:key and the base64 signature that came with it; nothing is verified yet."""

    asking: Asking
    key: str
    sig: str


def message(asking: Asking) -> bytes:
    """The bytes that are signed."""
    return pae(canonical.encode(asdict(asking)), PAYLOAD_TYPE)


def sign_asking(asking: Asking, key: SigningKey) -> dict[str, Any]:
    """The asking as it is sent, signed by the holder's key."""
    return {"asked": asdict(asking), "signature": signature_of(message(asking), key)}


def parse_asking(value: Mapping[str, Any]) -> Signed:
    """The asking in a decoded JSON object; raises ``Invalid``, with a pointer, for what is out of form."""
    asked = _texts(value, "asked", ("ledger", "subject", "grant", "at"))
    signature = _texts(value, "signature", ("key", "sig"))
    for name in value:
        if name not in {"asked", "signature"}:
            raise Invalid(f"got the member {name[:64]!r}, want asked and signature", f"/{name}")
    for name in ("ledger", "grant"):
        if not _HEX64.fullmatch(asked[name]):
            raise Invalid(f"got a {name} out of form, want 64 hex digits", f"/asked/{name}")
    if not uri.is_subject(asked["subject"]):
        raise Invalid("got a subject out of form", "/asked/subject")
    try:
        times.parse_occurred(asked["at"])
    except (Invalid, Malformed) as error:
        raise Invalid(error.message, "/asked/at") from None
    return Signed(Asking(**asked), signature["key"], signature["sig"])


def check_asking(signed: Signed, *, ledger: str, subject: str, held: Held, now: int) -> None:
    """Return if the present holder of ``subject`` asks; ``held`` is what is in force at ``now``.

    Raises ``Forbidden`` for another ledger or subject, a time that is not now, a grant that is not the present key's
    (also after a return, and while a claim waits), another key, and a signature that does not verify. The bearer of a
    paper is the holder until a device's key was claimed with it, and no longer.
    """
    asking, holding = signed.asking, held.holding
    if asking.ledger != ledger:
        raise Forbidden("got an asking for another ledger", "/asked/ledger")
    if asking.subject != subject:
        raise Forbidden("got an asking for another item than this code's", "/asked/subject")
    if abs(times.parse_occurred(asking.at) - now) > GOOD_FOR:
        got, want = f"got an asking of {asking.at}", f"want one within five minutes of {times.format_recorded(now)}"
        raise Forbidden(f"{got}, {want}", "/asked/at")
    if holding is None or holding.released or holding.present.entry != asking.grant:
        raise Forbidden("got a grant that is not in force, want that of the present holder's key", "/asked/grant")
    if holding.present.key != signed.key:
        raise Forbidden("got another key than the grant named", "/signature/key")
    try:
        check_message(signed.key, message(asking), signed.sig)
    except Invalid:
        raise Forbidden(
            "got a signature that does not verify, want the holder's on this asking", "/signature/sig"
        ) from None


def _texts(value: Mapping[str, Any], name: str, want: tuple[str, ...]) -> dict[str, str]:
    """The members of an object that has exactly these, each a text."""
    found = value.get(name)
    if not isinstance(found, dict) or found.keys() != set(want):
        raise Invalid(f"want {name}, an object with {', '.join(want)}", f"/{name}")
    for member, text in found.items():
        if not isinstance(text, str) or len(text) > _LONGEST:
            raise Invalid("got something else, want text", f"/{name}/{member}")
    return found
