"""Plays a year into a ledger: merges the lives by the time at which each statement is recorded, signs, appends.

A batch holds what was recorded within ten minutes (`window`), or five hundred statements, and its time is that of the
last of them. A holder's statement whose key was named in the same batch waits for the next one, because it needs the
leaf hash of the entry that named it, and what else is said of that thing waits behind it. On quiet days the log sleeps.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from heapq import heappop, heappush
from typing import Any

from msgspec.structs import replace

from api.cli import folder
from api.cli.demo_cast import Cast
from api.cli.year import plots, trade
from api.cli.year.life import HOLDER, Life, Said
from api.cli.year.trade import ALL_PARTS, OPERATOR, SHOPS, SIZE
from ledger import private, times, uri
from ledger.db.append import Draft
from ledger.dsse import SigningKey
from ledger.errors import PatinaError
from ledger.merkle import leaf_hash
from ledger.times import DAY, HOUR, MINUTE

STOCK = 70 * DAY
"""Before the year begins: the parties are there, their standards adopted, and nothing is sold yet."""
YEAR = 365 * DAY
WINDOW = 10 * MINUTE
BATCH = 500

Advance = Callable[[int], None]


@dataclass(slots=True)
class Clock:
    """The time of a ledger that is being played into, in µs; set by the player."""

    now: int

    def __call__(self) -> int:
        """The time that it was set to."""
        return self.now


@dataclass(slots=True)
class Player:
    """Signs statements and appends them. `cast` has the ids and keys of a ledger's demo; `clock` is that ledger's."""

    cast: Cast
    clock: Clock
    advance: Advance = field(default=lambda _: None)
    window: int = WINDOW
    story: list[tuple[int, Callable[[], None]]] = field(default_factory=list)
    """What else is said in the year, earliest first: when, in µs, and how."""
    statements: int = 0
    cases: int = 0
    _keys: dict[str, SigningKey] = field(default_factory=dict, repr=False)
    _leaves: dict[str, str] = field(default_factory=dict)
    """The leaf hashes of the entries that named a holder's key, by statement."""
    _batch: list[tuple[Said, Draft]] = field(default_factory=list)
    _naming: set[str] = field(default_factory=set)
    _waiting: list[Said] = field(default_factory=list)
    _behind: set[str] = field(default_factory=set)
    """The things of which something waits for the next batch."""
    _size: int = 2
    """Of the log after the last batch: its last entry and the seal that closes it."""
    _first: int = 0
    _last: int = 0

    def play(self, seed: str, lives: int, end: int) -> None:
        """Tell the year of so many lives that ends at this moment; what would be recorded later is left out.

        May be stopped anywhere and run again: the ledger answers with what stands there already.
        """
        start = end - YEAR
        self._begin(end - YEAR - STOCK)
        for said in self._merged(seed, lives, start, end):
            while self.story and self.story[0][0] <= said.recorded:
                self._tell(*self.story.pop(0))
            self._take(said)
        for told in self.story:
            self._tell(*told)
        while self._batch:
            self._flush()
        self._set(end)
        if self.cast.ledger.view.tip.head.recorded_at < times.format_recorded(end):
            self.cast.ledger.writer.seal(force=True)

    def _set(self, at: int) -> None:
        """Set the clock, which is right however long the last leaf is ago: on quiet days nobody says anything."""
        self.clock.now = self._last = at
        self.cast.ledger.writer.accept_clock = True

    def _begin(self, at: int) -> None:
        """Register every part with its key, and tell the demo who they are."""
        self._set(at)
        ledger = self.cast.ledger
        operator = ledger.access.party_signer(ledger.operator)
        assert operator is not None, "a ledger keeps its operator's first key"
        self.cast.keys[OPERATOR] = operator
        for part, one in ALL_PARTS.items():
            party, key = self.cast.new_id(part), self.cast.made_key(part)
            self.cast.keys[part] = key
            about = [uri.authority_of(party)]
            self._say_now("party.registered", about, trade.registration(part), [operator])
            if not one.own:
                self._kept_key(party, part)
            custody = {"key": key.did, "custody": "self" if one.own else "ledger"}
            self._say_now("key.added", about, custody, [operator, key])

    def _kept_key(self, party: str, label: str) -> SigningKey:
        """A party's key, in the ledger's custody: put there unless a run that was stopped has."""
        access, key = self.cast.ledger.access, self.cast.made_key(label)
        return access.kept_signer(key.did) or access.keep_party_key(party, self.cast.made_seed(label))

    def _say_now(self, kind: str, about: list[str], details: dict[str, Any], keys: list[SigningKey]) -> None:
        value = {
            "id": self.cast.new_id(f"{kind} {about[0]}"),
            "type": kind,
            "ledger": self.cast.ledger.id,
            "subjects": about,
            "party": self.cast.ledger.operator,
            "occurred_at": SHOPS["jeweller"].text(self.clock.now),
            "details": details,
        }
        folder.say(self.cast.ledger, folder.draft(value, keys))
        self.statements += 1

    def _merged(self, seed: str, count: int, start: int, end: int) -> Iterator[Said]:
        """Everything that is said, in the order of recording; of each life as it begins."""
        waiting: list[tuple[int, int, int, list[Said]]] = []
        for number, life in enumerate(self._trade(seed, start, end), -100):
            heappush(waiting, (life.said[0].recorded, number, 0, life.said))
        begins = iter(plots.begins(seed, count, start, end))
        following = next(begins, None)
        while waiting or following is not None:
            if following is not None and (not waiting or following[0] <= waiting[0][0]):
                said = self._life(seed, *following).said
                heappush(waiting, (said[0].recorded, following[1], 0, said))
                self.advance(1)
                following = next(begins, None)
                continue
            recorded, number, place, said = heappop(waiting)
            if recorded >= end:
                continue
            yield said[place]
            if place + 1 < len(said):
                heappush(waiting, (said[place + 1].recorded, number, place + 1, said))

    def _life(self, seed: str, at: int, number: int) -> Life:
        plot, part = plots.plot_of(number)
        life = self._new_life(f"life {number}", seed, part, at)
        life.fault = number // len(plots.PLOTS)
        plot(life)
        return life

    def _trade(self, seed: str, start: int, end: int) -> Iterator[Life]:
        """What happens beside the lives."""
        first = self._new_life("adoptions", seed, "jeweller", start - STOCK + HOUR)
        years = range(_year(start - STOCK), _year(end + 30 * DAY) + 1)
        trade.adoptions(first, years)
        yield first
        for part in SHOPS:
            life = self._new_life(f"business of {part}", seed, part, start - 40 * DAY)
            trade.business(life, end)
            yield life
        theft = self._new_life("stolen key", seed, "workshop", start + 220 * DAY)
        trade.stolen_key(theft)
        yield theft

    def _new_life(self, name: str, seed: str, part: str, at: int) -> Life:
        parties = {one: self.cast.new_id(one) for one in ALL_PARTS} | {OPERATOR: self.cast.ledger.operator}
        rand = random.Random(f"{name} {seed}")  # noqa: S311 -- a story, not a secret
        return Life(f"year {name}", rand, SHOPS[part], at, self.cast.new_id, parties)

    # Signing and appending.

    def _take(self, said: Said) -> None:
        while self._batch and (len(self._batch) >= BATCH or said.recorded > self._first + self.window):
            self._flush()
        thing = said.value["subjects"][0]
        if said.grant in self._naming or thing in self._behind:
            self._waiting.append(said)
            self._behind.add(thing)
            return
        if not self._batch:
            self._first = said.recorded
        self._last = max(self._last, said.recorded)
        self._batch.append((said, self._draft(said)))
        if said.value["type"] == "case.opened":
            self.cases += 1

    def _tell(self, at: int, say: Callable[[], None]) -> None:
        """Let somebody else say something, at its time or as soon as the ledger is there."""
        while self._batch:
            self._flush()
        self._set(max(self._last, at))
        say()

    def _draft(self, said: Said) -> Draft:
        """The statement signed, with what its placeholders stand for."""
        value = {**said.value, "ledger": self.cast.ledger.id}
        details = value["details"]
        if "holder_key" in details:
            value["details"] = details | {"holder_key": self._holder_key(details["holder_key"]).did}
            self._naming.add(value["id"])
        elif value["type"].startswith("key."):
            value["details"] = details | {"key": self.cast.made_key(details["key"]).did}
        elif details.get("checkpoint") == SIZE:
            value["details"] = details | {"checkpoint": self._size}
        if said.who != HOLDER:
            return self._by_party(said, value)
        value["grant"] = self._leaves[said.grant]
        keys = [said.signer, said.beside] if said.beside else [said.signer]
        return folder.draft(value, [self._holder_key(label) for label in keys])

    def _by_party(self, said: Said, value: dict[str, Any]) -> Draft:
        keys = [self.cast.keys[said.who]]
        if value["type"] == "key.added":
            label = said.value["details"]["key"]
            part = label.partition(" ")[0]
            self.cast.keys[part] = self._kept_key(self.cast.new_id(part), label)
            keys.append(self.cast.keys[part])
        if not said.private:
            return folder.draft(value, keys)
        return self._private(said, value, keys)

    def _private(self, said: Said, value: dict[str, Any], keys: list[SigningKey]) -> Draft:
        """The same with private members, whose salts come from the seed as all else does."""
        salts = random.Random(self.cast.made_seed(value["id"])).randbytes  # noqa: S311 -- the seed is the secret
        disclosures = private.make_disclosures(value["type"], said.private, salts)
        value |= {"_sd": list(private.make_digests(value["type"], disclosures, salts)), "_sd_alg": "sha-256"}
        seal = self.cast.ledger.vault.sealer(value["id"], said.private, disclosures)
        return replace(folder.draft(value, keys), seal=seal)

    def _holder_key(self, label: str) -> SigningKey:
        key = self._keys.get(label)
        if key is None:
            key = self._keys[label] = self.cast.made_key(label)
        return key

    def _flush(self) -> None:
        """Append the batch at the time of its last statement."""
        if not self._batch:
            return
        self._set(self._last)
        outcomes = folder.write(self.cast.ledger, [[draft] for _, draft in self._batch])
        for (said, _), (outcome,) in zip(self._batch, outcomes, strict=True):
            if isinstance(outcome, PatinaError):
                raise outcome
            self._size = outcome.index + 2
            if said.value["id"] in self._naming:
                self._leaves[said.value["id"]] = leaf_hash(outcome.entry).hex()
        self.statements += len(self._batch)
        self._batch.clear()
        self._naming.clear()
        self._behind.clear()
        waiting, self._waiting = self._waiting, []
        for said in waiting:
            self._take(said)


def _year(at: int) -> int:
    return datetime.fromtimestamp(at // 1_000_000, UTC).year
