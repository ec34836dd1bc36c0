"""Webhooks: where a party wants to hear of what happens, which events, and the secret that signs them.

A secret is 32 random bytes, shown once as the Standard Webhooks form writes it (``whsec_`` and base64) and kept wrapped
by the master key. After a rotation both secrets sign, until a time that is said, so that a receiver can change over
without losing anything. A webhook that was disabled stays to be seen, and hears nothing more.

Events are types of statements, ``case.*`` for all that begin so, ``*`` for all; ``case.overdue`` besides. Being the
*gateway* of a shop, which is sent customers' addresses (``notice.due``), is asked for apart.
"""

from __future__ import annotations

import re
from base64 import b64encode
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from sqlalchemy import insert, select, update

from ledger import times
from ledger.db.outbox_tables import webhook
from ledger.db.rows import Rows, check_line, is_row_id
from ledger.db.secret import KEY_BYTES, KeyKeeper
from ledger.errors import Invalid, Refused

MAX_WEBHOOKS: Final = 20
"""Of one party in force: each makes a row for an event."""
MAX_EVENTS: Final = 64
MAX_LABEL: Final = 200
OVERLAP: Final = times.DAY
"""How long the old secret goes on signing unless it is said."""
LONGEST_OVERLAP: Final = 30 * times.DAY
OVERDUE: Final = "case.overdue"
TEST: Final = "webhook.test"
DUE: Final = "notice.due"
GATEWAYS: Final = ("no", "without_email", "always")
"""Whether customers are told by this webhook: never, where there is no e-mail address, or instead of e-mail."""
_EVENT = re.compile(r"\*|[a-z]{1,32}\.(\*|[a-z_]{1,32})")


@dataclass(frozen=True, slots=True)
class Webhook:
    """Where a ``party`` hears of ``events``; ``why`` it was disabled, if it was not by hand."""

    id: str
    party: str
    url: str
    events: tuple[str, ...]
    gateway: str
    label: str
    created_at: str
    disabled_at: str | None
    why: str | None

    def wants(self, event: str) -> bool:
        """Whether it is to hear of an event."""
        return any(one in {"*", event, f"{event.partition('.')[0]}.*"} for one in self.events)


@dataclass(frozen=True, slots=True)
class Secrets:
    """The secrets that sign now, the newest first."""

    keys: tuple[bytes, ...] = field(repr=False)


def format_secret(key: bytes) -> str:
    """A secret as it is shown."""
    return "whsec_" + b64encode(key).decode()


def webhook_identity(webhook_id: str) -> bytes:
    """The row that wrapped secrets belong to."""
    return b"webhook/" + webhook_id.encode()


def check_events(events: Sequence[str]) -> tuple[str, ...]:
    """The events, each once and in order; raises ``Invalid``."""
    for number, event in enumerate(events):
        if _EVENT.fullmatch(event) is None or event in {DUE, TEST}:
            raise Invalid(f"got {event[:80]!r}, want a type of statement, case.* or *", f"/events/{number}")
    if len(events) > MAX_EVENTS:
        raise Invalid(f"got {len(events)} events, want at most {MAX_EVENTS}", "/events")
    return tuple(sorted(set(events)))


class Webhooks:
    """The webhooks of all parties."""

    def __init__(self, rows: Rows, master: KeyKeeper) -> None:
        self._rows, self._master = rows, master

    def add(
        self, party: str, url: str, events: Sequence[str], *, gateway: str = GATEWAYS[0], label: str = ""
    ) -> tuple[Webhook, str]:
        """Add a webhook; it, and its secret, shown only now.

        ``url`` was looked at by whoever will call it. Raises ``Invalid``, and ``Refused`` for more than twenty.
        """
        check_line(label, MAX_LABEL, "/label")
        named = " ".join(check_events(events))
        webhook_id, key = self._rows.rand(8).hex(), self._rows.rand(KEY_BYTES)
        values = {
            "id": webhook_id, "party": party, "url": url, "events": named, "gateway": gateway, "label": label,
            "wrapped": self._master.wrap(key, webhook_identity(webhook_id)), "created_at": self._rows.now(),
        }  # fmt: skip
        with self._rows.writing() as connection:
            mine = select(webhook.c.id).where(webhook.c.party == party, webhook.c.disabled_at.is_(None))
            if len(connection.execute(mine).all()) >= MAX_WEBHOOKS:
                raise Refused(f"this party has {MAX_WEBHOOKS} webhooks; disable one first")
            connection.execute(insert(webhook).values(**values))
        found = self.get(webhook_id)
        assert found is not None, "it was made just now"
        return found, format_secret(key)

    def get(self, webhook_id: str) -> Webhook | None:
        """The webhook of this id, also a disabled one."""
        rows = self._rows.read(select(webhook).where(webhook.c.id == webhook_id)) if is_row_id(webhook_id) else []
        return _webhook(rows[0]) if rows else None

    def of(self, party: str | None = None) -> list[Webhook]:
        """The webhooks of a party, or of all, also disabled ones, oldest first."""
        query = select(webhook).order_by(webhook.c.created_at, webhook.c.id)
        return [_webhook(row) for row in self._rows.read(query if party is None else query.where(_of(party)))]

    def in_force(self) -> list[Webhook]:
        """The webhooks of all parties that hear of things, oldest first."""
        query = select(webhook).where(webhook.c.disabled_at.is_(None))
        return [_webhook(row) for row in self._rows.read(query.order_by(webhook.c.created_at, webhook.c.id))]

    def change(self, webhook_id: str, *, events: Sequence[str] | None, gateway: str | None, label: str | None) -> None:
        """Change what is not ``None``; raises ``Invalid``."""
        values: dict[str, Any] = {}
        if events is not None:
            values["events"] = " ".join(check_events(events))
        if gateway is not None:
            values["gateway"] = gateway
        if label is not None:
            values["label"] = check_line(label, MAX_LABEL, "/label")
        if values:
            self._rows.write(update(webhook).where(webhook.c.id == webhook_id).values(**values))

    def disable(self, webhook_id: str, why: str | None = None) -> bool:
        """Let a webhook hear nothing more; return whether it was in force."""
        in_force = webhook.c.id == webhook_id, webhook.c.disabled_at.is_(None)
        return self._rows.write(update(webhook).where(*in_force).values(disabled_at=self._rows.now(), why=why)) == 1

    def rotate(self, webhook_id: str, until: int | None = None) -> str:
        """A new secret, shown only now; the one before signs as well, for a day or ``until``.

        Raises ``Invalid`` for an end that is past or more than thirty days away, ``Refused`` for a disabled webhook.
        """
        now = self._rows.clock()
        until = now + OVERLAP if until is None else until
        if not now <= until <= now + LONGEST_OVERLAP:
            raise Invalid("want an end of the old secret that is to come, within thirty days", "/until")
        key = self._rows.rand(KEY_BYTES)
        with self._rows.writing() as connection:
            query = select(webhook.c.wrapped).where(webhook.c.id == webhook_id, webhook.c.disabled_at.is_(None))
            rows = connection.execute(query.with_for_update()).all()
            if not rows:
                raise Refused("this webhook is disabled")
            identity = webhook_identity(webhook_id)
            both = key + self._master.unwrap(rows[0].wrapped, identity)[:KEY_BYTES]
            values = {"wrapped": self._master.wrap(both, identity), "before_until": times.format_recorded(until)}
            connection.execute(update(webhook).where(webhook.c.id == webhook_id).values(**values))
        return format_secret(key)

    def secrets(self, webhook_id: str) -> Secrets | None:
        """The secrets that sign for a webhook now; ``None`` if it is disabled."""
        query = select(webhook.c.wrapped, webhook.c.before_until)
        rows = self._rows.read(query.where(webhook.c.id == webhook_id, webhook.c.disabled_at.is_(None)))
        if not rows:
            return None
        keys = self._master.unwrap(rows[0].wrapped, webhook_identity(webhook_id))
        both = rows[0].before_until is not None and self._rows.now() < rows[0].before_until
        return Secrets((keys[:KEY_BYTES], keys[KEY_BYTES:]) if both else (keys[:KEY_BYTES],))


def _of(party: str) -> Any:
    return webhook.c.party == party


def _webhook(row: Any) -> Webhook:
    return Webhook(
        id=row.id,
        party=row.party,
        url=row.url,
        events=tuple(row.events.split()),
        gateway=row.gateway,
        label=row.label,
        created_at=row.created_at,
        disabled_at=row.disabled_at,
        why=row.why,
    )
