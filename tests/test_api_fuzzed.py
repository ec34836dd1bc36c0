"""Requests made from the OpenAPI document, sent to a real server: none is a 500, and every answer is as described.

Schemathesis makes, for each operation, values that fit the document and values that do not. Where a path names
something, half of the values are ones that exist: an answer that is always 404 would show little. An error has the one
problem shape whatever was sent, and a 2xx answer has the type and schema of api/answers.py.
"""

from __future__ import annotations

import copy
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import requests
import schemathesis
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from schemathesis import GenerationMode
from schemathesis.specs.openapi import checks

from api.app import create_app
from api.problems import KINDS, MEDIA_TYPE
from api.settings import Settings
from tests.build import ring
from tests.served import Server
from tests.shop import PUBLIC_URL, segment
from tests.till import opened_till

EXAMPLES = int(os.environ.get("FUZZED_EXAMPLES", "12"))
"""Requests of one operation that fit, and of those that do not: 217 times this, in about 20 s, others in each run."""
MUTATED = 17 * EXAMPLES
"""Statements that are right in all but one place."""
DOCUMENT: dict[str, Any] = create_app(Settings(Path("nowhere"), PUBLIC_URL)).state.openapi
SCHEMA = schemathesis.openapi.from_dict(DOCUMENT)


def _can_be_wrong(operation: dict[str, Any]) -> bool:
    """Whether something may be sent that does not fit: any text may stand in a path, and no form is read."""
    bodies = operation.get("requestBody", {}).get("content", {}).keys() - {"application/x-www-form-urlencoded"}
    return bool(bodies) or any(one["in"] != "path" for one in operation.get("parameters", []))


OPERATIONS = [
    pytest.param(method, path, mode, id=f"{method} {path} {mode.value}")
    for path, methods in DOCUMENT["paths"].items()
    for method, one in methods.items()
    for mode in (GenerationMode.POSITIVE, GenerationMode.NEGATIVE)
    if mode is GenerationMode.POSITIVE or _can_be_wrong(one)
]
CHECKS = [
    checks.status_code_conformance,
    checks.content_type_conformance,
    checks.response_schema_conformance,
    checks.response_headers_conformance,
]
"""Not that whatever fits the document is accepted: the ledger's rules ask for more than a schema can."""
PROBLEM = {"type", "title", "status", "detail", "errors", "request_id"}


@dataclass
class Target:
    """A server with something in it: an item, its code, its statement."""

    url: str
    headers: dict[str, str]
    known: dict[str, list[str]]
    session: requests.Session
    party: str

    def post(self, path: str, body: Any) -> requests.Response:
        """The answer to a JSON body."""
        return self.session.post(f"{self.url}{path}", json=body, headers=self.headers, timeout=60)


@pytest.fixture(scope="module")
def target(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Target]:
    folder = tmp_path_factory.mktemp("fuzzed") / "var"
    till = opened_till(folder, f"sqlite:///{folder / 'ledger.sqlite3'}")
    with Server(folder) as server, requests.Session() as session:
        till.place, url = server.place, f"http://{server.place}"
        statement = {**till.statement(), "subjects": [ring(1)]}
        till.sell(statement)
        headers = {"Authorization": f"Bearer {till.api_key}", "Accept": "application/json"}
        path = f"{url}/v1/items/{segment(ring(1))}/codes"
        token = session.post(path, json={"kind": "view"}, headers=headers, timeout=60).json()["token"]
        known = {
            "id": [ring(1), statement["id"]],
            "subject": [ring(1), ring(2), till.party],
            "token": [token],
            "gtin": [ring(1).split("/")[4]],
            "serial": [ring(1).split("/")[6]],
            "path": ["0/000", "0/000.p/3", "000", "000.p/3"],
            "name": ["patina.css", "icon.svg"],
        }
        headers["Authorization"] = f"Bearer {till.operator_key}"
        yield Target(url, headers, known, session, till.party)
        assert server.stop() == 0


def check_problem(problem: dict[str, Any], status: int) -> None:
    """The one shape of every error."""
    assert status < 500, problem
    assert set(problem) - {"may_follow"} == PROBLEM
    kind = problem["type"].removeprefix("/docs/problems#")
    assert KINDS[kind] == (status, problem["title"])
    assert problem["detail"]
    for error in problem["errors"]:
        assert set(error) in ({"pointer", "detail"}, {"parameter", "detail"})


@pytest.mark.parametrize(("method", "path", "mode"), OPERATIONS)
def test_every_answer_is_as_described(target: Target, method: str, path: str, mode: GenerationMode) -> None:
    operation = SCHEMA[path][method.upper()]

    @given(data=st.data())
    @settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=list(HealthCheck), database=None)
    def send(data: st.DataObject) -> None:
        case = data.draw(operation.as_strategy(generation_mode=mode))
        for name in list(case.path_parameters):
            if name in target.known and data.draw(st.booleans()):
                case.path_parameters[name] = data.draw(st.sampled_from(target.known[name]))
        answer = case.call(base_url=target.url, session=target.session, headers=target.headers, timeout=60)
        if answer.status_code >= 400:
            assert answer.headers["content-type"] == [MEDIA_TYPE]
            check_problem(answer.json(), answer.status_code)
        case.validate_response(answer, checks=CHECKS)

    send()


SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(2**70), 2**70),
    st.floats(allow_nan=False, allow_infinity=False),
    st.text(max_size=20),
)
JSON = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=10), inner, max_size=3),
    max_leaves=6,
)
SAID: dict[str, dict[str, Any]] = {
    "item.registered": {"name": "Ring", "category": "jewellery", "origin": "intake", "attributes": {"size": "54"}},
    "item.sold": {"channel": "store", "holder_key": "did:key:z6Mk", "holder_custody": "receipt"},
    "repair.completed": {"work": ["clean"], "tests": [{"name": "x", "result": "pass"}], "warranty_days": 90},
    "statement.corrected": {"reason": "typing", "details": {"work": ["clean"]}},
    "party.registered": {"name": "x", "roles": ["carrier"], "country": "GB"},
    "key.added": {"key": "did:key:z6Mk", "custody": "self"},
    "case.opened": {"kind": "repair", "channel": "store", "issue": "quality"},
    "data.erased": {"statements": [], "why": "request"},
}


def places(value: Any, at: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """The path of every value inside a value."""
    for key, inner in value.items() if isinstance(value, dict) else enumerate(value):
        yield (*at, key)
        if isinstance(inner, dict | list):
            yield from places(inner, (*at, key))


@given(data=st.data())
@settings(max_examples=MUTATED, deadline=None, suppress_health_check=list(HealthCheck), database=None)
def test_a_statement_that_is_wrong_in_one_place_is_one_problem(target: Target, data: st.DataObject) -> None:
    kind = data.draw(st.sampled_from(sorted(SAID)))
    subject = f"{target.party}#authority" if kind in {"party.registered", "key.added"} else ring(1)
    statement = {"type": kind, "party": target.party, "subjects": [subject], "details": copy.deepcopy(SAID[kind])}
    body: dict[str, Any] = {"statement": statement}
    if data.draw(st.booleans()):
        body["signatures"] = [{"key": "did:key:z6Mk", "sig": "AA=="}]
    *way, last = data.draw(st.sampled_from(list(places(body))))
    inside: Any = body
    for step in way:
        inside = inside[step]
    inside[last] = data.draw(JSON)
    for path, sent in (("/v1/statements", body), ("/v1/statements/batch", [body, body])):
        answer = target.post(path, sent)
        problems = [answer.json()] if answer.status_code >= 400 else answer.json()
        for problem in problems if isinstance(problems, list) else []:
            if "proof" not in problem:
                check_problem(problem, problem["status"])
