"""Coming in by the identity provider that the operator configured: away to it, and back with its answer.

Whom the provider names must be somebody here: the person whom it called this before, or, the first time, the one whose
login is the e-mail address that the provider has verified; from then on she is bound to its name for her, and an
address that the provider gives to somebody else opens nothing. People are made only where ``PATINA_OIDC_CREATE``
says so.
"""

from __future__ import annotations

import asyncio
import re
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

import msgspec
from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from api.problems import Problem, not_found, problem_of
from api.routes.session import new_session
from api.site import Site, site_of
from ledger.errors import Invalid, PatinaError, Refused, Unavailable

if TYPE_CHECKING:
    from api.oidc import Identity, Oidc

router = APIRouter(tags=["console"])
SEAL = b"oidc_login"
WHY = {"state": "again", "code": "token", "error": "denied", "unauthorised": "nobody", "too_many": "often"}
"""What was wrong with the answer, or which kind of problem it is → the words at the door; whatever else is ``down``."""
_OURS = re.compile(r"/console(/[a-z]+){0,2}(\?[!-~]{0,200})?")
"""Where one may go after coming in: a page of the console, never another place."""
NOBODY = "the identity provider vouches for somebody who is not known here, or not let in"


@router.get("/v1/session/oidc", summary="Come in by the identity provider")
async def start_oidc(request: Request) -> Response:
    """Sends the browser to the provider, with a cookie that only its answer to this browser fits."""
    return await _in_words(request, _start)


@router.get("/v1/session/oidc/callback", summary="Where the identity provider sends people back")
async def finish_oidc(request: Request) -> Response:
    """A new session, and on to the page that it was asked for on, or the front page."""
    return await _in_words(request, _finish)


async def _in_words(request: Request, act: Callable[[Request], Awaitable[Response]]) -> Response:
    """What ``act`` answers; what it refuses, a person reads at the console's door, a program as the problem."""
    try:
        return await act(request)
    except (Problem, PatinaError) as error:
        problem = error if isinstance(error, Problem) else problem_of(error)
        person = "text/html" in request.headers.get("accept", "")
        if not person or problem.kind in {"not_found", "forbidden"}:
            raise
        why = WHY.get(problem.parameter or problem.kind, "down")
        return Response(status_code=303, headers={"Location": f"/console/door?refused={why}"})


async def _start(request: Request) -> Response:
    site, oidc = _configured(request)
    after = request.query_params.get("next", "")
    url, kept = await asyncio.to_thread(oidc.start, after if _OURS.fullmatch(after) else "/")
    sealed = urlsafe_b64encode(site.ledger.access.seal(kept, SEAL)).decode()
    return Response(status_code=303, headers={"Location": url, "Set-Cookie": site.visiting.oidc_cookie(sealed)})


async def _finish(request: Request) -> Response:
    site, oidc = _configured(request)
    address = site.limits.address_of(request.scope)
    site.limits.addresses.check(address)
    site.limits.addresses.count(address)
    asked = request.query_params
    if "error" in asked:
        raise Problem("unauthorised", "the identity provider did not let this person in", parameter="error")
    code, state = asked.get("code", ""), asked.get("state", "")
    sealed = site.visiting.oidc_secret(request.scope)
    if sealed is None or not code or not state or len(code) > 4096:
        what = "got no answer of the identity provider to this browser: come in again"
        raise Problem("unauthorised", what, parameter="state")
    try:
        kept = site.ledger.access.unseal(urlsafe_b64decode(sealed), SEAL)
    except (Unavailable, ValueError):
        raise Problem("unauthorised", "got a cookie that is not ours: come in again", parameter="state") from None
    try:
        identity = await asyncio.to_thread(oidc.finish, code, state, kept)
    except Invalid as error:
        raise Problem("unauthorised", error.message, parameter=error.pointer.removeprefix("/")) from None
    person = await _person_of(site, oidc, identity)
    site.limits.addresses.forgive(address)
    secret, after = await new_session(request, person), msgspec.json.decode(kept)["after"]
    response = Response(
        status_code=303, headers={"Location": after, "Set-Cookie": site.visiting.session_cookie(secret)}
    )
    response.headers.append("Set-Cookie", site.visiting.oidc_cookie(None))
    return response


def _configured(request: Request) -> tuple[Site, Oidc]:
    site = site_of(request)
    if site.oidc is None:
        raise not_found()
    site.visiting.check_private()
    return site, site.oidc


async def _person_of(site: Site, oidc: Oidc, identity: Identity) -> str:
    """The id of the person whom the provider vouches for; raises ``Problem`` 401."""
    people, issuer, subject = site.ledger.access.people, identity.issuer, identity.subject
    found = await site.read(people.by_subject, issuer, subject)
    if found is not None:
        return found.id
    proof = await site.read(people.by_login, identity.email) if identity.email else None
    if proof is None and oidc.provider.create is not None and identity.email:
        role, party = oidc.provider.create
        try:
            made = await site.read(people.add, party, role, identity.name or identity.email, identity.email)
        except (Invalid, Refused):
            raise Problem("unauthorised", NOBODY) from None
        await site.read(people.bind_subject, made.id, issuer, subject)
        return made.id
    person = None if proof is None else await site.read(people.get, proof.person)
    if person is None or person.disabled_at is not None:
        raise Problem("unauthorised", NOBODY)
    try:
        await site.read(people.bind_subject, person.id, issuer, subject)
    except Refused:
        raise Problem("unauthorised", NOBODY) from None
    return person.id
