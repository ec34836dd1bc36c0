"""Statements: one, a batch, and one by its id. The first two are the hot way in, plain Starlette routes."""

from __future__ import annotations

from typing import Any

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from api import erasing, fold, intake, private_out, standing
from api.pages.item_json import describe_absence
from api.pages.story import Absence
from api.problems import Problem, format_problem, not_found, problem_of, request_id_of
from api.rights import Caller
from api.site import Site, caller_of, site_of
from ledger import canonical, receipt
from ledger.db.draft import Accepted, Draft, Outcome
from ledger.disclosure import parse_disclosure
from ledger.errors import Forbidden, Malformed, PatinaError
from ledger.leaf import statement_from

JSON = "application/json"
NDJSON = "application/x-ndjson"
_TYPES = frozenset({JSON, NDJSON, ""})

_encode = msgspec.json.encode


async def post_statement(request: Request) -> Response:
    """Append one statement: 201 and its receipt, or 200 if it stood there before."""
    site, caller = site_of(request), caller_of(request)
    check_type(request, {JSON, ""})
    value = intake.read_object(await request.body())
    draft = intake.draft_from(value, site, caller)
    try:
        draft = standing.guarded(draft, caller, await presented_codes(request))
    except Forbidden as error:
        raise placed_problem(error) from None
    return await append_one(draft, site)


async def append_one(draft: Draft, site: Site) -> Response:
    """The answer to one draft; raises ``Problem`` if it is refused."""
    outcome = (await site.appender.append([draft]))[0]
    if isinstance(outcome, PatinaError):
        raise placed_problem(outcome)
    headers = {"Location": f"/v1/statements/{outcome.statement.id}"}
    status = 200 if outcome.repeated else 201
    return Response(receipt_bytes(outcome), status, headers, media_type=JSON)


async def post_batch(request: Request) -> Response:
    """Append 1 to 1000 statements, each on its own and in order: an array of receipts and problems.

    With ``?atomic=true`` all or none: a refusal of one is the answer to all.
    """
    site, caller = site_of(request), caller_of(request)
    check_type(request, _TYPES)
    atomic = _flag(request, "atomic")
    drafts = await _drafts(intake.split_batch(await request.body()), request, caller)
    good = [draft for draft in drafts if isinstance(draft, Draft)]
    if atomic and len(good) < len(drafts):
        raise _first_problem(drafts)
    appended = iter(await site.appender.append(good, atomic=atomic) if good else [])
    outcomes = [next(appended) if isinstance(draft, Draft) else draft for draft in drafts]
    if atomic and not all(isinstance(outcome, Accepted) for outcome in outcomes):
        raise _first_problem(outcomes)
    parts = [_part(outcome, number, request) for number, outcome in enumerate(outcomes)]
    return Response(b"[" + b",".join(parts) + b"]", media_type=JSON)


async def _drafts(parts: list[bytes], request: Request, caller: Caller) -> list[Draft | PatinaError]:
    """A draft or an error for each part of a batch."""
    site, codes = site_of(request), await presented_codes(request)
    drafts: list[Draft | PatinaError] = []
    for part in parts:
        try:
            value = canonical.decode_body(part)
            if not isinstance(value, dict):
                raise Malformed("got something else, want an object")
            drafts.append(standing.guarded(intake.draft_from(value, site, caller), caller, codes))
        except PatinaError as error:
            drafts.append(error)
    return drafts


async def get_statement(request: Request) -> Response:
    """A statement, the entry that it stands in, and its receipt to the newest checkpoint."""
    site = site_of(request)
    found = await site.read(site.ledger.reader.receipt, request.path_params["id"])
    if found is None:
        raise not_found("got a statement id that is not in this ledger")
    shown = msgspec.json.decode(found)
    entry = msgspec.json.decode(shown["entry"])
    document = {"id": shown["id"], "index": shown["index"], "statement": entry["statement"], "entry": shown["entry"]}
    if "_sd" in entry["statement"]:
        document |= await site.read(_private, site, entry["statement"], caller_of(request))
    return Response(_encode({**document, "receipt": shown}), media_type=JSON)


def _private(site: Site, value: dict[str, Any], caller: Caller) -> dict[str, Any]:
    """The private members that the caller may see, with their disclosures."""
    asker, why = private_out.asker_of(caller), "GET /v1/statements/{id}"
    disclosures = private_out.disclosures_of(site.ledger, statement_from(value), asker, why, site.clock())
    members = [parse_disclosure(one) for one in disclosures]
    found = {"private": {one.name: one.value for one in members}, "disclosures": disclosures}
    entries = [one.entry for one in fold.parse_entries(site.ledger.reader.entries(value["subjects"][0]))]
    absence = erasing.absences(site.ledger, entries).get(value["id"])
    if absence is not None or not members:
        return {**found, "absent": describe_absence(absence or Absence())}
    return found


def receipt_bytes(accepted: Accepted) -> bytes:
    """The receipt of what was just appended, as JSON (format.md §7)."""
    return receipt.format_receipt(
        accepted.entry, accepted.index, accepted.statement.id, accepted.hashes, accepted.checkpoint
    )


async def presented_codes(request: Request) -> frozenset[str]:
    """The subjects of the codes that the request presents in ``Patina-Code``."""
    header = request.headers.get("patina-code")
    site = site_of(request)
    return await site.read(standing.presented, site.ledger.access, header) if header else frozenset()


def check_type(request: Request, types: frozenset[str] | set[str]) -> None:
    """Raise ``Problem`` 415 unless the body's type is one of these."""
    got = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if got not in types:
        raise Problem("media_type", f"got {got[:80]!r}, want {' or '.join(sorted(filter(None, types)))}")


def placed_problem(error: PatinaError, root: str = "") -> Problem:
    """The problem of an error about a statement; the rules' pointers start at the statement, ours beside it."""
    problem = problem_of(error)
    if problem.pointer is not None:
        problem.pointer = root + intake.placed(error)
    return problem


def _part(outcome: Outcome, number: int, request: Request) -> bytes:
    if isinstance(outcome, Accepted):
        return receipt_bytes(outcome)
    return _encode(format_problem(placed_problem(outcome, f"/{number}"), request_id_of(request)))


def _first_problem(outcomes: list[Draft | PatinaError] | list[Outcome]) -> Problem:
    """The problem that an atomic batch is refused for: its first, unless that only names a neighbour."""
    refused = [(n, outcome) for n, outcome in enumerate(outcomes) if isinstance(outcome, PatinaError)]
    cause = next(((n, error) for n, error in refused if not is_collateral(error)), refused[0])
    return placed_problem(cause[1], f"/{cause[0]}")


def is_collateral(error: PatinaError) -> bool:
    """Whether an error says only that another statement of its group was refused."""
    return error.message.startswith("refused with the whole group")


def _flag(request: Request, name: str) -> bool:
    got = request.query_params.get(name, "false").lower()
    if got not in {"true", "false"}:
        raise Problem("invalid", f"got {got[:20]!r}, want true or false", parameter=name)
    return got == "true"
