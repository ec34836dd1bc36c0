"""What a party's public page says: who it is, what it promises in words, how it answers, and where to write to it.

Everything is from the log: the registration, the standard in force, the messages about the party and when they were
answered. Nothing of what anybody wrote is on it.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import Any, Final
from uuid import UUID

from api import fold
from api.following import BEHIND, promises_of
from ledger import feedback, times
from ledger.db.ledger import Ledger
from ledger.errors import Invalid, Unavailable
from ledger.feedback import Message
from ledger.promises import Promises
from ledger.standard_words import words as words_of

YEAR: Final = 365 * times.DAY
LANGUAGES: Final = {"en": "en", "zh-Hans": "zh_Hans", "zh-Hant": "zh_Hant"}
"""The languages of pages, as standards name them."""
ANSWERED: Final = frozenset({"met", "missed"})


@dataclass(frozen=True, slots=True)
class PartyPage:
    """The page; ``messages``, ``answered`` and ``in_time`` are those of the year before."""

    id: str
    name: str
    roles: tuple[str, ...]
    country: str
    url: str
    accreditation: Any
    suspended: bool
    standards: tuple[tuple[str, str], ...]
    promises: tuple[str, ...]
    messages: int
    answered: int
    in_time: int


def named(text: str) -> str:
    """The party of an address: its uuid, with or without ``urn:uuid:``; raises ``Invalid``."""
    try:
        return UUID(text.removeprefix("urn:uuid:")).urn
    except ValueError:
        raise Invalid("got no id of a party, want a uuid", "/party") from None


def registered(ledger: Ledger, party: str) -> bool:
    """Whether there is such a party."""
    found = ledger.reader.parties().parties.get(party)
    return found is not None and found.registered


def messages(ledger: Ledger, party: str, promises: Promises, now: int) -> list[Message]:
    """The messages about a party, oldest first."""
    told = [one.entry for one in fold.parse_entries(ledger.reader.entries(party))]
    return feedback.messages(told, partial(promises.standard, party), promises.working(party), now)


def make(ledger: Ledger, party: str, language: str, now: int) -> PartyPage | None:
    """The page of a party; ``None`` if there is none. Raises ``Unavailable`` where the lists are too far behind."""
    if not registered(ledger, party):
        return None
    promises = promises_of(ledger)
    promised, place = promises.newest(party), promises.place(party)
    if not place:
        raise Unavailable(BEHIND)
    lately = [one for one in messages(ledger, party, promises, now) if one.opened_at > now - YEAR]
    return PartyPage(
        id=party,
        name=place["name"],
        roles=tuple(place["roles"]),
        country=place.get("country", ""),
        url=place.get("url", ""),
        accreditation=place.get("accreditation"),
        suspended=ledger.view.parties.parties[party].suspended,
        standards=() if promised is None else promised.ids,
        promises=() if promised is None else tuple(words_of(promised, LANGUAGES[language]).splitlines()),
        messages=len(lately),
        answered=sum(one.standing in ANSWERED for one in lately),
        in_time=sum(one.standing == "met" for one in lately),
    )


def describe(page: PartyPage, address: str) -> dict[str, Any]:
    """The same as JSON."""
    return {
        "id": page.id,
        "name": page.name,
        "roles": page.roles,
        "country": page.country or None,
        "url": page.url or None,
        "accreditation": page.accreditation,
        "suspended": page.suspended,
        "standards": [{"standard": name, "version": version} for name, version in page.standards],
        "promises": page.promises,
        "messages": {"year": page.messages, "answered": page.answered, "in_time": page.in_time},
        "write": f"{address}/cases",
    }
