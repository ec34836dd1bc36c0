"""How fast the appender is by itself: no HTTP, no signature checks, one process.

    python benchmarks/append_direct.py [--url URL] [--dir DIR] [--statements N] [--batch 32 100] [--items N]

Each statement is about 450 bytes. Figures are per statement and whole: judging, hashing, the subject map, the rows, the
checkpoint's signature, the commit with its fsync, and the proof of every receipt.
"""

from __future__ import annotations

import argparse
import hashlib
import tempfile
import time
from pathlib import Path
from typing import Any

from ledger import leaf, times
from ledger.db.draft import Accepted, Draft
from ledger.db.ledger import Ledger, create_ledger, open_ledger
from ledger.db.secret import MasterKey
from ledger.dsse import SigningKey, sign_statement
from ledger.leaf import Signature, Statement

MASTER = MasterKey(bytes(range(32)))


def now() -> int:
    return time.time_ns() // 1000


def urn(text: str) -> str:
    raw = hashlib.sha256(text.encode()).hexdigest()
    return f"urn:uuid:{raw[:8]}-{raw[8:12]}-7{raw[13:16]}-8{raw[17:20]}-{raw[20:32]}"


def rand(count: int) -> bytes:
    return hashlib.shake_256(str(time.perf_counter_ns()).encode()).digest(count)


class Shop:
    """A shop that registers and repairs items; signatures are made beforehand, outside what is measured."""

    def __init__(self, ledger: Ledger) -> None:
        self.ledger = ledger
        self.key = SigningKey.from_seed(hashlib.sha256(b"shop").digest())
        self.party = urn("shop")
        operator = ledger.access.party_signer(ledger.operator)
        assert operator is not None
        subject, by = f"{self.party}#authority", (ledger.operator, operator)
        register = self.draft("party.registered", subject, {"name": "Shop", "roles": ["retailer", "repairer"]}, by=by)
        self.append([register])
        details = {"key": self.key.did, "custody": "self"}
        self.append([self.draft("key.added", subject, details, by=by, new=self.key)])

    def draft(
        self, kind: str, subject: str, details: dict[str, Any], *, by: Any = None, new: SigningKey | None = None
    ) -> Draft:
        """A signed draft; ``by`` is (party, key), the shop's if left out."""
        party, key = by or (self.party, self.key)
        statement = Statement(
            id=urn(f"{kind} {subject} {time.perf_counter_ns()}"),
            type=kind,
            subjects=(subject,),
            party=party,
            occurred_at=times.format_recorded(now()),
            details=details,
            ledger=self.ledger.id,
        )
        body = leaf.statement_bytes(statement)
        signers = [key] if new is None else [key, new]
        return Draft(statement, body, tuple(Signature(**sign_statement(body, one)) for one in signers), verified=True)

    def register(self, number: int, *, mark: str) -> Draft:
        """A draft that registers a new item."""
        details = {"name": f"Ring number {number} of the collection", "category": "jewellery", "brand": "Dawn"}
        return self.draft("item.registered", urn(f"{mark} {number}"), details)

    def maintain(self, subject: str) -> Draft:
        """A draft about an item that is there."""
        details = {"work": ["cleaned", "polished"], "tests": [{"name": "stones tight", "result": "pass"}]}
        return self.draft("maintenance.performed", subject, details)

    def append(self, drafts: list[Draft]) -> float:
        """Append in one commit; the seconds it took."""
        start = time.perf_counter()
        outcomes = self.ledger.writer.append([[draft] for draft in drafts])
        elapsed = time.perf_counter() - start
        assert all(isinstance(one, Accepted) for (one,) in outcomes), outcomes[0]
        return elapsed


def measure_append(shop: Shop, batch: int, statements: int) -> None:
    for name, make in (("new items", "register"), ("known items", "maintain")):
        spent, size = [], 0
        for start in range(0, statements, batch):
            numbers = range(start, start + batch)
            if make == "register":
                drafts = [shop.register(number, mark=f"batch {batch}") for number in numbers]
            else:
                drafts = [shop.maintain(urn(f"batch {batch} {number * 7919 % statements}")) for number in numbers]
            size += sum(len(draft.body) for draft in drafts)
            spent.append(shop.append(drafts))
        each = sum(spent) / (len(spent) * batch)
        median = sorted(spent)[len(spent) // 2] / batch
        print(
            f"append, batches of {batch:4}, {name:12} {each * 1e6:7.1f} µs a statement ({1 / each:6.0f}/s), "
            f"median batch {median * 1e6:6.1f}, {size / (len(spent) * batch):.0f} bytes"
        )


def measure_history(shop: Shop, entries: int, rounds: int) -> None:
    subjects = [urn(f"history {number}") for number in range(64)]
    shop.append([shop.register(number, mark="history") for number in range(64)])
    for _ in range(entries - 1):
        shop.append([shop.maintain(subject) for subject in subjects])
    for subject in subjects:
        shop.ledger.reader.history(subject)
    found = None
    start = time.perf_counter()
    for number in range(rounds):
        found = shop.ledger.reader.history(subjects[number % 64])
    each = (time.perf_counter() - start) / rounds
    assert found is not None
    print(f"history of {entries} entries, {len(found[1])} bytes: {each * 1e6:.0f} µs ({1 / each:.0f}/s)")
    spent = 0.0
    for number in range(200):
        shop.append([shop.maintain(subjects[0])])
        start = time.perf_counter()
        shop.ledger.reader.history(subjects[1 + number % 63])
        spent += time.perf_counter() - start
    print(f"history just after a commit: {spent / 200 * 1e6:.0f} µs")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0] if __doc__ else "")
    parser.add_argument("--url")
    parser.add_argument("--dir", type=Path)
    parser.add_argument("--statements", type=int, default=6400)
    parser.add_argument("--batch", type=int, nargs="*", default=[1, 32, 64, 100])
    parser.add_argument("--entries", type=int, default=10)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=asked.dir) as folder:
        directory = Path(folder)
        url = asked.url or f"sqlite:///{directory / 'ledger.sqlite3'}"
        origin = "bench.example/log"
        create_ledger(url, directory=directory, origin=origin, name="b", now=now(), rand=rand, master=MASTER)
        ledger = open_ledger(url, directory=directory, master=MASTER, clock=now)
        shop = Shop(ledger)
        for batch in asked.batch:
            count = asked.statements if batch > 1 else min(asked.statements, 500)
            measure_append(shop, batch, count - count % batch)
        measure_history(shop, asked.entries, 3000)
        size = ledger.reader.size()
        ledger.close()
        if url.startswith("sqlite"):
            files = sum(path.stat().st_size for path in directory.rglob("*") if path.is_file())
            print(f"{files / size:.0f} bytes on disk a leaf, {size} leaves")


if __name__ == "__main__":
    main()
