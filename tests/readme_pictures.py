"""README's four pictures, cut out of those of docs/pictures: ``python -m tests.readme_pictures FOLDER``.

Three stand side by side, so they have one size, and the auditor's stands under them. The others are taken first, by
``tests.pictures``, ``tests.console_pictures``, ``tests.paper_pictures`` and ``tests.audit_pictures``.
"""

from __future__ import annotations

import sys
from pathlib import Path

from PIL import Image

SIZE = (360, 860)
"""Pixels of each of the three: a phone's width, and as much of its page as says what it is."""
DESK = "#e4e0d6"
RECEIPT = 862
"""Pixels down the roll to where the owner's code is torn off."""
WIDE = 840
"""Pixels of the auditor's page, down to the verdict."""
QUALITY = 80


def main(folder: Path) -> None:
    """Cut each out and keep it beside the picture that it is of."""
    for name, source in (("phone", "item-page-360.webp"), ("counter", "console-handover-360.webp")):
        keep(opened(folder / source).crop((0, 0, *SIZE)), folder, name)
    receipt = opened(folder / "paper-sale-58mm.png").crop((0, 0, 464, RECEIPT))
    receipt.thumbnail((SIZE[0] - 32, SIZE[1]))
    desk = Image.new("RGB", SIZE, DESK)
    desk.paste(receipt, (16, (SIZE[1] - receipt.height) // 2))
    keep(desk, folder, "paper")
    page = opened(folder / "ledger-audit-page-1280.webp").crop((0, 0, 1280, WIDE))
    page.thumbnail((1000, WIDE))
    keep(page, folder, "auditor")


def opened(path: Path) -> Image.Image:
    return Image.open(path).convert("RGB")


def keep(picture: Image.Image, folder: Path, name: str) -> None:
    picture.save(folder / f"readme-{name}.webp", quality=QUALITY, method=6)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
