"""The shape language: what each shape takes and refuses, with the pointer of what is wrong, and that it says nothing of
content that might be somebody's name or number."""

from __future__ import annotations

import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger import shapes
from ledger.errors import Invalid, PatinaError, Unknown
from ledger.shapes import Shape

# RFC 8032 §7.1, TEST 1, spelled by the did:key method; and the same method's example of a P-256 key.
ED25519_DID = "did:key:z6MktwupdmLXVVqTzCw4i46r4uGyosGXRnR3XjN4Zq7oMMsw"
P256_DID = "did:key:zDnaerDaTF5BXEavCrfRZEk316dpbLsfPDZ3WJ5hRTPFU2169"
UUID = "urn:uuid:0190a6f1-7d3b-7c44-9a3e-0a4f1c2d3e4f"

TAKEN: list[tuple[Shape, Any]] = [
    (shapes.text(3), "a"),
    (shapes.text(3), "\u00fc\u2028\U0001f48d"),
    (shapes.words("pass", "fail"), "fail"),
    (shapes.words_or(shapes.PARTY, "outside"), "outside"),
    (shapes.words_or(shapes.PARTY, "outside"), UUID),
    (shapes.WORD, "a" + 63 * "_"),
    (shapes.integer(-1, 5), -1),
    (shapes.integer(-1, 5), 5),
    (shapes.FLAG, True),
    (shapes.FLAG, False),
    (shapes.TRUE, True),
    (shapes.decimal(), "0"),
    (shapes.decimal(), "120.00"),
    (shapes.decimal(signed=True), "-0.25"),
    (shapes.DATE, "2028-02-29"),
    (shapes.TIME, "2026-11-09T10:00:00.5+08:00"),
    (shapes.MOMENT, "2026-11-09"),
    (shapes.MOMENT, "2026-11-09T10:00:00Z"),
    (shapes.DID, ED25519_DID),
    (shapes.HASH, 64 * "0"),
    (shapes.DIGEST, "47DEQpj8HBSa-_TImW-5JCeuQeRkm5NMpJWZG3hSuFU"),  # RFC 4634: SHA-256 of nothing
    (shapes.STATEMENT, UUID),
    (shapes.PARTY, UUID),
    (shapes.STAFF, "T-07_b"),
    (shapes.ITEM, "https://id.gs1.org/01/09520123456788/21/R%2F001"),
    (shapes.ITEM, UUID),
    (shapes.URL, "https://shop.example"),
    (shapes.URL, "https://shop.example:8443/a%20b/?q=1#top"),
    (shapes.ANYTHING, None),
    (shapes.many(shapes.FLAG, 2), []),
    (shapes.many(shapes.FLAG, 2), [True, True]),
    (shapes.many(shapes.WORD, distinct=True), ["a", "b"]),
    (shapes.mapping(shapes.FLAG, 2), {"A1_": True, "_b": False}),
    (shapes.either(shapes.FLAG, shapes.WORD), "yes"),
    (shapes.either(shapes.FLAG, shapes.WORD), True),
    (shapes.record({}), {}),
    (shapes.record({"a": shapes.FLAG}, {"b": shapes.FLAG}), {"a": True}),
    (shapes.record({}, {"a": shapes.FLAG, "b": shapes.FLAG}, together=(("a", "b"),)), {"a": True, "b": True}),
    (shapes.record({}, {"a": shapes.FLAG, "b": shapes.FLAG}, together=(("a", "b"),)), {}),
    (shapes.record({}, others=shapes.FLAG), {"z": False}),
]

WRONG: list[tuple[Shape, Any, str]] = [
    (shapes.text(3), "", ""),
    (shapes.text(3), "four", ""),
    (shapes.text(3), 3, ""),
    (shapes.words("pass", "fail"), "good", ""),
    (shapes.words("pass", "fail"), ["pass"], ""),
    (shapes.words_or(shapes.PARTY, "outside"), "inside", ""),
    (shapes.words_or(shapes.PARTY, "outside"), None, ""),
    (shapes.WORD, "Pass", ""),
    (shapes.WORD, "9a", ""),
    (shapes.WORD, "a" + 64 * "_", ""),
    (shapes.WORD, "pass\n", ""),
    (shapes.integer(0, 5), -1, ""),
    (shapes.integer(0, 5), 6, ""),
    (shapes.integer(0, 5), True, ""),
    (shapes.integer(0, 5), "1", ""),
    (shapes.FLAG, 1, ""),
    (shapes.FLAG, "true", ""),
    (shapes.FLAG, None, ""),
    (shapes.TRUE, False, ""),
    (shapes.TRUE, 1, ""),
    (shapes.decimal(), "-1", ""),
    (shapes.decimal(), "01", ""),
    (shapes.decimal(), "1.", ""),
    (shapes.decimal(), ".5", ""),
    (shapes.decimal(), "1e3", ""),
    (shapes.decimal(), "\u0661", ""),
    (shapes.decimal(), 1, ""),
    (shapes.decimal(signed=True), "+1", ""),
    (shapes.DATE, "2026-02-30", ""),
    (shapes.DATE, "20260228", ""),
    (shapes.DATE, "0999-01-01", ""),
    (shapes.DATE, "9999-01-01", ""),
    (shapes.DATE, "2026-02-28\n", ""),
    (shapes.TIME, "2026-02-28", ""),
    (shapes.TIME, "2026-02-28T10:00:00", ""),
    (shapes.MOMENT, "2026-13-01", ""),
    (shapes.MOMENT, "2026-W01-1T00", ""),
    (shapes.DID, "did:key:z6Mk", ""),
    (shapes.DID, "did:key:z6MkeTG3bFFSLYVU7VqhgZxqr6YzpaGrQtFMh1uvqGy1vDnP\n", ""),
    (shapes.DID, None, ""),
    (shapes.HASH, 64 * "A", ""),
    (shapes.HASH, 63 * "0", ""),
    (shapes.DIGEST, 43 * "B", ""),  # the last character would hold bits beyond the 256
    (shapes.DIGEST, 44 * "A", ""),
    (shapes.STATEMENT, UUID.upper(), ""),
    (shapes.PARTY, UUID + "#authority", ""),
    (shapes.STAFF, "Anna M\u00fcller", ""),
    (shapes.STAFF, "", ""),
    (shapes.ITEM, UUID + "#authority", ""),
    (shapes.ITEM, "https://id.gs1.org/01/09520123456789/21/R2", ""),
    (shapes.URL, "http://shop.example/", ""),
    (shapes.URL, "https://anna@shop.example/", ""),
    (shapes.URL, "https://shop.example/<b>", ""),
    (shapes.URL, "https://shop.example/%zz", ""),
    (shapes.URL, "https://-shop.example/", ""),
    (shapes.URL, "https://shop.example/\n", ""),
    (shapes.URL, "https://shop.example/" + 2048 * "a", ""),
    (shapes.ABSENT, None, ""),
    (shapes.many(shapes.FLAG, 2), [True, True, True], ""),
    (shapes.many(shapes.FLAG, 2, at_least=1), [], ""),
    (shapes.many(shapes.FLAG, 2), {}, ""),
    (shapes.many(shapes.FLAG, 2), [True, 1], "/1"),
    (shapes.many(shapes.WORD, distinct=True), ["a", "b", "a"], ""),
    (shapes.mapping(shapes.FLAG, 1), {"a": True, "b": True}, ""),
    (shapes.mapping(shapes.FLAG, 1), [], ""),
    (shapes.mapping(shapes.FLAG, 1), {"a": 1}, "/a"),
    (shapes.mapping(shapes.FLAG, 1), {"a/b~c": 1}, "/a~1b~0c"),
    (shapes.either(shapes.FLAG, shapes.WORD), 1, ""),
    (shapes.either(shapes.FLAG, shapes.WORD), "No", ""),
    (shapes.record({"a": shapes.FLAG}), [], ""),
    (shapes.record({"a": shapes.FLAG}), {}, "/a"),
    (shapes.record({"a": shapes.FLAG}), {"a": None}, "/a"),
    (shapes.record({}, {"a": shapes.FLAG}), {"a": None}, "/a"),
    (shapes.record({}, {"a": shapes.FLAG, "b": shapes.FLAG}, together=(("a", "b"),)), {"a": True}, "/b"),
    (shapes.record({}, {"a": shapes.FLAG, "b": shapes.FLAG}, together=(("a", "b"),)), {"b": True}, "/a"),
    (shapes.record({}, others=shapes.FLAG), {"z/": 1}, "/z~1"),
    (shapes.record({"a": shapes.many(shapes.record({"b": shapes.FLAG}))}), {"a": [{"b": True}, {}]}, "/a/1/b"),
]


@pytest.mark.parametrize(("shape", "value"), TAKEN)
def test_takes(shape: Shape, value: Any) -> None:
    assert shape.check(value) == ()


@pytest.mark.parametrize(("shape", "value", "pointer"), WRONG)
def test_refuses_at_the_pointer(shape: Shape, value: Any, pointer: str) -> None:
    with pytest.raises(Invalid) as refused:
        shape.check(value)
    assert refused.value.pointer == pointer
    assert re.match("got .+, want .+", refused.value.message)


def test_unknown_members_are_reported_at_every_level() -> None:
    inner = shapes.record({}, {"a": shapes.FLAG})
    shape = shapes.record({}, {"list": shapes.many(inner), "names": shapes.mapping(inner), "one": inner})
    value = {
        "list": [{"a": True}, {"b": 1}],
        "names": {"n": {"c": 2}},
        "one": {"x/y": 3, "~": 4},
        "two": {"a": 1},
    }
    assert sorted(shape.check(value)) == ["/list/1/b", "/names/n/c", "/one/x~1y", "/one/~0", "/two"]


def test_a_key_of_another_type_is_unknown_and_not_wrong() -> None:
    with pytest.raises(Unknown) as untold:
        shapes.record({"keys": shapes.many(shapes.DID)}).check({"keys": [ED25519_DID, P256_DID, P256_DID]})
    assert untold.value.pointer == "/keys/1"


def test_what_is_wrong_wins_over_what_is_unknown() -> None:
    shape = shapes.record({"key": shapes.DID, "flag": shapes.FLAG})
    with pytest.raises(Invalid) as refused:
        shape.check({"key": P256_DID, "flag": 1})
    assert refused.value.pointer == "/flag"


@pytest.mark.parametrize(
    ("value", "told"),
    [
        ("good", "got 'good', "),
        ("Anna M\u00fcller", "got a string of 11 characters, "),
        (1_000_000, "got 1000000, "),
        (13_800_138_000, "got a greater integer, "),
        (True, "got true, "),
        (False, "got false, "),
        (None, "got null, "),
        (1.5, "got a number that is no integer, "),
        ([1, 2], "got a list of 2, "),
        ({"a": 1}, "got an object, "),
        (b"", "got something that is not JSON, "),
    ],
)
def test_messages_tell_the_form_and_only_harmless_content(value: Any, told: str) -> None:
    with pytest.raises(Invalid) as refused:
        shapes.refuse(value, "x")
    assert refused.value.message == told + "want x"


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8) | st.sampled_from(["pass", "2026-01-01", UUID]),
    lambda below: st.lists(below, max_size=3) | st.dictionaries(st.text(max_size=4) | st.sampled_from("ab"), below),
    max_leaves=8,
)
PLAIN = [shapes.text(4), shapes.words("pass"), shapes.integer(0, 9), shapes.FLAG, shapes.MOMENT, shapes.ANYTHING]
SHAPES = st.recursive(
    st.sampled_from(PLAIN),
    lambda below: (
        st.builds(lambda one: shapes.many(one, 2), below)
        | st.builds(lambda one: shapes.mapping(one, 2), below)
        | st.builds(lambda a, b: shapes.record({"a": a}, {"b": b}), below, below)
    ),
    max_leaves=6,
)


def exists(value: Any, pointer: str) -> bool:
    """Whether the JSON pointer (RFC 6901) leads to a place in ``value``."""
    for part in pointer.split("/")[1:]:
        name = part.replace("~1", "/").replace("~0", "~")
        try:
            value = value[int(name)] if isinstance(value, list) else value[name]
        except (KeyError, IndexError, TypeError, ValueError):
            return False
    return True


def judged(shape: Shape, value: Any) -> tuple[tuple[str, ...], PatinaError | None]:
    """The unknown members, or what was raised."""
    try:
        return shape.check(value), None
    except PatinaError as wrong:
        return (), wrong


@given(SHAPES, JSON)
def test_pointers_lead_to_places(shape: Shape, value: Any) -> None:
    unknown, wrong = judged(shape, value)
    assert all(exists(value, pointer) for pointer in unknown)
    if wrong is not None:
        assert isinstance(wrong, Invalid)
        assert exists(value, wrong.pointer) != wrong.message.startswith("got no ")


@given(st.dates())
def test_every_date_from_1000_to_9998_is_taken(day: Any) -> None:
    if 1000 <= day.year <= 9998:
        assert shapes.DATE.check(day.isoformat()) == ()
    else:
        with pytest.raises(Invalid):
            shapes.DATE.check(day.isoformat())
