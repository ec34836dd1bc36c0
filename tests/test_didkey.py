"""did:key: vectors, round trips, and every point that format.md §3 refuses."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.didkey import check_point, format_did, parse_did
from ledger.dsse import SigningKey
from ledger.errors import Invalid, Malformed, Unknown
from tests.reference import ed25519
from tests.vectors import vector

PRIME = 2**255 - 19
LOW_ORDER = {
    "order 4": "0000000000000000000000000000000000000000000000000000000000000000",
    "order 1": "0100000000000000000000000000000000000000000000000000000000000000",
    "order 8": "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
    "order 8, other": "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
    "order 2": "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
}
# Of the did:key specification and RFC 8032 §7.1: public keys of the seeds 32 zeros and test 1.
PUBLISHED = {
    "3b6a27bcceb6a42d62a3a8d02a6f0d73653215771de243a63ac048a18b59da29": (
        "did:key:z6MkiTBz1ymuepAQ4HEHYSF1H8quG5GLVVQR3djdX3mDooWp"
    ),
    "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a": (
        "did:key:z6MktwupdmLXVVqTzCw4i46r4uGyosGXRnR3XjN4Zq7oMMsw"
    ),
}
GOOD = "did:key:z6MkiTBz1ymuepAQ4HEHYSF1H8quG5GLVVQR3djdX3mDooWp"


def without_check(point: bytes) -> str:
    """The did:key of any 32 bytes, by the plain definition of base58btc."""
    alphabet = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"
    number, text = int.from_bytes(b"\xed\x01" + point, "big"), ""
    while number:
        text = alphabet[number % 58] + text
        number //= 58
    return "did:key:z" + text


def allowed(point: bytes) -> bool:
    y = int.from_bytes(point, "little") % 2**255
    return y < PRIME and y.to_bytes(32, "little").hex() not in LOW_ORDER.values()


@pytest.mark.parametrize(("public", "did"), PUBLISHED.items())
def test_published_keys(public: str, did: str) -> None:
    assert format_did(bytes.fromhex(public)) == did
    assert parse_did(did).hex() == public


def test_keys_of_the_vector_ledger() -> None:
    ledger = vector("patina-format/ledger.json")
    for name, seed in ledger["seeds"].items():
        key = SigningKey.from_seed(bytes.fromhex(seed))
        assert key.did == ledger["dids"][name]
        assert parse_did(key.did) == key.public


@given(st.binary(min_size=32, max_size=32).filter(allowed))
def test_round_trip(public: bytes) -> None:
    did = format_did(public)
    assert did == without_check(public)
    assert parse_did(did) == public


@pytest.mark.parametrize("sign_bit", [0, 128])
@pytest.mark.parametrize("name", LOW_ORDER)
def test_points_of_low_order_are_refused(name: str, sign_bit: int) -> None:
    point = bytearray.fromhex(LOW_ORDER[name])
    # It is of low order, and the list holds no point that is not.
    assert ed25519.times(8, ed25519.decode(bytes(point))) == ed25519.IDENTITY
    point[31] |= sign_bit
    for refuse in (check_point, format_did):
        with pytest.raises(Invalid, match="low order"):
            refuse(bytes(point))
    with pytest.raises(Invalid, match="low order"):
        parse_did(without_check(bytes(point)))


def test_the_list_of_low_order_is_whole() -> None:
    generator = ed25519.decode(bytes.fromhex(LOW_ORDER["order 8"]))
    found = {ed25519.times(number, generator)[1].to_bytes(32, "little").hex() for number in range(8)}
    assert found == set(LOW_ORDER.values())


@pytest.mark.parametrize("sign_bit", [0, 1])
@pytest.mark.parametrize("beyond", range(19))
def test_coordinates_that_are_not_reduced_are_refused(beyond: int, sign_bit: int) -> None:
    point = (PRIME + beyond | sign_bit << 255).to_bytes(32, "little")
    with pytest.raises(Invalid, match="below"):
        check_point(point)
    with pytest.raises(Invalid, match="below"):
        parse_did(without_check(point))


@pytest.mark.parametrize("y", [2, 3, 18, 19, PRIME - 2, PRIME - 3, 2**254])
def test_their_neighbours_are_not(y: int) -> None:
    for point in (y.to_bytes(32, "little"), (y | 1 << 255).to_bytes(32, "little")):
        assert check_point(point) == point
        assert parse_did(without_check(point)) == point


@pytest.mark.parametrize("size", [0, 31, 33])
def test_points_of_another_length_are_refused(size: int) -> None:
    with pytest.raises(Invalid, match="32"):
        check_point(b"\x02" * size)


@pytest.mark.parametrize(
    "did",
    [
        "",
        "did:key:",
        GOOD[8:],
        GOOD[:-1],
        GOOD + "p",
        GOOD + "\n",
        " " + GOOD,
        GOOD + "#" + GOOD[8:],
        GOOD.upper(),
        GOOD.replace("did", "DID"),
        GOOD.replace("did:key", "did:web"),
        GOOD.replace(":z6", ":f6"),
        GOOD.replace(":z6", ":z16"),
        GOOD[:-1] + "0",
        GOOD[:-1] + "O",
        GOOD[:-1] + "I",
        GOOD[:-1] + "l",
        GOOD[:-1] + "\u0661",
        "did:key:z6LS\u0661" + "a" * 43,
        "did:key:z" + "6" * 4097,
        # The right letters and length, and a number just below and above those that begin with ed01.
        "did:key:z6Mk" + "1" * 44,
        "did:key:z6Mk" + "z" * 44,
    ],
)
def test_other_text_is_refused(did: str) -> None:
    with pytest.raises(Malformed):
        parse_did(did)


@pytest.mark.parametrize(
    "did",
    [
        "did:key:z6LSbysY2xFMRpGMhb7tFTLMpeuPRaqaWM1yECx2AtzE3KCc",  # X25519
        "did:key:zDnaerDaTF5BXEavCrfRZEk316dpbLsfPDZ3WJ5hRTPFU2169",  # P-256
        "did:key:zQ3shokFTS3brHcDQrn82RUDfCZESWL1ZdCEJwekUDPQiYBme",  # secp256k1
    ],
)
def test_a_key_of_another_type_is_not_judged(did: str) -> None:
    with pytest.raises(Unknown, match="another type"):
        parse_did(did)


@given(st.text() | st.text("z6Mk1aO0lI", max_size=60).map("did:key:z".__add__))
def test_only_our_errors(text: str) -> None:
    with contextlib.suppress(Malformed, Invalid, Unknown):
        assert format_did(parse_did(text)) == text
