"""Pictures of the owner's page while a thing is passed on: ``python -m tests.passing_pictures FOLDER``.

Each state at 360 and at 1280 pixels, of two phones: the giver's and the new holder's. They are kept to be looked at.
"""

from __future__ import annotations

import io
import sys
import tempfile
from pathlib import Path

from PIL import Image
from playwright.sync_api import Page, expect

from tests.browser import chromium
from tests.owner_stage import claimed, recorded, staged
from tests.passing import confirmed, follow, given, link
from tests.pictures import QUALITY, TALLEST, WIDTHS


def main(folder: Path) -> None:
    """Walk once through all of it, and take each state."""
    with (
        tempfile.TemporaryDirectory() as place,
        staged(Path(place) / "ledger", {"ring": ()}) as stage,
        chromium() as browser,
    ):
        phones = [browser.new_context(locale="en-GB", device_scale_factor=1) for _ in range(2)]
        old, _ = claimed(phones[0], stage, "ring")
        first = given(old)
        shot(old, folder / "passing-1-link")
        new = phones[1].new_page()
        new.goto(first)
        expect(new.locator("[data-take]")).to_be_visible()
        shot(new, folder / "passing-2-offered")
        new.locator("[data-take]").click()
        expect(new.locator("[data-state=asked]")).to_be_visible()
        second = link(new)
        shot(new, folder / "passing-3-asked")
        follow(old, second)
        expect(old.locator("[data-confirm]")).to_be_visible()
        shot(old, folder / "passing-4-confirm")
        third = confirmed(old, second)
        shot(old, folder / "passing-5-last-link")
        follow(new, third)
        recorded(new)
        shot(new, folder / "passing-6-taken")
        follow(old, second)
        expect(old.get_by_role("heading", name="This link does nothing")).to_be_visible()
        shot(old, folder / "passing-7-stopped")


def shot(page: Page, stem: Path) -> None:
    """The page as it stands, at both widths, as WebP."""
    for width in WIDTHS:
        page.set_viewport_size({"width": width, "height": 800})
        picture = Image.open(io.BytesIO(page.screenshot(full_page=True)))
        picture.crop((0, 0, width, min(picture.height, TALLEST))).save(
            f"{stem}-{width}.webp", quality=QUALITY, method=6
        )


if __name__ == "__main__":
    main(Path(sys.argv[1]))
