"""Every error has the one shape, says what was got and wanted, and leaves the log as it was."""

from __future__ import annotations

import asyncio
import inspect
import json
import sqlite3
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any
from unittest.mock import ANY

import psycopg
import pytest
import sqlalchemy.exc
from starlette.testclient import TestClient
from starlette.types import Message, Receive, Scope, Send

from api import edge
from api.app import create_app
from api.problems import KINDS, MEDIA_TYPE, problem_of
from api.settings import Settings
from ledger import errors
from ledger.db.ledger import Ledger, open_ledger
from ledger.db.secret import MasterKey
from ledger.dsse import SigningKey
from ledger.errors import PatinaError, Refused, Unavailable
from tests.shop import JSON, RING, START, Party, Shop, open_shop, segment, signed

ABOUT = {"name": "Ring", "category": "jewellery"}
STRANGER = SigningKey.from_seed(bytes(range(3, 35)))


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    with open_shop(tmp_path_factory.mktemp("shop")) as shop:
        shop.say(shop.party("jeweller", "retailer", "repairer"), "item.registered", RING, ABOUT)
        yield shop


@pytest.fixture
def jeweller(shop: Shop) -> Party:
    return shop.parties["jeweller"]


def check_shape(answer: Any, status: int) -> dict[str, Any]:
    """The problem document of an answer, which has the one shape."""
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == MEDIA_TYPE
    problem: dict[str, Any] = answer.json()
    assert set(problem) - {"may_follow"} == {"type", "title", "status", "detail", "errors", "request_id"}
    assert problem["status"] == status
    kind = problem["type"].removeprefix("/docs/problems#")
    assert KINDS[kind] == (status, problem["title"])
    assert problem["request_id"] == answer.headers["x-request-id"]
    for error in problem["errors"]:
        assert set(error) in ({"pointer", "detail"}, {"parameter", "detail"})
        assert error.get("pointer", "/")[:1] in {"", "/"}
    assert answer.headers["content-security-policy"]
    return problem


def changed(shop: Shop, jeweller: Party, **more: Any) -> dict[str, Any]:
    """A body whose statement differs from a good one in some members; ``...`` leaves a member out."""
    statement = shop.statement(jeweller, "maintenance.performed", RING, {"work": ["polish"]}) | more
    return {"statement": {name: value for name, value in statement.items() if value is not ...}}


WRONG_MEMBERS: list[tuple[dict[str, Any], int, str]] = [
    ({"id": "1"}, 422, "/statement/id"),
    ({"id": None}, 422, "/statement/id"),
    ({"type": "Item.Sold"}, 422, "/statement/type"),
    ({"type": "item.unheard_of"}, 422, "/statement/type"),
    ({"type": ...}, 422, "/statement"),
    ({"subjects": []}, 422, "/statement/subjects"),
    ({"subjects": [RING, RING]}, 422, "/statement/subjects"),
    ({"subjects": ["https://id.gs1.org/01/09520123456789/21/1"]}, 422, "/statement/subjects/0"),
    ({"subjects": [RING.replace("%2F", "%2f")]}, 422, "/statement/subjects/0"),
    ({"subjects": [5]}, 422, "/statement/subjects/0"),
    ({"party": "me"}, 422, "/statement/party"),
    ({"occurred_at": "2026-02-30T00:00:00Z"}, 422, "/statement/occurred_at"),
    ({"occurred_at": "2099-01-01T00:00:00Z"}, 422, "/statement/occurred_at"),
    ({"details": {}}, 422, "/statement/details/work"),
    ({"details": {"work": ["a"], "colour": "red"}}, 422, "/statement/details/colour"),
    ({"details": {"work": "a"}}, 422, "/statement/details/work"),
    ({"details": []}, 422, "/statement/details"),
    ({"note": "x"}, 422, "/statement"),
    ({"ledger": "0" * 64}, 422, "/statement/ledger"),
    ({"ledger": "zz"}, 422, "/statement/ledger"),
    ({"_sd": ["x"]}, 422, "/statement/_sd"),
    ({"grant": "0" * 64}, 422, "/statement"),
    ({"case": "urn:uuid:00000000-0000-7000-8000-000000000000"}, 409, "/statement/case"),
    ({"corrects": "urn:uuid:00000000-0000-7000-8000-000000000000"}, 422, "/statement/corrects"),
    (
        {
            "type": "authentication.certified",
            "details": {"certificate_no": "1", "result": "authentic", "methods": ["x"]},
        },
        403,
        "/statement",
    ),
    ({"type": "item.registered", "details": ABOUT}, 409, "/statement/subjects/0"),
    ({"type": "item.recovered", "details": {}}, 403, "/statement"),
    ({"type": "ledger.key_added", "details": {"vkey": "a+00000000+AAAA"}}, 409, "/statement"),
]


@pytest.mark.parametrize(("members", "status", "pointer"), WRONG_MEMBERS)
def test_a_statement_that_is_wrong_in_one_member(
    shop: Shop, jeweller: Party, members: dict[str, Any], status: int, pointer: str
) -> None:
    size = shop.size()
    problem = check_shape(shop.post("/v1/statements", changed(shop, jeweller, **members), jeweller), status)
    assert problem["errors"][0]["pointer"].startswith(pointer)
    assert shop.size() == size


WRONG_BODIES: list[tuple[bytes, int]] = [
    (b"", 400),
    (b"{", 400),
    (b"null", 400),
    (b"[]", 400),
    (b'"x"', 400),
    (b"\xff", 400),
    (b'{"statement": {"a": 1.5}}', 400),
    (b'{"statement": {"a": 1e3}}', 400),
    (b'{"statement": {"a": 1, "a": 1}}', 400),
    (b'{"statement": {"a": NaN}}', 400),
    (b'{"statement": {"a": 9007199254740993}}', 400),
    (b'{"statement": {"__proto__": 1}}', 400),
    (b'{"statement": {"a": "\\u0000"}}', 400),
    (b'{"statement": {"a": "\\ud800"}}', 400),
    (b'{"statement": ' + b"[" * 40 + b"]" * 40 + b"}", 400),
    (b"[" * 100_000, 400),
    (b"{}", 422),
    (b'{"statement": {}, "extra": 1}', 422),
    (b'{"statement": 1}', 422),
    (b'{"statement": null}', 422),
    (b'{"statement": {}, "signatures": {}}', 422),
]


@pytest.mark.parametrize(("body", "status"), WRONG_BODIES)
@pytest.mark.parametrize("path", ["/v1/statements", "/v1/items", "/v1/parties", "/v1/keys"])
def test_a_body_that_is_no_json_or_no_statement(shop: Shop, path: str, body: bytes, status: int) -> None:
    size = shop.size()
    check_shape(shop.client.post(path, content=body, headers={**shop.operator.headers, **JSON}), status)
    assert shop.size() == size


@pytest.mark.parametrize(
    ("signatures", "pointer"),
    [
        ([{}], "/signatures/0"),
        ([1], "/signatures/0"),
        ("x", "/signatures"),
        ([{"key": STRANGER.did, "sig": "A" * 88}], "/signatures/0"),
        ([{"key": "did:key:z6Mk", "sig": "A" * 86 + "=="}], "/signatures/0"),
        ([{"key": STRANGER.did, "sig": "x", "alg": "none"}], "/signatures/0"),
    ],
)
def test_signatures_that_are_wrong_in_form(shop: Shop, jeweller: Party, signatures: Any, pointer: str) -> None:
    size = shop.size()
    body = {**changed(shop, jeweller), "signatures": signatures}
    problem = check_shape(shop.post("/v1/statements", body, jeweller), 422)
    assert problem["errors"][0]["pointer"].startswith(pointer)
    assert shop.size() == size


def test_five_signatures_and_two_by_one_key_are_too_many(shop: Shop, jeweller: Party) -> None:
    body = signed(changed(shop, jeweller)["statement"], STRANGER)
    for count, pointer in ((2, "/signatures"), (5, "/signatures")):
        problem = check_shape(
            shop.post("/v1/statements", {**body, "signatures": body["signatures"] * count}, jeweller), 422
        )
        assert problem["errors"][0]["pointer"] == pointer


def test_a_statement_larger_than_it_may_be(shop: Shop, jeweller: Party) -> None:
    size = shop.size()
    many = {"work": [f"{number:0190d}" for number in range(190)]}
    check_shape(shop.post("/v1/statements", changed(shop, jeweller, details=many), jeweller), 422)
    assert shop.size() == size


@pytest.mark.parametrize(("path", "limit"), [("/v1/statements", 2**20), ("/v1/statements/batch", 2**23)])
@pytest.mark.parametrize("declared", [True, False])
def test_a_body_larger_than_the_limit(shop: Shop, path: str, limit: int, declared: bool) -> None:
    size = shop.size()
    content: Any = b" " * (limit + 1) if declared else iter([b" " * limit, b" "])
    check_shape(shop.client.post(path, content=content, headers={**shop.operator.headers, **JSON}), 413)
    exact: Any = b" " * limit if declared else iter([b" " * limit])
    check_shape(
        shop.client.post(path, content=exact, headers={**shop.operator.headers, **JSON}),
        422 if "batch" in path else 400,
    )
    assert shop.size() == size


def test_of_a_body_that_does_not_end_so_much_is_heard_out_and_no_more(monkeypatch: pytest.MonkeyPatch) -> None:
    async def refused(body: AsyncIterator[bytes]) -> tuple[list[Any], int]:
        sent: list[Any] = []
        taken = 0

        async def receive() -> Message:
            nonlocal taken
            part = await anext(body)
            taken += len(part)
            return {"type": "http.request", "body": part, "more_body": True}

        async def send(message: Message) -> None:
            sent.append(message)

        async def app(scope: Scope, receive: Receive, send: Send) -> None:
            raise AssertionError

        scope = {"type": "http", "method": "POST", "path": "/", "headers": [(b"content-length", b"9" * 12)]}
        await edge.Edge(app)(scope, receive, send)
        return sent, taken

    async def for_ever() -> AsyncIterator[bytes]:
        while True:
            yield b" " * 65536

    async def never() -> AsyncIterator[bytes]:
        await asyncio.Event().wait()
        yield b""

    sent, taken = asyncio.run(refused(for_ever()))
    assert taken == edge.HEARD_OUT
    start, problem, end = sent
    assert (start["status"], json.loads(problem["body"])["status"], problem["more_body"]) == (413, 413, True)
    assert end == {"type": "http.response.body"}
    monkeypatch.setattr(edge, "PATIENCE", 0.01)
    assert asyncio.run(refused(never())) == (ANY, 0)


@pytest.mark.parametrize("kind", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x"])
@pytest.mark.parametrize("path", ["/v1/statements", "/v1/statements/batch", "/v1/items", "/v1/parties"])
def test_another_type_of_content(shop: Shop, path: str, kind: str) -> None:
    headers = {**shop.operator.headers, "Content-Type": kind}
    check_shape(shop.client.post(path, content=b"{}", headers=headers), 415)


def test_problems_of_addresses(shop: Shop, jeweller: Party) -> None:
    check_shape(shop.get("/nowhere"), 404)
    check_shape(shop.get("/v1/items"), 401)
    check_shape(shop.get("/v1/parties", jeweller), 403)
    check_shape(shop.client.delete("/v1/items"), 405)
    check_shape(shop.get("/v1/items/%FF", jeweller), 400)
    check_shape(shop.get(f"/v1/items/{segment(RING)}?at=x", jeweller), 422)
    check_shape(shop.post("/v1/statements/batch?atomic=maybe", [], jeweller), 422)
    check_shape(shop.get("/tile/99/000"), 404)
    check_shape(shop.get("/v1/log/proof/inclusion?index=x"), 422)
    check_shape(shop.get("/i/unknown", accept="application/json"), 404)


def test_a_key_that_is_sent_as_something_else_is_told_how(shop: Shop) -> None:
    answer = shop.client.get("/v1/items", headers={"Authorization": "Basic dXNlcjpwdw=="})
    assert check_shape(answer, 401)["detail"] == "got an Authorization of another kind, want Bearer and an API key"


def test_a_batch_is_refused_whole_only_where_its_frame_is_broken(shop: Shop, jeweller: Party) -> None:
    for body, status in ((b"[1,", 400), (b"[]", 422), (b"\n\n", 422), (b"[{}]", 200), (b"{", 200)):
        answer = shop.client.post("/v1/statements/batch", content=body, headers={**jeweller.headers, **JSON})
        assert answer.status_code == status, answer.text
        if status != 200:
            check_shape(answer, status)


def test_a_conflict_says_what_may_follow(shop: Shop, jeweller: Party) -> None:
    answer = shop.post("/v1/statements", {"statement": shop.registered(jeweller)}, jeweller)
    assert "statement.corrected" in check_shape(answer, 409)["may_follow"]


def test_a_full_queue_asks_to_come_back(shop: Shop, jeweller: Party, monkeypatch: pytest.MonkeyPatch) -> None:
    async def full(*_: Any, **__: Any) -> Any:
        raise Unavailable("got more than 4096 statements at once, want you to try again")

    monkeypatch.setattr(shop.app.state.site.appender, "append", full)
    answer = shop.post("/v1/statements", changed(shop, jeweller), jeweller)
    check_shape(answer, 503)
    assert answer.headers["retry-after"] == "1"


def test_our_own_fault_is_one_problem_with_an_id_and_no_more(
    shop: Shop, jeweller: Party, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(type(shop.ledger.reader), "size", lambda _: 1 // 0)
    monkeypatch.setattr(type(shop.ledger.access), "api_keys", lambda _: 1 // 0)
    for path, who in ((f"/v1/items/{segment(RING)}?at=1", jeweller), ("/v1/keys", shop.operator)):
        problem = check_shape(shop.get(path, who), 500)
        assert "division" not in json.dumps(problem)
        assert problem["request_id"] in caplog.text


@pytest.mark.parametrize(
    "error",
    [
        sqlite3.OperationalError("disk I/O error"),
        psycopg.OperationalError("server closed the connection"),
        psycopg.InterfaceError("the connection is closed"),
        sqlalchemy.exc.OperationalError("SELECT secret", {}, Exception()),
        sqlalchemy.exc.InterfaceError("SELECT secret", {}, Exception()),
        sqlalchemy.exc.TimeoutError(),
    ],
    ids=lambda error: f"{type(error).__module__}.{type(error).__name__}",
)
def test_a_database_that_is_away_asks_to_come_back(
    shop: Shop, jeweller: Party, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    def away(*_: Any) -> Any:
        raise error

    monkeypatch.setattr(type(shop.ledger.reader), "size", away)
    monkeypatch.setattr(type(shop.ledger.access), "api_keys", away)
    for path, who in ((f"/v1/items/{segment(RING)}?at=1", jeweller), ("/v1/keys", shop.operator)):
        answer = shop.get(path, who)
        assert "secret" not in check_shape(answer, 503)["detail"]
        assert answer.headers["retry-after"] == "1"
    monkeypatch.setattr(type(shop.ledger.access), "find_api_key", away)
    check_shape(shop.get("/v1/items", jeweller), 503)


def test_every_error_of_the_ledger_has_a_problem() -> None:
    subclasses = [
        one
        for _, one in inspect.getmembers(errors, inspect.isclass)
        if issubclass(one, PatinaError) and one is not PatinaError
    ]
    assert len(subclasses) == 7
    for one in subclasses:
        error = one("got a, want b", check=1) if one is errors.Disproved else one("got a, want b")
        assert problem_of(error).status in {400, 403, 409, 422, 503}
    assert problem_of(Refused("x", "/y", ("item.sold",))).may_follow == ("item.sold",)


def test_the_documentation_has_each_kind_of_problem(shop: Shop) -> None:
    page = shop.get("/docs/problems").text
    for kind in KINDS:
        assert f'id="{kind}"' in page


def test_a_ledger_that_may_not_be_opened_is_said_everywhere(tmp_path: Path) -> None:
    def refuse() -> Any:
        raise Unavailable("the head is behind the guard: a backup was restored")

    with TestClient(create_app(Settings(tmp_path, "http://x.example", jobs=False), refuse)) as client:
        assert client.get("/healthz").status_code == 200
        assert "backup" in check_shape(client.get("/readyz"), 503)["detail"]
        for path in ("/checkpoint", "/v1/items", "/i/x"):
            answer = client.get(path, headers={"Authorization": "Bearer pk_x", "Accept": "application/json"})
            assert "backup" in check_shape(answer, 503)["detail"]


def test_a_master_key_of_another_ledger_is_told_before_anybody_writes(tmp_path: Path) -> None:
    with open_shop(tmp_path):
        pass
    settings = Settings(tmp_path, "http://x.example", jobs=False)

    def open_it() -> Ledger:
        return open_ledger(settings.url, directory=tmp_path, master=MasterKey(bytes(32)), clock=lambda: START)

    with TestClient(create_app(settings, open_it)) as client:
        assert "does not open this ledger's keys" in check_shape(client.get("/readyz"), 503)["detail"]
        assert client.get("/checkpoint").status_code == 200
