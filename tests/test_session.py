"""Coming in, staying and leaving: cookies, time-outs, planted and stolen cookies, and forged requests."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from api.counts import WINDOW
from api.limits import LOGINS_OF_ACCOUNT, LOGINS_OF_ADDRESS
from ledger import times
from ledger.db.rows import REMEMBER
from ledger.db.visits import IDLE, LONGEST
from tests.console import HTTPS, PASSWORD, Browser, add_person, login_of, open_console
from tests.shop import RING, Shop

IRIS = login_of("iris")


@pytest.fixture
def shop(database_url: str, tmp_path: Path) -> Iterator[Shop]:
    with open_console(tmp_path, database_url) as opened:
        add_person(opened, opened.parties["Alder"].id, "owner", "iris")
        yield opened


@pytest.fixture
def iris(shop: Shop) -> Browser:
    browser = Browser(shop)
    assert browser.log_in(IRIS).status_code == 200
    return browser


def test_who_comes_in_is_told_who_she_is_and_gets_a_cookie_that_nobody_else_can_use(shop: Shop) -> None:
    browser = Browser(shop)
    answer = browser.log_in(" Iris@EXAMPLE.org")
    assert answer.status_code == 200
    said = answer.json()
    assert (said["name"], said["role"], said["party"]) == ("Iris", "owner", shop.parties["Alder"].id)
    assert re.fullmatch(
        r"__Host-patina-session=[\w-]{43}; Path=/; Max-Age=43200; HttpOnly; SameSite=Lax; Secure",
        answer.headers["set-cookie"],
    )
    # And, to sign with, which ledger this is and which tablet.
    assert browser.get("/v1/session").json() == said | {"ledger": shop.ledger.id, "tablet": None}
    assert browser.get("/v1/items").status_code == 200


@pytest.mark.parametrize("url", ["http://127.0.0.1:8000", "http://localhost:8000", "http://[::1]:8000"])
def test_plain_http_is_for_this_machine(tmp_path: Path, url: str) -> None:
    with open_console(tmp_path, public_url=url) as shop:
        add_person(shop, shop.parties["Alder"].id, "owner", "iris")
        browser = Browser(shop)
        answer = browser.log_in(IRIS)
        assert answer.headers["set-cookie"].startswith("patina-session=")
        assert "Secure" not in answer.headers["set-cookie"]
        assert browser.get("/v1/session").status_code == 200


def test_no_password_is_taken_over_plain_http_from_elsewhere(tmp_path: Path) -> None:
    with open_console(tmp_path, public_url="http://shop.example") as shop:
        add_person(shop, shop.parties["Alder"].id, "owner", "iris")
        answer = Browser(shop).log_in(IRIS)
        assert answer.status_code == 403
        assert "https" in answer.json()["detail"]
        assert "set-cookie" not in answer.headers


def test_unknown_wrong_and_disabled_have_one_answer_after_one_check(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    alder = shop.parties["Alder"].id
    disabled = add_person(shop, alder, "staff", "otto")
    shop.ledger.access.people.set_disabled(disabled.id, disabled=True)
    shop.ledger.access.people.add(alder, "staff", "No Password", login_of("nopassword"))
    passwords = shop.app.state.site.passwords
    check, checks = passwords.check_now, []

    def counted(hashed: str | None, text: str) -> bool:
        checks.append(text)
        return bool(check(hashed, text))

    monkeypatch.setattr(passwords, "check_now", counted)
    answers = [
        Browser(shop).log_in(login_of(name), password)
        for name, password in (("unheard", PASSWORD), ("iris", "wrong"), ("otto", PASSWORD), ("nopassword", PASSWORD))
    ]
    assert [answer.status_code for answer in answers] == [401] * 4
    assert len({answer.json()["detail"] for answer in answers}) == 1
    same = [{k: v for k, v in answer.headers.items() if k != "x-request-id"} for answer in answers]
    assert all(headers == same[0] for headers in same)
    assert len(checks) == 4


def test_a_planted_session_is_worth_nothing_afterwards(shop: Shop) -> None:
    mallory, victim = Browser(shop), Browser(shop)
    add_person(shop, shop.parties["Alder"].id, "staff", "mallory")
    mallory.log_in(login_of("mallory"))
    planted = mallory.http.cookies["__Host-patina-session"]
    victim.http.cookies.set("__Host-patina-session", planted, domain="shop.example")
    assert victim.log_in(IRIS).status_code == 200
    assert dict(victim.http.cookies)["__Host-patina-session"] != planted
    # Nor does the planted one come to be hers: it is ended, and opens nothing.
    assert mallory.get("/v1/session").status_code == 401
    mallory.http.cookies.clear()
    mallory.http.cookies.set("__Host-patina-session", "A" * 43, domain="shop.example")
    victim.http.cookies.set("__Host-patina-session", "A" * 43, domain="shop.example")
    assert victim.log_in(IRIS).status_code == 200
    assert mallory.get("/v1/session").status_code == 401


def test_of_two_cookies_of_one_name_neither_counts(iris: Browser) -> None:
    secret = dict(iris.http.cookies)["__Host-patina-session"]
    iris.http.cookies.clear()
    twice = {"Cookie": f"__Host-patina-session={secret}; __Host-patina-session={'A' * 43}"}
    assert iris.http.get("/v1/session", headers=twice).status_code == 401
    once = {"Cookie": f"other=1; __Host-patina-session={secret}"}
    assert iris.http.get("/v1/session", headers=once).status_code == 200
    plain = {"Cookie": f"patina-session={secret}"}
    assert iris.http.get("/v1/session", headers=plain).status_code == 401


def test_leaving_ends_every_copy_of_the_cookie(shop: Shop, iris: Browser) -> None:
    copied = dict(iris.http.cookies)["__Host-patina-session"]
    answer = iris.request("DELETE", "/v1/session")
    assert answer.status_code == 200
    assert "Max-Age=0" in answer.headers["set-cookie"]
    thief = Browser(shop)
    thief.http.cookies.set("__Host-patina-session", copied, domain="shop.example")
    assert thief.get("/v1/session").status_code == 401


def test_an_idle_session_ends_and_a_busy_one_after_a_day(shop: Shop, iris: Browser) -> None:
    start = shop.clock.now
    shop.clock.now += IDLE - times.SECOND
    assert iris.get("/v1/session").status_code == 200
    shop.clock.now += IDLE
    assert iris.get("/v1/session").status_code == 401
    assert iris.log_in(IRIS).status_code == 200
    start = shop.clock.now
    while shop.clock.now + IDLE // 2 < start + LONGEST:
        shop.clock.now += IDLE // 2
        assert iris.get("/v1/session").status_code == 200
    shop.clock.now = start + LONGEST
    assert iris.get("/v1/session").status_code == 401


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Patina-Csrf": ""},
        {"Patina-Csrf": "A" * 43},
        {"Patina-Csrf": "é"},
        {"Patina-Csrf": "{token}", "Origin": "https://evil.example"},
        {"Patina-Csrf": "{token}", "Origin": "null"},
        {"Patina-Csrf": "{token}", "Origin": "http://shop.example"},
        {"Patina-Csrf": "{token}", "Sec-Fetch-Site": "cross-site"},
        {"Patina-Csrf": "{token}", "Sec-Fetch-Site": "same-site"},
    ],
)
def test_a_forged_request_changes_nothing(shop: Shop, iris: Browser, headers: dict[str, str]) -> None:
    sent = [(name.encode(), value.replace("{token}", iris.csrf).encode("latin-1")) for name, value in headers.items()]
    size = shop.size()
    body = {"statement": shop.registered(shop.parties["Alder"])}
    for method, path, content in (
        ("POST", "/v1/statements", body),
        ("POST", "/v1/people", {"name": "Mallory", "role": "owner", "login": login_of("mallory")}),
        ("DELETE", "/v1/session", None),
        ("POST", "/v1/session/password", {"old": PASSWORD, "password": "another long password"}),
    ):
        answer = iris.http.request(method, path, json=content, headers=sent)
        assert answer.status_code == 403, (method, path)
    assert shop.size() == size
    assert len(shop.ledger.access.people.all()) == 1
    assert iris.get("/v1/session").status_code == 200


def test_our_own_page_may_change_things(shop: Shop, iris: Browser) -> None:
    own = {"Origin": HTTPS, "Sec-Fetch-Site": "same-origin"}
    body = {"statement": {"type": "item.registered", "party": shop.parties["Alder"].id, "subjects": [RING],
                          "details": {"name": "Ring", "category": "jewellery"}}}  # fmt: skip
    answer = iris.request("POST", "/v1/statements", json=body, headers=own)
    assert answer.status_code == 201, answer.text


def test_a_page_under_an_address_of_this_machine_may_bring_somebody_in_and_under_another_says_which(shop: Shop) -> None:
    """``patina serve --host 0.0.0.0 --tls`` is opened as https://127.0.0.1 by whoever sits before it."""
    for host in ("127.0.0.1:8443", "localhost:8443", "[::1]:8443"):
        answer = Browser(shop).log_in(IRIS, Origin=f"https://{host}", Host=host)
        assert answer.status_code == 200
    for origin, told in (("https://till.local:8443", HTTPS), ("https://evil.example", "another site's page")):
        answer = Browser(shop).log_in(IRIS, Origin=origin, Host="till.local:8443")
        assert answer.status_code == 403
        assert told in answer.json()["detail"]


@pytest.mark.parametrize("host", ["evil.example:8000", "192.168.1.20:8000", "127.0.0.1.evil.example:8000", "[::1", "["])
def test_a_name_that_somebody_pointed_at_this_machine_is_another_site(tmp_path: Path, host: str) -> None:
    """DNS rebinding: the page's own address leads here, so that ``Origin`` and ``Host`` agree."""
    with open_console(tmp_path, public_url="http://127.0.0.1:8000") as shop:
        add_person(shop, shop.parties["Alder"].id, "owner", "iris")
        answer = Browser(shop).log_in(IRIS, Origin=f"http://{host}", Host=host)
        assert answer.status_code == 403, answer.text
        assert "set-cookie" not in answer.headers
        here = Browser(shop).log_in(IRIS, Origin="http://localhost:9000", Host="localhost:9000")
        assert here.status_code == 200


def test_an_address_that_is_none_is_another_site(shop: Shop) -> None:
    answer = Browser(shop).log_in(IRIS, Origin="https://[", Host="[")
    assert answer.status_code == 403


@pytest.mark.parametrize("headers", [{"Origin": "https://evil.example"}, {"Sec-Fetch-Site": "cross-site"}])
def test_another_sites_page_cannot_bring_anybody_in(shop: Shop, headers: dict[str, str]) -> None:
    answer = Browser(shop).log_in(IRIS, **headers)
    assert answer.status_code == 403
    assert "set-cookie" not in answer.headers


def test_whoever_is_let_out_is_out_at_once_here_and_soon_elsewhere(shop: Shop, iris: Browser) -> None:
    otto = add_person(shop, shop.parties["Alder"].id, "staff", "otto")
    browser = Browser(shop)
    browser.log_in(login_of("otto"))
    assert browser.get("/v1/session").status_code == 200
    assert iris.post(f"/v1/people/{otto.id}", {"disabled": True}).status_code == 200
    assert browser.get("/v1/session").status_code == 401
    assert browser.log_in(login_of("otto")).status_code == 401
    iris.post(f"/v1/people/{otto.id}", {"disabled": False})
    assert browser.log_in(login_of("otto")).status_code == 200
    assert browser.get("/v1/items").status_code == 200
    # As by another process: this one remembers for a moment.
    shop.ledger.access.people.set_disabled(otto.id, disabled=True)
    shop.clock.now += REMEMBER
    assert browser.get("/v1/items").status_code == 401


def test_a_new_role_counts_from_the_next_session(shop: Shop, iris: Browser) -> None:
    otto = add_person(shop, shop.parties["Alder"].id, "manager", "otto")
    browser = Browser(shop)
    browser.log_in(login_of("otto"))
    assert browser.get("/v1/people").status_code == 200
    assert iris.post(f"/v1/people/{otto.id}", {"role": "staff"}).status_code == 200
    assert browser.get("/v1/people").status_code == 401
    browser.log_in(login_of("otto"))
    assert browser.get("/v1/people").status_code == 403


def test_ones_own_password_is_changed_with_the_old_one(shop: Shop, iris: Browser) -> None:
    elsewhere = Browser(shop)
    elsewhere.log_in(IRIS)
    wrong = iris.post("/v1/session/password", {"old": "not it", "password": "another long password"})
    assert (wrong.status_code, wrong.json()["errors"][0]["pointer"]) == (403, "/old")
    short = iris.post("/v1/session/password", {"old": PASSWORD, "password": "short"})
    assert (short.status_code, short.json()["errors"][0]["pointer"]) == (422, "/password")
    run = iris.post("/v1/session/password", {"old": PASSWORD, "password": "another long password", "pin": "123456"})
    assert (run.status_code, run.json()["errors"][0]["pointer"]) == (422, "/pin")
    assert iris.post("/v1/session/password", {"old": PASSWORD}).status_code == 422
    assert elsewhere.get("/v1/session").status_code == 200
    before = dict(iris.http.cookies)
    changed = iris.post("/v1/session/password", {"old": PASSWORD, "password": "another long password", "pin": "481516"})
    assert changed.status_code == 200
    assert dict(iris.http.cookies) != before
    assert iris.get("/v1/session").status_code == 200
    assert elsewhere.get("/v1/session").status_code == 401
    assert elsewhere.log_in(IRIS).status_code == 401
    assert elsewhere.log_in(IRIS, "another long password").status_code == 200


def test_wrong_logins_wait_by_account_whether_there_is_one_or_not(shop: Shop) -> None:
    for name in ("iris", "unheard"):
        address = f"192.0.2.{len(name)}"
        codes = [Browser(shop, address=address).log_in(login_of(name), "wrong").status_code for _ in range(12)]
        assert codes == [401] * LOGINS_OF_ACCOUNT + [429] * 2
    refused = Browser(shop, address="198.51.100.7").log_in(IRIS)
    assert refused.status_code == 429
    assert refused.headers["retry-after"] == str(WINDOW // times.SECOND)
    shop.clock.now += WINDOW
    assert Browser(shop, address="198.51.100.7").log_in(IRIS).status_code == 200


def test_wrong_logins_wait_by_address_and_right_ones_do_not_count(shop: Shop) -> None:
    browser = Browser(shop, address="192.0.2.1")
    for _ in range(3):
        assert browser.log_in(IRIS).status_code == 200
    codes = [browser.log_in(login_of(f"guess {n}"), "wrong").status_code for n in range(LOGINS_OF_ADDRESS + 1)]
    assert codes == [401] * LOGINS_OF_ADDRESS + [429]
    assert browser.log_in(IRIS).status_code == 429
    assert Browser(shop, address="192.0.2.2").log_in(IRIS).status_code == 200


def test_a_bad_key_beside_a_good_session_is_refused(shop: Shop, iris: Browser) -> None:
    bad = {"Authorization": "Bearer pk_" + "A" * 43}
    assert iris.http.get("/v1/items", headers=bad).status_code == 401
    assert iris.http.get("/v1/items", headers=shop.operator.headers).status_code == 200
