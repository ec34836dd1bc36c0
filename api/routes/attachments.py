"""Files: uploading one, and reading it and its thumbnail, by an API key or by an item's view code.

An upload is the bytes of the file as body, its type in ``Content-Type``; there is no name in it that could lead
anywhere. The answer is what a statement lists in ``attachments``. A party reads what it or a party below it uploaded,
whoever may see an item's history what its statements list in public, and whoever may see a private member
``attachments`` the files that it lists; what the caller may not read and what is not there get the same answer.
"""

from __future__ import annotations

import asyncio
import re
import tempfile
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import ExitStack
from functools import partial
from typing import IO

import msgspec
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response, StreamingResponse

from api import private_out
from api.files.kinds import MAX_FILE, SNIFFED, SUFFIXES, Unfit, Washed, sniff
from api.levels import PUBLIC, sight
from api.problems import Problem, not_found
from api.rights import ENTRIES
from api.routes.statements import JSON
from api.site import Site, caller_of, site_of
from ledger.db.codes import VIEW
from ledger.db.copies import ALTERED, ERASED, WHOLE, Gone, Kept, use_of
from ledger.disclosure import parse_disclosure
from ledger.errors import Refused
from ledger.leaf import Entry, parse_leaf

UNLABELLED = frozenset({"", "application/octet-stream"})
_NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,63}")
_DIGEST = re.compile("[0-9a-f]{64}")
_MISSING = "got a digest under which nothing may be read here"
_WHY = {
    ALTERED: "the stored file is not the one that was uploaded, and is not shown",
    ERASED: "removed on request",
}
_ROUTE = "GET /v1/attachments"
_encode = msgspec.json.encode


async def post_attachment(request: Request) -> Response:
    """Upload a picture (JPEG, PNG, WebP) or a PDF of at most 20 MiB: the body is the file.

    Metadata (position, camera, author, comments) is taken out, a picture is turned upright and a thumbnail made; the
    answer has size and SHA-256 of what is left, as ``attachments`` of a statement lists it. ``?name=`` is the name in
    the answer. A file that no statement lists within a day is deleted.
    """
    return await take_in(request, caller_of(request).party)


async def take_in(request: Request, party: str) -> Response:
    """Keep the file in the body for a party, and say how a statement lists it."""
    site = site_of(request)
    name = request.query_params.get("name")
    if name is not None and _NAME.fullmatch(name) is None:
        raise Problem("invalid", "want a name of a-z 0-9 . _ -, 64 at most, a letter or digit first", parameter="name")
    with ExitStack() as files:
        uploaded, washed, small = (
            files.enter_context(tempfile.TemporaryFile(dir=site.settings.directory)) for _ in range(3)
        )
        await _receive(request, uploaded)
        _check_label(request, uploaded)
        found = await _wash(site, uploaded, washed, small)
        thumbnail = None if found.width is None else small
        try:
            keep = site.ledger.attachments.keep
            kept, new = await asyncio.to_thread(keep, party, found.media_type, washed, thumbnail)
        except Refused as error:
            raise Problem("too_many", error.message, headers={"Retry-After": "3600"}) from None
    address = f"/v1/attachments/{kept.sha256}"
    document = {
        "name": name or f"file.{SUFFIXES[kept.media_type]}",
        "media_type": kept.media_type,
        "size": kept.size,
        "sha256": kept.sha256,
    }
    if found.width is not None:
        more = {"width": found.width, "height": found.height, "thumbnail": f"{address}/thumbnail"}
        return _answer(document, address, new, more)
    return _answer(document, address, new, {})


def _answer(document: dict[str, object], address: str, new: bool, more: Mapping[str, object]) -> Response:
    body = _encode({"attachment": document, "address": address, **more})
    return Response(body, 201 if new else 200, {"Location": address}, media_type=JSON)


async def _receive(request: Request, file: IO[bytes]) -> None:
    """Write the body to a file, part by part; ``Edge`` counts the bytes as well, by what was declared."""
    received = 0
    try:
        async for part in request.stream():
            received += len(part)
            if received > MAX_FILE:
                raise Problem("too_large", f"got a file of more than {MAX_FILE} bytes", headers={"Connection": "close"})
            file.write(part)
    except ClientDisconnect:
        raise Problem("malformed", "the upload was broken off") from None
    if not received:
        raise Problem("malformed", "got no bytes, want a file as the body")


def _check_label(request: Request, file: IO[bytes]) -> None:
    """Raise ``Problem`` 415 for bytes of no kind that is taken, or of another than they are labelled as."""
    file.seek(0)
    media_type = sniff(file.read(SNIFFED))
    if media_type is None:
        raise Problem("media_type", f"got bytes of no kind that is taken, want {', '.join(SUFFIXES)}")
    label = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if label not in UNLABELLED | {media_type}:
        known = label if label in SUFFIXES else "another label"
        raise Problem("media_type", f"got bytes of {media_type} with {known}")


async def _wash(site: Site, uploaded: IO[bytes], washed: IO[bytes], small: IO[bytes]) -> Washed:
    try:
        return await site.sandbox.wash(uploaded, washed, small)
    except Unfit as unfit:
        raise Problem(unfit.kind, unfit.why) from None


async def get_attachment(request: Request) -> Response:
    """A file that the caller's party uploaded, or that a statement lists in public; compared with its digest first."""
    return await send(request, await _readable(request))


async def get_thumbnail(request: Request) -> Response:
    """A small JPEG of a picture, for lists."""
    return await send(request, await _readable(request), thumbnail=True)


async def get_shown(request: Request) -> Response:
    """A file that a statement about the code's item lists in public."""
    return await send(request, await _shown(request))


async def get_shown_thumbnail(request: Request) -> Response:
    """A small JPEG of a picture that a statement about the code's item lists in public."""
    return await send(request, await _shown(request), thumbnail=True)


async def _readable(request: Request) -> Kept:
    """The copy that the caller may read; reading a private one is written down first."""
    site, caller, digest = site_of(request), caller_of(request), request.path_params["sha256"]
    if _DIGEST.fullmatch(digest) is None:
        raise not_found(_MISSING)
    files = site.ledger.attachments
    kept = await site.read(files.find, digest, sorted(caller.sees))
    public = await _public(request, digest) if kept is None or kept.state != WHOLE else None
    kept = public or kept
    if kept is None:
        return await disclosed(request, digest, _ROUTE)
    uses = await site.read(files.private_uses, kept)
    for statement, subject in [(use.statement, one) for use in uses for one in use.subjects]:
        site.ledger.readings.note(
            party=caller.party, key=caller.key_id or None, person=caller.person, why=_ROUTE,
            members=["attachments"], subject=subject, statement=statement, owner=kept.party,
            sees=caller.sees,
        )  # fmt: skip
    return kept


async def _public(request: Request, digest: str) -> Kept | None:
    """The copy that a statement lists in public, if the caller may see the history of what that is about."""
    site, files = site_of(request), site_of(request).ledger.attachments
    if not (site.settings.entries_public or caller_of(request).may(ENTRIES)):
        listings = await site.read(partial(files.listings, public=True), digest)
        uses = [use_of(raw) for _, raw in listings]
        subjects = sorted({subject for use in uses for subject in use.subjects})
        if all([(await sight(request, subject)).level == PUBLIC for subject in subjects]):
            return None
    return await site.read(files.find_public, digest)


async def disclosed(request: Request, digest: str, why: str, of: tuple[str, private_out.Asker] | None = None) -> Kept:
    """The copy that some statement lists in private, for who may see that list, and that is written down too.

    ``of`` is a subject that the statement must be about, and who asks, if that is not the request's own caller.
    """
    if _DIGEST.fullmatch(digest) is None:
        raise not_found(_MISSING)
    site = site_of(request)
    subject, asker = of or (None, None)
    for kept, raw in await site.read(site.ledger.attachments.listings, digest, subject):
        entry = parse_leaf(raw)
        assert isinstance(entry, Entry), "a use is committed with its statement"
        for text in await private_out.disclosures_of(request, entry.statement, why, asker):
            member = parse_disclosure(text)
            if member.name == "attachments" and any(one["sha256"] == digest for one in member.value):
                return kept
    raise not_found(_MISSING)


async def _shown(request: Request) -> Kept:
    site, digest = site_of(request), request.path_params["sha256"]
    code = await site.code(request.path_params["token"])
    # A code that has fallen, or is not in use yet, shows no record, and so no file of one.
    opened = code if code is not None and code.level == VIEW else None
    kept = None if opened is None else await public_copy(site, digest, opened.subject)
    if kept is None:
        raise not_found(_MISSING)
    return kept


async def public_copy(site: Site, digest: str, subject: str) -> Kept | None:
    """The copy of a file that a statement about a subject lists in public, if there is one."""
    if _DIGEST.fullmatch(digest) is None:
        return None
    return await site.read(site.ledger.attachments.find_public, digest, subject)


async def send(request: Request, kept: Kept, *, thumbnail: bool = False) -> Response:
    """The answer: nothing leaves before the whole file was compared with its digest."""
    site = site_of(request)
    files = site.ledger.attachments
    if thumbnail and not kept.thumbnail and kept.state != ERASED:
        raise not_found("this file has no thumbnail")
    try:
        await asyncio.to_thread(files.verify, kept)
        if thumbnail:
            small = await asyncio.to_thread(lambda: b"".join(files.parts(kept, thumbnail=True)))
            return Response(small, headers=_headers(kept, "image/jpeg"), media_type="image/jpeg")
    except Gone as gone:
        raise Problem("gone", _WHY.get(gone.state, "the stored file is missing")) from None
    headers = _headers(kept, kept.media_type) | {"Content-Length": str(kept.size)}
    return StreamingResponse(_in_thread(files.parts(kept)), headers=headers, media_type=kept.media_type)


def _headers(kept: Kept, media_type: str) -> dict[str, str]:
    """Nothing of a file may run in the page's name, and its name is made here: no header is made of what was sent."""
    show = "inline" if media_type.startswith("image/") else "attachment"
    return {
        "Content-Disposition": f'{show}; filename="{kept.sha256[:16]}.{SUFFIXES[media_type]}"',
        "Cache-Control": "private, no-store",
        "Content-Security-Policy": "default-src 'none'; sandbox",
        "Cross-Origin-Resource-Policy": "same-origin",
    }


async def _in_thread(parts: Iterator[bytes]) -> AsyncIterator[bytes]:
    """The parts, each read in a thread; what is altered in this moment ends the answer short of its length."""
    while (part := await asyncio.to_thread(next, parts, None)) is not None:
        yield part
