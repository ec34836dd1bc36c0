"""Signing keys over HTTP, for a party itself and for the operator: list, next, rotate, revoke; and suspension.

What needs a signature gets it from the key in custody of whoever says it: the party's own for its own keys, the
operator's where the operator asks. A party that keeps its keys posts statements that it signed, here or at
``/v1/statements``.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

import msgspec
from fastapi import APIRouter, Depends, Path
from starlette.requests import Request
from starlette.responses import Response

from api import intake, tablets
from api.rights import ADMIN, Caller
from api.routes.statements import JSON, is_collateral, placed_problem, receipt_bytes
from api.signing_keys import Clerk
from api.site import Site, caller_of, site_of
from api.strict import Body, body_schema, read_body
from ledger.db.draft import Accepted, Draft
from ledger.errors import Forbidden, Invalid, PatinaError

router = APIRouter(tags=["keys"])
_encode = msgspec.json.encode
Of = Annotated[str, Path(alias="id", description="the party's id, percent-encoded")]


class NextKey(Body):
    """A further key, made and kept here; ``party`` is the caller's own if left out."""

    party: str | None = None


class Rotation(Body):
    """Nothing: the next key in custody. ``to``: the statement to sign for a key of one's own (a did:key), or for
    ``custody``. ``statement`` and ``signatures``: that statement as it comes back.
    """

    party: str | None = None
    to: str | None = None
    statement: dict[str, Any] | None = None
    signatures: list[dict[str, Any]] | None = None


class Revocation(Body):
    """The end of a key; a compromise says ``since`` when."""

    key: str
    reason: Literal["retired", "lost", "compromised"]
    since: str | None = None


class Standing(Body):
    """One word that everybody can read, such as ``fraud`` or ``error``."""

    reason: str


@router.get("/v1/signing-keys", summary="Signing keys, also those that are revoked: one's own, or for the operator all")
async def get_signing_keys(request: Request, party: str | None = None) -> Response:
    """``since`` is when what a key said became doubtful; ``held_here`` says whether the service can sign with it;
    ``tablet`` is what the shared tablet is called whose key it is.
    """
    site = site_of(request)
    whose = None if party is None and caller_of(request).may(ADMIN) else _party(request, party)
    table = await site.read(site.ledger.reader.parties)
    access = site.ledger.access
    kept = {key.did for key in await site.read(access.party_keys, whose)}
    labels = await site.read(access.tablet_keys.labels, whose)
    keys = [
        {
            "key": did,
            "party": key.party,
            "custody": key.custody,
            "held_here": did in kept,
            "tablet": labels.get(did),
            "in_force": key.revoked is None,
            "added_at": key.added_at,
            "added_at_index": key.index,
            "installed_by_operator": key.installed,
            "revoked_at_index": key.revoked,
            "reason": key.reason,
            "since": key.since,
        }
        for did, key in table.keys.items()
        if whose in (None, key.party)
    ]
    return Response(_encode({"keys": keys}), media_type=JSON)


@router.post("/v1/signing-keys", summary="A further key in custody", openapi_extra=body_schema(NextKey))
async def post_signing_key(request: Request, body: Annotated[NextKey, Depends(read_body(NextKey))]) -> Response:
    """Signed by a key in force and by the new one; for a party without any the operator says it."""
    site, party = site_of(request), _party(request, body.party)
    did, drafts = await site.read(_clerk(site).next_key, party)
    if drafts[0].statement.party != party and not caller_of(request).may(ADMIN):
        raise Forbidden("this party has no key in force: the operator adds the next one", "/party")
    return await written(site, drafts, {"party": party, "key": did})


@router.post(
    "/v1/signing-keys/rotate",
    summary="The next key, and the end of the present one",
    openapi_extra=body_schema(Rotation),
)
async def rotate(request: Request, body: Annotated[Rotation, Depends(read_body(Rotation))]) -> Response:
    """Both or neither, in one commit. With ``to`` nothing is written: the answer is the statement to sign."""
    site, party = site_of(request), _party(request, body.party)
    clerk = _clerk(site)
    if (body.statement is None) != (body.signatures is None) or None not in (body.to, body.statement):
        raise Invalid("want to, or statement with signatures, or neither", "/to")
    if body.to is not None:
        value = await site.read(clerk.offer, party, None if body.to == "custody" else body.to)
        return Response(_encode({"to_sign": value}), media_type=JSON)
    if body.statement is not None:
        draft = intake.read_signed({"statement": body.statement, "signatures": body.signatures})
        if draft.statement.party != party:
            raise Forbidden("got a statement of another party", "/statement/party")
        await tablets.checked(draft, request)
        old, drafts = await site.read(clerk.handed_over, draft.statement, draft.signatures)
        did = draft.statement.details["key"]
    else:
        did, only, drafts = await site.read(clerk.rotation, party)
        old = [only]
    return await written(site, drafts, {"party": party, "key": did, "retired": old})


@router.post("/v1/signing-keys/revoke", summary="The end of a key", openapi_extra=body_schema(Revocation))
async def revoke(request: Request, body: Annotated[Revocation, Depends(read_body(Revocation))]) -> Response:
    """Said by the party, or by the operator, whose key in custody signs it; for good."""
    site, caller = site_of(request), caller_of(request)
    key = (await site.read(site.ledger.reader.parties)).keys.get(body.key)
    if key is not None and key.party != caller.party and not caller.may(ADMIN):
        # As for a key that nobody ever had: whose keys there are is in the public log, and this asks for no more.
        raise Forbidden("got a key of another party", "/key")
    draft = await site.read(_clerk(site).revocation, caller.party, body.key, body.reason, body.since)
    return await written(site, [draft], {"party": None if key is None else key.party, "key": body.key})


@router.post("/v1/parties/{id}/suspend", summary="Suspend a party", openapi_extra=body_schema(Standing))
async def suspend(request: Request, party: Of, body: Annotated[Standing, Depends(read_body(Standing))]) -> Response:
    """Nothing of it is accepted from then on but the revocation of its keys."""
    return await _standing(site_of(request), party, body, ends=False)


@router.post("/v1/parties/{id}/reinstate", summary="End a suspension", openapi_extra=body_schema(Standing))
async def reinstate(request: Request, party: Of, body: Annotated[Standing, Depends(read_body(Standing))]) -> Response:
    """The party may speak again; what it was suspended for stays in the log."""
    return await _standing(site_of(request), party, body, ends=True)


async def _standing(site: Site, party: str, body: Standing, *, ends: bool) -> Response:
    if not (await site.read(site.ledger.reader.parties)).known(party):
        raise Invalid("got a party that is not registered", "/id")
    draft = await site.read(_clerk(site).suspension, party, body.reason, ends=ends)
    return await written(site, [draft], {"party": party, "suspended": not ends})


def _clerk(site: Site) -> Clerk:
    return Clerk(site.ledger, site.clock(), intake.new_id)


def _party(request: Request, named: str | None) -> str:
    """Whose keys: the caller's own party, or the one that the operator names. Raises ``Forbidden`` or ``Invalid``."""
    caller: Caller = caller_of(request)
    if named is None or named == caller.party:
        return caller.party
    if not caller.may(ADMIN):
        raise Forbidden("got another party, want your own", "/party")
    if not site_of(request).ledger.view.parties.known(named):
        raise Invalid("got a party that is not registered", "/party")
    return named


async def written(site: Site, drafts: list[Draft], document: dict[str, Any]) -> Response:
    """Append all or none, forget what is revoked, and answer with receipts."""
    outcomes = await site.appender.append(drafts, atomic=True)
    refused = [one for one in outcomes if isinstance(one, PatinaError)]
    if refused:
        problem = placed_problem(next((one for one in refused if not is_collateral(one)), refused[0]))
        if problem.pointer is not None:
            problem.pointer = problem.pointer.removeprefix("/statement").removeprefix("/details")
        raise problem
    await site.read(site.ledger.access.forget_revoked)
    receipts = [msgspec.Raw(receipt_bytes(one)) for one in outcomes if isinstance(one, Accepted)]
    return Response(_encode({**document, "receipts": receipts}), 201, media_type=JSON)
