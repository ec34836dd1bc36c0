"""Reports made beside the service: one at a time in this process, the work of it in others that give way to it.

A report is counted from the leaves of the ledger's own database as an auditor counts it (``ledger.reports``), so that
``patina report --verify`` gives the same bytes. Reading and counting are done by other processes at low priority; here
only their sums are added up, in a thread. A report of a schedule ends together with the notices of it
(``api.notices.reports``).
"""

from __future__ import annotations

import logging
import os
from dataclasses import replace
from functools import partial
from threading import Event

from api.costs import costs_of, may_ask
from api.notices.reports import hearing
from ledger import report
from ledger.checkpoint import check_checkpoint
from ledger.db.ledger import Ledger
from ledger.db.reports import Asked, open_leaves
from ledger.errors import PatinaError
from ledger.note import parse_vkey
from ledger.report_ask import parse_ask
from ledger.reports import spooled
from ledger.reports.spooled import Work

STEP = 5
"""Percent between two words of how far a report is."""
NICE = 10

_log = logging.getLogger("patina.api")


class _Stopped(Exception):
    """The service stops: somebody else, or the next one, makes the report."""


def make_due(ledger: Ledger, stopping: Event | None = None, *, workers: int | None = None) -> int:
    """Ask for what schedules have made due, make everything that is due, and return how many were made or failed.

    Once ``stopping`` is set, the report at hand is given back at its next piece.
    """
    ledger.reports.fall_due()
    count = 0
    while (asked := ledger.reports.take()) is not None:
        try:
            _make(ledger, asked, stopping or Event(), (os.cpu_count() or 1) if workers is None else workers)
        except _Stopped:
            ledger.reports.give_back(asked.id)
            break
        count += 1
    return count


def _make(ledger: Ledger, asked: Asked, stopping: Event, workers: int) -> None:
    told = 0
    if not may_ask(ledger, asked):
        asked = ledger.reports.without_costs(asked)

    def tell(done: int, total: int) -> None:
        nonlocal told
        if stopping.is_set():
            raise _Stopped
        percent = 99 * done // max(1, total)
        if percent >= told + STEP:
            told = percent
            ledger.reports.tell(asked.id, percent)

    note = ledger.reader.checkpoint()
    try:
        checkpoint = check_checkpoint(note, [parse_vkey(vkey) for vkey in ledger.vkeys], ledger.origin)
        told_costs = {} if asked.costs is None else costs_of(ledger, asked, checkpoint.size)
        work = Work(partial(open_leaves, ledger.url), workers, tell, disclosures=told_costs, nice=NICE)
        tally = spooled.count(checkpoint, parse_ask(asked.asked), work)
        made = report.encode(report.document(tally, checkpoint, note))
    except (PatinaError, OSError) as error:
        why = error.message if isinstance(error, PatinaError) else error.strerror or "an error of the system"
        _log.warning("no report %s: %s", asked.id, why)
        ledger.reports.fail(asked.id, why, ledger.outbox.adding(hearing(ledger, replace(asked, problem=why))))
        return
    then = ledger.outbox.adding(hearing(ledger, asked))
    if asked.costs is None:
        ledger.reports.finish(asked.id, checkpoint.size, made, then)
    elif not ledger.reports.finish_costed(asked.id, checkpoint.size, made, told_costs, then=then):
        ledger.reports.give_back(asked.id)  # a cost that it counts was erased meanwhile
