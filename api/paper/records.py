"""A certificate and the report of a service as papers: what the page says of them, no more and no less.

Both are made from an item's verified page, so that a certificate that was revoked, is doubtful or was issued before a
change says so in print, and a record that was corrected or taken back stands in a report as such. Both say until when
they are, and have the code of the page that is always the newest.
"""

from __future__ import annotations

from api.pages.item_page import ItemPage
from api.pages.story import Certificate, Event
from api.paper.sheet import Code, Heading, Large, Paper, Part, Portrait, Rows, Rule, Text
from api.paper.slips import Desk

SERVICES = ("repair.completed", "repair.failed", "maintenance.performed", "customization.completed")
CERTIFIED = "authentication.certified"


def record(page: ItemPage, statement: str, code: Code, desk: Desk, photo: bytes = b"") -> Paper | None:
    """The paper of a statement of an item: a certificate, or the report of a service; ``None`` for any other.

    ``photo`` is a JPEG of the item that the paper's reader may see, or nothing.
    """
    event = next((one for one in page.events if one.statement == statement), None)
    if event is None:
        return None
    if event.type == CERTIFIED:
        found = next(one for one in page.certificates if one.index == event.index)
        return _paper("paper_certificate", page, _certificate(event, found, desk), (code, photo), desk)
    if event.type in SERVICES:
        return _paper("paper_report", page, _report(page, event), (code, photo), desk)
    return None


def _certificate(event: Event, found: Certificate, desk: Desk) -> tuple[Part, ...]:
    text = desk.words.text
    rows = (
        (desk.words.label("certificate_no"), found.number),
        (text["paper_result"], found.title),
        (text["paper_standing"], found.standing),
        (text["paper_certifier"], found.by),
        (text["paper_date"], event.happened),
        *found.facts,
    )
    notes = tuple(Text(note) for note in found.notes)
    marks = tuple(Text(remark.text) for remark in event.remarks)
    return Large(found.title), Rows(rows), *notes, *marks


def _report(page: ItemPage, event: Event) -> tuple[Part, ...]:
    """All records of the case that the service was done in, oldest first; of a service without one, itself."""
    said = [one for one in reversed(page.events) if one is event or (event.case is not None and one.case == event.case)]
    parts: list[Part] = []
    for one in said:
        parts += [Rule(), Text(one.sentence), Text(f"{one.happened} · {one.signed}", fine=True)]
        if one.facts:
            parts.append(Rows(one.facts))
        parts += [Text(mark, fine=True) for mark in one.marks]
        parts += [Text(remark.text) for remark in one.remarks]
    return tuple(parts)


def _paper(name: str, page: ItemPage, parts: tuple[Part, ...], more: tuple[Code, bytes], desk: Desk) -> Paper:
    words, (code, photo) = desk.words, more
    title = words.text[name]
    lead = (Text(page.lead),) if page.lead else ()
    about = (Rows(page.facts),) if page.facts else ()
    banners = tuple(Large(banner.title) for banner in page.banners)
    top = (Heading(title), *banners, Text(page.name), *lead, *about)
    shown = (Portrait(top, photo, page.name),) if photo and desk.medium.photo else top
    end = (Text(words.say("paper_as_of", when=page.as_of), fine=True), Text(words.text["checked_limit"], fine=True))
    sheet = (*shown, *parts, Rule(), code, *end)
    return Paper(title, words.language, desk.medium, (sheet,))
