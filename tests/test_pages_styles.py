"""One visual language: colours, sizes and distances are named in one file, and every page's sheet begins with it."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from api.pages.console import Console
from api.pages.site_pages import Pages
from api.pages.styles import TOKENS, sent

STATIC = TOKENS.parent
SHEETS = sorted(path for path in STATIC.rglob("*.css") if path != TOKENS)
COMMENT = re.compile(r"/\*.*?\*/", re.DOTALL)


def bare(path: Path) -> str:
    return COMMENT.sub("", path.read_text("utf-8"))


def test_the_tokens_stand_first_in_what_every_page_fetches_first() -> None:
    tokens = sent(TOKENS, first=False)
    assert b"/*" not in tokens
    served = [Pages().static("patina.css"), Console({}, "modules").file("console.css")]
    assert [one[0] if isinstance(one[0], bytes) else one[0].raw for one in served if one] == [
        tokens + sent(path, first=False) for path in (STATIC / "patina.css", STATIC / "console" / "console.css")
    ]


@pytest.mark.parametrize("sheet", SHEETS, ids=lambda path: path.name)
def test_no_other_sheet_names_a_colour_or_a_typeface_and_none_fetches(sheet: Path) -> None:
    text = bare(sheet)
    own = r"#[0-9a-fA-F]{3,8}\b|\b(?:rgba?|hsla?|oklch|color)\(|font-family:(?! *(?:var|inherit))"
    assert re.findall(own, text) == []
    assert re.findall(r"@import|url\(|https?:", text + bare(TOKENS)) == []


def test_every_token_is_used_and_every_used_one_is_there() -> None:
    named = set(re.findall(r"(--[\w-]+):", bare(TOKENS)))
    used = set(re.findall(r"var\((--[\w-]+)", "".join(map(bare, [*SHEETS, TOKENS]))))
    assert named == used
