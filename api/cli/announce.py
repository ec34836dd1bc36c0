"""What `make run` shows when the server is up: the first demo item's page, its QR code, the API key and the vkey.

Read from ``demo.json`` in the ledger's folder, which `patina demo` writes for its owner's eyes alone (mode 0600).
Addresses are made from the token and the public URL of now, not of when the demo was loaded.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from api.cli import terminal

KEPT = "demo.json"


def item_page(public_url: str, token: str) -> str:
    """The address of the item page that a view code opens."""
    return f"{public_url.rstrip('/')}/i/{token}"


def read_demo(folder: Path) -> dict[str, Any] | None:
    """What `patina demo` kept for this ledger, or None where no demo was loaded."""
    try:
        kept: dict[str, Any] = json.loads((folder / KEPT).read_bytes())
    except FileNotFoundError:
        return None
    return kept


def announced(folder: Path, public_url: str) -> dict[str, Any]:
    """The same for programs: ``{"page", "api_key", "vkey"}``, or nothing where no demo was loaded."""
    demo = read_demo(folder)
    if demo is None:
        return {}
    page = item_page(public_url, demo["items"][0]["token"])
    return {"page": page, "api_key": demo["operator"]["api_key"], "vkey": demo["vkey"]}


def announce(folder: Path, public_url: str) -> None:
    """Print the address, QR code, key and vkey of the demo; one remark where there is none."""
    demo = read_demo(folder)
    if demo is None:
        terminal.remark(f"no demo in {folder}: patina demo --dir {folder} loads one")
        return
    page = item_page(public_url, demo["items"][0]["token"])
    print(terminal.qr_text(page, colour=sys.stdout.isatty()))
    print(f"item page  {page}")
    print(f"API        {public_url}/docs")
    print(f"API key    {demo['operator']['api_key']}  (the operator's, for this demo only)")
    print(f"vkey       {demo['vkey']}", flush=True)
