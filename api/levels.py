"""At which level a request sees a subject (api.md, Levels): one function, asked by routes and by private members.

    public    what it is, its certificates, whether it is stolen or recalled; no history
    view      its history: whoever has a code of it or may read the log's entries
    case      a case, by its code
    holder    who holds it, by an owner code's key
    staff     a party that it concerns, and the chain above that party
    auditor   by a grant of a party that it concerns

*Concerns* means that the party registered or sold it, has it or passed it on, or signed an entry of it; a case of its
own concerns the party that it is about, too, before that party has said anything. A chain is a
party that others name as ``parent`` in the log, directly or through others: it sees what they see. They see nothing of
it or of each other for that, and it signs for none of them.

Where entries are public (the setting's default) every key and session is at least at *view*: whoever may read all
leaves may read some of them. Where they are not, the rest are the operator's and registered auditors' alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from starlette.requests import Request

from api import fold, standing
from api.problems import Problem
from api.rights import ENTRIES, Caller
from api.site import Site, caller_of, site_of
from ledger import uri
from ledger.db.grants import Grant
from ledger.state import State

PUBLIC: Final = "public"
VIEW: Final = "view"
STAFF: Final = "staff"
AUDITOR: Final = "auditor"
CASE: Final = "case"
LEVELS: Final = (PUBLIC, VIEW, CASE, "holder", STAFF, AUDITOR)
_EVERYBODYS: Final = frozenset({"ledger", "authority", "party"})
"""Kinds of subjects whose histories every reader needs to check any other."""


@dataclass(frozen=True, slots=True)
class Sight:
    """How a request sees a subject: the level, the parties it speaks for there, and members that were granted."""

    level: str
    parties: frozenset[str] = frozenset()
    granted: frozenset[str] = frozenset()
    grant: str | None = None
    """The id of the grant it rests on."""


def concerned(state: State | None) -> frozenset[str]:
    """The parties that a subject concerns."""
    if state is None:
        return frozenset()
    return frozenset({state.registered_by, state.sold_by, *state.custody, *state.signers}) - {""}


def sight_of(
    caller: Caller | None, subject: str, state: State | None, grants: Sequence[Grant], *, entries_public: bool
) -> Sight:
    """The sight of a caller without any code."""
    if caller is None:
        return Sight(PUBLIC)
    whose, sees = concerned(state), caller.sees
    if not whose.isdisjoint(sees):
        return Sight(STAFF, sees)
    for grant in grants:
        if grant.party in whose and grant.subject in (None, subject):
            return Sight(AUDITOR, frozenset({grant.party}), frozenset(grant.members), grant.id)
    everybodys = state is not None and state.kind in _EVERYBODYS
    return Sight(VIEW if entries_public or everybodys or caller.may(ENTRIES) else PUBLIC)


def sight_by_code(level: str) -> Sight:
    """The sight that a code gives, whoever brings it; a level that is not known gives the public one."""
    return Sight(level if level in LEVELS else PUBLIC)


async def sight(request: Request, subject: str) -> Sight:
    """The sight of the request's key or session, or of a code that it presents, whichever shows more."""
    site, caller = site_of(request), caller_of(request)
    state = await site.read(site.ledger.reader.state, subject)
    grants = await site.read(site.ledger.access.grants.to, caller.party)
    found = sight_of(caller, subject, state, grants, entries_public=site.settings.entries_public)
    if state is not None and state.kind == CASE and found.level in {PUBLIC, VIEW}:
        opened = fold.parse_entries(
            await site.read(site.ledger.reader.entries, subject), state.cases[subject].opened + 1
        )
        if not caller.sees.isdisjoint(opened[0].entry.statement.subjects[1:]):
            return Sight(STAFF, caller.sees)
    header = request.headers.get("patina-code")
    if found.level == PUBLIC and header is not None:
        codes = await site.read(standing.presented, site.ledger.codes, header)
        return sight_by_code(VIEW if subject in codes else PUBLIC)
    return found


async def need_view(request: Request, subject: str) -> None:
    """Raise ``Problem`` 403 unless the request may see the subject's history; reads nothing where everybody may."""
    site, caller = site_of(request), caller_of(request)
    if site.settings.entries_public or caller.may(ENTRIES) or not uri.is_subject(subject):
        return
    if (await sight(request, subject)).level == PUBLIC:
        raise Problem("forbidden", "this concerns neither your party nor one below it: want a code of it, or a grant")


async def searched_parties(site: Site, caller: Caller) -> tuple[str, ...] | None:
    """Whose items a search may show: those of these parties, or of all (``None``)."""
    if site.settings.entries_public or caller.may(ENTRIES):
        return None
    grants = await site.read(site.ledger.access.grants.to, caller.party)
    return tuple(sorted(caller.sees | {grant.party for grant in grants if grant.subject is None}))
