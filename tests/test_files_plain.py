"""JPEGs that stay as they are: the form is narrow, and whatever is beside it is written anew from its pixels."""

from __future__ import annotations

import io

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from api.files.kinds import JPEG, Washed
from api.files.picture import wash_picture
from api.files.plain import END, HEAD, TAIL, altered, is_plain
from tests.files import SECRETS, jpeg, picture, save

TABLES, FRAME, CODES, SCAN = 0xDB, 0xC0, 0xC4, 0xDA


def segments(raw: bytes) -> list[tuple[int, bytes]]:
    """Kind and content of each segment of a JPEG, the scan's data behind its header."""
    place = 2
    found: list[tuple[int, bytes]] = []
    while True:
        kind, length = raw[place + 1], int.from_bytes(raw[place + 2 : place + 4], "big")
        if kind == SCAN:
            return [*found, (kind, raw[place + 4 :])]
        found.append((kind, raw[place + 4 : place + 2 + length]))
        place += 2 + length


def made(parts: list[tuple[int, bytes]], head: bytes = HEAD) -> bytes:
    """A JPEG of these segments; the last is the scan's, with its data."""
    *before, (_, scan) = parts
    written = b"".join(bytes((0xFF, kind)) + (len(body) + 2).to_bytes(2, "big") + body for kind, body in before)
    count = scan[0]
    return head + written + bytes((0xFF, SCAN)) + (6 + 2 * count).to_bytes(2, "big") + scan


def plain(image: Image.Image | None = None, **more: object) -> bytes:
    """A picture in the plain form, by another encoder than a browser's."""
    raw = save(image or picture(64, 48), "JPEG", **{"quality": 90, "optimize": True, **more})
    return made([one for one in segments(raw) if one[0] != 0xE0])


def washed(raw: bytes) -> tuple[Washed, bytes, bytes]:
    """What is said of a file, and the file and the thumbnail that are written, without a process of its own."""
    written, small = io.BytesIO(), io.BytesIO()
    return wash_picture(JPEG, io.BytesIO(raw), written, small), written.getvalue(), small.getvalue()


def kept(raw: bytes) -> bytes:
    return washed(raw)[1]


@pytest.mark.parametrize("mode", ["RGB", "L"])
@pytest.mark.parametrize("sampling", ["4:4:4", "4:2:2", "4:2:0"])
def test_a_plain_one_stays_as_it_is(mode: str, sampling: str) -> None:
    for size in ((1, 1), (7, 9), (160, 120)):
        raw = plain(picture(*size, mode), subsampling=sampling)
        assert is_plain(raw)
        assert kept(raw) == raw
        found, _, small = washed(raw)
        assert (found.width, found.height) == size
        assert Image.open(io.BytesIO(small)).format == "JPEG"
    for colour in ("black", "white", "#7f7f7f"):
        raw = plain(Image.new("RGB", (333, 77), colour))
        assert kept(raw) == raw, colour


def test_a_scan_that_never_says_anything_is_written_anew() -> None:
    # Every value of it is 0, so its end cannot be told by the pixels.
    raw = plain(Image.new("RGB", (64, 64), "#808080"))
    assert is_plain(raw)
    assert kept(raw) != raw
    assert Image.open(io.BytesIO(kept(raw))).getpixel((9, 9)) == (128, 128, 128)


def test_whatever_could_say_something_makes_it_another_form() -> None:
    raw = plain()
    *front, scan = segments(raw)[1:]
    tables = dict(reversed(front))
    for name, other in {
        "a camera's": jpeg(),
        "a comment": made([*front, (0xFE, b"GPS-PLACE"), scan]),
        "EXIF": made([(0xE1, b"Exif\0\0GPS-PLACE"), *front, scan]),
        "a second APP0": made([(0xE0, b"JFXX\0GPS-PLACE"), *front, scan]),
        "a density": made([*front, scan], HEAD[:14] + b"\x30\x30" + HEAD[16:]),
        "a progressive frame": made([(0xC2 if kind == FRAME else kind, body) for kind, body in front] + [scan]),
        "twelve bits": made([(kind, b"\x0c" + body[1:] if kind == FRAME else body) for kind, body in front] + [scan]),
        "restarts": made([*front, (0xDD, b"\0\4"), scan]),
        "a table twice": made([*front, (TABLES, tables[TABLES]), scan]),
        "a table that nothing uses": made([*front, (TABLES, b"\3" + b"GPS-PLACE" * 7 + b"x"), scan]),
        "codes that nothing uses": made([*front, (CODES, b"\3" + bytes((9, *bytes(15))) + b"GPS-PLACE"), scan]),
        "a table cut short": made([*front, (TABLES, b"\3GPS-PLACE"), scan]),
        "a segment without a length": HEAD + b"\xff\xdb\0\0" + raw[len(HEAD) :],
        "two frames": made([*front, (FRAME, tables[FRAME]), scan]),
        "no frame": made([one for one in front if one[0] != FRAME] + [scan]),
        "no scan": HEAD + END,
        "something behind it": raw + b"PK\3\4 evil.jar",
        "a second picture": raw + raw,
        "a marker within the scan": raw[:-2] + b"\xff\xfe\0\x0bGPS-PLACE" + END,
        "no end": raw[:-2],
    }.items():
        assert not is_plain(other), name


def test_what_stands_behind_the_last_pixel_is_gone() -> None:
    raw = plain()
    hidden = raw[:-2] + b"GPS-PLACE and more" + END
    assert is_plain(hidden), "the form alone does not tell"
    assert b"GPS-PLACE" not in kept(hidden)
    assert kept(raw[:-2] + bytes(TAIL) + END) == kept(raw[:-2] + bytes(TAIL) + END) != raw[:-2] + bytes(TAIL) + END
    assert not any(secret in kept(jpeg()) for secret in SECRETS)


def test_the_end_of_the_scan_is_changed_and_no_marker_made() -> None:
    for raw in (plain(picture(1, 1)), plain()):
        other = altered(raw)
        assert is_plain(other)
        assert len(other) == len(raw)
        assert other != raw
    # Not between 0xff and its 0, wherever the end begins.
    for odd in (b"", b"\x11"):
        assert is_plain(altered(plain()[:-2] + odd + b"\xff\0" * TAIL + END))


@given(st.binary(max_size=300), st.integers(0, 400), st.binary(max_size=3))
def test_no_bytes_make_it_fail(noise: bytes, at: int, instead: bytes) -> None:
    raw = plain(Image.new("L", (8, 8)))
    for one in (noise, HEAD + noise, HEAD + noise + END, raw[:at] + instead + raw[at + len(instead) :]):
        if is_plain(one):
            assert is_plain(altered(one))


def _spelt(words: bytes) -> bytes:
    """A flat grey picture in whose scan each byte is a code, and most codes say the same: nothing."""
    codes = bytes((0, 0, 0, 0, 0, 0, 0, 255, *bytes(8)))
    wide = 8 * (len(words) // 2 + 1)
    # Of the first coefficient, codes from 0x80 on are of seven bits: the last block has one, so that its end is seen.
    first = b"\0" + codes + bytes(128) + b"\7" * 127
    rest = b"\x10" + codes + bytes(255)
    front = [(TABLES, b"\0" + b"\1" * 64), (CODES, first), (CODES, rest)]
    frame = b"\x08\0\x08" + wide.to_bytes(2, "big") + b"\1\1\x11\0"
    return made([*front, (FRAME, frame), (SCAN, b"\1\1\0\0\x3f\0" + words + b"\x80\xfe\1" + END)])


def test_a_scan_in_which_codes_say_nothing_spells_no_words() -> None:
    hidden = _spelt(b"<script>fetch('//evil')</script>PK\3\4 lat 52.1 lon 4.2 ." * 8)
    with Image.open(io.BytesIO(hidden)) as shown:
        assert shown.convert("L").getextrema()[0] == 128, "it is a picture, and grey but for its end"
    assert b"<script>" not in kept(hidden)
    assert b"PK\3\4" not in kept(hidden)


def _with_frame(raw: bytes, width: int) -> bytes:
    parts = [(kind, body[:3] + width.to_bytes(2, "big") + body[5:] if kind == FRAME else body)
             for kind, body in segments(raw)[1:]]  # fmt: skip
    return made(parts)


@pytest.mark.parametrize("optimize", [True, False])
@pytest.mark.parametrize(("mode", "wide"), [("L", 8), ("RGB", 16)])
def test_what_stands_beyond_the_edge_of_the_last_blocks_is_gone(mode: str, wide: int, *, optimize: bool) -> None:
    whole = Image.effect_noise((wide, 800), 90).convert(mode)
    whole.paste("white", (0, 0, 1, 800))
    raw = plain(whole, subsampling="4:2:0", optimize=optimize)
    assert kept(raw) == raw
    cut = _with_frame(raw, 1)
    assert is_plain(cut)
    assert len(kept(cut)) < len(cut) / 2


def test_a_step_of_0_hides_nothing() -> None:
    raw = plain(Image.effect_noise((64, 64), 90))
    parts = [(kind, body[:33] + bytes(32) if kind == TABLES else body) for kind, body in segments(raw)[1:]]
    assert not is_plain(made(parts))


def test_tables_hold_no_words() -> None:
    *front, scan = segments(plain())[1:]
    for name, other in {
        "a symbol of no picture": b"\x11" + bytes((0, 0, 0, 5, *bytes(12))) + b"place",
        "an empty one": b"",
        "a symbol twice": b"\x11" + bytes((0, 2, *bytes(14))) + b"\0\0",
        "a difference of too many bits": b"\1" + bytes((0, 2, *bytes(14))) + b"\0\x0c",
    }.items():
        parts = [one for one in front if not other or one[0] != CODES or one[1][0] != other[0]]
        assert not is_plain(made([*parts, (CODES, other), scan])), name


def test_noise_that_the_encoder_has_no_room_for_is_written_anew() -> None:
    noise = Image.merge("RGB", [Image.effect_noise((400, 300), 100) for _ in range(3)])
    front = segments(save(noise, "JPEG", quality=100, subsampling="4:4:4"))[1:]
    assert kept(made(front)) == made(front)
    # A code for eleven bits less in a table, which nothing here uses: it is no standard one, and is tried as its own.
    place = next(at for at, (kind, body) in enumerate(front) if kind == CODES and body[0] == 0)
    raw = made([*front[:place], (CODES, front[place][1][:1] + _without_last(front[place][1][1:])), *front[place + 1 :]])
    assert is_plain(raw)
    assert kept(raw) != raw
    assert Image.open(io.BytesIO(kept(raw))).size == (400, 300)


def _without_last(table: bytes) -> bytes:
    longest = max(at for at in range(16) if table[at])
    counts = bytes(count - (at == longest) for at, count in enumerate(table[:16]))
    return counts + table[16:-1]
