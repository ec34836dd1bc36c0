"""Signed notes against Go's own test values, the C2SP examples and vkeys of other projects."""

from __future__ import annotations

from base64 import b64decode
from hashlib import sha256, sha512

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from hypothesis import example, given
from hypothesis import strategies as st

from ledger.errors import Disproved, Malformed, Unknown
from ledger.note import (
    COSIGNATURE,
    MAX_NOTE,
    MAX_SIGNATURES,
    ML_DSA_44,
    Note,
    NoteSignature,
    Signer,
    VKey,
    check_note,
    format_note,
    format_vkey,
    make_vkey,
    parse_base64,
    parse_decimal,
    parse_note,
    parse_vkey,
    sign_note,
    verifies,
)
from tests.vectors import vector

TEXT = "first line\n\nsecond part\n"


def signer(name: str, seed: bytes = b"seed", kind: int = 1) -> Signer:
    private = Ed25519PrivateKey.from_private_bytes(sha256(seed).digest())
    return Signer(make_vkey(name, private.public_key().public_bytes_raw(), kind), private.sign)


LOG = signer("log.example")
OTHER = signer("other.example", b"other")
SIGNED = sign_note(TEXT, [LOG])
_TAIL = "\n\n— a AQAAAAA=\n"
LONGEST = "t" * (MAX_NOTE - len(_TAIL.encode())) + _TAIL

names = st.text(
    st.characters(exclude_categories=["Cs", "Zs", "Cc"], exclude_characters="+\u2028\u2029"), min_size=1, max_size=9
)
lines = st.text(st.characters(exclude_categories=["Cs"], min_codepoint=0x20), max_size=9).map(lambda line: line + "\n")
signatures = st.builds(NoteSignature, names, st.binary(min_size=4, max_size=4), st.binary(min_size=1, max_size=80))
notes = st.builds(
    Note, st.lists(lines, min_size=1, max_size=4).map("".join), st.lists(signatures, min_size=1, max_size=4).map(tuple)
)


@given(notes)
def test_notes_survive_being_written_and_read(note: Note) -> None:
    assert parse_note(format_note(note)) == note
    assert parse_note(format_note(note).encode()) == note


@given(st.binary(max_size=120) | st.text(alphabet="a+ \n—=AQ\u2028\x00", max_size=60).map(str.encode))
@example(b"\n\n\n")
@example("\n\n— a AQAAAAA=\n".encode())
def test_parsing_raises_only_malformed(raw: bytes) -> None:
    try:
        note = parse_note(raw)
    except Malformed:
        return
    assert format_note(note).encode() == raw


@given(st.text(max_size=60) | st.from_regex(r"[^+]+\+[0-9a-f]{8}\+[A-Za-z0-9+/]{4,48}={0,2}"))
@example("a+00000000+AA==")
@example("a+00000000+====")
def test_parsing_a_vkey_raises_only_malformed_or_unknown(text: str) -> None:
    try:
        vkey = parse_vkey(text)
    except (Malformed, Unknown):
        return
    assert str(vkey) == text


def test_a_vkey_whose_key_id_is_anothers_is_refused() -> None:
    # The vkey of peter in Go's sumdb/note tests, with the last digit of its key id changed.
    vkey = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"
    assert parse_vkey(vkey).key_id.hex() == "c74f20a3"
    with pytest.raises(Malformed, match="c74f20a4 in a vkey, want c74f20a3"):
        parse_vkey(vkey.replace("a3+", "a4+"))


@given(names, st.binary(min_size=32, max_size=32), st.sampled_from([1, 4]))
def test_vkeys_survive_being_written_and_read(name: str, seed: bytes, kind: int) -> None:
    public = Ed25519PrivateKey.from_private_bytes(seed).public_key().public_bytes_raw()
    vkey = parse_vkey(format_vkey(name, public, kind))
    assert (vkey.name, vkey.public, vkey.kind) == (name, public, kind)


def test_go_notes() -> None:
    go = vector("golang-mod-note/note.json")
    for case in go["open"]:
        known = [parse_vkey(go["vkeys"][name]) for name in case["known"]]
        raw = b64decode(case["msg_b64"])
        if case["want"] == "malformed":
            with pytest.raises(Malformed):
                parse_note(raw)
        elif case["want"] == "ok":
            assert [vkey.name for vkey in check_note(parse_note(raw), known)] == case["verified"]
        elif case["want"] == "ambiguous key":  # Go refuses a key that is listed twice; here keys are a set
            assert len(check_note(parse_note(raw), known)) == 1
        else:
            with pytest.raises(Disproved):
                check_note(parse_note(raw), known)


def test_go_signs_the_same_bytes() -> None:
    go = vector("golang-mod-note/note.json")
    seed = b64decode(go["skey_peter_test_only"].split("+", 4)[4])[1:]
    peter = Signer(parse_vkey(go["vkeys"]["peter"]), Ed25519PrivateKey.from_private_bytes(seed).sign)
    assert sign_note(go["sign"]["text"], [peter]) == go["sign"]["want_note"]


def test_go_refuses_every_damaged_vkey() -> None:
    go = vector("golang-mod-note/note.json")
    peter = go["vkeys"]["peter"]
    damaged = [peter[start:end] for start in range(len(peter)) for end in range(start, len(peter) + 1)]
    damaged.remove(peter)
    damaged += [peter[:place] + chr(ord(peter[place]) + 1) + peter[place + 1 :] for place in range(len(peter))]
    for text in [*damaged, *go["bad_vkeys"]]:
        with pytest.raises((Malformed, Unknown)):
            parse_vkey(text)


def test_vkeys_of_other_projects() -> None:
    vectors = vector("transparency-dev-formats/vkeys.json")
    for case in vectors["accept"]:
        if case["alg"].startswith("ed25519"):
            assert str(parse_vkey(case["vkey"])) == case["vkey"]
        else:
            with pytest.raises(Unknown):
                parse_vkey(case["vkey"])
    for text in vectors["reject"]:
        with pytest.raises((Malformed, Unknown)):
            parse_vkey(text)
    ml_dsa = vectors["mldsa44_key_id_not_per_spec"]
    with pytest.raises(Malformed, match=ml_dsa["correct_key_id"]):
        parse_vkey(ml_dsa["vkey"])
    corrected = parse_vkey(ml_dsa["vkey"].replace("+5893dc2c+", f"+{ml_dsa['correct_key_id']}+"))
    assert corrected.kind == ML_DSA_44


def test_the_example_of_the_specification() -> None:
    examples = vector("c2sp-spec-examples/examples.json")
    foo = examples["signed_note_foo"]
    vkey = parse_vkey(foo["vkey"])
    assert check_note(parse_note(foo["note"]), [vkey]) == (vkey,)
    quasimodo = parse_note(examples["signed_note_quasimodo_syntax_only"])
    assert quasimodo.text.endswith("\n\ned è subito sera.\n")
    assert quasimodo.signatures[0].name == "quasimodo.example/salvatore"


def test_who_signed_is_returned_in_the_order_of_the_note() -> None:
    both = parse_note(sign_note(TEXT, [OTHER, LOG]))
    assert check_note(both, [LOG.vkey, OTHER.vkey]) == (OTHER.vkey, LOG.vkey)
    assert check_note(both, [LOG.vkey]) == (LOG.vkey,)


def test_a_note_without_a_known_key_is_disproved() -> None:
    with pytest.raises(Disproved, match="without a signature") as caught:
        check_note(parse_note(SIGNED), [OTHER.vkey])
    assert caught.value.check == "note"


def test_who_signed_is_told_beside_who_was_wanted() -> None:
    with pytest.raises(Disproved) as error:
        check_note(parse_note(SIGNED), [OTHER.vkey])
    ids = [sha256(f"{key.vkey.name}\n\x01".encode() + key.vkey.public).hexdigest()[:8] for key in (LOG, OTHER)]
    assert f"signed by log.example+{ids[0]}; want one of other.example+{ids[1]}" in error.value.message
    with pytest.raises(Disproved, match=r"; want one of none$"):
        check_note(parse_note(SIGNED), [])


def test_a_bad_signature_by_a_known_key_rejects_a_note_that_another_key_signed() -> None:
    good = parse_note(sign_note(TEXT, [LOG, OTHER]))
    first, second = good.signatures
    bad = NoteSignature(second.name, second.key_id, first.signature)
    assert check_note(Note(TEXT, (first, bad)), [LOG.vkey]) == (LOG.vkey,)
    for order in ((first, bad), (bad, first), (first, second, bad)):
        with pytest.raises(Disproved, match="does not verify"):
            check_note(Note(TEXT, order), [LOG.vkey, OTHER.vkey])


def test_the_signature_covers_every_byte_of_the_text() -> None:
    note = parse_note(SIGNED)
    with pytest.raises(Disproved):
        check_note(Note(TEXT.replace("\n\n", "\n"), note.signatures), [LOG.vkey])


def test_a_key_is_known_by_name_and_id_together() -> None:
    note = parse_note(SIGNED)
    vkey = LOG.vkey
    for stranger in (
        VKey("log.example2", vkey.key_id, vkey.kind, vkey.public),
        VKey(vkey.name, bytes(4), vkey.kind, vkey.public),
    ):
        with pytest.raises(Disproved, match="without a signature"):
            check_note(note, [stranger])


def test_two_keys_of_one_name_and_id_must_both_have_signed() -> None:
    twin = VKey(LOG.vkey.name, LOG.vkey.key_id, LOG.vkey.kind, OTHER.vkey.public)
    with pytest.raises(Disproved, match="does not verify"):
        check_note(parse_note(SIGNED), [LOG.vkey, twin])


def test_a_signature_of_a_type_that_cannot_be_verified_leaves_it_open() -> None:
    witness = signer("w.example", kind=COSIGNATURE)
    note = parse_note(sign_note(TEXT, [witness]))
    with pytest.raises(Unknown):
        check_note(note, [witness.vkey])
    both = parse_note(sign_note(TEXT, [witness, LOG]))
    assert check_note(both, [witness.vkey, LOG.vkey]) == (LOG.vkey,)


@pytest.mark.parametrize("length", [1, 63, 65])
def test_a_signature_of_another_length_is_disproved(length: int) -> None:
    signature = NoteSignature(LOG.vkey.name, LOG.vkey.key_id, bytes([9]) * length)
    with pytest.raises(Disproved):
        check_note(Note(TEXT, (signature,)), [LOG.vkey])


def test_a_signature_whose_first_half_libraries_disagree_about_is_disproved() -> None:
    # With the neutral point as R the equation holds for S = k·a, so that a library says yes (RFC 8032 §5.1.7).
    order = 2**252 + 27742317777372353535851937790883648493
    digest = bytearray(sha512(sha256(b"seed").digest()).digest()[:32])
    digest[0] &= 248
    digest[31] = digest[31] & 127 | 64
    r = bytes([1]) + bytes(31)
    k = int.from_bytes(sha512(r + LOG.vkey.public + TEXT.encode()).digest(), "little")
    raw = r + (k * int.from_bytes(digest, "little") % order).to_bytes(32, "little")
    Ed25519PublicKey.from_public_bytes(LOG.vkey.public).verify(raw, TEXT.encode())
    with pytest.raises(Disproved):
        check_note(Note(TEXT, (NoteSignature(LOG.vkey.name, LOG.vkey.key_id, raw),)), [LOG.vkey])


@pytest.mark.parametrize("r", [bytes(32), bytes([1]) + bytes(31), b"\xee" + b"\xff" * 30 + b"\x7f"])
def test_such_a_first_half_is_refused_whatever_the_library_says(r: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    """The points 0 and 1, and 1 written as 2^255-18: the library of today refuses them too, another may not."""
    monkeypatch.setattr("ledger.ed25519.verifies", lambda *_: True)
    assert verifies(LOG.vkey.public, b"\x09" * 64, b"")
    assert not verifies(LOG.vkey.public, r + bytes(32), b"")


@pytest.mark.parametrize("public", [bytes(32), bytes([1]) + bytes(31), b"\xee" + b"\xff" * 30 + b"\x7f"])
@pytest.mark.parametrize("kind", [1, 4])
def test_a_key_that_libraries_disagree_about_is_refused(public: bytes, kind: int) -> None:
    with pytest.raises(Malformed):
        make_vkey("log.example", public, kind)


@pytest.mark.parametrize(
    "name", ["", "a b", "a+b", "a\u00a0b", "a\u2028", "a\n", "a\x00", "\x1f", "\ud800", "a\udfff", "a\x85"]
)
def test_a_key_may_not_have_the_name(name: str) -> None:
    with pytest.raises(Malformed):
        make_vkey(name, LOG.vkey.public)


@pytest.mark.parametrize(("kind", "size"), [(1, 31), (1, 33), (4, 0), (6, 32)])
def test_a_key_of_another_length_is_refused(kind: int, size: int) -> None:
    with pytest.raises(Malformed, match="bytes of a key"):
        make_vkey("log.example", bytes([9]) * size, kind)


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("log.example+0x1234ab+AQ==", id="hex with a prefix"),
        pytest.param(str(LOG.vkey).replace("+", "-", 1), id="one plus"),
        pytest.param(str(LOG.vkey) + "\n", id="a newline after it"),
        pytest.param(str(LOG.vkey).replace(LOG.vkey.key_id.hex(), LOG.vkey.key_id.hex().upper()), id="capital hex"),
        pytest.param("log.example+00000000+", id="no key"),
        pytest.param(str(LOG.vkey) + "=", id="too much padding"),
        pytest.param("log example+00000000+AQ==", id="a space in the name"),
    ],
)
def test_vkey_texts_that_are_refused(text: str) -> None:
    with pytest.raises((Malformed, Unknown)):
        parse_vkey(text)


@pytest.mark.parametrize(
    "raw",
    [
        pytest.param("", id="nothing"),
        pytest.param("text\n", id="no signatures"),
        pytest.param("text\n\n", id="an empty line and nothing"),
        pytest.param(SIGNED[:-1], id="no newline at the end"),
        pytest.param(SIGNED + "\n", id="an empty line at the end"),
        pytest.param(SIGNED.replace("— ", "- "), id="a hyphen"),
        pytest.param(SIGNED.replace("— ", "—  "), id="two spaces"),
        pytest.param(SIGNED.replace("— ", "—\u00a0"), id="another space"),
        pytest.param(SIGNED.replace("log.example", "log+example"), id="a plus in the name"),
        pytest.param(SIGNED.replace("log.example", "log\u2003example"), id="a wide space in the name"),
        pytest.param(SIGNED.replace("\n", "\r\n"), id="carriage returns"),
        pytest.param(SIGNED.replace("first", "fi\trst"), id="a tab in the text"),
        pytest.param("text\n\n— a AQAAAA==\n", id="a key id and no signature"),
        pytest.param("text\n\n— a AQAAAAF=\n", id="base64 with spare bits"),
        pytest.param("text\n\n— a AQAAAAA\n", id="base64 without padding"),
        pytest.param("text\n\n— a AQAAAA-_\n", id="base64 of the other alphabet"),
        pytest.param("text\ud800\n\n— a AQAAAAA=\n", id="half a surrogate pair"),
        pytest.param(b"text\xff\n\n\xe2\x80\x94 a AQAAAAA=\n", id="not UTF-8"),
        pytest.param("t\n\n" + "— a AQAAAAA=\n" * (MAX_SIGNATURES + 1), id="too many signatures"),
        pytest.param(LONGEST.encode() + b"\n", id="too long"),
        pytest.param("é" * (MAX_NOTE // 2) + "\n\n— a AQAAAAA=\n", id="too long in bytes only"),
    ],
)
def test_notes_that_are_refused(raw: str | bytes) -> None:
    with pytest.raises(Malformed):
        parse_note(raw)


def test_a_note_as_long_as_allowed_parses() -> None:
    assert len(LONGEST.encode()) == MAX_NOTE
    assert format_note(parse_note(LONGEST)) == LONGEST
    with pytest.raises(Malformed, match="want at most"):
        parse_note("t" + LONGEST)


def test_as_many_signatures_as_allowed_parse() -> None:
    note = parse_note("t\n\n" + "— a AQAAAAA=\n" * MAX_SIGNATURES)
    assert len(note.signatures) == MAX_SIGNATURES


@pytest.mark.parametrize(
    "note",
    [
        Note("no newline", (NoteSignature("a", bytes(4), b"s"),)),
        Note("text\n", ()),
        Note("text\n", (NoteSignature("a b", bytes(4), b"s"),)),
        Note("te\nxt\n", (NoteSignature("a\n\n— b", bytes(4), b"s"),)),
        Note("text\n", (NoteSignature("a", bytes(3), b"so"),)),
    ],
)
def test_what_would_be_read_otherwise_is_not_written(note: Note) -> None:
    if note.signatures and len(note.signatures[0].key_id) == 3:
        assert parse_note("text\n\n— a AAAAc28=\n") != note
    with pytest.raises(Malformed):
        format_note(note)


@pytest.mark.parametrize("text", ["QR==", "QQ", "QQ=", "Q Q=", "QQ==\n", "é", "====", "Q===", "QQ==QQ=="])
def test_base64_has_one_spelling(text: str) -> None:
    with pytest.raises(Malformed):
        parse_base64(text)


@pytest.mark.parametrize(
    "text", ["", "00", "01", "-1", "+1", "1_0", " 1", "1\n", "１", "1.0", "9223372036854775808", "1" * 5000]
)
def test_decimals_have_one_spelling(text: str) -> None:
    with pytest.raises(Malformed):
        parse_decimal(text)


def test_decimals_reach_the_largest_tree() -> None:
    assert [parse_decimal(text) for text in ("0", "10", "9223372036854775807")] == [0, 10, 2**63 - 1]
