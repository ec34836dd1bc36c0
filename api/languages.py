"""In which language a page answers, and what caches are told of it.

What somebody chose goes before what the browser says: ``?lang=zh-Hant`` in the address, then the cookie that such a
choice leaves, then ``Accept-Language`` (RFC 9110 §12.5.4), else English. Chinese is two languages on paper: a tag with
a script says which (``zh-Hant-HK``); of one with a region alone, Taiwan, Hong Kong and Macao read traditional
characters and all others simplified ones. An unknown language is never an error: a page always answers.

The cookie holds the tag and nothing else, so it tells nobody who the reader is.
"""

from __future__ import annotations

from starlette.requests import Request

from api.pages.catalogue import LANGUAGES
from api.site import site_of
from api.visiting import cookie

COOKIE = "patina-language"
_A_YEAR = 365 * 24 * 3600
_TRADITIONAL = frozenset({"hant", "tw", "hk", "mo"})
_ENGLISH, _SIMPLIFIED, _HANT = LANGUAGES
_MAX_WISHES = 32
"""Ranges of one header that are looked at: browsers send a handful."""


def language_of(request: Request) -> str:
    """The language to answer in, one of ``LANGUAGES``."""
    for asked in (request.query_params.get("lang"), cookie(request.scope, COOKIE)):
        if asked in LANGUAGES:
            return asked
    return preferred(request.headers.get("accept-language", ""))


def preferred(header: str) -> str:
    """The language that an ``Accept-Language`` prefers among ours; of equal weight, the one that is named first."""
    best, weight = _ENGLISH, 0.0
    for wish in header.split(",")[:_MAX_WISHES]:
        tag, _, rest = wish.strip().partition(";")
        found, given = _ours(tag.strip().lower()), _weight(rest.strip())
        if found is not None and given > weight:
            best, weight = found, given
    return best


def headers_of(request: Request, language: str) -> dict[str, str]:
    """What an answer in a language says of it, and the cookie where the address has just chosen it."""
    said = {"Content-Language": language, "Vary": "Accept, Accept-Encoding, Accept-Language, Cookie"}
    if request.query_params.get("lang") == language:
        secure = "; Secure" if site_of(request).settings.public_url.startswith("https://") else ""
        said["Set-Cookie"] = f"{COOKIE}={language}; Path=/; Max-Age={_A_YEAR}; HttpOnly; SameSite=Lax{secure}"
    return said


def _ours(tag: str) -> str | None:
    first, *more = tag.split("-")
    if first in {"en", "*"}:
        return _ENGLISH
    if first != "zh":
        return None
    if "hans" in more:
        return _SIMPLIFIED
    return _HANT if _TRADITIONAL & set(more) else _SIMPLIFIED


def _weight(parameter: str) -> float:
    """The weight of ``q=0.8``; 1 without one, 0 (never) for what is none or does not parse."""
    if not parameter:
        return 1.0
    name, _, value = parameter.partition("=")
    digits = value.strip()
    if name.strip() != "q" or not digits.replace(".", "", 1).isdecimal() or not digits.isascii():
        return 0.0
    return min(float(digits), 1.0)
