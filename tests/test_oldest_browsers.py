"""Nothing that is sent is newer than the oldest browsers that are meant: Safari 15 and Chromium 111.

By lists of what came later, because every browser here is newer: each word stands with the Safari and the Chromium that
first had it. Pages of customers are held to Safari 15.0, the tablet's and the auditor's to 15.4, to which iOS 15 is
updated. A word that the same file tries first (``typeof``) may stand, and what is merely not drawn where it is unknown
(``text-wrap: balance``, ``accent-color``). The check itself runs in an engine of that age in test_old_engine.py, where
there is one.
"""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from api.pages.joining import script_name
from api.pages.modules import ENTRY, FOLDER, LIBRARY_ENTRY, OWNER_ENTRY, Modules
from tests.browser import needs_library

STATIC = FOLDER.parent
SYNTAX = {
    r"\(\?<[=!]": "16.4, 62",  # a regular expression that looks behind
    r"\bstatic ?\{": "16.4, 94",
    r"#\w+ in ": "15, 91",
    r"/[a-z]*v[a-z]*[.,;)]": "17, 112",  # the flag of sets
    r"\bwith ?\{ ?type": "17.2, 123",
    r"\busing \w+ =": "-, 134",
    r"<script type=.importmap": "16.4, 89",
}
LATER = {
    r"\.findLast(?:Index)?\(": "15.4, 97",
    r"\.to(?:Sorted|Reversed|Spliced)\(": "16, 110",
    r"\.(?:groupBy|withResolvers|fromAsync)\(": "17.4, 117",
    r"\.(?:isWellFormed|toWellFormed)\(": "16.4, 111",
    r"\b(?:Compression|Decompression)Stream\b": "16.4, 80",
    r"\brequestSubmit\(": "16, 76",
    r"AbortSignal\.(?:timeout|any)": "16, 103",
    r"\bURL\.(?:canParse|parse)\b": "17, 120",
    r"\b(?:showPopover|togglePopover|startViewTransition|scheduler\.)": "17, 114",
    r"\.(?:toHex|toBase64|fromHex|fromBase64)\(": "18.2, 140",
    r"\bIterator\.|\bSet\.prototype\.union|\bPromise\.try": "18, 122",
    r"\\ud800-\\udfff\]/u": "after 17.4, 50",  # before, it finds the second half of a whole character too
    r"\bOffscreenCanvas\b|\bSharedWorker\b": "16.4, 69",
}
EARLY = {
    r"\.at\(": "15.4, 92",
    r"structuredClone": "15.4, 98",
    r"Object\.hasOwn\(": "15.4, 93",
    r"randomUUID": "15.4, 92",
    r"\bnavigator\.locks\b|\bBroadcastChannel\b": "15.4, 69",
    r"\bshowModal\(": "15.4, 37",
    r"\.replaceAll\(|\?\.|\?\?|\|\|=|&&=": "before, and not needed",
}
STYLES = {
    r":has\(": "15.4, 105",
    r"^\s*&|[;{]\s*&": "16.5, 112",  # nested rules
    r"\d[dsl]v[hwi]\b": "15.4, 108",
    r"@layer|@container|@scope|@property|@starting-style": "15.4, 99",
    r"color-mix\(|\bok(?:lch|lab)\(|light-dark\(": "16.2, 111",
    r"\bsubgrid\b|:popover-open|anchor\(": "16, 117",
    r"@media[^{]*\([^)]*[<>]=?": "16.4, 104",  # ranges
    r"^\s*(?:translate|rotate|scale): ": "14.1, 104",
    r",[^{}]*:focus-visible|:focus-visible[^{}]*,": "15.4, 86",  # an unknown name spoils the rules of its whole list
    r"\d(?:cq\w|lh|rlh)\b": "16, 105",
}


def code_of(source: str) -> str:
    """A script without its comments and texts."""
    source = re.sub(r"^ *(?://[^\n]*|/\*\*.*?\*/)\n", "", source, flags=re.MULTILINE | re.DOTALL)
    return re.sub(r'"[^"\n]*"|`[^`]*`', '""', source)


def found(words: dict[str, str], text: str) -> list[tuple[str, str]]:
    seen = [(re.search(word, text, re.MULTILINE), since) for word, since in words.items()]
    return [(one[0], since) for one, since in seen if one and f"typeof {one[0]} ===" not in text]


@pytest.mark.parametrize("file", sorted(STATIC.rglob("*.js")), ids=lambda file: file.name)
def test_no_script_uses_what_came_later(file: Path) -> None:
    customers = file.parent.name in {"check", "owner"}
    assert found(SYNTAX | LATER | (EARLY if customers else {}), code_of(file.read_text("utf-8"))) == []


@needs_library
@pytest.mark.parametrize("entry", [ENTRY, OWNER_ENTRY, LIBRARY_ENTRY])
def test_no_script_as_it_is_sent_has_newer_syntax(entry: str) -> None:
    """Also the packages': what they use of newer libraries they try first, or ``crypto.js`` brings."""
    modules = Modules()
    sent = modules.read(modules.mark, script_name(entry), zipped=False)
    assert sent is not None
    assert found(SYNTAX, re.sub(r'"[^"\n]*"', '""', sent.decode())) == []


@pytest.mark.parametrize("file", sorted(STATIC.rglob("*.css")), ids=lambda file: file.name)
def test_no_style_is_newer(file: Path) -> None:
    assert found(STYLES, re.sub(r"/\*.*?\*/", "", file.read_text("utf-8"), flags=re.DOTALL)) == []


def test_the_lists_find_what_they_name() -> None:
    script = "/(?<=a)b/.test(x); class A { static { } } xs.findLast((x) => x); form.requestSubmit(); x.at(-1);"
    assert len(found(SYNTAX | LATER | EARLY, code_of(script))) == 5
    assert len(found(STYLES, "a:has(b) { height: 100dvh; }\n@media (width > 3em) { a { color: red; & b { } } }")) == 4
