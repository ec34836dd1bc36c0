"""Files to upload, made here: pictures with everything a camera writes into them, papers, and what attackers send."""

from __future__ import annotations

import io
import struct
import zlib
from typing import Any

import pikepdf
from PIL import Image, PngImagePlugin

SECRETS = (b"Hidden Camera", b"GPS-PLACE", b"A Comment", b"xmp-secret")
"""What stands in the metadata of ``jpeg`` and must be nowhere in what is kept."""
_RED, _BLUE = (200, 30, 30), (20, 40, 200)


def picture(width: int = 60, height: int = 40, mode: str = "RGB") -> Image.Image:
    """Red above, blue below."""
    made = Image.new("RGB", (width, height), _BLUE)
    made.paste(_RED, (0, 0, width, height // 2))
    return made.convert(mode)


def save(image: Image.Image, kind: str, **more: Any) -> bytes:
    """The bytes of a picture."""
    file = io.BytesIO()
    image.save(file, kind, **more)
    return file.getvalue()


def jpeg(width: int = 60, height: int = 40, orientation: int = 1) -> bytes:
    """A JPEG with EXIF (camera, position, orientation), XMP and a comment."""
    exif = Image.Exif()
    exif[0x010F] = "Hidden Camera"
    exif[0x0112] = orientation
    exif.get_ifd(0x8825)[0x001B] = b"GPS-PLACE"
    xmp = b'<x:xmpmeta xmlns:x="adobe:ns:meta/"><secret>xmp-secret</secret></x:xmpmeta>'
    return save(picture(width, height), "JPEG", exif=exif, comment=b"A Comment", xmp=xmp, quality=90)


def png(width: int = 60, height: int = 40, mode: str = "RGB") -> bytes:
    """A PNG with texts and EXIF."""
    texts = PngImagePlugin.PngInfo()
    texts.add_text("Comment", "A Comment")
    texts.add_itxt("XML:com.adobe.xmp", "xmp-secret")
    exif = Image.Exif()
    exif[0x010F] = "Hidden Camera"
    return save(picture(width, height, mode), "PNG", pnginfo=texts, exif=exif)


def webp(*, lossless: bool = True) -> bytes:
    """A WebP with EXIF and XMP."""
    exif = Image.Exif()
    exif[0x010F] = "Hidden Camera"
    return save(picture(), "WEBP", exif=exif, xmp=b"xmp-secret", lossless=lossless)


def pdf(**root: Any) -> bytes:
    """A PDF of one page with information and XMP; ``root`` are members of its catalogue."""
    paper = pikepdf.new()
    paper.add_blank_page()
    with paper.open_metadata() as metadata:
        metadata["dc:title"] = "xmp-secret"
    paper.docinfo["/Author"] = "Hidden Camera"
    for name, value in root.items():
        paper.Root[f"/{name}"] = value
    return pdf_bytes(paper)


def pdf_bytes(paper: pikepdf.Pdf, **more: Any) -> bytes:
    """The bytes of a paper."""
    file = io.BytesIO()
    paper.save(file, **more)
    return file.getvalue()


def png_header(width: int, height: int) -> bytes:
    """A PNG that claims a size, with next to no pixels in it: a bomb costs its sender a few bytes."""
    header = _chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + header + _chunk(b"IDAT", zlib.compress(bytes(1000))) + _chunk(b"IEND", b"")


def png_text_bomb(size: int = 64 * 1024 * 1024) -> bytes:
    """A PNG of one pixel with a compressed text that unpacks to ``size`` bytes."""
    header = _chunk(b"IHDR", struct.pack(">IIBBBBB", 1, 1, 8, 2, 0, 0, 0))
    text = _chunk(b"zTXt", b"Comment\0\0" + zlib.compress(bytes(size), 9))
    return b"\x89PNG\r\n\x1a\n" + header + text + _chunk(b"IDAT", zlib.compress(bytes(4))) + _chunk(b"IEND", b"")


def unpacking_to(first: bytes, filling: bytes, size: int) -> bytes:
    """What zlib unpacks to ``first`` and then ``size`` times one byte (a multiple of 16 MiB), made without packing it.

    After a full flush each block stands for itself (RFC 1951), so one can be repeated; the sum at the end (Adler-32,
    RFC 1950) of equal bytes is a formula.
    """
    block = 16 * 1024 * 1024

    def packed(raw: bytes, how: int) -> bytes:
        packer = zlib.compressobj(9, zlib.DEFLATED, -zlib.MAX_WBITS)
        return packer.compress(raw) + packer.flush(how)

    low, high, byte = zlib.adler32(first) & 0xFFFF, zlib.adler32(first) >> 16, filling[0]
    total = (low + size * byte) % 65521, (high + size * low + byte * size * (size + 1) // 2) % 65521
    body = packed(first, zlib.Z_FULL_FLUSH) + packed(filling * block, zlib.Z_FULL_FLUSH) * (size // block)
    return b"\x78\xda" + body + packed(b"", zlib.Z_FINISH) + (total[1] << 16 | total[0]).to_bytes(4, "big")


def pdf_bomb(size: int = 3 * 1024 * 1024 * 1024) -> bytes:
    """A PDF whose object stream unpacks to ``size`` bytes."""
    packed = unpacking_to(b"4 0 5 5 null null ", b" ", size)
    parts = [
        b"1 0 obj\n<</Type/Catalog/Pages 2 0 R/X 4 0 R>>\nendobj\n",
        b"2 0 obj\n<</Type/Pages/Kids[]/Count 0>>\nendobj\n",
        b"3 0 obj\n<</Type/ObjStm/N 2/First 8/Filter/FlateDecode/Length %d>>\nstream\n" % len(packed)
        + packed
        + b"\nendstream\nendobj\n",
    ]
    raw, places = b"%PDF-1.7\n", []
    for part in parts:
        places.append(len(raw))
        raw += part
    start = len(raw)
    rows = [(0, 0, 65535), *((1, place, 0) for place in places), (2, 3, 0), (2, 3, 1), (1, start, 0)]
    table = b"".join(kind.to_bytes(1, "big") + at.to_bytes(4, "big") + gen.to_bytes(2, "big") for kind, at, gen in rows)
    return (
        raw
        + b"6 0 obj\n<</Type/XRef/Size 7/W[1 4 2]/Root 1 0 R/Length %d>>\nstream\n" % len(table)
        + table
        + b"\nendstream\nendobj\nstartxref\n%d\n%%%%EOF\n" % start
    )


def _chunk(name: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))
