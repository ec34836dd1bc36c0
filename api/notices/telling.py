"""By which way a customer is told of a step, decided when it is told: by e-mail, by her shop's own gateway, or not.

The gateway is a webhook of the party that recorded her address, or of the chain above it, and of nobody else: it is
sent the address. What leaves by it is written into the access log before, as whenever private members leave; an e-mail
goes to her whose address it is, and is no reading by anybody.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from email.message import EmailMessage
from typing import Final

from api import fold
from api.notices import events, statuses
from api.notices.contact import Contact, contact_of, format_link, hashes_of
from api.notices.letter import Letter, Names, format_mail, write_letter
from api.roles import family
from api.settings import Settings
from ledger import times
from ledger.cases import fold_case
from ledger.course import Course
from ledger.db.codes import mark_of
from ledger.db.ledger import Ledger
from ledger.db.outbox import CUSTOMER, Notice, notice_id
from ledger.db.webhooks import GATEWAYS, Webhook
from ledger.disclosure import format_base64url

_NO, _WITHOUT_EMAIL, _ALWAYS = GATEWAYS
WHY: Final = "notice"
"""What the access log has as the route by which an address left."""


@dataclass(frozen=True, slots=True)
class Dropped:
    """She is not told, and why."""

    why: str


@dataclass(frozen=True, slots=True)
class ByGateway:
    """A webhook tells her, by this body."""

    webhook: Webhook
    body: bytes


@dataclass(frozen=True, slots=True)
class ByMail:
    """This message tells her."""

    message: EmailMessage


def way_of(ledger: Ledger, settings: Settings, notice: Notice, now: int) -> Dropped | ByGateway | ByMail:
    """How the customer of a notice is told; nothing is sent here."""
    subject, case, status = notice.subject or "", notice.of_case or "", notice.about or ""
    told = fold.parse_entries(ledger.reader.entries(subject))
    course = fold_case(case, [(one.entry, one.leaf_hash) for one in told])
    step = next((one for one in course.steps if one.statement == notice.statement), None) if course else None
    if course is None or step is None:
        return Dropped("the case is not to be read")
    if now - times.parse_recorded(notice.made_at) > statuses.TOO_OLD:
        return Dropped("it is too late")
    why = statuses.why_not(course, step, status, now)
    if why is None and status == "rate" and _was_asked(ledger, course):
        why = "it was asked before"
    if why is not None:
        return Dropped(why)
    contact = contact_of(course, ledger.vault, ledger.reader.parties())
    if contact is None:
        return Dropped("no address is kept")
    hashes = hashes_of(contact, ledger.outbox)
    if ledger.outbox.is_closed_to(hashes):
        return Dropped("she wants no messages")
    gateway = gateway_of(ledger, contact)
    by_mail = contact.email and settings.mail is not None and (gateway is None or gateway.gateway != _ALWAYS)
    if not by_mail and gateway is None:
        return Dropped("there is no way to tell her")
    names = Names(_shop(ledger, course, notice), _item(ledger, subject, case), settings.public_url)
    letter = replace(
        write_letter(course, step, status, contact.language, names),
        link=f"{settings.public_url}/c/{_case_token(ledger, course, notice.party, now)}",
        stop=f"{settings.public_url}/n/{format_link(hashes, ledger.outbox)}",
    )
    if by_mail and settings.mail is not None:
        sender = names.shop, settings.mail.sender
        return ByMail(format_mail(letter, contact, sender, events.message_id(notice), now))
    assert gateway is not None, "else she is told by mail, or not"
    return _by_gateway(ledger, gateway, notice, letter, contact)


def _was_asked(ledger: Ledger, course: Course) -> bool:
    """Whether she was asked to rate after another hand-over, which was taken back since."""
    handed = (one.statement for one in course.steps if one.type == "case.handed_over")
    return ledger.outbox.is_told(notice_id(CUSTOMER, "rate", course.subject, one) for one in handed)


def hearing(ledger: Ledger, clock: Notice) -> list[Webhook]:
    """The webhooks that hear that a clock of a party ran out."""
    parties = above(ledger, clock.party)
    return [one for one in ledger.webhooks.in_force() if one.wants(clock.event) and one.party in parties]


def gateway_of(ledger: Ledger, contact: Contact) -> Webhook | None:
    """The gateway of the party that recorded an address: its own before one of the chain above it, the oldest."""
    parties = above(ledger, contact.owner)
    found = [one for one in ledger.webhooks.in_force() if one.gateway != _NO and one.party in parties]
    return min(found, key=lambda one: (one.party != contact.owner, one.created_at, one.id), default=None)


def _by_gateway(ledger: Ledger, webhook: Webhook, notice: Notice, letter: Letter, contact: Contact) -> ByGateway:
    ledger.readings.note(
        party=webhook.party,
        key=webhook.id,
        why=WHY,
        members=["customer"],
        subject=notice.subject,
        statement=contact.statement,
        owner=contact.owner,
        sees=frozenset({contact.owner}),
    )
    return ByGateway(webhook, events.due_event(notice, letter, contact))


def above(ledger: Ledger, party: str) -> frozenset[str]:
    """A party and those above it."""
    parents = {one: found.parent for one, found in ledger.view.parties.parties.items()}
    return frozenset(one for one in parents if party in family(one, parents))


def _shop(ledger: Ledger, course: Course, notice: Notice) -> str:
    """The name of the shop that she knows: whoever opened the case, if a party did, else who said the step."""
    party = notice.party if course.opened.by_holder else course.opened.party
    found = ledger.view.parties.parties.get(party)
    return "" if found is None else found.name


def _item(ledger: Ledger, subject: str, case: str) -> str:
    state = ledger.reader.state(subject)
    return "" if state is None or subject == case else state.name


def _case_token(ledger: Ledger, course: Course, party: str, now: int) -> str:
    """The code of the case that every notice of it names: made with the first, and gone when the shop revokes it."""
    state = ledger.reader.state(course.subject)
    holding = None if state is None else state.held.at(times.format_recorded(now)).holding
    mark = mark_of(holding)
    token = format_base64url(ledger.outbox.keyed("case code", f"{course.case}\n{course.subject}\n{mark}"))
    ledger.codes.keep(token, course.subject, mark, case=course.case, party=party)
    return token
