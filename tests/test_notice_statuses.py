"""Which steps of a case its customer is told of: worked by hand for cases that go in different ways."""

from __future__ import annotations

import re
import string
from pathlib import Path
from typing import Any

import pytest

from api.notices.letter import Names, write_letter
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


TOLD: dict[str, tuple[str, dict[str, Any], tuple[str, str, str]]] = {
    "opened": ("case.opened", {}, ("Shop: we have Ring on record", "Shop：已登记Ring", "Shop：已受理Ring")),
    "received": ("case.received", TAKEN, ("Shop has received Ring", "Shop已收到Ring", "Shop已收到Ring")),
    "scheduled": (
        "case.scheduled", {"from": "2026-02-09T10:00:00+08:00", "until": "2026-02-09T11:00:00+08:00"},
        ("Shop: your appointment on 9 February 2026, 10:00", "Shop：预约时间 2026年2月9日 10:00",
         "Shop：預約時間 2026年2月9日 10:00"),
    ),
    "quoted": (
        "case.quoted", {"free": False},
        ("Shop: a quote is waiting for you", "Shop：有一份报价等您确认", "Shop：有一份報價待您確認"),
    ),
    "waiting": (
        "case.waiting", {"for": "parts"}, ("Shop: waiting for parts", "Shop：正在等待配件", "Shop：等待零件中")
    ),
    "extended": (
        "case.extended", {"limit": "resolution", "until": "2026-03-01", "reason": "parts", "hard": False},
        ("Shop: it takes longer, until 1 March 2026", "Shop：需延长至 2026年3月1日", "Shop：需延長至 2026年3月1日"),
    ),
    "decided": (
        "case.decided", {"decision": "accepted", "remedy": "repair"},
        ("Shop has decided on Ring", "Shop已就Ring作出决定", "Shop已就Ring作出決定"),
    ),
    "failed": (
        "repair.failed", {**WORK, "reason": "no_parts"},
        ("Shop: Ring could not be repaired", "Shop：Ring未能修好", "Shop：Ring無法修復"),
    ),
    "ready": ("repair.completed", WORK, ("Shop: Ring is ready", "Shop：Ring可以取回了", "Shop：Ring可以取件了")),
    "rate": (
        "case.handed_over", {"check": "id", **TAKEN},
        ("Shop: how was it?", "Shop：请评价这次服务", "Shop：請為這次服務評分"),
    ),
}  # fmt: skip
"""Each status of docs/notices.md: a statement that brings it about, and how its letter is headed in each language."""


def test_every_status_is_told_by_its_statement_in_three_languages() -> None:
    page = (Path(__file__).parents[1] / "docs" / "notices.md").read_text("utf-8")
    listed = re.findall(r"^\| `(\w+)` \|", page, re.MULTILINE)
    assert set(listed) == set(TOLD) == set(words_of("en").status)
    for status, (kind, details, subjects) in TOLD.items():
        book = Casebook()
        book.open(DAY.format(1))
        said = {} if kind == "case.opened" else {"case.received": TAKEN, kind: details}
        for number, name in enumerate(said, 2):
            book.say(name, DAY.format(number), said[name])
        course = fold_case(CASE, [(entry, "") for entry in book.entries])
        assert course is not None
        step = course.first(kind)
        assert step is not None
        (entry,) = (one for one in book.entries if one.statement.id == step.statement)
        assert status_of(entry.statement) == status
        assert why_not(course, step, status, 0) is None, status
        names = Names("Shop", "Ring", "https://shop.example")
        letters = [write_letter(course, step, status, language, names) for language in LANGUAGES]
        assert tuple(one.subject for one in letters) == subjects
        assert len({one.text for one in letters}) == 3


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
