"""What a row of a work list says of a case, what a party promises, and whose word rights rest on: worked by hand."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec.structs import replace

from ledger import leaf, times
from ledger.caseload import Load, case_loads, judge, party_of
from ledger.cases import fold_case
from ledger.entitlement import entitlement, replaced_by
from ledger.leaf import Entry, Signature
from ledger.promises import Promises
from ledger.times import HOUR, parse_occurred
from ledger.upkeep import Due, maintenance_due
from ledger.words import LONGEST, text_of, words_asked, words_of
from tests.build import uuid
from tests.casebook import at

SHOP, BRANCH, WORKSHOP, OPERATOR = (uuid(name) for name in ("shop", "branch", "workshop", "operator"))
ITEM, OTHER = uuid("item"), uuid("other")
CASE = uuid("case")
EVIDENCE: dict[str, Any] = {"evidence": {}}
OPENED = {"kind": "repair", "channel": "store", "issue": "quality"}
LIMITS = {
    "standard": "ours",
    "version": "1",
    "limits": [
        {"clock": "first_response", "within": {"hours": 4}, "source": "house", "pauses": []},
        {"clock": "resolution", "within": {"hours": 48}, "source": "house"},
    ],
}


class Log:
    """Entries about an item, told by a clock; whatever is said is taken."""

    def __init__(self) -> None:
        self.told: list[tuple[Entry, str]] = []

    def say(self, kind: str, when: str, details: dict[str, Any] | None = None, **more: Any) -> Entry:
        """Add an entry."""
        index = len(self.told) + 10
        statement = {
            "id": uuid(f"said {index}"), "type": kind, "subjects": [ITEM], "party": SHOP,
            "occurred_at": times.format_recorded(at(when)), "details": details or {}, **more,
        }  # fmt: skip
        entry = Entry(
            index=index,
            prev="0" * 64,
            recorded_at=times.format_recorded(at(when)),
            links=(),
            statement=leaf.statement_from(statement),
            signatures=(Signature("did:key:z", "x"),),
            v=1,
        )
        self.told.append((entry, f"{index:064x}"))
        return entry

    def register(self, **more: Any) -> None:
        """Register the item."""
        self.say("item.registered", "2026-03-01 09:00", {"name": "Ring", "category": "jewellery"}, **more)

    def open(self, when: str = "2026-03-02 09:00", case: str = CASE, **more: Any) -> Entry:
        """Open a case."""
        details = OPENED | more.pop("details", {})
        return self.say("case.opened", when, details, case=case, **more)


def promises(*published: Entry) -> Promises:
    told: dict[str, list[Entry]] = {}
    for one in published:
        told.setdefault(one.statement.subjects[0].removesuffix("#authority"), []).append(one)
    return Promises(told, OPERATOR, 1 << 40)


def adopted(party: str, document: dict[str, Any], index: int = 0) -> Entry:
    entry = Log().say("standard.adopted", "2026-01-01 00:00", document, subjects=[party], party=party)
    return replace(entry, index=index)


def registered(party: str, index: int = 1, **details: Any) -> Entry:
    about = {"name": "Party", "roles": ["retailer"], **details}
    said = Log().say("party.registered", "2026-01-01 00:00", about, subjects=[f"{party}#authority"], party=OPERATOR)
    return replace(said, index=index)


def one(log: Log, *published: Entry) -> Load:
    (load,) = case_loads(log.told, promises(*published))
    return load


def test_a_delivery_that_names_no_case_is_of_the_one_opened_last() -> None:
    asks = {"standard": "ours", "version": "1", "limits": [
        {"clock": "feedback", "within": {"hours": 48}, "source": "house"}]}  # fmt: skip
    log = Log()
    log.register()
    log.open("2026-03-02 09:00")
    log.open("2026-03-03 09:00", case=uuid("later"))
    log.say("item.delivered", "2026-03-04 09:00", {"method": "courier", "state": "whole"})
    first, later = case_loads(log.told, promises(adopted(SHOP, asks)))
    assert first.clock is None
    assert (later.clock, later.due_at) == ("feedback", at("2026-03-06 09:00"))


def test_what_is_due_first_and_when_it_warns() -> None:
    log = Log()
    log.register()
    log.open(details={"job_no": "J1", "visit": "V1", "fault": "clasp"})
    load = one(log, adopted(SHOP, LIMITS))
    opened = at("2026-03-02 09:00")
    assert (load.clock, load.due_at, load.warn_at) == ("first_response", opened + 4 * HOUR, opened + 3 * HOUR)
    assert (load.party, sorted(load.concerned), load.kind, load.status) == (SHOP, [SHOP], "repair", "open")
    assert (load.job_no, load.visit, load.assigned, load.closed_at, load.repeats) == ("J1", "V1", None, None, None)
    log.say("case.responded", "2026-03-02 10:00", case=CASE, agent="a1")
    log.say("case.assigned", "2026-03-02 10:00", {"to": WORKSHOP}, case=CASE)
    load = one(log, adopted(SHOP, LIMITS))
    assert (load.clock, load.due_at, load.assigned) == ("resolution", opened + 48 * HOUR, WORKSHOP)
    assert load.concerned == {SHOP, WORKSHOP}
    log.say("case.waiting", "2026-03-02 11:00", {"for": "customer"}, case=CASE)
    load = one(log, adopted(SHOP, LIMITS))
    assert (load.clock, load.due_at, load.waits_for) == (None, None, "customer")
    assert load.waits_since == at("2026-03-02 11:00")
    log.say("case.closed", "2026-03-02 12:00", {"outcome": "resolved"}, case=CASE)
    load = one(log, adopted(SHOP, LIMITS))
    assert (load.clock, load.waits_for, load.waits_since, load.status) == (None, None, None, "closed")
    assert load.closed_at == "2026-03-02T12:00:00.000Z"
    log.say("case.reopened", "2026-03-03 12:00", {"outcome": "unresolved"}, case=CASE)
    assert one(log, adopted(SHOP, LIMITS)).closed_at is None


def test_without_a_standard_nothing_is_due() -> None:
    log = Log()
    log.register()
    log.open()
    load = one(log)
    assert (load.clock, load.due_at, load.provisional) == (None, None, False)
    course = fold_case(CASE, log.told)
    assert course is not None
    assert judge(course, log.told, promises()).required is None
    assert judge(course, log.told, promises(adopted(SHOP, LIMITS))).required == ()


def test_who_has_it_in_hand_for_this_case_and_since_when() -> None:
    log = Log()
    log.register()
    log.open()
    assert one(log).holder is None
    log.say("case.received", "2026-03-03 09:00", EVIDENCE, case=CASE)
    assert (one(log).holder, one(log).held_since) == (SHOP, at("2026-03-03 09:00"))
    log.say("case.forwarded", "2026-03-04 09:00", {"to": "outside", **EVIDENCE}, case=CASE)
    assert (one(log).holder, one(log).held_since) == ("outside", at("2026-03-04 09:00"))
    log.say("case.returned", "2026-03-05 09:00", EVIDENCE, case=CASE)
    log.say("case.received", "2026-03-06 09:00", EVIDENCE, case=CASE)
    assert (one(log).holder, one(log).held_since) == (SHOP, at("2026-03-05 09:00"))
    second = uuid("second case")
    log.open("2026-03-07 09:00", second)
    log.say("case.received", "2026-03-08 09:00", EVIDENCE, case=second)
    assert [load.holder for load in case_loads(log.told, promises())] == [None, SHOP]
    log.say("case.handed_over", "2026-03-09 09:00", {"check": "id", **EVIDENCE}, case=second)
    assert [load.holder for load in case_loads(log.told, promises())] == [None, None]


def test_what_was_returned_for_good_is_held_for_nobody() -> None:
    log = Log()
    log.register()
    log.open(details={"kind": "return"})
    log.say("return.completed", "2026-03-03 09:00", {"reason": "regret", "condition": "whole"}, case=CASE)
    assert (one(log).holder, one(log).status) == (None, "returned")


def test_whose_case_it_is() -> None:
    def party(log: Log, case: str = CASE) -> str:
        course = fold_case(case, log.told)
        assert course is not None
        return party_of(course, log.told, OPERATOR)

    by_holder: dict[str, Any] = {"party": ITEM, "grant": "a" * 64}
    log = Log()
    log.register(party=BRANCH)
    log.open(**by_holder)
    assert party(log) == BRANCH
    log = Log()
    log.register(party=BRANCH)
    log.open(party=OPERATOR)
    assert party(log) == OPERATOR
    log = Log()
    log.register(party=BRANCH)
    log.say("item.sold", "2026-03-01 10:00", {"channel": "store"}, party=SHOP)
    log.open(**by_holder)
    log.say("item.sold", "2026-03-03 10:00", {"channel": "store"}, party=WORKSHOP)
    assert party(log) == SHOP
    log.open("2026-03-04 09:00", uuid("later"), party=OPERATOR)
    assert party(log, uuid("later")) == WORKSHOP
    log.open("2026-03-05 09:00", uuid("own"), party=BRANCH)
    assert party(log, uuid("own")) == BRANCH
    alone = Log()
    alone.open(subjects=[CASE, SHOP], party=OPERATOR)
    assert party(alone) == SHOP
    (load,) = case_loads(alone.told, promises())
    assert load.concerned == {SHOP, OPERATOR}


def test_the_same_fault_within_90_days_is_a_repeat() -> None:
    def repair(log: Log, opened: str, done: str, name: str, kind: str = "repair.completed", **details: Any) -> None:
        log.open(opened, uuid(name), details=details)
        if done:
            log.say(kind, done, {"work": [], "tests": []}, case=uuid(name))

    log = Log()
    log.register()
    repair(log, "2026-01-01 09:00", "2026-01-05 09:00", "first", fault="clasp")
    repair(log, "2026-04-05 09:00", "", "within", fault="clasp")
    repair(log, "2026-04-05 09:01", "", "a minute late", fault="clasp")
    repair(log, "2026-02-01 09:00", "", "another fault", fault="stone")
    repair(log, "2026-02-02 09:00", "2026-02-03 09:00", "no fault named", kind="repair.failed")
    repair(log, "2026-02-04 09:00", "", "none named again")
    log.open("2026-02-05 09:00", uuid("a complaint"), details={"kind": "complaint", "fault": "clasp"})
    found = {load.case: load.repeats for load in case_loads(log.told, promises())}
    opened = {load.case: load.opened for load in case_loads(log.told, promises())}
    assert {case for case, repeats in found.items() if repeats is not None} == {
        uuid("within"), uuid("none named again"),
    }  # fmt: skip
    assert found[uuid("within")] == opened[uuid("first")]
    assert found[uuid("none named again")] == opened[uuid("no fault named")]


def test_a_party_works_by_the_next_standard_above_it_and_by_its_own_hours() -> None:
    friday = parse_occurred("2026-11-27T17:00:00Z")
    hours = [{"days": ["mon", "tue", "wed", "thu", "fri"], "from": "09:00", "until": "18:00"}]
    year = {"name": "CN", "year": 2026, "off": [{"date": "2026-11-30"}], "on": [], "source": "house",
            "tzdata": "2025b", "zones": [{"zone": "Asia/Shanghai", "offsets": [{"minutes": 480}]}]}  # fmt: skip
    days = {"standard": "days-CN-2026", "version": "1", "calendar": year}
    told = promises(
        registered(SHOP, calendar="CN", timezone="Asia/Shanghai"),
        registered(BRANCH, hours=hours, country="CN", parent=SHOP),
        adopted(SHOP, LIMITS, 5),
        adopted(OPERATOR, days, 6),
    )
    assert told.chain(BRANCH) == (BRANCH, SHOP, OPERATOR)
    assert told.standard(BRANCH, 5) is None
    assert told.standard(BRANCH, 6) == told.newest(BRANCH) is told.standard(BRANCH, 9) is not None
    assert told.newest(OPERATOR) is None
    # 17:00 UTC is one in the morning of Saturday in Shanghai; Monday is off, Tuesday the branch opens at nine.
    assert times.format_recorded(told.working(BRANCH).after(friday, HOUR)) == "2026-12-01T02:00:00.000Z"
    assert told.working(BRANCH) is told.working(BRANCH)
    assert times.format_recorded(told.working(WORKSHOP).after(friday, HOUR)) == "2026-11-27T18:00:00.000Z"


def test_a_case_keeps_the_standard_above_it_and_every_case_has_the_hours_of_today() -> None:
    hours = [{"days": ["fri"], "from": "09:00", "until": "18:00"}]
    told = promises(
        registered(BRANCH, parent=SHOP),
        adopted(SHOP, LIMITS, 5),
        adopted(OTHER, LIMITS | {"standard": "theirs"}, 6),
        registered(BRANCH, 20, parent=OTHER, hours=hours),
    )
    for index, name in ((5, None), (6, "ours"), (20, "ours"), (21, "theirs")):
        found = told.standard(BRANCH, index)
        assert (None if found is None else found.ids[0][0]) == name
    assert told.chain(BRANCH, 20) == (BRANCH, SHOP, OPERATOR)
    assert told.chain(BRANCH) == (BRANCH, OTHER, OPERATOR)
    assert told.years(BRANCH) == ()
    # Friday, 27 November 2026, at 17:00: an hour is left, the second is on the Friday after.
    friday = parse_occurred("2026-11-27T17:00:00Z")
    assert times.format_recorded(told.working(BRANCH).after(friday, 2 * HOUR)) == "2026-12-04T10:00:00.000Z"


@pytest.mark.parametrize("sold", [True, False])
def test_rights_go_by_what_the_seller_had_promised_at_the_sale(sold: bool) -> None:
    warranty = {"months": 24, "from": "sold", "source": "house"}
    before = adopted(SHOP, {"standard": "ours", "version": "1", "warranty": warranty}, 0)
    after = adopted(SHOP, {"standard": "ours", "version": "2", "warranty": warranty | {"months": 1}}, 99)
    log = Log()
    log.register(party=SHOP)
    if sold:
        log.say("item.sold", "2026-03-02 09:00", {"channel": "store"})
    entries = [entry for entry, _ in log.told]
    found = entitlement(ITEM, entries, promises(before, after), at("2026-03-03 09:00"))
    assert found.party == SHOP
    assert found.standard is not None
    if sold:
        assert found.standard.ids == (("ours", "1"),)
        assert [(right.right, str(right.until)) for right in found.rights] == [("free_repair", "2028-03-02")]
    else:
        assert (found.standard.ids, found.rights) == ((("ours", "2"),), ())


def test_what_was_given_in_an_exchange_is_its_givers_to_answer_for() -> None:
    log = Log()
    log.register(party=WORKSHOP)
    assert replaced_by(ITEM, [entry for entry, _ in log.told]) is None
    details = {"replacement": ITEM, "reason": "fault"}
    log.say("exchange.completed", "2026-03-03 09:00", details, subjects=[OTHER, ITEM], party=SHOP)
    entries = [entry for entry, _ in log.told]
    assert replaced_by(ITEM, entries) == OTHER
    assert entitlement(ITEM, entries, promises(), at("2026-03-04 09:00")).party == SHOP


def test_the_next_maintenance_is_the_last_word() -> None:
    log = Log()
    log.register()
    assert maintenance_due(entry for entry, _ in log.told) is None
    first = log.say("maintenance.performed", "2026-03-02 09:00", {"work": [], "next_due": "2026-09-02T10:00:00Z"})
    told = [entry for entry, _ in log.told]
    assert maintenance_due(told) == Due("2026-09-02", SHOP, first.statement.id)
    second = log.say("maintenance.performed", "2026-04-02 09:00", {"work": []})
    assert maintenance_due(entry for entry, _ in log.told) is None
    log.say("statement.retracted", "2026-04-03 09:00", {"reason": "x"}, corrects=second.statement.id)
    assert maintenance_due(entry for entry, _ in log.told) == Due("2026-09-02", SHOP, first.statement.id)
    said = {"reason": "x", "details": {"work": [], "next_due": "2026-10-02"}}
    log.say("statement.corrected", "2026-04-04 09:00", said, corrects=first.statement.id)
    assert maintenance_due(entry for entry, _ in log.told) == Due("2026-10-02", SHOP, first.statement.id)
    log.say("item.retired", "2026-04-05 09:00", {"reason": "broken"})
    assert maintenance_due(entry for entry, _ in log.told) is None
    log.say("item.reinstated", "2026-04-06 09:00", {"reason": "mended"})
    assert maintenance_due(entry for entry, _ in log.told) is not None


def test_words_of_every_script() -> None:
    assert words_of(["Ｒing-２  RING"]) == ("ring", "2")  # full-width letters are the same letters
    assert words_of(["แหวน"]) == ("แ", "ห", "ว", "น", "แห", "หว", "วน")
    assert words_of(["кольцо_Золото", "خاتم"]) == ("кольцо", "золото", "خاتم")
    assert words_of(["ab戒指cd"]) == ("ab", "戒", "指", "戒指", "cd")
    assert words_asked("戒") == ("戒",)
    assert words_asked("金戒指 金戒") == ("金戒", "戒指")
    assert words_asked("%_'\"\\:&|!*") == ()
    assert words_of(["x" * 100]) == ("x" * LONGEST,) == words_asked("x" * 90)
    assert text_of(["Gold ring", "gold"]) == "gold ring"
