"""What customers see: the page of a view code, the public page of a GS1 address or a short code, and documentation.

GET consumes nothing: chat programs fetch links before people do. A token that is unknown and one that is malformed
get the same answer. Pages are complete without a script and fetch nothing from elsewhere.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, replace

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from api import erasing
from api.languages import headers_of, language_of
from api.pages import qr
from api.pages.files_shown import FileShown, photo_of, shown_files
from api.pages.item_json import describe_page
from api.pages.item_page import ItemPage, make_page, verify
from api.pages.linkset import CONTEXT, LINKSET, describe_links, link_to
from api.pages.promised import Promised
from api.pages.site_pages import pack
from api.paper.records import SERVICES
from api.problems import KINDS, Problem, not_found
from api.promised import promised_of
from api.routes.items import history_response, read_at
from api.routes.shown import (
    HTML,
    PACKED,
    html,
    missing,
    switch_of,
    takes_gzip,
    unavailable,
    unbound,
    wants_json,
    wants_links,
)
from api.routes.statements import JSON
from api.site import Site, site_of
from ledger import shortcode, uri
from ledger.db.codes import CASE, UNBOUND, VIEW, Code
from ledger.errors import Disproved, Invalid, Malformed, Unavailable
from ledger.history import VerifiedHistory

SCRIPT_POLICY = (
    "default-src 'none'; script-src 'self'; connect-src 'self'; style-src 'self'; img-src 'self' blob:; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
"""Of a page with a script: its own, from here, which may speak to nobody but us, and shows the files that it hashed."""
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
            return unbound(request)
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
        return unbound(request)
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
    return qr.qr_response(
        f"{site_of(request).settings.public_url}/{letter}/{token}", request, packed=takes_gzip(request)
    )


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
    as_links: bool = False
    language: str = ""


async def _item(request: Request, shown: Shown) -> Response:
    """The page or the JSON of an item."""
    site = site_of(request)
    at = request.query_params.get("at")
    language, packed = language_of(request), takes_gzip(request)
    links = wants_links(request)
    shown = replace(shown, as_json=not links and wants_json(request), as_links=links, language=language)
    try:
        below = None if at is None else await read_at(site, at)
        size = await site.read(site.ledger.reader.size)
        key = (shown, size, below, packed, site.clock() // _HOUR, site.ledger.attachments.changes)
        body = await site.pages.page(key, lambda: _make(site, shown, below, packed=packed))
    except (Disproved, Malformed, Unavailable) as error:
        return unavailable(request, error)
    except Problem:
        if shown.as_json or links:
            raise
        return missing(request)
    if body is None:
        return missing(request)
    tag = f'"{size}-{language}{"-links" if links else ""}{"-gzip" if packed else ""}"'
    headers = {**headers_of(request, language), "ETag": tag, "Cache-Control": "private, no-cache"}
    headers |= _headers(shown, site.settings.public_url) | (PACKED if packed else {})
    return Response(body, headers=headers, media_type=LINKSET if links else JSON if shown.as_json else HTML)


def _headers(shown: Shown, public_url: str) -> dict[str, str]:
    """What an answer in this form says of itself; a set of what anybody may see is for pages of others, too."""
    if shown.as_links:
        return {"Link": CONTEXT} | ({} if shown.opened else {"Access-Control-Allow-Origin": "*"})
    said = {"Link": link_to(public_url + shown.path)}
    return said | ({"Content-Security-Policy": SCRIPT_POLICY} if shown.opened and not shown.as_json else {})


def _make(site: Site, shown: Shown, below: int | None, *, packed: bool) -> bytes | None:
    """The bytes of an item's page or JSON, after its history was verified; ``None`` if there is no such item."""
    verified = read_verified(site, shown.subject)
    page = None if verified is None else page_of_verified(site, verified, shown.language, below)
    if verified is None or page is None:
        return None
    if shown.as_links:
        words, public_url = site.pages.catalogues[shown.language], site.settings.public_url
        body = _encode(describe_links(page, words, public_url, shown.path, opened=shown.opened))
        return pack(body) if packed else body
    files = files_of(site, verified) if shown.opened else {}
    if shown.as_json:
        body = _as_json(site, shown, page, files)
    else:
        promises = (
            promised_of(site, verified, site.pages.catalogues[shown.language])
            if shown.opened and below is None
            else Promised()
        )
        body = _as_html(site, shown, page, files, promises)
    return pack(body) if packed else body


def read_verified(
    site: Site, subject: str, disclosures: Mapping[str, list[str]] | None = None
) -> VerifiedHistory | None:
    """The newest history of a subject, verified as any reader would; raises what that raises."""
    found = site.ledger.reader.history(subject, disclosures=disclosures)
    return None if found is None else verify(found[1], subject, site.ledger.vkeys, site.clock())


def files_of(site: Site, verified: VerifiedHistory) -> Files:
    """The files of a history's records, by their index."""
    return shown_files(verified, site.ledger.attachments.states, erasing.files_gone(site.ledger, verified.entries))


def page_of_verified(site: Site, verified: VerifiedHistory, language: str, below: int | None = None) -> ItemPage | None:
    """What an item's page says in a language, from the entries below an index; ``None`` before it was registered."""
    absences = erasing.absences(site.ledger, verified.entries)
    words = site.pages.catalogues[language]
    return make_page(verified, words, site.ledger.vkeys, site.clock(), below, absences=absences)


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
        shown.language,
        switch=switch_of(shown.language, page.below),
        page=page,
        path=path,
        token=token,
        short=shortcode.short_of(token) if token is not None and shown.short else None,
        files=files,
        promised=promises,
        photo=photo_of({event.index: event.type for event in page.events}, files),
        host=site.settings.host,
        address=site.settings.public_url + path,
        qr=f"{path}/qr.svg" if token is not None else None,
        services=SERVICES,
    )


async def get_front_page(request: Request) -> Response:
    """What this is, for whoever types the bare address."""
    return html(request, "front.html")


async def get_docs(request: Request) -> Response:
    """The interface, drawn from the OpenAPI document; nothing is fetched from elsewhere to draw it."""
    address = site_of(request).settings.public_url
    return html(request, "docs.html", document=request.app.state.openapi, address=address)


async def get_problem_docs(request: Request) -> Response:
    """What each type of problem means."""
    return html(request, "problems.html", kinds=KINDS)


async def get_openapi(request: Request) -> Response:
    """The OpenAPI 3.1 document of every address here."""
    site = site_of(request)
    document = {**request.app.state.openapi, "servers": [{"url": site.settings.public_url}]}
    return Response(_encode(document), headers={"Access-Control-Allow-Origin": "*"}, media_type=JSON)


async def get_static(request: Request) -> Response:
    """A style sheet, a script or a picture."""
    packed = takes_gzip(request)
    found = site_of(request).pages.static(request.path_params["name"], packed=packed)
    if found is None:
        raise not_found()
    headers = {"Cache-Control": "public, max-age=31536000, immutable", "Vary": "Accept-Encoding"}
    return Response(found[0], headers=headers | (PACKED if packed else {}), media_type=found[1])


async def get_module(request: Request) -> Response:
    """A module of the script with which an item's page checks itself."""
    zipped = takes_gzip(request)
    found = site_of(request).pages.modules.read(**request.path_params, zipped=zipped)
    if found is None:
        raise not_found()
    headers = {"Cache-Control": "public, max-age=31536000, immutable", "Vary": "Accept-Encoding"}
    return Response(found, headers=headers | (PACKED if zipped else {}), media_type="text/javascript; charset=utf-8")


async def get_icon(request: Request) -> Response:
    """The icon, for browsers that ask without looking at the page."""
    found = site_of(request).pages.static("icon.svg")
    assert found is not None, "it is listed"
    return Response(found[0], headers={"Cache-Control": "public, max-age=86400"}, media_type=found[1])


async def get_robots(_: Request) -> Response:
    """No page here is for an index."""
    return Response("User-agent: *\nDisallow: /\n", media_type="text/plain; charset=utf-8")
