"""Sending what is due: each claimed notice once, and what becomes of it.

    told                          sent
    the receiver says 410         its webhook is disabled, what waits for it is dropped
    anything else goes wrong      tried again after ``AFTER``, some three days in all, then given up (``dead``)
    no longer to be told          dropped, with the reason

The waits are those that the Standard Webhooks specification suggests, each longer or shorter by up to a fifth, so that
a receiver that was away is not called by everything at once.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from email.message import EmailMessage
from typing import Final

from api.limits import Networks
from api.notices import egress, events, mail, overdue, reports, shops, telling
from api.notices.egress import NotAllowed, Unreachable
from api.notices.mail import Undelivered
from api.notices.signing import headers_of
from api.notices.telling import ByGateway, ByMail, Dropped
from api.settings import Settings
from api.smtp import Mail
from ledger import times
from ledger.db.connect import AWAY
from ledger.db.ledger import Clock, Ledger
from ledger.db.outbox import CLOCK, CUSTOMER, DEAD, DROPPED, LEASE, SENT, SHOP, WEBHOOK, Notice, notice_id
from ledger.db.webhooks import TEST, Webhook
from ledger.errors import PatinaError
from ledger.leaf import Entry, parse_leaf

AFTER: Final = (5, 300, 1800, 7200, 18_000, 36_000, 50_400, 72_000, 86_400)
"""Seconds after the first, second, … try that failed: 75 hours and a half in all."""
JITTER: Final = 0.2
AT_ONCE: Final = 8
"""Notices that one process sends at the same time."""
LOOK_AGAIN: Final = times.DAY
"""After which a clock that stands still is looked at again, though nothing was said."""
_GONE: Final = 410

Post = Callable[[str, bytes, Mapping[str, str], Networks], Awaitable[int]]
HandIn = Callable[[Mail, EmailMessage], None]

_log = logging.getLogger("patina.api")


@dataclass(frozen=True, slots=True)
class Sending:
    """What is needed to send: ``post`` calls a webhook, ``hand_in`` gives a message to the mail server."""

    ledger: Ledger
    settings: Settings
    clock: Clock
    post: Post = egress.post
    hand_in: HandIn = mail.hand_in

    async def send_due(self) -> int:
        """Send what is due, at most a handful, and return how much that was."""
        due = await asyncio.to_thread(self.ledger.outbox.claim, AT_ONCE)
        customers = [one for one in due if one.kind == CUSTOMER]
        await asyncio.gather(self._in_order(customers), *(self._quietly(one) for one in due if one.kind != CUSTOMER))
        return len(due)

    async def _in_order(self, notices: Sequence[Notice]) -> None:
        """Tell customers one thing after the other, so that two of one case come as they happened.

        Where that takes long the rest is left to be claimed again: nobody sends what another may have claimed since.
        """
        for one in notices:
            if self.clock() < times.parse_recorded(one.held_until or one.due_at) - LEASE // 2:
                await self._quietly(one)
            else:
                await asyncio.to_thread(self.ledger.outbox.retry, one, self.clock(), None, tried=False)

    async def _quietly(self, one: Notice) -> None:
        """Send one; what fails here for reasons of ours is claimed again when its lease is over."""
        senders = {WEBHOOK: self._to_webhook, CUSTOMER: self._to_somebody, SHOP: self._to_somebody, CLOCK: self._clock}
        try:
            await senders[one.kind](one)
        except (PatinaError, *AWAY) as error:
            _log.warning("a notice waits on: %s", getattr(error, "message", type(error).__name__))
        except Exception:  # noqa: BLE001 -- a fault of ours in one stops no other, and is not tried for ever
            _log.exception("the notice %s failed", one.id.hex())
            await self._again(one, "a fault of this service")

    async def _to_webhook(self, one: Notice) -> None:
        webhook = await asyncio.to_thread(self.ledger.webhooks.get, one.webhook or "")
        if webhook is None or webhook.disabled_at is not None:
            await self._settle(one, DROPPED, "the webhook is disabled")
            return
        await self._call(one, webhook, await asyncio.to_thread(self._body, one))

    def _body(self, one: Notice) -> bytes:
        if one.event == TEST:
            return events.test_event(one)
        if one.event in reports.EVENTS:
            asked = self.ledger.reports.get(one.about or "")
            assert asked is not None, "reports are kept"
            return events.report_event(one, asked, self.settings.public_url)
        if one.statement is None:
            return events.overdue_event(one)
        found = self.ledger.reader.entry(one.statement)
        entry = None if found is None else parse_leaf(found[1])
        assert isinstance(entry, Entry), "a statement that was looked at stands in the log"
        return events.statement_event(entry)

    async def _call(self, one: Notice, webhook: Webhook, body: bytes) -> None:
        """Send a body to a webhook, and note what came of it."""
        secrets = await asyncio.to_thread(self.ledger.webhooks.secrets, webhook.id)
        if secrets is None:
            await self._settle(one, DROPPED, "the webhook is disabled")
            return
        headers = headers_of(secrets.keys, events.message_id(one), self.clock() // times.SECOND, body)
        try:
            status = await self.post(webhook.url, body, headers, self.settings.webhooks_to)
        except (NotAllowed, Unreachable) as error:
            await self._again(one, str(error))
            return
        if 200 <= status < 300:
            await self._settle(one, SENT)
        elif status == _GONE:
            await asyncio.to_thread(self._disable, one, webhook)
        else:
            await self._again(one, f"HTTP {status}")

    def _disable(self, one: Notice, webhook: Webhook) -> None:
        why = "the receiver said 410, gone"
        self.ledger.webhooks.disable(webhook.id, why)
        self.ledger.outbox.drop(webhook.id, why)
        if one.kind == CUSTOMER:  # she is told by another way, if there is one
            self.ledger.outbox.retry(one, self.clock(), why, tried=False)

    async def _to_somebody(self, one: Notice) -> None:
        way_of = shops.way_of if one.kind == SHOP else telling.way_of
        way = await asyncio.to_thread(way_of, self.ledger, self.settings, one, self.clock())
        match way:
            case Dropped():
                await self._settle(one, DROPPED, way.why)
            case ByGateway():
                await self._call(one, way.webhook, way.body)
            case ByMail():
                await self._by_mail(one, way)

    async def _by_mail(self, one: Notice, way: ByMail) -> None:
        assert self.settings.mail is not None, "else there is no such way"
        try:
            await asyncio.to_thread(self.hand_in, self.settings.mail, way.message)
        except Undelivered as error:
            if error.for_good:
                await self._settle(one, DEAD, str(error))
            else:
                await self._again(one, str(error))
        else:
            await self._settle(one, SENT)

    async def _clock(self, one: Notice) -> None:
        await asyncio.to_thread(self._look, one)

    def _look(self, one: Notice) -> None:
        """Tell whoever wants to hear that a clock ran out, or look at it again later."""
        outbox, now = self.ledger.outbox, self.clock()
        standing, due = overdue.standing(self.ledger, one, now)
        if standing == "overdue" and due is not None:
            outbox.fire(one, [*self._overdue(one, due, now), *shops.hearing(self.ledger, one, now)])
        elif standing in {"waiting", "on_time", "due_soon"}:
            outbox.retry(one, now + LOOK_AGAIN if due is None else due + times.SECOND, None, tried=False)
        else:
            outbox.settle(one, DROPPED, f"the clock is {standing}")

    def _overdue(self, clock: Notice, due: int, now: int) -> list[Notice]:
        at = times.format_recorded(now)
        return [
            Notice(
                id=notice_id(WEBHOOK, webhook.id, clock.id.hex()),
                kind=WEBHOOK,
                event=clock.event,
                party=webhook.party,
                made_at=at,
                due_at=at,
                webhook=webhook.id,
                subject=clock.subject,
                of_case=clock.of_case,
                about=f"{(clock.about or '').partition(' ')[0]} {times.format_recorded(due)}",
            )
            for webhook in telling.hearing(self.ledger, clock)
        ]

    async def _settle(self, one: Notice, state: str, why: str | None = None) -> None:
        await asyncio.to_thread(self.ledger.outbox.settle, one, state, why)

    async def _again(self, one: Notice, why: str) -> None:
        """Try again later, or give up."""
        if one.tries > len(AFTER):
            await self._settle(one, DEAD, why)
            return
        # A part of the id is as good as chance, and spreads what was put in at once.
        spread = 1 + JITTER * (2 * int.from_bytes(one.id[:2], "big") / 0xFFFF - 1)
        due = self.clock() + int(AFTER[one.tries - 1] * spread * times.SECOND)
        await asyncio.to_thread(self.ledger.outbox.retry, one, due, why)
