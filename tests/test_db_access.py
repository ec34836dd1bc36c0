"""API keys, keys in custody and view codes, on both databases; and the master key that wraps."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from sqlalchemy import text

from ledger.db import rows
from ledger.db.engine import open_engine
from ledger.db.secret import FILE_NAME, KEY_NAME, MasterKey, decrypt, encrypt
from ledger.errors import Malformed, Unavailable
from tests.stall import Stall, key_of, stall, urn
from tests.vectors import vector


@pytest.fixture
def shop(database_url: str, tmp_path: Path) -> Iterator[Stall]:
    with stall(database_url, tmp_path) as opened:
        yield opened


def test_api_keys(shop: Stall) -> None:
    access, party = shop.ledger.access, urn("shop")
    secret = access.create_api_key(party, ["write", "read"], "till 1")
    other = access.create_api_key(urn("rival"), ["read"])
    found = access.find_api_key(secret)
    assert found is not None
    assert (found.party, found.scopes, found.label, found.revoked_at) == (party, ("write", "read"), "till 1", None)
    assert access.find_api_key(secret) is found
    assert access.api_keys(party) == [found]
    assert {key.party for key in access.api_keys()} == {party, urn("rival")}
    for unknown in ("", "pk_", secret[:-1], secret + "A", "pk_" + "A" * 43, other[3:]):
        assert access.find_api_key(unknown) is None
    assert access.revoke_api_key(found.id)
    assert not access.revoke_api_key(found.id)
    assert access.find_api_key(secret) is None
    assert access.api_keys(party)[0].revoked_at is not None
    assert access.find_api_key(other) is not None


def test_a_key_revoked_elsewhere_works_a_few_seconds_longer(shop: Stall) -> None:
    other = shop.again()
    secret = shop.ledger.access.create_api_key(urn("shop"), ["read"])
    found = shop.ledger.access.find_api_key(secret)
    assert found is not None
    assert other.access.revoke_api_key(found.id)
    assert shop.ledger.access.find_api_key(secret) is found
    shop.clock.now += rows.REMEMBER
    assert shop.ledger.access.find_api_key(secret) is None
    other.close()


def test_what_is_remembered_is_bounded(shop: Stall, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rows, "MAX_REMEMBERED", 2)
    secrets = [shop.ledger.access.create_api_key(urn("shop"), []) for _ in range(4)]
    assert all(shop.ledger.access.find_api_key(secret) for secret in secrets)
    assert len(shop.ledger.access.keys._memory) <= 2


def test_party_keys_in_custody(shop: Stall) -> None:
    access, party = shop.ledger.access, urn("mint")
    seed = bytes([7]) * 32
    key = access.keep_party_key(party, seed)
    assert access.party_signer(party) is None
    register, _ = shop.party("mint", "manufacturer")
    adding = shop.draft(
        "key.added", f"{party}#authority", {"key": key.did, "custody": "ledger"}, by="operator", also=key
    )
    shop.accept(register, adding)
    assert access.party_signer(party) == key
    shop.reopen()
    access = shop.ledger.access
    assert access.party_signer(party) == key
    assert access.party_signer(urn("shop")) is None
    assert access.party_signer(urn("nobody")) is None
    assert [(one.did, one.party) for one in access.party_keys(party)] == [(key.did, party)]
    assert len(access.party_keys()) == 2
    assert access.forget_party_key(key.did)
    assert not access.forget_party_key(key.did)
    assert access.party_signer(party) is None
    assert key_of("shop").did not in [one.did for one in access.party_keys()]


def test_no_secret_stands_in_the_database(shop: Stall) -> None:
    access = shop.ledger.access
    seed = bytes(range(1, 33))
    access.keep_party_key(urn("mint"), seed)
    secrets = [access.create_api_key(urn("shop"), []), shop.ledger.codes.create(urn("a"), "view")]
    engine = open_engine(shop.url)
    with engine.connect() as connection:
        for table in ("api_key", "party_key", "ledger_key", "code"):
            for row in connection.execute(text(f"SELECT * FROM {table}")):
                stored = " ".join(bytes(one).hex() if isinstance(one, bytes | memoryview) else str(one) for one in row)
                assert seed.hex() not in stored
                assert not any(secret in stored or secret.encode().hex() in stored for secret in secrets)
    engine.dispose()


def test_the_master_key_wraps_for_one_row_only() -> None:
    key, other = MasterKey(bytes(32)), MasterKey(bytes([1]) * 32)
    wrapped = key.wrap(b"a seed", b"row 1")
    assert key.unwrap(wrapped, b"row 1") == b"a seed"
    assert key.wrap(b"a seed", b"row 1") != wrapped
    for opener, raw, row in (
        (key, wrapped, b"row 2"),
        (other, wrapped, b"row 1"),
        (key, wrapped[:-1], b"row 1"),
        (key, wrapped[:-1] + bytes([wrapped[-1] ^ 1]), b"row 1"),
        (key, wrapped[:5], b"row 1"),
        (key, b"\x02" + wrapped[1:], b"row 1"),
        (key, b"", b"row 1"),
    ):
        with pytest.raises(Unavailable):
            opener.unwrap(raw, row)


def test_wrapping_is_that_of_wycheproof() -> None:
    groups = vector("wycheproof/aes_gcm_test.json")["testGroups"]
    cases = [case for group in groups if (group["keySize"], group["ivSize"]) == (256, 96) for case in group["tests"]]
    assert len(cases) == 66
    for case in cases:
        key, nonce, row, plain, sealed, tag = (
            bytes.fromhex(case[name]) for name in ("key", "iv", "aad", "msg", "ct", "tag")
        )
        wrapped = b"\x01" + nonce + sealed + tag
        if case["result"] == "valid":
            assert decrypt(AESGCM(key), wrapped, row) == plain
            assert encrypt(AESGCM(key), plain, row, nonce) == wrapped
        else:
            with pytest.raises(InvalidTag):
                decrypt(AESGCM(key), wrapped, row)


def test_the_master_key_shows_nothing_and_comes_from_where_it_is_said(tmp_path: Path) -> None:
    path = tmp_path / "master.key"
    key = MasterKey.create(path)
    text_of = path.read_text("ascii").strip()
    assert path.stat().st_mode & 0o777 == 0o600
    assert text_of not in repr(key)
    assert repr(key) == "MasterKey()"
    assert MasterKey.from_file(path) == key == MasterKey.parse(text_of)
    assert MasterKey.from_env({KEY_NAME: text_of}) == key == MasterKey.from_env({FILE_NAME: str(path)})
    assert MasterKey.from_env({}) is None
    with pytest.raises(Unavailable, match="cannot write"):
        MasterKey.create(path)
    with pytest.raises(Unavailable, match="cannot read"):
        MasterKey.from_file(tmp_path / "none")
    for wrong in ("", "ab", "zz" * 32, "é", "AAAA"):
        with pytest.raises(Malformed):
            MasterKey.parse(wrong)
    assert MasterKey.parse("AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=") == MasterKey(bytes(32))
