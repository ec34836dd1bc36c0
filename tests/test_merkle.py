"""The Merkle tree against the plain recursion of RFC 6962 and the published vectors."""

from __future__ import annotations

import json
from base64 import b64decode
from hashlib import sha256
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.errors import Disproved, Malformed
from ledger.merkle import (
    EMPTY_ROOT,
    MAX_PROOF,
    MAX_SIZE,
    TILE_WIDTH,
    Frontier,
    check_consistency,
    check_inclusion,
    leaf_hash,
    node_hash,
    prove_consistency,
    prove_inclusion,
    root_from,
    root_from_inclusion,
    root_of_tile,
)
from tests.reference import merkle as reference
from tests.vectors import find_vectors, vector

ENTRIES = [f"entry {number}".encode() for number in range(70)]
LEAVES = [leaf_hash(entry) for entry in ENTRIES]
ROOTS = [reference.root(ENTRIES[:size]) for size in range(len(ENTRIES) + 1)]
OTHER = bytes(32)
# The vectors' library refuses each consistency check from size 0, in three files for no other reason. The witness
# protocol allows them, if the root of no leaves is the empty one: it is in the first file and not in the others.
FROM_NOTHING = "size1-is-zero-and-size2-is-not-zero.json"


def read(level: int, number: int) -> bytes:
    """The root of a full subtree of ENTRIES; one that is not full is a mistake of the caller."""
    part = ENTRIES[number << level : (number + 1) << level]
    assert len(part) == 1 << level
    return reference.root(part)


def test_leaf_node_and_empty_hashes_are_those_of_the_published_tree() -> None:
    published = vector("transparency-dev-merkle/rfc6962-tree8.json")
    empty, *leaf_cases, node = published["hash_vectors"]
    assert bytes.fromhex(empty["want"]) == EMPTY_ROOT
    for case in leaf_cases:
        assert leaf_hash(bytes.fromhex(case["leaf"])).hex() == case["want"]
    assert node_hash(bytes.fromhex(node["left"]), bytes.fromhex(node["right"])).hex() == node["want"]
    leaves = [leaf_hash(bytes.fromhex(raw)) for raw in published["leaf_inputs"]]
    for size, root in enumerate(published["root_hashes_by_size"]):
        assert root_from(leaves[:size]).hex() == root
    for level, hashes in enumerate(published["node_hashes_by_level"]):
        width = 1 << level
        assert [root_from(leaves[n * width : (n + 1) * width]).hex() for n in range(len(hashes))] == hashes
        assert len(hashes) * width == len(leaves)


def test_the_hash_of_a_record_is_that_of_go() -> None:
    want = vector("golang-mod-note/tlog.json")["record_hash_of_hello_world_b64"]
    assert leaf_hash(b"hello world") == b64decode(want)


def test_roots_of_a_real_ledger() -> None:
    ledger = vector("patina-format/ledger.json")
    frontier = Frontier()
    assert frontier.root().hex() == ledger["roots"]["0"]
    for size, leaf in enumerate(ledger["leaves"], start=1):
        digest = leaf_hash(leaf.encode())
        assert digest.hex() == ledger["leaf_hashes"][size - 1]
        frontier.append(digest)
        assert frontier.root().hex() == ledger["roots"][str(size)]


@pytest.mark.parametrize("size", [1, 2, 8, 64])
def test_the_root_of_a_full_tile_is_that_of_the_recursion(size: int) -> None:
    assert root_of_tile(LEAVES[:size]) == ROOTS[size]


def test_a_tile_is_256_hashes_wide_and_no_row_of_it_is_odd() -> None:
    assert TILE_WIDTH == 256  # C2SP tlog-tiles
    for size in (3, 6):
        with pytest.raises(ValueError, match="shorter"):
            root_of_tile(LEAVES[:size])


def published(kind: str) -> list[Any]:
    folder = find_vectors()
    if folder is None:
        return [pytest.param(None, id="the shared vectors are absent")]
    files = sorted((folder / "transparency-dev-merkle" / "testdata" / kind).rglob("*.json"))
    return [pytest.param(path, id="/".join(path.parts[-2:])) for path in files]


def root_of(case: dict[str, Any], name: str) -> bytes:
    """A root of a consistency vector; where the proof does not matter they hold a few words instead."""
    words = b64decode(case[name])
    return words if len(words) == 32 else sha256(words).digest()


@pytest.mark.parametrize("path", published("inclusion"))
def test_published_inclusion_vectors(path: Any) -> None:
    if path is None:
        pytest.skip("the shared vectors are absent")
    case = json.loads(path.read_text())
    arguments = (
        case["leafIdx"],
        case["treeSize"],
        b64decode(case["leafHash"] or ""),
        [b64decode(item) for item in case["proof"] or []],
        b64decode(case["root"] or ""),
    )
    if case["wantErr"]:
        with pytest.raises((Malformed, Disproved)):
            check_inclusion(*arguments)
    else:
        check_inclusion(*arguments)


@pytest.mark.parametrize("path", published("consistency"))
def test_published_consistency_vectors(path: Any) -> None:
    if path is None:
        pytest.skip("the shared vectors are absent")
    case = json.loads(path.read_text())
    arguments = (
        case["size1"],
        case["size2"],
        root_of(case, "root1"),
        root_of(case, "root2"),
        [b64decode(item) for item in case["proof"] or []],
    )
    if case["wantErr"] and path.name != FROM_NOTHING:
        with pytest.raises((Malformed, Disproved)):
            check_consistency(*arguments)
    else:
        check_consistency(*arguments)


def test_every_inclusion_in_every_small_tree() -> None:
    for size in range(1, len(ENTRIES) + 1):
        for index in range(size):
            proof = prove_inclusion(index, size, read)
            assert proof == reference.inclusion(index, ENTRIES[:size])
            check_inclusion(index, size, LEAVES[index], proof, ROOTS[size])


def test_every_consistency_of_every_small_tree() -> None:
    for new in range(1, 40):
        for old in range(new + 1):
            proof = prove_consistency(old, new, read)
            assert proof == ([] if old in (0, new) else reference.consistency(old, ENTRIES[:new]))
            check_consistency(old, new, ROOTS[old], ROOTS[new], proof)


@given(st.data())
def test_an_inclusion_proof_that_is_wrong_in_one_thing_is_disproved(data: st.DataObject) -> None:
    size = data.draw(st.integers(1, len(ENTRIES)))
    index = data.draw(st.integers(0, size - 1))
    proof = prove_inclusion(index, size, read)
    wrong_leaf = data.draw(st.sampled_from([OTHER, node_hash(LEAVES[index], LEAVES[index])]))
    cases = [
        (index, size, wrong_leaf, proof, ROOTS[size]),
        (index, size, LEAVES[index], proof, OTHER),
        (index, size, LEAVES[index], [*proof, OTHER], ROOTS[size]),
        (size, size, LEAVES[index], proof, ROOTS[size]),
    ]
    if proof:
        place = data.draw(st.integers(0, len(proof) - 1))
        cases += [
            (index, size, LEAVES[index], proof[:place] + proof[place + 1 :], ROOTS[size]),
            (index, size, LEAVES[index], [*proof[:place], OTHER, *proof[place + 1 :]], ROOTS[size]),
            (index ^ 1, size, LEAVES[index], proof, ROOTS[size]),
        ]
    for case in cases:
        with pytest.raises(Disproved) as caught:
            check_inclusion(*case)
        assert caught.value.check == "inclusion"


@given(st.data())
def test_a_consistency_proof_that_is_wrong_in_one_thing_is_disproved(data: st.DataObject) -> None:
    new = data.draw(st.integers(2, len(ENTRIES)))
    old = data.draw(st.integers(1, new - 1))
    proof = prove_consistency(old, new, read)
    place = data.draw(st.integers(0, len(proof) - 1))
    for wrong in (
        (old, new, OTHER, ROOTS[new], proof),
        (old, new, ROOTS[old], OTHER, proof),
        (old, new, ROOTS[old], ROOTS[new], []),
        (old, new, ROOTS[old], ROOTS[new], [*proof, OTHER]),
        (old, new, ROOTS[old], ROOTS[new], proof[:place] + proof[place + 1 :]),
        (old, new, ROOTS[old], ROOTS[new], [*proof[:place], OTHER, *proof[place + 1 :]]),
        (new, old, ROOTS[new], ROOTS[old], proof),
        (old, old, ROOTS[old], ROOTS[old], proof),
    ):
        with pytest.raises(Disproved) as caught:
            check_consistency(*wrong)
        assert caught.value.check == "consistency"


def test_trees_of_one_size_have_one_root_and_no_proof() -> None:
    check_consistency(5, 5, ROOTS[5], ROOTS[5], [])
    with pytest.raises(Disproved, match="two roots of one size"):
        check_consistency(5, 5, ROOTS[5], OTHER, [])
    with pytest.raises(Disproved, match="trees of one size"):
        check_consistency(5, 5, ROOTS[5], ROOTS[5], [OTHER])
    check_consistency(0, 0, EMPTY_ROOT, EMPTY_ROOT, [])
    with pytest.raises(Disproved, match="not the empty one"):
        check_consistency(0, 0, OTHER, OTHER, [])


def test_every_tree_begins_with_the_empty_one() -> None:
    check_consistency(0, 7, EMPTY_ROOT, ROOTS[7], [])
    with pytest.raises(Disproved, match="not the empty one"):
        check_consistency(0, 7, OTHER, ROOTS[7], [])
    with pytest.raises(Disproved, match="from the empty tree"):
        check_consistency(0, 7, EMPTY_ROOT, ROOTS[7], [OTHER])


def test_a_tree_that_shrinks_is_disproved_for_that() -> None:
    with pytest.raises(Disproved, match="want no fewer"):
        check_consistency(2, 1, ROOTS[2], ROOTS[1], [OTHER])


def test_a_proof_of_another_length_leads_to_no_root() -> None:
    proof = prove_inclusion(2, 5, read)
    with pytest.raises(Disproved, match="too long"):
        root_from_inclusion(2, 5, LEAVES[2], [*proof, OTHER])
    with pytest.raises(Disproved, match="too short"):
        root_from_inclusion(2, 5, LEAVES[2], proof[:-1])


def test_a_consistency_proof_of_another_length_is_disproved_for_that() -> None:
    proof = prove_consistency(3, 7, read)
    for wrong, message in (([*proof, OTHER], "too long"), (proof[:-1], "too short"), ([], "no proof")):
        with pytest.raises(Disproved, match=message):
            check_consistency(3, 7, ROOTS[3], ROOTS[7], wrong)


def test_the_largest_tree_has_proofs_within_the_bound() -> None:
    def fake(level: int, number: int) -> bytes:
        return node_hash(level.to_bytes(8, "big"), number.to_bytes(8, "big"))

    proof = prove_inclusion(0, MAX_SIZE, fake)
    assert len(proof) == MAX_PROOF
    check_inclusion(0, MAX_SIZE, fake(0, 0), proof, root_from_inclusion(0, MAX_SIZE, fake(0, 0), proof))
    assert prove_consistency(MAX_SIZE, MAX_SIZE, fake) == []
    assert Frontier(MAX_SIZE, [OTHER] * 63).size == MAX_SIZE
    assert len(prove_consistency(2**61 - 1, 2**62, fake)) <= MAX_PROOF


@pytest.mark.parametrize(
    ("index", "size", "leaf", "proof", "root"),
    [
        pytest.param(-1, 1, LEAVES[0], [], ROOTS[1], id="a negative index"),
        pytest.param(0, -1, LEAVES[0], [], ROOTS[1], id="a negative size"),
        pytest.param(0, 2**63, LEAVES[0], [OTHER] * 63, ROOTS[1], id="a size beyond 2^63-1"),
        pytest.param(0, 2, LEAVES[0], [b"short"], ROOTS[2], id="a short hash in the proof"),
        pytest.param(0, 1, LEAVES[0] + b"x", [], ROOTS[1], id="a long leaf hash"),
        pytest.param(0, 1, LEAVES[0], [], ROOTS[1][:31], id="a short root"),
        pytest.param(0, MAX_SIZE, LEAVES[0], [OTHER] * 64, ROOTS[1], id="64 hashes"),
    ],
)
def test_what_cannot_be_an_inclusion_proof_is_malformed(
    index: int, size: int, leaf: bytes, proof: list[bytes], root: bytes
) -> None:
    with pytest.raises(Malformed):
        check_inclusion(index, size, leaf, proof, root)


@pytest.mark.parametrize(
    ("old", "new", "old_root", "new_root", "proof"),
    [
        pytest.param(-1, 1, OTHER, OTHER, [], id="a negative size"),
        pytest.param(1, 2**63, OTHER, OTHER, [OTHER], id="a size beyond 2^63-1"),
        pytest.param(1, 2, OTHER, OTHER, [b""], id="an empty hash in the proof"),
        pytest.param(1, 2, OTHER, OTHER, [OTHER] * 64, id="64 hashes"),
        pytest.param(0, 1, b"", OTHER, [], id="an empty old root"),
        pytest.param(0, 1, EMPTY_ROOT, b"", [], id="an empty new root"),
    ],
)
def test_what_cannot_be_a_consistency_proof_is_malformed(
    old: int, new: int, old_root: bytes, new_root: bytes, proof: list[bytes]
) -> None:
    with pytest.raises(Malformed):
        check_consistency(old, new, old_root, new_root, proof)


@pytest.mark.parametrize(("index", "size"), [(0, 0), (-1, 3), (3, 3), (0, 2**63)])
def test_no_proof_of_a_leaf_outside_the_tree(index: int, size: int) -> None:
    with pytest.raises(Malformed):
        prove_inclusion(index, size, read)


@pytest.mark.parametrize(("old", "new"), [(-1, 3), (4, 3), (0, 2**63)])
def test_no_proof_of_a_tree_that_shrinks(old: int, new: int) -> None:
    with pytest.raises(Malformed):
        prove_consistency(old, new, read)


def test_append_reports_the_subtrees_that_it_completes() -> None:
    frontier = Frontier()
    for index, leaf in enumerate(LEAVES):
        completed = frontier.append(leaf)
        levels = ((index + 1) & -(index + 1)).bit_length()
        assert completed == [read(level, index >> level) for level in range(levels)]


@given(st.integers(0, len(LEAVES)), st.integers(0, len(LEAVES)))
def test_an_edge_that_was_dumped_and_loaded_grows_as_before(size: int, more: int) -> None:
    frontier = Frontier()
    frontier.extend(LEAVES[:size])
    kept = frontier.copy()
    again = Frontier.load(frontier.dump())
    again.extend(LEAVES[size:more])
    frontier.extend(LEAVES[size:more])
    assert again.dump() == frontier.dump()
    assert again.root() == ROOTS[max(size, more)]
    assert (kept.size, kept.root()) == (size, ROOTS[size])


@given(st.binary(max_size=80) | st.integers(0, 9).map(lambda size: size.to_bytes(8, "big") + bytes(64)))
def test_loading_an_edge_raises_only_malformed(raw: bytes) -> None:
    try:
        frontier = Frontier.load(raw)
    except Malformed:
        return
    assert frontier.dump() == raw


def test_an_edge_of_the_wrong_shape_is_refused() -> None:
    for size, hashes in [(1, []), (0, [OTHER]), (3, [OTHER]), (1, [b"short"]), (-1, [OTHER]), (2**63, [OTHER])]:
        with pytest.raises(Malformed):
            Frontier(size, hashes)
