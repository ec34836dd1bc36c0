"""Papers for customers: a receipt, an intake slip, a hand-over slip or a gift receipt, each with one view code.

    POST /v1/receipts   {"kind": "sale", "items": ["…", "…"]}
    POST /v1/receipts?format=escpos&medium=80mm   {"kind": "sale", "items": [{"item": "…", "owner_code": "…"}]}
                        {"kind": "intake", "items": [{"item": "…", "case": "urn:uuid:…"}]}

A paper is made after what it says: the codes of its items open what they do while the holding lasts in which it was
made (ADR 0010). A slip of an intake or a hand-over may name the case of an item, whose page it leads to as well. A gift
receipt's codes read no private member, so neither buyer nor price can be found through it.

By ``Accept`` or ``?format=`` the answer is the paper itself (``api.routes.printing``). Then the owner code of a thing
may be given with it, by whoever drew it: it becomes a sheet of its own, and each later print says that it is a copy.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from api import intake, standing
from api.languages import headers_of, language_of
from api.pages import qr
from api.pages.receipt_page import Entry, ReceiptPage, describe_receipt, entry_of
from api.pages.site_pages import pack
from api.problems import not_found
from api.promised import warranty_of
from api.rights import ADMIN
from api.routes import owner_prints
from api.routes.items import page_of
from api.routes.pages import page_of_verified, read_verified
from api.routes.papers import RECEIPTS, Known, price_of, receipt_of
from api.routes.printing import Wanted, desk_of, printed, wanted
from api.routes.shown import HTML, PACKED, missing, switch_of, takes_gzip, unavailable, wants_json
from api.routes.statements import JSON, check_type, presented_codes
from api.site import Site, caller_of, site_of
from ledger import times, uri
from ledger.db.codes import CASE, VIEW, Code
from ledger.db.papers import KINDS, Line, Paper
from ledger.errors import Disproved, Forbidden, Invalid, Malformed, Unavailable

MAX_ITEMS = 50
"""Items of one paper: their histories are verified for its page, some milliseconds each."""
WITH_CASES = frozenset({"intake", "handover"})
WITH_OWNERS = frozenset({"sale", "handover"})
Levels = tuple[tuple[str | None, str | None], ...]
_encode = msgspec.json.encode


async def post_receipt(request: Request) -> Response:
    """Make a paper with one view code for up to 50 items: kind `sale`, `intake`, `handover` or `gift`.

    Its token is shown now and never again, like those of its items and cases, which follow from it. By `Accept` or
    `format` the answer is the paper itself, as PDF, PNG, SVG or the bytes of a thermal printer, on `medium`.
    """
    site, caller = site_of(request), caller_of(request)
    check_type(request, {JSON, ""})
    asked = wanted(request, RECEIPTS)
    kind, items = _asked(intake.read_object(await request.body()))
    if asked is None and any(one.owner is not None for one in items):
        raise Invalid("want an owner code only where a paper is asked for", "/items")
    presented = await presented_codes(request)
    for number, one in enumerate(items):
        state = await site.read(site.ledger.reader.state, one.subject)
        known = state is not None and state.kind == "item"
        may = caller.may(ADMIN) or one.subject in presented or standing.may_write(caller.party, state)
        if not (known and may):
            raise Forbidden(standing.REFUSED, f"/items/{number}")
    for number, one in enumerate(items):
        if one.owner is not None:
            await owner_prints.check_drawn(request, one.subject, one.owner, f"/items/{number}/owner_code")
    token, paper = await site.read(site.ledger.papers.create, kind, caller.party, [(x.subject, x.case) for x in items])
    if asked is not None:
        return await _printed(request, asked, token, paper, items)
    made = [
        {"item": line.subject, **page_of(site, line.token)}
        | ({} if line.case_token is None else {"case": {"id": line.case, **page_of(site, line.case_token, "c")}})
        for line in paper.lines
    ]
    document = {"receipt_id": paper.id, "kind": kind, "created_at": paper.created_at, **page_of(site, token, "r")}
    return Response(_encode({**document, "items": made}), 201, media_type=JSON)


async def delete_receipt(request: Request) -> Response:
    """Revoke a paper of the caller's party and the codes of its items: from now on they lead nowhere."""
    site, caller = site_of(request), caller_of(request)
    if not await site.read(site.ledger.papers.revoke, request.path_params["receipt"], caller.party):
        raise not_found("got an id that is no receipt of this party's, or one that was revoked")
    return Response(status_code=204)


async def get_receipt_page(request: Request) -> Response:
    """What is on a paper: each thing with its state and the way to its own page, or the same as JSON by `Accept`."""
    site, token = site_of(request), request.path_params["token"]
    paper = await site.read(site.ledger.papers.find, token)
    while paper is not None:
        levels = await _levels(site, paper)
        try:
            shown = await _shown(request, token, paper, levels)
        except (Disproved, Malformed, Unavailable) as error:
            return unavailable(request, error)
        # A level that fell while the page was made never rises again: the page is of now, or is made again.
        if await _levels(site, paper) == levels:
            return shown
    return missing(request)


async def get_receipt_qr(request: Request) -> Response:
    """The QR code of a paper's page."""
    token = request.path_params["token"]
    if await site_of(request).read(site_of(request).ledger.papers.find, token) is None:
        raise not_found("got a code that leads to no record")
    return qr.qr_response(f"{site_of(request).settings.public_url}/r/{token}", request, packed=takes_gzip(request))


@dataclass(frozen=True, slots=True)
class Item:
    """A thing that is to stand on a paper, the case that is named with it, and its owner code to print."""

    subject: str
    case: str | None = None
    owner: bytes | None = field(default=None, repr=False)


async def _printed(request: Request, asked: Wanted, token: str, paper: Paper, items: Sequence[Item]) -> Response:
    """The paper that was made, in print: prices and owner codes are on this one alone."""
    desk = desk_of(request, asked)
    prices = dict.fromkeys((one.subject for one in items), "")
    if paper.kind == "sale":
        prices = {one.subject: await price_of(request, one.subject, paper.party, desk) for one in items}
    known = [Known(line, price=prices[line.subject]) for line in paper.lines]
    owners = await owner_prints.counted(request, {x.subject: x.owner for x in items if x.owner is not None}, desk)
    made = await asyncio.to_thread(receipt_of, site_of(request), desk, (token, paper), known, owners)
    headers = {"Location": f"{desk.address}/r/{token}", "Patina-Receipt": paper.id}
    return await printed(made, asked, paper.kind, status=201, headers=headers)


def _asked(body: dict[str, Any]) -> tuple[str, list[Item]]:
    """The kind and the items of a body; raises ``Invalid``."""
    for name in set(body) - {"kind", "items"}:
        raise Invalid(f"got the member {name!r}, want kind and items", f"/{name}")
    kind, items = body.get("kind"), body.get("items")
    if not isinstance(kind, str) or kind not in KINDS:
        raise Invalid(f"want kind, one of {', '.join(KINDS)}", "/kind")
    if not isinstance(items, list) or not 1 <= len(items) <= MAX_ITEMS:
        raise Invalid(f"want an array of 1 to {MAX_ITEMS} items", "/items")
    found = [_item(one, f"/items/{number}", kind) for number, one in enumerate(items)]
    if len({one.subject for one in found}) != len(found):
        raise Invalid("got an item twice", "/items")
    return kind, found


def _item(one: Any, pointer: str, kind: str) -> Item:
    """An item with what is named with it: an id alone, or an object."""
    case = owner = None
    if isinstance(one, dict):
        for name in set(one) - {"item", "case", "owner_code"}:
            raise Invalid(f"got the member {name!r}, want item, case and owner_code", f"{pointer}/{name}")
        one, case, owner = one.get("item"), one.get("case"), one.get("owner_code")
    if not isinstance(one, str) or not uri.is_subject(one) or uri.subject_kind(one) == "authority":
        raise Invalid("got something else, want the id of an item in canonical form", pointer)
    if case is not None and (kind not in WITH_CASES or not isinstance(case, str)):
        raise Invalid("want the id of a case, on an intake or a handover alone", f"{pointer}/case")
    if owner is not None and (kind not in WITH_OWNERS or not isinstance(owner, str)):
        raise Invalid("want an owner code, on a sale or a handover alone", f"{pointer}/owner_code")
    return Item(one, case, None if owner is None else owner_prints.parse(owner, f"{pointer}/owner_code"))


async def _levels(site: Site, paper: Paper) -> Levels:
    """What the code of each line opens now, and that of its case; ``None`` for what is revoked or not there."""

    async def level(token: str | None) -> str | None:
        code: Code | None = None if token is None else await site.code(token)
        return None if code is None else code.level

    return tuple([(await level(line.token), await level(line.case_token)) for line in paper.lines])


async def _shown(request: Request, token: str, paper: Paper, levels: Levels) -> Response:
    """The page or the JSON of a paper whose lines open this, kept like an item's page."""
    site, language = site_of(request), language_of(request)
    asked = Asked(token, paper, levels, language, wants_json(request))
    packed = takes_gzip(request)
    size = await site.read(site.ledger.reader.size)
    key = ("paper", token, levels, size, language, asked.as_json, packed, site.clock() // times.HOUR)
    body = await site.pages.page(key, lambda: pack(_make(site, asked)) if packed else _make(site, asked))
    headers = {**headers_of(request, language), "Cache-Control": "private, no-cache", **(PACKED if packed else {})}
    return Response(body, headers=headers, media_type=JSON if asked.as_json else HTML)


@dataclass(frozen=True, slots=True)
class Asked:
    """Which paper is shown, what its lines open, and how."""

    token: str
    paper: Paper
    levels: Levels
    language: str
    as_json: bool


def _make(site: Site, asked: Asked) -> bytes:
    """The bytes of a paper's page or JSON, after the history of each of its items was verified."""
    paper, path = asked.paper, f"/r/{asked.token}"
    lines = zip(paper.lines, asked.levels, strict=True)
    entries = [_entry(site, line, level, asked.language) for line, level in lines]
    if asked.as_json:
        address = site.settings.public_url
        return _encode(describe_receipt(paper.kind, paper.created_at, paper.party, entries, address))
    words = site.pages.catalogues[asked.language]
    found = site.ledger.view.parties.parties.get(paper.party)
    name = found.name if found is not None and found.name else words.text["who_unknown"]
    return site.pages.render(
        "receipt.html",
        asked.language,
        host=site.settings.host,
        switch=switch_of(asked.language),
        page=ReceiptPage(paper.kind, name, words.day(paper.created_at), tuple(entries), len(entries)),
        path=path,
        token=asked.token,
        address=site.settings.public_url + path,
    )


def _entry(site: Site, line: Line, level: tuple[str | None, str | None], language: str) -> Entry:
    """A line of a paper, from the item's history, verified as its own page would."""
    if level[0] is None:
        return Entry("", "", opened=False)
    verified = read_verified(site, line.subject)
    assert verified is not None, "a paper is made of items of this ledger"
    page = page_of_verified(site, verified, language)
    assert page is not None, "and of nothing else"
    case_path = f"/c/{line.case_token}" if level[1] == CASE else None
    opened = level[0] == VIEW
    warranty = warranty_of(site, verified, site.pages.catalogues[language]) if opened else ""
    return entry_of(page, f"/i/{line.token}", case_path, opened=opened, warranty=warranty)
