"""Cases and responsibility over HTTP: what is folded is what is answered, and a refusal says what may follow."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from ledger import times
from tests.build import uuid
from tests.holding import sold_ring, speak
from tests.shop import Party, Shop, open_shop, segment

OPENED = {"kind": "repair", "channel": "store", "issue": "quality", "mode": "in_store"}
WORK = {"work": ["re-tip prong"], "tests": [], "agents": ["b07"]}
BEHALF = {"on_behalf": True, "basis": "call"}


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    with open_shop(tmp_path_factory.mktemp("shop")) as shop:
        shop.party("jeweller", "retailer", "repairer")
        shop.party("maker", "manufacturer")
        yield shop


@pytest.fixture
def jeweller(shop: Shop) -> Party:
    return shop.parties["jeweller"]


@pytest.fixture
def ring(shop: Shop, jeweller: Party) -> str:
    """An item that no other test has."""
    shop.count += 1
    about = {"name": "Ring", "category": "jewellery", "materials": ["Au750"]}
    made = shop.post("/v1/items", {"gtin": "9520123456788", "serial": f"C/{shop.count}", **about}, jeweller)
    return str(made.json()["id"])


@pytest.fixture
def case(shop: Shop, jeweller: Party, ring: str) -> str:
    """A repair of the ring that was just opened."""
    case = uuid(f"case of {ring}")
    shop.say(jeweller, "case.opened", ring, OPENED, case=case)
    return case


def seen(shop: Shop, case: str, query: str = "") -> Any:
    answer = shop.get(f"/v1/cases/{segment(case)}{query}", shop.parties["jeweller"])
    assert answer.status_code == 200, answer.text
    return answer.json()


def evidence(**members: Any) -> dict[str, Any]:
    return {"evidence": members}


def test_a_case_is_told_as_it_stands(shop: Shop, jeweller: Party, ring: str, case: str) -> None:
    received = shop.say(jeweller, "case.received", ring, evidence(weight_g="3.62"), case=case)
    quoted = shop.say(jeweller, "case.quoted", ring, {"free": False, "currency": "EUR", "quote": "A" * 43}, case=case)
    shop.say(jeweller, "case.waiting", ring, {"for": "approval"}, case=case)
    waited = seen(shop, case)
    assert (waited["status"], waited["subject"], waited["also_about"]) == ("waiting", ring, [])
    assert waited["pauses"] == [
        {"for": "approval", "index": quoted["index"] + 2, "since": times.format_recorded(shop.clock()), "until": None}
    ]
    approved = shop.say(jeweller, "case.approved", ring, {"free": False, **BEHALF}, case=case, agent="b01")
    over = shop.say(jeweller, "case.handed_over", ring, {"check": "id", **evidence(weight_g="3.42")}, case=case)
    found = seen(shop, case)
    assert (found["kind"], found["mode"], found["issue"], found["channel"]) == (
        "repair",
        "in_store",
        "quality",
        "store",
    )
    assert (found["status"], found["closed"], found["opened_by"]) == ("handed_over", False, jeweller.id)
    assert (found["unverified"], found["assigned_to"], found["evaluation"]) == (False, None, None)
    assert found["quotes"] == [
        {
            "quote": "A" * 43, "index": quoted["index"], "free": False, "currency": "EUR", "due": None, "expires": None,
            "stands": True, "decision": "approved", "decided": approved["index"],
        }
    ]  # fmt: skip
    (difference,) = found["identity"]
    assert (difference["by"], difference["before"], difference["index"]) == ("-0.20", received["index"], over["index"])
    assert (difference["in_hands"], difference["explained"], difference["reason"]) == (jeweller.id, False, None)
    assert [span["who"] for span in found["custody"]["spans"]] == [jeweller.id, ""]
    assert (found["custody"]["in_hand"], found["custody"]["chain"]) == (None, [])
    assert found["steps"][4]["agent"] == "b01"
    assert found["pauses"][0]["until"] is not None
    # No standard is in force, so nothing was promised that could be missed.
    assert (found["deviations"], found["next_steps"]["expected"]) == (None, None)
    assert "case.approved" not in found["next_steps"]["allowed"]


def test_visits_and_after_care_are_told(shop: Shop, jeweller: Party, ring: str, case: str) -> None:
    moment = {"from": "2026-05-06T10:00:00Z", "until": "2026-05-06T12:00:00Z"}
    arranged = shop.say(jeweller, "case.scheduled", ring, moment, case=case)
    came = shop.say(jeweller, "case.visited", ring, {"result": "no_access"}, case=case, agent="b01")
    again = shop.say(jeweller, "case.scheduled", ring, moment, case=case)
    shop.say(jeweller, "case.closed", ring, {"outcome": "unresolved"}, case=case)
    assert seen(shop, case)["after_care"] == []
    cared = shop.say(jeweller, "case.followed_up", ring, {"reached": True, "resolved": False}, case=case)
    found = seen(shop, case)
    assert found["visits"] == [
        {"scheduled": arranged["index"], "visited": came["index"]},
        {"scheduled": again["index"], "visited": None},
    ]
    assert (found["after_care"], found["closed"]) == ([cared["index"]], True)


def test_a_rating_is_told_as_it_was_and_as_it_counts(shop: Shop, jeweller: Party) -> None:
    paper = sold_ring(shop, jeweller)
    case = uuid(f"case of {paper.item}")
    shop.say(jeweller, "case.opened", paper.item, OPENED, case=case)
    shop.say(jeweller, "case.responded", paper.item, {}, case=case, agent="b01")
    rated = speak(shop, paper, "case.evaluated", paper.key, {"overall": 2, "attitude": 5}, case=case)
    assert rated.status_code == 201, rated.text
    told, index = {"overall": 2, "attitude": 5}, rated.json()["receipt"]["index"]
    assert seen(shop, case)["evaluation"] == {
        "index": index, "shown": told, "counted": told, "raised": False, "key_custody": "receipt",
    }  # fmt: skip


def test_at_looks_back(shop: Shop, jeweller: Party, ring: str, case: str) -> None:
    received = shop.say(jeweller, "case.received", ring, evidence(), case=case)
    before = seen(shop, case, f"?at={received['index']}")
    assert (before["status"], before["as_of_index"], len(before["steps"])) == ("open", received["index"], 1)
    answer = shop.get(f"/v1/cases/{segment(case)}?at=1", jeweller)
    assert (answer.status_code, answer.json()["type"]) == (404, "/docs/problems#not_found")
    assert shop.get(f"/v1/cases/{segment(case)}?at=x", jeweller).status_code == 422


def test_what_the_rules_refuse_says_what_may_follow(shop: Shop, jeweller: Party, ring: str, case: str) -> None:
    size = shop.size()
    allowed = seen(shop, case)["next_steps"]["allowed"]
    assert "case.handed_over" not in allowed
    details = {"check": "id", **evidence()}
    statement = shop.statement(jeweller, "case.handed_over", ring, details, case=case)
    answer = shop.post("/v1/statements", {"statement": statement}, jeweller)
    assert (answer.status_code, answer.json()["may_follow"]) == (409, ["case.received"])
    assert shop.size() == size
    for kind in answer.json()["may_follow"]:
        assert kind in allowed


def test_a_request_about_two_things_has_a_course_on_each(shop: Shop, jeweller: Party, ring: str, case: str) -> None:
    other = shop.post("/v1/items", {"name": "Ring", "category": "jewellery"}, jeweller).json()["id"]
    shop.say(jeweller, "case.opened", other, OPENED, case=case)
    shop.say(jeweller, "case.received", other, evidence(), case=case)
    assert (seen(shop, case)["status"], seen(shop, case)["also_about"]) == ("open", [other])
    chosen = seen(shop, case, f"?item={segment(other)}")
    assert (chosen["subject"], chosen["status"], chosen["also_about"]) == (other, "received", [ring])
    answer = shop.get(f"/v1/cases/{segment(case)}?item={segment(uuid('elsewhere'))}", jeweller)
    assert (answer.status_code, answer.json()["errors"][0]["parameter"]) == (422, "item")


def test_an_anonymous_complaint_is_a_case_of_its_own_and_unverified(shop: Shop, jeweller: Party) -> None:
    own = uuid("anonymous complaint")
    details = {"kind": "complaint", "channel": "web", "issue": "attitude"}
    both = [own, jeweller.id]
    shop.say(shop.operator, "case.opened", own, details, case=own, subjects=both)
    decided = {"decision": "accepted", "remedy": "apology"}
    shop.say(jeweller, "case.decided", own, decided, case=own, subjects=both)
    found = seen(shop, own)
    assert (found["unverified"], found["subject"], found["status"]) == (True, own, "decided")
    assert "repair.started" not in found["next_steps"]["allowed"]


@pytest.mark.parametrize("case", ["x", uuid("no case"), "urn:uuid:", "..", "%00"])
def test_an_unknown_case_is_not_found(shop: Shop, jeweller: Party, case: str) -> None:
    answer = shop.get(f"/v1/cases/{segment(case)}", jeweller)
    assert (answer.status_code, answer.json()["type"]) == (404, "/docs/problems#not_found")


def chain(shop: Shop, item: str, query: str = "") -> Any:
    answer = shop.get(f"/v1/items/{segment(item)}/responsibility{query}", shop.parties["jeweller"])
    assert answer.status_code == 200, answer.text
    return answer.json()


def test_responsibility_names_technicians_custody_and_findings(
    shop: Shop, jeweller: Party, ring: str, case: str
) -> None:
    known = shop.say(jeweller, "staff.qualified", jeweller.id, {"agent": "b07", "skill": "goldsmith"})
    received = shop.say(jeweller, "case.received", ring, evidence(), case=case)
    work = shop.say(jeweller, "repair.completed", ring, WORK, case=case)
    diagnosed = {"findings": "worn", "responsible": "repairer", "in_warranty": True}
    finding = shop.say(jeweller, "case.diagnosed", ring, diagnosed, case=case)
    late = shop.say(jeweller, "staff.qualified", jeweller.id, {"agent": "b07", "skill": "setter"})
    found = chain(shop, ring)
    assert [(one["role"], one["index"]) for one in found["links"]][1:] == [
        ("repaired", work["index"]),
        ("diagnosed", finding["index"]),
    ]
    (technician,) = found["links"][1]["technicians"]
    assert (technician["agent"], technician["standing"]) == ("b07", "qualified")
    assert (technician["entries"], technician["later"]) == ([known["index"]], [late["index"]])
    (one,) = found["found"]
    assert (one["responsible"], one["party"], one["presumed"]) == ("repairer", None, jeweller.id)
    assert one["presumed_from"] == work["index"]
    assert [(span["who"], span["since"]) for span in found["custody"]] == [(jeweller.id, received["index"])]
    early = chain(shop, ring, f"?at={work['index']}")
    assert ([one["role"] for one in early["links"]], early["as_of_index"]) == (["registered"], work["index"])
    assert chain(shop, ring, f"?at={late['index']}")["links"][1]["technicians"][0]["later"] == []


def test_responsibility_in_one_case(shop: Shop, jeweller: Party, ring: str, case: str) -> None:
    later = uuid(f"later case of {ring}")
    found = {"findings": "x", "responsible": "none", "in_warranty": True}
    shop.say(jeweller, "case.diagnosed", ring, found, case=case)
    shop.say(jeweller, "case.opened", ring, OPENED, case=later)
    shop.say(jeweller, "case.diagnosed", ring, {**found, "responsible": "holder"}, case=later)
    assert [one["responsible"] for one in chain(shop, ring)["found"]] == ["none", "holder"]
    asked = chain(shop, ring, f"?case={segment(case)}")
    assert ([one["responsible"] for one in asked["found"]], asked["case"]) == (["none"], case)
    answer = shop.get(f"/v1/items/{segment(ring)}/responsibility?case={segment(uuid('other'))}", jeweller)
    assert (answer.status_code, answer.json()["errors"][0]["parameter"]) == (422, "case")
    assert shop.get(f"/v1/items/{segment(uuid('nothing'))}/responsibility", jeweller).status_code == 404
