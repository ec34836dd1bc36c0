"""tlog-proof texts against another project's values and the receipts of a real ledger."""

from __future__ import annotations

from base64 import b64decode

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from ledger.checkpoint import check_checkpoint
from ledger.errors import Malformed
from ledger.merkle import MAX_PROOF, check_inclusion, leaf_hash
from ledger.note import parse_vkey
from ledger.proof import MAX_TEXT, TlogProof, format_proof, parse_proof
from tests.vectors import vector

HEADER = "c2sp.org/tlog-proof@v1\n"
HASH = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=\n"
LONGEST = (HEADER + "index 0\n\n").ljust(MAX_TEXT, "n")

proofs = st.builds(
    TlogProof,
    st.integers(0, 2**63 - 1),
    st.lists(st.binary(min_size=32, max_size=32), max_size=4).map(tuple),
    st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=40),
    st.none() | st.binary(min_size=1, max_size=40),
)


@given(proofs)
def test_proofs_survive_being_written_and_read(proof: TlogProof) -> None:
    assert parse_proof(format_proof(proof)) == proof
    assert parse_proof(format_proof(proof).encode()) == proof


@given(st.binary(max_size=60) | st.text(alphabet="extraind 01=A\n", max_size=60).map(lambda t: (HEADER + t).encode()))
@example(b"\n\nx")
@example(HEADER.encode() + b"\nx")
def test_parsing_raises_only_malformed(raw: bytes) -> None:
    try:
        proof = parse_proof(raw)
    except Malformed:
        return
    assert format_proof(proof).encode() == raw


def test_values_of_another_project() -> None:
    vectors = vector("transparency-dev-formats/tlog-proof.json")
    for case in vectors["marshal"]:
        extra = case["extra_utf8"].encode() if "extra_utf8" in case else None
        proof = TlogProof(case["index"], tuple(map(b64decode, case["hashes_b64"])), case["checkpoint"], extra)
        assert format_proof(proof) == case["want"]
        assert parse_proof(case["want"]) == proof
    for case in vectors["unmarshal_errors"]:
        with pytest.raises(Malformed):
            parse_proof(case["proof"])


def test_the_example_of_the_specification() -> None:
    text = vector("c2sp-spec-examples/examples.json")["tlog_proof_syntax_only"]
    proof = parse_proof(text)
    assert (proof.index, len(proof.hashes)) == (73894, 5)
    assert proof.hashes[0] == b64decode("gSKyXoYZUgZ6jduWYrkDOARinOMGJveXjgMkBTcdPlQ=")
    assert (proof.extra or b"").startswith(b"age-v1.2.1-darwin-arm64.tar.gz")
    assert proof.checkpoint.startswith("example.com/fancylog\n109482\n")
    assert format_proof(proof) == text


def test_receipts_of_a_real_ledger() -> None:
    ledger = vector("patina-format/ledger.json")
    for receipt in ledger["receipts"]:
        proof = parse_proof(receipt["proof"])
        checkpoint = check_checkpoint(proof.checkpoint, [parse_vkey(ledger["vkey"])], ledger["origin"])
        leaf = leaf_hash(receipt["entry"].encode())
        check_inclusion(proof.index, checkpoint.size, leaf, proof.hashes, checkpoint.root)
        assert format_proof(proof) == receipt["proof"]


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("", id="nothing"),
        pytest.param("index 0\n\nnote\n", id="no first line"),
        pytest.param(HEADER.replace("v1", "v2") + "index 0\n\nnote\n", id="another version"),
        pytest.param(HEADER + "\nnote\n", id="no index"),
        pytest.param(HEADER + HASH + "\nnote\n", id="a hash for the index"),
        pytest.param(HEADER + "index 0\nextra AA==\n\nnote\n", id="extra after the index"),
        pytest.param(HEADER + "extra AA==\nextra AA==\nindex 0\n\nnote\n", id="extra twice"),
        pytest.param(HEADER + "extra \nindex 0\n\nnote\n", id="an empty extra"),
        pytest.param(HEADER + "extra AB==\nindex 0\n\nnote\n", id="an extra with spare bits"),
        pytest.param(HEADER + "0\n\nnote\n", id="an index without the word"),
        pytest.param(HEADER + "index 00\n\nnote\n", id="a leading zero"),
        pytest.param(HEADER + "index\t0\n\nnote\n", id="a tab"),
        pytest.param(HEADER + "index 0 \n\nnote\n", id="a space at the end"),
        pytest.param(HEADER + "index 9223372036854775808\n\nnote\n", id="an index of 2^63"),
        pytest.param(HEADER + "index 0\nAAEC\n\nnote\n", id="a hash of 3 bytes"),
        pytest.param(HEADER + "index 0\n" + HASH.replace("\n", "\r\n") + "\nnote\n", id="a carriage return"),
        pytest.param(HEADER + "index 0\n" + HASH * (MAX_PROOF + 1) + "\nnote\n", id="64 hashes"),
        pytest.param(HEADER + "index 0\n" + HASH, id="no empty line"),
        pytest.param(HEADER + "index 0\n\n", id="no checkpoint"),
        pytest.param(HEADER + "index 0\n\nnote\ud800\n", id="half a surrogate pair"),
        pytest.param(LONGEST + "n", id="too long"),
    ],
)
def test_texts_that_are_refused(text: str) -> None:
    with pytest.raises(Malformed):
        parse_proof(text)


def test_as_many_hashes_as_a_tree_can_need_parse() -> None:
    assert len(parse_proof(HEADER + "index 0\n" + HASH * MAX_PROOF + "\nnote\n").hashes) == MAX_PROOF


def test_as_many_hashes_as_a_tree_can_need_are_written() -> None:
    """A tree has fewer than 2^63 leaves, so that a leaf has at most 63 siblings above it."""
    proof = TlogProof(0, (bytes(32),) * 63, "note\n")
    assert parse_proof(format_proof(proof)) == proof
    with pytest.raises(Malformed, match="at most 63 hashes"):
        format_proof(TlogProof(0, (bytes(32),) * 64, "note\n"))


def test_a_text_as_long_as_allowed_parses() -> None:
    assert len(LONGEST) == MAX_TEXT
    assert format_proof(parse_proof(LONGEST)) == LONGEST


def test_a_checkpoint_may_hold_empty_lines() -> None:
    assert parse_proof(HEADER + "index 0\n\na\n\nb\n").checkpoint == "a\n\nb\n"


@pytest.mark.parametrize(
    "proof",
    [
        TlogProof(-1, (), "note\n"),
        TlogProof(0, (b"short",), "note\n"),
        TlogProof(0, (), ""),
        TlogProof(0, (), "note\n", b""),
    ],
)
def test_what_would_not_be_read_is_not_written(proof: TlogProof) -> None:
    with pytest.raises(Malformed):
        format_proof(proof)


def test_a_text_longer_than_allowed_is_not_written() -> None:
    with pytest.raises(Malformed, match="at most"):
        format_proof(TlogProof(0, (), "x" * MAX_TEXT))
