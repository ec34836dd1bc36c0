"""The console at ``/console``: its pages, which are the same for everybody, and its files.

What a page shows of a shop it asks for by the ordinary routes, with the session that ``/v1/session`` has begun; so
these addresses need no right, and tell nobody anything. The page's own policy lets its script run, ask this host and
nobody else, and use the camera.
"""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response

from api.languages import headers_of, language_of
from api.pages.console import WORKER
from api.problems import not_found
from api.routes.shown import HTML, kept
from api.site import site_of

POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; media-src 'self' blob:; "
    "connect-src 'self'; worker-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
CAMERA = "camera=(self), geolocation=(), microphone=()"
HEADERS = {"Content-Security-Policy": POLICY, "Permissions-Policy": CAMERA, "Cache-Control": "no-cache"}


async def get_console(request: Request) -> Response:
    """The console's first page, the work lists, or the page that the address names."""
    site, language = site_of(request), language_of(request)
    page = site.console.page(request.path_params.get("page", "lists"), language, site.settings.host)
    if page is None:
        raise not_found()
    return kept(request, page, {**headers_of(request, language), **HEADERS}, HTML)


async def get_ledger(request: Request) -> Response:
    """The first page for auditors and operators, how the ledger is, or the page that the address names."""
    site, language = site_of(request), language_of(request)
    settings, name = site.settings, request.path_params.get("page", "health")
    page = site.audit.page(name, language, host=settings.host, origin=settings.public_url)
    if page is None:
        raise not_found()
    return kept(request, page, {**headers_of(request, language), **HEADERS}, HTML)


async def get_console_file(request: Request) -> Response:
    """A script or style sheet of the console; its address changes with what it holds."""
    site = site_of(request)
    found = site.console.file(request.path_params["name"])
    if found is None or request.path_params["mark"] != site.console.mark:
        raise not_found()
    return kept(request, found[0], {"Cache-Control": "public, max-age=31536000, immutable"}, found[1])


async def get_console_worker(request: Request) -> Response:
    """The script that keeps the console's pages for when there is no network."""
    found = site_of(request).console.file(WORKER)
    assert found is not None, "it stands beside the others"
    headers = {"Cache-Control": "no-cache", "Service-Worker-Allowed": "/console", "Content-Security-Policy": POLICY}
    return kept(request, found[0], headers, found[1])
