"""Coming in by the identity provider that the operator configured: away to it, and back with its answer.

Whom the provider names must be somebody here: the person whom it called this before, or, the first time, the one whose
login is the e-mail address that the provider has verified; from then on she is bound to its name for her, and an
address that the provider gives to somebody else opens nothing. People are made only where ``PATINA_OIDC_CREATE``
says so.
"""

from __future__ import annotations

import asyncio
from base64 import urlsafe_b64decode, urlsafe_b64encode
from typing import TYPE_CHECKING

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from api.problems import Problem, not_found
from api.routes.session import new_session
from api.site import Site, site_of
from ledger.errors import Invalid, Refused, Unavailable

if TYPE_CHECKING:
    from api.oidc import Identity, Oidc

router = APIRouter(tags=["console"])
SEAL = b"oidc_login"
NOBODY = "the identity provider vouches for somebody who is not known here, or not let in"


@router.get("/v1/session/oidc", summary="Come in by the identity provider")
async def start_oidc(request: Request) -> Response:
    """Sends the browser to the provider, with a cookie that only its answer to this browser fits."""
    site, oidc = _configured(request)
    url, kept = await asyncio.to_thread(oidc.start)
    sealed = urlsafe_b64encode(site.ledger.access.seal(kept, SEAL)).decode()
    return Response(status_code=303, headers={"Location": url, "Set-Cookie": site.visiting.oidc_cookie(sealed)})


@router.get("/v1/session/oidc/callback", summary="Where the identity provider sends people back")
async def finish_oidc(request: Request) -> Response:
    """A new session, and on to the front page."""
    site, oidc = _configured(request)
    address = site.limits.address_of(request.scope)
    site.limits.addresses.check(address)
    site.limits.addresses.count(address)
    code, state = request.query_params.get("code", ""), request.query_params.get("state", "")
    sealed = site.visiting.oidc_secret(request.scope)
    if sealed is None or not code or not state or len(code) > 4096:
        raise Problem("unauthorised", "got no answer of the identity provider to this browser: come in again")
    try:
        kept = site.ledger.access.unseal(urlsafe_b64decode(sealed), SEAL)
    except (Unavailable, ValueError):
        raise Problem("unauthorised", "got a cookie that is not ours: come in again") from None
    try:
        identity = await asyncio.to_thread(oidc.finish, code, state, kept)
    except Invalid as error:
        raise Problem("unauthorised", error.message) from None
    person = await _person_of(site, oidc, identity)
    site.limits.addresses.forgive(address)
    secret = await new_session(request, person)
    response = Response(status_code=303, headers={"Location": "/", "Set-Cookie": site.visiting.session_cookie(secret)})
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
