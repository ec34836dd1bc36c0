"""Where holders speak: statements posted to the page of a code, the page of one case, the page of the owner code.

No route here consumes anything on GET; the owner's secret stays behind the ``#`` of its address, which no browser
sends, and what it signs is made on the page.
"""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Any

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from api import erasing, holders, intake, private_out
from api.languages import headers_of, language_of
from api.pages.case_page import CasePage, describe_case, make_case
from api.pages.own_case import make_own_case
from api.pages.owner import owner_values
from api.problems import not_found
from api.promised import promised_of
from api.routes.items import page_of
from api.routes.pages import SCRIPT_POLICY, by_code, files_of, page_of_verified, read_verified
from api.routes.shown import html, unavailable, wants_json
from api.routes.statements import JSON, check_type, placed_problem, receipt_bytes
from api.site import Site, site_of
from ledger.db.codes import CASE, UNBOUND, Code
from ledger.errors import Disproved, Forbidden, Malformed, PatinaError, Unavailable
from ledger.history import VerifiedHistory

_encode = msgspec.json.encode
OWNER_PAGE_POLICY = (
    "default-src 'none'; script-src 'self'; connect-src 'self'; style-src 'self'; img-src 'self' blob:; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
"""The page with the holder's keys: scripts from here alone, which may speak to nobody but us. It shows pictures that it
fetched with a signature, which is what ``blob:`` is for."""


async def post_statement(request: Request) -> Response:
    """Append a statement of the item's holder, signed by the holder's key: 201, or 200 if it stood there before.

    The code must be one of the item and not have fallen to the public level. The answer has the `receipt`, and after a
    transfer the `code` of the new holder's own page, which is shown only now.
    """
    return await _post(request, of_case=False)


async def post_case_statement(request: Request) -> Response:
    """Append a statement of the holder about the one case of this code, signed by the holder's key."""
    return await _post(request, of_case=True)


async def _post(request: Request, *, of_case: bool) -> Response:
    site = site_of(request)
    code = await site.code(request.path_params["token"])
    if code is None or code.level == UNBOUND or (code.kind == CASE) != of_case:
        raise not_found("got a code that leads to no record")
    check_type(request, {JSON, ""})
    value = intake.read_object(await request.body())
    try:
        spoken = await holders.read_spoken(value, site, code)
    except Forbidden as error:
        raise placed_problem(error) from None
    outcome = (await site.appender.append([spoken.draft]))[0]
    if isinstance(outcome, PatinaError):
        raise placed_problem(outcome)
    document: dict[str, Any] = {"receipt": msgspec.Raw(receipt_bytes(outcome))}
    if spoken.token is not None and not outcome.repeated:
        document["code"] = page_of(site, spoken.token)
    return Response(_encode(document), 200 if outcome.repeated else 201, media_type=JSON)


async def get_case_page(request: Request) -> Response:
    """One case of an item, by the code of that case: its own steps, with the private members that this code opens."""
    site = site_of(request)
    token = request.path_params["token"]

    async def show(code: Code) -> Response:
        if code.level != CASE or code.case is None:
            raise not_found("got a code that leads to no record")
        asker = private_out.asker_by_case(code)
        try:
            disclosures = await private_out.disclosures_to(request, code.subject, asker, "GET /c/{token}")
            verified = await site.read(read_verified, site, code.subject, disclosures)
        except (Disproved, Malformed, Unavailable) as error:
            return unavailable(request, error)
        assert verified is not None, "a code of a case is made for what has an entry"
        language = language_of(request)
        shown = _case_shown(site, verified, code.case, language)
        headers = {**headers_of(request, language), "Cache-Control": "no-store"}
        if wants_json(request):
            return Response(_encode(describe_case(shown) | {"ledger": site.ledger.id}), 200, headers, media_type=JSON)
        address = f"{site.settings.public_url}/c/{token}"
        found = await asyncio.to_thread(promised_of, site, verified, site.pages.catalogues[language])
        own = replace(found, cases=tuple(one for one in found.cases if one.case == code.case))
        files = await site.read(files_of, site, verified)
        more: dict[str, Any] = {"path": f"/c/{token}", "address": address, "files": files, "promised": own}
        headers["Content-Security-Policy"] = SCRIPT_POLICY
        return html(request, "case.html", headers=headers, page=shown, **more)

    return await by_code(request, token, show, of="c")


def _case_shown(site: Site, verified: VerifiedHistory, case: str, language: str) -> CasePage:
    """The page of a case: one about an item, or one of its own."""
    words = site.pages.catalogues[language]
    page = page_of_verified(site, verified, language)
    if page is not None:
        return make_case(page, case, words, site.clock(), verified.disclosed)
    names = {party: one.name for party, one in site.ledger.view.parties.parties.items()}
    absences = erasing.absences(site.ledger, verified.entries)
    own = make_own_case(verified, words, names, vkeys=site.ledger.vkeys, absences=absences)
    assert own is not None, "a code of a case is made for an item or a case"
    return own


async def get_owner_page(request: Request) -> Response:
    """The page of an owner code: its script reads what stands after `#`, and it is the same page for everybody."""
    values = owner_values(site_of(request).pages.catalogues[language_of(request)])
    return html(request, "owner.html", headers={"Content-Security-Policy": OWNER_PAGE_POLICY}, **values)
