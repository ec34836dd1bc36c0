"""The page of an item: what it says, to whom, and that it says nothing it has not checked."""

from __future__ import annotations

import json
import re
from hashlib import sha256
from typing import Any

import pytest

from api.pages.catalogue import load_catalogue
from api.pages.item_page import verify
from ledger import bundle, disclosure, leaf
from ledger.dsse import SigningKey
from ledger.errors import Disproved
from ledger.holderkey import holder_key
from ledger.shortcode import short_of
from ledger.times import DAY, format_recorded
from tests.build import uuid
from tests.page_shop import jeweller, ring, shop
from tests.shop import Party, Shop, segment, signed

__all__ = ["jeweller", "ring", "shop"]

SECRET = bytes(range(16))
WORK = {"work": ["re-tip prong"], "tests": [{"name": "stone tight", "result": "pass"}]}
OPENED = {"kind": "repair", "channel": "store", "issue": "quality"}


def certify(shop: Shop, code: str, ring: str, **more: Any) -> str:
    """The id of a certificate's statement."""
    lab = shop.parties["Lab"]
    details = {"certificate_no": "L-1", "result": "authentic", "methods": ["loupe"], **more}
    statement = shop.statement(lab, "authentication.certified", ring, details)
    answer = shop.post("/v1/statements", {"statement": statement}, lab, **{"Patina-Code": code})
    assert answer.status_code == 201, answer.text
    return str(statement["id"])


def hold(shop: Shop, jeweller: Party, ring: str, custody: str) -> Any:
    """Sell the item to the bearer of its receipt, or of a sealed card; the receipt of that."""
    key = holder_key(SECRET, ring)
    sold = {"channel": "store", "holder_key": key.did, "holder_custody": custody, "warranty_months": 24}
    return shop.say(jeweller, "item.sold", ring, sold)


def device_of(ring: str) -> SigningKey:
    """The key that a holder's device made for an item."""
    return SigningKey.from_seed(sha256(ring.encode()).digest())


def claim(shop: Shop, ring: str, sold: Any) -> Any:
    """Put a device's key in the place of the receipt's."""
    grant = sha256(b"\0" + sold["entry"].encode()).hexdigest()
    device = device_of(ring)
    details = {"holder_key": device.did, "holder_custody": "device"}
    statement = shop.statement(Party(ring, ""), "item.claimed", ring, details, grant=grant)
    answer = shop.post("/v1/statements", signed(statement, holder_key(SECRET, ring), device), shop.operator)
    assert answer.status_code == 201, answer.text
    return answer.json()


def text(page: str) -> str:
    """What a reader sees: the page without its tags, spaces made one."""
    plain = re.sub(r"<(?:style|title)\b.*?</(?:style|title)>|<[^>]+>", " ", page, flags=re.DOTALL)
    for entity, character in (("&lt;", "<"), ("&gt;", ">"), ("&#39;", "'"), ("&#34;", '"'), ("&amp;", "&")):
        plain = plain.replace(entity, character)
    return " ".join(plain.split())


def test_the_page_tells_the_story_in_words_and_escapes_them(shop: Shop, jeweller: Party, ring: str) -> None:
    token = shop.code(jeweller, ring)
    certify(shop, token, ring, grades={"colour": "F"})
    hold(shop, jeweller, ring, "receipt")
    token = shop.code(jeweller, ring)  # the sale took the history away from older codes
    shop.say(jeweller, "repair.completed", ring, WORK)
    page = shop.get(f"/i/{token}")
    assert page.headers["content-type"] == "text/html; charset=utf-8"
    now = load_catalogue("en").moment(format_recorded(shop.clock()))
    seen = text(page.text)
    for words in (
        "Ring & <b>bold</b>",
        "jewellery · Alder",
        "Alder <Jewellers> registered this item.",
        "Lab examined it and certified the result: authentic.",
        "Alder <Jewellers> sold it.",
        "Alder <Jewellers> completed a repair.",
        "stone tight: pass",
        "Warranty 24 months",
        "Signed by Lab",
        "By the bearer of the receipt",
        f"Short code {short_of(token)}",
        load_catalogue("en").say("complete_as_of", when=now),
        "Checked by the server, not by your phone",
        "These are all 4 records about this item",
        "patina verify history.json",
        shop.ledger.vkeys[0],
    ):
        assert words in seen, words
    # Whoever is responsible stands by name, with what they do, and the operator too.
    responsible = text(page.text.partition('aria-labelledby="parties"')[2].partition("</section>")[0])
    assert responsible.startswith("> Who answers for it Alder <Jewellers>")
    assert "Lab" in responsible
    assert load_catalogue("en").text["role_operator"] in responsible
    assert "How this was checked" in seen
    assert "<b>bold" not in page.text
    assert "<Jewellers>" not in page.text


def answers_for(page: str) -> str:
    return text("<p" + page.partition('aria-labelledby="parties"')[2].partition("</section>")[0])


def test_who_carried_and_who_was_found_responsible_is_named_and_what_was_said_of_it(
    shop: Shop, jeweller: Party, ring: str
) -> None:
    token, case = shop.code(jeweller, ring), uuid(f"fault of {ring}")
    shop.say(jeweller, "item.sold", ring, {"channel": "store"})
    shop.say(jeweller, "item.delivered", ring, {"method": "courier", "state": "whole"})
    shop.say(jeweller, "case.opened", ring, OPENED, case=case)
    found = {"findings": "bent prong", "in_warranty": True}
    shop.say(jeweller, "case.diagnosed", ring, {**found, "responsible": "none"}, case=case)
    done = shop.say(jeweller, "case.diagnosed", ring, {**found, "responsible": "retailer"}, case=case)
    for party in (shop.parties["Lab"], jeweller):
        named = {**found, "responsible": "carrier", "responsible_party": party.id}
        shop.say(jeweller, "case.diagnosed", ring, named, case=case)
    shop.say(shop.operator, "statement.disputed", ring, {"disputes": done["id"], "reason": "not_so"})
    token = shop.code(jeweller, ring)
    page = shop.get(f"/i/{token}").text
    said, alder = answers_for(page), "Alder <Jewellers>"
    assert f"{alder} registered it, sold it, delivered it, looked for a fault" in said
    day = load_catalogue("en").day(format_recorded(shop.clock()))
    first = f"Who answers for a fault, as {alder} found on {day}:"
    assert f"{first} nobody {first} the seller, presumably {alder} disputed {first}" in said
    # Of the laboratory, which signed nothing here, this history proves no name.
    assert f"{first} the carrier, namely {shop.parties['Lab'].id} {first} the carrier, namely {alder}" in said
    assert f'<a href="#e{done["index"]}">' in page
    assert "故障由誰負責" in shop.get(f"/i/{token}", accept_language="zh-TW").text
    shop.say(jeweller, "statement.retracted", ring, {"reason": "entered_twice"}, corrects=done["id"])
    assert f"presumably {alder} taken back later disputed" in answers_for(shop.get(f"/i/{token}").text)


def test_the_public_level_shows_what_it_is_and_no_story(shop: Shop, jeweller: Party, ring: str) -> None:
    token = shop.code(jeweller, ring)
    certify(shop, token, ring)
    hold(shop, jeweller, ring, "receipt")
    path = ring.removeprefix("https://id.gs1.org")
    seen = text(shop.get(path).text)
    assert "Authentic, says the certifier" in seen
    assert "Signed by Lab" in seen
    for hidden in ("sold it", "bearer", "history.json", "What happened"):
        assert hidden not in seen, hidden
    shown = shop.get(path, accept="application/json").json()
    assert not {"holder", "records", "history", "cases", "sold_by"} & set(shown)
    assert shown["certificates"] == [{"certificate_no": "L-1", "by": [shop.parties["Lab"].id]}]


@pytest.mark.parametrize(
    ("custody", "badge"), [("receipt", "By the bearer of the receipt"), ("sealed", "By the bearer of a sealed card")]
)
def test_a_holder_is_shown_by_how_the_key_is_kept(
    shop: Shop, jeweller: Party, ring: str, custody: str, badge: str
) -> None:
    token = shop.code(jeweller, ring)
    assert "No holder is recorded." in text(shop.get(f"/i/{token}").text)
    sold = hold(shop, jeweller, ring, custody)
    token = shop.code(jeweller, ring)
    assert badge in text(shop.get(f"/i/{token}").text)
    claim(shop, ring, sold)
    seen = text(shop.get(f"/i/{token}").text)
    assert "By the holder's own device" in seen
    assert badge not in seen
    # What was said with the paper's key stays marked as such.
    assert re.search(r"The bearer of the (receipt|sealed card) claimed it on a device\.", seen)


def test_a_reset_that_waits_is_shown_until_it_is_in_force(shop: Shop, jeweller: Party, ring: str) -> None:
    hold(shop, jeweller, ring, "receipt")
    token = shop.code(jeweller, ring)
    new = {"holder_key": device_of(ring).did, "holder_custody": "device", "reason": "lost", "evidence": "id"}
    shop.say(jeweller, "item.holder_reset", ring, new)
    seen = text(shop.get(f"/i/{token}").text)
    assert "Somebody else asks to become the holder" in seen
    assert "By the bearer of the receipt" in seen
    shop.clock.pass_hours(73)
    token = shop.code(jeweller, ring)  # the reset took the history away from older codes
    seen = text(shop.get(f"/i/{token}").text)
    assert "Somebody else asks" not in seen
    assert "By the holder's own device" in seen
    assert "This key came by a reset" in seen
    assert "This is not fresh" in seen
    shop.ledger.writer.accept_clock = True
    shop.ledger.writer.seal(force=True)
    assert "This is not fresh" not in text(shop.get(f"/i/{token}").text)


@pytest.mark.parametrize(
    ("kind", "details", "title"),
    [
        ("item.reported_stolen", {}, "Reported stolen"),
        ("item.recalled", {"reason": "battery", "remedy": "exchange"}, "Recalled"),
        ("item.retired", {"reason": "scrapped"}, "Retired"),
        ("item.reported_lost", {}, "Reported lost"),
    ],
)
def test_a_state_that_nobody_may_overlook_stands_on_top(  # noqa: PLR0917 - pytest names them
    shop: Shop, jeweller: Party, ring: str, kind: str, details: dict[str, Any], title: str
) -> None:
    token = shop.code(jeweller, ring)
    shop.say(shop.operator, kind, ring, details)
    for path in (f"/i/{token}", ring.removeprefix("https://id.gs1.org")):
        page = shop.get(path).text
        assert re.search(rf'class="banner \w+" role="status"><strong>{title}</strong>', page)
        assert page.index("banner") < page.index("Certificates")


def test_corrections_and_disputes_stand_beside_what_they_are_about(shop: Shop, jeweller: Party, ring: str) -> None:
    token = shop.code(jeweller, ring)
    first = json.loads(shop.get(f"/v1/items/{segment(ring)}/history", jeweller).text)
    original = json.loads(first["histories"][0]["entries"][0])["statement"]["id"]
    fixed = {"reason": "typing_error", "details": {"name": "Better ring", "category": "jewellery"}}
    shop.say(jeweller, "statement.corrected", ring, fixed, corrects=original)
    seen = text(shop.get(f"/i/{token}").text)
    assert "Better ring" in seen
    assert "Corrected later by Alder <Jewellers>: typing error" in seen
    assert re.search("Now reads .*Name Better ring", seen)
    done = shop.say(jeweller, "repair.completed", ring, WORK)
    shop.say(shop.operator, "statement.disputed", ring, {"disputes": done["id"], "reason": "not_so"})
    shop.say(jeweller, "statement.retracted", ring, {"reason": "entered_twice"}, corrects=done["id"])
    page = shop.get(f"/i/{token}").text
    seen = text(page)
    assert "it was not so" in seen
    assert "Taken back later by Alder <Jewellers>: entered twice" in seen
    assert re.search(r'class="\w+ struck"', page)
    # Nothing disappears.
    assert "completed a repair." in seen


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ("revoked", "Revoked"),
        ("expired", "Expired 1 May 2026"),
        ("not_authentic", "Not authentic"),
        ("part", "Issued before a change to the item"),
        ("retracted", "Revoked"),
    ],
)
def test_a_certificate_is_shown_as_it_stands(shop: Shop, jeweller: Party, ring: str, change: str, words: str) -> None:
    token = shop.code(jeweller, ring)
    lab = shop.parties["Lab"]
    more = {"valid_until": "2026-05-01"} if change == "expired" else {}
    if change == "not_authentic":
        more = {"result": "not_authentic"}
    made = certify(shop, token, ring, **more)
    if change in {"revoked", "retracted"}:
        kind = "authentication.revoked" if change == "revoked" else "statement.retracted"
        details = {"reason": "error"} | ({"certificate_no": "L-1"} if change == "revoked" else {})
        corrects = {"corrects": made} if change == "retracted" else {}
        body = {"statement": shop.statement(lab, kind, ring, details, **corrects)}
        assert shop.post("/v1/statements", body, lab, **{"Patina-Code": token}).status_code == 201
    if change == "part":
        shop.say(jeweller, "repair.part_replaced", ring, {"part": "stone", "quantity": 1})
    seen = text(shop.get(f"/i/{token}").text)
    assert words in seen
    assert ("In force" in seen) == (change in {"part", "not_authentic"})


def test_a_paper_of_an_outside_laboratory_is_not_shown_as_signed_by_it(shop: Shop, jeweller: Party, ring: str) -> None:
    token = shop.code(jeweller, ring)
    shop.say(jeweller, "certificate.recorded", ring, {"issuer_name": "Old Lab", "certificate_no": "O-7"})
    seen = text(shop.get(f"/i/{token}").text)
    assert "Stated by Alder <Jewellers>; not signed by the laboratory" in seen
    assert "Signed by Old Lab" not in seen


def test_private_members_and_what_was_said_for_a_customer_are_marked(shop: Shop, jeweller: Party, ring: str) -> None:
    token = shop.code(jeweller, ring)
    hidden = disclosure.digest(disclosure.make_disclosure("price", "120.00", bytes(16)))
    shop.say(jeweller, "item.sold", ring, {"channel": "store"}, _sd=[hidden], _sd_alg="sha-256")
    accepted = {"checks": [], "on_behalf": True, "basis": "call"}
    shop.say(jeweller, "item.accepted", ring, accepted)
    seen = text(shop.get(f"/i/{token}").text)
    assert "There are private members; this page does not show them" in seen
    assert "Stated on the customer's behalf" in seen
    assert "120.00" not in seen


def test_at_shows_the_item_as_it_stood_and_says_so(shop: Shop, jeweller: Party, ring: str) -> None:
    token = shop.code(jeweller, ring)
    done = shop.say(jeweller, "repair.completed", ring, WORK)
    shop.say(shop.operator, "item.reported_stolen", ring, {})
    page = text(shop.get(f"/i/{token}?at={done['index'] + 1}").text)
    assert "As it stood at" in page
    assert "completed a repair" in page
    assert "Reported stolen" not in page
    assert "Reported stolen" in text(shop.get(f"/i/{token}").text)
    assert shop.get(f"/i/{token}?at=nonsense").status_code == 404
    assert shop.get(f"/i/{token}?at=nonsense", accept="application/json").status_code == 422
    assert shop.get(f"/i/{token}?at=0").status_code == 404


def test_a_history_that_does_not_verify_is_shown_to_nobody(
    shop: Shop, jeweller: Party, ring: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    token = shop.code(jeweller, ring)
    reader = shop.ledger.reader
    size, raw = reader.history(ring) or (0, b"")
    broken = json.loads(raw)
    broken["histories"][0]["entries"][0] = broken["histories"][0]["entries"][0].replace("Alder", "Elder")
    monkeypatch.setattr(type(reader), "history", lambda *_, **__: (size, json.dumps(broken).encode()))
    with pytest.raises(Disproved):
        verify(json.dumps(broken).encode(), ring, shop.ledger.vkeys, shop.clock())
    page = shop.get(f"/i/{token}")
    assert page.status_code == 503
    assert "did not pass its own checks" in text(page.text)
    assert shop.get(f"/i/{token}", accept="application/json").json()["type"] == "/docs/problems#unavailable"


def test_the_page_checks_the_very_bundle_that_it_offers(shop: Shop, jeweller: Party, ring: str) -> None:
    token = shop.code(jeweller, ring)
    page = shop.get(f"/i/{token}")
    raw = shop.get(f"/i/{token}/history")
    # The same checkpoint; a page is another thing in another language.
    assert page.headers["etag"] == raw.headers["etag"][:-1] + '-en-gzip"'
    entries = bundle.parse_history(raw.content).histories[0].entries
    for entry in entries:
        assert f"no. {leaf.parse_leaf(entry.encode()).index} in the log" in text(page.text)


def test_a_page_is_kept_for_one_checkpoint_and_one_hour(shop: Shop, jeweller: Party, ring: str) -> None:
    token = shop.code(jeweller, ring)
    first = shop.get(f"/i/{token}")
    assert shop.get(f"/i/{token}").content == first.content
    shop.say(jeweller, "repair.completed", ring, WORK)
    assert "completed a repair" in text(shop.get(f"/i/{token}").text)
    shop.clock.now += DAY + 1
    assert "This is not fresh" in text(shop.get(f"/i/{token}").text)
    shop.ledger.writer.accept_clock = True
    shop.ledger.writer.seal(force=True)
