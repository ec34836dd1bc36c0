"""What stands on top of an item's page: picture, state in order of weight, day promised, warranty left."""

from __future__ import annotations

import re
from typing import Any

import pytest

from api.pages.catalogue import LANGUAGES
from tests.build import uuid
from tests.page_shop import jeweller, ring, shop
from tests.pictures import drawing
from tests.shop import Party, Shop
from tests.test_pages_item import OPENED, WORK, certify, text

__all__ = ["jeweller", "ring", "shop"]

FINE = "Nothing is reported"


def upload(shop: Shop, who: Party) -> Any:
    headers = {**who.headers, "Content-Type": "image/jpeg"}
    answer = shop.client.post("/v1/attachments?name=ring.jpg", content=drawing(), headers=headers)
    assert answer.status_code == 201, answer.text
    return answer.json()["attachment"]


def seen_of(shop: Shop, who: Party, item: str, accept_language: str = "en") -> str:
    return text(shop.get(f"/i/{shop.code(who, item)}", accept_language=accept_language).text)


def test_the_picture_is_of_the_thing_and_not_of_what_was_broken(shop: Shop, jeweller: Party, ring: str) -> None:
    token, case, photo = shop.code(jeweller, ring), uuid(f"picture of {ring}"), upload(shop, jeweller)
    shop.say(jeweller, "case.opened", ring, OPENED, case=case)
    shop.say(jeweller, "case.received", ring, {"evidence": {}}, case=case, attachments=[photo])
    shown = re.compile(rf'<a class="photo" href="/i/{token}/attachments/{photo["sha256"]}"><img [^>]*alt="([^"]*)"')
    assert not shown.search(shop.get(f"/i/{token}").text)
    shop.say(jeweller, "item.inspected", ring, {"tests": []}, attachments=[photo])
    found = shown.search(shop.get(f"/i/{token}").text)
    assert found is not None
    assert found[1] == "Photo: Ring &amp; &lt;b&gt;bold&lt;/b&gt;"
    assert shop.get(f"/i/{token}/attachments/{photo['sha256']}/thumbnail").status_code == 200
    # What anybody may see has no file in it.
    assert "photo" not in shop.get(ring.removeprefix("https://id.gs1.org")).text


def test_the_state_is_told_in_order_of_weight(shop: Shop, jeweller: Party, ring: str) -> None:
    case = uuid(f"weight of {ring}")
    assert FINE in seen_of(shop, jeweller, ring)
    shop.say(jeweller, "case.opened", ring, OPENED, case=case)
    seen = seen_of(shop, jeweller, ring)
    assert "State now Repair, opened 4 May 2026 Open" in seen
    assert FINE not in seen
    shop.say(shop.operator, "item.recalled", ring, {"reason": "clasp", "remedy": "repair"})
    shop.say(shop.operator, "item.reported_stolen", ring, {})
    seen = seen_of(shop, jeweller, ring)
    assert seen.index("Reported stolen") < seen.index("Recalled") < seen.index("State now") < seen.index("Certificates")
    shop.say(jeweller, "case.closed", ring, {"outcome": "resolved"}, case=case)
    seen = seen_of(shop, jeweller, ring)
    assert FINE not in seen
    assert "State now" not in seen
    shop.say(shop.operator, "item.recovered", ring, {})
    shop.say(shop.operator, "item.recall_closed", ring, {"reason": "clasp", "remedy": "repair"})
    assert FINE in seen_of(shop, jeweller, ring)


def test_the_day_is_the_one_that_was_promised_last(shop: Shop, jeweller: Party, ring: str) -> None:
    case = uuid(f"day of {ring}")

    def say(kind: str, details: dict[str, Any]) -> str:
        shop.say(jeweller, kind, ring, details, case=case)
        return seen_of(shop, jeweller, ring)

    assert "Promised" not in say("case.opened", OPENED)
    assert "Promised for 20 May 2026" in say("case.quoted", {"free": True, "due": "2026-05-20"})
    extended = {"limit": "bench", "until": "2026-05-28T18:00:00+08:00", "reason": "parts_late", "hard": True}
    seen = say("case.extended", extended)
    assert "Promised for 28 May 2026, 18:00 UTC+08:00" in seen
    assert "20 May" not in seen.split("What happened")[0]
    late = {**extended, "until": "2026-05-01"}
    shop.say(jeweller, "case.extended", ring, late, case=case)
    page = shop.get(f"/i/{shop.code(jeweller, ring)}").text
    shop.say(jeweller, "case.received", ring, {"evidence": {}}, case=case)
    assert 'class="due late">Was promised for 1 May 2026' in page
    assert "promised for" not in say("case.handed_over", {"check": "id", "evidence": {}}).split("What happened")[0]


def test_the_warranty_that_is_left_says_what_it_rests_on(shop: Shop, jeweller: Party, ring: str) -> None:
    none = "No warranty is in force by what is recorded here."
    assert none in seen_of(shop, jeweller, ring)
    # Sold on 4 May 2026 for 24 months: through 4 May 2028, of which 24 whole months are left on the first day.
    shop.say(jeweller, "item.sold", ring, {"channel": "store", "warranty_months": 24})
    assert "Warranty 24 months left Until 4 May 2028 Promised by the seller" in seen_of(shop, jeweller, ring)
    shop.say(jeweller, "repair.completed", ring, {**WORK, "warranty_days": 30})
    seen = seen_of(shop, jeweller, ring)
    # 30 days after 4 May are through 3 June.
    assert "30 days left Until 3 June 2026 For the work that was done" in seen
    assert "還剩" not in seen_of(shop, jeweller, ring, accept_language="zh-TW")
    assert "保固 尚餘 24 個月 至 2028年5月4日 賣方承諾" in seen_of(shop, jeweller, ring, accept_language="zh-TW")
    assert "保修 还剩 24 个月 至 2028年5月4日 销售方承诺" in seen_of(shop, jeweller, ring, accept_language="zh-CN")
    # 30 days after 5 April are through 5 May, which is tomorrow.
    done = {**WORK, "warranty_days": 30}
    shop.say(jeweller, "repair.completed", ring, done, occurred_at="2026-04-05T12:00:00Z")
    assert "1 day left Until 5 May 2026" in seen_of(shop, jeweller, ring)


def test_a_warranty_that_is_over_is_not_shown(shop: Shop, jeweller: Party, ring: str) -> None:
    sold = {"channel": "store", "warranty_months": 12}
    shop.say(jeweller, "item.sold", ring, sold, occurred_at="2025-05-03T12:00:00Z")
    seen = seen_of(shop, jeweller, ring)
    assert "No warranty is in force by what is recorded here." in seen
    assert "left Until" not in seen


def test_the_warranty_of_a_standard_is_named_by_its_text(shop: Shop, ring: str) -> None:
    seller = shop.party("Standard seller", "retailer")
    standard = {
        "standard": "ours",
        "version": "1",
        "basis": [{"id": "law_x", "kind": "law", "title": {"en": "Law X", "zh_Hans": "甲法", "zh_Hant": "乙法"}}],
        "warranty": {"months": 36, "source": "law_x"},
    }
    shop.say(seller, "standard.adopted", seller.id, standard)
    item = uuid(f"by standard {ring}")
    shop.say(seller, "item.registered", item, {"name": "Clock", "category": "watch"})
    shop.say(seller, "item.sold", item, {"channel": "store", "warranty_months": 12})
    seen = seen_of(shop, seller, item)
    assert "36 months left Until 4 May 2029" in seen
    assert "By: Law X" in seen
    assert "依据：甲法" in seen_of(shop, seller, item, accept_language="zh-CN")
    assert "依據：乙法" in seen_of(shop, seller, item, accept_language="zh-TW")


@pytest.mark.parametrize("language", LANGUAGES)
def test_nothing_is_called_authentic_unless_a_certifier_signed_that(
    shop: Shop, jeweller: Party, ring: str, language: str
) -> None:
    word = {"en": "uthentic", "zh-Hans": "真品", "zh-Hant": "真品"}[language]
    token = shop.code(jeweller, ring)
    shop.say(jeweller, "certificate.recorded", ring, {"issuer_name": "A paper", "certificate_no": "P-1"})
    for path in (f"/i/{token}", ring.removeprefix("https://id.gs1.org")):
        assert word not in text(shop.get(path, accept_language=language).text)
    certify(shop, token, ring)
    assert word in text(shop.get(f"/i/{token}", accept_language=language).text)
