"""Every code that leaves Patina is read again: from dots of 203 dpi, with a tenth of it gone, and from the side.

A table of all that draws one, but for two: papers as PDF and as commands of a printer (test_paper_press.py), and the
links by which a thing is passed on, on a phone's screen (test_pages_passing.py). What is drawn as SVG or as a page is
printed by Chromium, and its PDF made dots by PDFium; ZXing reads.
"""

from __future__ import annotations

import base64
import io
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

import pytest
from PIL import Image
from playwright.sync_api import Browser, Page, Route

from api.cli import terminal
from api.pages.cards import format_sheet
from api.pages.catalogue import load_catalogue
from api.paper import press
from api.paper.sheet import MEDIA
from api.rights import RIGHTS
from ledger import holderkey
from ledger.db.codes import Card
from tests import paper_reading as reading
from tests.browser import needs_chromium
from tests.build import uuid
from tests.shop import PUBLIC_URL, RING, Shop, open_shop, segment
from tests.test_paper_press import VIEW, paper_of
from tests.test_verify_cli import patina
from verifier import qr

ROOT: Final = Path(__file__).resolve().parents[1]
CELL: Final = (8, 16)
"""Pixels of a character in a terminal."""


@dataclass
class Stand:
    """A shop in this process, and by name the path of each page that shows a code."""

    shop: Shop
    paths: dict[str, str]

    def answer(self, route: Route) -> None:
        """What the shop answers to a browser."""
        found = self.shop.client.get(route.request.url.removeprefix(PUBLIC_URL), headers={"Accept": "*/*"})
        route.fulfill(status=found.status_code, headers=dict(found.headers.items()), body=found.content)


@pytest.fixture(scope="module")
def stand(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stand]:
    with open_shop(tmp_path_factory.mktemp("stand")) as shop:
        party, case = shop.party("jeweller", "retailer", "repairer"), uuid("a case of codes")
        shop.say(party, "item.registered", RING, {"name": "Ring", "category": "jewellery"})
        shop.say(party, "case.opened", RING, {"kind": "repair", "channel": "store", "issue": "quality"}, case=case)
        slip = shop.post("/v1/receipts", {"kind": "intake", "items": [{"item": RING, "case": case}]}, party).json()
        (line,) = slip["items"]
        paths = {"i": f"/i/{line['token']}", "c": f"/c/{line['case']['token']}", "r": f"/r/{slip['token']}"}
        about = {"p": f"/p/{party.id.removeprefix('urn:uuid:')}", "v1": f"/v1/items/{segment(RING)}"}
        yield Stand(shop, paths | about)


def printed(page: Page) -> list[Image.Image]:
    """The sheets of a page as a printer of 203 dpi has them, once its pictures are there."""
    page.evaluate("Promise.all([...document.images].map((one) => one.decode()))")
    return reading.pages(page.pdf(prefer_css_page_size=True, print_background=False))


def on_paper(browser: Browser, pictures: list[bytes], width: str = "auto") -> list[str]:
    """What is read from SVG pictures, printed each on a page of its own."""
    shown = "".join(
        f'<img src="data:image/svg+xml;base64,{base64.b64encode(one).decode()}" style="width: {width}">'
        for one in pictures
    )
    style = "@page { size: A4; margin: 0 } body { margin: 0 } img { display: block; break-after: page }"
    page = browser.new_page()
    page.set_content(f"<style>{style}</style>{shown}")
    found = [said for sheet in printed(page) for said in reading.withstood(sheet)]
    page.close()
    return found


# What no browser is needed for.


def served_png(stand: Stand, kind: str, query: str) -> Image.Image:
    party = stand.shop.parties["jeweller"] if kind == "v1" else None
    answer = stand.shop.get(f"{stand.paths[kind]}/qr.png{query}", party)
    assert answer.status_code == 200, answer.text
    return Image.open(io.BytesIO(answer.content))


@pytest.mark.parametrize("query", ["?dots=4", ""])
def test_each_png_that_is_served(stand: Stand, query: str) -> None:
    for kind in ("i", "c", "r", "v1"):
        wanted = stand.paths[kind] if kind != "v1" else RING.removeprefix("https://id.gs1.org")
        assert reading.withstood(served_png(stand, kind, query)) == [PUBLIC_URL + wanted], kind


@pytest.mark.parametrize("name", MEDIA)
def test_each_paper_as_png(name: str) -> None:
    with Image.open(io.BytesIO(press.make(paper_of(MEDIA[name]), press.PNG))) as picture:
        assert reading.withstood(picture) == [VIEW]


@pytest.mark.parametrize("dots", [4, 8])
def test_each_png_of_the_command(dots: int, tmp_path: Path) -> None:
    assert patina("qr", "make", VIEW, "--out", tmp_path / "code.png", "--dots", dots) == 0
    with Image.open(tmp_path / "code.png") as picture:
        assert reading.withstood(picture) == [VIEW]


def screen(text: str, *, dark: bool) -> Image.Image:
    """A terminal's screen: what Unicode's block elements ink, light on dark or dark on light."""
    wide, high = CELL
    lines = re.sub(r"\x1b\[[0-9;]*m", "", text).split("\n")
    paper, ink = (0, 255) if dark else (255, 0)
    picture = Image.new("L", ((max(map(len, lines)) + 8) * wide, (len(lines) + 4) * high), paper)
    for y, line in enumerate(lines, 2):
        for x, one in enumerate(line, 4):
            top, bottom = {" ": (0, 0), "▀": (0, 1), "▄": (1, 2), "█": (0, 2)}[one]
            half = high // 2
            picture.paste(ink, (x * wide, y * high + top * half, (x + 1) * wide, y * high + bottom * half))
    return picture


TERMINALS: Final[dict[str, Callable[[], Image.Image]]] = {
    "patina qr make": lambda: screen(qr.make_text(VIEW), dark=True),
    "make run": lambda: screen(terminal.qr_text(VIEW, colour=False), dark=True),
    "make run, in colour": lambda: screen(terminal.qr_text(VIEW, colour=True), dark=False),
}


@pytest.mark.parametrize("name", TERMINALS)
def test_each_code_in_a_terminal(name: str) -> None:
    assert reading.withstood(TERMINALS[name]()) == [VIEW]


# What Chromium prints.


@needs_chromium
def test_each_svg_at_half_a_millimetre_a_module(stand: Stand, browser: Browser, tmp_path: Path) -> None:
    assert patina("qr", "make", VIEW, "--out", tmp_path / "code.svg") == 0
    party = stand.shop.parties["jeweller"]
    answers = [stand.shop.get(f"{stand.paths[kind]}/qr.svg", party) for kind in ("i", "c", "r", "v1", "p")]
    assert [one.status_code for one in answers] == [200] * 5
    about = answers.pop()
    # Version 4: 33 modules and twice the quiet zone of four.
    found = on_paper(browser, [*(one.content for one in answers), (tmp_path / "code.svg").read_bytes()], "20.5mm")
    wanted = [stand.paths["i"], stand.paths["c"], stand.paths["r"], RING.removeprefix("https://id.gs1.org")]
    assert found == [*(PUBLIC_URL + path for path in wanted), VIEW]
    # A party's address is longer (37 modules), and hangs on a wall: its modules have 0.75 mm.
    assert on_paper(browser, [about.content], "33.75mm") == [PUBLIC_URL + stand.paths["p"]]


@needs_chromium
def test_each_paper_as_svg(browser: Browser) -> None:
    papers = [press.make(paper_of(medium), press.SVG) for medium in MEDIA.values()]
    assert on_paper(browser, papers) == [VIEW] * len(MEDIA)


@needs_chromium
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_each_page_on_a_screen_and_in_print(stand: Stand, browser: Browser, scheme: Literal["light", "dark"]) -> None:
    context = browser.new_context(color_scheme=scheme, viewport={"width": 320, "height": 800}, device_scale_factor=2)
    context.route("**/*", stand.answer)
    page = context.new_page()
    for kind in ("i", "c", "r", "p"):
        page.goto(PUBLIC_URL + stand.paths[kind])
        code = page.locator("img.qr").screenshot()
        assert reading.withstood(Image.open(io.BytesIO(code))) == [PUBLIC_URL + stand.paths[kind]]
        sheets = printed(page)
        assert [x for one in sheets for x in reading.withstood(one)] == [PUBLIC_URL + stand.paths[kind]]
    context.close()


@needs_chromium
def test_both_codes_of_each_card_of_the_sheet(browser: Browser) -> None:
    secrets = [bytes([number]) * 16 for number in (1, 2)]
    cards = [Card(f"{number:016}", secret, {RING: "did:key:z"}) for number, secret in enumerate(secrets)]
    page = browser.new_page()
    page.set_content(format_sheet(cards, "https://id.shop.example", load_catalogue("en")))
    (sheet,) = printed(page)
    wanted = {f"https://id.shop.example/i/{card.token}" for card in cards}
    wanted |= {f"https://id.shop.example/o#{holderkey.format_code(secret)}" for secret in secrets}
    assert sorted(reading.withstood(sheet)) == sorted(wanted)
    page.close()


# That nothing is left out.


def test_whatever_draws_a_code_is_in_the_table() -> None:
    served = {path for _, path, _ in RIGHTS if re.search(r"/qr\.(svg|png)$", path)}
    starts = ("/i/{token}", "/c/{token}", "/r/{token}", "/p/{party}", "/v1/items/{id:path}")
    assert served == {f"{start}/qr.{end}" for start in starts for end in ("svg", "png")}
    assert set(press.FORMATS) == {press.PDF, press.ESCPOS, press.PNG, press.SVG}
    drawn = re.compile(r"\bqr\.(?:svg|png|qr_response|make_\w+)\(|qr_text\(|encodeQR\(|QRCode\(")
    sources = [path for top in ("api", "verifier", "ledger") for path in (ROOT / top).rglob("*.[pj][ys]")]
    found = {path.relative_to(ROOT).as_posix() for path in sources if drawn.search(path.read_text("utf-8"))}
    assert found == {
        "api/cli/announce.py",
        "api/cli/terminal.py",
        "api/pages/cards.py",
        "api/pages/qr.py",
        "api/pages/static/owner/owner_pass.js",
        "api/paper/sheet.py",
        "api/routes/items.py",
        "api/routes/pages.py",
        "api/routes/party.py",
        "api/routes/receipts.py",
        "verifier/cli/qr.py",
        "verifier/qr.py",
    }
