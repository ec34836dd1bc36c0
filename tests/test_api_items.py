"""Items over HTTP: registering, searching, state, history, codes, QR codes."""

from __future__ import annotations

import io
import json
import re
from collections.abc import Iterator
from email.utils import parsedate_to_datetime

import pytest
import zxingcpp
from PIL import Image

from ledger import bundle, history, times
from ledger.note import parse_vkey
from ledger.shortcode import short_of
from tests.build import uuid
from tests.shop import PUBLIC_URL, RING, Party, Shop, open_shop, segment

ABOUT = {"name": "Solitaire ring", "category": "jewellery", "brand": "Alder"}


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    with open_shop(tmp_path_factory.mktemp("shop")) as shop:
        shop.party("jeweller", "retailer", "repairer")
        shop.party("rival", "retailer")
        yield shop


@pytest.fixture
def jeweller(shop: Shop) -> Party:
    return shop.parties["jeweller"]


@pytest.fixture
def ring(shop: Shop, jeweller: Party) -> str:
    """A registered item that no other test has."""
    shop.count += 1
    made = shop.post("/v1/items", {"gtin": "9520123456788", "serial": f"A/{shop.count}", **ABOUT}, jeweller)
    assert made.status_code == 201, made.text
    return str(made.json()["id"])


def verified(shop: Shop, raw: bytes, subject: str) -> history.VerifiedHistory:
    """What a bundle proves to somebody who pinned the ledger's key."""
    vkeys = tuple(parse_vkey(vkey) for vkey in shop.ledger.vkeys)
    return history.check_history(bundle.parse_history(raw), history.Asked(subject, vkeys, shop.clock()))


def test_registering_gives_an_id_a_code_and_a_receipt(shop: Shop, jeweller: Party) -> None:
    made = shop.post("/v1/items", {"gtin": "9520123456788", "serial": "R/100", **ABOUT}, jeweller)
    assert made.status_code == 201
    item = made.json()
    assert item["id"] == "https://id.gs1.org/01/09520123456788/21/R%2F100"
    assert item["page"] == f"{PUBLIC_URL}/i/{item['token']}"
    assert item["short_code"] == short_of(item["token"])
    assert item["receipt"]["entry"]
    assert shop.get(made.headers["location"], jeweller).json()["name"] == ABOUT["name"]
    assert shop.get(f"/i/{item['token']}").status_code == 200


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({"gtin": "9520123456789", "serial": "1", **ABOUT}, "/gtin"),
        ({"gtin": "9520123456788", **ABOUT}, ""),
        ({"serial": "1", **ABOUT}, ""),
        ({"gtin": 1, "serial": "1", **ABOUT}, "/gtin"),
        ({"giai": "..", **ABOUT}, "/giai"),
        ({"id": "urn:uuid:X", **ABOUT}, "/id"),
        ({"id": uuid("i"), "giai": "1", **ABOUT}, ""),
        ({"name": "n"}, "/category"),
        ({"name": 7, "category": "c"}, "/name"),
        ({**ABOUT, "colour": "red"}, "/colour"),
        ({**ABOUT, "occurred_at": "yesterday"}, "/occurred_at"),
    ],
)
def test_registering_names_what_is_wrong(shop: Shop, jeweller: Party, body: dict[str, object], pointer: str) -> None:
    size = shop.size()
    answer = shop.post("/v1/items", body, jeweller)
    assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, pointer)
    assert shop.size() == size


def test_an_item_is_registered_once_and_a_second_try_makes_no_code(shop: Shop, jeweller: Party, ring: str) -> None:
    size, codes = shop.size(), len(shop.ledger.codes.of(ring))
    answer = shop.post("/v1/items", {"id": ring, **ABOUT}, jeweller)
    assert answer.status_code == 409
    assert answer.json()["may_follow"]
    assert (shop.size(), len(shop.ledger.codes.of(ring))) == (size, codes)


def test_the_state_is_what_the_entries_say_and_at_looks_back(shop: Shop, jeweller: Party, ring: str) -> None:
    shop.clock.pass_hours(1)
    sold = shop.say(jeweller, "item.sold", ring, {"channel": "store"})
    now = shop.get(f"/v1/items/{segment(ring)}", jeweller).json()
    assert (now["sold_by"], now["count"]) == (jeweller.id, 2)
    before = shop.get(f"/v1/items/{segment(ring)}?at={sold['index']}", jeweller).json()
    assert (before["sold_by"], before["count"], before["as_of_index"]) == (None, 1, sold["index"])
    by_time = times.format_recorded(shop.clock() - times.HOUR)
    assert shop.get(f"/v1/items/{segment(ring)}?at={by_time}", jeweller).json()["sold_by"] is None
    today = times.format_recorded(shop.clock())[:10]
    assert shop.get(f"/v1/items/{segment(ring)}?at={today}", jeweller).json()["sold_by"] == jeweller.id
    assert shop.get(f"/v1/items/{segment(ring)}?at=1", jeweller).status_code == 404


@pytest.mark.parametrize("at", ["-1", "x", "99999999999999999", "2026-02-30", "٣", ""])
def test_at_takes_an_index_or_a_time_and_nothing_else(shop: Shop, jeweller: Party, ring: str, at: str) -> None:
    for path in (f"/v1/items/{segment(ring)}", f"/v1/items/{segment(ring)}/history"):
        answer = shop.client.get(path, params={"at": at}, headers=jeweller.headers)
        assert answer.status_code == 422
        assert answer.json()["errors"][0]["parameter"] == "at"


def test_a_history_proves_itself_and_is_tagged_by_its_checkpoint(shop: Shop, jeweller: Party, ring: str) -> None:
    path = f"/v1/items/{segment(ring)}/history"
    first = shop.get(path, jeweller)
    proved = verified(shop, first.content, ring)
    assert [entry.statement.type for entry in proved.entries] == ["item.registered"]
    assert first.headers["etag"] == f'"{proved.checkpoint.size}"'
    recorded = times.parse_recorded(proved.as_of)
    assert parsedate_to_datetime(first.headers["last-modified"]).timestamp() == recorded // 1_000_000
    tag = first.headers["etag"]
    assert shop.get(path, jeweller, if_none_match=tag).status_code == 304
    shop.post("/v1/items", {"name": "Another", "category": "watch"}, jeweller)
    # A checkpoint that says nothing new about this item still proves its history fresher.
    fresher = shop.get(path, jeweller, if_none_match=tag)
    assert fresher.status_code == 200
    assert verified(shop, fresher.content, ring).checkpoint.size > proved.checkpoint.size


def test_a_history_at_an_index_is_the_newest_bundle_with_that_wish(shop: Shop, jeweller: Party, ring: str) -> None:
    path = f"/v1/items/{segment(ring)}/history"
    sold = shop.say(jeweller, "item.sold", ring, {"channel": "store"})
    raw = shop.get(f"{path}?at={sold['index']}", jeweller).content
    assert json.loads(raw)["as_of_index"] == sold["index"]
    assert len(verified(shop, raw, ring).entries) == 2


def test_search_pages_stay_the_same_while_others_write(shop: Shop, jeweller: Party) -> None:
    made = [
        shop.post("/v1/items", {"name": f"Lamp {n}", "category": "lighting"}, jeweller).json()["id"] for n in range(5)
    ]
    first = shop.get("/v1/items?category=lighting&limit=2", jeweller)
    assert [item["id"] for item in first.json()["items"]] == made[:2:-1]
    shop.post("/v1/items", {"name": "Late lamp", "category": "lighting"}, jeweller)
    found = re.fullmatch(r'<(.+)>; rel="next"', first.headers["link"])
    assert found is not None
    assert found[1] == first.json()["next"]
    assert found[1].startswith(PUBLIC_URL)
    second = shop.get(found[1].removeprefix(PUBLIC_URL), jeweller)
    assert [item["id"] for item in second.json()["items"]] == made[2:0:-1]
    third = shop.get(second.json()["next"].removeprefix(PUBLIC_URL), jeweller)
    assert [item["id"] for item in third.json()["items"]] == made[:1]
    assert "link" not in third.headers
    assert [item["name"] for item in shop.get("/v1/items?text=late", jeweller).json()["items"]] == ["Late lamp"]


@pytest.mark.parametrize(
    ("query", "parameter"),
    [("limit=0", "limit"), ("limit=201", "limit"), ("limit=x", "limit"), ("cursor=x", "cursor"), ("since=x", "since")],
)
def test_search_names_the_parameter_that_is_wrong(shop: Shop, jeweller: Party, query: str, parameter: str) -> None:
    answer = shop.get(f"/v1/items?{query}", jeweller)
    assert (answer.status_code, answer.json()["errors"][0]["parameter"]) == (422, parameter)


def test_parties_come_in_pages_to_who_wants_them_so(shop: Shop) -> None:
    everybody = shop.get("/v1/parties", shop.operator)
    assert "link" not in everybody.headers
    assert [one["name"] for one in everybody.json()["parties"]] == ["Operator", "jeweller", "rival"]
    seen, path = [], "/v1/parties?limit=2"
    while path:
        page = shop.get(path, shop.operator)
        assert page.status_code == 200
        seen += page.json()["parties"]
        following = page.json().get("next")
        assert page.headers.get("link") == (following and f'<{following}>; rel="next"')
        path = (following or "").removeprefix(PUBLIC_URL)
    assert seen == everybody.json()["parties"]
    assert shop.get("/v1/parties?limit=1&cursor=9007199254740992", shop.operator).json()["parties"] == []
    for wrong in ("limit=0", "limit=1001", "limit=x", "cursor=-1", "cursor=x", "cursor=9007199254740993"):
        answer = shop.get(f"/v1/parties?{wrong}", shop.operator)
        assert answer.status_code == 422
        assert answer.json()["errors"][0]["parameter"] == wrong.partition("=")[0]


def test_a_code_opens_a_page_and_only_who_may_write_makes_one(shop: Shop, jeweller: Party, ring: str) -> None:
    path = f"/v1/items/{segment(ring)}/codes"
    code = shop.post(path, {"kind": "gift"}, jeweller).json()
    assert re.fullmatch("[A-Za-z0-9_-]{22}", code["token"])
    assert shop.get(f"/i/{code['token']}").status_code == 200
    assert shop.post(path, {}, shop.parties["rival"]).status_code == 403
    assert shop.post(path, {}, shop.parties["rival"], **{"Patina-Code": code["token"]}).status_code == 201
    assert shop.post(path, {"kind": ["view"]}, jeweller).status_code == 422
    assert shop.post(f"/v1/items/{segment(uuid('no item'))}/codes", {}, jeweller).status_code == 404


def scan(picture: bytes) -> str:
    """What a scanner reads from a picture."""
    found = zxingcpp.read_barcodes(Image.open(io.BytesIO(picture)).convert("L"))
    assert {one.ec_level for one in found} <= {"M"}
    return str(found[0].text) if found else ""


def test_qr_codes_lead_to_the_public_address(shop: Shop, jeweller: Party, ring: str) -> None:
    token = shop.code(jeweller, ring)
    page = shop.get(f"/i/{token}/qr.png?dots=4")
    assert page.headers["content-type"] == "image/png"
    assert scan(page.content) == f"{PUBLIC_URL}/i/{token}"
    by_id = f"/v1/items/{segment(ring)}/qr"
    assert scan(shop.get(f"{by_id}.png?token={token}", jeweller).content) == f"{PUBLIC_URL}/i/{token}"
    assert scan(shop.get(f"{by_id}.png", jeweller).content) == PUBLIC_URL + ring.removeprefix("https://id.gs1.org")
    svg = shop.get(f"/i/{token}/qr.svg")
    assert svg.headers["content-type"] == "image/svg+xml"
    # The drawing's modules are those of the PNG, whose quiet zone is four modules wide.
    bitmap = Image.open(io.BytesIO(page.content)).convert("1")
    bitmap = bitmap.resize((bitmap.width // 4, bitmap.height // 4), Image.Resampling.NEAREST)
    dark = {(x, y) for x in range(bitmap.width) for y in range(bitmap.height) if not bitmap.getpixel((x, y))}
    bars = re.findall(r"M(\d+) (\d+)h(\d+)v1h-\d+z", svg.text)
    assert {(int(x) + n, int(y)) for x, y, width in bars for n in range(int(width))} == dark
    assert min(x for x, _ in dark) == 4
    assert max(y for _, y in dark) == bitmap.height - 5


def test_addresses_are_those_of_the_setting_and_never_of_the_request(shop: Shop, jeweller: Party, ring: str) -> None:
    token = shop.code(jeweller, ring)
    public, own = ring.removeprefix("https://id.gs1.org"), f"/v1/items/{segment(ring)}"
    forged = {"Host": "evil.example", "X-Forwarded-Host": "evil.example", "Forwarded": "host=evil.example"}
    for path, body in ((f"{own}/codes", {}), ("/v1/items", {"name": "Chair", "category": "furniture"})):
        made = shop.client.post(path, json=body, headers={**forged, **jeweller.headers})
        assert (made.status_code, "evil" in made.text) == (201, False)
        assert made.json()["page"].startswith(f"{PUBLIC_URL}/i/")
    asked = [
        *(f"/i/{token}", f"/i/{token}/qr.svg", public, f"{own}/history", f"{own}/qr.png?token={token}", own),
        *("/v1/items?limit=1", "/openapi.json", "/docs", "/v1/log/keys"),
    ]
    for accept in ("text/html", "application/json", "application/linkset+json"):
        for path in asked:
            answer = shop.client.get(path, headers={**forged, **jeweller.headers, "Accept": accept})
            assert answer.status_code in {200, 404}, path
            assert "evil" not in answer.text + str(answer.headers), path
    for path in (f"/i/{token}/qr.png", f"{own}/qr.png?token={token}"):
        found = shop.client.get(path, headers={**forged, **jeweller.headers})
        assert scan(found.content) == f"{PUBLIC_URL}/i/{token}"


def test_qr_codes_refuse_what_they_cannot_draw(shop: Shop, jeweller: Party, ring: str) -> None:
    other = shop.post("/v1/items", {"name": "Chair", "category": "furniture"}, jeweller).json()
    by_id = f"/v1/items/{segment(other['id'])}/qr.svg"
    assert shop.get(by_id, jeweller).status_code == 422
    assert shop.get(f"{by_id}?token={shop.code(jeweller, ring)}", jeweller).status_code == 422
    assert shop.get(f"{by_id}?token={other['token']}", jeweller).status_code == 200
    for dots in ("0", "3", "33", "x", "٤", "999"):
        assert shop.client.get(f"/i/{other['token']}/qr.png", params={"dots": dots}).status_code == 422


def test_what_is_no_item_is_not_found(shop: Shop, jeweller: Party) -> None:
    for subject in (uuid("nothing"), f"{jeweller.id}", "nonsense", RING[:-3], "urn:uuid:X"):
        assert shop.get(f"/v1/items/{segment(subject)}", jeweller).status_code == 404
        assert shop.get(f"/v1/items/{segment(subject)}/qr.svg", jeweller).status_code == 404
    assert shop.get(f"/v1/items/{segment(uuid('nothing'))}/history", jeweller).status_code == 404
