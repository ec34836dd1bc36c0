"""Who speaks in the demo, and how its story (demo_story.json) becomes statements.

The story is a list of items, each with its steps in the order they happened::

    ["jeweller", "item.sold", 380, "15:12", {"channel": "store", "holder_key": "$key ring receipt", …}, {"case": …}]

that is: who says it (a part of `PARTS`, or ``holder``), the type, how many days before the first run and at what hour
of the speaker's own, the details, and what else the statement has. In details ``$key``, ``$at``, ``$date`` and
``$item`` stand for a holder's key, a moment, a date and another item's id. Nothing in them is personal.

Loading can be stopped anywhere and run again. Everything is made from one kept seed (ids, the keys of holders, the
moment of the first run), so a second run says the same statements with the same bytes, and the ledger answers with the
entries that stand there already.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from hashlib import sha256
from pathlib import Path
from typing import Any
from uuid import UUID

from api.cli import folder
from api.cli.open_repair import name_uuid
from api.cli.parties import register
from ledger import times
from ledger.db.ledger import Ledger
from ledger.dsse import SigningKey
from ledger.merkle import leaf_hash

STORY = Path(__file__).with_name("demo_story.json")
HOLDER = "holder"
HOLDERS_ZONE = "+08:00"


@dataclass(frozen=True, slots=True)
class Part:
    """A party of the demo: its name, roles, country and offset from UTC; ``own`` if it keeps its own key."""

    name: str
    roles: tuple[str, ...]
    country: str
    zone: str
    own: bool = False


PARTS = {
    "jeweller": Part("晨光珠宝 Morning Light Jewellery", ("retailer", "repairer"), "CN", "+08:00"),
    "furniture": Part("Alder & Oak Furniture", ("manufacturer", "retailer", "repairer"), "GB", "Z"),
    "workshop": Part("通达电子维修 Tongda Electronics Repair", ("retailer", "repairer"), "CN", "+08:00"),
    "laboratory": Part("Helvetia Gem Laboratory", ("certifier",), "CH", "+01:00", own=True),
    "carrier": Part("Alongway Parcel 顺路快递", ("carrier",), "GB", "Z", own=True),
}


@dataclass(frozen=True, slots=True)
class Holding:
    """The key that speaks for an item's holder, and the leaf hash of the entry that named it."""

    key: SigningKey = field(repr=False)
    grant: str


@dataclass(slots=True)
class Cast:
    """The parties and holders of the demo in one ledger; `seed` is secret, `now` the moment of the first run."""

    ledger: Ledger
    seed: bytes = field(repr=False)
    now: datetime
    items: dict[str, str] = field(default_factory=dict)
    """The ids of the story's items by their names."""
    keys: dict[str, SigningKey] = field(default_factory=dict, repr=False)
    holdings: dict[str, Holding] = field(default_factory=dict)

    def party(self, part: str) -> str:
        """The id of a part's party, registered with its key on first asking."""
        party = self.new_id(part)
        if part not in self.keys:
            one = PARTS[part]
            details = {"name": one.name, "roles": list(one.roles), "country": one.country}
            self.keys[part] = register(self.ledger, party, details, self.made_key(part) if one.own else None)
        return party

    def steps(self, story: Sequence[dict[str, Any]]) -> list[tuple[int, Callable[[], None]]]:
        """When each step of a story happened, in µs, and how to say it, earliest first."""
        found = []
        for item in story:
            for step in item["steps"]:
                who, _, days, clock = step[:4]
                zone = HOLDERS_ZONE if who == HOLDER else PARTS[who].zone
                at = times.parse_occurred(self._at(days, clock, zone))
                found.append((at, partial(self._say, item["name"], *step)))
        return sorted(found, key=lambda one: one[0])

    def tell(self, item: dict[str, Any]) -> str:
        """Say the steps of one item of the story; return the item's id."""
        for step in item["steps"]:
            self._say(item["name"], *step)
        return self.items[item["name"]]

    def _say(self, name: str, *step: Any) -> None:
        who, kind, days, clock, details = step[:5]
        more = dict(step[5]) if len(step) > 5 else {}
        item = self.items[more.pop("item", name)]
        holding = self.holdings.get(item)
        speaks_for_holder = who == HOLDER and holding is not None
        zone = HOLDERS_ZONE if speaks_for_holder else PARTS[who].zone
        value = {
            "id": self.new_id(more.pop("id", f"{kind} {item} {days} {clock}")),
            "type": kind,
            "ledger": self.ledger.id,
            "subjects": [item, *([self.items[more.pop("also")]] if "also" in more else [])],
            "party": item if speaks_for_holder else self.party(who),
            "occurred_at": self._at(days, clock, zone),
            "details": self._filled(details, zone),
            **{member: self.new_id(given) for member, given in more.items()},
        }
        signers = [self.keys[who]] if holding is None or not speaks_for_holder else [holding.key]
        if holding is not None and speaks_for_holder:
            value["grant"] = holding.grant
        named = details.get("holder_key")
        if kind == "item.claimed":
            signers.append(self.made_key(_words(named)))
        entry = self._append(value, signers)
        if named is not None:
            self.holdings[item] = Holding(self.made_key(_words(named)), entry)

    def _append(self, value: dict[str, Any], signers: Sequence[SigningKey]) -> str:
        """Append one statement, unless it stands there; the leaf hash of its entry, in hex."""
        (accepted,) = folder.say(self.ledger, folder.draft(value, signers))
        return leaf_hash(accepted.entry).hex()

    def new_id(self, name: str) -> str:
        """The urn:uuid of something named, in this ledger."""
        return name_uuid(UUID(bytes=bytes.fromhex(self.ledger.id)[:16]), f"demo: {name}")

    def made_key(self, name: str) -> SigningKey:
        """A key that is not in the ledger's custody."""
        return SigningKey.from_seed(self.made_seed(name))

    def made_seed(self, name: str) -> bytes:
        """32 bytes that only whoever has the demo's seed can make again."""
        return sha256(b"patina demo\n" + self.seed + name.encode()).digest()

    def _filled(self, value: Any, zone: str) -> Any:
        """Details with every word that begins with a dollar sign replaced by what it stands for."""
        match value:
            case dict():
                return {name: self._filled(member, zone) for name, member in value.items()}
            case list():
                return [self._filled(member, zone) for member in value]
            case str() if value.startswith("$"):
                kind, rest = value[1:].split(" ", 1)
                days, _, clock = rest.partition(" ")
                return {
                    "key": lambda: self.made_key(rest).did,
                    "item": lambda: self.items[rest],
                    "date": lambda: self._date(float(days)),
                    "at": lambda: self._at(float(days), clock, zone),
                }[kind]()
        return value

    def _date(self, days: float) -> str:
        """The date so many days before the first run."""
        return (self.now - timedelta(days=days)).date().isoformat()

    def _at(self, days: float, clock: str, zone: str) -> str:
        """A local time so many days before the first run."""
        return f"{self._date(days)}T{clock}:00{zone}"


def _words(placeholder: str) -> str:
    """What stands after the kind of a placeholder: ``ring receipt`` of ``$key ring receipt``."""
    return placeholder.partition(" ")[2]


def read_story(cast: Cast) -> list[dict[str, Any]]:
    """The items of the story, their ids known to the cast; an item without one has a uuid of this ledger."""
    story: list[dict[str, Any]] = json.loads(STORY.read_text("utf-8"))
    cast.items.update({item["name"]: item["id"] or cast.new_id(item["name"]) for item in story})
    return story
