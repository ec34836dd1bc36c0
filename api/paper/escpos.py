"""The commands of a thermal printer (ESC/POS): each sheet as a picture of black and white dots, and a cut after it.

Text is sent as dots and not as letters, and codes are drawn and not asked for: which Chinese code page a printer has,
whether it draws QR codes and with which quiet zone differs from one to the next, and dots are the same on all
(docs/decisions/0029-papers-in-print.md). Four commands are used:

    ESC @                   begin anew
    GS v 0 m xL xH yL yH d  print a picture of x bytes by y rows, the first dot the highest bit, 1 black
    ESC d n                 feed n lines
    GS V 66 n               feed to the knife and cut

>>> job([Image.new("L", (16, 1), 0)]).hex(" ", 1)[:44]
'1b 40 1d 76 30 00 02 00 01 00 ff ff 1b 64 01'
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from PIL import Image

BAND: Final = 128
"""Rows of one picture: what the buffer of a small printer holds."""
_BEGIN: Final = b"\x1b@"
_PICTURE: Final = b"\x1dv0\x00"
_FEED: Final = b"\x1bd\x01"
_CUT: Final = b"\x1dVB\x00"
_BLACK: Final = 160
"""Grey below which a dot is black: thin strokes of small letters stay whole."""


def job(sheets: Sequence[Image.Image]) -> bytes:
    """The bytes that print these sheets, in grey, a dot a pixel; the width is a multiple of eight."""
    parts = [_BEGIN]
    for sheet in sheets:
        tops = range(0, sheet.height, BAND)
        bands = [_band(sheet.crop((0, top, sheet.width, min(top + BAND, sheet.height)))) for top in tops]
        parts += [*bands, _FEED, _CUT]
    return b"".join(parts)


def _band(rows: Image.Image) -> bytes:
    assert rows.width % 8 == 0, "the widths of rolls are whole bytes"
    black = rows.point(lambda level: 255 if level < _BLACK else 0).convert("1")
    size = (rows.width // 8).to_bytes(2, "little") + rows.height.to_bytes(2, "little")
    return _PICTURE + size + black.tobytes()
