"""Who answers for a fault: the chain of those who made, sold, certified, repaired and carried an item.

For any fault three questions are asked: whose work was it, who had the item when, and who was found responsible. Each
answer here names the entry it rests on, so that whoever reads it can check it in the item's history. Nothing is
judged: a finding is what a shop stated and anybody may dispute, and where it names a role but no party, the party
of the chain that had this role last is given as presumed.

Whether a technician was qualified is read from what the party or a certifier had recorded by then (events.md §1). A
qualification recorded after the work is told apart: it could have been made up for the occasion.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from ledger import custody, steps, times
from ledger.leaf import Entry, Statement

Told = Sequence[tuple[Entry, str]]
"""All entries of one subject, oldest first, with their leaf hashes."""
ROLES: Final[Mapping[str, str]] = {
    "item.inspected": "inspected",
    "item.sold": "sold",
    "item.delivered": "carried",
    "item.installed": "installed",
    "item.recalled": "recalled",
    "warranty.granted": "warranted",
    "authentication.certified": "certified",
    "authentication.revoked": "revoked",
    "certificate.recorded": "recorded_certificate",
    "case.diagnosed": "diagnosed",
    "case.decided": "decided",
    "repair.started": "repaired",
    "repair.completed": "repaired",
    "repair.failed": "repaired",
    "repair.part_replaced": "repaired",
    "maintenance.performed": "repaired",
    "customization.completed": "repaired",
    "case.inspected": "checked",
    "exchange.completed": "took_back",
    "return.completed": "took_back",
}
"""What a party did to an item by a statement of this type; ``item.registered`` is what its ``origin`` says."""
_MADE: Final[Mapping[str, str]] = {"manufactured": "made", "imported": "imported"}
_STAFF: Final = frozenset({"staff.qualified", "staff.disqualified", "staff.left"})
_FOUND: Final[Mapping[str, tuple[str, ...]]] = {
    "manufacturer": ("made", "imported"),
    "retailer": ("sold",),
    "repairer": ("repaired",),
    "carrier": ("carried",),
}
"""The roles of the chain that a finding's word points at."""


@dataclass(frozen=True, slots=True)
class Technician:
    """A member of staff at work: ``standing`` is qualified, expired, disqualified, left or unknown at that time.

    ``entries`` are what it rests on; ``later`` say that it was so before the work, but were recorded only after it.
    """

    agent: str
    standing: str
    entries: tuple[int, ...] = ()
    later: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Link:
    """What one entry adds to the chain: ``role`` is what ``party`` did, ``says`` its public words as corrected."""

    index: int
    statement: str
    type: str
    role: str
    party: str
    case: str
    occurred_at: str
    recorded_at: str
    says: Mapping[str, Any]
    stands: bool
    disputed: tuple[int, ...]
    technicians: tuple[Technician, ...]


@dataclass(slots=True)
class Span:
    """Who had the item in hand from entry ``since`` until entry ``until``: a party, ``outside`` or "" for its owner."""

    who: str
    since: int
    since_at: str
    sent_by: str
    until: int | None = None
    until_at: str | None = None


@dataclass(frozen=True, slots=True)
class Found:
    """A finding: ``responsible`` is a role's word, ``party`` who was named, ``presumed`` who had that role last."""

    index: int
    by: str
    case: str
    responsible: str
    party: str
    presumed: str
    presumed_from: int | None
    in_warranty: bool
    stands: bool
    disputed: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Responsibility:
    """The chain, in the order of the log."""

    links: tuple[Link, ...]
    custody: tuple[Span, ...]
    found: tuple[Found, ...]


@dataclass(frozen=True, slots=True)
class _Remarks:
    """What was said later of statements: corrected details, retractions and disputes, by statement id."""

    details: Mapping[str, Mapping[str, Any]]
    retracted: frozenset[str]
    disputed: Mapping[str, tuple[int, ...]]


def responsibility(told: Told, staff: Mapping[str, Told], case: str | None = None) -> Responsibility:
    """The chain of an item; with a ``case``, up to the last step of it, and what was found in it.

    ``staff`` are the entries of the parties' own subjects, by party, as far as there are any.
    """
    remarks = _remarks(told)
    if case is not None:
        # A correction or dispute that came later is still a word on what it is about.
        last = max((entry.index for entry, _ in told if entry.statement.case == case), default=-1)
        told = [one for one in told if one[0].index <= last]
    retracted = {party: _remarks(entries).retracted for party, entries in staff.items()}
    links = []
    for entry, _ in told:
        role = _role(entry.statement)
        if role and entry.statement.grant is None:
            party = entry.statement.party
            technicians = [
                _technician(agent, entry, staff.get(party, ()), retracted.get(party, frozenset()))
                for agent in _agents(entry.statement, remarks)
            ]
            links.append(_link(entry, role, remarks, technicians))
    found = (_found(link, links) for link in links if link.type == "case.diagnosed" and case in {None, link.case})
    return Responsibility(tuple(links), tuple(custody_spans(told)), tuple(found))


def parties_of(told: Told) -> list[str]:
    """The parties whose staff may have worked on the item, in order of appearance."""
    found = (entry.statement for entry, _ in told if entry.statement.grant is None and _role(entry.statement))
    return list(dict.fromkeys(statement.party for statement in found))


def custody_spans(told: Told) -> list[Span]:
    """Who had the item when, from the first change of custody on; the last span has no end."""
    spans: list[Span] = []
    for move in custody.moves(told):
        who, at = custody.in_hand(move.after), move.entry.statement.occurred_at
        if spans and spans[-1].who == who:
            continue
        if spans:
            spans[-1].until, spans[-1].until_at = move.entry.index, at
        spans.append(Span(who, move.entry.index, at, move.after[-2] if len(move.after) > 1 else ""))
    return spans


def _role(statement: Statement) -> str:
    if statement.type == "item.registered":
        return _MADE.get(statement.details.get("origin", ""), "registered")
    return ROLES.get(statement.type, "")


def _remarks(told: Told) -> _Remarks:
    details: dict[str, Mapping[str, Any]] = {}
    retracted = set()
    disputed: dict[str, tuple[int, ...]] = {}
    for entry, _ in told:
        statement = entry.statement
        if statement.type == "statement.disputed":
            target = statement.details["disputes"]
            disputed[target] = (*disputed.get(target, ()), entry.index)
        elif statement.type == "statement.retracted":
            retracted.add(str(statement.corrects))
        elif statement.type == "statement.corrected" and "details" in statement.details:
            details[str(statement.corrects)] = statement.details["details"]
    return _Remarks(details, frozenset(retracted), disputed)


def _agents(statement: Statement, remarks: _Remarks) -> list[str]:
    """Who of the party's staff a statement names: whose word it is, and who did the work."""
    said = remarks.details.get(statement.id, statement.details)
    named = [*statement.details.get("agents", ()), *said.get("agents", ())]
    return list(dict.fromkeys([statement.agent, *named] if statement.agent else named))


def _technician(agent: str, work: Entry, told: Told, retracted: frozenset[str]) -> Technician:
    at = steps.happened_at(work.statement.occurred_at, work.recorded_at)
    skills: dict[str, str] = {}
    standing, entries, later = "unknown", [], []
    for entry, _ in told:
        statement = entry.statement
        if statement.type not in _STAFF or statement.details["agent"] != agent or statement.id in retracted:
            continue
        if entry.index > work.index and statement.type == "staff.qualified":
            if times.parse_occurred(statement.occurred_at) <= times.parse_occurred(work.statement.occurred_at):
                later.append(entry.index)
            continue
        if steps.happened_at(statement.occurred_at, entry.recorded_at) > at:
            continue
        entries.append(entry.index)
        standing = statement.type.removeprefix("staff.")
        skill = statement.details.get("skill", "")
        if standing == "qualified":
            skills[skill] = statement.details.get("valid_until", "")
        elif standing == "left" or not skill:
            skills.clear()
        else:
            skills.pop(skill, None)
            standing = "qualified" if skills else standing
    if standing == "qualified" and all(steps.is_expired(until, at) for until in skills.values()):
        standing = "expired"
    return Technician(agent, standing, tuple(entries), tuple(later))


def _link(entry: Entry, role: str, remarks: _Remarks, technicians: Iterable[Technician]) -> Link:
    statement = entry.statement
    return Link(
        index=entry.index,
        statement=statement.id,
        type=statement.type,
        role=role,
        party=statement.party,
        case=statement.case or "",
        occurred_at=statement.occurred_at,
        recorded_at=entry.recorded_at,
        says=remarks.details.get(statement.id, statement.details),
        stands=statement.id not in remarks.retracted,
        disputed=remarks.disputed.get(statement.id, ()),
        technicians=tuple(technicians),
    )


def _found(link: Link, links: Sequence[Link]) -> Found:
    word = link.says["responsible"]
    party = link.says.get("responsible_party", "")
    before = [one for one in links if one.index < link.index and one.stands and one.role in _FOUND.get(word, ())]
    presumed = before[-1] if before and not party else None
    return Found(
        index=link.index,
        by=link.party,
        case=link.case,
        responsible=word,
        party=party,
        presumed="" if presumed is None else presumed.party,
        presumed_from=None if presumed is None else presumed.index,
        in_warranty=link.says["in_warranty"],
        stands=link.stands,
        disputed=link.disputed,
    )
