"""The OpenAPI 3.1 document of every route: FastAPI's own, and the Starlette routes described from their docstrings.

Each operation says which right it needs (``x-right``), from the same table that enforces it.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Sequence
from typing import Any

from fastapi.openapi.utils import get_openapi
from starlette.routing import BaseRoute

from api.answers import SCHEMAS, describe_answers
from api.files.kinds import SUFFIXES
from api.pages.catalogue import LANGUAGES
from api.problems import KINDS, MEDIA_TYPE
from api.raw_route import RawRoute
from api.rights import ENTRIES, PUBLIC, RIGHTS, SESSION
from api.roles import ROLES
from api.visiting import SESSION_COOKIE

_TEXT = {"type": "string"}
_NUMBER = {"type": "integer", "minimum": 0}
_STATEMENT = {
    "statement": {
        "type": "item.registered",
        "subjects": ["https://id.gs1.org/01/09520123456788/21/R%2F001"],
        "party": "urn:uuid:120a2e06-367e-7c4c-84f5-a0974d40644c",
        "details": {"name": "Solitaire ring", "category": "jewellery"},
    }
}
_HELD = "https://id.gs1.org/01/09520123456788/21/R%2F001"
_SPOKEN = {
    "statement": {
        "id": "urn:uuid:019a2e06-367e-7c4c-84f5-a0974d40644c",
        "ledger": "64 hex: the ledger's id",
        "type": "item.reported_lost",
        "subjects": [_HELD],
        "party": _HELD,
        "grant": "64 hex: the entry that named the key",
        "occurred_at": "2026-11-25T10:00:00Z",
        "details": {},
    },
    "signatures": [{"key": "did:key:z6Mk…", "sig": "base64 of 64 bytes"}],
}
_ASKING = {
    "asked": {
        "ledger": "64 hex: the ledger's id",
        "subject": _HELD,
        "grant": "64 hex: the entry that named the key",
        "at": "2026-11-25T10:00:00Z",
    },
    "signature": {"key": "did:key:z6Mk…", "sig": "base64 of 64 bytes"},
}
_STATEMENT_PRIVATE = {**_STATEMENT, "private": {"note": "engraving inside, seen with the loupe"}}
_ITEM = {"gtin": "09520123456788", "serial": "R/001", "name": "Solitaire ring", "category": "jewellery"}
_CODE_TEXT = (
    "view codes, commas between, of the items that are written about: wanted for an item that your party has neither "
    "registered nor sold nor has in custody"
)
_AT = ("at", "query", "an index of the log, a day or a time: state and page as of then", _TEXT)
_LINKS = ("linkType", "query", "linkset: the links of the item (RFC 9264), as by Accept", _TEXT)
_CODE = ("Patina-Code", "header", _CODE_TEXT, _TEXT)


def _paper(media: str, *formats: str) -> list[tuple[str, str, str, dict[str, Any]]]:
    """What every address that answers with a paper may be told."""
    return [
        ("format", "query", "what the answer is, if Accept does not say", {"enum": list(formats)}),
        ("medium", "query", "what is printed on", {"enum": media.split()}),
        ("lang", "query", "the language, if Accept-Language does not say", {"enum": list(LANGUAGES)}),
    ]


_PRINTED = ("pdf", "png", "svg", "escpos")
_ROLLS = "58mm 80mm a4 a6"

PARAMETERS: dict[tuple[str, str], list[tuple[str, str, str, dict[str, Any]]]] = {
    ("post", "/v1/statements"): [_CODE],
    ("post", "/v1/statements/batch"): [("atomic", "query", "true: all or none", {"type": "boolean"}), _CODE],
    ("post", "/v1/check"): [_CODE],
    ("post", "/v1/items/{id}/codes"): [_CODE, *_paper("label card 58mm 80mm a6", "json", *_PRINTED)],
    ("get", "/v1/items/{id}/codes"): [_CODE],
    ("delete", "/v1/items/{id}/codes/{code}"): [_CODE],
    ("post", "/v1/codes"): [_CODE, *_paper("card", "json", *_PRINTED[:3])],
    ("get", "/v1/codes"): [
        ("Patina-Code", "header", "the view code of one card", _TEXT),
        ("keys", "query", "true: with the public keys of every card, to sell without a network", {"type": "boolean"}),
    ],
    ("get", "/c/{token}/qr.png"): [("dots", "query", "pixels of a module, 4 to 32", _NUMBER)],
    ("get", "/v1/items/{id}/history"): [_AT],
    ("get", "/v1/items/{id}"): [_AT],
    ("get", "/v1/items/{id}/responsibility"): [_AT, ("case", "query", "a case about this item", _TEXT)],
    ("get", "/v1/cases/{id}"): [_AT, ("item", "query", "which of the items that the case is about", _TEXT)],
    ("get", "/i/{token}"): [_AT, _LINKS],
    ("get", "/i/{token}/history"): [_AT],
    ("post", "/i/{token}/history"): [_AT],
    ("get", "/c/{token}/history"): [_AT],
    ("post", "/c/{token}/history"): [_AT],
    ("get", "/s/{short_code}"): [_AT, _LINKS],
    ("get", "/01/{gtin}/21/{serial}"): [_AT, _LINKS],
    ("get", "/8004/{giai}"): [_AT, _LINKS],
    ("get", "/v1/items/{id}/qr.svg"): [("token", "query", "a view code of the item", _TEXT)],
    ("get", "/v1/items/{id}/qr.png"): [
        ("token", "query", "a view code of the item", _TEXT),
        ("dots", "query", "pixels of a module, 4 to 32", _NUMBER),
    ],
    ("get", "/i/{token}/qr.png"): [("dots", "query", "pixels of a module, 4 to 32", _NUMBER)],
    ("post", "/i/{token}/attachments"): [
        ("name", "query", "the name in the answer", _TEXT),
        ("Patina-Asking", "header", "a signed asking, as base64url of its JSON", _TEXT),
    ],
    ("post", "/v1/receipts"): [_CODE, *_paper(_ROLLS, "json", *_PRINTED)],
    ("get", "/r/{token}/paper"): _paper(_ROLLS, *_PRINTED),
    ("get", "/i/{token}/papers/{statement}"): _paper(_ROLLS, *_PRINTED),
    ("get", "/v1/statements/{id}/paper"): [
        ("token", "query", "a view code of the item, for the code on the paper", _TEXT),
        *_paper(_ROLLS, *_PRINTED),
    ],
    ("get", "/p/{party}/qr.png"): [("dots", "query", "pixels of a module, 4 to 32", _NUMBER)],
    ("get", "/r/{token}/qr.png"): [("dots", "query", "pixels of a module, 4 to 32", _NUMBER)],
    ("post", "/v1/attachments"): [("name", "query", "the name in the answer", _TEXT)],
    ("get", "/v1/log/proof/inclusion"): [
        ("index", "query", "which leaf", _NUMBER),
        ("size", "query", "of which tree; the newest if left out", _NUMBER),
    ],
    ("get", "/v1/log/proof/consistency"): [
        ("old", "query", "the smaller size", _NUMBER),
        ("new", "query", "the larger size; the newest if left out", _NUMBER),
    ],
}
"""Parameters beside those of the path: name, place, description, schema."""

BODIES: dict[tuple[str, str], tuple[tuple[str, ...], Any]] = {
    ("post", "/v1/statements"): (("application/json",), _STATEMENT_PRIVATE),
    ("post", "/v1/statements/batch"): (("application/json", "application/x-ndjson"), [_STATEMENT]),
    ("post", "/v1/check"): (("application/json", "application/x-ndjson"), _STATEMENT_PRIVATE),
    ("post", "/v1/items"): (("application/json",), _ITEM),
    ("post", "/v1/items/{id}/codes"): (("application/json",), {"kind": "view"}),
    ("post", "/v1/attachments"): (tuple(SUFFIXES), None),
    ("post", "/i/{token}/attachments"): (tuple(SUFFIXES), None),
    ("post", "/i/{token}/attachments/{sha256}"): (("application/json",), _ASKING),
    ("post", "/v1/codes"): (("application/json",), {"count": 20}),
    ("post", "/v1/receipts"): (("application/json",), {"kind": "sale", "items": [_HELD]}),
    ("post", "/i/{token}/statements"): (("application/json",), _SPOKEN),
    ("post", "/c/{token}/statements"): (("application/json",), _SPOKEN),
    ("post", "/i/{token}/history"): (("application/json",), _ASKING),
    ("post", "/c/{token}/history"): (("application/json",), _ASKING),
    ("post", "/p/{party}/cases"): (
        ("application/json", "application/x-www-form-urlencoded"),
        {"kind": "complaint", "issue": "attitude", "description": "Nobody answers the telephone."},
    ),
    ("post", "/n/{token}"): (("application/x-www-form-urlencoded",), {"List-Unsubscribe": "One-Click"}),
    ("post", "/a/{token}"): (("application/x-www-form-urlencoded",), {}),
    ("post", "/v1/erasures"): (
        ("application/json",),
        {"statements": ["urn:uuid:120a2e06-367e-7c4c-84f5-a0974d40644c"], "why": "request"},
    ),
}
"""Types and an example of the body of those that have one; ``None`` stands for the bytes of a file."""

_DESCRIBED = {
    "id": "an item's, a case's or a statement's id, percent-encoded as one segment: https%3A%2F%2Fid.gs1.org%2F01%2F…",
    "subject": "what statements are about (an item, a party's authority, …), percent-encoded as one segment",
    "token": "a view code or the code of a case or of a receipt, 22 characters; under /n/ and /a/ as a message has it",
    "code": "the id of a code, as `code_id` names it",
    "receipt": "the id of a receipt for a customer, as `receipt_id` names it",
    "party": "a party's uuid",
    "gtin": "the product's GTIN in 14 digits",
    "serial": "the serial number",
    "giai": "the GS1 asset number",
    "path": "as C2SP tlog-tiles names it: level and number, and how wide it is where it is not full",
    "name": "the file's name",
    "sha256": "the digest of a file, 64 lower-case hex digits",
}


def describe(routes: Sequence[BaseRoute]) -> dict[str, Any]:
    """The document of these routes, without ``servers``, which a request knows."""
    own = [route for route in routes if not isinstance(route, RawRoute)]
    document = get_openapi(title="Patina", version="1", openapi_version="3.1.0", routes=own, description=_ABOUT)
    paths: dict[str, dict[str, Any]] = {}
    for route in routes:
        if isinstance(route, RawRoute):
            path = route.path.replace(":path}", "}")
            for method in (route.methods or set()) - {"HEAD"}:
                paths.setdefault(path, {})[method.lower()] = _operation(route, method.lower(), path)
    for path, methods in document.get("paths", {}).items():
        paths.setdefault(path, {}).update(methods)
    rights = {(method.lower(), path.replace(":path}", "}")): right for method, path, right in RIGHTS}
    for path, methods in paths.items():
        for method, operation in methods.items():
            describe_answers(method, path, operation)
            _secure(operation, rights[method, path])
            operation["description"] = _plain(operation.get("description", ""))
    document["paths"] = dict(sorted(paths.items(), key=lambda item: (not item[0].startswith("/v1"), item[0])))
    schemas = document.setdefault("components", {}).setdefault("schemas", {})
    schemas |= {"Problem": _PROBLEM, **SCHEMAS}
    for name in ("HTTPValidationError", "ValidationError"):
        schemas.pop(name, None)
    document["components"]["securitySchemes"] = {
        "key": {"type": "http", "scheme": "bearer"},
        "session": {"type": "apiKey", "in": "cookie", "name": SESSION_COOKIE},
    }
    return document


_ABOUT = (
    "A ledger of what happened to things. Write with POST /v1/statements, read with GET /v1/items/{id}/history, and "
    "check what you get with `patina verify`. Errors are RFC 9457 problem documents."
)

_PROBLEM = {
    "type": "object",
    "required": ["type", "title", "status", "detail", "errors", "request_id"],
    "properties": {
        "type": {"type": "string", "enum": [f"/docs/problems#{kind}" for kind in KINDS]},
        "title": _TEXT,
        "status": {"type": "integer"},
        "detail": _TEXT,
        "errors": {
            "type": "array",
            "items": {"type": "object", "properties": {"pointer": _TEXT, "detail": _TEXT, "parameter": _TEXT}},
        },
        "may_follow": {"type": "array", "items": _TEXT},
        "request_id": _TEXT,
    },
}


def _operation(route: RawRoute, method: str, path: str) -> dict[str, Any]:
    summary, _, description = (inspect.getdoc(route.endpoint) or "").partition("\n\n")
    operation: dict[str, Any] = {
        "operationId": re.sub(r"\W+", "_", f"{method}{path}").strip("_"),
        "summary": _plain(summary),
        "parameters": [
            {"name": name, "in": "path", "required": True, "description": _DESCRIBED.get(name, name), "schema": _TEXT}
            for name in re.findall(r"\{(\w+)", path)
        ],
        "responses": {"200": {"description": "as described"}},
    }
    if description:
        operation["description"] = _plain(description)
    for name, place, about, schema in PARAMETERS.get((method, path), []):
        operation["parameters"].append({"name": name, "in": place, "description": about, "schema": schema})
    if (method, path) in BODIES:
        kinds, example = BODIES[method, path]
        content = {kind: _content(example) for kind in kinds}
        operation["requestBody"] = {"required": True, "content": content}
        if not isinstance(example, list):
            operation["responses"] = {"201": {"description": "written"}}
            if path == "/v1/statements":
                operation["responses"]["200"] = {"description": "it stood there before: a receipt of the same entry"}
    return operation


def _content(example: Any) -> dict[str, Any]:
    """What is said of a body like this example."""
    if example is None:
        return {"schema": {"type": "string", "format": "binary"}}
    return {"schema": {"type": "array" if isinstance(example, list) else "object"}, "example": example}


def _plain(text: str) -> str:
    """A docstring as one line of Markdown."""
    return " ".join(text.replace("``", "`").split())


def _secure(operation: dict[str, Any], right: str) -> None:
    operation["x-right"] = right
    ways: list[dict[str, list[str]]] = [] if right == SESSION else [{"key": []}]
    if any(right in role.rights for role in ROLES.values()):
        ways.append({"session": []})
    operation["security"] = [] if right == PUBLIC else [{}, {"key": []}] if right == ENTRIES else ways
    answers = operation["responses"]
    answers.pop("422", None)
    problem = {
        "description": "a problem: see /docs/problems",
        "content": {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}},
    }
    for status in ("4XX", "5XX"):
        answers[status] = problem
