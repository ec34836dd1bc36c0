"""Codes of an item and cards of a pool, made, listed and revoked by a party; owner codes are shown once.

    POST /v1/items/{id}/codes    {"kind": "view" | "gift" | "card" | "tag"}
                                 {"kind": "owner"}                 an owner code and the view code that goes with it
                                 {"kind": "case", "case": "urn:uuid:…"}
    POST /v1/codes               {"count": 20}                     20 cards, each for a new item id that it names
                                 {"items": ["…", "…"]}             a card for each of these items
                                 {"count": 20, "items": ["…", …]}  20 cards, each for whichever of them is sold with it

By ``Accept`` or ``?format=`` both answer with the paper instead: a label or a card (``api.routes.printing``), for an
owner code a sheet of its own or the two sides of a sealed card. An owner code is in no later answer.

A card is not in use until a statement names its ``holder_key``, which is how it comes to belong to an item.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from api import intake, standing
from api.paper.labels import label, sealed
from api.paper.sheet import Paper
from api.paper.slips import owner
from api.problems import not_found
from api.rights import ADMIN
from api.routes import owner_prints
from api.routes.items import known_item, page_of
from api.routes.printing import Wanted, desk_of, printed, wanted
from api.routes.statements import JSON, check_type, flag_of, placed_problem, presented_codes
from api.site import Site, caller_of, site_of
from ledger import holderkey, uri
from ledger.db.codes import UNBOUND, Card, Code, LaidIn
from ledger.errors import Forbidden, Invalid, Refused

CODE_KINDS = ("view", "gift", "card", "tag")
OWNER, OF_A_CASE = "owner", "case"
MAX_CARDS = 1000
MAX_KEYS = 2000
"""Keys of one request, cards times the items of each: a fifth of a second of deriving."""
MAX_PRINTED = 100
"""Cards of one print: some seconds of setting."""
CODES = ("label", "card", "58mm", "80mm", "a6")
STOCK = ("card",)
RECEIPT = "receipt"
"""The custody of an owner code that was shown to whoever called: not only its owner has seen it."""

_encode = msgspec.json.encode


async def post_code(request: Request) -> Response:
    """Make a code for an item: a view code of one of four kinds, an owner code, or the code of one case.

    Tokens and owner codes are shown now and never again: a token is kept as its hash, of an owner code only the public
    key. An owner code comes with the view code of the same paper, which opens the item from the statement on that names
    its `holder_key`. By `Accept` or `format` the answer is a label, a card or the owner's sheet.
    """
    site, caller = site_of(request), caller_of(request)
    check_type(request, {JSON, ""})
    asked = wanted(request, CODES)
    raw = await request.body()
    body = intake.read_object(raw) if raw else {}
    kind = body.get("kind", "view")
    if kind not in (*CODE_KINDS, OWNER, OF_A_CASE):
        raise Invalid(f"want kind, one of {', '.join((*CODE_KINDS, OWNER, OF_A_CASE))}", "/kind")
    for name in set(body) - {"kind", "case"}:
        raise Invalid(f"got the member {name!r}, want kind, and case with the kind case", f"/{name}")
    case = body.get("case")
    if (kind == OF_A_CASE) != (case is not None) or not isinstance(case, str | None):
        raise Invalid("want the case with a code of the kind case, and with no other", "/case")
    subject = await _own_item(request)
    codes = site.ledger.codes
    if kind == OWNER:
        cards = await site.read(codes.draw, [[subject]], kind="view", custody=RECEIPT, party=caller.party)
        if asked is not None:
            return await _owner_paper(request, asked, subject, cards[0])
        return Response(_encode({"id": subject, "kind": kind, **card_of(site, cards[0])}), 201, media_type=JSON)
    try:
        token = await site.read(codes.create, subject, kind, case=case, party=caller.party)
    except Refused as error:
        raise placed_problem(error) from None
    letter = "c" if kind == OF_A_CASE else "i"
    if asked is not None:
        return await _label(request, asked, subject, f"{letter}/{token}")
    shown = {"id": subject, "kind": kind, **page_of(site, token, letter)}
    return Response(_encode(shown), 201, media_type=JSON)


async def _label(request: Request, asked: Wanted, subject: str, path: str) -> Response:
    """The label of a code: what the thing is called, and the code."""
    site, desk = site_of(request), desk_of(request, asked)
    state = await site.read(site.ledger.reader.state, subject)
    assert state is not None, "the code was made for it"
    paper = label(state.name or desk.words.text["unnamed"], desk.words.value(state.category), path, desk)
    return await printed(paper, asked, "label", status=201, headers={"Location": f"{desk.address}/{path}"})


async def _owner_paper(request: Request, asked: Wanted, subject: str, card: Card) -> Response:
    """An owner code in print, for the first time, with the key that a sale names in a header."""
    desk = desk_of(request, asked)
    (said,) = await owner_prints.counted(request, {subject: card.secret}, desk)
    if asked.medium.small:
        paper = sealed([(card.token, card.secret)], desk)
    else:
        paper = Paper(desk.words.text["card_owner"], desk.words.language, asked.medium, (owner(said, desk),))
    headers = {"Location": f"{desk.address}/i/{card.token}", "Patina-Holder-Key": card.keys[subject]}
    return await printed(paper, asked, "owner", status=201, headers=headers)


async def get_codes(request: Request) -> Response:
    """The codes of an item that the caller may see, without their tokens: kind, level now, and which are revoked.

    A party sees the codes that it made; one that may write about the item sees all.
    """
    subject = await known_item(request)
    found = [_described(code) for code in await _seen(request, subject)]
    return Response(_encode({"id": subject, "codes": found}), media_type=JSON)


async def delete_code(request: Request) -> Response:
    """Revoke a code of an item that the caller may see: from now on it leads nowhere, like one that never was."""
    site = site_of(request)
    subject = await known_item(request)
    code_id = request.path_params["code"]
    if code_id not in [code.id for code in await _seen(request, subject)]:
        raise not_found("got an id that is no code of this item")
    await site.read(site.ledger.codes.revoke, code_id)
    return Response(status_code=204)


async def post_cards(request: Request) -> Response:
    """Draw cards in advance, for offline sale: each a view code and an owner code, in use once a sale names its key.

    Owner codes are shown now and never again; what stays are the hashes of the view codes and the public keys. By
    `Accept` or `format` the answer is the cards in print, two sides each, at most 100.
    """
    site, caller = site_of(request), caller_of(request)
    check_type(request, {JSON, ""})
    asked = wanted(request, STOCK)
    groups = _groups(intake.read_object(await request.body()), site)
    if asked is not None and len(groups) > MAX_PRINTED:
        raise Invalid(f"got {len(groups)} cards, want at most {MAX_PRINTED} in print", "")
    for number, subject in enumerate(dict.fromkeys(one for group in groups for one in group)):
        if not await _may_write(request, subject):
            raise Forbidden(standing.REFUSED, f"/items/{number}")
    # Deriving thousands of keys takes a while, for which the event loop is needed elsewhere.
    draw = site.ledger.codes.draw
    cards = await asyncio.to_thread(draw, groups, kind="card", custody=RECEIPT, party=caller.party)
    if asked is not None:
        await site.read(site.ledger.papers.count_prints, [card.id for card in cards])
        paper = sealed([(card.token, card.secret) for card in cards], desk_of(request, asked))
        return await printed(paper, asked, "cards", status=201)
    return Response(_encode({"cards": [card_of(site, card) for card in cards]}), 201, media_type=JSON)


async def get_cards(request: Request) -> Response:
    """The cards that the caller's party drew and that are not in use yet, without their codes.

    With `?keys=true` each with its public keys, how it was drawn, and the SHA-256 of its view code: what a till lays in
    to sell with a card while there is no network. With a card's view code in `Patina-Code`, that card alone and the
    public keys drawn with it, by item: what a till that scanned the card names in `item.sold`.
    """
    site, caller = site_of(request), caller_of(request)
    token = request.headers.get("patina-code")
    if token is None:
        found = await site.read(site.ledger.codes.waiting, caller.party)
        laid = await site.read(site.ledger.codes.laid_in, caller.party) if flag_of(request, "keys") else {}
        cards = [_described(code) | (_laid_in(laid[code.id]) if code.id in laid else {}) for code in found]
        return Response(_encode({"cards": cards}), media_type=JSON)
    code = await site.code(token.strip())
    if code is None or code.level != UNBOUND or code.party != caller.party:
        return Response(_encode({"cards": []}), media_type=JSON)
    keys = await site.read(site.ledger.codes.keys_of, code.id)
    named = {"holder_custody": await _custody(site, keys), "keys": _listed(keys)}
    return Response(_encode({"cards": [_described(code) | named]}), media_type=JSON)


async def delete_card(request: Request) -> Response:
    """Revoke a card that the caller's party drew and that is not in use yet; its key is refused from then on."""
    site, caller = site_of(request), caller_of(request)
    code_id = request.path_params["code"]
    if code_id not in [code.id for code in await site.read(site.ledger.codes.waiting, caller.party)]:
        raise not_found("got an id that is no card of this party's, or one in use")
    await site.read(site.ledger.codes.revoke, code_id)
    return Response(status_code=204)


def _groups(body: dict[str, Any], site: Site) -> list[Sequence[str]]:
    """For each card that is asked for, the items that it may come to belong to."""
    for name in set(body) - {"count", "items"}:
        raise Invalid(f"got the member {name!r}, want count, items or both", f"/{name}")
    count, items = body.get("count"), body.get("items")
    if count is None and items is None:
        raise Invalid("got neither, want count, items or both", "")
    if count is not None and (type(count) is not int or not 1 <= count <= MAX_CARDS):
        raise Invalid(f"want a number of 1 to {MAX_CARDS}", "/count")
    if items is None:
        return [[intake.new_id(site.clock())] for _ in range(count or 0)]
    _check_items(items)
    if count is None:
        return [[item] for item in items]
    if count * len(items) > MAX_KEYS:
        raise Invalid(
            f"got {count} cards for any of {len(items)} items, want a product of at most {MAX_KEYS}", "/count"
        )
    return [items] * count


def _check_items(items: Any) -> None:
    if not isinstance(items, list) or not 1 <= len(items) <= MAX_CARDS:
        raise Invalid(f"want an array of 1 to {MAX_CARDS} items", "/items")
    for number, item in enumerate(items):
        if not isinstance(item, str) or not uri.is_subject(item) or uri.subject_kind(item) == "authority":
            raise Invalid("got something else, want the id of an item in canonical form", f"/items/{number}")
    if len(set(items)) != len(items):
        raise Invalid("got an item twice", "/items")


async def _own_item(request: Request) -> str:
    """The item in the path; raises ``Problem`` 404, and ``Forbidden`` unless the caller may write about it."""
    subject = await known_item(request)
    if not await _may_write(request, subject):
        raise Forbidden(standing.REFUSED, "")
    return subject


async def _may_write(request: Request, subject: str) -> bool:
    site, caller = site_of(request), caller_of(request)
    if caller.may(ADMIN) or subject in await presented_codes(request):
        return True
    return standing.may_write(caller.party, await site.read(site.ledger.reader.state, subject))


async def _seen(request: Request, subject: str) -> list[Code]:
    """The codes of an item that the caller may see and revoke."""
    site, party = site_of(request), caller_of(request).party
    everything = await _may_write(request, subject)
    return [code for code in await site.read(site.ledger.codes.of, subject) if everything or code.party == party]


def card_of(site: Site, card: Card) -> dict[str, Any]:
    """A card as its one answer shows it."""
    code = holderkey.format_code(card.secret)
    owner: dict[str, Any] = {
        "url": f"{site.settings.public_url}/o#{code}",
        "code": code,
        "typed": holderkey.format_typed(card.secret),
        "holder_custody": RECEIPT,
        "keys": _listed(card.keys),
    }
    if len(card.keys) == 1:
        owner["holder_key"] = next(iter(card.keys.values()))
    return {"code_id": card.id, **page_of(site, card.token), "owner": owner}


def _listed(keys: Mapping[str, str]) -> list[dict[str, str]]:
    return [{"item": subject, "holder_key": did} for subject, did in keys.items()]


def _laid_in(card: LaidIn) -> dict[str, Any]:
    keys = _listed(card.keys)
    return {"token_sha256": card.token_sha256, "holder_custody": card.custody, "keys": keys}


async def _custody(site: Site, keys: Mapping[str, str]) -> str | None:
    """How a card was drawn; all its keys were drawn alike."""
    drawn = await site.read(site.ledger.codes.drawn, next(iter(keys.values())))
    return None if drawn is None else drawn.custody


def _described(code: Code) -> dict[str, Any]:
    return {
        "code_id": code.id,
        "item": code.subject or None,
        "kind": code.kind,
        "level": code.level,
        "case": code.case,
        "created_at": code.created_at,
        "revoked_at": code.revoked_at,
    }
