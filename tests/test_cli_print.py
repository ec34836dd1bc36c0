"""`patina print`: papers as files, each code read again, and nothing written over."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from api.cli import card, folder, init, parties, printing
from ledger.db.append import Draft
from ledger.dsse import SigningKey
from ledger.errors import Invalid, Refused, Unavailable
from tests import paper_reading as reading
from tests.build import ring, uuid

SHOP, LAB = uuid("shop"), uuid("lab")
PUBLIC_URL = "https://papers.example"


@pytest.fixture
def directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a ledger, a shop and a ring that was polished."""
    monkeypatch.setenv("PATINA_PUBLIC_URL", PUBLIC_URL)
    init.create(tmp_path / "var", "papers.example/log")
    with folder.opened(tmp_path / "var") as ledger:
        key = SigningKey.from_seed(bytes(range(9, 41)))
        parties.register(ledger, SHOP, {"name": "晨光 Shop", "roles": ["retailer", "repairer"]}, key)
        for kind, details in (
            ("item.registered", {"name": "翡翠 ring", "category": "jewellery"}),
            ("maintenance.performed", {"work": ["polished"]}),
        ):
            folder.say(ledger, said(ledger.id, kind, details, key))
    return tmp_path / "var"


def said(ledger: str, kind: str, details: Any, key: SigningKey) -> Draft:
    statement = {
        "id": uuid(kind),
        "ledger": ledger,
        "type": kind,
        "subjects": [ring(1)],
        "party": SHOP,
        "occurred_at": folder.now_text(),
        "details": details,
    }
    return folder.draft(statement, [key])


def run(directory: Path, *words: str) -> Path:
    out = directory.parent / words[-1]
    assert printing.main([*words[:-1], "--out", str(out), "--dir", str(directory)]) == 0
    return out


@pytest.mark.parametrize("kind", ["sale", "gift", "intake", "handover"])
def test_receipts_are_written_in_every_format(directory: Path, kind: str) -> None:
    words = ("receipt", "--kind", kind, "--item", ring(1), "--party", "晨光 Shop", "--language", "zh-Hant")
    document = run(directory, *words, "a.pdf").read_bytes()
    ((page,),) = [reading.codes(one) for one in reading.pages(document)]
    assert page.startswith(f"{PUBLIC_URL}/r/")
    assert "翡翠ring" in reading.text(document)
    assert "晨光Shop" in reading.text(document)
    assert run(directory, *words, "a.svg").read_text("utf-8").startswith("<svg")
    (piece,) = reading.printed(run(directory, *words, "--medium", "80mm", "a.escpos").read_bytes())
    assert reading.codes(piece)[0].startswith(f"{PUBLIC_URL}/r/")


def test_labels_and_records_are_written(directory: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = ("label", "--item", ring(1), "--json", "tag.png")
    with Image.open(io.BytesIO(run(directory, *words).read_bytes())) as picture:
        (page,) = reading.codes(picture)
        assert picture.size == (400, 240)
    assert json.loads(capsys.readouterr().out)["title"] == "翡翠 ring"
    record = ("record", "--statement", uuid("maintenance.performed"))
    document = run(directory, *record, "report.pdf").read_bytes()
    assert reading.codes(reading.pages(document)[0]) == [f"{PUBLIC_URL}/01/09520123456788/21/R1"]
    assert "polished" in reading.text(document)
    document = run(directory, *record, "--token=" + page.rpartition("/")[2], "by-code.pdf").read_bytes()
    assert reading.codes(reading.pages(document)[0]) == [page]


@pytest.mark.parametrize(
    ("words", "error", "why"),
    [
        (("label", "--item", ring(1), "a.gif"), Invalid, "want .pdf"),
        (("label", "--item", ring(1), "a.escpos"), Invalid, "want .pdf"),
        (("label", "--item", ring(7), "a.pdf"), Refused, "no item of this ledger"),
        (("label", "--item", "x", "a.pdf"), Refused, "no item of this ledger"),
        (("receipt", "--kind", "intake", "--case", uuid("c"), "--item", ring(1), "a.pdf"), Refused, "not opened"),
        (("record", "--statement", uuid("none"), "a.pdf"), Refused, "not in this ledger"),
        (("record", "--statement", uuid("item.registered"), "a.pdf"), Refused, "neither a certificate"),
        (("record", "--statement", uuid("maintenance.performed"), "--token", "A" * 22, "a.pdf"), Invalid, "--token"),
        (("label", "--item", ring(1), "nowhere/a.pdf"), Unavailable, "cannot write"),
        (("label", "--item", ring(1), "there.pdf"), Refused, "exists"),
    ],
)
def test_papers_that_cannot_be_made(directory: Path, words: tuple[str, ...], error: type[Exception], why: str) -> None:
    (directory.parent / "there.pdf").write_bytes(b"mine")
    with pytest.raises(error, match=why):
        run(directory, *words)
    assert (directory.parent / "there.pdf").read_bytes() == b"mine"
    assert not (directory.parent / "a.pdf").exists()


def test_sealed_cards_are_a_pdf_of_two_sides_each(directory: Path) -> None:
    out = directory.parent / "cards.pdf"
    assert card.main(["make", "--count", "2", "--out", str(out), "--dir", str(directory), "--language", "zh-Hans"]) == 0
    sides = [reading.codes(page)[0] for page in reading.pages(out.read_bytes())]
    assert [side.removeprefix(PUBLIC_URL)[:3] for side in sides] == ["/i/", "/o#"] * 2
    assert "仅供物主" in reading.text(out.read_bytes())
    assert out.stat().st_mode & 0o777 == 0o600
