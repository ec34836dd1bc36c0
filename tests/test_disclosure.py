"""Disclosures: RFC 9901's own example, the vectors, round trips, and each thing that is refused."""

from __future__ import annotations

import contextlib
import json
from base64 import urlsafe_b64encode
from hashlib import sha256
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from ledger.disclosure import (
    Disclosure,
    check_digests,
    check_disclosures,
    digest,
    format_base64url,
    format_each,
    make_disclosure,
    parse_base64url,
    parse_disclosure,
)
from ledger.errors import Disproved, Invalid, Malformed
from tests.vectors import vector

SALT = bytes(range(16))
names = st.from_regex(r"_?[A-Za-z][A-Za-z0-9_]{0,62}", fullmatch=True).filter(lambda n: n not in {"_sd", "_sd_alg"})
plain_values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53) + 1, 2**53 - 1) | st.text('aé維\n 1"\\', max_size=9),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(names, inner, max_size=3),
    max_leaves=8,
)


def spelled(raw: bytes) -> str:
    return urlsafe_b64encode(raw).decode().rstrip("=")


def written(*parts: Any) -> str:
    """A disclosure of any JSON, without a check."""
    return spelled(json.dumps(parts, separators=(",", ":"), ensure_ascii=False).encode())


def test_digest_of_the_rfc() -> None:
    # RFC 9901 §4.2.3: the digest of the disclosure of §4.2.1.
    text = "WyJfMjZiYzRMVC1hYzZxMktJNmNCVzVlcyIsICJmYW1pbHlfbmFtZSIsICJNw7ZiaXVzIl0"
    assert digest(text) == "X9yH0Ajrdm1Oij4tWso9UzzKJvPoDxwmuEcO3XAdRC0"
    # Its JSON has spaces, which format.md §1 does not allow.
    with pytest.raises(Malformed):
        parse_disclosure(text)


def test_disclosures_of_the_vector_ledger() -> None:
    ledger = vector("patina-format/ledger.json")
    leaves = [json.loads(leaf) for leaf in ledger["leaves"]]
    committed = {leaf["statement"]["id"]: leaf["statement"].get("_sd") for leaf in leaves if "statement" in leaf}
    opened: dict[str, Any] = {}
    for identifier, disclosures in ledger["disclosures"].items():
        check_digests(committed[identifier])
        opened |= check_disclosures(committed[identifier], disclosures)
        for text in disclosures:
            member = parse_disclosure(text)
            assert make_disclosure(member.name, member.value, member.salt) == text
            with pytest.raises(Disproved, match="not in the statement"):
                check_disclosures(["A" * 43], [text])
    assert opened.keys() == {"price", "customer"}
    assert opened["price"] == {"amount": "12800.00", "currency": "CNY"}


def test_disclosures_of_the_wrong_histories() -> None:
    refused = set()
    for case in vector("patina-format/wrong.json")["cases"]:
        for identifier, disclosures in case.get("history", {}).get("disclosures", {}).items():
            entries = [json.loads(entry) for part in case["history"]["histories"] for entry in part["entries"]]
            [sd] = {
                tuple(entry["statement"].get("_sd", ()))
                for entry in entries
                if entry.get("statement", {}).get("id") == identifier
            } or {()}
            try:
                check_disclosures(sd, disclosures)
            except Disproved:
                refused.add(case["name"])
    assert refused >= {"disc", "disc_elsewhere"}
    assert refused.isdisjoint({"swap", "badsig", "sib"})


@given(names, plain_values, st.binary(min_size=16, max_size=32))
def test_round_trip(name: str, value: Any, salt: bytes) -> None:
    text = make_disclosure(name, value, salt)
    assert parse_disclosure(text) == Disclosure(name, value, salt)
    assert digest(text) == spelled(sha256(text.encode()).digest())
    assert check_disclosures([digest(text)], [text]) == {name: value}


def test_a_disclosure_shows_no_value_in_its_repr() -> None:
    assert repr(Disclosure("price", "120.00", SALT)) == "Disclosure(name='price')"


@pytest.mark.parametrize("size", [0, 15, 33])
def test_salts_of_another_length(size: int) -> None:
    with pytest.raises(Invalid, match="salt"):
        make_disclosure("price", "1", bytes(size))
    with pytest.raises(Malformed, match="salt"):
        parse_disclosure(written(spelled(bytes(size)), "price", "1"))


@pytest.mark.parametrize("name", ["", "_sd", "_sd_alg", "1a", "a-b", "é", "__a", "a" * 64, "a\n", "..."])
def test_names_that_no_member_has(name: str) -> None:
    with pytest.raises(Invalid, match="private member"):
        make_disclosure(name, "1", SALT)
    with pytest.raises(Malformed):
        parse_disclosure(written(spelled(SALT), name, "1"))


@pytest.mark.parametrize("reserved", ["_sd", "_sd_alg"])
def test_values_with_digests_inside(reserved: str) -> None:
    values: list[Any] = [{reserved: []}, {"a": {reserved: "1"}}, [1, [{"b": 2}, {reserved: 3}]]]
    for value in values:
        with pytest.raises(Invalid, match="_sd"):
            make_disclosure("price", value, SALT)
        with pytest.raises(Malformed, match="_sd"):
            parse_disclosure(written(spelled(SALT), "price", value))
    # Only as a name is it reserved.
    assert parse_disclosure(make_disclosure("price", [reserved, ({"a": reserved},)], SALT)).value == [
        reserved,
        [{"a": reserved}],
    ]


@pytest.mark.parametrize("value", [1.5, 2**53, {"a-b": 1}, "\ud800", "\x00", {1: 2}])
def test_values_that_canonical_json_does_not_hold(value: Any) -> None:
    with pytest.raises(Invalid):
        make_disclosure("price", value, SALT)


def test_depth_is_bounded_before_the_walk() -> None:
    deep: Any = "x"
    for _ in range(15):
        deep = [deep]
    assert parse_disclosure(make_disclosure("price", deep, SALT)).value == deep
    with pytest.raises(Invalid):
        make_disclosure("price", [deep], SALT)
    endless: list[Any] = []
    endless.append(endless)
    with pytest.raises(Invalid):
        make_disclosure("price", endless, SALT)


GOOD = written(spelled(SALT), "price", "1")


@pytest.mark.parametrize(
    "text",
    [
        "",
        GOOD + "=",
        GOOD + "\n",
        GOOD[:-1],
        GOOD + "A",
        GOOD[:10] + "+" + GOOD[11:],
        GOOD[:10] + "\u0661" + GOOD[11:],
        written(spelled(SALT), "price"),
        written(spelled(SALT), "price", "1", "2"),
        written("price", "1"),
        written(None, "price", "1"),
        written(spelled(SALT), 1, "1"),
        written(spelled(SALT) + "==", "price", "1"),
        written(spelled(SALT)[:-1] + "9", "price", "1"),  # bits behind the last byte
        written("A" * 25, "price", "1"),
        spelled(b'{"a":1}'),
        spelled(b'{"a":"1","b":"2","c":"3"}'),
        spelled(b'"abc"'),
        spelled(b'["' + spelled(SALT).encode() + b'", "price","1"]'),
        spelled(b'["' + spelled(SALT).encode() + b'","price",1.5]'),
        spelled(b'["' + spelled(SALT).encode() + b'","price",{"b":1,"a":2}]'),
        spelled(b'["' + spelled(SALT).encode() + b'","price",{"a":1,"a":2}]'),
        spelled(b"\xff\xfe"),
        spelled(b"[[[["),
    ],
)
def test_what_is_no_disclosure(text: str) -> None:
    with pytest.raises(Malformed):
        parse_disclosure(text)
    with pytest.raises(Disproved) as error:
        check_disclosures(["A" * 43], [text])
    assert error.value.check == 9


def test_each_way_to_open_what_is_not_there() -> None:
    one, again = make_disclosure("price", "1", SALT), make_disclosure("price", "1", SALT[::-1])
    other = make_disclosure("note", "1", SALT)
    decoy = "A" * 43
    sd = sorted([digest(one), digest(again), decoy])
    assert check_disclosures(sd, []) == {}
    assert check_disclosures(sd, [one]) == check_disclosures(sd, [again]) == {"price": "1"}
    for given_ones, why in (
        ([other], "not in the statement"),
        ([one, again], "two disclosures of price"),
        ([one, one], "two disclosures of price"),
        ([one] * 4, "at most 3"),
    ):
        with pytest.raises(Disproved, match=why) as error:
            check_disclosures(sd, given_ones)
        assert error.value.check == 9
    with pytest.raises(Disproved, match="at most 0"):
        check_disclosures([], [one])


DIGESTS = sorted(spelled(sha256(bytes([n])).digest()) for n in range(65))


def test_digests_in_form() -> None:
    for size in (1, 2, 64):
        check_digests(DIGESTS[:size])


def test_the_last_letter_of_a_digest_is_one_that_32_bytes_can_end_in() -> None:
    letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    ends = {spelled(bytes([*bytes(31), last]))[-1] for last in range(256)}
    assert len(ends) == 16
    for letter in letters:
        text = "A" * 42 + letter
        if letter in ends:
            check_digests([text])
        else:
            with pytest.raises(Invalid, match="out of form"):
                check_digests([text])


@pytest.mark.parametrize(
    ("sd", "pointer"),
    [
        ([], "/_sd"),
        (DIGESTS, "/_sd"),
        (DIGESTS[:2][::-1], "/_sd/1"),
        ([DIGESTS[0], DIGESTS[0]], "/_sd/1"),
        ([DIGESTS[0], DIGESTS[1] + "="], "/_sd/1"),
        ([DIGESTS[0][:-1]], "/_sd/0"),
        ([DIGESTS[0] + "A"], "/_sd/0"),
        (["A" * 42 + "B"], "/_sd/0"),  # bits behind the last byte
        (["+" + "A" * 42], "/_sd/0"),
        ([""], "/_sd/0"),
    ],
)
def test_digests_out_of_form(sd: list[str], pointer: str) -> None:
    with pytest.raises(Invalid, match="digest") as error:
        check_digests(sd)
    assert error.value.pointer == pointer


@example(b"\x00\x00\x31")  # AAAx: only padding is stripped, and no letter
@given(st.binary(max_size=40))
def test_base64url_round_trip(raw: bytes) -> None:
    assert format_base64url(raw) == spelled(raw)
    assert parse_base64url(spelled(raw)) == raw


@given(st.lists(st.binary(max_size=40)))
def test_many_are_spelled_as_each_is(raws: list[bytes]) -> None:
    assert format_each(raws) == [spelled(raw) for raw in raws]


@given(st.text(max_size=30) | st.text("AQgw-_=", max_size=30) | plain_values.map(lambda v: written("A" * 22, "a", v)))
def test_only_our_errors(text: str) -> None:
    with contextlib.suppress(Malformed):
        member = parse_disclosure(text)
        assert make_disclosure(member.name, member.value, member.salt) == text
    with contextlib.suppress(Disproved):
        check_disclosures(["A" * 43], [text])
