"""A certificate and the report of a service as papers: what the page says of them, no more and no less.

Both are made from an item's verified page, so that a certificate that was revoked, is doubtful or was issued before a
change says so in print, and a record that was corrected or taken back stands in a report as such. Both say until when
they are, and have the code of the page that is always the newest.
"""

from __future__ import annotations

from api.pages.item_page import ItemPage
from api.pages.story import Certificate, Event
from api.paper.sheet import Code, Heading, Large, Paper, Part, Rows, Rule, Text
from api.paper.slips import Desk

SERVICES = ("repair.completed", "repair.failed", "maintenance.performed", "customization.completed")
CERTIFIED = "authentication.certified"


def record(page: ItemPage, statement: str, code: Code, desk: Desk) -> Paper | None:
    """The paper of a statement of an item: a certificate, or the report of a service; ``None`` for any other."""
    event = next((one for one in page.events if one.statement == statement), None)
    if event is None:
        return None
    if event.type == CERTIFIED:
        found = next(one for one in page.certificates if one.index == event.index)
        return _certificate(page, event, found, code, desk)
    return _report(page, event, code, desk) if event.type in SERVICES else None


def _certificate(page: ItemPage, event: Event, found: Certificate, code: Code, desk: Desk) -> Paper:
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
    return _paper(text["paper_certificate"], page, (Large(found.title), Rows(rows), *notes, *marks), code, desk)


def _report(page: ItemPage, event: Event, code: Code, desk: Desk) -> Paper:
    """All records of the case that the service was done in, oldest first; of a service without one, itself."""
    said = [one for one in reversed(page.events) if one is event or (event.case is not None and one.case == event.case)]
    parts: list[Part] = []
    for one in said:
        parts += [Rule(), Text(one.sentence), Text(f"{one.happened} · {one.signed}", fine=True)]
        if one.facts:
            parts.append(Rows(one.facts))
        parts += [Text(mark, fine=True) for mark in one.marks]
        parts += [Text(remark.text) for remark in one.remarks]
    return _paper(desk.words.text["paper_report"], page, tuple(parts), code, desk)


def _paper(title: str, page: ItemPage, parts: tuple[Part, ...], code: Code, desk: Desk) -> Paper:
    words = desk.words
    lead = (Text(page.lead),) if page.lead else ()
    about = (Rows(page.facts),) if page.facts else ()
    banners = tuple(Large(banner.title) for banner in page.banners)
    end = (Text(words.say("paper_as_of", when=page.as_of), fine=True), Text(words.text["checked_limit"], fine=True))
    sheet = (Heading(title), *banners, Text(page.name), *lead, *about, *parts, Rule(), code, *end)
    return Paper(title, words.language, desk.medium, (sheet,))
