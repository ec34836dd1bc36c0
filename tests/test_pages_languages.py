"""Three languages: which one a reader gets, that caches are told, and that no page leaves one of them out."""

from __future__ import annotations

import ast
import json
import re
from pathlib import Path
from typing import Any

import pytest

from api.languages import preferred
from api.pages.catalogue import LANGUAGES, LOCALES, load_catalogue
from ledger.private import MEMBERS
from ledger.shapes import Shape
from ledger.types_case import CASE_TYPES
from ledger.types_item import ITEM_TYPES
from tests.build import uuid
from tests.page_shop import jeweller, ring, shop
from tests.shop import Party, Shop, open_shop
from tests.test_pages_item import text

__all__ = ["jeweller", "ring", "shop"]

PAGES = LOCALES.parent
API = PAGES.parent
CATALOGUES = {language: json.loads((LOCALES / f"{language}.json").read_text("utf-8")) for language in LANGUAGES}
PLURALS = {"en": {"one", "other"}, "zh-Hans": {"other"}, "zh-Hant": {"other"}}
"""The plural categories of CLDR (supplemental/plurals) for whole numbers."""
TITLES = {"en": "Reported stolen", "zh-Hans": "已报失窃", "zh-Hant": "已通報失竊"}


def leaves(value: Any, path: str = "") -> dict[str, str]:
    """Every text of a catalogue by its path; the forms of a plural are one text."""
    if isinstance(value, str):
        return {path: value}
    if isinstance(value, list):
        return {f"{path}/{number}": one for number, one in enumerate(value)}
    if value.keys() and value.keys() <= {"one", "other"}:
        return {path: value["other"]}
    return {at: one for name, member in value.items() for at, one in leaves(member, f"{path}/{name}").items()}


def test_the_catalogues_have_the_same_keys_and_places_and_nothing_empty() -> None:
    english = leaves(CATALOGUES["en"])
    for language in LANGUAGES:
        found = leaves(CATALOGUES[language])
        assert found.keys() == english.keys(), language
        for key, one in found.items():
            assert one.strip(), (language, key)
            # A day of another language may leave out a name of the month, and no text a value.
            assert set(re.findall(r"\{\w+\}", one)) == set(re.findall(r"\{\w+\}", english[key])), (language, key)
        for section in ("plural", "unit"):
            for key, forms in CATALOGUES[language][section].items():
                assert forms.keys() == PLURALS[language], (language, key)
        assert CATALOGUES[language]["text"]["lang"] == language


# Names and what is the same everywhere; all else that a Chinese page says has Chinese characters in it.
SAME = re.compile(
    r"/(text/(brand|lang|language|state_case)|months/\d+|money/\w*|unit/\w+|plural/\w+|text/(colon|own_case|right_why|list_\w+|time|day))$"
)


@pytest.mark.parametrize("language", ["zh-Hans", "zh-Hant"])
def test_nothing_is_left_in_english(language: str) -> None:
    for key, one in leaves(CATALOGUES[language]).items():
        assert SAME.search(key) or re.search(r"[一-鿿]", one), (key, one)
        assert not re.search(r"[一-鿿][,:;?!]|[,:;?!][一-鿿]", one), ("a mark of another script", key, one)


# Characters that are written in one of the two scripts alone, among those that the pages use.
SIMPLIFIED = set(
    "这报给记录维护换顾应书签产处运单购电话厂质时间号码设备检验证确认现发经过门询问题说东样与为无从对开关后来还"
)
TRADITIONAL = set(
    "這報給記錄維護換顧應書簽產處運單購電話廠質時間號碼設備檢驗證確認現發經過門詢問題說東樣與為無從對開關後來還"
)


def test_the_two_chinese_catalogues_keep_to_their_script_and_to_the_words_of_their_place() -> None:
    hans = "".join(leaves(CATALOGUES["zh-Hans"]).values())
    hant = "".join(leaves(CATALOGUES["zh-Hant"]).values())
    assert not (TRADITIONAL - SIMPLIFIED) & set(hans.replace("繁體", ""))
    assert not (SIMPLIFIED - TRADITIONAL) & set(hant.replace("简体", ""))
    assert not [
        word for word in ("質量", "網絡", "軟件", "默認", "二維碼", "序列號", "保修", "屏幕", "信息") if word in hant
    ]
    assert "保固" in hant
    assert "維修" in hant
    assert "序號" in hant


@pytest.mark.parametrize(
    ("header", "language"),
    [
        ("", "en"),
        ("en-GB,en;q=0.9", "en"),
        ("de-CH, fr;q=0.8", "en"),
        ("zh-CN,zh;q=0.9,en;q=0.8", "zh-Hans"),
        ("zh", "zh-Hans"),
        ("zh-SG", "zh-Hans"),
        ("zh-TW,zh;q=0.9", "zh-Hant"),
        ("zh-HK", "zh-Hant"),
        ("zh-Hant-HK", "zh-Hant"),
        ("zh-Hans-TW", "zh-Hans"),
        ("ZH-hant", "zh-Hant"),
        ("en;q=0.5, zh-TW;q=0.7", "zh-Hant"),
        ("zh-TW;q=0, en;q=0.1", "en"),
        ("zh-TW;q=x", "en"),
        ("zh-TW;q=1e9", "en"),
        ("zh-TW;v=1", "en"),
        ("*", "en"),
        ("de, *;q=0.5, zh-CN;q=0.9", "zh-Hans"),
        (";;;,,,q=;zh", "en"),
        ("zh-TW;q=²", "en"),
        ("de," * 40 + "zh-TW", "en"),
    ],
)
def test_accept_language_is_read_as_rfc_9110_says(header: str, language: str) -> None:
    assert preferred(header) == language


def test_a_page_speaks_the_language_that_was_asked_for(shop: Shop, jeweller: Party, ring: str) -> None:
    token = shop.code(jeweller, ring)
    shop.say(shop.operator, "item.reported_stolen", ring, {})
    tags = []
    for language, title in TITLES.items():
        answer = shop.get(f"/i/{token}", accept_language=language)
        assert f"<strong>{title}</strong>" in answer.text
        assert f'<html lang="{language}">' in answer.text
        assert answer.headers["content-language"] == language
        assert answer.headers["vary"] == "Accept, Accept-Encoding, Accept-Language, Cookie"
        assert "set-cookie" not in answer.headers
        tags.append(answer.headers["etag"])
    assert len(set(tags)) == len(LANGUAGES)


def test_a_choice_is_kept_and_goes_before_what_the_browser_says(shop: Shop, jeweller: Party, ring: str) -> None:
    path = f"/i/{shop.code(jeweller, ring)}"
    shop.say(shop.operator, "item.reported_stolen", ring, {})
    chosen = shop.get(f"{path}?lang=zh-Hant", accept_language="en")
    assert TITLES["zh-Hant"] in chosen.text
    kept = chosen.headers["set-cookie"]
    assert kept == "patina-language=zh-Hant; Path=/; Max-Age=31536000; HttpOnly; SameSite=Lax"
    shop.client.cookies.clear()
    assert TITLES["zh-Hant"] in shop.get(path, cookie="patina-language=zh-Hant", accept_language="zh-CN").text
    assert TITLES["zh-Hans"] in shop.get(f"{path}?lang=zh-Hans", cookie="patina-language=zh-Hant").text
    shop.client.cookies.clear()
    for wrong in ("?lang=xx", "?lang=", "?lang=en%0d%0aX-Evil:1", "?lang=../../etc"):
        answer = shop.get(path + wrong, accept_language="zh-CN")
        assert TITLES["zh-Hans"] in answer.text
        assert "set-cookie" not in answer.headers
    assert TITLES["en"] in shop.get(path, cookie="patina-language=xx; a=b").text
    # Two cookies of the name: one of them somebody else has planted.
    assert TITLES["en"] in shop.get(path, cookie="patina-language=zh-Hans; patina-language=zh-Hant").text


def test_the_switch_stands_on_every_page_and_keeps_the_moment_that_was_asked_for(
    shop: Shop, jeweller: Party, ring: str
) -> None:
    token = shop.code(jeweller, ring)
    index = shop.say(jeweller, "item.inspected", ring, {"tests": []})["index"]
    for path in (
        f"/i/{token}",
        ring.removeprefix("https://id.gs1.org"),
        "/o",
        "/",
        "/docs",
        "/docs/problems",
        "/i/none",
    ):
        page = shop.get(path).text
        for language in LANGUAGES:
            name = load_catalogue(language).text["language"]
            assert re.search(
                rf'<a href="\?lang={language}" lang="{language}" hreflang="{language}"[^>]*>{name}</a>', page
            )
        assert page.count('aria-current="true"') == 1
    page = shop.get(f"/i/{token}?at={index}").text
    assert f'href="?at={index}&amp;lang=zh-Hans"' in page


def test_every_page_is_whole_in_every_language(shop: Shop, jeweller: Party, ring: str) -> None:
    token = shop.code(jeweller, ring)
    shop.say(jeweller, "item.sold", ring, {"channel": "store", "warranty_months": 24})
    token = shop.code(jeweller, ring)
    short = ring.removeprefix("https://id.gs1.org")
    case = uuid(f"a case of {ring}")
    shop.say(jeweller, "case.opened", ring, {"kind": "repair", "channel": "store", "issue": "quality"}, case=case)
    slip = shop.post("/v1/receipts", {"kind": "intake", "items": [{"item": ring, "case": case}]}, jeweller).json()
    gift = shop.post("/v1/receipts", {"kind": "gift", "items": [ring]}, jeweller).json()
    more = (f"/c/{slip['items'][0]['case']['token']}", f"/r/{slip['token']}", f"/r/{gift['token']}")
    party = f"/p/{jeweller.id.removeprefix('urn:uuid:')}"
    for path in (f"/i/{token}", short, *more, party, "/o", "/", "/docs", "/docs/problems", "/i/none"):
        for language in ("zh-Hans", "zh-Hant"):
            answer = shop.get(path, accept_language=language)
            assert answer.status_code == (404 if path == "/i/none" else 200), (path, language)
            # The interface itself is described in English, and marked so.
            page = re.sub(r'<div lang="en">.*</div>', "", answer.text, flags=re.DOTALL)
            # But for what is to be copied, and what is marked as English.
            own = re.sub(
                r'<(code|pre)\b.*?</\1>|<head>.*?</head>|<span lang="en">.*?</span>', "", page, flags=re.DOTALL
            )
            rest = re.sub(r"[一-鿿]+", " ", text(own))
            # What is left of Latin letters are names, ids and terms, and never three English words on end.
            found = re.findall(r"(?:\b[a-z]{2,}\b ){3,}", rest)
            assert not found, (path, language, found)


def test_every_member_and_word_of_the_format_has_its_word() -> None:
    words, members = set[str](), set(MEMBERS)
    for one in (*ITEM_TYPES, *CASE_TYPES):
        for name, shape in {**one.required, **one.optional}.items():
            members |= {name} | set(re.findall(r"(\w+)\?? \((?!one of the)", shape.says))
            words |= enumerated(shape)
    quiet = {"holder_key", "holder_custody", "on_behalf", "details", "others", "quote"}
    for language in LANGUAGES:
        catalogue = load_catalogue(language)
        assert not members - quiet - catalogue.member.keys(), language
        assert not words - catalogue.word.keys(), language


def enumerated(shape: Shape) -> set[str]:
    """The words that a shape lists, read from what it says of itself."""
    lists = re.findall(r"one of ([a-z_, ]+)", shape.says) + re.findall(r"^([a-z_]+(?:, [a-z_]+)*), or ", shape.says)
    return {word for one in lists for word in one.replace(" ", "").split(",") if word}


# Where strings may stand that no reader sees: markup, names of members, code that is to be copied.
MARKUP = re.compile(
    r"\{% block main_class %\}.*?\{% endblock %\}|"
    r"\{#.*?#\}|\{%.*?%\}|\{\{.*?\}\}|<(pre|code)\b.*?</\1>|<!doctype html>",
    re.DOTALL,
)
SAID = re.compile(r'\s(?:alt|title|aria-label|placeholder|label|value|content)="([^"]*)"')
META = {"width=device-width, initial-scale=1", "noindex, nofollow", "no-referrer", "light dark"}


@pytest.mark.parametrize("template", sorted((PAGES / "templates").glob("*.html")), ids=lambda path: path.name)
def test_no_template_says_anything_of_its_own(template: Path) -> None:
    bare = MARKUP.sub("", template.read_text("utf-8"))
    said = [one for one in SAID.findall(bare) if one not in META]
    assert not [one for one in said if re.search(r"\w", one)], said
    between = re.sub(r"<[^>]*>", "", bare)
    assert not re.search(r"\w", between), re.findall(r".*\w.*", between)


def test_no_program_says_anything_of_its_own() -> None:
    """In what makes pages, a text with a space between two words is a docstring, an assertion or no text at all."""
    found = []
    for path in PAGES.glob("*.py"):
        tree = ast.parse(path.read_text("utf-8"))
        silent = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
        for node in ast.walk(tree):
            if isinstance(node, ast.Assert | ast.Raise):
                silent |= {id(inside) for inside in ast.walk(node)}
        for node in ast.walk(tree):
            if not isinstance(node, ast.Constant) or not isinstance(node.value, str) or id(node) in silent:
                continue
            if path.name == "cards.py" and node.value.startswith("\n@page"):
                continue  # a style sheet
            if path.name in {"joining.py", "modules.py"}:
                continue  # scripts, which nobody sees
            if is_prose(node.value):
                found.append(f"{path.name}:{node.lineno} {node.value[:60]!r}")
    assert not found, "\n".join(found)


LISTED = re.compile(r"[a-z_]+\.[a-z_]+( [a-z_]+\.[a-z_]+)* ?")
"""Types of statement in one string, which are for programs."""


def is_prose(text: str) -> bool:
    """Whether two words stand side by side, or a Chinese character anywhere, outside of markup."""
    bare = re.sub(r"<[^>]*>?|^[^<>]*>|\w+=\".*|.*\": ", "", text, flags=re.DOTALL)
    words = re.search(r"[^\W\d_]{2,} [^\W\d_]{2,}", bare) and not LISTED.fullmatch(bare)
    return bool(words or re.search(r"[一-鿿]", bare))


@pytest.mark.parametrize(
    ("text", "prose"),
    [
        ("Checked by the server", True),
        ("<b>For the owner</b>", True),
        (" sealed cards</title>", True),
        ("保固", True),
        ("case.received case.visited", False),
        ('<img class="a b" src="', False),
        ("retired", False),
    ],
)
def test_prose_is_found_where_it_stands(text: str, prose: bool) -> None:
    assert is_prose(text) == prose


def test_no_script_says_anything_of_its_own() -> None:
    # What a module of the check throws is for a console; a reader sees the words of the page.
    for path in (PAGES / "static").glob("*.js"):
        code = re.sub(r"/\*.*?\*/|(?<!:)//[^\n]*", "", path.read_text("utf-8"), flags=re.DOTALL)
        strings = re.findall(r'"([^"\n]*)"|`([^`]*)`|\'([^\'\n]*)\'', code)
        for one in (re.sub(r"\$\{[^}]*\}", "", "".join(parts)) for parts in strings):
            assert not re.search(r"[A-Za-z]{2,} [a-z]{2,} [a-z]{2,}|[一-鿿]", one), (path.name, one)


def test_over_https_the_cookie_travels_by_https_alone(tmp_path: Path) -> None:
    with open_shop(tmp_path, public_url="https://shop.example") as shop:
        kept = shop.get("/?lang=zh-Hans").headers["set-cookie"]
    assert kept.endswith("; HttpOnly; SameSite=Lax; Secure")
