"""The link by which a customer ends messages: ``/n/{token}``.

GET shows a page and changes nothing, because mail programs and chat programs fetch links before people do. POST ends
them: by the button of that page, or by the mail program's own (RFC 8058, one click). It asks for no session and takes
no cookie, so it needs no protection from other sites: whoever has the link may do this.
"""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response

from api.languages import language_of
from api.notices.contact import parse_link
from api.notices.words import words_of
from api.problems import not_found
from api.routes.shown import html, wants_json
from api.site import site_of

POLICY = (
    # Of a page that a link of a message opens: a form to itself, and nothing else.
    "default-src 'none'; style-src 'self'; img-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
)


async def get_stop_page(request: Request) -> Response:
    """The page that asks whether to send nothing more to the addresses of a link; it changes nothing."""
    site, token = site_of(request), request.path_params["token"]
    if await site.read(parse_link, token, site.ledger.outbox) is None:
        return _unknown(request)
    return _page(request, "ask")


async def post_stop(request: Request) -> Response:
    """Send nothing more to the addresses of a link, ever; the same again changes nothing. The body is not read."""
    site, token = site_of(request), request.path_params["token"]
    hashes = await site.read(parse_link, token, site.ledger.outbox)
    if hashes is None:
        return _unknown(request)
    await site.read(site.ledger.outbox.close_to, hashes)
    return _page(request, "done")


def _unknown(request: Request) -> Response:
    """What whoever has a link that was not made here is told: a browser by a page, a program by a problem."""
    if wants_json(request):
        raise not_found("got a link that ends nobody's messages")
    return _page(request, "unknown", 404)


def _page(request: Request, state: str, status: int = 200) -> Response:
    words = words_of(language_of(request))
    title, text, button = {
        "ask": (words.stop_title, words.stop_ask, words.stop_yes),
        "done": (words.stop_done_title, words.stop_done, ""),
        "unknown": (words.stop_unknown_title, words.stop_unknown, ""),
    }[state]
    headers = {"Content-Security-Policy": POLICY}
    return html(request, "asked.html", status, headers, title=title, text=text, button=button)
