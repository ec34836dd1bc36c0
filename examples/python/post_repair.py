r"""Posts a repair from Python and checks the receipt before believing it; standard library and Patina's verifier only.

    PATINA_API_KEY=pk_… .venv/bin/python examples/python/post_repair.py --url http://127.0.0.1:8000 \
        --vkey 'ledger.example/main+…' --party urn:uuid:… "Toaster" "replace heating element"

A workshop that leaves its key in the ledger's custody posts statements unsigned; the service signs them. What it gets
back is a receipt, which proves that exactly these bytes stand in the log that the pinned vkey signs.
"""

from __future__ import annotations

import argparse
import json
import os
import secrets
import sys
import time
import urllib.error
import urllib.request
import uuid
from typing import Any

from ledger.errors import PatinaError
from ledger.note import parse_vkey
from ledger.receipt import check_receipt, parse_receipt


def post(url: str, key: str, statement: dict[str, Any]) -> bytes:
    """The receipt of a statement that was posted; exits with the server's own words if it is refused."""
    request = urllib.request.Request(  # noqa: S310 -- the address is the caller's own
        f"{url}/v1/statements",
        data=json.dumps({"statement": statement}).encode(),
        headers={"Authorization": f"Bearer {key}", "Content-Type": "application/json"},
    )
    try:
        with urllib.request.urlopen(request, timeout=30) as answer:  # noqa: S310
            receipt: bytes = answer.read()
    except urllib.error.HTTPError as error:
        sys.exit(f"refused: {json.load(error)['detail']}")
    except urllib.error.URLError as error:
        sys.exit(f"no answer from {url}: {error.reason}")
    return receipt


def new_id() -> str:
    """A UUIDv7 (RFC 9562 §5.7), which begins with the time: ids that come one after another lie beside each other."""
    at = time.time_ns() // 1_000_000
    return uuid.UUID(int=at << 80 | 7 << 76 | secrets.randbits(12) << 64 | 0b10 << 62 | secrets.randbits(62)).urn


def read_words() -> argparse.Namespace:
    """What the command line says."""
    words = argparse.ArgumentParser(description="Post a repair and check its receipt.")
    words.add_argument("--url", default="http://127.0.0.1:8000")
    words.add_argument("--vkey", required=True, help="the ledger's key, from its owner and not from its server")
    words.add_argument("--party", required=True, help="who posts: urn:uuid:…")
    words.add_argument("name", help="what was repaired")
    words.add_argument("work", help="what was done")
    return words.parse_args()


def main() -> None:
    """Register a thing, post its repair, check both receipts."""
    given = read_words()
    key = os.environ.get("PATINA_API_KEY")
    if not key:
        sys.exit("want the API key in PATINA_API_KEY")
    try:
        vkey = parse_vkey(given.vkey)  # before anything is posted: what stands in a ledger stays there
    except PatinaError as error:
        sys.exit(error.message)

    item = uuid.uuid4().urn
    # With an id of our own a lost answer can be asked for again: the same statement twice is one entry.
    said = {"subjects": [item], "party": given.party}
    statements = [
        {
            **said,
            "id": new_id(),
            "type": "item.registered",
            "details": {"name": given.name, "category": "other", "origin": "intake"},
        },
        {
            **said,
            "id": new_id(),
            "type": "repair.completed",
            "details": {"work": [given.work], "tests": []},
        },
    ]
    for statement in statements:
        receipt = post(given.url, key, statement)
        try:
            proved = check_receipt(parse_receipt(receipt), [vkey])
        except PatinaError as error:
            sys.exit(f"the receipt does not hold: {error.message}")
        if (proved.entry.statement.id, proved.entry.statement.details) != (statement["id"], statement["details"]):
            sys.exit("the receipt is for something else")
        print(f"{statement['type']} stands at leaf {proved.entry.index} of {proved.checkpoint.size}")
    print(item)


if __name__ == "__main__":
    main()
