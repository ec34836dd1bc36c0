"""What an erasure is asked for, worked out: which statements, which classes of data, and from when on by law.

Who may ask: the operator for everything, any other party for what it recorded itself. The legal time of a class is that
of the standard in force for the recording party (its own, a parent's or the operator's), else the built-in table
(``ledger.private.RETENTION_DAYS``); it counts from when the statement was recorded. An authority's order does not wait.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from api import intake
from api.following import newest_promises
from api.pages.story import Absence
from ledger import private, times
from ledger.db import erase
from ledger.db.erasures import DONE, KEPT, WHYS, Erasure, Target
from ledger.db.ledger import Ledger
from ledger.errors import Forbidden, Invalid, Refused
from ledger.leaf import Entry, parse_leaf

MAX_STATEMENTS = 1000


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is to be erased: everything under a ``person``, about an ``item``, or of ``statements``.

    ``classes`` narrow it, or name public files (``private.FILES``), which go only if they are named; ``party`` is who
    recorded it (``None``: anybody, which only the operator may ask for).
    """

    why: str
    party: str | None
    person: str | None = None
    item: str | None = None
    statements: tuple[str, ...] = ()
    classes: tuple[str, ...] = private.CLASSES


def ask(ledger: Ledger, wanted: Wanted, asked_by: str, now: int, erasure: str | None = None) -> Erasure:
    """Write down an erasure and return it; nothing is destroyed yet.

    Raises ``Invalid`` for what is out of form, ``Refused`` where nothing private is kept of what is named or the
    operator's key is not here, ``Forbidden`` for what another party recorded.
    """
    if erasure is not None:
        found = ledger.erasures.get(erasure)
        if found is not None:
            if found.asked_by != asked_by:
                raise Refused("this id was used for another erasure", "/id")
            return found
    if wanted.why not in WHYS:
        raise Invalid(f"want why, one of {', '.join(WHYS)}", "/why")
    if wanted.why == "authority" and asked_by != ledger.operator:
        raise Forbidden("an authority's order is carried out by the operator", "/why")
    erase.operator_can_say(ledger)
    targets = _targets(ledger, wanted, now)
    if not targets:
        raise Refused(f"of {', '.join(wanted.classes)} nothing is kept of what is named", wanted_at(wanted))
    return ledger.erasures.ask(erasure or intake.new_id(now), asked_by, wanted.why, targets, now)


def wanted_at(wanted: Wanted) -> str:
    """The pointer of what an erasure names."""
    return "/person" if wanted.person else "/item" if wanted.item else "/statements"


def _targets(ledger: Ledger, wanted: Wanted, now: int) -> list[Target]:
    standards: dict[str, Mapping[str, Any]] = {}
    targets = []
    for statement, kind in ledger.erasures.of_statements(_statements(ledger, wanted)):
        if kind not in wanted.classes:
            continue
        entry = _entry(ledger, statement)
        party = entry.statement.party
        if wanted.party is not None and party != wanted.party:
            if wanted.item is not None:
                continue  # what others recorded of the same item is theirs to erase
            raise Forbidden("got a statement of another party, want your own", "/statements")
        if party not in standards:
            standards[party] = retention_of(ledger, party)
        due = now if wanted.why == "authority" else private.due_at(kind, entry.recorded_at, standards[party])
        targets.append(Target(statement, entry.statement.subjects[0], kind, due))
    return targets


def _statements(ledger: Ledger, wanted: Wanted) -> Sequence[str]:
    if wanted.person is not None:
        if wanted.party is None:
            raise Invalid("want the party whose pseudonym for a person this is", "/party")
        return ledger.erasures.of_person(wanted.party, wanted.person)
    if wanted.item is not None:
        return ledger.erasures.of_subject(wanted.item)
    if len(wanted.statements) > MAX_STATEMENTS:
        raise Invalid(f"got {len(wanted.statements)} statements, want at most {MAX_STATEMENTS}", "/statements")
    return wanted.statements


def retention_of(ledger: Ledger, party: str) -> dict[str, Any]:
    """Days that the law keeps a class, by the standard in force for the party (``ledger.standard``), where it says any.

    A month counts as a twelfth of 365 1/4 days, rounded up.
    """
    found = newest_promises(ledger).newest(party)
    kept = () if found is None else found.retention
    return {one.name: -(-one.legal_months * 487 // 16) for one in kept if one.legal_months}


def _entry(ledger: Ledger, statement: str) -> Entry:
    found = ledger.reader.entry(statement)
    entry = None if found is None else parse_leaf(found[1])
    assert isinstance(entry, Entry), "private members are committed with their statement"
    return entry


def describe(found: Erasure, now: int) -> dict[str, Any]:
    """An erasure as JSON: its state, each part, and the ``data.erased`` statements that name them."""
    document: dict[str, Any] = {
        "id": found.id,
        "asked_at": found.asked_at,
        "why": found.why,
        "state": found.state(times.format_recorded(now)),
    }
    if found.until is not None:
        document["until"] = found.until
    entries = dict.fromkeys(part.entry for part in found.parts if part.entry is not None)
    parts = [
        {"statement": part.statement, "class": part.kind, "state": _WORDS[part.stage]}
        | ({"until": part.due} if part.stage == KEPT else {})
        for part in found.parts
    ]
    return document | {"entries": list(entries), "parts": parts}


_WORDS = ("kept", "destroyed", "done")
assert _WORDS[DONE] == "done", "the stages by number"


def absences(ledger: Ledger, entries: Iterable[Entry]) -> dict[str, Absence]:
    """What was erased or is to be erased of the statements in these entries of one subject, by statement id.

    That it was erased is what the log itself says (``data.erased``, among the entries); what waits, and that it was the
    files alone, is the service's own affair and is asked of the database only for statements that have any of it.
    """
    found: dict[str, Absence] = {}
    listed = list(entries)
    erasable = [one.statement.id for one in listed if one.statement.sd or one.statement.attachments]
    parts = ledger.erasures.parts_of(erasable) if erasable else []
    said = {(part.statement, part.entry) for part in parts if part.kind != private.FILES}
    files = {(part.statement, part.entry) for part in parts} - said
    for entry in listed:
        if entry.statement.type == "data.erased":
            absence = Absence(removed=entry.statement.details["why"], at=entry.recorded_at)
            named = [one for one in entry.statement.details["statements"] if (one, entry.statement.id) not in files]
            found |= dict.fromkeys(named, absence)
    for part in parts:
        known = found.get(part.statement, Absence())
        if part.stage == KEPT:
            until = max(part.due, known.until or "")
            found[part.statement] = Absence(known.removed, known.at, until)
    return found


def files_gone(ledger: Ledger, entries: Iterable[Entry]) -> frozenset[str]:
    """The statements in these entries of which the files that they list in public were erased."""
    listing = [entry.statement.id for entry in entries if entry.statement.attachments]
    parts = ledger.erasures.parts_of(listing) if listing else []
    return frozenset(part.statement for part in parts if part.kind == private.FILES and part.stage != KEPT)
