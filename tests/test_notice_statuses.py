"""Which steps of a case its customer is told of: worked by hand for cases that go in different ways."""

from __future__ import annotations

import string
from typing import Any

import pytest

from api.notices.statuses import ready_steps, status_of, why_not
from api.notices.words import LANGUAGES, words_of
from ledger.cases import fold_case
from ledger.course import Course
from ledger.db.reports import ROLES
from tests.casebook import CASE, Casebook

WORK = {"work": ["polished"], "tests": []}
TAKEN = {"evidence": {"weight": "3.42 g"}}
DAY = "2026-02-{:02d} 10:00"


def course_of(*kinds: str) -> Course:
    """A case with a step a day; names of steps as the table below has them."""
    book = Casebook()
    book.open(DAY.format(1))
    for number, kind in enumerate(kinds, 2):
        name, details = STEPS[kind]
        book.say(name, DAY.format(number), details)
    found = fold_case(CASE, [(entry, "") for entry in book.entries])
    assert found is not None
    return found


STEPS: dict[str, tuple[str, dict[str, Any]]] = {
    "in": ("case.received", TAKEN),
    "away": ("case.forwarded", {"to": "outside", **TAKEN}),
    "back": ("case.returned", TAKEN),
    "done": ("repair.completed", WORK),
    "failed": ("repair.failed", {**WORK, "reason": "no_parts"}),
    "passed": ("case.inspected", {"passed": True}),
    "not passed": ("case.inspected", {"passed": False}),
    "out": ("case.handed_over", {"check": "id", **TAKEN}),
    "again": ("case.reopened", {"outcome": "unresolved"}),
}


@pytest.mark.parametrize(
    ("kinds", "ready"),
    [
        (["in", "done", "passed", "out"], ["done"]),
        (["in", "passed"], ["passed"]),
        (["in", "away", "done", "back", "passed"], ["back"]),
        (["in", "away", "back"], []),
        (["in", "done", "not passed", "done"], ["done", "done"]),
        (["in", "done", "failed", "passed"], ["done", "passed"]),
        (["in", "done", "out", "again", "in", "done"], ["done", "done"]),
        (["done"], []),
        (["in", "done", "done", "done"], ["done"]),
        (["in", "done", "away", "done", "back"], ["done", "back"]),
    ],
)
def test_when_an_item_is_ready(kinds: list[str], ready: list[str]) -> None:
    course = course_of(*kinds)
    found = sorted(ready_steps(course))
    assert [kinds[index - 11] for index in found] == ready, "the opening has index 10"


def test_what_is_over_is_not_told() -> None:
    course = course_of("in", "done", "out")
    said = {step.type: step for step in course.steps}
    assert why_not(course, said["repair.completed"], "ready", 0) == "it was handed over"
    assert why_not(course, said["case.handed_over"], "rate", 0) is None
    again = course_of("in", "done", "out", "in", "done", "out")
    first, second = (step for step in again.steps if step.type == "case.handed_over")
    assert why_not(again, first, "rate", 0) == "it goes on"
    assert why_not(again, second, "rate", 0) == "it was asked before"


def test_a_quote_that_expired_is_not_told() -> None:
    book = Casebook()
    book.open(DAY.format(1))
    book.say("case.quoted", DAY.format(2), {"free": False, "expires": "2026-02-03T00:00:00Z"})
    course = fold_case(CASE, [(entry, "") for entry in book.entries])
    assert course is not None
    (quote,) = (step for step in course.steps if step.type == "case.quoted")
    expires = 1_770_076_800_000_000  # date -d 2026-02-03T00:00:00Z +%s
    assert why_not(course, quote, "quoted", expires) is None
    assert why_not(course, quote, "quoted", expires + 1) == "it expired"


def test_what_the_customer_says_herself_and_what_stands_alone_is_told_to_nobody() -> None:
    book = Casebook()
    book.open(DAY.format(1))
    book.say("maintenance.performed", DAY.format(2), {"work": ["cleaned"]}, case=None)
    book.say("case.waiting", DAY.format(3), {"for": "customer"})
    book.say("case.waiting", DAY.format(4), {"for": "parts"})
    book.say("case.inspected", DAY.format(5), {"passed": False})
    assert [status_of(entry.statement) for entry in book.entries] == ["opened", None, None, "waiting", None]


def test_the_catalogues_say_the_same_in_every_language() -> None:
    english = words_of("en")
    for language in LANGUAGES:
        words = words_of(language)
        assert words.status.keys() == english.status.keys()
        for status, said in words.status.items():
            assert said.keys() == {"subject", "text"}
            for name, text in said.items():
                assert places(text) == places(english.status[status][name]), (language, status, name)
        for name in words.__struct_fields__:
            value = getattr(words, name)
            assert value, (language, name)
            if isinstance(value, str):
                assert places(value) == places(getattr(english, name)), (language, name)
        assert len(words.months) == 12
        assert set(words.roles) == set(ROLES)
        assert set(words.report) == {"made", "failed"}
        for said, model in (
            (words.periods, english.periods),
            *zip(words.report.values(), english.report.values(), strict=True),
        ):
            assert {name: places(text) for name, text in said.items()} == {
                name: places(text) for name, text in model.items()
            }


def places(text: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(text) if name is not None}


def test_days_and_times_read_as_they_are_said() -> None:
    assert words_of("en").moment("2026-05-04T09:05:00+08:00") == "4 May 2026, 09:05"
    assert words_of("zh-Hant").moment("2026-05-04") == "2026年5月4日"
    said = [words_of(language).period(text) for language in LANGUAGES for text in ("2026", "2026-Q3", "2026-12")]
    assert said == [
        *("2026", "quarter 3 of 2026", "December 2026"),
        *("2026年", "2026年第3季度", "2026年12月"),
        *("2026年", "2026年第3季", "2026年12月"),
    ]
