"""Notices from the statement to the customer: in her language, by which way, and when not after all."""

from __future__ import annotations

import json
from collections.abc import Iterator
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import pytest

from api.notices.mail import Undelivered
from api.smtp import Mail
from ledger import times
from ledger.db import erase
from ledger.db.outbox import DEAD, DROPPED, LEASE, SENT, WAITING
from tests.build import uuid
from tests.holding import sold_ring, speak
from tests.shop import RING, Party, Shop, open_shop
from tests.telling import (
    ADA,
    CASE,
    MAIL,
    HandIn,
    Post,
    handed_over,
    hook,
    notices,
    opened,
    states,
    step,
    taken_in,
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


def test_a_customer_is_told_in_her_language_what_happens(shop: Shop, jeweller: Party) -> None:
    hand_in = HandIn()
    taken_in(shop, jeweller, language="zh-TW")
    tell(shop, hand_in=hand_in)
    step(shop, jeweller, "case.quoted", free=False, currency="TWD")
    tell(shop, hand_in=hand_in)
    step(shop, jeweller, "case.approved", free=False, on_behalf=True, basis="call")
    step(shop, jeweller, "repair.completed", work=["polished"], tests=[])
    tell(shop, hand_in=hand_in)
    assert hand_in.subjects == [
        "jeweller：已受理Ring", "jeweller已收到Ring", "jeweller：有一份報價待您確認", "jeweller：Ring可以取件了",
    ]  # fmt: skip
    first = hand_in.messages[0]
    assert first["To"] == "ada@example.org"
    assert first["From"] == "jeweller <care@shop.example>"
    assert first["Content-Language"] == "zh-Hant"
    assert first["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    for message in hand_in.messages:
        text, page = (part.get_content() for part in message.iter_parts())
        link = next(line for line in text.splitlines() if "/c/" in line)
        assert shop.get(link.removeprefix("http://shop.example:8000")).status_code == 200
        assert link in page
        assert '<html lang="zh-Hant">' in page
        for private in ("Ada", "+1", "555"):
            assert private not in text + page


def test_nobody_is_told_what_is_no_news_any_more(shop: Shop, jeweller: Party) -> None:
    taken_in(shop, jeweller)
    step(shop, jeweller, "case.quoted", free=False)
    step(shop, jeweller, "case.declined", free=False, on_behalf=True, basis="call")
    receipt = step(shop, jeweller, "case.extended", limit="resolution", until="2026-05-20", reason="parts", hard=False)
    retracted = json.loads(receipt["entry"])["statement"]["id"]
    shop.say(jeweller, "statement.retracted", RING, {"reason": "mistake"}, corrects=retracted)
    handed_over(shop, jeweller)
    hand_in = HandIn()
    tell(shop, hand_in=hand_in)
    assert states(shop) == {
        "opened": (SENT, None), "received": (SENT, None), "quoted": (DROPPED, "it is decided"),
        "extended": (DROPPED, "it was taken back"), "ready": (DROPPED, "it was handed over"), "rate": (WAITING, None),
    }  # fmt: skip


def test_what_was_recorded_late_is_history_and_no_news(shop: Shop, jeweller: Party) -> None:
    registered(shop, jeweller)
    statement = shop.statement(
        jeweller, "case.opened", RING, {"kind": "repair", "channel": "store", "issue": "quality"}, case=CASE
    )
    statement["occurred_at"] = times.format_recorded(shop.clock() - 2 * times.DAY)
    body = {"statement": statement, "private": {"customer": ADA}}
    assert shop.post("/v1/statements", body, jeweller).status_code == 201
    tell(shop)
    assert states(shop) == {}


def test_please_rate_goes_out_a_day_after_the_hand_over_and_once(shop: Shop, jeweller: Party) -> None:
    taken_in(shop, jeweller)
    handed_over(shop, jeweller)
    hand_in = HandIn()
    tell(shop, hand_in=hand_in)
    before = len(hand_in.messages)
    shop.clock.pass_hours(23.9)
    assert tell(shop, hand_in=hand_in) == 0
    shop.clock.pass_hours(0.2)
    assert tell(shop, hand_in=hand_in) == 1
    assert hand_in.subjects[before:] == ["jeweller: how was it?"]
    shop.ledger.writer.accept_clock = True
    step(shop, jeweller, "case.received", evidence={"weight": "3.42 g"})
    step(shop, jeweller, "case.handed_over", check="id", evidence={"weight": "3.42 g"})
    shop.clock.pass_hours(48)
    tell(shop, hand_in=hand_in)
    assert hand_in.subjects.count("jeweller: how was it?") == 1


@pytest.mark.parametrize("late", [False, True])
def test_a_hand_over_that_was_a_mistake_asks_once_and_not_never(shop: Shop, jeweller: Party, *, late: bool) -> None:
    """Taken back before she was asked, the next one asks; taken back after it, she is not asked again."""
    taken_in(shop, jeweller)
    step(shop, jeweller, "repair.completed", work=["polished"], tests=[])
    hand_in, said = HandIn(), dict[str, Any](check="id", evidence={"weight": "3.42 g"})
    first = step(shop, jeweller, "case.handed_over", **said)
    tell(shop, hand_in=hand_in)
    shop.clock.pass_hours(25 if late else 2)
    shop.ledger.writer.accept_clock = True
    tell(shop, hand_in=hand_in)
    mistaken = json.loads(first["entry"])["statement"]["id"]
    shop.say(jeweller, "statement.retracted", RING, {"reason": "mistake"}, corrects=mistaken, case=CASE)
    step(shop, jeweller, "case.received", evidence={"weight": "3.42 g"})
    shop.clock.pass_hours(1)
    step(shop, jeweller, "case.handed_over", **said)
    tell(shop, hand_in=hand_in)
    shop.clock.pass_hours(23.9)
    tell(shop, hand_in=hand_in)
    assert hand_in.subjects.count("jeweller: how was it?") == (1 if late else 0)
    shop.clock.pass_hours(0.2)
    tell(shop, hand_in=hand_in)
    assert hand_in.subjects.count("jeweller: how was it?") == 1


@pytest.mark.parametrize("why", ["erased", "opted out", "received again"])
def test_please_rate_does_not_go_out_where_it_must_not(shop: Shop, jeweller: Party, why: str) -> None:
    taken_in(shop, jeweller)
    handed_over(shop, jeweller)
    hand_in = HandIn()
    tell(shop, hand_in=hand_in)
    before = len(hand_in.messages)
    match why:
        case "erased":
            wanted = {"item": RING, "classes": ["contact"]}
            assert shop.post("/v1/erasures", wanted, shop.operator).status_code == 201
            assert erase.work(shop.ledger, shop.clock(), grace=0)
        case "opted out":
            stop = str(hand_in.messages[0]["List-Unsubscribe"]).strip("<>").removeprefix("http://shop.example:8000")
            answer = shop.client.post(stop, data={"List-Unsubscribe": "One-Click"})
            assert answer.status_code == 200
        case _:
            step(shop, jeweller, "case.received", evidence={"weight": "3.42 g"})
    shop.clock.pass_hours(24.1)
    tell(shop, hand_in=hand_in)
    assert "jeweller: how was it?" not in hand_in.subjects[before:]
    reason = {"erased": "no address is kept", "opted out": "she wants no messages"}
    assert states(shop)["rate"] == (DROPPED, reason.get(why, "it goes on"))


def test_whoever_ended_messages_gets_none_by_any_way(shop: Shop, jeweller: Party) -> None:
    hand_in, post = HandIn(), Post()
    opened(shop, jeweller)
    tell(shop, post, hand_in)
    stop = str(hand_in.messages[0]["List-Unsubscribe"]).strip("<>").removeprefix("http://shop.example:8000")
    assert shop.get(stop).status_code == 200, "asks, and changes nothing"
    other = opened(shop, jeweller, case=uuid("another"))
    tell(shop, post, hand_in)
    assert len(hand_in.messages) == 2
    assert shop.client.post(stop).status_code == 200
    hook(shop, jeweller, gateway="always")
    opened(shop, jeweller, {"phone": "+12025550100"}, case=uuid("by telephone"))
    opened(shop, jeweller, {"email": "ADA@example.org"}, case=uuid("by another hand"))
    tell(shop, post, hand_in)
    assert (len(hand_in.messages), post.calls) == (2, [])
    opened(shop, jeweller, {"email": "eve@example.org"}, case=uuid("somebody else"))
    tell(shop, post, hand_in)
    assert [said["data"]["to"] for _, said, _, _ in post.calls] == [{"email": "eve@example.org"}]
    assert other["case"] == uuid("another")


def test_a_shops_gateway_is_sent_text_and_address_where_there_is_no_email(shop: Shop, jeweller: Party) -> None:
    hand_in, post = HandIn(), Post()
    hook(shop, jeweller, gateway="without_email")
    opened(shop, jeweller, {"phone": "(202) 555-0100 x", "language": "zh-CN"}, case=uuid("no country"))
    opened(shop, jeweller, {"phone": "+1 202 555 0100", "language": "zh-CN"})
    tell(shop, post, hand_in)
    ((_, said, headers, _),) = post.calls
    assert (said["type"], said["data"]["to"], said["data"]["status"]) == (
        "notice.due",
        {"phone": "+12025550100"},
        "opened",
    )
    assert said["data"]["language"] == "zh-Hans"
    assert said["data"]["text"] == "jeweller已为Ring建立服务单。您可以随时查看进度。"
    assert headers["webhook-id"] == "msg_" + said["data"]["notice"]
    assert shop.get(said["data"]["link"].removeprefix("http://shop.example:8000")).status_code == 200
    assert said["data"]["stop"].startswith("http://shop.example:8000/n/")
    (read,) = shop.ledger.readings.readings()[0]
    assert (read.why, read.members, read.owner, read.outside) == ("notice", ("customer",), jeweller.id, False)
    opened(shop, jeweller, case=uuid("with e-mail"))
    tell(shop, post, hand_in)
    assert (len(post.calls), len(hand_in.messages)) == (1, 1)


def test_a_shop_may_want_its_gateway_instead_of_email(shop: Shop, jeweller: Party) -> None:
    hand_in, post = HandIn(), Post(answers=[410])
    hook(shop, jeweller, gateway="always")
    opened(shop, jeweller)
    tell(shop, post, hand_in)
    # The gateway is gone for ever, so that it is disabled and she is told by e-mail after all.
    assert (post.types, len(hand_in.messages)) == (["notice.due"], 1)
    assert states(shop)["opened"] == (SENT, None)


def test_an_address_goes_to_no_gateway_but_that_of_who_recorded_it(shop: Shop, jeweller: Party) -> None:
    hand_in, post = HandIn(), Post()
    repairer = shop.party("repairer", "repairer")
    hook(shop, repairer, "case.*", gateway="always")
    opened(shop, jeweller)
    step(shop, jeweller, "case.received", evidence={"weight": "1 g"})
    step(shop, jeweller, "case.forwarded", to=repairer.id, evidence={"weight": "1 g"})
    tell(shop, post, hand_in)
    assert "notice.due" not in post.types
    assert "ada" not in json.dumps([said for _, said, _, _ in post.calls])
    assert len(hand_in.messages) == 1


@pytest.mark.parametrize(
    "customer",
    [
        "Ada, ada@example.org", {"email": "ada@example.org Bcc: eve@example.org"}, {"email": "no address"},
        {"email": []}, {"email": "a" * 70 + "@example.org"}, {"phone": "one two"}, {"name": "Ada"}, {"email": "@"},
        {"email": '"a b"@example.org'}, {"email": "ada@exa mple.org"}, {"email": "ada@-..org"},
    ],
)  # fmt: skip
def test_what_is_no_address_is_told_nothing(shop: Shop, jeweller: Party, customer: Any) -> None:
    opened(shop, jeweller, customer)
    hand_in = HandIn()
    tell(shop, hand_in=hand_in)
    assert hand_in.messages == []
    assert states(shop) == {"opened": (DROPPED, "no address is kept")}


def test_mail_that_is_not_taken_is_tried_again_unless_it_never_will_be(shop: Shop, jeweller: Party) -> None:
    opened(shop, jeweller)
    hand_in = HandIn(errors=[Undelivered("SMTP 451"), Undelivered("SMTP 550", for_good=True)])
    assert tell(shop, hand_in=hand_in) == 1
    assert states(shop) == {"opened": (WAITING, "SMTP 451")}
    shop.clock.pass_hours(0.1)
    assert tell(shop, hand_in=hand_in) == 1
    assert states(shop) == {"opened": (DEAD, "SMTP 550")}


def test_what_waited_too_long_is_not_told(shop: Shop, jeweller: Party) -> None:
    opened(shop, jeweller)
    assert tell(shop, hand_in=HandIn(errors=[Undelivered("away")])) == 1
    shop.clock.pass_hours(24 * 6)
    tell(shop)
    assert states(shop) == {"opened": (DROPPED, "it is too late")}


def test_whoever_takes_long_leaves_the_rest_to_be_claimed_again(shop: Shop, jeweller: Party) -> None:
    for number in range(3):
        opened(shop, jeweller, case=uuid(f"case {number}"))
    hand_in = HandIn()

    def slowly(mail: Mail, message: EmailMessage) -> None:
        hand_in(mail, message)
        shop.clock.now += LEASE // 2

    assert tell(shop, hand_in=slowly) == 6
    assert len({str(message["Message-ID"]) for message in hand_in.messages}) == len(hand_in.messages) == 3
    assert {(one.state, one.tries) for one in notices(shop)} == {(SENT, 1)}


def test_whoever_rated_is_not_asked_to(shop: Shop, jeweller: Party) -> None:
    paper = sold_ring(shop, jeweller)
    opened(shop, jeweller, item=paper.item)
    step(shop, jeweller, "case.received", item=paper.item, evidence={"weight": "3.42 g"})
    step(shop, jeweller, "case.handed_over", item=paper.item, check="id", evidence={"weight": "3.42 g"})
    assert speak(shop, paper, "case.evaluated", paper.key, {"overall": 5}, case=CASE).status_code == 201
    shop.clock.pass_hours(25)
    hand_in = HandIn()
    tell(shop, hand_in=hand_in)
    assert states(shop)["rate"] == (DROPPED, "it is rated")
    assert "jeweller: how was it?" not in hand_in.subjects
