"""Signatures on statements: vectors, tampering, and hostile signatures that only one refusal catches."""

from __future__ import annotations

import json
from base64 import b64decode, b64encode
from threading import Thread
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from hypothesis import given
from hypothesis import strategies as st

from ledger.didkey import format_did
from ledger.dsse import (
    PAYLOAD_TYPE,
    SigningKey,
    check_message,
    check_signature,
    pae,
    parse_signature,
    sign_statement,
    verify_many,
)
from ledger.errors import Invalid, Malformed, Unknown
from tests.reference import ed25519
from tests.test_didkey import LOW_ORDER, without_check
from tests.vectors import vector

KEY = SigningKey.from_seed(bytes(range(32)))
BODY = b'{"type":"item.registered"}'


def plain(value: Any) -> bytes:
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


def test_pae_of_the_dsse_specification() -> None:
    # github.com/secure-systems-lab/dsse, protocol.md: the same encoding over another type.
    assert pae(b"hello world").replace(b"40 " + PAYLOAD_TYPE.encode(), b"29 http://example.com/HelloWorld") == (
        b"DSSEv1 29 http://example.com/HelloWorld 11 hello world"
    )
    assert len(PAYLOAD_TYPE) == 40


def test_pae_of_the_vector_ledger() -> None:
    example = vector("patina-format/ledger.json")["pae_example"]
    assert pae(plain(example["statement"])).hex() == example["pae_hex"]


def test_signatures_of_the_vector_ledger() -> None:
    ledger = vector("patina-format/ledger.json")
    seeds = {ledger["dids"][name]: bytes.fromhex(seed) for name, seed in ledger["seeds"].items()}
    jobs = []
    for leaf in map(json.loads, ledger["leaves"]):
        if "statement" in leaf:
            body = plain(leaf["statement"])
            jobs += [(entry["key"], body, entry["sig"]) for entry in leaf["signatures"]]
            made = [
                sign_statement(body, SigningKey.from_seed(seeds[e["key"]]))
                for e in leaf["signatures"]
                if e["key"] in seeds
            ]
            assert made == [entry for entry in leaf["signatures"] if entry["key"] in seeds]
    assert len(jobs) > 15
    assert verify_many(jobs) == [None] * len(jobs)
    # Of the same signatures on the statement before, none verifies.
    shifted = [(did, jobs[place - 1][1], sig) for place, (did, _body, sig) in enumerate(jobs)]
    refused = [verdict is not None for verdict in verify_many(shifted)]
    assert refused == [shifted[place][1] != jobs[place][1] for place in range(len(jobs))]


def test_wycheproof() -> None:
    cases = 0
    for group in vector("wycheproof/ed25519_test.json")["testGroups"]:
        did = format_did(bytes.fromhex(group["publicKey"]["pk"]))
        for case in group["tests"]:
            cases += 1
            sig = b64encode(bytes.fromhex(case["sig"])).decode()
            try:
                check_message(did, bytes.fromhex(case["msg"]), sig)
            except Invalid:
                assert case["result"] == "invalid", case
            else:
                assert case["result"] == "valid", case
    assert cases == 151


@given(st.binary(max_size=200), st.binary(min_size=32, max_size=32))
def test_round_trip(body: bytes, seed: bytes) -> None:
    key = SigningKey.from_seed(seed)
    signature = sign_statement(body, key)
    check_signature(signature["key"], body, signature["sig"])
    with pytest.raises(Invalid, match="does not verify"):
        check_signature(signature["key"], body + b"\0", signature["sig"])


@given(st.integers(0, 64 * 8 - 1))
def test_each_bit_of_a_signature_counts(place: int) -> None:
    raw = bytearray(KEY.sign(pae(BODY)))
    raw[place // 8] ^= 1 << place % 8
    with pytest.raises(Invalid):
        check_signature(KEY.did, BODY, b64encode(raw).decode())


def test_a_statement_signature_is_not_one_over_its_bytes() -> None:
    with pytest.raises(Invalid, match="does not verify"):
        check_signature(KEY.did, BODY, b64encode(KEY.sign(BODY)).decode())


def test_s_beyond_the_order_is_refused() -> None:
    raw = KEY.sign(pae(BODY))
    s = int.from_bytes(raw[32:], "little") + ed25519.L
    with pytest.raises(Invalid, match="does not verify"):
        check_signature(KEY.did, BODY, b64encode(raw[:32] + s.to_bytes(32, "little")).decode())


SIG = sign_statement(BODY, KEY)["sig"]


@pytest.mark.parametrize(
    "sig",
    [
        "",
        SIG[:-2],  # no padding
        SIG[:-1],
        SIG + "=",
        SIG + "\n",
        SIG[:40] + "\n" + SIG[41:],
        " " + SIG[1:],
        SIG[:-3] + chr(ord(SIG[-3]) + 1) + "==",  # bits behind the last byte
        SIG[:40] + "-" + SIG[41:],  # base64url
        SIG[:40] + "\u0661" + SIG[41:],
        SIG[:40] + "\udc80" + SIG[41:],
        b64encode(b64decode(SIG)[:63]).decode(),
        b64encode(b64decode(SIG) + b"\0").decode(),
        b64encode(b64decode(SIG) + b"\0\0").decode(),  # 88 characters, 66 bytes
    ],
)
def test_other_spellings_of_a_signature_are_refused(sig: str) -> None:
    with pytest.raises(Invalid, match="want 64 bytes in base64"):
        parse_signature(sig)
    with pytest.raises(Invalid, match="want 64 bytes in base64"):
        check_signature(KEY.did, BODY, sig)


def test_the_one_spelling_is_read() -> None:
    assert parse_signature(SIG) == b64decode(SIG)


def hostile_r(point: bytes) -> tuple[bytes, bytes, bytes]:
    """A public key, a body and a signature with this R of low order that satisfy the equation of RFC 8032."""
    seed, torsion = bytes(range(32)), ed25519.decode(point)
    scalar = ed25519.secret_scalar(seed)
    # The key is honest but for a part of low order, whose multiple R then is; one body in eight fits.
    public = ed25519.encode(ed25519.add(ed25519.decode(SigningKey.from_seed(seed).public), torsion))
    for number in range(1000):
        body = b"%d" % number
        k = ed25519.challenge(point, public, pae(body))
        if ed25519.add(torsion, ed25519.times(k % 8, torsion)) == ed25519.IDENTITY:
            return public, body, point + (k * scalar % ed25519.L).to_bytes(32, "little")
    raise AssertionError("no body fits")


@pytest.mark.parametrize("name", LOW_ORDER)
def test_r_of_low_order_is_refused_although_it_verifies(name: str) -> None:
    public, body, raw = hostile_r(bytes.fromhex(LOW_ORDER[name]))
    Ed25519PublicKey.from_public_bytes(public).verify(raw, pae(body))
    with pytest.raises(Invalid, match=r"refused for its R.*low order"):
        check_signature(format_did(public), body, b64encode(raw).decode())


@pytest.mark.parametrize("name", LOW_ORDER)
def test_a_key_of_low_order_is_refused_although_it_verifies(name: str) -> None:
    public, seed = bytes.fromhex(LOW_ORDER[name]), bytes(range(32))
    r = SigningKey.from_seed(seed).public
    # Where the challenge is a multiple of 8 the key falls out of the equation, and anybody can sign.
    bodies = (b"%d" % number for number in range(1000))
    body = next(body for body in bodies if ed25519.challenge(r, public, pae(body)) % 8 == 0)
    raw = r + (ed25519.secret_scalar(seed) % ed25519.L).to_bytes(32, "little")
    Ed25519PublicKey.from_public_bytes(public).verify(raw, pae(body))
    with pytest.raises(Invalid, match="low order"):
        check_signature(without_check(public), body, b64encode(raw).decode())


@pytest.mark.parametrize("beyond", range(19))
def test_r_that_is_not_reduced_is_refused(beyond: int) -> None:
    raw = (2**255 - 19 + beyond).to_bytes(32, "little") + bytes(32)
    with pytest.raises(Invalid, match=r"refused for its R.*below"):
        parse_signature(b64encode(raw).decode())


def test_a_key_out_of_form_is_refused() -> None:
    with pytest.raises(Invalid, match="did:key:z6Mk"):
        check_signature("did:key:z6Mk", BODY, SIG)
    with pytest.raises(Unknown):
        check_signature("did:key:zDnaerDaTF5BXEavCrfRZEk316dpbLsfPDZ3WJ5hRTPFU2169", BODY, SIG)


def test_many_are_judged_each_by_itself_in_a_thread() -> None:
    jobs = [
        (KEY.did, BODY, SIG),
        (KEY.did, b"other", SIG),
        ("did:key:zDnaerDaTF5BXEavCrfRZEk316dpbLsfPDZ3WJ5hRTPFU2169", BODY, SIG),
        ("nobody", BODY, SIG),
        (KEY.did, BODY, SIG),
    ]
    verdicts: list[object] = []
    thread = Thread(target=lambda: verdicts.extend(verify_many(jobs)))
    thread.start()
    thread.join()
    assert [type(verdict) for verdict in verdicts] == [type(None), Invalid, Unknown, Invalid, type(None)]


def test_a_signing_key_shows_no_secret() -> None:
    seed = bytes(range(1, 33))
    key = SigningKey.from_seed(seed)
    assert repr(key) == f"SigningKey(did='{key.did}')"
    assert seed.hex() not in repr(key)
    assert key == SigningKey.from_seed(seed)
    assert key != KEY


@pytest.mark.parametrize("size", [0, 31, 33, 64])
def test_a_seed_of_another_length_is_refused(size: int) -> None:
    with pytest.raises(Invalid, match="want 32"):
        SigningKey.from_seed(bytes(size))


@given(st.text(), st.binary(max_size=20), st.text(max_size=100))
def test_only_our_errors(did: str, body: bytes, sig: str) -> None:
    for key in (did, KEY.did):
        with pytest.raises((Invalid, Unknown)) as error:
            check_signature(key, body, sig)
        assert not isinstance(error.value, Malformed)
