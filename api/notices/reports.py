"""That a report of a schedule was made, or could not be: told to webhooks, and by mail to the people of its role.

The notices are put in by the transaction that ends the report (``ledger.db.reports``). A mail names the period and has
a link, and no figure: whoever reads it must come in to see the report. Who is of the role is asked twice, when the
report ends and when the mail goes out; whoever has another role by then is not told.
"""

from __future__ import annotations

from urllib.parse import quote

from api.notices.letter import Letter, one_line
from api.notices.telling import above
from api.notices.words import words_of
from ledger import times
from ledger.db.addresses import Address
from ledger.db.ledger import Ledger
from ledger.db.outbox import SHOP, WEBHOOK, Notice, notice_id
from ledger.db.reports import FAILED, MADE, Asked

EVENTS = frozenset({MADE, FAILED})


def hearing(ledger: Ledger, asked: Asked) -> list[Notice]:
    """Who is told that a report has ended, well or with a ``problem``; nobody of one that somebody asked for."""
    if asked.schedule is None:
        return []
    # A chain reads the reports of those below it, but none with costs.
    parties = above(ledger, asked.party) if asked.costs is None else frozenset({asked.party})
    hooks = [one for one in ledger.webhooks.in_force() if one.wants(asked.event) and one.party in parties]
    at = times.format_recorded(ledger.reports.clock())
    told = [(WEBHOOK, one.id, one.party, asked.id) for one in hooks]
    told += [(SHOP, one.id, one.party, f"{one.id} {asked.id}") for one in _addresses(ledger, asked)]
    return [
        Notice(
            id=notice_id(kind, receiver, asked.event, asked.id),
            kind=kind,
            event=asked.event,
            party=party,
            made_at=at,
            due_at=at,
            webhook=receiver if kind == WEBHOOK else None,
            about=about,
        )
        for kind, receiver, party, about in told
    ]


def why_not(ledger: Ledger, one: Address, event: str, asked: Asked | None) -> str | None:
    """Why an address is not told of a report after all; ``None`` if it is."""
    if asked is None:
        return "the report is not to be read"
    if not one.hears(event):
        return "this address is not told of reports"
    person = ledger.access.people.get(one.person or "")
    is_of_role = person is not None and person.role == asked.role and person.disabled_at is None
    return None if is_of_role else f"this person is no {asked.role}"


def write_letter(asked: Asked, language: str, shop: str, url: str) -> Letter:
    """The letter about a report, without the link that ends messages."""
    words = words_of(language)
    shown = {"shop": shop, "period": words.period(asked.asked["period"]), "role": words.roles[asked.role]}
    said = words.report[asked.event.partition(".")[2]]
    return Letter(
        language=language,
        subject=one_line(said["subject"].format(**shown)),
        text=one_line(said["text"].format(**shown)),
        why=one_line(words.report_why.format(**shown)),
        open=words.report_open,
        link=f"{url}/console/ledger/reports?report={quote(asked.id, safe='')}",
        stop="",
    )


def _addresses(ledger: Ledger, asked: Asked) -> list[Address]:
    """The addresses of the people of a report's role, in its party, that are told of reports."""
    return [one for one in ledger.addresses.of([asked.party]) if why_not(ledger, one, asked.event, asked) is None]
