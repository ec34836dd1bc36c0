"""What private members cost: the same statements with and without them, in turns, in one run.

Both are signed by the service with a key in its custody. With private members each statement has two, a cost and a note
of free text: two classes of data, so two keys, two sealed rows and a decoy. The service gives the statements their
ids, as it does for whoever leaves the signing to it.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path

from api.cli import folder
from benchmarks import stage, wrk
from benchmarks.parts import CONNECTIONS, ITEMS, MOST_SINGLES, all_well
from benchmarks.row import Bounds, Row, Scale
from benchmarks.stage import WORKSHOP, Stage

ROUNDS = 3
MOST_COST = 0.25
"""The share of append speed that private members may cost."""
PRIVATE = {"cost": {"amount": "48.50", "currency": "EUR"}, "note": "clasp was bent; the customer asks for a call first"}


def members(place: Path, scale: Scale, known: Bounds) -> Iterator[Row]:  # noqa: ARG001 -- as every part
    """Single statements without and with private members, a few short rounds of each in turn."""
    made = stage.build(place / "ledger", items=ITEMS)
    with folder.opened(made.directory) as ledger:
        ledger.access.keep_party_key(WORKSHOP, sha256(b"bench").digest())
    rates: dict[bool, list[float]] = {False: [], True: []}
    for number in range(ROUNDS):
        for private in (False, True):
            stage.settle()
            first = 10_000_000 * (2 * number + private + 1)
            rates[private].append(_round(made, place, scale.seconds, first, private=private))
    plain, sealed = (sum(rates[private]) / ROUNDS for private in (False, True))
    yield Row(f"single statements signed in custody, {CONNECTIONS} connections", plain, "/s")
    yield Row(
        "the same with two private members",
        sealed,
        "/s",
        at_least=round(plain * (1 - MOST_COST)),
        beside=f"{100 * sealed / plain:.0f} % of those without",
    )


def _round(made: Stage, place: Path, seconds: int, first: int, *, private: bool) -> float:
    more = {"private": PRIVATE} if private else {}
    lines = []
    for number in range(first, first + MOST_SINGLES * seconds):
        statement = made.repair(number)
        del statement["id"]
        lines.append(f"/v1/statements\t{json.dumps({'statement': statement, **more})}")
    with made.server() as server:
        wrk.load(server.url, ["/checkpoint"], "", place, connections=CONNECTIONS, seconds=1)
        found = wrk.load(server.url, lines, made.api_key, place, connections=CONNECTIONS, seconds=seconds)
    all_well(found, len(lines))
    return found.rate
