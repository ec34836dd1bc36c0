"""A thing passed on as two people do it in browsers; the second link also as another program than the page writes."""

from __future__ import annotations

import hashlib
import json
from base64 import b64encode
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from playwright.sync_api import BrowserContext, Page, expect

from api.pages.catalogue import load_catalogue
from ledger.disclosure import format_base64url
from ledger.dsse import pae
from tests.build import key

NEW: Final = key("the new holder's phone")
Signed = tuple[dict[str, Any], bytes]
"""A statement, and the new key's signature of it."""


def link(page: Page) -> str:
    """The link that a page shows."""
    return page.locator("[data-link]:visible").input_value()


def given(page: Page) -> str:
    """The link that the giver makes."""
    page.get_by_text("Pass it on to somebody else").click()
    page.get_by_role("button", name="Make a link").click()
    expect(page.locator("[data-given] [data-link]")).to_be_visible()
    return link(page)


def follow(page: Page, where: str) -> None:
    """Open a link as a chat program does: anew."""
    page.goto("about:blank")
    page.goto(where)


def asked(phone: BrowserContext, where: str) -> tuple[Page, str]:
    """A new phone that asks for what a link offers, and the link that it sends back."""
    page = phone.new_page()
    page.goto(where)
    page.get_by_role("button", name="Ask for it with this device").click()
    expect(page.get_by_role("heading", name="Send this link back")).to_be_visible()
    return page, link(page)


def confirmed(page: Page, where: str) -> str:
    """The giver signs; the last link."""
    follow(page, where)
    page.get_by_role("button", name="The digits are the same: sign").click()
    expect(page.get_by_role("heading", name="Send this last link")).to_be_visible()
    return link(page)


def stopped(page: Page, word: str) -> None:
    """The page says that the link does nothing, why, and what to do."""
    expect(page.get_by_role("heading", name="This link does nothing")).to_be_visible()
    expect(page.locator("[data-fill=stopped]")).to_have_text(load_catalogue("en").text[f"pass_on_{word}"])


def transfer(item: dict[str, Any], ahead: timedelta = timedelta(0)) -> dict[str, Any]:
    """The transfer of a thing, as its page tells it, to the new key; dated now, or so far ahead."""
    at = datetime.now(UTC) + ahead
    millis = int(at.timestamp()) * 1000 + at.microsecond // 1000
    return {
        "id": f"urn:uuid:{millis >> 16:08x}-{millis & 0xFFFF:04x}-7abc-8def-0123456789ab",
        "type": "item.transferred",
        "ledger": item["ledger"],
        "subjects": [item["id"]],
        "party": item["id"],
        "grant": item["holder"]["grant"],
        "details": {"holder_key": NEW.did, "holder_custody": "device"},
        "occurred_at": at.strftime("%Y-%m-%dT%H:%M:%S.") + f"{millis % 1000:03}Z",
    }


def signed(statement: dict[str, Any]) -> Signed:
    """A statement of plain ASCII and its signature: format.md §2 and §3."""
    return statement, NEW.sign(pae(json.dumps(statement, sort_keys=True, separators=(",", ":")).encode()))


def as_link(nonce: str, statement: dict[str, Any], sig: bytes, others: dict[str, bytes] | None = None) -> str:
    """What stands behind `take=`; `others` are parts to put in the place of those that belong there."""
    parts = {"id": bytes.fromhex(statement["id"][9:].replace("-", "")), "key": NEW.public, "sig": sig}
    return ".".join([nonce, *map(format_base64url, (parts | (others or {})).values())])


def as_before(nonce: str, statement: dict[str, Any], sig: bytes) -> str:
    """The same in the form of before, which had the whole transfer."""
    value = {"nonce": nonce, "statement": statement, "sig": b64encode(sig).decode()}
    return format_base64url(json.dumps(value).encode())


def digits(statement: dict[str, Any]) -> str:
    """The six digits of the new key, which both phones show."""
    number = int.from_bytes(hashlib.sha256(statement["details"]["holder_key"].encode()).digest()[:4]) % 1_000_000
    return f"{number // 1000:03} {number % 1000:03}"
