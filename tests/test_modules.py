"""The modules of a page that checks itself, as they are served: whole, small, kept for ever, and on that page alone."""

from __future__ import annotations

import gzip
import re
from pathlib import Path

import pytest

from api.pages.catalogue import load_catalogue
from api.pages.console import FOLDERS
from api.pages.joining import exports, joined, script_name, shortened
from api.pages.modules import ENTRY, FOLDER, LIBRARY, LIBRARY_ENTRY, OWNER_ENTRY, OWNER_FOLDER, Modules
from tests.browser import needs_library
from tests.build import uuid
from tests.page_shop import jeweller, ring, shop
from tests.shop import Party, Shop
from tests.test_pages_item import OPENED

__all__ = ["jeweller", "ring", "shop"]


@pytest.fixture(scope="module")
def modules() -> Modules:
    return Modules()


def test_the_page_of_a_code_runs_one_script_and_no_other_page_does(shop: Shop, jeweller: Party, ring: str) -> None:
    case = uuid(f"case of a script {ring}")
    shop.say(jeweller, "case.opened", ring, OPENED, case=case)
    codes = shop.ledger.codes
    for path in (f"/i/{codes.create(ring, 'view')}", f"/c/{codes.create(ring, 'case', case=case)}"):
        page = shop.get(path, accept="text/html")
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
    paths = re.findall(r'(?:src|href)="(/static/[0-9a-f]{12}/[\w.]+\.js)"', page)
    # The script that runs, and the module of which it was made, for whoever reads it.
    assert paths == [f"/static/{modules.mark}/{script_name(ENTRY)}", f"/static/{modules.mark}/{ENTRY}"]
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


def test_a_script_holds_every_module_that_it_imports_and_fetches_nothing_but_scripts(modules: Modules) -> None:
    for entry in (ENTRY, OWNER_ENTRY):
        held, seen = {entry}, set[str]()
        while held - seen:
            name = (held - seen).pop()
            seen.add(name)
            source = (OWNER_FOLDER if (OWNER_FOLDER / name).exists() else FOLDER) / name
            held |= set(re.findall(r' from "\./(\w+\.js)";$', source.read_text("utf-8"), re.MULTILINE))
        sent = read(modules, script_name(entry))
        assert set(re.findall(r"\$(\w+)", sent.rpartition("export{")[2])) == {name[:-3] for name in held}
        assert not re.search(r"\bfrom ?[\"']\.|\bimport ?[\"'{*]", sent)
        assert set(re.findall(r'\bimport\("([^"]+)"\)', sent)) <= {"./" + script_name(LIBRARY_ENTRY)}


def test_what_is_read_has_its_comments_and_what_runs_says_where_to_read(modules: Modules) -> None:
    assert read(modules, "history.js") == (FOLDER / "history.js").read_text("utf-8")
    sent = read(modules, script_name(ENTRY))
    assert sent.startswith(f"// Made of {ENTRY} ")
    assert "History bundles: everything that was said" not in sent
    assert "async function checkHistory(" in sent
    for name in (*LIBRARY, script_name(LIBRARY_ENTRY)) if modules.library else ():
        assert "MIT License" in read(modules, name)


def test_what_is_compressed_is_the_same(modules: Modules) -> None:
    for name in (script_name(ENTRY), script_name(OWNER_ENTRY), ENTRY):
        packed = modules.read(modules.mark, name, zipped=True)
        assert gzip.decompress(packed or b"").decode() == read(modules, name)


COMMENT = re.compile(r"(?s)/\*.*?\*/|(?m:(?:^|(?<=\s))//[^\n]*)")
LITERAL = re.compile(
    r""""(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*'|`(?:[^`\\]|\\.)*`"""
    r"""|(?<=[(,=:\[!&|?{};>+*~\s])/(?![*/ ])(?:[^/\\\n\[]|\\.|\[(?:[^\]\\\n]|\\.)*\])+/[a-z]*"""
)
"""Texts, templates and regular expressions: what stands in them is said, also a space."""


@pytest.mark.parametrize("folder", sorted({FOLDER, OWNER_FOLDER, *FOLDERS}), ids=lambda one: one.name)
def test_what_is_taken_away_was_never_said(folder: Path) -> None:
    """What shortens a script takes a regular expression behind some words for a division: not one here stands there."""
    for file in sorted(folder.glob("*.js")):
        source = COMMENT.sub("", file.read_text("utf-8"))
        short = shortened(file.read_text("utf-8"))
        assert [one for one in LITERAL.findall(source) if one not in short] == [], file.name
        assert re.sub(r"\s+", "", COMMENT.sub("", short)) == re.sub(r"\s+", "", source), file.name
    # That such a one would be found:
    assert LITERAL.findall("of /[9 (]/.test(c)") == ["/[9 (]/"]
    assert "/[9 (]/" not in shortened("for (const one of /[9 (]/.test(c) ? d : e) f();")


def test_a_module_of_another_form_is_no_script() -> None:
    for source in ("export default 1;", "import one, { two } from './a.js';", 'import "./a.js";'):
        with pytest.raises(AssertionError, match="another form"):
            joined("b.js", {"a.js": "", "b.js": source})
    circle = {"a.js": 'import { b } from "./b.js";', "b.js": 'import { a } from "./a.js";'}
    with pytest.raises(AssertionError, match="imports itself"):
        joined("a.js", circle)


def test_names_are_renamed_passed_on_and_found_in_examples_by_nobody() -> None:
    one = (
        '/**\nimport * as x from "./none.js";\n */\nexport const a = `// kept ${1}  `;\nexport async function f() {}\n'
    )
    two = 'import { a as b } from "./one.js";\nexport { f as g } from "./one.js";\nexport { b };\n'
    assert exports(two) == {"b": "b", "g": "$one.f"}
    script = joined("two.js", {"one.js": one, "two.js": two})
    assert "const{a:b}=$one;" in script
    assert "return{b,g:$one.f};" in script
    assert "`// kept ${1}  `" in script
    assert script.endswith("export const{b,g}=$two;export{$one,$two};")


def read(modules: Modules, name: str) -> str:
    return (modules.read(modules.mark, name, zipped=False) or b"").decode()


def test_every_verdict_has_its_words_and_every_word_a_verdict() -> None:
    source = (FOLDER / ENTRY).read_text("utf-8")
    said = {f"check_{number}" for number in range(1, 13)} | {"visit_first", "visit_again", "visit_forgets"}
    for name in load_catalogue("en").text:
        word = name.removeprefix("verify_")
        if word != name and word not in said:
            assert f'"{word}"' in source or f'="{word}"' in source, word
    written = set(re.findall(r'(?:says: |\.unshift\(|\? |: |\[)\["?(\w+)"', source)) | said
    assert {f"verify_{word}" for word in written} <= set(load_catalogue("en").text)


@needs_library
def test_the_packages_are_the_locked_ones(modules: Modules) -> None:
    """npm compares every package with the digest in the lock; no address of a registry stands there."""
    lock = (FOLDER.parents[3] / "package-lock.json").read_text("utf-8")
    assert '"resolved"' not in lock
    assert lock.count('"integrity": "sha512-') == 3


def test_no_script_asks_which_browser_it_is() -> None:
    """Ways are found by trying: nothing here reads what a browser says that it is."""
    for file in FOLDER.parent.rglob("*.js"):
        asked = re.findall(
            r"\bnavigator\.(?:user|app|platform|vendor)\w*|\bwindow\.(?:chrome|safari)\b", file.read_text("utf-8")
        )
        assert asked == [], file.name
