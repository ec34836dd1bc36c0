"""A shop is told by e-mail that it is late: at addresses that it added, and that whoever reads their mail confirmed."""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from sqlalchemy import text

from api.notices import shops
from api.notices.mail import Undelivered
from api.routes import addresses
from ledger import times
from ledger.db.addresses import CONFIRM_WITHIN, MAX_ADDRESSES
from ledger.db.outbox import DEAD, DROPPED, SENT
from tests.build import uuid
from tests.shop import RING, Party, Shop, open_shop
from tests.telling import CASE, MAIL, OPENED, HandIn, notices, tell

OTHER = uuid("other")
OTTO = "otto@shop.example"
STANDARD = {
    "standard": "ours", "version": "1",
    "limits": [{"clock": "first_response", "within": {"hours": 24}, "source": "house"}],
}  # fmt: skip


@pytest.fixture
def shop(tmp_path: Path, database_url: str) -> Iterator[Shop]:
    with open_shop(tmp_path, database_url, mail=MAIL) as shop:
        yield shop


@pytest.fixture
def jeweller(shop: Shop) -> Party:
    party = shop.party("jeweller", "retailer", "repairer", scopes=("signing",))
    shop.say(party, "standard.adopted", party.id, STANDARD)
    shop.say(party, "item.registered", RING, {"name": "Ring", "category": "jewellery"})
    tell(shop)
    return party


def added(shop: Shop, party: Party, email: str = OTTO, **more: Any) -> dict[str, Any]:
    answer = shop.post("/v1/addresses", {"email": email, **more}, party)
    assert answer.status_code == 201, answer.text
    return dict(answer.json())


def link(message: Any, kind: str) -> str:
    """The path of the link of a message, which must stand in its text and in its page."""
    plain, page = (part.get_content() for part in message.iter_parts())
    found = re.search(rf"http://shop\.example:8000(/{kind}/\S+)", plain)
    assert found is not None, plain
    assert found[0].replace("&", "&amp;") in page
    return found[1]


def confirmed(shop: Shop, party: Party, email: str = OTTO, **more: Any) -> dict[str, Any]:
    one, hand_in = added(shop, party, email, **more), HandIn()
    tell(shop, hand_in=hand_in)
    assert shop.client.post(link(hand_in.messages[0], "a")).status_code == 200
    return one


def late(shop: Shop, party: Party, hand_in: HandIn, item: str = RING, **opening: Any) -> None:
    shop.say(party, "case.opened", item, OPENED | opening, case=CASE)
    tell(shop)
    shop.clock.pass_hours(24.1)
    tell(shop, hand_in=hand_in)


def why(shop: Shop) -> list[tuple[str, str | None]]:
    return [(one.state, one.failure) for one in notices(shop) if one.kind == "shop" and one.event == "case.overdue"]


def test_an_address_is_asked_confirmed_told_and_deleted(shop: Shop, jeweller: Party) -> None:
    one, hand_in = added(shop, jeweller, "otto@Shop.Example"), HandIn()
    assert one["email"] == OTTO
    assert added(shop, jeweller)["id"] == one["id"], "the same address is one"
    tell(shop, hand_in=hand_in)
    (asked,) = hand_in.messages
    assert (asked["To"], asked["Subject"]) == (OTTO, "Shall jeweller be told at this address?")
    path = link(asked, "a")
    for _ in range(2):  # mail programs open links: nothing changes by it
        assert "Yes, use this address" in shop.get(path).text
    assert shop.get("/v1/addresses", jeweller).json()["addresses"] == [one]
    assert one["confirmed_at"] is None
    late(shop, jeweller, hand_in)
    assert len(hand_in.messages) == 1, "what nobody confirmed is told nothing"
    for _ in range(2):
        assert "from now on" in shop.client.post(path).text
    assert "from now on" in shop.get(path).text
    (row,) = shop.get("/v1/addresses", jeweller).json()["addresses"]
    assert row["confirmed_at"] is not None
    gone = shop.client.delete(f"/v1/addresses/{one['id']}", headers=jeweller.headers)
    assert gone.json() == {"id": one["id"], "deleted": True}
    assert shop.get("/v1/addresses", jeweller).json()["addresses"] == []
    assert shop.client.delete(f"/v1/addresses/{one['id']}", headers=jeweller.headers).status_code == 404
    assert shop.client.post(path).status_code == shop.get(path).status_code == 404
    # Added again, it is the same address with the same link, and nobody is written to twice on one day.
    assert added(shop, jeweller)["confirmed_at"] is None
    tell(shop, hand_in=hand_in)
    assert [str(message["Subject"]) for message in hand_in.messages].count(str(asked["Subject"])) == 2
    added(shop, jeweller)
    tell(shop, hand_in=hand_in)
    assert len(hand_in.messages) == 2
    assert "from now on" in shop.client.post(path).text


@pytest.mark.parametrize(
    ("language", "subject", "said"),
    [
        ("en", "Overdue: A first answer, Ring (J-17)", "was due by 5 May 2026"),
        ("zh-Hans", "逾期：首次答复，Ring (J-17)", "应于2026年5月5日"),
        ("zh-Hant", "逾期：首次答覆，Ring (J-17)", "應於2026年5月5日"),
    ],
)
def test_it_is_told_once_in_its_language_what_is_overdue(
    shop: Shop, jeweller: Party, language: str, subject: str, said: str
) -> None:
    confirmed(shop, jeweller, language=language)
    hand_in = HandIn()
    late(shop, jeweller, hand_in, job_no="J-17")
    (mail,) = hand_in.messages
    assert (mail["To"], mail["Subject"], mail["Content-Language"]) == (OTTO, subject, language)
    plain = next(iter(mail.iter_parts())).get_content()
    assert said in plain  # opened on 4 May at nine
    opened = urlsplit(link(mail, "console"))
    assert (opened.path, parse_qs(opened.query)) == ("/console/case", {"id": [CASE], "item": [RING]})
    assert mail["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    shop.clock.pass_hours(48)
    tell(shop, hand_in=hand_in)
    assert len(hand_in.messages) == 1


def test_a_chain_is_told_of_its_shops_and_nobody_of_others(shop: Shop, jeweller: Party) -> None:
    rival = shop.party("rival", "retailer", scopes=("signing",))
    below = shop.party("branch", "repairer")
    about = {"name": "branch", "roles": ["repairer"], "parent": jeweller.id}
    shop.say(shop.operator, "party.updated", f"{below.id}#authority", about)
    confirmed(shop, jeweller)
    confirmed(shop, rival, "eve@rival.example")
    hand_in = HandIn()
    shop.say(below, "item.registered", OTHER, {"name": "Chain", "category": "jewellery"})
    late(shop, below, hand_in, item=OTHER)
    assert [str(one["To"]) for one in hand_in.messages] == [OTTO]
    (one,) = [one for one in shop.get("/v1/notices", jeweller).json()["notices"] if one["event"] == "case.overdue"]
    assert (one["to"], one["state"]) == ("shop", "sent")
    assert OTTO not in str(one)
    assert shop.client.delete(f"/v1/addresses/{one['id'][:16]}", headers=rival.headers).status_code == 404
    (mine,) = shop.get("/v1/addresses", jeweller).json()["addresses"]
    assert shop.client.delete(f"/v1/addresses/{mine['id']}", headers=rival.headers).status_code == 404


def test_what_is_no_longer_late_or_wanted_is_not_told(shop: Shop, jeweller: Party) -> None:
    confirmed(shop, jeweller)
    hand_in = HandIn(errors=[Undelivered("busy"), Undelivered("no such mailbox", for_good=True)])
    late(shop, jeweller, hand_in)
    shop.ledger.writer.accept_clock = True
    shop.say(jeweller, "case.responded", RING, {}, case=CASE, agent="a1")
    shop.clock.pass_hours(0.2)
    tell(shop, hand_in=hand_in)
    # It was answered after 24 hours, and so it is late for ever; but nobody need be told to answer it.
    assert why(shop) == [(DROPPED, "the clock is missed")]
    again = HandIn()
    added(shop, jeweller, "Otto@shop.example")  # another spelling of the same mailbox
    tell(shop, hand_in=again)
    assert shop.client.post(link(again.messages[0], "n")).status_code == 200
    shop.say(jeweller, "case.opened", RING, OPENED, case=f"{CASE[:-1]}0")
    tell(shop)
    shop.clock.pass_hours(24.1)
    tell(shop, hand_in=hand_in)
    assert (DROPPED, "this address wants no messages") in why(shop)


def test_links_end_after_a_week_and_are_nobody_elses_to_make(shop: Shop, jeweller: Party) -> None:
    one, hand_in = added(shop, jeweller), HandIn()
    tell(shop, hand_in=hand_in)
    path = link(hand_in.messages[0], "a")
    token = path.rpartition("/")[2]
    assert shops.parse_confirmation(token, shop.ledger.outbox) == one["id"]
    for wrong in ("x", "%00", token[:-1], token + "A", "A" + token[1:], "0" * 32):
        assert shop.get(f"/a/{wrong}").status_code == shop.client.post(f"/a/{wrong}").status_code == 404
    assert shop.get("/a/x", accept="application/json").json()["title"] == "Not found"
    shop.clock.now += CONFIRM_WITHIN + times.SECOND
    assert shop.get(path).status_code == shop.client.post(path).status_code == 404
    assert shop.ledger.addresses.of([jeweller.id]) == []


def test_what_is_refused_keeps_nothing(shop: Shop, jeweller: Party) -> None:
    for email in ("", "otto", "otto@", "a@b\r\nBcc: c@d", "otto@x@y"):
        answer = shop.post("/v1/addresses", {"email": email}, jeweller)
        assert answer.status_code in {400, 422}, email
        assert answer.json()["errors"][0]["pointer"] == "/email"
    assert shop.post("/v1/addresses", {"email": OTTO, "language": "la"}, jeweller).status_code == 422
    for number in range(MAX_ADDRESSES):
        added(shop, jeweller, f"o{number}@shop.example")
    assert shop.post("/v1/addresses", {"email": OTTO}, jeweller).status_code == 409
    assert len(shop.ledger.addresses.of([jeweller.id])) == MAX_ADDRESSES
    with shop.ledger._engine.connect() as connection:
        kept = str(connection.execute(text("SELECT * FROM address")).all())
    assert "shop.example" not in kept
    assert "shop.example" not in repr(shop.ledger.addresses.of([jeweller.id]))


def test_nobody_writes_to_the_whole_world_by_deleting_what_was_asked(
    shop: Shop, jeweller: Party, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(addresses, "MAX_ASKED", 3)
    hand_in, other = HandIn(), shop.party("other", "retailer", scopes=("signing",))
    for number in range(3):
        one = added(shop, jeweller, f"victim{number}@world.example")
        tell(shop, hand_in=hand_in)
        assert shop.client.delete(f"/v1/addresses/{one['id']}", headers=jeweller.headers).status_code == 200
    answer = shop.post("/v1/addresses", {"email": "victim3@world.example"}, jeweller)
    assert (answer.status_code, answer.json()["type"].partition("#")[2]) == (409, "conflict")
    assert shop.get("/v1/addresses", jeweller).json()["addresses"] == []
    added(shop, other)
    tell(shop, hand_in=hand_in)
    assert [str(message["To"]) for message in hand_in.messages] == [f"victim{n}@world.example" for n in range(3)] + [
        OTTO
    ]
    shop.clock.pass_hours(24.1)
    added(shop, jeweller)


def test_of_many_at_once_no_more_are_asked_than_one_after_the_other(
    shop: Shop, jeweller: Party, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(addresses, "MAX_ASKED", 3)
    together, statuses = threading.Barrier(6), list[int]()

    def add(number: int) -> None:
        together.wait()
        answer = shop.post("/v1/addresses", {"email": f"o{number}@shop.example"}, jeweller)
        statuses.append(answer.status_code)

    threads = [threading.Thread(target=add, args=(number,)) for number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(statuses) == [201] * 3 + [409] * 3
    assert len(shop.get("/v1/addresses", jeweller).json()["addresses"]) == 3, "who was refused has left nothing"
    assert len([one for one in notices(shop) if one.event == shops.CONFIRM]) == 3


def test_without_a_mail_server_no_address_is_taken(tmp_path: Path) -> None:
    with open_shop(tmp_path) as silent:
        party = silent.party("jeweller", "repairer", scopes=("signing",))
        assert silent.post("/v1/addresses", {"email": OTTO}, party).status_code == 409
        made = silent.ledger.addresses.add(party.id, OTTO, "en")
        silent.ledger.outbox.put([shops.asking(made, silent.clock())])
        tell(silent)
        assert [(one.state, one.failure) for one in notices(silent)] == [(DROPPED, "there is no mail server")]
        assert {SENT, DEAD}.isdisjoint(one.state for one in notices(silent))
