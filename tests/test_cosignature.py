"""Cosignatures against the message of the specification and timestamps of another project."""

from __future__ import annotations

from base64 import b64decode
from hashlib import sha256

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from ledger.cosignature import Cosignature, check_cosignatures, cosign, cosignature_message, parse_cosignature
from ledger.errors import Disproved, Malformed
from ledger.note import Note, NoteSignature, Signer, VKey, make_vkey, parse_note
from tests.vectors import vector

TEXT = "log.example\n7\nAAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=\n"
TIME = 1_679_315_147


def signer(name: str, kind: int = 4) -> Signer:
    private = Ed25519PrivateKey.from_private_bytes(sha256(name.encode()).digest())
    return Signer(make_vkey(name, private.public_key().public_bytes_raw(), kind), private.sign)


ONE, TWO = signer("w1.example"), signer("w2.example")
LINE = cosign(TEXT, ONE, TIME)


def with_line(signature: bytes) -> Note:
    return Note(TEXT, (NoteSignature(LINE.name, LINE.key_id, signature),))


@given(st.integers(1, 2**63 - 1))
def test_a_cosignature_is_checked_with_its_time(time: int) -> None:
    note = Note(TEXT, (cosign(TEXT, ONE, time),))
    assert check_cosignatures(note, [ONE.vkey]) == (Cosignature(ONE.vkey, time),)


def test_the_message_of_the_specification() -> None:
    examples = vector("c2sp-spec-examples/examples.json")
    message = examples["cosignature_v1_message_example"]
    text = message.split("\n", 2)[2]
    assert cosignature_message(text, 1_679_315_147) == message.encode()
    log, witness = parse_note(examples["cosigned_checkpoint_syntax_only"]).signatures
    assert parse_cosignature(witness.signature)[0] == 1_679_315_147
    assert (log.name, witness.name) == ("example.com/behind-the-sofa", "witness.example.com/w1")


def test_an_independent_signature_of_the_message_verifies() -> None:
    private = Ed25519PrivateKey.from_private_bytes(sha256(b"w1.example").digest())
    signature = private.sign(b"cosignature/v1\ntime 1679315147\n" + TEXT.encode())
    assert check_cosignatures(with_line(bytes.fromhex("00000000641850cb") + signature), [ONE.vkey])


def test_timestamps_of_another_project() -> None:
    for case in vector("transparency-dev-formats/vkeys.json")["cosignature_timestamp"]:
        raw = b64decode(case["sig_b64"])[4:]
        if case.get("wantErr"):
            with pytest.raises(Malformed):
                parse_cosignature(raw)
        else:
            assert parse_cosignature(raw)[0] == case["want_unix_time"]


@given(st.binary(max_size=100) | st.binary(min_size=72, max_size=72))
def test_parsing_raises_only_malformed(raw: bytes) -> None:
    try:
        time, signature = parse_cosignature(raw)
    except Malformed:
        return
    assert time.to_bytes(8, "big") + signature == raw


def test_only_cosignatures_by_known_witnesses_count() -> None:
    note = Note(TEXT, (cosign(TEXT, TWO, TIME + 1), LINE))
    assert check_cosignatures(note, [ONE.vkey]) == (Cosignature(ONE.vkey, TIME),)
    assert [found.time for found in check_cosignatures(note, [ONE.vkey, TWO.vkey])] == [TIME + 1, TIME]
    assert check_cosignatures(note, []) == ()
    stranger = VKey("w3.example", ONE.vkey.key_id, 4, ONE.vkey.public)
    assert check_cosignatures(note, [stranger, VKey(ONE.vkey.name, bytes(4), 4, ONE.vkey.public)]) == ()


def test_keys_of_other_types_are_passed_over() -> None:
    log_key = VKey(ONE.vkey.name, ONE.vkey.key_id, 1, ONE.vkey.public)
    assert check_cosignatures(Note(TEXT, (LINE,)), [log_key]) == ()


@pytest.mark.parametrize(
    "note",
    [
        pytest.param(Note(TEXT.replace("\n7\n", "\n8\n"), (LINE,)), id="another size"),
        pytest.param(with_line((TIME + 1).to_bytes(8, "big") + LINE.signature[8:]), id="another time"),
        pytest.param(with_line(LINE.signature[:-1]), id="a short signature"),
        pytest.param(with_line(LINE.signature + b"\x00"), id="a long signature"),
        pytest.param(with_line(ONE.sign(TEXT.encode())), id="a plain signature"),
        pytest.param(with_line(bytes(8) + ONE.sign(cosignature_message(TEXT, 0))), id="the time 0"),
        pytest.param(with_line(b"\x80" + bytes(7) + ONE.sign(cosignature_message(TEXT, 2**63))), id="the time 2^63"),
        pytest.param(with_line(LINE.signature[:8] + TWO.sign(cosignature_message(TEXT, TIME))), id="another's"),
    ],
)
def test_a_known_witness_whose_cosignature_is_wrong_is_disproved(note: Note) -> None:
    with pytest.raises(Disproved) as caught:
        check_cosignatures(note, [ONE.vkey])
    assert caught.value.check == "cosignature"


@pytest.mark.parametrize(
    ("text", "witness", "time"),
    [
        pytest.param(TEXT, ONE, 0, id="the time 0"),
        pytest.param(TEXT, ONE, 2**63, id="the time 2^63"),
        pytest.param(TEXT, signer("w1.example", 1), TIME, id="a log's key"),
        pytest.param(TEXT + "extension\n", ONE, TIME, id="an extension line"),
    ],
)
def test_what_a_witness_does_not_sign(text: str, witness: Signer, time: int) -> None:
    with pytest.raises(Malformed):
        cosign(text, witness, time)
