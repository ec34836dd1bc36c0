"""Papers over HTTP, on both databases: what each says, what it never says, and every code on it read again."""

from __future__ import annotations

import io
import time
from collections.abc import Iterator
from typing import Any

import pytest
from PIL import Image

from api.pages.catalogue import load_catalogue
from api.problems import MEDIA_TYPE
from ledger import holderkey, shortcode
from tests import paper_reading as reading
from tests.build import key, uuid
from tests.holding import Paper, draw_paper, new_ring, sell, shop_on, sold_ring, speak
from tests.shop import PUBLIC_URL, Party, Shop, segment

PDF, PNG, SVG, DOTS = "application/pdf", "image/png", "image/svg+xml", "application/octet-stream"
HOST = PUBLIC_URL.removeprefix("http://")
NOWHERE = "A" * 22
SECRET_WORDS = ("7654.32", "7,654.32", "Ada Example")
OPENED = {
    "kind": "repair",
    "channel": "store",
    "issue": "quality",
    "fault": "loose stone",
    "job_no": "R-2026-0042",
    "promised": "2026-05-20T18:00:00Z",
}


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def shop(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    with shop_on(request, tmp_path_factory.mktemp("shop")) as opened:
        opened.party("Lab 晨光", "certifier")
        yield opened


@pytest.fixture
def jeweller(shop: Shop) -> Party:
    return shop.parties["jeweller"]


def sold(shop: Shop, jeweller: Party) -> Paper:
    """A ring sold to somebody for a price, both private."""
    paper = draw_paper(shop, jeweller, new_ring(shop, jeweller))
    private = {"price": {"amount": "7654.32", "currency": "EUR"}, "customer": {"name": "Ada Example"}}
    details = {"channel": "store", "holder_key": paper.key.did, "holder_custody": "receipt", "warranty_months": 24}
    statement = shop.statement(jeweller, "item.sold", paper.item, details)
    answer = shop.post("/v1/statements", {"statement": statement, "private": private}, jeweller)
    assert answer.status_code == 201, answer.text
    return paper


def printed(shop: Shop, who: Party, body: Any, query: str = "format=pdf", **headers: str) -> Any:
    answer = shop.post(f"/v1/receipts?{query}", body, who, **headers)
    assert answer.status_code == 201, answer.text
    return answer


def codes(document: bytes) -> list[list[str]]:
    return [sorted(reading.codes(page)) for page in reading.pages(document)]


def owner_code(paper: Paper) -> str:
    return holderkey.format_code(paper.secret)


@pytest.mark.parametrize("medium", ["58mm", "80mm", "a4", "a6"])
@pytest.mark.parametrize("kind", [PDF, PNG, SVG, DOTS])
def test_a_receipt_is_answered_as_the_paper_that_accept_asks_for(
    shop: Shop, jeweller: Party, medium: str, kind: str
) -> None:
    body = {"kind": "sale", "items": [sold_ring(shop, jeweller).item]}
    if kind == DOTS and medium in {"a4", "a6"}:
        answer = shop.post(f"/v1/receipts?medium={medium}", body, jeweller, Accept=kind)
        assert (answer.status_code, answer.headers["content-type"]) == (422, MEDIA_TYPE)
        return
    answer = printed(shop, jeweller, body, f"medium={medium}", Accept=kind)
    assert answer.headers["content-type"] == kind
    assert answer.headers["cache-control"] == "no-store"
    page = answer.headers["location"]
    assert shop.get(page.removeprefix(PUBLIC_URL)).status_code == 200
    if kind == PDF:
        assert codes(answer.content) == [[page]]
    elif kind == PNG:
        assert reading.codes(Image.open(io.BytesIO(answer.content))) == [page]
    elif kind == DOTS:
        assert [reading.codes(piece) for piece in reading.printed(answer.content)] == [[page]]
    else:
        assert answer.text.startswith("<svg")
    path = f"/v1/receipts/{answer.headers['patina-receipt']}"
    assert shop.client.delete(path, headers=jeweller.headers).status_code == 204


def test_without_a_wish_the_answer_is_json_as_ever(shop: Shop, jeweller: Party) -> None:
    body = {"kind": "sale", "items": [sold_ring(shop, jeweller).item]}
    for query, accept in (("", "*/*"), ("", "application/json, application/pdf;q=0.5"), ("format=json", PDF), ("", "")):
        answer = shop.post(f"/v1/receipts?{query}", body, jeweller, Accept=accept)
        assert answer.headers["content-type"] == "application/json"
        assert answer.json()["kind"] == "sale"
    assert printed(shop, jeweller, body, "", Accept="application/json;q=0.1, image/png").content[1:4] == b"PNG"


def test_a_receipt_has_what_was_sold_the_host_the_short_code_and_the_price(shop: Shop, jeweller: Party) -> None:
    one = sold(shop, jeweller)
    answer = printed(shop, jeweller, {"kind": "sale", "items": [one.item]})
    said = reading.text(answer.content)
    assert all(
        reading.squeeze(x) in said for x in ("Receipt", "jeweller", "Ring", f"{HOST}/s/", "4 May 2028", "7,654.32")
    )
    token = answer.headers["location"].rpartition("/")[2]
    item_token = holderkey.paper_token(holderkey.parse_code(token), one.item)
    assert shortcode.short_of(item_token) in said
    # The price was read, and that stands in the access log.
    read = shop.get("/v1/readings", jeweller).json()["readings"]
    assert [x for x in read if x["why"] == "POST /v1/receipts" and x["members"] == ["customer", "price"]]
    assert "Ada Example" not in said


def test_no_paper_but_the_sellers_receipt_has_private_members(shop: Shop, jeweller: Party) -> None:
    one = sold(shop, jeweller)
    rival = shop.parties["rival"]
    view = shop.post(f"/v1/items/{segment(one.item)}/codes", {"kind": "view"}, jeweller).json()["token"]
    papers = [
        printed(shop, jeweller, {"kind": "gift", "items": [one.item]}),
        printed(shop, jeweller, {"kind": "handover", "items": [one.item]}),
        printed(shop, jeweller, {"kind": "intake", "items": [one.item]}),
        # Another party that was shown a code prints a receipt, too: of what it may see.
        printed(shop, rival, {"kind": "sale", "items": [one.item]}, **{"Patina-Code": view}),
        shop.post(f"/v1/items/{segment(one.item)}/codes?format=pdf", {"kind": "gift"}, jeweller),
    ]
    sale = printed(shop, jeweller, {"kind": "sale", "items": [one.item]})
    papers.append(shop.get(f"{sale.headers['location'].removeprefix(PUBLIC_URL)}/paper?format=pdf"))
    for answer in papers:
        said = reading.text(answer.content)
        assert "Ring" in said
        assert not [word for word in SECRET_WORDS if reading.squeeze(word) in said]
        assert one.secret not in answer.content
    assert "Gift receipt" in load_catalogue("en").text["receipt_gift"]
    assert reading.squeeze("shows neither the buyer nor a price") in reading.text(papers[0].content)


def test_an_intake_prints_the_slip_and_the_label_of_the_bag(shop: Shop, jeweller: Party) -> None:
    ring, other, case = sold_ring(shop, jeweller).item, sold_ring(shop, jeweller).item, uuid("case of a bag")
    shop.say(jeweller, "case.opened", ring, OPENED, case=case)
    got = {"evidence": {"serial": "H/1"}, "condition": ["刮痕 on the band"]}
    shop.say(jeweller, "case.received", ring, got, case=case)
    body = {"kind": "intake", "items": [{"item": ring, "case": case}, other]}
    answer = printed(shop, jeweller, body, "format=escpos&medium=58mm&lang=en")
    slip, bag = reading.printed(answer.content)
    page = answer.headers["location"]
    assert reading.codes(slip) == [page]
    token = holderkey.paper_token(holderkey.parse_code(page.rpartition("/")[2]), ring)
    assert reading.codes(bag) == [f"{PUBLIC_URL}/i/{token}"]
    document = printed(shop, jeweller, body, "format=pdf&medium=80mm&lang=en").content
    first, second = (reading.squeeze(x) for x in reading.texts(document))
    wanted = ("Intake slip", "R-2026-0042", "loose stone", "刮痕 on the band", "20 May 2026", "customer's signature")
    assert all(reading.squeeze(x) in first for x in wanted)
    assert all(reading.squeeze(x) in second for x in ("Bag label", "R-2026-0042", "Ring", "20 May 2026", f"{HOST}/s/"))
    shop.say(jeweller, "case.extended", ring, {
        "limit": "repair", "until": "2026-05-30", "reason": "parts", "hard": False}, case=case)  # fmt: skip
    assert "30May2026" in reading.text(printed(shop, jeweller, body, "format=pdf&lang=en").content)


def test_an_owner_code_is_a_sheet_of_its_own_and_a_second_print_says_copy(shop: Shop, jeweller: Party) -> None:
    one = sold(shop, jeweller)
    body = {"kind": "sale", "items": [{"item": one.item, "owner_code": owner_code(one)}]}
    first = printed(shop, jeweller, body, "format=pdf&lang=en")
    assert codes(first.content) == [[first.headers["location"]], [f"{PUBLIC_URL}/o#{owner_code(one)}"]]
    receipt, owner = (reading.squeeze(x) for x in reading.texts(first.content))
    typed = holderkey.format_typed(one.secret)
    assert "Fortheowneronly" in owner
    assert typed in owner
    assert f"{HOST}/o" in owner
    assert typed not in receipt
    assert owner_code(one) not in receipt
    assert "COPY" not in owner
    assert len(reading.printed(printed(shop, jeweller, body, "format=escpos&medium=80mm").content)) == 2
    body["items"] = [{"item": one.item, "owner_code": typed.lower()}]
    third = reading.squeeze(reading.texts(printed(shop, jeweller, body, "format=pdf&lang=en").content)[1])
    assert "COPYno.3" in third
    assert "Firstprinted4May2026" in third
    # A paper that anybody can fetch by the code never has it.
    again = shop.get(f"{first.headers['location'].removeprefix(PUBLIC_URL)}/paper?format=pdf")
    assert codes(again.content) == [[first.headers["location"]]]


def test_an_owner_code_is_printed_for_whoever_drew_it_and_for_its_item_alone(shop: Shop, jeweller: Party) -> None:
    one, other, rival = sold(shop, jeweller), sold(shop, jeweller), shop.parties["rival"]
    view = shop.post(f"/v1/items/{segment(one.item)}/codes", {"kind": "view"}, jeweller).json()["token"]

    def ask(who: Party, item: str, code: Any, kind: str = "sale", query: str = "format=pdf") -> Any:
        body = {"kind": kind, "items": [{"item": item, "owner_code": code}]}
        return shop.post(f"/v1/receipts?{query}", body, who, **{"Patina-Code": view})

    made = len(shop.ledger.codes.of(one.item))
    for answer, status, pointer in (
        (ask(rival, one.item, owner_code(one)), 403, "/items/0/owner_code"),
        (ask(jeweller, one.item, owner_code(other)), 403, "/items/0/owner_code"),
        (ask(jeweller, one.item, holderkey.format_code(bytes(16))), 403, "/items/0/owner_code"),
        (ask(jeweller, one.item, "x"), 422, "/items/0/owner_code"),
        (ask(jeweller, one.item, 7), 422, "/items/0/owner_code"),
        (ask(jeweller, one.item, owner_code(one), kind="gift"), 422, "/items/0/owner_code"),
        (ask(jeweller, one.item, owner_code(one), query=""), 422, "/items"),
    ):
        assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (status, pointer), answer.text
    assert len(shop.ledger.codes.of(one.item)) == made, "a refusal makes no code"
    assert "COPY" not in reading.text(ask(jeweller, one.item, owner_code(one), query="format=pdf&lang=en").content)


def test_a_receipts_paper_can_be_fetched_by_its_code_as_long_as_that_opens_something(
    shop: Shop, jeweller: Party
) -> None:
    kept, given = sold_ring(shop, jeweller), sold_ring(shop, jeweller)
    made = shop.post("/v1/receipts", {"kind": "sale", "items": [kept.item, given.item]}, jeweller).json()
    path = f"/r/{made['token']}/paper"
    for query, kind in (("", PDF), ("?format=png", PNG), ("?format=svg&medium=a6", SVG), ("?format=escpos", DOTS)):
        answer = shop.get(path + query)
        assert (answer.status_code, answer.headers["content-type"]) == (200, kind)
    shown = reading.text(shop.get(path).content)
    assert all(one["short_code"] in shown for one in made["items"])
    assert speak(shop, given, "item.transferred", given.key, also=key("her brother")).status_code == 201
    assert reading.codes(reading.pages(shop.get(path).content)[0]) == [made["page"]]
    assert shop.get(f"/r/{NOWHERE}/paper").status_code == 404
    shop.client.delete(f"/v1/receipts/{made['receipt_id']}", headers=jeweller.headers)
    assert shop.get(path).status_code == 404


@pytest.mark.parametrize(
    ("query", "accept"),
    [
        ("format=gif", ""),
        ("format=PDF", ""),
        ("format=pdf&medium=a3", ""),
        ("format=pdf&medium=label", ""),
        ("format=escpos&medium=a6", ""),
        ("medium=%00", PDF),
        ("medium=card", PNG),
    ],
)
def test_a_paper_that_there_is_not_is_refused_and_nothing_is_made(
    shop: Shop, jeweller: Party, query: str, accept: str
) -> None:
    ring = sold_ring(shop, jeweller).item
    before = len(shop.ledger.codes.of(ring))
    answer = shop.post(f"/v1/receipts?{query}", {"kind": "sale", "items": [ring]}, jeweller, Accept=accept)
    assert (answer.status_code, answer.headers["content-type"]) == (422, MEDIA_TYPE)
    assert answer.json()["errors"][0]["parameter"] in {"format", "medium"}
    assert len(shop.ledger.codes.of(ring)) == before


def certify(shop: Shop, paper: Paper, kind: str, details: dict[str, Any]) -> str:
    """Something that the laboratory says of a thing whose code it was shown; the statement's id."""
    lab = shop.parties["Lab 晨光"]
    statement = shop.statement(lab, kind, paper.item, {"certificate_no": "證-17", **details})
    answer = shop.post("/v1/statements", {"statement": statement}, lab, **{"Patina-Code": paper.token})
    assert answer.status_code == 201, answer.text
    return str(statement["id"])


def test_a_certificate_is_a_paper_for_the_code_and_for_the_party(shop: Shop, jeweller: Party) -> None:
    one = sold_ring(shop, jeweller)
    statement = certify(
        shop, one, "authentication.certified", {"result": "authentic", "methods": ["loupe", "XRF 光谱"]}
    )
    path = f"/i/{one.token}/papers/{segment(statement)}"
    page = f"{PUBLIC_URL}/i/{one.token}"
    for medium in ("a4", "a6"):
        answer = shop.get(f"{path}?medium={medium}&lang=zh-Hant")
        assert codes(answer.content) == [[page]]
        said = reading.text(answer.content)
        assert all(x in said for x in ("鑑定證書", "證-17", "XRF光谱", "Lab晨光", f"{HOST}/s/", "Ring"))
        assert shortcode.short_of(one.token) in said
        with Image.open(io.BytesIO(shop.get(f"{path}?medium={medium}&format=png").content)) as picture:
            assert reading.codes(picture) == [page]
            assert picture.width == {"a4": 1680, "a6": 840}[medium]
    staff = f"/v1/statements/{segment(statement)}/paper"
    assert codes(shop.get(staff, jeweller).content) == [[PUBLIC_URL + one.item.removeprefix("https://id.gs1.org")]]
    assert codes(shop.get(f"{staff}?token={one.token}", jeweller).content) == [[page]]
    assert shop.get(f"{staff}?token={NOWHERE}", jeweller).status_code == 422
    assert shop.get(f"{staff}?token={sold_ring(shop, jeweller).token}", jeweller).status_code == 422
    assert shop.get(f"/v1/statements/{segment(uuid('none'))}/paper", jeweller).status_code == 404
    assert shop.get(staff).status_code == 401
    certify(shop, one, "authentication.revoked", {"reason": "error"})
    assert "Revoked" in reading.text(shop.get(f"{path}?lang=en").content)


def test_a_report_has_the_records_of_its_case_with_what_was_corrected(shop: Shop, jeweller: Party) -> None:
    one, case = sold_ring(shop, jeweller), uuid("case of a report")
    shop.say(jeweller, "case.opened", one.item, OPENED, case=case)
    shop.say(jeweller, "case.received", one.item, {"evidence": {"serial": "H/9"}}, case=case)
    work = {"work": ["重新鑲嵌 stone reset"], "tests": [{"name": "pull", "result": "pass"}], "warranty_days": 365}
    done = shop.say(jeweller, "repair.completed", one.item, work, case=case)
    details = {"reason": "typing", "details": {**work, "work": ["claw retipped"]}}
    shop.say(jeweller, "statement.corrected", one.item, details, corrects=done["id"])
    outside = shop.say(jeweller, "maintenance.performed", one.item, {"work": ["polished"]})
    path = f"/i/{one.token}/papers/"
    answer = shop.get(f"{path}{segment(done['id'])}?lang=en&medium=a6")
    said = reading.text(answer.content)
    wanted = ("Service report", "R-2026-0042", "重新鑲嵌 stone reset", "Corrected later by jeweller", "signed")
    assert all(reading.squeeze(x).lower() in said.lower() for x in wanted)
    assert "polished" not in said
    assert "polished" in reading.text(shop.get(path + segment(outside["id"])).content)
    assert [x for page in reading.pages(answer.content) for x in reading.codes(page)] == [f"{PUBLIC_URL}/i/{one.token}"]
    registered = shop.get(f"/i/{one.token}", accept="application/json").json()["records"][0]["statement"]
    for statement in (registered, uuid("none"), "%00", "x" * 300):
        assert shop.get(path + segment(statement)).status_code == 404
    assert shop.get(f"/i/{NOWHERE}/papers/{segment(done['id'])}").status_code == 404
    assert speak(shop, one, "item.transferred", one.key, also=key("a friend")).status_code == 201
    assert shop.get(path + segment(done["id"])).status_code == 403


@pytest.mark.parametrize("kind", ["tag", "card", "gift", "view"])
@pytest.mark.parametrize("medium", ["label", "card", "80mm"])
def test_codes_are_answered_as_labels_and_cards(shop: Shop, jeweller: Party, kind: str, medium: str) -> None:
    ring = new_ring(shop, jeweller)
    answer = shop.post(f"/v1/items/{segment(ring)}/codes?format=pdf&medium={medium}", {"kind": kind}, jeweller)
    assert answer.status_code == 201, answer.text
    page = answer.headers["location"]
    assert codes(answer.content) == [[page]]
    said = reading.text(answer.content)
    assert all(x in said for x in ("Ring", f"{HOST}/s/", shortcode.short_of(page.rpartition("/")[2])))
    assert shop.get(page.removeprefix(PUBLIC_URL), accept="application/json").json()["id"] == ring


def test_an_owner_code_is_printed_as_it_is_drawn_and_sold_by_the_key_in_the_answer(shop: Shop, jeweller: Party) -> None:
    for medium in ("58mm", "card"):
        ring = new_ring(shop, jeweller)
        answer = shop.post(f"/v1/items/{segment(ring)}/codes?format=pdf&medium={medium}", {"kind": "owner"}, jeweller)
        found = [code for page in codes(answer.content) for code in page]
        (owner,) = [code for code in found if "/o#" in code]
        secret = holderkey.parse_owner_code(owner.rpartition("#")[2])
        assert answer.headers["location"] == f"{PUBLIC_URL}/i/{holderkey.view_token(secret)}"
        assert found[:-1] == ([answer.headers["location"]] if medium == "card" else [])
        paper = Paper(ring, holderkey.view_token(secret), secret)
        assert paper.key.did == answer.headers["patina-holder-key"]
        sell(shop, jeweller, paper)
        body = {"kind": "sale", "items": [{"item": ring, "owner_code": owner_code(paper)}]}
        assert "COPYno.2" in reading.text(printed(shop, jeweller, body, "format=pdf&lang=en").content)


def test_sealed_cards_are_printed_two_sides_each(shop: Shop, jeweller: Party) -> None:
    answer = shop.post("/v1/codes?format=pdf&lang=zh-Hans", {"count": 3}, jeweller)
    sides = codes(answer.content)
    assert len(sides) == 6
    for (view,), (owner,) in zip(sides[::2], sides[1::2], strict=True):
        secret = holderkey.parse_owner_code(owner.removeprefix(f"{PUBLIC_URL}/o#"))
        assert view == f"{PUBLIC_URL}/i/{holderkey.view_token(secret)}"
    assert "仅供物主" in reading.text(answer.content)
    assert shop.post("/v1/codes?format=pdf", {"count": 101}, jeweller).status_code == 422
    assert shop.post("/v1/codes?format=escpos", {"count": 1}, jeweller).status_code == 422


def test_from_request_to_dots_in_far_less_than_four_seconds(shop: Shop, jeweller: Party) -> None:
    body = {"kind": "sale", "items": [sold(shop, jeweller).item]}
    printed(shop, jeweller, body, "format=escpos&medium=80mm")
    began = time.process_time()
    printed(shop, jeweller, body, "format=escpos&medium=80mm")
    assert time.process_time() - began < 4
