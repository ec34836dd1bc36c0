"""Every parser of the core, fed whatever: it gives a value or one of the core's own errors, and none is forgotten.

What is fed is anything at all, or a right example that was changed in a few places. The tests of each parser say which
error and where; this one says that there is no other.
"""

from __future__ import annotations

import ast
import contextlib
import copy
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger import (
    asking,
    bundle,
    canonical,
    checkpoint,
    days,
    didkey,
    disclosure,
    dsse,
    holderkey,
    leaf,
    merkle,
    note,
    private,
    proof,
    receipt,
    report_ask,
    shortcode,
    standard,
    standards,
    submap,
    tiles,
    times,
    trust,
    types,
    types_row,
    uri,
)
from ledger.errors import Invalid, Malformed, PatinaError
from tests.build import ring
from tests.reference import statements as design
from tests.test_asking import SENT
from tests.test_audit_checks import made
from tests.test_calendar import DECREE_2026

CORE = Path(canonical.__file__).parent
MADE = made()
BUNDLE = MADE.history(ring(1))
RECEIPT = MADE.receipt(MADE.of[ring(1)][-1])
ENTRY = MADE.leaves[0]
STATEMENT = json.loads(ENTRY)["statement"]
OWNER = holderkey.format_typed(bytes(range(16)))
DISCLOSED = disclosure.make_disclosure("customer", {"name": "Ada"}, bytes(16))
GTIN = "https://id.gs1.org/01/09520123456788/21/R%2F001"
DAYS = {
    "name": "CN",
    "year": 2026,
    "off": [{"date": f"2026-{day}"} for day in DECREE_2026[0].split()],
    "on": [{"date": f"2026-{day}"} for day in DECREE_2026[1].split()],
    "source": "house",
}
MAP = BUNDLE["histories"][0]["map"]
ASKED = {
    "period": "2026-Q1",
    "by": ["fault"],
    "parties": [STATEMENT["party"]],
    "times": "stated",
    "evidence": "gb27922",
}

Parse = Callable[[Any], object]
RAW: dict[str, tuple[Parse, list[bytes]]] = {
    "bundle.parse_history": (bundle.parse_history, [json.dumps(BUNDLE).encode()]),
    "canonical.decode": (canonical.decode, [ENTRY]),
    "canonical.decode_body": (canonical.decode_body, [ENTRY, json.dumps(BUNDLE).encode()]),
    "leaf.parse_leaf": (leaf.parse_leaf, [ENTRY, MADE.leaves[1]]),
    "leaf.parse_statement": (leaf.parse_statement, [canonical.encode(STATEMENT)]),
    "note.parse_note": (note.parse_note, [BUNDLE["checkpoint"].encode()]),
    "proof.parse_proof": (proof.parse_proof, [RECEIPT["proof"].encode()]),
    "receipt.parse_receipt": (receipt.parse_receipt, [json.dumps(RECEIPT).encode()]),
    "tiles.parse_bundle": (tiles.parse_bundle, [tiles.format_bundle([ENTRY, ENTRY])]),
    "tiles.parse_tile": (tiles.parse_tile, [bytes(64)]),
    "trust.parse_policy": (trust.parse_policy, [f"log {MADE.vkey}\nquorum none\n".encode()]),
}
TEXT: dict[str, tuple[Parse, list[str]]] = {
    "checkpoint.parse_checkpoint_text": (
        checkpoint.parse_checkpoint_text,
        [BUNDLE["checkpoint"].split("\n\n")[0] + "\n"],
    ),
    "didkey.parse_did": (didkey.parse_did, [SENT["signature"]["key"]]),
    "disclosure.parse_base64url": (disclosure.parse_base64url, ["AAEC"]),
    "disclosure.parse_disclosure": (disclosure.parse_disclosure, [DISCLOSED]),
    "dsse.parse_signature": (dsse.parse_signature, [SENT["signature"]["sig"]]),
    "holderkey.parse_base32": (lambda text: holderkey.parse_base32(text, 26), [OWNER]),
    "holderkey.parse_code": (holderkey.parse_code, [holderkey.format_code(bytes(16))]),
    "holderkey.parse_owner_code": (holderkey.parse_owner_code, [OWNER, holderkey.format_code(bytes(16))]),
    "holderkey.parse_typed": (holderkey.parse_typed, [OWNER]),
    "note.parse_base64": (note.parse_base64, ["AAEC", "AA=="]),
    "note.parse_decimal": (note.parse_decimal, ["0", "9223372036854775807"]),
    "note.parse_signature_line": (note.parse_signature_line, [BUNDLE["checkpoint"].split("\n\n")[1]]),
    "note.parse_vkey": (note.parse_vkey, [MADE.vkey]),
    "private.read_disclosures": (
        lambda text: private.read_disclosures("item.sold", [disclosure.digest(DISCLOSED)], [text]),
        [DISCLOSED],
    ),
    "report_ask.parse_period": (report_ask.parse_period, ["2026", "2026-Q1", "2026-01-01/2026-02-01", "all"]),
    "shortcode.parse_short": (shortcode.parse_short, ["ABCD-EFGH-JKMN"]),
    "tiles.parse_entries_path": (tiles.parse_entries_path, ["tile/entries/x001/067.p/8"]),
    "tiles.parse_tile_path": (tiles.parse_tile_path, ["tile/1/x001/067.p/8"]),
    "times.parse_occurred": (times.parse_occurred, ["2026-01-31T12:00:00.5+08:00"]),
    "times.parse_recorded": (times.parse_recorded, ["2026-01-31T12:00:00.500Z"]),
    "uri.check_digit": (uri.check_digit, ["0952012345678"]),
    "uri.from_digital_link": (uri.from_digital_link, [GTIN, "https://shop.example/a/01/9520123456788/21/R1?x=1"]),
    "uri.format_gtin": (uri.format_gtin, ["9520123456788"]),
    "uri.subject_kind": (uri.subject_kind, [GTIN, STATEMENT["party"], f"{STATEMENT['party']}#authority"]),
}
VALUE: dict[str, tuple[Parse, list[Any]]] = {
    "days.check": (days.check, [DAYS]),
    "leaf.statement_from": (leaf.statement_from, [STATEMENT]),
    "report_ask.parse_ask": (report_ask.parse_ask, [ASKED]),
    "standard.read": (standard.read, [dict(standards.template(name)) for name in standards.NAMES]),
    "submap.parse_map_proof": (submap.parse_map_proof, [MAP]),
    "asking.parse_asking": (asking.parse_asking, [SENT]),
}
OBJECTS = {"asking.parse_asking", "report_ask.parse_ask"}
"""What takes an object, which its callers have made sure of."""
ELSEWHERE = {
    "cosignature.parse_cosignature": "takes a parsed line: test_cosignature.py",
    "days.read": "reads what days.check passed",
    "standard.read_adopted": "standard.read of an entry's details",
    "party.load": "what this program wrote into its database",
    "state.load": "what this program wrote into its database",
    "submap.parse_record": "48 bytes that this program packed",
    "spell.read_spell": "entries that were verified",
    "types.check_details": "below, for every type",
    "types.check_correction": "below, for every type",
}
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3),
    max_leaves=8,
)


def is_parser(name: str) -> bool:
    known = {"read", "decode", "decode_body", "load", "from_digital_link", "subject_kind", "statement_from"}
    return name.startswith(("parse_", "read_")) or name in known


def test_no_parser_is_forgotten() -> None:
    found = {
        f"{path.stem}.{function.name}"
        for path in CORE.glob("*.py")
        if path.stem != "command"
        for function in ast.parse(path.read_text("utf-8")).body
        if isinstance(function, ast.FunctionDef) and is_parser(function.name)
    }
    assert found - {*RAW, *TEXT, *VALUE} <= set(ELSEWHERE)


def changed(data: st.DataObject, value: Any) -> Any:
    """A JSON value with something else, or nothing, in one to three of its places."""
    value = copy.deepcopy({"": value})
    for _ in range(data.draw(st.integers(1, 3))):
        inside: Any = value
        while True:
            places = list(inside) if isinstance(inside, dict) else list(range(len(inside)))
            if not places:
                break
            place = data.draw(st.sampled_from(places))
            if isinstance(inside[place], dict | list) and inside[place] and data.draw(st.booleans()):
                inside = inside[place]
                continue
            if inside is not value and data.draw(st.booleans()):
                del inside[place]
            else:
                inside[place] = data.draw(JSON)
            break
    return value[""]


def passes(parse: Parse, value: Any) -> None:
    with contextlib.suppress(PatinaError):
        parse(value)


@pytest.mark.parametrize("name", RAW)
@given(data=st.data())
def test_bytes(name: str, data: st.DataObject) -> None:
    parse, examples = RAW[name]
    for example in examples:
        parse(example)
    passes(parse, data.draw(st.binary(max_size=80)))
    raw = bytearray(data.draw(st.sampled_from(examples)))
    for _ in range(data.draw(st.integers(1, 4))):
        place = data.draw(st.integers(0, len(raw)))
        raw[place : place + data.draw(st.integers(0, 3))] = data.draw(st.binary(max_size=3))
    passes(parse, bytes(raw))


@pytest.mark.parametrize("name", TEXT)
@given(data=st.data())
def test_text(name: str, data: st.DataObject) -> None:
    parse, examples = TEXT[name]
    for example in examples:
        parse(example)
    passes(parse, data.draw(st.text(max_size=80)))
    text = data.draw(st.sampled_from(examples))
    for _ in range(data.draw(st.integers(1, 4))):
        place = data.draw(st.integers(0, len(text)))
        text = text[:place] + data.draw(st.text(max_size=2)) + text[place + data.draw(st.integers(0, 2)) :]
    passes(parse, text)


@pytest.mark.parametrize("name", VALUE)
@given(data=st.data())
def test_values(name: str, data: st.DataObject) -> None:
    parse, examples = VALUE[name]
    for example in examples:
        parse(example)
    value = changed(data, data.draw(st.sampled_from(examples)))
    if isinstance(value, dict) or name not in OBJECTS:
        passes(parse, value)


@given(data=st.data())
def test_details_of_every_type(data: st.DataObject) -> None:
    name = data.draw(st.sampled_from(sorted(types.TYPES)))
    details = design.details(name, design.required(name) + design.optional(name))
    wrong = changed(data, details)
    passes(lambda value: types.check_details(name, value), wrong)
    passes(lambda value: types.check_correction(name, value), wrong)


def bounded(name: str, most: int, value: Any) -> bytes:
    """A bundle with one thing as long as it may be, or one longer; the text of the format has the numbers."""
    made = copy.deepcopy(BUNDLE)
    inside: Any = made
    *way, last = name.split("/")
    for part in way:
        inside = inside[int(part) if part.isdigit() else part]
    inside[last] = value * most
    return json.dumps(made).encode()


@pytest.mark.parametrize(
    ("name", "most", "value"),
    [
        ("checkpoint", 65_536, "x"),
        ("tail/proof", 63, ["A" * 43 + "="]),
        ("first/proof", 63, ["A" * 43 + "="]),
        ("histories/0/last_proof", 63, ["A" * 43 + "="]),
        ("histories/0/map/siblings", 256, ["A" * 43 + "="]),
    ],
)
def test_lists_of_a_bundle_are_bounded_before_any_work(name: str, most: int, value: Any) -> None:
    bundle.parse_history(bounded(name, most, value))
    with pytest.raises(Malformed):
        bundle.parse_history(bounded(name, most + 1, value))


def test_the_limits_of_the_format_are_its_numbers() -> None:
    """The tests of each limit go by its name; format.md §1 to §7 say these."""
    assert (canonical.MAX_DEPTH, canonical.MAX_INTEGER) == (16, 9_007_199_254_740_991)
    assert (leaf.MAX_STATEMENT, leaf.MAX_LEAF, leaf.MAX_SIGNATURES) == (32_768, 65_535, 4)
    assert (leaf.MAX_SUBJECTS, types_row.MAX_SUBJECTS) == (16, 16)
    assert (note.MAX_NOTE, merkle.MAX_PROOF, submap.MAX_NUMBER) == (65_536, 63, 2**53 - 1)
    assert (disclosure.MIN_SALT_BYTES, disclosure.MAX_SALT_BYTES, disclosure.MAX_DIGESTS) == (16, 32, 64)
    subjects = [f"urn:uuid:00000000-0000-7000-8000-{number:012}" for number in range(17)]
    leaf.check_form(leaf.statement_from({**STATEMENT, "subjects": subjects[:16]}))
    with pytest.raises(Invalid):
        leaf.check_form(leaf.statement_from({**STATEMENT, "subjects": subjects}))
