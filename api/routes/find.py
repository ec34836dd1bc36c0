"""Finding records by what a customer says or shows: a telephone number, an e-mail address, a number on a paper.

The value stands in the body, so that it comes into no log of addresses. What is found are ids: to read more, the
caller asks as ever. Every search is written down with what it found, and how many are made is limited.
"""

from __future__ import annotations

from typing import Annotated, Any

import msgspec
from fastapi import APIRouter, Depends
from pydantic import Field
from starlette.requests import Request
from starlette.responses import Response

from api.routes.statements import JSON
from api.site import caller_of, site_of
from api.strict import Body, body_schema, read_body
from ledger.db.needles import MAX_TEXT
from ledger.errors import Invalid

router = APIRouter(tags=["items"])
Value = Annotated[str | None, Field(min_length=1, max_length=MAX_TEXT)]
ROUTE = "POST /v1/find"


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
    """The statements of the caller's chain that hold the value, and what they are about; none of other chains."""
    site, caller = site_of(request), caller_of(request)
    given = body.model_dump(exclude_none=True)
    if len(given) != 1:
        raise Invalid(f"got {len(given)} members, want one of {', '.join(Needle.model_fields)}")
    # A person has no API key: each is counted for herself.
    site.finds.take(caller.key_id or str(caller.person))
    ((name, text),) = given.items()
    found = await site.read(site.ledger.finder.find, caller.party, name, text)

    def note(**more: Any) -> None:
        who: dict[str, Any] = {"party": caller.party, "key": caller.key_id or None, "person": caller.person}
        site.ledger.readings.note(**who, why=ROUTE, members=[name], **more)

    for one in found:
        # Of the chain by the search itself, so never outside it.
        note(subject=one.subject, statement=one.statement, owner=one.party, sees=frozenset([one.party]))
    if not found:
        note()
    shown = [{"statement": one.statement, "subject": one.subject, "party": one.party} for one in found]
    return Response(msgspec.json.encode({"found": shown}), media_type=JSON)
