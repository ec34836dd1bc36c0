"""From the body of a request to drafts for the appender: form, details and, for a party in custody, the signature.

    {"statement": {…}, "signatures": [{"key": "did:key:z6Mk…", "sig": "…"}]}     signed by the caller
    {"statement": {…}}                                                           signed here, with the party's own key

A body is ordinary JSON in any spacing and order; what is signed is its canonical form (format.md §1). To a statement
that it signs itself the service adds ``id``, ``ledger`` and ``occurred_at`` where they are left out, and nothing
else. Nothing in this file reads or writes the log.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from typing import Any

import msgspec

from api import private_in
from api.rights import SIGNING, Caller
from api.roles import check_speaker
from api.site import Site
from ledger import canonical, dsse, standard, times
from ledger.db.draft import Draft
from ledger.errors import Forbidden, Invalid, Malformed, PatinaError, Unknown
from ledger.leaf import MAX_SIGNATURES, Signature, Statement, check_details, statement_bytes, statement_from
from ledger.private import allowed

MAX_BATCH = 1000
MEMBERS = frozenset({"statement", "signatures"}) | private_in.MEMBERS

_split = msgspec.json.Decoder(list[msgspec.Raw]).decode


def read_object(body: bytes) -> dict[str, Any]:
    """The JSON object that a body is; raises ``Malformed`` for other JSON too."""
    value = canonical.decode_body(body)
    if not isinstance(value, dict):
        raise Malformed(f"got {_kind(value)}, want an object")
    return value


def split_batch(body: bytes) -> list[bytes]:
    """The statements of a batch, each still in its own bytes: the elements of a JSON array, or the lines of NDJSON.

    Raises ``Malformed`` for an array that is none and ``Invalid`` unless there are 1 to 1000.
    """
    if body.lstrip()[:1] == b"[":
        try:
            parts = [bytes(part) for part in _split(body)]
        except (msgspec.DecodeError, RecursionError) as error:
            raise Malformed(f"got bytes that are not a JSON array: {error}") from None
    else:
        parts = [line for line in body.split(b"\n") if line.strip()]
    if not 1 <= len(parts) <= MAX_BATCH:
        raise Invalid(f"got a batch of {len(parts)}, want 1 to {MAX_BATCH} statements")
    return parts


def draft_from(value: Mapping[str, Any], site: Site, caller: Caller) -> Draft:
    """The draft of ``{"statement", "signatures"?}``; pointers of errors start at ``value``.

    Raises ``Invalid`` for what is out of form and ``Forbidden`` for an unsigned statement of another party.
    """
    for name in value:
        if name not in MEMBERS:
            raise Invalid(f"got the member {name!r}, want statement, signatures or private members", f"/{name}")
    if "statement" not in value:
        raise Invalid("got no statement, want one", "/statement")
    vault = site.ledger.vault
    if value.get("signatures"):
        given = private_in.take(value, value["statement"], vault)
        draft = read_signed(value)
        check_speaker(draft.statement, caller)
        return private_in.kept(draft, given, vault)
    statement = _completed(value["statement"], site)
    given = private_in.take(value, statement, vault)
    return private_in.kept(sign_draft(statement, site, caller, given), given, vault)


def read_signed(value: Mapping[str, Any]) -> Draft:
    """The draft of a statement with its signatures, which are not verified yet."""
    statement = _statement(value["statement"])
    return Draft(statement, _bytes(statement), _signatures(value["signatures"]))


def sign_draft(value: Any, site: Site, caller: Caller, given: private_in.Given | None = None) -> Draft:
    """The draft of a statement that the service signs with the caller's own key, which is in its custody.

    It gets the digests of the private members that were ``given`` beside it. What a person says carries her agent id,
    whether she writes it or not.
    """
    if caller.agent is not None and isinstance(value, dict):
        value = {"agent": caller.agent, **value}
    statement = _statement(value)
    check_speaker(statement, caller)
    if statement.party != caller.party:
        raise Forbidden("the service signs for the party of the API key and for nobody else", "/statement/party")
    if statement.type.startswith("key.") and not caller.may(SIGNING):
        raise Forbidden(f"got an API key without the scope {SIGNING}, which {statement.type} needs", "/statement/type")
    signer = site.ledger.access.party_signer(caller.party)
    if signer is None:
        # Another process may have put the next key in the place of the one that this process knows.
        site.ledger.reader.parties()
        signer = site.ledger.access.party_signer(caller.party)
    if signer is None:
        raise Invalid("got no signatures, and no key of this party is in the service's custody", "/signatures")
    statement = private_in.digested(statement, given)
    body = _bytes(statement)
    signed = dsse.sign_statement(body, signer)
    return Draft(statement, body, (Signature(signed["key"], signed["sig"]),), verified=True)


def new_id(now: int) -> str:
    """A fresh UUIDv7 (RFC 9562 §5.7) as ``urn:uuid:``, for ``now`` in microseconds since 1970."""
    random = int.from_bytes(os.urandom(10), "big")
    number = (now // 1000) << 80 | 7 << 76 | (random >> 66 & 0xFFF) << 64 | 0b10 << 62 | random & (1 << 62) - 1
    text = f"{number:032x}"
    return f"urn:uuid:{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"


def _completed(value: Any, site: Site) -> Any:
    if not isinstance(value, dict):
        return value
    now = site.clock()
    offered = {"id": new_id(now), "ledger": site.ledger.id, "occurred_at": times.format_recorded(now)}
    return {**offered, **value}


def _statement(value: Any) -> Statement:
    statement = statement_from(value, "/statement")
    try:
        unknown = check_details(statement)
    except (Invalid, Unknown) as error:
        raise Invalid(error.message, "/statement" + error.pointer) from None
    if statement.type == standard.ADOPTED:
        _check_standard(statement)
    if unknown:
        name = unknown[0].removeprefix("/details/")
        if name in allowed(statement.type):
            why = f"got {name}, which is a private member of {statement.type}: want it in private, beside the statement"
            raise Invalid(why, "/statement" + unknown[0])
        raise Invalid(f"got a member that {statement.type} does not have", "/statement" + unknown[0])
    return statement


def _check_standard(statement: Statement) -> None:
    """Raise ``Invalid`` for a standard that no reader could work by: the ledger would keep it for ever."""
    try:
        standard.adopt(statement.details)
    except Invalid as error:
        also = tuple(Invalid(one.message, "/statement/details" + one.pointer) for one in error.also)
        raise Invalid(error.message, "/statement/details" + error.pointer, also) from None


def _bytes(statement: Statement) -> bytes:
    try:
        return statement_bytes(statement)
    except Invalid as error:
        raise Invalid(error.message, "/statement" + error.pointer) from None


def _signatures(value: Any) -> tuple[Signature, ...]:
    if not isinstance(value, list) or not 1 <= len(value) <= MAX_SIGNATURES:
        raise Invalid(f"got {_kind(value)}, want an array of 1 to {MAX_SIGNATURES} signatures", "/signatures")
    signatures = tuple(_each_signature(value))
    if len({signature.key for signature in signatures}) != len(signatures):
        raise Invalid("got two signatures by one key, want different keys", "/signatures")
    return signatures


def _each_signature(value: list[Any]) -> Iterator[Signature]:
    for number, one in enumerate(value):
        try:
            yield msgspec.convert(one, Signature)
        except msgspec.ValidationError:
            raise Invalid("got something else, want key and sig, both text", f"/signatures/{number}") from None


def placed(error: PatinaError) -> str:
    """The pointer, from the request's object, of an error that the ledger's rules raised about a statement."""
    inside = error.pointer.startswith(("/statement", "/signatures"))
    return error.pointer if inside else "/statement" + error.pointer


def _kind(value: Any) -> str:
    names = {dict: "an object", list: "an array", str: "text", int: "a number", bool: "a truth value"}
    return "null" if value is None else names.get(type(value), type(value).__name__)
