"""Somebody to tell: a customer with a case in a shop, receivers that are in this process, and what they were told."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from email.message import EmailMessage
from ipaddress import ip_network
from typing import Any

from api.limits import Networks
from api.notices.follow import Following
from api.notices.sending import Sending
from api.smtp import Mail
from ledger.db.outbox import Notice
from ledger.db.webhooks import Webhook
from tests.build import uuid
from tests.shop import RING, Party, Shop

CASE = uuid("her case")
ADA = {"name": "Ada Example", "phone": "+1 202 555 0100", "email": "ada@example.org"}
LOOPBACK = (ip_network("127.0.0.0/8"),)
MAIL = Mail("127.0.0.1", 25, "care@shop.example")
OPENED = {"kind": "repair", "channel": "store", "issue": "quality"}


@dataclass
class Post:
    """Takes what webhooks would be sent, and answers with the next of ``answers``, or 200."""

    calls: list[tuple[str, Any, dict[str, str], bytes]] = field(default_factory=list)
    answers: list[int | Exception] = field(default_factory=list)

    async def __call__(self, url: str, body: bytes, headers: Mapping[str, str], _: Networks) -> int:
        self.calls.append((url, json.loads(body), dict(headers), body))
        answer = self.answers.pop(0) if self.answers else 200
        if isinstance(answer, Exception):
            raise answer
        return answer

    @property
    def types(self) -> list[str]:
        return [said["type"] for _, said, _, _ in self.calls]


@dataclass
class HandIn:
    """Takes what would be mailed, or raises the next of ``errors``."""

    messages: list[EmailMessage] = field(default_factory=list)
    errors: list[Exception] = field(default_factory=list)

    def __call__(self, _: Mail, message: EmailMessage) -> None:
        if self.errors:
            raise self.errors.pop(0)
        self.messages.append(message)

    @property
    def subjects(self) -> list[str]:
        return [str(message["Subject"]) for message in self.messages]


def tell(shop: Shop, post: Post | None = None, hand_in: Any = None) -> int:
    """Follow the log to its end and send what is due; how many notices were tried."""
    site = shop.app.state.site
    following = Following(shop.ledger, site.settings, shop.clock)
    while following.follow():
        pass
    sending = Sending(shop.ledger, site.settings, shop.clock, post or Post(), hand_in or HandIn())

    async def send() -> int:
        count = 0
        while some := await sending.send_due():
            count += some
        return count

    return asyncio.run(send())


def hook(shop: Shop, party: Party, *events: str, gateway: str = "no", url: str = "https://example.org/in") -> Webhook:
    """A webhook of a party."""
    return shop.ledger.webhooks.add(party.id, url, events, gateway=gateway)[0]


def notices(shop: Shop, **wanted: Any) -> list[Notice]:
    """The notices that there are, newest first."""
    return shop.ledger.outbox.list(None, **wanted)[0]


def states(shop: Shop) -> dict[str, tuple[str, str | None]]:
    """State and reason of the customers' notices, by status."""
    return {str(one.about): (one.state, one.failure) for one in notices(shop) if one.kind == "customer"}


def opened(shop: Shop, party: Party, customer: Any = None, *, case: str = CASE, item: str = RING) -> dict[str, Any]:
    """Register the item unless it is, and open a case with a customer; the statement."""
    if shop.ledger.reader.state(item) is None:
        shop.say(party, "item.registered", item, {"name": "Ring", "category": "jewellery"})
    statement = shop.statement(party, "case.opened", item, OPENED, case=case)
    body = {"statement": statement, "private": {"customer": ADA if customer is None else customer}}
    answer = shop.post("/v1/statements", body, party)
    assert answer.status_code == 201, answer.text
    return statement


def step(shop: Shop, party: Party, kind: str, *, case: str = CASE, item: str = RING, **details: Any) -> Any:
    """Say a step of the case."""
    return shop.say(party, kind, item, details, case=case)


def taken_in(shop: Shop, party: Party, **customer: str) -> None:
    """A case whose item was taken in two hours after it was opened."""
    opened(shop, party, ADA | customer if customer else None)
    shop.clock.pass_hours(2)
    step(shop, party, "case.received", evidence={"weight": "3.42 g"}, condition=["worn"])


def handed_over(shop: Shop, party: Party) -> None:
    """Work is done, and the item goes back to its owner."""
    step(shop, party, "repair.completed", work=["polished"], tests=[])
    step(shop, party, "case.handed_over", check="id", evidence={"weight": "3.42 g"})
