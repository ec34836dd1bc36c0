"""The bodies of webhooks: what happened, with ids and no content, in the Standard Webhooks form.

    {"type": "case.quoted", "timestamp": "2026-05-04T09:00:00.000Z", "data": {"statement": "urn:…", "index": 41, …}}

Whoever wants more asks for the statement with a key of its own, and sees what that may see. A body is made of the log
and the notice's row alone, so that it is the same bytes each time it is sent.
"""

from __future__ import annotations

from typing import Any

import msgspec

from api.notices.contact import Contact
from api.notices.letter import Letter
from ledger.db.outbox import Notice
from ledger.db.reports import Asked
from ledger.db.webhooks import DUE
from ledger.leaf import Entry

_encode = msgspec.json.encode


def message_id(notice: Notice) -> str:
    """The ``webhook-id`` of a notice: the same each time it is sent, so that a receiver can drop repeats."""
    return f"msg_{notice.id.hex()}"


def statement_event(entry: Entry) -> bytes:
    """The event of a statement."""
    statement = entry.statement
    about: dict[str, Any] = {
        "statement": statement.id,
        "index": entry.index,
        "subjects": list(statement.subjects),
        "case": statement.case,
        "party": statement.party,
        "occurred_at": statement.occurred_at,
        "recorded_at": entry.recorded_at,
    }
    if statement.corrects is not None:
        about["corrects"] = statement.corrects
    return _event(statement.type, entry.recorded_at, about)


def overdue_event(notice: Notice) -> bytes:
    """The event of a clock that ran out: ``about`` of the notice is the clock and when it was due."""
    clock, _, due = (notice.about or "").partition(" ")
    about = {"case": notice.of_case, "subject": notice.subject, "party": notice.party, "clock": clock, "due_at": due}
    return _event(notice.event, due, about)


def report_event(notice: Notice, asked: Asked, url: str) -> bytes:
    """The event of a report that a schedule made, or could not make; ``url`` is where the service's addresses begin."""
    about = {
        "report": asked.id,
        "schedule": asked.schedule,
        "party": asked.party,
        "role": asked.role,
        "period": asked.asked["period"],
        "address": f"{url}/v1/reports/{asked.id}",
    }
    return _event(notice.event, notice.made_at, about)


def test_event(notice: Notice) -> bytes:
    """The event that a party asked for to see whether its receiver works."""
    return _event(notice.event, notice.made_at, {"webhook": notice.webhook})


def due_event(notice: Notice, letter: Letter, contact: Contact) -> bytes:
    """What a shop's own gateway is to tell a customer: the one event with an address in it."""
    to = {name: text for name, text in (("phone", contact.phone), ("email", contact.email)) if text}
    about = {
        "notice": notice.id.hex(),
        "status": notice.about,
        "statement": notice.statement,
        "case": notice.of_case,
        "subject": notice.subject,
        "party": contact.owner,
        "language": letter.language,
        "to": to,
        "text": letter.text,
        "link": letter.link,
        "stop": letter.stop,
    }
    return _event(DUE, notice.made_at, about)


def _event(kind: str, timestamp: str, about: dict[str, Any]) -> bytes:
    return _encode({"type": kind, "timestamp": timestamp, "data": about})
