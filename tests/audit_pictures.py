"""The auditor's pictures in docs/pictures, taken anew of a year of three shops.

``python -m tests.audit_pictures FOLDER``. Seen by the operator, who may read every list: each page at 360 and 1280
pixels, the audit run to its end, a proof drawn, a report asked for, and what the year does not bring made before: two
webhooks, an erasure, people.
"""

from __future__ import annotations

import json
import sys
import tempfile
from pathlib import Path
from typing import Any
from urllib.parse import quote
from urllib.request import Request, urlopen

from playwright.sync_api import Page, expect, sync_playwright

from api.cli import demo, folder
from api.pages.audit import PAGES
from api.passwords import hash_secret
from tests.browser import CHROMIUM
from tests.build import uuid
from tests.console import PASSWORD, login_of
from tests.console_pictures import shot
from tests.served import Server

WIDTHS = (360, 1280)
CASES = 100
WAIT = 120_000


def main(folder_of_pictures: Path, language: str = "en") -> None:
    """Tell the year, serve it, and take every page."""
    with tempfile.TemporaryDirectory() as place:
        directory = Path(place) / "ledger"
        demo.main(["--dir", str(directory), "--year", "--cases", str(CASES), "--json"])
        shown = json.loads((directory / "demo.json").read_text("utf-8"))
        people(directory, shown)
        with Server(directory) as server, sync_playwright() as playwright:
            furnish(f"http://{server.place}", shown)
            browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
            page = browser.new_page(locale="en-GB")
            page.goto(f"http://{server.place}/console/door")
            entered = page.request.post(
                f"http://{server.place}/v1/session", data={"login": login_of("owner operator"), "password": PASSWORD}
            )
            assert entered.ok, entered.text()
            for name in PAGES:
                for width in WIDTHS:
                    page.set_viewport_size({"width": width, "height": 800})
                    look(page, f"http://{server.place}/console/ledger", name, shown["vkey"], language)
                    shot(page, width, folder_of_pictures / f"ledger-{name}-page-{width}.webp")
            browser.close()


def people(directory: Path, shown: dict[str, Any]) -> None:
    """Somebody of every role at the shops, and the operator's owner, who comes in."""
    with folder.opened(directory) as ledger:
        shops = [party["id"] for party in shown["parties"]]
        for party, role, name in (
            (ledger.operator, "owner", "Operator"),
            (shops[0], "owner", "Lin Mei"),
            (shops[0], "staff", "Chen Wei"),
            (shops[1], "auditor", "Ada Alder"),
        ):
            made = ledger.access.people.add(party, role, name, login_of(f"{role} {name}".lower()))
            ledger.access.people.set_password(made.id, hash_secret(PASSWORD))


def furnish(origin: str, shown: dict[str, Any]) -> None:
    """Two webhooks of a shop, and an erasure at a customer's request."""
    shop = shown["parties"][0]
    for address in ("https://till.example.com/patina", "https://erp.example.com/hooks/service"):
        about = {"party": shop["id"], "url": address, "events": ["case.*", "item.*"]}
        ask(origin, shown["operator"]["api_key"], "/v1/webhooks", about)
    item, case = shown["items"][0]["id"], uuid("case whose customer asked")
    opened = ask(
        origin,
        shop["api_key"],
        "/v1/statements",
        {
            "statement": {
                "type": "case.opened",
                "party": shop["id"],
                "subjects": [item],
                "case": case,
                "details": {"kind": "repair", "channel": "store", "issue": "quality"},
            },
            "private": {"customer": {"name": "Ada Example", "phone": "+1 202 555 0100"}},
        },
    )
    ask(origin, shop["api_key"], "/v1/erasures", {"statements": [opened["id"]]})


def ask(origin: str, key: str, path: str, body: dict[str, Any]) -> Any:
    headers = {"Authorization": f"Bearer {key}", "Content-Type": "application/json"}
    with urlopen(Request(origin + quote(path), json.dumps(body).encode(), headers), timeout=60) as answer:
        return json.load(answer)


def look(page: Page, origin: str, name: str, vkey: str, language: str) -> None:
    """Open a page and do what it is for."""
    path = {"health": "", "tree": "/tree?index=1234"}.get(name, f"/{name}")
    page.goto(f"{origin}{path}{'&' if '?' in path else '?'}lang={language}")
    page.wait_for_selector("body[data-ready]", state="attached", timeout=WAIT)
    if name == "audit":
        page.fill("#vkey", vkey)
        page.click("[data-audit] button")
        expect(page.locator("[data-verdict].good")).to_be_visible(timeout=WAIT)
    elif name == "tree":
        expect(page.locator("[data-verdict].good")).to_be_visible(timeout=WAIT)
    elif name == "reports":
        page.click("[data-ask] button")
        page.locator("[data-rows] button").first.click(timeout=WAIT)
        expect(page.locator("[data-image]")).to_have_js_property("complete", value=True, timeout=WAIT)
        page.evaluate("scrollTo(0, 0)")


if __name__ == "__main__":
    main(Path(sys.argv[1]), *sys.argv[2:3])
