"""Searching for items, page by page."""

from __future__ import annotations

from typing import Annotated, Any
from urllib.parse import urlencode

import msgspec
from fastapi import APIRouter, Query
from starlette.requests import Request
from starlette.responses import Response

from api.problems import Problem
from api.routes.statements import JSON
from api.site import site_of
from ledger import times
from ledger.errors import Invalid, Malformed

router = APIRouter(tags=["items"])


def _text(description: str) -> Any:
    """What FastAPI is told of a text of the query."""
    return Query(min_length=1, max_length=200, description=description)


Words = Annotated[str | None, _text("words of its name, brand, model or id")]
Category = Annotated[str | None, _text("its category")]
State = Annotated[str | None, _text("in_use, stolen, lost, recalled or retired")]
Party = Annotated[str | None, _text("who registered it or wrote about it, a party's id")]
Since = Annotated[str | None, _text("registered then or later, a day or a time")]
Until = Annotated[str | None, _text("registered before then, a day or a time")]
Cursor = Annotated[str | None, _text("where the last page ended")]


@router.get("/v1/items", summary="Search for items, newest registration first")
async def search_items(
    request: Request,
    *,
    text: Words = None,
    category: Category = None,
    state: State = None,
    party: Party = None,
    held: Annotated[bool | None, Query(description="whether somebody holds it")] = None,
    since: Since = None,
    until: Until = None,
    cursor: Cursor = None,
    limit: Annotated[int, Query(ge=1, le=200, description="items of a page")] = 50,
) -> Response:
    """Items that match all that is given. The next page is in ``next`` and in a ``Link`` header; it stays the same page
    while others write.
    """
    site = site_of(request)
    asked: dict[str, Any] = {
        "text": text, "category": category, "state": state, "party": party, "held": held,
        "since": page_time(since, "since"), "until": page_time(until, "until"), "cursor": cursor, "limit": limit,
    }  # fmt: skip
    try:
        rows, after = await site.read(site.ledger.reader.items, **asked)
    except Invalid as error:
        raise Problem("invalid", error.message, parameter=error.pointer.strip("/") or "cursor") from None
    document: dict[str, Any] = {"items": [{"id": row.subject, **_members(row)} for row in rows]}
    headers = {}
    if after is not None:
        query = urlencode(
            [*((n, v) for n, v in request.query_params.multi_items() if n != "cursor"), ("cursor", after)]
        )
        document["next"] = f"{site.settings.public_url}/v1/items?{query}"
        headers["Link"] = f'<{document["next"]}>; rel="next"'
    return Response(msgspec.json.encode(document), headers=headers, media_type=JSON)


def _members(row: Any) -> dict[str, Any]:
    return {name: getattr(row, name) for name in row.__slots__ if name != "subject"}


def page_time(text: str | None, name: str) -> str | None:
    """A time of the query in the width of ``recorded_at``, so that it compares as text."""
    if text is None:
        return None
    try:
        return times.format_recorded(times.parse_occurred(text + "T00:00:00Z" if len(text) == 10 else text))
    except (Invalid, Malformed) as error:
        raise Problem("invalid", error.message, parameter=name) from None
