"""Statements and leaves: what stands at an index of the log (format.md §2 and §4).

A leaf is canonical JSON of one of two kinds. An *entry* holds a statement, who signed it, and its place in the log
and in the chain of each of its subjects; a *seal* holds the root of the subject map over all leaves before it:

    {"index":9,"links":[{"prev":null,"seq":0,"subject":…}],"prev":…,"recorded_at":…,"signatures":[…],"statement":…,"v":1}
    {"index":12,"map_root":"1d1b…","prev":"e928…","recorded_at":"2026-11-28T00:00:02.000Z","v":1}

Parsing is strict: typed decoding refuses a member that is missing, unknown or of another type, encoding the value again
must give the same bytes, and ``canonical.check_part`` finds what both let through. Names of members that start with an
underscore (``_sd``) are spelled without it in Python.
"""

from __future__ import annotations

import re
from itertools import pairwise
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta, Struct

from ledger import canonical, times, types, uri
from ledger.errors import Invalid, Malformed, Unknown
from ledger.forms import (
    STATEMENT,
    ZERO_HASH,
    Count,
    FileName,
    Hash64,
    MediaType,
    SdDigest,
    are_formed,
    is_hash,
    is_uuid,
)

MAX_STATEMENT = 32_768
"""Bytes of a canonical statement: a leaf with four signatures and sixteen links still fits an entry bundle."""
MAX_LEAF = 65_535
"""Bytes of a leaf: the length prefix of a C2SP entry bundle has 16 bits."""
MAX_SUBJECTS = 16
MAX_SIGNATURES = 4
LATENESS = 5 * 60 * 1_000_000
"""Microseconds by which ``occurred_at`` may lie after ``recorded_at``: clocks of tills differ."""
_DETAILS_DEPTH = 3
"""``details`` is the third container: it stands in the statement, which stands in the leaf."""


class Attachment(Struct, frozen=True, forbid_unknown_fields=True):
    """A file that whoever sees the item may see: ``size`` in bytes, ``sha256`` of its content."""

    name: FileName
    media_type: MediaType
    size: Count
    sha256: Hash64


class Statement(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True, kw_only=True):
    """What a party says happened; an absent optional member is ``None`` here and absent in the bytes."""

    id: str
    type: str
    subjects: Annotated[tuple[str, ...], Meta(min_length=1, max_length=MAX_SUBJECTS)]
    party: str
    occurred_at: str
    details: dict[str, Any]
    ledger: str | None = None
    case: str | None = None
    corrects: str | None = None
    grant: str | None = None
    agent: str | None = None
    attachments: Annotated[tuple[Attachment, ...], Meta(min_length=1, max_length=32)] | None = None
    sd: Annotated[tuple[SdDigest, ...], Meta(min_length=1, max_length=64)] | None = msgspec.field(
        default=None, name="_sd"
    )
    sd_alg: Literal["sha-256"] | None = msgspec.field(default=None, name="_sd_alg")


class Link(Struct, frozen=True, forbid_unknown_fields=True):
    """This entry is number ``seq`` of ``subject``; ``prev`` is the leaf hash of number ``seq - 1``."""

    subject: str
    seq: Count
    prev: str | None


class Signature(Struct, frozen=True, forbid_unknown_fields=True):
    """``sig`` is the base64 of an Ed25519 signature by ``key``, a did:key (``ledger.dsse``)."""

    key: str
    sig: str


class Entry(Struct, frozen=True, forbid_unknown_fields=True):
    """A leaf that holds a statement."""

    index: Count
    prev: str
    recorded_at: str
    links: tuple[Link, ...]
    statement: Statement
    signatures: Annotated[tuple[Signature, ...], Meta(min_length=1, max_length=MAX_SIGNATURES)]
    v: Literal[1]


class Seal(Struct, frozen=True, forbid_unknown_fields=True):
    """A leaf that holds the root of the subject map over all leaves before it."""

    index: Count
    prev: Hash64
    recorded_at: str
    map_root: Hash64
    v: Literal[1]


_ENTRY = msgspec.json.Decoder(Entry)
_SEAL = msgspec.json.Decoder(Seal)
_STATEMENT = msgspec.json.Decoder(Statement)
_ENCODE = msgspec.json.Encoder(order="sorted").encode
_UNDECODABLE = (msgspec.DecodeError, RecursionError, UnicodeDecodeError)
_MISSING = re.compile(r"\AObject missing required field `([^`]*)`")
_PLACE = re.compile(r" - at `(?:key in )?\$([^`]*)`\Z")


def _explain(error: msgspec.ValidationError, root: str = "") -> tuple[str, str]:
    """Message and JSON pointer of what typed decoding found."""
    text = _MISSING.sub(r"got no \1, want it", str(error))
    place = _PLACE.search(text)
    if place is None:
        return _lower(text), root
    steps = re.findall(r"\.([^.\[\]]+)|\[(\d+|\.\.\.)\]", place.group(1))
    return _lower(text[: place.start()]), root + "".join("/" + (name or number) for name, number in steps)


def _lower(text: str) -> str:
    return text[:1].lower() + text[1:]


def parse_leaf(raw: bytes) -> Entry | Seal:
    """The leaf that these bytes are, by form alone; its place in a log is for the caller to check.

    Raises ``Malformed`` unless the bytes are a canonical leaf with exactly its members, and ``Unknown`` for a leaf of a
    later version (``v`` above 1) or a statement type or member that this version does not know.
    """
    if len(raw) > MAX_LEAF:
        raise Malformed(f"got a leaf of {len(raw)} bytes, want at most {MAX_LEAF}")
    decoder: msgspec.json.Decoder[Any] = _SEAL if b'"map_root"' in raw[:48] else _ENTRY
    try:
        leaf: Entry | Seal = decoder.decode(raw)
    except _UNDECODABLE as error:
        raise _why_not(raw, error) from None
    if _ENCODE(leaf) != raw:
        raise Malformed("not canonical: encoding the value again gives other bytes")
    if type(leaf) is Entry:  # the types of a seal's members leave nothing that §1 forbids
        canonical.check_part(raw, leaf.statement.details, _DETAILS_DEPTH)
    try:
        times.parse_recorded(leaf.recorded_at)
    except Malformed as error:
        raise Malformed(error.message, "/recorded_at") from None
    if type(leaf) is Entry:
        try:
            _check_entry(leaf, raw)
        except Invalid as error:
            raise Malformed(error.message, error.pointer) from None
    return leaf


def _why_not(raw: bytes, error: Exception) -> Malformed | Unknown:
    """What to say of bytes that typed decoding refused: a later version is not an error of the writer."""
    value = canonical.decode(raw)
    v = value.get("v") if isinstance(value, dict) else None
    if type(v) is int and v > 1:
        return Unknown(f"got a leaf of version {v}, this program knows version 1", "/v")
    assert isinstance(error, msgspec.ValidationError), "canonical JSON of another shape"
    return Malformed(*_explain(error))


def _check_entry(entry: Entry, raw: bytes) -> None:
    statement = entry.statement
    if tuple([link.subject for link in entry.links]) != statement.subjects:
        raise Malformed("got links that do not name the statement's subjects in order", "/links")
    if not is_hash(entry.prev):
        raise Malformed("got a prev that is not 64 lower-case hex digits", "/prev")
    for number, link in enumerate(entry.links):
        if (link.prev is None) != (link.seq == 0) or (link.prev is not None and not is_hash(link.prev)):
            raise Malformed("want prev null if seq is 0, else 64 lower-case hex digits", f"/links/{number}/prev")
    if len(entry.signatures) > 1 and len({signature.key for signature in entry.signatures}) != len(entry.signatures):
        raise Malformed("got two signatures by one key", "/signatures")
    if len(raw) > MAX_STATEMENT and len(_ENCODE(statement)) > MAX_STATEMENT:
        raise Malformed(f"got a statement of more than {MAX_STATEMENT} bytes", "/statement")
    check_form(statement, "/statement")


def check_time(entry: Entry) -> None:
    """Raise ``Invalid`` for an ``occurred_at`` that lies too far after ``recorded_at``."""
    occurred, recorded = times.parse_occurred(entry.statement.occurred_at), times.parse_recorded(entry.recorded_at)
    if occurred > recorded + LATENESS:
        raise Invalid(f"got a time more than 5 minutes after it is recorded, {entry.recorded_at}", "/occurred_at")


def check_form(statement: Statement, root: str = "") -> None:
    """What typed decoding cannot say of a statement's own members; ``details`` are left to ``check_details``.

    Raises ``Invalid`` with a pointer below ``root``.
    """
    if are_formed(_forms_of(statement)) is None:
        _refuse_form(statement, root)
    subjects = statement.subjects
    for number, subject in enumerate(subjects):
        try:
            uri.subject_kind(subject)
        except Invalid as error:
            raise Invalid(error.message, f"{root}/subjects/{number}") from None
    if len(subjects) > 1 and len(set(subjects)) != len(subjects):
        raise Invalid("got a subject twice", f"{root}/subjects")
    if statement.grant is None:
        if is_uuid(statement.party) is None:
            raise Invalid("got a party that is no urn:uuid (an item's holder speaks with a grant)", f"{root}/party")
    elif subjects != (statement.party,):
        raise Invalid("a holder speaks of one subject: want party equal to the only subject", f"{root}/subjects")
    try:
        times.parse_occurred(statement.occurred_at)
    except Malformed as error:
        raise Invalid(error.message, f"{root}/occurred_at") from None
    if statement.sd is not None or statement.sd_alg is not None:
        _check_sd(statement, root)


def _check_sd(statement: Statement, root: str) -> None:
    sd = statement.sd
    if sd is None or statement.sd_alg is None:
        raise Invalid("got one of _sd and _sd_alg, want both or neither", f"{root}/_sd")
    if any(one >= other for one, other in pairwise(sd)):
        raise Invalid("got digests out of order or twice, want them sorted and distinct", f"{root}/_sd")


def _forms_of(statement: Statement) -> str:
    """The members that have a form, one a line; for an absent one stands something of its form."""
    return "\n".join(
        (
            statement.id,
            statement.type,
            ZERO_HASH if statement.ledger is None else statement.ledger,
            statement.id if statement.case is None else statement.case,
            statement.id if statement.corrects is None else statement.corrects,
            ZERO_HASH if statement.grant is None else statement.grant,
            "-" if statement.agent is None else statement.agent,
        )
    )


def _refuse_form(statement: Statement, root: str) -> None:
    """Raise ``Invalid`` for the first member that does not have its form."""
    given = {name: getattr(statement, name) for name in STATEMENT}
    wrong = [name for name, value in given.items() if value is not None and not re.fullmatch(STATEMENT[name][0], value)]
    raise Invalid(f"got {given[wrong[0]][:80]!r}, want {STATEMENT[wrong[0]][1]}", f"{root}/{wrong[0]}")


def check_details(statement: Statement) -> tuple[str, ...]:
    """Pointers of members of ``details`` that this version does not know, below ``/details``.

    Raises ``Invalid`` for a required member that is missing or a value that its shape refuses, ``Unknown`` for a
    statement type of a later version.
    """
    return types.check_details(statement.type, statement.details)


def parse_statement(body: bytes) -> Statement:
    """The statement that these canonical bytes are; raises ``Malformed``."""
    if len(body) > MAX_STATEMENT:
        raise Malformed(f"got a statement of {len(body)} bytes, want at most {MAX_STATEMENT}")
    try:
        statement = _STATEMENT.decode(body)
    except _UNDECODABLE as error:
        raise _why_not(body, error) from None
    if _ENCODE(statement) != body:
        raise Malformed("not canonical: encoding the value again gives other bytes")
    _check_rules(statement, body)
    try:
        check_form(statement)
    except Invalid as error:
        raise Malformed(error.message, error.pointer) from None
    return statement


def statement_from(value: object, root: str = "") -> Statement:
    """The statement that a decoded JSON object is; raises ``Invalid`` with the pointer of the first thing wrong."""
    if not isinstance(value, dict):
        raise Invalid(f"got {type(value).__name__}, want an object", root)
    for name, member in value.items():
        if member is None:
            raise Invalid("got null, want the member left out", f"{root}/{name}")
    try:
        statement = msgspec.convert(value, Statement)
    except msgspec.ValidationError as error:
        raise Invalid(*_explain(error, root)) from None
    check_form(statement, root)
    return statement


def statement_bytes(statement: Statement) -> bytes:
    """The canonical bytes of a statement: what is signed. Raises ``Invalid`` if they are too many or against §1."""
    body = _ENCODE(statement)
    if len(body) > MAX_STATEMENT:
        raise Invalid(f"got a statement of {len(body)} bytes, want at most {MAX_STATEMENT}")
    try:
        _check_rules(statement, body)
    except Malformed as error:
        raise Invalid(error.message, error.pointer) from None
    return body


def _check_rules(statement: Statement, body: bytes) -> None:
    """Raise ``Malformed`` for what §1 forbids in a statement, which stands inside the object of a leaf."""
    try:
        canonical.check_part(b'{"statement":%b}' % body, statement.details, _DETAILS_DEPTH)
    except Malformed as error:
        raise Malformed(error.message, error.pointer.removeprefix("/statement")) from None


def format_entry(entry: Entry) -> bytes:
    """The bytes of an entry; raises ``Invalid`` if they, or its signatures, are more than a leaf may have."""
    raw = _ENCODE(entry)
    if len(raw) > MAX_LEAF:
        raise Invalid(f"got a leaf of {len(raw)} bytes, want at most {MAX_LEAF}")
    # Signatures are put together by callers, and a leaf that nobody can parse could not be taken back.
    if not 1 <= len({signature.key for signature in entry.signatures}) == len(entry.signatures) <= MAX_SIGNATURES:
        raise Invalid(f"want 1 to {MAX_SIGNATURES} signatures by different keys", "/signatures")
    return raw


def format_seal(seal: Seal) -> bytes:
    """The bytes of a seal."""
    return _ENCODE(seal)
