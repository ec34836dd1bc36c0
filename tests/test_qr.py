"""QR codes are drawn so that another library reads them, and a scanned one leads to a verified history."""

from __future__ import annotations

import io
import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import zxingcpp
from PIL import Image, ImageDraw, ImageFilter

from ledger.errors import Invalid, Malformed
from tests.answering import Answer, served
from tests.build import Build, ring
from tests.test_audit_checks import made
from tests.test_verify_cli import patina
from verifier import qr

ADDRESS = "https://ledger.example/i/0123456789abcdefABCDEF"


def _drawn(svg: bytes) -> Image.Image:
    """The picture of an SVG of unit squares, ten pixels a unit."""
    size = int(re.search(rb'viewBox="0 0 (\d+) \1"', svg)[1])  # type: ignore[index]
    picture = Image.new("L", (10 * size, 10 * size), 255)
    draw = ImageDraw.Draw(picture)
    for x, y in re.findall(rb"M(\d+) (\d+)h1v1h-1z", svg):
        draw.rectangle((10 * int(x), 10 * int(y), 10 * int(x) + 9, 10 * int(y) + 9), fill=0)
    return picture


@pytest.mark.parametrize("text", [ADDRESS, "x", "晨光珠宝 ü", "1" * qr.MAX_TEXT])
def test_what_is_drawn_is_read_by_another_library(text: str) -> None:
    for picture in (Image.open(io.BytesIO(qr.make_png(text))), _drawn(qr.make_svg(text))):
        (code,) = zxingcpp.read_barcodes(picture.convert("L"))
        assert (code.text, code.format) == (text, zxingcpp.BarcodeFormat.QRCode)
        assert code.ec_level == "M"


def test_the_quiet_zone_is_four_modules() -> None:
    rows = qr.matrix(ADDRESS)
    edge = range(qr.QUIET_ZONE)
    assert not any(any(rows[n]) or any(rows[-1 - n]) for n in edge)
    assert not any(row[n] or row[-1 - n] for row in rows for n in edge)
    assert rows[4][4:11] == [True] * 7  # the finder pattern begins right after it


def test_the_terminal_shows_two_modules_a_character() -> None:
    rows = qr.matrix(ADDRESS)
    lines = qr.make_text(ADDRESS).split("\n")
    assert len(lines) == -(-len(rows) // 2)
    picture = Image.new("L", (len(rows), 2 * len(lines)), 255)
    for y, line in enumerate(lines):
        for x, character in enumerate(line):
            picture.putpixel((x, 2 * y), 255 if character in "█▀" else 0)
            picture.putpixel((x, 2 * y + 1), 255 if character in "█▄" else 0)
    large = picture.resize((8 * picture.width, 8 * picture.height), Image.Resampling.NEAREST)
    assert [code.text for code in zxingcpp.read_barcodes(large)] == [ADDRESS]


@pytest.mark.parametrize("text", ["", "x" * (qr.MAX_TEXT + 1)])
def test_a_text_that_no_code_holds_well_is_refused(text: str) -> None:
    with pytest.raises(Invalid, match="want 1 to"):
        qr.matrix(text)


def _photo(text: str) -> Image.Image:
    """The code as a telephone sees it: turned, on a table, blurred, unevenly lit."""
    code = Image.open(io.BytesIO(qr.make_png(text, 6))).convert("RGB")
    table = Image.new("RGB", (900, 700), (120, 90, 60))
    table.paste(code, (300, 200))
    turned = table.rotate(17, expand=True, fillcolor=(120, 90, 60))
    light = Image.linear_gradient("L").resize(turned.size).point(lambda level: 90 + level // 3)
    return Image.composite(turned, Image.new("RGB", turned.size), light).filter(ImageFilter.GaussianBlur(1.2))


def _transparent(code: Image.Image) -> Image.Image:
    grey = code.convert("L")
    dark = Image.new("RGBA", code.size, "black")
    dark.putalpha(grey.point(lambda level: 255 - level))
    return dark


LOOKS: dict[str, Callable[[Image.Image], Image.Image]] = {
    "a screenshot with transparency": _transparent,
    "light on dark": lambda code: code.convert("L").point(lambda level: 255 - level),
    "upside down": lambda code: code.rotate(180),
    "small": lambda code: code.resize((code.width // 2, code.height // 2)),
    "a palette": lambda code: code.convert("P"),
}


@pytest.mark.parametrize("look", LOOKS)
def test_codes_are_read_from_all_sorts_of_pictures(look: str, tmp_path: Path) -> None:
    path = tmp_path / "picture.png"
    LOOKS[look](Image.open(io.BytesIO(qr.make_png(ADDRESS)))).save(path)
    assert qr.read(path) == [ADDRESS]


def test_a_code_is_read_from_a_photograph(tmp_path: Path) -> None:
    path = tmp_path / "photo.jpg"
    _photo(ADDRESS).save(path, quality=70)
    assert qr.read(path) == [ADDRESS]


def test_what_is_no_picture_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "picture.png"
    for raw in (b"", b"no picture", qr.make_png(ADDRESS)[:-40]):
        path.write_bytes(raw)
        with pytest.raises(Malformed):
            qr.read(path)
    with pytest.raises(FileNotFoundError):
        qr.read(tmp_path / "nowhere.png")
    monkeypatch.setattr(qr, "MAX_PIXELS", 100)
    path.write_bytes(qr.make_png(ADDRESS))
    with pytest.raises(Malformed, match="want at most 100 pixels"):
        qr.read(path)


# The command.


def test_codes_are_made(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    assert patina("qr", "make", ADDRESS, "--out", tmp_path / "a.png", "--dots", 4) == 0
    assert patina("qr", "make", ADDRESS, "--out", tmp_path / "a.svg") == 0
    assert patina("qr", "make", ADDRESS) == 0
    assert "█" in capsys.readouterr().out
    assert qr.read(tmp_path / "a.png") == [ADDRESS]
    assert (tmp_path / "a.svg").read_bytes() == qr.make_svg(ADDRESS)
    words = ["qr", "make", "--item", ring(1), "--url", "https://shop.example/", "--out", tmp_path / "item.png"]
    assert patina(*words) == 0
    assert qr.read(tmp_path / "item.png") == ["https://shop.example/01/09520123456788/21/R1"]
    monkeypatch.setenv("PATINA_PUBLIC_URL", "https://other.example")
    assert patina("qr", "make", "--item", ring(1)) == 0
    assert "https://other.example/01/09520123456788/21/R1" in capsys.readouterr().out


def test_codes_are_made_for_programs(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert patina("qr", "make", ADDRESS, "--json") == 0
    assert json.loads(capsys.readouterr().out) == {"text": ADDRESS, "drawn": qr.make_text(ADDRESS)}
    assert patina("qr", "make", ADDRESS, "--json", "--out", tmp_path / "a.svg") == 0
    assert json.loads(capsys.readouterr().out) == {"text": ADDRESS, "file": str(tmp_path / "a.svg")}
    assert (tmp_path / "a.svg").read_bytes() == qr.make_svg(ADDRESS)


@pytest.mark.parametrize(
    ("words", "why"),
    [
        ([ADDRESS, "--out", "a.gif"], "want one that ends in .svg or .png"),
        ([ADDRESS, "--out", "taken.png"], "is not overwritten"),
        ([ADDRESS, "--out", "a.png", "--dots", "3"], "got 3 pixels a module, want 4 to 32"),
        ([ADDRESS, "--out", "a.png", "--dots", "33"], "want 4 to 32"),
        (["--item", ring(1)], "want --url"),
        (["--item", "urn:uuid:00000000-0000-7000-8000-000000000001", "--url", "https://x"], "without a GS1 key"),
    ],
)
def test_codes_that_cannot_be_made(
    words: list[str], why: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "taken.png").write_bytes(b"")
    assert patina("qr", "make", *words) == 2
    assert why in capsys.readouterr().err


def _picture(folder: Path, text: str) -> Path:
    path = folder / "code.png"
    path.write_bytes(qr.make_png(text))
    return path


def test_codes_are_printed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert patina("qr", "read", _picture(tmp_path, ADDRESS)) == 0
    assert capsys.readouterr().out == ADDRESS + "\n"
    assert patina("qr", "read", _picture(tmp_path, ADDRESS), "--json") == 0
    assert json.loads(capsys.readouterr().out) == {"codes": [ADDRESS]}
    Image.new("L", (100, 100), 255).save(tmp_path / "blank.png")
    assert patina("qr", "read", tmp_path / "blank.png") == 2
    assert "no QR code" in capsys.readouterr().err


@pytest.fixture
def site() -> Iterator[tuple[str, Build, dict[str, Any]]]:
    """A site with a page for the first item: its address, the ledger, and what it answers."""
    ledger = made()
    answers: dict[str, Any] = {}
    asked: list[str | None] = []

    def answer(path: str, headers: dict[str, str]) -> Answer:
        asked.append(headers.get("accept"))
        found = answers.get(path)
        if found is None:
            return 404, b"", {}
        return 200, found if isinstance(found, bytes) else json.dumps(found).encode(), {}

    with served(answer) as address:
        answers["/i/token"] = {"id": ring(1), "history": f"{address}/i/token/history"}
        answers["/i/token/history"] = ledger.history(ring(1))
        yield address, ledger, answers
    assert set(asked) <= {"application/json"}


Site = tuple[str, Build, dict[str, Any]]


def _check(site: Site, folder: Path, path: str = "/i/token", *more: str) -> int:
    picture = _picture(folder, site[0] + path)
    return patina("qr", "read", picture, "--check", "--vkey", site[1].vkey, "--state", folder / "state.json", *more)


def test_a_scanned_code_leads_to_a_verified_history(
    site: Site, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert _check(site, tmp_path) == 0
    out = capsys.readouterr().out
    assert out.startswith(f"{site[0]}/i/token\nproven: history")
    assert f"note: that this code stands for {ring(1)} is what its site says" in out
    assert (tmp_path / "state.json").exists()
    assert _check(site, tmp_path, "/i/token", "--json") == 0
    answer = json.loads(capsys.readouterr().out)
    assert (answer["verdict"], answer["codes"]) == ("proven", [f"{site[0]}/i/token"])


def test_a_history_that_is_wrong_is_disproved(site: Site, tmp_path: Path) -> None:
    site[2]["/i/token/history"]["histories"][0]["entries"].pop()
    assert _check(site, tmp_path) == 1


def test_a_page_that_names_another_item_is_disproved(site: Site, tmp_path: Path) -> None:
    site[2]["/i/token"]["id"] = ring(2)
    assert _check(site, tmp_path) == 1


def test_a_digital_link_says_itself_which_item_is_meant(
    site: Site, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = "/01/09520123456788/21/R1"
    site[2][path] = {"id": ring(1), "history": "/i/token/history"}
    assert _check(site, tmp_path, path) == 0
    assert "is what its site says" not in capsys.readouterr().out
    other = "/01/09520123456788/21/R2"
    site[2][other] = site[2][path]
    assert _check(site, tmp_path, other) == 1


@pytest.mark.parametrize(
    ("page", "why"),
    [
        ({"id": ring(1)}, "shows no history"),
        ({"id": ring(1), "history": 7}, "shows no history"),
        ({"id": ring(1), "history": "https://elsewhere.example/h"}, "which is another site"),
        ({"id": ring(1), "history": "//elsewhere.example/h"}, "which is another site"),
        ({"id": ring(1), "history": "http://[elsewhere/h"}, "says that its history is at"),
        ({"id": ring(1), "history": "/nowhere"}, "there is nothing"),
        (b"<html>", "something else than an item's page"),
        (b"[]", "something else than an item's page"),
        (None, "there is nothing"),
    ],
)
def test_a_site_that_shows_no_history_could_not_be_told(
    site: Site, tmp_path: Path, page: Any, why: str, capsys: pytest.CaptureFixture[str]
) -> None:
    site[2]["/i/token"] = page
    assert _check(site, tmp_path) == 2
    assert why in capsys.readouterr().err


def test_a_page_that_names_no_item_leaves_it_to_the_reader(
    site: Site, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    del site[2]["/i/token"]["id"]
    assert _check(site, tmp_path) == 0
    assert "no --subject was given" in capsys.readouterr().out


def test_a_check_wants_a_key_and_an_address(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert patina("qr", "read", _picture(tmp_path, ADDRESS), "--check") == 2
    assert "want --vkey" in capsys.readouterr().err
    assert patina("qr", "read", _picture(tmp_path, "hello"), "--check", "--vkey", made().vkey) == 2
    assert "without an address" in capsys.readouterr().err
