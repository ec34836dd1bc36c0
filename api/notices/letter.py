"""What a customer is told of a step of her case, in her language: as e-mail, and as the text of ``notice.due``.

An e-mail has a text and a simple page that say the same, fetches nothing, and can be ended with one click of the mail
program (RFC 8058) or by the link in it. It names no amount and no fault: those are on the page of the case, behind a
code that this notice and all others of the case share and that the shop can revoke.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from email.headerregistry import Address
from email.message import EmailMessage
from email.utils import format_datetime
from pathlib import Path
from typing import Any, Final

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from api.notices.contact import Contact
from api.notices.words import words_of
from ledger.course import Course, Step

_HERE: Final = Path(__file__).parent
_TEMPLATES: Final = Environment(loader=FileSystemLoader(_HERE), autoescape=True, undefined=StrictUndefined)
_MOST_SUBJECT: Final = 200


@dataclass(frozen=True, slots=True)
class Letter:
    """What is said: ``subject`` and ``text`` alone, ``link`` that is to ``open`` and ``stop`` that ends it."""

    language: str
    subject: str
    text: str
    why: str
    open: str
    link: str
    stop: str


@dataclass(frozen=True, slots=True)
class Names:
    """What a letter calls things: the shop, the item ("" if the case is about none), and where its links begin."""

    shop: str
    item: str
    url: str


def write_letter(course: Course, step: Step, status: str, language: str, names: Names) -> Letter:
    """The letter about a step; its links are put in by ``with_links``."""
    words = words_of(language)
    item = names.item or (words.the_request if course.subject == course.case else words.the_item)
    shown: dict[str, Any] = {"shop": names.shop, "item": item}
    for name in ("from", "until"):
        if name in step.details:
            shown[name] = words.moment(step.details[name])
    said = words.status[status]
    return Letter(
        language=language,
        subject=one_line(said["subject"].format(**shown))[:_MOST_SUBJECT],
        text=one_line(said["text"].format(**shown)),
        why=one_line(words.why.format(**shown)),
        open=words.open,
        link="",
        stop="",
    )


def format_mail(letter: Letter, contact: Contact, sender: tuple[str, str], message_id: str, now: int) -> EmailMessage:
    """The e-mail of a letter from (name, address); the same ``message_id`` again is the same message."""
    words = words_of(letter.language)
    local, _, domain = sender[1].rpartition("@")
    mail = EmailMessage()
    mail["From"] = Address(one_line(sender[0]), local, domain)
    mail["To"] = contact.email
    mail["Subject"] = letter.subject
    mail["Date"] = format_datetime(datetime.fromtimestamp(now // 1_000_000, UTC))
    mail["Message-ID"] = f"<{message_id}@{domain}>"
    mail["Auto-Submitted"] = "auto-generated"
    mail["List-Unsubscribe"] = f"<{letter.stop}>"
    mail["List-Unsubscribe-Post"] = "List-Unsubscribe=One-Click"
    mail.set_content(
        f"{letter.text}\n\n{letter.open}:\n{letter.link}\n\n-- \n{letter.why}\n{words.stop}: {letter.stop}\n"
    )
    page = _TEMPLATES.get_template("letter.html").render(
        language=letter.language, subject=letter.subject, text=letter.text, why=letter.why,
        open=letter.open, link=letter.link, stop=letter.stop, words=words,
    )  # fmt: skip
    mail.add_alternative(page, subtype="html")
    mail["Content-Language"] = letter.language
    return mail


def one_line(text: str) -> str:
    """Text in one line: what stands in a name may not begin another line of a header."""
    return " ".join(text.split())
