"""The document of a standard: every bad member is explained at its pointer, every template fits and can be adopted."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from ledger import canonical, leaf, standard
from ledger.errors import Invalid
from ledger.standard_figures import Keeping, Returns, Steps, WarrantyFigures, When
from ledger.standard_shape import DOCUMENT, MAX_DOCUMENT, check
from ledger.standards import NAMES, template
from tests.build import uuid

HOUSE = {"source": "house"}
LIMIT: dict[str, Any] = {"clock": "resolution", "within": {"hours": 72}, **HOUSE}
# Every member of a standard, each with every member of its own.
FULL: dict[str, Any] = {
    "standard": "ours",
    "version": "1",
    "name": {"en": "Ours", "zh_Hans": "我们", "zh_Hant": "我們"},
    "kinds": ["repair", "return"],
    "categories": ["ring"],
    "basis": [{"id": "law_x", "kind": "law", "title": "Law X", "url": "https://law.example/x"}],
    "limits": [
        {
            **LIMIT,
            "when": {
                "kinds": ["repair"], "issues": ["quality"], "modes": ["on_site"], "tiers": [3], "categories": ["ring"],
            },
            "at_most": {"working_days": 7},
            "hard": {"from": {"working_days": 2}, "until": {"working_days": 7}},
            "pauses": ["approval", "parts"],
        },
        {"clock": "bench", "within": {"hours": 2}, "average": True, **HOUSE},
    ],
    "grades": [{"grade": "fast", "within": {"hours": 1}, **HOUSE}, {"grade": "late", **HOUSE}],
    "outer": {"within": {"days": 15}, "then": "authority", **HOUSE},
    "warranty": {
        "months": 24, "from": "received", "covers": ["stones"], "not": ["wear"], "in_repair": "extends",
        "after_exchange": "longer", "after_repair_months": 12, "after_repair_times": 1, "repair_days_min": 30,
        "exchange_after_repairs": 2, "exchange_after_parts_days": 90, "fault_return_days": 7,
        "fault_exchange_days": 15, "sources": {"months": "law_x"}, **HOUSE,
        "categories": [{"categories": ["phone"], "months": 12, "sources": {"months": "law_x"}, **HOUSE}],
    },
    "returns": {
        "no_reason_days": 30, "channels": ["distance", "store"], "from": "sold", "not": ["custom"],
        "conditions": ["unworn"], "freight": "shop", "refund_days": 5, **HOUSE,
    },
    "remedies": ["repair", "refund"],
    "steps": [
        {"kinds": ["repair"], "modes": ["in_store"], "steps": ["repair.completed|repair.failed"], **HOUSE},
    ],
    "checklists": [{"kinds": ["repair"], "modes": ["in_store"], "checks": [{"en": "stones tight"}], **HOUSE}],
    "evidence": [
        {"categories": ["ring"], "wants": ["photos"], "tolerance": [{"material": "gold", "grams": "0.01"}], **HOUSE}
    ],
    "faults": [{"fault": "clasp", "name": {"en": "clasp"}}],
    "care": [{"action": "clean", "material": "gold", "every": {"months": 6}, "advice": {"en": "softly"}, **HOUSE}],
    "levels": {"names": ["service", "centre"], **HOUSE},
    "tiers": [{"tier": 1, "name": "new", **HOUSE}],
    "targets": [
        {"measure": "resolved", "at_least": "90", **HOUSE}, {"measure": "m", "at_least": "4", "of": "5", **HOUSE},
    ],
    "weights": [
        {
            "score": "A",
            "parts": [
                {"measure": "satisfaction", "weight": "60", "at_least": "4", "of": "5"},
                {"measure": "response", "weight": "40", "within": {"hours": 24}},
            ],
            **HOUSE,
        }
    ],
    "alarms": [{"measure": "complaint_rate", "over": "5", "per": "month", "within": {"hours": 1}, **HOUSE}],
    "review": {"every": ["quarter"], "surveys_a_year": 2, **HOUSE},
    "retention": [{"class": "contact", "months": 36, "legal_months": 12, **HOUSE}],
    "calendar": {
        "name": "CN", "year": 2026, "weekend": ["sat", "sun"], "off": [{"date": "2026-01-01", "name": "New Year"}],
        "on": [{"date": "2026-01-04"}], "provisional": False, "source": "house", "tzdata": "2026a",
        "zones": [{"zone": "Asia/Shanghai", "offsets": [{"minutes": 480}]}],
    },
    "texts": {"en": "We care.", "zh_Hant": "我們在乎。"},
}  # fmt: skip


def put(document: Any, pointer: str, value: Any) -> None:
    """Put a value at a pointer; a number one past the end of a list appends."""
    *way, last = [int(part) if part.isdigit() else part for part in pointer.strip("/").split("/")]
    for part in way:
        document = document[part]
    if isinstance(document, list) and last == len(document):
        document.append(value)
    else:
        document[last] = value


def pointers(value: Any, pointer: str = "") -> list[str]:
    """The pointers of everything inside a value."""
    members = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [found for name, one in members for found in (f"{pointer}/{name}", *pointers(one, f"{pointer}/{name}"))]


def at(value: Any, pointer: str) -> Any:
    """What stands at a pointer."""
    for part in pointer.split("/")[1:]:
        value = value[int(part)] if isinstance(value, list) else value[part]
    return value


OBJECTS = ["", *(one for one in pointers(FULL) if isinstance(at(FULL, one), dict))]


def test_the_full_document_is_a_standard_and_has_every_member() -> None:
    assert check(FULL) == ()
    for name in FULL:
        assert f"{name}? (" in DOCUMENT.says or f"{name} (" in DOCUMENT.says
    assert DOCUMENT.says.count("? (") > len(FULL)
    # What reads a figure knows every member that its shape has: nothing that is promised is passed over.
    strict = {
        "returns": Returns, "steps": Steps, "retention": Keeping,
    }  # fmt: skip
    for member, struct in strict.items():
        for one in FULL[member] if isinstance(FULL[member], list) else [FULL[member]]:
            assert set(one) == set(struct.__struct_encode_fields__), member
    warranty = set(FULL["warranty"]) - {"categories"}
    assert warranty == set(WarrantyFigures.__struct_encode_fields__)
    assert set(FULL["limits"][0]["when"]) == set(When.__struct_encode_fields__)


@pytest.mark.parametrize("pointer", pointers(FULL))
def test_a_wrong_value_is_refused_at_its_pointer(pointer: str) -> None:
    document = copy.deepcopy(FULL)
    put(document, pointer, 2.5)  # right nowhere, and no part of a ledger at all
    with pytest.raises(Invalid, match="want") as caught:
        check(document)
    assert caught.value.pointer == pointer


@pytest.mark.parametrize("pointer", OBJECTS)
def test_an_unknown_member_is_refused_by_who_adopts_and_passed_over_by_who_reads(pointer: str) -> None:
    document = copy.deepcopy(FULL)
    put(document, f"{pointer}/later", "x")
    assert check(document) == (f"{pointer}/later",)
    with pytest.raises(Invalid, match="not known here") as caught:
        standard.adopt(document)
    assert caught.value.pointer == f"{pointer}/later"
    assert standard.read(document).limits == standard.read(FULL).limits


WRONG: list[tuple[str, Any, str, str]] = [
    ("/standard", "", "/standard", "text of 1 to 120"),
    ("/version", 1, "/version", "text of 1 to 64"),
    ("/name", {}, "/name", "a text in one of en, zh_Hans, zh_Hant"),
    ("/limits/0/clock", "reply", "/limits/0/clock", "got 'reply', want one of first_response, preliminary"),
    ("/limits/0/within", {}, "/limits/0/within", "an object with one of minutes, hours"),
    ("/limits/0/within", {"hours": 1, "days": 1}, "/limits/0/within", "an object with one of minutes, hours"),
    ("/limits/0/within", {"hours": 0}, "/limits/0/within/hours", "got 0, want an integer from 1"),
    ("/limits/0/within", {"hours": "4"}, "/limits/0/within/hours", "want an integer from 1"),
    ("/limits/0/source", "law_y", "/limits/0/source", "no id in basis, want house or one of them"),
    ("/warranty/sources/months", "law_y", "/warranty/sources/months", "no id in basis"),
    ("/warranty/categories/0/source", "law_y", "/warranty/categories/0/source", "no id in basis"),
    ("/limits/0/when/kinds", [], "/limits/0/when/kinds", "a list of 1 to 64"),
    ("/limits/0/when/kinds", ["repair", "repair"], "/limits/0/when/kinds", "got a value twice"),
    ("/limits/0/average", False, "/limits/0/average", "want true"),
    ("/limits/0/average", True, "/limits/0/average", "want it alone"),
    ("/limits/0/hard/until", {"working_days": 1}, "/limits/0/hard/until", "not less"),
    ("/limits/0/hard/until", {"hours": 100}, "/limits/0/hard/until", "in the unit of from"),
    ("/weights/0/parts/0/weight", "59.5", "/weights/0/parts", "got weights of 99.5 together, want 100"),
    ("/weights/0/parts/0/weight", 60, "/weights/0/parts/0/weight", "a decimal number as a string"),
    ("/targets/0/at_least", "90 %", "/targets/0/at_least", "a decimal number as a string"),
    ("/basis/1", {"id": "law_x", "kind": "law", "title": "Y"}, "/basis/1/id", "twice"),
    ("/grades/1/grade", "fast", "/grades/1/grade", "twice"),
    ("/faults/1", {"fault": "clasp", "name": {"en": "x"}}, "/faults/1/fault", "twice"),
    ("/tiers/1", {"tier": 1, "name": "x", **HOUSE}, "/tiers/1/tier", "twice"),
    ("/targets/1/measure", "resolved", "/targets/1/measure", "twice"),
    ("/retention/1", {"class": "contact", "months": 1, **HOUSE}, "/retention/1/class", "twice"),
    ("/retention/0/class", "phone", "/retention/0/class", "want one of contact, money, description, media"),
    ("/steps/0/steps/0", "case.greeted", "/steps/0/steps/0", "a step of cases such as case.received"),
    ("/basis/0/url", "http://law.example", "/basis/0/url", "an https URL"),
    ("/calendar/off/0/date", "2027-01-01", "/calendar/off/0/date", "another year, want one of 2026"),
    ("/calendar/on/0/date", "2026-01-01", "/calendar/on/0/date", "a day twice"),
    ("/calendar/off/0/date", "2026-02-30", "/calendar/off/0/date", "a date YYYY-MM-DD"),
    ("/calendar/zones/0/zone", "+08:00", "/calendar/zones/0/zone", "such as Asia/Shanghai"),
    ("/calendar/zones/0/offsets/0/from", "2026-01-01T00:00:00Z", "/calendar/zones/0/offsets/0/from", "but the first"),
    ("/calendar/zones/0/offsets/1", {"minutes": 60}, "/calendar/zones/0/offsets/1/from", "but the first"),
]


@pytest.mark.parametrize(("pointer", "value", "where", "why"), WRONG)
def test_what_is_wrong_is_explained(pointer: str, value: Any, where: str, why: str) -> None:
    document = copy.deepcopy(FULL)
    put(document, pointer, value)
    with pytest.raises(Invalid) as caught:
        check(document)
    assert caught.value.pointer == where
    assert why in caught.value.message


def test_offsets_stand_in_order() -> None:
    document = copy.deepcopy(FULL)
    moments = [{"minutes": 1, "from": f"2026-0{month}-01T00:00:00Z"} for month in (3, 3)]
    put(document, "/calendar/zones/0/offsets", [{"minutes": 0}, *moments])
    with pytest.raises(Invalid, match="out of order") as caught:
        check(document)
    assert caught.value.pointer == "/calendar/zones/0/offsets/2/from"


@pytest.mark.parametrize("missing", ["standard", "version"])
def test_what_is_missing_is_named(missing: str) -> None:
    document = {name: value for name, value in FULL.items() if name != missing}
    with pytest.raises(Invalid, match=f"got no {missing}"):
        check(document)


def test_what_is_no_object_is_no_standard() -> None:
    with pytest.raises(Invalid, match="an object with standard"):
        check([])


def test_the_greatest_document_fits_in_a_statement() -> None:
    rows = [{"fault": f"f{number:03}", "name": {"en": "x" * 130}} for number in range(180)]
    document = {"standard": "ours", "version": "1", "faults": rows, "texts": {"en": "x"}}
    document["texts"] = {"en": "x" * (MAX_DOCUMENT + 1 - len(canonical.encode(document)))}
    assert len(canonical.encode(document)) == MAX_DOCUMENT
    assert check(document) == ()
    statement = leaf.statement_from(
        {
            "id": uuid("s"), "type": "standard.adopted", "subjects": [uuid("p")], "party": uuid("operator"),
            "occurred_at": "2026-01-01T00:00:00.123456+08:00", "details": document, "ledger": "a" * 64,
            "agent": "a" * 64,
        }
    )  # fmt: skip
    assert leaf.check_details(statement) == ()
    assert leaf.statement_bytes(statement)
    document["version"] = "10"
    with pytest.raises(Invalid, match="to fit in a statement") as caught:
        check(document)
    assert caught.value.pointer == ""


@pytest.mark.parametrize("name", NAMES)
def test_a_template_fits_and_can_be_adopted(name: str) -> None:
    document = template(name)
    assert document["standard"] == name
    assert canonical.decode(canonical.encode(document)) == document  # no float, no name that §1 refuses
    assert standard.adopt(document).ids == ((name, document["version"]),)


def test_another_name_is_no_template() -> None:
    with pytest.raises(Invalid, match="want one of consumer-goods, furniture"):
        template("../eu")
