"""Where customers read private members: a holder by her key's signature, and whoever has the code of a case.

A holder posts an asking (``ledger.asking``) to the page of a code and gets the history bundle with the disclosures of
her own time. The code of a case opens the private members of that case and no other. A view code opens none, and by a
gift code none is read either, whoever signs: nobody is to learn through it who bought the thing or for how much.
"""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response

from api import holders, intake, private_out
from api.problems import not_found
from api.routes.items import history_response
from api.routes.pages import by_code
from api.routes.statements import JSON, check_type
from api.site import site_of
from ledger.db.codes import PUBLIC, Code
from ledger.errors import Forbidden


async def post_history(request: Request) -> Response:
    """The history bundle with the private members of the holder's own time, asked for with the holder's signature.

    `asked` is signed with the key that speaks for the holder now, as DSSE with the payload type
    `application/vnd.patina.reading.v1+json`, and good for five minutes. Nothing is changed by asking; what is read is
    written into the access log.
    """
    return await _post(request, "i")


async def post_case_history(request: Request) -> Response:
    """The same by the code of a case, whose page the holder has open."""
    return await _post(request, "c")


async def get_case_history(request: Request) -> Response:
    """The history bundle of a case's item, with the private members of that case that its code opens.

    It is the item's whole history, in clear, because only a whole history can be proved to be complete.
    """

    async def show(code: Code) -> Response:
        _need_level(code)
        asker = private_out.asker_by_case(code)
        disclosures = await private_out.disclosures_to(request, code.subject, asker, "GET /c/{token}/history")
        return await history_response(request, code.subject, disclosures)

    return _kept_by_nobody(await by_code(request, request.path_params["token"], show, of="c"))


async def _post(request: Request, letter: str) -> Response:
    async def show(code: Code) -> Response:
        _need_level(code)
        check_type(request, {JSON, ""})
        asker = await holders.asker_by_key(site_of(request), code, intake.read_object(await request.body()))
        why = f"POST /{letter}/{{token}}/history"
        disclosures = await private_out.disclosures_to(request, code.subject, asker, why)
        return await history_response(request, code.subject, disclosures)

    return _kept_by_nobody(await by_code(request, request.path_params["token"], show, of=letter))


def _need_level(code: Code) -> None:
    """Raise ``Forbidden`` if the code has fallen; what is not in use yet, ``by_code`` answers."""
    if code.level == PUBLIC:
        raise Forbidden(holders.FALLEN)


def _kept_by_nobody(answer: Response) -> Response:
    """The answer, which no cache may keep; a code that leads nowhere has a problem document here and no page."""
    if answer.status_code == 404:
        raise not_found("got a code that leads to no record")
    answer.headers["Cache-Control"] = "no-store"
    return answer
