"""The access log over HTTP: who read private members, and where that was unusual.

A party sees what its own people and keys read, and who read the private members of what it said; the operator sees
all. What was read is not in here, only the names of the members.
"""

from __future__ import annotations

from typing import Annotated, Any
from urllib.parse import urlencode

import msgspec
from fastapi import APIRouter, Query
from starlette.requests import Request
from starlette.responses import Response

from api.problems import Problem
from api.rights import ADMIN
from api.routes.search import Cursor, page_time
from api.routes.statements import JSON
from api.site import caller_of, site_of
from ledger.errors import Invalid

router = APIRouter(tags=["access log"])
_encode = msgspec.json.encode


def _text(description: str) -> Any:
    return Query(min_length=1, max_length=300, description=description)


Reader = Annotated[str | None, _text("who read, as `reader` of a signal names it")]
Subject = Annotated[str | None, _text("the item or case that was read")]
Since = Annotated[str | None, _text("read then or later, a day or a time")]
Until = Annotated[str | None, _text("read then or before, a day or a time")]


@router.get("/v1/readings", summary="Who read private members, newest first")
async def get_readings(
    request: Request,
    *,
    reader: Reader = None,
    subject: Subject = None,
    since: Since = None,
    until: Until = None,
    cursor: Cursor = None,
    limit: Annotated[int, Query(ge=1, le=200, description="readings of a page")] = 50,
) -> Response:
    """What a party's people and keys read, and who read what it said; all for the operator. The next page is in
    ``next`` and in a ``Link`` header.
    """
    site = site_of(request)
    asked: dict[str, Any] = {
        "party": _whose(request), "reader": reader, "subject": subject, "cursor": cursor, "limit": limit,
        "since": page_time(since, "since"), "until": page_time(until, "until"),
    }  # fmt: skip
    try:
        found, after = await site.read(site.ledger.readings.readings, **asked)
    except Invalid as error:
        raise Problem("invalid", error.message, parameter="cursor") from None
    document: dict[str, Any] = {"readings": [{**msgspec.to_builtins(one), "reader": one.reader} for one in found]}
    headers = {}
    if after is not None:
        kept = [(name, value) for name, value in request.query_params.multi_items() if name != "cursor"]
        document["next"] = f"{site.settings.public_url}/v1/readings?{urlencode([*kept, ('cursor', after)])}"
        headers["Link"] = f'<{document["next"]}>; rel="next"'
    return Response(_encode(document), headers=headers, media_type=JSON)


@router.get("/v1/signals", summary="Unusual reading of private members, newest first")
async def get_signals(request: Request) -> Response:
    """Out of the access log: who reads. What in the ledger's own log should be looked at is ``GET /v1/risks``.

    Each names its reader and its time, and ``readings`` is the address of the readings that gave it.
    """
    site = site_of(request)
    found = await site.read(site.ledger.readings.signals, _whose(request))
    shown = [
        {
            **{name: getattr(one, name) for name in one.__slots__},
            "readings": f"{site.settings.public_url}/v1/readings?"
            + urlencode({"reader": one.reader, "since": one.since, "until": one.at}),
        }
        for one in found
    ]
    return Response(_encode({"signals": shown}), media_type=JSON)


def _whose(request: Request) -> str | None:
    """Whose readings the caller may see: everybody's (``None``) for the operator, otherwise its party's."""
    caller = caller_of(request)
    return None if caller.may(ADMIN) else caller.party
