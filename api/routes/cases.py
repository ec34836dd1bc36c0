"""Cases and responsibility, to read: how one case went, and who answers for an item."""

from __future__ import annotations

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from api import fold
from api.case_json import describe_chain, describe_course
from api.following import promises_now
from api.levels import need_view
from api.problems import Problem, not_found
from api.promise_json import describe_judged
from api.routes.items import known_item, read_at
from api.routes.statements import JSON
from api.site import Site, site_of
from ledger.caseload import judge
from ledger.cases import fold_case
from ledger.leaf import Entry
from ledger.responsibility import parties_of, responsibility

_encode = msgspec.json.encode
_ABOUT_STAFF = (b'"type":"staff.', b'"type":"statement.')


async def get_case(request: Request) -> Response:
    """How a case went: status, steps, quotes, custody, deadlines, what deviates from the standard and what may follow.

    ``?at=`` gives it as of an index of the log or a time, by the calendar as it stands now.

    A request about several items has a course on each: ``?item=`` chooses, and ``also_about`` names the others.
    """
    site = site_of(request)
    case = request.path_params["id"]
    subjects = await site.read(site.ledger.reader.case_subjects, case)
    if not subjects:
        raise not_found("got an id that is no case of this ledger")
    subject = request.query_params.get("item", subjects[0])
    if subject not in subjects:
        raise Problem("invalid", "got an item that this case is not about", parameter="item")
    await need_view(request, subject)
    below = await _below(request, site)
    told = fold.parse_entries(await site.read(site.ledger.reader.entries, subject), below)
    pairs = [(one.entry, one.leaf_hash) for one in told]
    course, state = fold_case(case, pairs), fold.fold(subject, told)
    if course is None or state is None:
        raise not_found("not opened at that time")
    judged = judge(course, pairs, await promises_now(site))
    document = {
        "also_about": [one for one in subjects if one != subject],
        **describe_course(course, pairs, state, judged.required),
        **describe_judged(judged, site.clock()),
    }
    if below is not None:
        document["as_of_index"] = below
    return Response(_encode(document), media_type=JSON)


async def get_responsibility(request: Request) -> Response:
    """Who made, sold, certified, repaired and carried an item, who had it when, and who was found responsible.

    Each link names the entry it rests on. ``?case=`` looks at what was before the last step of a case and at what was
    found in it; ``?at=`` as of an index of the log or a time.
    """
    site = site_of(request)
    subject = await known_item(request)
    await need_view(request, subject)
    case = request.query_params.get("case")
    if case is not None and subject not in await site.read(site.ledger.reader.case_subjects, case):
        raise Problem("invalid", "got a case that is not about this item", parameter="case")
    below = await _below(request, site)
    told = _pairs(await site.read(site.ledger.reader.entries, subject), below)
    staff = {}
    for party in parties_of(told):
        raws = await site.read(site.ledger.reader.entries, party)
        # A party's subject holds its complaints and standards, too: only what is said of its staff is parsed.
        staff[party] = _pairs([one for one in raws if any(mark in one[1] for mark in _ABOUT_STAFF)], below)
    document = {"id": subject, "case": case, **describe_chain(responsibility(told, staff, case))}
    if below is not None:
        document["as_of_index"] = below
    return Response(_encode(document), media_type=JSON)


async def _below(request: Request, site: Site) -> int | None:
    at = request.query_params.get("at")
    return None if at is None else await read_at(site, at)


def _pairs(raws: list[tuple[int, bytes]], below: int | None) -> list[tuple[Entry, str]]:
    return [(one.entry, one.leaf_hash) for one in fold.parse_entries(raws, below)]
