"""Who reads which private member: every reader against one table, by HTTP, and each history verified; on two databases.

What a reader gets must be exactly its row: more is a leak, less is a promise not kept.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from ledger.errors import Unavailable
from tests.build import key
from tests.console import open_console
from tests.holding import speak
from tests.reading import CASE, CUSTOMER, OTHER, PRICE, QUOTE, SALE, Ring, Seen, open_ring, pass_on, unclaimed
from tests.shop import JSON, Shop, segment

WORK = {"note": "claw was worn"}
BENT = {"description": "a claw is bent"}
OTHERS = {"other": {"description": "of another case"}}
JEWELLER: Seen = {
    "earlier": {"note": "of an earlier time"},
    "sale": SALE,
    "delivered": {"tracking": "TRACK-5512"},
    "installed": {"place": "1 Example Street"},
    "opened": {**BENT, "customer": CUSTOMER},
    "quoted": QUOTE,
    "work": WORK,
    **OTHERS,
}
TABLE: dict[str, Seen | int] = {
    "view code": {},
    "gift code": {},
    "code of the case": {"opened": BENT, "quoted": QUOTE, "work": WORK},
    "code of another case": OTHERS,
    "holder": {label: seen for label, seen in JEWELLER.items() if label != "earlier"},
    "holder, by the code of a case": {label: seen for label, seen in JEWELLER.items() if label != "earlier"},
    "holder, by a gift code": 403,
    "bearer of the paper, after it was claimed": 403,
    "whose claim waits": 403,
    "whoever has another key": 403,
    "jeweller": JEWELLER,
    "chain": JEWELLER,
    "bench": {"opened": BENT, "quoted": QUOTE, "work": {**WORK, "cost": "31.70"}},
    "stranger": {},
    "operator": {},
    "granted": {"sale": {"price": PRICE}, "opened": BENT, **OTHERS},
    "ungranted": {},
}
"""``cost`` is the workshop's own; ``granted`` was granted it by name, by whom may not give it."""


@pytest.fixture
def shop(database_url: str, tmp_path: Path) -> Iterator[Shop]:
    with open_console(tmp_path, database_url) as opened:
        yield opened


@pytest.fixture
def ring(shop: Shop) -> Ring:
    return open_ring(shop)


def ask(ring: Ring, token: str, body: Any, letter: str = "i") -> Any:
    return ring.shop.post(f"/{letter}/{token}/history", body)


def readers(ring: Ring) -> dict[str, Any]:
    """What each reader is answered."""
    shop, token = ring.shop, ring.paper.token
    gift, case, other = ring.code("gift"), ring.code("case", CASE), ring.code("case", OTHER)
    hers = ring.asking(ring.grant(), ring.phone)
    thief = key("thief of " + ring.item)
    claimed = speak(shop, ring.paper, "item.claimed", ring.paper.key, also=thief)
    assert claimed.status_code == 201
    waits = shop.ledger.reader.state(ring.item)
    assert waits is not None
    staff = {
        name: shop.get(f"/v1/items/{segment(ring.item)}/history", who)
        for name, who in {**shop.parties, "operator": shop.operator}.items()
    }
    return staff | {
        "view code": shop.get(f"/i/{token}/history"),
        "gift code": shop.get(f"/i/{gift}/history"),
        "code of the case": shop.get(f"/c/{case}/history"),
        "code of another case": shop.get(f"/c/{other}/history"),
        "holder": ask(ring, token, hers),
        "holder, by the code of a case": ask(ring, other, hers, "c"),
        "holder, by a gift code": ask(ring, gift, hers),
        "bearer of the paper, after it was claimed": ask(ring, token, ring.asking(ring.first, ring.paper.key)),
        "whose claim waits": ask(ring, token, ring.asking(waits.held.pending[0].grant.entry, thief)),
        "whoever has another key": ask(ring, token, ring.asking(ring.grant(), key("x"))),
    }


def test_every_reader_gets_what_the_table_says(ring: Ring) -> None:
    found = {name: ring.opens(answer) for name, answer in readers(ring).items() if name in TABLE}
    assert found == TABLE
    public = ring.shop.get(ring.item.removeprefix("https://id.gs1.org"), accept="application/json")
    assert public.status_code == 200
    for value in ("1234.56", "Ada Example", "85.40", "bent", "TRACK", "Street"):
        assert value not in public.text


def test_who_got_it_sees_her_own_time_and_who_gave_it_nothing_more(ring: Ring) -> None:
    shop, case = ring.shop, ring.code("case", CASE)
    grant = ring.grant()
    new, token = pass_on(ring)
    ring.told("later", "jeweller", "maintenance.performed", {"work": ["polish"]}, {"note": "hers"})
    assert ring.opens(ask(ring, token, ring.asking(ring.grant(), new))) == {"later": {"note": "hers"}}
    for lost in (ring.paper.token, token):
        assert ask(ring, lost, ring.asking(grant, ring.phone)).status_code == 403
        assert ask(ring, lost, ring.asking(ring.grant(), ring.phone)).status_code == 403
    fallen = ask(ring, ring.paper.token, ring.asking(ring.grant(), new))
    assert (fallen.status_code, "fallen" in fallen.json()["detail"]) == (403, True)
    assert shop.get(f"/c/{case}/history").status_code == 403
    assert "bent" not in shop.get(f"/c/{case}").text


def test_while_the_paper_speaks_its_bearer_reads(ring: Ring) -> None:
    other = unclaimed(ring.shop)
    asked = other.asking(other.first, other.paper.key)
    assert other.opens(ask(other, other.paper.token, asked)) == {"sale": SALE}


def test_whoever_gave_it_back_reads_by_the_code_of_her_case_alone(ring: Ring) -> None:
    shop, case = ring.shop, ring.code("case", CASE)
    grant = ring.grant()
    ring.told("back", "jeweller", "return.completed", {"reason": "fit", "condition": "new"}, {"refund": "1.00"})
    token = ring.code("view")
    assert ask(ring, token, ring.asking(grant, ring.phone)).status_code == 403
    assert ask(ring, case, ring.asking(grant, ring.phone), "c").status_code == 403
    assert ring.opens(shop.get(f"/c/{case}/history")) == TABLE["code of the case"]


def test_forged_late_and_misdirected_askings_are_refused(ring: Ring) -> None:
    shop, token, grant = ring.shop, ring.paper.token, ring.grant()
    good = ring.asking(grant, ring.phone)
    forged = {**good, "asked": {**good["asked"], "at": good["asked"]["at"].replace(".000Z", ".001Z")}}
    elsewhere = unclaimed(shop).paper.token
    shop.ledger.readings.flush()
    before = shop.ledger.readings.readings()
    for where, body, pointer in (
        (token, forged, "/signature/sig"),
        (token, ring.asking(grant, ring.phone, ledger="ab" * 32), "/asked/ledger"),
        (token, ring.asking(grant, ring.phone, subject=f"{ring.item}9"), "/asked/subject"),
        (token, ring.asking(ring.first, ring.phone), "/asked/grant"),
        (token, ring.asking("ab" * 32, ring.phone), "/asked/grant"),
        (elsewhere, good, "/asked/subject"),
    ):
        answer = ask(ring, where, body)
        problem = answer.json()
        assert (answer.status_code, problem["errors"][0]["pointer"]) == (403, pointer), problem
    assert ask(ring, token, good).status_code == 200
    shop.clock.pass_hours(301 / 3600)
    late = ask(ring, token, good)
    assert (late.status_code, late.json()["errors"][0]["pointer"]) == (403, "/asked/at")
    assert len(shop.ledger.readings.readings()[0]) == len(before[0]) + 7, "what was refused read nothing"
    for body, status, pointer in (({}, 422, "/asked"), ({**good, "more": 1}, 422, "/more")):
        answer = ask(ring, token, body)
        assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (status, pointer)
    assert shop.client.post(f"/i/{token}/history", content=b"{", headers=JSON).status_code == 400
    assert (
        shop.client.post(f"/i/{token}/history", content=b"x", headers={"Content-Type": "text/plain"}).status_code == 415
    )


def test_no_other_kind_of_code_leads_there(ring: Ring) -> None:
    shop, case, good = ring.shop, ring.code("case", CASE), ring.asking(ring.grant(), ring.phone)
    for letter, token in (("i", case), ("c", ring.paper.token), ("i", "A" * 22), ("c", "x")):
        answer = ask(ring, token, good, letter)
        assert (answer.status_code, answer.json()["detail"]) == (404, "got a code that leads to no record")
    for wrong in (f"/c/{ring.paper.token}/history", f"/i/{case}/history", "/c/x/history"):
        assert shop.get(wrong).status_code == 404


def test_readings_are_written_down_and_kept_by_no_cache(ring: Ring) -> None:
    shop, case = ring.shop, ring.code("case", CASE)
    found = shop.ledger.codes.find(case)
    assert found is not None
    size = shop.size()
    asked = ring.asking(ring.grant(), ring.phone)
    for answer, why, who in (
        (ask(ring, ring.paper.token, asked), "POST /i/{token}/history", ring.phone.did),
        (ask(ring, case, asked, "c"), "POST /c/{token}/history", ring.phone.did),
        (shop.get(f"/c/{case}/history"), "GET /c/{token}/history", found.id),
        (shop.get(f"/c/{case}"), "GET /c/{token}", found.id),
        (shop.get(f"/c/{case}", accept="application/json"), "GET /c/{token}", found.id),
    ):
        assert (answer.status_code, answer.headers["cache-control"]) == (200, "no-store")
        shop.clock.now += 1000
        listed = [one for one in shop.ledger.readings.readings()[0] if one.why == why and one.key == who]
        assert {"amount", "lines", "up_to"} <= {name for one in listed for name in one.members}
        assert not any(one.outside or one.party for one in listed)
    assert shop.size() == size


def test_what_cannot_be_written_down_is_not_shown(ring: Ring, monkeypatch: pytest.MonkeyPatch) -> None:
    shop, case, asked = ring.shop, ring.code("case", CASE), ring.asking(ring.grant(), ring.phone)

    def full(**_: Any) -> None:
        raise Unavailable("the access log cannot be written")

    monkeypatch.setattr(shop.ledger.readings, "note", full)
    for answer in (ask(ring, ring.paper.token, asked), shop.get(f"/c/{case}/history"), shop.get(f"/c/{case}")):
        assert answer.status_code == 503
        assert not any(value in answer.text for value in ("85.40", "bent", "Ada Example"))


def test_the_page_of_a_case_shows_the_quote_to_whoever_is_to_approve_it(ring: Ring) -> None:
    shop, case = ring.shop, ring.code("case", CASE)
    page = shop.get(f"/c/{case}").text
    for value in ("<dd>€85.40</dd>", "re-tip claws", "99.10", "a claw is bent", "claw was worn"):
        assert value in page
    for value in ("31.70", "Ada Example", "of another case", "1234.56"):
        assert value not in page
    records = shop.get(f"/c/{case}", accept="application/json").json()["records"]
    assert {one["type"]: one["private"] for one in records} == {
        "case.opened": BENT,
        "case.assigned": {},
        "case.quoted": QUOTE,
        "repair.completed": WORK,
    }
    view = shop.get(f"/i/{ring.paper.token}").text
    assert not any(value in view for value in ("85.40", "bent", "31.70"))
