"""What holders say over HTTP: a statement signed by the holder's key, sent to the page of a code (api.md, Customers).

    POST /i/{token}/statements    {"statement": {…, "party": the item, "grant": …}, "signatures": [{"key", "sig"}]}

The signature says who speaks, and the ledger's own rules judge it. The code says that the sender may see what is
spoken about: it must be a code of that item which has not fallen to the public level, and that is decided where the
statement is judged, by the state that it is judged by. A holder has no account and no API key.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from msgspec.structs import replace

from api import intake, private_in
from api.attached import attached
from api.private_out import Asker
from api.site import Site
from ledger import times, types
from ledger.asking import check_asking, parse_asking
from ledger.audience import Reader
from ledger.db.codes import CASE, GIFT, PUBLIC, Code
from ledger.db.draft import Draft
from ledger.errors import Forbidden, Invalid, Refused
from ledger.leaf import Statement
from ledger.state import State

_MEMBERS = frozenset({"statement", "signatures", "disclosures"})
"""A holder signs herself, and makes the disclosures of her own private members."""
_OF_A_CASE = frozenset("item.accepted item.refused statement.disputed statement.corrected statement.retracted".split())
"""What may be said by the code of a case beside ``case.*``."""
GOOD = times.DAY
"""How long after its ``occurred_at`` a transfer is taken here: nobody who signed one waits for it longer."""
LATE = "this transfer was signed more than a day ago: want one that the present holder signs now"
FALLEN = (
    "this code has fallen to the public level, because the item has another holder than when it was made: "
    "want a code of the present holder's"
)


@dataclass(frozen=True, slots=True)
class Spoken:
    """A holder's statement on its way in, and the token of the code that the next holder gets with it, if any."""

    draft: Draft
    token: str | None = None


async def read_spoken(value: Mapping[str, Any], site: Site, code: Code) -> Spoken:
    """The draft of ``{"statement", "signatures"}`` from whoever presents ``code``; nothing is verified yet.

    Raises ``Invalid`` for what is out of form and ``Forbidden`` for what this code does not open. Whoever an item is
    passed on to gets a view code in the same commit, unless the key is of a card, which has its own.
    """
    for name in ("statement", "signatures"):
        if name not in value:
            raise Invalid(f"got no {name}, want a statement signed by the holder's key", f"/{name}")
    for name in value:
        if name not in _MEMBERS:
            raise Invalid(f"got the member {name!r}, want statement, signatures and disclosures", f"/{name}")
    given = private_in.take(value, value["statement"], site.ledger.vault)
    draft = private_in.kept(intake.read_signed(value), given, site.ledger.vault)
    statement = draft.statement
    _check_scope(statement, code)
    await check_drawn(statement, site)
    # What a holder lists she has uploaded for the item (``api.routes.private_files``).
    draft = await attached(draft, site, statement.party)
    draft = replace(draft, may=_opened(code, site, statement))
    if statement.type != "item.transferred":
        return Spoken(draft)
    did = statement.details["holder_key"]
    if await site.read(site.ledger.codes.drawn, did) is not None:
        return Spoken(draft)
    token, rows = site.ledger.codes.draft_with_key(code.subject, did, statement.details["holder_custody"])
    return Spoken(replace(draft, rows=(*draft.rows, *rows)), token)


async def asker_by_key(site: Site, code: Code, value: Mapping[str, Any]) -> Asker:
    """The holder who signed an asking (``ledger.asking``) and brings ``code``; the access log has her key.

    Raises ``Invalid`` for what is out of form, and ``Forbidden`` for whoever does not speak for the item now.
    """
    signed = parse_asking(value)
    if code.kind == GIFT:
        raise Forbidden("by a gift code no private member is read: want the view code of the owner's own paper")
    now = site.clock()
    state = await site.read(site.ledger.reader.state, code.subject)
    assert state is not None, "a code that opens something is of a subject in the log"
    held = state.held.at(times.format_recorded(now))
    check_asking(signed, ledger=site.ledger.id, subject=code.subject, held=held, now=now)
    return Asker(Reader("holder", grant=signed.asking.grant), key=signed.key)


def _check_scope(statement: Statement, code: Code) -> None:
    if statement.grant is None:
        raise Forbidden("want a holder's statement, whose party is the item; a party speaks with its API key", "/party")
    if statement.subjects != (code.subject,) or statement.party != code.subject:
        raise Forbidden("got a statement about another item than this code's", "/subjects/0")
    if code.kind != CASE:
        return
    if not statement.type.startswith("case.") and statement.type not in _OF_A_CASE:
        raise Forbidden(
            f"got {statement.type}, which the code of a case does not open: want a code of the item", "/type"
        )
    if statement.case != code.case:
        raise Forbidden("got a statement that is not of this code's case", "/case")


def _opened(code: Code, site: Site, statement: Statement) -> Any:
    """Raises ``Forbidden`` if the code has fallen in the state that the statement is judged by.

    Raises ``Refused`` for a transfer that was signed more than a day before: a link to take something over ends.
    """

    def may(states: Sequence[State | None]) -> None:
        if code.level_at(states[0], times.format_recorded(site.clock())) == PUBLIC:
            raise Forbidden(FALLEN)
        if statement.type == "item.transferred" and site.clock() - times.parse_occurred(statement.occurred_at) > GOOD:
            raise Refused(LATE, "/statement/occurred_at", ("item.transferred",))

    return may


async def check_drawn(statement: Statement, site: Site) -> None:
    """Raise ``Invalid`` if a statement names a key that was drawn here for something else, or whose card is revoked.

    A key drawn for one item is no key of another: its owner could never derive it. And what was drawn for the shop's
    eyes is no sealed card.
    """
    did = types.holder_key(statement.type, statement.details)
    drawn = None if did is None else await site.read(site.ledger.codes.drawn, did)
    if drawn is None:
        return
    if drawn.subject not in statement.subjects:
        raise Invalid("got a key that was drawn for another item", "/statement/details/holder_key")
    if drawn.revoked:
        raise Invalid("got a key of a card that was revoked", "/statement/details/holder_key")
    if statement.details["holder_custody"] != drawn.custody:
        raise Invalid(f"got a key that was drawn as {drawn.custody}", "/statement/details/holder_custody")
