"""Shared tablets of a party: each has a secret of its own, shown when it is enrolled and kept as a hash.

A tablet that can sign has a key besides, which it made itself and which is one of the party's in the log
(``api.tablets``).
"""

from __future__ import annotations

from typing import Annotated, Any

import msgspec
from fastapi import APIRouter, Depends
from pydantic import Field
from starlette.requests import Request
from starlette.responses import Response

from api import intake, tablets
from api.problems import not_found
from api.rights import ADMIN
from api.routes.signing_keys import written
from api.routes.statements import JSON
from api.site import caller_of, site_of
from api.strict import Body, body_schema, read_body
from ledger.db.visits import Device
from ledger.errors import Forbidden, Refused

router = APIRouter(tags=["console"])
_encode = msgspec.json.encode
MISSING = "got an id that is no tablet's, or of one that is revoked"


class NewDevice(Body):
    """What people call the tablet."""

    label: str = Field(max_length=200)


class TabletKey(Body):
    """A ``key.added`` about the party's authority with custody ``self``, and its signature by the key that it names."""

    statement: dict[str, Any]
    signatures: list[dict[str, Any]]


@router.get("/v1/devices", summary="The tablets of one's party")
async def get_devices(request: Request) -> Response:
    """Also those that are revoked. ``key`` is the did:key in force by which a tablet signs, if it has one."""
    site, caller = site_of(request), caller_of(request)
    found = await site.read(site.ledger.access.visits.tablets, caller.party)
    shown = [_described(one, await tablets.key_of(site, one)) for one in found]
    return Response(_encode({"devices": shown}), media_type=JSON)


@router.post("/v1/devices", summary="Enrol a shared tablet", openapi_extra=body_schema(NewDevice))
async def post_device(request: Request, body: Annotated[NewDevice, Depends(read_body(NewDevice))]) -> Response:
    """The tablet's secret is in this answer and never again: type it there, for POST /v1/session/device."""
    site, caller = site_of(request), caller_of(request)
    made, secret = await site.read(site.ledger.access.visits.enrol, caller.party, body.label)
    return Response(_encode({**_described(made, None), "device_key": secret}), 201, media_type=JSON)


@router.post("/v1/devices/{id}/key", summary="Let a tablet sign", openapi_extra=body_schema(TabletKey))
async def post_tablet_key(
    request: Request,
    id: str,  # noqa: A002
    body: Annotated[TabletKey, Depends(read_body(TabletKey))],
) -> Response:
    """The key that a tablet made becomes one of the party's in the log: the party's key in custody vouches for it.

    A key that the tablet had before is revoked as lost in the same commit. What a tablet's key signs counts from that
    tablet alone, for the person who is in there.
    """
    site, caller = site_of(request), caller_of(request)
    found = await site.read(site.ledger.access.visits.tablets, caller.party)
    tablet = next((one for one in found if one.id == id and one.revoked_at is None), None)
    if tablet is None:
        raise not_found(MISSING)
    draft = intake.read_signed({"statement": body.statement, "signatures": body.signatures})
    async with site.pairing:
        drafts = await tablets.addition(draft.statement, draft.signatures, tablet, site)
        return await written(site, drafts, _described(tablet, draft.signatures[0].key))


@router.delete("/v1/devices/{id}", summary="Revoke a tablet")
async def revoke_device(request: Request, id: str) -> Response:  # noqa: A002
    """Nobody comes in on it any more, and who did is out: at once here, within five seconds by other processes.

    A key by which it signs is revoked as lost, and is in ``key`` of the answer; where no key in custody can say so, the
    key stays in force in the log, and counts here no more. If the service dies in between, it says so when it starts.
    """
    site, caller = site_of(request), caller_of(request)
    visits, whose = site.ledger.access.visits, None if caller.may(ADMIN) else caller.party
    async with site.pairing:
        try:
            ended = await site.read(visits.revoke_tablet, id, whose)
        except Refused:
            raise not_found(MISSING) from None
        try:
            key = await tablets.end_key(ended, caller.party, site)
        except (Forbidden, Refused):
            key = None
    return Response(_encode(_described(ended, key)), media_type=JSON)


def _described(device: Device, key: str | None) -> dict[str, object]:
    return {name: getattr(device, name) for name in device.__slots__} | {"key": key}
