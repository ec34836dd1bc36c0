"""How a paper is asked for and answered: by ``Accept`` or ``?format=``, on the medium of ``?medium=``, in a language.

    POST /v1/receipts?format=escpos&medium=80mm&lang=zh-Hant
    GET /i/{token}/papers/{statement}?format=png&medium=a6

Formats are ``pdf``, ``png``, ``svg`` and, for the rolls ``58mm`` and ``80mm``, ``escpos``. A POST that names none is
answered with JSON, and a GET with a PDF. What is asked for is checked before anything is made or written.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass

from starlette.requests import Request
from starlette.responses import Response

from api.languages import language_of
from api.paper import press
from api.paper.sheet import MEDIA, Code, Medium, Paper, dots_of
from api.paper.slips import Desk
from api.problems import Problem
from api.routes.statements import JSON
from api.site import site_of

ROLLS = ("58mm", "80mm")
SHEETS = ("a4", "a6")
SMALL = ("label", "card")
_TYPES = {media_type: kind for kind, media_type in press.FORMATS.items()}


@dataclass(frozen=True, slots=True)
class Wanted:
    """In which format a paper is wanted, and on what."""

    kind: str
    medium: Medium


def wanted(request: Request, media: tuple[str, ...]) -> Wanted | None:
    """What the request asks for, of these media, the first if it names none; ``None`` if it asks for no paper.

    Raises ``Problem`` 422 for what there is not.
    """
    query = request.query_params
    kind = query.get("format", _accepted(request.headers.get("accept", "")))
    if kind in {None, "json"}:
        return None
    if kind not in press.FORMATS:
        raise Problem("invalid", f"got {kind[:20]!r}, want json, {', '.join(press.FORMATS)}", parameter="format")
    medium = _medium(request, media)
    if kind == press.ESCPOS and not medium.is_roll:
        raise Problem("invalid", f"got escpos for {medium.name}, want {' or '.join(ROLLS)}", parameter="medium")
    # A code of the longest address that is printed here; what cannot be printed is not made either.
    dots_of(f"{site_of(request).settings.public_url}/i/{'A' * 22}", medium)
    return Wanted(kind, medium)


def wanted_page(request: Request, media: tuple[str, ...]) -> Wanted:
    """The same for an address that has nothing but a paper: a PDF unless another is asked for."""
    found = wanted(request, media)
    if found is not None:
        return found
    if request.query_params.get("format") == "json":
        raise Problem("invalid", f"got json, want {', '.join(press.FORMATS)}", parameter="format")
    return Wanted(press.PDF, _medium(request, media))


def _medium(request: Request, media: tuple[str, ...]) -> Medium:
    name = request.query_params.get("medium", media[0])
    if name not in media:
        raise Problem("invalid", f"got {name[:20]!r}, want {' or '.join(media)}", parameter="medium")
    return MEDIA[name]


def desk_of(request: Request, asked: Wanted) -> Desk:
    """Where a paper is made for this request."""
    site = site_of(request)
    settings, words = site.settings, site.pages.catalogues[language_of(request)]
    return Desk(settings.public_url, settings.host, words, asked.medium)


async def printed(
    paper: Paper, asked: Wanted, name: str, *, status: int = 200, headers: Mapping[str, str] | None = None
) -> Response:
    """The answer that is a paper; ``name`` is what a browser may keep it as, without the end."""
    body = await asyncio.to_thread(press.make, paper, asked.kind)
    said = {
        "Content-Disposition": f'inline; filename="{name}.{asked.kind}"',
        "Content-Language": paper.language,
        "Cache-Control": "no-store",
        "Vary": "Accept, Accept-Language, Cookie",
        **(headers or {}),
    }
    return Response(body, status, said, media_type=press.FORMATS[asked.kind])


def code_of(desk: Desk, token: str, short: str) -> Code:
    """The code of a view code's page, with what to type beside it."""
    lines = (desk.words.text["paper_scan"], f"{desk.host}/s/") if short else (desk.host,)
    return Code(f"{desk.address}/i/{token}", lines, (short,) if short else ())


def _accepted(header: str) -> str | None:
    """The format that an ``Accept`` prefers, ``json`` among them; of equal weight the one that is named first."""
    best, weight = None, 0.0
    for part in header.split(","):
        name, *parameters = (one.strip() for one in part.split(";"))
        kind = "json" if name == JSON else _TYPES.get(name)
        given = next((_weight(one[2:]) for one in parameters if one.startswith("q=")), 1.0)
        if kind is not None and given > weight:
            best, weight = kind, given
    return best


def _weight(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return 0.0
