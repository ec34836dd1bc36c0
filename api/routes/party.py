"""The public page of a party, the messages that anybody may write to it, and what becomes of them.

    GET  /p/{party}          who it is, what it promises, how it answers
    GET  /p/{party}/qr.svg   the address of that page, to be put up in a shop; also qr.png
    POST /p/{party}/cases    {"kind": "complaint", "issue": "attitude", "description": "…", "contact": "…"}

A message is a case of its own (events.md §4) that the **operator** records, never the shop: nobody's key vouches for
it, and it is shown as unverified. What was written is private. Whoever wrote it gets the code of the case, under which
the answer is read, and nothing else is kept of them.
"""

from __future__ import annotations

import asyncio
from typing import Any, Final
from urllib.parse import parse_qs

import msgspec
from msgspec.structs import replace
from starlette.requests import Request
from starlette.responses import Response

from api import intake, party_page
from api.following import promises_now
from api.languages import headers_of, language_of
from api.pages import qr
from api.problems import Problem, not_found
from api.rights import ADMIN, ENTRIES, Caller
from api.routes.items import page_of
from api.routes.shown import HTML, html, missing, switch_of, takes_gzip, wants_json
from api.routes.statements import JSON, check_type, placed_problem
from api.site import Site, caller_of, site_of
from ledger import feedback, times
from ledger.errors import Invalid, PatinaError, Unavailable

FORM: Final = "application/x-www-form-urlencoded"
POLICY: Final = (
    "default-src 'none'; style-src 'self'; img-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
)
"""The form of this page goes to us and to nobody else."""
ISSUES: Final = ("quality", "attitude", "slowness", "logistics", "transport", "terms", "stock", "feedback", "other")
MEMBERS: Final = ("kind", "issue", "description", "contact")
MAX_DESCRIPTION: Final = 4000
MAX_CONTACT: Final = 200
PROMISES_SHOWN: Final = 6
"""Lines of the standard that stand open on the page: its name and what is answered when."""

_encode = msgspec.json.encode


async def get_party_page(request: Request) -> Response:
    """A party: its roles, its standard in words, how many messages it answered in time; by ``Accept`` also as JSON.

    The page has a form to write to the party, which works without a script.
    """
    site = site_of(request)
    party = _registered(request, site)
    if party is None:
        return missing(request)
    as_json, language = wants_json(request), language_of(request)
    # Reading all that was said about a party takes a while, so it is done beside the loop, and once for a checkpoint.
    key = ("party", party, await site.read(site.ledger.reader.size), as_json, language, site.clock() // times.HOUR)
    body = await site.pages.page(key, lambda: _make(site, party, language, as_json=as_json))
    if body is None:
        return missing(request)
    headers = {
        **headers_of(request, language),
        "Cache-Control": "private, no-cache",
        "Content-Security-Policy": POLICY,
    }
    return Response(body, headers=headers, media_type=JSON if as_json else HTML)


def _make(site: Site, party: str, language: str, *, as_json: bool) -> bytes | None:
    """The bytes of the page, or of its JSON; ``None`` for a party that is not registered."""
    page = party_page.make(site.ledger, party, language, site.clock())
    if page is None:
        return None
    if as_json:
        return _encode(party_page.describe(page, _address(site, party)))
    return site.pages.render(
        "party.html",
        language,
        host=site.settings.host,
        switch=switch_of(language),
        page=page,
        path=f"/p/{party.removeprefix('urn:uuid:')}",
        address=_address(site, party),
        kinds=feedback.KINDS,
        issues=ISSUES,
        longest=MAX_DESCRIPTION,
        shown=PROMISES_SHOWN,
    )


async def get_party_qr(request: Request) -> Response:
    """The QR code of a party's page."""
    site = site_of(request)
    party = _registered(request, site)
    if party is None:
        raise not_found("got an id that is no party of this ledger")
    return qr.qr_response(_address(site, party), request, packed=takes_gzip(request))


async def post_party_case(request: Request) -> Response:
    """Write to a party without a name: a complaint, feedback or a question, recorded by the operator as unverified.

    The answer has the code of the case, shown only now: its page has the reply. So many messages are taken in a
    quarter of an hour from one address, and for one party.
    """
    site = site_of(request)
    party = _registered(request, site)
    if party is None or site.is_suspended(party):
        raise not_found("got an id of no party that can be written to")
    check_type(request, {JSON, FORM, ""})
    site.limits.writers.take(site.limits.address_of(request.scope))
    given = _given(await request.body(), form=request.headers.get("content-type", "").startswith(FORM))
    site.limits.written.take(party)
    token = await _record(site, party, given)
    shown = page_of(site, token, "c")
    if wants_json(request):
        return Response(_encode(shown), 201, media_type=JSON)
    name = site.ledger.view.parties.parties[party].name
    return html(request, "written.html", 201, name=name, code=shown, path=f"/c/{token}")


async def get_feedback(request: Request) -> Response:
    """The messages about a party with how each was answered, what customers rate, and the year's survey cycles.

    For the party itself, those above it, the operator, and auditors, registered or by a grant of the party. What was
    written is not in it.
    """
    site, caller = site_of(request), caller_of(request)
    party = party_page.named(request.path_params["id"])
    grants = await site.read(site.ledger.access.grants.to, caller.party)
    granted = any(grant.party == party and grant.subject is None for grant in grants)
    if not (granted or party in caller.sees or caller.may(ADMIN) or caller.may(ENTRIES)):
        raise Problem("forbidden", "want an API key or a session of this party, or of one above it")
    if not await site.read(party_page.registered, site.ledger, party):
        raise not_found("got an id that is no party of this ledger")
    now, promises = site.clock(), await promises_now(site)
    told = await asyncio.to_thread(party_page.messages, site.ledger, party, promises, now)
    standard = promises.newest(party)
    review = {} if standard is None else standard.document.get("review", {})
    surveyed = await asyncio.to_thread(site.ledger.risks.surveyed, party)
    year = int(times.format_recorded(now)[:4])
    a_year = review.get("surveys_a_year")
    document = {
        "party": party,
        "messages": [_message(one) for one in told],
        "rated": feedback.dimensions(standard),
        "surveys": [] if a_year is None else feedback.survey_cycles(surveyed, a_year, year),
    }
    return Response(_encode(document), media_type=JSON)


def _message(one: feedback.Message) -> dict[str, Any]:
    shown = msgspec.to_builtins(one)
    for name in ("opened_at", "answered_at", "due_at"):
        shown[name] = None if shown[name] is None else times.format_recorded(shown[name])
    return dict(shown)


def _registered(request: Request, site: Site) -> str | None:
    """The party of the address, if there is one."""
    try:
        party = party_page.named(request.path_params["party"])
    except Invalid:
        return None
    found = site.ledger.view.parties.parties.get(party)
    return party if found is not None and found.registered else None


def _address(site: Site, party: str) -> str:
    return f"{site.settings.public_url}/p/{party.removeprefix('urn:uuid:')}"


def _given(raw: bytes, *, form: bool) -> dict[str, str]:
    """The members of a message, checked; raises ``Invalid`` or ``Malformed``."""
    value = _of_form(raw) if form else intake.read_object(raw)
    for name, one in value.items():
        if name not in MEMBERS or not isinstance(one, str):
            raise Invalid(f"got {name[:40]!r}, want {', '.join(MEMBERS)}, each a text", f"/{name}")
    given = {name: one.strip() for name, one in value.items() if one.strip()}
    if given.get("kind") not in feedback.KINDS:
        raise Invalid(f"want kind, one of {', '.join(feedback.KINDS)}", "/kind")
    if given.setdefault("issue", "other") not in ISSUES:
        raise Invalid(f"want issue, one of {', '.join(ISSUES)}", "/issue")
    if not 0 < len(given.get("description", "")) <= MAX_DESCRIPTION:
        raise Invalid(f"want description, 1 to {MAX_DESCRIPTION} characters", "/description")
    if len(given.get("contact", "")) > MAX_CONTACT:
        raise Invalid(f"want contact of at most {MAX_CONTACT} characters", "/contact")
    return given


def _of_form(raw: bytes) -> dict[str, Any]:
    try:
        fields = parse_qs(raw.decode(), strict_parsing=bool(raw), max_num_fields=len(MEMBERS) + 1, errors="strict")
    except (ValueError, UnicodeError):
        raise Invalid("got a form that does not parse") from None
    # Browsers send line ends as two characters; the ledger holds one.
    return {name: values[0].replace("\r\n", "\n") for name, values in fields.items()}


async def _record(site: Site, party: str, given: dict[str, str]) -> str:
    """Say ``case.opened`` as the operator, with what was written in private; the token of the case's code."""
    operator = Caller(site.ledger.operator, frozenset({ADMIN}), "")
    case = intake.new_id(site.clock())
    private: dict[str, Any] = {"description": given["description"]}
    if "contact" in given:
        private["customer"] = {"contact": given["contact"]}
    statement = {
        "type": "case.opened",
        "party": operator.party,
        "subjects": [case, party],
        "case": case,
        "details": {"kind": given["kind"], "channel": "web", "issue": given["issue"]},
    }
    try:
        draft = intake.draft_from({"statement": statement, "private": private}, site, operator)
    except Invalid as error:
        if error.pointer == "/signatures":
            raise Unavailable("the operator's key is not in this service's custody: nobody can write here") from None
        raise Invalid(error.message, error.pointer.removeprefix("/private")) from None
    token, row = site.ledger.codes.draft(case, "case", case=case, party=operator.party)
    (outcome,) = await site.appender.append([replace(draft, rows=(*draft.rows, row))])
    if isinstance(outcome, PatinaError):
        raise placed_problem(outcome)
    return token
