"""Every route by every kind of caller, held against one table: what has no row here is a failure.

A row says who is let in; whoever is not is told 401 if we do not know who asks, 404 by a code that leads nowhere, and
else 403. Let in means that the answer is about what was asked: bodies are broken on purpose, and ids are nobody's.
Entries are not public here, so that also what concerns only some parties shows.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import pytest

from api.visiting import csrf_token
from ledger import times
from ledger.db.visits import LONGEST
from ledger.shortcode import short_of
from tests.build import uuid
from tests.console import Browser, add_person, open_console
from tests.shop import RING, Party, Shop, segment

UNKNOWN = frozenset({"nobody", "bad key", "expired key", "revoked key", "ended session"})
"""Callers of whom we do not know who they are."""
KEYS = frozenset({"read key", "write key"})
PEOPLE = frozenset({"owner", "manager", "staff", "technician", "auditor", "technician at a tablet"})
AUDITING = frozenset({"registered auditor", "auditor by grant", "auditor whose grant ended"})
OUTSIDE = AUDITING | {"parent", "sibling", "below"}
CODES = frozenset({"view code", "revoked code"})
"""Callers without key or session, whose code stands in the address or in ``Patina-Code``."""
KNOWN = KEYS | PEOPLE | OUTSIDE | {"admin key"}
ALL = UNKNOWN | KNOWN | CODES | {"sibling with a code"}

ANYBODY = ALL
READERS = KNOWN | {"sibling with a code"}
WRITERS = READERS - {"read key", "auditor"}
CONCERNED = KEYS | PEOPLE | {"admin key", "parent", "registered auditor", "auditor by grant", "sibling with a code"}
"""Whom the item of the test concerns: its party's keys and people, the chain above, auditors, who brings its code."""
AUDITORS = frozenset({"admin key", "registered auditor"})
SESSIONS = PEOPLE
MANAGERS = frozenset({"owner", "manager", "admin key"})
REPORTERS = READERS - {"staff", "technician", "technician at a tablet"}
OWNERS = frozenset({"owner", "admin key"})
ADMIN = frozenset({"admin key"})
TABLETS = frozenset({"technician at a tablet"})
HOLDING_A_CODE = frozenset({"view code"})
NOBODY: frozenset[str] = frozenset()
"""No code of this test is one of a case or of a receipt, or what a message ends with."""

TABLE: dict[tuple[str, str], frozenset[str]] = {
    ("POST", "/v1/statements"): WRITERS,
    ("POST", "/v1/statements/batch"): WRITERS,
    ("GET", "/v1/statements/{id}"): CONCERNED,
    ("GET", "/v1/statements/{id}/paper"): CONCERNED,
    ("POST", "/v1/items"): WRITERS,
    ("GET", "/v1/items"): READERS,
    ("GET", "/v1/items/{id:path}/history"): CONCERNED,
    ("GET", "/v1/items/{id:path}"): CONCERNED,
    ("GET", "/v1/items/{id:path}/responsibility"): CONCERNED,
    ("GET", "/v1/cases"): READERS,
    ("GET", "/v1/cases/{id}"): READERS,
    ("GET", "/v1/maintenance"): READERS,
    ("POST", "/v1/check"): WRITERS,
    ("GET", "/v1/parties/{id}/standards"): ANYBODY,
    ("GET", "/v1/items/{id:path}/qr.svg"): READERS,
    ("GET", "/v1/items/{id:path}/qr.png"): READERS,
    ("POST", "/v1/items/{id:path}/codes"): WRITERS,
    ("GET", "/v1/items/{id:path}/codes"): READERS,
    ("DELETE", "/v1/items/{id:path}/codes/{code}"): WRITERS,
    ("POST", "/v1/codes"): WRITERS,
    ("GET", "/v1/codes"): READERS,
    ("DELETE", "/v1/codes/{code}"): WRITERS,
    ("POST", "/v1/attachments"): WRITERS,
    ("GET", "/v1/attachments/{sha256}"): READERS,
    ("GET", "/v1/attachments/{sha256}/thumbnail"): READERS,
    ("POST", "/v1/erasures"): WRITERS,
    ("GET", "/v1/erasures"): READERS,
    ("GET", "/v1/erasures/{id}"): READERS,
    ("POST", "/v1/find"): READERS,
    ("GET", "/v1/readings"): READERS,
    ("GET", "/v1/signals"): READERS,
    ("GET", "/v1/risks"): READERS,
    ("GET", "/v1/parties/{id}/feedback"): CONCERNED - {"sibling with a code"},
    ("GET", "/p/{party}"): ANYBODY,
    **dict.fromkeys([("GET", "/p/{party}/qr.svg"), ("GET", "/p/{party}/qr.png")], ANYBODY),
    ("POST", "/p/{party}/cases"): ANYBODY,
    ("GET", "/v1/signing-keys"): READERS,
    ("POST", "/v1/signing-keys"): OWNERS,
    ("POST", "/v1/signing-keys/rotate"): OWNERS,
    ("POST", "/v1/signing-keys/revoke"): OWNERS,
    ("POST", "/v1/parties/{id}/suspend"): ADMIN,
    ("POST", "/v1/parties/{id}/reinstate"): ADMIN,
    ("GET", "/v1/parties"): ADMIN,
    ("POST", "/v1/parties"): ADMIN,
    ("GET", "/v1/keys"): OWNERS,
    ("POST", "/v1/keys"): OWNERS,
    ("POST", "/v1/keys/{id}/rotation"): OWNERS,
    ("DELETE", "/v1/keys/{id}"): OWNERS,
    ("POST", "/v1/session"): ANYBODY,
    ("GET", "/v1/session"): SESSIONS,
    ("DELETE", "/v1/session"): SESSIONS,
    ("POST", "/v1/session/password"): SESSIONS,
    ("POST", "/v1/session/pin"): ANYBODY,
    ("GET", "/v1/session/people"): TABLETS,
    ("POST", "/v1/session/device"): ANYBODY,
    ("GET", "/v1/session/oidc"): ANYBODY,
    ("GET", "/v1/session/oidc/callback"): ANYBODY,
    ("GET", "/v1/devices"): MANAGERS,
    ("POST", "/v1/devices"): MANAGERS,
    ("POST", "/v1/devices/{id}/key"): MANAGERS,
    ("DELETE", "/v1/devices/{id}"): MANAGERS,
    ("GET", "/v1/grants"): READERS,
    ("POST", "/v1/grants"): MANAGERS,
    ("DELETE", "/v1/grants/{id}"): MANAGERS,
    ("GET", "/v1/reports"): REPORTERS,
    ("POST", "/v1/reports"): REPORTERS,
    ("GET", "/v1/reports/{id}"): REPORTERS,
    ("GET", "/v1/report-schedules"): REPORTERS,
    ("POST", "/v1/report-schedules"): MANAGERS,
    ("DELETE", "/v1/report-schedules/{id}"): MANAGERS,
    ("GET", "/v1/webhooks"): MANAGERS,
    ("POST", "/v1/webhooks"): MANAGERS,
    ("POST", "/v1/webhooks/{id}"): MANAGERS,
    ("DELETE", "/v1/webhooks/{id}"): MANAGERS,
    ("POST", "/v1/webhooks/{id}/rotation"): MANAGERS,
    ("POST", "/v1/webhooks/{id}/test"): MANAGERS,
    ("POST", "/v1/webhooks/{id}/replay"): MANAGERS,
    ("GET", "/v1/notices"): READERS,
    **dict.fromkeys([("GET", "/v1/addresses"), ("POST", "/v1/addresses")], MANAGERS),
    ("DELETE", "/v1/addresses/{id}"): MANAGERS,
    ("GET", "/v1/people"): MANAGERS,
    ("POST", "/v1/people"): MANAGERS,
    ("POST", "/v1/people/{id}"): MANAGERS,
    ("DELETE", "/v1/people/{id}"): MANAGERS,
    ("GET", "/checkpoint"): ANYBODY,
    ("GET", "/tile/entries/{path:path}"): AUDITORS,
    ("GET", "/tile/{path:path}"): ANYBODY,
    ("GET", "/v1/log/proof/inclusion"): ANYBODY,
    ("GET", "/v1/log/proof/consistency"): ANYBODY,
    ("GET", "/v1/log/map/{subject:path}"): ANYBODY,
    ("GET", "/v1/log/keys"): ANYBODY,
    ("GET", "/v1/log/health"): READERS,
    ("GET", "/i/{token}"): HOLDING_A_CODE,
    ("GET", "/i/{token}/history"): HOLDING_A_CODE,
    ("GET", "/i/{token}/papers/{statement}"): HOLDING_A_CODE,
    ("GET", "/i/{token}/qr.svg"): HOLDING_A_CODE,
    ("GET", "/i/{token}/qr.png"): HOLDING_A_CODE,
    ("POST", "/i/{token}/history"): HOLDING_A_CODE,
    ("POST", "/i/{token}/statements"): HOLDING_A_CODE,
    ("GET", "/i/{token}/attachments/{sha256}"): HOLDING_A_CODE,
    ("GET", "/i/{token}/attachments/{sha256}/thumbnail"): HOLDING_A_CODE,
    ("POST", "/i/{token}/attachments"): HOLDING_A_CODE,
    ("POST", "/i/{token}/attachments/{sha256}"): HOLDING_A_CODE,
    ("GET", "/c/{token}/attachments/{sha256}"): NOBODY,
    ("GET", "/c/{token}/attachments/{sha256}/thumbnail"): NOBODY,
    ("GET", "/c/{token}"): NOBODY,
    ("GET", "/c/{token}/history"): NOBODY,
    ("POST", "/c/{token}/history"): NOBODY,
    **dict.fromkeys([("GET", "/c/{token}/qr.svg"), ("GET", "/c/{token}/qr.png")], HOLDING_A_CODE),
    ("POST", "/c/{token}/statements"): NOBODY,
    ("GET", "/n/{token}"): NOBODY,
    ("POST", "/n/{token}"): NOBODY,
    **dict.fromkeys([("GET", "/a/{token}"), ("POST", "/a/{token}")], NOBODY),
    ("POST", "/v1/receipts"): WRITERS,
    ("DELETE", "/v1/receipts/{receipt}"): WRITERS,
    ("GET", "/r/{token}"): NOBODY,
    ("GET", "/r/{token}/paper"): NOBODY,
    **dict.fromkeys([("GET", "/r/{token}/qr.svg"), ("GET", "/r/{token}/qr.png")], NOBODY),
    ("GET", "/o"): ANYBODY,
    ("GET", "/s/{short_code}"): HOLDING_A_CODE,
    ("GET", "/01/{gtin}/21/{serial}"): ANYBODY,
    ("GET", "/8004/{giai}"): ANYBODY,
    ("GET", "/healthz"): ANYBODY,
    ("GET", "/readyz"): ANYBODY,
    ("GET", "/metrics"): ADMIN,
    ("GET", "/"): ANYBODY,
    ("GET", "/docs"): ANYBODY,
    ("GET", "/docs/problems"): ANYBODY,
    ("GET", "/openapi.json"): ANYBODY,
    ("GET", "/static/{name}"): ANYBODY,
    ("GET", "/static/{mark}/{name}"): ANYBODY,
    ("GET", "/console"): ANYBODY,
    ("GET", "/console/worker.js"): ANYBODY,
    ("GET", "/console/files/{mark}/{name}"): ANYBODY,
    ("GET", "/console/ledger"): ANYBODY,
    ("GET", "/console/ledger/{page}"): ANYBODY,
    ("GET", "/console/{page}"): ANYBODY,
    ("GET", "/robots.txt"): ANYBODY,
    ("GET", "/favicon.ico"): ANYBODY,
}
UNASKED = {("GET", "/v1/session/people"): 401}
"""What whoever is not let in is told there instead: without the tablet's cookie we do not know who asks."""
NOT_THERE = frozenset(
    {"/v1/session/oidc", "/v1/session/oidc/callback", "/8004/{giai}", "/v1/erasures/{id}", "/v1/cases/{id}"}
    | {"/v1/parties/{id}/standards", "/v1/reports/{id}", "/v1/statements/{id}/paper", "/i/{token}/papers/{statement}"}
    | {f"{at}/{{sha256}}{end}" for at in ("/v1/attachments", "/i/{token}/attachments") for end in ("", "/thumbnail")}
)
"""What is answered with 404 to whoever is let in: no provider is configured, no such item, erasure or file is, and a
registration has no paper."""


Come = Callable[[Browser], dict[str, str]]
"""Comes to a browser, and says what it sends."""


@dataclass
class Street:
    """The shop of the table: a chain with two shops, of which one has the item, and everybody who may come by."""

    shop: Shop
    item: str
    statement: str
    token: str
    lost: str
    callers: dict[str, Come]


@pytest.fixture(scope="module")
def street(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Street]:
    with open_console(tmp_path_factory.mktemp("street"), entries_public=False) as shop:
        for name, parent, role in (
            ("Chain", None, "retailer"),
            ("North", "Chain", "retailer"),
            ("South", "Chain", "retailer"),
            ("Corner", "North", "retailer"),
            ("Registered", None, "auditor"),
            ("Granted", None, "auditor"),
            ("Ended", None, "auditor"),
        ):
            body = {"name": name, "roles": [role], "id": uuid(name)} | ({"parent": uuid(parent)} if parent else {})
            assert shop.post("/v1/parties", body, shop.operator).status_code == 201
            shop.parties[name] = Party(uuid(name), shop.api_key(uuid(name), "write"))
        about = {"name": "Ring", "category": "jewellery"}
        receipt = shop.say(shop.parties["North"], "item.registered", RING, about)
        token, lost = (shop.code(shop.parties["North"]) for _ in range(2))
        found = shop.ledger.codes.find(lost)
        assert found is not None
        shop.ledger.codes.revoke(found.id)
        yield Street(shop, RING, receipt["id"], token, lost, callers_of(shop, token, lost))


def callers_of(shop: Shop, token: str, lost: str) -> dict[str, Come]:
    """How each caller comes by: what it sends, after it was let in where it has a session."""
    north = uuid("North")
    people = {role: add_person(shop, north, role, role).id for role in PEOPLE - TABLETS}
    expired, revoked = ended_keys(shop)
    give_grants(shop)
    return {
        "nobody": lambda _: {},
        "bad key": bearer("pk_" + "A" * 43),
        "expired key": bearer(expired),
        "revoked key": bearer(revoked),
        "ended session": session(shop, people["owner"], over=True),
        "read key": bearer(shop.api_key(north, "read")),
        "write key": bearer(shop.parties["North"].key),
        "admin key": bearer(shop.operator.key),
        "parent": bearer(shop.parties["Chain"].key),
        "sibling": bearer(shop.parties["South"].key),
        "below": bearer(shop.parties["Corner"].key),
        "registered auditor": bearer(shop.parties["Registered"].key),
        "auditor by grant": bearer(shop.parties["Granted"].key),
        "auditor whose grant ended": bearer(shop.parties["Ended"].key),
        "view code": lambda _: {"Patina-Code": token},
        "revoked code": lambda _: {"Patina-Code": lost},
        "sibling with a code": bearer(shop.parties["South"].key, **{"Patina-Code": token}),
        "technician at a tablet": at_tablet(shop, people["technician"]),
        **{role: session(shop, person) for role, person in people.items()},
    }


def bearer(secret: str, **headers: str) -> Come:
    """Sends an API key."""
    return lambda _: {"Authorization": f"Bearer {secret}", **headers}


def session(shop: Shop, person: str, *, over: bool = False) -> Come:
    """Has a new session each time; one that is over at once, if said so."""

    def come(browser: Browser) -> dict[str, str]:
        enter(shop, browser, person)
        if over:
            shop.ledger.access.visits.let_out(person)
        return {}

    return come


def at_tablet(shop: Shop, person: str) -> Come:
    """Has a session that was made at a tablet, and that tablet's key."""
    tablet, secret = shop.ledger.access.visits.enrol(uuid("North"), "Bench")

    def come(browser: Browser) -> dict[str, str]:
        enter(shop, browser, person, tablet.id)
        browser.http.cookies.set("__Host-patina-device", secret, domain="shop.example")
        return {}

    return come


def enter(shop: Shop, browser: Browser, person: str, device: str | None = None) -> None:
    """Let a person in without asking for her password, which is tested elsewhere and takes its time."""
    secret = shop.ledger.access.visits.enter(person, device)
    browser.http.cookies.set("__Host-patina-session", secret, domain="shop.example")
    browser.csrf = csrf_token(secret)


def ended_keys(shop: Shop) -> tuple[str, str]:
    """A key that ends in a minute, and one that is revoked."""
    keys = shop.ledger.access.keys
    expired = keys.create(uuid("North"), ["write"], expires_at=shop.clock.now + times.MINUTE)
    revoked = keys.create(uuid("North"), ["write"])
    found = keys.find(revoked)
    assert found is not None
    assert keys.revoke(found.id)
    return expired, revoked


def give_grants(shop: Shop) -> None:
    """One grant that goes on and one that ends; then a minute passes, and of both roles the grants are what is left."""
    give, now = shop.ledger.access.grants.give, shop.clock.now
    give(uuid("North"), uuid("Granted"), None, (), now + 300 * times.DAY)
    give(uuid("North"), uuid("Ended"), None, (), now + times.MINUTE)
    shop.clock.now += times.MINUTE
    for name in ("Granted", "Ended"):
        details = {"name": name, "roles": ["carrier"]}
        shop.say(shop.operator, "party.updated", f"{uuid(name)}#authority", details)


def address(street: Street, path: str, who: str) -> str:
    """A path of the table with the item, its statement and the caller's code in it."""
    code = {"view code": street.token, "revoked code": street.lost}.get(who, "A" * 22)
    for name, value in {
        "/v1/items/{id:path}": f"/v1/items/{segment(street.item)}",
        "/v1/statements/{id}": f"/v1/statements/{segment(street.statement)}",
        "/v1/parties/{id}/feedback": f"/v1/parties/{segment(uuid('North'))}/feedback",
        "{party}": uuid("North").removeprefix("urn:uuid:"),
        "{statement}": segment(street.statement),
        "{subject:path}": segment(street.item),
        "{token}": code,
        "{short_code}": short_of(code),
        "{gtin}": "09520123456788",
        "{serial}": "R%2F001",
        "{giai}": "unknown",
        "/tile/{path:path}": "/tile/0/000.p/1",
        "/tile/entries/{path:path}": "/tile/entries/000.p/1",
        "/static/{mark}/{name}": street.shop.app.state.site.pages.modules.entry,
        "/console/files/{mark}/{name}": f"/console/files/{street.shop.app.state.site.console.mark}/main.js",
        "/ledger/{page}": "/ledger/audit",
        "{page}": "find",
        "{name}": "patina.css",
        "{id}": "0" * 16,
        "{code}": "0" * 16,
        "{receipt}": "0" * 16,
        "{sha256}": "0" * 64,
    }.items():
        path = path.replace(name, value)
    return path + ("?index=0&old=1" if path.endswith(("inclusion", "consistency")) else "")


@pytest.mark.parametrize(("method", "path"), TABLE)
def test_every_route_by_every_caller(street: Street, method: str, path: str) -> None:
    before = changeable(street.shop)
    for number, who in enumerate(sorted(ALL)):
        browser = Browser(street.shop, address=f"192.0.2.{number}")
        headers = street.callers[who](browser)
        body = {"content": b"{"} if method == "POST" else {}
        answer = browser.request(method, address(street, path, who), headers=headers, follow_redirects=False, **body)
        if who in TABLE[method, path]:
            if method == "GET":
                assert answer.status_code == (404 if path in NOT_THERE else 200), (who, answer.text)
            # A body that does not parse, or is no file; an id that is nobody's; of DELETE /v1/session, that it is done.
            assert answer.status_code in {200, 400, 404, 415}, (who, answer.text)
            continue
        guessed = "{token}" in path or "{short_code}" in path
        want = UNASKED.get((method, path)) or (404 if guessed else 401 if who in UNKNOWN | CODES else 403)
        assert answer.status_code == want, (who, answer.text)
    assert changeable(street.shop) == before


def changeable(shop: Shop) -> list[object]:
    """What a request of this test could change, and must not."""
    access = shop.ledger.access
    keys = [(key.id, key.expires_at, key.revoked_at) for key in access.api_keys()]
    return [shop.size(), keys, access.people.all(), access.visits.tablets(), access.grants.of(uuid("North"))]


def test_every_route_has_a_row_and_every_row_a_route(street: Street) -> None:
    served = {
        (method, route.path)
        for route in street.shop.app.state.routes
        for method in route.methods or ()
        if method != "HEAD"
    }
    assert served == set(TABLE)


def test_every_caller_of_the_table_comes_by(street: Street) -> None:
    assert set(street.callers) == set(ALL)
    assert all(row <= ALL for row in TABLE.values())
    assert LONGEST > times.HOUR
