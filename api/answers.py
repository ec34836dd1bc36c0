"""What each operation answers when all goes well: types of content and JSON schemas, for the OpenAPI document.

The schemas name what a caller may rely on; an answer may have more members. tests/test_api_fuzzed.py holds every answer
against them, so what stands here is what is sent.
"""

from __future__ import annotations

from typing import Any

Schema = dict[str, Any]

_TEXT: Schema = {"type": "string"}
_NUMBER: Schema = {"type": "integer", "minimum": 0}
_FLAG: Schema = {"type": "boolean"}
_MAYBE: Schema = {"type": ["string", "null"]}
_BASE64: Schema = {"type": "array", "items": {"type": "string", "contentEncoding": "base64"}}


def _members(**members: Schema) -> Schema:
    """An object that has all of these."""
    return {"type": "object", "required": list(members), "properties": members}


def _list(of: Schema) -> Schema:
    return {"type": "array", "items": of}


def _one(name: str) -> Schema:
    return {"$ref": f"#/components/schemas/{name}"}


_LEAF = _members(entry=_TEXT, proof=_BASE64)
_MAP = _members(count=_NUMBER, last={"type": ["integer", "null"]}, siblings=_BASE64, other={"type": ["object", "null"]})
_ITEM = {"id": _TEXT, "name": _MAYBE, "category": _MAYBE, "brand": _MAYBE, "model": _MAYBE, "state": _TEXT}
_MARKS = {"stolen": _FLAG, "lost": _FLAG, "recalled": _FLAG, "retired": _FLAG, "certificates": {"type": "array"}}
_UPKEEP = {"name": _TEXT, "category": _TEXT, "day": _TEXT, "party": _TEXT, "statement": _TEXT}
_STANDARD: Schema = {
    "type": ["array", "null"],
    "items": _members(standard=_TEXT, version=_TEXT),
}
_CHECKED = _members(
    id=_MAYBE,
    would={"enum": ["accept", "repeat", "refuse"]},
    problem={"anyOf": [_one("Problem"), {"type": "null"}]},
    deviations=_list(_members(what=_TEXT, step=_TEXT, index={"type": ["integer", "null"]}, after=_TEXT)),
)
_CODE = {"token": _TEXT, "short_code": _TEXT, "page": _TEXT, "qr_svg": _TEXT, "qr_png": _TEXT}

_SIGNAL = {"kind": _TEXT, "severity": _TEXT, "party": _TEXT, "entries": _list(_NUMBER), "figures": {"type": "object"}}

SCHEMAS: dict[str, Schema] = {
    "Receipt": _members(id=_TEXT, index=_NUMBER, entry=_TEXT, proof=_TEXT),
    "History": _members(
        format={"const": "patina/history/v1"},
        origin=_TEXT,
        subject=_TEXT,
        checkpoint=_TEXT,
        tail=_LEAF,
        first=_LEAF,
        histories=_list(_members(subject=_TEXT, map=_MAP, last_proof=_BASE64, entries=_list(_TEXT))),
        disclosures={"type": "object", "additionalProperties": _list(_TEXT)},
    ),
    "Item": _members(
        **_ITEM,
        **_MARKS,
        registered_by=_MAYBE,
        sold_by=_MAYBE,
        count=_NUMBER,
        entries=_list(_members(index=_NUMBER, statement=_TEXT)),
        rights=_members(party=_TEXT, standard=_STANDARD, in_force=_list({"type": "object"})),
    ),
    "ItemPage": _members(**_ITEM, **_MARKS, as_of=_TEXT, size=_NUMBER, origin=_TEXT),
    "ItemFound": _members(**_ITEM, registered_by=_MAYBE, held=_FLAG, first_recorded=_TEXT, count=_NUMBER),
    "CaseListed": _members(
        **dict.fromkeys(("case", "subject", "party", "kind", "status", "opened_at"), _TEXT),
        **dict.fromkeys(("assigned", "visit", "job_no", "clock", "due_at", "warn_at", "standing"), _MAYBE),
        **dict.fromkeys(("waits_for", "waits_since", "holder", "held_since", "closed_at"), _MAYBE),
        opened=_NUMBER,
        provisional=_FLAG,
        repeats={"type": ["integer", "null"]},
    ),
    "Code": _members(id=_TEXT, kind=_TEXT, **_CODE),
    "Party": _members(id=_TEXT, name=_MAYBE, roles=_list(_TEXT), suspended=_FLAG, keys=_list(_TEXT)),
    "LogKey": _members(
        vkey=_TEXT, state={"enum": ["in_force", "retired"]}, retired_at_index={"type": ["integer", "null"]}
    ),
}
"""Schemas with a name."""

_PAGE = {
    "text/html": _TEXT,
    "application/json": _one("ItemPage"),
    "application/linkset+json": _members(linkset=_list({"type": "object"})),
}
_BYTES: dict[str, Schema] = {"application/octet-stream": {}}
_SVG: dict[str, Schema] = {"image/svg+xml": {}}
_PNG: dict[str, Schema] = {"image/png": {}}
_PAPER: dict[str, Schema] = {"application/pdf": {}, **_PNG, **_SVG, **_BYTES}
_PLAIN = {"text/plain": _TEXT}
_HTML = {"text/html": _TEXT}


def _json(schema: Schema) -> dict[str, Schema]:
    return {"application/json": schema}


_RECEIPT = _json(_one("Receipt"))
ANSWERS: dict[tuple[str, str], dict[str, dict[str, Schema]]] = {
    ("post", "/v1/statements"): {"201": _RECEIPT, "200": _RECEIPT},
    ("post", "/v1/statements/batch"): {"200": _json(_list({"anyOf": [_one("Receipt"), _one("Problem")]}))},
    ("get", "/v1/statements/{id}"): {
        "200": _json(
            _members(id=_TEXT, index=_NUMBER, entry=_TEXT, statement={"type": "object"}, receipt=_one("Receipt"))
        )
    },
    ("get", "/v1/risks"): {"200": _json(_members(size=_NUMBER, signals=_list(_members(**_SIGNAL))))},
    ("get", "/v1/parties/{id}/feedback"): {
        "200": _json(_members(party=_TEXT, messages=_list({"type": "object"}), rated=_list(_TEXT), surveys=_list({})))
    },
    ("get", "/p/{party}"): {
        "200": {"text/html": _TEXT, "application/json": _members(id=_TEXT, name=_TEXT, roles=_list(_TEXT), write=_TEXT)}
    },
    ("get", "/p/{party}/qr.svg"): {"200": _SVG},
    ("get", "/p/{party}/qr.png"): {"200": _PNG},
    ("post", "/p/{party}/cases"): {"201": {"text/html": _TEXT, "application/json": _members(**_CODE)}},
    ("post", "/v1/items"): {"201": _json(_members(id=_TEXT, **_CODE, receipt=_one("Receipt")))},
    ("get", "/v1/items"): {"200": _json(_members(items=_list(_one("ItemFound"))))},
    ("get", "/v1/items/{id}"): {"200": _json(_one("Item"))},
    ("get", "/v1/items/{id}/history"): {"200": _json(_one("History"))},
    ("post", "/v1/items/{id}/codes"): {"201": {**_json(_one("Code")), **_PAPER}},
    ("get", "/v1/items/{id}/qr.svg"): {"200": _SVG},
    ("get", "/v1/items/{id}/qr.png"): {"200": _PNG},
    ("get", "/v1/keys"): {"200": _json(_members(api=_list({"type": "object"}), signing=_list({"type": "object"})))},
    ("post", "/v1/keys"): {"201": _json({"type": "object"})},
    **{
        ("post", path): {status: _json({"type": "object"}) for status in statuses}
        for path, statuses in {
            "/v1/attachments": ("200", "201"),
            "/i/{token}/attachments": ("200", "201"),
            "/v1/devices": ("201",),
            "/v1/devices/{id}/key": ("201",),
            "/v1/erasures": ("201",),
            "/v1/grants": ("201",),
            "/v1/keys/{id}/rotation": ("201",),
            "/v1/parties/{id}/suspend": ("201",),
            "/v1/parties/{id}/reinstate": ("201",),
            "/v1/people": ("201",),
            "/v1/webhooks": ("201",),
            "/v1/addresses": ("201",),
            "/v1/webhooks/{id}/rotation": ("201",),
            "/v1/webhooks/{id}/test": ("202",),
            "/v1/signing-keys": ("200", "201"),
            "/v1/signing-keys/rotate": ("200", "201"),
            "/v1/signing-keys/revoke": ("201",),
            "/i/{token}/statements": ("200", "201"),
            "/c/{token}/statements": ("200", "201"),
        }.items()
    },
    ("get", "/v1/cases"): {"200": _json(_members(cases=_list(_one("CaseListed"))))},
    ("get", "/v1/maintenance"): {"200": _json(_members(items=_list(_members(id=_TEXT, **_UPKEEP))))},
    ("post", "/v1/check"): {"200": _json(_members(results=_list(_CHECKED)))},
    ("get", "/v1/parties/{id}/standards"): {
        "200": _json(_members(party=_TEXT, standard=_STANDARD, document={"type": ["object", "null"]}, words=_MAYBE))
    },
    ("post", "/v1/codes"): {"201": {**_json({"type": "object"}), **_PAPER}},
    ("post", "/v1/receipts"): {"201": {**_json({"type": "object"}), **_PAPER}},
    ("get", "/v1/statements/{id}/paper"): {"200": _PAPER},
    ("get", "/i/{token}/papers/{statement}"): {"200": _PAPER},
    ("get", "/r/{token}/paper"): {"200": _PAPER},
    ("get", "/v1/parties"): {"200": _json(_members(parties=_list(_one("Party"))))},
    ("post", "/v1/parties"): {"201": _json(_members(id=_TEXT, receipts=_list(_one("Receipt"))))},
    ("get", "/v1/log/keys"): {
        "200": _json(_members(origin=_TEXT, ledger=_TEXT, name=_TEXT, keys=_list(_one("LogKey"))))
    },
    ("get", "/v1/erasures"): {"200": _json(_members(erasures=_list({"type": "object"})))},
    ("get", "/v1/log/health"): {
        "200": _json(
            _members(
                origin=_TEXT,
                size=_NUMBER,
                root=_TEXT,
                recorded_at=_TEXT,
                now=_TEXT,
                statements=_NUMBER,
                subjects=_NUMBER,
                refusal=_MAYBE,
                witnesses=_list(_members(name=_TEXT, at=_MAYBE)),
                rehash={"type": "object"},
            )
        )
    },
    ("get", "/v1/log/map/{subject}"): {"200": _json(_members(subject=_TEXT, checkpoint=_TEXT, tail=_LEAF, map=_MAP))},
    ("get", "/v1/log/proof/inclusion"): {"200": _json(_members(index=_NUMBER, size=_NUMBER, hashes=_BASE64))},
    ("get", "/v1/log/proof/consistency"): {"200": _json(_members(old=_NUMBER, new=_NUMBER, hashes=_BASE64))},
    ("get", "/checkpoint"): {"200": _PLAIN},
    ("get", "/tile/{path}"): {"200": _BYTES},
    ("get", "/tile/entries/{path}"): {"200": _BYTES},
    ("get", "/i/{token}"): {"200": _PAGE},
    ("get", "/i/{token}/history"): {"200": _json(_one("History"))},
    ("post", "/i/{token}/history"): {"200": _json(_one("History"))},
    ("get", "/c/{token}/history"): {"200": _json(_one("History"))},
    ("post", "/c/{token}/history"): {"200": _json(_one("History"))},
    ("get", "/n/{token}"): {"200": _HTML},
    ("post", "/n/{token}"): {"200": _HTML},
    ("get", "/a/{token}"): {"200": _HTML},
    ("post", "/a/{token}"): {"200": _HTML},
    ("get", "/i/{token}/qr.svg"): {"200": _SVG},
    ("get", "/i/{token}/qr.png"): {"200": _PNG},
    ("get", "/s/{short_code}"): {"200": _PAGE},
    ("get", "/r/{token}"): {"200": {"text/html": _TEXT, "application/json": {"type": "object"}}},
    ("get", "/r/{token}/qr.svg"): {"200": _SVG},
    ("get", "/r/{token}/qr.png"): {"200": _PNG},
    ("get", "/01/{gtin}/21/{serial}"): {"200": _PAGE},
    ("get", "/8004/{giai}"): {"200": _PAGE},
    ("get", "/"): {"200": _HTML},
    ("get", "/docs"): {"200": _HTML},
    ("get", "/docs/problems"): {"200": _HTML},
    ("get", "/openapi.json"): {"200": _json({"type": "object"})},
    ("get", "/static/{name}"): {"200": {"text/css": _TEXT, **_SVG}},
    ("get", "/static/{mark}/{name}"): {"200": {"text/javascript": _TEXT}},
    ("get", "/robots.txt"): {"200": _PLAIN},
    ("get", "/favicon.ico"): {"200": _SVG},
    ("get", "/healthz"): {"200": _json(_members(status={"const": "alive"}))},
    ("get", "/metrics"): {"200": _PLAIN},
    ("get", "/readyz"): {"200": _json(_members(status={"const": "ready"}, size=_NUMBER))},
}
"""Method and path → status → type of content → schema."""

NAMES = {
    "Receipt": "a receipt",
    "History": "a history bundle",
    "Item": "the item's state",
    "CaseListed": "a case in a list",
    "ItemPage": "the same for programs",
    "Code": "the code, its page and its pictures",
}
"""What schemas are called in the description of an answer."""
ABOUT = {
    ("/v1/statements", "201"): "written: its receipt",
    ("/v1/statements", "200"): "it stood there before: a receipt of the same entry",
    ("/v1/statements/batch", "200"): "for each statement, in order, its receipt, or the problem that refused it",
    ("/v1/items", "201"): "written: the item's id, its view code, the address of its page, and the receipt",
    ("/v1/keys", "201"): "an API key with its secret, or the signing key with the receipt of `key.added`",
}
"""Answers that need words of their own."""

NOTHING_NEW = frozenset(
    {"/v1/items/{id}/history", "/i/{token}/history", "/c/{token}/history", "/tile/{path}", "/tile/entries/{path}"}
)
"""Addresses that answer 304 where the caller has what would be sent."""


def describe_answers(method: str, path: str, operation: dict[str, Any]) -> None:
    """Put into an operation of the document what it answers when all goes well."""
    said = ANSWERS.get((method, path))
    if said is None:
        return
    operation["responses"] = {
        status: {
            "description": ABOUT.get((path, status), " or ".join(_about(kind, one) for kind, one in content.items())),
            "content": {kind: {"schema": schema} for kind, schema in content.items()},
        }
        for status, content in said.items()
    }
    if method == "get" and path in NOTHING_NEW:
        operation["responses"]["304"] = {"description": "nothing new: If-None-Match had the ETag of what is newest"}


def _about(kind: str, schema: Schema) -> str:
    """An answer in words: what it is, where that has a name, and its type."""
    name = str(schema.get("$ref", "")).rpartition("/")[2]
    members = ", ".join(f"`{member}`" for member in schema.get("properties", {}))
    return f"{NAMES[name]} ({kind})" if name else f"{kind}: {members}" if members else kind
