"""Which files are taken, how large, and by which bytes they are known. A label is compared, and never believed.

Four kinds: what a camera, a scanner and an office make, and what every browser shows without a plug-in. HEIC is not
among them: a phone's browser sends a JPEG where a page asks for one, and Pillow would need another decoder to guard.

>>> sniff(b"%PDF-1.7 ..."), sniff(b"GIF89a")
('application/pdf', None)
"""

from __future__ import annotations

from dataclasses import dataclass

MAX_FILE = 20 * 1024 * 1024
MAX_PIXELS = 50_000_000
"""Pixels of a picture: the largest that phones take. Its decoding costs 3 bytes each, twice if it is turned."""
MAX_SIDE = 16_383
"""Pixels of a side: the largest that a WebP can have; longer and thinner is no photograph."""
THUMBNAIL = 320
"""Pixels of the longer side of a thumbnail."""
SNIFFED = 16
"""Bytes at the start of a file that tell its kind."""

JPEG, PNG, WEBP, PDF = "image/jpeg", "image/png", "image/webp", "application/pdf"
SUFFIXES = {JPEG: "jpg", PNG: "png", WEBP: "webp", PDF: "pdf"}
"""The kinds, and what a file of each is called."""


@dataclass(frozen=True, slots=True)
class Washed:
    """What came out: a file of this type, of ``width`` and ``height`` in pixels if it is a picture."""

    media_type: str
    width: int | None = None
    height: int | None = None


class Unfit(Exception):
    """A file that is not taken; ``kind`` is that of the problem: media_type, too_large, malformed or invalid."""

    def __init__(self, kind: str, why: str) -> None:
        super().__init__(why)
        self.kind = kind
        self.why = why


def sniff(start: bytes) -> str | None:
    """The type of a file that starts so, if it is one that is taken."""
    if start.startswith(b"\xff\xd8\xff"):
        return JPEG
    if start.startswith(b"\x89PNG\r\n\x1a\n"):
        return PNG
    if start[:4] == b"RIFF" and start[8:12] == b"WEBP":
        return WEBP
    return PDF if start.startswith(b"%PDF-") else None
