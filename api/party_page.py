"""What a party's public page says: who it is, what it promises in words, how it answers, and where to write to it.

Everything is from the log: the registration, the standard in force, the messages about the party and when they were
answered. Nothing of what anybody wrote is on it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

from api import fold
from ledger import feedback, standard, times, uri
from ledger.calendar import WorkingTime
from ledger.db.ledger import Ledger
from ledger.errors import Invalid
from ledger.feedback import Message
from ledger.leaf import Entry
from ledger.standard import Standard
from ledger.standard_figures import Facts
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


@dataclass(frozen=True, slots=True)
class Told:
    """What the log says about a party and those above it."""

    party: str
    entries: Mapping[str, list[Entry]]
    chain: tuple[str, ...]
    place: Mapping[str, Any]
    size: int

    def standard(self, index: int, facts: Facts | None = None) -> Standard | None:
        """The standard in force at an index."""
        return standard.in_force(self.entries, self.chain, index, facts)

    def working(self) -> WorkingTime:
        """Its working time, by the calendar in force now."""
        years = standard.calendar_in_force(self.entries, self.chain, str(self.place.get("calendar", "")), self.size)
        return WorkingTime(years, str(self.place.get("timezone", "")), self.place.get("hours", ()))

    def messages(self, now: int) -> list[Message]:
        """The messages about it."""
        return feedback.messages(self.entries[self.party], self.standard, self.working(), now)


def named(text: str) -> str:
    """The party of an address: its uuid, with or without ``urn:uuid:``; raises ``Invalid``."""
    try:
        return UUID(text.removeprefix("urn:uuid:")).urn
    except ValueError:
        raise Invalid("got no id of a party, want a uuid", "/party") from None


def read(ledger: Ledger, party: str) -> Told | None:
    """What the log says of a party; ``None`` if it is not registered."""
    parties = ledger.reader.parties()
    found = parties.parties.get(party)
    if found is None or not found.registered:
        return None
    parents = {one: other.parent for one, other in parties.parties.items()}
    chain = standard.chain_of(party, parents, parties.operator)
    entries = {one: [told.entry for told in fold.parse_entries(ledger.reader.entries(one))] for one in chain}
    place: Mapping[str, Any] = {}
    for told in fold.parse_entries(ledger.reader.entries(uri.authority_of(party))):
        if told.entry.statement.type in {"party.registered", "party.updated"}:
            place = told.entry.statement.details
    return Told(party, entries, chain, place, ledger.reader.size())


def make(ledger: Ledger, party: str, language: str, now: int) -> PartyPage | None:
    """The page of a party; ``None`` if there is none."""
    told = read(ledger, party)
    if told is None:
        return None
    promised = told.standard(told.size)
    lately = [one for one in told.messages(now) if one.opened_at > now - YEAR]
    place = told.place
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
