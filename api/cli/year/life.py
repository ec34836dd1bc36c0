"""What happened about one thing, as statements that are not signed yet, in the order in which they were recorded.

`Life.at` is the moment that the plot has come to. `say` puts down a statement of that moment. A shop that is *late*
records it days afterwards, and whatever is said next of this thing stands behind it, as in a book. A holder's statement
names the statement by which its key became the holder's; whoever signs it (`play`) knows that entry's leaf hash.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Any
from zoneinfo import ZoneInfo

from api.cli.year.goods import Good
from ledger import times
from ledger.times import DAY, HOUR, MINUTE, SECOND

HOLDER = ""
"""Who speaks where the holder does."""
LATE_SHARE = 0.02
_OPENS, _CLOSES = 9 * HOUR, 18 * HOUR
_THURSDAY = 3
"""The day of 1970-01-01, counted from Monday."""
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@lru_cache(maxsize=4096)
def _offset_of(zone: ZoneInfo, day: int) -> int:
    offset = (_EPOCH + timedelta(days=day, hours=12)).astimezone(zone).utcoffset()
    assert offset is not None
    return offset // timedelta(microseconds=1)


@dataclass(frozen=True, slots=True)
class Shop:
    """A shop of the year: its part, brand, zone, days (0 is Monday) on which it is open, staff and goods."""

    part: str
    brand: str
    zone: ZoneInfo
    days: tuple[int, ...]
    staff: tuple[str, ...]
    goods: tuple[Good, ...]
    currency: str
    makes: bool
    """Whether it makes what it sells."""

    def offset(self, at: int) -> int:
        """Microseconds by which its clocks are ahead of UTC on the day of a moment."""
        return _offset_of(self.zone, at // DAY)

    def text(self, at: int) -> str:
        """A moment by its clocks, as statements write it."""
        minutes = self.offset(at) // MINUTE
        zone = f"{'-' if minutes < 0 else '+'}{abs(minutes) // 60:02d}:{abs(minutes) % 60:02d}"
        return times.format_recorded(at + minutes * MINUTE)[:19] + zone

    def date(self, at: int) -> str:
        """The date of a moment by its clocks."""
        return self.text(at)[:10]

    def open_at(self, at: int, rand: random.Random) -> int:
        """The moment, or one in the first hour and a half of its next day of work."""
        offset = self.offset(at)
        day, clock = divmod(at + offset, DAY)
        if (day + _THURSDAY) % 7 in self.days and _OPENS <= clock < _CLOSES:
            return at
        if clock >= _OPENS:
            day += 1
        while (day + _THURSDAY) % 7 not in self.days:
            day += 1
        return day * DAY + _OPENS - offset + rand.randrange(90 * 60) * SECOND


@dataclass(slots=True)
class Said:
    """A statement that waits to be signed: `recorded` is when it reaches the ledger, at the earliest.

    `signer` is the label of a holder's key, "" for the party's own; `beside` that of a new key that signs too, and
    `grant` the statement that made the holder's key the holder's. `private` members are disclosed and kept.
    """

    recorded: int
    who: str
    value: dict[str, Any]
    signer: str = ""
    beside: str = ""
    grant: str = ""
    private: dict[str, Any] = field(default_factory=dict)


@dataclass(slots=True)
class Holding:
    """The label of the key that speaks for a holder now, and the statement that named it."""

    key: str
    named_by: str


@dataclass(slots=True)
class Life:
    """One thing and its cases; `made` gives the id of something named, `parties` those of the parts."""

    name: str
    rand: random.Random
    shop: Shop
    at: int
    made: Callable[[str], str]
    parties: dict[str, str]
    said: list[Said] = field(default_factory=list)
    item: str = ""
    case: str = ""
    fault: int = 0
    cases: int = 0
    recorded: int = 0
    weight_mg: int = 0
    good: Good = field(init=False)
    holdings: dict[str, Holding] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Choose the thing that this life is about."""
        self.good = self.rand.choice(self.shop.goods)
        self.weight_mg = self.good.weight_mg

    # Time.

    def wait(self, least: int, most: int) -> None:
        """Let a while pass, between two lengths and nearer the shorter one, in which the shop need not be open."""
        self.at += int(self.rand.triangular(least, most, least))

    def work(self, least: int, most: int) -> None:
        """Let a while pass, and then until the shop is open."""
        self.wait(least, most)
        self.at = self.shop.open_at(self.at, self.rand)

    def chance(self, share: float) -> bool:
        """True in this share of lives."""
        return self.rand.random() < share

    # Words.

    def say(self, who: str, kind: str, details: dict[str, Any], **more: Any) -> str:
        """Put down a statement about the item, in the case if one is open; return its id.

        `more` may name `about` (subjects), `agent`, `corrects`, `private`, and `alone` for one outside any case.
        """
        number = len(self.said)
        about = more.pop("about", None) or [self.item]
        value = {
            "id": self.made(f"{self.name} said {number}"),
            "type": kind,
            "subjects": about,
            "party": self.parties[who],
            "occurred_at": self.shop.text(self.at),
            "details": details,
        }
        if self.case and not more.pop("alone", False):
            value["case"] = self.case
        private = more.pop("private", {})
        value |= more
        self._put(Said(self.at, who, value, private=private))
        if "holder_key" in details:
            self.holdings[about[-1]] = Holding(details["holder_key"], str(value["id"]))
        return str(value["id"])

    def hold(self, kind: str, details: dict[str, Any], *, about: str = "", **more: Any) -> str:
        """The same by whoever holds the item, or the case that `about` is; names no new key."""
        subject = about or self.item
        holding = self.holdings[subject]
        value = {
            "id": self.made(f"{self.name} said {len(self.said)}"),
            "type": kind,
            "subjects": [subject],
            "party": subject,
            "occurred_at": self.shop.text(self.at),
            "details": details,
        }
        if self.case and kind.startswith("case."):
            value["case"] = self.case
        named = details.get("holder_key", "")
        self._put(Said(self.at, HOLDER, value | more, signer=holding.key, beside=named, grant=holding.named_by))
        if named:
            self.holdings[subject] = Holding(named, str(value["id"]))
        return str(value["id"])

    def key(self, custody: str) -> dict[str, str]:
        """The details that name a new key of a holder; its label stands in the place of its did:key."""
        return {"holder_key": f"{self.name} key {len(self.said)}", "holder_custody": custody}

    def _put(self, said: Said) -> None:
        late = said.who == self.shop.part and self.chance(LATE_SHARE)
        if late:
            said.recorded += self.rand.randrange(26 * HOUR, 6 * DAY)
        self.recorded = said.recorded = max(self.recorded, said.recorded)
        self.said.append(said)
