"""Messages about a party and their answers, survey cycles, and what a standard asks customers to rate."""

from __future__ import annotations

from typing import Any

import pytest

from ledger import feedback
from ledger.calendar import WorkingTime
from ledger.course import RATINGS
from ledger.feedback import Message, dimensions, messages, survey_cycles
from ledger.signals import Watch
from ledger.standard import adopt
from ledger.standards import template
from ledger.times import HOUR
from tests.build import ring, uuid
from tests.casebook import SHOP, Casebook, at

DAY_LIMIT = adopt(
    {
        "standard": "s",
        "version": "1",
        "limits": [{"clock": "first_response", "within": {"hours": 24}, "source": "house"}],
    }
)
OPENED = at("2026-05-04 09:00")


def opened(book: Casebook, name: str = "a", **details: Any) -> str:
    case = uuid(f"case {name}")
    told = {"kind": "complaint", "channel": "web", "issue": "attitude"} | details
    book.say("case.opened", OPENED, told, case=case, subjects=[case, SHOP], party=uuid("operator"))
    return case


def say(book: Casebook, case: str, kind: str, hours: int, details: dict[str, Any] | None = None, **more: Any) -> None:
    book.say(kind, OPENED + hours * HOUR, details or {}, case=case, subjects=[case, SHOP], **more)


def found(book: Casebook, hours: int, standard: Any = DAY_LIMIT) -> list[Message]:
    return messages(book.entries, lambda *_: standard, WorkingTime({}), OPENED + hours * HOUR)


def test_a_message_waits_is_due_soon_overdue_and_then_late() -> None:
    book = Casebook()
    opened(book)
    for hours, standing in ((1, "on_time"), (18, "due_soon"), (24, "due_soon"), (25, "overdue")):
        (one,) = found(book, hours)
        assert (one.standing, one.answered_at, one.due_at) == (standing, None, OPENED + 24 * HOUR)
        assert (one.kind, one.issue, one.unverified, one.closed) == ("complaint", "attitude", True, False)
    say(book, uuid("case a"), "case.responded", 30, agent="s1")
    (one,) = found(book, 31)
    assert (one.standing, one.answered_at) == ("missed", OPENED + 30 * HOUR)


def test_an_answer_in_time_is_one_by_a_person() -> None:
    book = Casebook()
    case = opened(book)
    say(book, case, "case.responded", 1)
    assert found(book, 2)[0].answered_at is None
    say(book, case, "case.responded", 3, agent="s1")
    say(book, case, "case.closed", 4, {"outcome": "resolved"})
    (one,) = found(book, 5)
    assert (one.standing, one.answered_at, one.closed) == ("met", OPENED + 3 * HOUR, True)
    say(book, case, "case.reopened", 6, {"outcome": "unresolved"})
    assert not found(book, 7)[0].closed


def test_closing_without_an_answer_is_no_answer() -> None:
    book = Casebook()
    case = opened(book)
    say(book, case, "case.closed", 2, {"outcome": "unresolved"})
    (one,) = found(book, 3)
    assert (one.standing, one.answered_at) == ("missed", None)


def test_a_key_of_the_complainants_own_verifies_the_message() -> None:
    book = Casebook()
    key = {"holder_key": "did:key:z6MkehRgf7yJbgaGfYsdoAsKdBPE3dj2CYhowQdcjqSJgvVd", "holder_custody": "device"}
    opened(book, **key)
    assert not found(book, 1)[0].unverified


def test_cases_about_items_and_other_words_about_the_party_are_no_messages() -> None:
    book = Casebook()
    book.open(OPENED)
    book.say("staff.qualified", OPENED, {"agent": "a1"}, case=None, subjects=[SHOP])
    opened(book, "b", kind="feedback")
    assert [one.kind for one in found(book, 1, None)] == ["feedback"]
    assert found(book, 1, None)[0].standing == "running"


def test_each_kind_of_message_is_one_of_the_format() -> None:
    book = Casebook()
    for kind in feedback.KINDS:
        opened(book, kind, kind=kind)
    assert [one.kind for one in found(book, 0)] == list(feedback.KINDS)


@pytest.mark.parametrize(("a_year", "edges"), [(1, 1), (2, 2), (4, 4), (5, 5), (12, 12)])
def test_a_year_has_as_many_cycles_as_the_standard_asks_for(a_year: int, edges: int) -> None:
    days = ["2026-01-01 00:00", "2026-06-30 23:59", "2026-12-31 23:59", "2027-01-01 00:00", "2025-12-31 23:59"]
    cycles = survey_cycles([at(day) for day in days], a_year, 2026)
    assert len(cycles) == edges
    assert (cycles[0].since, cycles[-1].until) == ("2026-01-01", "2027-01-01")
    assert sum(one.surveys for one in cycles) == 3
    assert [one.until for one in cycles[:-1]] == [one.since for one in cycles[1:]]


def test_what_is_rated_comes_from_the_standard() -> None:
    assert dimensions(None) == RATINGS
    assert dimensions(DAY_LIMIT) == RATINGS
    # Its scores name the response and the attitude among other measures.
    assert dimensions(adopt(template("customer-service"))) == ("overall", "response", "attitude")


def test_surveys_are_counted_for_whose_case_it_was() -> None:
    book, watch = Casebook(), Watch()
    book.open(OPENED)
    for case, asked in ((uuid("case"), True), (uuid("case"), False), (uuid("unknown"), True)):
        details = {"source": "telephone", "asked": asked, "answered": False}
        book.say("case.surveyed", OPENED + HOUR, details, party=uuid("auditor"), case=case, subjects=[ring(1)])
    for entry in book.entries:
        watch.follow(entry, "0" * 64)
    assert watch.tracks["surveyed", SHOP].index.tolist() == [book.entries[1].index]
