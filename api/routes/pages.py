"""What customers see: the page of a view code, the public page of a GS1 address, and the documentation.

GET consumes nothing: chat programs fetch links before people do. A token that is unknown and one that is malformed
get the same answer. Pages are complete without a script and fetch nothing from elsewhere.
"""

from __future__ import annotations

from typing import Any

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from api import erasing
from api.pages import qr
from api.pages.item_json import describe_page
from api.pages.item_page import ItemPage, make_page, verify
from api.problems import KINDS, Problem, not_found, problem_of, problem_response, request_id_of
from api.routes.items import history_response, read_at
from api.routes.statements import JSON
from api.site import Site, site_of
from ledger import uri
from ledger.errors import Disproved, Invalid, Malformed, PatinaError, Unavailable

HTML = "text/html; charset=utf-8"
_HOUR = 3_600_000_000
_encode = msgspec.json.encode


async def get_code_page(request: Request) -> Response:
    """The item of a view code: its whole history, as a page or, by ``Accept``, as JSON."""
    token = request.path_params["token"]
    subject = await _subject_of(request, token)
    if subject is None:
        return _missing(request)
    return await _item(request, subject, token)


async def get_public_page(request: Request) -> Response:
    """The item of a GS1 Digital Link: what anybody may see."""
    params = request.path_params
    try:
        if "gtin" in params:
            subject = uri.gs1_subject("01", params["gtin"], params["serial"])
        else:
            subject = uri.gs1_subject("8004", params["giai"])
    except Invalid:
        return _missing(request)
    return await _item(request, subject, None)


async def get_code_history(request: Request) -> Response:
    """The history bundle of a view code's item."""
    subject = await _subject_of(request, request.path_params["token"])
    if subject is None:
        raise not_found("got a code that leads to no record")
    return await history_response(request, subject)


async def get_code_qr(request: Request) -> Response:
    """The QR code of a view code's page."""
    token = request.path_params["token"]
    if await _subject_of(request, token) is None:
        raise not_found("got a code that leads to no record")
    return qr.qr_response(f"{site_of(request).settings.public_url}/i/{token}", request)


async def _subject_of(request: Request, token: str) -> str | None:
    return await site_of(request).subject_of(token)


async def _item(request: Request, subject: str, token: str | None) -> Response:
    """The page or the JSON of an item; ``token`` is the view code it was reached by, if any."""
    site = site_of(request)
    at = request.query_params.get("at")
    as_json = wants_json(request)
    try:
        below = None if at is None else await read_at(site, at)
        size = await site.read(site.ledger.reader.size)
        key = (subject, token, size, below, as_json, site.clock() // _HOUR)
        body = await site.pages.page(key, lambda: _make(site, subject, token, below, as_json))
    except (Disproved, Malformed, Unavailable) as error:
        return _unavailable(request, error)
    except Problem:
        if as_json:
            raise
        return _missing(request)
    if body is None:
        return _missing(request)
    headers = {"ETag": f'"{size}"', "Vary": "Accept", "Cache-Control": "private, no-cache"}
    return Response(body, headers=headers, media_type=JSON if as_json else HTML)


def _make(site: Site, subject: str, token: str | None, below: int | None, as_json: bool) -> bytes | None:
    """The bytes of an item's page or JSON, after its history was verified; ``None`` if there is no such item."""
    found = site.ledger.reader.history(subject)
    if found is None:
        return None
    vkeys, now = site.ledger.vkeys, site.clock()
    verified = verify(found[1], subject, vkeys, now)
    absences = erasing.absences(site.ledger, verified.entries)
    page = make_page(verified, site.pages.words, vkeys, now, below, absences=absences)
    if page is None:
        return None
    return _as_json(site, page, token) if as_json else _as_html(site, page, token)


def _as_json(site: Site, page: ItemPage, token: str | None) -> bytes:
    return _encode(describe_page(page, site.settings.public_url, token, site.clock()))


def _as_html(site: Site, page: ItemPage, token: str | None) -> bytes:
    path = f"/i/{token}" if token is not None else page.subject.removeprefix(uri.HOST)
    return site.pages.render(
        "item.html" if token is not None else "public.html",
        page=page,
        path=path,
        token=token,
        host=site.settings.host,
        address=site.settings.public_url + path,
        qr=f"{path}/qr.svg" if token is not None else None,
    )


def wants_json(request: Request) -> bool:
    """Whether ``Accept`` prefers JSON to a page; browsers, and whoever does not say, get the page."""
    weights = {"text/html": 0.0, JSON: 0.0}
    for part in request.headers.get("accept", "").split(","):
        kind, _, rest = part.strip().partition(";")
        weight = 1.0
        for parameter in rest.split(";"):
            name, _, value = parameter.strip().partition("=")
            if name == "q":
                weight = _weight(value)
        if kind in weights:
            weights[kind] = weight
    return weights[JSON] > weights["text/html"]


def _weight(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return 0.0


def _missing(request: Request) -> Response:
    """The one answer to every code and key that leads nowhere, malformed or unknown."""
    if wants_json(request):
        raise not_found("got a code that leads to no record")
    site = site_of(request)
    return Response(site.pages.render("missing.html", host=site.settings.host), 404, media_type=HTML)


def _unavailable(request: Request, error: PatinaError) -> Response:
    if wants_json(request):
        return problem_response(problem_of(Unavailable(error.message)), request_id_of(request))
    site = site_of(request)
    headers = {"Retry-After": "1"}
    return Response(site.pages.render("unavailable.html", host=site.settings.host), 503, headers, media_type=HTML)


async def get_front_page(request: Request) -> Response:
    """What this is, for whoever types the bare address."""
    return _render(request, "front.html")


async def get_docs(request: Request) -> Response:
    """The interface, drawn from the OpenAPI document; nothing is fetched from elsewhere to draw it."""
    address = site_of(request).settings.public_url
    return _render(request, "docs.html", document=request.app.state.openapi, address=address)


async def get_problem_docs(request: Request) -> Response:
    """What each type of problem means."""
    return _render(request, "problems.html", kinds=KINDS, words=site_of(request).pages.words)


def _render(request: Request, template: str, **values: Any) -> Response:
    site = site_of(request)
    page = site.pages.render(template, host=site.settings.host, **values)
    return Response(page, headers={"Cache-Control": "no-cache"}, media_type=HTML)


async def get_openapi(request: Request) -> Response:
    """The OpenAPI 3.1 document of every address here."""
    site = site_of(request)
    document = {**request.app.state.openapi, "servers": [{"url": site.settings.public_url}]}
    return Response(_encode(document), headers={"Access-Control-Allow-Origin": "*"}, media_type=JSON)


async def get_static(request: Request) -> Response:
    """A style sheet or a picture."""
    found = site_of(request).pages.static(request.path_params["name"])
    if found is None:
        raise not_found()
    return Response(found[0], headers={"Cache-Control": "public, max-age=31536000, immutable"}, media_type=found[1])


async def get_icon(request: Request) -> Response:
    """The icon, for browsers that ask without looking at the page."""
    found = site_of(request).pages.static("icon.svg")
    assert found is not None, "it is listed"
    return Response(found[0], headers={"Cache-Control": "public, max-age=86400"}, media_type=found[1])


async def get_robots(_: Request) -> Response:
    """No page here is for an index."""
    return Response("User-agent: *\nDisallow: /\n", media_type="text/plain; charset=utf-8")
