"""Statements about the ledger, its parties, their keys and their standards (events.md §1).

The first ten of these decide who may speak about anything at all, which is why registrations, roles and keys
stand on the authority subject of a party and everything else about a party on its own URI.
"""

from __future__ import annotations

from typing import Final

from ledger.shapes import (
    ANYTHING,
    DID,
    HASH,
    MAX_INTEGER,
    MOMENT,
    PARTY,
    STAFF,
    STATEMENT,
    TIME,
    URL,
    WORD,
    Shape,
    either,
    integer,
    many,
    mapping,
    pattern,
    record,
    text,
    words,
)
from ledger.types_row import ANY, CODE, LINE, MAX_SUBJECTS, NAME, ROLES, Type, row, rows

# A statement of 32 KiB holds some 600 ids.
MAX_STATEMENTS: Final = 500

# Name, key id and key of a signed-note verifier key; the base64 of the last may hold a plus sign too. A key of a
# scheme to come must pass, so that a reader says "could not tell": ML-DSA-87's are 3,460 characters.
VKEY: Final = pattern(r"(?=.{1,4096}\Z)[^+\s]+\+[^+\s]+\+\S+", "a verifier key, name+id+key")
ORIGIN: Final = pattern(r"[^+\s]{1,255}", "an origin of 1 to 255 characters without spaces and +")
SIZE: Final = integer(1, MAX_INTEGER)
CLOCK: Final = pattern("(?:[01][0-9]|2[0-3]):[0-5][0-9]|24:00", "a time of day HH:MM")
WEEKDAYS: Final = many(words("mon", "tue", "wed", "thu", "fri", "sat", "sun"), 7, at_least=1, distinct=True)
HOURS: Final = many(either(LINE, record({"days": WEEKDAYS, "from": CLOCK, "until": CLOCK})))

_PARTY_MEMBERS: Final = {
    "country": pattern("[A-Z]{2}", "an ISO 3166-1 country of two capitals"),
    "timezone": pattern(r"(?=.{1,64}\Z)[A-Za-z]+(?:[/_+-][A-Za-z0-9]+)*", "a time zone of the IANA database"),
    "calendar": CODE,
    "hours": HOURS,
    "url": URL,
    "parent": PARTY,
    "accreditation": either(NAME, mapping(NAME)),
}
_QUALIFIED: Final = {
    "skill": CODE,
    "level": either(integer(1, 9), text(32)),
    "hours": integer(0, 100_000),
    "valid_until": MOMENT,
}
_FINDING: Final = record({"grade": WORD}, {"statements": many(STATEMENT, MAX_STATEMENTS), "what": NAME})
_IMPROVED: Final[dict[str, Shape]] = {"finding": LINE, "measure": NAME}
_PLANNED: Final[dict[str, Shape]] = {"due": MOMENT, "target": LINE}
_MEASURED_AT: Final = either(SIZE, record({"size": SIZE, "root": HASH}))
# What a standard holds is for the standard to check (standards.md); on the ledger it is one document.
_DOCUMENT: Final[dict[str, Shape]] = dict.fromkeys(
    (
        "name", "kinds", "categories", "steps", "checklists", "limits", "evidence", "faults", "warranty",
        "returns", "remedies", "weights", "targets", "tiers", "care", "basis", "source", "texts",
    ),
    ANYTHING,
)  # fmt: skip

PARTY_TYPES: Final[tuple[Type, ...]] = (
    row(
        "ledger.created",
        "ledger",
        "entry0",
        required={"origin": ORIGIN, "name": NAME, "vkey": VKEY, "key": DID},
        optional={"continues": record({"vkey": VKEY, "size": SIZE, "root": HASH})},
    ),
    *rows(
        "ledger.key_added ledger.key_retired",
        "ledger",
        "operator",
        required={"vkey": VKEY},
        optional={"reason": WORD},
    ),
    *rows(
        "party.registered party.updated",
        "authority",
        "operator",
        required={"name": NAME, "roles": many(words(*ROLES), len(ROLES), distinct=True)},
        optional=_PARTY_MEMBERS,
    ),
    *rows("party.suspended party.reinstated", "authority", "operator", required={"reason": WORD}),
    row(
        "key.added",
        "authority",
        "self operator",
        required={"key": DID, "custody": words("self", "ledger")},
    ),
    row(
        "key.revoked",
        "authority",
        "self operator",
        required={"key": DID, "reason": words("retired", "lost", "compromised")},
        optional={"since": TIME},
    ),
    row(
        "standard.adopted",
        "party",
        "self operator",
        required={"standard": LINE, "version": CODE},
        optional=_DOCUMENT,
        others=ANYTHING,
    ),
    *rows(
        "staff.qualified staff.disqualified staff.left",
        "party",
        "self certifier",
        required={"agent": STAFF},
        optional=_QUALIFIED,
    ),
    row(
        "audit.performed",
        "party",
        "auditor",
        required={"scope": NAME, "findings": many(_FINDING, 256)},
    ),
    row("improvement.planned", "party", "self", required=_IMPROVED, optional=_PLANNED),
    row(
        "improvement.done",
        "party",
        "self",
        required={**_IMPROVED, "checkpoint": _MEASURED_AT},
        optional=_PLANNED,
    ),
    row("alarm.taken_up", "party", "self operator", required={"alarm": LINE}),
    *rows("service.interrupted service.resumed", "party", "self operator", required={"reason": WORD}),
    row(
        "data.erased",
        ANY,
        "operator",
        required={
            "statements": many(STATEMENT, MAX_STATEMENTS, at_least=1, distinct=True),
            "why": words("request", "retention", "authority"),
        },
        subjects=(1, MAX_SUBJECTS),
    ),
)
