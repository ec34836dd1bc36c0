"""How far a case has come, as the item's page shows it, and a difference that nobody may overlook."""

from __future__ import annotations

import re
from typing import Any

import pytest

from api.pages.catalogue import load_catalogue
from api.pages.progress import _MILESTONES, _WORK
from ledger.course import STATUS
from ledger.types import TYPES
from tests.build import uuid
from tests.page_shop import jeweller, ring, shop
from tests.shop import Party, Shop
from tests.test_pages_item import OPENED, WORK, certify, text

__all__ = ["jeweller", "ring", "shop"]

BEHALF = {"on_behalf": True, "basis": "call"}


def evidence(**members: Any) -> dict[str, Any]:
    return {"evidence": members}


def cards(page: str) -> list[str]:
    """The cards of cases, as a reader sees them."""
    return [text(card) for card in re.findall(r'<article class="card case">.*?</article>', page, re.DOTALL)]


def test_a_case_shows_how_far_it_has_come(shop: Shop, jeweller: Party, ring: str) -> None:
    token, case = shop.code(jeweller, ring), uuid(f"case of {ring}")
    assert cards(shop.get(f"/i/{token}").text) == []
    opened = shop.say(jeweller, "case.opened", ring, OPENED, case=case)
    shop.say(jeweller, "case.received", ring, evidence(weight_g="3.62"), case=case)
    shop.say(jeweller, "case.quoted", ring, {"free": True}, case=case)
    shop.say(jeweller, "case.waiting", ring, {"for": "parts"}, case=case)
    day = load_catalogue("en").day("2026-05-04")
    page = shop.get(f"/i/{token}").text
    ahead = "Diagnosed Quote decided Work done Checked Back with its owner Rated Closed"
    assert cards(page) == [f"Repair, opened {day} Waiting for parts Opened {day} Taken in {day} {ahead}"]
    assert f'<a href="#e{opened["index"]}">Opened</a>' in page
    assert f'id="e{opened["index"]}"' in page
    shop.say(jeweller, "repair.completed", ring, WORK, case=case)
    shop.say(jeweller, "case.closed", ring, {"outcome": "resolved"}, case=case)
    # Closed: what was passed over is not shown as if it were still to come.
    want = f"Repair, opened {day} Closed Opened {day} Taken in {day} Work done {day} Closed {day}"
    assert cards(shop.get(f"/i/{token}").text) == [want]


@pytest.mark.parametrize(
    ("kind", "marks"),
    [
        ("exchange", "Opened {} Taken in Decided Exchanged or returned Rated Closed"),
        ("complaint", "Opened {} Answered Decided Rated Closed"),
        ("installation", "Opened {} Visit arranged Visited Back with its owner Rated Closed"),
    ],
)
def test_each_kind_of_case_has_its_milestones(shop: Shop, jeweller: Party, ring: str, kind: str, marks: str) -> None:
    shop.say(jeweller, "case.opened", ring, {**OPENED, "kind": kind}, case=uuid(f"{kind} of {ring}"))
    day = load_catalogue("en").day("2026-05-04")
    title = f"{kind.capitalize()}, opened {day} Open "
    assert cards(shop.get(f"/i/{shop.code(jeweller, ring)}").text)[0].lower() == (title + marks.format(day)).lower()


def test_open_cases_come_first_then_the_newest(shop: Shop, jeweller: Party, ring: str) -> None:
    for kind in ("repair", "exchange", "return"):
        shop.say(jeweller, "case.opened", ring, {**OPENED, "kind": kind}, case=uuid(f"{kind} of {ring}"))
    shop.say(jeweller, "case.closed", ring, {"outcome": "withdrawn"}, case=uuid(f"return of {ring}"))
    titles = [card.split(",")[0].lower() for card in cards(shop.get(f"/i/{shop.code(jeweller, ring)}").text)]
    assert titles == ["exchange", "repair", "return"]


@pytest.mark.parametrize("reason", ["", "stone_lost"])
@pytest.mark.parametrize("where", ["shop", "outside"])
def test_a_difference_in_identity_is_shown_with_whose_hands_it_arose_in(
    shop: Shop, jeweller: Party, ring: str, reason: str, where: str
) -> None:
    token, case = shop.code(jeweller, ring), uuid(f"case of {ring}")
    certify(shop, token, ring)
    shop.say(jeweller, "case.opened", ring, OPENED, case=case)
    received = shop.say(jeweller, "case.received", ring, evidence(weight_g="3.62"), case=case)
    assert "Issued before a change" not in text(shop.get(f"/i/{token}").text)
    back: dict[str, Any] = evidence(weight_g="3.12", **({"reason": reason} if reason else {}))
    if where == "outside":
        shop.say(jeweller, "case.forwarded", ring, {"to": "outside", **evidence()}, case=case)
        shop.say(jeweller, "case.returned", ring, back, case=case)
    else:
        shop.say(jeweller, "case.handed_over", ring, {"check": "id", **back}, case=case)
    (card,) = cards(shop.get(f"/i/{token}").text)
    hands = "an outside workshop" if where == "outside" else "Alder <Jewellers>"
    why = "Reason given: stone lost." if reason else "No reason was given."
    assert card.endswith(f"Weight differs: 3.62 g before, now 3.12 g. It was then with {hands}. {why}")
    assert f'class="remark {"note" if reason else "bad"}"' in shop.get(f"/i/{token}").text
    # What was certified was another weight.
    assert "Issued before a change" in text(shop.get(f"/i/{token}").text)
    fixed = {"reason": "typing_error", "details": evidence(weight_g="3.12")}
    shop.say(jeweller, "statement.corrected", ring, fixed, corrects=received["id"])
    assert "One of the two was corrected or taken back later." in cards(shop.get(f"/i/{token}").text)[0]


def test_the_owners_own_hands_are_named(shop: Shop, jeweller: Party, ring: str) -> None:
    for number, weight in enumerate(("3.62", "3.00")):
        case = uuid(f"case {number} of {ring}")
        shop.say(jeweller, "case.opened", ring, OPENED, case=case)
        shop.say(jeweller, "case.received", ring, evidence(weight_g=weight), case=case)
        if not number:
            shop.say(jeweller, "case.handed_over", ring, {"check": "id", **evidence(weight_g=weight)}, case=case)
    assert "It was then with its owner." in cards(shop.get(f"/i/{shop.code(jeweller, ring)}").text)[0]


def test_the_public_level_shows_no_case(shop: Shop, jeweller: Party, ring: str) -> None:
    shop.say(jeweller, "case.opened", ring, OPENED, case=uuid(f"case of {ring}"))
    assert cards(shop.get(ring.removeprefix("https://id.gs1.org")).text) == []


def test_every_status_and_milestone_has_words_and_every_kind_its_milestones() -> None:
    words = load_catalogue("en").text
    for status in {*STATUS.values(), "waiting", "closed"}:
        assert words[f"case_{status}"]
    for marks in (*_MILESTONES.values(), _WORK):
        for name, types in marks:
            assert words[f"milestone_{name}"]
            assert set(types.split()) <= set(TYPES)
