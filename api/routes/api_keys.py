"""API keys after they are made: the next key of a program, and the end of one.

A key that is rotated goes on until a time that is said, a day later unless it is; the secret of the next one is in the
answer and never again. Whoever may not administer the whole ledger sees and ends its own party's keys alone, and
those of others look as if they were not there.
"""

from __future__ import annotations

from typing import Annotated

import msgspec
from fastapi import APIRouter, Depends
from starlette.requests import Request
from starlette.responses import Response

from api.problems import not_found
from api.rights import ADMIN
from api.routes.statements import JSON
from api.site import caller_of, site_of
from api.strict import Body, body_schema, read_body
from ledger import times
from ledger.db.api_keys import ApiKey
from ledger.errors import Invalid, Malformed

router = APIRouter(tags=["keys"])
_encode = msgspec.json.encode


class Rotation(Body):
    """``until``: how long the old key goes on; ``expires_at``: the end of the new one. A day or a time each."""

    until: str | None = None
    expires_at: str | None = None


@router.post("/v1/keys/{id}/rotation", summary="The next API key of a program", openapi_extra=body_schema(Rotation))
async def rotate_key(request: Request, body: Annotated[Rotation, Depends(read_body(Rotation))], id: str) -> Response:  # noqa: A002
    """The new secret is shown in this answer and never again; the old key goes on for a day, or until ``until``."""
    site = site_of(request)
    await _own_key(request, id)
    until, expires_at = read_time(body.until, "/until"), read_time(body.expires_at, "/expires_at")
    secret = await site.read(site.ledger.access.keys.rotate, id, until, expires_at)
    old = await _own_key(request, id)
    new = await site.read(site.ledger.access.find_api_key, secret)
    assert new is not None, "it was made just now"
    document = {"id": new.id, "api_key": secret, "expires_at": new.expires_at, "old": describe_key(old)}
    return Response(_encode(document), 201, media_type=JSON)


@router.delete("/v1/keys/{id}", summary="Revoke an API key")
async def revoke_key(request: Request, id: str) -> Response:  # noqa: A002
    """It is refused at once by this process, and within five seconds by every other."""
    site = site_of(request)
    await _own_key(request, id)
    await site.read(site.ledger.access.revoke_api_key, id)
    return Response(_encode(describe_key(await _own_key(request, id))), media_type=JSON)


async def _own_key(request: Request, key_id: str) -> ApiKey:
    site, caller = site_of(request), caller_of(request)
    found = await site.read(site.ledger.access.keys.get, key_id)
    if found is None or not (caller.may(ADMIN) or found.party == caller.party):
        raise not_found("got an id that is no API key's")
    return found


def describe_key(key: ApiKey) -> dict[str, object]:
    """A key as JSON says it, without its secret, which is not kept."""
    return {name: getattr(key, name) for name in key.__slots__}


def read_time(text: str | None, pointer: str) -> int | None:
    """Microseconds since 1970 of a day or a time in a body; raises ``Invalid``."""
    if text is None:
        return None
    try:
        return times.parse_occurred(text + "T00:00:00Z" if len(text) == 10 else text)
    except (Invalid, Malformed) as error:
        raise Invalid(error.message, pointer) from None
