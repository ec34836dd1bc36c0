"""What a listed attachment costs: statements with one beside the same statements without, through the whole service.

    python benchmarks/attached.py [--url URL] [--statements N] [--rounds N]

Requests go to the application in this process, 32 at a time, signed by the party itself, so that all is in it but the
network: parsing, rights, looking the file up, verifying the signature, the commit. Rounds with and without alternate;
shown is the median of each. The file is uploaded once: what an upload costs is shown beside, and is not compared.
"""

from __future__ import annotations

import argparse
import asyncio
import hashlib
import io
import json
import os
import statistics
import tempfile
import time
from pathlib import Path
from typing import Any

from PIL import Image

from api.app import create_app
from api.settings import Settings
from ledger import leaf, times
from ledger.db.ledger import Ledger, create_ledger, open_ledger
from ledger.db.secret import MasterKey
from ledger.dsse import SigningKey, sign_statement

MASTER = MasterKey(bytes(range(32)))
TOGETHER = 32


def now() -> int:
    return time.time_ns() // 1000


def urn(text: str) -> str:
    raw = hashlib.sha256(text.encode()).hexdigest()
    return f"urn:uuid:{raw[:8]}-{raw[8:12]}-7{raw[13:16]}-8{raw[17:20]}-{raw[20:32]}"


class Caller:
    """Somebody with an API key who calls the application without a network."""

    def __init__(self, app: Any, secret: str) -> None:
        self._app, self._secret = app, secret

    async def post(self, path: str, body: bytes, kind: str = "application/json") -> dict[str, Any]:
        """The answer to a request, which must be a good one."""
        sent: list[Any] = []

        async def receive() -> dict[str, Any]:
            return {"type": "http.request", "body": body, "more_body": False}

        async def send(message: Any) -> None:
            sent.append(message)

        headers = [
            (b"authorization", f"Bearer {self._secret}".encode()),
            (b"content-type", kind.encode()),
            (b"content-length", str(len(body)).encode()),
        ]
        scope = {
            "type": "http", "method": "POST", "path": path, "raw_path": path.encode(), "query_string": b"",
            "headers": headers, "http_version": "1.1", "scheme": "http", "server": ("localhost", 8000),
        }  # fmt: skip
        await self._app(scope, receive, send)
        raw = b"".join(message.get("body", b"") for message in sent[1:])
        assert sent[0]["status"] in {200, 201}, raw
        answer: dict[str, Any] = json.loads(raw)
        return answer


def statement(ledger: Ledger, party: str, kind: str, subject: str, details: Any, **more: Any) -> dict[str, Any]:
    return {
        "id": urn(f"{kind} {subject} {time.perf_counter_ns()}"), "ledger": ledger.id, "type": kind,
        "subjects": [subject], "party": party, "occurred_at": times.format_recorded(now()), "details": details, **more,
    }  # fmt: skip


def signed(value: dict[str, Any], key: SigningKey) -> bytes:
    body = leaf.statement_bytes(leaf.statement_from(value))
    return json.dumps({"statement": value, "signatures": [sign_statement(body, key)]}).encode()


async def round_of(caller: Caller, bodies: list[bytes]) -> tuple[float, float]:
    """Statements a second, and microseconds of processor time for each, which a busy machine disturbs less."""
    waiting = iter(bodies)

    async def one() -> None:
        for body in waiting:
            await caller.post("/v1/statements", body)

    start, used = time.perf_counter(), time.process_time()
    await asyncio.gather(*[one() for _ in range(TOGETHER)])
    count = len(bodies)
    return count / (time.perf_counter() - start), (time.process_time() - used) * 1e6 / count


async def measure(app: Any, opened: list[Ledger], count: int, rounds: int) -> None:
    ledger = opened[0]
    operator = Caller(app, ledger.access.create_api_key(ledger.operator, ["admin"], "bench"))
    key = SigningKey.from_seed(hashlib.sha256(b"shop").digest())
    party = urn("shop")
    await operator.post("/v1/parties", json.dumps({"id": party, "name": "Shop", "roles": ["repairer"]}).encode())
    signer = ledger.access.party_signer(party)
    assert signer is not None
    added = statement(ledger, party, "key.added", f"{party}#authority", {"key": key.did, "custody": "self"})
    body = leaf.statement_bytes(leaf.statement_from(added))
    both = [sign_statement(body, signer), sign_statement(body, key)]
    await operator.post("/v1/statements", json.dumps({"statement": added, "signatures": both}).encode())
    shop = Caller(app, ledger.access.create_api_key(party, ["write"], "bench"))
    photo = io.BytesIO()
    Image.effect_noise((4032, 3024), 30).convert("RGB").save(photo, "JPEG", quality=85)
    start = time.perf_counter()
    uploaded = await shop.post("/v1/attachments", photo.getvalue(), "image/jpeg")
    print(f"an upload of {len(photo.getvalue()) / 1e6:.1f} MB, 12 megapixels: {time.perf_counter() - start:.2f} s")
    listed = {"attachments": [uploaded["attachment"]]}
    item = urn("item")
    about = {"name": "Kettle", "category": "kitchen"}
    await shop.post("/v1/statements", signed(statement(ledger, party, "item.registered", item, about), key))
    speeds: dict[str, list[tuple[float, float]]] = {"without": [], "with": []}
    for number in range(rounds + 1):
        for name, more in (("without", {}), ("with", listed)) if number % 2 else (("with", listed), ("without", {})):
            bodies = []
            for n in range(count):
                subject = urn(f"{name} {number} {n}")
                bodies.append(signed(statement(ledger, party, "item.registered", subject, about, **more), key))
            speed = await round_of(shop, bodies)
            if number:  # the first pair warms up
                speeds[name].append(speed)
    medians = {
        name: [statistics.median(column) for column in zip(*found, strict=True)] for name, found in speeds.items()
    }
    for name, (speed, used) in medians.items():
        print(f"{name + ' a file':15} {speed:7,.0f} statements/s, {used:6,.0f} µs of processor each")
    (plain, light), (heavy, more_used) = medians["without"], medians["with"]
    print(f"a listed file costs {1 - heavy / plain:.0%} of the rate, {1 - light / more_used:.0%} by processor time")


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--url", help="a database's address; a SQLite file in a temporary folder if left out")
    options.add_argument("--statements", type=int, default=1000, help="of a round")
    options.add_argument("--rounds", type=int, default=5)
    asked = options.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        settings = Settings(Path(folder), "http://localhost:8000", asked.url, jobs=False)
        create_ledger(
            settings.url, directory=settings.directory, origin="bench.example/log", name="Bench", now=now(),
            rand=os.urandom, master=MASTER, operator_name="Operator",
        )  # fmt: skip
        opened: list[Ledger] = []

        def open_it() -> Ledger:
            opened.append(open_ledger(settings.url, directory=settings.directory, master=MASTER, clock=now))
            return opened[-1]

        app = create_app(settings, open_it, now)

        async def run() -> None:
            async with app.router.lifespan_context(app):
                await measure(app, opened, asked.statements, asked.rounds)

        asyncio.run(run())


if __name__ == "__main__":
    main()
