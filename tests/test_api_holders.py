"""Holders over HTTP: claims, resets, transfers, loss and recovery, walked through in time; and who is refused."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.build import key, uuid
from tests.holding import (
    Paper,
    claim,
    draw_paper,
    grant_in,
    pass_hours,
    refused,
    shop_on,
    shown,
    sold_ring,
    sold_to_key,
    speak,
    spoken,
)
from tests.shop import Party, Shop, segment

JSON = "application/json"
OPENED = {"kind": "repair", "channel": "store", "issue": "quality"}


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def shop(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    with shop_on(request, tmp_path_factory.mktemp("shop")) as opened:
        yield opened


@pytest.fixture
def jeweller(shop: Shop) -> Party:
    return shop.parties["jeweller"]


@pytest.fixture
def paper(shop: Shop, jeweller: Party) -> Paper:
    return sold_ring(shop, jeweller)


def reset(shop: Shop, party: Party, paper: Paper, new: str, **more: Any) -> Any:
    """The answer to a reset of the holder of an item to a key."""
    details = {"holder_key": new, "holder_custody": "receipt", "reason": "lost", "evidence": "id", **more}
    statement = shop.statement(party, "item.holder_reset", paper.item, details)
    return shop.post("/v1/statements", {"statement": statement}, party)


def test_the_bearer_of_the_receipt_claims_and_the_page_says_when_and_by_what(shop: Shop, paper: Paper) -> None:
    before = shown(shop, paper)
    assert (before["holder"]["custody"], before["holder"]["key"]) == ("receipt", paper.key.did)
    device = claim(shop, paper)
    after = shown(shop, paper)
    assert (after["holder"]["custody"], after["holder"]["key"]) == ("device", device.did)
    steps = [(step["type"], step["custody"], step["by"]) for step in after["holder"]["steps"]]
    assert steps == [
        ("item.sold", "receipt", "jeweller"),
        ("item.claimed", "device", "by the bearer of the receipt"),
    ]
    assert after["records"][-1]["by"] == {
        "label": "by the bearer of the receipt",
        "holder": "receipt",
        "by_reset": False,
    }
    assert after["ledger"] == shop.ledger.id
    page = shop.get(f"/i/{paper.token}").text
    assert "by the bearer of the receipt: a key made on the holder" in page
    answer = speak(shop, paper, "item.reported_lost", device)
    assert answer.status_code == 201
    assert shown(shop, paper)["records"][-1]["by"]["label"] == "by the holder's own device"


@pytest.mark.parametrize(
    ("custody", "label"),
    [
        ("receipt", "by the bearer of the receipt"),
        ("sealed", "by the bearer of a sealed card"),
        ("device", "by the holder's own device"),
    ],
)
def test_whatever_a_holder_says_bears_how_the_key_is_kept(
    shop: Shop, jeweller: Party, custody: str, label: str
) -> None:
    paper, own = sold_to_key(shop, jeweller, custody)
    for kind, more in (
        ("item.reported_lost", {}),
        ("item.recovered", {}),
        ("item.accepted", {"checks": [{"aspect": "appearance", "result": "pass"}]}),
    ):
        assert speak(shop, paper, kind, own, more).status_code == 201
    records = [record for record in shown(shop, paper)["records"] if "holder" in record["by"]]
    assert [(record["by"]["holder"], record["by"]["label"]) for record in records] == [(custody, label)] * 3
    by_id = shop.get(f"/v1/statements/{records[0]['statement']}", jeweller).json()
    assert by_id["by"] == {"label": label, "holder": custody, "by_reset": False}
    names = {"receipt": "the bearer of the receipt", "sealed": "the bearer of a sealed card"}
    assert f"Signed by {names.get(custody, 'the holder')}" in shop.get(f"/i/{paper.token}").text.replace("&#39;", "'")


def test_what_party_keys_say_is_labelled_too(shop: Shop, jeweller: Party, paper: Paper) -> None:
    """Every key of this shop was installed by the operator, and each of its records says so."""
    record = shown(shop, paper)["records"][0]["by"]
    assert record == {"label": "jeweller", "party": jeweller.id, "installed_by_operator": True}
    first = shown(shop, paper)["records"][0]["statement"]
    assert shop.get(f"/v1/statements/{first}", jeweller).json()["by"] == record
    assert "a key that the operator installed" in shop.get(f"/i/{paper.token}").text


def test_a_lost_phone_claim_again_with_the_paper_and_wait(shop: Shop, paper: Paper) -> None:
    lost, new = claim(shop, paper), key("second phone of " + paper.item)
    answer = speak(shop, paper, "item.claimed", paper.key, also=new)
    assert answer.status_code == 201, answer.text
    waiting = shown(shop, paper)["waiting"]
    assert [(one["reset"], one["in_force_from"] > one["since"]) for one in waiting] == [(False, True)]
    page = shop.get(f"/i/{paper.token}").text
    assert "Somebody else asks to become the holder" in page
    assert page.count("Only asked for") == 1, "the first claim was in force at once"
    size = shop.size()
    grant = grant_in(answer)
    refused(shop, speak(shop, paper, "item.reported_lost", new, grant=grant), size, 403, "grant")
    pass_hours(shop, 71.5)
    assert speak(shop, paper, "item.reported_lost", new, grant=grant).status_code == 403
    assert shown(shop, paper)["holder"]["key"] == lost.did
    pass_hours(shop, 0.5)
    assert shown(shop, paper)["holder"]["key"] == new.did
    assert shown(shop, paper)["waiting"] == []
    assert "Only asked for" not in shop.get(f"/i/{paper.token}").text
    assert speak(shop, paper, "item.reported_lost", new).status_code == 201
    size = shop.size()
    refused(shop, speak(shop, paper, "item.recovered", lost), size, 403, "present holder's")


def test_a_thief_of_the_paper_is_refused_by_the_phone(shop: Shop, paper: Paper) -> None:
    """GET consumed nothing, whoever looked; and what was refused does not come back with time."""
    device, thief = claim(shop, paper), key("thief of " + paper.item)
    for _ in range(3):
        shown(shop, paper)
        assert shop.get("/o").status_code == 200
    answer = speak(shop, paper, "item.claimed", paper.key, also=thief)
    claimed = shown(shop, paper)["waiting"][0]["statement"]
    pass_hours(shop, 71)
    assert speak(shop, paper, "item.claim_refused", device, {"refused": claimed}).status_code == 201
    assert shown(shop, paper)["waiting"] == []
    pass_hours(shop, 2)
    assert shown(shop, paper)["holder"]["key"] == device.did
    size = shop.size()
    refused(shop, speak(shop, paper, "item.reported_lost", thief, grant=grant_in(answer)), size, 403)
    late = speak(shop, paper, "item.claim_refused", device, {"refused": claimed})
    refused(shop, late, size, 409, "does not wait")


def test_lost_paper_and_phone_the_shop_resets_and_it_takes_72_hours(shop: Shop, jeweller: Party, paper: Paper) -> None:
    claim(shop, paper)
    new = draw_paper(shop, jeweller, paper.item)
    size = shop.size()
    refused(shop, reset(shop, shop.parties["rival"], new, new.key.did), size, 403)
    assert reset(shop, jeweller, new, new.key.did).status_code == 201
    assert shown(shop, paper)["waiting"][0]["reset"] is True
    assert "holder" not in shown(shop, new)
    pass_hours(shop, 72)
    held = shown(shop, new)["holder"]
    assert (held["key"], held["by_reset"], held["steps"][0]["by"]) == (new.key.did, True, "jeweller")
    assert speak(shop, new, "item.reported_lost", new.key).status_code == 201
    record = shown(shop, new)["records"][-1]
    assert record["by"] == {"label": "by the bearer of the receipt", "holder": "receipt", "by_reset": True}
    assert "By reset: this key was put in the holder" in shop.get(f"/i/{new.token}").text
    assert "holder" not in shown(shop, paper), "the old paper's code fell with the old holding"
    device = claim(shop, new, "third phone")
    assert shown(shop, new)["holder"]["key"] == device.did


def test_the_holder_refuses_a_reset(shop: Shop, jeweller: Party, paper: Paper) -> None:
    device, new = claim(shop, paper), draw_paper(shop, jeweller, paper.item)
    assert reset(shop, shop.operator, new, new.key.did).status_code == 201
    waiting = shown(shop, paper)["waiting"][0]["statement"]
    assert speak(shop, paper, "item.claim_refused", device, {"refused": waiting}).status_code == 201
    pass_hours(shop, 73)
    assert shown(shop, paper)["holder"]["key"] == device.did
    assert "holder" not in shown(shop, new)


def test_a_key_by_reset_does_not_judge_what_was_done_before(shop: Shop, jeweller: Party, paper: Paper) -> None:
    case, new = uuid("case of " + paper.item), draw_paper(shop, jeweller, paper.item)
    shop.say(jeweller, "case.opened", paper.item, OPENED, case=case)
    shop.say(jeweller, "case.responded", paper.item, {}, case=case)
    assert reset(shop, jeweller, new, new.key.did).status_code == 201
    pass_hours(shop, 72)
    size = shop.size()
    refused(shop, speak(shop, new, "case.evaluated", new.key, {"overall": 5}, case=case), size, 403, "reset")


def test_passing_an_item_on_is_signed_by_both_and_gives_the_new_holder_a_code(shop: Shop, paper: Paper) -> None:
    device, new = claim(shop, paper), key("buyer of " + paper.item)
    size = shop.size()
    alone = spoken(shop, paper, "item.transferred", device, {"holder_key": new.did, "holder_custody": "device"})
    refused(shop, shop.post(f"/i/{paper.token}/statements", alone), size, 403, "new key")
    body = spoken(shop, paper, "item.transferred", device, also=new)
    answer = shop.post(f"/i/{paper.token}/statements", body)
    assert answer.status_code == 201
    code = answer.json()["code"]["token"]
    assert shown(shop, paper, code)["holder"]["key"] == new.did
    again = shop.post(f"/i/{paper.token}/statements", body)
    assert (again.status_code, set(again.json())) == (200, {"receipt"}), "a repeated answer gives nobody a code"
    size = shop.size()
    for speaker, token in ((device, paper.token), (device, code), (paper.key, code), (new, paper.token)):
        late = speak(shop, paper, "item.reported_lost", speaker, grant=body["statement"]["grant"], token=token)
        refused(shop, late, size, 403)
    assert speak(shop, Paper(paper.item, code, b""), "item.reported_lost", new).status_code == 201


def test_a_transfer_waits_a_day_and_no_longer_and_its_repeat_is_answered_ever_after(shop: Shop, paper: Paper) -> None:
    device, new = claim(shop, paper), key("late buyer of " + paper.item)
    kept = spoken(shop, paper, "item.transferred", device, also=key("too late for " + paper.item))
    pass_hours(shop, 23.9)
    good = spoken(shop, paper, "item.transferred", device, also=new)
    pass_hours(shop, 0.2)
    size = shop.size()
    problem = refused(shop, shop.post(f"/i/{paper.token}/statements", kept), size, 409, "more than a day ago")
    assert problem["may_follow"] == ["item.transferred"]
    assert shop.post(f"/i/{paper.token}/statements", good).status_code == 201
    pass_hours(shop, 24)
    assert shop.post(f"/i/{paper.token}/statements", good).status_code == 200


def test_an_item_passed_on_to_a_new_paper_has_that_papers_code(shop: Shop, jeweller: Party, paper: Paper) -> None:
    device, new = claim(shop, paper), draw_paper(shop, jeweller, paper.item)
    answer = speak(shop, paper, "item.transferred", device, also=new.key, custody="receipt")
    assert (answer.status_code, set(answer.json())) == (201, {"receipt"})
    assert shown(shop, new)["holder"]["key"] == new.key.did
    other = claim(shop, new, "another")
    late = draw_paper(shop, jeweller, paper.item)
    body = spoken(shop, new, "item.transferred", other, also=late.key, custody="sealed")
    size = shop.size()
    refused(shop, shop.post(f"/i/{new.token}/statements", body), size, 422, "drawn as receipt")


def test_while_stolen_an_item_is_not_passed_on_and_the_answer_says_what_may_follow(shop: Shop, paper: Paper) -> None:
    device = claim(shop, paper)
    assert speak(shop, paper, "item.reported_stolen", device).status_code == 201
    public = shop.get(paper.item.removeprefix("https://id.gs1.org"), accept=JSON).json()
    assert public["stolen"] is True
    size = shop.size()
    answer = speak(shop, paper, "item.transferred", device, also=key("fence"))
    assert refused(shop, answer, size, 409, "stolen")["may_follow"] == ["item.recovered"]
    assert speak(shop, paper, "item.recovered", device).status_code == 201
    assert speak(shop, paper, "item.transferred", device, also=key("friend of " + paper.item)).status_code == 201


def case_code(shop: Shop, jeweller: Party, paper: Paper, case: str) -> dict[str, Any]:
    """A code of one case, as it was made."""
    made = shop.post(f"/v1/items/{segment(paper.item)}/codes", {"kind": "case", "case": case}, jeweller)
    assert made.status_code == 201, made.text
    return dict(made.json())


def test_after_a_return_the_former_holder_evaluates_by_the_code_of_the_case_and_no_more(
    shop: Shop, jeweller: Party, paper: Paper
) -> None:
    device, case = claim(shop, paper), uuid("return of " + paper.item)
    grant = shown(shop, paper)["holder"]["grant"]
    shop.say(jeweller, "case.opened", paper.item, {**OPENED, "kind": "return"}, case=case)
    made = case_code(shop, jeweller, paper, case)
    assert made["page"].endswith(f"/c/{made['token']}")
    shop.say(jeweller, "return.completed", paper.item, {"reason": "fit", "condition": "new"}, case=case)
    path = f"/c/{made['token']}/statements"
    size = shop.size()
    for kind, details, more, status, words in (
        (
            "item.claimed",
            {"holder_key": key("x").did, "holder_custody": "device"},
            {"case": case},
            403,
            "code of a case",
        ),
        ("case.evaluated", {"overall": 4}, {"case": uuid("other case")}, 403, "not of this code's case"),
        ("item.reported_lost", {}, {}, 403, "code of a case"),
    ):
        body = spoken(shop, paper, kind, device, details, grant=grant, **more)
        refused(shop, shop.post(path, body), size, status, words)
    fallen = spoken(shop, paper, "case.evaluated", device, {"overall": 4}, grant=grant, case=case)
    refused(shop, shop.post(f"/i/{paper.token}/statements", fallen), size, 403, "public level")
    assert shop.post(path, fallen).status_code == 201
    page = shop.get(f"/c/{made['token']}", accept=JSON).json()
    assert [record["type"] for record in page["records"]] == ["case.opened", "return.completed", "case.evaluated"]
    assert (page["case"], page["closed"], page["ledger"]) == (case, False, shop.ledger.id)
    html = shop.get(f"/c/{made['token']}").text
    assert ("4 of 5" in html, "sold it" in html) == (True, False)
    again = spoken(shop, paper, "case.evaluated", device, {"overall": 5}, grant=grant, case=case)
    size = shop.size()
    assert refused(shop, shop.post(path, again), size, 409)["may_follow"] == ["statement.corrected"]
    for wrong in (f"/i/{made['token']}", f"/c/{paper.token}", f"/i/{made['token']}/history"):
        assert shop.get(wrong).status_code == 404
    assert shop.post(f"/i/{made['token']}/statements", again).status_code == 404
    assert shop.post(f"/c/{paper.token}/statements", again).status_code == 404


def test_quotes_are_approved_and_work_accepted_by_the_code_of_a_case(shop: Shop, jeweller: Party, paper: Paper) -> None:
    device, case = claim(shop, paper), uuid("repair of " + paper.item)
    shop.say(jeweller, "case.opened", paper.item, OPENED, case=case)
    made = case_code(shop, jeweller, paper, case)
    grant = shop.get(f"/c/{made['token']}", accept=JSON).json()["holder"]["grant"]
    quoted = shop.statement(jeweller, "case.quoted", paper.item, {"free": True}, case=case)
    assert shop.post("/v1/statements", {"statement": quoted}, jeweller).status_code == 201
    checks = {"checks": [{"aspect": "appearance", "result": "pass"}]}
    for kind, details in (
        ("case.approved", {"free": True}),
        ("case.accepted", checks),
        ("case.evaluated", {"overall": 5}),
    ):
        body = spoken(shop, paper, kind, device, details, grant=grant, case=case)
        assert shop.post(f"/c/{made['token']}/statements", body).status_code == 201, kind
    disputed = {"disputes": quoted["id"], "reason": "not_so"}
    body = spoken(shop, paper, "statement.disputed", device, disputed, grant=grant, case=case)
    assert shop.post(f"/c/{made['token']}/statements", body).status_code == 201
