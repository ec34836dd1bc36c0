"""What a party lets auditors read, and what it was let read itself."""

from __future__ import annotations

from typing import Annotated

import msgspec
from fastapi import APIRouter, Depends
from pydantic import Field
from starlette.requests import Request
from starlette.responses import Response

from api import levels
from api.problems import not_found
from api.routes.api_keys import read_time
from api.routes.statements import JSON
from api.site import caller_of, site_of
from api.strict import Body, body_schema, read_body
from ledger import uri
from ledger.db.grants import Grant
from ledger.errors import Forbidden, Invalid
from ledger.private import MEMBERS as PRIVATE

router = APIRouter(tags=["grants"])
_encode = msgspec.json.encode
MEMBERS = frozenset(name for name, member in PRIVATE.items() if "auditor" in member.audience)


class NewGrant(Body):
    """``auditor``: a party of that role; ``subject``: one item, else all of one's own; ``members``: private ones."""

    auditor: str
    subject: str | None = None
    until: str
    members: list[str] = Field(default_factory=list, max_length=64)


@router.get("/v1/grants", summary="What one's party granted, and was granted")
async def get_grants(request: Request) -> Response:
    """Also what is over or was taken back."""
    site, caller = site_of(request), caller_of(request)
    found = await site.read(site.ledger.access.grants.of, caller.party)
    return Response(_encode({"grants": [_described(one) for one in found]}), media_type=JSON)


@router.post("/v1/grants", summary="Let an auditor read", openapi_extra=body_schema(NewGrant))
async def post_grant(request: Request, body: Annotated[NewGrant, Depends(read_body(NewGrant))]) -> Response:
    """Until a time, two years away at most; it opens histories and, of private members, those that it names."""
    site, caller = site_of(request), caller_of(request)
    if "auditor" not in site.ledger.view.parties.roles(body.auditor):
        raise Invalid("got a party that is no registered auditor", "/auditor")
    unknown = sorted(set(body.members) - MEMBERS)
    if unknown:
        raise Invalid(f"got {unknown[0][:40]!r}, which is no private member that auditors may be let see", "/members")
    until = read_time(body.until, "/until")
    assert until is not None, "it is required"
    if body.subject is not None:
        state = await site.read(site.ledger.reader.state, body.subject) if uri.is_subject(body.subject) else None
        if caller.party not in levels.concerned(state):
            raise Forbidden("got an item that does not concern your own party", "/subject")
    give = site.ledger.access.grants.give
    made = await site.read(give, caller.party, body.auditor, body.subject, sorted(set(body.members)), until)
    return Response(_encode(_described(made)), 201, media_type=JSON)


@router.delete("/v1/grants/{id}", summary="Take a grant back")
async def revoke_grant(request: Request, id: str) -> Response:  # noqa: A002
    """It opens nothing more: at once here, within five seconds in other processes."""
    site, caller = site_of(request), caller_of(request)
    if not await site.read(site.ledger.access.grants.revoke, id, caller.party):
        raise not_found("got an id that is no grant of your party, or of one that was taken back")
    return Response(_encode({"id": id, "revoked": True}), media_type=JSON)


def _described(grant: Grant) -> dict[str, object]:
    return {name: getattr(grant, name) for name in grant.__slots__}
