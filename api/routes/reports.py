"""Reports: asked for, listed, and handed out as JSON, CSV, workbook or charts; and the schedules of them."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Annotated, Any

import msgspec
from fastapi import APIRouter, Depends, Query
from pydantic import Field
from starlette.requests import Request
from starlette.responses import Response

from api.costs import costs_of, note
from api.levels import searched_parties
from api.problems import Problem, not_found
from api.rights import ENTRIES, Caller
from api.routes.statements import JSON
from api.site import Site, caller_of, site_of
from api.strict import Body, body_schema, read_body
from ledger.db.reports import Asked, Schedule
from ledger.errors import Forbidden, Refused, Unknown
from ledger.report import disclosed
from ledger.report_ask import Ask, parse_ask
from ledger.reports.formats import FORMATS, MEDIA_TYPES, render
from ledger.reports.words import WORDS

router = APIRouter(tags=["reports"])
_encode = msgspec.json.encode
DISCLOSURES = "disclosures"
"""What ``patina report --disclosures`` takes: a format of reports with costs."""


class NewReport(Body):
    """What to count: ``period`` (2026, 2026-Q3, 2026-07, two days with a slash, or all), ``by`` up to four dimensions,
    ``trend`` by month, quarter or year, ``parties`` with those below them (default: one's own), ``times`` counted or
    stated, ``evidence`` gb27922. With ``costs``, what work has cost as far as you may see it: what your party and those
    below it recorded, and what was granted to it by name; that you read it stands in the access log.
    """

    period: str
    by: list[str] = Field(default_factory=list, max_length=4)
    trend: str = "month"
    parties: list[str] = Field(default_factory=list, max_length=100)
    times: str = "counted"
    evidence: str = ""
    costs: bool = False


class NewSchedule(Body):
    """A report of every ``month``, ``quarter`` or ``year`` for the people of a ``role`` (owner, manager, auditor).

    They are told by e-mail when it was made. With ``costs``, as a report that you ask for then, and only while you may.
    """

    every: str
    role: str = "manager"
    by: list[str] = Field(default_factory=list, max_length=4)
    trend: str = "month"
    evidence: str = ""
    costs: bool = False


@router.post("/v1/reports", summary="Ask for a report", openapi_extra=body_schema(NewReport), status_code=202)
async def post_report(request: Request, body: Annotated[NewReport, Depends(read_body(NewReport))]) -> Response:
    """It is made beside the service; its address says how far it is, and then hands it out."""
    site, caller = site_of(request), caller_of(request)
    given = body.model_dump(exclude={"costs"})
    ask = parse_ask(given | {"parties": given["parties"] or [caller.party]})
    await _check_parties(request, ask)
    costs = _by(caller) if body.costs else None
    made = await site.read(site.ledger.reports.ask, caller.party, ask.document(), caller.role or "", costs)
    return Response(_encode(_described(site, made)), 202, media_type=JSON)


@router.get("/v1/reports", summary="Reports of one's own party, newest first")
async def get_reports(request: Request) -> Response:
    """Those that were asked for and those that fell due by a schedule, two hundred at most."""
    site = site_of(request)
    found = await site.read(site.ledger.reports.of, _mine(request))
    return Response(_encode({"reports": [_described(site, one) for one in found]}), media_type=JSON)


@router.get("/v1/reports/{id}", summary="How far a report is, or the report itself")
async def get_report(
    request: Request,
    id: str,  # noqa: A002
    *,
    format: Annotated[str | None, Query(description="json, csv, xlsx, svg: the report itself; or disclosures")] = None,  # noqa: A002
    language: Annotated[str, Query(description="of the charts: en, zh-Hans or zh-Hant")] = "en",
) -> Response:
    """With a ``format`` the report, which ``patina report --verify`` counts again if it is JSON; else how far it is.

    A report with costs is handed out to the party that asked, and no other; ``disclosures`` is what its costs are
    verified with, as long as nothing of it was erased and every grant stands.
    """
    site, caller = site_of(request), caller_of(request)
    found = await site.read(site.ledger.reports.find, id, _mine(request))
    if found is None or (found[0].costs is not None and found[0].party != caller.party):
        raise not_found("got an id that is no report of your party")
    asked, document = found
    if format is None:
        return Response(_encode(_described(site, asked)), media_type=JSON)
    forms = FORMATS if asked.costs is None else (*FORMATS, DISCLOSURES)
    if format not in forms:
        raise Problem("invalid", f"got {format[:20]!r}, want one of {', '.join(forms)}", parameter="format")
    if language not in WORDS:
        raise Problem("invalid", f"got {language[:20]!r}, want one of {', '.join(WORDS)}", parameter="language")
    if document is None:
        raise not_found("this report is not made yet" if asked.problem is None else asked.problem)
    if asked.costs is not None:
        await site.read(note, site.ledger, asked, _by(caller))
    if format == DISCLOSURES:
        return Response(_encode(await _disclosures(request, asked, document)), media_type=JSON)
    try:
        content = document if format == "json" else render(json.loads(document), format, language)
    except Unknown as error:
        raise not_found(error.message) from None
    headers = {"Content-Disposition": f'inline; filename="report-{asked.id}.{format}"'}
    return Response(content, headers=headers, media_type=MEDIA_TYPES[format])


@router.get("/v1/report-schedules", summary="Schedules of reports")
async def get_schedules(request: Request) -> Response:
    """Those of one's own party that go on."""
    site = site_of(request)
    found = await site.read(site.ledger.reports.schedules, _mine(request))
    return Response(_encode({"schedules": [_schedule(one) for one in found]}), media_type=JSON)


@router.post(
    "/v1/report-schedules", summary="Schedule a report", openapi_extra=body_schema(NewSchedule), status_code=201
)
async def post_schedule(request: Request, body: Annotated[NewSchedule, Depends(read_body(NewSchedule))]) -> Response:
    """First for the period that is running now, once it has ended; then `report.made` is told (docs/notices.md)."""
    site, caller = site_of(request), caller_of(request)
    given = body.model_dump(exclude={"costs"})
    every, role = given.pop("every"), given.pop("role")
    asked = parse_ask({**given, "period": "all", "parties": [caller.party]}).document()
    costs = _by(caller) if body.costs else None
    made = await site.read(site.ledger.reports.plan, caller.party, role, every, asked, costs)
    return Response(_encode(_schedule(made)), 201, media_type=JSON)


@router.delete("/v1/report-schedules/{id}", summary="End a schedule")
async def delete_schedule(request: Request, id: str) -> Response:  # noqa: A002
    """What it has made stays."""
    site, caller = site_of(request), caller_of(request)
    if not await site.read(site.ledger.reports.end, id, caller.party):
        raise not_found("got an id that is no schedule of your party, or of one that has ended")
    return Response(_encode({"id": id, "ended": True}), media_type=JSON)


def _mine(request: Request) -> list[str]:
    """The parties whose reports the caller reads: its own and, for a chain, those below it."""
    return sorted(caller_of(request).sees)


async def _check_parties(request: Request, ask: Ask) -> None:
    """Raise ``Forbidden`` for a party whose cases the caller may not count.

    Whoever may read all entries may count all. Else a chain counts its own, and an auditor those that granted it all
    of their items; what such a party has below it grants for itself.
    """
    site, caller = site_of(request), caller_of(request)
    if caller.may(ENTRIES) or site.settings.entries_public:
        return
    seen = set(await searched_parties(site, caller) or ())
    for number, party in enumerate(ask.parties):
        if not site.visiting.below(party) <= seen:
            raise Forbidden("got a party that is not yours, below yours, or one that granted it", f"/parties/{number}")


def _by(caller: Caller) -> dict[str, str | None]:
    """Who reads costs, as the access log has it."""
    return {"key": caller.key_id or None, "person": caller.person}


async def _disclosures(request: Request, asked: Asked, document: bytes) -> dict[str, list[str]]:
    """What the costs of a report are verified with, read again; raises ``Refused`` where it is no longer the same."""
    site = site_of(request)
    again = replace(asked, costs=_by(caller_of(request)))
    found = await site.read(costs_of, site.ledger, again, asked.size or 0)
    if disclosed(found) != json.loads(document)["disclosures"]:
        raise Refused("what this report rests on was erased since, or is granted no longer: ask for a new one")
    return found


def _described(site: Site, one: Asked) -> dict[str, Any]:
    where = f"{site.settings.public_url}/v1/reports/{one.id}"
    state = "waiting" if one.percent == 0 else "counting"
    if one.made is not None:
        state = "made" if one.problem is None else "failed"
    members = {name: getattr(one, name) for name in Asked.__slots__}
    members["costs"] = one.costs is not None
    forms = (*FORMATS, DISCLOSURES) if members["costs"] else FORMATS
    files = {form: f"{where}?format={form}" for form in forms} if state == "made" else {}
    return {**members, "state": state, "address": where, "files": files}


def _schedule(one: Schedule) -> dict[str, Any]:
    members = {name: getattr(one, name) for name in Schedule.__slots__}
    members["asked"] = {name: value for name, value in one.asked.items() if name != "period"}
    members["costs"] = one.costs is not None
    return members
