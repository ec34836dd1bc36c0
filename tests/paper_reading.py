"""Papers read as strangers would: a PDF as dots and as text by PDFium, codes by ZXing and by OpenCV, and the commands
of a thermal printer carried out by an interpreter that knows no more than the printers' manuals say.
"""

from __future__ import annotations

import io
from typing import Any

import cv2
import numpy as np
import pypdfium2 as pdfium
import zxingcpp
from PIL import Image, ImageDraw, ImageFilter

SCALE = 203.199 / 72
"""Eight dots a millimetre; a hair less, because PDFium rounds up to a dot more than a page has."""
QR = zxingcpp.BarcodeFormats([zxingcpp.BarcodeFormat.QRCode])
PLACES = ("blot", "hole", "torn", "scratch")
"""Ways in which a code loses a tenth of its area."""


def pages(document: bytes) -> list[Image.Image]:
    """The pages of a PDF as a printer of 203 dpi has them, in grey."""
    opened = pdfium.PdfDocument(document)
    try:
        return [page.render(scale=SCALE).to_pil().convert("L") for page in opened]
    finally:
        opened.close()


def texts(document: bytes) -> list[str]:
    """What each page of a PDF says, as its layout breaks it."""
    opened = pdfium.PdfDocument(document)
    try:
        # A hyphen at the end of a line is read as U+0002.
        return [page.get_textpage().get_text_bounded().replace("\x02", "-") for page in opened]
    finally:
        opened.close()


def text(document: bytes) -> str:
    """What a PDF says, without the breaks and gaps that come from its layout."""
    return squeeze("".join(texts(document)))


def squeeze(said: str) -> str:
    """A text without white space and soft hyphens."""
    return "".join(said.replace("\u200b", "").split())


def codes(picture: Image.Image, level: str = "M") -> list[str]:
    """The texts of the QR codes in a picture, all of this level, in the order of the reader."""
    found = zxingcpp.read_barcodes(picture, formats=QR)
    assert all(code.ec_level == level for code in found)
    return [code.text for code in found]


def codes_by_opencv(picture: Image.Image) -> list[str]:
    """The same by another reader."""
    _, found, _, _ = cv2.QRCodeDetectorAruco().detectAndDecodeMulti(np.asarray(picture.convert("L")))
    return [one for one in found if one]


def box(picture: Image.Image) -> tuple[int, int, int, int]:
    """Where the one code of a picture stands, without its quiet zone: left, top, right, bottom."""
    (code,) = zxingcpp.read_barcodes(picture, formats=QR)
    place = code.position
    corners = [place.top_left, place.top_right, place.bottom_right, place.bottom_left]
    across, down = [one.x for one in corners], [one.y for one in corners]
    # The reader says where it is to a dot or two; around it is white.
    left, top, right, bottom = min(across) - 6, min(down) - 6, max(across) + 6, max(down) + 6
    black = picture.point(lambda level: 255 if level < 128 else 0).crop((left, top, right, bottom)).getbbox()
    assert black is not None
    return left + black[0], top + black[1], left + black[2], top + black[3]


def damaged(picture: Image.Image, place: str) -> Image.Image:
    """The picture with a tenth of its code's area gone: a blot, a hole, a torn corner or a scratch."""
    left, top, right, bottom = box(picture)
    side = right - left
    hurt = picture.copy()
    draw = ImageDraw.Draw(hurt)
    edge = round(side * 0.1**0.5)
    if place in {"blot", "hole"}:
        x, y = left + side * 5 // 12, top + side * 5 // 12
        draw.rectangle((x, y, x + edge - 1, y + edge - 1), fill=0 if place == "blot" else 255)
    elif place == "torn":
        draw.rectangle((right - edge, bottom - edge, right, bottom), fill=255)
    else:
        # From the upper edge to the lower, between the finder patterns: a tenth of the width.
        x = left + side * 9 // 20
        draw.rectangle((x, top, x + round(side * 0.1) - 1, bottom), fill=255)
    return hurt


def withstood(picture: Image.Image, level: str = "M") -> list[str]:
    """The texts of a picture's codes; each read as it is, with a tenth gone in each way, and photographed."""
    texts = []
    for one in cut(picture.convert("L")):
        (said,) = codes(one, level)
        for place in PLACES:
            assert codes(damaged(one, place), level) == [said], (place, said)
        assert codes(photographed(one), level) == [said], said
        texts.append(said)
    return texts


def cut(picture: Image.Image) -> list[Image.Image]:
    """Each code of a picture by itself, in the order of the reader, with the quiet zone that it ought to have."""
    found: list[Image.Image] = []
    for code in zxingcpp.read_barcodes(picture, formats=QR):
        said: Any = code.extra
        place, modules = code.position, 17 + 4 * int(said["Version"])
        corners = [place.top_left, place.top_right, place.bottom_right, place.bottom_left]
        across, down = [one.x for one in corners], [one.y for one in corners]
        zone = 4 * (max(across) - min(across)) // modules
        found.append(picture.crop((min(across) - zone, min(down) - zone, max(across) + zone, max(down) + zone)))
    return found


def photographed(picture: Image.Image) -> Image.Image:
    """The picture as a telephone sees it: on a table, from the side, unevenly lit, blurred, noisy, and as a JPEG."""
    large = picture.convert("L").resize((picture.width * 3, picture.height * 3), Image.Resampling.BICUBIC)
    wide, high = large.size
    before = np.array([(0, 0), (wide, 0), (wide, high), (0, high)], dtype=np.float32)
    after = np.array(
        [(0.16 * wide, 0.1 * high), (0.9 * wide, 0.16 * high), (1.05 * wide, 1.02 * high), (0.06 * wide, 0.93 * high)],
        dtype=np.float32,
    )
    size = (round(wide * 1.12), round(high * 1.1))
    seen = cv2.warpPerspective(
        np.asarray(large),
        cv2.getPerspectiveTransform(before, after),
        size,
        borderMode=cv2.BORDER_CONSTANT,
        borderValue=90,
    )
    light = np.linspace(0.55, 0.95, size[0])[None, :] * np.linspace(0.9, 1.0, size[1])[:, None]
    noise = np.random.default_rng(203).normal(0, 5, seen.shape)
    shown = Image.fromarray(np.clip(seen * light + noise + 15, 0, 255).astype(np.uint8))
    out = io.BytesIO()
    shown.filter(ImageFilter.GaussianBlur(1.6)).save(out, "JPEG", quality=60)
    return Image.open(out)


def printed(job: bytes) -> list[Image.Image]:
    """The pieces of paper that come out of a thermal printer: one for each cut. Knows four commands and no other."""
    pieces: list[Image.Image] = []
    rows: list[Image.Image] = []
    at = 0
    while at < len(job):
        if job.startswith(b"\x1b@", at):
            at += 2
        elif job.startswith(b"\x1dv0\x00", at):
            across = int.from_bytes(job[at + 4 : at + 6], "little")
            down = int.from_bytes(job[at + 6 : at + 8], "little")
            dots = job[at + 8 : at + 8 + across * down]
            assert len(dots) == across * down
            bits = np.unpackbits(np.frombuffer(dots, np.uint8).reshape(down, across), axis=1)
            rows.append(Image.fromarray(((1 - bits) * 255).astype(np.uint8)))
            at += 8 + len(dots)
        elif job.startswith(b"\x1bd", at):
            rows.append(Image.new("L", (8, 30 * job[at + 2]), 255))
            at += 3
        elif job.startswith(b"\x1dVB", at):
            pieces.append(_stacked(rows))
            rows = []
            at += 4
        else:
            raise AssertionError(f"got {job[at : at + 4].hex()} at {at}, which is no command that is used")
    assert not rows, "what is printed is cut off"
    return pieces


def _stacked(rows: list[Image.Image]) -> Image.Image:
    whole = Image.new("L", (max(row.width for row in rows), sum(row.height for row in rows)), 255)
    top = 0
    for row in rows:
        whole.paste(row, (0, top))
        top += row.height
    return whole
