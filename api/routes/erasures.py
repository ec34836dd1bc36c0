"""Erasures: asking for one, and what became of it. What no law keeps back is destroyed at once."""

from __future__ import annotations

import asyncio
import logging
from typing import Any

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from api import erasing, intake
from api.erasing import Wanted
from api.problems import not_found
from api.rights import ADMIN, Caller
from api.routes.statements import JSON, check_type
from api.site import Site, caller_of, site_of
from ledger import private
from ledger.db import erase
from ledger.db.append import DATABASE_ERRORS
from ledger.db.epochs import GRACE
from ledger.db.erasures import Erasure
from ledger.errors import Invalid, PatinaError
from ledger.forms import is_uuid

_MEMBERS = frozenset({"id", "why", "person", "party", "item", "statements", "classes"})
LISTED = 200
_log = logging.getLogger("patina.api")
_encode = msgspec.json.encode


async def post_erasure(request: Request) -> Response:
    """Ask for an erasure: of a ``person`` (your pseudonym), an ``item``, or ``statements``, perhaps some ``classes``.

    Files that statements list in public go only where ``classes`` names ``files``.
    What no law keeps back is gone when this answers, but for the end of its key's epoch, which follows within seconds;
    the rest is kept until the legal time ends, and is then erased without being asked again.
    """
    site, caller = site_of(request), caller_of(request)
    check_type(request, {JSON, ""})
    body = intake.read_object(await request.body())
    wanted, erasure = _wanted(body, caller)
    found = await _ask(site, wanted, caller, erasure)
    document = erasing.describe(found, site.clock())
    return Response(_encode(document), 201, {"Location": f"/v1/erasures/{found.id}"}, media_type=JSON)


async def get_erasures(request: Request) -> Response:
    """The newest erasures that one's own party asked for, or all for whoever administers the ledger: 200 at most."""
    site, caller = site_of(request), caller_of(request)
    found = await site.read(site.ledger.erasures.newest, None if caller.may(ADMIN) else caller.party, LISTED)
    listed = [{**erasing.describe(one, site.clock()), "asked_by": one.asked_by} for one in found]
    return Response(_encode({"erasures": listed}), media_type=JSON)


async def get_erasure(request: Request) -> Response:
    """The state of an erasure: ``waiting``, ``erasing``, ``partly`` or ``done``, and until when the rest is kept."""
    site, caller = site_of(request), caller_of(request)
    found = await site.read(site.ledger.erasures.get, request.path_params["id"])
    if found is None or not (found.asked_by == caller.party or caller.may(ADMIN)):
        raise not_found("got an id of no erasure that you asked for")
    return Response(_encode(erasing.describe(found, site.clock())), media_type=JSON)


async def _ask(site: Site, wanted: Wanted, caller: Caller, erasure: str | None) -> Erasure:
    found = await site.read(erasing.ask, site.ledger, wanted, caller.party, site.clock(), erasure)
    try:
        # In a thread: to wait for the append lock on the loop would keep whoever holds it from being answered.
        await asyncio.to_thread(erase.work, site.ledger, site.clock(), grace=GRACE)
    except (PatinaError, *DATABASE_ERRORS) as error:
        # It is written down and will be done; the caller reads in its state that it is not yet.
        _log.warning("an erasure waits: %s", getattr(error, "message", type(error).__name__))
    site.pages.forget()
    again = await site.read(site.ledger.erasures.get, found.id)
    assert again is not None, "it was just written"
    return again


def _wanted(body: dict[str, Any], caller: Caller) -> tuple[Wanted, str | None]:
    """What a body asks for, and the id that it chose; raises ``Invalid``."""
    for name in body:
        if name not in _MEMBERS:
            raise Invalid(f"got the member {name!r}, want {', '.join(sorted(_MEMBERS))}", f"/{name}")
    if len([name for name in ("person", "item", "statements") if name in body]) != 1:
        raise Invalid("want one of person, item and statements")
    for name in ("id", "person", "party"):
        if name in body and (not isinstance(body[name], str) or is_uuid(body[name]) is None):
            raise Invalid("got something else, want a urn:uuid", f"/{name}")
    if not isinstance(body.get("item", ""), str):
        raise Invalid("got something else, want the id of an item", "/item")
    statements, classes = body.get("statements", []), body.get("classes", list(private.CLASSES))
    if not isinstance(statements, list) or not all(isinstance(one, str) and is_uuid(one) for one in statements):
        raise Invalid("want statements, a list of ids", "/statements")
    if not isinstance(classes, list) or not classes or not all(one in private.ERASABLE for one in classes):
        raise Invalid(f"want classes, a list of {', '.join(private.ERASABLE)}", "/classes")
    everybody = caller.may(ADMIN)
    if "party" in body and not everybody and body["party"] != caller.party:
        raise Invalid("got another party, want your own or none", "/party")
    wanted = Wanted(
        why=body.get("why", "request"),
        party=body.get("party", None if everybody else caller.party),
        person=body.get("person"),
        item=body.get("item"),
        statements=tuple(statements),
        classes=tuple(classes),
    )
    return wanted, body.get("id")
