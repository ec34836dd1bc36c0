"""The documents: every example on a page of docs/ runs, and every relative link leads somewhere."""

from __future__ import annotations

import doctest
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
PAGES = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")])
PICTURE = re.compile(r"<img ([^>]*)>")
LINK = re.compile(r"\]\((?!https?:|mailto:|#)([^)#]+)(?:#[^)]*)?\)")


@pytest.mark.parametrize("page", PAGES, ids=[str(page.relative_to(ROOT)) for page in PAGES])
def test_a_pages_examples_run(page: Path) -> None:
    found = doctest.testfile(str(page), module_relative=False, optionflags=doctest.ELLIPSIS)
    assert found.failed == 0


@pytest.mark.parametrize("page", PAGES, ids=[str(page.relative_to(ROOT)) for page in PAGES])
def test_a_pages_links_lead_somewhere(page: Path) -> None:
    broken = [link for link in LINK.findall(page.read_text("utf-8")) if not (page.parent / link).exists()]
    assert not broken


def test_there_are_pages() -> None:
    assert ROOT / "docs" / "format.md" in PAGES


def test_the_readme_shows_what_people_hold_and_says_it_without_the_pictures() -> None:
    shown = [
        dict(re.findall(r'(\w+)="([^"]*)"', one)) for one in PICTURE.findall((ROOT / "README.md").read_text("utf-8"))
    ]
    assert len(shown) >= 4
    for one in shown:
        assert (ROOT / one["src"]).is_file(), one
        assert (ROOT / one["src"]).stat().st_size <= 40_000, one
        assert len(one["alt"].split()) >= 8, one
        assert int(one["width"]) <= 830, one
