"""A paper as bytes: PDF, PNG, SVG, or the commands of a thermal printer.

Typst sets it (``paper.typ``): one description for all of them, with Chinese line breaking. The fonts are Noto Sans SC
and TC from their packages; a PDF embeds the glyphs that it uses, an SVG has them as outlines, and nothing is taken from
the machine, so that the same paper is the same bytes everywhere.
"""

from __future__ import annotations

import io
import json
import re
import threading
from functools import cache
from pathlib import Path
from typing import Final, Literal

import pylopdf_fonts_zh_cn
import pylopdf_fonts_zh_tw
import typst
from PIL import Image

from api.paper import escpos
from api.paper.sheet import DPI, Paper, Portrait, described

PDF: Final = "pdf"
PNG: Final = "png"
SVG: Final = "svg"
ESCPOS: Final = "escpos"
FORMATS: Final = {
    PDF: "application/pdf",
    PNG: "image/png",
    SVG: "image/svg+xml",
    ESCPOS: "application/octet-stream",
}
"""Formats and their media types; that of ESC/POS has none of its own."""
_TEMPLATE: Final = Path(__file__).with_name("paper.typ")
_GAP: Final = 8
"""Dots between two sheets of one picture."""
_GAP_PT: Final = _GAP * 72 / DPI
_SIZE: Final = re.compile(rb'viewBox="0 0 ([0-9.]+) ([0-9.]+)"')
_lock = threading.Lock()


def make(paper: Paper, kind: str) -> bytes:
    """The paper in a format of ``FORMATS``; its sheets are pages of a PDF, and stand below each other in a picture."""
    if kind == PDF:
        return _set(paper, PDF)[0]
    if kind == SVG:
        return _joined_svg(_set(paper, SVG))
    coloured = any(isinstance(part, Portrait) for sheet in paper.sheets for part in sheet)
    pages = [_opaque(page, "RGB" if coloured else "L") for page in _set(paper, PNG)]
    if kind == ESCPOS:
        assert paper.medium.is_roll, "whoever asks for ESC/POS was told that it is for rolls"
        margin = paper.medium.margin
        return escpos.job([page.crop((margin, 0, page.width - margin, page.height)) for page in pages])
    out = io.BytesIO()
    _joined(pages).save(out, "PNG")
    return out.getvalue()


def _set(paper: Paper, kind: Literal["pdf", "png", "svg"]) -> list[bytes]:
    """The pages of a picture, or the one file of a PDF."""
    said = {"paper": json.dumps(described(paper), ensure_ascii=False)}
    with _lock:  # a compiler serves one thread at a time
        made = _compiler().compile(format=kind, ppi=DPI, sys_inputs=said)
    assert made is not None, "nothing is written to a file"
    return made if isinstance(made, list) else [made]


@cache
def _compiler() -> typst.Compiler:
    """The compiler with the two fonts, opened once."""
    fonts = [str(found.parent) for found in (pylopdf_fonts_zh_cn.sans_path(), pylopdf_fonts_zh_tw.sans_path())]
    return typst.Compiler(str(_TEMPLATE), root=str(_TEMPLATE.parent), font_paths=fonts, ignore_system_fonts=True)


def _opaque(page: bytes, mode: str) -> Image.Image:
    """A page on white: in grey, as a printer has it, or in colour, where there is a photograph on it."""
    with Image.open(io.BytesIO(page)) as picture:
        shown = picture.convert("RGBA")
    return Image.alpha_composite(Image.new("RGBA", shown.size, "white"), shown).convert(mode)


def _joined(pages: list[Image.Image]) -> Image.Image:
    height = sum(page.height for page in pages) + _GAP * (len(pages) - 1)
    whole = Image.new(
        pages[0].mode, (max(page.width for page in pages), height), "black" if len(pages) > 1 else "white"
    )
    top = 0
    for page in pages:
        whole.paste(page, (0, top))
        top += page.height + _GAP
    return whole


def _joined_svg(pages: list[bytes]) -> bytes:
    """The pages below each other in one SVG; glyphs have ids by what they look like, so two that are equal are one."""
    if len(pages) == 1:
        return pages[0]
    top, parts, width = 0.0, [], 0.0
    for page in pages:
        found = _SIZE.search(page)
        assert found is not None, "typst states the size of a page in points"
        wide, high = float(found[1]), float(found[2])
        parts.append(page.replace(b"<svg", b'<svg y="%.3f"' % top, 1))
        top, width = top + high + _GAP_PT, max(width, wide)
    top -= _GAP_PT
    head = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:.3f} {top:.3f}" width="{width:.3f}pt" '
    return f'{head}height="{top:.3f}pt">'.encode() + b"".join(parts) + b"</svg>"
