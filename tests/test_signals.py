"""Risk signals: each kind from entries made for it, with the entries that caused it, and silence where nothing is."""

from __future__ import annotations

import hashlib
from decimal import Decimal
from typing import Any

from ledger.doubt import Doubt
from ledger.leaf import Entry, Signature
from ledger.signals import BEFORE, RECENT, Scan, Signal, Track, Watch, signals
from ledger.times import DAY, HOUR, MINUTE, format_recorded
from tests.build import ring, uuid
from tests.casebook import SHOP, Casebook

NOW = 1_790_000_000_000_000
OLD = NOW - RECENT - BEFORE // 2
LAB = uuid("lab")


class Log:
    """A log of entries, each with the leaf hash of its number, folded as it is said."""

    def __init__(self) -> None:
        self.book = Casebook()
        self.watch = Watch()
        self.cases = 0

    def say(self, kind: str, at: int, details: dict[str, Any] | None = None, **more: Any) -> Entry:
        """Say something outside any case unless ``case`` is given."""
        self.book.say(kind, at, details, **({"case": None} | more))
        entry = self.book.entries[-1]
        self.watch.follow(entry, self.hash(entry))
        return entry

    @staticmethod
    def hash(entry: Entry) -> str:
        return hashlib.sha256(b"%d" % entry.index).hexdigest()

    def open(self, at: int, kind: str = "complaint", **more: Any) -> tuple[Entry, str]:
        """Open a case of its own number."""
        self.cases += 1
        case = uuid(f"case {self.cases}")
        details = {"kind": kind, "channel": "store", "issue": "quality"} | more.pop("details", {})
        return self.say("case.opened", at, details, case=case, **more), case

    def signals(self, **more: Any) -> list[Signal]:
        more = {"doubts": {}, "keys": {}} | more
        return signals(self.watch, NOW, more.pop("doubts"), more.pop("keys"), **more)

    def only(self, **more: Any) -> Signal:
        (found,) = self.signals(**more)
        return found


def spread(count: int, since: int, length: int) -> list[int]:
    """So many moments, evenly in a span."""
    return [since + length * (2 * number + 1) // (2 * count) for number in range(count)]


def test_complaints_that_jump_are_a_signal_with_the_openings_that_make_it() -> None:
    log = Log()
    for at in spread(120, NOW - RECENT - BEFORE, BEFORE):
        log.say("item.sold", at, {"channel": "store"}, subjects=[ring(at)])
    log.open(OLD)
    for at in spread(10, NOW - RECENT, RECENT):
        log.say("item.sold", at, {"channel": "store"}, subjects=[ring(at)])
    opened = [log.open(at)[0].index for at in spread(5, NOW - RECENT, RECENT)]
    found = log.only()
    assert (found.kind, found.severity, found.party) == ("complaints_jumped", "high", SHOP)
    assert found.entries == tuple(opened)
    # Six complaints, five of them where 10 of 130 sales were: 6·s^5·(1−s) + s^6 with s = 1/13, by hand
    # (6 · 12 + 1) / 13^6 = 73 / 4826809.
    assert Decimal(str(found.figures["p"])) == Decimal("1.51e-5")
    assert (found.figures["recent"], found.figures["of"]) == (5, 10)
    assert (found.figures["before"], found.figures["of_before"]) == (1, 120)


def test_as_many_complaints_as_ever_are_none() -> None:
    log = Log()
    for since, length, many in ((NOW - RECENT - BEFORE, BEFORE, 12), (NOW - RECENT, RECENT, 1)):
        for at in spread(10 * many, since, length):
            log.say("item.sold", at, {"channel": "store"}, subjects=[ring(at)])
        for at in spread(many, since, length):
            log.open(at)
    assert log.signals() == []


def test_the_test_is_adjusted_for_how_many_are_made() -> None:
    def log_with(parties: int) -> list[Signal]:
        log = Log()
        for number in range(parties):
            party = uuid(f"party {number}")
            for at in (*spread(12, NOW - RECENT - BEFORE, BEFORE), NOW - DAY):
                log.say("item.sold", at, {"channel": "store"}, party=party, subjects=[ring(at + number)])
            # For one of them two complaints in the last month, else one in the year before.
            for at in (NOW - HOUR, NOW - HOUR) if number == 0 else (OLD,):
                log.open(at, party=party)
        return log.signals()

    # (1/13)^2 = 0.0059 alone; of thirty tests one such p is what chance gives.
    assert [one.severity for one in log_with(1)] == ["medium"]
    assert log_with(30) == []


def test_a_complaint_belongs_to_whom_it_is_about() -> None:
    log = Log()
    other = uuid("other shop")
    for at in (*spread(12, NOW - RECENT - BEFORE, BEFORE), NOW - DAY):
        log.say("item.sold", at, {"channel": "store"}, party=other, subjects=[ring(at)])
    operator = uuid("operator")
    for _ in range(2):
        own = uuid(f"case {log.cases + 1}")
        log.open(NOW - HOUR, party=operator, subjects=[own, other])
    # One that its holder opens is the shop's that answers it.
    _, case = log.open(NOW - HOUR, party=ring(5), subjects=[ring(5)], grant="0" * 64)
    log.say("case.responded", NOW - MINUTE, {}, party=other, case=case, subjects=[ring(5)])
    log.say("case.assigned", NOW - MINUTE, {"to": "a1"}, party=SHOP, case=case, subjects=[ring(5)])
    log.say("case.responded", NOW - MINUTE, {}, party=other, case=uuid("never opened"), subjects=[ring(5)])
    log.open(NOW - HOUR, kind="feedback", party=other, subjects=[ring(6)])
    found = log.only()
    assert (found.party, found.figures["recent"], found.figures["of"]) == (other, 3, 1)


def test_a_second_opening_of_a_case_changes_nothing() -> None:
    log = Log()
    entry, case = log.open(NOW - HOUR)
    log.say("case.opened", NOW - MINUTE, {"kind": "repair", "channel": "store", "issue": "quality"}, case=case)
    log.say("case.opened", NOW - MINUTE, {"kind": "repair", "channel": "store", "issue": "quality"})
    assert log.watch.tracks["complaint", SHOP].index.tolist() == [entry.index]


def repair(log: Log, item: str, at: int, fault: str = "battery") -> Entry:
    details = {"kind": "repair"} | ({"fault": fault} if fault else {})
    opened, case = log.open(at, details=details, subjects=[item])
    log.say("repair.completed", at + HOUR, {"work": ["x"], "tests": []}, case=case, subjects=[item])
    return opened


def test_repairs_that_have_to_be_repeated_more_often_are_a_signal() -> None:
    log = Log()
    for number, at in enumerate(spread(24, NOW - RECENT - BEFORE, BEFORE)):
        repair(log, ring(number), at)
    again = [repair(log, ring(number), NOW - 3 * DAY) for number in (23, 22, 21)]
    found = log.only()
    assert (found.kind, found.party) == ("repeat_repairs_jumped", SHOP)
    assert found.entries == tuple(one.index for one in again)
    # All three where 3 of 27 repairs were: (1/9)^3 = 0.00137.
    assert Decimal(str(found.figures["p"])) == Decimal("1.37e-3")
    assert found.severity == "medium"


def test_another_fault_none_or_long_after_is_no_repeat() -> None:
    log = Log()
    repair(log, ring(1), OLD)
    repair(log, ring(1), OLD + 91 * DAY + HOUR)
    repair(log, ring(2), NOW - 9 * DAY)
    repair(log, ring(2), NOW - 8 * DAY, "display")
    repair(log, ring(3), NOW - 9 * DAY, "")
    repair(log, ring(3), NOW - 8 * DAY, "")
    log.say("repair.completed", NOW - HOUR, {"work": ["x"], "tests": []}, subjects=[ring(3)])
    assert ("repeat", SHOP) not in log.watch.tracks


def test_a_share_of_late_statements_that_grows_is_a_signal() -> None:
    log = Log()
    for at in spread(100, NOW - RECENT - BEFORE, BEFORE):
        log.say("maintenance.performed", at, {"work": ["clean"]})
    late = []
    for number, at in enumerate(spread(10, NOW - RECENT, RECENT)):
        said = at - 25 * HOUR if number < 3 else at
        log.say("maintenance.performed", said, {"work": ["clean"]}, recorded=at)
        late += [log.book.entries[-1].index] if number < 3 else []
    found = log.only()
    assert (found.kind, found.entries) == ("late_recording_jumped", tuple(late))
    # All three late ones among 10 of 110: C(10,3) / C(110,3) = 120 / 215820.
    assert Decimal(str(found.figures["p"])) == Decimal("5.56e-4")
    assert found.severity == "high"


def test_revoked_certificates_are_named_with_what_they_revoke() -> None:
    log = Log()
    pairs = []
    for number in range(3):
        about: dict[str, Any] = {"party": LAB, "subjects": [ring(number)]}
        certified = log.say(
            "authentication.certified",
            OLD,
            {"certificate_no": f"C{number}", "result": "authentic", "methods": ["loupe"]},
            **about,
        )
        revoked = log.say(
            "authentication.revoked", NOW - DAY, {"certificate_no": f"C{number}", "reason": "treated"}, **about
        )
        pairs += [certified.index, revoked.index]
        found = log.only()
        assert (found.kind, found.party, found.entries) == ("certificates_revoked", LAB, tuple(pairs))
        assert found.severity == ("high" if number == 2 else "medium")
    unknown = log.say(
        "authentication.revoked", NOW - DAY, {"certificate_no": "X", "reason": "treated"}, party=LAB, subjects=[ring(9)]
    )
    assert log.only().entries == (*pairs, unknown.index)


def test_what_is_long_ago_is_told_no_more() -> None:
    log = Log()
    log.say("authentication.revoked", NOW - RECENT, {"certificate_no": "C", "reason": "treated"}, party=LAB)
    log.say("item.sold", NOW - 3 * RECENT, {"channel": "store"})
    assert log.signals() == []


def named(log: Log, at: int, item: str, custody: str = "receipt") -> str:
    key = {"holder_key": "did:key:z6MkehRgf7yJbgaGfYsdoAsKdBPE3dj2CYhowQdcjqSJgvVd", "holder_custody": custody}
    return log.hash(log.say("item.sold", at, {"channel": "store", **key}, subjects=[item]))


def claim(log: Log, at: int, item: str, grant: str) -> Entry:
    key = {"holder_key": "did:key:z6MkehRgf7yJbgaGfYsdoAsKdBPE3dj2CYhowQdcjqSJgvVd", "holder_custody": "device"}
    return log.say("item.claimed", at, key, subjects=[item], party=item, grant=grant)


def test_claims_within_minutes_of_printing_are_told_of_the_shop() -> None:
    log = Log()
    quick = []
    for number in range(10):
        sold = NOW - DAY + number
        grant = named(log, sold, ring(number))
        quick.append(claim(log, sold + 5 * MINUTE, ring(number), grant).index)
        found = log.only()
        assert (found.kind, found.party, found.entries) == ("claims_quick", SHOP, tuple(quick))
        assert found.severity == ("medium" if number == 9 else "low")


def test_a_claim_later_or_of_no_paper_is_not_quick() -> None:
    log = Log()
    claim(log, NOW - HOUR, ring(1), named(log, NOW - HOUR - 5 * MINUTE - 1000, ring(1)))
    claim(log, NOW - HOUR, ring(2), named(log, NOW - HOUR, ring(2), "device"))
    assert log.signals() == []


def test_resets_are_told_and_a_refused_one_urgently() -> None:
    log = Log()
    key = {"holder_key": "did:key:z6MkehRgf7yJbgaGfYsdoAsKdBPE3dj2CYhowQdcjqSJgvVd", "holder_custody": "device"}
    about = key | {"reason": "phone_lost", "evidence": "id"}
    reset = log.say("item.holder_reset", NOW - DAY, about, subjects=[ring(1)])
    assert log.only().severity == "low"
    refused = log.say(
        "item.claim_refused",
        NOW - HOUR,
        {"refused": reset.statement.id},
        subjects=[ring(1)],
        party=ring(1),
        grant="0" * 64,
    )
    log.say(
        "item.claim_refused",
        NOW - HOUR,
        {"refused": uuid("nothing known")},
        subjects=[ring(1)],
        party=ring(1),
        grant="0" * 64,
    )
    first, second = log.signals()
    assert (first.kind, first.severity, first.party) == ("claims_refused", "high", SHOP)
    assert first.entries == (reset.index, refused.index)
    assert (second.kind, second.entries) == ("holders_reset", (reset.index,))


def test_raised_ratings_are_told_of_whose_case_it_is() -> None:
    log = Log()
    _, case = log.open(NOW - 2 * DAY, kind="consultation")
    holder: dict[str, Any] = {"party": ring(1), "grant": "0" * 64, "subjects": [ring(1)]}
    first = log.say("case.evaluated", NOW - DAY, {"overall": 2, "quality": 3}, case=case, **holder)
    for better in ({"overall": 2}, {"overall": 1, "attitude": 5}):
        log.say(
            "statement.corrected",
            NOW - HOUR,
            {"reason": "mind", "details": better},
            corrects=first.statement.id,
            **holder,
        )
    log.say("statement.corrected", NOW - HOUR, {"reason": "mind"}, corrects=first.statement.id, **holder)
    log.say("statement.corrected", NOW - HOUR, {"reason": "mind"}, corrects=uuid("another"), **holder)
    assert log.signals() == []
    raised = log.say(
        "statement.corrected",
        NOW - HOUR,
        {"reason": "mind", "details": {"overall": 5}},
        corrects=first.statement.id,
        **holder,
    )
    found = log.only()
    assert (found.kind, found.severity, found.party) == ("ratings_raised", "low", SHOP)
    assert found.entries == (first.index, raised.index)
    log.say("case.evaluated", NOW - HOUR, {"overall": 2}, case=uuid("never opened"), **holder)
    assert log.only() == found


def test_a_compromised_key_is_told_with_what_it_said_since() -> None:
    log = Log()
    said = [log.say("maintenance.performed", NOW - days * DAY, {"work": ["x"]}) for days in (9, 5, 1)]
    did = said[0].signatures[0].key
    doubt = Doubt(did, format_recorded(NOW - 5 * DAY), did, "compromised", 77)
    found = log.only(doubts={did: doubt}, keys={did: SHOP})
    assert (found.kind, found.severity, found.party) == ("key_compromised", "high", SHOP)
    assert found.entries == (77, said[1].index, said[2].index)
    silent = Doubt("did:key:zOther", format_recorded(NOW), "did:key:zOther", "compromised", None)
    found = log.only(doubts={silent.key: silent})
    assert (found.severity, found.party, found.entries) == ("medium", "", ())


def test_a_code_that_is_scanned_implausibly_often_is_told_without_a_place() -> None:
    log = Log()
    day = "2026-09-20"
    usual = Scan("a" * 16, ring(1), day, (*[1] * 28, 2))
    often = Scan("b" * 16, ring(2), day, (*[1] * 28, 40))
    found = log.only(scans=[usual, often])
    assert (found.kind, found.severity, found.party, found.entries) == ("scans_implausible", "high", "", ())
    assert {name: found.figures[name] for name in ("code", "subject", "day", "recent", "before", "days_before")} == {
        "code": "b" * 16, "subject": ring(2), "day": day, "recent": 40, "before": 28, "days_before": 28,
    }  # fmt: skip


def test_the_most_urgent_come_first_and_entries_are_bounded() -> None:
    track = Track()
    for number in range(3):
        track.add(number, number)
    assert track.after(0, 2) == [1, 2]
    log = Log()
    for number in range(501):
        log.say("authentication.revoked", NOW - DAY, {"certificate_no": f"{number}", "reason": "treated"}, party=LAB)
    grant = named(log, NOW - DAY, ring(1))
    claim(log, NOW - DAY, ring(1), grant)
    high, low = log.signals()
    assert (high.severity, low.severity) == ("high", "low")
    assert (len(high.entries), high.figures["recent"]) == (500, 501)


def test_the_size_that_was_folded_is_known() -> None:
    log = Log()
    assert log.watch.size == 0
    entry = log.say("maintenance.performed", NOW, {"work": ["x"]})
    assert log.watch.size == entry.index + 1
    assert isinstance(entry.signatures[0], Signature)
