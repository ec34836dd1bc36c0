"""Work lists: the cases of one's party and of those below it, by what is urgent; and what is to be looked after."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import fields
from typing import Annotated, Any, ParamSpec, TypeVar
from urllib.parse import urlencode

import msgspec
from fastapi import APIRouter, Query
from starlette.requests import Request
from starlette.responses import Response

from api.following import followed
from api.problems import Problem
from api.promise_json import moment
from api.rights import Caller
from api.routes.statements import JSON
from api.site import Site, caller_of, site_of
from ledger import times
from ledger.db.caseload import CUSTOMER, Listed, Wanted
from ledger.errors import Invalid, Malformed
from ledger.standard_shape import CASE_KINDS, CAUSES
from ledger.times import DAY

router = APIRouter(tags=["cases"])

_LONGEST_HELD = 10_000
P = ParamSpec("P")
T = TypeVar("T")


def _text(description: str) -> Any:
    return Query(min_length=1, max_length=200, description=description)


def _word(among: Sequence[str], description: str) -> Any:
    return Query(description=description, json_schema_extra={"enum": list(among)})


def _check_words(**given: tuple[str | None, Sequence[str]]) -> None:
    """Raise ``Problem`` for a word that no case could have: an empty list would tell nobody of a slip."""
    for name, (word, among) in given.items():
        if word is not None and word not in among:
            raise Problem("invalid", f"got {word[:80]!r}, want one of {', '.join(among)}", parameter=name)


Page = Annotated[int, Query(ge=1, le=200, description="rows of a page")]
Cursor = Annotated[str | None, _text("where the last page ended")]


@router.get("/v1/cases", summary="Work lists: cases by what is urgent")
async def list_cases(
    request: Request,
    *,
    mine: Annotated[bool, Query(description="assigned to whoever asks: to the person, or to the key's party")] = False,
    assigned: Annotated[str | None, _text("assigned to this party or member of staff")] = None,
    overdue: Annotated[bool, Query(description="past the limit that is due first")] = False,
    due_soon: Annotated[bool, Query(description="three quarters of that limit are used")] = False,
    due: Annotated[str | None, _text("due by then, a day (to its end, UTC) or a time")] = None,
    waiting: Annotated[str | None, _word(CAUSES, "for whom or what; customer is also her approval")] = None,
    held: Annotated[int | None, Query(ge=0, le=_LONGEST_HELD, description="in hand for more than so many days")] = None,
    visit: Annotated[str | None, _text("of this visit")] = None,
    job_no: Annotated[str | None, _text("with this job number")] = None,
    kind: Annotated[str | None, _word(CASE_KINDS, "of this kind")] = None,
    closed: Annotated[bool | None, Query(description="closed, or still open")] = None,
    repeated: Annotated[bool, Query(description="asked for again: same fault within 90 days of a repair")] = False,
    cursor: Cursor = None,
    limit: Page = 50,
) -> Response:
    """Cases that concern your party or one below it, and to which all that is given applies.

    Lists of what is due, waits or is held begin with what is most urgent; others with the newest. The next page is in
    ``next`` and in a ``Link`` header; it stays the same page while others write. A request about several items has a
    row for each.
    """
    _check_words(waiting=(waiting, CAUSES), kind=(kind, CASE_KINDS))
    site, caller = site_of(request), caller_of(request)
    now = site.clock()
    parties = (caller.party,) if mine else await _parties(site, caller)
    wanted = Wanted(
        overdue=now if overdue else None,
        due_soon=now if due_soon else None,
        due=None if due is None else _until(due, "due"),
        held=None if held is None else now - held * DAY,
        waits=None if waiting is None else CUSTOMER if waiting == "customer" else (waiting,),
        closed=closed,
        assigned=(caller.agent or caller.party) if mine else assigned,
        visit=visit,
        job_no=job_no,
        kind=kind,
        repeats=repeated,
    )
    follower = await followed(site)
    rows, after = await _found(site, follower.find, wanted, parties, cursor, limit)
    return _page(request, "cases", [_case(row, now) for row in rows], after)


@router.get("/v1/maintenance", summary="What is to be looked after")
async def list_maintenance(
    request: Request,
    *,
    until: Annotated[str | None, _text("due by that day; today if left out")] = None,
    cursor: Cursor = None,
    limit: Page = 50,
) -> Response:
    """Items of which your party, or one below it, has said when the next maintenance is due, the longest due first."""
    site, caller = site_of(request), caller_of(request)
    day = times.format_recorded(site.clock() if until is None else _until(until, "until"))[:10]
    follower = await followed(site)
    rows, after = await _found(site, follower.maintenance, day, await _parties(site, caller), cursor, limit)
    return _page(request, "items", [{name: getattr(row, name) for name in row.__slots__} for row in rows], after)


async def _found(site: Site, find: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """A page of a list; raises ``Problem`` for a cursor out of form, the one thing that only the list can tell."""
    try:
        return await site.read(find, *args, **kwargs)
    except Invalid as error:
        raise Problem("invalid", error.message, parameter="cursor") from None


async def _parties(site: Site, caller: Caller) -> tuple[str, ...]:
    """Whose cases a caller sees: its own party's and those below it, and of whoever granted it everything."""
    grants = await site.read(site.ledger.access.grants.to, caller.party)
    return tuple(sorted(caller.sees | {grant.party for grant in grants if grant.subject is None}))


def _until(text: str, name: str) -> int:
    """The end of a day, or a time; raises ``Problem`` 422."""
    try:
        return times.parse_occurred(text + "T23:59:59.999999Z" if len(text) == len("2026-11-09") else text)
    except (Invalid, Malformed) as error:
        raise Problem("invalid", error.message, parameter=name) from None


def _page(request: Request, name: str, rows: list[dict[str, Any]], after: str | None) -> Response:
    document: dict[str, Any] = {name: rows}
    headers = {}
    if after is not None:
        kept = [(key, value) for key, value in request.query_params.multi_items() if key != "cursor"]
        address = f"{site_of(request).settings.public_url}{request.url.path}?{urlencode([*kept, ('cursor', after)])}"
        document["next"] = address
        headers["Link"] = f'<{address}>; rel="next"'
    return Response(msgspec.json.encode(document), headers=headers, media_type=JSON)


def _case(row: Listed, now: int) -> dict[str, Any]:
    members = {one.name: getattr(row, one.name) for one in fields(row) if one.name != "concerned"}
    for name in ("due_at", "warn_at", "waits_since", "held_since"):
        members[name] = moment(members[name])
    return {**members, "standing": _standing(row, now)}


def _standing(row: Listed, now: int) -> str | None:
    """How the limit stands that is due first, as ``Measure.standing`` says it; ``None`` without one."""
    if row.due_at is None or row.warn_at is None:
        return None if row.waits_for is None else "waiting"
    if now > row.due_at:
        return "overdue"
    return "due_soon" if now >= row.warn_at else "on_time"
