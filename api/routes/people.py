"""The people of a party: who they are, in which role, how they come in, and that they no longer do.

Owners and managers see and change the people of their own party, as the table of ``api.roles`` says; whoever
administers the ledger those of every party. Nobody changes her own role or lets herself out: so there is always one
owner left. First passwords and PINs are drawn here, shown in the answer and never again.
"""

from __future__ import annotations

from typing import Annotated, Any

import msgspec
from fastapi import APIRouter, Depends, Query
from pydantic import Field
from starlette.requests import Request
from starlette.responses import Response

from api import roles
from api.passwords import new_password, new_pin
from api.problems import not_found
from api.rights import ADMIN, Caller
from api.routes.statements import JSON
from api.site import Site, caller_of, site_of
from api.strict import Body, body_schema, read_body
from ledger.db.people import Person
from ledger.errors import Forbidden, Invalid

router = APIRouter(tags=["people"])
_encode = msgspec.json.encode


class NewPerson(Body):
    """``login`` is what she types to come in, with a first password; ``pin``: draw her one for a shared tablet."""

    name: str = Field(max_length=200)
    role: str
    login: str | None = Field(default=None, max_length=200)
    agent: str | None = None
    pin: bool = False
    party: str | None = None


class Change(Body):
    """What changes. ``password`` and ``pin``: draw new ones; ``disabled``: let her in no longer, or again."""

    role: str | None = None
    name: str | None = Field(default=None, max_length=200)
    login: str | None = Field(default=None, max_length=200)
    disabled: bool | None = None
    password: bool = False
    pin: bool = False


@router.get("/v1/people", summary="The people of a party")
async def get_people(request: Request, party: Annotated[str | None, Query(max_length=200)] = None) -> Response:
    """Those of one's own party; whoever administers the ledger may name another, or gets all."""
    site, caller = site_of(request), caller_of(request)
    if not caller.may(ADMIN):
        party = _own(caller, party, "party")
    people = await site.read(site.ledger.access.people.all, party)
    return Response(_encode({"people": [describe_person(one) for one in people]}), media_type=JSON)


@router.post("/v1/people", summary="Add a person to a party", openapi_extra=body_schema(NewPerson))
async def post_person(request: Request, body: Annotated[NewPerson, Depends(read_body(NewPerson))]) -> Response:
    """Her agent id, which stands in what she says, is in the answer; so are a first password and PIN, this once."""
    site, caller = site_of(request), caller_of(request)
    party = body.party if caller.may(ADMIN) and body.party is not None else _own(caller, body.party, "/party")
    if not site.ledger.view.parties.known(party):
        raise Invalid("got a party that is not registered", "/party")
    _check_role(caller, body.role)
    drawn = await _draw(site, password=body.login is not None, pin=body.pin)
    add = site.ledger.access.people.add
    person = await site.read(add, party, body.role, body.name, body.login, body.agent)
    shown = await _keep(site, person.id, drawn)
    document = describe_person(await _person(request, person.id)) | shown
    return Response(_encode(document), 201, {"Location": f"/v1/people/{person.id}"}, media_type=JSON)


@router.post("/v1/people/{id}", summary="Change a person", openapi_extra=body_schema(Change))
async def change_person(request: Request, body: Annotated[Change, Depends(read_body(Change))], id: str) -> Response:  # noqa: A002
    """A new password or PIN is shown in this answer and never again; whoever is disabled is out at once."""
    site, caller = site_of(request), caller_of(request)
    person, people = await _managed(request, id), site.ledger.access.people
    if caller.person == id and (body.role is not None or body.disabled is not None):
        raise Forbidden("nobody changes her own role or lets herself out: ask another", "")
    if caller.person == id and (body.password or body.pin):
        raise Forbidden("want your own password changed with the old one, by POST /v1/session/password", "")
    if body.role is not None:
        _check_role(caller, body.role)
    drawn = await _draw(site, password=body.password, pin=body.pin)
    if body.name is not None or body.login is not None:
        name, login = body.name or person.name, person.login if body.login is None else body.login
        await site.read(people.rename, id, name, login)
    if body.role is not None:
        await site.read(people.set_role, id, body.role)
    shown = await _keep(site, id, drawn)
    if body.disabled is not None:
        await site.read(lambda: people.set_disabled(id, disabled=bool(body.disabled)))
    if body.disabled or body.role is not None or drawn:
        await site.read(site.ledger.access.visits.let_out, id)
    return Response(_encode(describe_person(await _person(request, id)) | shown), media_type=JSON)


@router.delete("/v1/people/{id}", summary="Forget who a person is")
async def forget_person(request: Request, id: str) -> Response:  # noqa: A002
    """Erases name, login, password and PIN; what she said keeps her agent id, which nobody gets again."""
    site, caller = site_of(request), caller_of(request)
    await _managed(request, id)
    if caller.person == id:
        raise Forbidden("nobody lets herself out: ask another", "")
    await site.read(site.ledger.access.people.forget, id)
    await site.read(site.ledger.access.visits.let_out, id)
    return Response(_encode(describe_person(await _person(request, id))), media_type=JSON)


def describe_person(person: Person) -> dict[str, Any]:
    """A person as JSON says it."""
    return {name: getattr(person, name) for name in person.__slots__}


async def _draw(site: Site, *, password: bool, pin: bool) -> dict[str, tuple[str, str]]:
    """New secrets, each with its hash."""
    drawn = ([("password", new_password())] if password else []) + ([("pin", new_pin())] if pin else [])
    return {name: (secret, await site.passwords.hash(secret)) for name, secret in drawn}


async def _keep(site: Site, person_id: str, drawn: dict[str, tuple[str, str]]) -> dict[str, str]:
    """Keep the hashes of what was drawn for a person; the secrets, to be shown."""
    people = site.ledger.access.people
    for name, (_, hashed) in drawn.items():
        await site.read(people.set_password if name == "password" else people.set_pin, person_id, hashed)
    return {name: secret for name, (secret, _) in drawn.items()}


async def _person(request: Request, person_id: str) -> Person:
    site = site_of(request)
    found = await site.read(site.ledger.access.people.get, person_id)
    if found is None:
        raise not_found("got an id that is nobody's")
    return found


async def _managed(request: Request, person_id: str) -> Person:
    """The person, if the caller may change her; one of another party looks as if she were not there."""
    caller, found = caller_of(request), await _person(request, person_id)
    if not caller.may(ADMIN) and found.party != caller.party:
        raise not_found("got an id that is nobody's")
    if caller.person != person_id:
        _check_role(caller, found.role)
    return found


def _check_role(caller: Caller, role: str) -> None:
    if role not in roles.ROLES:
        raise Invalid(f"got the role {role[:40]!r}, want {', '.join(roles.ROLES)}", "/role")
    if not roles.may_manage(caller, role):
        raise Forbidden(f"the role {caller.role} does not manage people of the role {role}", "/role")


def _own(caller: Caller, party: str | None, pointer: str) -> str:
    if party not in (None, caller.party):
        raise Forbidden("want your own party", pointer)
    return caller.party
