"""Files of a customer's own: the present holder reads those of her time and uploads hers, by her key's signature.

    POST /i/{token}/attachments/{sha256}    the signed asking, as for the history      the file
    POST /i/{token}/attachments             the file; the asking in ``Patina-Asking``  what her statement lists
    GET  /c/{token}/attachments/{sha256}    with the code of a case, what a statement of it lists in private

What a reader may see of a list of files, she may see of the files. A former holder is refused, as with the history, and
so is whoever comes by a gift code. What a holder uploads is kept for the item, the party of her statements; it is swept
away a day later unless a statement that she signs lists it.
"""

from __future__ import annotations

from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from api import holders, intake, private_out
from api.problems import Problem, not_found
from api.routes import attachments
from api.routes.pages import by_code
from api.routes.statements import JSON, check_type
from api.site import site_of
from ledger.db.codes import CASE, PUBLIC, UNBOUND, Code
from ledger.disclosure import parse_base64url
from ledger.errors import Forbidden, Invalid, Malformed

HEADER = "patina-asking"
MAX_HEADER = 2048
_MISSING = "got a code that leads to no record"


async def post_file(request: Request) -> Response:
    """A file that a statement of the holder's own time lists in private, asked for with the holder's signature.

    The body is the signed asking of `POST /i/{token}/history`. Nothing is changed by asking; what is read is written
    into the access log.
    """

    async def show(code: Code) -> Response:
        _need_level(code)
        check_type(request, {JSON, ""})
        asker = await holders.asker_by_key(site_of(request), code, intake.read_object(await request.body()))
        digest, by = request.path_params["sha256"], (code.subject, asker)
        kept = await attachments.disclosed(request, digest, "POST /i/{token}/attachments", of=by)
        return await attachments.send(request, kept)

    return _found(await by_code(request, request.path_params["token"], show))


async def get_case_file(request: Request) -> Response:
    """A file that a statement of a case lists in private, or one about its item in public, by the code of that case."""
    return await _case_file(request)


async def get_case_thumbnail(request: Request) -> Response:
    """A small JPEG of such a picture."""
    return await _case_file(request, thumbnail=True)


async def _case_file(request: Request, *, thumbnail: bool = False) -> Response:
    site, digest = site_of(request), request.path_params["sha256"]

    async def show(code: Code) -> Response:
        _need_level(code)
        kept = await attachments.public_copy(site, digest, code.subject)
        if kept is None:
            by = (code.subject, private_out.asker_by_case(code))
            kept = await attachments.disclosed(request, digest, "GET /c/{token}/attachments", of=by)
        return await attachments.send(request, kept, thumbnail=thumbnail)

    return _found(await by_code(request, request.path_params["token"], show, of="c"))


async def post_upload(request: Request) -> Response:
    """Upload a picture (JPEG, PNG, WebP) or a PDF of at most 20 MiB, to be listed in a statement that the holder signs.

    The body is the file; `Patina-Asking` is the signed asking of `POST /i/{token}/history`, as base64url of its JSON.
    The answer is as that of `POST /v1/attachments`.
    """
    site = site_of(request)
    code = await site.code(request.path_params["token"])
    if code is None or code.kind == CASE or code.level == UNBOUND:
        raise not_found(_MISSING)
    _need_level(code)
    await holders.asker_by_key(site, code, _asking_of(request))
    # After the signature: whoever only knows the code cannot use up what the holder may upload.
    site.limits.uploads.take(code.subject)
    return await attachments.take_in(request, code.subject)


def _asking_of(request: Request) -> dict[str, Any]:
    """The signed asking in the header; raises ``Problem`` 400 unless it is one JSON object."""
    text = request.headers.get(HEADER, "")
    try:
        return intake.read_object(parse_base64url(text[:MAX_HEADER]))
    except (Invalid, Malformed):
        want = "want the header Patina-Asking, the base64url of a signed asking's JSON"
        raise Problem("malformed", want, parameter="Patina-Asking") from None


def _need_level(code: Code) -> None:
    """Raise ``Forbidden`` if the code has fallen; what is not in use yet, ``by_code`` answers."""
    if code.level == PUBLIC:
        raise Forbidden(holders.FALLEN)


def _found(answer: Response) -> Response:
    """The answer; a code that leads nowhere has a problem document here and no page."""
    if answer.status_code == 404:
        raise not_found(_MISSING)
    return answer
