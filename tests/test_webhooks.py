"""Webhooks as rows: secrets that are shown once, rotated with an overlap, and what an event is wanted by."""

from __future__ import annotations

from base64 import b64decode
from collections.abc import Iterator
from pathlib import Path

import pytest

from ledger import times
from ledger.db.webhooks import MAX_EVENTS, MAX_WEBHOOKS, Secrets, format_secret
from ledger.errors import Invalid, Refused
from tests.stall import Stall, stall, urn

URL = "https://example.org/in"


@pytest.fixture
def shop(database_url: str, tmp_path: Path) -> Iterator[Stall]:
    with stall(database_url, tmp_path) as opened:
        yield opened


def key_of(secret: str) -> bytes:
    assert secret.startswith("whsec_")
    return b64decode(secret.removeprefix("whsec_"), validate=True)


def keys(shop: Stall, webhook: str) -> tuple[bytes, ...]:
    found = shop.ledger.webhooks.secrets(webhook)
    assert found is not None
    return found.keys


def test_a_secret_is_shown_once_and_kept_wrapped(shop: Stall) -> None:
    made, secret = shop.ledger.webhooks.add(urn("shop"), URL, ["case.*", "item.sold", "case.*"], label="till")
    assert (made.events, made.label, made.gateway) == (("case.*", "item.sold"), "till", "no")
    assert keys(shop, made.id) == (key_of(secret),)
    assert len(key_of(secret)) == 32
    with shop.ledger._engine.connect() as connection:
        (wrapped,) = connection.exec_driver_sql("SELECT wrapped FROM webhook").scalars()
    assert key_of(secret) not in bytes(wrapped)
    assert secret not in repr(Secrets((key_of(secret),)))
    assert shop.ledger.webhooks.get(made.id) == made


def test_a_rotation_signs_by_both_until_the_overlap_is_over(shop: Stall) -> None:
    webhooks = shop.ledger.webhooks
    made, first = webhooks.add(urn("shop"), URL, ["*"])
    second = webhooks.rotate(made.id)
    assert keys(shop, made.id) == (key_of(second), key_of(first))
    third = webhooks.rotate(made.id, shop.clock.now + times.HOUR)
    assert keys(shop, made.id) == (key_of(third), key_of(second))
    shop.clock.now += times.HOUR
    assert keys(shop, made.id) == (key_of(third),)
    for end in (shop.clock.now - 1, shop.clock.now + 31 * times.DAY):
        with pytest.raises(Invalid, match="end of the old secret"):
            webhooks.rotate(made.id, end)


def test_a_disabled_webhook_has_no_secret_and_no_next_one(shop: Stall) -> None:
    webhooks = shop.ledger.webhooks
    made, _ = webhooks.add(urn("shop"), URL, ["*"])
    assert webhooks.disable(made.id, "gone")
    assert not webhooks.disable(made.id)
    assert webhooks.secrets(made.id) is None
    with pytest.raises(Refused, match="disabled"):
        webhooks.rotate(made.id)
    found = webhooks.get(made.id)
    assert found is not None
    assert (found.why, webhooks.in_force(), webhooks.of(urn("shop"))) == ("gone", [], [found])
    assert webhooks.get("no id") is None


def test_events_are_wanted_by_name_by_first_word_or_all(shop: Stall) -> None:
    made, _ = shop.ledger.webhooks.add(urn("shop"), URL, ["case.*", "item.sold"])
    wanted = {
        event: made.wants(event) for event in ("case.opened", "case.overdue", "item.sold", "item.claimed", "case")
    }
    assert wanted == {
        "case.opened": True, "case.overdue": True, "item.sold": True, "item.claimed": False, "case": True,
    }  # fmt: skip
    every, _ = shop.ledger.webhooks.add(urn("shop"), URL, ["*"])
    assert every.wants("item.claimed")


@pytest.mark.parametrize(
    "event", ["", "case", "**", "case.*.x", "Case.opened", "notice.due", "webhook.test", "a b", "*\n"]
)
def test_an_event_out_of_form_is_refused(shop: Stall, event: str) -> None:
    with pytest.raises(Invalid, match="want a type") as raised:
        shop.ledger.webhooks.add(urn("shop"), URL, ["item.sold", event])
    assert raised.value.pointer == "/events/1"
    assert shop.ledger.webhooks.of() == []


def test_there_are_limits(shop: Stall) -> None:
    webhooks = shop.ledger.webhooks
    with pytest.raises(Invalid, match="at most"):
        webhooks.add(urn("shop"), URL, ["a.b"] * (MAX_EVENTS + 1))
    with pytest.raises(Invalid, match="one line"):
        webhooks.add(urn("shop"), URL, ["*"], label="two\nlines")
    first, _ = webhooks.add(urn("shop"), URL, ["*"])
    for _ in range(MAX_WEBHOOKS - 1):
        webhooks.add(urn("shop"), URL, ["*"])
    with pytest.raises(Refused, match="disable one first"):
        webhooks.add(urn("shop"), URL, ["*"])
    webhooks.add(urn("other"), URL, ["*"])
    webhooks.disable(first.id)
    webhooks.add(urn("shop"), URL, ["*"])


def test_what_is_said_is_changed_and_nothing_else(shop: Stall) -> None:
    webhooks = shop.ledger.webhooks
    made, secret = webhooks.add(urn("shop"), URL, ["*"], label="till")
    webhooks.change(made.id, events=["item.sold"], gateway=None, label=None)
    webhooks.change(made.id, events=None, gateway="always", label="sms")
    webhooks.change(made.id, events=None, gateway=None, label=None)
    found = webhooks.get(made.id)
    assert found is not None
    assert (found.events, found.gateway, found.label) == (("item.sold",), "always", "sms")
    assert format_secret(keys(shop, made.id)[0]) == secret
