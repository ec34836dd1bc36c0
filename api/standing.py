"""Which party may write about which item: a rule of the service and not of the log (api.md).

A party may write about an item that it registered or sold, that it has in custody, or one of whose codes it presents
in the header ``Patina-Code``. Holders speak by their key, which the ledger's own rules judge; the operator's key may
write about every item. Without this rule anybody with an API key could guess serials and write on other people's
things.
"""

from __future__ import annotations

import msgspec

from api.rights import ADMIN, Caller
from ledger import uri
from ledger.db.access import Access
from ledger.db.read import Reader
from ledger.errors import Forbidden
from ledger.leaf import Statement

MAX_CODES = 16
"""Codes that one request may present: as many as a statement may have subjects."""
REMEMBERED = 65_536

_FREE = frozenset({"item.registered"})


class Standing:
    """Answers for one process; what cannot change any more (registered, sold) is remembered."""

    def __init__(self, reader: Reader, access: Access) -> None:
        self._reader = reader
        self._access = access
        self._lasting: dict[tuple[str, str], None] = {}

    def presented(self, header: str | None) -> frozenset[str]:
        """The subjects of the codes in a ``Patina-Code`` header, which may hold several with commas between."""
        if not header:
            return frozenset()
        tokens = [token.strip() for token in header.split(",")][:MAX_CODES]
        found = (self._access.find_code(token) for token in tokens)
        return frozenset(code.subject for code in found if code is not None)

    def is_plain(self, statement: Statement, caller: Caller) -> bool:
        """Whether the caller may write this statement whatever is in the database, so that nothing need be read."""
        if caller.may(ADMIN):
            return True
        if statement.grant is not None or statement.party != caller.party:
            return statement.grant is not None
        if statement.type in _FREE:
            return True
        return all((caller.party, subject) in self._lasting for subject in statement.subjects)

    def check(self, statement: Statement, caller: Caller, presented: frozenset[str]) -> None:
        """Raise ``Forbidden`` unless the caller may write this statement."""
        if caller.may(ADMIN):
            return
        if statement.grant is None and statement.party != caller.party:
            raise Forbidden("got a statement of another party, want one of the API key's own", "/party")
        if statement.grant is not None or statement.type in _FREE:
            return
        for number, subject in enumerate(statement.subjects):
            if subject not in presented and not self.may_write(caller.party, subject):
                raise Forbidden(
                    "this party has neither registered nor sold this item nor has it in custody: want one of its codes "
                    "in Patina-Code",
                    f"/subjects/{number}",
                )

    def may_write(self, party: str, subject: str) -> bool:
        """Whether a party may write about a subject without a code of it."""
        if (party, subject) in self._lasting:
            return True
        state = self._reader.state(subject) if uri.subject_kind(subject) != "authority" else None
        if state is None or state.kind != "item":
            # Nothing to protect yet, or not an item: the ledger's own rules decide.
            return True
        if party in {state.registered_by, state.sold_by}:
            if len(self._lasting) >= REMEMBERED:
                self._lasting.pop(next(iter(self._lasting)))
            self._lasting[party, subject] = None
            return True
        return self._has_custody(party, subject)

    def _has_custody(self, party: str, subject: str) -> bool:
        """Whether the last move of the item, as told by case statements, was into this party's hands."""
        custody = False
        for _, raw in self._reader.entries(subject):
            entry = _peek(raw)
            if entry.type == "case.received":
                custody = entry.party == party
            elif entry.type == "case.forwarded":
                custody = entry.to == party
            elif entry.type in {"case.returned", "case.handed_over"} and entry.party == party:
                custody = False
        return custody


class _Details(msgspec.Struct):
    to: object = None


class _Statement(msgspec.Struct):
    type: str
    party: str
    details: _Details

    @property
    def to(self) -> object:
        """The party an item was forwarded to."""
        return self.details.to


class _Entry(msgspec.Struct):
    statement: _Statement


_decode = msgspec.json.Decoder(_Entry).decode


def _peek(raw: bytes) -> _Statement:
    """The few members of a stored entry that custody rests on."""
    return _decode(raw).statement
