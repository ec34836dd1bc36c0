"""Standards in words: every figure is said, in three languages, with what it rests on."""

from __future__ import annotations

import re
from typing import Any

import pytest

from ledger import standard
from ledger.errors import Invalid
from ledger.standard_phrases import PHRASES
from ledger.standard_shape import CASE_KINDS, CLASSES, CLOCKS, ISSUES, LANGUAGES
from ledger.standard_words import words
from ledger.standards import NAMES, template
from tests.test_standard_shape import FULL


def figures(value: Any) -> list[str]:
    """Every number and decimal of a document but those of versions, texts and addresses."""
    if isinstance(value, dict):
        skipped = {"version", "title", "url", "basis", "steps", "faults", "name", "texts", "checklists", "calendar"}
        return [one for name, member in value.items() if name not in skipped for one in figures(member)]
    if isinstance(value, list):
        return [one for member in value for one in figures(member)]
    if isinstance(value, bool):
        return []
    return [str(value)] if isinstance(value, int) or re.fullmatch(r"[0-9.]+", value) else []


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("name", [*NAMES, "full"])
def test_every_figure_is_said(name: str, language: str) -> None:
    document = FULL if name == "full" else template(name)
    text = words(standard.adopt(document), language)
    said = re.findall(r"[0-9]+(?:\.[0-9]+)?", text)
    for figure in figures(document):
        # "within 1 hour" may be said as a word for nothing else
        assert figure in said, f"{figure} of {name} in {text}"


def test_english_as_a_customer_reads_it() -> None:
    text = words(standard.adopt(template("cn")), "en").splitlines()
    law = "Rules on repair, exchange and return of certain goods (China)"
    assert text[0] == "Warranty and returns in China: cn (2026-11)"
    assert f"Warranty: exchange if 2 repairs did not help ({law})" in text
    assert f"Warranty (phones): exchange if parts are awaited for more than 60 days ({law})" in text


def test_simplified_and_traditional_differ() -> None:
    goods = standard.adopt(template("consumer-goods"))
    assert "投诉处理决定（服务态度）：24 小时内（消费品售后服务标准）" in words(goods, "zh_Hans").splitlines()
    assert "客訴處理決定（服務態度）：24 小時內（消費品售後服務標準）" in words(goods, "zh_Hant").splitlines()


@pytest.mark.parametrize("name", NAMES)
def test_no_english_is_left_in_chinese(name: str) -> None:
    for language in ("zh_Hans", "zh_Hant"):
        for line in words(standard.adopt(template(name)), language).splitlines()[1:]:
            left = re.sub(r"Directive [^）]*|评分 [AB]|評分 [AB]", "", line)
            assert not re.search("[A-Za-z]{2,}", left), line


def test_one_is_said_as_one() -> None:
    text = words(standard.adopt(FULL), "en")
    assert "within 1 hour (house rule)" in text
    assert "2 hours on average" in text


def test_own_words_come_first_in_their_language_or_another() -> None:
    ours = standard.adopt(FULL)
    assert words(ours, "en").splitlines()[:2] == ["Ours: ours (1)", "We care."]
    assert words(ours, "zh_Hans").splitlines()[1] == "We care."
    assert words(ours, "zh_Hant").splitlines()[1] == "我們在乎。"


def test_words_that_a_party_made_up_stay() -> None:
    document = {
        "standard": "ours",
        "version": "1",
        "care": [{"action": "oil_gently", "every": {"weeks": 1}, "source": "house"}],
        "weights": [{"score": "Z", "parts": [{"measure": "calm", "weight": "100"}], "source": "house"}],
        "alarms": [{"measure": "noise", "source": "house"}],
    }
    text = words(standard.adopt(document), "en")
    assert text.splitlines() == [
        "ours (1)",
        "Care: oil gently every 1 week (house rule)",
        "Score Z: calm: 100 % (house rule)",
        "Alarm: noise (house rule)",
    ]


def test_another_language_is_refused() -> None:
    with pytest.raises(Invalid, match="want one of en, zh_Hans, zh_Hant"):
        words(standard.adopt(FULL), "zh-Hans")


def test_phrases_have_the_same_blanks_in_every_language() -> None:
    for name, phrase in PHRASES.items():
        if name.startswith("one_"):
            assert phrase[0], name
            assert not any(phrase[1:]), name
            continue
        blanks = [set(re.findall(r"\{(\w+)\}", one)) for one in phrase]
        assert all(phrase), name
        # The threshold of four of five is a share of the whole in every language.
        assert blanks[0] == blanks[1] == blanks[2], name


def test_every_word_of_the_shape_has_a_phrase() -> None:
    for word in [*CASE_KINDS, *ISSUES, *CLASSES, *(f"clock_{clock}" for clock in CLOCKS)]:
        assert word in PHRASES
