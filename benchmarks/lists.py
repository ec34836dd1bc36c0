"""Work lists and searches at size: a million items, two hundred thousand cases, shops and a chain; and the rebuild.

    patina bench --only lists       (eight minutes to write the ledger, two to measure)

The ledger's clock is the benchmark's own and passes a year, so that cases are overdue, due soon, closed. Each list is
asked for a page of 50 rows, the second where there is one, by one shop of forty and by the chain above ten of them; a
figure is the slowest of five tries by the clock, beside the slowest by the processor, which others on the machine
do not move. Not part of a run that names no part.
"""

from __future__ import annotations

import os
import random
import time
from collections.abc import Callable, Iterator
from hashlib import sha256
from pathlib import Path
from typing import Any

from benchmarks.row import Bounds, Row, Scale
from ledger import leaf, times
from ledger.db.caseload import CUSTOMER, Wanted
from ledger.db.draft import Draft
from ledger.db.ledger import Ledger, create_ledger, open_ledger
from ledger.db.rebuild import rebuild
from ledger.db.secret import MasterKey
from ledger.dsse import SigningKey, sign_statement
from ledger.errors import PatinaError
from ledger.leaf import Signature, Statement
from ledger.standards import template

COMMIT = 1000
SHOPS = 40
CHAIN = 10
"""So many of the shops have the first one above them."""
MOST_MS = 50.0
TRIES = 5
SEED = 4
_YEAR = 365 * times.DAY
_THINGS = ("ring 戒指", "necklace 项链", "watch 手表", "chair 椅子", "kettle 水壶", "lamp 台灯")
_KINDS = ("gold 黄金", "silver 银", "oak 橡木", "steel 不锈钢", "rose 玫瑰", "jade 翡翠", "pearl 珍珠")
_EVIDENCE: dict[str, Any] = {"evidence": {"weight_g": "3.62"}}
_DONE: tuple[tuple[str, dict[str, Any]], ...] = (
    ("case.responded", {}),
    ("case.received", _EVIDENCE),
    ("repair.completed", {"work": ["solder"], "tests": [{"name": "pull", "result": "pass"}]}),
    ("case.handed_over", {"check": "id", **_EVIDENCE}),
    ("case.closed", {"outcome": "resolved"}),
)
MASTER = MasterKey(bytes(range(32)))


def _uuid(name: str) -> str:
    text = sha256(name.encode()).hexdigest()
    return f"urn:uuid:{text[:8]}-{text[8:12]}-8{text[13:16]}-8{text[17:20]}-{text[20:32]}"


SHOP = [_uuid(f"shop {number}") for number in range(SHOPS)]


class Year:
    """The ledger that is measured; its clock is set with what is said."""

    def __init__(self, directory: Path, url: str | None = None) -> None:
        self.directory = directory
        self.url = url or f"sqlite:///{(directory / 'ledger.sqlite3').resolve()}"
        self.now = times.parse_recorded("2026-01-01T08:00:00.000Z")
        self.key = SigningKey.from_seed(sha256(b"bench").digest())
        self._count = 0
        self._waiting: list[Draft] = []
        self.ledger: Ledger

    def create(self) -> None:
        """A new ledger."""
        made = {"origin": "bench.example/lists", "name": "Lists", "now": self.now, "rand": os.urandom}
        create_ledger(self.url, directory=self.directory, master=MASTER, operator_name="Operator", **made)  # type: ignore[arg-type]

    def open(self) -> Ledger:
        """The ledger, open."""
        self.ledger = open_ledger(self.url, directory=self.directory, master=MASTER, clock=lambda: self.now)
        return self.ledger

    def say(self, kind: str, subject: str, details: dict[str, Any], by: SigningKey, party: str, **more: Any) -> None:
        """Say it with the next thousand."""
        self._count += 1
        also = more.pop("also", None)
        statement = Statement(
            id=_uuid(f"said {self._count}"),
            type=kind,
            subjects=(subject,),
            party=party,
            occurred_at=times.format_recorded(self.now),
            details=details,
            ledger=self.ledger.id,
            **more,
        )
        body = leaf.statement_bytes(statement)
        keys = [by] if also is None else [by, also]
        signatures = tuple([Signature(**sign_statement(body, one)) for one in keys])
        self._waiting.append(Draft(statement, body, signatures, verified=True))
        if len(self._waiting) >= COMMIT:
            self.flush()

    def flush(self) -> None:
        """Commit what waits; between two commits of a small ledger a day may pass."""
        self.ledger.writer.accept_clock = True
        for (outcome,) in self.ledger.writer.append([[draft] for draft in self._waiting]):
            if isinstance(outcome, PatinaError):
                raise outcome
        self._waiting.clear()


def fill(year: Year, items: int, cases: int) -> None:
    """A year of so many items and cases, three quarters of them closed."""
    rand = random.Random(SEED)
    operator = year.ledger.access.party_signer(year.ledger.operator)
    assert operator is not None
    keys = [SigningKey.from_seed(sha256(shop.encode()).digest()) for shop in SHOP]
    for number, (shop, key) in enumerate(zip(SHOP, keys, strict=True)):
        about = {"name": f"Shop {number}", "roles": ["retailer", "repairer"], "calendar": "CN"}
        about |= {"parent": SHOP[0]} if 1 <= number <= CHAIN else {}
        authority = f"{shop}#authority"
        year.say("party.registered", authority, about, operator, year.ledger.operator)
        details = {"key": key.did, "custody": "self"}
        year.say("key.added", authority, details, operator, year.ledger.operator, also=key)
        year.flush()
    standard = {**template("consumer-goods")}
    year.say("standard.adopted", year.ledger.operator, standard, operator, year.ledger.operator)
    beat, every = _YEAR // items, items // cases
    for number in range(items):
        year.now += beat
        item, owner = _uuid(f"item {number}"), number // every % SHOPS
        name = f"{rand.choice(_KINDS)} {rand.choice(_THINGS)} {number}"
        year.say("item.registered", item, {"name": name, "category": "jewellery"}, keys[owner], SHOP[owner])
        if number % every == 0:
            _case(year, number, keys[owner], SHOP[owner], rand)
    year.flush()


def _case(year: Year, number: int, key: SigningKey, shop: str, rand: random.Random) -> None:
    item, case = _uuid(f"item {number}"), _uuid(f"case {number}")
    details = {"kind": rand.choice(("repair", "repair", "complaint", "exchange")), "channel": "store"}
    details |= {"issue": rand.choice(("quality", "attitude")), "job_no": f"J{number}", "visit": f"V{number // 20}"}
    year.say("case.opened", item, details, key, shop, case=case)
    done = rand.choice((5, 5, 5, 5, 5, 5, 5, 5, 5, 1, 2, 3))
    agent = f"a{rand.randrange(20)}"
    for kind, said in _DONE[:done]:
        year.say(kind, item, said, key, shop, case=case, agent=agent)
    if done < len(_DONE):
        year.say("case.assigned", item, {"to": agent}, key, shop, case=case)
        if rand.random() < 0.3:
            waits = {"for": rand.choice(("customer", "approval", "parts"))}
            year.say("case.waiting", item, waits, key, shop, case=case)


def lists(place: Path, scale: Scale, _: Bounds) -> Iterator[Row]:
    """Lists, searches and the rebuild at `scale.large` items."""
    year = Year(place / "ledger")
    year.create()
    ledger = year.open()
    try:
        fill(year, scale.large, scale.large // 5)
        yield from measured(year, scale.large)
    finally:
        ledger.close()


def measured(year: Year, items: int) -> Iterator[Row]:
    """The figures of a ledger that was filled."""
    ledger = year.ledger
    begin = time.perf_counter()
    ledger.follower.follow()
    seconds = time.perf_counter() - begin
    statements = ledger.view.tip.head.statements
    yield Row("work lists following the log from its first leaf", statements / seconds, "statements/s")
    at = f"{items:,} items, {items // 5:,} cases"
    for who, parties in (("a shop", SHOP[-1:]), ("a chain of eleven", SHOP[: CHAIN + 1])):
        for name, wanted in _wanted(year).items():
            yield _slowest(f"{name}, {who}, {at}", _pages(ledger, wanted, parties))
    for text in ("ring", "翡翠 手表", "pearl 4999", "项链", "nothing"):
        for who, seen in (("", None), (", a shop's", SHOP[-1:]), (", a chain's", SHOP[: CHAIN + 1])):
            yield _slowest(f"search for {text!r}{who}, {at}", _search(ledger, text, seen))
    begin = time.perf_counter()
    rebuild(ledger)
    rate = statements / (time.perf_counter() - begin)
    yield Row(f"rebuild of all read models, {statements:,} statements", rate, "statements/s", at_least=10_000)


def _wanted(year: Year) -> dict[str, Wanted]:
    now = year.now
    return {
        "all cases": Wanted(),
        "open": Wanted(closed=False),
        "overdue": Wanted(overdue=now),
        "due soon": Wanted(due_soon=now),
        "due in a week": Wanted(due=now + 7 * times.DAY),
        "waiting for the customer": Wanted(waits=CUSTOMER),
        "held for more than 14 days": Wanted(held=now - 14 * times.DAY),
        "assigned": Wanted(assigned="a7"),
        "assigned and overdue": Wanted(assigned="a7", overdue=now),
        "one visit": Wanted(visit="V100"),
        "a job number": Wanted(job_no="J195"),
        "repeated repairs": Wanted(repeats=True),
    }


def _pages(ledger: Ledger, wanted: Wanted, parties: list[str]) -> Callable[[], object]:
    def ask() -> object:
        return ledger.follower.find(wanted, parties, None, 50)

    _, cursor = ledger.follower.find(wanted, parties, None, 50)
    return ask if cursor is None else lambda: ledger.follower.find(wanted, parties, cursor, 50)


def _search(ledger: Ledger, text: str, seen: list[str] | None) -> Callable[[], object]:
    return lambda: ledger.reader.items(text=text, seen_by=None if seen is None else tuple(seen))


def _slowest(what: str, ask: Callable[[], object]) -> Row:
    """Milliseconds of the slowest of some tries by the clock, and beside it of this process's time of the processor."""
    taken, worked = [], []
    for _ in range(TRIES):
        begin, before = time.perf_counter(), time.process_time()
        ask()
        taken.append(time.perf_counter() - begin)
        worked.append(time.process_time() - before)
    beside = f"{1000 * max(worked):.2f} ms of the processor"
    return Row(what, 1000 * max(taken), "ms", at_most=MOST_MS, beside=beside)
