"""A ledger of a year of after-sales service, of any size, written without a service: what reports are measured on.

Ten statements an item: it is registered and sold, and then comes one case of eight steps, of a kind, fault, channel and
length that depend on its number. Signatures have the right length and no more: a report proves leaves under a
checkpoint, and who signed what is an audit's question.

    patina bench --only report

Seconds are of the command as an auditor runs it, start-up and all; beside them stands what all its processes used of
the cores, which says what a busy machine would do if it were not.
"""

from __future__ import annotations

import resource
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path
from typing import Any

import msgspec

from benchmarks.row import Bounds, Row, Scale
from ledger import merkle, times
from ledger.checkpoint import Checkpoint, sign_checkpoint
from ledger.db.engine import PAGE_BYTES
from ledger.dsse import SigningKey
from ledger.note import Signer, format_vkey, parse_vkey
from ledger.standards import template
from tests.build import ORIGIN, uuid

START = times.parse_recorded("2026-01-01T00:00:00.000Z")
HOUR = times.HOUR
SHOPS = 20
ROOT = Path(__file__).resolve().parents[1]
_encode = msgspec.json.Encoder(order="sorted").encode
_LOG = SigningKey.from_seed(sha256(b"year log").digest())
VKEY = format_vkey(ORIGIN, _LOG.public)
_SIGNED = [{"key": "did:key:z6Mk" + "k" * 44, "sig": "s" * 86 + "=="}]
_LEDGER = "1" * 64


def statements(count: int) -> Iterator[tuple[int, dict[str, Any]]]:
    """About ``count`` statements, each with the time at which it is recorded."""
    yield START, said("ledger.created", "operator", uuid("ledger"), {"origin": ORIGIN, "name": "Year"})
    for shop in range(SHOPS):
        name = f"shop {shop}"
        details = {"name": name, "roles": ["retailer", "repairer"], "country": ("CN", "TW", "DE")[shop % 3]}
        yield START, said("party.registered", "operator", f"{uuid(name)}#authority", details)
    for name in ("consumer-goods", "customer-service"):
        document = template(name)
        yield START, said("standard.adopted", "operator", uuid("operator"), document)
    items = count // 10
    step = 360 * times.DAY // max(1, items)
    waiting: list[tuple[int, int, dict[str, Any]]] = []
    for number in range(items):
        now = START + number * step
        waiting += [(at, number * 10 + place, one) for place, (at, one) in enumerate(life(number, now))]
        if number % 1000 == 0:
            waiting.sort()
            while waiting and waiting[0][0] <= now:
                yield waiting[0][0], waiting.pop(0)[2]
    yield from ((at, one) for at, _, one in sorted(waiting))


def life(number: int, now: int) -> Iterator[tuple[int, dict[str, Any]]]:
    """The ten statements of one item."""
    shop, item, case = f"shop {number % SHOPS}", uuid(f"item {number}"), uuid(f"case {number}")
    agent = f"staff-{number % 7}"
    model = f"M{number % 50}"
    lag = (number * 7919) % 97
    registered = {"name": "Kettle", "category": ("kitchen", "phone", "audio")[number % 3], "brand": "B", "model": model}
    yield now, said("item.registered", shop, item, registered)
    yield now, said("item.sold", shop, item, {"channel": "store", "warranty_months": 24})
    kind = ("repair", "repair", "repair", "complaint")[number % 4]
    opened = {"kind": kind, "channel": "store", "issue": "quality", "fault": f"F{number % 9}", "mode": "in_store"}
    more = {"case": case, "agent": agent}
    at = now + 2 * HOUR
    yield at, said("case.opened", shop, item, opened, at, **more)
    yield at + lag * HOUR // 4, said("case.responded", shop, item, {}, at + lag * HOUR // 4, **more)
    at += lag * HOUR // 2
    yield at, said("case.received", shop, item, {"evidence": {}}, at, **more)
    found = {"findings": "worn", "responsible": ("manufacturer", "holder")[number % 2], "in_warranty": number % 2 == 0}
    yield at + HOUR, said("case.diagnosed", shop, item, found, at + HOUR, **more)
    if kind == "complaint":
        yield (
            at + 3 * HOUR,
            said("case.decided", shop, item, {"decision": "accepted", "remedy": "repair"}, at + 3 * HOUR, **more),
        )
    else:
        yield at + 3 * HOUR, said("case.waiting", shop, item, {"for": "parts"}, at + 3 * HOUR, **more)
    at += (5 + lag % 13) * HOUR
    yield at, said("repair.completed", shop, item, {"work": ["mend"], "tests": []}, at, **more)
    yield at + HOUR, said("case.handed_over", shop, item, {"check": "id", "evidence": {}}, at + HOUR, **more)
    yield at + 2 * HOUR, said("case.closed", shop, item, {"outcome": "resolved"}, at + 2 * HOUR, **more)


_number = 0


def said(kind: str, party: str, subject: str, details: dict[str, Any], at: int = START, **more: Any) -> dict[str, Any]:
    """A statement."""
    global _number  # noqa: PLW0603 - ids need only differ
    _number += 1
    return {
        "id": f"urn:uuid:00000000-0000-7000-8000-{_number:012x}", "type": kind, "subjects": [subject],
        "party": uuid(party), "occurred_at": times.format_recorded(at), "details": details, "ledger": _LEDGER, **more,
    }  # fmt: skip


def write(folder: Path, count: int) -> int:
    """Write the ledger into a folder; returns how many leaves it has."""
    folder.mkdir(parents=True)
    database = sqlite3.connect(folder / "ledger.sqlite3")
    database.execute(f"PRAGMA page_size={PAGE_BYTES}")
    database.execute("CREATE TABLE leaf (idx INTEGER PRIMARY KEY, bytes BLOB NOT NULL)")
    database.execute("CREATE TABLE head (note TEXT NOT NULL)")
    edge, prev, index, rows = merkle.Frontier(), "0" * 64, 0, []
    for at, statement in statements(count):
        links = [{"subject": one, "seq": 0, "prev": None} for one in statement["subjects"]]
        raw = _encode(
            {
                "index": index,
                "prev": prev,
                "recorded_at": times.format_recorded(at),
                "links": links,
                "statement": statement,
                "signatures": _SIGNED,
                "v": 1,
            }
        )
        digest = merkle.leaf_hash(raw)
        edge.append(digest)
        prev = digest.hex()
        rows.append((index, raw))
        index += 1
        if len(rows) == 10_000:
            database.executemany("INSERT INTO leaf VALUES (?, ?)", rows)
            rows.clear()
    database.executemany("INSERT INTO leaf VALUES (?, ?)", rows)
    note = sign_checkpoint(Checkpoint(ORIGIN, index, edge.root()), [Signer(parse_vkey(VKEY), _LOG.sign)])
    database.execute("INSERT INTO head VALUES (?)", (note,))
    database.commit()
    database.close()
    return index


def report(place: Path, scale: Scale, known: Bounds) -> Iterator[Row]:
    """A yearly report over `scale.large` statements."""
    folder = place / "year"
    leaves = write(folder, scale.large)
    words = [sys.executable, "-m", "ledger.command", "report", str(folder), "--vkey", VKEY, "--period", "2026"]
    before, begin = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    subprocess.run([*words, "--by", "fault"], stdout=subprocess.DEVNULL, cwd=ROOT, check=True)
    took, after = time.perf_counter() - begin, resource.getrusage(resource.RUSAGE_CHILDREN)
    used = after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime
    beside = f"{known.sha256:,.0f} SHA-256/s in the same run"
    yield Row(f"yearly report over {leaves:,} leaves, by fault", took, "s", at_most=10, beside=beside)
    yield Row("what it used of all cores together", used, "s")
    yield Row("resident memory of its largest process", after.ru_maxrss / 1024, "MiB")
