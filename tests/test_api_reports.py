"""Reports over HTTP: made beside the service from its own leaves; an auditor counts them again to the same bytes."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from threading import Event
from typing import Any

import pytest

from api.reporting import make_due
from ledger import times
from ledger.command import main
from ledger.db.reports import GIVEN_UP, WAITING, next_due, period_before
from tests.build import uuid
from tests.holding import shop_on
from tests.shop import Party, Shop

OPENED = {"kind": "repair", "channel": "store", "issue": "quality", "fault": "F1"}


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def shop(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    with shop_on(request, tmp_path_factory.mktemp("reports")) as opened:
        yield opened


@pytest.fixture(scope="module")
def jeweller(shop: Shop) -> Party:
    party = shop.parties["jeweller"]
    for number in range(3):
        item = f"urn:uuid:00000000-0000-7000-8000-00000000000{number}"
        shop.say(party, "item.registered", item, {"name": "Ring", "category": "jewellery"})
        shop.say(party, "case.opened", item, OPENED, case=uuid(f"case {number}"))
        shop.clock.pass_hours(1)
    return party


def asked(shop: Shop, who: Party, **body: Any) -> Any:
    return shop.post("/v1/reports", {"period": "2026", **body}, who)


def test_a_report_is_asked_for_made_and_handed_out(shop: Shop, jeweller: Party, capsys: Any, tmp_path: Path) -> None:
    answer = asked(shop, jeweller, by=["fault"], evidence="gb27922")
    assert answer.status_code == 202, answer.text
    one = answer.json()
    assert (one["state"], one["percent"], one["files"]) == ("waiting", 0, {})
    assert one["asked"]["parties"] == [jeweller.id]
    path = f"/v1/reports/{one['id']}"
    assert shop.get(f"{path}?format=json", jeweller).status_code == 404
    assert make_due(shop.ledger, workers=0) == 1
    told = shop.get(path, jeweller).json()
    assert (told["state"], told["percent"], told["problem"]) == ("made", 100, None)
    raw = shop.get(f"{path}?format=json", jeweller)
    document = raw.json()
    assert document["figures"]["cases"] == 3
    assert {one["area"]: one["entries"][0]["count"] for one in document["evidence"]}["goods_information"] == 3
    assert [(row["key"], row["figures"]["cases"]) for row in document["groups"]] == [({"fault": "F1"}, 3)]
    for form, kind in (("csv", "text/csv"), ("svg", "image/svg+xml"), ("xlsx", "application/vnd.openxml")):
        got = shop.client.get(told["files"][form], headers=jeweller.headers)
        assert got.headers["content-type"].startswith(kind)
        assert got.content
    assert shop.get(f"{path}?format=svg&language=zh-Hant", jeweller).text.count("售後服務") >= 1
    for wrong in ("format=pdf", "format=svg&language=la"):
        assert shop.get(f"{path}?{wrong}", jeweller).status_code == 422
    assert told in shop.get("/v1/reports", jeweller).json()["reports"]
    if shop.ledger.is_sqlite:
        (tmp_path / "report.json").write_bytes(raw.content)
        words = ["--verify", str(tmp_path / "report.json"), str(shop.ledger.directory), "--vkey", shop.ledger.vkeys[0]]
        assert main(["report", *words]) == 0
        assert "the same bytes" in capsys.readouterr().out


def test_how_far_it_is_can_be_seen_while_it_is_made(shop: Shop, jeweller: Party, monkeypatch: Any) -> None:
    one, seen, tell = asked(shop, jeweller).json(), [], shop.ledger.reports.tell

    def told(report_id: str, percent: int) -> None:
        tell(report_id, percent)
        seen.append(shop.get(f"/v1/reports/{report_id}", jeweller).json())

    monkeypatch.setattr(shop.ledger.reports, "tell", told)
    assert make_due(shop.ledger, workers=0) == 1
    # Every leaf is hashed and then counted: 99 % is kept for the document.
    assert [(row["id"], row["state"], row["percent"]) for row in seen] == [
        (one["id"], "counting", 49),
        (one["id"], "counting", 99),
    ]


def test_another_party_sees_nothing_of_it(shop: Shop, jeweller: Party) -> None:
    rival = shop.parties["rival"]
    one = asked(shop, jeweller).json()
    assert shop.get(f"/v1/reports/{one['id']}", rival).status_code == 404
    assert shop.get("/v1/reports/%00", rival).status_code == 404
    assert all(row["party"] == rival.id for row in shop.get("/v1/reports", rival).json()["reports"])
    make_due(shop.ledger, workers=0)


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({"period": "soon"}, "/period"),
        ({"by": ["soul"]}, "/by/0"),
        ({"by": ["fault"] * 5}, "/by"),
        ({"trend": "day"}, "/trend"),
        ({"parties": ["me"]}, "/parties/0"),
        ({"colour": "red"}, "/colour"),
    ],
)
def test_what_cannot_be_asked_is_refused_and_keeps_nothing(
    shop: Shop, jeweller: Party, body: dict[str, Any], pointer: str
) -> None:
    before = len(shop.get("/v1/reports", jeweller).json()["reports"])
    answer = asked(shop, jeweller, **body)
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["pointer"] == pointer
    assert len(shop.get("/v1/reports", jeweller).json()["reports"]) == before


def test_only_so_many_wait_at_a_time(shop: Shop) -> None:
    rival = shop.parties["rival"]
    answers = [asked(shop, rival).status_code for _ in range(WAITING + 1)]
    assert answers == [202] * WAITING + [422]
    assert make_due(shop.ledger, workers=0) == WAITING


def test_a_report_that_cannot_be_made_says_why(shop: Shop, jeweller: Party, monkeypatch: Any) -> None:
    one = asked(shop, jeweller, by=["line"]).json()
    monkeypatch.setattr("ledger.report.MAX_GROUPS", 0)
    assert make_due(shop.ledger, workers=0) == 1
    told = shop.get(f"/v1/reports/{one['id']}", jeweller).json()
    assert told["state"] == "failed"
    assert "fewer dimensions" in told["problem"]
    answer = shop.get(f"/v1/reports/{one['id']}?format=json", jeweller)
    assert (answer.status_code, answer.json()["detail"]) == (404, told["problem"])


def test_a_full_disk_fails_one_report_and_no_job(shop: Shop, jeweller: Party, monkeypatch: Any) -> None:
    one = asked(shop, jeweller).json()

    def full(*_: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("ledger.reports.spooled.count", full)
    assert make_due(shop.ledger, workers=0) == 1
    assert shop.get(f"/v1/reports/{one['id']}", jeweller).json()["problem"] == "No space left on device"


def test_one_worker_takes_a_report_and_a_dead_one_loses_it(shop: Shop, jeweller: Party) -> None:
    one = asked(shop, jeweller).json()
    taken = shop.ledger.reports.take()
    assert taken is not None
    assert taken.id == one["id"]
    shop.ledger.reports.tell(one["id"], 40)
    assert shop.get(f"/v1/reports/{one['id']}", jeweller).json()["state"] == "counting"
    assert shop.ledger.reports.take() is None
    shop.clock.now += GIVEN_UP + times.MINUTE
    again = shop.ledger.reports.take()
    assert again is not None
    assert again.id == one["id"]
    shop.ledger.reports.fail(one["id"], "enough")
    shop.ledger.reports.finish(one["id"], 3, b"{}")
    assert shop.get(f"/v1/reports/{one['id']}", jeweller).json()["problem"] == "enough", "what ended has ended"


def test_other_processes_count_and_a_stop_gives_the_report_back(shop: Shop, jeweller: Party, monkeypatch: Any) -> None:
    one = asked(shop, jeweller).json()
    stopping = Event()
    stopping.set()
    assert make_due(shop.ledger, stopping, workers=0) == 0
    assert shop.get(f"/v1/reports/{one['id']}", jeweller).json()["state"] == "waiting"
    monkeypatch.setattr("ledger.reports.spooled.ALONE", 0)
    assert make_due(shop.ledger, workers=1) == 1
    assert shop.get(f"/v1/reports/{one['id']}?format=json", jeweller).json()["figures"]["cases"] == 3


def test_a_schedule_makes_each_period_once(shop: Shop, jeweller: Party) -> None:
    body = {"every": "month", "role": "manager", "by": ["fault"], "evidence": "gb27922", "trend": "quarter"}
    made = shop.post("/v1/report-schedules", body, shop.operator)
    assert made.status_code == 201, made.text
    schedule = made.json()
    assert schedule["next_due"] == "2026-06-01T12:00:00.000Z"
    assert shop.get("/v1/report-schedules", shop.operator).json()["schedules"] == [schedule]
    assert make_due(shop.ledger, workers=0) == 0
    shop.clock.now = times.parse_recorded("2026-07-01T12:00:00.000Z")
    # Two months have ended; each pass takes a step, as a server that was down would.
    assert make_due(shop.ledger, workers=0) == 1
    assert make_due(shop.ledger, workers=0) == 1
    assert make_due(shop.ledger, workers=0) == 0
    listed = shop.get("/v1/reports", shop.operator).json()["reports"]
    rows = [(one["schedule"], one["role"], one["asked"]["period"], one["state"]) for one in listed]
    assert rows == [(schedule["id"], "manager", month, "made") for month in ("2026-06", "2026-05")]
    for one in listed:
        assert {name: one["asked"][name] for name in ("by", "evidence", "trend", "parties")} == {
            "by": ["fault"], "evidence": "gb27922", "trend": "quarter", "parties": [shop.operator.id],
        }  # fmt: skip
    where = f"/v1/report-schedules/{schedule['id']}"
    assert shop.client.request("DELETE", where, headers=shop.operator.headers).status_code == 200
    assert shop.client.request("DELETE", where, headers=shop.operator.headers).status_code == 404
    assert shop.client.request("DELETE", "/v1/report-schedules/x", headers=shop.operator.headers).status_code == 404
    shop.clock.now += 40 * times.DAY
    assert make_due(shop.ledger, workers=0) == 0
    for wrong in ({"every": "day"}, {"every": "month", "role": "staff"}, {"every": "month", "by": ["soul"]}):
        assert shop.post("/v1/report-schedules", wrong, shop.operator).status_code == 422


@pytest.mark.parametrize(
    ("now", "every", "due", "period"),
    [
        ("2026-05-04T09:00:00.000Z", "month", "2026-06-01T12:00:00.000Z", "2026-05"),
        ("2026-06-01T11:59:59.000Z", "month", "2026-06-01T12:00:00.000Z", "2026-05"),
        ("2026-06-01T12:00:00.000Z", "month", "2026-07-01T12:00:00.000Z", "2026-06"),
        ("2026-12-31T00:00:00.000Z", "quarter", "2027-01-01T12:00:00.000Z", "2026-Q4"),
        ("2026-02-28T00:00:00.000Z", "year", "2027-01-01T12:00:00.000Z", "2026"),
    ],
)
def test_a_period_falls_due_when_it_has_ended_everywhere(now: str, every: str, due: str, period: str) -> None:
    found = next_due(times.parse_recorded(now), every)
    assert times.format_recorded(found) == due
    assert period_before(found, every) == period


def test_a_chain_counts_its_own_and_nobody_elses(request: pytest.FixtureRequest, tmp_path: Path) -> None:
    request.param = "sqlite"
    from tests.shop import open_shop  # noqa: PLC0415 - a shop with other settings

    with open_shop(tmp_path, entries_public=False) as closed:
        own, other = closed.party("own", "repairer"), closed.party("other", "repairer")
        assert asked(closed, own).status_code == 202
        answer = asked(closed, own, parties=[own.id, other.id])
        assert answer.status_code == 403
        assert answer.json()["errors"][0]["pointer"] == "/parties/1" if "errors" in answer.json() else True
        assert asked(closed, closed.operator, parties=[other.id]).status_code == 202
        assert json.dumps(closed.get("/v1/reports", own).json()).count(other.id) == 0
