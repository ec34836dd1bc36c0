"""Following the log: each statement once, into the notices that it gives occasion to.

    webhooks    every webhook of a party that the statement concerns, or of a chain above it, that wants its type
    customers   of a step of her case (``statuses``), if an address may be kept and there is a way to tell her
    clocks      each step of a case sets the clocks that run in it (``overdue``), where anybody is told of them

A stretch of the log is read, and its notices are committed with the cursor behind it (``Outbox.put``). While nobody has
a webhook and there is no mail server, the cursor moves and nothing else is done.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from api.levels import concerned
from api.notices import overdue, statuses
from api.roles import family
from api.settings import Settings
from ledger import times
from ledger.db.ledger import Clock, Ledger
from ledger.db.outbox import CUSTOMER, WEBHOOK, Notice, notice_id
from ledger.db.webhooks import DUE, OVERDUE, Webhook
from ledger.leaf import Entry, Statement, parse_leaf

SLICE: Final = 256
"""Leaves of one stretch: some tens of milliseconds."""


@dataclass(frozen=True, slots=True)
class Following:
    """What is needed to look at the log; ``follow`` may be called by several processes at once."""

    ledger: Ledger
    settings: Settings
    clock: Clock

    def follow(self) -> bool:
        """Look at the next stretch of the log; return whether there was one."""
        outbox = self.ledger.outbox
        # The size first: what is recorded after a webhook was added lies beyond it, or is looked at with it.
        position, size = outbox.position()
        if position >= size:
            return False
        webhooks = self.ledger.webhooks.in_force()
        if not webhooks and self.settings.mail is None:
            outbox.put((), (position, size))
            return True
        parties = self.ledger.reader.parties()  # with what other processes recorded
        parents = {one: kept.parent for one, kept in parties.parties.items()}
        hearing = [(one, family(one.party, parents)) for one in webhooks]
        by_mail = self.settings.mail is not None and self.ledger.addresses.is_any_confirmed()
        clocks = by_mail or any(one.wants(OVERDUE) for one in webhooks)
        until = min(size, position + SLICE)
        found: list[Notice] = []
        for _, raw in outbox.leaves(position, until):
            entry = parse_leaf(raw)
            if isinstance(entry, Entry):
                found += self._notices(entry, hearing)
                case = entry.statement.case
                if clocks and case is not None:
                    found += overdue.clocks_of(self.ledger, entry.statement.subjects[0], case, self.clock())
        outbox.put(found, (position, until))
        return True

    def _notices(self, entry: Entry, hearing: Sequence[tuple[Webhook, frozenset[str]]]) -> Iterator[Notice]:
        """The notices of one entry; ``hearing`` are the webhooks, each with the parties that its own party sees."""
        statement = entry.statement
        webhooks = [one for one, _ in hearing]
        since = entry.recorded_at  # nobody hears of what was recorded before it asked to
        wanting = [(one, sees) for one, sees in hearing if one.wants(statement.type) and one.created_at <= since]
        if wanting:
            parties = self._parties(statement)
            yield from (self._to_webhook(entry, one) for one, sees in wanting if not parties.isdisjoint(sees))
        status = statuses.status_of(statement)
        if status is not None:
            yield from self._to_customer(entry, status, webhooks)

    def _to_webhook(self, entry: Entry, webhook: Webhook) -> Notice:
        statement = entry.statement
        at = self._at()
        return Notice(
            id=notice_id(WEBHOOK, webhook.id, statement.id),
            kind=WEBHOOK,
            event=statement.type,
            party=webhook.party,
            made_at=at,
            due_at=at,
            webhook=webhook.id,
            idx=entry.index,
            statement=statement.id,
            subject=statement.subjects[0],
            of_case=statement.case,
        )

    def _to_customer(self, entry: Entry, status: str, webhooks: Sequence[Webhook]) -> Iterator[Notice]:
        statement = entry.statement
        happened, now = times.parse_occurred(statement.occurred_at), self.clock()
        recorded = times.parse_recorded(entry.recorded_at)
        if recorded - happened > statuses.FRESH or now - recorded > statuses.TOO_OLD:
            return
        if self.settings.mail is None and all(one.gateway == "no" for one in webhooks):
            return
        if not self.ledger.outbox.has_contact(statement.subjects[0]):
            return
        is_later = status == "rate"
        yield Notice(
            id=notice_id(CUSTOMER, status, statement.subjects[0], statement.id),
            kind=CUSTOMER,
            event=DUE,
            party=statement.party,
            made_at=times.format_recorded(now),
            due_at=times.format_recorded(max(now, happened + statuses.RATE_AFTER) if is_later else now),
            idx=entry.index,
            statement=statement.id,
            subject=statement.subjects[0],
            of_case=statement.case,
            about=status,
        )

    def _parties(self, statement: Statement) -> frozenset[str]:
        """The parties that a statement concerns: who said it, and whom its subjects concern."""
        found = {statement.party} if statement.grant is None else set()
        for subject in statement.subjects:
            party = subject.partition("#")[0]
            if self.ledger.view.parties.known(party):
                found.add(party)
            found |= concerned(self.ledger.reader.state(subject))
        return frozenset(found)

    def _at(self) -> str:
        return times.format_recorded(self.clock())
