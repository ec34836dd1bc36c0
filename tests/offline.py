"""A tablet that signs, in a real Chromium: pairing it, working without a network, and looking at what it said.

What was signed is checked by other libraries than the service's and the page's: RFC 8785 by ``rfc8785``, Ed25519 by
PyNaCl, and did:key by hand.
"""

from __future__ import annotations

import base64
import json
import re
from typing import Any
from urllib.parse import quote

import rfc8785
from nacl.signing import VerifyKey
from playwright.sync_api import Page, expect

from tests.console import PIN
from tests.counter import Counter, come_in, kept, ready
from tests.served import Server

SIGNED = "Signed on this tablet and kept here."
ALPHABET = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"


def key_of(did: str) -> bytes:
    """The public key in a did:key: base58btc of the multicodec 0xed01 and 32 bytes."""
    number = 0
    for digit in did.removeprefix("did:key:z"):
        number = number * 58 + ALPHABET.index(digit)
    raw = number.to_bytes(34, "big")
    assert raw[:2] == b"\xed\x01"
    return raw[2:]


def check_signed(entry: dict[str, Any], did: str) -> None:
    """That the one signature of an entry is of this key, over the statement as it stands in the log."""
    (signature,) = entry["signatures"]
    assert signature["key"] == did
    raw = rfc8785.dumps(entry["statement"])
    kind = b"application/vnd.patina.statement.v1+json"
    message = b"DSSEv1 %d %b %d %b" % (len(kind), kind, len(raw), raw)
    VerifyKey(key_of(did)).verify(message, base64.b64decode(signature["sig"]))


def entries(counter: Counter, subject: str) -> list[dict[str, Any]]:
    """The entries about a thing, oldest first, from the log."""
    history = counter.ask("GET", f"/v1/items/{quote(subject, safe='')}/history")
    part = next(one for one in history["histories"] if one["subject"] == subject)
    return [json.loads(raw) for raw in part["entries"]]


def key_in_force(counter: Counter, label: str) -> str | None:
    """The key in force of the shop's tablet of this name."""
    listed = counter.ask("GET", "/v1/signing-keys")["keys"]
    return next((one["key"] for one in listed if one["tablet"] == label and one["in_force"]), None)


def pair(page: Page, counter: Counter, label: str) -> str:
    """Make the browser a tablet that signs, as an owner does; the tablet's key."""
    come_in(page, counter, "owner olga")
    page.click("[data-tablets] summary")
    expect(page.locator("[data-tablet-state]")).to_contain_text("no shared tablet")
    page.fill("#label", label)
    page.press("#label", "Enter")
    expect(page.locator("[data-message]")).to_contain_text("This tablet signs")
    did = key_in_force(counter, label)
    assert did is not None
    return did


def leave(page: Page) -> None:
    page.click("[data-leave]")
    page.wait_for_url(re.compile("/console/door"))


def by_pin(page: Page, counter: Counter) -> None:
    """In place of whoever is in, Stella comes in by PIN; the work lists lay in what is needed without a network."""
    leave(page)
    ready(page)
    page.click(".person:has-text('Staff Stella')")
    page.fill("#pin", PIN)
    page.press("#pin", "Enter")
    page.wait_for_url(counter.address("/console"))
    ready(page)


def without_network(page: Page) -> None:
    """Take the network away, once the worker has kept the console and what signs."""
    kept(page)
    signing = "JSON.parse(document.getElementById('told').content.textContent).modules + 'owner_says.js'"
    for one in ("'/console/sell'", signing):
        page.wait_for_function(f"caches.match({one}).then(Boolean)")
    page.context.set_offline(True)


def to_flow(page: Page, counter: Counter, flow: str, **fields: str) -> None:
    """Open a flow and fill fields in by name."""
    page.goto(counter.address(f"/console/{flow}"))
    ready(page)
    for name, text in fields.items():
        page.fill(f"#{flow}-{name}", text)
        page.locator(f"#{flow}-{name}").blur()


def new_thing(page: Page, counter: Counter, flow: str, **fields: str) -> None:
    """Open a flow for a thing that nobody knows."""
    to_flow(page, counter, flow)
    page.click("[data-make=thing]")
    for name, text in fields.items():
        page.fill(f"#{flow}-{name}", text)


def record(page: Page, said: str = SIGNED) -> None:
    page.click("form.flow button:not([type=button])")
    expect(page.locator("[data-message]")).to_contain_text(said)


def waiting(page: Page) -> list[dict[str, Any]]:
    """What lies in the browser's queue, oldest first."""
    found = page.evaluate(
        """() => new Promise((resolve) => {
            indexedDB.open("patina-console").onsuccess = ({ target }) => {
                const asked = target.result.transaction("queue").objectStore("queue").getAll();
                asked.onsuccess = () => (target.result.close(), resolve(JSON.parse(JSON.stringify(asked.result))));
            };
        })"""
    )
    return sorted(found, key=lambda one: str(one["made_at"]))


def send(page: Page, counter: Counter, left: int = 0) -> None:
    """Send what waits, as the network is back; so many stay because they were refused."""
    page.context.set_offline(False)
    page.goto(counter.address("/console/queue"))
    ready(page)
    page.click("[data-send]")
    expect(page.locator("[data-rows] li:not(.bad)")).to_have_count(0)
    expect(page.locator("[data-rows] li")).to_have_count(left)


def restart(counter: Counter, port: int) -> None:
    """Start the service again, at the same address."""
    counter.server = Server(counter.directory, counter.key, more=("--port", str(port)))
