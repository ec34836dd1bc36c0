"""All that is wrong with a document is told at once, and its JSON Schema takes what the check takes."""

from __future__ import annotations

import copy
import itertools
from pathlib import Path
from typing import Any

import pytest

from ledger.explained import faults, json_schema
from ledger.shapes import ABSENT, ANYTHING, DID, FLAG, PARTY, either, integer, many, mapping, record, text, words_or
from ledger.standard_shape import DOCUMENT, check, explain
from ledger.standards import NAMES, template
from tests.shop import open_shop
from tests.test_standard_shape import FULL, OBJECTS, WRONG, pointers, put

rs = pytest.importorskip("jsonschema_rs", reason="comes with schemathesis")
SCHEMA = rs.Draft202012Validator(json_schema(DOCUMENT))
BY_PROGRAM = {"case.greeted", "2026-02-30"}
"""Values that only a program can tell from right ones."""


def changed(*changes: tuple[str, Any]) -> dict[str, Any]:
    document = copy.deepcopy(FULL)
    for pointer, value in changes:
        put(document, pointer, value)
    return document


def test_the_schema_takes_what_can_be_adopted_and_nothing_of_another_shape() -> None:
    assert SCHEMA.is_valid(FULL)
    for name in NAMES:
        assert SCHEMA.is_valid(template(name)), name
    for pointer in pointers(FULL):
        assert not SCHEMA.is_valid(changed((pointer, 2.5))), pointer
    for pointer in OBJECTS:
        assert not SCHEMA.is_valid(changed((f"{pointer}/later", "x"))), pointer
    for pointer, value, _, _ in WRONG:
        document = changed((pointer, value))
        shaped = not list(faults(DOCUMENT, document))
        assert SCHEMA.is_valid(document) == (shaped or str(value) in BY_PROGRAM), (pointer, value)


def test_everything_that_is_wrong_is_told_at_once() -> None:
    assert explain(FULL) == []
    alone = {where: explain(changed((pointer, value))) for pointer, value, where, _ in WRONG}
    for where, told in alone.items():
        assert where in [one.pointer for one in told], where
    shapes = [row for row in WRONG if list(faults(DOCUMENT, changed(row[:2])))]
    for one, other in itertools.combinations(shapes, 2):
        if one[0].split("/")[1] != other[0].split("/")[1]:
            places = {wrong.pointer for wrong in explain(changed(one[:2], other[:2]))}
            assert {one[2], other[2]} <= places, (one, other)


def test_the_first_of_them_is_what_the_check_says_of_it_alone() -> None:
    for pointer, value, _, _ in WRONG:
        document = changed((pointer, value))
        (first, *_) = explain(document)
        with pytest.raises(type(first)) as caught:
            check(document)
        assert (caught.value.pointer, caught.value.message) == (first.pointer, first.message)


def test_shapes_of_every_kind() -> None:
    shape = record(
        {"one": either(text(3), integer(1, 2)), "names": mapping(FLAG, 2)},
        {"gone": ABSENT, "any": ANYTHING, "key": DID, "to": words_or(PARTY, "outside")},
        others=many(text(1), 2),
    )
    schema = json_schema(shape)
    assert sorted(schema["properties"]) == ["any", "key", "names", "one", "to"]
    assert schema["properties"]["any"] == {"description": "any JSON"}
    assert schema["properties"]["key"] == {"type": "string", "description": "a did:key"}
    right = {"one": 2, "names": {"a": True}, "any": [None], "to": "outside", "more": ["x"]}
    assert rs.Draft202012Validator(schema).is_valid(right)
    assert list(faults(shape, right)) == []
    wrong = {"one": 9, "names": {"a": 1, "b": 2, "c": 3}, "gone": 1, "key": 3, "more": ["xx", "", "y"]}
    assert [one.pointer for one in faults(shape, wrong)] == [
        "/one", "/names/a", "/names/b", "/names/c", "/gone", "/key", "/more/0", "/more/1",
    ]  # fmt: skip
    assert not rs.Draft202012Validator(schema).is_valid({**right, "more": ["x", "y", "z"]})
    assert [one.pointer for one in faults(shape, [])] == [""]
    assert [one.pointer for one in faults(many(text(1), 2), ["a", "b", "c"])] == [""]


def test_the_service_names_every_place(tmp_path: Path) -> None:
    with open_shop(tmp_path) as shop:
        party = shop.party("jeweller", "retailer")
        limits = [{"clock": "reply", "within": {"hours": 0}, "source": "house"}]
        details = {"standard": "ours", "version": "1", "limits": limits, "colour": "red"}
        statement = shop.statement(party, "standard.adopted", party.id, {"standard": "ours", "version": "1"})
        before = shop.ledger.reader.size()
        answer = shop.post("/v1/statements", {"statement": statement | {"details": details}}, party)
        assert answer.status_code == 422
        assert [one["pointer"] for one in answer.json()["errors"]] == [
            f"/statement/details/{place}" for place in ("limits/0/clock", "limits/0/within/hours", "colour")
        ]
        assert all(one["detail"] for one in answer.json()["errors"])
        assert shop.ledger.reader.size() == before
