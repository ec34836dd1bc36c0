"""QR codes of addresses: level M, quiet zone 4 (api.md; GS1 asks for the same), as SVG and as PNG.

The library is ``qrcode``. Modules are drawn black on white in both colour schemes: a scanner reads the picture, not
the page around it.
"""

from __future__ import annotations

import gzip
import io
from functools import lru_cache

import qrcode
from qrcode.constants import ERROR_CORRECT_M
from starlette.requests import Request
from starlette.responses import Response

from api.problems import Problem

QUIET_ZONE = 4
"""Modules of white on each side."""
DOTS = 8
"""Pixels of a module in a PNG: two of a label printer's four at 203 dpi, so that it scales without a blur."""
LEAST_DOTS, MAX_DOTS = 4, 32
"""What may be asked for: at 203 dpi half a millimetre, under which a code is not read for sure once it is hurt."""


@lru_cache(maxsize=512)
def matrix(address: str) -> tuple[tuple[bool, ...], ...]:
    """The modules of the code of an address, rows from the top, quiet zone included; true is black."""
    code = qrcode.QRCode(error_correction=ERROR_CORRECT_M, border=QUIET_ZONE)
    code.add_data(address)
    code.make(fit=True)
    return tuple(tuple(bool(module) for module in row) for row in code.get_matrix())


def svg(address: str) -> bytes:
    """The code as an SVG of one path: a run of black modules in a row is one bar."""
    rows = matrix(address)
    bars = []
    for y, row in enumerate(rows):
        x = 0
        while x < len(row):
            end = x
            while end < len(row) and row[end] == row[x]:
                end += 1
            if row[x]:
                bars.append(f"M{x} {y}h{end - x}v1h-{end - x}z")
            x = end
    n = len(rows)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {n} {n}" shape-rendering="crispEdges">'
        f'<path fill="#fff" d="M0 0h{n}v{n}H0z"/><path d="{"".join(bars)}"/></svg>'
    ).encode()


def png(address: str, dots: int = DOTS) -> bytes:
    """The code as a PNG with ``dots`` pixels a module."""
    from PIL import Image  # noqa: PLC0415 - 20 ms that only this needs

    rows = matrix(address)
    picture = Image.new("1", (len(rows), len(rows)), 1)
    picture.putdata([0 if module else 1 for row in rows for module in row])
    out = io.BytesIO()
    picture.resize((len(rows) * dots, len(rows) * dots), Image.Resampling.NEAREST).save(out, "PNG", optimize=True)
    return out.getvalue()


def qr_response(address: str, request: Request, *, packed: bool = False) -> Response:
    """The picture that the path asks for by its end, an SVG in gzip if ``packed``; ``?dots=`` sets a PNG's pixels."""
    headers = {"Cache-Control": "private, max-age=86400"}
    if request.url.path.endswith(".svg"):
        said = headers | {"Vary": "Accept-Encoding"} | ({"Content-Encoding": "gzip"} if packed else {})
        picture = gzip.compress(svg(address), mtime=0) if packed else svg(address)
        return Response(picture, headers=said, media_type="image/svg+xml")
    got = request.query_params.get("dots", str(DOTS))
    if not got.isascii() or not got.isdigit() or len(got) > 2 or not LEAST_DOTS <= int(got) <= MAX_DOTS:
        raise Problem("invalid", f"got {got[:20]!r}, want {LEAST_DOTS} to {MAX_DOTS}", parameter="dots")
    return Response(png(address, int(got)), headers=headers, media_type="image/png")
