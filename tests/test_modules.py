"""The modules of a page that checks itself, as they are served: whole, small, kept for ever, and on that page alone."""

from __future__ import annotations

import gzip
import re
from pathlib import Path

import pytest

from api.pages.catalogue import load_catalogue
from api.pages.modules import APART, ENTRY, FOLDER, LIBRARY, OWNER_FOLDER, Modules
from tests.browser import needs_library
from tests.page_shop import jeweller, ring, shop
from tests.shop import Shop

__all__ = ["jeweller", "ring", "shop"]

NEWER = (
    r"\.at\(|\.findLast|structuredClone|Object\.(?:hasOwn|groupBy)\(|\.to(?:Sorted|Reversed|Spliced)\(|\(\?<[=!]"
    r"|\bstatic \{|#\w+ in |Promise\.withResolvers|\.replaceAll\(|\?\.|\?\?|\|\|=|&&=|import\.meta"
)
"""What came after Safari 15 or Chromium 111, and what came shortly before and is not needed."""
BUDGET = 44_000
"""Bytes, compressed: the page, its style and this are to be no more than 60 kB together."""


@pytest.fixture(scope="module")
def modules() -> Modules:
    return Modules()


def test_the_page_of_a_code_runs_one_script_and_no_other_page_does(shop: Shop, ring: str) -> None:
    page = shop.get(f"/i/{shop.ledger.codes.create(ring, 'view')}", accept="text/html")
    policy = page.headers["content-security-policy"]
    assert "script-src 'self'; connect-src 'self'" in policy
    assert "unsafe" not in policy
    assert len(re.findall("<script", page.text)) == 1
    assert not re.search(r"<script(?! type=\"module\" src=\"/static/)|\son\w+=|style=|javascript:", page.text)
    for path in (ring.removeprefix("https://id.gs1.org"), "/", "/docs", "/i/unknown"):
        other = shop.get(path, accept="text/html")
        assert "script-src" not in other.headers["content-security-policy"]
        assert "<script" not in other.text


def test_modules_are_kept_for_ever_under_the_mark_of_them_all(shop: Shop, ring: str, modules: Modules) -> None:
    page = shop.get(f"/i/{shop.ledger.codes.create(ring, 'view')}", accept="text/html").text
    paths = re.findall(r'(?:src|href)="(/static/[0-9a-f]{12}/\w+\.js)"', page)
    assert paths[0] == f"/static/{modules.mark}/{ENTRY}"
    assert len(paths) == len(set(paths)) == len(list(FOLDER.glob("*.js"))) - len(APART)
    for path in paths:
        answer = shop.get(path)
        assert answer.headers["content-type"] == "text/javascript; charset=utf-8"
        assert answer.headers["cache-control"] == "public, max-age=31536000, immutable"
        assert answer.headers["content-encoding"] == "gzip"
    plain = shop.get(paths[0], accept_encoding="identity")
    assert "content-encoding" not in plain.headers
    assert plain.content == shop.get(paths[0]).content


@pytest.mark.parametrize(
    "path", ["/static/000000000000/verify.js", "/static/{mark}/holder.js", "/static/{mark}/..%2fx"]
)
def test_no_other_file_is_a_module(shop: Shop, modules: Modules, path: str) -> None:
    assert shop.get(path.format(mark=modules.mark)).status_code == 404


def test_what_a_page_imports_is_what_it_names(modules: Modules) -> None:
    named = {path.rpartition("/")[2] for path in [modules.entry, *modules.addresses]}
    for name in named:
        source = (FOLDER / name).read_text("utf-8")
        imported = re.findall(r'^(?:import|\}).* from "\./(\w+\.js)";$', source, re.MULTILINE)
        assert set(imported) <= named, name


def test_comments_are_not_sent_and_licences_are(modules: Modules) -> None:
    sent = modules.read(modules.mark, "history.js", zipped=False)
    assert sent is not None
    assert b"// History bundles" not in sent
    assert b"export async function checkHistory" in sent
    for name in LIBRARY if modules.library else ():
        assert b"MIT License" in (modules.read(modules.mark, name, zipped=False) or b"")


def test_the_page_stays_small(modules: Modules) -> None:
    names = [path.rpartition("/")[2] for path in [modules.entry, *modules.addresses]]
    sent = [modules.read(modules.mark, name, zipped=True) for name in names]
    assert sum(len(one) for one in sent if one) < BUDGET
    assert all(gzip.decompress(one or b"") == modules.read(modules.mark, name, zipped=False)
               for name, one in zip(names, sent, strict=True))  # fmt: skip


def test_every_verdict_has_its_words_and_every_word_a_verdict() -> None:
    source = (FOLDER / ENTRY).read_text("utf-8")
    said = {f"check_{number}" for number in range(1, 13)} | {"visit_first", "visit_again", "visit_forgets"}
    for name in load_catalogue("en").text:
        word = name.removeprefix("verify_")
        if word != name and word not in said:
            assert f'"{word}"' in source or f'="{word}"' in source, word
    written = set(re.findall(r'(?:says: |\.unshift\(|\? |: |\[)\["?(\w+)"', source)) | said
    assert {f"verify_{word}" for word in written} <= set(load_catalogue("en").text)


@pytest.mark.parametrize("name", sorted(file.name for at in (FOLDER, OWNER_FOLDER) for file in at.glob("*.js")))
def test_nothing_is_newer_than_the_oldest_browser(name: str) -> None:
    source = Modules(Path("/nowhere"))
    sent = (source.read(source.mark, name, zipped=False) or b"").decode()
    code = re.sub(r'"[^"\n]*"|`[^`]*`', '""', sent)
    assert re.findall(NEWER, code) == []


@needs_library
def test_the_packages_are_the_locked_ones(modules: Modules) -> None:
    """npm compares every package with the digest in the lock; no address of a registry stands there."""
    lock = (FOLDER.parents[3] / "package-lock.json").read_text("utf-8")
    assert '"resolved"' not in lock
    assert lock.count('"integrity": "sha512-') == 3
