"""What is on a paper, before it is set: sheets of parts, the medium that they are for, and the size of their QR codes.

A paper is a value: texts in the reader's language, addresses for QR codes, and nothing that is still to be looked up.
Each sheet is a piece of its own: a printer cuts after it, a PDF has it on its own page. Sizes are in dots of a thermal
printer of 203 dpi, which has eight to a millimetre, so that every module of a code is a whole number of dots.

GS1 asks for modules of 0.396 to 0.990 mm at a point of sale, and a quiet zone of four of them; makers of printers ask
for four dots or more, which is half a millimetre. A code is drawn with the most dots, from four to six, that fit.

>>> version_4 = 33 + 2 * qr.QUIET_ZONE
>>> dots_of("https://id.shop.example/i/AAECAwQFBgcICQoLDA0ODw", ROLL_58), 6 * version_4, 4 * version_4 / DOTS_A_MM
(6, 246, 20.5)
"""

from __future__ import annotations

import io
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from PIL import Image

from api.pages import qr
from ledger.errors import Invalid

DOTS_A_MM: Final = 8
"""Of a printer of 203 dpi (203.2, exactly)."""
DPI: Final = 25.4 * DOTS_A_MM
LEAST, MOST = qr.LEAST_DOTS, 6
"""Dots of a module: 0.5 to 0.75 mm."""


@dataclass(frozen=True, slots=True)
class Medium:
    """What is printed on: sizes in dots; ``height`` is ``None`` for a roll, which is as long as what it says.

    ``body`` is the size of the text; on a ``small`` medium (a label, a card) the code stands on the left, with the text
    beside it; ``code`` is the most that the code may take in width, and
    ``photo`` the longer side of a photograph: 0 where there is no room for one.
    """

    name: str
    width: int
    height: int | None
    margin: int
    body: int
    code: int
    small: bool = False
    photo: int = 0

    @property
    def is_roll(self) -> bool:
        """Whether it is cut from a roll, and so can be printed by ESC/POS."""
        return self.height is None


ROLL_58: Final = Medium("58mm", 464, None, 40, 24, 384)
"""58 mm of paper, of which printers reach 48 mm: 384 dots."""
ROLL_80: Final = Medium("80mm", 640, None, 32, 25, 576)
"""80 mm of paper, of which printers reach 72 mm: 576 dots."""
A4: Final = Medium("a4", 1680, 2376, 160, 30, 480, photo=400)
A6: Final = Medium("a6", 840, 1184, 64, 22, 300, photo=200)
LABEL: Final = Medium("label", 400, 240, 8, 17, 224, small=True)
"""50 by 30 mm: a tag on a ring, a bag."""
CARD: Final = Medium("card", 685, 432, 32, 22, 320, small=True)
"""85.6 by 54 mm: ISO/IEC 7810 ID-1, the size of a bank card."""
MEDIA: Final[Mapping[str, Medium]] = {one.name: one for one in (ROLL_58, ROLL_80, A4, A6, LABEL, CARD)}


@dataclass(frozen=True, slots=True)
class Heading:
    """What the sheet is."""

    text: str


@dataclass(frozen=True, slots=True)
class Text:
    """A paragraph; ``fine`` in a smaller size."""

    text: str
    fine: bool = False


@dataclass(frozen=True, slots=True)
class Large:
    """What must be found at a glance: a job number, that this is a copy."""

    text: str


@dataclass(frozen=True, slots=True)
class Rows:
    """Labels with their values."""

    rows: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Portrait:
    """What the thing is, and a JPEG of it beside that."""

    parts: tuple[Heading | Text | Large | Rows, ...]
    photo: bytes
    alt: str


@dataclass(frozen=True, slots=True)
class Code:
    """A QR code, with what is to be read and typed beside it; ``typed`` is in larger print."""

    address: str
    lines: tuple[str, ...]
    typed: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Rule:
    """A thin line across."""


@dataclass(frozen=True, slots=True)
class Signature:
    """A line to sign on, with what is signed."""

    text: str


Part = Heading | Text | Large | Rows | Portrait | Code | Rule | Signature
Sheet = tuple[Part, ...]


@dataclass(frozen=True, slots=True)
class Paper:
    """A paper in one language for one medium."""

    title: str
    language: str
    medium: Medium
    sheets: tuple[Sheet, ...]


def dots_of(address: str, medium: Medium) -> int:
    """Dots of a module of the code of an address on this medium.

    Raises ``Invalid`` for an address that would need modules of less than half a millimetre there.
    """
    modules = len(qr.matrix(address))
    dots = min(MOST, medium.code // modules)
    if dots < LEAST:
        raise Invalid(
            f"got a code of {modules} modules for {medium.name}, want at most {medium.code // LEAST}: "
            "a shorter PATINA_PUBLIC_URL, or a wider paper"
        )
    return dots


def described(paper: Paper) -> dict[str, Any]:
    """The paper as ``paper.typ`` reads it: lengths in dots, each code as its picture and the dots of its width."""
    medium = paper.medium
    shown = {name: getattr(medium, name) for name in ("width", "height", "margin", "body", "small")}
    sheets = [[_part(part, medium) for part in sheet] for sheet in paper.sheets]
    return {"title": paper.title, "language": paper.language, "medium": shown, "sheets": sheets}


def _part(part: Part, medium: Medium) -> dict[str, Any]:
    kind = type(part).__name__.lower()
    if isinstance(part, Code):
        width = dots_of(part.address, medium) * len(qr.matrix(part.address))
        return {
            "kind": kind,
            "svg": qr.svg(part.address).decode(),
            "width": width,
            "lines": part.lines,
            "typed": part.typed,
        }
    if isinstance(part, Portrait):
        size = _size(part.photo, medium.photo)
        parts = [_part(one, medium) for one in part.parts]
        return {"kind": kind, "parts": parts, "alt": part.alt, "photo": list(part.photo), "size": size}
    return {"kind": kind} | {name: getattr(part, name) for name in part.__dataclass_fields__}


def _size(photo: bytes, side: int) -> tuple[int, int]:
    """Dots of a picture whose longer side has so many."""
    with Image.open(io.BytesIO(photo)) as picture:
        scale = side / max(picture.size)
        return round(picture.width * scale), round(picture.height * scale)
