"""Reports with costs over HTTP: whose costs a reader sees, what the access log says of it, and counting them again."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from api.reporting import make_due
from ledger import times
from ledger.command import main
from ledger.db.backup import back_up
from ledger.db.people import ROLES
from ledger.db.reports import GONE, LOST, note_lost
from ledger.errors import Unavailable
from ledger.reports import spooled
from tests import scanner
from tests.build import ring, uuid
from tests.console import HTTPS, PASSWORD, Browser, add_person, signed_in
from tests.private_shop import erased, rows
from tests.shop import Party, Shop, open_shop

OPENED = {"kind": "repair", "channel": "store", "issue": "quality", "fault": "F1"}
WORK = {"work": ["solder"], "tests": []}
COSTS = {"workshop": ("12.50", "7.25"), "rival": ("100.00",)}
NUMBER = {"workshop": 1, "rival": 5}


@pytest.fixture
def shop(database_url: str, tmp_path: Path) -> Iterator[Shop]:
    """A workshop with two repairs of known cost, a rival with one, and an auditor to whom nothing is granted yet."""
    # In the folder of a ledger of its own, as an auditor of the folder wants it.
    url = None if database_url.startswith("sqlite") else database_url
    with open_shop(tmp_path, url, public_url=HTTPS) as opened:
        opened.party("auditor", "auditor", scopes=("read",))
        for name, costs in COSTS.items():
            party = opened.party(name, "repairer")
            for number, amount in enumerate(costs, NUMBER[name]):
                worked(opened, party, ring(number), amount)
        yield opened


def worked(shop: Shop, party: Party, item: str, amount: str) -> str:
    """A repair in a case with a cost and a note that no report wants; the id of its statement."""
    case = uuid(f"case of {item}")
    shop.say(party, "item.registered", item, {"name": "Ring", "category": "jewellery"})
    shop.say(party, "case.opened", item, OPENED, case=case)
    statement = shop.statement(party, "repair.completed", item, WORK, case=case)
    private = {"cost": {"amount": amount, "currency": "EUR"}, "note": "scratched"}
    answer = shop.post("/v1/statements", {"statement": statement, "private": private}, party)
    assert answer.status_code == 201, answer.text
    return str(statement["id"])


def grant(shop: Shop, party: str, *members: str, subject: str | None = None) -> None:
    giver, auditor = shop.parties[party].id, shop.parties["auditor"].id
    shop.ledger.access.grants.give(giver, auditor, subject, members, shop.clock() + times.DAY)


def reported(shop: Shop, who: Party, **body: Any) -> dict[str, Any]:
    """A report with costs, asked for and made; how far it is."""
    both = [shop.parties[name].id for name in COSTS]
    answer = shop.post("/v1/reports", {"period": "2026", "costs": True, "parties": both, **body}, who)
    assert answer.status_code == 202, answer.text
    assert make_due(shop.ledger, workers=0) == 1
    return dict(shop.get(f"/v1/reports/{answer.json()['id']}", who).json())


def costs(shop: Shop, who: Party, **body: Any) -> list[Any]:
    told = reported(shop, who, **body)
    return list(shop.get(f"/v1/reports/{told['id']}?format=json", who).json()["figures"]["costs"])


def eur(amount: str) -> list[dict[str, str]]:
    return [{"currency": "EUR", "amount": amount}]


def test_a_reader_counts_the_costs_that_it_may_see(shop: Shop) -> None:
    workshop, auditor = shop.parties["workshop"], shop.parties["auditor"]
    assert costs(shop, workshop) == eur("19.75")
    assert costs(shop, workshop, costs=False) == []
    assert costs(shop, shop.operator) == [], "an operator sees what it recorded"
    assert costs(shop, auditor) == []
    grant(shop, "workshop", "price")
    assert costs(shop, auditor) == [], "a grant opens the members that it names"
    grant(shop, "workshop", "cost", subject=ring(1))
    assert costs(shop, auditor) == eur("12.50")
    grant(shop, "rival", "cost")
    assert costs(shop, auditor) == eur("112.50")
    shop.clock.now += 2 * times.DAY
    assert costs(shop, auditor) == [], "the grants have ended"


def test_by_model_cause_and_party(shop: Shop) -> None:
    told = reported(shop, shop.parties["workshop"], by=["party", "fault"])
    document = shop.get(f"/v1/reports/{told['id']}?format=json", shop.parties["workshop"]).json()
    found = {row["key"]["party"]: row["figures"]["costs"] for row in document["groups"]}
    assert found == {shop.parties["workshop"].id: eur("19.75"), shop.parties["rival"].id: []}


def test_each_reading_stands_in_the_access_log(shop: Shop) -> None:
    auditor = shop.parties["auditor"]
    grant(shop, "workshop", "cost")
    told = reported(shop, auditor)
    read, _ = shop.ledger.readings.readings(party=auditor.id)
    assert sorted((one.subject, one.owner, one.members, one.why, one.outside) for one in read) == [
        (item, shop.parties["workshop"].id, ("cost",), "/v1/reports", False) for item in (ring(1), ring(2))
    ]
    assert all(one.key is not None for one in read)
    assert shop.get(f"/v1/reports/{told['id']}?format=csv", auditor).status_code == 200
    read, _ = shop.ledger.readings.readings(party=auditor.id)
    (handed,) = [one for one in read if one.subject is None]
    assert (handed.why, handed.members) == (f"/v1/reports/{told['id']}", ("cost",))
    # The workshop sees who has read what it recorded.
    seen = shop.get("/v1/readings", shop.parties["workshop"]).json()["readings"]
    assert {one["party"] for one in seen} == {auditor.id}


def test_what_cannot_be_written_down_is_not_read(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(**_: Any) -> None:
        raise Unavailable("the access log cannot be written")

    monkeypatch.setattr(shop.ledger.readings, "note", full)
    told = reported(shop, shop.parties["workshop"])
    assert (told["state"], told["problem"]) == ("failed", "the access log cannot be written")


def test_it_is_handed_to_the_party_that_asked_alone(shop: Shop) -> None:
    workshop, rival = shop.parties["workshop"], shop.parties["rival"]
    told = reported(shop, workshop)
    assert told["costs"] is True
    assert sorted(told["files"]) == ["csv", "disclosures", "json", "svg", "xlsx"]
    for who in (rival, shop.operator):
        assert shop.get(f"/v1/reports/{told['id']}", who).status_code == 404
    # A chain reads the reports of those below it, but not these: it may count its own.
    about = {"name": "workshop", "roles": ["repairer"], "parent": rival.id}
    shop.say(shop.operator, "party.updated", f"{workshop.id}#authority", about)
    plain = reported(shop, workshop, costs=False)
    assert shop.get(f"/v1/reports/{plain['id']}", rival).status_code == 200
    assert shop.get(f"/v1/reports/{plain['id']}?format=disclosures", workshop).status_code == 422
    assert shop.get(f"/v1/reports/{told['id']}", rival).status_code == 404
    assert costs(shop, rival) == eur("119.75")


def test_it_is_counted_again_with_what_was_disclosed(shop: Shop, tmp_path: Path, capsys: Any) -> None:
    auditor = shop.parties["auditor"]
    grant(shop, "workshop", "cost")
    told = reported(shop, auditor)
    raw = shop.get(f"/v1/reports/{told['id']}?format=json", auditor)
    given = shop.get(f"/v1/reports/{told['id']}?format=disclosures", auditor)
    assert given.headers["content-type"] == "application/json"
    assert sorted(map(len, given.json().values())) == [1, 1], "the cost of two statements, and no note"
    if shop.ledger.is_sqlite:
        (tmp_path / "report.json").write_bytes(raw.content)
        (tmp_path / "costs.json").write_bytes(given.content)
        words = ["report", "--verify", str(tmp_path / "report.json"), str(shop.ledger.directory)]
        words += ["--vkey", shop.ledger.vkeys[0]]
        assert main([*words, "--disclosures", str(tmp_path / "costs.json")]) == 0, capsys.readouterr()
        assert main(words) == 2
        assert "the same bytes" in capsys.readouterr().out
    shop.clock.now += 2 * times.DAY
    gone = shop.get(f"/v1/reports/{told['id']}?format=disclosures", auditor)
    assert (gone.status_code, "granted no longer" in gone.json()["detail"]) == (409, True)
    assert json.loads(raw.content)["figures"]["costs"] == eur("19.75"), "what was read was read"


def erase_cost(shop: Shop, statement: str) -> None:
    wanted = {"statements": [statement], "classes": ["money"], "why": "authority"}
    assert erased(shop, shop.operator, **wanted)["state"] == "done"


def test_an_erasure_takes_the_reports_that_count_what_is_erased(shop: Shop) -> None:
    workshop, rival = shop.parties["workshop"], shop.parties["rival"]
    said = worked(shop, workshop, ring(9), "3.50")
    told, theirs, plain = reported(shop, workshop), reported(shop, rival), reported(shop, workshop, costs=False)
    where = f"/v1/reports/{told['id']}"
    assert shop.get(f"{where}?format=json", workshop).json()["figures"]["costs"] == eur("23.25")
    documents = "SELECT document FROM report_costed UNION ALL SELECT document FROM report WHERE document IS NOT NULL"
    assert any(b'"23.25"' in bytes(row[0]) for row in rows(shop, documents)), "it is there: the test can fail"
    erase_cost(shop, said)
    gone = shop.get(f"{where}?format=json", workshop)
    assert (gone.status_code, gone.json()["detail"]) == (404, GONE)
    for form in ("csv", "xlsx", "svg", "disclosures"):
        assert shop.get(f"{where}?format={form}", workshop).status_code == 404
    far = shop.get(where, workshop).json()
    assert (far["state"], far["problem"], far["files"]) == ("failed", GONE, {})
    assert not any(b'"23.25"' in bytes(row[0]) for row in rows(shop, documents))
    assert scanner.find(shop.ledger, ['"23.25"']) == []
    kept = shop.get(f"/v1/reports/{theirs['id']}?format=json", rival).json()["figures"]["costs"]
    assert kept == eur("100.00"), "what rests on nothing that was erased stays"
    assert shop.get(f"/v1/reports/{plain['id']}?format=json", workshop).status_code == 200
    assert costs(shop, workshop) == eur("19.75"), "and it can be asked for again"


def test_a_cost_that_is_erased_while_it_is_counted_is_in_no_report(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    workshop = shop.parties["workshop"]
    said, count = worked(shop, workshop, ring(9), "3.50"), spooled.count

    def late(*given: Any) -> Any:
        monkeypatch.setattr(spooled, "count", count)
        erase_cost(shop, said)
        return count(*given)

    monkeypatch.setattr(spooled, "count", late)
    asked = {"period": "2026", "costs": True, "parties": [workshop.id]}
    made = shop.post("/v1/reports", asked, workshop).json()["id"]
    assert make_due(shop.ledger, workers=0) == 2, "given back, and made of what was left"
    document = shop.get(f"/v1/reports/{made}?format=json", workshop).json()
    assert document["figures"]["costs"] == eur("19.75")
    assert len(rows(shop, "SELECT * FROM report_rests")) == 2


def test_of_two_that_make_one_report_the_first_keeps_it(shop: Shop) -> None:
    told = reported(shop, shop.parties["workshop"])
    kept = rows(shop, "SELECT * FROM report_costed")
    assert shop.ledger.reports.finish_costed(told["id"], 1, b"another", [])
    assert rows(shop, "SELECT * FROM report_costed") == kept
    assert len(kept) == 1


def test_no_backup_has_a_report_with_costs(shop: Shop, tmp_path: Path) -> None:
    workshop = shop.parties["workshop"]
    told, plain = reported(shop, workshop), reported(shop, workshop, costs=False)
    if shop.ledger.is_sqlite:
        backup = back_up(shop.ledger, tmp_path / "copy.sqlite3")
        assert backup is not None
        assert b'"19.75"' not in backup.read_bytes()
    with shop.ledger.writing() as connection:  # as a restore finds them
        connection.write((), ("DELETE FROM report_costed", ()))
        note_lost(connection)
        connection.commit()
    gone = shop.get(f"/v1/reports/{told['id']}?format=json", workshop)
    assert (gone.status_code, gone.json()["detail"]) == (404, LOST)
    assert shop.get(f"/v1/reports/{plain['id']}", workshop).json()["state"] == "made"


def test_what_was_recorded_before_the_period_is_not_read(shop: Shop) -> None:
    shop.clock.now = times.parse_recorded("2027-02-01T08:00:00.000Z")
    shop.ledger.writer.accept_clock = True
    worked(shop, shop.parties["workshop"], ring(9), "1.00")
    assert costs(shop, shop.parties["workshop"], period="2027") == eur("1.00")
    read, _ = shop.ledger.readings.readings(party=shop.parties["workshop"].id)
    assert {one.subject for one in read if one.subject} == {ring(9)}


def scheduled(shop: Shop, browser: Browser, role: str = "auditor") -> tuple[dict[str, Any], dict[str, Any]]:
    """A monthly schedule with costs that somebody made, and how far its first report is."""
    answer = browser.post("/v1/report-schedules", {"every": "month", "role": role, "costs": True})
    assert answer.status_code == 201, answer.text
    return dict(answer.json()), a_month_later(shop)


def a_month_later(shop: Shop) -> dict[str, Any]:
    """The newest report of the workshop."""
    shop.clock.now += 31 * times.DAY
    assert make_due(shop.ledger, workers=0) == 1
    return dict(shop.get("/v1/reports", shop.parties["workshop"]).json()["reports"][0])


def test_a_schedule_counts_the_costs_that_who_planned_it_may_ask_for(shop: Shop) -> None:
    workshop = shop.parties["workshop"]
    owner = add_person(shop, workshop.id, "owner", "olga")
    browser = Browser(shop)
    assert browser.log_in("olga@example.org", PASSWORD).status_code == 200
    schedule, made = scheduled(shop, browser)
    assert schedule["costs"] is made["costs"] is True
    assert owner.id not in str(schedule)
    assert shop.get(f"/v1/reports/{made['id']}?format=json", workshop).json()["figures"]["costs"] == eur("19.75")
    read, _ = shop.ledger.readings.readings(party=workshop.id)
    planned = {(one.why, one.person, one.members) for one in read if one.subject is not None}
    assert planned == {(f"/v1/report-schedules/{schedule['id']}", owner.id, ("cost",))}
    for who in (shop.parties["rival"], shop.operator):
        assert shop.get(f"/v1/reports/{made['id']}", who).status_code == 404
    # She is let in no more: the report goes on, without costs, and says so.
    shop.ledger.access.people.set_disabled(owner.id, disabled=True)
    after = a_month_later(shop)
    assert (after["schedule"], after["costs"], after["state"]) == (schedule["id"], False, "made")
    document = shop.get(f"/v1/reports/{after['id']}?format=json", workshop).json()
    assert (document["figures"]["costs"], document["asked"]["period"]) == ([], "2026-06")
    assert len(shop.ledger.readings.readings(party=workshop.id)[0]) == len(read)


def test_a_role_that_may_not_read_costs_gets_none(shop: Shop) -> None:
    workshop, reads, planned = shop.parties["workshop"], set(), set()
    owner = signed_in(shop, workshop.id, "owner")
    for role in ROLES:
        answer = owner.post("/v1/report-schedules", {"every": "year", "role": role, "costs": True})
        planned |= {role} if answer.status_code == 201 else set()
    _, made = scheduled(shop, signed_in(shop, workshop.id, "manager"))
    for role in ROLES:
        answer = signed_in(shop, workshop.id, role).get(f"/v1/reports/{made['id']}?format=json")
        if answer.status_code == 200:
            assert answer.json()["figures"]["costs"] == eur("19.75")
            reads.add(role)
    assert reads == planned == {"owner", "manager", "auditor"}


@pytest.mark.parametrize("ends", ["another role", "a key that is revoked", "a party that is suspended"])
def test_in_the_name_of_whom_may_ask_no_longer_nothing_is_read(shop: Shop, ends: str) -> None:
    workshop = shop.parties["workshop"]
    person = add_person(shop, workshop.id, "manager", "mina")
    key = shop.ledger.access.create_api_key(workshop.id, ["admin"], "planner")
    browser = Browser(shop)
    if ends == "a key that is revoked":
        browser.http.headers["Authorization"] = f"Bearer {key}"
    else:
        assert browser.log_in("mina@example.org", PASSWORD).status_code == 200
    _, made = scheduled(shop, browser)
    assert made["costs"] is True
    if ends == "another role":
        shop.ledger.access.people.set_role(person.id, "technician")
    elif ends == "a key that is revoked":
        found = shop.ledger.access.find_api_key(key)
        assert found is not None
        shop.ledger.access.revoke_api_key(found.id)
    else:
        shop.ledger.writer.accept_clock = True
        shop.say(shop.operator, "party.suspended", f"{workshop.id}#authority", {"reason": "unpaid"})
    after = a_month_later(shop)
    assert (after["asked"]["period"], after["costs"], after["problem"]) == ("2026-06", False, None)
