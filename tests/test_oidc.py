"""Coming in by an identity provider, and each answer of one that must not let anybody in."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from api.oidc import LIFE
from api.provider import Provider, is_loopback, read_provider
from ledger import times
from ledger.db.people import Person
from ledger.errors import Invalid
from tests.console import Browser, add_person, open_console
from tests.provider import CLIENT, SECRET, FakeProvider, fake_provider
from tests.shop import Clock, Shop

CALLBACK = "/v1/session/oidc/callback"


@pytest.fixture
def provider() -> Iterator[FakeProvider]:
    with fake_provider(Clock()) as made:
        yield made


@pytest.fixture
def shop(database_url: str, tmp_path: Path, provider: FakeProvider) -> Iterator[Shop]:
    with open_console(tmp_path, database_url, provider=Provider(provider.issuer, CLIENT, SECRET)) as opened:
        provider.clock = opened.clock
        yield opened


@pytest.fixture
def iris(shop: Shop) -> Person:
    return add_person(shop, shop.parties["Alder"].id, "manager", "iris")


def sent_away(browser: Browser) -> str:
    """Where the browser is sent to ask the provider."""
    answer = browser.http.get("/v1/session/oidc", follow_redirects=False)
    assert answer.status_code == 303, answer.text
    return str(answer.headers["location"])


def comes_back(browser: Browser, answer: dict[str, str]) -> Any:
    return browser.http.get(CALLBACK, params=answer, follow_redirects=False)


def comes_in(browser: Browser, provider: FakeProvider) -> Any:
    return comes_back(browser, provider.authorize(sent_away(browser)))


@pytest.mark.parametrize("algorithm", ["RS256", "ES256"])
def test_a_known_person_comes_in(shop: Shop, iris: Person, provider: FakeProvider, algorithm: str) -> None:
    if algorithm == "ES256":
        provider.key, provider.algorithm = provider.ec, algorithm  # type: ignore[assignment]
    browser = Browser(shop)
    answer = comes_in(browser, provider)
    assert answer.status_code == 303, answer.text
    assert answer.headers["location"] == "/"
    assert browser.get("/v1/session").json()["person"] == iris.id
    assert "__Host-patina-oidc" not in dict(browser.http.cookies)
    # From now on by the provider's own name for her, whatever her address is.
    provider.claims = {"email": "married@example.org"}
    again = Browser(shop)
    assert comes_in(again, provider).status_code == 303
    assert again.get("/v1/session").json()["person"] == iris.id


def test_what_the_provider_is_asked(shop: Shop, provider: FakeProvider) -> None:
    first, second = (parse_qs(urlsplit(sent_away(Browser(shop))).query) for _ in range(2))
    assert first["redirect_uri"] == ["https://shop.example" + CALLBACK]
    for name in ("state", "nonce", "code_challenge"):
        assert first[name] != second[name]
        assert len(first[name][0]) >= 22


@pytest.mark.parametrize(
    "claims",
    [
        {"iss": "https://id.example.org"},
        {"iss": None},
        {"aud": "another"},
        {"aud": None},
        {"azp": "another", "aud": [CLIENT, "another"]},
        {"sub": None},
        {"sub": 7},
        {"exp": 1},
        {"exp": None},
        {"exp": "tomorrow"},
        {"nonce": "another"},
        {"nonce": None},
        {"email_verified": False},
        {"email_verified": None},
        {"email_verified": "true"},
        {"email": None},
        {"email": "stranger@example.org"},
    ],
)
def test_a_token_that_proves_nothing_lets_nobody_in(
    shop: Shop, iris: Person, provider: FakeProvider, claims: dict[str, Any]
) -> None:
    provider.claims = claims
    browser = Browser(shop)
    answer = comes_in(browser, provider)
    assert answer.status_code == 401, answer.text
    assert provider.tokens == 1
    assert browser.get("/v1/session").status_code == 401
    provider.claims = {}
    assert comes_in(browser, provider).status_code == 303


def test_a_token_that_another_key_signed_lets_nobody_in(shop: Shop, iris: Person, provider: FakeProvider) -> None:
    provider.key = provider.stranger
    assert comes_in(Browser(shop), provider).status_code == 401
    assert provider.tokens == 1


def test_an_answer_to_another_browser_lets_nobody_in(shop: Shop, iris: Person, provider: FakeProvider) -> None:
    mallory, victim = Browser(shop), Browser(shop)
    mine = provider.authorize(sent_away(mallory))
    # Without having asked; having asked something else; with a state that is nobody's.
    assert comes_back(victim, mine).status_code == 401
    sent_away(victim)
    assert comes_back(victim, mine).status_code == 401
    assert comes_back(mallory, {**mine, "state": "x"}).status_code == 401
    assert comes_back(mallory, {"code": mine["code"]}).status_code == 401
    assert comes_back(mallory, {"state": mine["state"], "error": "access_denied\r\nSet-Cookie: a=b"}).status_code == 401
    assert provider.tokens == 0
    victim.http.cookies.set("__Host-patina-oidc", "bm90IG91cnM=", domain="shop.example")
    assert comes_back(victim, mine).status_code == 401
    assert comes_back(mallory, mine).status_code == 303


def told(browser: Browser, answer: dict[str, str]) -> str:
    """Where a person's browser is sent with what the provider answered; a program is told the same as a problem."""
    program = comes_back(browser, answer)
    assert program.status_code == 401
    person = browser.http.get(CALLBACK, params=answer, headers={"Accept": "text/html,*/*"}, follow_redirects=False)
    assert person.status_code == 303
    return str(person.headers["location"])


def test_a_person_is_told_why_at_the_door(shop: Shop, iris: Person, provider: FakeProvider) -> None:
    browser = Browser(shop)
    mine = provider.authorize(sent_away(browser))
    refused = "/console/door?refused="
    assert told(browser, {**mine, "state": "x"}) == refused + "again"
    assert told(browser, {"state": mine["state"], "error": "access_denied\r\nSet-Cookie: a=b"}) == refused + "denied"
    assert told(browser, {**mine, "code": "none of its own"}) == refused + "token"
    shop.clock.now += LIFE
    assert told(browser, mine) == refused + "again"
    provider.claims = {"email": "stranger@example.org"}
    strange = browser.http.get("/v1/session/oidc", follow_redirects=False).headers["location"]
    answer = browser.http.get(
        CALLBACK, params=provider.authorize(strange), headers={"Accept": "text/html"}, follow_redirects=False
    )
    assert answer.headers["location"] == refused + "nobody"
    assert browser.get("/v1/session").status_code == 401


def test_a_person_comes_back_to_the_page_that_asked_and_to_no_other_place(
    shop: Shop, iris: Person, provider: FakeProvider
) -> None:
    for asked, goes in (
        ("/console/sell?item=urn:uuid:1", "/console/sell?item=urn:uuid:1"),
        ("/console", "/console"),
        ("/console/ledger/reports?report=0123456789abcdef", "/console/ledger/reports?report=0123456789abcdef"),
        ("/console/ledger/reports/more", "/"),
        ("https://evil.example/console", "/"),
        ("//evil.example", "/"),
        ("/console/../v1/session", "/"),
        ("/console/sell?a\r\nSet-Cookie: a=b", "/"),
        ("/console/sell?" + "a" * 300, "/"),
    ):
        browser = Browser(shop)
        there = browser.http.get("/v1/session/oidc", params={"next": asked}, follow_redirects=False)
        back = comes_back(browser, provider.authorize(there.headers["location"]))
        assert (back.status_code, back.headers["location"]) == (303, goes)


def test_a_code_counts_once_and_with_the_verifier(shop: Shop, iris: Person, provider: FakeProvider) -> None:
    browser = Browser(shop)
    answer = provider.authorize(sent_away(browser))
    kept = dict(browser.http.cookies)["__Host-patina-oidc"]
    assert comes_back(browser, answer).status_code == 303
    browser.http.cookies.set("__Host-patina-oidc", kept, domain="shop.example")
    assert comes_back(browser, answer).status_code == 401
    provider.codes["stolen"] = {**parse_first(sent_away(Browser(shop)))}
    stolen = provider.authorize(sent_away(browser))
    assert comes_back(browser, {**stolen, "code": "stolen"}).status_code == 401


def parse_first(address: str) -> dict[str, str]:
    return {name: values[0] for name, values in parse_qs(urlsplit(address).query).items()}


def test_an_answer_that_comes_late_lets_nobody_in(shop: Shop, iris: Person, provider: FakeProvider) -> None:
    browser = Browser(shop)
    answer = provider.authorize(sent_away(browser))
    shop.clock.now += LIFE
    assert comes_back(browser, answer).status_code == 401


def test_an_address_that_was_given_to_somebody_else_opens_nothing(
    shop: Shop, iris: Person, provider: FakeProvider
) -> None:
    assert comes_in(Browser(shop), provider).status_code == 303
    provider.claims = {"sub": "subject-2"}
    assert comes_in(Browser(shop), provider).status_code == 401
    provider.claims = {}
    assert comes_in(Browser(shop), provider).status_code == 303


def test_who_is_disabled_stays_out(shop: Shop, iris: Person, provider: FakeProvider) -> None:
    shop.ledger.access.people.set_disabled(iris.id, disabled=True)
    assert comes_in(Browser(shop), provider).status_code == 401
    shop.ledger.access.people.set_disabled(iris.id, disabled=False)
    assert comes_in(Browser(shop), provider).status_code == 303
    shop.ledger.access.people.set_disabled(iris.id, disabled=True)
    assert comes_in(Browser(shop), provider).status_code == 401


def test_nobody_is_made_unless_that_is_configured(tmp_path: Path, provider: FakeProvider) -> None:
    with open_console(tmp_path / "a", provider=Provider(provider.issuer, CLIENT, SECRET)) as shop:
        provider.clock = shop.clock
        assert comes_in(Browser(shop), provider).status_code == 401
        assert shop.ledger.access.people.all() == []
        alder = shop.parties["Alder"].id
    create = ("staff", alder)
    with open_console(tmp_path / "b", provider=Provider(provider.issuer, CLIENT, SECRET, create)) as shop:
        provider.clock = shop.clock
        provider.claims = {"email_verified": False}
        assert comes_in(Browser(shop), provider).status_code == 401
        provider.claims = {"name": "Iris Invented"}
        browser = Browser(shop)
        assert comes_in(browser, provider).status_code == 303
        assert comes_in(Browser(shop), provider).status_code == 303
        (made,) = shop.ledger.access.people.all()
        assert (made.name, made.role, made.party) == ("Iris Invented", "staff", alder)
        provider.claims = {"sub": "subject-2", "email": "other@example.org", "name": "Forged\u2028line"}
        assert comes_in(Browser(shop), provider).status_code == 401
        assert len(shop.ledger.access.people.all()) == 1


def test_a_provider_that_is_not_who_was_configured_is_not_asked(shop: Shop, provider: FakeProvider) -> None:
    provider.description = {"issuer": "https://id.example.org"}
    assert Browser(shop).http.get("/v1/session/oidc").status_code == 503
    provider.description = {"token_endpoint": "http://id.example.org/token"}
    assert Browser(shop).http.get("/v1/session/oidc").status_code == 422


def test_a_provider_that_does_not_answer_is_said(tmp_path: Path, provider: FakeProvider) -> None:
    with open_console(tmp_path, provider=Provider("http://127.0.0.1:9", CLIENT, SECRET)) as shop:
        answer = Browser(shop).http.get("/v1/session/oidc")
        assert answer.status_code == 503
        assert SECRET not in answer.text
        shown = Browser(shop).http.get("/v1/session/oidc", headers={"Accept": "text/html"}, follow_redirects=False)
        assert shown.headers["location"] == "/console/door?refused=down"
    with open_console(tmp_path / "b", provider=Provider(provider.issuer + "/elsewhere", CLIENT, SECRET)) as shop:
        assert Browser(shop).http.get("/v1/session/oidc").status_code == 503


def test_without_a_provider_there_is_no_such_way_in(tmp_path: Path) -> None:
    with open_console(tmp_path) as shop:
        assert shop.get("/v1/session/oidc").status_code == 404
        assert shop.get(CALLBACK).status_code == 404
        assert shop.get("/v1/session/oidc", accept="text/html").status_code == 404
        assert "data-oidc" not in shop.get("/console/door").text


def test_the_provider_in_the_environment() -> None:
    given = {"PATINA_OIDC_ISSUER": "https://id.example.org", "PATINA_OIDC_CLIENT_ID": "a"}
    given["PATINA_OIDC_CLIENT_SECRET"] = "b"
    assert read_provider({}) is None
    assert read_provider(given) == Provider("https://id.example.org", "a", "b")
    found = read_provider({**given, "PATINA_OIDC_CREATE": "staff@urn:uuid:x"})
    assert found is not None
    assert found.create == ("staff", "urn:uuid:x")
    assert "'b'" not in repr(found)
    for name, value in (
        ("PATINA_OIDC_CLIENT_SECRET", ""),
        ("PATINA_OIDC_ISSUER", "http://id.example.org"),
        ("PATINA_OIDC_CREATE", "staff@"),
        ("PATINA_OIDC_CREATE", "@urn:uuid:x"),
    ):
        with pytest.raises(Invalid):
            read_provider({**given, name: value})


def test_which_hosts_are_this_machine() -> None:
    assert all(map(is_loopback, ("localhost", "a.localhost", "127.0.0.1", "127.8.8.8", "::1")))
    assert not any(map(is_loopback, ("localhost.example.org", "192.0.2.1", "", "0.0.0.0", "128.0.0.1")))
    assert times.SECOND < LIFE
