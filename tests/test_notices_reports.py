"""The people of a role are told that a report of theirs was made: once, by mail with a link and no figure."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from api.notices import reports
from api.reporting import make_due
from ledger import times
from ledger.db.outbox import DROPPED, SENT
from tests.console import HTTPS, add_person, open_console, signed_in
from tests.shop import Party, Shop
from tests.telling import MAIL, HandIn, Post, hook, notices, tell

JUNE = times.parse_recorded("2026-06-01T12:00:00.000Z")
"""When the report of May falls due."""
MONTHLY = {"every": "month", "role": "manager"}


@pytest.fixture
def shop(tmp_path: Path, database_url: str) -> Iterator[Shop]:
    with open_console(tmp_path, database_url, mail=MAIL) as opened:
        tell(opened)
        yield opened


@pytest.fixture
def alder(shop: Shop) -> Party:
    return shop.parties["Alder"]


def reader(shop: Shop, party: Party, role: str, name: str, **more: Any) -> str:
    """A new person of a role with a confirmed address of her own; her id."""
    person = add_person(shop, party.id, role, name).id
    owner = signed_in(shop, party.id, "owner")
    made = owner.post("/v1/addresses", {"email": f"{name}@shop.example", "person": person, **more})
    assert made.status_code == 201, made.text
    assert shop.ledger.addresses.confirm(made.json()["id"])
    return person


def planned(shop: Shop, party: Party, **more: Any) -> dict[str, Any]:
    """A monthly report for the managers, scheduled by an owner."""
    made = signed_in(shop, party.id, "owner").post("/v1/report-schedules", MONTHLY | more)
    assert made.status_code == 201, made.text
    return dict(made.json())


def ended(shop: Shop) -> dict[str, Any]:
    """The report of May, once June has begun."""
    tell(shop)
    shop.clock.now = JUNE
    assert make_due(shop.ledger, workers=0) == 1
    return dict(shop.get("/v1/reports", shop.parties["Alder"]).json()["reports"][0])


def outcomes(shop: Shop) -> list[tuple[str, str | None]]:
    return [(one.state, one.failure) for one in notices(shop) if one.event in reports.EVENTS]


def test_the_role_is_told_once_in_each_ones_language_by_a_link(shop: Shop, alder: Party) -> None:
    for name, language in (("otto", "en"), ("lin", "zh-Hans"), ("mei", "zh-Hant")):
        reader(shop, alder, "manager", name, language=language)
    reader(shop, alder, "auditor", "ada")
    reader(shop, alder, "manager", "late", events=["case.overdue"])
    shop.ledger.addresses.confirm(shop.ledger.addresses.add(alder.id, "office@shop.example", "en").id)
    unasked = add_person(shop, alder.id, "manager", "unasked").id
    shop.ledger.addresses.add(alder.id, "unasked@shop.example", "en", ["report.*"], unasked)
    reader(shop, shop.party("rival", "retailer"), "manager", "eve")
    planned(shop, alder, by=["fault"])
    report = ended(shop)
    hand_in = HandIn()
    tell(shop, hand_in=hand_in)
    told = {str(one["To"]).partition("@")[0]: one for one in hand_in.messages}
    assert {name: str(one["Subject"]) for name, one in told.items()} == {
        "otto": "Alder: the report for May 2026 is ready",
        "lin": "Alder：2026年5月报告已完成",
        "mei": "Alder：2026年5月報告已完成",
    }
    plain, page = (part.get_content() for part in told["otto"].iter_parts())
    link = f"{HTTPS}/console/ledger/reports?report={report['id']}"
    stop = str(told["otto"]["List-Unsubscribe"]).strip("<>")
    assert plain == (
        "The report for May 2026 is ready. You see it once you have signed in.\n\n"
        f"Open the report:\n{link}\n\n-- \n"
        f"Alder has this report made for its managers, and you are one of them.\nNo more messages: {stop}\n"
    ), "and so no figure"
    assert link in page
    assert told["otto"]["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    assert make_due(shop.ledger, workers=0) == 0
    shop.clock.pass_hours(24)
    tell(shop, hand_in=hand_in)
    assert len(hand_in.messages) == 3
    # One click ends it; the next month goes to the other two.
    assert shop.client.post(stop.removeprefix(HTTPS)).status_code == 200
    shop.clock.now = times.parse_recorded("2026-07-01T12:00:00.000Z")
    assert make_due(shop.ledger, workers=0) == 1
    tell(shop, hand_in=hand_in)
    assert sorted(str(one["To"])[:3] for one in hand_in.messages[3:]) == ["lin", "mei"]
    assert (DROPPED, "this address wants no messages") in outcomes(shop)


def test_webhooks_of_the_party_and_the_chain_above_it_hear_of_it(shop: Shop, alder: Party) -> None:
    chain, rival = shop.party("chain", "retailer"), shop.party("rival", "retailer")
    about = {"name": "Alder", "roles": ["retailer", "repairer"], "parent": chain.id}
    shop.say(shop.operator, "party.updated", f"{alder.id}#authority", about)
    tell(shop)
    for party in (alder, chain, rival):
        hook(shop, party, "report.*", url=f"https://{party.id[-6:]}.example/in")
    schedule = planned(shop, alder)
    planned(shop, alder, every="year", costs=True)
    report, post = ended(shop), Post()
    tell(shop, post)
    assert sorted(url for url, *_ in post.calls) == sorted(
        f"https://{one.id[-6:]}.example/in" for one in (alder, chain)
    )
    assert post.calls[0][1] == post.calls[1][1] == {
        "type": "report.made",
        "timestamp": "2026-06-01T12:00:00.000Z",
        "data": {
            "report": report["id"], "schedule": schedule["id"], "party": alder.id, "role": "manager",
            "period": "2026-05", "address": f"{HTTPS}/v1/reports/{report['id']}",
        },
    }  # fmt: skip
    shop.clock.now = times.parse_recorded("2027-01-01T12:00:00.000Z")
    while make_due(shop.ledger, workers=0):
        pass
    tell(shop, post)
    years = [(url, said) for url, said, *_ in post.calls if said["data"]["period"] == "2026"]
    assert [url for url, _ in years] == [f"https://{alder.id[-6:]}.example/in"], "no chain reads what has costs"


def test_what_somebody_asked_for_is_told_to_nobody(shop: Shop, alder: Party) -> None:
    reader(shop, alder, "manager", "otto")
    hook(shop, alder, "*")
    assert shop.post("/v1/reports", {"period": "2026"}, alder).status_code == 202
    assert make_due(shop.ledger, workers=0) == 1
    assert outcomes(shop) == []


def test_a_report_that_could_not_be_made_is_told_too(shop: Shop, alder: Party, monkeypatch: Any) -> None:
    reader(shop, alder, "manager", "otto")
    hook(shop, alder, "report.*")
    planned(shop, alder, every="quarter")

    def full(*_: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("ledger.reports.spooled.count", full)
    tell(shop)
    shop.clock.now = times.parse_recorded("2026-07-01T12:00:00.000Z")
    assert make_due(shop.ledger, workers=0) == 1
    hand_in, post = HandIn(), Post()
    tell(shop, post, hand_in)
    assert hand_in.subjects == ["Alder: no report for quarter 2 of 2026"]
    assert post.types == ["report.failed"]


def test_who_is_no_longer_of_the_role_or_wants_none_is_not_told(shop: Shop, alder: Party) -> None:
    people = {name: reader(shop, alder, "manager", name) for name in ("went", "moved", "forgotten", "gone", "chose")}
    planned(shop, alder)
    ended(shop)
    access, mine = shop.ledger.access, {one.person: one for one in shop.ledger.addresses.of([alder.id])}
    access.people.set_disabled(people["went"], disabled=True)
    access.people.set_role(people["moved"], "staff")
    access.people.forget(people["forgotten"])
    shop.ledger.addresses.delete(mine[people["gone"]].id)
    said = {"email": "chose@shop.example", "person": people["chose"], "events": ["case.overdue"]}
    again = signed_in(shop, alder.id, "owner").post("/v1/addresses", said)
    assert (again.json()["id"], again.json()["events"]) == (mine[people["chose"]].id, ["case.overdue"])
    hand_in = HandIn()
    tell(shop, hand_in=hand_in)
    assert hand_in.messages == [], "nor is a confirmed address asked again"
    assert sorted(str(why) for _, why in outcomes(shop)) == [
        "the address is deleted",
        "the address is deleted",
        "this address is not told of reports",
        "this person is let in no longer",
        "this person is no manager",
    ]
    left = {one.email.partition("@")[0] for one in shop.ledger.addresses.of([alder.id])}
    assert left == {"went", "moved", "chose"}, "who is forgotten is written to no more"


def test_an_address_that_cannot_be_told_so_is_refused(shop: Shop, alder: Party) -> None:
    rivals = add_person(shop, shop.party("rival", "retailer").id, "owner").id
    disabled = add_person(shop, alder.id, "manager").id
    shop.ledger.access.people.set_disabled(disabled, disabled=True)
    owner = signed_in(shop, alder.id, "owner")
    for body, pointer in (
        ({"events": ["report.*"]}, "/person"),
        ({"person": "0" * 16}, "/person"),
        ({"person": "%00"}, "/person"),
        ({"person": rivals}, "/person"),
        ({"person": disabled}, "/person"),
        ({"events": ["case.opened"]}, "/events/0"),
        ({"events": []}, "/events"),
        ({"events": ["case.overdue"] * 3}, "/events"),
    ):
        answer = owner.post("/v1/addresses", {"email": "otto@shop.example", **body})
        assert answer.status_code in {400, 422}, body
        assert answer.json()["errors"][0]["pointer"] == pointer
    assert shop.ledger.addresses.of([alder.id]) == []


def test_of_many_workers_at_once_one_makes_it_and_tells(shop: Shop, alder: Party) -> None:
    reader(shop, alder, "manager", "otto")
    planned(shop, alder)
    tell(shop)
    shop.clock.now = JUNE
    start, made = threading.Barrier(4), []

    def work() -> None:
        start.wait()
        made.append(make_due(shop.ledger, workers=0))

    threads = [threading.Thread(target=work) for _ in range(4)]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    assert sum(made) == 1
    hand_in = HandIn()
    tell(shop, hand_in=hand_in)
    assert hand_in.subjects == ["Alder: the report for May 2026 is ready"]
    assert outcomes(shop) == [(SENT, None)]


def test_two_who_were_both_at_a_report_tell_of_it_once(shop: Shop, alder: Party) -> None:
    reader(shop, alder, "manager", "otto")
    planned(shop, alder)
    tell(shop)
    shop.clock.now = JUNE
    shop.ledger.reports.fall_due()
    first = shop.ledger.reports.take()
    assert first is not None
    shop.clock.pass_hours(1)  # it is taken for dead, and was slow
    assert make_due(shop.ledger, workers=0) == 1
    shop.ledger.reports.fail(first.id, "late", shop.ledger.outbox.adding(reports.hearing(shop.ledger, first)))
    hand_in = HandIn()
    tell(shop, hand_in=hand_in)
    assert hand_in.subjects == ["Alder: the report for May 2026 is ready"]


def test_whoever_is_forgotten_while_an_address_of_hers_is_added_leaves_none(
    shop: Shop, alder: Party, monkeypatch: pytest.MonkeyPatch
) -> None:
    owner, vera = signed_in(shop, alder.id, "owner"), add_person(shop, alder.id, "manager", "vera")
    addresses = shop.ledger.addresses
    add = addresses.add

    def late(*args: Any, **more: Any) -> Any:
        shop.ledger.access.people.forget(vera.id)
        return add(*args, **more)

    monkeypatch.setattr(addresses, "add", late)
    made = owner.post("/v1/addresses", {"email": "vera@shop.example", "person": vera.id})
    assert (made.status_code, made.json()["errors"][0]["pointer"]) == (422, "/person")
    assert addresses.of([alder.id]) == []
