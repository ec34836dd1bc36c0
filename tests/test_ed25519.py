"""Ed25519 by libsodium: the verdicts of OpenSSL and of the plain formulas, on honest and on hostile input."""

from __future__ import annotations

from typing import Any

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from hypothesis import given, settings
from hypothesis import strategies as st

from ledger import note
from ledger.didkey import check_point
from ledger.ed25519 import verifies
from ledger.errors import Invalid
from tests.reference import ed25519
from tests.test_didkey import LOW_ORDER
from tests.vectors import vector

PRIME = 2**255 - 19


def by_openssl(public: bytes, signature: bytes, message: bytes) -> bool:
    try:
        Ed25519PublicKey.from_public_bytes(public).verify(signature, message)
    except (InvalidSignature, ValueError):
        return False
    return True


def by_formula(public: bytes, signature: bytes, message: bytes) -> bool:
    """RFC 8032 §5.1.7 without the cofactor, point by point."""
    r, s = signature[:32], int.from_bytes(signature[32:], "little")
    try:
        key = ed25519.decode(public)
    except ValueError:
        return False
    x, y = ed25519.times(ed25519.challenge(r, public, message), key)
    return s < ed25519.L and ed25519.encode(ed25519.add(ed25519.times(s, BASE), (-x % PRIME, y))) == r


BASE = ed25519.decode((4 * pow(5, -1, PRIME) % PRIME).to_bytes(32, "little"))


def allowed(point: bytes) -> bool:
    try:
        check_point(point)
    except Invalid:
        return False
    return True


def agree(public: bytes, signature: bytes, message: bytes, *others: Any) -> bool:
    """The one verdict of all who verify, where §3 lets key and signature through at all."""
    if not (allowed(public) and allowed(signature[:32])):
        return False
    all_of_them = (verifies, *(others or (by_openssl, by_formula)))
    said: set[bool] = {verify(public, signature, message) for verify in all_of_them}
    assert len(said) == 1, (public.hex(), signature.hex(), message.hex())
    return said.pop()


def signed(seed: bytes, message: bytes) -> tuple[bytes, bytes]:
    private = Ed25519PrivateKey.from_private_bytes(seed)
    return private.public_key().public_bytes_raw(), private.sign(message)


@settings(max_examples=15)
@given(st.binary(min_size=32, max_size=32), st.binary(max_size=40), st.integers(0, 64 * 8 - 1))
def test_an_honest_signature_and_one_with_a_bit_turned(seed: bytes, message: bytes, place: int) -> None:
    public, signature = signed(seed, message)
    assert agree(public, signature, message)
    turned = bytearray(signature)
    turned[place // 8] ^= 1 << place % 8
    assert not agree(public, bytes(turned), message)


def test_wycheproof() -> None:
    verdicts: list[tuple[bool, dict[str, Any]]] = []
    for group in vector("wycheproof/ed25519_test.json")["testGroups"]:
        public = bytes.fromhex(group["publicKey"]["pk"])
        for case in group["tests"]:
            signature = bytes.fromhex(case["sig"])
            if len(signature) == 64:
                verdicts.append((agree(public, signature, bytes.fromhex(case["msg"]), by_openssl), case))
            else:
                assert not verifies(public, signature, bytes.fromhex(case["msg"])), case
    assert [case for valid, case in verdicts if valid != (case["result"] == "valid")] == []
    assert sum(valid for valid, _ in verdicts) > 60


@pytest.mark.parametrize("name", LOW_ORDER)
def test_keys_and_commitments_with_a_part_of_low_order(name: str) -> None:
    """An honest key plus a point of low order: with the cofactor these would all verify, without it one in eight."""
    seed, torsion = bytes(range(32)), ed25519.decode(bytes.fromhex(LOW_ORDER[name]))
    scalar = ed25519.secret_scalar(seed)
    public = ed25519.encode(ed25519.add(ed25519.decode(signed(seed, b"")[0]), torsion))
    nonce = 123456789
    for commitment in (ed25519.times(nonce, BASE), ed25519.add(ed25519.times(nonce, BASE), torsion)):
        r = ed25519.encode(commitment)
        verdicts = []
        for number in range(24):
            message = b"%d" % number
            s = (nonce + ed25519.challenge(r, public, message) * scalar) % ed25519.L
            verdicts.append(agree(public, r + s.to_bytes(32, "little"), message))
        assert any(verdicts)
        assert all(verdicts) == (torsion == ed25519.IDENTITY)


def test_s_is_below_the_order() -> None:
    public, signature = signed(bytes(range(32)), b"x")
    beyond = int.from_bytes(signature[32:], "little") + ed25519.L
    assert not agree(public, signature[:32] + beyond.to_bytes(32, "little"), b"x")


@pytest.mark.parametrize("y", [2, 7, PRIME - 2])
def test_a_key_that_is_no_point_verifies_nothing(y: int) -> None:
    public = y.to_bytes(32, "little")
    with pytest.raises(ValueError, match="no point"):
        ed25519.decode(public)
    assert not agree(public, signed(bytes(32), b"x")[1], b"x")


def test_a_border_moved_between_signature_and_message() -> None:
    public, signature = signed(bytes(32), b"message")
    assert not verifies(public, signature[:63], signature[63:] + b"message")
    assert not verifies(public, signature + b"m", b"essage")
    assert not verifies(public[:31], signature, b"message")
    assert not note.verifies(public, signature[:63], signature[63:] + b"message")
