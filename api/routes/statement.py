"""One statement by its id, with what may be said of it: who says it by which key, and whether that key was stolen."""

from __future__ import annotations

from typing import Any

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from api import erasing, fold, private_out
from api.levels import need_view
from api.pages.item_json import describe_absence, describe_speaker
from api.pages.story import Absence, Teller
from api.problems import not_found
from api.routes.statements import JSON
from api.site import Site, site_of
from api.state_json import describe_doubt
from ledger.disclosure import parse_disclosure
from ledger.doubt import doubt_of
from ledger.leaf import Statement, statement_from

_encode = msgspec.json.encode


async def get_statement(request: Request) -> Response:
    """A statement, the entry that it stands in, and its receipt to the newest checkpoint; ``by`` says who says it.

    ``doubtful`` is null, or names the compromised key; the entry and the receipt are none the worse for it.
    """
    site = site_of(request)
    found = await site.read(site.ledger.reader.receipt, request.path_params["id"])
    if found is None:
        raise not_found("got a statement id that is not in this ledger")
    shown = msgspec.json.decode(found)
    entry = msgspec.json.decode(shown["entry"])
    await need_view(request, entry["statement"]["subjects"][0])
    document = {"id": shown["id"], "index": shown["index"], "statement": entry["statement"], "entry": shown["entry"]}
    document |= await site.read(_told, site, shown["index"], shown["entry"].encode())
    if "_sd" in entry["statement"]:
        document |= await _private(request, statement_from(entry["statement"]))
    return Response(_encode({**document, "receipt": shown}), media_type=JSON)


def _told(site: Site, index: int, raw: bytes) -> dict[str, Any]:
    """Who says an entry, with the label of the key; how a holder's key is kept stands in the entry that named it."""
    (one,) = fold.parse_entries([(index, raw)])
    statement = one.entry.statement
    held = [] if statement.grant is None else site.ledger.reader.entries(statement.subjects[0])
    teller = Teller(site.pages.words, site.ledger.view.parties, fold.parse_entries(held, index))
    doubt = doubt_of(one.entry, site.ledger.reader.doubts())
    return {"by": describe_speaker(teller.speaker(one.entry)), "doubtful": describe_doubt(doubt)}


async def _private(request: Request, statement: Statement) -> dict[str, Any]:
    """The private members that the caller may see, with their disclosures, and why others are not there."""
    site = site_of(request)
    disclosures = await private_out.disclosures_of(request, statement, "GET /v1/statements/{id}")
    members = [parse_disclosure(one) for one in disclosures]
    found = {"private": {one.name: one.value for one in members}, "disclosures": disclosures}
    raws = await site.read(site.ledger.reader.entries, statement.subjects[0])
    entries = [one.entry for one in fold.parse_entries(raws)]
    absence = (await site.read(erasing.absences, site.ledger, entries)).get(statement.id)
    if absence is not None or not members:
        return {**found, "absent": describe_absence(absence or Absence())}
    return found
