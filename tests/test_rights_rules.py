"""Rights: what they rest on, corrections and retractions, zones, exchanged items, the authority, and months."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from ledger import standard
from ledger.calendar import WorkingTime
from ledger.rights import Right, add_months, rights, warranty_until
from ledger.spell import read_spell
from ledger.standard import Standard
from ledger.standards import template
from tests.casebook import RING, Casebook, at
from tests.test_rights import CLAIM, CN, DELIVERED, EU, OTHER, STORE, UNPAID, UTC, WEB, repaired, shown, told


def test_a_right_names_its_rule_its_source_and_what_it_rests_on() -> None:
    book = told([*STORE, CLAIM, repaired("2026-02-10"), repaired("2026-02-20", "failed")])
    *_, exchange = rights(RING, book.entries, CN, at("2026-05-01 12:00"), UTC.day_of)
    first, second = (entry.statement.id for entry in book.entries[-2:])
    assert exchange == Right(
        "exchange", "exchange_after_repairs", "three_guarantees", (first, second), date(2026, 2, 20)
    )
    assert CN.source(exchange.source, "zh_Hans") == "部分商品修理更换退货责任规定"


def test_the_months_after_a_repair_rest_on_the_repair() -> None:
    book = told([*WEB, *DELIVERED, CLAIM, repaired("2026-02-10")])
    (warranty,) = rights(RING, book.entries, EU, at("2026-06-01 12:00"), UTC.day_of)
    ids = [entry.statement.id for entry in book.entries]
    assert warranty.rests == (ids[1], ids[2], ids[4])  # sold, delivered, repaired
    assert EU.source(warranty.source) == "Directive (EU) 2019/771, article 10"


@pytest.mark.parametrize(("category", "days", "may"), [("phone", 61, True), ("phone", 60, False), ("ring", 61, False)])
def test_phones_wait_sixty_days_for_parts(category: str, days: int, may: bool) -> None:
    book = told([*STORE, CLAIM, ("case.waiting", "2026-02-02", {"for": "parts"})], category=category)
    now = at("2026-02-02 12:00") + days * 86_400_000_000
    found = rights(RING, book.entries, CN, now, UTC.day_of)
    assert ("exchange" in {one.right for one in found}) is may


def test_what_was_retracted_gives_no_right_and_what_was_corrected_gives_another() -> None:
    book = told(STORE)
    sold = book.entries[-1].statement.id
    details = {"channel": "store", "warranty_months": 24}
    book.say(
        "statement.corrected", "2026-01-11 12:00", {"reason": "typo", "details": details}, corrects=sold, case=None
    )
    now = at("2026-02-01 12:00")
    assert shown(rights(RING, book.entries, None, now, UTC.day_of)) == {
        ("free_repair", "warranty_months", "2028-01-10")
    }
    book.say("statement.corrected", "2026-01-11 13:00", {"reason": "typo"}, corrects=sold, case=None)
    assert len(rights(RING, book.entries, None, now, UTC.day_of)) == 1
    book.retract(sold, "2026-01-12 12:00")
    assert rights(RING, book.entries, None, now, UTC.day_of) == ()


def test_what_is_recorded_later_does_not_count_yet() -> None:
    book = told(WEB + DELIVERED)
    before = rights(RING, book.entries, EU, at("2026-01-14 12:00"), UTC.day_of)
    assert [one.until for one in before if one.right == "return"] == [None]


def test_a_stay_after_the_warranty_adds_nothing() -> None:
    late = (CLAIM[0], "2027-01-11", CLAIM[2])
    book = told([*STORE, late, ("case.received", "2027-01-11", {"evidence": {}})])
    now, figures = at("2027-01-20 12:00"), CN.warranty("ring")
    assert figures is not None
    found = warranty_until(read_spell(RING, book.entries, now, UTC.day_of), figures, date(2027, 1, 20), None)
    assert found is not None
    assert found[0] == date(2027, 1, 10)


def test_days_are_those_of_the_party() -> None:
    book = Casebook()
    book.say("item.sold", "2026-01-10T23:30:00Z", {"channel": "store", "return_days": 7}, case=None)
    zone = WorkingTime({}, "x")
    (found,) = rights(
        RING, book.entries, None, at("2026-01-11 00:00"), lambda moment: zone.day_of(moment + 8 * 3_600_000_000)
    )
    assert found.until == date(2026, 1, 18)


# An item that was given for another.


def replacement(after_exchange: str, **more: Any) -> tuple[Standard, Casebook, Casebook]:
    """A standard, the history of the item that was given, and that of the one that came back after a year."""
    warranty = {"months": 24, "after_exchange": after_exchange, "source": "house", **more}
    ours = standard.adopt({"standard": "x", "version": "1", "warranty": warranty})
    old = told([*STORE, ("exchange.completed", "2027-11-10", {"replacement": OTHER, "reason": "fault"})])
    new = Casebook()
    new.entries = [old.entries[-1]]
    return ours, new, old


@pytest.mark.parametrize(
    ("rule", "more", "until", "named"),
    [
        ("restarts", {}, date(2029, 11, 10), "months"),
        ("remainder", {}, date(2028, 1, 10), "after_exchange"),
        ("longer", {}, date(2028, 1, 10), "after_exchange"),
        ("longer", {"repair_days_min": 30}, date(2028, 1, 10), "after_exchange"),
        ("longer", {"repair_days_min": 90}, date(2028, 2, 8), "repair_days_min"),
    ],
)
def test_the_warranty_after_an_exchange(rule: str, more: Any, until: date, named: str) -> None:
    ours, new, old = replacement(rule, **more)
    found = rights(OTHER, new.entries, ours, at("2027-11-11 12:00"), UTC.day_of, replaced=old.entries)
    assert [(one.right, one.rule, one.until) for one in found] == [("free_repair", named, until)]


def test_the_warranty_after_an_exchange_of_what_had_none() -> None:
    ours, new, _ = replacement("remainder")
    bare = told([("item.registered", "2026-01-01", {"name": "Ring", "category": "ring"})])
    found = rights(OTHER, new.entries, ours, at("2027-11-11 12:00"), UTC.day_of)
    assert [one.rule for one in found] == ["months"]
    empty = standard.adopt({"standard": "x", "version": "1"})
    assert rights(OTHER, new.entries, empty, at("2027-11-11 12:00"), UTC.day_of, replaced=bare.entries) == ()


# The authority.

GOODS = standard.adopt(template("consumer-goods"))


@pytest.mark.parametrize(
    ("answer", "now", "may"),
    [
        (None, "2026-02-16 12:00", False),
        (None, "2026-02-16 12:01", True),
        (("case.responded", {}), "2026-03-16 12:00", False),
        (("case.contacted", {"channel": "phone", "reached": False}), "2026-03-16 12:00", True),
        (("case.closed", {"outcome": "withdrawn"}), "2026-03-16 12:00", False),
    ],
)
def test_the_authority_may_be_asked_after_fifteen_days_without_an_answer(answer: Any, now: str, may: bool) -> None:
    book = told([UNPAID, *([] if answer is None else [(answer[0], "2026-02-05", answer[1])])])
    found = rights(RING, book.entries, GOODS, at(now), UTC.day_of)
    asked = [one for one in found if one.right == "ask_authority"]
    assert bool(asked) is may
    if asked:
        assert (asked[0].source, asked[0].since) == ("consumer_goods", date(2026, 2, 16))


def test_a_case_that_is_reopened_is_open() -> None:
    closing = ("case.closed", "2026-02-05", {"outcome": "unresolved"})
    reopened = ("case.reopened", "2026-02-06", {"outcome": "unresolved"})
    book = told([UNPAID, closing, reopened])
    assert [one.right for one in rights(RING, book.entries, GOODS, at("2026-03-16 12:00"), UTC.day_of)] == [
        "ask_authority"
    ]


def test_a_step_of_a_case_opened_before_the_sale_is_of_no_case() -> None:
    book = told([CLAIM, *STORE, repaired("2026-02-10")])
    found = rights(RING, book.entries, CN, at("2026-02-11 12:00"), UTC.day_of)
    assert ("free_repair", "repair_days_min", "2026-03-12") in shown(found)


@pytest.mark.parametrize(
    ("day", "months", "want"),
    [
        (date(2026, 1, 31), 1, date(2026, 2, 28)),
        (date(2024, 2, 29), 12, date(2025, 2, 28)),
        (date(2026, 12, 15), 24, date(2028, 12, 15)),
        (date(2026, 11, 30), 1, date(2026, 12, 30)),
        (date(2026, 8, 31), 6, date(2027, 2, 28)),
    ],
)
def test_months_later(day: date, months: int, want: date) -> None:
    assert add_months(day, months) == want


def test_what_is_about_another_item_first_says_nothing_of_this_one() -> None:
    book = told(STORE)
    part = {"part": "clasp", "quantity": 1}
    book.say("repair.part_replaced", "2026-01-12 12:00", part, case=None, subjects=[OTHER, RING])
    book.say("exchange.completed", "2026-01-13 12:00", {"replacement": RING, "reason": "fault"}, subjects=[OTHER, RING])
    ours = standard.adopt({"standard": "x", "version": "1", "warranty": {"months": 3, "source": "house"}})
    (found,) = rights(RING, book.entries, ours, at("2026-01-14 12:00"), UTC.day_of)
    assert found.until == date(2026, 4, 13)  # from the exchange, not the sale before it
