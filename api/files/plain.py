"""JPEGs that hold nothing but a picture. They stay as they are, so who draws one knows its digest before sending it.

The plain form is: SOI; the one APP0 of ``HEAD``; quantisation and Huffman tables and a baseline frame, in any order;
one scan of all components without restarts; EOI, and nothing behind it. There is no segment that could say anything,
and each table is one that the scan uses. No step of quantisation is 0, which would take whatever it is given; a Huffman
table has one code for a symbol of a picture, so that nobody chooses between codes.

What the scan itself holds is not told here but from the pixels (``api.files.picture``). ``altered`` is the same file
with the end of its scan changed, which must show another picture. And the picture, encoded anew in the same way
(``has_codes_of``), must not come out noticeably shorter (``SLACK``): what stands in the scan and is not seen, beyond an
edge or behind white that is as white as can be, would be missing there. The steps of quantisation stay, here as in a
picture that is written anew; somebody may choose them so that they spell a word.

>>> is_plain(HEAD + END), is_plain(b"")
(False, False)
"""

from __future__ import annotations

HEAD = b"\xff\xd8\xff\xe0\0\x10JFIF\0\1\1\0\0\1\0\1\0\0"
"""SOI and APP0: JFIF 1.01, square pixels, no thumbnail."""
END = b"\xff\xd9"
TAIL = 16
"""Bytes at the end of a scan of which some must be seen: fewer than these can stand behind the picture."""
SLACK = 8
"""A file may be longer by this part of the one encoded anew: what rounding and finer colours do to noise."""
ROOM = 32
"""Bytes by which the smallest may be longer besides."""
_MARKER = 0xFF
_QUANTISATION, _FRAME, _HUFFMAN, _SCAN = 0xDB, 0xC0, 0xC4, 0xDA
_COEFFICIENTS = 64
_COUNTS = 16
"""Bytes in front of a Huffman table's values: how many codes there are of each length."""
_DC = frozenset(range(12))
_AC = frozenset({0, 0xF0} | {run << 4 | size for run in range(16) for size in range(1, 11)})
"""What Huffman codes of a baseline picture stand for (ITU-T T.81, F.1.2)."""


def is_plain(raw: bytes) -> bool:
    """Whether these bytes are of the plain form; that they can be decoded is not said."""
    place = scan_of(raw)
    if place is None:
        return False
    scan = raw[place : -len(END)]
    # A 0xff in a scan is followed by 0, or is a marker.
    return raw.endswith(END) and scan.count(b"\xff") == scan.count(b"\xff\0")


def altered(raw: bytes) -> bytes:
    """A plain file with the last bytes of its scan changed, none of them to a marker."""
    place = scan_of(raw)
    assert place is not None, "it is plain"
    cut = max(place, len(raw) - len(END) - TAIL)
    # Not between a 0xff and its 0.
    cut += raw[cut - 1] == _MARKER
    return raw[:cut] + bytes((byte ^ 0x55) & 0xFE for byte in raw[cut : -len(END)]) + END


def scan_of(raw: bytes) -> int | None:
    """Where the scan's data begin, if all before them is of the plain form."""
    place, _ = _read(raw)
    return place


def has_codes_of(raw: bytes, other: bytes) -> bool:
    """Whether two plain files have the same Huffman tables."""
    return _read(raw)[1].codes == _read(other)[1].codes


def is_as_short(raw: bytes, anew: bytes) -> bool:
    """Whether a plain file has no more in it than the same picture encoded anew."""
    return len(raw) <= len(anew) + len(anew) // SLACK + ROOM


def _read(raw: bytes) -> tuple[int | None, _Found]:
    """Where the scan's data begin, and what stands before them."""
    place, found = len(HEAD), _Found()
    if not raw.startswith(HEAD):
        return None, found
    while len(raw) >= place + 4 and raw[place] == _MARKER:
        kind, length = raw[place + 1], int.from_bytes(raw[place + 2 : place + 4], "big")
        body, place = raw[place + 4 : place + 2 + length], place + 2 + length
        if kind == _SCAN:
            return (place if found.fits(body) else None), found
        if length < 2 or not found.took(kind, body):
            break
    return None, found


class _Found:
    """The tables and the frame in front of a scan."""

    def __init__(self) -> None:
        self._steps: dict[int, bytes] = {}
        self.codes: dict[int, bytes] = {}
        """Huffman tables by class and number."""
        self._frame = b""

    def took(self, kind: int, body: bytes) -> bool:
        """Note a segment; whether it is one of the form."""
        if kind == _FRAME and not self._frame:
            self._frame = body
            return len(body) >= 9 and body[0] == 8 and body[5] in {1, 3} and len(body) == 6 + 3 * body[5]
        if kind not in {_QUANTISATION, _HUFFMAN} or not body:
            return False
        tables = self._steps if kind == _QUANTISATION else self.codes
        while body:
            size = 1 + (_COEFFICIENTS if kind == _QUANTISATION else _COUNTS + sum(body[1 : 1 + _COUNTS]))
            table = body[1:size]
            if len(body) < size or body[0] in tables:
                return False
            if kind == _QUANTISATION:
                good = 0 not in table
            else:
                symbols = table[_COUNTS:]
                good = len(set(symbols)) == len(symbols) and (_AC if body[0] >> 4 else _DC).issuperset(symbols)
            if not good:
                return False
            tables[body[0]] = table
            body = body[size:]
        return True

    def fits(self, scan: bytes) -> bool:
        """Whether this is the header of a scan of the whole frame, and all tables are there, each used."""
        count = self._frame[5] if self._frame else 0
        if not count or len(scan) != 4 + 2 * count or scan[0] != count or scan[-3:] != b"\0\x3f\0":
            return False
        components = [self._frame[6 + 3 * at :][:3] for at in range(count)]
        chosen = [scan[1 + 2 * at :][:2] for at in range(count)]
        named = bytes(one[0] for one in components)
        quantised = {one[2] for one in components}
        coded = {one[1] >> 4 for one in chosen} | {0x10 | one[1] & 15 for one in chosen}
        return (
            named == bytes(one[0] for one in chosen) == bytes(range(1, count + 1))
            and quantised == self._steps.keys()
            and coded == self.codes.keys()
        )
