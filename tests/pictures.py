"""The pictures of docs/pictures, taken anew of the demo: ``python -m tests.pictures FOLDER``.

Every page at 360 and at 1280 pixels, the item's also in Chinese and in the dark. They are kept in the repository to be
looked at; no test compares them, because fonts differ from machine to machine.
"""

from __future__ import annotations

import io
import json
import os
import socket
import sys
import tempfile
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.parse import quote
from urllib.request import Request, urlopen

from PIL import Image, ImageDraw
from playwright.sync_api import Browser, sync_playwright

from api.cli import demo
from ledger.standards import template
from tests.browser import CHROMIUM
from tests.build import uuid
from tests.served import Server

WIDTHS = (360, 1280)
TALLEST = 1800
"""Pixels of a picture's height: what is below is more of the same."""
QUALITY = 72


def main(folder: Path) -> None:
    """Load the demo, add what it lacks, and take every picture."""
    os.environ["PATINA_PUBLIC_URL"] = "http://patina.example"
    with tempfile.TemporaryDirectory() as place:
        directory = Path(place) / "ledger"
        demo.main(["--dir", str(directory), "--json"])
        shown = json.loads((directory / "demo.json").read_text("utf-8"))
        with socket.create_server(("127.0.0.1", 0)) as free:
            port = free.getsockname()[1]
        with Server(directory, more=("--port", str(port))), sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
            origin = f"http://127.0.0.1:{port}"
            for name, (path, more) in pages_of(origin, shown).items():
                take(browser, origin + path, folder / name, **more)
            browser.close()


def pages_of(origin: str, shown: dict[str, Any]) -> dict[str, tuple[str, dict[str, str]]]:
    """What is taken, by the name of its picture: path, and how the reader's browser is set."""
    shop = next(party for party in shown["parties"] if "Morning Light" in party["name"])
    ring, watch = shown["items"][0], shown["items"][6]
    say(origin, shop, "standard.adopted", shop["id"], template("jewellery"))
    case = open_case(origin, shop, ring["id"])
    view = ask(origin, shop, f"/v1/items/{quote(ring['id'], safe='')}/codes", {"kind": "view"})["token"]
    receipts = {
        kind: ask(origin, shop, "/v1/receipts", {"kind": kind, "items": items})
        for kind, items in (("intake", [{"item": ring["id"], "case": case}]), ("gift", [ring["id"], watch["id"]]))
    }
    in_case = receipts["intake"]["items"][0]["case"]["token"]
    stolen = shown["items"][2]
    operator = {"id": shown["operator"]["party"], "api_key": shown["operator"]["api_key"]}
    say(origin, operator, "item.reported_stolen", stolen["id"], {})
    return {
        "item-page": (f"/i/{view}", {}),
        "item-page-zh-hans": (f"/i/{view}", {"locale": "zh-CN"}),
        "item-page-zh-hant": (f"/i/{view}", {"locale": "zh-TW"}),
        "item-page-dark": (f"/i/{view}", {"color_scheme": "dark"}),
        "item-page-stolen": (f"/i/{stolen['token']}", {}),
        "public-page": (ring["id"].removeprefix("https://id.gs1.org"), {}),
        "receipt-page": (f"/r/{receipts['intake']['token']}", {}),
        "gift-page": (f"/r/{receipts['gift']['token']}", {"locale": "zh-TW"}),
        "case-page": (f"/c/{in_case}", {}),
        "party-page": (f"/p/{shop['id'].removeprefix('urn:uuid:')}", {}),
        "owner-page": ("/o", {}),
        "missing-page": ("/i/none", {}),
        "front-page": ("/", {}),
        "docs-page": ("/docs", {}),
        "problems-page": ("/docs/problems", {}),
    }


def open_case(origin: str, shop: dict[str, Any], item: str) -> str:
    """A photograph of the thing, and a repair in progress that is promised for a day; the case."""
    case, due = (
        uuid("repair of the pictures"),
        (datetime.now(UTC) + timedelta(days=5)).strftime("%Y-%m-%dT18:00:00+08:00"),
    )
    photo = upload(origin, shop, drawing())
    say(
        origin,
        shop,
        "item.inspected",
        item,
        {"tests": [{"name": "stone setting", "result": "pass"}]},
        attachments=[photo],
    )
    opened = {"kind": "repair", "channel": "store", "issue": "quality", "fault": "prong_loose", "promised": due}
    say(origin, shop, "case.opened", item, opened, case=case)
    say(origin, shop, "case.received", item, {"evidence": {"weight_g": "3.65", "stones": 1}}, case=case)
    say(origin, shop, "case.waiting", item, {"for": "parts"}, case=case)
    return case


def drawing() -> bytes:
    """A ring, drawn: no photograph of anybody's."""
    picture = Image.new("RGB", (640, 640), "#efe9dd")
    pen = ImageDraw.Draw(picture)
    pen.ellipse((140, 230, 500, 590), outline="#b98f3c", width=34)
    pen.polygon([(250, 150), (390, 150), (440, 205), (320, 300), (200, 205)], fill="#dfeef2", outline="#7fa3ad")
    for x in (250, 320, 390):
        pen.line([(x, 150), (320, 300)], fill="#9dbcc4", width=3)
    pen.line([(200, 205), (440, 205)], fill="#9dbcc4", width=3)
    out = io.BytesIO()
    picture.save(out, "JPEG", quality=85)
    return out.getvalue()


def say(origin: str, party: dict[str, Any], kind: str, item: str, details: dict[str, Any], **more: Any) -> None:
    """Record a statement, signed with the key in custody."""
    statement = {"type": kind, "party": party["id"], "subjects": [item], "details": details, **more}
    ask(origin, party, "/v1/statements", {"statement": statement})


def upload(origin: str, party: dict[str, Any], raw: bytes) -> Any:
    """What a statement lists of a picture."""
    return fetch(origin, party, "/v1/attachments?name=ring.jpg", raw, "image/jpeg")["attachment"]


def ask(origin: str, party: dict[str, Any], path: str, body: Any) -> Any:
    """The answer to a JSON body."""
    return fetch(origin, party, path, json.dumps(body).encode(), "application/json")


def fetch(origin: str, party: dict[str, Any], path: str, raw: bytes, kind: str) -> Any:
    """The JSON that answers a body."""
    headers = {"Authorization": f"Bearer {party['api_key']}", "Content-Type": kind}
    try:
        with urlopen(Request(origin + path, raw, headers), timeout=60) as answer:
            return json.load(answer)
    except HTTPError as error:
        raise AssertionError(error.read().decode()) from None


def take(browser: Browser, address: str, stem: Path, **more: Any) -> None:
    """One page at both widths, as WebP."""
    for width in WIDTHS:
        context = browser.new_context(
            viewport={"width": width, "height": 800}, device_scale_factor=1, locale=more.get("locale", "en-GB"),
            color_scheme=more.get("color_scheme", "light"),
        )  # fmt: skip
        page = context.new_page()
        page.goto(address)
        page.wait_for_load_state("networkidle")
        picture = Image.open(io.BytesIO(page.screenshot(full_page=True)))
        picture.crop((0, 0, width, min(picture.height, TALLEST))).save(
            f"{stem}-{width}.webp", quality=QUALITY, method=6
        )
        context.close()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
