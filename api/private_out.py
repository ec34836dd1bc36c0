"""Private members on their way out: who asks, which disclosures that reader may see, and the access log before them.

Whatever leaves here was judged by ``ledger.audience`` and written into the access log first (``ledger.db.readings``):
if that cannot be written, nothing is shown.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from api import fold, private_in
from api.rights import Caller
from ledger import times
from ledger.audience import Audience, Reader
from ledger.db.ledger import Ledger
from ledger.disclosure import parse_disclosure
from ledger.leaf import Entry, Statement


@dataclass(frozen=True, slots=True)
class Asker:
    """A reader, and what the access log says of it: party, key (or code), and person, if they are known."""

    reader: Reader
    party: str | None = None
    key: str | None = None
    person: str | None = None


NOBODY = Asker(Reader())


@dataclass(frozen=True, slots=True)
class Asked:
    """Who asks, by which route, and when."""

    asker: Asker
    why: str
    now: int


def asker_of(caller: Caller) -> Asker:
    """Who asks with an API key: the staff of its party."""
    return Asker(Reader("staff", frozenset({caller.party})), caller.party, caller.key_id)


def disclosures_for(ledger: Ledger, subject: str, asker: Asker, why: str, now: int) -> dict[str, list[str]]:
    """The disclosures of a subject's statements that this reader may see, by statement id; ``why`` is the route.

    Costs one look into an index for an item without private members, and nothing for a reader who sees none.
    """
    kept = ledger.vault.disclosures(subject) if asker.reader.sees_any else {}
    return _judged(ledger, subject, kept, Asked(asker, why, now)) if kept else {}


def disclosures_of(ledger: Ledger, statement: Statement, asker: Asker, why: str, now: int) -> list[str]:
    """The disclosures of one statement that this reader may see."""
    kept = ledger.vault.disclosures_of(statement)
    asked = Asked(asker, why, now)
    return _judged(ledger, statement.subjects[0], {statement.id: kept}, asked).get(statement.id, []) if kept else []


def _judged(ledger: Ledger, subject: str, kept: Mapping[str, list[str]], asked: Asked) -> dict[str, list[str]]:
    told = fold.parse_entries(ledger.reader.entries(subject))
    state = fold.fold(subject, told)
    if state is not None:
        state.held = state.held.at(times.format_recorded(asked.now))
    audience = Audience(asked.asker.reader, [one.entry for one in told], [one.leaf_hash for one in told], state)
    shown = {}
    for one in told:
        texts = kept.get(one.entry.statement.id, [])
        visible = [text for text in texts if audience.sees(one.entry, parse_disclosure(text).name)]
        if visible:
            _note(ledger, one.entry, asked, visible)
            shown[one.entry.statement.id] = visible
    return shown


def _note(ledger: Ledger, entry: Entry, asked: Asked, visible: list[str]) -> None:
    statement, asker = entry.statement, asked.asker
    ledger.readings.note(
        party=asker.party,
        key=asker.key,
        person=asker.person,
        why=asked.why,
        members=private_in.names_of(visible),
        subject=statement.subjects[0],
        statement=statement.id,
        owner=statement.party,
        sees=asker.reader.parties,
    )
