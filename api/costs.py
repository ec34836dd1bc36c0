"""What work has cost, for whoever asked for a report with costs: read from the private members, and written down.

Costs are private members of the class *money*. Who asks sees those that its own party recorded, or one below it, and
those that a party recorded which has granted it ``cost`` by name (``ledger.audience``, *staff* and *auditor*). They are
read when the report is made, so that what was erased, or granted no longer, is not in it; each reading stands in the
access log before. What was recorded before the report's period began cannot count in it, and is not read. A schedule
reads in the name of whoever planned it, and only while she might ask for such a report herself (``may_ask``).
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from datetime import date
from typing import Any, Final

import msgspec

from api.rights import REPORTS, SCOPES
from api.roles import ROLES, family
from ledger.db.grants import Grant
from ledger.db.ledger import Ledger
from ledger.db.reports import Asked, open_leaves
from ledger.disclosure import parse_disclosure
from ledger.leaf import Entry, Statement, parse_leaf
from ledger.report_ask import parse_ask
from ledger.types import TYPES

COST: Final = "cost"
WHY: Final = "/v1/reports"
SCHEDULED: Final = "/v1/report-schedules"
"""What the access log has as the route by which costs were read, by somebody who asked and by a schedule."""
_TYPES: Final = frozenset(name for name, one in TYPES.items() if COST in one.private)


class _Said(msgspec.Struct):
    type: str


class _Leaf(msgspec.Struct):
    statement: _Said | None = None


_skim = msgspec.json.Decoder(_Leaf).decode


def may_ask(ledger: Ledger, asked: Asked) -> bool:
    """Whether the key or person that asked for costs may still ask for reports; what is without costs, anybody may."""
    by = asked.costs
    if by is None:
        return True
    if ledger.view.parties.parties[asked.party].suspended:
        return False
    if by["person"] is not None:
        person = ledger.access.people.get(by["person"])
        return person is not None and person.disabled_at is None and REPORTS in ROLES[person.role].rights
    keys = [one for one in ledger.access.keys.in_force(asked.party) if one.id == by["key"]]
    return any(REPORTS in SCOPES[scope] for one in keys for scope in one.scopes)


def costs_of(ledger: Ledger, asked: Asked, size: int) -> dict[str, list[str]]:
    """The disclosures of costs that a report may count, by statement id, among the first ``size`` leaves.

    Raises ``Unavailable`` if the access log cannot be written: then nothing is read.
    """
    assert asked.costs is not None, "only a report with costs wants them"
    parents = {party: one.parent for party, one in ledger.reader.parties().parties.items()}
    sees, grants = family(asked.party, parents), ledger.access.grants.to(asked.party)
    found: dict[str, list[str]] = {}
    for entry in _work(ledger, asked, size):
        statement = entry.statement
        if statement.party not in sees and not any(_opens(one, statement) for one in grants):
            continue
        costs = [text for text in ledger.vault.disclosures_of(statement.id) if parse_disclosure(text).name == COST]
        if costs:
            note(ledger, asked, asked.costs, statement, sees | {statement.party})
            found[statement.id] = costs
    return found


def note(
    ledger: Ledger,
    asked: Asked,
    by: dict[str, Any],
    statement: Statement | None = None,
    sees: frozenset[str] = frozenset(),
) -> None:
    """Write down that costs leave: of a ``statement`` into a report, or a report with costs to its reader."""
    asking = WHY if asked.schedule is None else f"{SCHEDULED}/{asked.schedule}"
    ledger.readings.note(
        party=asked.party,
        key=by["key"],
        person=by["person"],
        why=asking if statement is not None else f"{WHY}/{asked.id}",
        members=[COST],
        subject=None if statement is None else statement.subjects[0],
        statement=None if statement is None else statement.id,
        owner=None if statement is None else statement.party,
        sees=sees,
    )


def _opens(grant: Grant, statement: Statement) -> bool:
    """Whether a grant opens the cost that a statement keeps: of its giver, of that subject, by name."""
    mine = grant.party == statement.party and grant.subject in {None, statement.subjects[0]}
    return mine and COST in grant.members


def _work(ledger: Ledger, asked: Asked, size: int) -> Iterator[Entry]:
    """The entries that may have a cost and count in the period, in the order of the log."""
    first = parse_ask(asked.asked).period.first
    # A case is counted by the day of its opening where its party is: up to a day before that of Greenwich.
    since = "" if first is None else date.fromordinal(first.toordinal() - 1).isoformat()
    with closing(open_leaves(ledger.url)) as leaves:
        for raw in leaves.leaves(0, size):
            said = _skim(raw).statement if b'"_sd":' in raw else None
            if said is not None and said.type in _TYPES:
                entry = parse_leaf(raw)
                assert isinstance(entry, Entry), "a seal says nothing"
                if entry.recorded_at >= since:
                    yield entry
