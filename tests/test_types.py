"""The table of statement types against a copy of the design's tables made by hand, and against the shared vectors."""

from __future__ import annotations

import copy
import doctest
import json
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from ledger import shapes, types, types_row
from ledger.errors import Invalid, Unknown
from ledger.types import SECTIONS, TYPES, check_correction, check_details, describe, format_types
from ledger.types_row import KINDS
from tests.reference import statements as design
from tests.vectors import vector

ROOT = Path(__file__).resolve().parents[1]
ROWS = design.rows()
MEMBERS = [(name, member) for name in ROWS for member in design.required(name)]
# Two subjects or more: the first of rule 6's list, and what corrects or retracts them.
SUBJECTS = {
    "exchange.completed": (2, 2),
    "item.linked": (2, 2),
    "repair.part_replaced": (1, 2),
    "authentication.certified": (1, 2),
    "authentication.revoked": (1, 2),
    "statement.corrected": (1, 16),
    "statement.retracted": (1, 16),
    "data.erased": (1, 16),
}
P256_DID = "did:key:zDnaerDaTF5BXEavCrfRZEk316dpbLsfPDZ3WJ5hRTPFU2169"  # the did:key method's own example


def full(type_name: str) -> dict[str, Any]:
    """Details with every member of the type."""
    return copy.deepcopy(design.details(type_name, design.required(type_name) + design.optional(type_name)))


def put(details: Any, pointer: str, value: Any) -> None:
    """Put ``value`` at a pointer without a leading slash."""
    way: list[Any] = [int(part) if part.isdigit() else part for part in pointer.split("/")]
    for part in way[:-1]:
        details = details[part]
    details[way[-1]] = value


def refused(type_name: str, details: Any) -> Invalid:
    """What ``check_details`` raises."""
    with pytest.raises(Invalid) as caught:
        check_details(type_name, details)
    return caught.value


def test_the_types_are_those_of_the_design() -> None:
    assert set(TYPES) == set(ROWS)
    assert all(re.fullmatch(r"[a-z]{1,32}\.[a-z_]{1,32}", name) for name in TYPES)  # format.md §2
    assert all(name == row.name for name, row in TYPES.items())


@pytest.mark.parametrize("name", ROWS)
def test_who_says_what_about_which_kind(name: str) -> None:
    kinds, who, required, private = ROWS[name]
    roles, behalf, outside = re.fullmatch(r"([^[{]*)(?:\[(.*)])?(?:\{(.*)})?", who).groups()  # type: ignore[union-attr]
    row = TYPES[name]
    assert row.kinds == set(KINDS if kinds == "any" else kinds.split())
    assert row.who == set(roles.split())
    assert row.behalf == set((behalf or "").split())
    assert row.outside == set((outside or "").split())
    assert set(row.required) == set(required.split())
    assert set(row.private) == set(private.split())
    assert row.subjects == SUBJECTS.get(name, (1, 1))
    assert (row.second == "item") == (row.subjects in {(1, 2), (2, 2)})
    assert row.holder == ("holder" in roles)
    assert row.names_holder == ("holder_key" in design.required(name) + design.optional(name))
    assert set(row.optional) >= set(design.optional(name))
    assert not {*row.required, *row.optional} & {*row.private, "note"}


@pytest.mark.parametrize("name", ROWS)
def test_required_members_are_enough(name: str) -> None:
    assert check_details(name, design.details(name, design.required(name))) == ()


@pytest.mark.parametrize("name", ROWS)
def test_every_member_is_known(name: str) -> None:
    assert check_details(name, full(name)) == ()


@pytest.mark.parametrize(("name", "member"), MEMBERS)
def test_a_required_member_that_is_missing_is_refused(name: str, member: str) -> None:
    details = full(name)
    del details[member]
    assert refused(name, details).pointer == f"/details/{member}"


@pytest.mark.parametrize("name", ROWS)
def test_null_stands_for_nothing(name: str) -> None:
    for member in full(name):
        if name != "standard.adopted" or member in {"standard", "version"}:
            assert refused(name, full(name) | {member: None}).pointer == f"/details/{member}"


@pytest.mark.parametrize("name", ROWS)
@pytest.mark.parametrize("details", [None, [], "x", 1, True])
def test_details_are_an_object(name: str, details: Any) -> None:
    assert refused(name, details).pointer == "/details"


@pytest.mark.parametrize(("name", "pointer", "words"), design.closed())
def test_closed_lists_are_closed(name: str, pointer: str, words: list[str]) -> None:
    details = full(name)
    for word in words:
        put(details, pointer, word)
        assert check_details(name, details) == ()
    for foreign in ("", "foreign", words[0].upper(), words[0] + "\n", 1, [words[0]]):
        put(details, pointer, foreign)
        assert refused(name, details).pointer == f"/details/{pointer}"


@pytest.mark.parametrize(
    ("name", "member", "low", "high"),
    [
        ("case.evaluated", "overall", 1, 5),
        ("case.evaluated", "attitude", 1, 5),
        ("case.surveyed", "product", 1, 5),
        ("case.assigned", "level", 1, 3),
        ("case.escalated", "level", 1, 3),
    ],
)
def test_ranges_of_the_design(name: str, member: str, low: int, high: int) -> None:
    for value in range(low, high + 1):
        assert check_details(name, full(name) | {member: value}) == ()
    for wrong in (low - 1, high + 1, True, str(low)):
        assert refused(name, full(name) | {member: wrong}).pointer == f"/details/{member}"


@pytest.mark.parametrize(
    ("name", "pointer", "value"),
    [
        ("repair.completed", "tests/0/result", 1),
        ("repair.completed", "work/0", ""),
        ("repair.completed", "parts/1/quantity", 0),
        ("item.registered", "materials/0", ["Au750"]),
        ("party.registered", "roles", ["retailer", "retailer"]),
        ("party.registered", "hours/0/until", "25:00"),
        ("party.registered", "country", "China"),
        ("ledger.created", "vkey", "name+c74f20a3"),
        ("ledger.created", "continues/root", "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU="),
        ("key.revoked", "since", "2026-11-09"),
        ("data.erased", "statements", []),
        ("audit.performed", "findings/0/statements/0", "urn:uuid:1"),
        ("certificate.recorded", "url", "javascript:alert(1)"),
        ("authentication.certified", "grades/carat", 1),
        ("case.received", "evidence/weight_g", 4),
        ("case.forwarded", "to", "inside"),
        ("case.quoted", "quote", "x"),
        ("case.approved", "on_behalf", False),
    ],
)
def test_wrong_values_are_refused_where_they_stand(name: str, pointer: str, value: Any) -> None:
    details = full(name)
    put(details, pointer, value)
    assert refused(name, details).pointer == f"/details/{pointer}"


@pytest.mark.parametrize("name", [name for name in ROWS if name != "standard.adopted"])
def test_unknown_members_are_reported(name: str) -> None:
    assert check_details(name, full(name) | {"colour_of_aura": 1}) == ("/details/colour_of_aura",)


def test_unknown_members_are_reported_below() -> None:
    details = full("repair.completed")
    details["tests"][0]["loupe"] = "10x"
    details["parts"][1]["maker"] = "x"
    assert set(check_details("repair.completed", details)) == {"/details/tests/0/loupe", "/details/parts/1/maker"}


def test_a_standard_is_open_because_its_own_check_closes_it() -> None:
    assert check_details("standard.adopted", full("standard.adopted") | {"alarms": None}) == ()


@pytest.mark.parametrize("one", ["holder_key", "holder_custody", "on_behalf", "basis"])
def test_members_that_stand_together(one: str) -> None:
    pairs = [{"holder_key", "holder_custody"}, {"on_behalf", "basis"}]
    (other,) = next(pair for pair in pairs if one in pair) - {one}
    for name in ROWS:
        if {one, other} <= set(design.optional(name)):
            details = full(name)
            del details[one]
            assert refused(name, details).pointer == f"/details/{one}"
            del details[other]
            assert check_details(name, details) == ()


def test_an_unknown_type_is_not_wrong_but_unknown() -> None:
    with pytest.raises(Unknown) as untold:
        check_details("item.dreamt_of", {})
    assert untold.value.pointer == "/type"


def test_a_key_of_another_type_is_not_wrong_but_unknown() -> None:
    with pytest.raises(Unknown) as untold:
        check_details("item.sold", full("item.sold") | {"holder_key": P256_DID})
    assert untold.value.pointer == "/details/holder_key"


@pytest.mark.parametrize("name", ROWS)
def test_corrected_details_are_those_of_the_type_without_its_keys(name: str) -> None:
    keys = {"key", "holder_key", "holder_custody"}
    details = {member: value for member, value in full(name).items() if member not in keys}
    assert check_correction(name, details) == ()
    for key in keys:
        with pytest.raises(Invalid) as caught:
            check_correction(name, details | {key: design.EXAMPLES[key]})
        assert caught.value.pointer == f"/details/details/{key}"
    for member in set(design.required(name)) - keys:
        with pytest.raises(Invalid) as caught:
            check_correction(name, {other: details[other] for other in details if other != member})
        assert caught.value.pointer == f"/details/details/{member}"


def test_a_correction_reports_unknown_members() -> None:
    details = full("repair.completed")
    details["tests"][0]["loupe"] = "10x"
    assert check_correction("repair.completed", details) == ("/details/details/tests/0/loupe",)


@pytest.mark.parametrize("key", ["key", "holder_key", "holder_custody"])
def test_a_statement_that_corrects_names_no_key(key: str) -> None:
    details = {"reason": "error", "details": {"name": "x", key: design.EXAMPLES[key]}}
    assert refused("statement.corrected", details).pointer == f"/details/details/{key}"
    with pytest.raises(Unknown):
        check_correction("item.dreamt_of", {})


def test_the_page_of_statements_is_the_table() -> None:
    page = (ROOT / "docs" / "statements.md").read_text("utf-8")
    assert page == format_types(), "want docs/statements.md as `python -m ledger.types` prints it"
    assert all(f"### `{name}`\n" in page for name in ROWS)


def test_the_module_prints_the_page() -> None:
    command = [sys.executable, "-X", "utf8", "-m", "ledger.types"]
    printed = subprocess.run(command, cwd=ROOT, capture_output=True, check=True, text=True, encoding="utf-8")
    assert printed.stdout == format_types()


def test_the_table_is_described_in_json() -> None:
    described = json.loads(json.dumps(describe()))
    assert [row["type"] for row in described] == list(TYPES)
    assert {row["section"] for row in described} == set(SECTIONS)
    (sold,) = [row for row in described if row["type"] == "item.sold"]
    assert sold["who"] == ["retailer"]
    assert sold["kinds"] == ["item"]
    assert sold["required"]["channel"].startswith("a word")
    assert sold["private"] == ["price", "customer", "order_no", "receipt_no"]
    assert {kind for row in described for kind in row["kinds"]} == set(KINDS)


@pytest.mark.parametrize("module", [shapes, types, types_row], ids=lambda module: module.__name__)
def test_the_examples_in_the_sources_run(module: Any) -> None:
    ran = doctest.testmod(module)
    assert ran.attempted > 1
    assert ran.failed == 0


def entries(value: Any) -> Iterator[dict[str, Any]]:
    """Every statement in a vector file, whose leaves are strings."""
    if isinstance(value, dict | list):
        for below in value.values() if isinstance(value, dict) else value:
            yield from entries(below)
    elif isinstance(value, str) and value.startswith("{") and '"statement":' in value:
        yield json.loads(value)["statement"]


def test_the_vectors_of_the_format_have_these_details() -> None:
    statements = list(entries(vector("patina-format/ledger.json")["leaves"]))
    assert len(statements) == 17
    for statement in statements:
        assert check_details(statement["type"], statement["details"]) == ()


def test_of_the_wrong_vectors_one_has_wrong_details() -> None:
    for case in vector("patina-format/wrong.json")["cases"]:
        wrong = case["name"] == "required_member_missing"
        found = [statement for statement in entries(case) if statement["details"] == {"tests": []}]
        assert bool(found) == wrong
        for statement in entries(case):
            if statement in found:
                assert refused(statement["type"], statement["details"]).pointer == "/details/work"
            else:
                assert check_details(statement["type"], statement["details"]) == ()
