"""A shared tablet: enrolled once, people chosen by PIN, few tries, and sessions that are worth nothing elsewhere."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from api.limits import PINS_OF_TABLET
from ledger import times
from ledger.db.people import PIN_LOCK, PIN_TRIES
from ledger.db.rows import REMEMBER
from ledger.db.visits import IDLE_AT_TABLET
from tests.console import PIN, Browser, add_person, login_of, open_console, signed_in
from tests.shop import Shop


@pytest.fixture
def shop(database_url: str, tmp_path: Path) -> Iterator[Shop]:
    with open_console(tmp_path, database_url) as opened:
        opened.party("Birch", "retailer")
        yield opened


@pytest.fixture
def tablet(shop: Shop) -> Browser:
    """A browser at an enrolled tablet, with a technician to choose."""
    alder = shop.parties["Alder"].id
    add_person(shop, alder, "technician", "tess")
    made = signed_in(shop, alder, "manager").post("/v1/devices", {"label": "Bench 1"})
    assert made.status_code == 201, made.text
    browser = Browser(shop)
    kept = browser.http.post("/v1/session/device", json={"device_key": made.json()["device_key"]})
    assert kept.status_code == 200, kept.text
    return browser


def tess_of(tablet: Browser) -> str:
    listed = tablet.get("/v1/session/people").json()["people"]
    return str(next(one["id"] for one in listed if one["name"] == "Tess"))


def test_a_person_is_chosen_and_comes_in_by_her_pin(shop: Shop, tablet: Browser) -> None:
    answer = tablet.log_in_by_pin(tess_of(tablet))
    assert answer.status_code == 200
    assert (answer.json()["name"], answer.json()["role"]) == ("Tess", "technician")
    assert tablet.get("/v1/session").status_code == 200
    assert tablet.get("/v1/people").status_code == 403


def test_the_session_is_worth_nothing_without_the_tablet(shop: Shop, tablet: Browser) -> None:
    tablet.log_in_by_pin(tess_of(tablet))
    session = dict(tablet.http.cookies)["__Host-patina-session"]
    thief = Browser(shop)
    thief.http.cookies.set("__Host-patina-session", session, domain="shop.example")
    assert thief.get("/v1/session").status_code == 401
    thief.http.cookies.set("__Host-patina-device", "A" * 43, domain="shop.example")
    assert thief.get("/v1/session").status_code == 401
    assert tablet.get("/v1/session").status_code == 200


def test_few_pins_are_tried_and_then_also_the_right_one_waits(shop: Shop, tablet: Browser) -> None:
    tess = tess_of(tablet)
    answers = [tablet.log_in_by_pin(tess, "481516") for _ in range(PIN_TRIES)]
    answers.append(tablet.log_in_by_pin(tess))
    assert [answer.status_code for answer in answers] == [401] * (PIN_TRIES + 1)
    assert len({answer.json()["detail"] for answer in answers}) == 1
    shop.clock.now += PIN_LOCK - times.SECOND
    assert tablet.log_in_by_pin(tess).status_code == 401
    shop.clock.now += times.SECOND
    assert tablet.log_in_by_pin(tess).status_code == 200


def test_a_tablet_at_which_many_are_wrong_waits_whoever_is_chosen(shop: Shop, tablet: Browser) -> None:
    alder = shop.parties["Alder"].id
    many = [add_person(shop, alder, "staff", f"number {n}").id for n in range(PINS_OF_TABLET // PIN_TRIES + 1)]
    codes = [tablet.log_in_by_pin(many[n // PIN_TRIES], "481516").status_code for n in range(PINS_OF_TABLET + 1)]
    assert codes == [401] * PINS_OF_TABLET + [429]


def test_who_is_not_of_the_party_or_has_no_pin_cannot_be_chosen(shop: Shop, tablet: Browser) -> None:
    other = add_person(shop, shop.parties["Birch"].id, "owner", "olga")
    without = shop.ledger.access.people.add(shop.parties["Alder"].id, "owner", "Without")
    chosen = [one["id"] for one in tablet.get("/v1/session/people").json()["people"]]
    assert other.id not in chosen
    assert without.id not in chosen
    for person in (other.id, without.id, "0" * 16, "x", ""):
        assert tablet.log_in_by_pin(person).status_code == 401


def test_without_a_tablet_nobody_is_listed_and_no_pin_looked_at(shop: Shop, tablet: Browser) -> None:
    tess, stranger = tess_of(tablet), Browser(shop)
    assert stranger.get("/v1/session/people").status_code == 401
    assert stranger.log_in_by_pin(tess).status_code == 401
    stranger.http.cookies.set("__Host-patina-device", "A" * 43, domain="shop.example")
    assert stranger.get("/v1/session/people").status_code == 401
    for key in ("", "x", "A" * 43):
        assert stranger.http.post("/v1/session/device", json={"device_key": key}).status_code == 401


def test_an_idle_tablet_forgets_who_was_there_soon(shop: Shop, tablet: Browser) -> None:
    tablet.log_in_by_pin(tess_of(tablet))
    shop.clock.now += IDLE_AT_TABLET
    assert tablet.get("/v1/session").status_code == 401
    assert tablet.log_in_by_pin(tess_of(tablet)).status_code == 200


def test_a_revoked_tablet_lets_nobody_in_and_everybody_out(shop: Shop, tablet: Browser) -> None:
    tess = tess_of(tablet)
    tablet.log_in_by_pin(tess)
    manager = signed_in(shop, shop.parties["Alder"].id, "manager")
    (listed,) = manager.get("/v1/devices").json()["devices"]
    assert (listed["label"], listed["revoked_at"]) == ("Bench 1", None)
    assert signed_in(shop, shop.parties["Birch"].id, "owner").request(
        "DELETE", f"/v1/devices/{listed['id']}"
    ).status_code == 404  # fmt: skip
    assert tablet.get("/v1/session").status_code == 200
    assert manager.request("DELETE", f"/v1/devices/{listed['id']}").status_code == 200
    assert tablet.get("/v1/session").status_code == 401
    assert tablet.log_in_by_pin(tess).status_code == 401
    assert manager.request("DELETE", f"/v1/devices/{listed['id']}").status_code == 404
    assert manager.request("DELETE", "/v1/devices/%00").status_code == 404


def test_a_tablet_revoked_by_another_process_is_out_within_seconds(shop: Shop, tablet: Browser) -> None:
    tablet.log_in_by_pin(tess_of(tablet))
    assert tablet.get("/v1/session").status_code == 200
    visits = shop.ledger.access.visits
    memory, visits._memory = visits._memory, type(visits._memory)()
    visits.revoke_tablet(visits.tablets()[0].id)
    visits._memory = memory
    shop.clock.now += REMEMBER
    assert tablet.get("/v1/session").status_code == 401


def test_names_of_tablets_are_one_line(shop: Shop) -> None:
    manager = signed_in(shop, shop.parties["Alder"].id, "manager")
    assert manager.post("/v1/devices", {"label": "Bench\u20281"}).status_code == 422
    assert manager.get("/v1/devices").json()["devices"] == []
    assert Browser(shop).log_in(login_of("manager 0"), PIN).status_code == 401
