"""Risk signals over HTTP: what in the log should be looked at, with the entries that caused it.

A party sees the signals about itself and about those below it; the operator and registered auditors see all.
"""

from __future__ import annotations

import asyncio
from typing import Annotated, Literal

import msgspec
from fastapi import APIRouter, Query
from starlette.requests import Request
from starlette.responses import Response

from api.rights import ADMIN, ENTRIES
from api.routes.statements import JSON
from api.site import caller_of, site_of
from ledger.signals import SEVERITY

router = APIRouter(tags=["risk signals"])
_encode = msgspec.json.encode
Least = Annotated[Literal["high", "medium", "low"], Query(description="leave out what is less severe")]


@router.get("/v1/risks", summary="What in the log should be looked at, the most urgent first")
async def get_risks(request: Request, least: Least = "low") -> Response:
    """Each signal names its kind, severity, party, figures, and the indexes of the entries that caused it; ``size`` is
    that of the log that was looked at. The first request after a start reads the whole log.
    """
    site, caller = site_of(request), caller_of(request)
    found = await asyncio.to_thread(site.ledger.risks.signals)
    everybody = caller.may(ADMIN) or caller.may(ENTRIES)
    mine = caller.sees
    severe = SEVERITY[: SEVERITY.index(least) + 1]
    shown = [one for one in found.signals if one.severity in severe and (everybody or one.party in mine)]
    return Response(_encode({"size": found.size, "signals": shown}), media_type=JSON)
