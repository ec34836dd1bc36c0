"""Leaves and statements by form (format.md §2, §4): exact members, exact spellings, and one error of our own."""

from __future__ import annotations

import contextlib
import json
from pathlib import Path
from typing import Any

import msgspec
import pytest
import rfc8785
from hypothesis import given
from hypothesis import strategies as st

from ledger import leaf
from ledger.errors import Invalid, Malformed, Unknown
from ledger.leaf import Entry, Seal, Signature, Statement
from tests.world import LEDGER, RING, uuid

ENTRY: dict[str, Any] = {
    "index": 7,
    "links": [{"prev": "ab" * 32, "seq": 3, "subject": RING}],
    "prev": "cd" * 32,
    "recorded_at": "2026-11-28T00:00:04.000Z",
    "signatures": [{"key": "did:key:z6Mk1", "sig": "AA=="}],
    "statement": {
        "agent": "t-88",
        "attachments": [{"media_type": "image/jpeg", "name": "front.jpg", "sha256": "ef" * 32, "size": 9}],
        "case": uuid("case"),
        "details": {"tests": [], "work": ["polish"]},
        "id": uuid("statement"),
        "ledger": "12" * 32,
        "occurred_at": "2026-11-13T10:00:00+08:00",
        "party": uuid("shop"),
        "subjects": [RING],
        "type": "repair.completed",
    },
    "v": 1,
}
SEAL: dict[str, Any] = {
    "index": 8, "map_root": "ab" * 32, "prev": "cd" * 32, "recorded_at": "2026-11-28T00:00:04.000Z", "v": 1
}  # fmt: skip
SD = ["0aJS4-dBOTBnue3LQI1VRgoLQy8d-TCU6DlzD7rz2hA", "qKa7H3LVVOJvMAQFvurvtcbU9UU2JOZVaxmDi5kuLZE"]
ABSENT = object()


def changed(value: dict[str, Any], path: str, new: object) -> bytes:
    """The canonical bytes of a copy of a leaf with one member set, or left out."""
    copy = json.loads(json.dumps(value))
    at = copy
    *steps, last = path.split("/")
    for step in steps:
        at = at[int(step)] if isinstance(at, list) else at[step]
    if new is ABSENT:
        del at[last]
    else:
        at[int(last) if isinstance(at, list) else last] = new
    return rfc8785.dumps(copy)


def test_leaves_are_read_and_written_alike() -> None:
    raw = rfc8785.dumps(ENTRY)
    entry = leaf.parse_leaf(raw)
    assert isinstance(entry, Entry)
    assert leaf.format_entry(entry) == raw
    assert entry.statement.agent == "t-88"
    assert leaf.statement_bytes(entry.statement) == rfc8785.dumps(ENTRY["statement"])
    assert leaf.parse_statement(leaf.statement_bytes(entry.statement)) == entry.statement
    seal = leaf.parse_leaf(rfc8785.dumps(SEAL))
    assert isinstance(seal, Seal)
    assert leaf.format_seal(seal) == rfc8785.dumps(SEAL)


def test_the_vectors_leaves_are_read_and_written_alike(vectors: Path) -> None:
    ledger = json.loads((vectors / "patina-format" / "ledger.json").read_text())
    for text in ledger["leaves"]:
        parsed = leaf.parse_leaf(text.encode())
        written = leaf.format_entry(parsed) if isinstance(parsed, Entry) else leaf.format_seal(parsed)
        assert written == text.encode()
        if isinstance(parsed, Entry):
            assert leaf.check_details(parsed.statement) == ()


REFUSED: list[tuple[str, object]] = [
    ("v", 0),
    ("v", True),
    ("v", "1"),
    ("index", -1),
    ("index", 2**53),
    ("index", "7"),
    ("prev", "AB" * 32),
    ("prev", "ab" * 31),
    ("recorded_at", "2026-11-28T00:00:04Z"),
    ("recorded_at", "2026-02-30T00:00:04.000Z"),
    ("extra", 1),
    ("map_root", "ab" * 32),
    ("links", []),
    ("links/0/seq", 0),
    ("links/0/prev", None),
    ("links/0/prev", "xy" * 32),
    ("links/0/subject", "https://id.gs1.org/01/09520123456788/21/R2"),
    ("links/0/x", 1),
    ("signatures", []),
    ("signatures", [{"key": "a", "sig": "b"}] * 2),
    ("signatures", [{"key": str(n), "sig": "b"} for n in range(5)]),
    ("signatures/0/x", 1),
    ("statement/x", 1),
    ("statement/id", ABSENT),
    ("statement/id", "URN:UUID:00000000-0000-7000-8000-0000000000ca"),
    ("statement/id", uuid("statement") + "\n"),
    ("statement/id", ""),
    ("statement/type", "repair"),
    ("statement/type", "repair.Completed"),
    ("statement/ledger", ""),
    ("statement/ledger", "-"),
    ("statement/ledger", None),
    ("statement/case", "urn:uuid:1"),
    ("statement/corrects", "x"),
    ("statement/grant", "ab" * 32),
    ("statement/grant", "g"),
    ("statement/agent", ""),
    ("statement/agent", "Anna Example"),
    ("statement/agent", "a" * 65),
    ("statement/subjects", []),
    ("statement/subjects", [RING, RING]),
    ("statement/subjects/0", "https://id.gs1.org/01/09520123456788/21/r%2f1"),
    ("statement/party", RING),
    ("statement/party", uuid("shop") + "#authority"),
    ("statement/occurred_at", "2026-11-13"),
    ("statement/details", []),
    ("statement/details", {"weight": 1.5}),
    ("statement/details", {"n": 2**53}),
    ("statement/details", {"é": 1}),
    ("statement/details", {"note": "a\u202eb"}),
    ("statement/attachments", []),
    ("statement/attachments/0/name", "../front.jpg"),
    ("statement/attachments/0/size", -1),
    ("statement/attachments/0/media_type", "image"),
    ("statement/_sd", SD),
    ("statement/_sd_alg", "sha-256"),
]


@pytest.mark.parametrize(
    ("path", "new"),
    REFUSED,
    ids=[f"{path}={'absent' if new is ABSENT else str(new)[:30]}" for path, new in REFUSED],  # alike in every process
)
def test_a_leaf_that_departs_in_one_thing_is_refused(path: str, new: object) -> None:
    """The bytes are JCS of what they say, so that nothing but this one thing is wrong."""
    if "9007199254740992" in str(new):
        # The oracle cannot write this number either.
        raw = changed(ENTRY, path, json.loads(json.dumps(new).replace("740992", "740991"))).replace(
            b"740991", b"740992"
        )
    else:
        raw = changed(ENTRY, path, new)
    with pytest.raises(Malformed) as caught:
        leaf.parse_leaf(raw)
    assert type(caught.value) is Malformed


@pytest.mark.parametrize(
    ("sd", "stands"),
    [
        (SD, True),
        (SD[:1], True),
        (SD[::-1], False),
        (SD[:1] * 2, False),
        ([], False),
        (["a"], False),
        ([SD[0][:-1] + "B"], False),
    ],
)
def test_digests_are_sorted_distinct_and_well_formed(sd: list[str], *, stands: bool) -> None:
    statement = {**ENTRY["statement"], "_sd": sd, "_sd_alg": "sha-256"}
    raw = rfc8785.dumps({**ENTRY, "statement": statement})
    if stands:
        parsed = leaf.parse_leaf(raw)
        assert isinstance(parsed, Entry)
        assert parsed.statement.sd == tuple(sd)
        assert leaf.format_entry(parsed) == raw
    else:
        with pytest.raises(Malformed):
            leaf.parse_leaf(raw)


@pytest.mark.parametrize("path", ["index", "map_root", "prev", "recorded_at", "v"])
def test_a_seal_has_all_its_members(path: str) -> None:
    with pytest.raises(Malformed):
        leaf.parse_leaf(changed(SEAL, path, ABSENT))
    with pytest.raises(Malformed):
        leaf.parse_leaf(changed(SEAL, path, [1]))


def test_a_leaf_of_a_later_version_is_unknown_and_never_wrong() -> None:
    for value in (ENTRY, SEAL):
        with pytest.raises(Unknown):
            leaf.parse_leaf(changed(value, "v", 2))
    with pytest.raises(Unknown):
        leaf.parse_leaf(rfc8785.dumps({"v": 3, "anything": ["else"]}))
    with pytest.raises(Malformed):
        leaf.parse_leaf(b'{"v":3, "anything":[]}')


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"null",
        b"[]",
        b"{",
        b"\xff",
        b'{"index":1,"index":1}',
        rfc8785.dumps(ENTRY) + b"\n",
        rfc8785.dumps(ENTRY).replace(b'"v":1', b'"v":1.0'),
        rfc8785.dumps(ENTRY).replace(b"polish", b"p\\u006flish"),
        rfc8785.dumps(ENTRY).replace(b"polish", b"\\ud800"),
        rfc8785.dumps(ENTRY).replace(b'"polish"', b"[" * 2000 + b"]" * 2000),
        json.dumps(ENTRY).encode(),
    ],
)
def test_other_spellings_are_refused(raw: bytes) -> None:
    with pytest.raises(Malformed):
        leaf.parse_leaf(raw)


def test_limits_hold_to_the_byte() -> None:
    statement = {**ENTRY["statement"], "details": {"note": ""}}
    room = leaf.MAX_STATEMENT - len(rfc8785.dumps(statement))
    fits = {**statement, "details": {"note": "x" * room}}
    assert isinstance(leaf.parse_leaf(rfc8785.dumps({**ENTRY, "statement": fits})), Entry)
    assert len(leaf.statement_bytes(leaf.statement_from(fits))) == leaf.MAX_STATEMENT
    over = {**statement, "details": {"note": "x" * (room + 1)}}
    with pytest.raises(Malformed):
        leaf.parse_leaf(rfc8785.dumps({**ENTRY, "statement": over}))
    with pytest.raises(Malformed):
        leaf.parse_statement(rfc8785.dumps(over))
    with pytest.raises(Invalid):
        leaf.statement_bytes(leaf.statement_from(over))
    with pytest.raises(Malformed, match="65535"):
        leaf.parse_leaf(b" " * (leaf.MAX_LEAF + 1))


def test_an_entry_that_no_bundle_could_hold_is_not_written() -> None:
    entry = leaf.parse_leaf(rfc8785.dumps(ENTRY))
    assert isinstance(entry, Entry)
    links = tuple(leaf.Link(RING, 1, "ab" * 32) for _ in range(600))
    with pytest.raises(Invalid, match="65535"):
        leaf.format_entry(msgspec.structs.replace(entry, links=links))


def nested(depth: int) -> object:
    """A text inside so many arrays."""
    return "deep" if depth == 0 else [nested(depth - 1)]


FORBIDDEN: list[tuple[str, object]] = [
    ("details/work", [nested(40)]),
    ("details/work", ["a line\u0007"]),
    ("details/number", 2**53 - 1),  # and one more, which rfc8785 would not write
    ("details/Upper case", "x"),
]
"""What format.md §1 forbids in bytes that are otherwise canonical: depth, control characters, integers, names."""


@pytest.mark.parametrize(("path", "new"), FORBIDDEN)
def test_what_the_format_forbids_in_details_is_refused_wherever_it_is_read_or_written(path: str, new: object) -> None:
    largest, more = str(2**53 - 1).encode(), str(2**53).encode()
    with pytest.raises(Malformed):
        leaf.parse_leaf(changed(ENTRY, f"statement/{path}", new).replace(largest, more))
    body = changed(ENTRY["statement"], path, new).replace(largest, more)
    with pytest.raises(Malformed) as read:
        leaf.parse_statement(body)
    # Inside of a leaf a statement is one level deeper, and pointers are told from the statement on.
    assert not read.value.pointer.startswith("/statement")
    with pytest.raises(Invalid):
        leaf.statement_bytes(msgspec.json.decode(body, type=Statement))


def test_a_seals_number_is_one_that_the_format_allows() -> None:
    largest = changed(SEAL, "index", 2**53 - 1)
    assert isinstance(leaf.parse_leaf(largest), Seal)
    with pytest.raises(Malformed):
        leaf.parse_leaf(largest.replace(b"9007199254740991", b"9007199254740992"))


@pytest.mark.parametrize(
    ("occurred", "stands"),
    [("2026-11-28T00:05:04Z", True), ("2026-11-28T00:05:04.000001Z", False), ("2026-11-28T08:05:04+08:00", True)],
)
def test_a_time_may_lie_five_minutes_after_it_is_recorded(occurred: str, *, stands: bool) -> None:
    entry = leaf.parse_leaf(changed(ENTRY, "statement/occurred_at", occurred))
    assert isinstance(entry, Entry)
    if stands:
        leaf.check_time(entry)
        return
    with pytest.raises(Invalid) as refused:
        leaf.check_time(entry)
    assert refused.value.pointer == "/occurred_at"


@pytest.mark.parametrize(
    ("keys", "stands"), [("", False), ("a", True), ("abcd", True), ("abcde", False), ("aba", False)]
)
def test_an_entry_has_one_to_four_signatures_by_different_keys(keys: str, *, stands: bool) -> None:
    entry = leaf.parse_leaf(rfc8785.dumps(ENTRY))
    assert isinstance(entry, Entry)
    signatures = tuple(Signature(f"did:key:z6Mk{key}", "AA==") for key in keys)
    signed = msgspec.structs.replace(entry, signatures=signatures)
    if stands:
        assert leaf.format_entry(signed).count(b'"sig"') == len(keys)
        return
    with pytest.raises(Invalid) as refused:
        leaf.format_entry(signed)
    assert refused.value.pointer == "/signatures"


def test_a_drafts_errors_point_to_the_member() -> None:
    good = ENTRY["statement"]
    cases: list[tuple[object, str]] = [
        ([], ""),
        ({**good, "grant": None}, "/grant"),
        ({**good, "subjects": "x"}, "/subjects"),
        ({**good, "subjects": [RING, "x"]}, "/subjects/1"),
        ({**good, "id": "x"}, "/id"),
        ({**good, "attachments": [{"name": "a"}]}, "/attachments/0"),
        ({**good, "occurred_at": "yesterday"}, "/occurred_at"),
        ({**good, "_sd": SD}, "/_sd"),
    ]
    for value, pointer in cases:
        with pytest.raises(Invalid) as caught:
            leaf.statement_from(value, "/statement")
        assert caught.value.pointer == "/statement" + pointer


def test_a_draft_without_a_member_is_told_which() -> None:
    without = {name: member for name, member in ENTRY["statement"].items() if name != "type"}
    for value, name in (({}, "id"), (without, "type")):
        with pytest.raises(Invalid) as caught:
            leaf.statement_from(value)
        assert caught.value.message == f"got no {name}, want it"


def test_a_statement_without_a_ledger_is_entry_0s() -> None:
    value = {name: member for name, member in ENTRY["statement"].items() if name != "ledger"}
    assert leaf.statement_from({**value, "subjects": [LEDGER]}).ledger is None


@given(st.binary(max_size=300))
def test_any_bytes_raise_only_our_own_errors(raw: bytes) -> None:
    for parse in (leaf.parse_leaf, leaf.parse_statement):
        with pytest.raises((Malformed, Unknown)):
            parse(raw)


@given(st.data())
def test_any_changed_byte_raises_only_our_own_errors(data: st.DataObject) -> None:
    raw = bytearray(rfc8785.dumps(ENTRY))
    for _ in range(data.draw(st.integers(1, 4))):
        raw[data.draw(st.integers(0, len(raw) - 1))] = data.draw(st.integers(0, 255))
    with contextlib.suppress(Malformed, Unknown):
        parsed = leaf.parse_leaf(bytes(raw))
        assert isinstance(parsed, Entry)
        assert leaf.format_entry(parsed) == bytes(raw)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3),
    max_leaves=8,
)


@given(st.sampled_from(sorted(ENTRY["statement"])), JSON)
def test_any_member_raises_only_our_own_errors(name: str, value: object) -> None:
    with contextlib.suppress(Invalid):
        leaf.statement_bytes(leaf.statement_from({**ENTRY["statement"], name: value}))


@pytest.mark.parametrize("body", [b'{"a" :1}', b"{}", rfc8785.dumps({**ENTRY["statement"], "id": "x"})])
def test_a_statement_is_held_to_its_form_and_to_canonical_bytes(body: bytes) -> None:
    with pytest.raises(Malformed):
        leaf.parse_statement(body)
    spaced = json.dumps(ENTRY["statement"], sort_keys=True).encode()
    with pytest.raises(Malformed, match="canonical"):
        leaf.parse_statement(spaced)


def test_a_subject_stands_once() -> None:
    with pytest.raises(Invalid) as caught:
        leaf.statement_from({**ENTRY["statement"], "subjects": [RING, RING]})
    assert caught.value.pointer == "/subjects"
