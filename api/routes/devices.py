"""Shared tablets of a party: each has a secret of its own, shown when it is enrolled and kept as a hash."""

from __future__ import annotations

from typing import Annotated

import msgspec
from fastapi import APIRouter, Depends
from pydantic import Field
from starlette.requests import Request
from starlette.responses import Response

from api.problems import not_found
from api.rights import ADMIN
from api.routes.statements import JSON
from api.site import caller_of, site_of
from api.strict import Body, body_schema, read_body
from ledger.db.visits import Device
from ledger.errors import Refused

router = APIRouter(tags=["console"])
_encode = msgspec.json.encode


class NewDevice(Body):
    """What people call the tablet."""

    label: str = Field(max_length=200)


@router.get("/v1/devices", summary="The tablets of one's party")
async def get_devices(request: Request) -> Response:
    """Also those that are revoked."""
    site, caller = site_of(request), caller_of(request)
    found = await site.read(site.ledger.access.visits.tablets, caller.party)
    return Response(_encode({"devices": [_described(one) for one in found]}), media_type=JSON)


@router.post("/v1/devices", summary="Enrol a shared tablet", openapi_extra=body_schema(NewDevice))
async def post_device(request: Request, body: Annotated[NewDevice, Depends(read_body(NewDevice))]) -> Response:
    """The tablet's secret is in this answer and never again: type it there, for POST /v1/session/device."""
    site, caller = site_of(request), caller_of(request)
    made, secret = await site.read(site.ledger.access.visits.enrol, caller.party, body.label)
    return Response(_encode({**_described(made), "device_key": secret}), 201, media_type=JSON)


@router.delete("/v1/devices/{id}", summary="Revoke a tablet")
async def revoke_device(request: Request, id: str) -> Response:  # noqa: A002
    """Nobody comes in on it any more, and who did is out: at once here, within five seconds by other processes."""
    site, caller = site_of(request), caller_of(request)
    whose = None if caller.may(ADMIN) else caller.party
    try:
        ended = await site.read(site.ledger.access.visits.revoke_tablet, id, whose)
    except Refused:
        raise not_found("got an id that is no tablet's, or of one that is revoked") from None
    return Response(_encode(_described(ended)), media_type=JSON)


def _described(device: Device) -> dict[str, object]:
    return {name: getattr(device, name) for name in device.__slots__}
