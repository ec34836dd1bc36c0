"""Who gets which page: codes and keys that lead nowhere, page or JSON, and nothing from elsewhere."""

from __future__ import annotations

import re

import pytest

from api.pages.catalogue import LOCALES, load_catalogue
from api.pages.item_page import verify
from ledger.types import TYPES
from tests.page_shop import jeweller, ring, shop
from tests.shop import PUBLIC_URL, Party, Shop, segment

__all__ = ["jeweller", "ring", "shop"]


def test_a_page_is_whole_without_scripts_or_anything_from_elsewhere(shop: Shop, jeweller: Party, ring: str) -> None:
    token = shop.code(jeweller, ring)
    for path in (
        f"/i/{token}",
        f"/01/09520123456788/21/{segment(ring.rsplit('/', 1)[1]).replace('%25', '%')}",
        "/",
        "/docs",
    ):
        answer = shop.get(path)
        assert answer.status_code == 200, path
        # The page of a code runs our own script, which changes who has checked it and nothing else.
        own = r'<script type="module" src="/static/[0-9a-f]{12}/verify[.]min[.]js"></script>'
        text = re.sub(own, "", answer.text)
        assert not re.search(r"<script|<style|\sstyle=|\son\w+=|javascript:", text)
        for address in re.findall(r'(?:src|href|action)="([^"]+)"', answer.text):
            assert address.startswith(("/", "#", "?lang=")), address
        policy = answer.headers["content-security-policy"]
        assert "default-src 'none'" in policy
        assert ("script-src 'self'" in policy) == (text != answer.text)
        assert "unsafe" not in policy
        assert answer.headers["referrer-policy"] == "no-referrer"
        assert "noindex" in answer.headers["x-robots-tag"]
        assert '<html lang="en">' in answer.text
        assert "viewport" in answer.text


@pytest.mark.parametrize(
    "token", ["A" * 22, "x", "A" * 21, "A" * 23, "a" * 200, "%00", "%2e%2e", "é", "../" * 3, "A" * 21 + "="]
)
def test_every_code_that_leads_nowhere_has_the_same_answer(shop: Shop, token: str) -> None:
    path = f"/i/{segment(token) if '%' not in token else token}"
    known = shop.get(f"/i/{'B' * 22}")
    answer = shop.get(path)
    assert (answer.status_code, answer.content) == (404, known.content)
    different = {"x-request-id"}
    assert {k: v for k, v in answer.headers.items() if k not in different} == {
        k: v for k, v in known.headers.items() if k not in different
    }
    as_json = shop.get(path, accept="application/json")
    assert (as_json.status_code, as_json.json()["detail"]) == (404, "got a code that leads to no record")


@pytest.mark.parametrize(
    "path", ["/01/09520123456788/21/NONE", "/01/09520123456789/21/NONE", "/01/1/21/1", "/8004/NONE", "/8004/%20"]
)
def test_every_key_that_leads_nowhere_has_the_same_answer(shop: Shop, path: str) -> None:
    assert (shop.get(path).status_code, shop.get(path).content) == (404, shop.get(f"/i/{'B' * 22}").content)


@pytest.mark.parametrize(
    ("accept", "kind"),
    [
        ("", "text/html"),
        ("*/*", "text/html"),
        ("text/html,application/xhtml+xml,*/*;q=0.8", "text/html"),
        ("application/json", "application/json"),
        ("text/html;q=0.5, application/json", "application/json"),
        ("text/html, application/json;q=0.9", "text/html"),
        ("application/json;q=x", "text/html"),
    ],
)
def test_accept_decides_between_page_and_json(shop: Shop, jeweller: Party, ring: str, accept: str, kind: str) -> None:
    answer = shop.get(f"/i/{shop.code(jeweller, ring)}", accept=accept)
    assert answer.headers["content-type"].startswith(kind)
    assert answer.headers["vary"] == "Accept, Accept-Encoding, Accept-Language, Cookie"


def test_json_of_a_code_leads_to_the_bundle_which_verifies(shop: Shop, jeweller: Party, ring: str) -> None:
    shown = shop.get(f"/i/{shop.code(jeweller, ring)}", accept="application/json").json()
    assert shown["history"].startswith(PUBLIC_URL)
    raw = shop.get(shown["history"].removeprefix(PUBLIC_URL)).content
    assert verify(raw, ring, shown["vkeys"], shop.clock()).entries[0].statement.subjects == (ring,)
    assert [record["type"] for record in shown["records"]] == ["item.registered"]


def test_every_statement_type_has_a_sentence_and_every_text_is_used() -> None:
    words = load_catalogue("en")
    assert set(words.sentence) - {""} == set(TYPES)
    for name, sentence in words.sentence.items():
        places = set(re.findall(r"\{(\w+)\}", sentence)) - {"who", "type"}
        assert not name or places <= set(TYPES[name].required), name
    sources = "".join(path.read_text() for path in (*LOCALES.parent.rglob("*.py"), *LOCALES.parent.rglob("*.html")))
    for key in words.text:
        families: tuple[str, ...] = (
            "banner_",
            "file_",
            "holder_",
            "who_holder_",
            "signed_holder_",
            "cert_",
            "role_",
            "missing_",
            "unavailable_",
            "by_holder_",
            "custody_",
            "removed_",
            "case_",
            "milestone_",  # test_pages_cases.py looks at each
            "warranty_",
            "receipt_",
            "paper_",
            "verify_",  # test_modules.py does
            "pass_on_",  # test_pages_passing.py looks at each
            "owner_problem_",  # test_console_forms.py does
            "right_",
            "rule_",
            "clock_",
            "standing_",
            "limit_",
            "deviation_",
        )
        assert key.startswith(families) or re.search(rf"\b{key}\b", sources), key
