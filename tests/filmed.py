"""What a camera sees, for Chromium's fake one: a code that comes into view on a table, as Y4M, which is raw frames."""

from __future__ import annotations

import io
from pathlib import Path

from PIL import Image

from api.pages import qr
from tests.paper_reading import photographed

SIZE = (640, 480)
EMPTY, SHOWN = 4, 20
"""Frames without and with the code, ten a second; Chromium begins again at the end."""


def photograph(address: str) -> Image.Image:
    """A code as a telephone takes it: from the side, unevenly lit, blurred, noisy."""
    with Image.open(io.BytesIO(qr.png(address, 4))) as picture:
        return photographed(picture)


def film(place: Path, address: str) -> Path:
    """A file of what a camera sees that is held over a table and then over the code of an address."""
    table = Image.new("L", SIZE, 96)
    seen = table.copy()
    code = photograph(address)
    code.thumbnail((SIZE[0], SIZE[1] - 40))
    seen.paste(code, ((SIZE[0] - code.width) // 2, 20))
    grey = bytes([128]) * (SIZE[0] * SIZE[1] // 2)
    frames = [table] * EMPTY + [seen] * SHOWN
    head = f"YUV4MPEG2 W{SIZE[0]} H{SIZE[1]} F10:1 Ip A1:1 C420jpeg\n".encode()
    place.write_bytes(head + b"".join(b"FRAME\n" + one.tobytes() + grey for one in frames))
    return place
