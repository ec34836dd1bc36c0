"""What each role of a party's people may do: one table, read by the gate, by the intake and by the pages.

    role         calls                                    manages                     says
    owner        everything of the party                  everybody                   everything
    manager      all but keys                             staff, technician, auditor  all but keys and standards
    staff        reads and writes                         nobody                      items, cases, work, certificates
    technician   reads and writes                         nobody                      work on things, and cases of it
    auditor      reads                                    nobody                      nothing

``says`` are first words of statement types, or whole types. What a party may say at all is the ledger's own affair
(events.md); here is which of its people may say it for the party. An API key is a program that the party answers
for, and says whatever its party may.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from api.rights import (
    ADMIN,
    DEVICES,
    GRANTS,
    KEYS,
    PEOPLE,
    READ,
    REPORTS,
    SCOPES,
    SESSION,
    SIGNING,
    WEBHOOKS,
    WRITE,
    Caller,
)
from ledger.errors import Forbidden
from ledger.leaf import Statement

EVERYTHING = ("*",)
_COUNTER = (
    *("item", "case", "exchange", "return", "warranty", "certificate", "insurance", "statement"),
    *("repair", "maintenance", "customization", "authentication", "alarm"),
)
_BENCH = (
    *("repair", "maintenance", "customization", "authentication", "certificate", "statement"),
    *("item.inspected", "item.installed", "item.delivered", "case.visited", "case.diagnosed", "case.inspected"),
    *("case.waiting", "case.resumed", "case.escalated"),
)


@dataclass(frozen=True, slots=True)
class Role:
    """A row of the table: rights of the gate, roles of the people she manages, first words of what she may say."""

    rights: frozenset[str]
    manages: frozenset[str] = frozenset()
    says: tuple[str, ...] = ()
    but: tuple[str, ...] = ()

    def may_say(self, kind: str) -> bool:
        """Whether she may say a statement of this type for her party."""
        words = (kind, kind.partition(".")[0])
        if any(word in self.but for word in words):
            return False
        return self.says == EVERYTHING or any(word in self.says for word in words)


ROLES: Mapping[str, Role] = MappingProxyType(
    {
        "owner": Role(
            frozenset({SESSION, READ, WRITE, SIGNING, PEOPLE, DEVICES, GRANTS, KEYS, WEBHOOKS, REPORTS}),
            frozenset({"owner", "manager", "staff", "technician", "auditor"}),
            EVERYTHING,
        ),
        "manager": Role(
            frozenset({SESSION, READ, WRITE, PEOPLE, DEVICES, GRANTS, WEBHOOKS, REPORTS}),
            frozenset({"staff", "technician", "auditor"}),
            EVERYTHING,
            but=("key", "ledger", "party", "standard", "data"),
        ),
        "staff": Role(frozenset({SESSION, READ, WRITE}), says=_COUNTER),
        "technician": Role(frozenset({SESSION, READ, WRITE}), says=_BENCH),
        "auditor": Role(frozenset({SESSION, READ, REPORTS})),
    }
)


def rights_of(role: str, *, operator: bool) -> frozenset[str]:
    """The rights of a person in a party; an owner of the operator's own party administers the ledger too."""
    rights = ROLES[role].rights
    return rights | SCOPES[ADMIN] if operator and role == "owner" else rights


def may_manage(caller: Caller, role: str) -> bool:
    """Whether the caller may add and change people of this role."""
    return caller.may(ADMIN) or (caller.role is not None and role in ROLES[caller.role].manages)


def check_speaker(statement: Statement, caller: Caller) -> None:
    """Raise ``Forbidden`` for a statement that this person may not say for her party, or says as somebody else.

    What a holder signed (it names a ``grant``) is the holder's word, whoever carries it in.
    """
    if caller.role is None:
        return
    if statement.agent is not None and statement.agent != caller.agent:
        raise Forbidden("got the agent of another person, want your own or none", "/statement/agent")
    if statement.grant is None and not ROLES[caller.role].may_say(statement.type):
        raise Forbidden(f"the role {caller.role} does not say {statement.type} for its party", "/statement/type")


def family(party: str, parents: Mapping[str, str | None]) -> frozenset[str]:
    """A party and all that are below it; ``parents`` are the parents of all parties, in the log."""
    found, rest = {party}, [party]
    while rest:
        above = rest.pop()
        below = [one for one, parent in parents.items() if parent == above and one not in found]
        found.update(below)
        rest.extend(below)
    return frozenset(found)
