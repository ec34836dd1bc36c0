"""Where a party is told of its own affairs by e-mail: its addresses, and the link by which one of them is confirmed.

Whoever may administer a party's webhooks administers its addresses; those of another party look as if they were not
there. The link ``/a/{token}`` asks for no session: whoever reads the mail of an address may say that it is to be used.
GET shows a page and changes nothing, because mail programs open links before people do.
"""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec
from fastapi import APIRouter, Depends
from pydantic import Field
from sqlalchemy import Connection
from starlette.requests import Request
from starlette.responses import Response

from api.languages import language_of
from api.notices.contact import plain_email
from api.notices.shops import asking, parse_confirmation
from api.notices.words import words_of
from api.problems import not_found
from api.routes.shown import html, wants_json
from api.routes.statements import JSON
from api.routes.stop import POLICY
from api.site import caller_of, site_of
from api.strict import Body, body_schema, read_body
from ledger import times
from ledger.db.addresses import OVERDUE, REPORTS, Address
from ledger.db.outbox import put_few
from ledger.errors import Invalid, Refused

router = APIRouter(tags=["webhooks"])
_encode = msgspec.json.encode
MAX_ASKED = 40
"""Addresses that a party may have asked within a day, deleted ones too: each is a mail to whoever it named."""


class NewAddress(Body):
    """An ``email`` address, the ``language`` in which it is written to, and the ``person`` of one's party whose it is.

    ``events``: `case.overdue`, and `report.*` for the reports that are scheduled to her role; left out, both for a
    person's address, and `case.overdue` for one that is nobody's.
    """

    email: str
    language: Literal["en", "zh-Hans", "zh-Hant"] = "en"
    person: str | None = None
    events: list[Literal["case.overdue", "report.*"]] | None = Field(default=None, min_length=1, max_length=2)


@router.get("/v1/addresses", summary="Where one's party is told by e-mail")
async def get_addresses(request: Request) -> Response:
    """Confirmed ones and those that are not yet, oldest first."""
    site, caller = site_of(request), caller_of(request)
    found = await site.read(site.ledger.addresses.of, [caller.party])
    return Response(_encode({"addresses": [_described(one) for one in found]}), media_type=JSON)


@router.post("/v1/addresses", summary="Be told by e-mail", openapi_extra=body_schema(NewAddress), status_code=201)
async def post_address(request: Request, body: Annotated[NewAddress, Depends(read_body(NewAddress))]) -> Response:
    """A mail with a link goes to the address; within a week the link must be opened and confirmed, or nothing is sent.

    Then `case.overdue` is told to it, of one's party and those below it, and `report.*` of what is scheduled to the
    person's role. An address that is there is told from now on as is said now; once confirmed it is not asked again.
    """
    site, caller = site_of(request), caller_of(request)
    if site.settings.mail is None:
        raise Refused("this service sends no mail")
    email = plain_email(body.email.strip())
    if not email:
        raise Invalid("got no e-mail address", "/email")
    events, now = _events(body), site.clock()

    def ask(connection: Connection, added: Address) -> None:
        if added.confirmed_at is not None:
            return
        if not put_few(connection, asking(added, now), times.format_recorded(now - times.DAY), MAX_ASKED):
            raise Refused(f"this party has had {MAX_ASKED} addresses asked within a day: want you to wait")

    add = site.ledger.addresses.add
    made = await site.read(add, caller.party, email, body.language, events, body.person, ask=ask)
    return Response(_encode(_described(made)), 201, media_type=JSON)


@router.delete("/v1/addresses/{id}", summary="Delete an address")
async def delete_address(request: Request, id: str) -> Response:  # noqa: A002
    """Nothing is sent to it any more, and nothing of it is kept."""
    site, caller = site_of(request), caller_of(request)
    found = await site.read(site.ledger.addresses.get, id)
    if found is None or found.party != caller.party:
        raise not_found("got an id that is no address of your party")
    await site.read(site.ledger.addresses.delete, id)
    return Response(_encode({"id": id, "deleted": True}), media_type=JSON)


async def get_confirm_page(request: Request) -> Response:
    """The page that asks whether an address is to be used; it changes nothing."""
    site, token = site_of(request), request.path_params["token"]
    address_id = await site.read(parse_confirmation, token, site.ledger.outbox)
    await site.read(site.ledger.addresses.prune)
    found = None if address_id is None else await site.read(site.ledger.addresses.get, address_id)
    return _page(request, "unknown" if found is None else "ask" if found.confirmed_at is None else "done")


async def post_confirm(request: Request) -> Response:
    """Use the address of a link from now on; the same again changes nothing. The body is not read."""
    site, token = site_of(request), request.path_params["token"]
    address_id = await site.read(parse_confirmation, token, site.ledger.outbox)
    good = address_id is not None and await site.read(site.ledger.addresses.confirm, address_id)
    return _page(request, "done" if good else "unknown")


def _events(body: NewAddress) -> list[str]:
    """What an address is to be told; raises ``Invalid`` for reports to nobody."""
    if body.person is None and REPORTS in (body.events or ()):
        raise Invalid("want the person whose address it is: reports are for the people of a role", "/person")
    return list(body.events or ([OVERDUE] if body.person is None else [OVERDUE, REPORTS]))


def _page(request: Request, state: str) -> Response:
    """The page of a state of the link; a program is told of an unknown one by a problem."""
    words = words_of(language_of(request))
    if state == "unknown" and wants_json(request):
        raise not_found("got a link that confirms no address")
    title, text, button = {
        "ask": (words.confirm_title, words.confirm_ask, words.confirm_yes),
        "done": (words.stop_done_title, words.confirm_done, ""),
        "unknown": (words.stop_unknown_title, words.confirm_unknown, ""),
    }[state]
    status = 404 if state == "unknown" else 200
    headers = {"Content-Security-Policy": POLICY}
    return html(request, "asked.html", status, headers, title=title, text=text, button=button)


def _described(one: Address) -> dict[str, object]:
    return {name: getattr(one, name) for name in one.__slots__}
