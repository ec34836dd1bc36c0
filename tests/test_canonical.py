"""Canonical JSON (format.md §1) against `rfc8785` and a plain walk; the fast screen against the slow walk."""

from __future__ import annotations

import json
import sys
from typing import Any

import msgspec
import pytest
import rfc8785
from hypothesis import example, given
from hypothesis import strategies as st

from ledger import canonical
from ledger.canonical import MAX_DEPTH, check_part, check_rules, decode, decode_body, encode, screen
from ledger.errors import Invalid, Malformed
from tests.reference.canonical import is_allowed, is_body, is_canonical
from tests.vectors import vector

# Characters from each edge of what §1 forbids, and some that look like structure.
EDGES = (
    'a1_"\\/{}[]:, \x00\x08\t\n\x0b\x1f\x20\x7e\x7f\x80\x9f\xa0\xbf\xc0'
    "\u02c0\u07ff\u0800\u2000\u2029\u202a\u202e\u202f\u2065\u2066\u2069\u206a\u2080\u20ac\u3000\u7ef4\ud7ff\ue000\uffff\U0001f600\U0010ffff"
)
texts = st.text(st.sampled_from(EDGES) | st.characters(exclude_categories=["Cs"]), max_size=12)
good_names = st.from_regex(r"_?[A-Za-z][A-Za-z0-9_]{0,9}", fullmatch=True)
integers = st.integers(-(2**53) + 1, 2**53 - 1) | st.integers(-20, 20)
odd_numbers = st.sampled_from([2**53, -(2**53), 10**15, -(10**15), 2**63, 2**64, 10**30, 1.5, 1e300, 0.0, -0.0, 1e16])
odd_names = st.sampled_from(
    ["", "_", "__proto__", "1a", "a" * 63, "a" * 64, "_" + "a" * 63, "_" + "a" * 64, "a-b", "é"]
)


def documents(numbers: st.SearchStrategy[Any], names: st.SearchStrategy[str]) -> st.SearchStrategy[Any]:
    """Nested values made of these numbers and names."""
    leaves = st.none() | st.booleans() | numbers | texts
    return st.recursive(
        leaves,
        lambda inner: st.lists(inner, max_size=4) | st.dictionaries(names, inner, max_size=4),
        max_leaves=20,
    )


good_documents = documents(integers, good_names)
odd_documents = documents(integers | odd_numbers, good_names | odd_names | texts)


def nested(depth: int) -> Any:
    """`depth` containers inside one another, objects and arrays in turn."""
    value: Any = 0
    for level in range(depth):
        value = [value] if level % 2 else {"a": value}
    return value


def accepts(check: Any, argument: Any, error: type[Exception] = Malformed) -> bool:
    """Whether `check` returns; anything but `error` that it raises fails the test."""
    try:
        check(argument)
    except error:
        return False
    return True


@given(good_documents)
def test_encode_gives_jcs_bytes_that_decode_to_the_value(value: Any) -> None:
    if not is_allowed(value):
        with pytest.raises(Invalid):
            encode(value)
        return
    raw = encode(value)
    assert raw == rfc8785.dumps(value)
    assert decode(raw) == value
    assert decode_body(raw) == value
    check_rules(raw)


@given(odd_documents)
def test_encode_accepts_exactly_what_the_rules_allow(value: Any) -> None:
    assert accepts(encode, value, Invalid) == is_allowed(value)


@given(odd_documents)
@example([0] * 40)
@example({"a": ":1.5", "b": ['":'], "c": "{[" * 20})
def test_screen_never_passes_what_the_walk_refuses(value: Any) -> None:
    raw = msgspec.json.Encoder(order="sorted").encode(value)
    allowed = is_allowed(msgspec.json.decode(raw))
    assert accepts(check_rules, raw) == allowed
    if screen(raw):
        assert allowed


@given(odd_documents)
@example({"a": 1.0})
@example({"a": [{"é": 1}]})
@example({"a": 2**53})
@example({"a": {"b": "\u202e"}})
@example({"a": ["\\", "\t"]})
@example(nested(15))
@example(nested(16))
def test_a_part_is_held_to_the_same_rules(value: Any) -> None:
    """A typed caller hands over the one member whose type says nothing, and the bytes of the whole."""
    raw = msgspec.json.Encoder(order="sorted").encode({"part": {"value": value}})
    part = msgspec.json.decode(raw)
    allowed = is_allowed(part)
    assert accepts(lambda whole: check_part(whole, part["part"], 2), raw) == allowed


@given(good_documents, st.data())
def test_screen_agrees_after_one_byte_is_changed(value: Any, data: st.DataObject) -> None:
    raw = bytearray(msgspec.json.Encoder(order="sorted").encode(value))
    raw[data.draw(st.integers(0, len(raw) - 1))] = data.draw(
        st.sampled_from(list(b'"\\:,{}[]-.eE09a_\x00\x7f\xc2\xe2'))
    )
    assert accepts(decode, bytes(raw)) == is_canonical(bytes(raw))
    assert accepts(decode_body, bytes(raw)) == is_body(bytes(raw))


@given(st.binary(max_size=40) | st.text(alphabet='{}[]",:\\u0123456789abcdef.eE-+ ntrfls', max_size=40).map(str.encode))
def test_parsers_raise_only_malformed_and_agree_with_the_reference(raw: bytes) -> None:
    assert accepts(decode, raw) == is_canonical(raw)
    assert accepts(decode_body, raw) == is_body(raw)


@pytest.mark.parametrize("part", [{"a": "naïve"}, {"a": True}, {"a": -7}, {"a": ["x", 1, {"b": [False]}]}])
def test_a_quick_look_is_all_that_a_plain_part_needs(part: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(canonical, "check_rules", pytest.fail)
    check_part(encode({"part": part}), part, 2)


def test_real_leaves_are_canonical_and_pass_the_screen() -> None:
    for leaf in vector("patina-format/ledger.json")["leaves"]:
        raw = leaf.encode()
        assert encode(decode(raw)) == raw
        assert screen(raw)


@pytest.mark.parametrize(
    "raw",
    [
        pytest.param(b"", id="nothing"),
        pytest.param(b"\xef\xbb\xbf{}", id="a byte order mark"),
        pytest.param(b'{"a":1}\n', id="a newline after it"),
        pytest.param(b'{"a": 1}', id="a space"),
        pytest.param(b'{"b":1,"a":1}', id="names out of order"),
        pytest.param(b'{"a":1,"a":1}', id="a name twice"),
        pytest.param(b'{"a":{"b":2,"b":2}}', id="a name twice inside"),
        pytest.param(b'{"a":1.5}', id="a float"),
        pytest.param(b'{"a":1.0}', id="a whole float"),
        pytest.param(b'{"a":1e300}', id="an exponent"),
        pytest.param(b'{"a":-0}', id="minus zero"),
        pytest.param(b'{"a":01}', id="a leading zero"),
        pytest.param(b'{"a":9007199254740992}', id="2^53"),
        pytest.param(b'{"a":-9007199254740992}', id="minus 2^53"),
        pytest.param(b'{"a":9007199254740993}', id="2^53+1"),
        pytest.param(b'{"a":' + b"9" * 400 + b"}", id="400 digits"),
        pytest.param(b'{"a":' + b"9" * 5000 + b"}", id="5000 digits"),
        pytest.param(b'{"a":NaN}', id="NaN"),
        pytest.param(b'"\\u0041"', id="an escape that is not minimal"),
        pytest.param(b'"\\/"', id="an escaped slash"),
        pytest.param(b'"\\u000a"', id="a long newline"),
        pytest.param(b'"\\ud800"', id="half a surrogate pair"),
        pytest.param(b'"\\udc00\\ud800"', id="a pair the wrong way round"),
        pytest.param(b'"\xed\xa0\x80"', id="a surrogate as UTF-8"),
        pytest.param(b'"\xc0\x80"', id="overlong UTF-8"),
        pytest.param(b'"\xff"', id="not UTF-8"),
        pytest.param(b'"\\t"', id="a tab"),
        pytest.param(b'"\x7f"', id="delete"),
        pytest.param("\u0080".encode().join([b'"'] * 2), id="U+0080"),
        pytest.param("\u009f".encode().join([b'"'] * 2), id="U+009F"),
        pytest.param("\u202e".encode().join([b'"'] * 2), id="a right-to-left override"),
        pytest.param("\u2066".encode().join([b'"'] * 2), id="an isolate"),
        pytest.param(b'{"":1}', id="an empty name"),
        pytest.param(b'{"__proto__":1}', id="__proto__"),
        pytest.param(b'{"a\\nb":1}', id="a newline in a name"),
        pytest.param(b'{"a\\n":1}', id="a newline after a name"),
        pytest.param(b'{"a' + "é".encode() + b'":1}', id="a letter that is not ASCII in a name"),
        pytest.param(b'{"' + b"a" * 64 + b'":1}', id="a name of 64"),
        pytest.param(b"[" * 17 + b"]" * 17, id="17 deep"),
        pytest.param(b"[" * 100_000 + b"]" * 100_000, id="100,000 deep"),
        pytest.param(b"[" * 100_000, id="100,000 opened"),
    ],
)
def test_decode_refuses(raw: bytes) -> None:
    with pytest.raises(Malformed):
        decode(raw)


@pytest.mark.parametrize(
    "value",
    [
        pytest.param("\ud800", id="half a surrogate pair"),
        pytest.param({"\ud800": 1}, id="half a surrogate pair in a name"),
        pytest.param(2**53, id="2^53"),
        pytest.param(2**70, id="2^70"),
        pytest.param(float("nan"), id="NaN, which msgspec writes as null"),
        pytest.param({"a": [None, float("inf")]}, id="infinity beside a real null"),
        pytest.param(1.0, id="a whole float"),
        pytest.param({1: 2}, id="a number as a name"),
        pytest.param(object(), id="an object"),
        pytest.param({"a": msgspec.UNSET}, id="unset"),
        pytest.param(nested(17), id="17 deep"),
    ],
)
def test_encode_refuses(value: Any) -> None:
    with pytest.raises(Invalid):
        encode(value)


def test_encode_refuses_a_value_that_contains_itself() -> None:
    value: list[Any] = []
    value.append(value)
    with pytest.raises(Invalid, match="nested"):
        encode(value)


def test_encode_takes_structs_and_leaves_out_what_is_unset() -> None:
    class Seal(msgspec.Struct, frozen=True):
        v: int
        a: str | None
        gone: str | msgspec.UnsetType = msgspec.UNSET

    assert encode(Seal(1, None)) == b'{"a":null,"v":1}'
    with pytest.raises(Invalid):
        encode(Seal(2**53, None))


def test_sixteen_containers_may_stand_inside_one_another() -> None:
    assert MAX_DEPTH == 16
    assert decode(encode(nested(16))) == nested(16)
    side_by_side: Any = {"a": [{} for _ in range(40)]}
    assert decode(encode(side_by_side)) == side_by_side


def test_every_depth_around_the_interpreters_limit_is_malformed() -> None:
    limit = sys.getrecursionlimit()
    for depth in range(limit - 250, limit + 50):
        for opening in (b"[", b'{"a":', b'{"a":1,"a":'):
            closing = b"]" if opening == b"[" else b"}"
            for check in (decode, decode_body, check_rules):
                assert not accepts(check, opening * depth + b"0" + closing * depth)


@pytest.mark.parametrize("number", [2**53 - 1, -(2**53) + 1, 10**15, -(10**15), 10**15 - 1, 0])
def test_integers_up_to_the_limit_pass(number: int) -> None:
    assert decode(encode([number])) == [number]


@pytest.mark.parametrize(
    ("raw", "pointer"),
    [
        (b'{"a":[1,{"b":1.5}]}', "/a/1/b"),
        (b'{ "a": [1, {"b": 2, "b": 2}] }', "/a/1/b"),
        (b'{ "a": {"b": 2, "b": 2, "c": {"d": 1, "d": 1}} }', "/a/b"),
        (b'{ "a/~": 1 }', "/a~1~0"),
        (b'{ "a": ["x", "\\u0007"] }', "/a/1"),
        (b'{ "a": 9007199254740992 }', "/a"),
        (b'{ "a": 1, "a/": 1, "a": 2 }', "/a"),
    ],
)
def test_a_refused_body_names_the_place(raw: bytes, pointer: str) -> None:
    with pytest.raises(Malformed) as caught:
        decode_body(raw)
    assert caught.value.pointer == pointer


@given(good_documents.filter(is_allowed), st.booleans(), st.sampled_from([None, 1, "\t"]))
def test_a_body_may_have_any_spacing_order_and_escapes(value: Any, ascii_only: bool, indent: Any) -> None:
    raw = json.dumps(value, ensure_ascii=ascii_only, indent=indent).encode()
    assert decode_body(raw) == value


@pytest.mark.parametrize(
    "raw", [b'{"a":1,"a":1}', b'{"a":1, "\\u0061":1}', b'[{"x":{"a":{},"a":{}}}]', b"[1e2]", b"[1.0]", b""]
)
def test_a_body_may_not_say_a_thing_twice_or_hold_a_float(raw: bytes) -> None:
    with pytest.raises(Malformed):
        decode_body(raw)


def test_the_message_says_where_bytes_stop_being_canonical() -> None:
    with pytest.raises(Malformed, match="differ at 7 "):
        decode(b'{"a":1, "b":2}')
    with pytest.raises(Malformed, match="differ at 7 "):
        decode(b'{"a":1}\n')


def test_the_walk_alone_refuses_what_no_parser_gives() -> None:
    for value in (b"", 1.5, object()):
        with pytest.raises(Malformed):
            canonical._walk(value, "", 0, Malformed)
