"""The built-in standards against the figures of the design's page on standards, written down by hand."""

from __future__ import annotations

from typing import Any

import pytest

from ledger import standard
from ledger.standard import Standard
from ledger.standard_figures import Facts
from ledger.standards import NAMES, template

# (standard, clock, facts of the case) → (within, at most, hard cases, source).
CASE = Facts(kind="repair", issue="quality", mode="in_store")
ATTITUDE, QUALITY, OTHER = (Facts(kind="complaint", issue=issue) for issue in ("attitude", "quality", "stock"))
WEEK = (("working_days", 2), ("working_days", 7))
CG, FU, CS = "consumer_goods", "furniture", "customer_service"
LIMITS: list[tuple[str, str, Facts, Any]] = [
    ("consumer-goods", "first_response", CASE, (("hours", 24), None, None, CG)),
    ("consumer-goods", "preliminary", CASE, (("hours", 48), None, WEEK, CG)),
    ("consumer-goods", "resolution", CASE, (("hours", 72), None, WEEK, CG)),
    ("consumer-goods", "visit", CASE, (("hours", 2), None, None, CG)),
    ("consumer-goods", "complaint", ATTITUDE, (("hours", 24), None, None, CG)),
    ("consumer-goods", "complaint", QUALITY, (("hours", 48), None, None, CG)),
    ("consumer-goods", "complaint", OTHER, (("hours", 72), None, None, CG)),
    ("consumer-goods", "processed", CASE, (("working_days", 3), ("working_days", 7), None, CG)),
    ("consumer-goods", "feedback", CASE, (("hours", 24), None, None, CG)),
    ("consumer-goods", "bench", CASE, None),
    ("consumer-goods", "call_back", CASE, None),
    ("furniture", "first_response", CASE, (("minutes", 15), None, None, FU)),
    ("furniture", "preliminary", CASE, None),
    ("furniture", "resolution", CASE, None),
    ("furniture", "visit", CASE, None),
    ("furniture", "complaint", ATTITUDE, (("hours", 24), None, None, CG)),
    ("furniture", "complaint", QUALITY, (("hours", 48), None, None, CG)),
    ("furniture", "complaint", OTHER, (("hours", 72), None, None, CG)),
    ("furniture", "processed", CASE, (("working_days", 3), ("working_days", 7), None, "house")),
    ("furniture", "bench", CASE, (("hours", 2), None, None, FU)),
    ("furniture", "feedback", CASE, None),
    ("jewellery", "first_response", CASE, (("hours", 24), None, None, "house")),
    ("jewellery", "preliminary", CASE, None),
    ("jewellery", "resolution", CASE, None),
    ("jewellery", "visit", CASE, None),
    ("jewellery", "complaint", ATTITUDE, (("hours", 24), None, None, CG)),
    ("jewellery", "complaint", QUALITY, (("hours", 48), None, None, CG)),
    ("jewellery", "complaint", OTHER, (("hours", 72), None, None, CG)),
    ("jewellery", "processed", CASE, (("working_days", 3), ("working_days", 7), None, "house")),
    ("jewellery", "bench", CASE, None),
    ("jewellery", "feedback", CASE, None),
    ("customer-service", "first_response", CASE, (("hours", 24), None, None, CS)),
    ("customer-service", "resolution", CASE, None),
    ("customer-service", "complaint", ATTITUDE, (("hours", 24), None, None, CS)),
    ("customer-service", "complaint", QUALITY, (("hours", 48), None, None, CS)),
    ("customer-service", "complaint", OTHER, (("hours", 72), None, None, CS)),
    ("customer-service", "processed", CASE, None),
]

# Pointers into the documents, and what stands there.
FIGURES: dict[str, dict[str, Any]] = {
    "consumer-goods": {
        "grades": [
            {"grade": "fast", "within": {"hours": 24}, "source": CG},
            {"grade": "standard", "within": {"hours": 48}, "source": CG},
            {"grade": "late", "source": CG},
        ],
        "outer": {"within": {"days": 15}, "then": "authority", "source": CG},
        "returns": {"no_reason_days": 7, "channels": ["distance"], "from": "received", "source": CG},
        "levels": {"names": ["service", "technical", "centre"], "source": CG},
        "targets": [
            {"measure": "resolved", "at_least": "90", "source": CG},
            {"measure": "continuity", "at_least": "99.8", "source": CG},
        ],
        "review": {"every": ["month", "quarter", "year"], "source": CG},
    },
    "furniture": {
        "targets": [
            {"measure": "feedback_answered", "at_least": "95", "source": FU},
            {"measure": "records_right", "at_least": "95", "source": FU},
            {"measure": "diagnosis_right", "at_least": "90", "source": FU},
            {"measure": "survey_answers", "at_least": "80", "source": FU},
            {"measure": "maintenance_done", "at_least": "90", "source": FU},
            {"measure": "targets_met", "at_least": "85", "source": FU},
            {"measure": "improvements_done", "at_least": "80", "source": FU},
        ],
        "alarms": [
            {"measure": "complaint_rate", "over": "5", "per": "month", "source": FU},
            {"measure": "taken_up", "within": {"minutes": 30}, "source": FU},
            {"measure": "restored", "within": {"hours": 2}, "source": FU},
        ],
        "review": {"every": ["quarter"], "surveys_a_year": 2, "source": FU},
    },
    "jewellery": {
        "evidence": [
            {
                "wants": ["photos", "weight_g", "stones", "hallmark"],
                "tolerance": [
                    {"material": "gold", "grams": "0.01"},
                    {"material": "platinum", "grams": "0.01"},
                    {"material": "silver", "grams": "0.1"},
                ],
                "source": "jewellery",
            }
        ]
    },
    "customer-service": {
        "targets": [{"measure": "satisfied", "at_least": "4", "of": "5", "source": CS}],
        "weights": [
            {
                "score": "A",
                "parts": [
                    {"measure": "satisfaction", "weight": "40"},
                    {"measure": "response", "within": {"hours": 24}, "weight": "30"},
                    {"measure": "resolved", "at_least": "90", "weight": "30"},
                ],
                "source": CS,
            },
            {
                "score": "B",
                "parts": [
                    {"measure": "satisfied", "at_least": "4", "of": "5", "weight": "40"},
                    {"measure": "handling", "within": {"minutes": 5}, "weight": "30"},
                    {"measure": "attitude", "at_least": "90", "weight": "30"},
                ],
                "source": CS,
            },
        ],
        "review": {"every": ["quarter"], "source": CS},
        "tiers": [
            {"tier": 1, "name": "new", "source": CS},
            {"tier": 2, "name": "returning", "source": CS},
            {"tier": 3, "name": "vip", "source": CS},
        ],
    },
    "cn": {
        "warranty": {
            "from": "sold",
            "in_repair": "extends",
            "after_exchange": "restarts",
            "repair_days_min": 30,
            "exchange_after_repairs": 2,
            "exchange_after_parts_days": 90,
            "fault_return_days": 7,
            "fault_exchange_days": 15,
            "source": "three_guarantees",
            "categories": [
                {"categories": ["phone"], "exchange_after_parts_days": 60, "source": "three_guarantees"}
            ],
        },
        "returns": {
            "no_reason_days": 7,
            "channels": ["distance", "doorstep"],
            "from": "received",
            "not": ["custom"],
            "refund_days": 7,
            "source": "consumer_law",
        },
    },
    "tw": {
        "returns": {
            "no_reason_days": 7,
            "channels": ["distance", "doorstep"],
            "from": "received",
            "source": "consumer_law",
        }
    },
    "eu": {
        "warranty": {
            "months": 24,
            "from": "received",
            "after_repair_months": 12,
            "after_repair_times": 1,
            "source": "sale_of_goods",
            "sources": {"after_repair_months": "repair_of_goods", "after_repair_times": "repair_of_goods"},
        }
    },
}  # fmt: skip
# (standard, material) → (what, how often, source).
CARE = {
    ("furniture", None): ("clean", {"weeks": 1}, FU),
    ("furniture", "wood"): ("wax", {"months": 3}, FU),
    ("furniture", "leather"): ("condition", {"months": 1}, FU),
    ("jewellery", None): ("clean_and_check", {"months": 6}, "house"),
}


def built_in(name: str) -> Standard:
    """A template as a standard."""
    return standard.adopt(template(name))


@pytest.mark.parametrize(("name", "clock", "facts", "want"), LIMITS)
def test_a_limit_is_that_of_the_page(name: str, clock: str, facts: Facts, want: Any) -> None:
    limit = built_in(name).limit(clock, facts)
    if limit is None:
        assert want is None
        return
    at_most = None if limit.at_most is None else (limit.at_most.unit, limit.at_most.count)
    hard = limit.hard and tuple((span.unit, span.count) for span in (limit.hard.least, limit.hard.most))
    assert ((limit.within.unit, limit.within.count), at_most, hard, limit.source) == want
    assert limit.average is (clock == "bench")


@pytest.mark.parametrize(("name", "member"), [(name, member) for name, all_ in FIGURES.items() for member in all_])
def test_a_figure_is_that_of_the_page(name: str, member: str) -> None:
    assert template(name)[member] == FIGURES[name][member]


def test_care_is_that_of_the_page() -> None:
    found = {
        (name, one.get("material")): (one["action"], one["every"], one["source"])
        for name in NAMES
        for one in template(name).get("care", ())
    }
    assert found == CARE


@pytest.mark.parametrize("name", NAMES)
def test_no_template_promises_more_than_the_page(name: str) -> None:
    # Whatever else stands in a template is the house's, or the texts, steps and times of keeping around the figures.
    others = {"standard", "version", "name", "basis", "limits", "care", "steps", "faults", "retention", "evidence"}
    others |= {"returns"} if name == "eu" else set()  # Directive 2011/83/EU, which the page leaves out
    assert set(template(name)) <= others | set(FIGURES[name])
    clocks = {(one["clock"]) for one in template(name).get("limits", ())}
    assert clocks == {clock for whose, clock, _, want in LIMITS if whose == name and want is not None}


def test_the_union_s_right_of_withdrawal() -> None:
    # Directive 2011/83/EU: 14 days (article 9), refund in 14 (article 13), not what was made to order (article 16).
    returns = built_in("eu").returns
    assert returns is not None
    assert (returns.no_reason_days, returns.refund_days, returns.start) == (14, 14, "received")
    assert returns.excludes == ("custom",)


def test_china_s_electronic_commerce_law_keeps_three_years() -> None:
    # Article 31: information on goods, services and transactions, three years at least.
    for name in ("money", "description"):
        keeping = standard.retention(built_in("cn"), name)
        assert keeping is not None
        assert (keeping.legal_months, keeping.source) == (36, "ecommerce_law")
