"""People at browsers: for tests of sessions, roles and what a session may call."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from argon2 import PasswordHasher
from starlette.testclient import TestClient

from ledger.db.people import Person
from tests.shop import Shop, open_shop

HTTPS = "https://shop.example"
PASSWORD = "correct horse battery"
PIN = "730184"
# Argon2id of the least memory: a check works as its hash says. What ours cost is shown in tests/test_passwords.py.
_QUICK = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
HASHED = _QUICK.hash(PASSWORD)
HASHED_PIN = _QUICK.hash(PIN)


class Browser:
    """A browser with its own cookies, and the token that its page was told."""

    def __init__(self, shop: Shop, *, address: str = "phone") -> None:
        # Not entered: the ledger is opened once, by the shop's own client.
        self.http = TestClient(shop.app, base_url=shop.app.state.site.settings.public_url, client=(address, 1))
        self.http.portal = shop.client.portal
        self.csrf = ""

    def log_in(self, login: str, password: str = PASSWORD, **headers: str) -> Any:
        answer = self.http.post("/v1/session", json={"login": login, "password": password}, headers=headers)
        return self._told(answer)

    def log_in_by_pin(self, person: str, pin: str = PIN) -> Any:
        return self._told(self.http.post("/v1/session/pin", json={"person": person, "pin": pin}))

    def request(self, method: str, path: str, **more: Any) -> Any:
        """A request with the token, as our own page makes it."""
        headers = {"Patina-Csrf": self.csrf, **more.pop("headers", {})}
        return self.http.request(method, path, headers=headers, **more)

    def post(self, path: str, body: Any) -> Any:
        return self._told(self.request("POST", path, json=body))

    def get(self, path: str) -> Any:
        return self.http.get(path)

    def _told(self, answer: Any) -> Any:
        if answer.headers.get("content-type") == "application/json" and isinstance(answer.json(), dict):
            self.csrf = answer.json().get("csrf", self.csrf)
        return answer


def add_person(shop: Shop, party: str, role: str, name: str | None = None) -> Person:
    """A person of a party with the password and the PIN of every test; her login is her name at example.org."""
    people = shop.ledger.access.people
    name = name or f"{role} {party[-4:]}"
    person = people.add(party, role, name.title(), login_of(name))
    people.set_password(person.id, HASHED)
    people.set_pin(person.id, HASHED_PIN)
    return person


def login_of(name: str) -> str:
    """The login of the person whom ``add_person`` gave this name."""
    return f"{name.replace(' ', '.')}@example.org"


def signed_in(shop: Shop, party: str, role: str) -> Browser:
    """A browser at which a new person of this role came in."""
    browser = Browser(shop)
    name = f"{role} {len(shop.ledger.access.people.all())}"
    add_person(shop, party, role, name)
    answer = browser.log_in(login_of(name))
    assert answer.status_code == 200, answer.text
    return browser


@contextmanager
def open_console(directory: Path, url: str | None = None, **more: Any) -> Iterator[Shop]:
    """A shop whose public address is https, so that people may come in."""
    with open_shop(directory, url, public_url=more.pop("public_url", HTTPS), **more) as shop:
        shop.party("Alder", "retailer", "repairer")
        yield shop
