"""Work lists: what stands in them is what the log says, worked out live or all at once; pages of them are stable."""

from __future__ import annotations

import itertools
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import text

from ledger import merkle, submap, times
from ledger.caseload import case_loads
from ledger.db.caseload import CUSTOMER, Listed, Wanted, rows_of
from ledger.db.connect import session
from ledger.db.draft import Accepted
from ledger.db.engine import open_engine
from ledger.db.rebuild import Rebuilt, rebuild
from ledger.db.session import ask, fetch
from ledger.db.worktables import NEVER
from ledger.errors import Invalid
from ledger.leaf import Entry, parse_leaf
from ledger.promises import Promises
from tests.stall import Stall, stall, urn

OPENED = {"kind": "repair", "channel": "store", "issue": "quality", "fault": "clasp"}
WORK = {"work": ["solder"], "tests": []}
EVIDENCE: dict[str, Any] = {"evidence": {"weight_g": "3.62"}}
LIMITS = {
    "standard": "ours",
    "version": "1",
    "limits": [
        {"clock": "first_response", "within": {"hours": 24}, "source": "house", "pauses": []},
        {"clock": "resolution", "within": {"working_days": 3}, "source": "house"},
    ],
}
CALENDAR = {
    "standard": "days-CN-2026",
    "version": "1",
    "calendar": {"name": "CN", "year": 2026, "off": [{"date": "2026-11-03"}], "on": [], "source": "house"},
}
_count = itertools.count()


@pytest.fixture
def shop(database_url: str, tmp_path: Path) -> Iterator[Stall]:
    with stall(database_url, tmp_path) as opened:
        opened.accept(*opened.party("workshop", "repairer"), *opened.party("rival", "retailer"))
        yield opened


def opens(shop: Stall, name: str, case: str = "", **details: Any) -> str:
    """A case of this name on the item of this name, which is registered first; returns the case."""
    case = urn(case or f"case of {name}")
    shop.accept(shop.register(name), shop.draft("case.opened", urn(name), OPENED | details, case=case))
    return case


def step(shop: Stall, name: str, kind: str, details: dict[str, Any], **more: Any) -> None:
    """The shop says a step of the case of that item."""
    shop.accept(shop.draft(kind, urn(name), details, **{"case": urn(f"case of {name}"), **more}))


def listed(shop: Stall, party: str = "shop", *, limit: int = 50, **wanted: Any) -> list[str]:
    """The names of the items in a list, all pages."""
    shop.ledger.follower.follow()
    found: list[Listed] = []
    cursor = None
    while True:
        rows, cursor = shop.ledger.follower.find(Wanted(**wanted), [urn(party)], cursor, limit)
        found += rows
        if cursor is None:
            return [(row.name or "its own").removeprefix("Ring ") for row in found]


def stand(shop: Stall) -> list[tuple[Any, ...]]:
    """All rows of the lists as they stand."""
    engine = open_engine(shop.url)
    with engine.connect() as connection:
        tables = ("caseload ORDER BY party, opened", "maintenance ORDER BY sid", "published ORDER BY idx")
        rows = [
            tuple(bytes(one) if isinstance(one, memoryview) else one for one in row)
            for table in tables
            for row in connection.execute(text(f"SELECT * FROM {table}"))
        ]
    engine.dispose()
    return rows


def worked_out(shop: Stall) -> list[tuple[Any, ...]]:
    """The rows of cases worked out from every leaf of the log, and nothing else."""
    engine = open_engine(shop.url)
    with session(engine) as opened:
        opened.begin(write=False)
        leaves = fetch(opened, ask("SELECT bytes FROM leaf ORDER BY idx"))
        sids = {bytes(key): sid for key, sid in fetch(opened, ask('SELECT "key", sid FROM subject'))}
    engine.dispose()
    by_subject: dict[str, list[tuple[Entry, str]]] = {}
    for (raw,) in leaves:
        entry = parse_leaf(raw)
        if isinstance(entry, Entry):
            for subject in entry.statement.subjects:
                by_subject.setdefault(subject, []).append((entry, merkle.leaf_hash(raw).hex()))
    parties = shop.ledger.reader.parties()
    told = {
        party: [one for name in (party, f"{party}#authority") for one, _ in by_subject.get(name, ())]
        for party in parties.parties
    }
    promises = Promises(told, parties.operator, NEVER)
    rows = []
    for subject, pairs in by_subject.items():
        for load in case_loads(pairs, promises):
            rows += rows_of(sids[submap.key_of(subject)], load)
    return sorted(rows, key=lambda row: row[:2])


def test_lists_by_what_is_urgent(shop: Stall) -> None:
    shop.accept(shop.draft("standard.adopted", urn("shop"), LIMITS))
    for name in ("late", "soon", "fresh", "answered", "waits", "held", "done"):
        opens(shop, name, job_no=f"J-{name}", visit="V1")
        if name == "late":
            shop.clock.now += 8 * times.HOUR
    for name in ("answered", "waits", "held", "done"):
        step(shop, name, "case.responded", {}, agent="a1")
    step(shop, "waits", "case.waiting", {"for": "customer"})
    step(shop, "held", "case.received", EVIDENCE)
    step(shop, "done", "case.closed", {"outcome": "resolved"})
    step(shop, "fresh", "case.assigned", {"to": "a7"})
    shop.clock.now += 17 * times.HOUR
    now = shop.clock.now
    # Of 24 hours 25 have passed for the first, and 17, less than three quarters, for the others; one hour later 18.
    assert listed(shop, overdue=now) == ["late"]
    assert listed(shop, due_soon=now) == []
    assert sorted(listed(shop, due_soon=now + times.HOUR)) == ["fresh", "soon"]
    assert listed(shop, waits=CUSTOMER) == ["waits"]
    assert listed(shop, waits=("parts",)) == []
    assert listed(shop, held=now) == ["held"]
    assert listed(shop, held=now - 18 * times.HOUR) == []
    assert listed(shop, closed=True) == ["done"]
    assert listed(shop, assigned="a7") == ["fresh"]
    assert listed(shop, job_no="J-late", visit="V1") == ["late"]
    assert listed(shop, job_no="J-late", visit="V2") == []
    assert listed(shop) == ["done", "held", "waits", "answered", "fresh", "soon", "late"]
    assert listed(shop, limit=2) == listed(shop)
    assert listed(shop, limit=1, due=now + 30 * times.DAY) == listed(shop, due=now + 30 * times.DAY)
    assert listed(shop, "rival") == []
    assert listed(shop, "workshop") == []


def test_a_workshop_sees_what_was_sent_to_it_and_a_page_is_stable(shop: Stall) -> None:
    for name in ("one", "two", "three"):
        opens(shop, name)
        step(shop, name, "case.received", EVIDENCE)
        step(shop, name, "case.forwarded", {"to": urn("workshop"), **EVIDENCE})
    assert listed(shop, "workshop") == ["three", "two", "one"]
    first, cursor = shop.ledger.follower.find(Wanted(), [urn("workshop"), urn("shop")], None, 2)
    assert [row.name for row in first] == ["Ring three", "Ring two"]  # each once, though it concerns both
    assert {row.holder for row in first} == {urn("workshop")}
    opens(shop, "four")
    shop.ledger.follower.follow()
    second, end = shop.ledger.follower.find(Wanted(), [urn("workshop"), urn("shop")], cursor, 2)
    assert [row.name for row in second] == ["Ring one"]
    assert end is None
    for wrong in ("x", "-1", "1", "1-x", f"{1 << 63}-1", "1-1-1"):
        with pytest.raises(Invalid, match="cursor"):
            shop.ledger.follower.find(Wanted(), [urn("shop")], wrong, 2)


def test_a_calendar_moves_what_is_due_and_taking_it_back_moves_it_back(shop: Stall) -> None:
    place = {"name": "shop", "roles": ["retailer", "repairer"], "calendar": "CN"}
    shop.accept(shop.draft("party.updated", f"{urn('shop')}#authority", place, by="operator"))
    shop.accept(shop.draft("standard.adopted", urn("shop"), LIMITS))
    opens(shop, "one")
    step(shop, "one", "case.responded", {}, agent="a1")

    def due() -> str:
        shop.ledger.follower.follow()
        ((row,), _) = shop.ledger.follower.find(Wanted(), [urn("shop")], None, 2)
        assert row.clock == "resolution"
        assert row.due_at is not None
        return times.format_recorded(row.due_at)

    # 1 November 2026 is a Sunday: Monday, Tuesday, Wednesday, to midnight UTC.
    assert due() == "2026-11-05T00:00:00.000Z"
    adopted = shop.draft("standard.adopted", shop.ledger.operator, CALENDAR, by="operator")
    shop.accept(adopted)
    assert due() == "2026-11-06T00:00:00.000Z"  # Tuesday is off
    taken = shop.draft(
        "statement.retracted", shop.ledger.operator, {"reason": "wrong"}, by="operator", corrects=adopted.statement.id
    )
    shop.accept(taken)
    assert due() == "2026-11-05T00:00:00.000Z"
    assert [row for row in stand(shop) if len(row) > 5] == worked_out(shop)


def test_a_rebuild_gives_the_same_rows(shop: Stall) -> None:
    shop.accept(shop.draft("standard.adopted", urn("shop"), LIMITS | CALENDAR))
    opens(shop, "one")
    step(shop, "one", "case.responded", {}, agent="a1")
    shop.accept(shop.draft("maintenance.performed", urn("one"), {"work": ["clean"], "next_due": "2027-05-01"}))
    shop.ledger.follower.follow()
    before = stand(shop)
    assert len(before) == 1 + 1 + 5  # a case, a maintenance; four parties registered, one adoption
    engine = open_engine(shop.url)
    with engine.begin() as connection:
        connection.execute(text("DELETE FROM maintenance"))
        connection.execute(text("DELETE FROM published"))
        connection.execute(text("UPDATE caseload SET status = 'x', subject = 'y'"))
    engine.dispose()
    seen: list[int] = []
    assert rebuild(shop.ledger, seen.append) == Rebuilt(items=1, rows=2)
    assert stand(shop) == before
    assert shop.ledger.follower.behind() == 0
    assert sum(seen) >= shop.ledger.reader.size()


def test_a_complaint_about_a_party_stands_once_however_its_row_was_made(shop: Stall) -> None:
    """Its opening has two subjects, the case itself and the party, and a row of the first alone."""
    case = urn("of nobody's thing")
    about = {"kind": "complaint", "channel": "web", "issue": "attitude"}
    shop.accept(shop.draft("case.opened", case, about, others=[urn("shop")], case=case, by="operator"))
    shop.accept(shop.draft("case.responded", case, {}, others=[urn("shop")], case=case, agent="a1"))
    assert listed(shop) == ["its own"]
    live = stand(shop)
    assert [row[4] for row in live if len(row) > 5] == [case, case]  # of the shop, and of the operator who took it down
    assert rebuild(shop.ledger).rows == 2
    assert stand(shop) == live


def test_of_two_processes_that_follow_at_once_one_has_done_it(shop: Stall) -> None:
    shop.accept(shop.draft("standard.adopted", urn("shop"), LIMITS))
    other = shop.again()
    try:
        for turn in range(6):
            for name in (f"{turn} one", f"{turn} two"):
                opens(shop, name)
                step(shop, name, "case.received", EVIDENCE)
            threads = [threading.Thread(target=one.follower.follow) for one in (shop.ledger, other, shop.ledger)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
            assert shop.ledger.follower.behind() == other.follower.behind() == 0
            assert [row for row in stand(shop) if len(row) > 5] == worked_out(shop)
        assert len(worked_out(shop)) == 12
    finally:
        other.close()


def test_what_was_worked_out_for_an_older_place_in_the_log_is_not_written(shop: Stall) -> None:
    opens(shop, "one")
    follower = shop.ledger.follower
    write, late = follower._write, []

    def waits(*given: Any) -> None:
        late.append(given)
        follower._write = write  # type: ignore[method-assign]

    follower._write = waits  # type: ignore[method-assign, assignment]
    assert follower.step()
    step(shop, "one", "case.closed", {"outcome": "resolved"})
    follower.follow()
    closed = stand(shop)
    write(*late[0])
    assert stand(shop) == closed


STEPS: dict[str, list[dict[str, Any]]] = {
    "case.opened": [OPENED, OPENED | {"kind": "complaint", "issue": "attitude"}],
    "case.responded": [{}],
    "case.assigned": [{"to": "b07"}, {"to": urn("workshop")}],
    "case.received": [EVIDENCE],
    "case.forwarded": [{"to": "outside", **EVIDENCE}, {"to": urn("workshop"), **EVIDENCE}],
    "case.returned": [EVIDENCE],
    "case.handed_over": [{"check": "id", **EVIDENCE}],
    "case.diagnosed": [{"findings": "worn", "responsible": "none", "in_warranty": True}],
    "case.waiting": [{"for": "parts"}, {"for": "customer"}],
    "case.resumed": [{"for": "parts"}],
    "case.extended": [{"limit": "resolution", "until": "2026-12-01", "reason": "parts", "hard": False}],
    "repair.completed": [WORK],
    "maintenance.performed": [{"work": ["clean"], "next_due": "2027-05-01"}, {"work": ["clean"]}],
    "case.closed": [{"outcome": "resolved"}],
    "case.reopened": [{"outcome": "unresolved"}],
    "return.completed": [{"reason": "regret", "condition": "whole"}],
    "item.retired": [{"reason": "broken"}],
}
SAID = st.tuples(
    st.sampled_from(sorted(STEPS)), st.sampled_from(("shop", "shop", "workshop")), st.integers(0, 1), st.integers(0, 1)
)
DONE = st.lists(
    st.one_of(
        SAID,
        st.sampled_from(["follow", "hours", "standard", "calendar", "hours of opening", "retract", "correct"]),
    ),
    max_size=25,
)


@pytest.fixture(scope="module")
def module_shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stall]:
    folder = tmp_path_factory.mktemp("lists")
    with stall(f"sqlite:///{folder / 'ledger.sqlite'}", folder) as opened:
        opened.accept(*opened.party("workshop", "repairer"))
        yield opened


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=40)
@given(st.data(), DONE)
def test_the_lists_are_what_the_log_says(module_shop: Stall, data: st.DataObject, done: list[Any]) -> None:
    """Whatever is accepted, in whatever slices it is followed: live rows, recomputed rows and a rebuild agree."""
    shop, number = module_shop, next(_count)
    items = [f"item {number} {side}" for side in (0, 1)]
    shop.accept(*[shop.register(name) for name in items])
    accepted: list[Accepted] = []
    for what in done:
        if what == "follow":
            shop.ledger.follower.follow()
        elif what == "hours":
            shop.clock.now += 5 * times.HOUR
        else:
            outcomes = shop.append(_draft(shop, data, what, items, accepted))
            accepted += [one for one in outcomes if isinstance(one, Accepted)]
    shop.ledger.follower.follow()
    live = stand(shop)
    assert [row for row in live if len(row) > 5] == worked_out(shop)
    rebuild(shop.ledger)
    assert stand(shop) == live


def _draft(shop: Stall, data: st.DataObject, what: Any, items: list[str], accepted: list[Accepted]) -> Any:
    shop.count += 1
    version = {"version": f"{shop.count}"}
    if what == "standard":
        return shop.draft("standard.adopted", urn("shop"), LIMITS | version)
    if what == "calendar":
        return shop.draft("standard.adopted", shop.ledger.operator, CALENDAR | version, by="operator")
    if what == "hours of opening":
        hours = [{"days": ["mon", "tue"], "from": "09:00", "until": "17:00"}]
        place = {"name": "shop", "roles": ["retailer", "repairer"], "calendar": "CN", "hours": hours}
        return shop.draft("party.updated", f"{urn('shop')}#authority", place, by="operator")
    if what in {"retract", "correct"}:
        if not accepted:
            return shop.maintain(items[0])
        said = data.draw(st.sampled_from(accepted)).statement
        by = {urn("shop"): "shop", urn("workshop"): "workshop"}.get(said.party, "operator")
        details: dict[str, Any] = {"reason": "wrong"} | ({"details": said.details} if what == "correct" else {})
        more = {} if said.case is None else {"case": said.case}
        kind = f"statement.{what}ed"
        return shop.draft(kind, said.subjects[0], details, by=by, corrects=said.id, others=said.subjects[1:], **more)
    kind, by, item, case = what
    details = data.draw(st.sampled_from(STEPS[kind]))
    more = {} if kind.startswith("item.") else {"case": urn(f"{items[item]} case {case}")}
    return shop.draft(kind, urn(items[item]), details, by=by, **more)
