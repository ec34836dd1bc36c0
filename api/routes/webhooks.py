"""A party's webhooks: where it hears of what happens, and what became of each notice (docs/notices.md).

Who may administer them may have customers' addresses sent to a gateway, so that takes more than ``write``: the owner
or a manager in the console, or a key with ``keys``. Those of another party look as if they were not there.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal
from urllib.parse import urlencode

import msgspec
from fastapi import APIRouter, Depends, Query
from pydantic import Field
from starlette.requests import Request
from starlette.responses import Response

from api.notices.egress import check_url
from api.problems import Problem, not_found
from api.rights import ADMIN
from api.routes.api_keys import read_time
from api.routes.search import Cursor
from api.routes.statements import JSON
from api.site import caller_of, site_of
from api.strict import Body, body_schema, read_body
from ledger import times
from ledger.db.outbox import DEAD, SENT, STATES, WEBHOOK, Notice, notice_id
from ledger.db.webhooks import TEST, Webhook, check_events
from ledger.errors import Invalid, Refused

router = APIRouter(tags=["webhooks"])
_encode = msgspec.json.encode
_SHOWN = (
    "event", "party", "webhook", "statement", "subject", "state", "made_at", "due_at", "tries", "done_at", "failure",
)  # fmt: skip
_CAUGHT_UP = "1970-01-01T00:00:00.000Z"
Gateway = Literal["no", "without_email", "always"]


def _text(description: str) -> Any:
    return Query(min_length=1, max_length=300, description=description)


class NewWebhook(Body):
    """``events``: types of statements, ``case.*``, ``*``, ``case.overdue``; ``gateway``: tells customers what is due.

    ``party``: of another party than one's own, which takes ``admin``.
    """

    url: str
    events: list[str] = Field(default_factory=list, max_length=64)
    gateway: Gateway = "no"
    label: str = ""
    party: str | None = None


class Change(Body):
    """What is to be otherwise; what is left out stays."""

    events: list[str] | None = Field(default=None, max_length=64)
    gateway: Gateway | None = None
    label: str | None = None


class Rotation(Body):
    """``until``: how long the old secret signs as well, a day or a time; a day from now if it is left out."""

    until: str | None = None


class Trial(Body):
    """Nothing is said."""


class Replay(Body):
    """``since``: notices made from this day or time on, else all that are kept; ``sent``: also those that were told."""

    since: str | None = None
    sent: bool = False


@router.get("/v1/webhooks", summary="The webhooks of one's party")
async def get_webhooks(request: Request) -> Response:
    """Also disabled ones, oldest first, without their secrets. Who may administer the ledger sees those of all."""
    site, caller = site_of(request), caller_of(request)
    found = await site.read(site.ledger.webhooks.of, None if caller.may(ADMIN) else caller.party)
    return Response(_encode({"webhooks": [_described(one) for one in found]}), media_type=JSON)


@router.post("/v1/webhooks", summary="Hear of what happens", openapi_extra=body_schema(NewWebhook))
async def post_webhook(request: Request, body: Annotated[NewWebhook, Depends(read_body(NewWebhook))]) -> Response:
    """The secret that signs what is sent (`whsec_…`) is in this answer and never again.

    The address must be https and public. `events` and `gateway` say what is sent; one of them must say something.
    """
    site, caller = site_of(request), caller_of(request)
    party = body.party or caller.party
    if party != caller.party and not caller.may(ADMIN):
        raise Invalid("got another party, want your own or none", "/party")
    if not site.ledger.view.parties.known(party):
        raise Invalid("got a party that is not registered", "/party")
    if not body.events and body.gateway == "no":
        raise Invalid("got neither events nor a gateway: nothing would be sent", "/events")
    url = check_url(body.url, site.settings.webhooks_to)
    add = site.ledger.webhooks.add
    made, secret = await site.read(add, party, url, body.events, gateway=body.gateway, label=body.label)
    return Response(_encode({**_described(made), "secret": secret}), 201, media_type=JSON)


@router.post("/v1/webhooks/{id}", summary="Change a webhook", openapi_extra=body_schema(Change))
async def change_webhook(request: Request, body: Annotated[Change, Depends(read_body(Change))], id: str) -> Response:  # noqa: A002
    """Its events, its label, and whether it is a gateway; the address is that of another webhook."""
    site = site_of(request)
    found = await _own(request, id)
    events = found.events if body.events is None else check_events(body.events)
    gateway = found.gateway if body.gateway is None else body.gateway
    if not events and gateway == "no":
        raise Invalid("got neither events nor a gateway: nothing would be sent", "/events")
    change = site.ledger.webhooks.change
    await site.read(change, id, events=body.events, gateway=body.gateway, label=body.label)
    return Response(_encode(_described(await _own(request, id))), media_type=JSON)


@router.delete("/v1/webhooks/{id}", summary="Disable a webhook")
async def disable_webhook(request: Request, id: str) -> Response:  # noqa: A002
    """It hears nothing more, and what waited for it is dropped."""
    site = site_of(request)
    await _own(request, id)
    await site.read(site.ledger.webhooks.disable, id)
    await site.read(site.ledger.outbox.drop, id, "the webhook is disabled")
    return Response(_encode(_described(await _own(request, id))), media_type=JSON)


@router.post("/v1/webhooks/{id}/rotation", summary="The next secret of a webhook", openapi_extra=body_schema(Rotation))
async def rotate_secret(
    request: Request,
    body: Annotated[Rotation, Depends(read_body(Rotation))],
    id: str,  # noqa: A002
) -> Response:
    """The new secret is in this answer and never again; both sign for a day, or until `until`."""
    site = site_of(request)
    await _own(request, id)
    secret = await site.read(site.ledger.webhooks.rotate, id, read_time(body.until, "/until"))
    return Response(_encode({"id": id, "secret": secret}), 201, media_type=JSON)


@router.post("/v1/webhooks/{id}/test", summary="Send a test event", openapi_extra=body_schema(Trial))
async def try_webhook(request: Request, _: Annotated[Trial, Depends(read_body(Trial))], id: str) -> Response:  # noqa: A002
    """`webhook.test` goes out with all others; `GET /v1/notices?webhook=…` says what became of it."""
    site = site_of(request)
    found = await _in_force(request, id)
    at = times.format_recorded(site.clock())
    one = Notice(
        id=notice_id(TEST, found.id, site.ledger.vault.rand(16).hex()),
        kind=WEBHOOK,
        event=TEST,
        party=found.party,
        made_at=at,
        due_at=at,
        webhook=found.id,
    )
    await site.read(site.ledger.outbox.put, [one])
    return Response(_encode({"notice": one.id.hex()}), 202, media_type=JSON)


@router.post("/v1/webhooks/{id}/replay", summary="Send again", openapi_extra=body_schema(Replay))
async def replay_webhook(request: Request, body: Annotated[Replay, Depends(read_body(Replay))], id: str) -> Response:  # noqa: A002
    """What was given up, and with `sent` what was told, goes out again under the same ids; it is kept for 30 days."""
    site = site_of(request)
    await _in_force(request, id)
    since = read_time(body.since, "/since")
    states = (DEAD, SENT) if body.sent else (DEAD,)
    at = _CAUGHT_UP if since is None else times.format_recorded(since)
    count = await site.read(site.ledger.outbox.replay, id, at, states)
    return Response(_encode({"id": id, "notices": count}), media_type=JSON)


@router.get("/v1/notices", summary="What was told, is to be told, and was given up")
async def get_notices(
    request: Request,
    *,
    state: Annotated[str | None, _text("waiting, sent, dead (given up) or dropped")] = None,
    webhook: Annotated[str | None, _text("the id of a webhook")] = None,
    case: Annotated[str | None, _text("the case that it is about")] = None,
    statement: Annotated[str | None, _text("the statement that it is about")] = None,
    cursor: Cursor = None,
    limit: Annotated[int, Query(ge=1, le=200, description="notices of a page")] = 50,
) -> Response:
    """Notices to the webhooks and the customers of one's party and those below it, newest first; `state=dead` are those
    that were given up, and `failure` says why. No address is in them. The next page is in `next` and in `Link`.
    """
    site, caller = site_of(request), caller_of(request)
    if state is not None and state not in STATES:
        raise Problem("invalid", f"got a state that is none of {', '.join(STATES)}", parameter="state")
    asked: dict[str, Any] = {"state": state, "webhook": webhook, "of_case": case, "statement": statement}
    parties = None if caller.may(ADMIN) else caller.sees
    try:
        found, after = await site.read(site.ledger.outbox.list, parties, cursor=cursor, limit=limit, **asked)
    except Invalid as error:
        raise Problem("invalid", error.message, parameter="cursor") from None
    document: dict[str, object] = {"notices": [_shown(one) for one in found]}
    headers = {}
    if after is not None:
        kept = [(name, value) for name, value in request.query_params.multi_items() if name != "cursor"]
        document["next"] = f"{site.settings.public_url}/v1/notices?{urlencode([*kept, ('cursor', after)])}"
        headers["Link"] = f'<{document["next"]}>; rel="next"'
    return Response(_encode(document), headers=headers, media_type=JSON)


async def _own(request: Request, webhook_id: str) -> Webhook:
    site, caller = site_of(request), caller_of(request)
    found = await site.read(site.ledger.webhooks.get, webhook_id)
    if found is None or not (caller.may(ADMIN) or found.party == caller.party):
        raise not_found("got an id that is no webhook of your party")
    return found


async def _in_force(request: Request, webhook_id: str) -> Webhook:
    found = await _own(request, webhook_id)
    if found.disabled_at is not None:
        raise Refused("this webhook is disabled")
    return found


def _described(webhook: Webhook) -> dict[str, object]:
    return {name: getattr(webhook, name) for name in webhook.__slots__}


def _shown(notice: Notice) -> dict[str, object]:
    document: dict[str, object] = {
        "id": notice.id.hex(),
        "to": notice.kind,
        "index": notice.idx,
        "case": notice.of_case,
    }
    return document | {"status": notice.about} | {name: getattr(notice, name) for name in _SHOWN}
