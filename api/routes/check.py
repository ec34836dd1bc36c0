"""Asking first: what would be refused, and what a case would then lack of its standard. Nothing is written."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from api import fold, intake
from api.following import promises_now
from api.problems import format_problem, request_id_of
from api.routes.statements import JSON, NDJSON, check_type, drafts_of, placed_problem
from api.site import Site, site_of
from ledger import progress
from ledger.caseload import judge
from ledger.cases import fold_case
from ledger.db.append import Standing
from ledger.db.draft import Draft
from ledger.errors import PatinaError
from ledger.leaf import Entry
from ledger.progress import Deviation

Told = list[tuple[Entry, str]]


async def post_check(request: Request) -> Response:
    """What would become of a statement, or of 1 to 1000 in order, if it were sent to be recorded now; writes nothing.

    The body is that of ``POST /v1/statements`` or of a batch. For each: ``would`` is ``accept``, ``repeat`` (it stands
    already) or ``refuse``, then with the ``problem`` that it would be answered with; ``deviations`` are what the case
    would then lack of its standard, or have out of order, and did not before.
    """
    site = site_of(request)
    check_type(request, {JSON, NDJSON, ""})
    body = await request.body()
    single = body.lstrip()[:1] != b"[" and not request.headers.get("content-type", "").startswith(NDJSON)
    await site.read(site.ledger.reader.parties)
    made = await drafts_of([body] if single else intake.split_batch(body), request)
    good = [draft for draft in made if isinstance(draft, Draft)]
    taken = iter(await site.appender.check(good))
    outcomes = [(one, next(taken)) if isinstance(one, Draft) else (None, one) for one in made]
    new = [one.raw for _, one in outcomes if isinstance(one, Standing) and one.first]
    deviates = await _Deviates.of(site, new)
    results = []
    for number, (draft, outcome) in enumerate(outcomes):
        root = "" if single else f"/{number}"
        about = {"id": None if draft is None else draft.statement.id}
        results.append(about | _result(outcome, root, request, deviates))
    return Response(msgspec.json.encode({"results": results}), media_type=JSON)


def _result(outcome: Standing | PatinaError, root: str, request: Request, deviates: _Deviates) -> dict[str, Any]:
    if isinstance(outcome, PatinaError):
        problem = format_problem(placed_problem(outcome, root), request_id_of(request))
        return {"would": "refuse", "problem": problem, "deviations": []}
    if not outcome.first:
        return {"would": "repeat", "problem": None, "deviations": []}
    return {"would": "accept", "problem": None, "deviations": [asdict(one) for one in deviates.after(outcome.raw)]}


class _Deviates:
    """The cases that entries which do not stand yet would go on with, one entry after the other."""

    def __init__(self, told: dict[str, Told], promises: Any) -> None:
        self._told, self._promises = told, promises

    @classmethod
    async def of(cls, site: Site, new: Sequence[bytes]) -> _Deviates:
        """What is known of the subjects of these entries."""
        told: dict[str, Told] = {}
        for raw in new:
            statement = _entry(raw)[0].statement
            subject = statement.subjects[0]
            if statement.case is not None and subject not in told:
                stands = fold.parse_entries(await site.read(site.ledger.reader.entries, subject))
                told[subject] = [(one.entry, one.leaf_hash) for one in stands]
        return cls(told, await promises_now(site))

    def after(self, raw: bytes) -> list[Deviation]:
        """What deviates with this entry and did not before; the next one follows on it."""
        pair = _entry(raw)
        statement = pair[0].statement
        if statement.case is None:
            return []
        told = self._told[statement.subjects[0]]
        before = self._deviations(statement.case, told)
        told.append(pair)
        return [one for one in self._deviations(statement.case, told) if one not in before]

    def _deviations(self, case: str, told: Told) -> Sequence[Deviation]:
        course = fold_case(case, told)
        if course is None:
            return ()
        return progress.deviations(course, judge(course, told, self._promises).required or ())


def _entry(raw: bytes) -> tuple[Entry, str]:
    (one,) = fold.parse_entries([(0, raw)])
    return one.entry, one.leaf_hash
