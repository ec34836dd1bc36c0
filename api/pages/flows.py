"""The console's forms as data: the six one-screen flows, and a form for each step that a case may take next.

A flow is one atomic batch of statements and has at most twelve fields, so that a trained assistant fills it in sixty
seconds. What a form makes is declared here and nowhere else: the templates draw the fields, the page's script
(``console/making.js``) puts what was typed where ``to`` says, and a test holds every form to the types of
``ledger.types``. A field without a word in it leaves its member out; a step whose ``when`` names such a field is left
out whole. ``new`` in ``when`` stands for a thing that the ledger does not know yet.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Final

from ledger.private import allowed

MAX_FIELDS: Final = 12
ISSUES: Final = ("quality", "misuse", "transport", "stock", "logistics", "terms", "slowness", "attitude", "other")
REASONS: Final = ("defect", "not_as_wished", "wrong_size", "other")
BASES: Final = ("signed_paper", "call", "message", "witness")
CHANGED: Final = ("cleaned", "resized", "part_replaced", "measured_otherwise", "other")
CURRENCIES: Final = ("CNY", "EUR", "GBP", "HKD", "TWD", "USD")
_EURO: Final = (
    *("AT", "BE", "BG", "CY", "DE", "EE", "ES", "FI", "FR", "GR"),
    *("HR", "IE", "IT", "LT", "LU", "LV", "MT", "NL", "PT", "SI", "SK"),
)
CURRENCY_OF: Final = {
    **dict.fromkeys(_EURO, "EUR"),
    "CN": "CNY",
    "GB": "GBP",
    "HK": "HKD",
    "TW": "TWD",
    "US": "USD",
}
"""The currency that a shop of a country begins with, until another was taken on its tablet."""
_GOOD: Final = [{"aspect": "appearance", "result": "good"}, {"aspect": "function", "result": "good"}]


@dataclass(frozen=True, slots=True)
class Field:
    """A field: ``to`` are its places, each "type.of.statement:path/of/member"; ``kind`` is how it is filled in.

    Kinds: thing, text, area, lines, line, decimal, count, date, choice, flag, photo, drawn. ``lines`` makes a list of
    what stands in each line, ``line`` a list of one; ``drawn`` is the view code of a card drawn in advance.
    """

    name: str
    kind: str
    to: tuple[str, ...] = ()
    required: bool = False
    options: tuple[str, ...] = ()
    value: str = ""


@dataclass(frozen=True, slots=True)
class Step:
    """A statement of a form: its type, what always stands in ``details``, and when it is left out."""

    type: str
    details: Mapping[str, Any] = field(default_factory=dict)
    when: str = ""
    subjects: tuple[str, ...] = ("thing",)


@dataclass(frozen=True, slots=True)
class Form:
    """A form of the console; ``case`` is "new" for one that opens a case, "known" within one, "" without.

    ``paper`` is the kind of receipt that is printed of it.
    """

    name: str
    steps: tuple[Step, ...]
    fields: tuple[Field, ...]
    case: str = ""
    paper: str = ""

    def described(self) -> dict[str, Any]:
        """The form as the page's script reads it."""
        return asdict(self)


_REGISTERED = "item.registered:details/"
_THING = Field("thing", "thing", required=True)
_NAME = Field("name", "text", (_REGISTERED + "name",))
_CATEGORY = Field("category", "text", (_REGISTERED + "category",))
_CUSTOMER = Field("customer", "text")


def _registered(subject: str = "thing") -> Step:
    return Step("item.registered", {"origin": "intake"}, "new", (subject,))


def _customer(kind: str) -> tuple[Field, Field]:
    return (
        Field("customer", "text", (f"{kind}:private/customer/name",)),
        Field("phone", "text", (f"{kind}:private/customer/phone",)),
    )


def _evidence(kind: str) -> tuple[Field, Field]:
    return (
        Field("photo", "photo", (f"{kind}:details/evidence/photos",)),
        Field("weight_g", "decimal", (f"{kind}:details/evidence/weight_g",)),
    )


def _money(kind: str, member: str, name: str) -> tuple[Field, Field]:
    return (
        Field(name, "decimal", (f"{kind}:private/{member}/amount",)),
        Field("currency", "choice", (f"{kind}:private/{member}/currency",), options=CURRENCIES, value="CNY"),
    )


FLOWS: Final = (
    Form(
        "intake",
        (
            _registered(),
            Step("case.opened", {"kind": "repair", "channel": "store", "mode": "in_store"}),
            Step("case.received", {"evidence": {}}),
        ),
        (
            _THING,
            _NAME,
            _CATEGORY,
            *_evidence("case.received"),
            Field("condition", "line", ("case.received:details/condition",)),
            Field("issue", "choice", ("case.opened:details/issue",), options=ISSUES, value="quality", required=True),
            Field("description", "area", ("case.opened:private/description",)),
            Field("promised", "date", ("case.opened:details/promised",)),
            Field("job_no", "text", ("case.opened:details/job_no",)),
            *_customer("case.opened"),
        ),
        case="new",
        paper="intake",
    ),
    Form(
        "handover",
        (
            Step("case.inspected", {}),
            Step("case.handed_over", {"evidence": {}}),
            Step("case.accepted", {"checks": _GOOD, "on_behalf": True}, "basis"),
            Step("case.closed", {"outcome": "resolved"}, "close"),
        ),
        (
            _THING,
            *_evidence("case.handed_over"),
            Field(
                "changed",
                "choice",
                ("case.handed_over:details/evidence/reason",),
                options=CHANGED,
            ),
            Field("passed", "flag", ("case.inspected:details/passed",), value="true"),
            Field(
                "check",
                "choice",
                ("case.handed_over:details/check",),
                required=True,
                options=("receipt_code", "phone_code", "id", "signature", "delegate"),
                value="receipt_code",
            ),
            Field("basis", "choice", ("case.accepted:details/basis",), options=BASES),
            Field("close", "flag", value="true"),
        ),
        case="known",
        paper="handover",
    ),
    Form(
        "sell",
        (_registered(), Step("item.sold", {"channel": "store"})),
        (
            _THING,
            _NAME,
            _CATEGORY,
            *_money("item.sold", "price", "price"),
            Field("warranty_months", "count", ("item.sold:details/warranty_months",), value="24"),
            Field("return_days", "count", ("item.sold:details/return_days",), value="7"),
            *_customer("item.sold"),
            Field("receipt_no", "text", ("item.sold:private/receipt_no",)),
            Field("owner", "flag", value="true"),
            Field("card", "drawn"),
        ),
        paper="sale",
    ),
    Form(
        "wait",
        (_registered(), Step("maintenance.performed")),
        (
            _THING,
            _NAME,
            _CATEGORY,
            Field("work", "lines", ("maintenance.performed:details/work",), required=True),
            Field("photo", "photo", ("maintenance.performed:attachments",)),
            Field("next_due", "date", ("maintenance.performed:details/next_due",)),
            Field("note", "area", ("maintenance.performed:private/note",)),
        ),
    ),
    Form(
        "exchange",
        (
            _registered("replacement"),
            Step("case.opened", {"kind": "exchange", "channel": "store"}),
            Step("case.received", {"evidence": {}}),
            Step("case.decided", {"decision": "accepted", "remedy": "exchange"}),
            Step("exchange.completed", {}, "", ("thing", "replacement")),
            Step("case.closed", {"outcome": "resolved"}),
        ),
        (
            _THING,
            Field("replacement", "thing", ("exchange.completed:details/replacement",), required=True),
            _NAME,
            _CATEGORY,
            Field("issue", "choice", ("case.opened:details/issue",), options=ISSUES, value="quality", required=True),
            Field(
                "reason",
                "choice",
                ("exchange.completed:details/reason",),
                options=REASONS,
                value="defect",
                required=True,
            ),
            *_evidence("case.received"),
            *_money("exchange.completed", "difference", "difference"),
            *_customer("case.opened"),
        ),
        case="new",
        paper="handover",
    ),
    Form(
        "return",
        (
            Step("case.opened", {"kind": "return", "channel": "store"}),
            Step("case.received", {"evidence": {}}),
            Step("case.decided", {"decision": "accepted", "remedy": "return"}),
            Step("return.completed", {}),
            Step("case.settled", {"what": "refund"}, "refund"),
            Step("case.closed", {"outcome": "resolved"}),
        ),
        (
            _THING,
            Field("issue", "choice", ("case.opened:details/issue",), options=ISSUES, value="quality", required=True),
            Field(
                "reason", "choice", ("return.completed:details/reason",), options=REASONS, value="defect", required=True
            ),
            Field("condition", "text", ("return.completed:details/condition",), required=True),
            *_evidence("case.received"),
            Field("resaleable", "flag", ("return.completed:details/resaleable",)),
            Field(
                "refund", "decimal", ("return.completed:private/refund/amount", "case.settled:private/amount/amount")
            ),
            Field(
                "currency",
                "choice",
                ("return.completed:private/refund/currency", "case.settled:private/amount/currency"),
                options=CURRENCIES,
                value="CNY",
            ),
        ),
        case="new",
        paper="handover",
    ),
)


def _step(kind: str, *fields: Field, **details: Any) -> Form:
    return Form(kind, (Step(kind, details),), fields, case="known")


def _choice(kind: str, member: str, options: tuple[str, ...], value: str = "") -> Field:
    return Field(member, "choice", (f"{kind}:details/{member}",), required=True, options=options, value=value)


def _work(kind: str, *more: Field) -> Form:
    # A list of tests must stand there, and may be empty.
    return _step(
        kind,
        Field("work", "lines", (f"{kind}:details/work",), required=True),
        *more,
        Field("photo", "photo", (f"{kind}:attachments",)),
        tests=[],
    )


_WAITS = ("approval", "parts", "customer", "workshop")

STEPS: Final = (
    _step("case.responded", Field("plan", "text", ("case.responded:details/plan",))),
    _step(
        "case.contacted",
        _choice("case.contacted", "channel", ("phone", "message", "email", "store"), "phone"),
        Field("reached", "flag", ("case.contacted:details/reached",), value="true"),
    ),
    _step(
        "case.received",
        *_evidence("case.received"),
        Field("changed", "choice", ("case.received:details/evidence/reason",), options=CHANGED),
        evidence={},
    ),
    _step(
        "case.forwarded",
        Field("to", "text", ("case.forwarded:details/to",), required=True, value="outside"),
        *_evidence("case.forwarded"),
        evidence={},
    ),
    _step(
        "case.returned",
        *_evidence("case.returned"),
        Field("changed", "choice", ("case.returned:details/evidence/reason",), options=CHANGED),
        evidence={},
    ),
    _step(
        "case.diagnosed",
        Field("findings", "lines", ("case.diagnosed:details/findings",), required=True),
        _choice("case.diagnosed", "responsible", ("none", "holder", "manufacturer", "retailer", "repairer", "carrier")),
        Field("in_warranty", "flag", ("case.diagnosed:details/in_warranty",)),
    ),
    _step(
        "case.quoted",
        Field("free", "flag", ("case.quoted:details/free",)),
        *_money("case.quoted", "amount", "amount"),
        Field("expires", "date", ("case.quoted:details/expires",)),
    ),
    *(
        _step(
            kind,
            Field("free", "flag", (f"{kind}:details/free",)),
            _choice(kind, "basis", BASES, "signed_paper"),
            on_behalf=True,
        )
        for kind in ("case.approved", "case.declined")
    ),
    _step("case.waiting", _choice("case.waiting", "for", _WAITS, "parts")),
    _step("case.resumed", _choice("case.resumed", "for", _WAITS, "parts")),
    _work("repair.started"),
    _work("repair.completed", Field("warranty_days", "count", ("repair.completed:details/warranty_days",))),
    _work(
        "repair.failed",
        _choice("repair.failed", "reason", ("spare_parts_not_available", "too_expensive", "no_way_to_open", "other")),
    ),
    _step("case.inspected", Field("passed", "flag", ("case.inspected:details/passed",), value="true")),
    _step(
        "case.followed_up",
        Field("reached", "flag", ("case.followed_up:details/reached",), value="true"),
        Field("resolved", "flag", ("case.followed_up:details/resolved",), value="true"),
    ),
    _step("case.closed", _choice("case.closed", "outcome", ("resolved", "unresolved", "withdrawn"), "resolved")),
    _step("case.reopened", outcome="unresolved"),
)

FORMS: Final[Mapping[str, Form]] = {one.name: one for one in (*FLOWS, *STEPS)}
ROOMS: Final[Mapping[str, int]] = {step.type: len(allowed(step.type)) for form in FORMS.values() for step in form.steps}
"""How many digests ``_sd`` has in a statement of a type, private members and decoys together (``ledger.private``)."""


def spoken_by(roles: Mapping[str, Callable[[str], bool]]) -> dict[str, list[str]]:
    """Which of the forms each role of a party's people may fill in: all of whose statements it may say."""
    return {
        name: [form.name for form in FORMS.values() if all(may_say(step.type) for step in form.steps)]
        for name, may_say in roles.items()
    }
