"""Erasing, from what is due to nothing left: the steps of an erasure, each of which may be the last before a crash.

1. the record beside the guard files says what is about to go (``erased_file``);
2. the data keys, and all that they sealed or that was derived from it, are deleted in one transaction;
3. signed ``data.erased`` statements of the operator's say so in the log: which statements, and why, and no content;
4. a new epoch begins, and after a grace the old one's key is deleted (``epochs``);
5. the database gives up what it would keep of deleted rows;
6. the keys files of backups are written anew (``keyfile``).

``work`` takes every step that can be taken now and is called again until it says that nothing is left: by the service's
own job, by ``patina erase``, or by whoever starts after a crash. One process at a time does this.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager

from ledger import leaf, times
from ledger.db import keyfile
from ledger.db.draft import Draft, Row
from ledger.db.epochs import GRACE
from ledger.db.erasures import Destroyed
from ledger.db.founding import new_urn
from ledger.db.guard import others_open
from ledger.db.ledger import Ledger
from ledger.db.views import uuid_bytes
from ledger.dsse import sign_statement
from ledger.errors import PatinaError, Refused, Unavailable
from ledger.leaf import Signature, Statement, parse_leaf
from ledger.types_row import MAX_SUBJECTS

LOCK = "erase.lock"
MAX_STATEMENTS = 500
"""Statements that one ``data.erased`` names: 24 KiB of ids, and a statement may have 32."""
Told = Callable[[str], None]


def work(
    ledger: Ledger,
    now: int,
    rand: Callable[[int], bytes] = os.urandom,
    *,
    grace: int | None = None,
    told: Told = lambda _: None,
) -> bool:
    """Take every step that can be taken now; return whether nothing is left to do before something falls due.

    ``grace`` is how long a new epoch waits before it ends the old one; left out, no time if no other process has the
    ledger open, as far as this machine can tell. ``told`` hears of each step when it is over. Raises ``Unavailable`` or
    ``Refused`` where a step cannot be taken; what was taken stays taken.
    """
    with _alone(ledger) as mine:
        if not mine:
            return False  # another process is at it
        while ledger.erasures.destroy(now, lambda: told("recorded")):
            told("destroyed")
        for group in _groups(ledger.erasures.unsaid(), ledger):
            _say(ledger, group, now, rand)
            told("said")
        epoch = ledger.erasures.unfinished()
        if epoch is None:
            return ledger.epochs.finish(now, _grace(ledger, grace))
        ledger.epochs.begin(epoch, now)
        ledger.vault.forget()
        told("begun")
        if ledger.epochs.oldest() <= epoch and not ledger.epochs.finish(now, _grace(ledger, grace)):
            return False
        ledger.vault.forget()
        told("rolled")
        if not ledger.epochs.scrub():
            return False
        told("scrubbed")
        keyfile.renew_files(ledger.directory, ledger.epochs.rows())
        told("renewed")
        ledger.erasures.done(epoch)
        return True


def operator_can_say(ledger: Ledger) -> None:
    """Raise ``Refused`` unless the operator's key is in this service's custody: without it nothing can be said."""
    if ledger.access.party_signer(ledger.operator) is None:
        raise Refused("the operator's key is not in this service's custody, and only the operator says data.erased")


def _grace(ledger: Ledger, grace: int | None) -> int:
    if grace is not None:
        return grace
    return 0 if ledger.is_sqlite and not others_open(ledger.directory) else GRACE


@contextmanager
def _alone(ledger: Ledger) -> Iterator[bool]:
    file = os.open(ledger.directory / LOCK, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield False
        else:
            yield True
    finally:
        os.close(file)


def _groups(unsaid: Iterable[Destroyed], ledger: Ledger) -> Iterator[tuple[list[Destroyed], list[str]]]:
    """What one statement can say: parts of one erasure, with the first subjects of their statements."""
    group: list[Destroyed] = []
    subjects: dict[str, None] = {}
    statements: set[str] = set()
    for part in unsaid:
        subject = _subject(ledger, part.statement)
        full = len({*subjects, subject}) > MAX_SUBJECTS or len({*statements, part.statement}) > MAX_STATEMENTS
        if group and (full or part.erasure != group[0].erasure):
            yield group, list(subjects)
            group, subjects, statements = [], {}, set()
        group.append(part)
        subjects[subject] = None
        statements.add(part.statement)
    if group:
        yield group, list(subjects)


def _subject(ledger: Ledger, statement_id: str) -> str:
    found = ledger.reader.entry(statement_id)
    entry = None if found is None else parse_leaf(found[1])
    assert isinstance(entry, leaf.Entry), "a part is of a statement in the log"
    return entry.statement.subjects[0]


def _say(ledger: Ledger, group: tuple[list[Destroyed], list[str]], now: int, rand: Callable[[int], bytes]) -> None:
    """Append the ``data.erased`` of a group, and with it the note that it was said."""
    operator_can_say(ledger)
    parts, subjects = group
    key = ledger.access.party_signer(ledger.operator)
    assert key is not None, "just asked"
    statement = Statement(
        id=new_urn(rand),
        type="data.erased",
        subjects=tuple(subjects),
        party=ledger.operator,
        occurred_at=times.format_recorded(now),
        details={"statements": list(dict.fromkeys(part.statement for part in parts)), "why": parts[0].why},
        ledger=ledger.id,
    )
    leaf.check_details(statement)
    body = leaf.statement_bytes(statement)
    entry = uuid_bytes(statement.id)
    rows = tuple(
        Row(
            "erasure_said",
            {"erasure": one.erasure, "statement": uuid_bytes(one.statement), "class": one.number, "entry": entry},
        )
        for one in parts
    )
    draft = Draft(statement, body, (Signature(**sign_statement(body, key)),), rows=rows, verified=True)
    outcome = ledger.writer.append([[draft]])[0][0]
    if isinstance(outcome, PatinaError):
        raise outcome if isinstance(outcome, Unavailable | Refused) else Unavailable(outcome.message)
