"""How a page is answered: in the reader's language, or as JSON where ``Accept`` prefers that, and what errors are like.

Every page goes out through ``html``, so that none forgets what caches must be told (``api.languages``). The switch
between languages is links to the same address, so it works without a script and can be kept as a bookmark.

Pages go out compressed to whoever takes gzip. That is safe here because no page shows what a stranger put into its
address beside what is secret: there is nothing to compare a guess with (BREACH).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import Response

from api.languages import headers_of, language_of
from api.pages.catalogue import LANGUAGES
from api.pages.kept import Kept
from api.pages.linkset import LINKSET, NAMES
from api.pages.site_pages import pack
from api.problems import not_found, problem_of, problem_response, request_id_of
from api.routes.statements import JSON
from api.site import site_of
from ledger.errors import PatinaError, Unavailable

HTML = "text/html; charset=utf-8"
PACKED = {"Content-Encoding": "gzip"}


@dataclass(frozen=True, slots=True)
class Choice:
    """A language of the switch: its tag, the address that chooses it, and whether it is the one that is shown."""

    tag: str
    address: str
    chosen: bool


def switch_of(language: str, at: int | None = None) -> tuple[Choice, ...]:
    """The languages to choose from on a page in ``language``; ``at`` is the moment that its address asks for."""
    asked = {} if at is None else {"at": str(at)}
    return tuple(Choice(one, "?" + urlencode({**asked, "lang": one}), one == language) for one in LANGUAGES)


def html(
    request: Request, template: str, status: int = 200, headers: Mapping[str, str] | None = None, **values: Any
) -> Response:
    """The page of a template in the reader's language."""
    site, language = site_of(request), language_of(request)
    page = site.pages.render(template, language, host=site.settings.host, switch=switch_of(language), **values)
    said = {"Cache-Control": "no-cache", **headers_of(request, language), **(headers or {})}
    if takes_gzip(request):
        page, said = pack(page), {**said, **PACKED}
    return Response(page, status, said, media_type=HTML)


def kept(request: Request, what: Kept, headers: Mapping[str, str], media_type: str) -> Response:
    """Bytes that were compressed before, in gzip to whoever takes it, or 304 for who has them already."""
    packed = takes_gzip(request)
    tag = what.tag(packed=packed)
    said = {"Vary": "Accept-Encoding", **headers, "ETag": tag}
    if has(request, tag):
        return Response(status_code=304, headers=said)
    if packed:
        said |= PACKED
    return Response(what.packed if packed else what.raw, headers=said, media_type=media_type)


def has(request: Request, tag: str) -> bool:
    """Whether whoever asks has the bytes of this entity tag already (RFC 9110 §13.1.2)."""
    known = (one.strip().removeprefix("W/") for one in request.headers.get("if-none-match", "").split(","))
    return tag in known


def takes_gzip(request: Request) -> bool:
    """Whether an answer may be compressed; a browser that forbids it by a weight of 0 gets it as it is."""
    return any(name == "gzip" and weight > 0 for name, weight in _weighed(request, "accept-encoding"))


def wants_json(request: Request) -> bool:
    """Whether ``Accept`` prefers JSON to a page; browsers, and whoever does not say, get the page."""
    weights = {"text/html": 0.0, JSON: 0.0}
    weights |= {kind: weight for kind, weight in _weighed(request, "accept") if kind in weights}
    return weights[JSON] > weights["text/html"]


def wants_links(request: Request) -> bool:
    """Whether the set of an item's links is asked for: by the address, or because ``Accept`` prefers it to all else."""
    if request.query_params.get("linkType") in NAMES:
        return True
    weights = dict(_weighed(request, "accept"))
    asked = weights.get(LINKSET, 0.0)
    return asked > max(weights.get(kind, 0.0) for kind in ("text/html", JSON))


def _weighed(request: Request, name: str) -> Iterator[tuple[str, float]]:
    """What a header asks for, in small letters, with the weight (RFC 9110 §12.4.2) of each."""
    for part in request.headers.get(name, "").split(","):
        wish, *parameters = (one.strip().lower() for one in part.split(";"))
        weights = [_weight(one.removeprefix("q=")) for one in parameters if one.startswith("q=")]
        yield wish, weights[-1] if weights else 1.0


def _weight(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return 0.0


def missing(request: Request) -> Response:
    """The one answer to every code and key that leads nowhere, malformed or unknown."""
    if wants_json(request):
        raise not_found("got a code that leads to no record")
    return html(request, "missing.html", 404)


def unbound(request: Request) -> Response:
    """The one answer to every card that is not in use yet: it says that, and nothing of whose it is or for what."""
    if wants_json(request):
        raise not_found("this code is not in use yet")
    return html(request, "unbound.html", 404)


def unavailable(request: Request, error: PatinaError) -> Response:
    """The answer where a history could not be read, or did not pass its own checks."""
    if wants_json(request):
        return problem_response(problem_of(Unavailable(error.message)), request_id_of(request))
    return html(request, "unavailable.html", 503, {"Retry-After": "1"})
