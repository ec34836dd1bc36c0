"""What customers take away: a receipt, a gift receipt, the slip of an intake or a hand-over, and the owner code apart.

A gift receipt is made from what a gift may say: there is no place on it for a price or a buyer. An intake has, for each
thing that a case was opened on, a label for its bag with the job number. An owner code is always a sheet of its own,
cut off, so that the receipt can be shown without it; printed again it says that it is a copy, and which.

A case is read from its own statements: what was written first stands, but the day that was promised is the last named.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from api.pages.cards import grouped
from api.pages.catalogue import Catalogue
from api.paper.sheet import Code, Heading, Large, Medium, Paper, Part, Rows, Rule, Sheet, Signature, Text
from ledger import holderkey
from ledger.leaf import Statement

SALE, GIFT, INTAKE, HANDOVER = "sale", "gift", "intake", "handover"
_PROMISES: Final = {"case.opened": "promised", "case.quoted": "due", "case.approved": "due", "case.extended": "until"}
_WORKED: Final = ("repair.completed", "repair.failed", "maintenance.performed", "customization.completed")


@dataclass(frozen=True, slots=True)
class Job:
    """A case as its slip says it: the number that the shop gave it, and what was asked, found and done."""

    number: str
    rows: tuple[tuple[str, str], ...]
    promised: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Thing:
    """A thing on a paper: its name, what else is said of it, and the token of its own code."""

    name: str
    lead: str
    token: str
    short: str
    warranty: str = ""
    price: str = ""
    job: Job | None = None


@dataclass(frozen=True, slots=True)
class Owner:
    """An owner code to print for a thing; ``copy`` is 1 for the first print, whose time is ``first`` in words."""

    name: str
    secret: bytes
    copy: int = 1
    first: str = ""


@dataclass(frozen=True, slots=True)
class Slip:
    """What a receipt or a slip says: its ``kind``, who made it, when, its number, and the token that leads to it."""

    kind: str
    party: str
    day: str
    number: str
    token: str
    things: tuple[Thing, ...]
    owners: tuple[Owner, ...] = ()


@dataclass(frozen=True, slots=True)
class Desk:
    """Where papers are made: the address that codes lead to, the host in print, the words, and the medium."""

    address: str
    host: str
    words: Catalogue
    medium: Medium


def job_of(statements: Sequence[Statement], words: Catalogue) -> Job | None:
    """A case from its statements, in their order; ``None`` if it was not opened."""
    opened = next((one.details for one in statements if one.type == "case.opened"), None)
    if opened is None:
        return None
    rows = [_row(words, name, opened[name]) for name in ("kind", "issue", "fault", "warranty_claim") if name in opened]
    for one in statements:
        if one.type == "case.received" and "condition" in one.details:
            rows.append(_row(words, "condition", one.details["condition"]))
        elif one.type in _WORKED and "work" in one.details:
            rows.append(_row(words, "work", one.details["work"]))
    named = (one.details.get(_PROMISES[one.type]) for one in reversed(statements) if one.type in _PROMISES)
    promised = next((day for day in named if day), None)
    days = () if promised is None else (_row(words, "promised", promised),)
    return Job(opened.get("job_no", ""), tuple(rows), days)


def _row(words: Catalogue, name: str, value: Any) -> tuple[str, str]:
    return words.label(name), words.fact(name, value)


def slip(said: Slip, desk: Desk) -> Paper:
    """The paper of a sale, a gift, an intake or a hand-over: one sheet, labels of bags, and owner codes apart."""
    text = desk.words.text
    title = text[f"receipt_{said.kind}"]
    sheets: list[Sheet] = [_first(title, said, desk)]
    if said.kind == INTAKE:
        sheets += [bag(thing, desk) for thing in said.things if thing.job is not None]
    sheets += [owner(one, desk) for one in said.owners]
    return Paper(title, desk.words.language, desk.medium, tuple(sheets))


def _first(title: str, said: Slip, desk: Desk) -> Sheet:
    words, text = desk.words, desk.words.text
    head = Rows(((text["paper_date"], said.day), (text["paper_number"], said.number)))
    parts: list[Part] = [Heading(title), Text(said.party), head]
    for thing in said.things:
        parts += [Rule(), *_thing(thing, said, words)]
    one = said.things[0] if len(said.things) == 1 else None
    short = (one.short,) if one is not None and one.short else ()
    lines = (text["paper_scan"], f"{desk.host}/s/") if short else (desk.host,)
    code = Code(f"{desk.address}/r/{said.token}", lines, short)
    parts += [Rule(), code]
    if said.kind == GIFT:
        parts.append(Text(text["receipt_gift_text"], fine=True))
    if desk.medium.is_roll:
        parts.append(Text(text["paper_fades"], fine=True))
    if said.kind in {INTAKE, HANDOVER}:
        parts.append(Signature(text[f"paper_sign_{said.kind}"]))
    return tuple(parts)


def _thing(thing: Thing, said: Slip, words: Catalogue) -> list[Part]:
    """What a paper says of one thing; of a gift never a price, whatever is known."""
    text = words.text
    parts: list[Part] = [Text(thing.name)]
    if thing.lead:
        parts.append(Text(thing.lead, fine=True))
    if thing.job is not None and thing.job.number:
        parts.append(Large(thing.job.number))
    rows = [*thing.job.rows, *thing.job.promised] if thing.job is not None else []
    if thing.warranty and said.kind != INTAKE:
        rows.append((text["paper_warranty"], thing.warranty))
    if thing.price and said.kind == SALE:
        rows.append((words.label("price"), thing.price))
    if len(said.things) > 1 and thing.short:
        rows.append((text["short_code"], f"/s/{thing.short}"))
    return [*parts, Rows(tuple(rows))] if rows else parts


def bag(thing: Thing, desk: Desk) -> Sheet:
    """The label of the bag that a thing lies in while it is in the shop's hands: its job, and its own code."""
    assert thing.job is not None, "whoever asks for the label of a bag has a job for it"
    text = desk.words.text
    number = (Large(thing.job.number),) if thing.job.number else ()
    promised = (Rows(thing.job.promised),) if thing.job.promised else ()
    code = Code(f"{desk.address}/i/{thing.token}", (f"{desk.host}/s/",), (thing.short,))
    return (Heading(text["paper_bag"]), *number, Text(thing.name), *promised, code)


def owner(said: Owner, desk: Desk) -> Sheet:
    """The sheet of an owner code; one that was printed before says so in large print."""
    words = desk.words
    again: tuple[Part, ...] = ()
    if said.copy > 1:
        again = (Large(words.say("paper_copy", n=said.copy)), Text(words.say("paper_copy_text", when=said.first)))
    code = Code(
        f"{desk.address}/o#{holderkey.format_code(said.secret)}",
        (words.text["paper_scan"], f"{desk.host}/o"),
        (grouped(holderkey.format_typed(said.secret)),),
    )
    return (
        Heading(words.text["card_owner"]),
        *again,
        Text(said.name),
        code,
        Text(words.text["paper_owner_text"], fine=True),
    )
