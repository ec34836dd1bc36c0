"""Private members on their way out: who asks, which disclosures that reader may see, and the access log before them.

Whatever leaves here was judged by ``ledger.audience`` and written into the access log first (``ledger.db.readings``):
if that cannot be written, nothing is shown.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from starlette.requests import Request

from api import fold, private_in
from api.levels import STAFF, VIEW, sight
from api.site import caller_of, site_of
from ledger import times
from ledger.audience import Audience, Reader
from ledger.db.codes import Code
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


@dataclass(frozen=True, slots=True)
class Asked:
    """Who asks, by which route, and when."""

    asker: Asker
    why: str
    now: int


async def asker_of(request: Request, subject: str) -> Asker:
    """Who asks with an API key or a session, and how it sees this subject (``api.levels``).

    Whoever may read the history at all is judged as staff: it may work on a case of somebody else's item.
    """
    caller, found = caller_of(request), await sight(request, subject)
    reader = Reader(found.level, found.parties, granted=found.granted)
    if found.level == VIEW:
        reader = Reader(STAFF, caller.sees)
    return Asker(reader, caller.party, caller.key_id or None, caller.person)


def asker_by_case(code: Code) -> Asker:
    """Whoever has the code of a case; the access log has the code's id."""
    return Asker(Reader("case", case=code.case), key=code.id)


async def disclosures_for(request: Request, subject: str, why: str) -> dict[str, list[str]]:
    """The disclosures of a subject's statements that the caller may see, by statement id; ``why`` is the route."""
    return await disclosures_to(request, subject, None, why)


async def disclosures_to(request: Request, subject: str, asker: Asker | None, why: str) -> dict[str, list[str]]:
    """The disclosures of a subject's statements that this asker may see, or the request's own caller if ``None``.

    Costs one look into an index for an item without private members.
    """
    site = site_of(request)
    kept = await site.read(site.ledger.vault.disclosures, subject)
    if not kept:
        return {}
    asked = Asked(asker or await asker_of(request, subject), why, site.clock())
    return await site.read(judged, site.ledger, subject, kept, asked)


async def disclosures_of(request: Request, statement: Statement, why: str, asker: Asker | None = None) -> list[str]:
    """The disclosures of one statement that this asker may see, or the request's own caller if ``None``."""
    site, subject = site_of(request), statement.subjects[0]
    kept = await site.read(site.ledger.vault.disclosures_of, statement.id)
    if not kept:
        return []
    asked = Asked(asker or await asker_of(request, subject), why, site.clock())
    return (await site.read(judged, site.ledger, subject, {statement.id: kept}, asked)).get(statement.id, [])


def judged(ledger: Ledger, subject: str, kept: Mapping[str, list[str]], asked: Asked) -> dict[str, list[str]]:
    """Of disclosures by statement id those that this reader may see, once the access log has them; ``{}`` if none."""
    if not asked.asker.reader.sees_any:
        return {}
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
