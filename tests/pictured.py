"""Pictures for tests of the console: no photograph of anybody's."""

from __future__ import annotations

import io

from PIL import Image, ImageDraw


def drawing() -> bytes:
    """A ring, drawn, as JPEG."""
    picture = Image.new("RGB", (640, 640), "#efe9dd")
    ImageDraw.Draw(picture).ellipse((140, 230, 500, 590), outline="#b98f3c", width=34)
    out = io.BytesIO()
    picture.save(out, "JPEG", quality=85)
    return out.getvalue()
