"""Coming in and leaving: by login and password, or on a shared tablet by choosing a person and typing her PIN.

Whoever is unknown, has no password, is disabled or typed the wrong one gets the same answer, after the same check.
Every way in makes a new session, ends the one that the browser had, and answers with the token that changes need
(``api.visiting``).
"""

from __future__ import annotations

from typing import Annotated, Any

import msgspec
from fastapi import APIRouter, Depends
from pydantic import Field
from starlette.requests import Request
from starlette.responses import Response

from api import tablets
from api.passwords import check_password, check_pin
from api.problems import Problem
from api.routes.statements import JSON
from api.site import Site, caller_of, site_of
from api.strict import Body, body_schema, read_body
from api.visiting import csrf_token
from ledger.db.people import Person
from ledger.db.visits import Device
from ledger.errors import Invalid

router = APIRouter(tags=["console"])
_encode = msgspec.json.encode
WRONG = "got a login and a password that do not belong together"
WRONG_PIN = "got a PIN that is not this person's, or one that is locked"


class Login(Body):
    """What a person types."""

    login: str = Field(max_length=200)
    password: str = Field(max_length=128)


class TabletLogin(Body):
    """Whom a person chose, and her PIN."""

    person: str = Field(max_length=64)
    pin: str = Field(max_length=128)


class Tablet(Body):
    """The secret that was shown when the tablet was enrolled."""

    device_key: str = Field(max_length=128)


class Secrets(Body):
    """A new password or PIN of one's own; ``old`` is the password that one has."""

    old: str = Field(max_length=128)
    password: str | None = None
    pin: str | None = None


@router.post("/v1/session", summary="Come in by login and password", openapi_extra=body_schema(Login))
async def log_in(request: Request, body: Annotated[Login, Depends(read_body(Login))]) -> Response:
    """A new session, in a cookie; the answer has the token for ``Patina-Csrf``."""
    site = _door(request)
    limits, people = site.limits, site.ledger.access.people
    account, address = body.login.strip().casefold(), limits.address_of(request.scope)
    limits.accounts.check(account)
    limits.addresses.check(address)
    limits.accounts.count(account)
    limits.addresses.count(address)
    proof = await site.read(people.by_login, body.login)
    right = await site.passwords.check(None if proof is None else proof.hash, body.password)
    if proof is None or not right:
        raise Problem("unauthorised", WRONG)
    limits.accounts.forgive(account, all_of_it=True)
    limits.addresses.forgive(address)
    return await let_in(request, proof.person)


@router.post("/v1/session/pin", summary="Come in on a shared tablet", openapi_extra=body_schema(TabletLogin))
async def log_in_by_pin(request: Request, body: Annotated[TabletLogin, Depends(read_body(TabletLogin))]) -> Response:
    """A new session that counts only together with this tablet's own cookie."""
    site = _door(request)
    tablet = await _tablet(request)
    site.limits.tablets.check(tablet.id)
    site.limits.tablets.count(tablet.id)
    people = site.ledger.access.people
    proof = await site.read(people.try_pin, body.person, tablet.party)
    right = await site.passwords.check(None if proof is None else proof.hash, body.pin)
    if proof is None or not right:
        raise Problem("unauthorised", WRONG_PIN)
    await site.read(people.pin_was_right, proof.person)
    site.limits.tablets.forgive(tablet.id)
    return await let_in(request, proof.person, tablet.id)


@router.get("/v1/session/people", summary="Who may come in on this tablet")
async def get_tablet_people(request: Request) -> Response:
    """The people of the tablet's party who have a PIN, to choose from."""
    site, tablet = site_of(request), await _tablet(request)
    people = await site.read(site.ledger.access.people.all, tablet.party)
    shown = [{"id": one.id, "name": one.name} for one in people if one.has_pin and one.disabled_at is None]
    return Response(_encode({"party": tablet.party, "people": shown}), media_type=JSON)


@router.post("/v1/session/device", summary="Make this browser a tablet", openapi_extra=body_schema(Tablet))
async def keep_tablet(request: Request, body: Annotated[Tablet, Depends(read_body(Tablet))]) -> Response:
    """Keeps the secret of an enrolled tablet in a cookie of this browser."""
    site = _door(request)
    address = site.limits.address_of(request.scope)
    site.limits.addresses.check(address)
    site.limits.addresses.count(address)
    tablet = await site.read(site.ledger.access.visits.tablet, body.device_key)
    if tablet is None:
        raise Problem("unauthorised", "got the key of no tablet, or of one that is revoked")
    site.limits.addresses.forgive(address)
    headers = {"Set-Cookie": site.visiting.tablet_cookie(body.device_key)}
    return Response(_encode({"id": tablet.id, "party": tablet.party}), headers=headers, media_type=JSON)


@router.get("/v1/session", summary="Who am I here, and what changes need")
async def get_session(request: Request) -> Response:
    """The person, her party and role, and the token for ``Patina-Csrf``; and, to sign with, the ledger and the tablet.

    ``tablet`` is what this browser is enrolled as by this party, if it is, with the ``key`` in force by which it signs.
    """
    site, caller = site_of(request), caller_of(request)
    person = await _person(site, caller.person)
    secret = site.visiting.session_secret(request.scope)
    assert secret is not None, "the gate found her by it"
    tablet = await tablets.tablet_at(request)
    mine = None if tablet is None or tablet.party != person.party else tablet
    shown = None if mine is None else {"id": mine.id, "label": mine.label, "key": await tablets.key_of(site, mine)}
    document = {**_described(person, secret), "ledger": site.ledger.id, "tablet": shown}
    return Response(_encode(document), media_type=JSON)


@router.delete("/v1/session", summary="Leave")
async def log_out(request: Request) -> Response:
    """Ends the session here, whatever copies of its cookie there are."""
    site = site_of(request)
    secret = site.visiting.session_secret(request.scope)
    assert secret is not None, "the gate found her by it"
    await site.read(site.ledger.access.visits.leave, secret)
    return Response(
        _encode({"left": True}), headers={"Set-Cookie": site.visiting.session_cookie(None)}, media_type=JSON
    )


@router.post("/v1/session/password", summary="Change one's own password or PIN", openapi_extra=body_schema(Secrets))
async def change_secrets(request: Request, body: Annotated[Secrets, Depends(read_body(Secrets))]) -> Response:
    """Needs the password that one has; ends all of one's sessions, and begins a new one here."""
    site, caller = site_of(request), caller_of(request)
    person, people = await _person(site, caller.person), site.ledger.access.people
    if body.password is None and body.pin is None:
        raise Invalid("got neither a password nor a PIN", "/password")
    new = {
        "password": None if body.password is None else check_password(body.password, "/password"),
        "pin": None if body.pin is None else check_pin(body.pin, "/pin"),
    }
    site.limits.accounts.check(person.id)
    site.limits.accounts.count(person.id)
    proof = await site.read(people.by_login, person.login) if person.login else None
    if not await site.passwords.check(None if proof is None else proof.hash, body.old):
        raise Problem("forbidden", "got an old password that is not yours", pointer="/old")
    site.limits.accounts.forgive(person.id, all_of_it=True)
    if new["password"] is not None:
        await site.read(people.set_password, person.id, await site.passwords.hash(new["password"]))
    if new["pin"] is not None:
        await site.read(people.set_pin, person.id, await site.passwords.hash(new["pin"]))
    await site.read(site.ledger.access.visits.let_out, person.id)
    return await let_in(request, person.id)


async def new_session(request: Request, person_id: str, device_id: str | None = None) -> str:
    """The secret of a new session of this person, after the end of the one that the browser had."""
    site = site_of(request)
    visits, old = site.ledger.access.visits, site.visiting.session_secret(request.scope)
    if old is not None:
        await site.read(visits.leave, old)
    return await site.read(visits.enter, person_id, device_id)


async def let_in(request: Request, person_id: str, device_id: str | None = None) -> Response:
    """The answer to whoever came in."""
    site, secret = site_of(request), await new_session(request, person_id, device_id)
    document = _described(await _person(site, person_id), secret)
    return Response(_encode(document), headers={"Set-Cookie": site.visiting.session_cookie(secret)}, media_type=JSON)


def _door(request: Request) -> Site:
    """The site, for a request that may come in from outside: from our own page, and not over plain http."""
    site = site_of(request)
    site.visiting.check_private()
    site.visiting.check_origin(request.scope)
    return site


async def _tablet(request: Request) -> Device:
    site = site_of(request)
    secret = site.visiting.tablet_secret(request.scope)
    found = None if secret is None else await site.read(site.ledger.access.visits.tablet, secret)
    if found is None:
        raise Problem("unauthorised", "got no key of a tablet in a cookie, or of one that is revoked")
    return found


async def _person(site: Site, person_id: str | None) -> Person:
    assert person_id is not None, "only sessions have the right that is asked for"
    found = await site.read(site.ledger.access.people.get, person_id)
    assert found is not None, "people are disabled and forgotten, and never deleted"
    return found


def _described(person: Person, secret: str) -> dict[str, Any]:
    shown = {name: getattr(person, name) for name in ("party", "role", "agent", "name")}
    return {"person": person.id, **shown, "csrf": csrf_token(secret)}
