"""Certificates and reports with the photograph that the item's page shows: as PDF and PNG, and no private one."""

from __future__ import annotations

import io
from collections.abc import Iterator
from itertools import product
from pathlib import Path

import pikepdf
import pytest
from PIL import Image, ImageChops, ImageStat

from tests import paper_reading as reading
from tests.build import uuid
from tests.holding import sold_ring
from tests.pictured import drawing
from tests.shop import PUBLIC_URL, Party, Shop, open_shop, segment
from tests.test_pages_files import stored, upload

CERTIFIED = {"certificate_no": "A-17", "result": "authentic", "methods": ["loupe"]}
PULLED = {"name": "pull", "result": "pass"}


@pytest.fixture
def shop(database_url: str, tmp_path: Path) -> Iterator[Shop]:
    with open_shop(tmp_path, database_url) as opened:
        opened.party("jeweller", "retailer", "repairer", "certifier")
        yield opened


@pytest.fixture
def jeweller(shop: Shop) -> Party:
    return shop.parties["jeweller"]


def photographs(document: bytes) -> list[Image.Image]:
    """The pictures that a PDF carries; codes are drawn, not carried."""
    with pikepdf.open(io.BytesIO(document)) as opened:
        found = [one for page in opened.pages for one in page.get_images().values()]
        return [pikepdf.PdfImage(one).as_pil_image().convert("RGB") for one in found if isinstance(one, pikepdf.Stream)]


def recorded(shop: Shop, jeweller: Party, item: str) -> list[str]:
    """A certificate and a repair of an item; the statements of both."""
    case, work = uuid("a case with a photograph"), {"work": ["polished"], "tests": [PULLED], "warranty_days": 365}
    said = shop.say(jeweller, "authentication.certified", item, CERTIFIED)
    shop.say(jeweller, "case.opened", item, {"kind": "repair", "channel": "store", "issue": "quality"}, case=case)
    shop.say(jeweller, "case.received", item, {"evidence": {"serial": "H"}}, case=case)
    done = shop.say(jeweller, "repair.completed", item, work, case=case)
    return [str(said["id"]), str(done["id"])]


def test_papers_of_a_record_show_the_photograph_that_the_page_shows(shop: Shop, jeweller: Party) -> None:
    one = sold_ring(shop, jeweller)
    photo = upload(shop, jeweller, drawing(), "front.jpg")
    shop.say(jeweller, "item.inspected", one.item, {"tests": [PULLED]}, attachments=[photo])
    seen = shop.get(f"/i/{one.token}/attachments/{photo['sha256']}/thumbnail").content
    with Image.open(io.BytesIO(seen)) as picture:
        small = picture.convert("RGB")
    paths = [f"/i/{one.token}/papers/{segment(statement)}" for statement in recorded(shop, jeweller, one.item)]
    for path, (medium, width) in product(paths, {"a4": 1680, "a6": 840}.items()):
        document = shop.get(f"{path}?medium={medium}").content
        (shown,) = photographs(document)
        assert shown.size == small.size
        assert max(ImageStat.Stat(ImageChops.difference(shown, small)).mean) < 3
        wanted = [f"{PUBLIC_URL}/i/{one.token}"]
        assert [code for sheet in reading.pages(document) for code in reading.codes(sheet)] == wanted
        answer = shop.get(f"{path}?medium={medium}&format=png")
        assert answer.headers["content-type"] == "image/png"
        with Image.open(io.BytesIO(answer.content)) as picture:
            assert picture.width == width
            assert reading.codes(picture) == wanted
            # The drawing's ground, in its colour: nothing else on the paper has it.
            x, y = width * 7 // 8, width // 8
            ground = ImageStat.Stat(picture.crop((x, y, x + 9, y + 9))).mean
            assert all(abs(got - want) < 6 for got, want in zip(ground, (0xEF, 0xE9, 0xDD), strict=True))
    for medium in ("58mm", "80mm"):
        assert photographs(shop.get(f"{paths[0]}?medium={medium}").content) == []
    # A file that was altered is on no paper any more, and the paper is there all the same.
    stored(shop, jeweller, photo).write_bytes(b"another")
    changed = shop.get(paths[0])
    assert changed.status_code == 200
    assert photographs(changed.content) == []


def test_a_private_photograph_is_on_no_paper(shop: Shop, jeweller: Party) -> None:
    one = sold_ring(shop, jeweller)
    photo = upload(shop, jeweller, drawing(), "private.jpg")
    statement = shop.statement(jeweller, "authentication.certified", one.item, CERTIFIED)
    body = {"statement": statement, "private": {"attachments": [photo]}}
    assert shop.post("/v1/statements", body, jeweller).status_code == 201
    answers = [
        shop.get(f"/i/{one.token}/papers/{segment(statement['id'])}"),
        shop.get(f"/v1/statements/{segment(statement['id'])}/paper?token={one.token}", jeweller),
    ]
    for answer in answers:
        assert answer.status_code == 200
        assert photographs(answer.content) == []
