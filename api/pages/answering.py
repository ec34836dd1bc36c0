"""Who answers for an item, as its page says: what each party did to it, and who was found responsible for a fault.

The chain is ``ledger.responsibility``'s. A finding is what a shop stated; where it names a role and no party, whoever
had that role last is called presumed, and one that was disputed or taken back says so.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from api.fold import Told
from api.pages.catalogue import Catalogue
from api.pages.story import Teller
from ledger.responsibility import Found, responsibility


@dataclass(frozen=True, slots=True)
class Responsible:
    """A party by name, what it did, and a note on its key."""

    name: str
    did: str
    note: str


@dataclass(frozen=True, slots=True)
class Finding:
    """What was found of a fault, in words, with the record's index, and what was said of it later."""

    index: int
    text: str
    notes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Answering:
    """The parties in the order in which they came, and the findings in the order of the log."""

    parties: tuple[Responsible, ...]
    found: tuple[Finding, ...]


def answering(told: Sequence[Told], teller: Teller, words: Catalogue) -> Answering:
    """Who answers for the item of these entries."""
    chain = responsibility([(one.entry, one.leaf_hash) for one in told], {})
    entries = {one.entry.index: one.entry for one in told}
    did: dict[str, dict[str, None]] = {}
    notes: dict[str, str] = {}
    for link in chain.links:
        did.setdefault(link.party, {})[words.text[f"role_{link.role}"]] = None
        notes[link.party] = teller.about_keys(entries[link.index])
    joined = words.text["list_and"].join
    parties = (Responsible(teller.party(party), joined(roles), notes[party]) for party, roles in did.items())
    when = {link.index: words.day(link.occurred_at) for link in chain.links}
    return Answering(tuple(parties), tuple(_finding(one, when[one.index], teller, words) for one in chain.found))


def _finding(found: Found, when: str, teller: Teller, words: Catalogue) -> Finding:
    who = words.value(found.responsible)
    if found.party:
        # Of a party that signed nothing here the history proves no name.
        name = teller.party(found.party)
        who = words.say("found_named", role=who, who=found.party if name == words.text["who_unknown"] else name)
    elif found.presumed:
        who = words.say("found_presumed", role=who, who=teller.party(found.presumed))
    said = {"found_taken_back": not found.stands, "found_disputed": bool(found.disputed)}
    notes = tuple(words.text[name] for name, holds in said.items() if holds)
    return Finding(found.index, words.say("found_responsible", by=teller.party(found.by), when=when, who=who), notes)
