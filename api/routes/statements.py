"""Statements on their way in, one or a batch: hot, and so plain Starlette routes. One by its id is ``statement``'s."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from api import holders, intake, standing, tablets
from api.attached import attached
from api.findable import findable
from api.problems import Problem, format_problem, problem_of, request_id_of
from api.site import Site, caller_of, site_of
from ledger import canonical, receipt
from ledger.db.draft import Accepted, Draft, Outcome
from ledger.errors import Forbidden, Malformed, PatinaError

JSON = "application/json"
NDJSON = "application/x-ndjson"
_TYPES = frozenset({JSON, NDJSON, ""})

_encode = msgspec.json.encode


async def post_statement(request: Request) -> Response:
    """Append one statement: 201 and its receipt, or 200 if it stood there before."""
    check_type(request, {JSON, ""})
    value = intake.read_object(await request.body())
    codes = await presented_codes(request)

    async def make() -> Draft:
        try:
            return await _draft(value, request, codes)
        except Forbidden as error:
            raise placed_problem(error) from None

    outcome = await append_here(site_of(request), make, again=not value.get("signatures"))
    if isinstance(outcome, PatinaError):
        raise placed_problem(outcome)
    headers = {"Location": f"/v1/statements/{outcome.statement.id}"}
    status = 200 if outcome.repeated else 201
    return Response(receipt_bytes(outcome), status, headers, media_type=JSON)


async def _draft(value: Mapping[str, Any], request: Request, codes: frozenset[str]) -> Draft:
    """The draft of a request's object, with the rows that are committed with it, and who may write it."""
    site, caller = site_of(request), caller_of(request)
    draft = await tablets.checked(intake.draft_from(value, site, caller), request)
    draft = await attached(draft, site, caller.party)
    await holders.check_drawn(draft.statement, site)
    return standing.guarded(await findable(draft, site), caller, codes)


async def append_here(site: Site, make: Callable[[], Awaitable[Draft]], *, again: bool = True) -> Outcome:
    """What became of a statement; made once ``again`` if the service signs it and another process has ended the key.

    The append that refused it has brought this process up to the log, so the second signature is by the next key.
    """
    outcome = (await site.appender.append([await make()]))[0]
    if again and isinstance(outcome, Forbidden) and outcome.pointer.startswith("/signatures"):
        outcome = (await site.appender.append([await make()]))[0]
    return outcome


async def post_batch(request: Request) -> Response:
    """Append 1 to 1000 statements, each on its own and in order: an array of receipts and problems.

    With ``?atomic=true`` all or none: a refusal of one is the answer to all.
    """
    site = site_of(request)
    check_type(request, _TYPES)
    atomic = flag_of(request, "atomic")
    # A batch is signed with the keys of now, whatever another process said of them a moment ago.
    await site.read(site.ledger.reader.parties)
    drafts = await drafts_of(intake.split_batch(await request.body()), request)
    good = [draft for draft in drafts if isinstance(draft, Draft)]
    if atomic and len(good) < len(drafts):
        raise _first_problem(drafts)
    appended = iter(await site.appender.append(good, atomic=atomic) if good else [])
    outcomes = [next(appended) if isinstance(draft, Draft) else draft for draft in drafts]
    if atomic and not all(isinstance(outcome, Accepted) for outcome in outcomes):
        raise _first_problem(outcomes)
    parts = [_part(outcome, number, request) for number, outcome in enumerate(outcomes)]
    return Response(b"[" + b",".join(parts) + b"]", media_type=JSON)


async def drafts_of(parts: list[bytes], request: Request) -> list[Draft | PatinaError]:
    """A draft or an error for each part of a batch."""
    codes = await presented_codes(request)
    drafts: list[Draft | PatinaError] = []
    for part in parts:
        try:
            value = canonical.decode_body(part)
            if not isinstance(value, dict):
                raise Malformed("got something else, want an object")
            drafts.append(await _draft(value, request, codes))
        except PatinaError as error:
            drafts.append(error)
    return drafts


def receipt_bytes(accepted: Accepted) -> bytes:
    """The receipt of what was just appended, as JSON (format.md §7)."""
    return receipt.format_receipt(
        accepted.entry, accepted.index, accepted.statement.id, accepted.hashes, accepted.checkpoint
    )


async def presented_codes(request: Request) -> frozenset[str]:
    """The subjects of the codes that the request presents in ``Patina-Code``."""
    header = request.headers.get("patina-code")
    site = site_of(request)
    return await site.read(standing.presented, site.ledger.codes, header) if header else frozenset()


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


def flag_of(request: Request, name: str) -> bool:
    """A parameter that is true or false, false if left out; raises ``Problem`` 422 for anything else."""
    got = request.query_params.get(name, "false").lower()
    if got not in {"true", "false"}:
        raise Problem("invalid", f"got {got[:20]!r}, want true or false", parameter=name)
    return got == "true"
