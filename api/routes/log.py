"""The log for monitors, mirrors and auditors: C2SP tlog-tiles, proofs, the subject map and the ledger's keys.

All of it is public, entry bundles unless the operator says otherwise, and readable from any web page: an auditor's
page on another company's host must be able to fetch it.
"""

from __future__ import annotations

import gzip
from base64 import b64encode
from collections.abc import Mapping, Sequence
from hashlib import sha256

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from api.problems import Problem, not_found
from api.rights import raw_path_of
from api.routes.shown import has, takes_gzip
from api.routes.statements import JSON
from api.site import site_of
from ledger import tiles, uri
from ledger.errors import Invalid, Malformed

OPEN = {"Access-Control-Allow-Origin": "*"}
FOREVER = {**OPEN, "Cache-Control": "public, max-age=31536000, immutable"}
FRESH = {**OPEN, "Cache-Control": "no-cache"}
MAX_NUMBER = 2**53
_encode = msgspec.json.encode


async def get_checkpoint(request: Request) -> Response:
    """The newest checkpoint, a signed note."""
    site = site_of(request)
    note = await site.read(site.ledger.reader.checkpoint)
    return Response(note, headers=FRESH, media_type="text/plain; charset=utf-8")


async def get_tile(request: Request) -> Response:
    """A hash tile, full or partial."""
    site = site_of(request)
    try:
        level, n, width = tiles.parse_tile_path(raw_path_of(request.scope)[1:])
    except (Malformed, Invalid):
        raise not_found("got a path that names no tile") from None
    found = await site.read(site.ledger.reader.tile, level, n, width)
    if found is None:
        raise not_found("this tree has no such tile")
    return _unchanging(request, found, FOREVER)


async def get_entries(request: Request) -> Response:
    """An entry bundle: leaves, each with a length of 16 bits before it; gzip for whoever accepts it."""
    site = site_of(request)
    try:
        n, width = tiles.parse_entries_path(raw_path_of(request.scope)[1:])
    except (Malformed, Invalid):
        raise not_found("got a path that names no entry bundle") from None
    found = await site.read(site.ledger.reader.bundle, n, width)
    if found is None:
        raise not_found("this tree has no such bundle")
    headers = {**FOREVER, "Vary": "Accept-Encoding"}
    if not site.settings.entries_public:
        headers["Cache-Control"] = "private, max-age=31536000, immutable"
    return _unchanging(request, found, headers, packed=takes_gzip(request))


async def get_inclusion(request: Request) -> Response:
    """The inclusion proof of the leaf at ``index`` in the tree of ``size`` leaves (the newest if left out)."""
    site = site_of(request)
    size = _number(request, "size", await site.read(site.ledger.reader.size))
    index = _number(request, "index", None)
    hashes = await site.read(site.ledger.reader.inclusion, index, size)
    if hashes is None:
        raise Problem(
            "invalid", f"got index {index} and size {size}, want index < size <= the log's", parameter="index"
        )
    return _answer({"index": index, "size": size, "hashes": _base64(hashes)})


async def get_consistency(request: Request) -> Response:
    """The proof that the tree of ``old`` leaves is a prefix of that of ``new`` (the newest if left out)."""
    site = site_of(request)
    new = _number(request, "new", await site.read(site.ledger.reader.size))
    old = _number(request, "old", None)
    hashes = await site.read(site.ledger.reader.consistency, old, new)
    if hashes is None:
        raise Problem("invalid", f"got old {old} and new {new}, want old <= new <= the log's size", parameter="old")
    return _answer({"old": old, "new": new, "hashes": _base64(hashes)})


async def get_map_proof(request: Request) -> Response:
    """What the subject map says of a subject, with the seal that holds its root: how much there is, or nothing."""
    site = site_of(request)
    subject = request.path_params["subject"]
    try:
        uri.subject_kind(subject)
    except Invalid as error:
        raise Problem("invalid", error.message, parameter="subject") from None
    return _answer(await site.read(site.ledger.reader.map_proof, subject))


async def get_keys(request: Request) -> Response:
    """Every key that the ledger ever signed checkpoints with, also those that are retired.

    What this says proves nothing: whoever serves a false log can serve false keys. A vkey is pinned from elsewhere.
    """
    site = site_of(request)
    keys = [one.value() for one in await site.read(site.ledger.reader.ledger_keys)]
    name = site.ledger.view.parties.name
    return _answer({"origin": site.ledger.origin, "ledger": site.ledger.id, "name": name, "keys": keys})


def _unchanging(request: Request, raw: bytes, headers: Mapping[str, str], *, packed: bool = False) -> Response:
    """Bytes that stay as they are, in gzip if ``packed``, or 304 for who has them already."""
    tag = f'"{sha256(raw).hexdigest()[:32]}{"-gzip" if packed else ""}"'
    said = {**headers, "ETag": tag}
    if has(request, tag):
        return Response(status_code=304, headers=said)
    if packed:
        raw, said["Content-Encoding"] = gzip.compress(raw, compresslevel=4, mtime=0), "gzip"
    return Response(raw, headers=said, media_type="application/octet-stream")


def _answer(document: object) -> Response:
    return Response(_encode(document), headers=FRESH, media_type=JSON)


def _base64(hashes: Sequence[bytes]) -> list[str]:
    return [b64encode(one).decode() for one in hashes]


def _number(request: Request, name: str, default: int | None) -> int:
    got = request.query_params.get(name)
    if got is None and default is not None:
        return default
    if got is None or not got.isascii() or not got.isdigit() or len(got) > 16 or int(got) >= MAX_NUMBER:
        raise Problem("invalid", f"got {(got or 'nothing')[:20]!r}, want a number from 0 to 2^53-1", parameter=name)
    return int(got)
