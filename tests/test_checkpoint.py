"""Checkpoints against a real ledger's, the C2SP examples and the parser cases of another project."""

from __future__ import annotations

from base64 import b64decode
from hashlib import sha256

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from ledger.checkpoint import (
    Checkpoint,
    check_checkpoint,
    format_checkpoint_text,
    parse_checkpoint_text,
    sign_checkpoint,
)
from ledger.errors import Disproved, Malformed
from ledger.merkle import EMPTY_ROOT
from ledger.note import Signer, make_vkey, parse_note, parse_vkey, sign_note
from tests.vectors import vector

ORIGIN = "log.example/main"
ROOT = bytes(range(32))
TEXT = f"{ORIGIN}\n7\nAAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=\n"


def signer(name: str, seed: bytes = b"seed") -> Signer:
    private = Ed25519PrivateKey.from_private_bytes(sha256(seed).digest())
    return Signer(make_vkey(name, private.public_key().public_bytes_raw()), private.sign)


LOG = signer(ORIGIN)


@given(
    st.from_regex(r"[a-zé./]{1,20}", fullmatch=True),
    st.integers(1, 2**63 - 1),
    st.binary(min_size=32, max_size=32),
)
def test_checkpoints_survive_being_written_and_read(origin: str, size: int, root: bytes) -> None:
    checkpoint = Checkpoint(origin, size, root)
    assert parse_checkpoint_text(format_checkpoint_text(checkpoint)) == checkpoint


@given(st.text(max_size=80) | st.text(alphabet="a1\n+/=A ", max_size=80))
def test_parsing_raises_only_malformed(text: str) -> None:
    try:
        checkpoint = parse_checkpoint_text(text)
    except Malformed:
        return
    assert format_checkpoint_text(checkpoint) == text


def test_checkpoints_of_a_real_ledger() -> None:
    ledger = vector("patina-format/ledger.json")
    vkey = parse_vkey(ledger["vkey"])
    private = Ed25519PrivateKey.from_private_bytes(bytes.fromhex(ledger["seeds"]["log"]))
    for note in ledger["checkpoints"]:
        checkpoint = check_checkpoint(note, [vkey], ledger["origin"])
        assert checkpoint.root.hex() == ledger["roots"][str(checkpoint.size)]
    first = check_checkpoint(ledger["checkpoints"][0], [vkey], ledger["origin"])
    assert sign_checkpoint(first, [Signer(vkey, private.sign)]) == ledger["checkpoints"][0]


def test_the_example_of_the_specification() -> None:
    note = parse_note(vector("c2sp-spec-examples/examples.json")["checkpoint_syntax_only"])
    checkpoint = parse_checkpoint_text(note.text)
    assert (checkpoint.origin, checkpoint.size) == ("example.com/behind-the-sofa", 20852163)
    assert checkpoint.root == b64decode("CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=")


def test_what_another_parser_refuses_is_refused() -> None:
    cases = vector("transparency-dev-formats/checkpoint-body-parse.json")["cases"]
    assert any(case["wantErr"] for case in cases)
    for case in cases:  # the others have roots of other lengths or extension lines, which C2SP or we refuse
        with pytest.raises(Malformed):
            parse_checkpoint_text(case["body"])


def test_a_known_text() -> None:
    assert parse_checkpoint_text(TEXT) == Checkpoint(ORIGIN, 7, ROOT)
    assert format_checkpoint_text(Checkpoint(ORIGIN, 7, ROOT)) == TEXT


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("", id="nothing"),
        pytest.param(TEXT[:-1], id="no newline at the end"),
        pytest.param(TEXT + "extension", id="an extension line that does not end"),
        pytest.param(TEXT + "\n", id="an empty line after it"),
        pytest.param(TEXT + "extension\n", id="an extension line"),
        pytest.param(TEXT.split("\n", 1)[1], id="no origin line"),
        pytest.param(TEXT.replace(ORIGIN, ""), id="an empty origin"),
        pytest.param(TEXT.replace(ORIGIN, "log example"), id="a space in the origin"),
        pytest.param(TEXT.replace(ORIGIN, "log+example"), id="a plus in the origin"),
        pytest.param(TEXT.replace("\n7\n", "\n07\n"), id="a leading zero"),
        pytest.param(TEXT.replace("\n7\n", "\n-7\n"), id="a negative size"),
        pytest.param(TEXT.replace("\n7\n", "\n9223372036854775808\n"), id="a size of 2^63"),
        pytest.param(TEXT.replace("\n7\n", "\n0\n"), id="no leaves and a root"),
        pytest.param(TEXT.replace("8=\n", "9=\n"), id="base64 with spare bits"),
        pytest.param(f"{ORIGIN}\n7\nAAEC\n", id="a root of 3 bytes"),
    ],
)
def test_texts_that_are_refused(text: str) -> None:
    with pytest.raises(Malformed):
        parse_checkpoint_text(text)


@pytest.mark.parametrize(
    "checkpoint",
    [
        Checkpoint("a\nb", 7, ROOT),
        Checkpoint(ORIGIN, -1, ROOT),
        Checkpoint(ORIGIN, 2**63, ROOT),
        Checkpoint(ORIGIN, 7, ROOT[:31]),
        Checkpoint(ORIGIN, 0, ROOT),
    ],
)
def test_what_would_not_be_read_is_not_written(checkpoint: Checkpoint) -> None:
    with pytest.raises(Malformed):
        format_checkpoint_text(checkpoint)


def test_the_empty_log_has_one_checkpoint() -> None:
    checkpoint = Checkpoint(ORIGIN, 0, EMPTY_ROOT)
    assert check_checkpoint(sign_checkpoint(checkpoint, [LOG]), [LOG.vkey], ORIGIN) == checkpoint


def test_a_checkpoint_of_another_log_is_disproved() -> None:
    note = sign_note(TEXT.replace(ORIGIN, "log.example/other"), [LOG])
    with pytest.raises(Disproved, match=r"want one of log\.example/main") as caught:
        check_checkpoint(note, [LOG.vkey], ORIGIN)
    assert caught.value.check == "checkpoint"


def test_a_key_of_another_name_is_no_key_of_this_log() -> None:
    other = signer("log.example/other")
    with pytest.raises(Disproved, match=r"want one of log\.example/other, whose key is known"):
        check_checkpoint(sign_note(TEXT, [other]), [other.vkey], ORIGIN)
    with pytest.raises(Malformed, match="want the origin"):
        sign_checkpoint(Checkpoint(ORIGIN, 7, ROOT), [other])


def test_without_any_key_no_other_log_is_named() -> None:
    with pytest.raises(Disproved, match=r"without a signature by a known key, .*; want one of none") as caught:
        check_checkpoint(sign_note(TEXT, [LOG]), [], ORIGIN)
    assert caught.value.check == "note"


def test_one_of_several_keys_in_force_is_enough() -> None:
    second = signer(ORIGIN, b"second")
    note = sign_checkpoint(Checkpoint(ORIGIN, 7, ROOT), [LOG, second])
    for vkey in (LOG.vkey, second.vkey):
        assert check_checkpoint(parse_note(note), [vkey], ORIGIN).size == 7


def test_a_changed_size_is_disproved() -> None:
    note = sign_checkpoint(Checkpoint(ORIGIN, 7, ROOT), [LOG])
    with pytest.raises(Disproved, match="does not verify"):
        check_checkpoint(note.replace("\n7\n", "\n8\n"), [LOG.vkey], ORIGIN)


def test_a_signed_note_that_is_no_checkpoint_is_malformed() -> None:
    with pytest.raises(Malformed):
        check_checkpoint(sign_note(TEXT + "extension\n", [LOG]), [LOG.vkey], ORIGIN)
