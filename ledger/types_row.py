"""One row of the tables of statement types (events.md §1-§4), and the shapes that several rows share.

A row says what may stand in ``details`` and what can be said of the speaker and the subjects without knowing
the ledger: who may speak by role or by bond, on which kind of subject, with how many. Whatever needs the
state of a subject (who is the holder, which retailer sold last, which key is in force) is in ``rule``.

>>> sold = row("item.sold", "item", "retailer", required={"channel": WORD}, optional=HOLDER_MEMBERS)
>>> sold.names_holder, sold.subjects, sorted(sold.who)
(True, (1, 1), ['retailer'])
>>> sold.details.check({"channel": "store", "chanel": "web"})
('/chanel',)
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from ledger.shapes import (
    ABSENT,
    DID,
    FLAG,
    MAX_NAMES,
    STAFF,
    TRUE,
    WORD,
    Shape,
    decimal,
    either,
    integer,
    many,
    mapping,
    pattern,
    record,
    text,
    words,
)

ROLES: Final = ("operator", "manufacturer", "retailer", "repairer", "certifier", "carrier", "auditor")
# Bonds that let somebody speak without a role: ``holder`` the holder of the item or case; ``self`` the party
# whose subject it is; ``same`` the party of the statement that is corrected; ``concerned`` a party that has a
# statement about the subject; ``entry0`` the operator-to-be, once.
MARKS: Final = ("holder", "self", "same", "concerned", "entry0")
KINDS: Final = ("ledger", "authority", "party", "item", "case")
ANY: Final = " ".join(KINDS)
ONE: Final = (1, 1)
MAX_SUBJECTS: Final = 16

# Corrected details never hold these: keys and holders change by their own types alone (events.md §1 rule 8).
UNCORRECTED: Final = ("key", "holder_key", "holder_custody")

NAME: Final = text(200)
LINE: Final = text(120)
CODE: Final = text(64)
FINDINGS: Final = text(2000)
AGENTS: Final = many(STAFF, 32)
LINES: Final = many(NAME)
GRADES: Final = mapping(LINE)
RATING: Final = integer(1, 5)
COUNT: Final = integer(0, 1_000_000)
DAYS: Final = integer(0, 36_500)
MONTHS: Final = integer(0, 1_200)
CURRENCY: Final = pattern("[A-Z]{3}", "an ISO 4217 currency of three capitals")
QUANTITY: Final = either(integer(1, 1_000_000), decimal())

CHANNEL: Final = words("store", "phone", "web", "app", "email", "message", "social", "marketplace", "onsite", "kiosk")
CUSTODY: Final = words("receipt", "sealed", "device")

TESTS: Final = many(
    record({"name": LINE, "result": CODE}, {"standard": LINE, "value": decimal(signed=True), "unit": text(16)})
)
CHECKS: Final = many(
    record(
        {"aspect": words("appearance", "function", "marking", "packaging", "documents"), "result": WORD},
        {"handling": WORD},
    )
)
INSTALLED: Final = many(either(LINE, record({"name": LINE}, {"result": WORD, "handling": WORD})))
PART: Final = record({"part": LINE}, {"quantity": QUANTITY, "old_serial": CODE, "new_serial": CODE, "genuine": FLAG})
PARTS: Final = many(either(LINE, PART))
SEEN: Final = record({"what": LINE}, {"colour": CODE, "count": COUNT, "state": WORD})
CONDITION: Final = many(either(NAME, SEEN))
LOOSE: Final = many(either(LINE, record({"what": LINE}, {"count": COUNT, "weight_g": decimal()})))
# Which members a category asks for is in the standard's own list, so evidence is open to plain values.
PLAIN: Final = either(NAME, COUNT, FLAG, many(NAME, MAX_NAMES))
EVIDENCE: Final = record(
    {},
    {
        "weight_g": decimal(),
        "expected_change_g": decimal(signed=True),
        "loose": LOOSE,
        "photos": many(pattern("[a-z0-9][a-z0-9._-]{0,63}", "an attachment's name or SHA-256"), MAX_NAMES),
        "reason": WORD,
    },
    others=PLAIN,
)

HOLDER_MEMBERS: Final[Mapping[str, Shape]] = {"holder_key": DID, "holder_custody": CUSTODY}
BEHALF_MEMBERS: Final[Mapping[str, Shape]] = {
    "on_behalf": TRUE,
    "basis": words("signed_paper", "call", "message", "witness"),
}
_TOGETHER = (tuple(HOLDER_MEMBERS), tuple(BEHALF_MEMBERS))


@dataclass(frozen=True, slots=True)
class Type:
    """What the format says of one type of statement, whatever the ledger holds.

    ``kinds`` are the kinds of first subject it is accepted on. ``who`` are the roles and marks of whom may
    say it; a role in ``behalf`` may say it only with ``on_behalf``, one in ``outside`` only with
    ``performed_by``: ``outside``. ``second`` is the kind of a second subject, if there can be one, and
    ``subjects`` the least and greatest number of subjects; the party, which is the second subject of a case
    of its own, is not counted here. ``private`` are members that stand behind ``_sd``, never in ``details``.
    ``details`` is the shape of ``details``, ``correction`` that of details that correct a statement of this
    type.
    """

    name: str
    kinds: frozenset[str]
    who: frozenset[str]
    required: Mapping[str, Shape]
    optional: Mapping[str, Shape]
    behalf: frozenset[str]
    outside: frozenset[str]
    second: str | None
    subjects: tuple[int, int]
    private: tuple[str, ...]
    details: Shape
    correction: Shape

    @property
    def holder(self) -> bool:
        """Whether the holder may say it."""
        return "holder" in self.who

    @property
    def names_holder(self) -> bool:
        """Whether its details may name a holder key."""
        return "holder_key" in self.required or "holder_key" in self.optional


def row(
    name: str,
    kinds: str,
    who: str,
    *,
    required: Mapping[str, Shape] | None = None,
    optional: Mapping[str, Shape] | None = None,
    behalf: str = "",
    outside: str = "",
    second: str | None = None,
    subjects: tuple[int, int] = ONE,
    private: str = "",
    others: Shape | None = None,
) -> Type:
    """Return the row of type ``name``; several kinds, roles or names are parted by spaces.

    ``others`` is the shape of members that are not named; without it they are reported as unknown.
    """
    needed = dict(required or {})
    allowed = dict(optional or {}) | (dict(BEHALF_MEMBERS) if behalf else {})
    assert set(kinds.split()) <= set(KINDS), f"kinds of {name}"
    assert set(who.split()) <= {*ROLES, *MARKS}, f"who of {name}"
    assert not needed.keys() & allowed.keys(), f"a member of {name} stands twice"
    together = tuple(group for group in _TOGETHER if set(group) <= {*needed, *allowed})
    return Type(
        name=name,
        kinds=frozenset(kinds.split()),
        who=frozenset(who.split()),
        required=MappingProxyType(needed),
        optional=MappingProxyType(allowed),
        behalf=frozenset(behalf.split()),
        outside=frozenset(outside.split()),
        second=second,
        subjects=subjects,
        private=tuple(private.split()),
        details=record(needed, allowed, together=together, others=others),
        correction=_correction(needed, allowed, together, others),
    )


def rows(
    names: str,
    kinds: str,
    who: str,
    *,
    required: Mapping[str, Shape] | None = None,
    optional: Mapping[str, Shape] | None = None,
    behalf: str = "",
    outside: str = "",
    private: str = "",
) -> tuple[Type, ...]:
    """Return rows of the same members for several types, whose names are parted by spaces."""
    return tuple(
        row(
            name,
            kinds,
            who,
            required=required,
            optional=optional,
            behalf=behalf,
            outside=outside,
            private=private,
        )
        for name in names.split()
    )


def _correction(
    required: Mapping[str, Shape],
    optional: Mapping[str, Shape],
    together: tuple[tuple[str, ...], ...],
    others: Shape | None,
) -> Shape:
    def kept(shapes: Mapping[str, Shape]) -> dict[str, Shape]:
        return {name: shape for name, shape in shapes.items() if name not in UNCORRECTED}

    return record(
        kept(required),
        kept(optional) | dict.fromkeys(UNCORRECTED, ABSENT),
        together=tuple(group for group in together if not set(UNCORRECTED) & set(group)),
        others=others,
    )
