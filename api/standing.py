"""Which party may write about which item: a rule of the service and not of the log (api.md).

A party may write about an item that it registered or sold, that it has in custody or passed on, or one of whose codes
it presents in the header ``Patina-Code``. Holders speak by their key, which the ledger's own rules judge; the
operator's key may write about every item. Without this rule anybody with an API key could guess serials and write on
other people's things. It is asked when the statement is appended, by the states that it is judged by.
"""

from __future__ import annotations

from collections.abc import Sequence

from msgspec.structs import replace

from api.rights import ADMIN, Caller
from ledger.db.codes import PUBLIC, UNBOUND, Codes
from ledger.db.draft import Draft
from ledger.errors import Forbidden
from ledger.state import State

MAX_CODES = 16
"""Codes that one request may present: as many as a statement may have subjects."""
REFUSED = (
    "this party has neither registered nor sold this item nor has it in custody: want one of its codes in Patina-Code"
)


def presented(codes: Codes, header: str) -> frozenset[str]:
    """The subjects of the codes in a ``Patina-Code`` header, which may hold several with commas between.

    A code that has fallen to the public level, or is not in use yet, opens nothing and gives no standing either.
    """
    tokens = [token.strip() for token in header.split(",")][:MAX_CODES]
    found = (codes.find(token) for token in tokens)
    return frozenset(code.subject for code in found if code is not None and code.level not in {PUBLIC, UNBOUND})


def may_write(party: str, state: State | None) -> bool:
    """Whether a party may write, without a code, about a subject in this state.

    Of what is no item, and of one that is not registered yet, the ledger's own rules decide.
    """
    if state is None or state.kind != "item":
        return True
    return party in {state.registered_by, state.sold_by} or party in state.custody


def guarded(draft: Draft, caller: Caller, codes: frozenset[str]) -> Draft:
    """The draft, to be refused when it is appended unless the caller may write about its subjects.

    Raises ``Forbidden`` for a statement of another party than the caller.
    """
    statement = draft.statement
    if caller.may(ADMIN) or statement.grant is not None:
        return draft
    if statement.party != caller.party:
        raise Forbidden("got a statement of another party, want one of the API key's own", "/party")
    asked_before = draft.may

    def may(states: Sequence[State | None]) -> None:
        if asked_before is not None:
            asked_before(states)
        for number, (subject, state) in enumerate(zip(statement.subjects, states, strict=True)):
            if subject not in codes and not may_write(caller.party, state):
                raise Forbidden(REFUSED, f"/subjects/{number}")

    return replace(draft, may=may)
