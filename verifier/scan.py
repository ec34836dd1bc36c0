"""From a scanned address to a verified history: what a phone does with the code on a receipt, done on a laptop.

The page's own program comes from the operator; who must not trust it scans here. The address is asked for its page as
JSON, which names the item (``id``) and the address of its history bundle (``history``); the bundle is then checked with
the pinned keys, and the operator is believed in nothing but which item the code stands for.
"""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any
from urllib.parse import urljoin, urlsplit

from ledger import uri
from ledger.errors import Malformed, Unknown
from verifier.fetch import get
from verifier.findings import Verdict
from verifier.reader import MAX_DOCUMENT, Reader, verify

MAX_PAGE = 8 * 1024 * 1024
"""Bytes of a page as JSON: it lists every record of the item."""
_ASK = {"Accept": "application/json"}


def check_address(address: str, reader: Reader) -> Verdict:
    """The verdict on the history that an address leads to; raises ``Unknown`` if it leads to none."""
    page = _page(address)
    subject, history = page.get("id"), page.get("history")
    if not isinstance(history, str):
        raise Unknown("this address shows no history; a view code (/i/...) does")
    try:
        bundle = urljoin(address, history)
        elsewhere = urlsplit(bundle)[:2] != urlsplit(address)[:2]
    except ValueError as error:
        raise Unknown(f"the page says that its history is at {history[:200]!r}: {error}") from None
    if elsewhere:
        raise Unknown(f"the page says that its history is at {bundle[:200]}, which is another site")
    raw = get(bundle, MAX_DOCUMENT, _ASK)
    try:
        asked = uri.from_digital_link(address)
    except Malformed:
        asked = None
    told = subject if isinstance(subject, str) else None
    verdict = verify(raw, bundle, replace(reader, subject=asked or told))
    if asked is not None:
        return verdict
    return replace(verdict, notes=(*verdict.notes, f"that this code stands for {told} is what its site says"))


def _page(address: str) -> dict[str, Any]:
    raw = get(address, MAX_PAGE, _ASK)
    try:
        page = json.loads(raw)
    except (ValueError, RecursionError):
        page = None
    if not isinstance(page, dict):
        raise Unknown("this address answers with something else than an item's page")
    return page
