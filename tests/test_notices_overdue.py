"""The shop is told that it is late: by the standard in force, once for each clock, and not where it is not late."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.build import uuid
from tests.shop import RING, Party, Shop, open_shop
from tests.telling import CASE, OPENED, Post, hook, step, tell

STANDARD = {
    "standard": "ours", "version": "1", "basis": [{"id": "law_x", "kind": "law", "title": "Law X"}],
    "limits": [
        {"clock": "first_response", "within": {"hours": 24}, "source": "house"},
        {"clock": "preliminary", "within": {"hours": 48}, "source": "law_x"},
    ],
}  # fmt: skip


@pytest.fixture
def shop(tmp_path: Path, database_url: str) -> Iterator[Shop]:
    with open_shop(tmp_path, database_url) as shop:
        yield shop


@pytest.fixture
def jeweller(shop: Shop) -> Party:
    party = shop.party("jeweller", "retailer", "repairer")
    shop.say(party, "standard.adopted", party.id, STANDARD)
    shop.say(party, "item.registered", RING, {"name": "Ring", "category": "jewellery"})
    tell(shop)
    hook(shop, party, "case.overdue")
    return party


def opened(shop: Shop, party: Party) -> None:
    shop.say(party, "case.opened", RING, OPENED, case=CASE)


def late(post: Post) -> list[Any]:
    return [(said["type"], said["data"]["clock"]) for _, said, _, _ in post.calls]


def test_a_clock_that_runs_out_is_told_once_to_the_shop(shop: Shop, jeweller: Party) -> None:
    opened(shop, jeweller)
    post = Post()
    assert tell(shop, post) == 0
    shop.clock.pass_hours(23.9)
    assert tell(shop, post) == 0
    shop.clock.pass_hours(0.2)
    tell(shop, post)
    (_, said, _, _) = post.calls[0]
    # Opened on 4 May at nine; 24 hours later.
    assert said == {
        "type": "case.overdue", "timestamp": "2026-05-05T09:00:00.000Z",
        "data": {
            "case": CASE, "subject": RING, "party": jeweller.id, "clock": "first_response",
            "due_at": "2026-05-05T09:00:00.000Z",
        },
    }  # fmt: skip
    shop.clock.pass_hours(24)
    tell(shop, post)
    assert late(post) == [("case.overdue", "first_response"), ("case.overdue", "preliminary")]
    shop.ledger.writer.accept_clock = True
    step(shop, jeweller, "case.contacted", channel="phone", reached=True)
    shop.clock.pass_hours(100)
    assert tell(shop, post) == 0


def test_what_was_done_in_time_or_waits_is_not_late(shop: Shop, jeweller: Party) -> None:
    opened(shop, jeweller)
    shop.clock.pass_hours(2)
    shop.say(jeweller, "case.responded", RING, {}, case=CASE, agent="a1")  # a person, and no machine
    step(shop, jeweller, "case.waiting", **{"for": "customer"})
    tell(shop)
    shop.clock.pass_hours(60)
    post = Post()
    tell(shop, post)
    assert late(post) == []
    shop.ledger.writer.accept_clock = True
    step(shop, jeweller, "case.resumed", **{"for": "customer"})
    tell(shop, post)
    # Two of 48 hours were used before it waited.
    shop.clock.pass_hours(45.9)
    tell(shop, post)
    assert late(post) == []
    shop.clock.pass_hours(0.2)
    tell(shop, post)
    assert late(post) == [("case.overdue", "preliminary")]


def test_a_case_that_is_closed_is_late_no_more(shop: Shop, jeweller: Party) -> None:
    opened(shop, jeweller)
    tell(shop)
    step(shop, jeweller, "case.closed", outcome="withdrawn")
    shop.clock.pass_hours(60)
    post = Post()
    tell(shop, post)
    assert post.calls == []


def test_without_a_standard_nothing_is_late(shop: Shop, jeweller: Party) -> None:
    other = shop.party("other", "repairer")
    shop.say(other, "item.registered", uuid("lamp"), {"name": "Lamp", "category": "lighting"})
    shop.say(other, "case.opened", uuid("lamp"), OPENED, case=uuid("of the lamp"))
    hook(shop, other, "*")
    tell(shop)
    shop.clock.pass_hours(1000)
    post = Post()
    tell(shop, post)
    assert post.calls == []


def test_a_complaint_about_a_party_is_that_partys_to_answer(shop: Shop, jeweller: Party) -> None:
    case = uuid("a complaint")
    about = {"kind": "complaint", "channel": "web", "issue": "attitude"}
    statement = shop.statement(shop.operator, "case.opened", case, about, case=case, subjects=[case, jeweller.id])
    answer = shop.post("/v1/statements", {"statement": statement}, shop.operator)
    assert answer.status_code == 201, answer.text
    tell(shop)
    shop.clock.pass_hours(25)
    post = Post()
    tell(shop, post)
    ((_, said, _, _),) = post.calls
    assert (said["data"]["party"], said["data"]["case"], said["data"]["subject"]) == (jeweller.id, case, case)
