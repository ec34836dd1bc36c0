"""The console's forms held to the types of statements, its words to its forms, and its pages to what they promise."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator

import pytest

from api.pages.catalogue import LANGUAGES, load_catalogue
from api.pages.console import HERE, LOCALES, PAGES, TYPES, WORKER
from api.pages.flows import FLOWS, FORMS, MAX_FIELDS, Field, Form, spoken_by
from api.pages.joining import shortened
from api.problems import KINDS
from api.roles import ROLES
from ledger.clocks import CLOCKS
from ledger.course import STATUS
from ledger.private import MEMBERS, allowed
from ledger.types import TYPES as STATEMENTS
from tests.console import Browser, open_console, signed_in
from tests.shop import Shop
from tests.test_pages_languages import SIMPLIFIED, TRADITIONAL

WORDS = {language: json.loads((LOCALES / f"{language}.json").read_text("utf-8")) for language in LANGUAGES}
STATIC = HERE / "static" / "console"
FILES = {path.name: path.read_text("utf-8") for path in STATIC.iterdir()}
TEMPLATES = "".join(path.read_text("utf-8") for path in (HERE / "templates" / "console").iterdir())
SCRIPTS = "".join(text for name, text in FILES.items() if name.endswith(".js"))


def places(form: Form) -> Iterator[tuple[Field, str, list[str]]]:
    for field in form.fields:
        for place in field.to:
            kind, _, path = place.partition(":")
            yield field, kind, path.split("/")


def test_there_are_six_flows_of_at_most_twelve_fields() -> None:
    assert [flow.name for flow in FLOWS] == ["intake", "handover", "sell", "wait", "exchange", "return"]
    assert MAX_FIELDS == 12
    assert {flow.name: len(flow.fields) for flow in FLOWS if len(flow.fields) > 12} == {}


@pytest.mark.parametrize("form", FORMS.values(), ids=list(FORMS))
def test_a_form_fills_in_members_that_its_statements_have(form: Form) -> None:
    steps = {step.type: step for step in form.steps}
    for field, kind, path in places(form):
        assert kind in steps, field.name
        said = STATEMENTS[kind]
        if path[0] == "private":
            assert path[1] in allowed(kind), (field.name, path)
        elif path[0] == "details":
            assert path[1] in {*said.required, *said.optional}, (field.name, path)
        else:
            assert path == ["attachments"], field.name
    for step in form.steps:
        assert step.details.keys() <= {*STATEMENTS[step.type].required, *STATEMENTS[step.type].optional}
        assert len({field.name for field in form.fields}) == len(form.fields)


@pytest.mark.parametrize("form", FORMS.values(), ids=list(FORMS))
def test_whatever_a_statement_must_have_is_given_or_cannot_be_left_empty(form: Form) -> None:
    for step in form.steps:
        sure = set(step.details)
        for field, kind, path in places(form):
            # A flag always says something, a new thing's name is asked for by the page, and ``when`` asks for its own.
            always = field.required or field.kind == "flag" or step.when in {"new", field.name}
            if kind == step.type and path[0] == "details" and always:
                sure.add(path[1])
        assert set(STATEMENTS[step.type].required) <= sure, step.type


def test_what_is_constant_in_a_form_has_the_shape_of_its_type() -> None:
    for form in FORMS.values():
        for step in form.steps:
            shapes = {**STATEMENTS[step.type].required, **STATEMENTS[step.type].optional}
            for name, value in step.details.items():
                assert shapes[name].check(value) == (), (step.type, name)
        for field, kind, path in places(form):
            if field.kind == "choice" and path[0] == "details" and len(path) == 2:
                shapes = {**STATEMENTS[kind].required, **STATEMENTS[kind].optional}
                for option in field.options:
                    assert shapes[path[1]].check(option) == (), (kind, path, option)
            if path[0] == "private":
                assert path[1] in MEMBERS


def test_every_language_has_every_word_and_no_other() -> None:
    english = WORDS["en"]
    for language in LANGUAGES:
        assert {part: set(words) for part, words in WORDS[language].items()} == {
            part: set(words) for part, words in english.items()
        }
        for part, words in WORDS[language].items():
            for name, text in words.items():
                assert text.strip(), (language, part, name)
                assert re.findall(r"\{\w+\}", text) == re.findall(r"\{\w+\}", english[part][name]), (language, name)
    assert {field.name for form in FORMS.values() for field in form.fields} <= set(english["field"])
    assert {one for form in FORMS.values() for field in form.fields for one in field.options} <= set(english["option"])
    assert {*CLOCKS, *STATUS.values(), "waiting", "closed"} <= set(english["option"])
    assert {*FORMS, *(step.type for form in FORMS.values() for step in form.steps)} <= set(english["form"])


def test_every_problem_has_its_words_in_every_language_wherever_a_page_shows_one() -> None:
    for language in LANGUAGES:
        pages = load_catalogue(language)
        assert KINDS.keys() | {"photo_differs"} == WORDS[language]["problem"].keys()
        assert KINDS.keys() == pages.problem.keys()
        owners = {
            name.removeprefix("owner_problem_"): text for name, text in pages.text.items() if "owner_problem_" in name
        }
        assert KINDS.keys() == owners.keys()
        # In the language's own script, and no two alike: a person can tell them apart.
        for words in (WORDS[language]["problem"], owners):
            assert len(set(words.values())) == len(words)
            assert all(re.search("[\u4e00-\u9fff]" if language != "en" else "[a-z] ", text) for text in words.values())


def test_every_type_of_statement_has_a_name_in_a_history() -> None:
    for language in LANGUAGES:
        names = WORDS[language]["form"]
        assert STATEMENTS.keys() <= names.keys(), STATEMENTS.keys() - names.keys()
        assert all(names.values())


def test_every_text_is_used_and_every_used_one_is_there() -> None:
    # With a third argument the text is of another catalogue: who speaks is said in the words of customers' pages.
    used = {*re.findall(r"\bt\.(\w+)", TEMPLATES), *re.findall(r'say\("(\w+)"(?!, \{\}, )', SCRIPTS)}
    chosen = r"want_\w+|lists_\w+|thing_first|\w+_wrong|"
    chosen += r"limit_\w+|register_\w+|picture_\w+|scan_none|thing_no_case|case_offline|offline\w*|kept\w*"
    used |= set(re.findall(rf'"({chosen}|queue_\w*signed|tablet_\w+|device_\w+|card_\w+|why_\w+)"', SCRIPTS))
    text = set(WORDS["en"]["text"])
    assert used <= text, used - text
    built = re.compile("list_|by_|flow_|oidc_|next_|to_|print_")
    assert {f"next{name.removeprefix('why')}" for name in text if name.startswith("why_")} <= text
    assert {name for name in text - used if not built.match(name)} == {"language"}


def test_the_two_chinese_catalogues_keep_to_their_script() -> None:
    hans, hant = (json.dumps(WORDS[language], ensure_ascii=False) for language in LANGUAGES[1:])
    assert not (TRADITIONAL - SIMPLIFIED) & set(hans.replace("繁體", ""))
    assert not (SIMPLIFIED - TRADITIONAL) & set(hant.replace("简体", ""))


def test_no_page_or_script_has_a_sentence_of_its_own() -> None:
    shown = re.sub(r"\{[{%#].*?[}%#]\}|<[^>]*>", " ", TEMPLATES, flags=re.DOTALL)
    assert re.findall(r"[A-Za-z]{3,}", shown.replace("doctype", "")) == ["Alt"] * shown.count("Alt")
    assert re.findall(r'(?:placeholder|aria-label|title|alt)="([^"{]+)"', TEMPLATES) == []
    # In scripts: nothing that looks like prose in quotes.
    assert re.findall(r'"[A-Z][a-z]+(?: [a-z]+)+[^"]*"', SCRIPTS) == []


def test_the_worker_keeps_every_page_and_file() -> None:
    worker = FILES[WORKER]
    files = json.loads(re.search(r"FILES = (\[.*?\])", worker)[1])  # type: ignore[index]
    assert files == sorted(set(FILES) - {WORKER})
    pages = json.loads("[" + re.search(r"\.\.\.\[(.*?)\]", worker)[1] + "]")  # type: ignore[index]
    assert pages == [page for page in PAGES if page != "lists"]
    assert {path.rpartition(".")[2] for path in FILES} == {one[1:] for one in TYPES}


def test_forms_are_offered_to_whom_the_role_lets_say_all_of_them() -> None:
    offered = spoken_by({name: role.may_say for name, role in ROLES.items()})
    bench = {"repair.started", "repair.completed", "repair.failed", "case.diagnosed", "case.inspected"}
    assert set(offered["technician"]) == bench | {"case.waiting", "case.resumed"}
    assert offered["auditor"] == []
    assert set(offered["staff"]) == set(offered["owner"]) == set(FORMS)


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    with open_console(tmp_path_factory.mktemp("console")) as opened:
        yield opened


def test_shells_are_the_same_for_everybody_and_run_only_our_scripts(shop: Shop) -> None:
    inside = signed_in(shop, shop.parties["Alder"].id, "owner")
    for page in PAGES:
        path = "/console" if page == "lists" else f"/console/{page}"
        answer = Browser(shop).get(path)
        assert (answer.status_code, answer.content) == (200, inside.get(path).content)
        policy = answer.headers["content-security-policy"]
        assert "script-src 'self';" in policy
        assert "unsafe" not in policy
        assert "camera=(self)" in answer.headers["permissions-policy"]
        # The data block of words is a template, never run; the one script is a file of ours.
        assert re.findall(r"<script[^>]*>", answer.text) == [
            f'<script type="module" src="/console/files/{shop.app.state.site.console.mark}/main.js">'
        ]
        assert not re.search(r"\sstyle=|\son\w+=|javascript:", answer.text)


@pytest.mark.parametrize("language", LANGUAGES)
def test_shells_speak_the_language_that_was_asked_for(shop: Shop, language: str) -> None:
    answer = Browser(shop).get(f"/console/intake?lang={language}")
    assert f'<html lang="{language}">' in answer.text
    assert WORDS[language]["form"]["intake"] in answer.text
    assert answer.headers["content-language"] == language


@pytest.mark.parametrize(
    "path", ["/console/none", "/console/files/000000000000/main.js", "/console/%2e%2e", "/console/"]
)
def test_no_other_address_is_the_consoles(shop: Shop, path: str) -> None:
    assert Browser(shop).get(path).status_code == 404


def test_files_are_served_under_their_mark_and_the_worker_over_all_pages(shop: Shop) -> None:
    mark = shop.app.state.site.console.mark
    for name, text in FILES.items():
        answer = shop.get(f"/console/files/{mark}/{name}")
        assert answer.status_code == 200
        # Scripts go out short, and say the same (tests/test_modules.py); of sheets see tests/test_pages_styles.py.
        assert name.endswith(".css") or answer.text == shortened(text), name
        assert "immutable" in answer.headers["cache-control"]
    worker = shop.get("/console/worker.js")
    assert worker.headers["service-worker-allowed"] == "/console"
    assert worker.headers["cache-control"] == "no-cache"
    assert shop.get(f"/console/files/{mark}/none.js").status_code == 404


def test_all_of_it_is_compressed_once_and_not_sent_again_to_who_has_it(shop: Shop) -> None:
    console = shop.app.state.site.console
    paths = [
        "/console",
        "/console/sell",
        "/console/ledger",
        "/console/worker.js",
        f"/console/files/{console.mark}/main.js",
    ]
    for path in paths:
        packed, plain = shop.get(path), shop.get(path, accept_encoding="identity")
        assert packed.headers["content-encoding"] == "gzip"
        assert "content-encoding" not in plain.headers
        assert packed.content == plain.content
        assert int(packed.headers["content-length"]) < int(plain.headers["content-length"]) / 2
        assert packed.headers["etag"] != plain.headers["etag"]
        for answer in (packed, plain):
            assert "Accept-Encoding" in answer.headers["vary"]
        tag = packed.headers["etag"]
        for known in (tag, f'"other", W/{tag}'):
            again = shop.get(path, if_none_match=known)
            assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", tag)
        assert shop.get(path, if_none_match='"other"').status_code == 200
        # The tag of what is compressed is none of what is not.
        assert shop.get(path, if_none_match=tag, accept_encoding="identity").status_code == 200
    assert console.page("sell", "en", "") is console.page("sell", "en", "")
    english, chinese = (shop.get("/console", accept_language=one).headers["etag"] for one in ("en", "zh-Hant"))
    assert english != chinese


def test_a_page_with_all_that_it_fetches_first_is_small(shop: Shop) -> None:
    """Compressed, on a tablet that was never here: 40 kB, of which the reader of codes is none."""
    console = shop.app.state.site.console
    for page in PAGES:
        module = {"queue": "waiting"}.get(page, page if f"{page}.js" in FILES else "flow")
        wanted, seen = ["main.js", f"{module}.js"], {"console.css"}
        while wanted:
            name = wanted.pop()
            seen.add(name)
            wanted += set(re.findall(r'from "\./(\w+\.js)"', FILES[name])) - seen
        files = [shop.get(f"/console/files/{console.mark}/{name}") for name in sorted(seen)]
        fetched = [shop.get("/console" if page == "lists" else f"/console/{page}"), *files]
        assert sum(int(one.headers["content-length"]) for one in fetched) < 40_000, page
