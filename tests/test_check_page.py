"""The page of an item that checks itself, in a real Chromium: what its badge says, and of what it is not talked out."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import BrowserContext, Page, Route, expect

from api.cli import folder, init, parties
from api.pages.catalogue import LANGUAGES, load_catalogue
from api.pages.joining import script_name
from api.pages.modules import ENTRY, LIBRARY, LIBRARY_ENTRY, Modules
from ledger.dsse import SigningKey
from tests.browser import NO_ED25519, needs_chromium, needs_library
from tests.build import ring, uuid
from tests.served import Server

pytestmark = needs_chromium

KEY = SigningKey.from_seed(bytes(range(23, 55)))
SHOP = uuid("a shop that is checked")
WORK = {"work": ["polish"]}
DENIED = """
Object.defineProperty(window, "localStorage", { get: () => { throw new DOMException("", "SecurityError"); } });
"""
WITHOUT_LIBRARY = """
new MutationObserver(() => document.querySelectorAll("[data-check]").forEach((one) => { one.dataset.library = "no"; }))
  .observe(document, { childList: true, subtree: true });
"""
OLDER = """
new MutationObserver(() => document.querySelectorAll("[data-check]:not([data-own])").forEach(({ dataset }) => {
  Object.assign(dataset, { own: dataset.when, at: "2020-01-31T23:59:00.000Z", when: "long ago" });
})).observe(document, { childList: true, subtree: true });
"""
"""A page that was made before the newest seal; what it would say of that one is kept aside."""
Bundle = dict[str, Any]


def say(directory: Path, kind: str, details: dict[str, Any], item: str = ring(1)) -> None:
    with folder.opened(directory) as ledger:
        folder.say(ledger, folder.draft(folder.value_of(ledger, SHOP, kind, [item], details), [KEY]))


class Site:
    """A ledger that is served, and two that went another way after the same beginning: signed by the same key."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory / "ledger"
        init.create(self.directory, "checked.example/log")
        about = {"name": "Signet ring", "category": "jewellery"}
        with folder.opened(self.directory) as ledger:
            parties.register(ledger, SHOP, {"name": "Corner Shop", "roles": ["retailer", "repairer"]}, KEY)
            self.tokens = [ledger.codes.create(ring(number), "view") for number in (1, 2)]
        for number in (1, 2):
            say(self.directory, "item.registered", about, ring(number))
        self.smaller = self._fork(directory / "smaller", [])
        self.larger = self._fork(directory / "larger", [WORK] * 4)
        for _ in range(2):
            say(self.directory, "maintenance.performed", WORK)
        self.server, self.short, self.long = (Server(one) for one in (self.directory, self.smaller, self.larger))

    def _fork(self, directory: Path, more: list[dict[str, Any]]) -> Path:
        shutil.copytree(self.directory, directory)
        for details in more:
            say(directory, "maintenance.performed", details)
        return directory

    def address(self, number: int = 1, host: str = "127.0.0.1") -> str:
        return f"http://{host}:{self.server.place.rpartition(':')[2]}/i/{self.tokens[number - 1]}"

    def stop(self) -> list[int]:
        return [server.stop() for server in (self.server, self.short, self.long)]


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    running = Site(tmp_path_factory.mktemp("checked"))
    yield running
    assert running.stop() == [0, 0, 0]


def badge(context: BrowserContext, where: str) -> tuple[str, str, str | None, Page]:
    """How the badge stands after the check, what it says, and by which way it was checked."""
    page = context.new_page()
    page.goto(where)
    found = page.locator("[data-check]")
    expect(found.locator("[data-says]")).not_to_have_text("", timeout=30_000)
    # The words of a verdict are none of the server's own.
    expect(found.locator("[data-says]")).not_to_contain_text("Complete as of", timeout=30_000)
    state = found.get_attribute("data-state")
    return state or "", found.inner_text(), found.get_attribute("data-path"), page


def spoilt(context: BrowserContext, change: Callable[[Bundle], object]) -> None:
    """Let the bundle reach the page changed."""

    def answer(route: Route) -> None:
        bundle = route.fetch().json()
        change(bundle)
        route.fulfill(body=json.dumps(bundle), content_type="application/json")

    context.route("**/history", answer)


def elsewhere(context: BrowserContext, site: Site, server: Server) -> None:
    """Let every request of the page be answered by another server, as if it had become that one."""

    def answer(route: Route) -> None:
        route.fulfill(response=route.fetch(url=route.request.url.replace(site.server.place, server.place)))

    context.route("**/*", answer)


WAYS = {
    "native": ("native", "127.0.0.1", ""),
    "library, on plain http": ("library", "shop.example", ""),
    "library, without Ed25519": ("library", "127.0.0.1", NO_ED25519),
}


@pytest.mark.parametrize("way", [pytest.param(way, marks=needs_library if "library" in way else ()) for way in WAYS])
def test_the_badge_says_that_the_phone_has_checked(site: Site, phone: BrowserContext, way: str) -> None:
    wanted, host, before = WAYS[way]
    if before:
        phone.add_init_script(before)
    asked: list[str] = []
    complained: list[str] = []
    phone.on("request", lambda request: asked.append(request.url))
    phone.on("console", lambda message: complained.append(message.text))
    state, text, path, page = badge(phone, site.address(host=host))
    assert (state, path) == ("phone", wanted)
    assert "Checked by your phone: unchanged, and complete as of" in text
    assert "remembered for your next visit" in text
    assert all(url.startswith(site.address(host=host).partition("/i/")[0]) for url in asked), asked
    # That a header means nothing on plain http, Chromium says there of every page.
    assert [text for text in complained if "Opener-Policy header has been ignored" not in text] == []
    scripts = [url.rpartition("/")[2] for url in asked if "/static/" in url and url.endswith(".js")]
    assert scripts == [script_name(ENTRY), script_name(LIBRARY_ENTRY)][: 2 if wanted == "library" else 1]
    assert page.evaluate("document.documentElement.scrollWidth") <= 360


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_page_older_than_the_history_is_given_the_historys_date(
    site: Site, phone: BrowserContext, language: str
) -> None:
    phone.add_init_script(OLDER)
    page = phone.new_page()
    page.goto(f"{site.address()}?lang={language}")
    found = page.locator("[data-check]")
    expect(found).to_have_attribute("data-state", "phone")
    # As the server spells the same time.
    own = found.get_attribute("data-own")
    expect(found.locator("[data-says]")).to_have_text(load_catalogue(language).say("verify_phone", when=own))


def test_where_nothing_can_check_the_page_says_that_the_server_did(site: Site, phone: BrowserContext) -> None:
    phone.route(f"**/{script_name(LIBRARY_ENTRY)}", lambda route: route.fulfill(status=404))
    state, text, path, _ = badge(phone, site.address(host="shop.example"))
    assert (state, path) == ("server", None)
    assert "Checked by the server, not by your phone: this browser cannot check signatures" in text


def test_without_its_packages_a_server_says_so_and_has_two_ways(tmp_path: Path) -> None:
    modules = Modules(tmp_path)
    assert not modules.library
    assert modules.read(modules.mark, ENTRY, zipped=False)
    absent = [*LIBRARY, LIBRARY_ENTRY, script_name(LIBRARY_ENTRY)]
    assert [modules.read(modules.mark, name, zipped=False) for name in absent] == [None] * len(absent)


def test_a_page_without_packages_says_whose_lack_it_is(site: Site, phone: BrowserContext) -> None:
    phone.add_init_script(WITHOUT_LIBRARY)
    phone.route(f"**/{script_name(LIBRARY_ENTRY)}", lambda route: route.fulfill(status=404))
    _, text, _, _ = badge(phone, site.address(host="shop.example"))
    assert "this server has no program for browsers that cannot" in text


def _last(bundle: Bundle) -> Any:
    return bundle["histories"][0]


def _set(place: Any, name: Any, value: Any) -> None:
    place[name] = value


def _swap_signature(bundle: Bundle) -> None:
    """The log's own signature, with one digit turned."""
    head, sign, tail = bundle["checkpoint"].rpartition("=")
    place = len(head) - 9
    bundle["checkpoint"] = head[:place] + ("A" if head[place] != "A" else "B") + head[place + 1 :] + sign + tail


def _hold_back(bundle: Bundle) -> None:
    shown = _last(bundle)
    shown["entries"].pop()
    shown["map"]["count"] -= 1


SPOILT: dict[str, tuple[int, Callable[[Bundle], object]]] = {
    "the head's signature": (1, _swap_signature),
    "another origin": (1, lambda one: one.update(origin="elsewhere.example/log")),
    "an older end": (3, lambda one: _set(one["tail"], "entry", one["first"]["entry"])),
    "another beginning": (3, lambda one: _set(one["first"], "entry", _last(one)["entries"][0])),
    "the newest record left out": (4, lambda one: _last(one)["entries"].pop()),
    "and the count with it": (4, _hold_back),
    "the newest record changed": (
        5,
        lambda one: _last(one)["entries"].append(_last(one)["entries"].pop().replace("polish", "repair")),
    ),
    "an earlier record changed": (
        6,
        lambda one: _set(_last(one)["entries"], 1, _last(one)["entries"][1].replace("polish", "repair")),
    ),
    "two records in another order": (6, lambda one: _last(one)["entries"].insert(0, _last(one)["entries"].pop(1))),
    "a record not canonical": (
        7,
        lambda one: _set(_last(one)["entries"], 0, _last(one)["entries"][0].replace('{"', '{ "', 1)),
    ),
    "the shop's own keys not shown": (8, lambda one: one["histories"].pop()),
    "a private detail of nobody's": (9, lambda one: one.update(disclosures={uuid("nobody's"): ["WyJ4Il0"]})),
}


@pytest.mark.parametrize("name", SPOILT)
def test_a_spoilt_bundle_turns_the_badge_red_with_the_check_meant(site: Site, phone: BrowserContext, name: str) -> None:
    number, change = SPOILT[name]
    spoilt(phone, change)
    state, text, _, page = badge(phone, site.address())
    assert state == "bad"
    assert f"(check {number} of 12)" in text
    assert page.evaluate("localStorage.length") == 0


def test_the_history_of_another_item_is_refused(site: Site, phone: BrowserContext) -> None:
    other = site.address(2) + "/history"
    phone.route("**/history", lambda route: route.fulfill(response=route.fetch(url=other)))
    state, text, _, _ = badge(phone, site.address())
    assert (state, "(check 11 of 12)" in text) == ("bad", True)


def test_what_is_no_history_is_refused_and_what_is_not_there_is_not(site: Site, phone: BrowserContext) -> None:
    phone.route("**/history", lambda route: route.fulfill(body='{"format": "patina/history/v1"}'))
    state, text, _, _ = badge(phone, site.address())
    assert (state, "is no history" in text) == ("bad", True)
    phone.unroute("**/history")
    phone.route("**/history", lambda route: route.fulfill(body='{"format": "patina/history/v2"}'))
    state, text, _, _ = badge(phone, site.address())
    assert (state, "of a newer kind" in text) == ("unknown", True)
    phone.unroute("**/history")
    phone.route("**/history", lambda route: route.abort())
    state, text, _, _ = badge(phone, site.address())
    assert (state, "could not get the history" in text) == ("server", True)
    phone.unroute("**/history")
    phone.route("**/history", lambda route: route.fulfill(status=302, headers={"location": "https://other.example/"}))
    state, text, _, _ = badge(phone, site.address())
    assert (state, "could not get the history" in text) == ("server", True)


@pytest.mark.parametrize("which", ["short", "long"])
def test_a_log_that_went_another_way_is_found_out_on_the_next_visit(
    site: Site, phone: BrowserContext, which: str
) -> None:
    assert badge(phone, site.address())[0] == "phone"
    elsewhere(phone, site, getattr(site, which))
    state, text, _, page = badge(phone, site.address())
    assert (state, "(check 12 of 12)" in text) == ("bad", True)
    assert "not the one that your phone saw" in text
    # What was kept is not let go of: it is as red on every visit after.
    page.reload()
    expect(page.locator("[data-check]")).to_have_attribute("data-state", "bad", timeout=30_000)
    # Whoever comes for the first time cannot know.
    fresh = phone.browser
    assert fresh is not None
    stranger = fresh.new_context()
    elsewhere(stranger, site, getattr(site, which))
    assert badge(stranger, site.address())[0] == "phone"
    stranger.close()


def test_a_log_that_grew_is_the_same_log(site: Site, phone: BrowserContext) -> None:
    assert "remembered" in badge(phone, site.address())[1]
    assert "has only grown" in badge(phone, site.address())[1]
    shown = phone.request.get(site.address(), headers={"Accept": "text/html"}).text()
    say(site.directory, "maintenance.performed", WORK)
    asked: list[str] = []
    phone.on("request", lambda request: asked.append(request.url))
    state, text, _, _ = badge(phone, site.address())
    assert (state, "has only grown" in text) == ("phone", True)
    assert any("/v1/log/proof/consistency?old=" in url for url in asked)
    # A page that was made before the newest record says so.
    phone.route("**/i/*", lambda route: route.fulfill(body=shown, content_type="text/html"))
    assert "There is a newer record" in badge(phone, site.address())[1]


def test_without_a_proof_growth_is_not_believed(site: Site, phone: BrowserContext) -> None:
    assert badge(phone, site.address(2))[0] == "phone"
    say(site.directory, "maintenance.performed", WORK, ring(2))
    phone.route("**/consistency?*", lambda route: route.abort())
    state, text, _, page = badge(phone, site.address(2))
    assert (state, "could not check everything" in text) == ("unknown", True)
    kept = page.evaluate("JSON.parse(localStorage.getItem('patina/v1/log'))")
    phone.unroute("**/consistency?*")
    state, text, _, page = badge(phone, site.address(2))
    assert (state, "has only grown" in text) == ("phone", True)
    assert int(page.evaluate("JSON.parse(localStorage.getItem('patina/v1/log'))")["size"]) > int(kept["size"])
    # A proof that proves nothing is worse than none.
    say(site.directory, "maintenance.performed", WORK, ring(2))
    nothing = json.dumps({"hashes": ["A" * 43 + "="] * 4})
    phone.route("**/consistency?*", lambda route: route.fulfill(body=nothing))
    assert badge(phone, site.address(2))[0] == "bad"


def test_the_keys_of_the_first_visit_count_and_not_those_that_the_page_names(
    site: Site, phone: BrowserContext, tmp_path: Path
) -> None:
    """Another ledger under the same name, whole and honest in itself, in place of the one that was seen."""
    other = tmp_path / "ledger"
    init.create(other, "checked.example/log")
    with folder.opened(other) as ledger:
        parties.register(ledger, SHOP, {"name": "Corner Shop", "roles": ["retailer"]}, KEY)
        token = ledger.codes.create(ring(1), "view")
    say(other, "item.registered", {"name": "Signet ring", "category": "jewellery"})
    assert badge(phone, site.address())[0] == "phone"
    with Server(other) as server:

        def answer(route: Route) -> None:
            where = route.request.url.replace(site.server.place, server.place).replace(site.tokens[0], token)
            route.fulfill(response=route.fetch(url=where))

        phone.route("**/*", answer)
        state, text, _, _ = badge(phone, site.address())
        assert (state, "(check 1 of 12)" in text) == ("bad", True)
        phone.unroute("**/*")
        assert server.stop() == 0


def test_a_browser_that_keeps_nothing_says_so(site: Site, phone: BrowserContext) -> None:
    phone.add_init_script(DENIED)
    for _ in range(2):
        state, text, _, _ = badge(phone, site.address())
        assert (state, "keeps nothing between visits" in text) == ("phone", True)


@pytest.mark.parametrize("kept", ["", "null", "{}", '{"vkeys":[],"size":"1","root":"","counts":{}}', '{"a":1,"a":2}'])
def test_what_something_else_kept_there_is_nothing(site: Site, phone: BrowserContext, kept: str) -> None:
    page = badge(phone, site.address())[3]  # whose own check is over: it keeps nothing after this
    page.evaluate("(text) => localStorage.setItem('patina/v1/log', text)", kept)
    state, text, _, _ = badge(phone, site.address())
    assert (state, "remembered for your next visit" in text) == ("phone", True)


def test_what_is_kept_says_not_which_items_were_looked_at(site: Site, phone: BrowserContext) -> None:
    page = badge(phone, site.address())[3]
    kept = page.evaluate("JSON.stringify({ ...localStorage })")
    assert ring(1) not in kept
    assert site.tokens[0] not in kept


def test_the_page_of_an_earlier_state_is_checked_too(site: Site, phone: BrowserContext) -> None:
    first = json.loads(site.server.get(f"/i/{site.tokens[0]}/history")[1])["histories"][0]["entries"][0]
    state, text, _, _ = badge(phone, f"{site.address()}?at={json.loads(first)['index'] + 1}")
    assert (state, "newer record" in text) == ("phone", False)
