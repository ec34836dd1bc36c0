"""Warranty and rights: a table of examples, worked out by hand from the rules of the three templates."""

from __future__ import annotations

from typing import Any

import pytest

from ledger import standard
from ledger.calendar import WorkingTime
from ledger.rights import Right, rights
from ledger.standard import Standard
from ledger.standards import template
from tests.casebook import RING, Casebook, at

CN, TW, EU = (standard.adopt(template(name)) for name in ("cn", "tw", "eu"))
UTC = WorkingTime({})
OTHER = "urn:uuid:0190a6f1-7d3b-7c44-9a3e-0a4f1c2d3e4f"

Story = list[tuple[str, str, dict[str, Any]]]

WEB: Story = [("item.sold", "2026-01-10", {"channel": "web"})]
STORE: Story = [("item.sold", "2026-01-10", {"channel": "store", "warranty_months": 12})]
CUSTOM: Story = [("item.sold", "2026-01-10", {"channel": "web", "custom": True})]
DELIVERED: Story = [("item.delivered", "2026-01-15", {"method": "courier", "state": "whole"})]
CLAIM = (
    "case.opened",
    "2026-02-01",
    {"kind": "repair", "channel": "store", "issue": "quality", "warranty_claim": True},
)
UNPAID = ("case.opened", "2026-02-01", {"kind": "repair", "channel": "store", "issue": "quality"})
DONE, FAILED = {"work": ["x"], "tests": []}, {"work": ["x"], "tests": [], "reason": "no_spare_parts"}
OVER: dict[str, Any] = {"check": "id", "evidence": {}}
IN: dict[str, Any] = {"evidence": {}}


def diagnosed(*, free: bool) -> tuple[str, str, dict[str, Any]]:
    """A diagnosis."""
    details = {"findings": "x", "responsible": "manufacturer", "in_warranty": free}
    return ("case.diagnosed", "2026-02-02", details)


def repaired(day: str, kind: str = "completed", **more: Any) -> tuple[str, str, dict[str, Any]]:
    """A repair's end."""
    return (f"repair.{kind}", day, (FAILED if kind == "failed" else DONE) | more)


def told(story: Story, *, category: str = "ring") -> Casebook:
    """The entries of an item; cases are opened one after the other, and what follows belongs to the last."""
    book = Casebook()
    book.say("item.registered", "2026-01-01 12:00", {"name": "Ring", "category": category}, case=None)
    case: str | None = None
    for kind, day, details in story:
        if kind == "case.opened":
            case = f"urn:uuid:00000000-0000-7000-8000-{len(book.entries):012}"
        subjects = [RING, OTHER] if kind == "exchange.completed" else [RING]
        book.say(kind, f"{day} 12:00", details, case=case, subjects=subjects)
    return book


def shown(found: tuple[Right, ...]) -> set[tuple[str, str, str]]:
    """Rights as the table has them."""
    return {(one.right, one.rule, str(one.until or one.due or "")) for one in found}


# what, standard, story, today, the rights in force: what, by which rule, until (or due)
EXAMPLES: list[tuple[str, Standard | None, Story, str, set[tuple[str, str, str]]]] = [
    # China: 7 days from receipt for distance sales, 7 and 15 days for faults from the sale.
    (
        "the days begin with the receipt",
        CN,
        WEB + DELIVERED,
        "2026-01-22",
        {("return", "no_reason_days", "2026-01-22"), ("exchange", "fault_exchange_days", "2026-01-25")},
    ),
    (
        "the eighth day is too late",
        CN,
        WEB + DELIVERED,
        "2026-01-23",
        {("exchange", "fault_exchange_days", "2026-01-25")},
    ),
    (
        "before it is received the days have not begun",
        CN,
        WEB,
        "2026-01-20",
        {("return", "no_reason_days", ""), ("exchange", "fault_exchange_days", "2026-01-25")},
    ),
    (
        "faults of the first days",
        CN,
        STORE,
        "2026-01-17",
        {
            ("free_repair", "warranty_months", "2027-01-10"),
            ("return", "fault_return_days", "2026-01-17"),
            ("exchange", "fault_exchange_days", "2026-01-25"),
        },
    ),
    ("custom work is not returned", CN, CUSTOM + DELIVERED, "2026-01-26", set()),
    ("nothing is left after the days", CN, WEB + DELIVERED, "2026-01-26", set()),
    # China: a repair holds 30 days, time in repair is added, exchange after two repairs, parts 90 days.
    (
        "a repair holds thirty days and its time is added",
        CN,
        [
            *STORE,
            CLAIM,
            ("case.received", "2026-02-01", IN),
            repaired("2026-02-10"),
            ("case.handed_over", "2026-02-11", OVER),
        ],
        "2026-03-12",
        {("free_repair", "warranty_months", "2027-01-20"), ("free_repair", "repair_days_min", "2026-03-12")},
    ),
    (
        "while it is in repair the warranty grows",
        CN,
        [*STORE, CLAIM, ("case.received", "2026-02-01", IN)],
        "2026-02-06",
        {("free_repair", "warranty_months", "2027-01-15")},
    ),
    (
        "a repair that was paid for adds nothing but itself",
        CN,
        [
            *STORE,
            UNPAID,
            ("case.received", "2026-02-01", IN),
            repaired("2026-02-10"),
            ("case.handed_over", "2026-02-11", OVER),
        ],
        "2026-02-12",
        {("free_repair", "warranty_months", "2027-01-10"), ("free_repair", "repair_days_min", "2026-03-12")},
    ),
    (
        "a workshop's longer word counts",
        CN,
        [*WEB, *DELIVERED, UNPAID, repaired("2026-02-10", warranty_days=90)],
        "2026-05-11",
        {("free_repair", "warranty_days", "2026-05-11")},
    ),
    (
        "the second repair failed",
        CN,
        [*STORE, CLAIM, repaired("2026-02-10"), repaired("2026-02-20", "failed")],
        "2026-05-01",
        {("free_repair", "warranty_months", "2027-01-10"), ("exchange", "exchange_after_repairs", "")},
    ),
    (
        "two repairs were done, and it is broken again",
        CN,
        [*STORE, CLAIM, repaired("2026-02-10"), repaired("2026-02-20"), (CLAIM[0], "2026-04-01", CLAIM[2])],
        "2026-05-01",
        {("free_repair", "warranty_months", "2027-01-10"), ("exchange", "exchange_after_repairs", "")},
    ),
    (
        "two repairs that helped",
        CN,
        [*STORE, CLAIM, repaired("2026-02-10"), repaired("2026-02-20")],
        "2026-05-01",
        {("free_repair", "warranty_months", "2027-01-10")},
    ),
    (
        "repairs outside of the warranty do not count",
        CN,
        [*STORE, CLAIM, diagnosed(free=False), repaired("2026-02-10"), repaired("2026-02-20", "failed")],
        "2026-05-01",
        {("free_repair", "warranty_months", "2027-01-10")},
    ),
    (
        "parts for more than ninety days",
        CN,
        [*STORE, CLAIM, ("case.waiting", "2026-02-02", {"for": "parts"})],
        "2026-05-04",
        {("free_repair", "warranty_months", "2027-01-10"), ("exchange", "exchange_after_parts_days", "")},
    ),
    (
        "parts for ninety days",
        CN,
        [*STORE, CLAIM, ("case.waiting", "2026-02-02", {"for": "parts"})],
        "2026-05-03",
        {("free_repair", "warranty_months", "2027-01-10")},
    ),
    (
        "waits for parts are added up, and others are not",
        CN,
        [
            *STORE,
            CLAIM,
            ("case.waiting", "2026-02-02", {"for": "parts"}),
            ("case.waiting", "2026-04-03", {"for": "customer"}),  # 60 days
            ("case.resumed", "2026-06-01", {"for": "customer"}),
            ("case.waiting", "2026-06-01", {"for": "parts"}),
            ("case.resumed", "2026-07-02", {"for": "parts"}),  # 31 days
        ],
        "2026-07-03",
        {("free_repair", "warranty_months", "2027-01-10"), ("exchange", "exchange_after_parts_days", "")},
    ),
    (
        "a case that is closed awaits no parts",
        CN,
        [
            *STORE,
            CLAIM,
            ("case.waiting", "2026-02-02", {"for": "parts"}),
            ("case.closed", "2026-06-01", {"outcome": "unresolved"}),
        ],
        "2026-07-03",
        {("free_repair", "warranty_months", "2027-01-10")},
    ),
    (
        "a returned item has a refund due in seven days",
        CN,
        [*STORE, ("return.completed", "2026-01-12", {"reason": "fault", "condition": "good"})],
        "2026-02-12",
        {("refund", "refund_days", "2026-01-19")},
    ),
    (
        "a settled refund is not due",
        CN,
        [
            *STORE,
            ("return.completed", "2026-01-12", {"reason": "fault", "condition": "good"}),
            ("case.settled", "2026-01-13", {"what": "refund"}),
        ],
        "2026-01-14",
        set(),
    ),
    (
        "a settled fee is no refund",
        CN,
        [
            *STORE,
            ("return.completed", "2026-01-12", {"reason": "fault", "condition": "good"}),
            ("case.settled", "2026-01-13", {"what": "fee"}),
        ],
        "2026-01-14",
        {("refund", "refund_days", "2026-01-19")},
    ),
    (
        "an item that was exchanged has no rights left",
        CN,
        [*STORE, ("exchange.completed", "2026-01-12", {"replacement": OTHER, "reason": "fault"})],
        "2026-01-13",
        set(),
    ),
    (
        "a new sale begins anew",
        CN,
        [
            *STORE,
            ("return.completed", "2026-01-12", {"reason": "fault", "condition": "good"}),
            ("item.sold", "2026-02-01", {"channel": "store", "warranty_months": 6}),
        ],
        "2026-03-01",
        {("free_repair", "warranty_months", "2026-08-01")},
    ),
    (
        "each stay in repair is added, and the time between is not",
        CN,
        [
            *STORE,
            CLAIM,
            ("case.received", "2026-02-01", IN),
            ("case.received", "2026-02-02", IN),  # its box
            ("case.handed_over", "2026-02-05", OVER),
            ("case.accepted", "2026-02-06", {"checks": []}),
            ("case.received", "2026-02-10", IN),
            ("case.handed_over", "2026-02-12", OVER),
        ],
        "2026-03-01",
        {("free_repair", "warranty_months", "2027-01-16")},
    ),
    (
        "the first receipt counts",
        CN,
        [*WEB, *DELIVERED, ("item.accepted", "2026-01-18", {"checks": []})],
        "2026-01-22",
        {("return", "no_reason_days", "2026-01-22"), ("exchange", "fault_exchange_days", "2026-01-25")},
    ),
    # Taiwan: 7 days likewise, and nothing of a warranty.
    ("Taiwan, distance", TW, WEB + DELIVERED, "2026-01-22", {("return", "no_reason_days", "2026-01-22")}),
    ("Taiwan, the eighth day", TW, WEB + DELIVERED, "2026-01-23", set()),
    ("Taiwan, across the counter", TW, STORE, "2026-01-12", {("free_repair", "warranty_months", "2027-01-10")}),
    # The European Union: 14 days, 24 months from receipt, 12 more after the first repair.
    (
        "Europe, distance",
        EU,
        WEB + DELIVERED,
        "2026-01-29",
        {("return", "no_reason_days", "2026-01-29"), ("free_repair", "months", "2028-01-15")},
    ),
    ("Europe, two years less a day", EU, WEB + DELIVERED, "2028-01-15", {("free_repair", "months", "2028-01-15")}),
    ("Europe, after two years", EU, WEB + DELIVERED, "2028-01-16", set()),
    (
        "Europe, twelve months more after a repair, once",
        EU,
        [*WEB, *DELIVERED, CLAIM, repaired("2026-02-10"), repaired("2026-03-10")],
        "2029-01-15",
        {("free_repair", "months", "2029-01-15")},
    ),
    (
        "Europe, a repair after the warranty adds nothing to it",
        EU,
        [*WEB, *DELIVERED, CLAIM, repaired("2028-01-16")],
        "2028-02-01",
        set(),
    ),
    (
        "Europe, a repair that failed adds nothing",
        EU,
        [*WEB, *DELIVERED, CLAIM, ("case.received", "2026-02-01", IN), repaired("2026-02-10", "failed")],
        "2026-06-01",
        {("free_repair", "months", "2028-01-15")},
    ),
    (
        "a seller who promises more",
        EU,
        [("item.sold", "2026-01-10", {"channel": "store", "warranty_months": 60, "return_days": 30})],
        "2026-02-09",
        {("free_repair", "warranty_months", "2031-01-10"), ("return", "return_days", "2026-02-09")},
    ),
    (
        "a maker who grants more, from the installation",
        EU,
        [
            *WEB,
            *DELIVERED,
            ("warranty.granted", "2026-01-10", {"months": 36, "from": "installed", "covers": []}),
            ("item.installed", "2026-01-20", {"checks": []}),
        ],
        "2026-06-01",
        {("free_repair", "granted", "2029-01-20")},
    ),
    (
        "what nobody installed runs from its receipt",
        None,
        [*WEB, *DELIVERED, ("warranty.granted", "2026-01-10", {"months": 1, "from": "installed", "covers": []})],
        "2026-02-01",
        {("free_repair", "granted", "2026-02-15")},
    ),
    (
        "a warranty from a date",
        None,
        [("item.sold", "2026-01-10", {"channel": "web", "warranty_months": 1, "warranty_from": "2026-01-31"})],
        "2026-02-01",
        {("free_repair", "warranty_months", "2026-02-28")},
    ),
    # Without a standard, or without a sale.
    ("no standard promises nothing", None, WEB + DELIVERED, "2026-01-16", set()),
    (
        "a repair of something that was sold elsewhere",
        CN,
        [UNPAID, repaired("2026-02-10")],
        "2026-02-11",
        {("free_repair", "repair_days_min", "2026-03-12")},
    ),
]


@pytest.mark.parametrize(("what", "using", "story", "today", "want"), EXAMPLES, ids=[one[0] for one in EXAMPLES])
def test_rights(what: str, using: Standard | None, story: Story, today: str, want: set[tuple[str, str, str]]) -> None:
    book = told(story)
    found = rights(RING, book.entries, using, at(f"{today} 13:00"), UTC.day_of)
    assert shown(found) == want
    assert len(found) == len(want)
    ids = {entry.statement.id for entry in book.entries}
    assert all(one.rests and set(one.rests) <= ids for one in found)
