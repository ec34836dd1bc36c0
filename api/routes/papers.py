"""Papers of what is recorded: the customer's receipt again, and certificates and reports of services.

What a paper says is made from a verified history, as a page is, and it goes out only if the code that opened it opens
the same after it was made. A paper by a code has no private member. A receipt that a party makes of its own sale has
the price, if its own record of the sale has one; that it was read is in the access log.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from api import fold, private_out
from api.levels import need_view
from api.pages.files_shown import photo_of
from api.pages.item_page import ItemPage
from api.paper import slips
from api.paper.records import record
from api.paper.sheet import Code, Paper
from api.paper.slips import Desk, Owner, Slip, Thing
from api.problems import Problem, not_found
from api.promised import warranty_of
from api.routes.pages import by_code, files_of, page_of_verified, read_verified
from api.routes.printing import ROLLS, SHEETS, Wanted, code_of, desk_of, printed, wanted_page
from api.site import Site, site_of
from ledger import shortcode, uri
from ledger.db import codes as levels
from ledger.db.codes import Code as Found
from ledger.db.copies import Gone
from ledger.db.papers import Line
from ledger.db.papers import Paper as Made
from ledger.disclosure import parse_disclosure
from ledger.errors import Disproved, Malformed, Unavailable
from ledger.history import VerifiedHistory

RECORDS = (*SHEETS, *ROLLS)
RECEIPTS = (*ROLLS, *SHEETS)


@dataclass(frozen=True, slots=True)
class Known:
    """A line of a paper, whether its code opens the thing's history, whether its short code leads there, its price."""

    line: Line
    opened: bool = True
    short: bool = True
    price: str = ""


async def get_receipt_paper(request: Request) -> Response:
    """The paper of a receipt's code once more, as PDF, PNG, SVG or ESC/POS: without a price and without owner codes."""
    site, token = site_of(request), request.path_params["token"]
    asked = wanted_page(request, RECEIPTS)
    made = await site.read(site.ledger.papers.find, token)
    while made is not None:
        known = await _known(site, made)
        paper = await asyncio.to_thread(receipt_of, site, desk_of(request, asked), (token, made), known)
        if await _known(site, made) == known:
            return await printed(paper, asked, "receipt")
    raise not_found("got a code that leads to no record")


async def get_code_paper(request: Request) -> Response:
    """A certificate, or the report of a service, of a view code's item: on A4 or A6, or a roll, as PDF, PNG or SVG."""
    token, statement = request.path_params["token"], request.path_params["statement"]
    asked = wanted_page(request, RECORDS)

    async def show(code: Found) -> Response:
        if code.level != levels.VIEW:
            raise Problem("forbidden", "this code has fallen to the public level, which has no papers")
        desk = desk_of(request, asked)
        short = shortcode.short_of(token) if code.short else ""
        return await _recorded(request, asked, (code.subject, statement), code_of(desk, token, short))

    answer = await by_code(request, token, show)
    if answer.status_code == 404:
        raise not_found("got a code that leads to no record")
    return answer


async def get_statement_paper(request: Request) -> Response:
    """The certificate, or the report of a service, that a statement is of; `token` is a view code of its item.

    Without a token its code is that of the item's GS1 Digital Link.
    """
    site = site_of(request)
    asked = wanted_page(request, RECORDS)
    found = await site.read(site.ledger.reader.receipt, request.path_params["id"])
    if found is None:
        raise not_found("got a statement id that is not in this ledger")
    statement = msgspec.json.decode(msgspec.json.decode(found)["entry"])["statement"]
    subject = statement["subjects"][0]
    await need_view(request, subject)
    return await _recorded(request, asked, (subject, statement["id"]), await _address(request, subject, asked))


async def _address(request: Request, subject: str, asked: Wanted) -> Code:
    """The code of the page that a paper of this item leads to."""
    site, desk, token = site_of(request), desk_of(request, asked), request.query_params.get("token")
    if token is not None:
        code = await site.code(token)
        if code is None or code.subject != subject or code.kind == levels.CASE:
            raise Problem("invalid", "got a token that is no view code of this item", parameter="token")
        return code_of(desk, token, shortcode.short_of(token) if code.short else "")
    if subject.startswith(uri.HOST):
        path = subject.removeprefix(uri.HOST)
        return Code(desk.address + path, (desk.words.text["paper_scan"], desk.host + path))
    raise Problem("invalid", "this item has no GS1 key: want the token of one of its codes", parameter="token")


async def _recorded(request: Request, asked: Wanted, what: tuple[str, str], code: Code) -> Response:
    """The paper of a statement (item, statement); raises ``Problem`` 404 for one that has none."""
    paper = await asyncio.to_thread(record_of, site_of(request), desk_of(request, asked), what, code)
    return await printed(paper, asked, "record")


def record_of(site: Site, desk: Desk, what: tuple[str, str], code: Code) -> Paper:
    """The certificate or the report that a statement (item, statement) is of; raises ``Problem`` 404 if of none."""
    page, verified = _page(site, what[0], desk)
    paper = record(page, what[1], code, desk, _portrait(site, page, verified))
    if paper is None:
        raise not_found("got a statement that is neither a certificate nor a service of this item")
    return paper


def _portrait(site: Site, page: ItemPage, verified: VerifiedHistory) -> bytes:
    """The photograph that the item's page shows, small, after the file was compared with its digest; or nothing.

    It is one that a statement lists in public: whoever may open the page sees it there. A private one is on no paper.
    """
    files = site.ledger.attachments
    found = photo_of({one.index: one.type for one in page.events}, files_of(site, verified))
    kept = None if found is None else files.find_public(found.sha256, page.subject)
    if kept is None or not kept.thumbnail:
        return b""
    try:
        files.verify(kept)
        return b"".join(files.parts(kept, thumbnail=True))
    except Gone:
        return b""


def receipt_of(
    site: Site, desk: Desk, made: tuple[str, Made], known: Sequence[Known], owners: Sequence[Owner] = ()
) -> Paper:
    """The paper of a receipt or a slip (token, paper), after the history of each of its things was verified."""
    token, paper = made
    party = site.ledger.view.parties.parties.get(paper.party)
    name = party.name if party is not None and party.name else desk.words.text["who_unknown"]
    things = tuple(_thing(site, one, desk) for one in known)
    day = desk.words.day(paper.created_at)
    return slips.slip(Slip(paper.kind, name, day, paper.id, token, things, tuple(owners)), desk)


def _thing(site: Site, known: Known, desk: Desk) -> Thing:
    line = known.line
    page, verified = _page(site, line.subject, desk)
    short = shortcode.short_of(line.token) if known.short else ""
    if not known.opened:
        return Thing(page.name, "", line.token, short)
    told = [one.statement for one in verified.entries if line.case is not None and one.statement.case == line.case]
    warranty, job = warranty_of(site, verified, desk.words), slips.job_of(told, desk.words)
    return Thing(page.name, page.lead, line.token, short, warranty, known.price, job)


def _page(site: Site, subject: str, desk: Desk) -> tuple[ItemPage, VerifiedHistory]:
    """An item's page, and the history that it was made of."""
    try:
        verified = read_verified(site, subject)
    except (Disproved, Malformed) as error:
        raise Unavailable(error.message) from None
    page = None if verified is None else page_of_verified(site, verified, desk.words.language)
    if verified is None or page is None:
        raise not_found("got the id of something else than an item of this ledger")
    return page, verified


async def _known(site: Site, made: Made) -> list[Known]:
    """The lines of a paper that were not revoked, and what their codes open now."""
    found = [(line, await site.code(line.token)) for line in made.lines]
    return [Known(line, code.level == levels.VIEW, code.short) for line, code in found if code is not None]


async def price_of(request: Request, subject: str, party: str, desk: Desk) -> str:
    """The price of the sale of an item that this party recorded last, in words; "" if it recorded none.

    Read in the name of the request's caller, and written into the access log.
    """
    site = site_of(request)
    told = fold.parse_entries(await site.read(site.ledger.reader.entries, subject))
    sales = [one.entry.statement for one in reversed(told) if one.entry.statement.type == "item.sold"]
    if not sales or sales[0].party != party:
        return ""
    shown = await private_out.disclosures_of(request, sales[0], "POST /v1/receipts")
    members = {one.name: one.value for one in map(parse_disclosure, shown)}
    return desk.words.fact("price", members["price"]) if "price" in members else ""
