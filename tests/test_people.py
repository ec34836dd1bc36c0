"""The people of a party over HTTP: who may add and change whom, and as whom each may speak."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from api.rights import RIGHTS
from api.roles import ROLES
from ledger.db import people as database
from ledger.types import TYPES
from tests.console import Browser, add_person, login_of, open_console, signed_in
from tests.shop import RING, Shop, segment


@pytest.fixture
def shop(database_url: str, tmp_path: Path) -> Iterator[Shop]:
    with open_console(tmp_path, database_url) as opened:
        opened.party("Birch", "retailer")
        yield opened


@pytest.fixture
def alder(shop: Shop) -> str:
    return shop.parties["Alder"].id


MANAGES = {
    "owner": {"owner", "manager", "staff", "technician", "auditor"},
    "manager": {"staff", "technician", "auditor"},
    "staff": set(),
    "technician": set(),
    "auditor": set(),
}


@pytest.mark.parametrize("role", MANAGES)
def test_whom_each_role_may_add_change_and_let_out(shop: Shop, alder: str, role: str) -> None:
    browser = signed_in(shop, alder, role)
    for other in MANAGES:
        person = add_person(shop, alder, other, f"old {other}")
        before = shop.ledger.access.people.all()
        answers = [
            browser.post("/v1/people", {"name": "New", "role": other}),
            browser.post(f"/v1/people/{person.id}", {"name": "Renamed"}),
            browser.post(f"/v1/people/{person.id}", {"disabled": True}),
            browser.request("DELETE", f"/v1/people/{person.id}"),
        ]
        if other in MANAGES[role]:
            assert [answer.status_code for answer in answers] == [201, 200, 200, 200]
        else:
            assert [answer.status_code for answer in answers] == [403] * 4
            assert shop.ledger.access.people.all() == before


def test_nobody_is_made_more_than_her_maker_manages(shop: Shop, alder: str) -> None:
    browser = signed_in(shop, alder, "manager")
    person = add_person(shop, alder, "staff", "otto")
    for role in ("owner", "manager"):
        assert browser.post(f"/v1/people/{person.id}", {"role": role}).status_code == 403
    assert browser.post(f"/v1/people/{person.id}", {"role": "boss"}).status_code == 422
    assert browser.post(f"/v1/people/{person.id}", {"role": "technician"}).status_code == 200


def test_nobody_changes_her_own_role_or_takes_a_new_password_without_the_old(shop: Shop, alder: str) -> None:
    browser = signed_in(shop, alder, "owner")
    me = browser.get("/v1/session").json()["person"]
    for change in ({"role": "staff"}, {"disabled": True}, {"password": True}, {"pin": True}):
        assert browser.post(f"/v1/people/{me}", change).status_code == 403
    assert browser.request("DELETE", f"/v1/people/{me}").status_code == 403
    assert browser.post(f"/v1/people/{me}", {"name": "Renamed"}).json()["name"] == "Renamed"


def test_the_people_of_others_are_not_there(shop: Shop, alder: str) -> None:
    stranger = add_person(shop, shop.parties["Birch"].id, "staff", "stranger")
    browser = signed_in(shop, alder, "owner")
    for person in (stranger.id, "0" * 16, "x", "%00"):
        assert browser.post(f"/v1/people/{person}", {"name": "Renamed"}).status_code == 404
        assert browser.request("DELETE", f"/v1/people/{person}").status_code == 404
    assert {one["party"] for one in browser.get("/v1/people").json()["people"]} == {alder}
    assert browser.get(f"/v1/people?party={segment(stranger.party)}").status_code == 403
    assert browser.post("/v1/people", {"name": "N", "role": "staff", "party": stranger.party}).status_code == 403


def test_the_operator_makes_the_first_owner(shop: Shop, alder: str) -> None:
    body = {"name": "Iris Invented", "role": "owner", "login": login_of("iris"), "party": alder, "pin": True}
    made = shop.post("/v1/people", body, shop.operator)
    assert made.status_code == 201, made.text
    assert made.headers["location"] == f"/v1/people/{made.json()['id']}"
    assert Browser(shop).log_in(login_of("iris"), made.json()["password"]).status_code == 200
    assert len(made.json()["pin"]) == 6
    listed = shop.get(f"/v1/people?party={segment(alder)}", shop.operator).json()["people"]
    assert [one["name"] for one in listed] == ["Iris Invented"]
    assert "password" not in listed[0]
    again = shop.post(f"/v1/people/{made.json()['id']}", {"password": True}, shop.operator)
    assert Browser(shop).log_in(login_of("iris"), made.json()["password"]).status_code == 401
    assert Browser(shop).log_in(login_of("iris"), again.json()["password"]).status_code == 200
    assert shop.post("/v1/people", {**body, "party": "urn:uuid:unheard"}, shop.operator).status_code == 422
    assert shop.post("/v1/people", {**body, "role": "boss"}, shop.operator).status_code == 422
    assert shop.post("/v1/people", body, shop.operator).status_code == 409
    assert len(shop.ledger.access.people.all()) == 1


def registration(shop: Shop, **more: Any) -> dict[str, Any]:
    return {"statement": shop.registered(shop.parties["Alder"], **more)}


def test_what_a_person_says_carries_her_agent_id_and_nobody_elses(shop: Shop, alder: str) -> None:
    browser = signed_in(shop, alder, "staff")
    agent = browser.get("/v1/session").json()["agent"]
    other = add_person(shop, alder, "staff", "otto").agent
    size = shop.size()
    refused = browser.post("/v1/statements", registration(shop, agent=other))
    assert (refused.status_code, refused.json()["errors"][0]["pointer"]) == (403, "/statement/agent")
    batch = browser.request("POST", "/v1/statements/batch", json=[registration(shop, agent=other)])
    assert [one["status"] for one in batch.json()] == [403]
    assert shop.size() == size
    assert browser.post("/v1/statements", registration(shop)).status_code == 201
    item = {"gtin": "9520123456788", "serial": "S/2", "name": "Ring", "category": "jewellery"}
    made = browser.post("/v1/items", item)
    assert made.status_code == 201, made.text
    for subject in (RING, made.json()["id"]):
        bundle = browser.get(f"/v1/items/{segment(subject)}/history").text
        assert f'\\"agent\\":\\"{agent}\\"' in bundle or f'"agent":"{agent}"' in bundle
    name = browser.get("/v1/session").json()["name"]
    assert name not in browser.get("/tile/entries/000.p/1").text + browser.get("/").text


def test_an_api_key_may_carry_any_agent_of_its_party(shop: Shop) -> None:
    answer = shop.post("/v1/statements", registration(shop, agent="till-7"), shop.parties["Alder"])
    assert answer.status_code == 201


def said_by(role: str) -> set[str]:
    return {kind for kind in TYPES if ROLES[role].may_say(kind)}


def test_what_each_role_may_say() -> None:
    operators = {kind for kind in TYPES if kind.split(".")[0] in {"ledger", "party", "key", "standard", "data"}}
    assert said_by("owner") == set(TYPES)
    assert said_by("manager") == set(TYPES) - operators
    assert said_by("auditor") == set()
    assert said_by("technician") < said_by("staff") < said_by("manager")
    assert {"item.sold", "item.registered", "item.holder_reset", "case.opened"} <= said_by("staff")
    assert not {"item.sold", "item.registered", "case.opened", "return.completed"} & said_by("technician")
    assert {"repair.completed", "case.diagnosed", "maintenance.performed"} <= said_by("technician")
    families = {"staff", "standard", "improvement", "audit", "service"}
    assert not {kind for kind in said_by("staff") if kind.split(".")[0] in families}


@pytest.mark.parametrize("role", ["technician", "auditor"])
def test_a_role_says_no_more_than_its_row(shop: Shop, alder: str, role: str) -> None:
    browser = signed_in(shop, alder, role)
    size = shop.size()
    answer = browser.post("/v1/statements", registration(shop))
    assert answer.status_code == 403
    item = {"gtin": "9520123456788", "serial": "S/2", "name": "Ring", "category": "jewellery"}
    assert browser.post("/v1/items", item).status_code == 403
    assert shop.size() == size


def test_the_table_has_a_row_for_each_role_and_rights_that_exist() -> None:
    assert set(ROLES) == set(database.ROLES) == set(MANAGES)
    rights = {right for _, _, right in RIGHTS}
    for role, row in ROLES.items():
        assert row.rights <= rights
        assert row.manages == MANAGES[role]
    assert "admin" not in {right for row in ROLES.values() for right in row.rights}


def test_an_owner_at_the_operator_administers_the_ledger_and_others_do_not(shop: Shop) -> None:
    for role, status in (("owner", 200), ("manager", 403)):
        assert signed_in(shop, shop.operator.id, role).get("/v1/parties").status_code == status
