"""What customers see: the page of a view code, the public page of a GS1 address or a short code, and documentation.

GET consumes nothing: chat programs fetch links before people do. A token that is unknown and one that is malformed
get the same answer. Pages are complete without a script and fetch nothing from elsewhere.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from api import erasing
from api.pages import qr
from api.pages.files_shown import FileShown, shown_files
from api.pages.item_json import describe_page
from api.pages.item_page import ItemPage, make_page, verify
from api.pages.promised import Promised
from api.problems import KINDS, Problem, not_found, problem_of, problem_response, request_id_of
from api.promised import promised_of
from api.routes.items import history_response, read_at
from api.routes.statements import JSON
from api.site import Site, site_of
from ledger import shortcode, uri
from ledger.db.codes import CASE, UNBOUND, VIEW, Code
from ledger.errors import Disproved, Invalid, Malformed, PatinaError, Unavailable
from ledger.history import VerifiedHistory

HTML = "text/html; charset=utf-8"
SCRIPT_POLICY = (
    "default-src 'none'; script-src 'self'; connect-src 'self'; style-src 'self'; img-src 'self'; base-uri 'none'; "
    "form-action 'none'; frame-ancestors 'none'"
)
"""Of a page with a script: its own, from here, which may speak to nobody but us."""
_HOUR = 3_600_000_000
Files = dict[int, tuple[FileShown, ...]]
_encode = msgspec.json.encode


async def get_code_page(request: Request) -> Response:
    """The item of a view code: its whole history, as a page or, by ``Accept``, as JSON.

    A code that is not in use yet says so and no more; one that has fallen shows what anybody may see.
    """
    token = request.path_params["token"]

    async def show(code: Code) -> Response:
        site_of(request).ledger.risks.scanned(code.id)
        opened = code.level == VIEW
        return await _item(request, Shown(code.subject, f"/i/{token}", token, opened=opened, short=code.short))

    return await by_code(request, token, show)


async def by_code(
    request: Request, token: str, show: Callable[[Code], Awaitable[Response]], *, of: str = "i"
) -> Response:
    """What ``show`` makes of a code; a code of a case under ``/c/``, any other under ``/i/``, else the missing page.

    The level is read again after the content was: a level that fell never rises, so what is shown is not newer than a
    state in which the code still opened it.
    """
    site = site_of(request)
    code = await site.code(token)
    while code is not None and (code.kind == CASE) == (of == "c"):
        if code.level == UNBOUND:
            return _unbound(request)
        answer = await show(code)
        again = await site.code(token)
        if again is not None and again.level == code.level:
            return answer
        code = again
    return missing(request)


async def get_public_page(request: Request) -> Response:
    """The item of a GS1 Digital Link: what anybody may see."""
    params = request.path_params
    try:
        if "gtin" in params:
            subject = uri.gs1_subject("01", params["gtin"], params["serial"])
        else:
            subject = uri.gs1_subject("8004", params["giai"])
    except Invalid:
        return missing(request)
    return await _item(request, Shown(subject, subject.removeprefix(uri.HOST)))


async def get_short_page(request: Request) -> Response:
    """The item of a short code, typed where a camera is of no use: what anybody may see."""
    site = site_of(request)
    text = request.path_params["short_code"]
    code = await site.read(site.ledger.codes.by_short, text)
    if code is None:
        return missing(request)
    if code.level == UNBOUND:
        return _unbound(request)
    return await _item(request, Shown(code.subject, f"/s/{shortcode.parse_short(text)}"))


async def get_code_history(request: Request) -> Response:
    """The history bundle of a view code's item."""

    async def show(code: Code) -> Response:
        if code.level != VIEW:
            raise Problem("forbidden", "this code has fallen to the public level, which has no history bundle")
        return await history_response(request, code.subject)

    answer = await by_code(request, request.path_params["token"], show)
    if answer.status_code == 404:
        raise not_found("got a code that leads to no record")
    return answer


async def get_code_qr(request: Request) -> Response:
    """The QR code of a code's page, also before the code is in use: cards are printed then."""
    token = request.path_params["token"]
    code = await site_of(request).code(token)
    if code is None:
        raise not_found("got a code that leads to no record")
    letter = "c" if code.kind == CASE else "i"
    return qr.qr_response(f"{site_of(request).settings.public_url}/{letter}/{token}", request)


@dataclass(frozen=True, slots=True)
class Shown:
    """What is shown of which item: its history if the code of ``token`` ``opened`` it, else what anybody may see.

    ``path`` is where it is shown; ``short`` says whether the short code of the token leads there as well.
    """

    subject: str
    path: str
    token: str | None = None
    opened: bool = False
    short: bool = False
    as_json: bool = False


async def _item(request: Request, shown: Shown) -> Response:
    """The page or the JSON of an item."""
    site = site_of(request)
    at = request.query_params.get("at")
    shown = replace(shown, as_json=wants_json(request))
    try:
        below = None if at is None else await read_at(site, at)
        size = await site.read(site.ledger.reader.size)
        key = (shown, size, below, site.clock() // _HOUR, site.ledger.attachments.changes)
        body = await site.pages.page(key, lambda: _make(site, shown, below))
    except (Disproved, Malformed, Unavailable) as error:
        return unavailable(request, error)
    except Problem:
        if shown.as_json:
            raise
        return missing(request)
    if body is None:
        return missing(request)
    headers = {"ETag": f'"{size}"', "Vary": "Accept", "Cache-Control": "private, no-cache"}
    if shown.opened and not shown.as_json:
        headers["Content-Security-Policy"] = SCRIPT_POLICY
    return Response(body, headers=headers, media_type=JSON if shown.as_json else HTML)


def _make(site: Site, shown: Shown, below: int | None) -> bytes | None:
    """The bytes of an item's page or JSON, after its history was verified; ``None`` if there is no such item."""
    verified = read_verified(site, shown.subject)
    page = None if verified is None else page_of_verified(site, verified, below)
    if verified is None or page is None:
        return None
    files = shown_files(verified, site.ledger.attachments.states) if shown.opened else {}
    if shown.as_json:
        return _as_json(site, shown, page, files)
    promises = promised_of(site, verified) if shown.opened and below is None else Promised()
    return _as_html(site, shown, page, files, promises)


def read_verified(
    site: Site, subject: str, disclosures: Mapping[str, list[str]] | None = None
) -> VerifiedHistory | None:
    """The newest history of a subject, verified as any reader would; raises what that raises."""
    found = site.ledger.reader.history(subject, disclosures=disclosures)
    return None if found is None else verify(found[1], subject, site.ledger.vkeys, site.clock())


def page_of_verified(site: Site, verified: VerifiedHistory, below: int | None = None) -> ItemPage | None:
    """What an item's page says, from the entries below an index; ``None`` before it was registered."""
    absences = erasing.absences(site.ledger, verified.entries)
    return make_page(verified, site.pages.words, site.ledger.vkeys, site.clock(), below, absences=absences)


def _as_json(site: Site, shown: Shown, page: ItemPage, files: Files) -> bytes:
    token = shown.token if shown.opened else None
    document = describe_page(page, site.settings.public_url, token, site.clock(), files)
    if token is not None and shown.short:
        document["short_code"] = shortcode.short_of(token)
    return _encode(document | {"ledger": site.ledger.id})


def _as_html(site: Site, shown: Shown, page: ItemPage, files: Files, promises: Promised) -> bytes:
    token, path = shown.token, shown.path
    return site.pages.render(
        "item.html" if shown.opened else "public.html",
        page=page,
        path=path,
        token=token,
        short=shortcode.short_of(token) if token is not None and shown.short else None,
        files=files,
        promised=promises,
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


def missing(request: Request) -> Response:
    """The one answer to every code and key that leads nowhere, malformed or unknown."""
    if wants_json(request):
        raise not_found("got a code that leads to no record")
    site = site_of(request)
    return Response(site.pages.render("missing.html", host=site.settings.host), 404, media_type=HTML)


def _unbound(request: Request) -> Response:
    """The one answer to every card that is not in use yet: it says that, and nothing of whose it is or for what."""
    if wants_json(request):
        raise not_found("this code is not in use yet")
    site = site_of(request)
    return Response(site.pages.render("unbound.html", host=site.settings.host), 404, media_type=HTML)


def unavailable(request: Request, error: PatinaError) -> Response:
    """The answer where a history could not be read, or did not pass its own checks."""
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


async def get_module(request: Request) -> Response:
    """A module of the script with which an item's page checks itself."""
    zipped = "gzip" in request.headers.get("accept-encoding", "")
    found = site_of(request).pages.modules.read(**request.path_params, zipped=zipped)
    if found is None:
        raise not_found()
    headers = {"Cache-Control": "public, max-age=31536000, immutable", "Vary": "Accept-Encoding"}
    if zipped:
        headers["Content-Encoding"] = "gzip"
    return Response(found, headers=headers, media_type="text/javascript; charset=utf-8")


async def get_icon(request: Request) -> Response:
    """The icon, for browsers that ask without looking at the page."""
    found = site_of(request).pages.static("icon.svg")
    assert found is not None, "it is listed"
    return Response(found[0], headers={"Cache-Control": "public, max-age=86400"}, media_type=found[1])


async def get_robots(_: Request) -> Response:
    """No page here is for an index."""
    return Response("User-agent: *\nDisallow: /\n", media_type="text/plain; charset=utf-8")
