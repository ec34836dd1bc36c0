"""Private members: which there are, what kind of data each is, who may see it, and how long the law may keep it.

One table, ``MEMBERS``, says it all. A type of statement has the private members of its row (``types_row.Type``) and,
unless it is about a ledger or an authority, ``note`` and ``attachments``. A *class* of data is what is erased or kept
back together: ``contact`` (who and where somebody is), ``money``, ``description`` (free text) and ``media``. Whoever
recorded a statement always sees its private members; who else does is the member's *audience* (``ledger.audience``).

Digests are filled up with decoys to a number that is the same for every statement of a type, so that they do not tell
how many members there are.

>>> class_of("customer"), class_of("price"), sorted(MEMBERS["price"].audience)
('contact', 'money', ['auditor', 'holder'])
>>> allowed("item.installed"), allowed("key.added")
(('place', 'note', 'attachments'), ())
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Final

from ledger import disclosure, times
from ledger.disclosure import DIGEST_BYTES, Disclosure
from ledger.errors import Invalid, Malformed
from ledger.shapes import MAX_INTEGER, Shape, decimal, either, integer, many, mapping, pattern, record, text
from ledger.types import TYPES
from ledger.types_row import CURRENCY, QUANTITY

CLASSES: Final = ("contact", "money", "description", "media")
"""The classes of data; where they are stored, by their number."""
FILES: Final = "files"
"""What a statement lists in public: no private member, and erased only where it is asked for by this name."""
ERASABLE: Final = (*CLASSES, FILES)
"""What an erasure names of a statement; where it is stored, by its number."""
RETENTION_DAYS: Final[Mapping[str, int]] = MappingProxyType({"contact": 0, "money": 3653, "description": 0, "media": 0})
"""Days after ``recorded_at`` for which an erasure waits, where no standard in force says otherwise (house).

Ten years for money: laws on bookkeeping ask for five to ten. What no law asks for is erased when it is asked.
"""
MAX_RETENTION_DAYS: Final = 10_958
"""Thirty years, the longest that a standard can ask for: nobody keeps things for ever by adopting a text."""
SALT_BYTES: Final = 16
"""128 bits of salt, fresh for every member."""
MAX_BYTES: Final = 32_768
"""Bytes of a statement's disclosures together: as many as the statement itself may have."""
_ANYWHERE: Final = ("note", "attachments")
_WITHOUT: Final = frozenset({"ledger", "authority"})


@dataclass(frozen=True, slots=True)
class Member:
    """A private member: its class of data, who besides its recorder may see it, and the shape of its value."""

    kind: str
    audience: frozenset[str]
    shape: Shape


def _member(kind: str, audience: str, shape: Shape) -> Member:
    assert kind in CLASSES, f"the class {kind}"
    return Member(kind, frozenset(audience.split()), shape)


_LINE = text(120)
_FREE = text(8000)
_WHO = either(text(2000), mapping(either(text(500), many(text(200), 16))))
_AMOUNT = decimal(signed=True)
_MONEY = either(_AMOUNT, record({"amount": _AMOUNT}, {"currency": CURRENCY}))
_LINES = many(either(text(200), record({"what": text(200)}, {"amount": _AMOUNT, "quantity": QUANTITY})))
_FILES = many(
    record(
        {
            "name": pattern("[a-z0-9][a-z0-9._-]{0,63}", "a file's name"),
            "media_type": pattern("[a-z0-9][a-z0-9!#$&^_.+-]{0,63}/[a-z0-9][a-z0-9!#$&^_.+-]{0,63}", "a media type"),
            "size": integer(0, MAX_INTEGER),
            "sha256": pattern("[0-9a-f]{64}", "64 hex digits"),
        }
    ),
    32,
    at_least=1,
)

MEMBERS: Final[Mapping[str, Member]] = MappingProxyType(
    {
        "customer": _member("contact", "holder", _WHO),
        "place": _member("contact", "holder parties", _WHO),
        "tracking": _member("contact", "holder", _LINE),
        "price": _member("money", "holder auditor", _MONEY),
        "order_no": _member("money", "holder auditor", _LINE),
        "receipt_no": _member("money", "holder auditor", _LINE),
        "amount": _member("money", "holder case parties auditor", _MONEY),
        "currency": _member("money", "holder case parties auditor", CURRENCY),
        "lines": _member("money", "holder case parties auditor", _LINES),
        "up_to": _member("money", "holder case parties auditor", _MONEY),
        "cost": _member("money", "auditor", _MONEY),
        "difference": _member("money", "holder auditor", _MONEY),
        "refund": _member("money", "holder auditor", _MONEY),
        "reference": _member("description", "holder auditor", _LINE),
        "description": _member("description", "holder case parties auditor", _FREE),
        "comment": _member("description", "holder case parties auditor", _FREE),
        "note": _member("description", "holder case parties auditor", _FREE),
        "attachments": _member("media", "holder case parties auditor", _FILES),
    }
)
_NUMBER_OF: Final = {name: CLASSES.index(one.kind) for name, one in MEMBERS.items()}
_DESCRIPTION: Final = CLASSES.index("description")
_ALLOWED: Final[Mapping[str, tuple[str, ...]]] = MappingProxyType(
    {name: () if one.kinds <= _WITHOUT else (*one.private, *_ANYWHERE) for name, one in TYPES.items()}
)
assert {name for names in _ALLOWED.values() for name in names} == MEMBERS.keys(), "each private member has its line"


def allowed(type_name: str) -> tuple[str, ...]:
    """The private members that a statement of this type may have."""
    return _ALLOWED[type_name]


def class_of(member: str) -> str:
    """The class of data of a private member; one that this version does not know is somebody's description."""
    return CLASSES[number_of(member)]


def number_of(member: str) -> int:
    """The number of the class of data of a private member."""
    return _NUMBER_OF.get(member, _DESCRIPTION)


def make_disclosures(type_name: str, values: Mapping[str, Any], rand: Callable[[int], bytes]) -> tuple[str, ...]:
    """The disclosures of private members, each with a fresh salt; ``rand(n)`` gives n random bytes.

    Raises ``Invalid``, with a pointer below the members, for a name that the type does not have and a value out of
    shape. No message tells a value.
    """
    if not values:
        raise Invalid("got no private member, want one or more or none of it")
    for name, value in values.items():
        _check(type_name, name, value, f"/{name}")
    salts, raws = rand(SALT_BYTES * len(values)), []
    for number, (name, value) in enumerate(values.items()):
        salt = salts[SALT_BYTES * number : SALT_BYTES * (number + 1)]
        try:
            raws.append(disclosure.encode_member(name, value, salt))
        except Invalid as error:
            raise Invalid(f"got a value of {name} that the format does not allow", f"/{name}") from error
    made = disclosure.format_each(raws)
    _check_bytes(made)
    return tuple(made)


def make_digests(type_name: str, disclosures: Sequence[str], rand: Callable[[int], bytes]) -> tuple[str, ...]:
    """What ``_sd`` holds of these disclosures: their digests and decoys, sorted, as many as the type can have."""
    size = DIGEST_BYTES * max(0, len(allowed(type_name)) - len(disclosures))
    drawn, digests = rand(size), [disclosure.digest_bytes(one) for one in disclosures]
    decoys = [drawn[at : at + DIGEST_BYTES] for at in range(0, size, DIGEST_BYTES)]
    return tuple(sorted(disclosure.format_each(digests + decoys)))


def read_disclosures(type_name: str, sd: Sequence[str], disclosures: Sequence[str]) -> dict[str, Disclosure]:
    """The private members that an author's own disclosures open of its statement, by name.

    Raises ``Invalid``, with a pointer below the list, for one out of form, one whose digest is not in ``_sd``, a name
    that the type does not have or that comes twice, and a value out of shape.
    """
    members: dict[str, Disclosure] = {}
    for number, one in enumerate(disclosures):
        try:
            member = disclosure.parse_disclosure(one)
        except Malformed as error:
            raise Invalid(error.message, f"/{number}") from None
        if disclosure.digest(one) not in sd:
            raise Invalid("got a disclosure whose digest is not in the signed statement's _sd", f"/{number}")
        if member.name in members:
            raise Invalid(f"got two disclosures of {member.name}, want one", f"/{number}")
        _check(type_name, member.name, member.value, f"/{number}")
        members[member.name] = member
    _check_bytes(disclosures)
    return members


def by_class(names: Iterable[str], disclosures: Iterable[str]) -> dict[int, list[str]]:
    """Disclosures by the number of their class; ``names`` are those of their members, in the same order."""
    grouped: dict[int, list[str]] = {}
    for name, one in zip(names, disclosures, strict=True):
        grouped.setdefault(number_of(name), []).append(one)
    return grouped


def due_at(kind: str, recorded_at: str, retention: Mapping[str, Any] | None = None) -> int:
    """When one of ``ERASABLE``, recorded then, may be erased at the earliest, in microseconds since 1970.

    ``retention`` is that member of the standard in force: days by class; public files are kept as long as *media*. What
    is no number of days there is left to the built-in table, and nothing waits longer than ``MAX_RETENTION_DAYS``.
    """
    kind = "media" if kind == FILES else kind
    days = (retention or {}).get(kind)
    if type(days) is not int or days < 0:
        days = RETENTION_DAYS[kind]
    return times.parse_recorded(recorded_at) + min(days, MAX_RETENTION_DAYS) * times.DAY


def _check(type_name: str, name: str, value: Any, pointer: str) -> None:
    names = allowed(type_name)
    if name not in names:
        want = f"one of {', '.join(names)}" if names else "none in this type"
        raise Invalid(f"got a private member {name[:64]!r}, want {want}", pointer)
    shape = MEMBERS[name].shape
    try:
        unknown = shape.check(value)
    except Invalid as error:
        # The shape's own message may repeat a word of the value.
        raise Invalid(f"got a value of {name} out of form, want {shape.says}", pointer + error.pointer) from None
    if unknown:
        raise Invalid(f"got an unknown member in {name}, want {shape.says}", pointer)


def _check_bytes(disclosures: Sequence[str]) -> None:
    size = sum(map(len, disclosures))
    if size > MAX_BYTES:
        raise Invalid(f"got private members of {size} bytes, want at most {MAX_BYTES}")
