"""API keys on both databases: their end, their use, and the next one that overlaps with the last."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import event
from sqlalchemy.exc import OperationalError

from ledger import times
from ledger.db.api_keys import COARSE, OVERLAP, ApiKey, ApiKeys
from ledger.db.rows import REMEMBER
from ledger.errors import Refused
from tests.stall import Stall, stall, urn


@pytest.fixture
def shop(database_url: str, tmp_path: Path) -> Iterator[Stall]:
    with stall(database_url, tmp_path) as opened:
        yield opened


@pytest.fixture
def keys(shop: Stall) -> ApiKeys:
    return shop.ledger.access.keys


def known(keys: ApiKeys, secret: str) -> ApiKey:
    found = keys.find(secret)
    assert found is not None
    return found


def test_an_expired_key_is_refused_from_that_moment_also_if_it_was_just_found(shop: Stall, keys: ApiKeys) -> None:
    end = shop.clock.now + times.HOUR
    secret = keys.create(urn("shop"), ["read"], expires_at=end)
    shop.clock.now = end - 1
    assert known(keys, secret).expires_at == times.format_recorded(end)
    shop.clock.now = end
    assert keys.find(secret) is None
    assert keys.all()[0].ended(end)
    assert not keys.all()[0].ended(end - 1000)
    assert not keys.revoke(keys.all()[0].id)


def test_a_key_that_ends_before_it_begins_is_not_made(shop: Stall, keys: ApiKeys) -> None:
    with pytest.raises(Refused, match="past"):
        keys.create(urn("shop"), ["read"], expires_at=shop.clock.now)
    assert keys.all() == []


def test_a_rotated_key_goes_on_until_then_and_the_next_lives_as_long(shop: Stall, keys: ApiKeys) -> None:
    start = shop.clock.now
    old = keys.create(urn("shop"), ["read", "write"], "till", expires_at=start + 90 * times.DAY)
    shop.clock.now = start + 80 * times.DAY
    new = keys.rotate(known(keys, old).id)
    before, after = known(keys, old), known(keys, new)
    assert before.expires_at == times.format_recorded(shop.clock.now + OVERLAP)
    assert (after.party, after.scopes, after.label) == (before.party, before.scopes, "till")
    assert after.expires_at == times.format_recorded(start + 170 * times.DAY)
    assert after.id != before.id
    shop.clock.now += OVERLAP
    assert keys.find(old) is None
    assert known(keys, new).id == after.id
    with pytest.raises(Refused, match="expired"):
        keys.rotate(before.id)


def test_a_rotation_never_lengthens_the_old_key(shop: Stall, keys: ApiKeys) -> None:
    end = shop.clock.now + times.HOUR
    old = keys.create(urn("shop"), ["read"], expires_at=end)
    keys.rotate(known(keys, old).id, until=end + times.DAY)
    assert known(keys, old).expires_at == times.format_recorded(end)
    endless = keys.create(urn("shop"), ["read"])
    new = keys.rotate(known(keys, endless).id, until=0)
    assert keys.find(endless) is None
    assert known(keys, new).expires_at is None


def test_what_is_unknown_or_revoked_is_not_rotated(keys: ApiKeys) -> None:
    secret = keys.create(urn("shop"), ["read"])
    found = known(keys, secret)
    assert keys.revoke(found.id)
    for key_id in (found.id, "unheard"):
        with pytest.raises(Refused, match="unknown, revoked or expired"):
            keys.rotate(key_id)
    assert len(keys.all()) == 1


def test_the_last_use_is_known_to_the_hour_and_written_no_oftener(shop: Stall, keys: ApiKeys) -> None:
    writes: list[str] = []
    secret = keys.create(urn("shop"), ["read"])
    event.listen(shop.ledger._appending, "before_cursor_execute", lambda *given: writes.append(given[2]))
    start = shop.clock.now
    for minutes in range(0, 60, 5):
        shop.clock.now = start + minutes * times.MINUTE
        assert known(keys, secret).last_used_at == times.format_recorded(start)
    assert sum(text.startswith("UPDATE") for text in writes) == 1
    shop.clock.now = start + COARSE
    assert known(keys, secret).last_used_at == times.format_recorded(shop.clock.now)
    assert keys.all()[0].last_used_at == times.format_recorded(shop.clock.now)
    assert sum(text.startswith("UPDATE") for text in writes) == 2


def test_nobody_is_refused_because_the_use_cannot_be_written(
    shop: Stall, keys: ApiKeys, monkeypatch: pytest.MonkeyPatch
) -> None:
    secret = keys.create(urn("shop"), ["read"])

    def full(_: object) -> int:
        raise OperationalError("UPDATE", {}, Exception("disk full"))

    monkeypatch.setattr(keys._rows, "write", full)
    assert known(keys, secret).party == urn("shop")


def test_a_key_stolen_and_revoked_elsewhere_works_no_longer_than_is_documented(shop: Stall) -> None:
    other = shop.again()
    secret = shop.ledger.access.create_api_key(urn("shop"), ["write"])
    mine = shop.ledger.access.keys
    thief = known(mine, secret)
    assert other.access.keys.revoke(thief.id)
    assert other.access.keys.find(secret) is None
    shop.clock.now += REMEMBER
    assert mine.find(secret) is None
    other.close()
