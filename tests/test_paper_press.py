"""Every code that is printed is read again by other programs, and Chinese text comes out of a PDF as it went in."""

from __future__ import annotations

import io
import re
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pikepdf
import pytest
from PIL import Image

from api.paper import press
from api.paper.sheet import (
    CARD,
    LABEL,
    LEAST,
    MEDIA,
    ROLL_58,
    Code,
    Heading,
    Large,
    Medium,
    Paper,
    Rows,
    Rule,
    Signature,
    Text,
    dots_of,
)
from ledger.errors import Invalid
from tests import paper_reading as reading

VIEW = "https://id.shop.example/r/AAECAwQFBgcICQoLDA0ODw"
OWNER = "https://id.shop.example/o#AAECAwQFBgcICQoLDA0ODw"
SAID = ("收據", "晨光珠寶・臺北市信義區", "翡翠戒指，鉑金 Pt950", "翡翠戒指，铂金，证书编号 A-17", "V1N8-QSG1-FKRQ")
ROLLS = [name for name, one in MEDIA.items() if one.is_roll]


def paper_of(medium: Medium, address: str = VIEW, language: str = "zh-Hant") -> Paper:
    """A paper with one of each kind of block; on a small medium what fits there."""
    title, shop, ring, other, short = SAID
    code = Code(address, ("id.shop.example/s/",), (short,))
    if medium.small:
        return Paper(title, language, medium, ((Heading(title), Text(shop), code),))
    rows = Rows((("物品", ring), ("备注", other)))
    sheet = (Heading(title), Text(shop, fine=True), Rule(), rows, code, Large("R-2026-0042"), Signature("簽名"))
    return Paper(title, language, medium, (sheet,))


@pytest.mark.parametrize("name", MEDIA)
@pytest.mark.parametrize("address", [VIEW, OWNER])
def test_each_code_is_read_from_dots_of_203_dpi_by_two_readers(name: str, address: str) -> None:
    paper = paper_of(MEDIA[name], address)
    (page,) = reading.pages(press.make(paper, press.PDF))
    assert reading.codes(page) == [address]
    assert reading.codes_by_opencv(page) == [address]
    with Image.open(io.BytesIO(press.make(paper, press.PNG))) as picture:
        assert picture.width == MEDIA[name].width
        assert reading.codes(picture) == [address]


@pytest.mark.parametrize("place", ["blot", "hole", "torn", "scratch"])
@pytest.mark.parametrize("name", MEDIA)
def test_each_code_is_read_with_a_tenth_of_it_gone(name: str, place: str) -> None:
    (page,) = reading.pages(press.make(paper_of(MEDIA[name]), press.PDF))
    assert reading.codes(reading.damaged(page, place)) == [VIEW]


@pytest.mark.parametrize("name", MEDIA)
def test_each_code_is_read_from_a_photograph_taken_from_the_side(name: str) -> None:
    (page,) = reading.pages(press.make(paper_of(MEDIA[name]), press.PDF))
    assert reading.codes(reading.photographed(page)) == [VIEW]


@pytest.mark.parametrize("name", MEDIA)
def test_modules_are_whole_dots_of_half_a_millimetre_or_more_in_a_white_zone_of_four(name: str) -> None:
    medium = MEDIA[name]
    dots = dots_of(VIEW, medium)
    assert 4 <= dots <= 6
    assert 0.396 <= dots * 0.125 <= 0.990  # GS1's X-dimension at a point of sale, in mm
    # A PDF's dots are placed by whoever prints it: to a dot.
    left, top, right, bottom = reading.box(reading.pages(press.make(paper_of(medium), press.PDF))[0])
    assert abs(right - left - 33 * dots) <= 1  # version 4: 33 modules
    assert abs(bottom - top - 33 * dots) <= 1
    pictures = [_png(paper_of(medium))]
    if medium.is_roll:
        pictures += reading.printed(press.make(paper_of(medium), press.ESCPOS))
    for page in pictures:
        left, top, right, bottom = reading.box(page)
        assert (right - left, bottom - top) == (33 * dots, 33 * dots)
        black = page.point(lambda level: 255 if level < 128 else 0)
        around = black.crop((left - 4 * dots, top - 4 * dots, right + 4 * dots, bottom + 4 * dots))
        around.paste(0, (4 * dots, 4 * dots, 37 * dots, 37 * dots))
        assert around.getbbox() is None
        code = black.crop((left, top, right, bottom))
        for y in range(33):
            for x in range(33):
                module = code.crop((x * dots, y * dots, (x + 1) * dots, (y + 1) * dots)).getextrema()
                assert module[0] == module[1], (x, y)


def _png(paper: Paper) -> Image.Image:
    with Image.open(io.BytesIO(press.make(paper, press.PNG))) as picture:
        return picture.copy()


@pytest.mark.parametrize("name", MEDIA)
@pytest.mark.parametrize("language", ["en", "zh-Hans", "zh-Hant"])
def test_what_a_pdf_says_is_what_was_said_by_fonts_that_it_carries(name: str, language: str) -> None:
    document = press.make(paper_of(MEDIA[name], language=language), press.PDF)
    found = reading.text(document)
    for said in SAID if not MEDIA[name].small else (SAID[0], SAID[1], SAID[4]):
        assert reading.squeeze(said) in found
    with pikepdf.open(io.BytesIO(document)) as opened:
        fonts = [one for page in opened.pages for one in page.resources.get("/Font", {}).values()]
        assert fonts
        for font in fonts:
            (inner,) = font["/DescendantFonts"]
            assert "/FontFile3" in inner["/FontDescriptor"]
            assert re.fullmatch(r"/[A-Z]{6}\+NotoSans[ST]C-Regular.*", str(inner["/BaseFont"])), "a subset"
    assert len(document) < 60_000


def test_each_script_has_its_own_shapes() -> None:
    faces = {}
    for language in ("zh-Hans", "zh-Hant"):
        document = press.make(paper_of(ROLL_58, language=language), press.PDF)
        faces[language] = re.findall(rb"NotoSans([ST])C", document)[0]
    assert faces == {"zh-Hans": b"S", "zh-Hant": b"T"}


@pytest.mark.parametrize("name", ROLLS)
def test_a_printer_prints_the_same_and_cuts_after_each_sheet(name: str) -> None:
    medium = MEDIA[name]
    one = paper_of(medium)
    both = replace(one, sheets=(one.sheets[0], paper_of(medium, OWNER).sheets[0]))
    pieces = reading.printed(press.make(both, press.ESCPOS))
    assert [reading.codes(piece) for piece in pieces] == [[VIEW], [OWNER]]
    assert {piece.width for piece in pieces} == {{"58mm": 384, "80mm": 576}[name]}
    for piece in pieces:
        for place in ("blot", "torn"):
            assert reading.codes(reading.damaged(piece, place))
        assert reading.codes(reading.photographed(piece))
    assert len(reading.pages(press.make(both, press.PDF))) == 2
    assert sorted(reading.codes(_png(both))) == sorted([VIEW, OWNER])


def test_an_svg_has_its_letters_as_outlines_and_asks_for_nothing() -> None:
    one = paper_of(ROLL_58)
    for paper in (one, replace(one, sheets=one.sheets * 2)):
        drawn = press.make(paper, press.SVG).decode()
        assert drawn.startswith("<svg")
        assert drawn.count(" viewBox=") == {1: 1, 2: 3}[len(paper.sheets)]
        assert "<text" not in drawn
        assert "<script" not in drawn
        assert not re.findall(r'(?:href|src)="(?!#|data:)', drawn)


def test_no_character_is_markup() -> None:
    rubbish = (
        '#panic("x") *b* $x$ `r` [a] {b} \\ // <l> @r "q" <script>&amp; \u202e\u0000\u001b@ 🎁 Ж ع '
        + "x" * 300
        + "龍" * 80
    )
    for medium in MEDIA.values():
        small = (Heading(rubbish), Code(VIEW, (rubbish,), ("V1N8",)))
        large = (
            Heading(rubbish),
            Text(rubbish),
            Large(rubbish),
            Rows(((rubbish, rubbish),)),
            small[1],
            Signature(rubbish),
        )
        document = press.make(Paper(rubbish, "en", medium, (small if medium.small else large,)), press.PDF)
        assert '#panic("x")*b*$x$`r`[a]{b}' in reading.text(document)
        shown = reading.pages(document)
        assert VIEW in [code for page in shown for code in reading.codes(page)]
        assert medium.is_roll or not medium.small or len(shown) == 1


def test_the_same_paper_is_the_same_bytes() -> None:
    assert len({press.make(paper_of(ROLL_58), press.PDF) for _ in range(3)}) == 1


def test_threads_take_turns() -> None:
    with ThreadPoolExecutor(4) as pool:
        made = list(pool.map(lambda n: press.make(paper_of(ROLL_58, f"{VIEW[:-2]}{n:02}"), press.PDF), range(12)))
    assert [reading.codes(reading.pages(one)[0]) for one in made] == [[f"{VIEW[:-2]}{n:02}"] for n in range(12)]


def test_an_address_that_would_make_small_modules_is_refused() -> None:
    for medium, length in ((LABEL, 90), (CARD, 300)):
        long = f"https://{'x' * length}.example/i/AAECAwQFBgcICQoLDA0ODw"
        with pytest.raises(Invalid, match="a shorter PATINA_PUBLIC_URL"):
            dots_of(long, medium)
        assert dots_of(long, ROLL_58) >= LEAST
