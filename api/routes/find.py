"""Finding records by what a customer says or shows: a telephone number, an e-mail address, a number on a paper.

The value stands in the body, so that it comes into no log of addresses. What is found are ids: to read more, the
caller asks as ever. Every search is written down with what it found, and how many are made is limited.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any

import msgspec
from fastapi import APIRouter, Depends
from pydantic import Field
from starlette.requests import Request
from starlette.responses import Response

from api.routes.statements import JSON
from api.site import Site, caller_of, site_of
from api.strict import Body, body_schema, read_body
from ledger.db.codes import UNBOUND, Code
from ledger.db.find import Found, chain_of
from ledger.db.needles import MAX_TEXT
from ledger.errors import Invalid

router = APIRouter(tags=["items"])
Value = Annotated[str | None, Field(min_length=1, max_length=MAX_TEXT)]
ROUTE = "POST /v1/find"
SHORT_CODE = "short_code"


class Needle(Body):
    """One of these, as it was said or printed."""

    phone: Value = None
    email: Value = None
    certificate_no: Value = None
    serial: Value = None
    job_no: Value = None
    receipt_no: Value = None
    short_code: Value = None


@router.post("/v1/find", summary="Find records by a number or an address", openapi_extra=body_schema(Needle))
async def post_find(request: Request, body: Annotated[Needle, Depends(read_body(Needle))]) -> Response:
    """The statements of the caller's chain that hold the value, and what they are about; none of other chains.

    By a short code, the code that its chain made, the item that it opens, and the case if it is one of a case.
    """
    site, caller = site_of(request), caller_of(request)
    given = body.model_dump(exclude_none=True)
    if len(given) != 1:
        raise Invalid(f"got {len(given)} members, want one of {', '.join(Needle.model_fields)}")
    # A person has no API key: each is counted for herself.
    site.limits.finds.take(caller.key_id or str(caller.person))
    ((name, text),) = given.items()
    found = await _find(site, caller.party, name, text)

    def note(**more: Any) -> None:
        who: dict[str, Any] = {"party": caller.party, "key": caller.key_id or None, "person": caller.person}
        site.ledger.readings.note(**who, why=ROUTE, members=[name], **more)

    for one in found:
        # Of the chain by the search itself, so never outside it.
        statement = one.statement if isinstance(one, Found) else None
        note(subject=one.subject, statement=statement, owner=one.party, sees=frozenset(filter(None, [one.party])))
    if not found:
        note()
    shown = [_described(one) for one in found]
    return Response(msgspec.json.encode({"found": shown}), media_type=JSON)


async def _find(site: Site, party: str, name: str, text: str) -> Sequence[Found | Code]:
    """What the chain of a party wrote with this value, or the code that it made."""
    if name != SHORT_CODE:
        return await site.read(site.ledger.finder.find, party, name, text)
    code = await site.read(site.ledger.codes.by_short, text)
    chain = chain_of(site.ledger.view.parties, party)
    return [code] if code is not None and code.level != UNBOUND and code.party in chain else []


def _described(one: Found | Code) -> dict[str, str | None]:
    if isinstance(one, Found):
        return {"statement": one.statement, "subject": one.subject, "party": one.party}
    return {"code_id": one.id, "kind": one.kind, "subject": one.subject, "party": one.party, "case": one.case}
