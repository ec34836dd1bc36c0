"""Statements about cases and the work done in them (events.md §4).

``case.*`` is accepted on the item or, where the case is not about one, on the case's own uuid; work, exchange
and return are always about an item. The order of steps is soft and is judged elsewhere.
"""

from __future__ import annotations

from typing import Final

from ledger.shapes import (
    AGENT,
    DIGEST,
    FLAG,
    ITEM,
    MOMENT,
    PARTY,
    TOKEN,
    UUID,
    WORD,
    Shape,
    either,
    integer,
    pattern,
    words,
    words_or,
)
from ledger.types_row import (
    AGENTS,
    CHANNEL,
    CHECKS,
    CODE,
    CONDITION,
    COUNT,
    CURRENCY,
    DAYS,
    EVIDENCE,
    FINDINGS,
    HOLDER_MEMBERS,
    LINE,
    LINES,
    NAME,
    PARTS,
    QUANTITY,
    RATING,
    TESTS,
    Type,
    row,
    rows,
)

_CASE = "item case"
_SHOP = "retailer repairer"
_YEAR_IN_MINUTES: Final = 527_040

ASSIGNEE: Final = pattern(f"{UUID}|{AGENT}", f"a party, or a pseudonymous staff id or team {AGENT}")
SETTLED_WITH: Final = pattern(f"{UUID}|{TOKEN}", f"a party, or a word {TOKEN}")
WORKSHOP: Final = words_or(PARTY, "outside")

_REASON: Final[dict[str, Shape]] = {"reason": WORD}
_CUSTODY: Final[dict[str, Shape]] = {"evidence": EVIDENCE}
_CONDITION: Final[dict[str, Shape]] = {"condition": CONDITION}
_OUTCOME: Final[dict[str, Shape]] = {"outcome": words("resolved", "unresolved", "withdrawn")}
_RATINGS: Final[dict[str, Shape]] = dict.fromkeys(
    ("response", "quality", "attitude", "timeliness", "professionalism", "product"), RATING
)
_QUOTE: Final[dict[str, Shape]] = {"quote": DIGEST, "currency": CURRENCY, "due": MOMENT, "expires": MOMENT}
_QUOTED = "amount lines up_to"
_WORK: Final[dict[str, Shape]] = {"work": LINES, "tests": TESTS}
_WORKED: Final[dict[str, Shape]] = {
    "parts": PARTS,
    "methods": LINES,
    "agents": AGENTS,
    "labour_minutes": integer(0, _YEAR_IN_MINUTES),
    "warranty_days": DAYS,
    "performed_by": words("outside"),
}
_OPENED: Final[dict[str, Shape]] = {
    "fault": CODE,
    "severity": WORD,
    "priority": WORD,
    "tier": integer(1, 9),
    "mode": words("in_store", "on_site", "remote"),
    "job_no": CODE,
    "visit": CODE,
    "promised": MOMENT,
    "warranty_claim": FLAG,
    **HOLDER_MEMBERS,
}

_STEPS: Final[tuple[Type, ...]] = (
    row(
        "case.opened",
        _CASE,
        "retailer repairer holder operator",
        required={
            "kind": words(
                "repair",
                "maintenance",
                "exchange",
                "return",
                "complaint",
                "consultation",
                "customization",
                "feedback",
                "installation",
            ),
            "channel": CHANNEL,
            "issue": words(
                "quality",
                "misuse",
                "transport",
                "stock",
                "logistics",
                "terms",
                "slowness",
                "attitude",
                "feedback",
                "other",
            ),
        },
        optional=_OPENED,
        private="description customer",
    ),
    row(
        "case.assigned",
        _CASE,
        "retailer repairer operator",
        required={"to": ASSIGNEE},
        optional={"level": integer(1, 3)},
    ),
    row(
        "case.escalated",
        _CASE,
        "retailer repairer operator holder",
        required={"to": ASSIGNEE},
        optional={"level": integer(1, 3)},
    ),
    row("case.responded", _CASE, _SHOP, optional={"plan": NAME, "expected": MOMENT}),
    row("case.contacted", _CASE, _SHOP, required={"channel": WORD, "reached": FLAG}),
    row("case.scheduled", _CASE, _SHOP, required={"from": MOMENT, "until": MOMENT}),
    row(
        "case.visited",
        _CASE,
        _SHOP,
        required={"result": words("done", "no_access", "part_missing", "refused")},
    ),
    row("case.received", _CASE, _SHOP, required=_CUSTODY, optional=_CONDITION),
    row("case.forwarded", _CASE, _SHOP, required={"to": WORKSHOP, **_CUSTODY}, optional=_CONDITION),
    row("case.returned", _CASE, _SHOP, required=_CUSTODY, optional=_CONDITION),
    row(
        "case.diagnosed",
        _CASE,
        "retailer repairer certifier",
        required={
            "findings": either(FINDINGS, LINES),
            "responsible": words("manufacturer", "retailer", "repairer", "carrier", "holder", "none"),
            "in_warranty": FLAG,
        },
        optional={"responsible_party": PARTY},
    ),
    row("case.quoted", _CASE, _SHOP, required={"free": FLAG}, optional=_QUOTE, private=_QUOTED),
    *rows(
        "case.approved case.declined",
        _CASE,
        "holder",
        required={"free": FLAG},
        optional=_QUOTE,
        behalf=_SHOP,
        private=_QUOTED,
    ),
    *rows(
        "case.waiting case.resumed",
        _CASE,
        _SHOP,
        required={"for": words("approval", "parts", "customer", "workshop")},
        optional={"expected": MOMENT},
    ),
    row(
        "case.extended",
        _CASE,
        _SHOP,
        required={"limit": WORD, "until": MOMENT, "reason": WORD, "hard": FLAG},
    ),
    row(
        "case.decided",
        _CASE,
        "retailer repairer manufacturer",
        required={
            "decision": words("accepted", "partly", "refused"),
            "remedy": words("repair", "exchange", "return", "refund", "compensation", "apology", "explanation"),
        },
        optional={"grounds": WORD},
    ),
)

_SERVICES: Final[tuple[Type, ...]] = (
    *rows(
        "repair.started repair.completed",
        "item",
        "repairer",
        required=_WORK,
        optional=_WORKED,
        outside="retailer",
        private="cost",
    ),
    row(
        "repair.failed",
        "item",
        "repairer",
        required={**_WORK, "reason": WORD},
        optional=_WORKED,
        outside="retailer",
        private="cost",
    ),
    row(
        "repair.part_replaced",
        "item",
        "repairer",
        required={"part": LINE, "quantity": QUANTITY},
        optional={"old_serial": CODE, "new_serial": CODE, "genuine": FLAG},
        second="item",
        subjects=(1, 2),
    ),
    *rows(
        "maintenance.performed customization.completed",
        "item",
        "repairer retailer manufacturer",
        required={"work": LINES},
        optional={"tests": TESTS, "next_due": MOMENT},
    ),
    row(
        "exchange.completed",
        "item",
        "retailer",
        required={"replacement": ITEM, "reason": WORD},
        optional=HOLDER_MEMBERS,
        second="item",
        subjects=(2, 2),
        private="difference",
    ),
    row(
        "return.completed",
        "item",
        "retailer",
        required={"reason": WORD, "condition": either(NAME, CONDITION)},
        optional={"resaleable": FLAG},
        private="refund",
    ),
)

_ENDINGS: Final[tuple[Type, ...]] = (
    row(
        "case.inspected",
        _CASE,
        _SHOP,
        required={"passed": FLAG},
        optional={"tests": TESTS, "evidence": EVIDENCE},
    ),
    row(
        "case.handed_over",
        _CASE,
        _SHOP,
        required={
            "check": words("receipt_code", "phone_code", "id", "signature", "delegate"),
            "evidence": EVIDENCE,
        },
        optional=HOLDER_MEMBERS,
    ),
    *rows(
        "case.accepted case.refused",
        _CASE,
        "holder",
        required={"checks": CHECKS},
        optional=_REASON,
        behalf=_SHOP,
    ),
    row(
        "case.settled",
        _CASE,
        "retailer",
        required={"what": words("refund", "difference", "compensation", "fee", "chargeback")},
        optional={"with": SETTLED_WITH},
        private="amount",
    ),
    row("case.followed_up", _CASE, _SHOP, required={"reached": FLAG, "resolved": FLAG}),
    row(
        "case.surveyed",
        _CASE,
        "retailer repairer auditor operator",
        required={"source": WORD, "asked": either(FLAG, COUNT), "answered": either(FLAG, COUNT)},
        optional={"overall": RATING, **_RATINGS},
    ),
    row(
        "case.evaluated",
        _CASE,
        "holder",
        required={"overall": RATING},
        optional=_RATINGS,
        private="comment",
    ),
    row("case.closed", _CASE, _SHOP, required=_OUTCOME),
    row("case.reopened", _CASE, "retailer repairer holder", required=_OUTCOME),
)

CASE_TYPES: Final[tuple[Type, ...]] = (*_STEPS, *_SERVICES, *_ENDINGS)
