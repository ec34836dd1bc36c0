"""Whether this process lives, and whether it signs."""

from __future__ import annotations

import msgspec
from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from api.routes.statements import JSON
from api.site import site_of
from ledger.errors import Unavailable

router = APIRouter(tags=["operations"])


@router.get("/healthz", summary="Whether the process answers")
async def healthz() -> dict[str, str]:
    """Alive, whatever the ledger's state: restart what does not answer this."""
    return {"status": "alive"}


@router.get("/readyz", summary="Whether the ledger is open and signs; 503 says why not")
async def readyz(request: Request) -> Response:
    """503 with the reason when statements would be refused: send traffic elsewhere and look at the reason."""
    site = site_of(request)
    reason = site.why_not_signing()
    if reason is not None:
        raise Unavailable(reason)
    size = await site.read(site.ledger.reader.size)
    return Response(msgspec.json.encode({"status": "ready", "size": size}), media_type=JSON)
