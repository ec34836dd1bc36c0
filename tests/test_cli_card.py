"""`patina card make`: a sheet that prints, of which the ledger keeps nothing that speaks for an owner."""

from __future__ import annotations

import json
import re
import stat
from pathlib import Path
from typing import Any

import pytest
import zxingcpp
from PIL import Image

from api.cli import card, folder, init, parties
from ledger import holderkey
from ledger.dsse import SigningKey
from ledger.errors import Invalid, Refused, Unavailable
from ledger.shortcode import short_of
from tests.build import ring, uuid

SHOP = uuid("shop")
KEY = SigningKey.from_seed(bytes(range(9, 41)))
PUBLIC_URL = "https://cards.example"


@pytest.fixture
def directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a ledger and a shop in it."""
    monkeypatch.setenv("PATINA_PUBLIC_URL", PUBLIC_URL)
    init.create(tmp_path / "var", "cards.example/log")
    with folder.opened(tmp_path / "var") as ledger:
        parties.register(ledger, SHOP, {"name": "Corner Shop", "roles": ["retailer"]}, KEY)
    return tmp_path / "var"


def make(directory: Path, capsys: pytest.CaptureFixture[str], *words: str) -> tuple[dict[str, Any], str]:
    """What the command printed, and the sheet that it wrote."""
    out = directory.parent / "cards.html"
    assert card.main(["make", "--dir", str(directory), "--out", str(out), "--json", *words]) == 0
    return json.loads(capsys.readouterr().out), out.read_text("utf-8")


def scanned(svg: str) -> str:
    """What a camera reads from a code drawn as SVG: its bars painted again, and looked at."""
    side = int(re.search(r'viewBox="0 0 (\d+) ', svg)[1])  # type: ignore[index]
    picture = Image.new("L", (side, side), 255)
    for x, y, width in re.findall(r"M(\d+) (\d+)h(\d+)v1h-\d+z", svg):
        for at in range(int(width)):
            picture.putpixel((int(x) + at, int(y)), 0)
    found = zxingcpp.read_barcodes(picture.resize((side * 4, side * 4), Image.Resampling.NEAREST))
    assert len(found) == 1
    return str(found[0].text)


def test_a_sheet_has_both_codes_of_each_card_and_the_ledger_only_public_keys(
    directory: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    items = [ring(1), ring(2), uuid("a table")]
    listed = directory.parent / "stock.txt"
    listed.write_text("\n".join(items) + "\n\n")
    made, sheet = make(directory, capsys, "--items", str(listed), "--party", "Corner Shop")
    assert stat.S_IMODE(Path(made["file"]).stat().st_mode) == 0o600
    assert [one["keys"][0]["item"] for one in made["cards"]] == items
    assert not re.search(r"(?:src|href)=|url\(|<script", sheet)
    codes = [scanned(svg) for svg in re.findall(r"<svg.*?</svg>", sheet)]
    typed = re.findall(r'For the owner only</b><br>cards\.example/o<br><span class="code">([0-9A-Z ]+)</span>', sheet)
    assert (len(codes), len(typed)) == (6, 3)
    secrets = []
    for one, view, owner, letters in zip(made["cards"], codes[::2], codes[1::2], typed, strict=True):
        secret = holderkey.parse_owner_code(owner.removeprefix(f"{PUBLIC_URL}/o#"))
        assert holderkey.parse_typed(letters) == secret
        assert view == f"{PUBLIC_URL}/i/{one['token']}"
        assert f'cards.example<br>/i/<span class="code">{view[-22:]}</span>' in sheet
        assert one["short_code"] == short_of(view[-22:])
        assert f"<br>/s/<b>{one['short_code']}</b>" in sheet
        assert one["token"] == holderkey.view_token(secret)
        assert one["keys"][0]["holder_key"] == holderkey.holder_key(secret, one["keys"][0]["item"]).did
        secrets += [secret, secret.hex().encode(), holderkey.format_code(secret).encode()]
    for path in directory.rglob("*"):
        if path.is_file():
            raw = path.read_bytes()
            assert not any(secret in raw for secret in secrets), path


def test_a_sealed_card_comes_into_use_with_the_sale_that_names_its_key(
    directory: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    made, _ = make(directory, capsys, "--count", "2")
    one, other = made["cards"]
    item, did = one["keys"][0]["item"], one["keys"][0]["holder_key"]
    with folder.opened(directory) as ledger:
        about = {"name": "Table", "category": "furniture"}
        sold = {"channel": "store", "holder_key": did, "holder_custody": "sealed"}
        for kind, details in (("item.registered", about), ("item.sold", sold)):
            folder.say(ledger, folder.draft(folder.value_of(ledger, SHOP, kind, [item], details), [KEY]))
        found = [ledger.codes.find(card["token"]) for card in (one, other)]
        assert [None if code is None else (code.level, code.subject) for code in found] == [
            ("view", item),
            ("unbound", other["keys"][0]["item"]),
        ]
        assert [code.id for code in ledger.codes.waiting(ledger.operator)] == [other["code_id"]]


def test_cards_for_whichever_item_is_sold_with_them(directory: Path, capsys: pytest.CaptureFixture[str]) -> None:
    listed = directory.parent / "stock.txt"
    listed.write_text(f"{ring(1)}\n{ring(2)}")
    made, sheet = make(directory, capsys, "--items", str(listed), "--count", "3")
    assert [[one["item"] for one in card["keys"]] for card in made["cards"]] == [[ring(1), ring(2)]] * 3
    assert sheet.count("any of 2 items") == 3


def test_a_file_that_is_there_is_never_written_over_and_nothing_is_drawn(
    directory: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    _, sheet = make(directory, capsys, "--count", "1")
    out = directory.parent / "cards.html"
    with pytest.raises(Refused, match="exists"):
        make(directory, capsys, "--count", "1")
    assert out.read_text("utf-8") == sheet
    with folder.opened(directory) as ledger:
        assert len(ledger.codes.waiting(ledger.operator)) == 1
    with pytest.raises(Unavailable, match="cannot write"):
        card.main(["make", "--dir", str(directory), "--count", "1", "--out", str(directory / "no" / "x.html")])


def test_a_sheet_that_cannot_be_written_leaves_no_file(
    directory: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> str:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(card, "format_sheet", full)
    with pytest.raises(OSError, match="No space"):
        make(directory, capsys, "--count", "1")
    assert not (directory.parent / "cards.html").exists()


@pytest.mark.parametrize(
    ("words", "content", "message"),
    [
        ([], None, "neither"),
        (["--count", "0"], None, "want 1 to"),
        (["--count", "10001"], None, "want 1 to"),
        (["--items", "{list}"], "", "got 0 items"),
        (["--items", "{list}"], "x", "as item 1"),
        (["--items", "{list}"], f"{uuid('a')}#authority", "as item 1"),
        (["--items", "{list}"], f"{uuid('a')}\n{uuid('a')}", "different ones"),
        (["--items", "{list}", "--count", "10000"], "\n".join(ring(n) for n in range(21)), "a product of at most"),
    ],
)
def test_words_out_of_form_are_refused(directory: Path, words: list[str], content: str | None, message: str) -> None:
    listed = directory.parent / "stock.txt"
    listed.write_text(content or "")
    given = [word.replace("{list}", str(listed)) for word in words]
    with pytest.raises(Invalid, match=message):
        card.main(["make", "--dir", str(directory), "--out", str(directory.parent / "x.html"), *given])
    assert not (directory.parent / "x.html").exists()


@pytest.mark.parametrize(("kind", "length"), [("html", 110), ("pdf", 300)])
def test_an_address_that_makes_small_modules_is_refused_before_cards_are_drawn(
    directory: Path, monkeypatch: pytest.MonkeyPatch, kind: str, length: int
) -> None:
    monkeypatch.setenv("PATINA_PUBLIC_URL", f"https://{'x' * length}.example")
    out = directory.parent / f"cards.{kind}"
    with pytest.raises(Invalid, match="a shorter PATINA_PUBLIC_URL"):
        card.main(["make", "--dir", str(directory), "--count", "1", "--out", str(out)])
    assert not out.exists()
    with folder.opened(directory) as ledger:
        assert ledger.codes.waiting(ledger.operator) == []


def test_a_list_that_cannot_be_read_is_said(directory: Path) -> None:
    with pytest.raises(Unavailable, match="cannot read"):
        card.main(["make", "--dir", str(directory), "--out", "x.pdf", "--items", str(directory / "none")])
