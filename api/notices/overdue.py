"""Clocks of cases that may run out: when the shop is told that it is late.

A case is judged as in the work lists (``ledger.caseload.judge``): the shop is the party whose case it is, a limit is of
the standard in force when the case was opened, and counts in the working time of the shop. After each step of a case
its running clocks are set in the outbox, and when one is due it is measured again: what was stopped, extended or waits
meanwhile is not late.
"""

from __future__ import annotations

from api import fold
from api.following import newest_promises
from ledger import times
from ledger.caseload import Judged, judge
from ledger.cases import fold_case
from ledger.db.ledger import Ledger
from ledger.db.outbox import CLOCK, Notice, notice_id
from ledger.db.webhooks import OVERDUE


def clocks_of(ledger: Ledger, subject: str, case: str, now: int) -> list[Notice]:
    """The running clocks of a case as notices that are due when the clocks run out."""
    judged = _judged(ledger, subject, case)
    if judged is None:
        return []
    return [
        Notice(
            id=notice_id("clock", case, subject, one.clock, str(one.run)),
            kind=CLOCK,
            event=OVERDUE,
            party=judged.party,
            made_at=times.format_recorded(now),
            due_at=times.format_recorded(one.due_at + times.SECOND),
            subject=subject,
            of_case=case,
            about=f"{one.clock} {one.run}",
        )
        for one in judged.measures
        if one.stopped_at is None and one.due_at is not None
    ]


def standing(ledger: Ledger, notice: Notice, now: int) -> tuple[str, int | None]:
    """How the clock of a notice stands now (``Measure.standing``), and when it is due, in microseconds."""
    clock, _, run = (notice.about or "").partition(" ")
    found = _judged(ledger, notice.subject or "", notice.of_case or "")
    if found is None:
        return "ended", None
    for one in found.measures:
        if (one.clock, str(one.run)) == (clock, run):
            return one.standing(now), one.due_at
    return "ended", None


def _judged(ledger: Ledger, subject: str, case: str) -> Judged | None:
    """A case that is open, as it is judged now; ``None`` for one that is closed, or is none."""
    # A case is folded without leaf hashes: only a holder's custody of her key, which no clock asks for, needs them.
    told = [(one.entry, "") for one in fold.parse_entries(ledger.reader.entries(subject))]
    course = fold_case(case, told)
    if course is None or course.closed:
        return None
    return judge(course, told, newest_promises(ledger))
