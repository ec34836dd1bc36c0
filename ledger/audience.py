"""Who may see a private member: the one function that histories, statements and pages ask.

A ``Reader`` is who asks, as the service knows it. The table of audiences is ``ledger.private.MEMBERS``; what its words
mean is here, and each rests on the entries of the subject alone:

* whoever recorded a statement (``Reader.parties``) sees all of it;
* ``holder``: the present holder (``Reader.grant`` is the leaf hash of the entry that named the key which speaks for
  her now) sees what was recorded since her holding began, and nothing from before; after a return, nothing;
* ``case``: whoever has the code of a case (``Reader.case``) sees members of that case's statements;
* ``parties``: in a case, whoever opened it, has been handed it (``to`` of an assignment, an escalation or a forwarding
  by one that has it) or is its second subject; with and without a case, whoever sold the item last or has it in hand;
* ``auditor``: a member that was granted by name (``Reader.granted``), of what the party that granted it recorded.

An operator is no audience of its own: it sees what it recorded.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from ledger.leaf import Entry, Statement
from ledger.private import MEMBERS
from ledger.state import State

LEVELS: Final = ("public", "view", "case", "holder", "staff", "auditor")
"""From api.md; public and view see no private member."""
_HANDS_ON: Final = frozenset({"case.assigned", "case.escalated", "case.forwarded"})


@dataclass(frozen=True, slots=True)
class Reader:
    """Who asks, at one of ``LEVELS``, speaking for ``parties``; see the top of the file for the others."""

    level: str = "public"
    parties: frozenset[str] = frozenset()
    grant: str | None = None
    case: str | None = None
    granted: frozenset[str] = frozenset()

    @property
    def sees_any(self) -> bool:
        """Whether there is anything at all for such a reader."""
        return self.level not in {"public", "view"}


class Audience:
    """Judges members of one subject's statements for one reader; ``entries`` are the subject's, oldest first.

    ``hashes`` are their leaf hashes in hex, and ``state`` is the subject's after them.
    """

    def __init__(self, reader: Reader, entries: Sequence[Entry], hashes: Sequence[str], state: State | None) -> None:
        self._reader = reader
        self._hers = _since(reader, entries, hashes, state) if reader.level == "holder" else None
        self._workers = _workers(entries) if reader.level == "staff" else {}
        self._at_hand = frozenset() if state is None else frozenset({state.sold_by, *state.custody})

    def sees(self, entry: Entry, member: str) -> bool:
        """Whether the reader may see this private member of the entry's statement."""
        statement, reader = entry.statement, self._reader
        found = MEMBERS.get(member)
        audience = frozenset() if found is None else found.audience
        match reader.level:
            case "staff":
                return statement.party in reader.parties or ("parties" in audience and self._works_on(statement))
            case "holder":
                return "holder" in audience and self._hers is not None and entry.index >= self._hers
            case "case":
                return "case" in audience and reader.case is not None and statement.case == reader.case
            case "auditor":
                return "auditor" in audience and member in reader.granted and statement.party in reader.parties
        return False

    def _works_on(self, statement: Statement) -> bool:
        workers = self._at_hand if statement.case is None else self._at_hand | self._workers[statement.case]
        return not workers.isdisjoint(self._reader.parties)


def _since(reader: Reader, entries: Sequence[Entry], hashes: Sequence[str], state: State | None) -> int | None:
    """The index from which on the item is hers, if the reader's grant is that of the present holder's key."""
    holding = None if state is None else state.held.holding
    if holding is None or holding.released or reader.grant != holding.present.entry:
        return None
    found = [entry.index for entry, digest in zip(entries, hashes, strict=True) if digest == holding.root]
    return found[0] if found else None


def _workers(entries: Sequence[Entry]) -> Mapping[str, frozenset[str]]:
    """By case: the parties that were given it to work on."""
    workers: dict[str, frozenset[str]] = {}
    for entry in entries:
        statement = entry.statement
        if statement.case is None:
            continue
        known = workers.get(statement.case, frozenset())
        if statement.type == "case.opened":
            own = {statement.party} if statement.grant is None else set()
            known |= own | set(statement.subjects[1:])
        elif statement.type in _HANDS_ON and statement.party in known:
            known |= {statement.details["to"]}
        workers[statement.case] = known
    return workers
