"""Pictures of what an owner does on her page: ``python -m tests.owner_pictures FOLDER``.

The page after the claim, a quote that is about to be approved, and a record that is about to be contradicted beside one
that was: each at 360 and at 1280 pixels. Passing a thing on has pictures of its own (``tests.passing_pictures``).
"""

from __future__ import annotations

import io
import sys
import tempfile
from pathlib import Path

from PIL import Image
from playwright.sync_api import Locator, Page, expect

from tests.browser import chromium
from tests.owner_stage import HANDED, OPENED, QUOTED, RECEIVED, WORKED, claimed, recorded, staged
from tests.passing_pictures import shot
from tests.pictures import QUALITY, WIDTHS
from tests.test_pages_contradict import contradict, record

SCENES = {"quoted": (OPENED, RECEIVED, QUOTED), "repaired": (OPENED, RECEIVED, WORKED, HANDED)}


def main(folder: Path) -> None:
    """Do each once, and take it before it is signed."""
    with (
        tempfile.TemporaryDirectory() as place,
        staged(Path(place) / "ledger", SCENES) as stage,
        chromium() as browser,
    ):
        phone = browser.new_context(locale="en-GB", device_scale_factor=1)
        page, _ = claimed(phone, stage, "quoted")
        shot(page, folder / "owner-claimed")
        page.get_by_text("Approve", exact=True).click()
        expect(page.get_by_role("button", name="Yes, approve")).to_be_visible()
        part(page, page.locator("section:has([data-cases])"), folder / "owner-quote")
        page, _ = claimed(phone, stage, "repaired")
        contradict(page, "completed a repair", "not_agreed")
        recorded(page)
        entry = record(page, "took it in")
        entry.get_by_text("This is not right").click()
        entry.get_by_label("Reason").select_option("not_so")
        entry.get_by_label("In your own words").fill("It weighed more when I brought it.")
        part(page, page.locator("section:has([data-record])"), folder / "owner-contradict")


def part(page: Page, section: Locator, stem: Path) -> None:
    """A part of the page as it stands, at both widths, as WebP."""
    for width in WIDTHS:
        page.set_viewport_size({"width": width, "height": 800})
        picture = Image.open(io.BytesIO(section.screenshot()))
        picture.save(f"{stem}-{width}.webp", quality=QUALITY, method=6)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
