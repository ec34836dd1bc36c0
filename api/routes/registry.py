"""Parties and keys, for the operator: who takes part, who signs, who may call.

Registering a party and installing its first key are the operator's statements, signed with the operator's key in
custody. A key that a party keeps itself is installed by a ``key.added`` that the new key has signed; the operator's
signature is put before it here. Later keys a party adds by itself, by ``POST /v1/statements``.
"""

from __future__ import annotations

import os
from itertools import islice
from typing import Annotated, Any, Literal

import msgspec
from fastapi import APIRouter, Depends, Query
from pydantic import Field
from starlette.requests import Request
from starlette.responses import Response

from api import intake
from api.rights import ADMIN, SCOPES
from api.routes.api_keys import describe_key, read_time
from api.routes.statements import JSON, placed_problem, receipt_bytes
from api.site import Site, caller_of, site_of
from api.strict import Body, body_schema, read_body
from ledger import dsse, uri
from ledger.db.draft import Accepted, Draft
from ledger.dsse import SigningKey
from ledger.errors import Forbidden, Invalid, PatinaError, Refused
from ledger.leaf import Signature, check_details, statement_bytes, statement_from
from ledger.times import format_recorded

router = APIRouter(tags=["operator"])
_encode = msgspec.json.encode
Cursor = Annotated[int, Query(ge=0, le=2**53, description="where the last page ended")]


class NewParty(Body):
    """A party to register; with ``custody`` ``ledger`` it gets a key here as well."""

    name: str
    roles: list[str]
    id: str | None = None
    country: str | None = None
    timezone: str | None = None
    url: str | None = None
    parent: str | None = None
    custody: Literal["ledger", "none"] = "ledger"


class NewKey(Body):
    """``api``: an API key with ``scopes``. ``signing``: a party's first key, made here, or the party's own, named by a
    ``key.added`` in ``statement`` that the new key has signed.
    """

    kind: Literal["api", "signing"]
    party: str
    scopes: list[Literal["read", "write", "signing", "admin"]] | None = Field(default=None, min_length=1)
    label: str = Field(default="", max_length=200)
    expires_at: str | None = None
    statement: dict[str, Any] | None = None
    signatures: list[dict[str, Any]] | None = None


@router.get("/v1/parties", summary="Every party, with its roles and keys in force")
async def get_parties(
    request: Request,
    *,
    cursor: Cursor = 0,
    limit: Annotated[int | None, Query(ge=1, le=1000, description="parties of a page; left out, all of them")] = None,
) -> Response:
    """Parties in the order of their registration. With ``limit``, the next page is in ``next`` and in ``Link``."""
    site = site_of(request)
    parties = site.ledger.view.parties
    end = len(parties.parties) if limit is None else cursor + limit
    listed = [
        {
            "id": party,
            "name": found.name,
            "roles": list(parties.roles(party)),
            "country": found.country,
            "parent": found.parent,
            "suspended": found.suspended,
            "keys": list(found.keys),
        }
        for party, found in islice(parties.parties.items(), cursor, end)
    ]
    more = f"/v1/parties?cursor={end}&limit={limit}" if end < len(parties.parties) else None
    return _page(site, {"parties": listed}, more)


def _page(site: Site, document: dict[str, Any], more: str | None) -> Response:
    """A page of a list, with the address of the next one, if there is one, in ``next`` and in ``Link``."""
    if more is None:
        return Response(_encode(document), media_type=JSON)
    following = site.settings.public_url + more
    headers = {"Link": f'<{following}>; rel="next"'}
    return Response(_encode({**document, "next": following}), headers=headers, media_type=JSON)


@router.post("/v1/parties", summary="Register a party", openapi_extra=body_schema(NewParty))
async def post_party(request: Request, body: Annotated[NewParty, Depends(read_body(NewParty))]) -> Response:
    """Say ``party.registered`` and, with custody, ``key.added``: both or neither."""
    site = site_of(request)
    party = body.id or intake.new_id(site.clock())
    details = body.model_dump(exclude={"id", "custody"}, exclude_none=True)
    operator = _operator(site)
    drafts = [_draft(site, "party.registered", _authority(party), details, [operator])]
    key = None
    if body.custody == "ledger":
        key = await _keep_new_key(site, party)
        drafts.append(_key_draft(site, party, operator, key))
    outcomes = await _append(site, drafts, key)
    document = {"id": party, "receipts": [msgspec.Raw(receipt_bytes(one)) for one in outcomes]}
    return Response(_encode(document), 201, media_type=JSON)


@router.get("/v1/keys", summary="API keys without their secrets, and the parties' signing keys")
async def get_keys(
    request: Request,
    *,
    cursor: Cursor = 0,
    limit: Annotated[int | None, Query(ge=1, le=1000, description="keys of each list; left out, all of them")] = None,
) -> Response:
    """Keys in the order in which they were added, also those that are revoked; whoever does not administer the ledger
    sees its own party's. With ``limit``, so many of each list, and the next page is in ``next`` and in ``Link``.
    """
    site, caller = site_of(request), caller_of(request)
    access, whose = site.ledger.access, None if caller.may(ADMIN) else caller.party
    kept = {key.did for key in await site.read(access.party_keys)}
    signing = [
        {
            "key": did,
            "party": key.party,
            "custody": key.custody,
            "held_here": did in kept,
            "added_at": key.added_at,
            "revoked_at_index": key.revoked,
            "reason": key.reason,
        }
        for did, key in site.ledger.view.parties.keys.items()
        if whose in (None, key.party)
    ]
    api = [describe_key(key) for key in await site.read(access.api_keys, whose)]
    end = max(len(api), len(signing)) if limit is None else cursor + limit
    more = f"/v1/keys?cursor={end}&limit={limit}" if end < max(len(api), len(signing)) else None
    return _page(site, {"api": api[cursor:end], "signing": signing[cursor:end]}, more)


@router.post(
    "/v1/keys", summary="Make an API key, or install a party's first signing key", openapi_extra=body_schema(NewKey)
)
async def post_key(request: Request, body: Annotated[NewKey, Depends(read_body(NewKey))]) -> Response:
    """An API key's secret is shown in this answer and never again."""
    site, caller = site_of(request), caller_of(request)
    if not caller.may(ADMIN) and (body.kind, body.party) != ("api", caller.party):
        raise Forbidden("want an API key of your own party; the rest is the operator's to make", "/party")
    if not site.ledger.view.parties.known(body.party):
        raise Invalid("got a party that is not registered", "/party")
    if body.kind == "api":
        if not body.scopes or body.statement is not None or body.signatures is not None:
            raise Invalid(f"want scopes, of {', '.join(SCOPES)}, and no statement for an API key", "/scopes")
        if ADMIN in body.scopes and body.party != site.ledger.operator:
            raise Invalid("got the scope admin for a party that is not the operator", "/scopes")
        ends = read_time(body.expires_at, "/expires_at")
        secret = await site.read(site.ledger.access.create_api_key, body.party, body.scopes, body.label, ends)
        return Response(_encode({"party": body.party, "scopes": body.scopes, "api_key": secret}), 201, media_type=JSON)
    if body.scopes is not None or body.expires_at is not None:
        raise Invalid("a signing key has no scopes and no end", "/scopes")
    operator = _operator(site)
    own = body.statement is not None
    if own:
        accepted = (await _append(site, [_own_key_draft(body, operator)]))[0]
    else:
        key = await _keep_new_key(site, body.party)
        accepted = (await _append(site, [_key_draft(site, body.party, operator, key)], key))[0]
    document = {"party": body.party, "key": accepted.statement.details["key"], "custody": "self" if own else "ledger"}
    return Response(_encode({**document, "receipt": msgspec.Raw(receipt_bytes(accepted))}), 201, media_type=JSON)


def _operator(site: Site) -> SigningKey:
    signer = site.ledger.access.party_signer(site.ledger.operator)
    if signer is None:
        raise Refused("the operator's key is not in this service's custody: post the statement signed by it")
    return signer


def _authority(party: str) -> str:
    try:
        return uri.authority_of(party)
    except Invalid as error:
        raise Invalid(error.message, "/id") from None


def _key_draft(site: Site, party: str, operator: SigningKey, key: SigningKey) -> Draft:
    details = {"key": key.did, "custody": "ledger"}
    return _draft(site, "key.added", uri.authority_of(party), details, [operator, key])


def _draft(site: Site, kind: str, subject: str, details: dict[str, Any], signers: list[SigningKey]) -> Draft:
    """A statement of the operator's about an authority subject, signed by these keys in order."""
    now = site.clock()
    value = {
        "id": intake.new_id(now),
        "ledger": site.ledger.id,
        "type": kind,
        "subjects": [subject],
        "party": site.ledger.operator,
        "occurred_at": format_recorded(now),
        "details": details,
    }
    try:
        statement = statement_from(value)
        check_details(statement)
    except Invalid as error:
        raise Invalid(error.message, error.pointer.removeprefix("/details")) from None
    text = statement_bytes(statement)
    return Draft(statement, text, tuple(_signature(text, signer) for signer in signers), verified=True)


def _own_key_draft(body: NewKey, operator: SigningKey) -> Draft:
    """The ``key.added`` that a party's new key has signed, with the operator's signature put before."""
    draft = intake.read_signed({"statement": body.statement, "signatures": body.signatures or []})
    statement = draft.statement
    if statement.type != "key.added" or statement.subjects != (uri.authority_of(body.party),):
        raise Invalid("want a key.added about the authority of this party", "/statement/type")
    return Draft(statement, draft.body, (_signature(draft.body, operator), *draft.signatures))


def _signature(text: bytes, signer: SigningKey) -> Signature:
    signed = dsse.sign_statement(text, signer)
    return Signature(signed["key"], signed["sig"])


async def _keep_new_key(site: Site, party: str) -> SigningKey:
    """A new key of a party in custody, kept before the ledger names it: a key that is named and lost is worse."""
    return await site.read(site.ledger.access.keep_party_key, party, os.urandom(32))


async def _append(site: Site, drafts: list[Draft], kept: SigningKey | None = None) -> list[Accepted]:
    """Append all or none; a key that was kept for them is forgotten if they are refused."""
    outcomes = await site.appender.append(drafts, atomic=True)
    refused = [outcome for outcome in outcomes if isinstance(outcome, PatinaError)]
    if refused:
        if kept is not None:
            await site.read(site.ledger.access.forget_party_key, kept.did)
        problem = placed_problem(refused[0])
        if problem.pointer is not None:
            problem.pointer = problem.pointer.removeprefix("/statement").removeprefix("/details")
        raise problem
    return [outcome for outcome in outcomes if isinstance(outcome, Accepted)]
