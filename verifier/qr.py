"""QR codes: drawn (level M, quiet zone of four modules, ISO/IEC 18004), and read from photographs and screenshots.

Needs the extra ``qr``: ``qrcode`` draws, ``zxing-cpp`` reads codes that are crooked, turned or inverted, ``pillow``
opens pictures. Nothing else of the verifier imports this.
"""

from __future__ import annotations

import io
from pathlib import Path

import qrcode
import zxingcpp
from PIL import Image, UnidentifiedImageError
from qrcode.constants import ERROR_CORRECT_M

from ledger.errors import Invalid, Malformed

QUIET_ZONE = 4
DOTS = 8
"""Pixels of a module in a PNG: at 203 dpi a module is then a millimetre, which old phones read too."""
LEAST_DOTS, MAX_DOTS = 4, 32
"""What may be asked for: at 203 dpi half a millimetre, under which a code is not read for sure once it is hurt."""
MAX_TEXT = 2000
"""Bytes of a text: a level M code holds 2,331, and codes of the largest sizes are read badly from paper."""
_QR_CODES = zxingcpp.BarcodeFormats([zxingcpp.BarcodeFormat.QRCode])
MAX_PIXELS = 100_000_000
"""Of a picture: the largest telephone cameras; more is a decompression bomb."""


def matrix(text: str) -> list[list[bool]]:
    """The modules of the code, dark ones true, with the quiet zone around; raises ``Invalid`` for too long a text."""
    if not 0 < len(text.encode()) <= MAX_TEXT:
        raise Invalid(f"got a text of {len(text.encode())} bytes, want 1 to {MAX_TEXT}")
    code = qrcode.QRCode(error_correction=ERROR_CORRECT_M, border=QUIET_ZONE)
    code.add_data(text.encode())
    return [[bool(module) for module in row] for row in code.get_matrix()]


def make_svg(text: str) -> bytes:
    """The code as an SVG picture of one unit a module."""
    rows = matrix(text)
    size = len(rows)
    dark = "".join(f"M{x} {y}h1v1h-1z" for y, row in enumerate(rows) for x, module in enumerate(row) if module)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {size} {size}" shape-rendering="crispEdges">'
        f'<path fill="#fff" d="M0 0h{size}v{size}H0z"/><path d="{dark}"/></svg>\n'
    ).encode()


def make_png(text: str, dots: int = DOTS) -> bytes:
    """The code as a PNG picture of ``dots`` pixels a module; raises ``Invalid`` for too few or too many of them."""
    if not LEAST_DOTS <= dots <= MAX_DOTS:
        raise Invalid(f"got {dots} pixels a module, want {LEAST_DOTS} to {MAX_DOTS}")
    rows = matrix(text)
    picture = Image.new("1", (len(rows), len(rows)), 1)
    for y, row in enumerate(rows):
        for x, module in enumerate(row):
            if module:
                picture.putpixel((x, y), 0)
    out = io.BytesIO()
    picture.resize((len(rows) * dots, len(rows) * dots), Image.Resampling.NEAREST).save(out, "PNG", optimize=True)
    return out.getvalue()


def make_text(text: str) -> str:
    """The code for a terminal, two modules a character, light on dark as most terminals are."""
    rows = matrix(text)
    rows += [[False] * len(rows)] * (len(rows) % 2)
    shapes = {(False, False): "█", (False, True): "▀", (True, False): "▄", (True, True): " "}
    pairs = zip(rows[::2], rows[1::2], strict=True)
    return "\n".join("".join(shapes[pair] for pair in zip(upper, lower, strict=True)) for upper, lower in pairs)


def read(path: Path) -> list[str]:
    """The texts of all QR codes in a picture, as they are found; raises ``Malformed`` if it is no picture."""
    try:
        with Image.open(path) as picture:
            if picture.width * picture.height > MAX_PIXELS:
                raise Malformed(
                    f"got a picture of {picture.width} by {picture.height}, want at most {MAX_PIXELS} pixels"
                )
            flat = picture.convert("RGBA")
    except (UnidentifiedImageError, Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise Malformed(f"got no picture that can be opened: {error}") from None
    except OSError as error:
        if error.errno is not None:
            raise
        raise Malformed(f"got a broken picture: {error}") from None
    # A screenshot may be transparent where its page was white.
    white = Image.new("RGBA", flat.size, "white")
    grey = Image.alpha_composite(white, flat).convert("L")
    return [code.text for code in zxingcpp.read_barcodes(grey, formats=_QR_CODES)]
