"""What a party promises its customers: the standard in force, as it is and in words; anybody may read it."""

from __future__ import annotations

from typing import Annotated

import msgspec
from fastapi import APIRouter, Query
from starlette.requests import Request
from starlette.responses import Response

from api.following import promises_now
from api.problems import Problem, not_found
from api.promise_json import describe_ids
from api.routes.statements import JSON
from api.site import site_of
from ledger.errors import Invalid
from ledger.standard_words import words

router = APIRouter(tags=["cases"])


@router.get("/v1/parties/{id}/standards", summary="The standard in force of a party, also in words")
async def get_standards(
    request: Request,
    id: str,  # noqa: A002 -- the name in the path
    language: Annotated[str, Query(max_length=20, description="of the words: en, zh_Hans or zh_Hant")] = "en",
) -> Response:
    """What a case that is opened with this party now would be judged by: its own standard, or the next above it.

    ``standard`` names the documents that are read as one, ``document`` is what they come to, ``words`` has a line for
    each promise. Where nobody has promised anything, all three are null.
    """
    site = site_of(request)
    if not (await site.read(site.ledger.reader.parties)).known(id):
        raise not_found("got an id that is no party of this ledger")
    found = (await promises_now(site)).newest(id)
    try:
        text = None if found is None else words(found, language)
    except Invalid as error:
        raise Problem("invalid", error.message, parameter="language") from None
    document = None if found is None else found.document
    answer = {"party": id, "standard": describe_ids(found), "document": document, "words": text}
    return Response(msgspec.json.encode(answer), media_type=JSON)
