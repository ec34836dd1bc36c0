"""Items: registering one by a short cut, its state, its history and its QR code."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

import msgspec
from msgspec.structs import replace
from starlette.requests import Request
from starlette.responses import Response

from api import fold, intake, private_out
from api.findable import findable
from api.following import entitlement_of
from api.levels import need_view
from api.pages import qr
from api.problems import Problem, not_found
from api.promise_json import describe_entitlement
from api.routes.statements import JSON, append_here, check_type, placed_problem, receipt_bytes
from api.site import Site, caller_of, site_of
from api.state_json import describe_doubt, describe_state
from ledger import shortcode, times, uri
from ledger.db.draft import Draft
from ledger.doubt import doubt_of
from ledger.errors import Invalid, Malformed, PatinaError

_ABOUT = frozenset({"name", "category", "brand", "model", "materials", "origin"})
_NAMED = frozenset({"id", "gtin", "serial", "giai", "occurred_at"})

_encode = msgspec.json.encode


async def post_item(request: Request) -> Response:
    """Register an item and give it a view code, in one commit; signed with the party's key in custody.

    The item is named by ``gtin`` and ``serial``, by ``giai``, or by ``id``; without any it gets a new uuid.
    """
    site, caller = site_of(request), caller_of(request)
    check_type(request, {JSON, ""})
    body = intake.read_object(await request.body())
    for name in body:
        if name not in _ABOUT | _NAMED:
            raise Invalid(f"got the member {name!r}, want {', '.join(sorted(_ABOUT | _NAMED))}", f"/{name}")
    subject = _subject_of(body, site)
    now = site.clock()
    statement = {
        "id": intake.new_id(now),
        "ledger": site.ledger.id,
        "type": "item.registered",
        "subjects": [subject],
        "party": caller.party,
        "occurred_at": body.get("occurred_at", times.format_recorded(now)),
        "details": {name: body[name] for name in _ABOUT if name in body},
    }
    token, row = site.ledger.codes.draft(subject, "view", party=caller.party)

    async def make() -> Draft:
        try:
            draft = intake.sign_draft(statement, site, caller)
        except PatinaError as error:
            error.pointer = error.pointer.replace("/statement/details", "").replace("/statement", "")
            raise
        return await findable(replace(draft, rows=(row,)), site)

    outcome = await append_here(site, make)
    if isinstance(outcome, PatinaError):
        raise placed_problem(outcome)
    page = page_of(site, token)
    document = {"id": subject, **page, "receipt": msgspec.Raw(receipt_bytes(outcome))}
    return Response(_encode(document), 201, {"Location": f"/v1/items/{encode_id(subject)}"}, media_type=JSON)


def _subject_of(body: Mapping[str, Any], site: Site) -> str:
    given = [name for name in ("id", "gtin", "giai") if name in body]
    if len(given) > 1 or ("serial" in body) != ("gtin" in body):
        raise Invalid("want one of id, giai, or gtin with serial")
    for name in (*given, "serial"):
        if not isinstance(body.get(name, ""), str):
            raise Invalid("got something else, want text", f"/{name}")
    if not given:
        return intake.new_id(site.clock())
    try:
        if "gtin" in body:
            return uri.gs1_subject("01", body["gtin"], body["serial"])
        if "giai" in body:
            return uri.gs1_subject("8004", body["giai"])
        uri.subject_kind(body["id"])
    except Invalid as error:
        raise Invalid(error.message, f"/{given[0]}") from None
    return str(body["id"])


async def get_item(request: Request) -> Response:
    """The state of an item, from all that was said about it, and its rights in force: what may be asked for today.

    ``?at=`` as of an index of the log or a time; rights are those of today, by what was said until then.
    """
    site = site_of(request)
    subject = request.path_params["id"]
    await need_view(request, subject)
    raws = await site.read(site.ledger.reader.entries, subject) if uri.is_subject(subject) else []
    at = request.query_params.get("at")
    below = None if at is None else await read_at(site, at)
    told = fold.parse_entries(raws, below)
    state = fold.fold(subject, told)
    if state is None or state.kind != "item":
        raise not_found("got an id that is no item of this ledger" if not raws else "not registered at that time")
    document = {"id": subject, **describe_state(state, site.clock()), "count": len(told)}
    found = await site.read(site.ledger.reader.doubts)
    document["entries"] = [
        {
            "index": one.entry.index,
            "statement": one.entry.statement.id,
            "doubtful": describe_doubt(doubt_of(one.entry, found)),
        }
        for one in told
    ]
    document["rights"] = describe_entitlement(await entitlement_of(site, subject, [one.entry for one in told]))
    if below is not None:
        document["as_of_index"] = below
    return Response(_encode(document), media_type=JSON)


async def get_history(request: Request) -> Response:
    """The history bundle of an item: every entry about it and the proof that it is all (docs/format.md, §7).

    It is always the newest; ``?at=`` adds ``as_of_index``, below which the entries of that time stand.
    """
    subject = request.path_params["id"]
    await need_view(request, subject)
    known = uri.is_subject(subject)
    disclosures = await private_out.disclosures_for(request, subject, "GET /v1/items/{id}/history") if known else {}
    return await history_response(request, subject, disclosures)


async def history_response(
    request: Request, subject: str, disclosures: Mapping[str, list[str]] | None = None
) -> Response:
    """The bundle of a subject with these disclosures, or 304 if it has that of this checkpoint.

    The tag is the checkpoint's size and not the item's count: with the count a reader would be told that nothing
    changed when a fresher proof could be had.
    """
    site = site_of(request)
    reader = site.ledger.reader
    at = request.query_params.get("at")
    asked = request.headers.get("if-none-match")
    if asked is not None and at is None and request.method != "POST":
        tag = f'"{await site.read(reader.size)}"'
        if tag in asked:
            return Response(status_code=304, headers={"ETag": tag, "Cache-Control": "no-cache"})
    found = await site.read(reader.history, subject, disclosures=disclosures) if uri.is_subject(subject) else None
    if found is None:
        raise not_found("got an id that this ledger has no entry about")
    size, bundle = found
    headers = {"ETag": f'"{size}"', "Last-Modified": await site.modified(size), "Cache-Control": "no-cache"}
    if at is not None:
        below = await read_at(site, at)
        bundle = bundle.rstrip()[:-1] + b',"as_of_index":%d}' % below
        headers["ETag"] = f'"{size}-{below}"'
    if disclosures:
        headers["Cache-Control"] = "no-store"
    return Response(bundle, headers=headers, media_type=JSON)


async def read_at(site: Site, at: str) -> int:
    """The index that ``?at=`` means; raises ``Problem`` 422."""
    try:
        return await site.read(fold.as_of_index, site.ledger.reader, at)
    except (Invalid, Malformed) as error:
        raise Problem("invalid", error.message, parameter="at") from None


def page_of(site: Site, token: str, letter: str = "i") -> dict[str, str]:
    """Where a code leads, and pictures of it; ``letter`` is ``c`` for the code of a case, ``r`` for a paper's.

    A paper has no short code: each of its items has one.
    """
    page = f"{site.settings.public_url}/{letter}/{token}"
    return {
        "token": token,
        **({} if letter == "r" else {"short_code": shortcode.short_of(token)}),
        "page": page,
        "qr_svg": f"{page}/qr.svg",
        "qr_png": f"{page}/qr.png",
    }


async def get_qr(request: Request) -> Response:
    """The QR code of an item: of its page if ``?token=`` gives a code of it, else of its GS1 Digital Link here."""
    site = site_of(request)
    subject = await known_item(request)
    token = request.query_params.get("token")
    if token is not None:
        code = await site.code(token)
        if code is None or code.subject != subject:
            raise Problem("invalid", "got a token that is no code of this item", parameter="token")
        address = f"{site.settings.public_url}/i/{token}"
    elif subject.startswith(uri.HOST):
        address = site.settings.public_url + subject.removeprefix(uri.HOST)
    else:
        raise Problem("invalid", "this item has no GS1 key: want the token of one of its codes", parameter="token")
    return qr.qr_response(address, request)


async def known_item(request: Request) -> str:
    """The subject in the path; raises ``Problem`` 404 unless it is an item of this ledger."""
    site = site_of(request)
    subject: str = request.path_params["id"]
    state = await site.read(site.ledger.reader.state, subject) if uri.is_subject(subject) else None
    if state is None or state.kind != "item":
        raise not_found("got an id that is no item of this ledger")
    return subject


def encode_id(subject: str) -> str:
    """A subject as one segment of a path."""
    return quote(subject, safe="")
