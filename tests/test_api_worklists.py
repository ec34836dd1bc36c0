"""Work lists, deadlines, rights, standards and asking first, over HTTP; and what pages say of them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from ledger import times
from ledger.db import follower
from ledger.db.rebuild import rebuild
from ledger.standards import template
from tests.build import uuid
from tests.console import Browser, add_person, login_of, open_console
from tests.shop import Party, Shop, open_shop, segment

OPENED = {"kind": "repair", "channel": "store", "issue": "quality", "mode": "in_store", "warranty_claim": True}
EVIDENCE: dict[str, Any] = {"evidence": {"weight_g": "3.62"}}
WORK = {"work": ["solder"], "tests": []}
STANDARD = {
    "standard": "ours",
    "version": "1",
    "basis": [{"id": "law_x", "kind": "law", "title": "Law X"}],
    "limits": [
        {"clock": "first_response", "within": {"hours": 24}, "source": "house", "pauses": []},
        {"clock": "processed", "within": {"working_days": 3}, "source": "law_x"},
    ],
    "steps": [
        {
            "kinds": ["repair"],
            "steps": ["case.received", "case.diagnosed", "repair.completed|repair.failed", "case.handed_over"],
            "source": "house",
        }
    ],
    "warranty": {"months": 24, "from": "sold", "exchange_after_repairs": 2, "source": "law_x"},
}


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    with open_shop(tmp_path_factory.mktemp("shop")) as shop:
        jeweller = shop.party("jeweller", "retailer", "repairer")
        shop.party("rival", "retailer", "repairer")
        shop.say(jeweller, "standard.adopted", jeweller.id, STANDARD)
        yield shop


@pytest.fixture
def jeweller(shop: Shop) -> Party:
    return shop.parties["jeweller"]


@pytest.fixture
def ring(shop: Shop, jeweller: Party) -> str:
    """An item that no other test has."""
    shop.count += 1
    about = {"name": "Ring", "category": "jewellery"}
    made = shop.post("/v1/items", {"gtin": "9520123456788", "serial": f"W/{shop.count}", **about}, jeweller)
    return str(made.json()["id"])


def opened(shop: Shop, party: Party, ring: str, **more: Any) -> str:
    """A repair of the ring that was just opened."""
    case = uuid(f"case of {ring} {shop.count}")
    shop.say(party, "case.opened", ring, OPENED | more, case=case)
    return case


def later(shop: Shop, hours: float) -> None:
    """So many hours pass, and the operator confirms that the clock is right."""
    shop.clock.pass_hours(hours)
    shop.ledger.writer.accept_clock = True
    shop.ledger.writer.seal(force=True)


def cases(shop: Shop, query: str, who: Party | None = None) -> list[dict[str, Any]]:
    answer = shop.get(f"/v1/cases?{query}", who or shop.parties["jeweller"])
    assert answer.status_code == 200, answer.text
    rows: list[dict[str, Any]] = answer.json()["cases"]
    return rows


def test_a_list_says_what_is_urgent(shop: Shop, jeweller: Party, ring: str) -> None:
    case = opened(shop, jeweller, ring, job_no="J-1", visit="V-1")
    (row,) = cases(shop, "job_no=J-1&visit=V-1")
    at = shop.clock()
    assert row["case"] == case
    assert (row["subject"], row["name"], row["category"], row["party"]) == (ring, "Ring", "jewellery", jeweller.id)
    assert (row["clock"], row["due_at"]) == ("first_response", times.format_recorded(at + 24 * times.HOUR))
    assert (row["warn_at"], row["standing"]) == (times.format_recorded(at + 18 * times.HOUR), "on_time")
    later(shop, 19)
    assert [one["case"] for one in cases(shop, "due_soon=true&job_no=J-1")] == [case]
    assert cases(shop, "overdue=true&job_no=J-1") == []
    later(shop, 5.1)
    (row,) = cases(shop, "overdue=true&job_no=J-1")
    assert row["standing"] == "overdue"
    assert cases(shop, "due_soon=true&job_no=J-1") == []
    shop.say(jeweller, "case.responded", ring, {}, case=case, agent="b1")
    shop.say(jeweller, "case.waiting", ring, {"for": "approval"}, case=case)
    (row,) = cases(shop, "waiting=customer&job_no=J-1")
    assert (row["standing"], row["waits_for"], row["due_at"]) == ("waiting", "approval", None)
    assert cases(shop, "waiting=parts&job_no=J-1") == []
    shop.say(jeweller, "case.received", ring, EVIDENCE, case=case)
    later(shop, 25)
    (row,) = cases(shop, "held=1&job_no=J-1")
    assert row["holder"] == jeweller.id
    assert cases(shop, "held=2&job_no=J-1") == []
    assert cases(shop, "job_no=J-1", shop.parties["rival"]) == []
    assert cases(shop, "job_no=J-1", shop.operator) == []


def test_what_is_mine_is_assigned_to_the_party_of_the_key(shop: Shop, jeweller: Party, ring: str) -> None:
    case = opened(shop, jeweller, ring)
    shop.say(jeweller, "case.assigned", ring, {"to": shop.parties["rival"].id}, case=case)
    assert [one["case"] for one in cases(shop, "mine=true", shop.parties["rival"])] == [case]
    assert case not in [one["case"] for one in cases(shop, "mine=true")]
    assert [one["case"] for one in cases(shop, f"assigned={segment(shop.parties['rival'].id)}")] == [case]


def test_what_is_mine_is_assigned_to_the_person_who_asks(tmp_path: Path) -> None:
    with open_console(tmp_path) as shop:
        alder, found = shop.parties["Alder"], {}
        people = {name: add_person(shop, alder.id, "technician", name) for name in ("tom", "tim")}
        for name in (*people, "nobody"):
            item = shop.post("/v1/items", {"name": name, "category": "jewellery"}, alder).json()["id"]
            found[name] = opened(shop, alder, item)
            if name in people:
                shop.say(alder, "case.assigned", item, {"to": people[name].agent}, case=found[name])
        for name in people:
            browser = Browser(shop)
            assert browser.log_in(login_of(name)).status_code == 200
            assert [one["case"] for one in browser.get("/v1/cases?mine=true").json()["cases"]] == [found[name]]
            assert len(browser.get("/v1/cases").json()["cases"]) == len(found)


def test_every_parameter_leaves_out_what_it_does_not_apply_to(shop: Shop, jeweller: Party, ring: str) -> None:
    first = opened(shop, jeweller, ring, job_no="N-1", visit="N-V")
    second = opened(shop, jeweller, ring, job_no="N-2", visit="N-V", kind="complaint")
    shop.say(jeweller, "case.assigned", ring, {"to": "b99"}, case=second)
    shop.say(jeweller, "case.closed", ring, {"outcome": "resolved"}, case=second)
    for query, found in (
        ("visit=N-V", [second, first]),
        ("visit=N-V&job_no=N-1", [first]),
        ("visit=N-V&kind=repair", [first]),
        ("visit=N-V&kind=complaint", [second]),
        ("visit=N-V&closed=false", [first]),
        ("visit=N-V&closed=true", [second]),
        ("visit=N-V&assigned=b99", [second]),
        ("visit=N-W", []),
        ("job_no=N-2", [second]),
        ("job_no=N-3", []),
        ("visit=N-V&waiting=parts", []),
        ("visit=N-V&due=2026-05-01", []),
    ):
        assert [one["case"] for one in cases(shop, query)] == found, query


def test_pages_go_on_and_what_is_wrong_is_a_problem(shop: Shop, jeweller: Party) -> None:
    for number in range(5):
        item = shop.post("/v1/items", {"name": f"Ring {number}", "category": "jewellery"}, jeweller).json()["id"]
        opened(shop, jeweller, item, visit="V-5")
    whole = [one["case"] for one in cases(shop, "visit=V-5")]
    found, path = [], "/v1/cases?visit=V-5&limit=2"
    while path:
        answer = shop.get(path, jeweller)
        found += [one["case"] for one in answer.json()["cases"]]
        path = answer.json().get("next", "").removeprefix("http://shop.example:8000")
        assert ('rel="next"' in answer.headers.get("Link", "")) == bool(path)
    assert found == whole
    assert len(whole) == 5
    for query in ("cursor=x", "due=soon", "held=-1", "limit=0", "overdue=perhaps", "kind=mending", "waiting=me"):
        answer = shop.get(f"/v1/cases?{query}", jeweller)
        assert (answer.status_code, answer.json()["type"]) == (422, "/docs/problems#invalid"), query
    assert shop.get("/v1/maintenance?until=soon", jeweller).status_code == 422
    assert shop.get("/v1/maintenance?cursor=x", jeweller).status_code == 422


def test_a_repair_for_the_same_fault_within_90_days_is_a_repeat(shop: Shop, jeweller: Party, ring: str) -> None:
    def repaired(fault: str, days: int) -> str:
        later(shop, 24 * days)
        case = opened(shop, jeweller, ring, fault=fault)
        shop.say(jeweller, "repair.completed", ring, WORK, case=case)
        shop.count += 1
        return case

    first, again = repaired("clasp", 0), repaired("clasp", 90)
    other, late = repaired("stone", 1), repaired("clasp", 90)
    mine = {first, again, other, late}  # other tests have their own in this shop
    found = {one["case"]: one["repeats"] for one in cases(shop, "repeated=true") if one["case"] in mine}
    index = shop.get(f"/v1/cases/{segment(first)}", jeweller).json()["steps"][0]["index"]
    assert found == {again: index}


def test_maintenance_is_due_by_the_last_word(shop: Shop, jeweller: Party, ring: str) -> None:
    def due(until: str, who: Party = jeweller) -> list[tuple[str, str]]:
        rows = shop.get(f"/v1/maintenance?until={until}", who).json()["items"]
        return [(one["id"], one["day"]) for one in rows if one["id"] == ring]

    shop.say(jeweller, "maintenance.performed", ring, {"work": ["clean"], "next_due": "2027-03-01"})
    assert due("2027-02-28") == []
    assert due("2027-03-01") == [(ring, "2027-03-01")]
    assert due("2027-03-01", shop.parties["rival"]) == []
    shop.say(jeweller, "maintenance.performed", ring, {"work": ["clean"], "next_due": "2027-09-01"})
    assert due("2027-03-01") == []
    assert due("2027-09-02") == [(ring, "2027-09-01")]
    shop.say(jeweller, "item.retired", ring, {"reason": "broken"})
    assert due("2030-01-01") == []


def test_a_case_says_its_deadlines_and_what_deviates(shop: Shop, jeweller: Party, ring: str) -> None:
    case = opened(shop, jeweller, ring)
    at = shop.clock()
    shop.say(jeweller, "case.received", ring, EVIDENCE, case=case)
    shop.say(jeweller, "repair.completed", ring, WORK, case=case)
    found = shop.get(f"/v1/cases/{segment(case)}", jeweller).json()
    assert (found["party"], found["standard"]) == (jeweller.id, [{"standard": "ours", "version": "1"}])
    by_clock = {one["clock"]: one for one in found["deadlines"]}
    assert by_clock["first_response"]["due_at"] == times.format_recorded(at + 24 * times.HOUR)
    assert by_clock["processed"]["within"] == {"working_days": 3}
    assert (by_clock["processed"]["source"], by_clock["processed"]["provisional"]) == ("Law X", True)
    assert [(one["what"], one["step"]) for one in found["deviations"]] == [("missing", "case.diagnosed")]
    assert found["next_steps"]["expected"] == "case.handed_over"


def test_rights_in_force_say_why(shop: Shop, jeweller: Party, ring: str) -> None:
    shop.say(jeweller, "item.sold", ring, {"channel": "store"})
    for _ in range(2):
        case = opened(shop, jeweller, ring)
        shop.count += 1
        shop.say(jeweller, "repair.failed", ring, WORK | {"reason": "spare_parts_not_available"}, case=case)
    found = shop.get(f"/v1/items/{segment(ring)}", jeweller).json()["rights"]
    assert (found["party"], found["standard"]) == (jeweller.id, [{"standard": "ours", "version": "1"}])
    rights = {one["right"]: one for one in found["in_force"]}
    assert (rights["exchange"]["rule"], rights["exchange"]["source"]) == ("exchange_after_repairs", "Law X")
    sold = times.format_recorded(shop.clock())[:10]
    assert rights["free_repair"]["until"] == f"{int(sold[:4]) + 2}{sold[4:]}"
    page = shop.client.get(f"/i/{shop.code(jeweller, ring)}").text
    assert "Warranty and rights today" in page
    assert "Exchange" in page
    assert "Repairs under warranty did not help (Law X)" in page


def test_a_customers_page_says_what_was_promised_for_her_case(shop: Shop, jeweller: Party, ring: str) -> None:
    case = opened(shop, jeweller, ring)
    shop.say(jeweller, "repair.completed", ring, WORK, case=case)
    body = {"kind": "case", "case": case}
    token = shop.post(f"/v1/items/{segment(ring)}/codes", body, jeweller).json()["token"]
    for path in (f"/c/{token}", f"/i/{shop.code(jeweller, ring)}"):
        page = shop.client.get(path).text
        assert "A first answer: by " in page
        assert "By the shop&#39;s own rule." in page
        assert "In time" in page
        assert "A step that was promised is missing: diagnosed it." in page
        assert "缺少承诺的一步：做了检测。" in shop.get(path, accept_language="zh-CN").text
        assert "Provisional" in page


def test_the_standard_of_a_party_is_published_in_words(shop: Shop, jeweller: Party) -> None:
    path = f"/v1/parties/{segment(jeweller.id)}/standards"
    found = shop.get(path).json()
    assert found["standard"] == [{"standard": "ours", "version": "1"}]
    assert found["document"] == STANDARD
    assert "A person answers: within 24 hours (house rule)" in found["words"].splitlines()
    assert "由專人答覆：24 小時內（自訂規定）" in shop.get(path + "?language=zh_Hant").json()["words"].splitlines()
    assert shop.get(path + "?language=xx").status_code == 422
    assert shop.get(f"/v1/parties/{segment(uuid('nobody'))}/standards").status_code == 404
    none = shop.get(f"/v1/parties/{segment(shop.parties['rival'].id)}/standards").json()
    assert (none["standard"], none["document"], none["words"]) == (None, None, None)


def check(shop: Shop, body: Any, who: Party) -> list[dict[str, Any]]:
    size = shop.size()
    answer = shop.post("/v1/check", body, who)
    assert answer.status_code == 200, answer.text
    assert shop.size() == size
    results: list[dict[str, Any]] = answer.json()["results"]
    return results


def test_asking_first_writes_nothing_and_says_what_would_become_of_it(shop: Shop, jeweller: Party, ring: str) -> None:
    case = opened(shop, jeweller, ring)

    def said(kind: str, details: dict[str, Any]) -> dict[str, Any]:
        return {"statement": shop.statement(jeweller, kind, ring, details, case=case)}

    over = said("case.handed_over", {"check": "id", **EVIDENCE})
    (refused,) = check(shop, over, jeweller)
    assert (refused["would"], refused["problem"]["status"], refused["problem"]["may_follow"]) == (
        "refuse",
        409,
        ["case.received"],
    )
    answer = shop.post("/v1/statements", over, jeweller)
    assert (answer.status_code, answer.json()["detail"]) == (409, refused["problem"]["detail"])
    batch = [said("case.received", EVIDENCE), said("repair.completed", WORK), over, {"statement": 1}]
    found = check(shop, batch, jeweller)
    assert [one["would"] for one in found] == ["accept", "accept", "accept", "refuse"]
    assert [one["deviations"] for one in found] == [
        [],
        [{"what": "missing", "step": "case.diagnosed", "index": None, "after": "repair.completed"}],
        [],
        [],
    ]
    assert found[3]["problem"]["errors"][0]["pointer"].startswith("/3")
    received = batch[0]
    assert shop.post("/v1/statements", received, jeweller).status_code == 201
    (again,) = check(shop, received, jeweller)
    assert again["would"] == "repeat"
    (theirs,) = check(shop, received, shop.parties["rival"])
    assert theirs["would"] == "refuse"
    forged = {**said("case.responded", {}), "signatures": [{"key": "did:key:z6Mk", "sig": "AA=="}]}
    assert check(shop, forged, jeweller)[0]["would"] == "refuse"
    assert shop.post("/v1/check", [], jeweller).status_code == 422


def test_templates_are_published_in_words(shop: Shop) -> None:
    maker = shop.party("maker", "manufacturer", "retailer")
    shop.say(maker, "standard.adopted", maker.id, template("furniture"))
    words = shop.get(f"/v1/parties/{segment(maker.id)}/standards?language=zh_Hans").json()["words"]
    assert "15 分钟" in words


def test_the_same_on_both_databases(database_url: str, tmp_path: Path) -> None:
    with open_shop(tmp_path, database_url) as shop:
        jeweller = shop.party("jeweller", "retailer", "repairer")
        shop.say(jeweller, "standard.adopted", jeweller.id, STANDARD)
        made = shop.post("/v1/items", {"name": "玫瑰金戒指 Solitaire", "category": "jewellery"}, jeweller)
        item = made.json()["id"]
        case = opened(shop, jeweller, item, job_no="J-1", visit="V-1")
        responded = {"statement": shop.statement(jeweller, "case.responded", item, {}, case=case, agent="b1")}
        assert check(shop, responded, jeweller)[0]["would"] == "accept"
        for query in ("", "job_no=J-1&visit=V-1", "closed=false", "kind=repair", "due=2027-01-01"):
            assert [one["case"] for one in cases(shop, query, jeweller)] == [case], query
        for query in ("overdue=true", "due_soon=true", "held=0", "waiting=customer", "repeated=true", "mine=true"):
            assert cases(shop, query, jeweller) == [], query
        for text, found in (
            ("戒指", 1),
            ("solitaire 金", 1),
            ("指戒", 0),
            ("sol", 0),
            ("' & ! \\", 0),
            ('"x" OR *', 0),
        ):
            answer = shop.client.get("/v1/items", params={"text": text}, headers=jeweller.headers)
            assert (answer.status_code, len(answer.json()["items"])) == (200, found), text
        assert shop.get(f"/v1/cases/{segment(case)}", jeweller).json()["deadlines"]


def test_lists_that_are_far_behind_say_so_and_pages_are_shown_all_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with open_shop(tmp_path) as shop:
        jeweller = shop.party("jeweller", "retailer", "repairer")
        item = shop.post("/v1/items", {"name": "Ring", "category": "jewellery"}, jeweller).json()["id"]
        case = opened(shop, jeweller, item)
        monkeypatch.setattr(follower, "REACH", 1)
        answer = shop.get("/v1/cases", jeweller)
        assert (answer.status_code, "Retry-After" in answer.headers) == (503, True)
        assert shop.get(f"/v1/cases/{segment(case)}", jeweller).status_code == 200
        assert shop.get(f"/v1/items/{segment(item)}", jeweller).status_code == 200
        assert shop.client.get(f"/i/{shop.code(jeweller, item)}").status_code == 200
        rebuild(shop.ledger)
        assert [one["case"] for one in cases(shop, "", jeweller)] == [case]


def test_a_chain_sees_the_cases_of_its_shops_and_they_see_nothing_of_each_other(tmp_path: Path) -> None:
    with open_shop(tmp_path, entries_public=False) as shop:
        head = shop.party("head", "retailer", "repairer")
        shops = {}
        for name in ("east", "west"):
            body = {"name": name, "roles": ["retailer", "repairer"], "id": uuid(name), "parent": head.id}
            assert shop.post("/v1/parties", body, shop.operator).status_code == 201
            shops[name] = Party(uuid(name), shop.api_key(uuid(name), "write"))
        found = {}
        for name, party in shops.items():
            item = shop.post("/v1/items", {"name": name, "category": "jewellery"}, party).json()["id"]
            found[name] = opened(shop, party, item)
        for name, party in shops.items():
            assert [one["case"] for one in cases(shop, "", party)] == [found[name]]
        assert [one["case"] for one in cases(shop, "", head)] == [found["west"], found["east"]]
        assert cases(shop, "mine=true", head) == []
        assert cases(shop, "", shop.operator) == []
        auditor = shop.party("auditor", "auditor", scopes=("read",))
        assert cases(shop, "", auditor) == []
        east = shops["east"].id
        shop.ledger.access.grants.give(east, auditor.id, None, [], shop.clock() + times.DAY)
        assert [one["case"] for one in cases(shop, "", auditor)] == [found["east"]]
