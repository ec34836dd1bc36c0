"""Statements about an item: what it is, who holds it, what was certified of it (events.md §2 and §3).

Corrections, retractions and disputes stand here too: they are about a statement, and so about whatever the
statement was about.
"""

from __future__ import annotations

from typing import Final

from ledger.shapes import ABSENT, ANYTHING, FLAG, MOMENT, STATEMENT, URL, WORD, Shape, many, record, words, words_or
from ledger.types_row import (
    AGENTS,
    ANY,
    CHECKS,
    CODE,
    DAYS,
    GRADES,
    HOLDER_MEMBERS,
    INSTALLED,
    LINE,
    LINES,
    MAX_SUBJECTS,
    MONTHS,
    NAME,
    TESTS,
    UNCORRECTED,
    Type,
    row,
    rows,
)

# A warranty runs from a day, or from a step that may still be to come (standards.md, warranty).
FROM: Final = words_or(MOMENT, "sold", "received", "installed")
_ONE_OR_TWO: Final = (1, 2)
_TWO: Final = (2, 2)
_CERTIFICATE: Final[dict[str, Shape]] = {
    "result": words("authentic", "not_authentic", "inconclusive"),
    "methods": LINES,
}
_CERTIFIED: Final[dict[str, Shape]] = {"standard": LINE, "grades": GRADES, "valid_until": MOMENT}
_CORRECTED: Final = record({}, dict.fromkeys(UNCORRECTED, ABSENT), others=ANYTHING)
_REASON: Final[dict[str, Shape]] = {"reason": WORD}

ITEM_TYPES: Final[tuple[Type, ...]] = (
    row(
        "item.registered",
        "item",
        "manufacturer retailer repairer certifier",
        required={"name": NAME, "category": LINE},
        optional={
            "brand": LINE,
            "model": LINE,
            "materials": many(LINE, 32),
            "origin": words("manufactured", "imported", "intake"),
        },
    ),
    row(
        "item.inspected",
        "item",
        "manufacturer retailer",
        required={"tests": TESTS},
        optional={"batch": CODE},
    ),
    row(
        "item.sold",
        "item",
        "retailer",
        required={"channel": WORD},
        optional={
            "warranty_months": MONTHS,
            "warranty_from": FROM,
            "return_days": DAYS,
            "custom": FLAG,
            **HOLDER_MEMBERS,
        },
        private="price customer order_no receipt_no",
    ),
    row(
        "item.delivered",
        "item",
        "retailer carrier",
        required={
            "method": words("hand", "courier", "installer"),
            "state": words("whole", "damaged", "short"),
        },
        optional={"documents": LINES},
        private="tracking",
    ),
    row(
        "item.installed",
        "item",
        "retailer repairer",
        required={"checks": INSTALLED},
        optional={"agents": AGENTS},
        private="place",
    ),
    *rows("item.accepted item.refused", "item", "holder", required={"checks": CHECKS}, behalf="retailer"),
    *rows("item.claimed item.transferred", "item", "holder", required=HOLDER_MEMBERS),
    row("item.claim_refused", "item", "holder", required={"refused": STATEMENT}),
    row(
        "item.holder_reset",
        "item",
        "retailer operator",
        required={
            **HOLDER_MEMBERS,
            "reason": WORD,
            "evidence": words("id", "purchase_record", "estate", "court"),
        },
    ),
    *rows(
        "item.reported_lost item.reported_stolen item.recovered",
        "item",
        "holder operator",
        private="reference",
    ),
    *rows(
        "item.recalled item.recall_closed",
        "item",
        "manufacturer retailer operator",
        required={"reason": WORD, "remedy": WORD},
    ),
    row(
        "item.linked",
        "item",
        "retailer operator",
        required={"as": words("same", "set", "pair", "piece")},
        second="item",
        subjects=_TWO,
    ),
    row("item.retired", "item", "manufacturer retailer operator holder", required=_REASON),
    row("item.reinstated", "item", "manufacturer retailer operator", required=_REASON),
    row(
        "authentication.certified",
        "item",
        "certifier",
        required={"certificate_no": CODE, **_CERTIFICATE},
        optional=_CERTIFIED,
        second="item",
        subjects=_ONE_OR_TWO,
    ),
    row(
        "authentication.revoked",
        "item",
        "certifier",
        required={"certificate_no": CODE, **_REASON},
        optional=_CERTIFICATE | _CERTIFIED,
        second="item",
        subjects=_ONE_OR_TWO,
    ),
    row(
        "certificate.recorded",
        "item",
        "retailer repairer holder",
        required={"issuer_name": NAME, "certificate_no": CODE},
        optional={"url": URL, "grades": GRADES},
    ),
    row(
        "warranty.granted",
        "item",
        "manufacturer retailer",
        required={"months": MONTHS, "from": FROM, "covers": LINES},
    ),
    row(
        "insurance.valued",
        "item",
        "certifier retailer",
        optional={"valid_until": MOMENT},
        private="amount currency",
    ),
    row(
        "statement.corrected",
        ANY,
        "same",
        required=_REASON,
        optional={"details": _CORRECTED},
        subjects=(1, MAX_SUBJECTS),
    ),
    row("statement.retracted", ANY, "same", required=_REASON, subjects=(1, MAX_SUBJECTS)),
    row(
        "statement.disputed",
        "item case party",
        "holder concerned operator",
        required={
            "disputes": STATEMENT,
            "reason": words("not_so", "not_agreed", "not_me", "unlawful"),
        },
        private="comment",
    ),
)
