"""What a standard may say, member by member (standards.md): the shape of the document that ``standard.adopted`` holds.

The ledger takes any JSON there, because the format of statements is for ever and standards are not. A party that adopts
one is told here, before it is signed, the first thing that is wrong with it, as a JSON pointer and a sentence. Decimal
figures are strings, so that the document has canonical bytes; languages are ``en``, ``zh_Hans`` and ``zh_Hant``,
because names of members have no hyphen. Every figure has a ``source``: ``house``, or the ``id`` of a text in ``basis``.

>>> check({"standard": "ours", "version": "1", "limits": [
...     {"clock": "first_response", "within": {"hours": 4}, "source": "house"}]})
()
>>> try:
...     check({"standard": "ours", "version": "1", "limits": [{"clock": "first_response", "within": {"hours": 0}}]})
... except Invalid as wrong:
...     print(wrong.pointer, wrong)
/limits/0/source got no source, want house, or the id of a text in basis
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from decimal import Decimal
from typing import Any, Final

from ledger import canonical, days
from ledger.errors import Invalid
from ledger.explained import faults
from ledger.shapes import TRUE, URL, WORD, Shape, decimal, either, integer, many, parsed, record, refuse, text, words
from ledger.types import TYPES
from ledger.types_row import CODE, LINE, NAME

MAX_DOCUMENT: Final = 32_000
"""Canonical bytes: with ids, names and times of its statement around it, it stays within a statement's 32,768."""
LANGUAGES: Final = ("en", "zh_Hans", "zh_Hant")
HOUSE: Final = "house"
CLOCKS: Final = (
    "first_response", "preliminary", "visit", "complaint", "processed", "resolution", "bench", "feedback", "call_back",
)  # fmt: skip
CAUSES: Final = ("approval", "parts", "customer", "workshop")
CASE_KINDS: Final = (
    "repair", "maintenance", "exchange", "return", "complaint", "consultation", "customization", "feedback",
    "installation",
)  # fmt: skip
ISSUES: Final = (
    "quality", "misuse", "transport", "stock", "logistics", "terms", "slowness", "attitude", "feedback", "other",
)  # fmt: skip
UNITS: Final = ("minutes", "hours", "days", "working_minutes", "working_hours", "working_days")
PERIODS: Final = ("days", "weeks", "months", "years")
CLASSES: Final = ("contact", "money", "description", "media")
"""The classes of private members whose times of keeping a standard says."""
ALL: Final = Decimal(100)


def _texts(limit: int) -> Shape:
    one = record({}, {language: text(limit) for language in LANGUAGES})

    def check(value: Any) -> tuple[str, ...]:
        unknown = one.check(value)
        if not value:
            refuse(value, f"a text in one of {', '.join(LANGUAGES)}")
        return unknown

    return replace(one, says=f"{one.says}, at least one of them", check=check, facts={"minProperties": 1})


def _one_of(units: tuple[str, ...], most: int) -> Shape:
    """The shape of a length of time: an object with exactly one of the units."""
    one = record({}, {unit: integer(1, most) for unit in units})
    says = f"an object with one of {', '.join(units)}"

    def check(value: Any) -> tuple[str, ...]:
        unknown = one.check(value)
        if len(value) - len(unknown) != 1:
            refuse(value, says)
        return unknown

    return replace(one, says=says, check=check, facts={"minProperties": 1, "maxProperties": 1})


SOURCE: Final = replace(text(64), says="house, or the id of a text in basis")
SOURCED: Final = {"source": SOURCE}
SPAN: Final = _one_of(UNITS, 100_000)
PERIOD: Final = _one_of(PERIODS, 1_000)
PERCENT: Final = decimal()
WHEN: Final = record(
    {},
    {
        "kinds": many(words(*CASE_KINDS), at_least=1, distinct=True),
        "issues": many(words(*ISSUES), at_least=1, distinct=True),
        "modes": many(words("in_store", "on_site", "remote"), at_least=1, distinct=True),
        "tiers": many(integer(1, 9), 9, at_least=1),
        "categories": many(LINE, at_least=1, distinct=True),
    },
)
LIMIT: Final = record(
    {"clock": words(*CLOCKS), "within": SPAN, **SOURCED},
    {
        "when": WHEN,
        "at_most": SPAN,
        "hard": record({"from": SPAN, "until": SPAN}),
        "average": TRUE,
        "pauses": many(words(*CAUSES), len(CAUSES), distinct=True),
    },
)
DAYS: Final = integer(0, 3_650)
MONTHS: Final = integer(0, 1_200)
_FIGURES: Final[dict[str, Shape]] = {
    "months": MONTHS,
    "from": words("sold", "received", "installed"),
    "covers": many(NAME),
    "not": many(NAME),
    "in_repair": words("extends", "runs"),
    "after_exchange": words("restarts", "remainder", "longer"),
    "after_repair_months": MONTHS,
    "after_repair_times": integer(1, 100),
    "repair_days_min": DAYS,
    "exchange_after_repairs": integer(1, 100),
    "exchange_after_parts_days": DAYS,
    "fault_return_days": DAYS,
    "fault_exchange_days": DAYS,
}
_FIGURES["sources"] = record({}, dict.fromkeys(_FIGURES, SOURCE))
_WARRANTY: Final = record(
    SOURCED,
    {
        **_FIGURES,
        "categories": many(record({"categories": many(LINE, at_least=1, distinct=True), **SOURCED}, _FIGURES)),
    },
)
_RETURNS: Final = record(
    {"no_reason_days": DAYS, "from": words("sold", "received"), **SOURCED},
    {
        "channels": many(replace(WORD, says="distance, doorstep, or a channel"), distinct=True),
        "not": many(words("custom", "opened_media", "perishable", "sealed_goods", "newspapers"), distinct=True),
        "conditions": many(NAME),
        "freight": words("customer", "shop"),
        "refund_days": DAYS,
    },
)
_PART: Final = record({"measure": WORD, "weight": PERCENT}, {"within": SPAN, "at_least": decimal(), "of": decimal()})
_STEPS: Final = frozenset(
    {name for name in TYPES if name.split(".")[0] in {"case", "repair", "maintenance"}}
    | {"exchange.completed", "return.completed", "customization.completed", "item.installed"}
)


def _parse_step(value: str) -> None:
    if not _STEPS.issuperset(value.split("|")):
        raise ValueError


_STEP: Final = parsed(_parse_step, "a step of cases such as case.received, or several with | between them")
_KINDS: Final = many(words(*CASE_KINDS), at_least=1, distinct=True)
_MODES: Final = many(words("in_store", "on_site", "remote"), at_least=1, distinct=True)
_CATEGORIES: Final = many(LINE, at_least=1, distinct=True)
_NAMES: Final = _texts(200)
_TEXT: Final = record({"id": WORD, "kind": words("standard", "law"), "title": either(NAME, _NAMES)}, {"url": URL})

DOCUMENT: Final = record(
    {"standard": LINE, "version": CODE},
    {
        "name": _NAMES,
        "kinds": _KINDS,
        "categories": _CATEGORIES,
        "basis": many(_TEXT, 32),
        "limits": many(LIMIT),
        "grades": many(record({"grade": WORD, **SOURCED}, {"within": SPAN}), 9),
        "outer": record({"within": SPAN, "then": words("authority"), **SOURCED}),
        "warranty": _WARRANTY,
        "returns": _RETURNS,
        "remedies": many(words("repair", "exchange", "return", "refund", "compensation", "apology", "explanation")),
        "steps": many(record({"kinds": _KINDS, "steps": many(_STEP, at_least=1), **SOURCED}, {"modes": _MODES})),
        "checklists": many(record({"checks": many(_NAMES, at_least=1), **SOURCED}, {"kinds": _KINDS, "modes": _MODES})),
        "evidence": many(
            record(
                {"wants": many(WORD, 16, at_least=1, distinct=True), **SOURCED},
                {"categories": _CATEGORIES, "tolerance": many(record({"material": WORD, "grams": decimal()}), 16)},
            )
        ),
        "faults": many(record({"fault": CODE, "name": _NAMES}), 200),
        "care": many(record({"action": WORD, "every": PERIOD, **SOURCED}, {"material": LINE, "advice": _texts(400)})),
        "levels": record({"names": many(WORD, 9, at_least=1, distinct=True), **SOURCED}),
        "tiers": many(record({"tier": integer(1, 9), "name": WORD, **SOURCED}), 9),
        "targets": many(record({"measure": WORD, "at_least": decimal(), **SOURCED}, {"of": decimal()})),
        "weights": many(record({"score": CODE, "parts": many(_PART, 16, at_least=1), **SOURCED}), 9),
        "alarms": many(record({"measure": WORD, **SOURCED}, {"over": decimal(), "per": WORD, "within": SPAN})),
        "review": record(
            {"every": many(words("month", "quarter", "year"), 3, at_least=1, distinct=True), **SOURCED},
            {"surveys_a_year": integer(1, 12)},
        ),
        "retention": many(
            record({"class": words(*CLASSES), "months": MONTHS, **SOURCED}, {"legal_months": MONTHS}), len(CLASSES)
        ),
        "calendar": days.SECTION,
        "texts": _texts(4_000),
    },
)
"""The whole document. What it does not name is unknown, and refused before a party adopts it."""


DISTINCT: Final[Mapping[str, str]] = {
    "basis": "id", "grades": "grade", "faults": "fault", "tiers": "tier", "weights": "score", "retention": "class",
    "targets": "measure",
}  # fmt: skip
"""The lists of which every row has a word of its own, and that word's member."""


def check(document: Any) -> tuple[str, ...]:
    """Return JSON pointers to members that this version does not know; they are for the caller to judge.

    Raises ``Invalid`` with the pointer of the first thing that is wrong: a member's shape, a source that names no text,
    weights that do not make 100, a tier, class, text or score that stands twice, days and offsets of a calendar.
    """
    unknown = DOCUMENT.check(document)
    for wrong in _contradictions(document):
        raise wrong
    return unknown


def explain(document: Any) -> list[Invalid]:
    """Everything that is wrong with a document, each at its pointer; empty for one that can be adopted.

    Whether its members contradict each other is told once each of them has its shape.
    """
    return list(faults(DOCUMENT, document)) or list(_contradictions(document))


def _contradictions(document: Mapping[str, Any]) -> Iterator[Invalid]:
    """What is wrong with a document whose every member has its shape."""
    if len(canonical.encode(document)) > MAX_DOCUMENT:
        yield Invalid(f"got a document of more than {MAX_DOCUMENT} bytes, want it to fit in a statement")
    for member, key in DISTINCT.items():
        yield from _twice(document.get(member, ()), key, f"/{member}")
    known = {HOUSE, *(one["id"] for one in document.get("basis", ()))}
    for pointer, source in _sources(document, ""):
        if source not in known:
            yield Invalid("got a source that is no id in basis, want house or one of them", pointer)
    yield from _wrong_figures(document)
    if "calendar" in document:
        try:
            days.check(document["calendar"], "/calendar")
        except Invalid as wrong:
            yield wrong


def _twice(rows: Any, key: str, pointer: str) -> Iterator[Invalid]:
    seen = set()
    for number, one in enumerate(rows):
        if one[key] in seen:
            yield Invalid(f"got this {key} twice, want each once", f"{pointer}/{number}/{key}")
        seen.add(one[key])


def _sources(value: Any, pointer: str) -> Iterator[tuple[str, str]]:
    """Every source in a checked document with its pointer; names of unknown members are no concern of this version."""
    if type(value) is dict:
        for name, member in value.items():
            if name == "source" and type(member) is str:
                yield f"{pointer}/source", member
            elif name == "sources" and type(member) is dict:
                yield from ((f"{pointer}/sources/{name}", member[name]) for name in member if name in _FIGURES)
            else:
                yield from _sources(member, f"{pointer}/{name}")
    elif type(value) is list:
        for number, member in enumerate(value):
            yield from _sources(member, f"{pointer}/{number}")


def _wrong_figures(document: Mapping[str, Any]) -> Iterator[Invalid]:
    for number, score in enumerate(document.get("weights", ())):
        total = sum((Decimal(part["weight"]) for part in score["parts"]), Decimal(0))
        if total != ALL:
            yield Invalid(f"got weights of {total} together, want 100", f"/weights/{number}/parts")
    for number, limit in enumerate(document.get("limits", ())):
        if "average" in limit and limit.keys() & {"at_most", "hard", "pauses"}:
            yield Invalid("got an average that can be extended or paused, want it alone", f"/limits/{number}/average")
        hard = limit.get("hard")
        if hard is not None:
            (unit, least), (other, most) = unit_of(hard["from"]), unit_of(hard["until"])
            if unit != other or most < least:
                yield Invalid("want until in the unit of from, and not less", f"/limits/{number}/hard/until")


def unit_of(span: Mapping[str, Any]) -> tuple[str, int]:
    """The unit and the count of a checked length of time."""
    return next((unit, span[unit]) for unit in (*UNITS, *PERIODS) if unit in span)
