"""Mail to shops at addresses that they have confirmed: that a case is overdue, and that a report was made.

A shop's addresses are no part of the log (``ledger.db.addresses``). Each is asked once, by a link, whether it wants to
be told; whoever answers nothing is told nothing more. A mail about a case names the limit, the item and the job's
number, and no customer; it links to the case in the console, where whoever reads it must come in first. What is told
of a report is in ``api.notices.reports``.
"""

from __future__ import annotations

import hmac
from dataclasses import replace
from typing import Final
from urllib.parse import quote

from api import fold
from api.notices import events, overdue, reports
from api.notices.contact import Contact, format_link, hashes_of
from api.notices.letter import Letter, format_mail, one_line
from api.notices.telling import ByMail, Dropped, above
from api.notices.words import words_of
from api.pages.catalogue import load_catalogue
from api.settings import Settings
from ledger import times
from ledger.cases import fold_case
from ledger.db.addresses import Address
from ledger.db.ledger import Ledger
from ledger.db.outbox import SHOP, Notice, Outbox, notice_id
from ledger.db.webhooks import OVERDUE
from ledger.disclosure import format_base64url, parse_base64url
from ledger.errors import Malformed

CONFIRM: Final = "address.confirm"
"""The event of the question to confirm an address."""
_ID, _MARK = 8, 16


def asking(one: Address, now: int) -> Notice:
    """The question to confirm an address, which is asked once a day however often it is added."""
    at = times.format_recorded(now)
    name = notice_id(SHOP, CONFIRM, one.id, at[:10])
    return Notice(name, SHOP, CONFIRM, party=one.party, made_at=at, due_at=at, about=one.id)


def hearing(ledger: Ledger, clock: Notice, now: int) -> list[Notice]:
    """That a clock ran out, for each address that the party or one above it has confirmed."""
    at = times.format_recorded(now)
    return [
        replace(
            clock, id=notice_id(SHOP, one.id, clock.id.hex()), kind=SHOP, event=OVERDUE, party=one.party,
            made_at=at, due_at=at, about=f"{one.id} {clock.about}", tries=0, held_until=None,
        )
        for one in ledger.addresses.of(above(ledger, clock.party)) if one.hears(OVERDUE)
    ]  # fmt: skip


def way_of(ledger: Ledger, settings: Settings, notice: Notice, now: int) -> Dropped | ByMail:
    """How the address of a notice is written to, if it still is; nothing is sent here."""
    address_id, _, about = (notice.about or "").partition(" ")
    one = ledger.addresses.get(address_id)
    if one is None:
        return Dropped("the address is deleted")
    if one.person is not None and _is_out(ledger, one.person):
        return Dropped("this person is let in no longer")
    if settings.mail is None:
        return Dropped("there is no mail server")
    contact = Contact(statement="", owner=one.party, language=one.language, email=one.email)
    hashes = hashes_of(contact, ledger.outbox)
    if ledger.outbox.is_closed_to(hashes):
        return Dropped("this address wants no messages")
    written = _letter(ledger, settings, replace(notice, about=about), one, now)
    if isinstance(written, Dropped):
        return written
    letter = replace(written, stop=f"{settings.public_url}/n/{format_link(hashes, ledger.outbox)}")
    sender = _name(ledger, one.party), settings.mail.sender
    return ByMail(format_mail(letter, contact, sender, events.message_id(notice), now))


def _letter(ledger: Ledger, settings: Settings, notice: Notice, one: Address, now: int) -> Letter | Dropped:
    """What an address is told, or why it is not; ``about`` of the notice is a clock, a report, or nothing."""
    if notice.event == CONFIRM:
        return _asked(ledger, one, settings.public_url)
    if notice.event in reports.EVENTS:
        found = ledger.reports.get(notice.about or "")
        why = reports.why_not(ledger, one, notice.event, found)
        if found is None or why is not None:
            return Dropped(why or "")
        return reports.write_letter(found, one.language, _name(ledger, one.party), settings.public_url)
    standing, due = overdue.standing(ledger, notice, now)
    if standing != "overdue" or due is None:
        return Dropped(f"the clock is {standing}")
    return _late(ledger, notice, one, due, settings)


def _is_out(ledger: Ledger, person_id: str) -> bool:
    person = ledger.access.people.get(person_id)
    return person is None or person.disabled_at is not None


def format_confirmation(address_id: str, outbox: Outbox) -> str:
    """What the link that confirms an address ends in; ``parse_confirmation`` undoes it."""
    return format_base64url(bytes.fromhex(address_id) + outbox.keyed("address", address_id))


def parse_confirmation(text: str, outbox: Outbox) -> str | None:
    """The id of the address that a link confirms; ``None`` unless it was made here."""
    try:
        raw = parse_base64url(text[:100])
    except Malformed:
        return None
    address_id, mark = raw[:_ID].hex(), raw[_ID:]
    good = len(raw) == _ID + _MARK and hmac.compare_digest(mark, outbox.keyed("address", address_id))
    return address_id if good else None


def _asked(ledger: Ledger, one: Address, url: str) -> Letter:
    shown, words = {"shop": _name(ledger, one.party)}, words_of(one.language)
    return Letter(
        language=one.language,
        subject=one_line(words.confirm_subject.format(**shown)),
        text=one_line(words.confirm_text.format(**shown)),
        why=one_line(words.confirm_why.format(**shown)),
        open=words.confirm_open,
        link=f"{url}/a/{format_confirmation(one.id, ledger.outbox)}",
        stop="",
    )


def _late(ledger: Ledger, notice: Notice, one: Address, due: int, settings: Settings) -> Letter:
    subject, case, words = notice.subject or "", notice.of_case or "", words_of(one.language)
    pages = load_catalogue(one.language)
    state = ledger.reader.state(subject)
    course = fold_case(case, [(told.entry, "") for told in fold.parse_entries(ledger.reader.entries(subject))])
    job_no = "" if course is None else str(course.opened.details.get("job_no", ""))
    item = words.the_case if state is None or subject == case else state.name
    shown = {
        "shop": _name(ledger, one.party),
        "item": f"{item} ({job_no})" if job_no else item,
        "limit": pages.text[f"clock_{(notice.about or '').split(' ')[0]}"],
        "due": pages.moment(times.format_recorded(due)),
    }
    return Letter(
        language=one.language,
        subject=one_line(words.overdue_subject.format(**shown)),
        text=one_line(words.overdue_text.format(**shown)),
        why=one_line(words.overdue_why.format(**shown)),
        open=words.open,
        link=f"{settings.public_url}/console/case?id={quote(case, safe='')}&item={quote(subject, safe='')}",
        stop="",
    )


def _name(ledger: Ledger, party: str) -> str:
    found = ledger.view.parties.parties.get(party)
    return "" if found is None else found.name
