"""Notices from the statement to the webhook, on both databases, with a clock that is moved by hand."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from standardwebhooks.webhooks import Webhook as Standard
from standardwebhooks.webhooks import WebhookVerificationError

from api.notices.egress import NotAllowed, Unreachable
from api.notices.sending import AFTER, JITTER
from ledger import times
from ledger.db.outbox import DEAD, DROPPED, SENT, WAITING
from tests.build import ring, uuid
from tests.shop import RING, Party, Shop, open_shop
from tests.telling import (
    MAIL,
    Post,
    hook,
    notices,
    opened,
    tell,
)


@pytest.fixture
def shop(tmp_path: Path, database_url: str) -> Iterator[Shop]:
    with open_shop(tmp_path, database_url, mail=MAIL) as shop:
        yield shop


@pytest.fixture
def jeweller(shop: Shop) -> Party:
    party = shop.party("jeweller", "retailer", "repairer")
    tell(shop)  # what was before is not looked at again
    return party


def registered(shop: Shop, party: Party, item: str = RING) -> Any:
    return shop.say(party, "item.registered", item, {"name": "Ring", "category": "jewellery"})


def test_a_statement_is_told_once_signed_in_the_standard_form_and_without_content(shop: Shop, jeweller: Party) -> None:
    made, secret = shop.ledger.webhooks.add(jeweller.id, "https://example.org/in", ["item.*"])
    receipt = registered(shop, jeweller)
    post = Post()
    assert tell(shop, post) == 1
    assert tell(shop, post) == 0
    ((url, said, headers, body),) = post.calls
    assert url == made.url
    statement = json.loads(receipt["entry"])["statement"]
    assert said == {
        "type": "item.registered",
        "timestamp": json.loads(receipt["entry"])["recorded_at"],
        "data": {
            "statement": statement["id"], "index": receipt["index"], "subjects": [RING], "case": None,
            "party": jeweller.id, "occurred_at": statement["occurred_at"],
            "recorded_at": json.loads(receipt["entry"])["recorded_at"],
        },
    }  # fmt: skip
    # The specification's own library, at the time that the header says.
    at = datetime.fromtimestamp(int(headers["webhook-timestamp"]), UTC)
    assert Standard(secret).sign(headers["webhook-id"], at, body.decode()) == headers["webhook-signature"]
    assert int(headers["webhook-timestamp"]) == shop.clock() // times.SECOND


def test_the_specifications_library_accepts_what_both_secrets_sign(
    shop: Shop, jeweller: Party, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shop.clock, "now", int(datetime.now(UTC).timestamp()) * times.SECOND)
    made, old = shop.ledger.webhooks.add(jeweller.id, "https://example.org/in", ["*"])
    new = shop.ledger.webhooks.rotate(made.id)
    shop.ledger.writer.accept_clock = True
    registered(shop, jeweller)
    post = Post()
    tell(shop, post)
    _, _, headers, body = post.calls[-1]
    for secret in (old, new):
        Standard(secret).verify(body, headers)
    with pytest.raises(WebhookVerificationError):
        Standard(new).verify(body + b" ", headers)
    with pytest.raises(WebhookVerificationError):
        Standard("whsec_" + "A" * 43 + "=").verify(body, headers)


def test_only_parties_that_it_concerns_hear_of_it_and_the_chain_above(shop: Shop, jeweller: Party) -> None:
    for name, parent in (("chain", None), ("branch", "chain"), ("other", None)):
        body = {"name": name, "roles": ["retailer"], "id": uuid(name)} | ({"parent": uuid(parent)} if parent else {})
        assert shop.post("/v1/parties", body, shop.operator).status_code == 201
        shop.parties[name] = Party(uuid(name), shop.api_key(uuid(name), "write"))
    names = ("chain", "branch", "other", "jeweller")
    of = {name: hook(shop, shop.parties[name], "item.registered").id for name in names}
    tell(shop)
    registered(shop, shop.parties["branch"])
    registered(shop, jeweller, ring(2))
    tell(shop)
    heard = sorted((name, one.subject) for name, hook_id in of.items() for one in notices(shop, webhook=hook_id))
    assert heard == sorted([("chain", RING), ("branch", RING), ("jeweller", ring(2))])


def test_what_was_recorded_before_is_not_told(shop: Shop, jeweller: Party) -> None:
    registered(shop, jeweller)
    tell(shop)
    hook(shop, jeweller, "*")
    post = Post()
    tell(shop, post)
    registered(shop, jeweller, ring(2))
    tell(shop, post)
    assert [said["data"]["subjects"] for _, said, _, _ in post.calls] == [[ring(2)]]


def test_nobody_hears_of_what_was_recorded_before_it_asked_to(shop: Shop, jeweller: Party) -> None:
    registered(shop, jeweller)
    opened(shop, jeweller)
    shop.clock.pass_hours(24 * 6)
    hook(shop, jeweller, "*")
    assert tell(shop) == 0  # as where a ledger was filled before it was ever served
    assert notices(shop) == []


def test_a_receiver_that_fails_is_called_again_for_three_days_and_then_no_more(shop: Shop, jeweller: Party) -> None:
    hook(shop, jeweller, "*")
    registered(shop, jeweller)
    away: list[int | Exception] = [NotAllowed("inside"), Unreachable("ConnectError")]
    failures = [500, 302, 404, *away, 429, 503, 400, 418, 500]
    post = Post(answers=failures)
    start = shop.clock.now
    tries = tell(shop, post)
    for wait in AFTER:
        shop.clock.now += int(wait * (1 - JITTER) * times.SECOND) - times.SECOND
        assert tell(shop, post) == 0, "not before its time"
        shop.clock.now += int(wait * 2 * JITTER * times.SECOND) + 2 * times.SECOND
        tries += tell(shop, post)
    assert (tries, post.answers) == (len(AFTER) + 1, [])
    assert 2 * times.DAY < shop.clock.now - start < 4.5 * times.DAY
    (one,) = notices(shop, state=DEAD)
    assert one.failure == "HTTP 500"
    assert len({headers["webhook-id"] for _, _, headers, _ in post.calls}) == 1
    assert len({body for *_, body in post.calls}) == 1
    shop.clock.pass_hours(100)
    assert tell(shop, post) == 0


def test_gone_disables_and_drops_what_waits(shop: Shop, jeweller: Party) -> None:
    made = hook(shop, jeweller, "*")
    registered(shop, jeweller)
    registered(shop, jeweller, ring(2))
    post = Post(answers=[410, 410])
    tell(shop, post)
    found = shop.ledger.webhooks.get(made.id)
    assert found is not None
    assert found.disabled_at is not None
    assert {one.state for one in notices(shop)} == {DROPPED}
    registered(shop, jeweller, ring(3))
    tell(shop, post)
    assert len(notices(shop)) == 2


def test_without_a_way_nothing_is_kept_to_be_told(tmp_path: Path, database_url: str) -> None:
    with open_shop(tmp_path, database_url) as shop:
        jeweller = shop.party("jeweller", "retailer")
        opened(shop, jeweller)
        assert tell(shop) == 0
        hook(shop, jeweller, "item.*")
        opened(shop, jeweller, case=uuid("another"))
        assert tell(shop) == 0
        assert notices(shop) == []
        position, size = shop.ledger.outbox.position()
        assert position == size


def test_a_fault_in_one_stops_no_other(shop: Shop, jeweller: Party, caplog: pytest.LogCaptureFixture) -> None:
    hook(shop, jeweller, "*")
    registered(shop, jeweller)
    registered(shop, jeweller, ring(2))
    post = Post(answers=[ZeroDivisionError()])
    assert tell(shop, post) == 2
    assert sorted(one.state for one in notices(shop)) == [SENT, WAITING]
    assert "ZeroDivisionError" in caplog.text
